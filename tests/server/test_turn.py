# SPDX-License-Identifier: GPL-3.0-or-later
"""Relay credentials: who gets them, when, and how long they live."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from app.config.logs import configure
from app.domain.errors import WorldError
from app.domain.invitation import InvitationPolicy
from app.domain.signed import b64
from app.entry import admin
from sync.server.limits import Limiter, TryLimit
from sync.server.sessions import Sessions
from sync.server.turn import TurnSettings, coturn_configuration
from sync.server.web.app import build_app
from tests.server.lent_app import client_of
from tests.server.test_sessions import Inviter, redeem
from tests.server.world import World

SECRET = b"a secret of more than sixteen bytes".replace(b" ", b"-")
SETTINGS = TurnSettings(("turn.example.com", 3478), ("turns.example.com", 443), SECRET)


class Desk:
    """A server with a relay, and a session between kim and the customer's first companion."""

    def __init__(
        self, world: World, settings: TurnSettings | None = SETTINGS, *, limit: TryLimit | None = None
    ) -> None:
        self.world = world
        asks = Limiter(limit) if limit else world.parts.turn_asks
        self.client: TestClient[Any] = client_of(replace(world.parts, turn=settings, turn_asks=asks), raises=True)
        self.kim, self.companion = world.agent(), world.companion()
        self.inviter, self.ticket = Inviter(world, self.kim), self.kim.ticket()
        self.made = self.inviter.invite(self.ticket).json()
        self.sid = self.inviter.sid.hex()

    def consent(self, kind: str = "consent") -> None:
        """An entry of the session reaches the server."""
        kinds = () if kind == "joined" else (kind,)
        ask = self.inviter.entries(self.ticket, "joined", *kinds)
        assert self.companion.post("/customer/v1/entries", ask).status_code == 200

    def ask(self, bearer: dict[str, str]) -> Any:
        return self.client.post(f"/session/v1/{self.sid}/turn", headers=bearer)


def test_both_ends_get_credentials_for_ten_minutes_that_only_the_secret_can_make(desk: World) -> None:
    """coturn's REST scheme: expiry, session and role in the name, HMAC-SHA1 of it as the password."""
    session = Desk(desk)
    session.consent()
    expiry = desk.clock() // 1000 + 600
    for role, bearer in (("agent", session.kim.bearer), ("customer", session.companion.bearer)):
        answer = session.ask(bearer)
        assert answer.headers["cache-control"] == "no-store"
        told = answer.json()
        assert told["username"] == f"{expiry}:{session.sid}:{role}"
        expected = base64.b64encode(hmac.new(SECRET, told["username"].encode(), hashlib.sha1).digest()).decode()
        assert (told["credential"], told["lives_s"]) == (expected, 600)
        assert told["urls"] == [
            "stun:turn.example.com:3478",
            "turn:turn.example.com:3478?transport=udp",
            "turn:turn.example.com:3478?transport=tcp",
            "turns:turns.example.com:443?transport=tcp",
        ]
    desk.clock.forward(5)
    assert session.ask(session.kim.bearer).json()["username"] == f"{expiry + 5}:{session.sid}:agent"


def test_before_the_consent_stands_on_the_ticket_there_are_none(desk: World) -> None:
    """409 `consent`, for the agent too: the relay is no way to reach a customer who has not agreed."""
    session = Desk(desk)
    for kind in ("joined", "prompted"):
        session.consent(kind)
        for bearer in (session.kim.bearer, session.companion.bearer):
            answer = session.ask(bearer)
            assert (answer.status_code, answer.json()["code"]) == (409, "consent")
    session.consent()
    assert session.ask(session.kim.bearer).status_code == 200


def test_nobody_else_gets_any_and_after_the_end_nobody_does(desk: World) -> None:
    """404 for other agents, other customers, the same customer's other companion; 401 without a token."""
    session = Desk(desk)
    redeem(desk, {"code": session.made["code"]}, session.companion.bearer)
    session.consent()
    strangers = (desk.agent("lee"), desk.companion(desk.other_customer), desk.companion())
    assert [session.ask(who.bearer).status_code for who in strangers] == [404, 404, 404]
    assert session.ask({}).status_code == 401
    assert session.ask({"authorization": "Bearer nonsense"}).status_code == 401
    assert session.client.post("/session/v1/zz/turn", headers=session.kim.bearer).status_code == 400
    assert session.ask(session.kim.bearer).status_code == 200
    desk.clock.forward(3601)
    fresh = desk.agent("kim")
    assert session.ask(fresh.bearer).status_code == 404
    assert session.inviter.end(session.companion.bearer) in (204, 401)


def test_a_session_that_ended_gives_no_more(desk: World) -> None:
    """The record of the end is enough; nobody has to close it."""
    session = Desk(desk)
    session.consent()
    session.consent("end")
    assert session.ask(session.companion.bearer).json()["code"] == "not_found"


def test_a_customer_without_a_companion_is_let_in_by_the_session_token(desk: World) -> None:
    """The token of a redeemed code is for this one session."""
    session = Desk(desk)
    token = redeem(desk, {"code": session.made["code"]}).json()["token"]
    session.consent()
    told = session.ask({"authorization": f"Bearer {token}"})
    assert told.json()["username"].endswith(":customer")


def test_without_a_relay_the_list_is_empty(desk: World) -> None:
    """No error, and nothing to wait for: the two ends connect directly or not at all."""
    session = Desk(desk, None)
    answer = session.ask(session.kim.bearer)
    assert (answer.status_code, answer.json()) == (
        200,
        {"urls": [], "username": "", "credential": "", "lives_s": 0},
    )


def test_one_end_that_asks_all_the_time_has_to_wait(desk: World) -> None:
    """More than so many in a minute: 429 for 20 seconds; the other end is not held up."""
    session = Desk(desk, limit=TryLimit(5, 60, 20))
    session.consent()
    assert {session.ask(session.kim.bearer).status_code for _ in range(5)} == {200}
    blocked = session.ask(session.kim.bearer)
    assert (blocked.status_code, blocked.json()["code"], blocked.headers["retry-after"]) == (429, "busy", "21")
    assert session.ask(session.companion.bearer).status_code == 200
    desk.clock.forward(61)
    assert session.ask(session.kim.bearer).status_code == 200


def test_an_organisation_may_want_the_relay_alone(desk: World) -> None:
    """Agents' programs are told with their certificate; an invitation that would allow more is not registered."""
    strict = replace(
        desk.parts,
        turn=SETTINGS,
        sessions=Sessions(desk.store, desk.keys, desk.parts.signer, desk.parts.organisation, desk.rng, relay_only=True),
    )
    kim = desk.agent()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    with TestClient(build_app(strict)) as client:
        key = {"device_key": b64(inviter.key.public_key().public_bytes_raw())}
        assert client.post("/session/v1/certificate", json=key, headers=kim.bearer).json()["relay_only"] is True
        for relay_only, status in ((False, 400), (True, 200)):
            body = inviter.body(ticket, policy=InvitationPolicy(relay_only=relay_only))
            assert client.post("/session/v1/invitations", json=body, headers=kim.bearer).status_code == status


def test_nothing_of_the_credentials_is_in_the_log(desk: World, tmp_path: Path) -> None:
    """Neither name nor password nor the session they are for, also when something goes wrong."""
    session = Desk(desk)
    with configure(tmp_path, "server", level=logging.DEBUG):
        session.ask(session.kim.bearer)
        session.consent()
        told = session.ask(session.kim.bearer).json()
        broken = replace(desk.parts, turn=replace(SETTINGS, secret=None))  # type: ignore[arg-type]  # makes it fail
        failing: TestClient[Any] = TestClient(build_app(broken), raise_server_exceptions=False)
        path = f"/session/v1/{session.sid}/turn"
        assert failing.post(path, headers=session.kim.bearer).status_code == 500
    written = (tmp_path / "server.log").read_text()
    assert "request failed" in written
    for word in (told["credential"], told["username"], SECRET.decode(), "turn.example.com"):
        assert word not in written


def test_settings_that_cannot_work_keep_the_server_from_starting(tmp_path: Path) -> None:
    """One of the two missing, a short secret, a name that is none."""
    good, short, spaced = (tmp_path / name for name in ("good", "short", "spaced"))
    good.write_bytes(SECRET + b"\n")
    short.write_bytes(b"short\n")
    spaced.write_bytes(b"two words are not one secret\n")
    assert TurnSettings.read(None, None, None) is None
    read = TurnSettings.read("turn.example.com", "203.0.113.9:5349", good)
    assert read == TurnSettings(("turn.example.com", 3478), ("203.0.113.9", 5349), SECRET)
    assert SECRET.decode() not in repr(read)
    strict = TurnSettings.read("turn.example.com", None, good, only=True)
    assert strict is not None
    assert strict.only
    with pytest.raises(WorldError):
        TurnSettings.read(None, None, None, only=True)
    bad: list[tuple[str | None, str | None, Path | None]] = [
        ("turn.example.com", None, None), (None, None, good), (None, "turn.example.com", good),
        ("turn.example.com", None, short), ("turn.example.com", None, spaced),
        ("turn.example.com", None, tmp_path / "missing"), ("turn.example.com:0", None, good),
        ("turn.example.com:70000", None, good), ("turn.example.com:", None, good), ("-x.example.com", None, good),
        ("turn.example.com?transport=tcp", None, good), ("[::1]:3478", None, good), ("", None, good),
        ("user@turn.example.com", None, good), ("turn.example.com", "a b", good),
    ]  # fmt: skip
    for plain, tls, secret in bad:
        with pytest.raises(WorldError) as refused:
            TurnSettings.read(plain, tls, secret)
        assert refused.value.code == "bad_turn"


def test_the_configuration_denies_every_network_that_is_not_public() -> None:
    """What a relay could be misused to scan is refused by name; the relay's own address is the one exception."""
    text = coturn_configuration(SETTINGS, "example.com", "/etc/cert.pem", "/etc/key.pem", "203.0.113.9")
    lines = text.splitlines()
    for line in (
        "use-auth-secret", f"static-auth-secret={SECRET.decode()}", "listening-port=3478", "tls-listening-port=443",
        "no-cli", "no-multicast-peers", "user-quota=4", "allowed-peer-ip=203.0.113.9", "no-tlsv1", "no-tlsv1_1",
        "denied-peer-ip=127.0.0.0-127.255.255.255", "denied-peer-ip=10.0.0.0-10.255.255.255",
        "denied-peer-ip=100.64.0.0-100.127.255.255", "denied-peer-ip=169.254.0.0-169.254.255.255",
        "denied-peer-ip=fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "denied-peer-ip=fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "denied-peer-ip=::1",
    ):  # fmt: skip
        assert line in lines
    assert "allow-loopback-peers" not in lines
    plain = coturn_configuration(replace(SETTINGS, tls=None), "example.com", "", "", "2001:db8::9").splitlines()
    assert {"no-tls", "allowed-peer-ip=2001:db8::9"} <= set(plain)
    assert not any(line.startswith("tls-listening-port") for line in plain)
    for realm, relay in (("example.com\nallow-loopback-peers", "203.0.113.9"), ("example.com", "turn.example.com")):
        with pytest.raises(WorldError):
            coturn_configuration(SETTINGS, realm, "", "", relay)


def test_the_administrator_prints_a_configuration_with_the_secret_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No server and no database is needed, and nothing is printed when an option is wrong."""
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    words = ["coturn", "--turn", "turn.example.com", "--turn-secret-file", str(secret), "--realm", "example.com"]
    assert admin.main([*words, "--relay-address", "203.0.113.9", "--turn-tls", "turns.example.com:5349"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert {f"static-auth-secret={SECRET.decode()}", "tls-listening-port=5349"} <= set(printed)
    assert admin.main([*words, "--relay-address", "everywhere"]) == 2
    failed = capsys.readouterr()
    assert (failed.out, "TURN" in failed.err) == ("", True)
