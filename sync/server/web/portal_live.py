# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal's live line: server-sent events that say "something moved", fed by the live channel that agents are on.

What moved is never in them: the page reads its conversation by the link, as it does without the line. Each event names
the state by a mark that the conversation carries too, so that a page which has read it already reads it no second time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from app.domain.entities import team_scope
from sync.server.limits import network_of
from sync.server.parts import Parts
from sync.server.portal.movements import PAUSE_S, Moved
from sync.server.store import DatabaseBusy
from sync.server.web.portal_pages import AnyRequest, portal_of
from sync.server.web.wire import address_of

__all__ = ["live_routes"]

_BEAT_S = 20.0  # proxies close what stands still
_LIFE_S = 1800.0  # then the browser comes back by itself
_OF_SENDER, _OF_ALL = 40, 2000


def live_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """Return the route handlers."""

    @get("/t/{link:str}/live")
    async def live(request: AnyRequest, link: FromPath[str]) -> Response[bytes] | Stream:
        """Events `here` (nobody, somebody, unknown) and `moved`. 204 tells a browser not to come back."""
        portal, sender = portal_of(parts), network_of(address_of(request))
        first = await parts.jobs.read(lambda: portal.desk.moved(parts.clock(), link))
        if first is None or first.over:
            return Response(b"", status_code=204)
        if portal.chats.get(sender, 0) >= _OF_SENDER or parts.movements.pages >= _OF_ALL:
            return Response(b"", status_code=503, headers={"retry-after": "30"})
        headers = {"cache-control": "no-store", "x-accel-buffering": "no", "x-content-type-options": "nosniff"}
        events = _counted(parts, sender, _events(parts, link, first))
        return Stream(events, media_type="text/event-stream", headers=headers)

    return [live]


async def _counted(parts: Parts, sender: str, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    portal = portal_of(parts)
    portal.chats[sender] = portal.chats.get(sender, 0) + 1
    try:
        async for event in events:
            yield event
    finally:
        portal.chats[sender] -= 1
        if not portal.chats[sender]:
            del portal.chats[sender]


async def _events(parts: Parts, link: str, first: Moved) -> AsyncIterator[bytes]:
    loop, portal = asyncio.get_running_loop(), portal_of(parts)
    until, known = loop.time() + _LIFE_S, first
    try:
        follower = await parts.movements.follow(first)
    except DatabaseBusy:
        yield b"retry: 3000\n\n"
        return
    said = b""
    look = True  # what moved until now, nobody tells
    try:
        yield b"retry: 3000\n\n"
        while not follower.closed and loop.time() < until:
            now: Moved | None = follower.news
            if look or now is None:
                try:
                    now = await parts.jobs.read(lambda: portal.desk.moved(parts.clock(), link))
                except DatabaseBusy:
                    await asyncio.sleep(PAUSE_S)
                    continue
                if now is None:
                    return
                if now.over:  # one last look at what is left to read
                    yield _moved(parts, now)
                    return
            if (now.scope, now.ticket) != (follower.scope, follower.ticket):  # that one's news from now on
                parts.movements.leave(follower)
                follower = await parts.movements.follow(now)
                look = True
                continue
            if said == b"" or now != known:
                known = now
                yield _moved(parts, now)
            here, look = _here(parts, known), False
            if here != said:
                said = here
                yield here
            while not await follower.wait(_BEAT_S):
                said = _here(parts, known)
                yield said
                if loop.time() >= until:
                    return
                if known.invited is not None:  # it may have run out
                    look = True
                    break
    finally:
        parts.movements.leave(follower)


def _moved(parts: Parts, now: Moved) -> bytes:
    mark = portal_of(parts).desk.links.state_mark(now.scope, now.seq, now.invited)
    return f"event: moved\ndata: {mark}\n\n".encode()


def _here(parts: Parts, known: Moved) -> bytes:
    somebody = parts.hub.someone_on(team_scope(known.team))
    word = {True: "somebody", False: "nobody", None: "unknown"}[somebody]
    return f"event: here\ndata: {word}\n\n".encode()
