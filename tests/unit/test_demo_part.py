# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of the demo that is given orders: what it says when it waits in vain."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from app.entry.demo_part import Part, PartFailed

PROGRAM = """
from PySide6.QtCore import QCoreApplication

from app.entry.demo_driver import Driver


def never():
    print("it began", flush=True)
    yield lambda: False
    return {}


def at_once():
    yield lambda: True
    return {"ready": True}


app = QCoreApplication([])
driver = Driver({"never": never, "at_once": at_once}, app.quit, app)
app.exec()
"""


def test_an_order_that_is_not_answered_in_time_says_the_line_where_it_waits_and_the_next_is_carried_out(
    tmp_path: Path,
) -> None:
    """Who reads the failure of a long journey knows what was missing without playing it again."""
    program = tmp_path / "customer.py"
    program.write_text(PROGRAM)
    environment = dict(os.environ) | {"PYTHONPATH": str(Path(__file__).parents[2]), "QT_QPA_PLATFORM": "offscreen"}
    part = Part("customer", [sys.executable, str(program)], tmp_path / "log", environment, 30.0)
    try:
        assert part.order("at_once") == {"done": "at_once", "ready": True}
        with pytest.raises(PartFailed, match=r"no answer to 'never' within 1 s; waits in never, line 9 of customer.py"):
            part.order("never", timeout_s=1.0)
        assert part.order("at_once")["ready"] is True
    finally:
        part.stop()
