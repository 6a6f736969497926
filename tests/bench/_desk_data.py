# SPDX-License-Identifier: GPL-3.0-or-later
"""An agent's computer with very many tickets for `tests.bench.ui`: real encrypted files, made once and kept.

Sample data of the demo size are multiplied: every copy has ids, times, numbers and digits of its own, lies further
back, and only the newest tenth has tickets that are still open. The files are written by the worker's own store.
"""

from __future__ import annotations

import hashlib
import itertools
import shutil
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

from app.config.paths import UserFolders
from app.domain.entities import (
    BY_NUMBER,
    HISTORY,
    MEMBERSHIP,
    MESSAGE,
    NOTE,
    STATE,
    TICKET,
    Home,
    Value,
    user_scope,
)
from app.domain.ids import UserId, derived_id
from app.domain.ports import Identity
from app.domain.replica import Checkpoint, RowPage, Segment
from app.entry.agent_profile import Opened, open_agent_profile
from app.entry.sync_codec import Hashes, wall_ms
from app.services.sample_data import DEFAULT_AS_OF_MS, DEFAULT_SEED, SampleRow, SampleSet
from app.store.pending_file import open_reader
from app.store.replica import ReplicaStore, open_replica
from app.store.replica_sound import SoundMark
from app.store.schema import fingerprint
from tests.bench._stage import CACHE

PASSPHRASE = "bench bench bench"
LONG_TICKETS, LONG_MESSAGES = 24, 200
_NUMBER_SPAN = 1_000_000
_ROWS_AT_ONCE = 12_000
_DAYS = 1_826
_LIVE_SHARE = 10  # one copy in so many still has open tickets
_LINES = frozenset({MESSAGE.number, NOTE.number, MEMBERSHIP.number, HISTORY.number})
_DEVICE = bytes(range(16))
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Desk:
    """A profile to start the client with. `data` is its `--profile` folder."""

    data: Path
    tickets: int
    messages: int


def prepared(tickets: int, messages: int, base: str = "demo") -> Desk:
    """Return a computer with so many tickets, messages and notes; made at first use (minutes for a million) and kept.

    What the last run typed is gone.
    """
    folder = CACHE / f"desk-{base}-{tickets}-{messages}-{_version()}"
    desk = Desk(folder, tickets, messages)
    if not (folder / "ready").exists():
        fresh = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700, parents=True)
        _make(fresh, tickets, messages, base)
        for older in folder.parent.glob(f"desk-{base}-{tickets}-{messages}-*"):
            if older != fresh:
                shutil.rmtree(older)
        (fresh / "ready").touch()
        fresh.rename(folder)
    _forget_typed(folder)
    return desk


def point_at(desk: Desk, server: str) -> None:
    """Let the computer belong to a server."""
    opened = open_agent_profile(_agent(desk.data), PASSPHRASE)
    identity = opened.profile.identity
    assert identity is not None
    opened.profile.commits.save_identity(_identity(identity.account, identity.name, server))
    opened.profile.close()


def _version() -> str:
    digest = hashlib.blake2b(fingerprint().encode(), digest_size=6)
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()


def _agent(data: Path) -> Path:
    return UserFolders.under(data).data / "agent"


def _identity(account: UserId, name: str, server: str) -> Identity:
    return Identity(account, "agent1", name, frozenset({"agent"}), _DEVICE, "K7", server)


def _forget_typed(folder: Path) -> None:
    """Put back the file of what people type as it was made."""
    agent = _agent(folder)
    for suffix in ("-wal", "-shm"):
        (agent / f"pending.db{suffix}").unlink(missing_ok=True)
    shutil.copyfile(folder / "pending.kept", agent / "pending.db")


# --- rows -----------------------------------------------------------------------------------------------------------


class _Multiplied:
    """Rows of a sample, as often as needed."""

    def __init__(self, tickets: int, messages: int, base: str) -> None:
        self._tickets, self._messages = tickets, messages
        rows = list(SampleSet(base, DEFAULT_SEED, DEFAULT_AS_OF_MS).rows())
        self.reference = [r for r in rows if BY_NUMBER[r.type].home is Home.REF]
        self._people = [r for r in rows if BY_NUMBER[r.type].home is Home.CUSTOMER]
        self._shared = {r.id for r in self.reference}
        children: dict[bytes, list[SampleRow]] = defaultdict(list)
        for row in rows:
            if row.type in _LINES:
                parent = BY_NUMBER[row.type].parent
                assert parent is not None
                children[_bytes(row.values[parent])].append(row)
        self._threads = [(r, children[r.id]) for r in rows if r.type == TICKET.number]
        self._closed = next(r.id for r in rows if r.type == STATE.number and r.values["category"] == "closed")
        self._long = max(self._threads, key=lambda thread: sum(r.type == MESSAGE.number for r in thread[1]))
        self._copies = -(-tickets // len(self._threads))
        # a customer writes again: in the copies after the first few, people of an earlier one
        self._people_copies = max(1, min(self._copies, tickets // 20 // max(1, len(self._people) // 5)))

    def rows(self) -> Iterator[SampleRow]:
        """Yield all of them, what is referred to first."""
        yield from self.reference
        left, items = self._tickets, self._messages - LONG_TICKETS * LONG_MESSAGES
        for copy in range(self._copies):
            shift = _Shift(copy, copy % self._people_copies, self._shared, _DAYS * _DAY_MS // self._copies)
            if copy < self._people_copies:
                yield from (shift.row(r) for r in self._people)
            is_old = copy > self._copies // _LIVE_SHARE
            for ticket, lines in self._threads[-left:]:
                share, items_here = max(1, items // max(1, left)), 0
                yield self._aged(shift.row(ticket)) if is_old else shift.row(ticket)
                for line in lines:
                    counts = line.type in (MESSAGE.number, NOTE.number)
                    if is_old and line.type in (HISTORY.number, MEMBERSHIP.number):
                        continue  # what nobody opens here need not be there
                    if not counts or items_here < share:
                        yield shift.row(line)
                        items_here += counts
                left, items = left - 1, items - items_here
        yield from self._long_threads()

    def _aged(self, row: SampleRow) -> SampleRow:
        row.values["state"] = self._closed
        row.values["snooze_until"] = None
        return row

    def _long_threads(self) -> Iterator[SampleRow]:
        """Yield what makes some tickets of the newest copy long: many more messages."""
        shift = _Shift(0, 0, self._shared, 0)
        live = [t for t, _lines in self._threads if t.values["owner"] is not None][-LONG_TICKETS:]
        pattern = [r for r in self._long[1] if r.type == MESSAGE.number]
        for ticket in live:
            at = _int(ticket.values["last_at"]) - LONG_MESSAGES * 60_000
            for number, line in zip(range(LONG_MESSAGES), itertools.cycle(pattern), strict=False):
                row = shift.row(line)
                values = row.values | {
                    "ticket": ticket.id, "origin_ticket": ticket.id, "msg_no": number + 1, "occurred_at": at,
                    "created_at": at, "sent_at": at,
                }  # fmt: skip
                yield SampleRow(row.type, derived_id(ticket.id, f"long {number}"), ticket.scope_id, values)
                at += 60_000

    def long_tickets(self) -> list[bytes]:
        """Return the ids of the tickets with very many messages."""
        return [t.id for t, _lines in self._threads if t.values["owner"] is not None][-LONG_TICKETS:]


class _Shift:
    """One copy: other ids, numbers and digits, and an earlier time. The first is the sample as it is."""

    def __init__(self, copy: int, people: int, shared: set[bytes], span_ms: int) -> None:
        self._shared, self._back = shared, copy * span_ms
        self._tickets, self._people = copy.to_bytes(2, "big"), people.to_bytes(2, "big")
        self._number = (_NUMBER_SPAN - copy * 5_000) if copy else 0
        digits = "".join(str((i * (1, 3, 7, 9)[copy % 4] + copy) % 10) for i in range(10))
        self._digits = str.maketrans("0123456789", digits)
        self._copy = copy

    def row(self, row: SampleRow) -> SampleRow:
        if not self._copy:
            return SampleRow(row.type, row.id, row.scope_id, dict(row.values))
        home = BY_NUMBER[row.type].home
        of_ticket = home is Home.TICKET
        values = {name: self._value(name, value) for name, value in row.values.items()}
        if row.type == TICKET.number:
            values["number"] = _int(row.values["number"]) + self._number
        id_ = self._id(row.id, self._tickets if of_ticket else self._people)
        return SampleRow(row.type, id_, row.scope_id, values)

    def _value(self, name: str, value: Value) -> Value:
        if type(value) is bytes and len(value) == 16:
            people = name in ("customer", "author", "actor", "owner", "organisation", "asset", "created_by")
            return self._id(value, self._people if people else self._tickets)
        if type(value) is str and name in ("body", "subject", "preview", "serial", "value", "name"):
            return value.translate(self._digits)
        if type(value) is int and value > 1_000_000_000_000 and name.endswith(("_at", "_until")):
            return value - self._back
        return value

    def _id(self, id_: bytes, copy: bytes) -> bytes:
        if id_ in self._shared or copy == b"\0\0":
            return id_
        begin = id_[:6]
        if id_[6] >> 4 == 7:  # it begins with a time
            begin = (int.from_bytes(begin, "big") - self._back).to_bytes(6, "big")
        return begin + id_[6:9] + bytes((id_[9] ^ copy[0], id_[10] ^ copy[1])) + id_[11:]


def _bytes(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value


def _int(value: Value) -> int:
    assert isinstance(value, int)
    return value


# --- files ----------------------------------------------------------------------------------------------------------


def _make(folder: Path, tickets: int, messages: int, base: str) -> None:
    sys.setswitchinterval(0.001)
    source = _Multiplied(tickets, messages, base)
    me = next(r for r in source.reference if r.values.get("login") == "agent1")
    opened = open_agent_profile(_agent(folder), PASSPHRASE)
    opened.profile.commits.save_identity(_identity(UserId(me.id), str(me.values["name"]), "http://127.0.0.1:9"))
    opened.profile.close()
    with _replica(opened) as store:
        store.use_device(_DEVICE)
        # so that the window does not ask for a password; no server is ever shown it
        store.set_meta("refresh_token", "a bench has none")
        _fill(store, source.rows(), user_scope(me.id))
        while store.tidy():
            pass
    agent = _agent(folder)
    assert not (agent / "pending.db-wal").exists() or not (agent / "pending.db-wal").stat().st_size
    shutil.copyfile(agent / "pending.db", folder / "pending.kept")
    (folder / "long").write_text("\n".join(i.hex() for i in source.long_tickets()))


@contextmanager
def _replica(opened: Opened) -> Iterator[ReplicaStore]:
    profile = opened.profile
    pending = open_reader(profile.folder, profile.key)
    mark = SoundMark(profile.folder, wall_ms)
    store, _aside = open_replica(profile.folder, profile.key, pending, Hashes(), wall_ms, mark)
    try:
        yield store
    finally:
        store.close()
        pending.close()
        mark.leave(profile.key)  # as a worker leaves it that was not killed


def _fill(store: ReplicaStore, rows: Iterable[SampleRow], own_scope: str) -> None:
    """Write rows as a first load does: one thread makes pages ready while another writes."""
    ready: Queue[list[Segment] | None] = Queue(maxsize=3)
    scopes: dict[str, int] = {own_scope: 0}

    def write() -> None:
        while (segments := ready.get()) is not None:
            store.load(segments)

    store.set_scopes(b"e" * 16, {own_scope: 0}, [], [])
    failed: list[Exception] = []

    def guarded() -> None:
        try:
            write()
        except Exception as error:  # noqa: BLE001  # told by the other thread, which must not wait for ever
            failed.append(error)
            while ready.get() is not None:
                pass

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        for part in _parts(rows):
            ready.put(_segments(store, part, scopes))
    finally:
        ready.put(None)
        thread.join()
    if failed:
        raise failed[0]
    state = store.state()
    sums = {scope: (held.n, held.xsum) for scope, held in state.scopes.items()}
    store.apply(Checkpoint(b"e" * 16, 0, {scope: scopes.get(scope, 0) for scope in sums}, sums))


def _segments(store: ReplicaStore, rows: Sequence[SampleRow], scopes: dict[str, int]) -> list[Segment]:
    """Return rows as a pull brings them; `scopes` counts how far each scope is."""
    grouped: dict[tuple[str, int], list[SampleRow]] = defaultdict(list)
    for row in rows:
        grouped[row.scope_id, row.type].append(row)
    pages: dict[str, list[RowPage]] = defaultdict(list)
    for (scope, type_), several in grouped.items():
        start = scopes.get(scope, 0)
        scopes[scope] = start + len(several)
        pages[scope].append(store.ready(_page(scope, type_, several, start)))
    return [Segment(scope, 0, scopes[scope], held) for scope, held in pages.items()]


def _parts(rows: Iterable[SampleRow]) -> Iterator[list[SampleRow]]:
    iterator = iter(rows)
    while part := list(itertools.islice(iterator, _ROWS_AT_ONCE)):
        yield part


def _page(scope: str, type_: int, rows: Sequence[SampleRow], start: int) -> RowPage:
    cols = BY_NUMBER[type_].columns
    lines: list[list[Any]] = [
        [row.id, start + place, 0, start + place, None, *(row.values.get(name) for name in cols)]
        for place, row in enumerate(rows, 1)
    ]
    return RowPage(scope, type_, cols, lines)
