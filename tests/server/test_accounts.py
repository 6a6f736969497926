# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in and tokens: the right person on the right device, and nobody by trying."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from sync.protocol import Refresh, Tokens
from sync.server.limits import Limiter, TryLimit, network_of
from sync.server.problems import ProblemError
from sync.server.schema import SYSTEM
from sync.server.tokens import AGENT, TokenSigner
from sync.server.web.app import build_app
from tests.server.world import PASSWORD, Agent, World

JSON = {"content-type": "application/json"}


def refresh(world: World, token: str, agent: Agent) -> Tokens | None:
    """Exchange a refresh token; None if it is refused."""
    answer = agent.post("/auth/v1/refresh", Refresh(refresh=token, device=agent.device))
    if answer.status_code == 401:
        return None
    from sync.protocol import unpack

    tokens: Tokens = unpack(answer.content, Tokens)
    return tokens


def test_a_wrong_password_and_an_unknown_login_look_the_same(desk: World) -> None:
    """401 with one word; the answer says nothing about which logins exist."""
    wrong = desk.client.post("/auth/v1/login", json={"login": "kim", "password": "no"})
    unknown = desk.client.post("/auth/v1/login", json={"login": "nobody", "password": "no"})
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json())
    assert wrong.json()["code"] == "credentials"


def test_json_and_packed_bodies_sign_in_alike(desk: World) -> None:
    """The same routes serve the client and a script."""
    answer = desk.client.post("/auth/v1/login", json={"login": "KIM ", "password": PASSWORD, "device_name": "x"})
    assert answer.status_code == 200
    assert answer.json()["account"]["name"] == "김지우"
    assert len(answer.json()["device_code"]) == 2


def test_after_five_wrong_passwords_the_sixth_waits_even_if_right(desk: World) -> None:
    """429 with Retry-After; other people are not locked out, and it ends by itself."""
    for _ in range(5):
        assert desk.client.post("/auth/v1/login", json={"login": "kim", "password": "no"}).status_code == 401
    blocked = desk.client.post("/auth/v1/login", json={"login": "kim", "password": PASSWORD})
    assert (blocked.status_code, blocked.json()["code"]) == (429, "busy")
    assert int(blocked.headers["retry-after"]) == 301
    assert desk.agent("lee").tokens.access
    desk.clock.forward(301)
    assert desk.agent("kim").tokens.access


def test_many_tries_at_once_are_no_more_than_one_after_the_other(desk: World) -> None:
    """Passwords and codes: what runs already counts before the next one is let in."""
    sign_in = ("/auth/v1/login", {"login": "kim", "password": "no"})
    code = ("/session/v1/redeem", {"code": "123456789"})
    tried: list[str] = []
    hash_, write = desk.parts.jobs.hash, desk.parts.jobs.write

    async def run() -> list[int]:
        async def counted(name: str, real: Any, work: Any) -> Any:
            tried.append(name)
            return await real(work)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(desk.parts.jobs, "hash", partial(counted, "password", hash_))
            patch.setattr(desk.parts.jobs, "write", partial(counted, "code", write))
            app: Any = build_app(desk.parts)
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
                answers = await asyncio.gather(*(client.post(p, json=body) for p, body in [sign_in, code] * 12))
        return [answer.status_code for answer in answers]

    statuses = asyncio.run(run())
    assert tried.count("code") == 5
    assert tried.count("password") <= 6
    assert statuses.count(429) >= 6


def test_an_expired_or_forged_token_is_refused_with_one_word(desk: World) -> None:
    """401 `token`; after refreshing, work goes on."""
    kim = desk.agent()
    desk.clock.forward(600)
    assert (kim.pull_raw().status_code, kim.pull_raw().json()["code"]) == (401, "token")
    assert kim.tokens.refresh
    tokens = refresh(desk, kim.tokens.refresh, kim)
    assert tokens is not None
    kim.tokens = tokens
    assert kim.pull_raw().status_code == 200
    body, _, mark = tokens.access.partition(".")
    for bad in ("", "x", f"{body}.{mark[:-2]}AA", f"{body[:-2]}AA.{mark}", mark, "ü.ü"):
        answer = desk.client.get("/customer/v1/home", headers={b"authorization": f"Bearer {bad}".encode()})
        assert answer.status_code == 401


def test_a_token_of_one_device_does_not_serve_another(desk: World) -> None:
    """A body naming another device is 403; a companion's token opens no sync."""
    kim, lee = desk.agent("kim"), desk.agent("lee")
    kim.device, own = lee.device, kim.device
    assert kim.pull_raw().status_code == 403
    kim.device = own
    answer = desk.client.post("/sync/v1/hello", content=b"", headers=desk.companion().bearer)
    assert answer.status_code == 401


def test_a_lost_answer_to_a_refresh_does_not_sign_anybody_out(world: World) -> None:
    """The previous token is accepted once more until the new one is used."""
    kim = world.agent()
    first = kim.tokens.refresh
    lost = refresh(world, first, kim)
    again = refresh(world, first, kim)
    assert lost is not None
    assert again is not None
    assert refresh(world, again.refresh, kim) is not None


def test_using_a_spent_refresh_token_ends_the_whole_family(world: World) -> None:
    """A stolen token is worth nothing once its owner went on, and shows itself."""
    kim = world.agent()
    first = kim.tokens.refresh
    second = refresh(world, first, kim)
    assert second is not None
    third = refresh(world, second.refresh, kim)
    assert third is not None
    assert refresh(world, first, kim) is None
    assert refresh(world, third.refresh, kim) is None


def test_a_token_made_while_its_family_is_revoked_is_revoked_too(world: World) -> None:
    """The thief's spent token and the owner's good one arrive together."""
    kim, accounts, now = world.agent("kim"), world.parts.accounts, world.clock()
    spent = kim.tokens.refresh
    current = accounts.refresh(now, Refresh(refresh=spent, device=kim.device)).refresh
    current = accounts.refresh(now, Refresh(refresh=current, device=kim.device)).refresh
    begun, through, fresh = Event(), Event(), "fresh"

    def slowly(cx: sa.Connection) -> None:
        accounts._rotate(cx, now, Refresh(refresh=current, device=kim.device), fresh)
        begun.set()
        through.wait(0.4)  # for the other one to be through, if nothing held it up

    with ThreadPoolExecutor(1) as pool:
        good = pool.submit(world.store.write, slowly)
        assert begun.wait(30)
        with pytest.raises(ProblemError):
            accounts.refresh(now, Refresh(refresh=spent, device=kim.device))
        through.set()
        good.result()
    with pytest.raises(ProblemError):
        accounts.refresh(now, Refresh(refresh=fresh, device=kim.device))


def test_the_previous_token_is_accepted_once_more_and_not_twice(desk: World) -> None:
    """Two lost answers in a row ask for the password again."""
    kim = desk.agent()
    first = kim.tokens.refresh
    assert all(refresh(desk, first, kim) is not None for _ in range(2))
    assert refresh(desk, first, kim) is None


def test_a_refresh_token_from_another_device_is_refused(desk: World) -> None:
    """Tokens are bound to their device."""
    kim, lee = desk.agent("kim"), desk.agent("lee")
    assert refresh(desk, kim.tokens.refresh, lee) is None


def test_signing_in_again_on_the_same_device_keeps_its_id_and_code(world: World) -> None:
    """The outbox of a device stays its own; unknown or foreign ids get a new one."""
    kim = world.agent()
    from sync.protocol import CONTENT_TYPE, Login, pack, unpack

    def sign_in(login: str, device: bytes) -> Tokens:
        ask = Login(login=login, password=PASSWORD, device=device)
        answer = world.client.post("/auth/v1/login", content=pack(ask), headers={"content-type": CONTENT_TYPE})
        tokens: Tokens = unpack(answer.content, Tokens)
        return tokens

    again = sign_in("kim", kim.device)
    assert (again.device, again.device_code) == (kim.device, kim.tokens.device_code)
    assert sign_in("lee", kim.device).device != kim.device


def test_a_device_can_take_a_new_id_in_place_of_its_own(world: World) -> None:
    """`replaces` must be a device of the same account; the old id lives on for a day, as this answer may be lost."""
    from sync.protocol import NewDevice, unpack

    kim = world.agent("kim")
    old = kim.tokens.refresh
    answer = kim.post("/auth/v1/device", NewDevice(name="again", replaces=kim.device))
    tokens: Tokens = unpack(answer.content, Tokens)
    assert tokens.device != kim.device
    assert tokens.device_code != kim.tokens.device_code
    world.clock.forward(23 * 3600)
    assert refresh(world, old, kim) is not None
    world.clock.forward(2 * 3600)
    assert refresh(world, old, kim) is None
    lee = world.agent("lee")
    assert lee.post("/auth/v1/device", NewDevice(name="x", replaces=kim.device)).status_code == 403


def test_a_revoked_device_gets_no_new_id_not_even_in_place_of_another(desk: World) -> None:
    """Its access token lasts for minutes yet; with it, it must not become a device that nobody revoked."""
    from sync.protocol import NewDevice

    first, second = desk.agent("kim"), desk.agent("kim")
    table = SYSTEM.device
    for state in ("revoked", "suspended"):
        query = table.update().where(table.c.id == second.device).values(state=state)
        desk.store.write(lambda cx, q=query: cx.execute(q))  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
        answer = second.post("/auth/v1/device", NewDevice(name="x", replaces=first.device))
        assert answer.status_code == 403
    with desk.store.read() as cx:
        assert cx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 2


def test_signing_out_ends_the_refresh_tokens(desk: World) -> None:
    """The device keeps its id for next time."""
    from base64 import b64encode

    kim = desk.agent()
    body = {"device": b64encode(kim.device).decode()}
    assert desk.client.post("/auth/v1/logout", json=body, headers=kim.bearer).status_code == 204
    assert refresh(desk, kim.tokens.refresh, kim) is None


def test_a_suspended_person_is_locked_out_at_once(desk: World) -> None:
    """Device and account state are read on every request; revocation does not wait for the token's end."""
    kim = desk.agent()

    def set_state(table: sa.Table, state: str) -> None:
        desk.store.write(lambda cx: cx.execute(table.update().values(state=state)))

    set_state(SYSTEM.account, "suspended")
    assert (kim.pull_raw().status_code, kim.pull_raw().json()["code"]) == (403, "suspended")
    assert desk.client.post("/auth/v1/login", json={"login": "kim", "password": PASSWORD}).status_code == 403
    set_state(SYSTEM.account, "active")
    set_state(SYSTEM.device, "revoked")
    assert kim.pull_raw().json()["code"] == "revoked"


def test_device_codes_are_unique_and_grow_when_they_run_short(desk: World) -> None:
    """Two characters first; nobody gets a code twice."""
    codes = set()
    alphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

    def fill(cx: sa.Connection) -> None:
        row = {"account_id": b"a" * 16, "name": "", "state": "active", "lmid": 0, "lmid_seen": 0, "offset_ms": 0,
               "proto": 1, "schema": 1, "hello_at": 0, "last_seen": 0}  # fmt: skip
        rows = [{**row, "id": f"{a}{b}".encode() * 8, "code": f"{a}{b}"} for a in alphabet[:15] for b in alphabet]
        cx.execute(SYSTEM.device.insert(), rows)

    for _ in range(3):
        codes.add(desk.agent().tokens.device_code)
    assert len(codes) == 3
    assert all(len(code or "") == 2 and set(code or "") <= set(alphabet) for code in codes)
    desk.store.write(lambda cx: cx.execute(SYSTEM.device.delete()))
    desk.store.write(fill)
    assert len(desk.agent().tokens.device_code or "") == 3


def test_tries_are_counted_per_network() -> None:
    """An IPv6 sender cannot step aside within its /64."""
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1")
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1") != network_of("10.0.0.2")
    limiter = Limiter(TryLimit(2, 10, 20))
    limiter.failed("a", 0)
    limiter.failed("a", 11_000)
    assert limiter.blocked_s("a", 11_000) == 0
    limiter.failed("a", 12_000)
    assert limiter.blocked_s("a", 12_000) == 21
    assert limiter.blocked_s("a", 32_000) == 0


def test_tokens_of_another_server_are_worthless(desk: World) -> None:
    """Each server signs with its own key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    foreign = TokenSigner(Ed25519PrivateKey.generate()).issue(desk.clock(), AGENT, b"a" * 16, b"d" * 16)
    assert desk.parts.signer.check(desk.clock(), foreign) is None
