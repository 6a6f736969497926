# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal's live line: server-sent events that say "something moved", fed by the live channel that agents are on.

What moved is never in them: the page reads its conversation by the link, as it does without the line.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from app.domain.entities import team_scope
from sync.server.limits import network_of
from sync.server.member import Member
from sync.server.parts import Parts
from sync.server.portal.desk import Moved
from sync.server.store import DatabaseBusy
from sync.server.tokens import Grant
from sync.server.web.portal_pages import AnyRequest, portal_of
from sync.server.web.wire import address_of

__all__ = ["live_routes"]

_BEAT_S = 20.0  # proxies close what stands still
_LIFE_BEATS = 90  # then the browser comes back by itself
_PAUSE_S = 0.25  # a busy queue moves often; a ticket is looked at no more often than this
_OF_SENDER, _OF_ALL = 40, 2000


class _Ear:
    """The outlet of a member that only hears that its scope moved."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self.moved = asyncio.Event()

    def flush(self) -> None:
        """Drop what is queued: that there was something is enough."""
        while self._member.take() is not None:
            pass
        self.moved.set()

    def send_now(self, payload: bytes) -> bool:
        """Note that the scope moved."""
        del payload
        self.moved.set()
        return True


def live_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """Return the route handlers."""

    @get("/t/{link:str}/live")
    async def live(request: AnyRequest, link: FromPath[str]) -> Response[bytes] | Stream:
        """Events `here` (nobody, somebody, unknown) and `moved`. 204 tells a browser not to come back."""
        portal, sender = portal_of(parts), network_of(address_of(request))
        first = await parts.jobs.read(lambda: portal.desk.moved(link))
        if first is None:
            return Response(b"", status_code=204)
        if portal.chats.get(sender, 0) >= _OF_SENDER or parts.hub.listeners >= _OF_ALL:
            return Response(b"", status_code=503, headers={"retry-after": "30"})
        headers = {"cache-control": "no-store", "x-accel-buffering": "no", "x-content-type-options": "nosniff"}
        return Stream(_events(parts, link, sender, first), media_type="text/event-stream", headers=headers)

    return [live]


async def _events(parts: Parts, link: str, sender: str, first: Moved) -> AsyncIterator[bytes]:
    portal, known = portal_of(parts), first
    portal.chats[sender] = portal.chats.get(sender, 0) + 1
    member, ear = _listen(parts, known.scope)
    try:
        yield b"retry: 3000\n\n" + _here(parts, known)
        for _ in range(_LIFE_BEATS):
            moved = await _beat(ear)
            if member.closed:
                return
            yield _here(parts, known)
            if not moved:
                continue
            now: Moved | None = known
            with suppress(DatabaseBusy):  # the next move, or the next beat, tells it
                now = await parts.jobs.read(lambda: portal.desk.moved(link))
            if now is None:
                return
            if now.scope != known.scope:  # to another team: that one's news from now on
                parts.hub.unlisten(member)
                member, ear = _listen(parts, now.scope)
            if now != known:
                known = now
                yield b"event: moved\ndata: \n\n"
            await asyncio.sleep(_PAUSE_S)
    finally:
        parts.hub.unlisten(member)
        portal.chats[sender] -= 1
        if not portal.chats[sender]:
            del portal.chats[sender]


async def _beat(ear: _Ear) -> bool:
    """Wait for the scope to move, or for the next beat; tell which it was."""
    try:
        async with asyncio.timeout(_BEAT_S):
            await ear.moved.wait()
    except TimeoutError:
        return False
    ear.moved.clear()
    return True


def _listen(parts: Parts, scope: str) -> tuple[Member, _Ear]:
    id_ = portal_of(parts).rng(16)
    member = Member(Grant("portal", id_, id_, 0), frozenset({scope}), lambda _member: None)
    ear = _Ear(member)
    member.outlet = ear
    parts.hub.listen(member)
    return member, ear


def _here(parts: Parts, known: Moved) -> bytes:
    somebody = parts.hub.someone_on(team_scope(known.team))
    word = {True: "somebody", False: "nobody", None: "unknown"}[somebody]
    return f"event: here\ndata: {word}\n\n".encode()
