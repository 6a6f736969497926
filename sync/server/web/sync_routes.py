# SPDX-License-Identifier: GPL-3.0-or-later
"""/sync/v1: hello, push and pull. Bodies are decoded, and answers made, in worker threads."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import zstandard
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from app.config.logs import get_logger
from sync.protocol import (
    CONTENT_TYPE,
    INFLATED_MAX_BYTES,
    PUSH_MAX_BYTES,
    Hello,
    HelloAnswer,
    ProtocolError,
    Pull,
    PullFrame,
    Push,
    PushAnswer,
    decode,
    frame,
    inflate,
    pack,
    unpack,
)
from sync.server.parts import Parts
from sync.server.problems import ProblemError
from sync.server.push_queue import Answer, PushQueue
from sync.server.tokens import AGENT, Grant
from sync.server.web.ranges import send_file
from sync.server.web.wire import grant_of

__all__ = ["sync_routes"]

_log = get_logger("server.sync")
_SNAPSHOT_ID = re.compile("[0-9a-f]{32}")
_CHUNK_BYTES = 64 << 10


def sync_routes(parts: Parts) -> list[HTTPRouteHandler]:
    """Return the route handlers."""
    queue = PushQueue(lambda pushes: parts.jobs.write(lambda: _push(parts, pushes)), parts.push_writers)

    @post("/sync/v1/hello", status_code=200, include_in_schema=False, request_max_body_size=INFLATED_MAX_BYTES)
    async def hello(request: Request[Any, Any, Any]) -> Response[bytes]:
        """What the server has for this device."""
        grant = grant_of(request, parts, AGENT)
        body = await request.body()
        result = await parts.jobs.write(lambda: _hello(parts, grant, body))
        return Response(pack(result), media_type=CONTENT_TYPE)

    @post("/sync/v1/push", status_code=200, include_in_schema=False, request_max_body_size=INFLATED_MAX_BYTES)
    async def push(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Mutations of this device."""
        grant = grant_of(request, parts, AGENT)
        body = await request.body()
        answer = await queue.push(grant, body)
        parts.hub.changed(answer.heads)
        return Response(answer.body, media_type=CONTENT_TYPE)

    @post("/sync/v1/pull", status_code=200, include_in_schema=False, request_max_body_size=INFLATED_MAX_BYTES)
    async def pull(request: Request[Any, Any, Any]) -> Stream:
        """Everything above the device's cursors."""
        grant = grant_of(request, parts, AGENT)
        body = await request.body()
        chunks = parts.jobs.stream(lambda: _pull(parts, grant, body))
        first = await anext(chunks)  # a refusal must come before the status line
        return Stream(_chain(first, chunks), media_type=CONTENT_TYPE)

    @get("/sync/v1/snapshot/{snapshot:str}", include_in_schema=False)
    async def snapshot(request: Request[Any, Any, Any], snapshot: FromPath[str]) -> Stream:
        """A prepared download of one scope, or the rest of it."""
        grant = grant_of(request, parts, AGENT)
        if not _SNAPSHOT_ID.fullmatch(snapshot):
            raise ProblemError(410, "reset")
        id_ = bytes.fromhex(snapshot)
        path, ref = await parts.jobs.read(lambda: parts.core.snapshot(grant, id_))
        kind, gone = "application/zstd", (410, "reset")
        return send_file(request, parts.jobs, lambda: path.open("rb"), ref.size, ref.sha256.hex(), kind, gone)

    return [hello, push, pull, snapshot]


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _hello(parts: Parts, grant: Grant, body: bytes) -> HelloAnswer:
    message: Hello = unpack(body, Hello)
    return parts.core.hello(parts.clock(), grant, message)


def _push(parts: Parts, pushes: Sequence[tuple[Grant, bytes]]) -> list[Answer | Exception]:
    """Apply several pushes and make the answer of each."""
    answers: dict[int, Answer | Exception] = {}
    messages: dict[int, tuple[Grant, Push]] = {}
    for n, (grant, body) in enumerate(pushes):
        try:
            messages[n] = grant, _unpacked(body)
        except (ProtocolError, ProblemError) as error:
            answers[n] = error
    told = parts.core.push_together(parts.clock(), list(messages.values()))
    for n, answer in zip(messages, told, strict=True):
        answers[n] = answer if isinstance(answer, Exception) else _packed(messages[n][1], answer)
    return [answers[n] for n in range(len(pushes))]


def _unpacked(body: bytes) -> Push:
    raw = inflate(body, INFLATED_MAX_BYTES)
    if len(raw) > PUSH_MAX_BYTES + (64 << 10):
        raise ProblemError(413, "too_large")
    message: Push = decode(raw, Push)
    return message


def _packed(message: Push, answer: PushAnswer) -> Answer:
    refused = sum(r.st in ("rejected", "conflict") for r in answer.results)
    _log.info("push answered", mutations=len(message.muts), refused=refused, lmid=answer.lmid)
    return Answer(pack(answer), answer.heads)


def _pull(parts: Parts, grant: Grant, body: bytes) -> Iterator[bytes]:
    message: Pull = unpack(body, Pull)
    return _compressed(parts.core.pull(parts.clock(), grant, message))


def _compressed(frames: Iterator[PullFrame]) -> Iterator[bytes]:
    compressor = zstandard.ZstdCompressor(level=3).compressobj()
    out = bytearray()
    for message in frames:
        out += compressor.compress(frame(message))
        if len(out) >= _CHUNK_BYTES:
            yield bytes(out)
            out.clear()
    out += compressor.flush()
    yield bytes(out)
