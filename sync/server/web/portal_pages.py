# SPDX-License-Identifier: GPL-3.0-or-later
"""What the portal's routes share: pages with language and zone of their reader, and errors as pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler

from app.config.i18n import Language
from app.config.logs import get_logger
from app.domain.entities import team_scope
from sync.server.limits import network_of
from sync.server.parts import Parts
from sync.server.portal.errors import PageError
from sync.server.portal.forms import Posted, check_origin, read_posted
from sync.server.portal.hours import Now, ShownWait, Times, instant
from sync.server.portal.pages import PAGE_HEADERS, render, size_text, zone_of
from sync.server.portal.places import is_large
from sync.server.portal.portal import Portal
from sync.server.portal.views import TicketView
from sync.server.portal.words import language_of
from sync.server.problems import ProblemError
from sync.server.store import DatabaseBusy
from sync.server.web.wire import address_of

__all__ = ["AnyRequest", "Reader", "Shown", "form_guard", "form_of", "portal_errors", "portal_of"]

AnyRequest = Request[Any, Any, Any]
_log = get_logger("server.portal")
# code of a problem -> (title, what to do); whatever is not named is a trouble of ours
_TOLD = {
    "not_found": "gone", "code": "gone", "method": "gone", "malformed": "gone", "suspended": "suspended",
    "given": "given", "foreign": "foreign", "too_large": "large", "quota": "large", "no_files": "large",
    "limit": "many", "many_refused": "refused", "slow_line": "slow_line",
    "withdrawn": "withdrawn",
}  # fmt: skip


def portal_of(parts: Parts) -> Portal:
    """Return the portal. Raises ProblemError 404 where there is none."""
    if parts.portal is None:
        raise ProblemError(404, "not_found")
    return parts.portal


def form_guard(parts: Parts) -> Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], None]:
    """Return a guard that reads nothing of what another site's page sends, nor files of who had many forms refused."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        portal = portal_of(parts)
        check_origin(connection)
        if is_large(_size_of(connection)):
            wait_s = portal.refused.blocked_s(network_of(address_of(connection)), parts.clock())
            if wait_s:
                raise PageError(429, "many_refused", retry_s=wait_s)

    return guard


async def form_of(parts: Parts, request: AnyRequest) -> Posted:
    """Return what a form sent, once there is a place to read it. Raises PageError 408 `slow_line`."""
    async with portal_of(parts).forms.place(network_of(address_of(request)), _size_of(request)):
        return await read_posted(request)


def _size_of(connection: ASGIConnection[Any, Any, Any, Any]) -> int | None:
    told = connection.headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 16 else None


@dataclass(frozen=True, slots=True)
class Shown:
    """What pages show of time, in one zone."""

    times: Times
    zone: ZoneInfo
    now: Now
    wait: ShownWait


class Reader:
    """Who reads a page: the language, the zone, from where."""

    def __init__(self, request: AnyRequest, parts: Parts, ticket_language: str = "") -> None:
        self._request = request
        self._parts = parts
        asked = request.query_params.get("lang", "")
        self.language: Language = language_of(asked or ticket_language, request.headers.get("accept-language", ""))
        self.now = parts.clock()
        self.sender = network_of(address_of(request))

    @property
    def organisation(self) -> str:
        """Return whose pages these are."""
        org = self._parts.organisation
        return org.name_ko if self.language == "ko" else org.name_en

    def page(self, name: str, status: int = 200, /, **values: object) -> Response[bytes]:
        """Return a page."""
        shown = {"organisation": self.organisation, "page": "", "q": "", **values}
        content = render(name, self.language, **shown)
        return Response(content, status_code=status, media_type="text/html", headers=dict(PAGE_HEADERS))

    def refused(self) -> None:
        """Count a form that could not be taken."""
        portal_of(self._parts).refused.failed(self.sender, self.now)

    def notice(self, status: int, code: str, retry_s: int | None = None) -> Response[bytes]:
        """Return a page that says what is wrong and where to go."""
        title = _TOLD.get(code, "trouble")
        answer = self.page("notice.html", status, title=title, lead=f"{title}_lead")
        if retry_s is not None:
            answer.headers["retry-after"] = str(retry_s)
        return answer

    async def shown(self) -> Shown:
        """Return what pages show of hours and waits."""
        wanted = self._request.query_params.get("zone", "")
        held = portal_of(self._parts).held
        times, zone, wait = await held.get(self.now, (wanted, self.language), lambda: self._read_times(wanted))
        somebody = self._parts.hub.someone_on(team_scope(times.team)) if times.team is not None else None
        return Shown(times, zone, times.now(self.now, somebody, zone, self.language), wait)

    async def _read_times(self, wanted: str) -> tuple[Times, ZoneInfo, ShownWait]:
        waits = portal_of(self._parts).waits

        def read() -> tuple[Times, ZoneInfo, ShownWait]:
            times = waits.times(self.now)
            zone = zone_of(wanted) or zone_of(times.zone) or ZoneInfo("UTC")
            return times, zone, waits.wait(self.now, times, zone, self.language)

        return await self._parts.jobs.read(read)

    def ticket(
        self, link: str, ticket: TicketView, times: Shown, /, status: int = 200, **more: object
    ) -> Response[bytes]:
        """Return the page of a ticket."""
        portal, here = portal_of(self._parts), f"/help/t/{link}"
        nonce = portal.rng
        values: dict[str, object] = {
            "fresh": "", "wrong": (), "notice": "", "bad": (),
            "values": {"body": "", "solved": "", "treated_well": "", "comment": ""},
            **self.conversation(link, ticket, times),
            "wait": times.wait, "now": times.now,
            "number": f"#{ticket.number}" if ticket.number else "",
            "opened": instant(ticket.opened_at, times.zone, self.language),
            "address": f"{self._request.url.scheme}://{self._request.url.netloc}{here}",
            "form_reply": portal.desk.links.form(self.now, nonce(16), f"reply:{link}"),
            "form_answers": portal.desk.links.form(self.now, nonce(16), f"answers:{link}"),
            "form_call": portal.desk.links.form(self.now, nonce(16), f"call:{link}"),
            "form_uncall": portal.desk.links.form(self.now, nonce(16), f"call:{link}"),
            "form_link": portal.desk.links.form(self.now, nonce(16), f"link:{link}"),
            "form_unlink": portal.desk.links.form(self.now, nonce(16), f"link:{link}"),
            "calling": None,
            "takes_files": portal.desk.takes_files,
            **more,
        }  # fmt: skip
        return self.page("ticket.html", status, page="ticket", **values)

    def conversation(self, link: str, ticket: TicketView, times: Shown) -> dict[str, object]:
        """Return what is shown of the words on a ticket."""
        lines = [
            {
                "id": line.id, "mine": line.mine, "author": line.author, "body": line.body,
                "at": instant(line.at, times.zone, self.language),
                "files": [{"filename": f.filename, "size": size_text(f.size_bytes)} for f in line.files],
            }
            for line in ticket.lines
        ]  # fmt: skip
        state = ticket.state_ko if self.language == "ko" else ticket.state_en
        mark = portal_of(self._parts).desk.links.state_mark(
            ticket.scope, ticket.seq, ticket.invited.iid if ticket.invited else None
        )
        return {"ticket": ticket, "lines": lines, "state": state, "mark": mark, "here": f"/help/t/{link}"}


def portal_errors(parts: Parts) -> dict[Any, Callable[[AnyRequest, Any], Response[bytes]]]:
    """Return handlers that tell people, not programs, what went wrong."""

    def on_problem(request: AnyRequest, error: ProblemError) -> Response[bytes]:
        return Reader(request, parts).notice(error.status, error.problem.code, error.retry_s)

    def on_http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
        code = {404: "not_found", 405: "method", 413: "too_large"}.get(error.status_code)
        return Reader(request, parts).notice(
            error.status_code, code or ("malformed" if error.status_code < 500 else "")
        )

    def on_busy(request: AnyRequest, error: DatabaseBusy) -> Response[bytes]:
        _log.warning("database busy", reason=error.reason)
        return Reader(request, parts).notice(503, "busy", 5)

    def on_bug(request: AnyRequest, error: Exception) -> Response[bytes]:
        # without the address: the secret of a link stands in it
        _log.error("page failed", method=request.method, exc_info=error)
        return Reader(request, parts).notice(500, "error")

    return {ProblemError: on_problem, HTTPException: on_http, DatabaseBusy: on_busy, Exception: on_bug}
