# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the frames of one pull, over as many answers as it takes. Pure.

A `Mark` says that a scope is complete up to a seq; only rows below one are kept when an answer breaks off.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.replica import ExitPage, RowPage, Segment
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


class Gathered:
    """What has come so far. `marks` are the cursors that the complete segments reach."""

    def __init__(self, cursors: Mapping[str, int]) -> None:
        self._segments: list[Segment] = []
        self._open_pages: list[RowPage] = []
        self._open_exits: list[ExitPage] = []
        self._begun = False
        self.rows = 0
        self.marks: dict[str, int] = dict(cursors)
        self.results: list[Result] = []
        self.sums: dict[str, ScopeSum] = {}
        self.drop: list[str] = []
        self.epoch = b""
        self.lmid = 0
        self.rehello = False
        self.finished = False
        self.moved = False  # of this answer something is complete and need not be sent again

    def take(self, frame: PullFrame | RowPage) -> None:
        """Take a frame, or the page of one. Raises ProtocolError when it cannot come here."""
        if isinstance(frame, Begin):
            self._begin(frame)
        elif not self._begun:
            raise ProtocolError("malformed", "no begin")
        elif isinstance(frame, Rows | RowPage):
            self._asked(frame.scope)
            self._open_pages.append(page_of(frame))
        elif isinstance(frame, Exits):
            self._open_exits.append(ExitPage(self._asked(frame.scope), frame.items))
        elif isinstance(frame, Mark):
            self._close(frame)
        elif isinstance(frame, Results):
            self.results += frame.items
        elif isinstance(frame, Sums):
            self.sums = frame.scopes
        elif isinstance(frame, Finish):
            self.finished = True
        elif not isinstance(frame, More):
            raise ProtocolError("malformed", "a frame that has no place in a pull")

    def _asked(self, scope: str) -> str:
        if scope not in self.marks:
            raise ProtocolError("malformed", "a scope that was not asked for")
        return scope

    def _begin(self, frame: Begin) -> None:
        # each answer is a snapshot of its own; the last one's lmid, results and sums are those that count
        self._begun = True
        self.epoch, self.lmid, self.drop = frame.epoch, frame.lmid, frame.drop
        self.rehello = self.rehello or frame.rehello
        self.results, self.sums = [], {}
        self.moved = False

    def _close(self, mark: Mark) -> None:
        start = self.marks[self._asked(mark.scope)]
        if mark.to < start:
            raise ProtocolError("malformed", "a mark that goes back")
        pages = [p for p in self._open_pages if p.scope == mark.scope]
        exits = [e for e in self._open_exits if e.scope == mark.scope]
        segment = Segment(mark.scope, start, mark.to, pages, exits)
        self.rows += segment.rows
        self._segments.append(segment)
        self._open_pages = [p for p in self._open_pages if p.scope != mark.scope]
        self._open_exits = [e for e in self._open_exits if e.scope != mark.scope]
        self.marks[mark.scope] = mark.to
        self.moved = True

    def take_complete(self) -> list[Segment]:
        """Return and forget what is complete."""
        segments, self._segments, self.rows = self._segments, [], 0
        return segments

    def next_answer(self) -> None:
        """Forget what is above the last marks: the answer ended there, or broke off."""
        self._open_pages, self._open_exits = [], []
        self.finished, self._begun = False, False


def page_of(frame: Rows | RowPage) -> RowPage:
    """Return the page of a frame, if it is none yet. Raises ProtocolError for rows that cannot be some."""
    return frame if isinstance(frame, RowPage) else RowPage(frame.scope, frame.type, frame.cols, checked_rows(frame))


def checked_rows(frame: Rows) -> list[list[object]]:
    """Return the rows of a frame. Raises ProtocolError for those that cannot be one, before any touches the disk."""
    width = 5 + len(frame.cols)
    for row in frame.rows:
        whole = len(row) == width and isinstance(row[0], bytes) and len(row[0]) == 16
        if not whole or type(row[1]) is not int or type(row[3]) is not int or not isinstance(row[4], dict):
            raise ProtocolError("malformed", "a row that is none")
    return frame.rows
