# SPDX-License-Identifier: GPL-3.0-or-later
"""The durable copy of the tray: entries nobody has ticked off stand in pending.db too, with their texts.

replica.db may be lost, damaged or made anew at any time, and the server forgets its answers after a month. The
window copies what it sees in the tray; whoever makes a new replica puts it back.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.store.cipher import Database, Session, translate

COLUMNS = ("id", "device", "mid", "kind", "type", "entity_id", "reason", "name", "v", "content", "data", "created")
_NEEDED = frozenset({"id", "device", "mid", "kind", "created"})
_NAMES = ", ".join(COLUMNS)
_DONE = "SELECT d.id FROM {}needs_you_done d"


@dataclass(slots=True)
class OldTray:
    """What could be read of a replica that is not used any more. `sound`: nothing is missing."""

    meta: dict[str, Any] = field(default_factory=dict)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    sound: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """What pending.db says: this device, and entries as (columns, the replica they were last seen in, answered)."""

    device: bytes = b""
    rows: Sequence[tuple[Any, ...]] = ()


def read_record(pending: Database) -> Record:
    """Return the entries that wait, as pending.db has them. Raises StoreUnavailable."""
    with pending.read() as tx:
        if tx.value("SELECT 1 FROM sqlite_master WHERE name = 'needs_you_kept'") is None:
            return Record()  # a file of the version before: the window adds the table when it starts
        device = tx.value("SELECT v FROM meta WHERE k = 'device_id'") or b""
        sql = f"SELECT {_NAMES}, replica, answered FROM needs_you_kept WHERE id NOT IN ({_DONE.format('')})"
        return Record(device, tx.all(sql))


def read_rows(raw: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the entries of a replica of any version until the end or the first bad page."""
    try:
        there = {row[1] for row in raw.execute("PRAGMA table_info(needs_you)").fetchall()}
        if there >= _NEEDED:
            names = ", ".join(name if name in there else f"NULL AS {name}" for name in COLUMNS)
            yield from raw.execute(f"SELECT {names} FROM needs_you")
    except Exception as error:
        if translate(error) is None:
            raise


def put_back(raw: Any, old: OldTray, record: Record) -> None:
    """Fill the tray of a replica that was just made."""
    ids = {row[0] for row in old.rows}
    width = len(COLUMNS)
    before = old.meta.get("instance") if old.sound else None
    # what that replica was seen with and has no more was accepted after all
    kept = [row for row in record.rows if row[0] not in ids and (before is None or row[width] != before)]
    marks = ", ".join("?" * width)
    rows = [*old.rows, *(row[:width] for row in kept)]
    raw.executemany(f"INSERT OR IGNORE INTO needs_you({_NAMES}) VALUES({marks})", rows)
    facts = {"instance": secrets.token_bytes(16), "told_device": record.device, "told_mid": _told(old, record)}
    raw.executemany("INSERT OR REPLACE INTO meta VALUES(?, ?)", list(facts.items()))


def _told(old: OldTray, record: Record) -> int:
    """Return up to which of this device's numbers the server's word is in the entries already."""
    width = len(COLUMNS)
    mids = [row[2] for row in record.rows if row[1] == record.device and row[width + 1]]
    if old.meta.get("device_id") == record.device:
        mids.append(int(old.meta.get("lmid_seen") or 0))
    if old.meta.get("told_device") == record.device:
        mids.append(int(old.meta.get("told_mid") or 0))
    return max(mids, default=0)


def told_before(tx: Session, device: bytes, lmid: int) -> int:
    """Return the highest mid whose refusal was told before this replica was made: of those no answer means nothing.

    A server that knows of less was restored: it gets the rest again and answers anew.
    """
    if tx.value("SELECT v FROM meta WHERE k = 'told_device'") != device:
        return 0
    mid = int(tx.value("SELECT v FROM meta WHERE k = 'told_mid'") or 0)
    if lmid < mid:
        tx.run("UPDATE meta SET v = ? WHERE k = 'told_mid'", (lmid,))
    return min(mid, lmid)


class TrayRecord:
    """The window's half: copies the tray as the replica has it. On the writer thread, after each checkpoint."""

    def __init__(self, lock: threading.Lock, file: Database, readers: Callable[[], Database]) -> None:
        """`lock` is held by whoever writes the file."""
        self._lock = lock
        self._file = file
        self._readers = readers
        self._swept = False

    def run(self) -> None:
        """Take over new entries; let those go that the replica let go. Raises StoreUnavailable."""
        with self._readers().read() as tx:
            instance = tx.value("SELECT v FROM main.meta WHERE k = 'instance'")
            fresh, gone = self._changes(tx, instance) if instance is not None else ([], [])
        if not (fresh or gone) and self._swept:
            return
        marks = ", ".join("?" * (len(COLUMNS) + 2))
        with self._lock, self._file.write() as tx:
            if not self._swept:
                # ticked off in an earlier run of the window: nobody can take that back any more
                tx.run(f"DELETE FROM needs_you_kept WHERE id IN ({_DONE.format('')})")
            tx.many(f"INSERT OR REPLACE INTO needs_you_kept({_NAMES}, replica, answered) VALUES({marks})", fresh)
            tx.many("DELETE FROM needs_you_kept WHERE id = ?", gone)
        self._swept = True

    @staticmethod
    def _changes(tx: Session, instance: bytes) -> tuple[list[tuple[Any, ...]], list[tuple[bytes]]]:
        """Return what differs. Another replica that lacks an entry says nothing: it may not know of it."""
        meta = dict(tx.all("SELECT k, v FROM main.meta WHERE k IN ('device_id', 'lmid_seen')"))
        answered = "(n.device = ? AND n.mid <= ?)"
        sql = (
            f"SELECT {', '.join(f'n.{name}' for name in COLUMNS)}, ?, {answered} FROM main.needs_you n "
            "LEFT JOIN pending.needs_you_kept k ON k.id = n.id "
            f"WHERE n.id NOT IN ({_DONE.format('pending.')}) AND (k.id IS NULL OR k.replica IS NOT ? "
            "OR k.kind IS NOT n.kind OR k.reason IS NOT n.reason OR k.data IS NOT n.data "
            f"OR (k.content IS NULL AND n.content IS NOT NULL) OR k.answered < {answered})"
        )
        mine = (meta.get("device_id") or b"", int(meta.get("lmid_seen") or 0))
        fresh = tx.all(sql, (instance, *mine, instance, *mine))
        gone = "SELECT k.id FROM pending.needs_you_kept k WHERE k.replica = ? AND k.id NOT IN (SELECT id FROM {})"
        return fresh, [(id_,) for (id_,) in tx.all(gone.format("main.needs_you"), (instance,))]
