# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo's own report lets pass: all tickets of the size that was asked for, and no fewer."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.entry.demo_report import Report, least_tickets

_FEWER = "fewer tickets than expected"


@pytest.mark.parametrize(("size", "least"), [("small", 300), ("demo", 5_000), ("large", 100_000)])
def test_a_demo_of_any_size_passes_when_all_its_tickets_came(tmp_path: Path, size: str, least: int) -> None:
    """A small one does not wait for the tickets of a large one, and the usual one brings 5,000."""
    for arrived, missing in ((least, False), (least - 1, True)):
        report = Report(tmp_path, least_tickets(size))
        report.data["tickets_synced"] = arrived
        assert (_FEWER in report.finish(refused=False)) is missing
