# SPDX-License-Identifier: GPL-3.0-or-later
"""/help/t/{link}/renew and /withdraw: whoever has a secret link ends it; no script is needed."""

from __future__ import annotations

from typing import Any

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from sync.server.parts import Parts
from sync.server.portal.links import Form
from sync.server.portal.places import WORDS_BYTES
from sync.server.web.portal_pages import AnyRequest, Reader, form_guard, form_of, portal_of

__all__ = ["link_routes"]

_HEADERS = {"cache-control": "no-store", "referrer-policy": "same-origin"}


def link_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """Return the routes."""

    async def form(request: AnyRequest, link: str) -> Form | None:
        posted, now = await form_of(parts, request), parts.clock()
        found = portal_of(parts).desk.links.read_form(now, posted.text("form"), f"link:{link}")
        if found is None or found.stale:
            Reader(request, parts).refused()
            return None
        return found

    @post("/t/{link:str}/renew", request_max_body_size=WORDS_BYTES, guards=[form_guard(parts)])
    async def renew(request: AnyRequest, link: FromPath[str]) -> Response[Any]:
        """A new link; all before it end."""
        sent = await form(request, link)
        if sent is None:
            return _go(parts, request, link, "stale")
        portal, now = portal_of(parts), parts.clock()
        opened = await parts.jobs.write(lambda: portal.ending.renew(now, link, sent.nonce))
        parts.hub.changed(opened.heads)
        return _go(parts, request, opened.link, "renewed")

    @post("/t/{link:str}/withdraw", request_max_body_size=WORDS_BYTES, guards=[form_guard(parts)])
    async def withdraw(request: AnyRequest, link: FromPath[str]) -> Response[Any]:
        """No link any more."""
        sent = await form(request, link)
        if sent is None:
            return _go(parts, request, link, "stale")
        portal, now = portal_of(parts), parts.clock()
        parts.hub.changed(await parts.jobs.write(lambda: portal.ending.withdraw(now, link, sent.nonce)))
        return Reader(request, parts).notice(200, "withdrawn")

    return [renew, withdraw]


def _go(parts: Parts, request: AnyRequest, link: str, fresh: str) -> Redirect:
    where = f"/help/t/{link}?lang={Reader(request, parts).language}&fresh={fresh}"
    return Redirect(where, status_code=303, headers=_HEADERS)
