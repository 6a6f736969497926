# SPDX-License-Identifier: GPL-3.0-or-later
"""The program as it is started: from outside its window is painted, has its list, and follows a key."""

from __future__ import annotations

import pytest

from tests.bench import _desk_data, start
from tests.fakes.xvfb import available


@pytest.mark.slow
@pytest.mark.x11
@pytest.mark.ux("UX-02")
def test_a_start_leads_to_a_list_that_follows_a_key_though_the_server_never_answers() -> None:
    """Each figure is there, whatever it is on this machine: `make bench` compares it with its goal."""
    if not available():
        pytest.skip("needs the package xvfb")
    # a number of tickets that no other test asks for: two at work on one computer would take each other's file away
    report = start.measure(_desk_data.prepared(1_501, 5_000, "small"), None, rounds=1, cold=False)
    figures = report["figures"]
    assert 0 < figures["first_paint_s"] <= figures["usable_s"]
    assert {gate["id"] for gate in report["gates"]} == {"first_paint_s", "usable_s"}
