# SPDX-License-Identifier: GPL-3.0-or-later
"""Diagnostics from the agent's press to the ticket: real programs, this very computer's facts, a real server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from tests.fakes.wait import wait_until
from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server and both clients."""
    made = Stage(tmp_path_factory.mktemp("facts"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_what_the_customer_saw_and_sent_is_what_the_agent_reads_and_the_ticket_keeps(stage: Stage) -> None:
    """Twice in one session: the second time with what changed since the first, and without the line kept back."""
    stage.share()
    for count in (1, 2):
        stage.agent.order("ask_facts")
        sent = stage.companion.order("send_facts")
        read = stage.agent.order("facts", notes=count)
        assert read["exact"] == sent["exact"]
        assert read["problem"] == ""
        assert read["sha256"] == hashlib.sha256(sent["exact"].encode()).hexdigest()
        first = json.loads(sent["exact"])["sections"][0]
        assert (first["struck"], sent["line"] in json.dumps(first["items"], ensure_ascii=False)) == (1, False)
    assert "since" in read["since"]
    assert "no earlier bundle" not in read["note"]
    over = stage.agent.order("session")
    stage.agent.order("wait_sent")
    wait_until(lambda: stage.record_of(over["sid"]).count("diagnostics") == 4, 60)
    stage.agent.order("end_session")
    ended = stage.companion.order("session", over=True)
    assert any("diagnostics" not in words for words in ended["summary"])
    stage.finish()
