# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker tells the window: how sync stands, and which rows changed, gathered over 50 ms. No Qt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from app.domain import link
from app.domain.replica import Applied

_GATHER_S = 0.05
Tell = Callable[[link.WorkerToUi], None]


class StatusBoard:
    """The present status. A change of phase starts a new `since`; a new try while offline is none."""

    def __init__(self, tell: Tell, now_ms: Callable[[], int]) -> None:
        self._tell = tell
        self._now_ms = now_ms
        self.phase = "connecting"
        self.code: str | None = None
        self.percent: int | None = None
        self.since = now_ms()
        self.last_sync: int | None = None
        self.was_joined = False
        self.detail: dict[str, Any] = {}
        self._told: link.Status | None = None

    def set(
        self, phase: str, *, code: str | None = None, percent: int | None = None, detail: dict[str, Any] | None = None
    ) -> None:
        """Set and, if it is news, tell."""
        self.detail = detail or {}
        if phase != self.phase:
            self.since = self._now_ms()
        self.phase, self.code, self.percent = phase, code, percent
        message = self.message()
        if message != self._told:
            self._told = message
            self._tell(message)

    def message(self) -> link.Status:
        """Return the status as a message."""
        return link.Status(
            phase=self.phase, since=self.since, code=self.code, percent=self.percent, last_sync=self.last_sync,
            detail=self.detail,
        )  # fmt: skip


class ChangeNotes:
    """Gathers what changed in the replica and tells it at most once in 50 ms."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._types: set[int] = set()
        self._ids: set[bytes] = set()
        self._everything = False
        self._timer: asyncio.TimerHandle | None = None

    def add(self, applied: Applied | None) -> None:
        """Note what a transaction changed."""
        if applied is None or not (applied.types or applied.lmid_moved):
            return
        self._types |= applied.types
        self._ids |= applied.ids
        # a moved lmid changes how own rows look, whatever else came
        self._everything = self._everything or applied.lmid_moved or (bool(applied.types) and not applied.ids)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_GATHER_S, self.flush)

    def flush(self) -> None:
        """Tell what is gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            ids = [] if self._everything else sorted(self._ids)
            self._tell(link.Changed(types=sorted(self._types), ids=ids))
            self._types, self._ids, self._everything = set(), set(), False
