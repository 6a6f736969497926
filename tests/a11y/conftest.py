# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests from outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.entry.demo_server import DemoServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DemoServer]:
    """A server with small sample data and a customer's enrolment link."""
    made = DemoServer(tmp_path / "server", "small", behind=False)
    made.start()
    yield made
    made.stop()
