# SPDX-License-Identifier: GPL-3.0-or-later
"""A customer without account or program: writes, follows by a secret link, replies; and nobody else gets in."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from httpx import Response
from litestar.testing import TestClient

from app.domain.changes import TicketSet
from app.domain.entities import CONTACT_ADDRESS, CUSTOMER, MESSAGE, NOTE, STATE, TICKET
from sync.server.blobs import Blobs
from sync.server.portal.portal import build_portal
from sync.server.portal.words import TEXTS, language_of, words
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.waiting import Waiting
from sync.server.web.app import build_app
from tests.server.world import World

ASKED = {
    "name": "민서연",
    "mail": "seoyeon@example.org",
    "phone": "",
    "subject": "화면이 멈춥니다",
    "body": "저장하면 멈춥니다.\n다시 켜도 같습니다.",
}


class Visitor:
    """Somebody with a browser that runs no script."""

    def __init__(self, client: TestClient[Any], lang: str = "en") -> None:
        self.client = client
        self.lang = lang
        self.link = ""

    def get(self, path: str, **more: Any) -> Response:
        return self.client.get(path, params={"lang": self.lang}, follow_redirects=True, **more)

    def mark(self, page: Response, action: str) -> str:
        """What the form for this address carries."""
        form = page.text.split(f'action="{action}', 1)[1]
        found = re.search(r'name="form" value="([^"]*)"', form)
        assert found
        return found[1]

    def send(self, path: str, fields: dict[str, str], files: list[tuple[str, bytes, str]] | None = None) -> Response:
        sent = [("files", each) for each in files or []]
        address = f"{path}?lang={self.lang}"
        return self.client.post(address, data=fields, files=sent or None, follow_redirects=False)

    def write(
        self, fields: dict[str, str] | None = None, files: list[tuple[str, bytes, str]] | None = None
    ) -> Response:
        mark = self.mark(self.get("/help/write"), "/help/write")
        answer = self.send("/help/write", {**ASKED, **(fields or {}), "form": mark}, files)
        if answer.status_code == 303:
            self.link = answer.headers["location"].split("?")[0]
        return answer

    def page(self) -> Response:
        return self.get(self.link)

    def reply(self, body: str, **more: Any) -> Response:
        mark = self.mark(self.page(), f"{self.link}/reply")
        return self.send(f"{self.link}/reply", {"body": body, "form": mark, "live": ""}, more.get("files"))


@pytest.fixture
def visitor(desk: World) -> Visitor:
    """A customer of a help desk without a place for files."""
    return Visitor(desk.client)


@pytest.fixture
def with_files(desk: World, tmp_path: Path) -> Iterator[Visitor]:
    """A customer of a help desk that takes files."""
    blobs = Blobs(desk.store, tmp_path / "blobs", desk.clock, desk.keys.attachments)
    portal = build_portal(desk.store, desk.keys, blobs, desk.rng, Waiting(desk.store))
    with TestClient(
        build_app(replace(desk.parts, blobs=blobs, portal=portal)), raise_server_exceptions=False
    ) as client:
        yield Visitor(client)


def rows(desk: World, entity: Any) -> list[dict[str, Any]]:
    """All rows of an entity."""
    with desk.store.read() as cx:
        return [dict(row) for row in cx.execute(sa.select(ENTITY_TABLES[entity.number])).mappings()]


def ticket_of(desk: World) -> dict[str, Any]:
    """The one ticket that came by the portal."""
    (found,) = [row for row in rows(desk, TICKET) if row["channel"] == "portal"]
    return found


def set_state(desk: World, ticket: bytes, category: str, **more: Any) -> None:
    """Let an agent put a ticket into a state."""
    state = next(row["id"] for row in rows(desk, STATE) if row["category"] == category)
    agent = desk.agent()
    assert agent.do(TicketSet(agent.fresh(), ticket, {"state": bytes(state), **more}))[0] == "ok"


def answered(desk: World, ticket: bytes, body: str) -> None:
    """Let an agent answer."""
    agent = desk.agent()
    assert agent.do(agent.reply(ticket, body))[0] == "ok"


def test_a_request_becomes_a_ticket_and_its_link_shows_it(desk: World, visitor: Visitor) -> None:
    """Without account, cookie or script; only the hash of the link is kept."""
    answer = visitor.write()
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers
    page = visitor.get(answer.headers["location"] + "&fresh=request")
    assert page.status_code == 200
    assert "화면이 멈춥니다" in page.text
    assert "다시 켜도 같습니다." in page.text
    ticket = ticket_of(desk)
    assert ticket["number"] is not None
    assert f"#{ticket['number']}" in page.text
    (customer,) = [row for row in rows(desk, CUSTOMER) if row["name"] == "민서연"]
    assert bytes(ticket["customer"]) == bytes(customer["id"])
    assert [row["value"] for row in rows(desk, CONTACT_ADDRESS) if row["customer"] == customer["id"]] == [
        "seoyeon@example.org"
    ]
    secret = visitor.link.rsplit("/", 1)[1]
    with desk.store.read() as cx:
        kept = cx.execute(sa.select(SYSTEM.portal_link)).one()
    assert secret.encode() not in bytes(kept.hash)
    assert len(secret) >= 43


def test_what_was_sent_twice_is_one_request_with_one_link(desk: World, visitor: Visitor) -> None:
    """A press too many, or a page sent again after a lost answer."""
    mark = visitor.mark(visitor.get("/help/write"), "/help/write")
    first, second = (visitor.send("/help/write", {**ASKED, "form": mark}) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert ticket_of(desk)


def test_a_reply_reaches_the_ticket_once_and_an_answer_shows_on_the_page(desk: World, visitor: Visitor) -> None:
    """The conversation stands on one page for both."""
    visitor.write()
    mark = visitor.mark(visitor.page(), f"{visitor.link}/reply")
    for _ in range(2):
        assert visitor.send(f"{visitor.link}/reply", {"body": "아직도 멈춥니다.", "form": mark}).status_code == 303
    ticket = bytes(ticket_of(desk)["id"])
    assert [row["body"] for row in rows(desk, MESSAGE) if bytes(row["ticket"]) == ticket].count("아직도 멈춥니다.") == 1
    answered(desk, ticket, "지금 보고 있습니다.")
    page = visitor.page().text
    assert "지금 보고 있습니다." in page
    assert "김지우" in page
    assert "아직도 멈춥니다." in page


def test_notes_and_other_peoples_words_never_stand_on_the_page(desk: World, visitor: Visitor) -> None:
    """Only messages of this ticket."""
    other = Visitor(desk.client)
    other.write({"subject": "다른 일", "body": "비밀 이야기"})
    visitor.write()
    ticket = bytes(next(row["id"] for row in rows(desk, TICKET) if row["subject"] == ASKED["subject"]))
    agent = desk.agent()
    assert agent.do(agent.note(ticket, "고객은 모르는 메모"))[0] == "ok"
    page = visitor.page().text
    assert "메모" not in page
    assert "비밀 이야기" not in page


def test_an_address_that_somebody_has_opens_no_door_to_that_customer(desk: World, visitor: Visitor) -> None:
    """The request is of a new customer; staff read that the address is known, its writer learns nothing."""
    answer = visitor.write({"mail": "yerin@example.com"})
    assert answer.status_code == 303
    ticket = ticket_of(desk)
    assert bytes(ticket["customer"]) != desk.customer
    (note,) = [row for row in rows(desk, NOTE) if row["ticket"] == ticket["id"]]
    assert "yerin@example.com" in note["body"]
    page = visitor.page().text
    assert "yerin@example.com" not in page
    stranger = Visitor(desk.client)
    stranger.write({"mail": "nobody@example.org"})
    states = [re.findall(r'id="state">([^<]*)<', text) for text in (page, stranger.page().text)]
    assert states == [["New"], ["New"]]  # nor does the state tell whether an address is known


def test_markup_in_any_field_is_shown_as_the_text_it_is(visitor: Visitor) -> None:
    """Scripts of strangers run nowhere, and what looks like a template is none."""
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}{% raw %}"
    assert visitor.write({"subject": evil, "body": evil, "name": evil[:80]}).status_code == 303
    again = visitor.send("/help/write", {"subject": evil, "body": evil, "name": evil, "mail": evil, "form": "wrong"})
    for page in (visitor.page().text, again.text):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert html.escape("{{ 7*7 }}{% raw %}") in page


def test_what_is_missing_is_said_beside_what_was_written(visitor: Visitor) -> None:
    """Nothing has to be typed again."""
    answer = visitor.write({"subject": " ", "mail": "no address", "name": ""})
    assert answer.status_code == 422
    for name in ("wrong_subject", "wrong_mail", "wrong_name"):
        assert words("en")[name] in html.unescape(answer.text)
    assert "다시 켜도 같습니다." in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_a_page_that_lay_open_too_long_keeps_the_words_and_asks_to_send_again(desk: World, visitor: Visitor) -> None:
    """Also a mark that nobody made, or one of another page."""
    mark = visitor.mark(visitor.get("/help/write"), "/help/write")
    desk.clock.forward(25 * 3600)
    for text in (mark, "", "A" * 48, "ü", mark[:-1] + ("A" if mark[-1] != "A" else "B")):
        answer = visitor.send("/help/write", {**ASKED, "form": text})
        assert answer.status_code == 422
        assert words("en")["stale"] in html.unescape(answer.text)
        assert "다시 켜도 같습니다." in answer.text
    fresh = visitor.mark(answer, "/help/write")
    assert visitor.send("/help/write", {**ASKED, "form": fresh}).status_code == 303


def test_what_another_sites_page_sends_is_not_taken(desk: World, visitor: Visitor) -> None:
    """By the browser's own word, or by the origin of older ones."""
    mark = visitor.mark(visitor.get("/help/write"), "/help/write")
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ):
        answer = desk.client.post("/help/write", data={**ASKED, "form": mark}, headers=headers)
        assert answer.status_code == 403
    assert not [row for row in rows(desk, TICKET) if row["channel"] == "portal"]
    answer = desk.client.post(
        "/help/write", data={**ASKED, "form": mark}, headers={"sec-fetch-site": "same-origin"}, follow_redirects=False
    )
    assert answer.status_code == 303


def test_every_page_lets_nothing_foreign_in(desk: World, visitor: Visitor) -> None:
    """Strict policy, no cookie, no frame, all that is named comes from this server; in both languages."""
    visitor.write()
    for lang in ("ko", "en"):
        for path in ("/help", "/help/write", visitor.link, "/help/nothing/here"):
            page = desk.client.get(path, params={"lang": lang})
            policy = page.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert "set-cookie" not in page.headers
            assert f'<html lang="{lang}">' in page.text
            assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", page.text)
            for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
                assert address.startswith(("/", "?", "#")), address
                if address.startswith(("/help/static", "/join/")):
                    assert desk.client.get(address).status_code == 200


def test_unknown_links_are_not_found_and_many_of_them_are_stopped_while_right_ones_open(
    desk: World, visitor: Visitor
) -> None:
    """Also for people who share the guesser's address."""
    visitor.write()
    wrong = visitor.link[:-1] + ("A" if visitor.link[-1] != "A" else "Q")
    told = [desk.client.get(wrong).status_code for _ in range(30)]
    assert told[:20] == [404] * 20
    assert set(told[20:]) == {429}
    assert visitor.page().status_code == 200
    desk.clock.forward(901)
    assert desk.client.get(wrong).status_code == 404


def test_a_flood_from_one_place_is_stopped_and_nothing_written_is_lost(desk: World, visitor: Visitor) -> None:
    """The form stays with its words; later it is taken."""
    told = [visitor.write({"subject": f"문의 {n}"}).status_code for n in range(31)]
    assert told == [303] * 30 + [429]
    desk.clock.forward(301)
    assert visitor.write().status_code == 303


def test_files_come_along_and_only_the_links_reader_and_staff_get_them(desk: World, with_files: Visitor) -> None:
    """As downloads, whatever they claim to be."""
    evil = b"<html><script>alert(1)</script></html>"
    files = [("../../화면.html", evil, "text/html"), ("empty.txt", b"", "text/plain")]
    assert with_files.write(files=files).status_code == 303
    page = with_files.page().text
    (address,) = re.findall(r'href="(/help/t/[^"]*/file/[^"]*)"', page)
    assert "화면.html" in page
    assert ".." not in address
    got = with_files.client.get(address)
    assert got.content == evil
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["content-type"].startswith("application/octet-stream")
    assert "sandbox" in got.headers["content-security-policy"]
    other = Visitor(with_files.client)
    other.write()
    foreign = address.replace(with_files.link, other.link)
    assert with_files.client.get(foreign).status_code == 404
    assert with_files.client.get(address[:-1] + "1").status_code == 404


def test_too_many_or_too_large_files_are_named_and_a_huge_body_is_refused(with_files: Visitor) -> None:
    """Before it fills the memory."""
    many = [(f"{n}.txt", b"x", "text/plain") for n in range(6)]
    answer = with_files.write(files=many)
    assert answer.status_code == 422
    assert html.escape(words("en")["many_files"]) in answer.text
    large = with_files.write(files=[("a.bin", b"x" * ((10 << 20) + 1), "application/pdf")])
    assert large.status_code == 422
    assert html.escape(words("en")["large_file"]) in large.text
    huge = with_files.client.post("/help/write", data={"body": "x"}, headers={"content-length": str(1 << 40)})
    assert huge.status_code in (400, 413)


def test_broken_forms_are_answered_in_words(visitor: Visitor) -> None:
    """Never with an error of ours."""
    kinds = (
        "multipart/form-data",
        "multipart/form-data; boundary=b",
        "application/x-www-form-urlencoded",
        "text/plain",
    )
    for kind in kinds:
        for sent in (b"", b"\x00\xff", b"--b\r\n\r\n", b"a=" + b"%" * 1000):
            answer = visitor.client.post("/help/write", content=sent, headers={"content-type": kind})
            assert 400 <= answer.status_code < 500
            assert "<h1>" in answer.text


def test_words_on_a_closed_ticket_open_a_new_one_with_its_own_link(desk: World, visitor: Visitor) -> None:
    """The old link still shows the old conversation."""
    visitor.write()
    ticket = bytes(ticket_of(desk)["id"])
    set_state(desk, ticket, "closed", close_reason="test")
    before = visitor.link
    answer = visitor.reply("또 멈춥니다.")
    assert answer.status_code == 303
    new = answer.headers["location"].split("?")[0]
    assert new != before
    assert "또 멈춥니다." in visitor.get(new).text
    assert "또 멈춥니다." not in visitor.get(before).text


def test_all_texts_are_said_in_both_languages() -> None:
    """Nothing falls back to English for a Korean reader."""
    korean = words("ko")
    assert not [name for name in TEXTS if hasattr(korean, name)]  # templates would take the mapping's own for it
    assert {name for name in TEXTS if korean[name] == TEXTS[name]} == set()
    assert language_of("", "fr;q=0.9, ko;q=0.5, en;q=0.4") == "ko"
    assert language_of("en", "ko") == "en"
    assert language_of("", "ko;q=x,") == "en"
