# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals that the server answers with an HTTP status and a `Problem` body; the words are those of docs/sync.md."""

from __future__ import annotations

from sync.protocol import Problem

__all__ = ["ProblemError"]


class ProblemError(Exception):
    """Answer this request with a status and a problem. `retry_s` becomes Retry-After."""

    def __init__(
        self,
        status: int,
        code: str,
        *,
        detail: str = "",
        retry_s: int | None = None,
        expected: int | None = None,
        mid: int | None = None,
        scope: str | None = None,
        min_schema: int | None = None,
        wipe_token: str | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.retry_s = retry_s
        self.problem = Problem(
            code=code,
            detail=detail,
            expected=expected,
            mid=mid,
            scope=scope,
            min=min_schema,
            wipe_token=wipe_token,
        )
