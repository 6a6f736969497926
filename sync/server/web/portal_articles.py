# SPDX-License-Identifier: GPL-3.0-or-later
"""/help/answers: what customers may read, found by words. Works without scripts; with them the list follows typing."""

from __future__ import annotations

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from app.domain.articles import find_articles, parts_of_text, start_of
from sync.server.parts import Parts
from sync.server.portal.hours import instant
from sync.server.problems import ProblemError
from sync.server.web.portal_pages import AnyRequest, Reader, portal_of

__all__ = ["article_routes"]

_MOST = 50
_QUERY_CHARS = 200


def article_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """Return the route handlers."""

    async def listed(request: AnyRequest, template: str) -> Response[bytes]:
        portal, reader = portal_of(parts), Reader(request, parts)
        text = request.query_params.get("q", "")[:_QUERY_CHARS]
        articles = await parts.jobs.read(portal.reading.articles)
        found = await parts.jobs.read(lambda: find_articles(articles, text, reader.language)[:_MOST])
        shown = []
        for each in found:
            lang = each.language(reader.language)
            shown.append({"id": each.of.hex(), "title": each.titles[lang], "start": start_of(each.bodies[lang])})
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

    return [answers, matching, article]
