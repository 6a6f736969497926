# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms before they are requests: answers that fit are offered, and floods of forms keep nobody else's words out."""

from __future__ import annotations

import asyncio
import html
from contextlib import AsyncExitStack

import pytest

from app.domain.entities import TICKET
from sync.server.portal import places as timing
from sync.server.portal.errors import PageError
from sync.server.portal.places import WORDS_BYTES, Places
from sync.server.publishing import publish
from tests.server.test_portal import ASKED, Visitor, rows
from tests.server.test_portal import visitor as visitor  # a fixture
from tests.server.test_portal import with_files as with_files  # a fixture
from tests.server.world import World

FREEZES = {
    "title_ko": "화면이 멈출 때", "body_ko": "잠시 기다립니다.", "title_en": "The window stands still",
    "body_en": "Wait.", "state": "published",
}  # fmt: skip


def _articles(desk: World) -> None:
    hidden = {**FREEZES, "title_en": "The window stands: for staff", "audience": "staff"}
    publish(desk.store, desk.clock(), {}, "", {"freezes": FREEZES, "hidden": hidden}, {})


def _sent(desk: World) -> int:
    return sum(row["channel"] == "portal" for row in rows(desk, TICKET))


def test_answers_that_fit_are_offered_before_a_request_is_sent_and_nothing_is_lost_or_kept(
    desk: World, visitor: Visitor
) -> None:
    """Without scripts by a button beside Send; the same form is then sent, once."""
    _articles(desk)
    mark = visitor.mark(visitor.get("/help/write"), "/help/write")
    asked = {**ASKED, "subject": "The window stands still", "form": mark}
    looked = visitor.send("/help/write", {**asked, "look": "1"})
    assert looked.status_code == 200
    text = html.unescape(looked.text)
    assert "This may answer it already" in text
    assert "The window stands still</a>" in text
    assert "for staff" not in text
    assert ASKED["body"].split("\n")[1] in text
    assert _sent(desk) == 0
    again = {**asked, "form": visitor.mark(looked, "/help/write")}
    assert visitor.send("/help/write", again).status_code == 303
    assert visitor.send("/help/write", asked).status_code == 303
    assert _sent(desk) == 1
    nothing = visitor.send("/help/write", {**asked, "subject": "Zebra", "body": "Zebra", "look": "1"})
    assert "We found no answer that fits" in nothing.text


def test_while_somebody_writes_what_fits_comes_by_itself_and_no_address_has_the_words(
    desk: World, visitor: Visitor
) -> None:
    """A part of the page for its script; markup in it is text, and other sites may not ask."""
    _articles(desk)
    evil = "<img src=x onerror=alert(1)> window stands"
    part = visitor.send("/help/write/fits", {"subject": evil})
    assert "The window stands still</a>" in part.text
    assert "<img" not in part.text
    assert visitor.send("/help/write/fits", {"subject": "Zebra"}).text.strip() == ""
    foreign = visitor.client.post(
        "/help/write/fits", data={"subject": evil}, headers={"sec-fetch-site": "cross-site"}
    )  # fmt: skip
    assert foreign.status_code == 403
    assert visitor.send("/help/write/fits", {"body": "a" * (WORDS_BYTES + 1)}).status_code == 413


def test_after_many_refused_forms_no_more_files_are_read_from_there_and_words_still_arrive(
    desk: World, with_files: Visitor
) -> None:
    """A colleague behind the same address is not locked out; a little later files are taken again."""
    large = [("a.bin", b"\0" * (WORDS_BYTES + 1), "application/octet-stream")]
    for _ in range(60):
        assert with_files.send("/help/write", {**ASKED, "form": "guessed"}).status_code == 422
    refused = with_files.write(files=large)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert "send your words without files" in refused.text
    assert with_files.write().status_code == 303
    assert with_files.reply("noch etwas").status_code == 303
    desk.clock.forward(301)
    assert with_files.write({"subject": "mit Datei"}, files=large).status_code == 303
    assert _sent(desk) == 2


def test_forms_that_other_sites_send_through_a_customers_browser_are_not_held_against_the_customer(
    desk: World, with_files: Visitor
) -> None:
    """Else any page could keep its visitors from sending files."""
    for _ in range(80):
        answer = with_files.client.post("/help/write", data=ASKED, headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403
    large = [("a.bin", b"\0" * (WORDS_BYTES + 1), "application/octet-stream")]
    assert with_files.write(files=large).status_code == 303


def test_whoever_sends_slowly_holds_places_of_its_own_and_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred connections that never end leave room for others; in time each is given up."""
    large = 26 << 20

    async def run() -> None:
        places = Places()

        async def hold(size: int | None) -> None:
            async with places.place("hostile", size):
                await asyncio.Event().wait()

        held = [asyncio.ensure_future(hold(size)) for size in (large, None, 10) for _ in range(100)]
        await asyncio.sleep(0)
        async with AsyncExitStack() as others:
            for n in range(2):
                await others.enter_async_context(places.place(f"customer {n}", large))
            for n in range(40):
                await others.enter_async_context(places.place(f"customer {n}", 2000))
        for each in held:
            each.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        assert not places._own, "nothing is kept of who was there"
        monkeypatch.setattr(timing, "_SPARE_S", 0.0)
        with pytest.raises(PageError) as slow:
            await hold(0)
        assert (slow.value.status, slow.value.problem.code) == (408, "slow_line")

    asyncio.run(run())
