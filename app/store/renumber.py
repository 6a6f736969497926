# SPDX-License-Identifier: GPL-3.0-or-later
"""A new device id for this installation: the outbox gets new numbers from 1, in one transaction on pending.db.

Row ids and bases stay, so that the server recognises what it already has. What was confirmed under the old id is
kept below zero, for a server that is restored from a backup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from app.domain.changes import WHOLE_ROW, AnyChange, Rows, touched_fields
from app.store.cipher import Session
from app.store.schema import quoted, table_of

Base = dict[str, tuple[int, int]]
_COLUMNS = "mid, name, v, args, base, hash, hlc, touched, scopes, ticket, created, confirmed"


class _Codec(Protocol):
    def decode(self, name: str, v: int, raw: bytes) -> AnyChange: ...
    def hash(self, name: str, v: int, hlc: int, args: bytes, base: Base) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Renumbered:
    """The new rows of the outbox and where each mid went."""

    rows: Sequence[tuple[Any, ...]]
    mids: Mapping[int, int]

    @property
    def next_mid(self) -> int:
        """The next number to give out."""
        return max((mid for mid in self.mids.values() if mid > 0), default=0) + 1


def plan(
    rows: Sequence[tuple[Any, ...]],
    keep_above: int,
    codec: _Codec,
    shown: Rows,
    rev_of: Callable[[int, bytes, str], int | None],
) -> Renumbered:
    """Return the outbox (its columns in order of `_COLUMNS`) under new numbers. Pure.

    `rev_of` gives the revision of a field in the base row: what an acknowledged earlier edit of one's own led to.
    """
    kept = sorted(row[0] for row in rows if row[0] <= keep_above)
    sent = sorted(row[0] for row in rows if row[0] > keep_above)
    mids = {mid: place - len(kept) for place, mid in enumerate(kept)}
    mids |= {mid: place for place, mid in enumerate(sent, 1)}
    out = []
    for mid, name, version, args, base, hashed, hlc, *rest in rows:
        if mid > keep_above:
            known = msgspec.msgpack.decode(base, type=Base)
            moved = known
            if any(after for _, after in known.values()):
                touched = touched_fields(codec.decode(name, version, args), shown)
                moved = _moved(known, mids, _field_of(touched, rev_of))
            base = msgspec.msgpack.encode(moved)
            hashed = codec.hash(name, version, hlc, args, moved)
        out.append((mids[mid], name, version, args, base, hashed, hlc, *rest))
    return Renumbered(out, mids)


def _field_of(
    touched: tuple[int, bytes, Sequence[str]] | None, rev_of: Callable[[int, bytes, str], int | None]
) -> Callable[[str], int | None]:
    return lambda name: rev_of(touched[0], touched[1], name) if touched is not None else None


def _moved(base: Base, mids: Mapping[int, int], rev_of: Callable[[str], int | None]) -> Base:
    out = {}
    for name, (rev, after) in base.items():
        new = mids.get(after, 0)
        if after and new <= 0:
            # that edit is part of the base row by now
            known = rev_of(name)
            rev, new = known if known is not None else rev, 0
        out[name] = (rev, new)
    return out


def base_rev(tx: Session, type_: int, id_: bytes, name: str) -> int | None:
    """Return the revision of a field in the replica, as `main`; None when the row is not there."""
    table = table_of(type_)
    raw = tx.one(f"SELECT {quoted(table.columns)} FROM main.{table.name} WHERE id = ?", (id_,))
    if raw is None:
        return None
    row = table.row(raw)
    return row.rev if name == WHOLE_ROW else row.stamp(name).rev


def read_outbox(tx: Session) -> list[tuple[Any, ...]]:
    """Return the outbox of pending.db as `main`, as `plan` wants it."""
    return tx.all(f"SELECT {_COLUMNS} FROM outbox ORDER BY mid")


def write(tx: Session, new: Renumbered, now: int) -> None:
    """Put the new numbers in place: outbox, keys of the images, and the images to be made anew."""
    tx.run("DELETE FROM outbox")
    marks = ", ".join("?" * len(_COLUMNS.split(",")))
    tx.many(f"INSERT INTO outbox({_COLUMNS}) VALUES({marks})", new.rows)
    tx.run("UPDATE outbox SET confirmed = ? WHERE mid < 1 AND confirmed IS NULL", (now,))
    keys = tx.all("SELECT type, id, mid FROM over_key")
    tx.run("DELETE FROM over_key")
    moved = [(type_, id_, new.mids.get(mid, 0)) for type_, id_, mid in keys]
    tx.many("INSERT INTO over_key VALUES(?, ?, ?)", [key for key in moved if key[2] > 0])
    for type_ in {type_ for type_, _, _ in keys}:
        # their stamps name the old device: no base row has this seq, so that the next rebuild makes them anew
        tx.run(f"UPDATE {table_of(type_).overlay} SET seq = -1")
