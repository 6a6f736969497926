# SPDX-License-Identifier: GPL-3.0-or-later
"""/help/answers: what customers may read, found by words. Works without scripts; with them the list follows typing."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from app.config.i18n import Language
from app.domain.articles import Article, find_articles, fitting, parts_of_text, start_of
from sync.server.parts import Parts
from sync.server.portal.forms import Posted
from sync.server.portal.hours import instant
from sync.server.portal.places import WORDS_BYTES
from sync.server.problems import ProblemError
from sync.server.web.portal_pages import AnyRequest, Reader, form_guard, form_of, portal_of

__all__ = ["article_routes", "fitting_shown"]

_MOST = 50
_QUERY_CHARS = 200
_WRITTEN_CHARS = 4000


def article_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """Return the route handlers."""

    async def listed(request: AnyRequest, template: str) -> Response[bytes]:
        portal, reader = portal_of(parts), Reader(request, parts)
        text = request.query_params.get("q", "")[:_QUERY_CHARS]
        articles = await parts.jobs.read(portal.reading.articles)
        found = await parts.jobs.read(lambda: find_articles(articles, text, reader.language)[:_MOST])
        shown = [_shown(each, reader.language) for each in found]
        return reader.page(template, page="answers", articles=shown, q=text.strip())

    @get("/answers")
    async def answers(request: AnyRequest) -> Response[bytes]:
        """All articles, or those that match."""
        return await listed(request, "answers.html")

    @get("/answers/list")
    async def matching(request: AnyRequest) -> Response[bytes]:
        """The list alone."""
        return await listed(request, "_answers.html")

    @get("/answers/{id_:str}")
    async def article(request: AnyRequest, id_: FromPath[str]) -> Response[bytes]:
        """One article."""
        portal, reader = portal_of(parts), Reader(request, parts)
        found = await parts.jobs.read(lambda: portal.reading.article(id_))
        if found is None:
            raise ProblemError(404, "not_found")
        shown = await reader.shown()
        lang = found.language(reader.language)
        told = {
            "title": found.titles[lang], "language": lang, "parts": parts_of_text(found.bodies[lang]),
            "updated": instant(found.saved_at, shown.zone, reader.language),
        }  # fmt: skip
        return reader.page("article.html", page="answers", article=told)

    @post("/write/fits", request_max_body_size=WORDS_BYTES, guards=[form_guard(parts)])
    async def fits(request: AnyRequest) -> Response[bytes]:
        """What may answer the request that is being written: sent, not asked for, so that no log has its words."""
        posted, reader = await form_of(parts, request), Reader(request, parts)
        return reader.page("_fits.html", fits=await fitting_shown(parts, reader, posted))

    return [answers, matching, article, fits]


async def fitting_shown(parts: Parts, reader: Reader, posted: Posted) -> list[dict[str, str]]:
    """Return what may answer a request, as pages show it."""
    portal = portal_of(parts)
    text = f"{posted.line('subject')[:_QUERY_CHARS]}\n{posted.text('body')[:_WRITTEN_CHARS]}"
    articles = await parts.jobs.read(portal.reading.articles)
    found = await parts.jobs.read(lambda: fitting(articles, text, reader.language))
    return [_shown(each, reader.language) for each in found]


def _shown(article: Article, language: Language) -> dict[str, str]:
    lang = article.language(language)
    return {"id": article.of.hex(), "title": article.titles[lang], "start": start_of(article.bodies[lang])}
