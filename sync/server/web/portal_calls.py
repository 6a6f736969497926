# SPDX-License-Identifier: GPL-3.0-or-later
"""/help/t/{link}/call: a customer asks for a call and cancels it; no script is needed."""

from __future__ import annotations

from typing import Any

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from app.domain.addresses import address_value
from app.domain.callbacks import is_slot
from sync.server.parts import Parts
from sync.server.portal.forms import Posted
from sync.server.portal.places import WORDS_BYTES
from sync.server.problems import ProblemError
from sync.server.store import DatabaseBusy
from sync.server.web.portal_pages import AnyRequest, Reader, form_guard, form_of, portal_of

__all__ = ["CALL_WORDS", "call_routes"]

CALL_WORDS = ("call_sent", "call_gone", "call_wrong", "call_busy", "stale", "slow")  # what the page says then


def call_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @post("/t/{link:str}/call", request_max_body_size=WORDS_BYTES, guards=[form_guard(parts)])
    async def call(request: AnyRequest, link: FromPath[str]) -> Response[Any]:
        """A wish for a call in a half hour; it takes the place of the one that there is."""
        posted = await form_of(parts, request)
        start, phone = posted.line("slot"), posted.line("phone")
        good = start.isascii() and start.isdigit() and len(start) < 16 and is_slot(int(start))
        if not good or address_value("phone", phone) is None:
            return _go(parts, request, link, "call_wrong")
        portal, now = portal_of(parts), parts.clock()
        return await _write(
            parts, request, link, posted,
            lambda nonce: portal.calls.ask(now, link, nonce, int(start), phone), "call_sent",
        )  # fmt: skip

    @post("/t/{link:str}/uncall", request_max_body_size=WORDS_BYTES, guards=[form_guard(parts)])
    async def uncall(request: AnyRequest, link: FromPath[str]) -> Response[Any]:
        """A call is not wanted any more."""
        posted = await form_of(parts, request)
        portal, now, named = portal_of(parts), parts.clock(), posted.line("call")
        try:
            id_ = bytes.fromhex(named)
        except ValueError:
            raise ProblemError(404, "not_found") from None
        return await _write(
            parts, request, link, posted, lambda nonce: portal.calls.cancel(now, link, nonce, id_), "call_gone"
        )

    return [call, uncall]


async def _write(parts: Parts, request: AnyRequest, link: str, posted: Posted, work: Any, told: str) -> Response[Any]:
    portal, now = portal_of(parts), parts.clock()
    form = portal.desk.links.read_form(now, posted.text("form"), f"call:{link}")
    if form is None or form.stale:
        return _go(parts, request, link, "stale")
    if portal.of_link.blocked_s(link, now):
        return _go(parts, request, link, "slow")
    try:
        heads = await parts.jobs.write(lambda: work(form.nonce))
    except DatabaseBusy:
        return _go(parts, request, link, "call_busy")
    except ProblemError as error:
        if error.status != 409:
            raise
        return _go(parts, request, link, "call_busy")
    portal.of_link.failed(link, now)
    parts.hub.changed(heads)
    return _go(parts, request, link, told)


def _go(parts: Parts, request: AnyRequest, link: str, fresh: str) -> Redirect:
    if fresh in ("call_wrong", "stale"):
        Reader(request, parts).refused()
    where = f"/help/t/{link}?lang={Reader(request, parts).language}&fresh={fresh}#call"
    return Redirect(where, status_code=303, headers={"cache-control": "no-store", "referrer-policy": "same-origin"})
