# SPDX-License-Identifier: GPL-3.0-or-later
"""/help: pages for customers who install nothing. No cookie, no account; to write, no script is needed either."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect, Stream

from app.domain.addresses import address_value
from app.domain.changes_surveys import MAX_COMMENT_CHARS
from sync.server.limits import network_of
from sync.server.parts import Parts
from sync.server.portal.desk import Ask, Opened
from sync.server.portal.errors import PageError
from sync.server.portal.forms import FORM_MAX_BYTES, Posted
from sync.server.portal.hours import week_of
from sync.server.portal.pages import PAGE_HEADERS, static_files
from sync.server.portal.places import WORDS_BYTES
from sync.server.portal.views import Place, TicketView
from sync.server.problems import ProblemError
from sync.server.store import DatabaseBusy
from sync.server.web.portal_articles import article_routes, fitting_shown
from sync.server.web.portal_calls import CALL_WORDS, call_routes
from sync.server.web.portal_links import link_routes
from sync.server.web.portal_live import live_routes
from sync.server.web.portal_pages import (
    AnyRequest,
    Reader,
    Shown,
    form_guard,
    form_of,
    portal_errors,
    portal_of,
)
from sync.server.web.ranges import send_file
from sync.server.web.wire import address_of

__all__ = ["portal_routes"]

T = TypeVar("T")

_MAX_NAME, _MAX_SUBJECT, _MAX_BODY = 80, 300, 20_000
_FILE_HEADERS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}
# offered where no script tells the reader's own
_ZONES = (
    "Asia/Seoul", "Asia/Tokyo", "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Singapore", "Asia/Ho_Chi_Minh", "Asia/Bangkok",
    "Asia/Jakarta", "Asia/Kolkata", "Asia/Dubai", "Australia/Sydney", "Pacific/Auckland", "Europe/London",
    "Europe/Berlin", "Europe/Paris", "Europe/Istanbul", "UTC", "America/Sao_Paulo", "America/New_York",
    "America/Chicago", "America/Denver", "America/Los_Angeles", "Pacific/Honolulu",
)  # fmt: skip
_Wrong = tuple[tuple[str, str], ...]  # (field, text that says what is wrong)
_MAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]+\.[^@\s,;<>\".]{2,}")


def portal_routes(parts: Parts) -> list[Router]:
    """Return the routes."""
    tickets = [*_ticket_routes(parts), *live_routes(parts), *call_routes(parts), *link_routes(parts)]
    handlers = [*_page_routes(parts), *article_routes(parts), *tickets]
    return [Router("/help", route_handlers=handlers, exception_handlers=portal_errors(parts), include_in_schema=False)]


def _page_routes(parts: Parts) -> list[HTTPRouteHandler]:
    statics = static_files()

    @get("/")
    async def home(request: AnyRequest) -> Response[bytes]:
        """Find an answer, write, join, and when somebody is there."""
        portal_of(parts)
        reader = Reader(request, parts)
        shown = await reader.shown()
        portal = portal_of(parts)
        told = await parts.jobs.read(lambda: portal.reading.announcements(reader.now, reader.language))
        return reader.page("home.html", join=parts.join_page, announcements=told, **_hours(reader, shown))

    @get("/now")
    async def now(request: AnyRequest) -> Response[bytes]:
        """The part of the page that says whether somebody is there."""
        portal_of(parts)
        reader = Reader(request, parts)
        shown = await reader.shown()
        return reader.page("_now.html", now=shown.now, wait=shown.wait)

    @get("/hours")
    async def hours(request: AnyRequest) -> Response[bytes]:
        """The part of the page with the coming week."""
        portal_of(parts)
        reader = Reader(request, parts)
        return reader.page("_week.html", **_hours(reader, await reader.shown()))

    @get("/static/{name:str}")
    async def static(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
        """A style or a script."""
        file = statics.get(name)
        if file is None or parts.portal is None:
            raise ProblemError(404, "not_found")
        headers = {**PAGE_HEADERS, "etag": file.etag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == file.etag:
            return Response(b"", status_code=304, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)

    @get("/write")
    async def write_page(request: AnyRequest) -> Response[bytes]:
        """The form for a request."""
        portal = portal_of(parts)
        reader = Reader(request, parts)
        shown = await reader.shown()
        form = portal.desk.links.form(reader.now, portal.rng(16), "write")
        return _write_page(parts, reader, shown, form, {})

    @post("/write", request_max_body_size=FORM_MAX_BYTES, guards=[form_guard(parts)])
    async def write(request: AnyRequest) -> Response[Any]:
        """A request: a ticket is opened, and the page goes to its secret link."""
        portal = portal_of(parts)
        reader = Reader(request, parts)
        posted = await form_of(parts, request)
        shown = await reader.shown()
        form = portal.desk.links.read_form(reader.now, posted.text("form"), "write")
        if form is None or form.stale:
            return _again(parts, reader, shown, posted, (), "stale", None)
        if posted.text("look"):  # a step before sending, for whoever has no scripts
            fits = await fitting_shown(parts, reader, posted)
            return _again(parts, reader, shown, posted, (), "", form.nonce, 200, fits=fits, looked=True)
        wrong = _wrong_request(posted)
        if wrong or posted.trouble:
            return _again(parts, reader, shown, posted, wrong, posted.trouble, form.nonce)
        wait_s = portal.new_requests.blocked_s(reader.sender, reader.now)
        if wait_s:
            return _again(parts, reader, shown, posted, (), "slow", form.nonce, 429)
        ask = Ask(
            posted.line("name"), posted.line("mail"), posted.line("phone"), posted.line("subject"),
            posted.text("body").strip(), reader.language,
        )  # fmt: skip
        try:
            opened = await _written(parts, posted, lambda: portal.desk.write(reader.now, form.nonce, ask, posted.files))
        except (DatabaseBusy, ProblemError) as error:
            if isinstance(error, ProblemError) and error.status != 503:
                raise
            return _again(parts, reader, shown, posted, (), "busy", form.nonce, 503)
        portal.new_requests.failed(reader.sender, reader.now)
        return _go(parts, reader, opened, "request")

    @get("/{rest:path}")
    async def nothing(request: AnyRequest, rest: FromPath[str]) -> Response[bytes]:
        """Anything else: a page that says so."""
        del rest
        return Reader(request, parts).notice(404, "not_found")

    return [home, now, hours, static, write_page, write, nothing]


def _ticket_routes(parts: Parts) -> list[HTTPRouteHandler]:
    @get("/t/{link:str}")
    async def ticket(request: AnyRequest, link: FromPath[str]) -> Response[bytes]:
        """A ticket, as whoever has its link reads it."""
        view = await _open(parts, request, link)
        reader = Reader(request, parts, view.language)
        shown = await reader.shown()
        fresh = request.query_params.get("fresh", "")
        fresh = fresh if fresh in ("request", "sent", "check_thanks", "check_again", "renewed", *CALL_WORDS) else ""
        portal = portal_of(parts)
        calling = await parts.jobs.read(lambda: portal.calls.shown(reader.now, link, shown.zone, reader.language))
        wait = calling.told if calling is not None and fresh == "request" else shown.wait
        return reader.ticket(link, view, shown, fresh=fresh, calling=calling, wait=wait)

    @get("/t/{link:str}/lines")
    async def lines(request: AnyRequest, link: FromPath[str]) -> Response[bytes]:
        """The conversation alone."""
        view = await _open(parts, request, link)
        reader = Reader(request, parts, view.language)
        shown = await reader.shown()
        return reader.page("_lines.html", **reader.conversation(link, view, shown))

    @post("/t/{link:str}/reply", request_max_body_size=FORM_MAX_BYTES, guards=[form_guard(parts)])
    async def reply(request: AnyRequest, link: FromPath[str]) -> Response[Any]:
        """The customer's words; from the chat the answer is a small JSON, else the page again."""
        portal = portal_of(parts)
        place = await _find(parts, request, link)
        reader = Reader(request, parts, place.language)
        posted = await form_of(parts, request)
        body = posted.text("body").strip()
        notice, status = "", 422
        wrong: _Wrong = ()
        form = portal.desk.links.read_form(reader.now, posted.text("form"), f"reply:{link}")
        if place.own is not None:  # the page says so, and shows what was written
            return await _ticket_again(reader, link, await _open(parts, request, link), "", (), 403, posted)
        if form is None or form.stale:
            notice = "stale"
        elif posted.trouble:
            notice = posted.trouble
        elif (not body and not posted.files) or len(body) > _MAX_BODY:
            wrong = (("reply", "wrong_body" if body else "wrong_reply"),)
        elif portal.of_link.blocked_s(link, reader.now):
            notice, status = "slow", 429
        if form is None or notice or wrong:
            view = await _open(parts, request, link)
            return await _ticket_again(reader, link, view, notice, wrong, status, posted)
        live = posted.text("live") == "1"
        try:
            opened = await _written(
                parts,
                posted,
                lambda: portal.desk.reply(
                    reader.now, link, form.nonce, body, posted.files, "chat" if live else "portal"
                ),
            )
        except DatabaseBusy:
            view = await _open(parts, request, link)
            return await _ticket_again(reader, link, view, "busy", (), 503, posted)
        portal.of_link.failed(link, reader.now)
        if not live:
            return _go(parts, reader, opened, "sent")
        parts.hub.changed(opened.heads)
        told: dict[str, str] = {"form": portal.desk.links.form(reader.now, portal.rng(16), f"reply:{link}")}
        if opened.link != link:
            told["elsewhere"] = f"/help/t/{opened.link}?lang={reader.language}"
        return Response(
            told, status_code=200, headers={"cache-control": "no-store", "x-content-type-options": "nosniff"}
        )

    @post("/t/{link:str}/answers", request_max_body_size=WORDS_BYTES, guards=[form_guard(parts)])
    async def answers(request: AnyRequest, link: FromPath[str]) -> Response[Any]:
        """The answers to the two questions."""
        portal = portal_of(parts)
        view = await _open(parts, request, link)
        reader = Reader(request, parts, view.language)
        posted = await form_of(parts, request)
        if view.elsewhere:
            return await _ticket_again(reader, link, view, "", (), 403, posted)
        comment = posted.text("comment").strip()
        solved, treated = (_yes_no(posted.text(name)) for name in ("solved", "treated_well"))
        notice, status = "", 422
        wrong: _Wrong = ()
        form = portal.desk.links.read_form(reader.now, posted.text("form"), f"answers:{link}")
        if form is None or form.stale:
            notice = "stale"
        elif solved is None and treated is None:
            wrong = (("solved", "wrong_questions"),)
        elif len(comment) > MAX_COMMENT_CHARS:
            wrong = (("comment", "wrong_comment"),)
        elif portal.of_link.blocked_s(link, reader.now):
            notice, status = "slow", 429
        if form is None or notice or wrong:
            return await _ticket_again(reader, link, view, notice, wrong, status, posted)
        try:
            opened = await _written(
                parts, posted, lambda: portal.desk.answer(reader.now, link, form.nonce, solved, treated, comment)
            )
        except DatabaseBusy:
            return await _ticket_again(reader, link, view, "busy", (), 503, posted)
        portal.of_link.failed(link, reader.now)
        return _go(parts, reader, opened, "check_again" if False in (solved, treated) else "check_thanks")

    @get("/t/{link:str}/file/{message:str}/{index:int}")
    async def file(request: AnyRequest, link: FromPath[str], message: FromPath[str], index: FromPath[int]) -> Stream:
        """A file of a message: always to be saved, never shown as a page of ours."""
        view = await _open(parts, request, link)
        line = next((each for each in view.lines if each.id == message), None)
        if line is None or not 0 <= index < len(line.files) or parts.blobs is None:
            raise ProblemError(404, "not_found")
        blobs, found = parts.blobs, line.files[index]
        file = await parts.jobs.read(lambda: blobs.of_message(bytes.fromhex(message), found.sha256))
        kind, gone = "application/octet-stream", (404, "not_found")
        sent = send_file(request, parts.jobs, file.open, file.size, found.sha256.hex(), kind, gone)
        name = quote(found.filename, safe="")
        sent.headers.update({**_FILE_HEADERS, "content-disposition": f"attachment; filename*=UTF-8''{name}"})
        return sent

    return [ticket, lines, reply, answers, file]


async def _written(parts: Parts, posted: Posted, work: Callable[[], Opened]) -> Opened:
    """Run what writes; without files it shares its commit with whatever else waits to be written."""
    return await (parts.jobs.write(work) if posted.files else parts.jobs.write_small(parts.store, work))


async def _open(parts: Parts, request: AnyRequest, link: str) -> TicketView:
    """Return the link's ticket. Raises ProblemError: 404, or 429 `limit` to who opens many wrong ones."""
    return await _by_link(parts, request, link, lambda link: portal_of(parts).desk.view(parts.clock(), link))


async def _find(parts: Parts, request: AnyRequest, link: str) -> Place:
    """Return where the link leads, without its words. Raises as `_open`."""
    return await _by_link(parts, request, link, portal_of(parts).desk.place)


async def _by_link(parts: Parts, request: AnyRequest, link: str, read: Callable[[str], T | None]) -> T:
    portal, now, sender = portal_of(parts), parts.clock(), network_of(address_of(request))
    if portal.desk.links.is_ours(link):  # one that opens is let in whoever else guesses from the same address
        found = await parts.jobs.read(lambda: read(link))
        if found is not None:
            return found
    wait_s = portal.wrong_links.blocked_s(sender, now)
    if wait_s:
        raise PageError(429, "limit", retry_s=wait_s)
    portal.wrong_links.failed(sender, now)
    raise ProblemError(404, "not_found")


def _go(parts: Parts, reader: Reader, opened: Opened, fresh: str) -> Redirect:
    parts.hub.changed(opened.heads)
    where = f"/help/t/{opened.link}?lang={reader.language}&fresh={fresh}"
    return Redirect(where, status_code=303, headers={"cache-control": "no-store", "referrer-policy": "same-origin"})


def _hours(reader: Reader, shown: Shown) -> dict[str, object]:
    names = sorted({*_ZONES, shown.zone.key, shown.times.zone})
    return {
        "now": shown.now, "wait": shown.wait, "contact": shown.times, "zones": names, "zone": shown.zone.key,
        "week": week_of(shown.times.spans, reader.now, shown.zone, reader.language),
    }  # fmt: skip


def _write_page(
    parts: Parts, reader: Reader, shown: Shown, form: str, values: dict[str, str], status: int = 200, **more: object
) -> Response[bytes]:
    fields = {name: values.get(name, "") for name in ("name", "mail", "phone", "subject", "body")}
    told: dict[str, object] = {"wrong": (), "notice": "", "bad": (), "fits": (), "looked": False, **more}
    takes = portal_of(parts).desk.takes_files
    return reader.page(
        "write.html", status, page="write", wait=shown.wait, form=form, values=fields, takes_files=takes, **told
    )


def _again(
    parts: Parts,
    reader: Reader,
    shown: Shown,
    posted: Posted,
    wrong: _Wrong,
    notice: str,
    nonce: bytes | None,
    status: int = 422,
    **more: object,
) -> Response[bytes]:
    """Return the form with what was written; the same nonce, so that what may have arrived after all is not doubled."""
    if status == 422:
        reader.refused()
    portal = portal_of(parts)
    form = portal.desk.links.form(reader.now, nonce or portal.rng(16), "write")
    if posted.files and not notice:
        notice = "files_again"
    bad = {field for field, _ in wrong} | ({"files"} if posted.trouble else set())
    return _write_page(
        parts, reader, shown, form, dict(posted.fields), status, wrong=wrong, notice=notice, bad=bad, **more
    )


async def _ticket_again(
    reader: Reader,
    link: str,
    view: TicketView,
    notice: str,
    wrong: _Wrong,
    status: int,
    posted: Posted,
) -> Response[bytes]:
    if status == 422:
        reader.refused()
    shown = await reader.shown()
    values = {name: posted.text(name)[: _MAX_BODY * 2] for name in ("body", "solved", "treated_well", "comment")}
    bad = {field for field, _ in wrong}
    return reader.ticket(link, view, shown, status, notice=notice, wrong=wrong, bad=bad, values=values)


def _wrong_request(posted: Posted) -> _Wrong:
    """Return which fields cannot be taken, with what is said of each."""
    mail, phone = posted.line("mail"), posted.line("phone")
    body = posted.text("body").strip()
    checks = (
        ("subject", "wrong_subject", 0 < len(posted.line("subject")) <= _MAX_SUBJECT),
        ("body", "wrong_body", 0 < len(body) <= _MAX_BODY),
        ("name", "wrong_name", 0 < len(posted.line("name")) <= _MAX_NAME),
        ("mail", "wrong_mail", not mail or (len(mail) <= 254 and _MAIL.fullmatch(mail) is not None)),
        ("phone", "wrong_phone", not phone or (len(phone) <= 40 and bool(address_value("phone", phone)))),
        ("mail", "wrong_reach", bool(mail or phone)),
    )
    return tuple((field, text) for field, text, right in checks if not right)


def _yes_no(text: str) -> bool | None:
    return {"yes": True, "no": False}.get(text)
