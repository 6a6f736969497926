# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in parts: Range, If-Range and ETag of RFC 9110 for one range, read in threads as the receiver takes them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, BinaryIO

from litestar import Request
from litestar.response import Stream

from sync.server.jobs import Jobs
from sync.server.problems import ProblemError

__all__ = ["send_file"]

_CHUNK = 512 << 10
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def send_file(
    request: Request[Any, Any, Any],
    jobs: Jobs,
    opened: Callable[[], BinaryIO],
    size: int,
    etag: str,
    media_type: str,
    gone: tuple[int, str],
) -> Stream:
    """Answer with a file or the part of it that was asked for; `opened` opens it, and raises OSError when it is gone.

    Raises ProblemError: 416 `range`, or with the status and code of `gone`.
    """
    tag = f'"{etag}"'
    headers = {"etag": tag, "accept-ranges": "bytes", "cache-control": "private, no-transform"}
    start, end, status = 0, size, 200
    wanted = _wanted(request.headers.get("range", ""), size)
    if wanted is not None and request.headers.get("if-range", tag) == tag:
        start, end = wanted
        status = 206
        headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    headers["content-length"] = str(end - start)
    try:
        file = opened()  # before anything is said: from here on it may be deleted
    except OSError as error:
        raise ProblemError(*gone) from error
    return Stream(_read(jobs, file, start, end), media_type=media_type, headers=headers, status_code=status)


def _wanted(header: str, size: int) -> tuple[int, int] | None:
    """Return the bytes asked for; None for all (also where the header is of another kind, as the RFC wants)."""
    found = _RANGE.fullmatch(header.strip())
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    if start >= size or end <= start:
        raise ProblemError(416, "range", detail=f"bytes */{size}")
    return start, end


async def _read(jobs: Jobs, file: BinaryIO, start: int, end: int) -> AsyncIterator[bytes]:
    with file as stream:
        stream.seek(start)
        while start < end:
            chunk = await jobs.read(partial(stream.read, min(_CHUNK, end - start)))
            if not chunk:
                return  # shorter than promised: the receiver notices
            start += len(chunk)
            yield chunk
