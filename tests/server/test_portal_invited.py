# SPDX-License-Identifier: GPL-3.0-or-later
"""An invitation to show the screen stands on the page of the request: no further link, nothing of it for others."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from app.domain.ids import uuid7
from app.domain.links import parse_invite
from app.domain.signed import unb64
from sync.server.hub import Hub
from sync.server.portal.movements import Movements
from tests.server.test_portal import Visitor, ticket_of
from tests.server.test_sessions import Inviter
from tests.server.world import World


@pytest.fixture
def visitor(desk: World) -> Visitor:
    """Somebody who wrote a request."""
    made = Visitor(desk.client)
    made.write()
    return made


def invite(desk: World, **changes: Any) -> Inviter:
    """An agent invites to the one request that came by the portal."""
    ticket = ticket_of(desk)
    inviter = Inviter(desk, desk.agent())
    more = {"subject": ticket["subject"], "requester_id": bytes(ticket["customer"]).hex(), **changes}
    answer = inviter.invite(bytes(ticket["id"]), **more)
    assert answer.status_code == 200, answer.text
    return inviter


def test_the_page_of_the_request_offers_the_invitation_for_browser_and_companion(desk: World, visitor: Visitor) -> None:
    """Both carry the secret behind `#`, which is never sent; before an invitation there is nothing of the kind."""
    assert 'id="invited"' not in visitor.get(visitor.link).text
    inviter = invite(desk, modes=("companion", "browser"))
    page = visitor.get(visitor.link).text
    browser = re.search(r'href="/join#([0-9a-f]{32})\.([A-Za-z0-9_-]+)"', page)
    companion = re.search(r'href="(deskside://invite/[^"]+)"', page)
    assert browser is not None
    assert companion is not None
    assert unb64(browser[2]) == inviter.secret
    link = parse_invite(companion[1])
    assert (link.iid.hex(), link.join_secret) == (browser[1], inviter.secret)
    redeemed = desk.client.post("/session/v1/redeem", json={"iid": browser[1]})
    assert redeemed.status_code == 200


def test_an_invitation_for_the_companion_alone_offers_no_browser(desk: World, visitor: Visitor) -> None:
    """The page that joins would refuse it."""
    invite(desk, modes=("companion",))
    page = visitor.get(visitor.link).text
    assert "deskside://invite/" in page
    assert "/join#" not in page


@pytest.mark.parametrize("how", ["ran out", "withdrawn", "replaced"])
def test_an_invitation_that_is_over_is_offered_no_more(desk: World, visitor: Visitor, how: str) -> None:
    """Also one that a newer invitation has replaced: then that one stands there."""
    inviter = invite(desk)
    secret = inviter.secret
    if how == "ran out":
        desk.clock.forward(601)
    elif how == "withdrawn":
        path = f"/session/v1/{inviter.sid.hex()}/end"
        assert desk.client.post(path, json={"reason": "withdrawn"}, headers=inviter.agent.bearer).status_code == 204
    else:
        invite(desk)
    page = visitor.get(visitor.link).text
    assert ('id="invited"' in page) == (how == "replaced")
    assert not any(unb64(each) == secret for each in re.findall(r"deskside://invite/[0-9a-f]{32}#([\w-]+)", page))


def test_nobody_else_reads_an_invitation(desk: World, visitor: Visitor) -> None:
    """Another request of another customer shows nothing of it."""
    other = Visitor(desk.client)
    invite(desk)
    other.write({"subject": "다른 문의"})
    assert 'id="invited"' in visitor.get(visitor.link).text
    assert 'id="invited"' not in other.get(other.link).text


def test_an_open_page_is_told_of_an_invitation_at_once(desk: World, visitor: Visitor) -> None:
    """It is not in the ticket's row; the mark changes with it all the same, and again when it is over."""
    link, portal = visitor.link.rsplit("/", 1)[1], desk.parts.portal
    assert portal is not None
    known = portal.desk.moved(desk.clock(), link)
    assert known is not None
    assert known.invited is None

    async def run() -> None:
        hub = Hub(desk.store, desk.parts.signer, desk.parts.jobs, desk.clock)
        movements = Movements(hub, desk.parts.jobs, desk.store, desk.clock)
        page = await movements.follow(known)
        hub.stirred(uuid7(desk.clock(), desk.rng(10)))
        assert not await page.wait(0.001), "another ticket's"
        hub.stirred(known.ticket)
        assert await page.wait(30)
        assert page.news is None, "its link has to tell"
        movements.leave(page)

    asyncio.run(run())
    heard: list[bytes] = []
    desk.parts.hub.hear(known.ticket, heard.append)
    inviter = invite(desk)
    assert len(heard) == 1
    now = portal.desk.moved(desk.clock(), link)
    assert now is not None
    assert now.invited is not None
    marks = portal.desk.links
    assert marks.state_mark(now.scope, now.seq, now.invited) != marks.state_mark(now.scope, now.seq, None)
    path = f"/session/v1/{inviter.sid.hex()}/end"
    assert desk.client.post(path, json={"reason": "withdrawn"}, headers=inviter.agent.bearer).status_code == 204
    assert len(heard) == 2
