# SPDX-License-Identifier: GPL-3.0-or-later
"""/session/v1: certificates, invitations, codes, the end of sessions. JSON."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from app.config.logs import get_logger
from sync.customer_protocol import Accepted, SessionEntries
from sync.protocol import INFLATED_MAX_BYTES
from sync.server.alarms import WHYS, tell_bad_invitation
from sync.server.parts import Parts
from sync.server.problems import ProblemError
from sync.server.session_ends import SERVER_STATES
from sync.server.sessions import id_of
from sync.server.tokens import AGENT, COMPANION, SESSION, Grant
from sync.server.web.customer_routes import guess, record_entries
from sync.server.web.wire import grant_of, token_first
from sync.session_protocol import (
    BadInvitationReport,
    Certificate,
    CertificateAsk,
    EndAsk,
    InvitationAsk,
    InvitationMade,
    Redeem,
    Redeemed,
    Revocations,
    TurnServers,
)

__all__ = ["session_routes"]

_AnyRequest = Request[Any, Any, Any]
_log = get_logger("server.session")


def session_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """Return the route handlers."""
    return [*_agent_routes(parts), *_end_routes(parts)]


def _agent_routes(parts: Parts) -> list[HTTPRouteHandler]:
    @post("/session/v1/certificate", status_code=200, tags=["session"])
    async def certificate(request: _AnyRequest, data: JSONBody[CertificateAsk]) -> Certificate:
        """Certify an agent's device key."""
        grant = grant_of(request, parts, AGENT)
        return await parts.jobs.write(lambda: parts.sessions.certificate(parts.clock(), grant, data))

    @get("/session/v1/revocations", tags=["session"])
    async def revocations() -> Revocations:
        """Certificates that no longer count."""
        return await parts.jobs.read(lambda: parts.sessions.revocations(parts.clock()))

    @post("/session/v1/invitations", status_code=200, tags=["session"])
    async def invitations(request: _AnyRequest, data: JSONBody[InvitationAsk]) -> InvitationMade:
        """Register an invitation and push it to the requester's companion."""
        grant = grant_of(request, parts, AGENT)
        made = await parts.jobs.write(lambda: parts.sessions.invite(parts.clock(), grant, data))
        parts.hub.changed(made.heads)
        parts.hub.stirred(made.ticket)  # the page of the request shows it
        pushed = await parts.hub.invite(made.customer, made.invite)
        _log.info("invitation registered", pushed=pushed, code_made=made.code is not None)
        return InvitationMade(link=made.link, code=made.code, pushed=pushed)

    return [certificate, revocations, invitations]


def _end_routes(parts: Parts) -> list[HTTPRouteHandler]:
    @post("/session/v1/redeem", status_code=200, tags=["session"])
    async def redeem(request: _AnyRequest, data: JSONBody[Redeem]) -> Redeemed:
        """Exchange a code or an invitation's id for the invitation."""
        if (data.code is None) == (data.iid is None):
            raise ProblemError(400, "malformed")
        grant = _optional(request, parts)
        kind = "join" if data.code is not None else "link"  # guessing codes must not close links
        return await guess(parts, request, kind, lambda: parts.sessions.redeem(parts.clock(), data, grant))

    @post("/session/v1/{sid:str}/end", status_code=204, tags=["session"])
    async def end(request: _AnyRequest, sid: FromPath[str], data: JSONBody[EndAsk]) -> None:
        """The session is over or the invitation void."""
        grant = grant_of(request, parts, AGENT, COMPANION, SESSION)
        id_ = id_of(sid)
        members = await parts.jobs.write(lambda: parts.sessions.end(parts.clock(), grant, id_))
        ticket, _ = await parts.jobs.read(lambda: parts.sessions.place_of(grant, id_))
        parts.hub.stirred(ticket)
        reason = data.reason[:40]
        parts.hub.session_over(id_, members, "stopped" if reason in SERVER_STATES else reason)  # those it says itself

    @post(
        "/session/v1/{sid:str}/entries", status_code=200, tags=["session"],
        guards=[token_first(parts, AGENT, COMPANION, SESSION)], request_max_body_size=INFLATED_MAX_BYTES,
    )  # fmt: skip
    async def entries(request: _AnyRequest, sid: FromPath[str], data: JSONBody[SessionEntries]) -> Accepted:
        """Chain entries of a session, by either end."""
        grant = grant_of(request, parts, AGENT, COMPANION, SESSION)
        if id_of(data.sid) != id_of(sid):
            raise ProblemError(400, "malformed")
        written = await parts.jobs.write(lambda: record_entries(parts, grant, data))
        parts.hub.changed(written.heads)
        parts.hub.stirred(bytes.fromhex(written.accepted.id))
        return written.accepted

    @post("/session/v1/{sid:str}/turn", status_code=200, tags=["session"])
    async def turn(request: _AnyRequest, sid: FromPath[str]) -> Response[TurnServers]:
        """Relay servers and credentials for one connection; an empty list when there is no relay."""
        grant = grant_of(request, parts, AGENT, COMPANION, SESSION)
        servers = await _turn(parts, grant, id_of(sid))
        return Response(servers, headers={"cache-control": "no-store"})

    @post("/customer/v1/alarm", status_code=200, tags=["customer"], guards=[token_first(parts, COMPANION)])
    async def alarm(request: _AnyRequest, data: JSONBody[BadInvitationReport]) -> Accepted:
        """A Companion refused an invitation; the answer is always the same."""
        return await _alarm(parts, grant_of(request, parts, COMPANION), data)

    return [redeem, end, entries, turn, alarm]


async def _alarm(parts: Parts, grant: Grant, report: BadInvitationReport) -> Accepted:
    now, who = parts.clock(), grant.subject.hex()
    told = await parts.jobs.write(lambda: tell_bad_invitation(parts.store, now, grant, report))
    parts.hub.changed(told.written.heads)
    if told.new and not parts.alarms.blocked_s(who, now):  # a flood fills no log
        parts.alarms.failed(who, now)
        _log.warning(
            "a bad invitation arrived at a customer's computer",
            customer=who,
            companion=grant.device.hex(),
            why=report.why if report.why in WHYS else "other",
            on_ticket=told.ticket is not None,
            named=told.named,
            ticket=told.ticket.hex() if told.ticket is not None else "",
        )
    return told.written.accepted


async def _turn(parts: Parts, grant: Grant, sid: bytes) -> TurnServers:
    now, asker = parts.clock(), f"{grant.kind}:{grant.device.hex()}"
    if wait := parts.turn_asks.blocked_s(asker, now):
        raise ProblemError(429, "busy", retry_s=wait)
    parts.turn_asks.failed(asker, now)
    role, consented = await parts.jobs.read(lambda: parts.sessions.role_of(now, grant, sid))
    if parts.turn is None:
        return TurnServers(urls=[])
    if not consented:
        raise ProblemError(409, "consent")
    return parts.turn.credentials(now, sid, role)


def _optional(request: _AnyRequest, parts: Parts) -> Grant | None:
    return grant_of(request, parts, COMPANION) if "authorization" in request.headers else None
