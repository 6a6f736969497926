# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sync engine asks of the client's files, and the plain values that cross: pages, checkpoints, outbox entries.

Implemented by app.store in the worker process. Every method of the ports blocks on the local disk and raises
StoreUnavailable; each is one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ScopeState:
    """How much of a scope is here. `state`: loading (first load), live, resync (loaded again, old rows still shown).

    `cursor` is the seq up to which the scope's rows are shown; `n` and `xsum` sum the live rows held. `kept` is the
    seq that pages reach which are stored but not applied. `snapshot` names the file that is being downloaded,
    `snap_offset` how much of it is here.
    """

    id: str
    cursor: int = 0
    n: int = 0
    xsum: int = 0
    prio: int = 0
    state: str = "loading"
    kept: int = 0
    snapshot: bytes | None = None
    snap_offset: int = 0

    @property
    def held(self) -> int:
        """The seq from which a pull has to go on. Rows of a scope that is loaded again do not count."""
        return self.kept if self.state == "resync" else max(self.cursor, self.kept)


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """Where the replica stands. `device` is the device whose mutations `lmid_seen` counts."""

    device: bytes
    epoch: bytes | None
    lmid_seen: int
    checkpoint_no: int
    scopes: Mapping[str, ScopeState]
    foreign: bool = False  # one of the two files came from elsewhere: this installation needs a device id of its own


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A mutation as it lies in pending.db: the exact bytes that were hashed."""

    mid: int
    name: str
    v: int
    hlc: int
    hash: bytes
    args: bytes
    base: Mapping[str, tuple[int, int]]
    created: int


@dataclass(frozen=True, slots=True)
class RowPage:
    """Rows of one entity in one scope: [id, seq, deleted, rev, fld, values of cols...].

    `ready` is what `ReplicaPort.ready` made of them beforehand, if it did; nobody else looks into it.
    """

    scope: str
    type: int
    cols: Sequence[str]
    rows: Sequence[Sequence[Any]]
    ready: object = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ExitPage:
    """Rows that left a scope: (seq, type, id, scope it went to or None)."""

    scope: str
    items: Sequence[tuple[int, int, bytes, str | None]]


@dataclass(frozen=True, slots=True)
class Segment:
    """What a pull sent of one scope between two marks: complete from `start` (exclusive) to `end`."""

    scope: str
    start: int
    end: int
    pages: Sequence[RowPage] = ()
    exits: Sequence[ExitPage] = ()

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(len(page.rows) for page in self.pages)


@dataclass(frozen=True, slots=True)
class SnapshotPart:
    """A piece of a scope's snapshot file that ends at a frame boundary. `raw` are the file's own bytes."""

    scope: str
    snapshot: bytes
    start: int
    raw: bytes
    pages: Sequence[RowPage] = ()


@dataclass(frozen=True, slots=True)
class MutationResult:
    """What the server made of a mutation; plain ok is never reported. `data` may name the losses."""

    mid: int
    st: str
    code: str | None = None
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything of one server snapshot, applied whole or not at all; pages stored before count as part of it.

    `cursors` names the scopes that are now complete up to a seq, `sums` what the server counts in them. Scopes in
    `whole` were sent from the beginning: rows of theirs that were not sent are gone. Scopes in `trusted` are
    taken as the server sent them, whatever their sums say. `drop`: scopes that this device may no longer hold.
    With `new_epoch` revisions of before do not count and `lmid` is taken even if it is lower.
    """

    epoch: bytes
    lmid: int
    cursors: Mapping[str, int]
    sums: Mapping[str, tuple[int, int]]
    segments: Sequence[Segment] = ()
    results: Sequence[MutationResult] = ()
    whole: frozenset[str] = frozenset()
    trusted: frozenset[str] = frozenset()
    drop: Sequence[str] = ()
    new_epoch: bool = False
    unguarded: bool = False  # a person agreed to lose many tickets


@dataclass(frozen=True, slots=True)
class Applied:
    """What a transaction changed. With `differing` scopes or a `guard` a checkpoint was rolled back."""

    types: frozenset[int] = frozenset()
    ids: frozenset[bytes] = frozenset()  # empty with types: too many to name
    differing: tuple[str, ...] = ()
    rows: int = 0
    lmid_moved: bool = False
    guard: tuple[int, int] | None = None  # tickets that would go, tickets here


class ReplicaPort(Protocol):
    """The worker's files: replica.db to write, pending.db to read."""

    def ready(self, page: RowPage) -> RowPage:
        """Return a page with the work done that needs no file. Any thread, also while another one writes."""
        ...

    def state(self) -> ReplicaState:
        """Return where the replica stands."""
        ...

    def outbox(self, above: int, limit: int, max_bytes: int) -> Sequence[OutboxEntry]:
        """Return mutations with mid > `above` in order, at least one if there is one, at most `max_bytes` of args."""
        ...

    def last_mid(self) -> int:
        """Return the highest mid ever given here, or 0."""
        ...

    def set_scopes(
        self, epoch: bytes | None, add: Mapping[str, int], resync: Sequence[str], drop: Sequence[str]
    ) -> Applied:
        """Take up new scopes (id -> priority), mark others to be loaded again, remove dropped ones with their rows.

        None leaves the epoch as it is. Pages stored for the scopes to be loaded again are forgotten.
        """
        ...

    def load(self, segments: Sequence[Segment]) -> Applied:
        """Store rows of scopes in their first load, so that people see them early."""
        ...

    def keep(self, segments: Sequence[Segment]) -> None:
        """Store pages that a later checkpoint will apply."""
        ...

    def keep_snapshot(self, part: SnapshotPart) -> Applied:
        """Store a piece of a snapshot; rows of a scope in its first load show at once."""
        ...

    def end_snapshot(self, scope: str, sha256: bytes, at_seq: int) -> bool:
        """Check a whole snapshot's bytes; then its rows count as held up to `at_seq`, else they are forgotten."""
        ...

    def apply(self, checkpoint: Checkpoint) -> Applied:
        """Apply a checkpoint; with `differing` or `guard` in the answer nothing was written."""
        ...


@dataclass(slots=True)
class SyncCounters:
    """What diagnostics show of a worker's life."""

    checkpoints: int = 0
    rows: int = 0
    pushed: int = 0
    differing: list[str] = field(default_factory=list)
