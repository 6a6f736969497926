# SPDX-License-Identifier: GPL-3.0-or-later
"""/customer/v1/published: articles and announcements for Companions, which keep them to be read without a network."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from sync.published_protocol import Published
from sync.server.parts import Parts
from sync.server.tokens import COMPANION
from sync.server.web.wire import grant_of

__all__ = ["published_routes"]


def published_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """Return the route handlers."""

    @get("/customer/v1/published", tags=["customer"])
    async def published(request: Request[Any, Any, Any]) -> Response[Published | None]:
        """What all customers are told; 304 when the Companion knows it already."""
        grant_of(request, parts, COMPANION)
        known = request.headers.get("if-none-match")
        if known and await parts.jobs.read(parts.published.tag) == known:
            return Response(None, status_code=304, headers={"etag": known})
        told, tag = await parts.jobs.read(lambda: parts.published.read(parts.clock()))
        return Response(told, headers={"etag": tag, "cache-control": "private, no-cache"})

    return [published]
