# SPDX-License-Identifier: GPL-3.0-or-later
"""Clipboard and chat between real programs: a real server, both windows, and what is left of it on the ticket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.wait import wait_until
from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow

COMMAND = "ipconfig /all\nexit"
SERIAL = "일련번호 7K-4410-0098"


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server and both clients."""
    made = Stage(tmp_path_factory.mktemp("texts"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_texts_go_by_a_click_each_and_the_chat_is_a_note_on_the_ticket(stage: Stage) -> None:
    """One text each way, chat before, in and after a pause; then the note, and clipboard texts nowhere."""
    stage.share()
    agent, customer = stage.agent, stage.companion
    agent.order("give_text", text=COMMAND)
    landed = customer.order("allow_text")
    assert (landed["shown"], landed["clipboard"]) == (COMMAND, COMMAND)
    agent.order("text_given")
    customer.order("copy", text=SERIAL)
    agent.order("get_text")
    assert customer.order("send_text")["read"] == SERIAL
    came = agent.order("text_came")
    assert (came["text"], came["copied"]) == (SERIAL, SERIAL)
    assert came["before"] != SERIAL

    agent.order("write_chat", text="안녕하세요")
    customer.order("answer_chat", text="네, 보입니다")
    assert agent.order("read_chat", texts=2)["texts"] == ["안녕하세요", "네, 보입니다"]
    customer.order("hold", on=True)
    agent.order("write_chat", text="천천히 하세요")
    waiting = agent.order("read_chat", texts=3, sent=False)
    assert "sent when it goes on" in waiting["state"]
    assert len(customer.order("see_chat", texts=2)["texts"]) == 2
    customer.order("hold", on=False)
    agent.order("read_chat", texts=3)
    assert customer.order("see_chat", texts=3)["texts"][-1] == "천천히 하세요"

    sid = agent.order("session")["sid"]
    agent.order("end_session")
    note = agent.order("newest_note", begins="Chat during the screen sharing")["note"]
    assert all(text in note for text in ("안녕하세요", "네, 보입니다", "천천히 하세요"))
    assert SERIAL not in note
    agent.order("wait_sent")
    wait_until(lambda: stage.on_server(note) == 1, 60)
    wait_until(lambda: stage.record_of(sid).count("clipboard") == 2, 60)
    customer.order("session", over=True)
    stage.finish()
    for log in (*stage.folder.glob("*.log"), *stage.folder.rglob("logs/*")):
        said = log.read_bytes()
        assert not any(text.encode() in said for text in (COMMAND, SERIAL, "안녕하세요", "네, 보입니다")), log
