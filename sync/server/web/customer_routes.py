# SPDX-License-Identifier: GPL-3.0-or-later
"""/customer/v1: what companions ask for. JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, JSONBody
from msgspec.structs import replace

from app.domain.entities import team_scope
from sync.customer_protocol import (
    Accepted,
    CallAsk,
    CallCancel,
    Challenge,
    ChallengeAsk,
    CheckAnswer,
    CompanionToken,
    Enrol,
    Enrolled,
    Home,
    Identity,
    IdentityAsk,
    KeyStatements,
    NewMessage,
    NewRequest,
    OrganisationKey,
    SessionEntries,
    TokenAsk,
)
from sync.protocol import INFLATED_MAX_BYTES
from sync.server.home import etag_of, read_home
from sync.server.intake import Written, intake_team
from sync.server.parts import Parts
from sync.server.problems import ProblemError
from sync.server.sessions import id_of
from sync.server.tokens import COMPANION, SESSION, Grant
from sync.server.web.wire import address_of, grant_of, token_first

__all__ = ["customer_routes", "guess", "record_entries"]

T = TypeVar("T")
_MAX_BYTES = INFLATED_MAX_BYTES
_FLOODED = 6  # times as long a refusal takes while wrong codes come from everywhere
_AnyRequest = Request[Any, Any, Any]


async def guess(parts: Parts, request: _AnyRequest, kind: str, attempt: Callable[[], T | None]) -> T:
    """Run an attempt with a code. Wrong, used, expired and blocked all answer 404 `code` after the same time."""
    address, now = address_of(request), parts.clock()
    slower = _FLOODED if parts.codes.flooded(kind, now) else 1
    done = asyncio.get_running_loop().time() + parts.wrong_code_s * slower
    async with parts.guesses:  # one by one: many at once must not all be let in before the first is counted
        now = parts.clock()
        if not parts.codes.refuses(kind, address, now):
            result = await parts.jobs.write(attempt)
            if result is not None:
                return result
            parts.codes.wrong(kind, address, now)
    await asyncio.sleep(max(0.0, done - asyncio.get_running_loop().time()))
    raise ProblemError(404, "code")


def customer_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """Return the route handlers."""
    return [*_enrolment_routes(parts), *_home_routes(parts)]


def _enrolment_routes(parts: Parts) -> list[HTTPRouteHandler]:
    @get("/customer/v1/organisation", tags=["customer"])
    async def organisation(request: _AnyRequest, code: FromQuery[str]) -> OrganisationKey:
        """Whom a companion would enrol with."""
        return await guess(parts, request, "enrol", lambda: parts.customers.organisation(parts.clock(), code))

    @post("/customer/v1/enrol", status_code=200, tags=["customer"])
    async def enrol(request: _AnyRequest, data: JSONBody[Enrol]) -> Enrolled:
        """Redeem an enrolment code."""
        return await guess(parts, request, "enrol", lambda: parts.customers.enrol(parts.clock(), data))

    @post("/customer/v1/identity", status_code=200, tags=["customer"])
    async def identity(data: JSONBody[IdentityAsk]) -> Identity:
        """Whose server this is, signed; asked before a companion says who it is."""
        return parts.customers.identity(data)

    @get("/customer/v1/keys", tags=["customer"])
    async def keys() -> KeyStatements:
        """How the organisation's key came to be the present one; every step is signed by the key before it."""
        return parts.customers.key_statements()

    @post("/customer/v1/challenge", status_code=200, tags=["customer"])
    async def challenge(data: JSONBody[ChallengeAsk]) -> Challenge:
        """A nonce to sign with the device key."""
        id_of(data.companion)
        return parts.customers.challenge(parts.clock())

    @post("/customer/v1/token", status_code=200, tags=["customer"])
    async def token(data: JSONBody[TokenAsk]) -> CompanionToken:
        """Exchange a signed nonce for an access token."""
        made = await parts.jobs.write(lambda: parts.customers.token(parts.clock(), data))
        if made is None:
            raise ProblemError(401, "token")
        return made

    return [organisation, enrol, identity, keys, challenge, token]


def _home_routes(parts: Parts) -> list[HTTPRouteHandler]:
    own, member = [token_first(parts, COMPANION)], [token_first(parts, COMPANION, SESSION)]

    @get("/customer/v1/home", tags=["customer"])
    async def home(request: _AnyRequest) -> Response[Home | None]:
        """Everything the companion's first window shows; 304 when it knows it already."""
        grant = grant_of(request, parts, COMPANION)
        view, scope = await parts.jobs.read(lambda: _read_home(parts, grant))
        somebody = parts.hub.someone_on(scope) if scope else None
        view = replace(view, contact=replace(view.contact, somebody=somebody))
        tag = etag_of(view)
        if request.headers.get("if-none-match") == tag:
            return Response(None, status_code=304, headers={"etag": tag})
        return Response(view, headers={"etag": tag, "cache-control": "private, no-cache"})

    @post("/customer/v1/request", status_code=200, tags=["customer"], guards=own, request_max_body_size=_MAX_BYTES)
    async def new_request(request: _AnyRequest, data: JSONBody[NewRequest]) -> Accepted:
        """Ask for help."""
        grant = grant_of(request, parts, COMPANION)
        return await _limited(parts, grant, lambda: parts.customers.request(parts.clock(), grant, data))

    @post("/customer/v1/message", status_code=200, tags=["customer"], guards=own, request_max_body_size=_MAX_BYTES)
    async def message(request: _AnyRequest, data: JSONBody[NewMessage]) -> Accepted:
        """Write on an own ticket."""
        grant = grant_of(request, parts, COMPANION)
        return await _limited(parts, grant, lambda: parts.customers.message(parts.clock(), grant, data))

    @post("/customer/v1/check", status_code=200, tags=["customer"], guards=own, request_max_body_size=_MAX_BYTES)
    async def check(request: _AnyRequest, data: JSONBody[CheckAnswer]) -> Accepted:
        """Answer the two questions."""
        grant = grant_of(request, parts, COMPANION)
        return await _limited(parts, grant, lambda: parts.customers.check(parts.clock(), grant, data))

    @post("/customer/v1/call", status_code=200, tags=["customer"], guards=own, request_max_body_size=_MAX_BYTES)
    async def call(request: _AnyRequest, data: JSONBody[CallAsk]) -> Accepted:
        """Ask for a call."""
        grant = grant_of(request, parts, COMPANION)
        return await _limited(parts, grant, lambda: parts.customers.call(parts.clock(), grant, data))

    @post("/customer/v1/uncall", status_code=200, tags=["customer"], guards=own, request_max_body_size=_MAX_BYTES)
    async def uncall(request: _AnyRequest, data: JSONBody[CallCancel]) -> Accepted:
        """Cancel a call."""
        grant = grant_of(request, parts, COMPANION)
        return await _limited(parts, grant, lambda: parts.customers.uncall(parts.clock(), grant, data))

    @post(
        "/customer/v1/entries",
        status_code=200,
        tags=["customer"],
        guards=member,
        request_max_body_size=INFLATED_MAX_BYTES,
    )
    async def entries(request: _AnyRequest, data: JSONBody[SessionEntries]) -> Accepted:
        """Chain entries of a session."""
        grant = grant_of(request, parts, COMPANION, SESSION)
        return await _written(parts, lambda: record_entries(parts, grant, data))

    return [home, new_request, message, check, call, uncall, entries]


def record_entries(parts: Parts, grant: Grant, data: JSONBody[SessionEntries]) -> Written:
    """Record entries of a session that the speaker is in, on the session's own ticket. Blocking."""
    ticket, actor = parts.sessions.place_of(grant, id_of(data.sid))
    if data.ticket and id_of(data.ticket) != ticket:
        raise ProblemError(404, "not_found")
    return parts.customers.entries(parts.clock(), actor, ticket, data)


async def _limited(parts: Parts, grant: Grant, work: Callable[[], Written]) -> Accepted:
    """Take what a customer writes, as long as it could be a person. Raises ProblemError 429 `busy`: it comes later."""
    writer, now = grant.subject.hex(), parts.clock()
    wait = parts.customer_writes.blocked_s(writer, now)
    if wait:
        raise ProblemError(429, "busy", retry_s=wait)
    accepted = await _written(parts, work)
    parts.customer_writes.failed(writer, now)
    return accepted


async def _written(parts: Parts, work: Callable[[], Written]) -> Accepted:
    written = await parts.jobs.write(work)
    parts.hub.changed(written.heads)
    return written.accepted


def _read_home(parts: Parts, grant: Grant) -> tuple[Home, str]:
    """Return what is shown, and the scope of the team that takes requests, "" where there is none."""
    with parts.store.read() as connection:
        home = read_home(connection, parts.clock(), parts.organisation, grant.subject)
        try:
            return home, team_scope(intake_team(connection))
        except ProblemError:
            return home, ""
