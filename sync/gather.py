# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the frames of one pull, over as many answers as it takes. Pure.

A `Mark` says that a scope is complete up to a seq; only rows below one are kept when an answer breaks off.
"""

from __future__ import annotations

from app.domain.replica import ExitPage, RowPage
from sync.protocol import (
    Begin,
    Exits,
    Finish,
    Mark,
    More,
    ProtocolError,
    PullFrame,
    Result,
    Results,
    Rows,
    ScopeSum,
    Sums,
)

_CHUNK_ROWS = 4_000
_FIRST_CHUNK_ROWS = 1_000


class Gathered:
    """What has come so far. `marks` are the cursors that the complete pages reach."""

    def __init__(self) -> None:
        self._pages: list[RowPage] = []
        self._exits: list[ExitPage] = []
        self._open_pages: list[RowPage] = []
        self._open_exits: list[ExitPage] = []
        self._rows = 0
        self._chunks = 0
        self._begun = False
        self.marks: dict[str, int] = {}
        self.results: list[Result] = []
        self.sums: dict[str, ScopeSum] = {}
        self.drop: list[str] = []
        self.epoch = b""
        self.lmid = 0
        self.rehello = False
        self.finished = False
        self.more = False

    def take(self, frame: PullFrame) -> None:
        """Take a frame. Raises ProtocolError when it cannot come here."""
        if isinstance(frame, Begin):
            self._begin(frame)
        elif not self._begun:
            raise ProtocolError("malformed", "no begin")
        elif isinstance(frame, Rows):
            self._open_pages.append(RowPage(frame.scope, frame.type, frame.cols, frame.rows))
        elif isinstance(frame, Exits):
            self._open_exits.append(ExitPage(frame.scope, frame.items))
        elif isinstance(frame, Mark):
            self._close(frame)
        elif isinstance(frame, Results):
            self.results += frame.items
        elif isinstance(frame, Sums):
            self.sums = frame.scopes
        elif isinstance(frame, More):
            self.more = True
        elif isinstance(frame, Finish):
            self.finished = True

    def _begin(self, frame: Begin) -> None:
        # each answer is a snapshot of its own; the last one's lmid, results and sums are those that count
        self._begun = True
        self.epoch, self.lmid, self.drop = frame.epoch, frame.lmid, frame.drop
        self.rehello = self.rehello or frame.rehello
        self.results, self.sums = [], {}

    def _close(self, mark: Mark) -> None:
        done = [p for p in self._open_pages if p.scope == mark.scope]
        self._rows += sum(len(p.rows) for p in done)
        self._pages += done
        self._exits += [e for e in self._open_exits if e.scope == mark.scope]
        self._open_pages = [p for p in self._open_pages if p.scope != mark.scope]
        self._open_exits = [e for e in self._open_exits if e.scope != mark.scope]
        self.marks[mark.scope] = mark.to

    @property
    def is_full(self) -> bool:
        """Whether enough is complete for a transaction; the first one is small, so that something shows soon."""
        return self._rows >= (_CHUNK_ROWS if self._chunks else _FIRST_CHUNK_ROWS)

    def take_complete(self) -> tuple[list[RowPage], list[ExitPage], dict[str, int]]:
        """Return and forget the complete pages and exits, with all marks so far."""
        pages, exits = self._pages, self._exits
        self._pages, self._exits, self._rows = [], [], 0
        self._chunks += 1
        return pages, exits, dict(self.marks)

    def cut(self) -> None:
        """Forget what is above the last mark: the answer broke off."""
        self._open_pages, self._open_exits, self.finished = [], [], False

    def carry_on(self) -> Gathered:
        """Return what is complete, ready for the next answer."""
        self._open_pages, self._open_exits = [], []
        self.more, self.finished, self._begun = False, False, False
        return self
