# SPDX-License-Identifier: GPL-3.0-or-later
"""The download of one scope's snapshot file: resumed where it broke off, its rows stored as they come. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.replica import Applied, ReplicaPort, RowPage, SnapshotPart
from sync.gather import page_of
from sync.protocol import ProtocolError, PullFrame, Rows, SnapEnd, SnapshotRef

_GROWTH = 3  # rows are made ready about so much faster than they are written


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask for a snapshot file from a byte on."""

    scope: str
    id: bytes
    offset: int
    size: int


class Fetching:
    """What has come of a snapshot since it was last stored."""

    def __init__(self, scope: str, ref: SnapshotRef, offset: int) -> None:
        self.scope = scope
        self._ref = ref
        self._start = offset
        self._raw = bytearray()
        self._pages: list[RowPage] = []
        self._rows = 0
        self._stored_rows = 0
        self._at_seq: int | None = None
        self.moved = False  # a whole piece came

    def request(self) -> Fetch:
        """Return what to ask for."""
        return Fetch(self.scope, self._ref.id, self._start + len(self._raw), self._ref.size)

    def take(self, raw: bytes, frames: Sequence[PullFrame | RowPage]) -> None:
        """Take a whole piece of the file. Raises ProtocolError for frames that have no place in one."""
        for frame in frames:
            if isinstance(frame, SnapEnd):
                self._at_seq = frame.at_seq
            elif isinstance(frame, Rows | RowPage) and frame.scope == self.scope:
                self._pages.append(page_of(frame))
                self._rows += len(frame.rows)
            else:
                raise ProtocolError("malformed", "a frame that has no place in a snapshot")
        self._raw += raw
        self.moved = True

    def store_chunk(self, store: ReplicaPort, rows: int) -> Applied | None:
        """Store what has come, if it is `rows`, or fewer at the beginning: nobody waits there for much to come."""
        return self.store(store) if self._rows >= min(rows, _GROWTH * self._stored_rows) else None

    def store(self, store: ReplicaPort) -> Applied | None:
        """Store what has come."""
        if not self._raw:
            return None
        part = SnapshotPart(self.scope, self._ref.id, self._start, bytes(self._raw), self._pages)
        applied = store.keep_snapshot(part)
        self._start += len(part.raw)
        self._stored_rows += self._rows
        self._raw, self._pages, self._rows = bytearray(), [], 0
        return applied

    def end(self, store: ReplicaPort) -> bool:
        """Check the whole file; from then on its rows count as held. False for a file that is not what was offered."""
        return store.end_snapshot(self.scope, self._ref.sha256, self._ref.at_seq)
