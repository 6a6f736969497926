# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator does with devices: lock, wipe, reload, and move people between teams."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.domain.certificate import read_certificate, read_revocations
from app.domain.documents import SignedDocument
from app.domain.entities import TICKET, USER, team_scope
from app.domain.errors import Refused
from sync.protocol import Begin, Bye, LiveDown, NewDevice, Poke, Problem, Refresh, Rehello, Tokens, Wiped, unpack
from sync.server.devices import Devices
from sync.server.news import Telling
from sync.server.notices import NoticeReader
from sync.server.people import People
from sync.server.schema import SYSTEM
from sync.server.store import DatabaseBusy
from tests.server.test_accounts import refresh
from tests.server.test_live import Line, live
from tests.server.test_sessions import Inviter
from tests.server.world import Agent, World


@pytest.fixture
def admin(world: World) -> Devices:
    """The administrator's tools."""
    return Devices(world.store, world.rng)


def begin_of(agent: Agent) -> Begin:
    """First frame of a pull."""
    first = agent.pull()[0]
    assert isinstance(first, Begin)
    return first


def problem(answer: object) -> Problem:
    """Body of a refusal, packed or not."""
    content = answer.content  # type: ignore[attr-defined]  # an answer of the test client
    import msgspec

    decoded: Problem = msgspec.json.decode(content, type=Problem)
    return decoded


def test_a_lost_laptop_is_told_to_wipe_itself_at_its_next_contact_whatever_it_asks(
    world: World, admin: Devices
) -> None:
    """Sync, a refresh after days, even a sign-in: 403 `revoked` with the token for the report."""
    kim, lee = world.agent("kim"), world.agent("lee")
    info = admin.set_state(world.clock(), kim.tokens.device_code or "", "revoked")
    assert (info.id, info.state, info.wiped_at) == (kim.device, "revoked", None)
    told = problem(kim.pull_raw())
    assert (told.code, bool(told.wipe_token)) == ("revoked", True)
    world.clock.forward(70 * 86_400)  # longer than any token lives
    answer = kim.post("/auth/v1/refresh", Refresh(refresh=kim.tokens.refresh, device=kim.device))
    assert (answer.status_code, problem(answer)) == (403, told)
    assert kim.pull_raw().status_code == 401
    wrong = kim.post("/auth/v1/wiped", Wiped(device=kim.device, wipe_token="guess"))
    assert wrong.status_code == 403
    assert lee.post("/auth/v1/wiped", Wiped(device=lee.device, wipe_token=told.wipe_token or "")).status_code == 403
    for _ in range(2):  # the first answer may be lost
        done = kim.post("/auth/v1/wiped", Wiped(device=kim.device, wipe_token=told.wipe_token or ""))
        assert done.status_code == 204
    assert admin.show(kim.device.hex()).wiped_at == world.clock()


def test_a_suspended_device_keeps_its_tokens_and_goes_on_when_it_is_activated(world: World, admin: Devices) -> None:
    """403 `suspended` on every request; nothing is spent meanwhile."""
    kim = world.agent("kim")
    admin.set_state(world.clock(), kim.device.hex(), "suspended")
    for _ in range(3):
        answer = kim.post("/auth/v1/refresh", Refresh(refresh=kim.tokens.refresh, device=kim.device))
        assert (answer.status_code, problem(answer).code) == (403, "suspended")
    assert problem(kim.push_raw([kim.mutation(kim.create_change(b"t" * 16))])).code == "suspended"
    admin.set_state(world.clock(), kim.device.hex(), "active")
    tokens = refresh(world, kim.tokens.refresh, kim)
    assert tokens is not None
    kim.tokens = tokens
    kim.hello()


def test_a_stolen_old_token_of_another_device_does_not_learn_its_state(world: World, admin: Devices) -> None:
    """A refresh token presented by another device is reuse, not news."""
    kim, lee = world.agent("kim"), world.agent("lee")
    admin.set_state(world.clock(), kim.device.hex(), "revoked")
    answer = lee.post("/auth/v1/refresh", Refresh(refresh=kim.tokens.refresh, device=lee.device))
    assert answer.status_code == 401


def test_devices_are_listed_with_who_uses_them_and_what_replaced_what(world: World, admin: Devices) -> None:
    """The one seen last first; codes and ids both name a device, anything else is refused."""
    kim, lee = world.agent("kim"), world.agent("lee")
    kim.ticket()
    world.clock.forward(5)
    answer = kim.post("/auth/v1/device", NewDevice(name="laptop 2", replaces=kim.device))
    tokens: Tokens = unpack(answer.content, Tokens)
    assert tokens.lmid == 1  # of the old id: what the client may take for confirmed
    listed = admin.list()
    assert (listed[0].login, listed[0].name) == ("kim", "laptop 2")
    assert {d.id for d in listed} == {kim.device, lee.device, tokens.device}
    assert listed[0].replaces == kim.device
    assert [d.id for d in admin.list("lee")] == [lee.device]
    assert admin.show((lee.tokens.device_code or "").lower()).login == "lee"
    assert admin.show(kim.device.hex()).lmid == 1
    for wanted in ("", "ZZZZZ", "0" * 32, "x" * 32):
        with pytest.raises(Refused, match="no_such_device"):
            admin.show(wanted)
    with pytest.raises(Refused, match="no_such_user"):
        admin.list("nobody")


def test_a_device_told_to_load_again_does_so_once(world: World, admin: Devices) -> None:
    """`rehello`, then `reset` until it starts over; other devices and what is not sent are untouched."""
    kim, lee = world.agent("kim"), world.agent("lee")
    kim.ticket()
    kim.pull()
    lee.pull()
    scope = team_scope(world.team("북부"))
    assert admin.resync(world.clock(), device=kim.device.hex(), scope=scope) == 1
    assert admin.show(kim.device.hex()).resync == (scope,)
    assert begin_of(kim).rehello
    assert not begin_of(lee).rehello
    for _ in range(2):  # a lost answer changes nothing
        assert {s.id for s in kim.hello().scopes if s.state == "reset"} == {scope}
    kim.copy.cursors[scope] = 0
    kim.pull()
    assert {s.state for s in kim.hello().scopes} == {"ok"}
    assert not begin_of(kim).rehello
    assert kim.row(kim.copy.of(TICKET.number)[0]["id"])
    assert admin.resync(world.clock()) > 10
    with pytest.raises(Refused, match="no_such_scope"):
        admin.resync(world.clock(), scope="team:none")


def test_a_person_who_changes_teams_loses_one_and_gets_the_other(world: World, admin: Devices) -> None:
    """`drop` for what may no longer be seen, `rehello` for what is new; the user's row follows; all again and back."""
    kim = world.agent("kim")
    kim.ticket()
    kim.pull()
    north, south = team_scope(world.team("북부")), team_scope(world.team("남부"))
    world.clock.forward(1)
    admin.set_team(world.clock(), "kim", "북부", member=False)
    admin.set_team(world.clock(), "kim", "남부", member=True)
    begin = begin_of(kim)
    assert (begin.drop, begin.rehello) == ([north], True)
    told = kim.hello()
    assert told.drop == [north]
    assert south in {s.id for s in told.scopes}
    assert kim.row(kim.id, USER.number)["teams"] == f'["{world.team("남부").hex()}"]'
    assert kim.do(kim.create_change(b"n" * 16)) == ("rejected", "scope")
    del kim.copy.cursors[north]
    world.clock.forward(1)
    admin.set_team(world.clock(), "kim", "북부", member=True)
    assert begin_of(kim).rehello
    assert next(s for s in kim.hello().scopes if s.id == north).state == "ok"
    kim.pull()
    assert len(kim.copy.of(TICKET.number)) == 1
    for login, team, code in (("nobody", "북부", "no_such_user"), ("kim", "없음", "no_such_team")):
        with pytest.raises(Refused, match=code):
            admin.set_team(world.clock(), login, team, member=True)


def test_notices_are_read_once_and_forgotten_after_an_hour(world: World, admin: Devices) -> None:
    """Every process reads them for itself; what happened before its start is no news."""
    kim = world.agent("kim")
    admin.set_state(world.clock(), kim.device.hex(), "suspended")
    world.clock.forward(3600)
    reader = NoticeReader(world.clock())

    def fresh() -> list[tuple[bytes, str]]:
        with world.store.read() as cx:
            return [(n.device, n.kind) for n in reader.fresh(cx, world.clock())]

    assert fresh() == []
    admin.set_state(world.clock(), kim.device.hex(), "active")
    admin.resync(world.clock(), device=kim.device.hex())
    assert sorted(fresh()) == [(kim.device, "bye"), (kim.device, "rehello")]
    world.clock.forward(30)
    assert fresh() == []
    world.clock.forward(3601)
    admin.resync(world.clock(), device=kim.device.hex())
    with world.store.read() as cx:
        assert cx.execute(sa.select(sa.func.count()).select_from(SYSTEM.notice)).scalar_one() == 1


def test_migrated_databases_keep_their_devices(tmp_path: Path) -> None:
    """A database of the first release gets the new columns and keeps its rows."""
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    from sync.server.migrations import r0001_initial
    from sync.server.store import Store, sqlite_url

    engine = sa.create_engine(sqlite_url(tmp_path))
    with engine.begin() as cx:
        r0001_initial.upgrade(Operations(MigrationContext.configure(cx)))
        cx.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT PRIMARY KEY)")
        cx.exec_driver_sql("INSERT INTO alembic_version VALUES ('0001')")
        cx.exec_driver_sql("INSERT INTO account VALUES (x'0a', 'kim', NULL, NULL, 'active')")
        cx.exec_driver_sql(
            "INSERT INTO device (id, account_id, code, name, state, lmid, lmid_seen, offset_ms, proto, schema,"
            " hello_at, last_seen) VALUES (x'0b', x'0a', 'K7', 'old', 'active', 3, 3, 0, 1, 1, 5, 5)"
        )
    engine.dispose()
    store = Store.open(sqlite_url(tmp_path))
    assert [(d.code, d.lmid, d.wiped_at) for d in Devices(store, bytes).list()] == [("K7", 3, None)]
    store.close()


def test_a_device_online_hears_of_a_new_team_at_once_and_a_suspended_one_is_cut_off(desk: World) -> None:
    """`rehello`, and from then on pokes of the new team; a suspended device's socket ends."""
    admin = Devices(desk.store, desk.rng)
    kim, park = desk.agent("kim"), desk.agent("park")
    north = team_scope(desk.team("북부"))
    with live(desk, park.tokens.access) as line:
        admin.set_team(desk.clock(), "park", "북부", member=True)
        _until(line, Rehello())
        kim.ticket()
        _until(line, Poke(heads={north: 3}))
        admin.set_state(desk.clock(), park.device.hex(), "suspended")
        _until(line, Bye(code="token"))


def _until(line: Line, wanted: LiveDown) -> None:
    """Wait for a message; other scopes move too."""
    while (message := line.next()) != wanted:
        assert isinstance(message, Poke)


def test_news_survive_a_database_that_is_busy_for_a_moment(desk: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suspended device loses its socket even if the news of another one could not be acted on just then."""
    told: list[str] = []
    tries = iter([True])

    async def access_changed(device: bytes) -> None:
        if next(tries, False):
            raise DatabaseBusy("test")
        told.append(f"rehello {device.hex()}")

    monkeypatch.setattr(desk.parts.hub, "access_changed", access_changed)
    monkeypatch.setattr(desk.parts.hub, "dismiss", lambda device: told.append(f"bye {device.hex()}"))
    telling = Telling(desk.store, desk.parts.hub, desk.parts.jobs, desk.clock)
    admin = Devices(desk.store, desk.rng)
    kim, park = desk.agent("kim"), desk.agent("park")
    admin.set_team(desk.clock(), "park", "북부", member=True)
    admin.set_state(desk.clock(), kim.device.hex(), "suspended")
    with pytest.raises(DatabaseBusy):
        desk.client.blocking_portal.call(telling.run)
    desk.client.blocking_portal.call(telling.run)
    assert {f"rehello {park.device.hex()}", f"bye {kim.device.hex()}"} <= set(told)


@pytest.mark.parametrize("state", ["revoked", "suspended"])
def test_a_withdrawn_device_learns_it_from_its_sessions_too(world: World, admin: Devices, state: str) -> None:
    """What it writes into the record of a session, or its end, is not taken: its access token lives for minutes yet."""
    kim = world.agent()
    inviter, ticket = Inviter(world, kim), kim.ticket()
    assert inviter.invite(ticket).status_code == 200
    admin.set_state(world.clock(), kim.device.hex(), state)
    sid = inviter.sid.hex()
    for what, body in (("entries", {"sid": sid, "ticket": ticket.hex(), "entries": []}), ("end", {"reason": "over"})):
        answer = world.client.post(f"/session/v1/{sid}/{what}", json=body, headers=kim.bearer)
        assert (answer.status_code, answer.json()["code"]) == (403, state)


@pytest.mark.parametrize("what", ["device", "account"])
def test_a_withdrawn_device_or_person_invites_nobody_and_their_certificate_counts_for_nothing(
    world: World, admin: Devices, what: str
) -> None:
    """A stolen computer: whoever holds its key and its access token gets no further, and an invitation it has out
    already is refused by the Companion, which reads the signed list. When it is active again, so is the certificate.
    """
    kim = world.agent()
    inviter, ticket = Inviter(world, kim), kim.ticket()
    certificate = read_certificate(inviter.certificate, world.keys.organisation_public)

    def withdrawn() -> bool:
        told = world.client.get("/session/v1/revocations").json()
        signed = SignedDocument.from_parts(told["document"], told["signature"])
        return read_revocations(signed, world.keys.organisation_public).names(certificate)

    def become(state: str) -> None:
        if what == "device":
            admin.set_state(world.clock(), kim.device.hex(), state)
        else:
            People(world.store, world.rng, str).set_state(world.clock(), "kim", state)

    assert not withdrawn()
    become("suspended")
    assert withdrawn()
    assert inviter.invite(ticket).status_code == 403
    become("active")
    assert not withdrawn()
    assert inviter.invite(ticket).status_code == 200


def test_a_revoked_device_is_not_let_off_by_signing_out(world: World, admin: Devices) -> None:
    """Its first word after the loss may be that; it is told to delete its data all the same."""
    kim = world.agent()
    admin.set_state(world.clock(), kim.device.hex(), "revoked")
    body = {"device": base64.b64encode(kim.device).decode()}
    answer = world.client.post("/auth/v1/logout", json=body, headers=kim.bearer)
    assert (answer.status_code, answer.json()["code"], bool(answer.json()["wipe_token"])) == (403, "revoked", True)
