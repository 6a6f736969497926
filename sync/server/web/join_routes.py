# SPDX-License-Identifier: GPL-3.0-or-later
"""/join: the page for customers who join with a browser. It sets no cookie, and what it asks is under /session/v1."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from sync.customer_protocol import OrganisationKey
from sync.server.customers import organisation_key
from sync.server.join_page import PAGE, PAGE_HEADERS, PAGE_OFF, PageFile, parts_of_page, read_page
from sync.server.parts import Parts
from sync.server.problems import ProblemError

__all__ = ["join_routes"]

_AnyRequest = Request[Any, Any, Any]


def join_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """Return the route handlers."""
    page = read_page()
    names = parts_of_page(page, on=parts.join_page)

    @get("/join", include_in_schema=False)
    async def join(request: _AnyRequest) -> Response[bytes]:
        """The page itself; the secret stands behind `#` and is not sent."""
        if not parts.join_page:
            return _answered(request, page[PAGE_OFF], status=404)
        return _answered(request, page[PAGE])

    @get("/join/organisation", tags=["session"])
    async def organisation() -> OrganisationKey:
        """Whose server this is, as the page shows it."""
        if not parts.join_page:
            raise ProblemError(404, "not_found")
        return organisation_key(parts.organisation)

    @get("/join/{name:str}", include_in_schema=False)
    async def part(request: _AnyRequest, name: FromPath[str]) -> Response[bytes]:
        """A file of the page."""
        if name not in names:
            raise ProblemError(404, "not_found")
        return _answered(request, names[name])

    return [join, organisation, part]


def _answered(request: _AnyRequest, file: PageFile, status: int = 200) -> Response[bytes]:
    headers = {**PAGE_HEADERS, "etag": file.etag}
    if request.headers.get("if-none-match") == file.etag:
        return Response(b"", status_code=304, headers=headers)
    return Response(file.content, status_code=status, media_type=file.media_type, headers=headers)
