# SPDX-License-Identifier: GPL-3.0-or-later
"""A stolen laptop invites nobody: who invites proved lately who they are, and renewed tokens are no proof."""

from __future__ import annotations

import time
from collections.abc import Iterator
from copy import copy
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from app.domain.certificate import CLOCK_TOLERANCE_MS
from app.domain.links import parse_invite
from sync.protocol import NewDevice, Refresh, Tokens, unpack
from sync.server.devices import Devices
from sync.server.oidc import OidcSettings
from sync.server.oidc_accounts import link_login
from sync.server.parts import build_parts
from sync.server.people import People
from sync.server.schema import SYSTEM
from sync.server.web.app import build_app
from sync.server.web.auth_routes import Logout
from tests.fakes.oidc_provider import CLIENT_ID, Provider
from tests.server.test_oidc import Door, provider
from tests.server.test_sessions import Inviter, redeem
from tests.server.world import FAST_HASHER, PASSWORD, Agent, World

__all__ = ["provider"]
LIMIT_S = 8 * 3600


def renew(agent: Agent) -> None:
    """What the program does by itself for months: it takes the next pair of tokens."""
    assert agent.tokens.refresh
    answer = agent.post("/auth/v1/refresh", Refresh(refresh=agent.tokens.refresh, device=agent.device))
    assert answer.status_code == 200, answer.text
    agent.tokens = unpack(answer.content, Tokens)


def prove(agent: Agent, password: str = PASSWORD, **more: Any) -> tuple[int, str]:
    """Type the password in the invitation window."""
    answer = agent.world.client.post("/auth/v1/proof", json={"password": password, **more}, headers=agent.bearer)
    return answer.status_code, answer.json()["code"] if answer.content else ""


def asked(answer: Any) -> tuple[int, str, str]:
    """What became of an invitation."""
    told = answer.json()
    code = told["code"] if answer.status_code != 200 else ""
    return answer.status_code, code, told.get("detail", "")


REFUSED = (403, "proof_too_old", "password")
MADE = (200, "", "")


def test_who_signed_in_a_working_day_ago_is_asked_again(world: World) -> None:
    """Up to the limit nobody is bothered; a moment later nothing is registered, and a password lets it go on."""
    kim = world.agent()
    inviter, ticket = Inviter(world, kim), kim.ticket()
    world.clock.forward(LIMIT_S)
    renew(kim)
    assert asked(inviter.invite(ticket)) == MADE
    world.clock.forward(0.001)
    body = inviter.body(ticket)
    refused = world.client.post("/session/v1/invitations", json=body, headers=kim.bearer)
    assert asked(refused) == REFUSED
    with world.store.read() as cx:
        assert cx.execute(sa.select(SYSTEM.session.c.sid).where(SYSTEM.session.c.sid == inviter.sid)).first() is None
    assert prove(kim) == (204, "")
    made = world.client.post("/session/v1/invitations", json=body, headers=kim.bearer)
    assert asked(made) == MADE
    assert redeem(world, {"iid": parse_invite(made.json()["link"]).iid.hex()}).status_code == 200


def test_renewed_tokens_are_no_proof(desk: World) -> None:
    """A stolen laptop renews them alone for as long as it is online."""
    kim = desk.agent()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    for _ in range(9):
        desk.clock.forward(3600)
        renew(kim)
    assert asked(inviter.invite(ticket)) == REFUSED


def test_another_device_id_is_no_proof_either(desk: World) -> None:
    """A program may take one by itself; it carries the old one's proof, no younger and no older."""
    kim = desk.agent()
    ticket = kim.ticket()
    for after_s, result in ((3600, MADE), (LIMIT_S - 3599, REFUSED)):
        desk.clock.forward(after_s)
        renew(kim)
        answer = kim.post("/auth/v1/device", NewDevice(name="test", replaces=kim.device))
        kim.tokens = unpack(answer.content, Tokens)
        assert kim.tokens.device is not None
        kim.device = kim.tokens.device
        assert asked(Inviter(desk, kim).invite(ticket)) == result


def test_a_proof_counts_for_its_own_device_alone(desk: World) -> None:
    """Who proves it at the desk does not open the laptop that was stolen meanwhile."""
    stolen, ticket = desk.agent(), desk.agent().ticket()
    inviter = Inviter(desk, stolen)
    desk.clock.forward(LIMIT_S + 1)
    renew(stolen)
    other = desk.agent()  # signs in just now
    assert asked(Inviter(desk, other).invite(ticket)) == MADE
    assert asked(inviter.invite(ticket)) == REFUSED


@pytest.mark.parametrize(("back_ms", "result"), [(CLOCK_TOLERANCE_MS, MADE), (CLOCK_TOLERANCE_MS + 1, REFUSED)])
def test_a_clock_that_was_set_back_makes_no_proof_younger(desk: World, back_ms: int, result: object) -> None:
    """A proof of the future counts no more; a clock that was put right by minutes bothers nobody. A new one counts."""
    kim = desk.agent()
    desk.clock.ms += 3 * 86_400_000
    renew(kim)
    assert prove(kim) == (204, "")
    desk.clock.ms -= back_ms
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    assert asked(inviter.invite(ticket)) == result
    assert prove(kim) == (204, "")
    assert asked(inviter.invite(ticket)) == MADE


def test_a_wrong_password_proves_nothing_and_too_many_must_wait(desk: World) -> None:
    """They count together with those of signing in: a thief has five in all."""
    kim = desk.agent()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    desk.clock.forward(LIMIT_S + 1)
    renew(kim)
    for _ in range(3):
        assert prove(kim, "guess") == (401, "credentials")
    for _ in range(2):
        body = {"login": "kim", "password": "guess", "device_name": "t"}
        assert desk.client.post("/auth/v1/login", json=body).status_code == 401
    answer = desk.client.post("/auth/v1/proof", json={"password": PASSWORD}, headers=kim.bearer)
    assert (answer.status_code, int(answer.headers["retry-after"])) == (429, 301)
    assert asked(inviter.invite(ticket)) == REFUSED
    desk.clock.forward(301)
    assert prove(kim) == (204, "")
    assert asked(inviter.invite(ticket)) == MADE


@pytest.mark.parametrize("state", ["suspended", "revoked"])
def test_who_is_not_let_in_proves_nothing(desk: World, state: str) -> None:
    """The right password does not stand above the administrator's word, and says nothing about being right."""
    kim = desk.agent()
    Devices(desk.store, desk.rng).set_state(desk.clock(), kim.device.hex(), state)
    assert prove(kim) == prove(kim, "guess") == (403, state)


def test_nobody_proves_it_without_a_token_or_with_that_of_a_customer(desk: World) -> None:
    """The password alone opens nothing here."""
    assert desk.client.post("/auth/v1/proof", json={"password": PASSWORD}).status_code == 401
    headers = {"authorization": f"Bearer {desk.companion().access}"}
    assert desk.client.post("/auth/v1/proof", json={"password": PASSWORD}, headers=headers).status_code == 401


def test_who_signed_out_has_to_prove_it(desk: World) -> None:
    """An access token lives on for minutes; what was proved does not."""
    kim = desk.agent()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    kim.post("/auth/v1/logout", Logout(device=kim.device))
    assert asked(inviter.invite(ticket)) == REFUSED


def test_a_new_password_must_be_typed_before_the_next_invitation(desk: World) -> None:
    """The administrator sets one because a laptop was stolen: what the old one proved on it is over."""
    kim = desk.agent()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    People(desk.store, desk.rng, FAST_HASHER.hash).set_password("kim", "another horse")
    assert asked(inviter.invite(ticket)) == REFUSED
    assert prove(kim) == (401, "credentials")
    assert prove(kim, "another horse") == (204, "")
    assert asked(inviter.invite(ticket)) == MADE


def test_a_device_of_before_the_update_is_asked_once(desk: World) -> None:
    """When its person signed in, nobody wrote down."""
    kim = desk.agent()
    desk.store.write(lambda cx: cx.execute(SYSTEM.device.update().values(proved_at=None)))
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    assert asked(inviter.invite(ticket)) == REFUSED
    prove(kim)
    assert asked(inviter.invite(ticket)) == MADE


def test_no_password_is_asked_for_what_is_refused_anyway(desk: World) -> None:
    """The agent learns first that the customer is not this ticket's."""
    kim = desk.agent()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    desk.clock.forward(LIMIT_S + 1)
    renew(kim)
    assert asked(inviter.invite(ticket, requester_id=desk.other_customer.hex()))[:2] == (409, "requester")


@pytest.mark.parametrize(("minutes", "result"), [(5, REFUSED), (6, MADE), (0, MADE)])
def test_the_organisation_says_how_long(desk: World, minutes: int, result: object) -> None:
    """Five minutes at least; 0 asks nobody again."""
    kim = desk.agent()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    desk.clock.forward(360)
    parts = build_parts(
        desk.store, desk.keys, clock=desk.clock, rng=desk.rng, hasher=FAST_HASHER, reauthenticate_min=minutes
    )
    with TestClient(build_app(parts)) as client:
        body = inviter.body(ticket)
        assert asked(client.post("/session/v1/invitations", json=body, headers=kim.bearer)) == result


def test_the_password_is_in_no_log(desk: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the right one nor a wrong one; that one was taken, or refused, is."""
    kim = desk.agent()
    prove(kim)
    prove(kim, "my other password")
    said = "".join(capsys.readouterr())
    assert "proof taken" in said
    assert "sign-in refused" in said
    assert PASSWORD not in said
    assert "my other password" not in said
    assert kim.tokens.access not in said


# --- with the organisation's provider ---------------------------------------------------------------------------------


@pytest.fixture
def door(desk: World, provider: Provider) -> Iterator[Door]:
    made = Door(desk, provider)
    made.link()
    with made.client:
        yield made
    made.oidc.close()


def said(desk: World, seconds_ago: float) -> dict[str, Any]:
    """When the provider says that its person typed something."""
    return {"auth_time": desk.clock.ms / 1000 - seconds_ago}


@pytest.mark.parametrize(
    ("seconds_ago", "result"), [(60, MADE), (LIMIT_S, MADE), (LIMIT_S + 1, REFUSED), (-60, MADE), (None, REFUSED)]
)
def test_a_sign_in_at_the_provider_is_as_old_as_the_provider_says(
    desk: World, door: Door, seconds_ago: float | None, result: object
) -> None:
    """A browser that is signed in there lets anybody through; without a word about it nothing is proved."""
    desk.clock.ms = int(time.time() * 1000)
    door.provider.override = said(desk, seconds_ago) if seconds_ago is not None else {}
    kim = desk.agent()
    ticket, fresh = kim.ticket(), copy(kim)
    answer = door.client.post("/auth/v1/login", json={"oidc": door.code(), "device_name": "test"})
    fresh.tokens = msgspec.structs.replace(kim.tokens, access=answer.json()["access"])
    assert asked(Inviter(desk, fresh).invite(ticket)) == result


@pytest.mark.parametrize(
    ("claims", "result"),
    [
        ({"auth_time": 0}, (204, "")), ({"auth_time": 300}, (204, "")), ({"auth_time": 420}, (403, "proof_not_fresh")),
        ({"auth_time": -420}, (403, "proof_not_fresh")), ({}, (403, "proof_not_fresh")),
        ({"auth_time": "now"}, (403, "proof_not_fresh")), ({"auth_time": True}, (403, "proof_not_fresh")),
        ({"auth_time": 0, "sub": "person-2"}, (403, "oidc_other_person")),
    ],
)  # fmt: skip
def test_the_provider_must_have_asked_this_person_just_now(
    desk: World, door: Door, claims: dict[str, Any], result: tuple[int, str]
) -> None:
    """Not another one who is signed in there, and not this one some time ago."""
    kim = desk.agent()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    desk.clock.forward(LIMIT_S + 1)
    renew(kim)
    at = claims.get("auth_time")
    told = said(desk, at) if isinstance(at, int) and at is not True else {"auth_time": at}
    door.provider.override = {**claims, **told}
    answer = door.client.post("/auth/v1/proof", json={"oidc": door.code()}, headers=kim.bearer)
    assert (answer.status_code, answer.json()["code"] if answer.content else "") == result
    assert asked(inviter.invite(ticket)) == (MADE if result[0] == 204 else REFUSED)


def test_the_refusal_says_which_proof_this_person_can_give(desk: World, provider: Provider) -> None:
    """A password, the provider, or both."""
    kim = desk.agent()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    desk.clock.forward(LIMIT_S + 1)
    renew(kim)
    settings = OidcSettings(provider.issuer, CLIENT_ID)
    parts = build_parts(desk.store, desk.keys, clock=desk.clock, rng=desk.rng, hasher=FAST_HASHER, oidc=settings)

    def ways() -> str:
        body = inviter.body(ticket)
        return str(client.post("/session/v1/invitations", json=body, headers=kim.bearer).json()["detail"])

    with TestClient(build_app(parts)) as client:
        assert ways() == "password"
        desk.store.write(lambda cx: link_login(cx, "kim", provider.issuer, "person-1"))
        assert ways() == "password browser"
        desk.store.write(lambda cx: cx.execute(SYSTEM.account.update().values(pw_hash=None)))
        assert ways() == "browser"
        assert client.get("/auth/v1/oidc").json()["max_age_s"] == LIMIT_S
