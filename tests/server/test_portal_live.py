# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal on a real port: an answer appears by itself, and a real Chromium writes, chats and reads."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.domain.entities import MESSAGE
from sync.server.store import Store, sqlite_url
from tests.fakes.chromium import browser, program
from tests.fakes.wait import wait_until
from tests.server.serving import serving
from tests.server.test_portal import Visitor, answered, rows, ticket_of
from tests.server.world import World


class Line(World):
    """A help desk that listens on a port."""

    stop_serving: Callable[[], None]


@pytest.fixture
def line(_filled: Path, tmp_path: Path) -> Iterator[Line]:
    """A help desk that listens; whoever speaks to it does so over the network of this machine."""
    shutil.copy(_filled, tmp_path)
    store = Store.open(sqlite_url(tmp_path))
    desk = Line(store)
    with serving(desk.parts) as (client, desk.stop_serving):
        desk.client = client  # type: ignore[assignment]  # the same verbs
        yield desk


class Events:
    """What the live line of a ticket says, read in a thread."""

    def __init__(self, desk: World, link: str) -> None:
        self.heard: list[str] = []
        self.marks: list[str] = []
        self.status = 0
        self.ended = False
        base = str(desk.client.base_url)
        self._thread = threading.Thread(target=self._read, args=(f"{base}{link}/live",), daemon=True)
        self._thread.start()

    def _read(self, address: str) -> None:
        with httpx.stream("GET", address, timeout=30) as answer:
            self.status = answer.status_code
            for text in answer.iter_lines():
                if text.startswith("event: "):
                    self.heard.append(text.removeprefix("event: "))
                elif text.startswith("data: ") and self.heard[-1] == "moved":
                    self.marks.append(text.removeprefix("data: "))
        self.ended = True


def test_an_answer_is_heard_on_the_live_line_and_nothing_of_what_it_says(line: Line) -> None:
    """Each state is told once, by the mark that the conversation shows, so that it is read once; the first for pages
    that come back. News of other tickets of the same team are not told; a wrong link hears nothing at all.
    """
    visitor = Visitor(line.client)
    visitor.write()
    ticket = bytes(ticket_of(line)["id"])
    events = Events(line, visitor.link)
    wait_until(lambda: "here" in events.heard, 10)
    Visitor(line.client).write({"subject": "다른 문의"})
    answered(line, ticket, "지금 보고 있습니다.")
    wait_until(lambda: len(events.marks) == 2, 10)
    lines = visitor.get(f"{visitor.link}/lines").text
    assert "지금 보고 있습니다." in lines
    assert f'data-mark="{events.marks[1]}"' in lines
    assert events.marks[0] != events.marks[1]
    assert events.heard.count("moved") == 2
    wrong = Events(line, visitor.link[:-1] + ("A" if visitor.link[-1] != "A" else "Q"))
    wait_until(lambda: wrong.ended, 10)
    assert (wrong.status, wrong.heard) == (204, [])


def test_a_live_line_ends_when_the_server_stops(line: Line) -> None:
    """So that a restart does not wait for open pages; the browser comes back by itself."""
    visitor = Visitor(line.client)
    visitor.write()
    events = Events(line, visitor.link)
    wait_until(lambda: "here" in events.heard, 10)
    line.stop_serving()
    wait_until(lambda: events.ended, 10)


def fill(page: Any, fields: dict[str, str]) -> None:
    """Type into the fields of a page."""
    for name, text in fields.items():
        page.run(f"document.getElementById({name!r}).value = {text!r}")


@pytest.mark.slow
@pytest.mark.skipif(program() is None, reason="Chromium is not installed")
def test_a_customer_writes_chats_and_answers_in_a_real_browser(line: Line, tmp_path: Path) -> None:
    """Nothing on the page is refused by its own policy; the agent's answer appears without a press."""
    base = str(line.client.base_url).rstrip("/")
    with browser(tmp_path / "profile") as page:
        page.open(f"{base}/help/write?lang=en")
        fill(page, {"subject": "It freezes", "body": "When I save", "name": "Tom", "mail": "tom@example.org"})
        page.press("Send")
        wait_until(lambda: "We have your request." in page.text(), 20)
        ticket = bytes(ticket_of(line)["id"])
        wait_until(lambda: not page.run("document.getElementById('live').hidden"), 20)
        answered(line, ticket, "I look at it now.")
        wait_until(lambda: "I look at it now." in page.text(), 20)
        page.run("window.untouched = true")
        fill(page, {"reply": "Thank you, I wait."})
        page.press("Send")
        wait_until(lambda: "Thank you, I wait." in page.run("document.getElementById('lines').innerText"), 20)
        assert page.run("window.untouched") is True  # the page was not left
        chat = [row for row in rows(line, MESSAGE) if row["body"] == "Thank you, I wait."]
        assert [row["channel"] for row in chat] == ["chat"]
        assert [entry for entry in page.log if "Content Security Policy" in entry or "exception" in entry.lower()] == []
