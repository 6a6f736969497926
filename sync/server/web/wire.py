# SPDX-License-Identifier: GPL-3.0-or-later
"""What the routes share: bodies in both encodings, who is asking, and errors as `Problem` bodies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException, NotAuthorizedException, SerializationException, ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.serialization import default_deserializer

from app.config.logs import get_logger
from sync.protocol import CONTENT_TYPE, Problem, ProtocolError, inflate, pack
from sync.server.parts import Parts
from sync.server.problems import ProblemError
from sync.server.store import SERIOUS, DatabaseBusy
from sync.server.tokens import Grant

__all__ = ["EXCEPTION_HANDLERS", "DesksideRequest", "PackedResponse", "address_of", "answer", "grant_of", "token_first"]

T = TypeVar("T")
_log = get_logger("server.http")

_ANY = TypeVar("_ANY")


def _is_packed(request: Request[Any, Any, Any]) -> bool:
    return request.headers.get("content-type", "").startswith(CONTENT_TYPE)


class DesksideRequest(Request[Any, Any, Any]):
    """Lets JSON routes also take the packed encoding of the sync protocol."""

    async def json(self) -> Any:
        """Return the decoded body. Raises ProtocolError."""
        try:
            if not _is_packed(self):
                return await super().json()
            return msgspec.msgpack.decode(inflate(await self.body(), 1 << 20))
        except (msgspec.DecodeError, SerializationException, RecursionError, UnicodeDecodeError) as error:
            raise ProtocolError("malformed", str(error)) from error


class PackedResponse(Response[T]):
    """An answer in the encoding of the sync protocol."""

    def render(self, content: Any, media_type: str, enc_hook: Any = default_deserializer) -> bytes:
        """Return MessagePack under zstd."""
        del media_type, enc_hook
        return pack(content)


def answer(request: Request[Any, Any, Any], content: _ANY, status: int = 200) -> Response[_ANY]:
    """Answer in the encoding in which was asked."""
    if _is_packed(request):
        return PackedResponse(content, status_code=status, media_type=CONTENT_TYPE)
    return Response(content, status_code=status)


def address_of(request: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the sender's address. A reverse proxy must be named to uvicorn to be believed."""
    return request.client.host if request.client else "unknown"


def token_first(parts: Parts, *kinds: str) -> Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], None]:
    """Return a guard for routes that take large bodies: nothing is read of who has no token of one of these kinds."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        grant_of(connection, parts, *kinds)

    return guard


def grant_of(request: ASGIConnection[Any, Any, Any, Any], parts: Parts, *kinds: str) -> Grant:
    """Return who asks. Raises ProblemError 401 `token` unless the bearer token is good and of one of these kinds."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    grant = parts.signer.check(parts.clock(), token.strip()) if scheme.lower() == "bearer" else None
    if grant is None or grant.kind not in kinds:
        raise ProblemError(401, "token")
    return grant


def _problem(status: int, problem: Problem, retry_s: int | None = None) -> Response[Problem]:
    headers = {"retry-after": str(retry_s)} if retry_s is not None else {}
    return Response(problem, status_code=status, headers=headers)


def _on_problem(_request: Request[Any, Any, Any], error: ProblemError) -> Response[Problem]:
    return _problem(error.status, error.problem, error.retry_s)


def _on_protocol(_request: Request[Any, Any, Any], error: ProtocolError) -> Response[Problem]:
    status = 413 if error.code == "too_large" else 400
    return _problem(status, Problem(code=error.code))


def _on_busy(_request: Request[Any, Any, Any], error: DatabaseBusy) -> Response[Problem]:
    if error.reason in SERIOUS:
        _log.error("the database cannot work: see docs/operations.md", reason=error.reason)
        return _problem(503, Problem(code="busy", detail=error.reason), retry_s=30)
    _log.warning("database busy", reason=error.reason)
    return _problem(503, Problem(code="busy"), retry_s=2)


def _on_http(_request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    words = {401: "token", 404: "not_found", 405: "method", 413: "too_large", 415: "malformed"}
    default = "malformed" if isinstance(error, ValidationException) or error.status_code < 500 else "error"
    return _problem(error.status_code, Problem(code=words.get(error.status_code, default)))


def _on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    _log.error("request failed", route=request.url.path, method=request.method, exc_info=error)
    return _problem(500, Problem(code="error"))


EXCEPTION_HANDLERS: dict[Any, Any] = {
    ProblemError: _on_problem,
    ProtocolError: _on_protocol,
    DatabaseBusy: _on_busy,
    NotAuthorizedException: _on_http,
    HTTPException: _on_http,
    Exception: _on_bug,
}
