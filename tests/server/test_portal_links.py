# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret links that end: a customer renews or withdraws one, and what others have of it opens nothing at once."""

from __future__ import annotations

import html

from app.domain.entities import NOTE
from tests.server.test_portal import Visitor, answered, rows, ticket_of
from tests.server.test_portal import visitor as visitor  # a fixture
from tests.server.world import World


def _link_form(visitor: Visitor, deed: str) -> dict[str, str]:
    return {"form": visitor.mark(visitor.page(), f"{visitor.link}/{deed}")}


def test_a_new_link_opens_the_same_request_and_the_old_one_nothing_at_once(desk: World, visitor: Visitor) -> None:
    """Its page, its files, its live line and every form that was handed out with it; staff read that it was done."""
    visitor.write()
    old, marks = visitor.link, {"form": visitor.mark(visitor.page(), f"{visitor.link}/reply"), "body": "von wem?"}
    mine = _link_form(visitor, "renew")
    answer = visitor.send(f"{old}/renew", mine)
    assert answer.status_code == 303
    new = answer.headers["location"].split("?")[0]
    assert new != old
    page = visitor.get(answer.headers["location"])
    assert "화면이 멈춥니다" in page.text
    for path in (old, f"{old}/lines"):
        assert visitor.get(path).status_code == 404
    assert visitor.get(f"{old}/live").status_code == 204
    assert visitor.send(f"{old}/reply", marks).status_code == 404
    again = visitor.send(f"{old}/renew", mine)  # a double click: its sender sees the second answer
    assert again.headers["location"].split("?")[0] == new
    visitor.link = new
    assert visitor.reply("ich bin es").status_code == 303
    assert [row["body"].count("The customer made a new secret link") for row in rows(desk, NOTE)] == [1]
    answered(desk, bytes(ticket_of(desk)["id"]), "Gern.")
    assert "Gern." in visitor.page().text


def test_a_withdrawn_link_opens_nothing_and_support_keeps_the_request(desk: World, visitor: Visitor) -> None:
    """Also sent twice; another customer's link stays as it is."""
    other = Visitor(desk.client)
    other.write({"mail": "other@example.org", "subject": "anderes"})
    visitor.write()
    mine = _link_form(visitor, "withdraw")
    for _ in range(2):
        answer = visitor.send(f"{visitor.link}/withdraw", mine)
        assert answer.status_code == 200
        assert "The link is withdrawn" in html.unescape(answer.text)
    assert visitor.page().status_code == 404
    assert other.page().status_code == 200
    assert sum("The customer withdrew the secret link" in row["body"] for row in rows(desk, NOTE)) == 1


def test_nobody_ends_a_link_without_a_form_of_its_own_page(desk: World, visitor: Visitor) -> None:
    """Guessed marks, another page's, another link's, and what another site sends through the customer's browser."""
    stranger = Visitor(desk.client)
    stranger.write({"mail": "s@example.org"})
    visitor.write()
    foreign = _link_form(stranger, "renew")
    reply = {"form": visitor.mark(visitor.page(), f"{visitor.link}/reply")}
    for deed in ("renew", "withdraw"):
        for fields in ({}, {"form": "x"}, foreign, reply):
            answer = visitor.send(f"{visitor.link}/{deed}", fields)
            assert answer.headers["location"].endswith("fresh=stale")
        sent = _link_form(visitor, deed)
        answer = visitor.client.post(
            f"{visitor.link}/{deed}", data=sent, headers={"sec-fetch-site": "cross-site"}, follow_redirects=False
        )
        assert answer.status_code == 403
    assert visitor.page().status_code == 200
    assert "fresh=stale" in visitor.send(f"/help/t/{'A' * 43}/renew", foreign).headers["location"]
    desk.clock.forward(25 * 3600)
    assert stranger.send(f"{stranger.link}/renew", foreign).headers["location"].endswith("fresh=stale")
