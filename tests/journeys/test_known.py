# SPDX-License-Identifier: GPL-3.0-or-later
"""A fact card from a computer without a network to a desktop without one: real programs, this very computer's facts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server and both clients."""
    made = Stage(tmp_path_factory.mktemp("known"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_what_a_customer_tells_without_a_network_is_on_the_ticket_of_an_agent_without_one(stage: Stage) -> None:
    """It outlives both programs; what the customer kept back never left, what was typed is there."""
    stage.server.stop()
    asked = stage.companion.order("ask_with_facts", subject="화면이 꺼져요", serial="5cd 77", keep_back="network")
    assert asked["facts"]["os"]
    assert asked["facts"]["free_disk"]
    assert asked["kept_back"]
    stage.restart("companion")
    assert stage.companion.order("waits_here")["waiting"] == ["화면이 꺼져요"]
    stage.server.start_again()
    stage.companion.order("resume")
    stage.agent.order("strip", phase="live")
    stage.agent.order("open", ticket=asked["ticket"])
    stage.server.stop()
    stage.restart("agent")
    stage.agent.order("reopened")
    stage.agent.order("strip", phase="offline")
    stage.agent.order("open", ticket=asked["ticket"])
    words = stage.agent.order("card")["words"]
    for name, value in asked["facts"].items():
        assert (value.replace(" ", "").upper() if name == "serial" else value) in words
    assert not any(asked["kept_back"] in text for text in words)
    assert any(text.startswith("Told by the customer's computer on") for text in words)
    raw = b"".join(path.read_bytes() for path in stage.server.database.parent.glob("*.db*"))
    assert asked["kept_back"].encode() not in raw
