# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench of the agent's window works: everything it measures happens, while the server never answers."""

from __future__ import annotations

import pytest

from tests.bench import _desk_data, ui
from tests.fakes.xvfb import available


@pytest.mark.slow
@pytest.mark.x11
@pytest.mark.ux("UX-01", "UX-03", "UX-06")
def test_lists_tickets_hits_and_changes_are_painted_though_the_server_never_answers() -> None:
    """Each figure is there, whatever it is on this machine: `make bench` compares it with its goal."""
    if not available():
        pytest.skip("needs the package xvfb")
    desk = _desk_data.prepared(1_500, 5_000, "small")
    report = ui.measure(desk, rounds=1, words=(("결", "제"), ("p", "r", "i", "n", "t")), events=40)
    figures = report["figures"]
    assert figures["failed"] == {}
    assert {gate["id"] for gate in report["gates"] if gate["value"] is None} == set()
    assert figures["rows"] == 1_500
    assert figures["ticket_items"] >= _desk_data.LONG_MESSAGES
    assert figures["hits"]["결제"] > 0
    assert figures["heartbeat"]["beats"] > 100
