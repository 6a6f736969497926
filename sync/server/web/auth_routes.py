# SPDX-License-Identifier: GPL-3.0-or-later
"""/auth/v1: sign-in, proof, refresh, new device id, sign-out. JSON, or the packed encoding of the sync protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from app.config.logs import get_logger
from sync.protocol import Login, NewDevice, OidcCode, OidcOffer, Prove, Refresh, Tokens, Wiped
from sync.server.limits import network_of
from sync.server.oidc import Oidc, Person
from sync.server.oidc_accounts import matched_account
from sync.server.parts import Parts
from sync.server.problems import ProblemError
from sync.server.tokens import AGENT, Grant
from sync.server.web.wire import address_of, answer, grant_of

__all__ = ["Logout", "auth_routes"]

_log = get_logger("server.auth")
_MAX_PASSWORD = 1024
_T = TypeVar("_T")


class Logout(msgspec.Struct, frozen=True, kw_only=True):
    """Sign this device out."""

    device: Annotated[bytes, msgspec.Meta(max_length=16)]


async def _by_provider(parts: Parts, place: str, code: OidcCode, then: Callable[[Oidc, Person], Awaitable[_T]]) -> _T:
    """Do something as the person that a code is for; what is refused counts as a failure of this place.

    Raises ProblemError: the codes of `Oidc.person`, 404 `oidc_off`, and what `then` raises.
    """
    oidc, now = parts.oidc, parts.clock()
    if oidc is None:
        raise ProblemError(404, "oidc_off")
    wait = parts.login_address.blocked_s(place, now)
    if wait:
        raise ProblemError(429, "busy", retry_s=wait)
    try:
        # not in the threads for passwords: a provider that does not answer must keep nobody else out
        person = await parts.jobs.away(lambda: oidc.person(code))
        return await then(oidc, person)
    except ProblemError as problem:
        if problem.status in (401, 403):
            parts.login_address.failed(place, now)
        raise


async def _by_password(parts: Parts, place: str, login: str, password: str, check: Callable[[int], _T]) -> _T:
    """Run `check`, which compares a password, in a thread for that; wrong ones are counted, and too many must wait.

    Raises ProblemError: 401 `credentials`, 429 `busy`, and what `check` raises.
    """
    name = login.strip().lower()[:200]
    checks = (
        (parts.login_pair, f"{name}@{place}"), (parts.login_account, name), (parts.login_address, place),
    )  # fmt: skip
    if len(password) > _MAX_PASSWORD:
        raise ProblemError(401, "credentials")
    async with parts.passwords:  # as many at once as are hashed: more must not be let in before these are counted
        now = parts.clock()
        wait = max(limiter.blocked_s(key, now) for limiter, key in checks)
        if wait:
            raise ProblemError(429, "busy", retry_s=wait)
        try:
            out = await parts.jobs.hash(lambda: check(now))
        except ProblemError as problem:
            if problem.status == 401:
                for limiter, key in checks:
                    limiter.failed(key, now)
                _log.info("sign-in refused")
            raise
        parts.login_pair.succeeded(f"{name}@{place}")
    return out


async def _sign_in_by_provider(parts: Parts, place: str, ask: Login, code: OidcCode) -> Tokens:
    """Sign in with a code. Raises ProblemError also 403 `oidc_no_account`."""

    def opened(oidc: Oidc, person: Person) -> Awaitable[Tokens]:
        now, match, at = parts.clock(), oidc.settings.match, person.authenticated_ms
        proved_at = min(at, now) if at is not None else None  # what is not said is no proof
        return parts.jobs.write(
            lambda: parts.accounts.open_device(now, ask, lambda cx: matched_account(cx, person, match), proved_at)
        )

    return await _by_provider(parts, place, code, opened)


async def _prove(parts: Parts, place: str, grant: Grant, ask: Prove) -> None:
    """Take a proof of who is signed in. Raises ProblemError: the codes of both ways, and those of `Proofs`."""
    login = await parts.jobs.read(lambda: parts.proofs.login_of(grant))  # first: who is not let in learns that
    if ask.oidc is None:
        await _by_password(
            parts, place, login, ask.password, lambda now: parts.proofs.by_password(now, grant, login, ask.password)
        )
    else:
        await _by_provider(
            parts, place, ask.oidc,
            lambda _, person: parts.jobs.write(lambda: parts.proofs.by_provider(parts.clock(), grant, person)),
        )  # fmt: skip
    _log.info("proof taken", way="password" if ask.oidc is None else "provider")


def auth_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """Return the route handlers."""

    @post("/auth/v1/login", status_code=200, tags=["auth"])
    async def login(request: Request[Any, Any, Any], data: JSONBody[Login]) -> Response[Tokens]:
        """Sign in with a local account, or with a code of the provider."""
        place = network_of(address_of(request))
        if data.oidc is not None:
            return answer(request, await _sign_in_by_provider(parts, place, data, data.oidc))
        tokens = await _by_password(
            parts, place, data.login, data.password, lambda now: parts.accounts.login(now, data)
        )
        return answer(request, tokens)

    @post("/auth/v1/proof", status_code=204, tags=["auth"])
    async def proof(request: Request[Any, Any, Any], data: JSONBody[Prove]) -> None:
        """Prove again who speaks, before an invitation that was refused with `proof_too_old`."""
        await _prove(parts, network_of(address_of(request)), grant_of(request, parts, AGENT), data)

    @post("/auth/v1/refresh", status_code=200, tags=["auth"])
    async def refresh(request: Request[Any, Any, Any], data: JSONBody[Refresh]) -> Response[Tokens]:
        """Exchange a refresh token for the next pair."""
        return answer(request, await parts.jobs.write(lambda: parts.accounts.refresh(parts.clock(), data)))

    @post("/auth/v1/device", status_code=200, tags=["auth"])
    async def device(request: Request[Any, Any, Any], data: JSONBody[NewDevice]) -> Response[Tokens]:
        """Take a new device id in place of one of one's own."""
        grant = grant_of(request, parts, AGENT)
        return answer(request, await parts.jobs.write(lambda: parts.accounts.new_device(parts.clock(), grant, data)))

    @post("/auth/v1/logout", status_code=204, tags=["auth"])
    async def logout(request: Request[Any, Any, Any], data: JSONBody[Logout]) -> None:
        """Drop this device's refresh tokens."""
        grant = grant_of(request, parts, AGENT)
        await parts.jobs.write(lambda: parts.accounts.logout(grant, data.device))

    @post("/auth/v1/wiped", status_code=204, tags=["auth"])
    async def wiped(data: JSONBody[Wiped]) -> None:
        """Take note that a revoked device has deleted its data."""
        await parts.jobs.write(lambda: parts.accounts.wiped(parts.clock(), data))

    @get("/auth/v1/oidc", status_code=200, tags=["auth"])
    async def oidc(request: Request[Any, Any, Any]) -> Response[OidcOffer]:
        """The provider at which people can sign in; 404 `oidc_off` when there is none."""
        if parts.oidc is None:
            raise ProblemError(404, "oidc_off")
        return answer(request, parts.oidc.offer)

    return [login, proof, oidc, refresh, device, logout, wiped]
