# SPDX-License-Identifier: GPL-3.0-or-later
"""/blob/{sha256}: attachments by content, sent in parts and read in parts."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any

from litestar import Request, Response, get, head, patch, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from sync.protocol import INFLATED_MAX_BYTES
from sync.server.blobs import CHUNK_MAX_BYTES, Blobs
from sync.server.parts import Parts
from sync.server.problems import ProblemError
from sync.server.tokens import AGENT, COMPANION
from sync.server.web.ranges import send_file
from sync.server.web.wire import grant_of

__all__ = ["blob_routes"]

_SHA256 = re.compile("[0-9a-f]{64}")
_NUMBER = re.compile("[0-9]{1,15}")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
_AnyRequest = Request[Any, Any, Any]


def blob_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """Return the route handlers."""

    @head("/blob/{sha256:str}", include_in_schema=False)
    async def offset(request: _AnyRequest, sha256: FromPath[str]) -> Response[None]:
        """How much of it the server has for this account."""
        grant, id_ = grant_of(request, parts, AGENT, COMPANION), _id(sha256)
        have, complete = await parts.jobs.read(lambda: _blobs(parts).offset(grant, id_))
        return Response(None, headers=_upload(have, complete=complete))

    @get("/blob/{sha256:str}", include_in_schema=False)
    async def read(request: _AnyRequest, sha256: FromPath[str]) -> Stream:
        """The content, or a part of it."""
        grant, id_ = grant_of(request, parts, AGENT, COMPANION), _id(sha256)
        found = await parts.jobs.read(lambda: _blobs(parts).read(grant, id_))
        kind, gone = "application/octet-stream", (404, "not_found")
        return send_file(request, parts.jobs, found.open, found.size, sha256, kind, gone)

    @patch("/blob/{sha256:str}", status_code=204, include_in_schema=False, request_max_body_size=INFLATED_MAX_BYTES)
    async def append(request: _AnyRequest, sha256: FromPath[str]) -> Response[None]:
        """The next part: Upload-Offset, Upload-Length and Content-Digest of the part are required."""
        grant, id_ = grant_of(request, parts, AGENT, COMPANION), _id(sha256)
        start, length = _number(request, "upload-offset"), _number(request, "upload-length")
        chunk = await request.body()
        if len(chunk) > CHUNK_MAX_BYTES:
            raise ProblemError(413, "too_large")
        _check_digest(request, chunk)
        have, complete = await parts.jobs.read(lambda: _blobs(parts).append(grant, id_, start, length, chunk))
        return Response(None, status_code=204, headers=_upload(have, complete=complete))

    @put("/blob/{sha256:str}", status_code=204, include_in_schema=False, request_max_body_size=INFLATED_MAX_BYTES)
    async def whole(request: _AnyRequest, sha256: FromPath[str]) -> None:
        """A small one at once."""
        grant, id_ = grant_of(request, parts, AGENT, COMPANION), _id(sha256)
        content = await request.body()
        await parts.jobs.read(lambda: _blobs(parts).put(grant, id_, content))

    return [offset, read, append, whole]


def _blobs(parts: Parts) -> Blobs:
    if parts.blobs is None:
        raise ProblemError(404, "not_found")
    return parts.blobs


def _id(text: str) -> bytes:
    if not _SHA256.fullmatch(text):
        raise ProblemError(404, "not_found")
    return bytes.fromhex(text)


def _number(request: _AnyRequest, name: str) -> int:
    text = request.headers.get(name, "")
    if not _NUMBER.fullmatch(text):
        raise ProblemError(400, "malformed", detail=name)
    return int(text)


def _check_digest(request: _AnyRequest, chunk: bytes) -> None:
    """Content-Digest of RFC 9530; a part that arrived damaged is sent again, the parts before it stay."""
    found = _DIGEST.fullmatch(request.headers.get("content-digest", "").strip())
    if found is None:
        raise ProblemError(400, "malformed", detail="content-digest")
    try:
        right = base64.b64decode(found[1], validate=True) == hashlib.sha256(chunk).digest()
    except binascii.Error as error:
        raise ProblemError(400, "malformed", detail="content-digest") from error
    if not right:
        raise ProblemError(400, "digest")


def _upload(have: int, *, complete: bool) -> dict[str, str]:
    return {"upload-offset": str(have), "upload-complete": "?1" if complete else "?0", "cache-control": "no-store"}
