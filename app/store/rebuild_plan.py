# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rebuild is to do, worked out from one read of both files: which rows hang together, what is replayed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.changes import Row
from app.domain.entities import TICKET, TICKET_CHILDREN
from app.store.schema import quoted, table_of
from app.store.shown import MAX_PARAMETERS, Shown, ShownRows

Key = tuple[int, bytes]
# per mid and ticket what hangs on it in the base: (entity, scope, highest seq, how many, sums of their seqs and revs)
Carried = Mapping[tuple[int, Key], tuple[tuple[int, str, int, int, int, int], ...]]
# changes that do something to all that hangs on a ticket; a choice about a conflict runs one of the others
_CARRYING = (
    "conflict.resolve", "ticket.delete", "ticket.merge", "ticket.move", "ticket.restore", "ticket.unmerge",
)  # fmt: skip


@dataclass(slots=True)
class Plan:
    """New images, what they rest on, and which keys came and went."""

    images: dict[Key, Row] = field(default_factory=dict)
    seqs: dict[Key, int] = field(default_factory=dict)
    mids: dict[Key, set[int]] = field(default_factory=dict)
    gone: set[tuple[int, bytes, int]] = field(default_factory=set)
    kept: set[Key] = field(default_factory=set)  # refused on replay: the last image stays until the server's word
    same: set[Key] = field(default_factory=set)  # images that are stored like this already
    revived: set[int] = field(default_factory=set)  # confirmed once, pending again since the server was restored
    epoch: bytes | None = None
    past: dict[Key, frozenset[int]] = field(default_factory=dict)
    grounds: dict[int, Ground] = field(default_factory=dict)
    carried: Carried = field(default_factory=dict)
    cursors: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ground:
    """The ticket that a change is about and does not touch: which version of it, and which pending changes it shows."""

    key: Key
    version: tuple[int | None, int | None]
    mids: frozenset[int]


def grounds_of(shown: Shown) -> dict[int, Ground]:
    """Return what changes rest on that do not touch the ticket which they are about.

    Time and tags change no ticket, and what is written for a merged one changes only the one that took it. Where
    they land is told by a row that has none of their images: when it is another one, they are replayed.
    """
    table = table_of(TICKET.number)
    sql = (
        f"SELECT k.mid, k.ticket, b.seq, b.rev FROM pending.outbox k LEFT JOIN main.{table.name} b ON b.id = k.ticket "
        f"WHERE k.ticket IS NOT NULL AND {shown.active()} AND NOT EXISTS "
        f"(SELECT 1 FROM pending.over_key j WHERE j.type = {TICKET.number} AND j.id = k.ticket AND j.mid = k.mid)"
    )
    found = shown.tx.all(sql)
    over: dict[bytes, set[int]] = defaultdict(set)
    if found:
        sql = f"SELECT k.id, k.mid FROM pending.over_key k WHERE k.type = ? AND {shown.active()}"
        for id_, mid in shown.tx.all(sql, (TICKET.number,)):
            over[id_].add(mid)
    return {mid: Ground((TICKET.number, id_), (seq, rev), frozenset(over.get(id_, ()))) for mid, id_, seq, rev in found}


def carried_of(shown: Shown) -> Carried:
    """Return which rows changes took along when they took a ticket: how many of each kind, in which versions.

    Tags and time change no ticket. One that a colleague adds to a ticket which is merged, moved or deleted here is a
    row without an image at a ticket that is as before: only this tells that the change takes more along than it did.
    """
    names, ticket = ", ".join(f"'{name}'" for name in _CARRYING), TICKET.number
    pairs = (
        f"FROM pending.outbox o CROSS JOIN pending.over_key k ON k.mid = o.mid AND k.type = {ticket} "
        f"%s WHERE o.name IN ({names}) AND {shown.active()}"
    )
    out: dict[tuple[int, Key], tuple[tuple[int, str, int, int, int, int], ...]] = {
        (mid, (ticket, id_)): () for mid, id_ in shown.tx.all("SELECT k.mid, k.id " + pairs % "")
    }
    for entity in TICKET_CHILDREN if out else ():
        join = f'CROSS JOIN main.{entity.name} c ON c."{entity.parent}" = k.id'
        columns = "k.mid, k.id, c.scope_id, max(c.seq), count(*), sum(c.seq), sum(c.rev) "
        for mid, id_, *found in shown.tx.all(f"SELECT {columns} {pairs % join} GROUP BY k.mid, k.id, c.scope_id"):
            scope, *numbers = found
            out[mid, (ticket, id_)] += ((entity.number, scope, *numbers),)
    return out


def news_for(carried: Carried, before: Carried, cursors: Mapping[str, int]) -> set[Key]:
    """Return the tickets on which something else hangs than when their change was replayed, or was saved.

    A change that was saved since the last rebuild saw all that was here up to the cursors of that time.
    """
    out = set()
    for place, rows in carried.items():
        known = before.get(place)
        later = any(seq > cursors.get(scope, -1) for _, scope, seq, *_ in rows)
        if later if known is None else rows != known:
            out.add(place[1])
    return out


def entries_of(shown: Shown, mids: Iterable[int]) -> dict[int, tuple[Any, ...]]:
    """Return what is to be replayed: (name, version, args, base, hlc, created) of each mid."""
    out: dict[int, tuple[Any, ...]] = {}
    every = sorted(mids)
    for start in range(0, len(every), MAX_PARAMETERS):
        part = every[start : start + MAX_PARAMETERS]
        marks = ", ".join("?" * len(part))
        sql = f"SELECT mid, name, v, args, base, hlc, created FROM pending.outbox WHERE mid IN ({marks})"
        out |= {row[0]: row[1:] for row in shown.tx.all(sql, part)}
    return out


def drop_unchanged(shown: Shown, plan: Plan) -> None:
    """Leave out images that are stored like this already, so that their index entries need not be written anew."""
    by_type: dict[int, list[bytes]] = defaultdict(list)
    for type_, id_ in plan.images:
        by_type[type_].append(id_)
    for type_, ids in by_type.items():
        table = table_of(type_)
        for start in range(0, len(ids), MAX_PARAMETERS):
            part = ids[start : start + MAX_PARAMETERS]
            marks = ", ".join("?" * len(part))
            sql = f"SELECT {quoted(table.columns)} FROM pending.{table.overlay} WHERE id IN ({marks})"
            for raw in shown.tx.all(sql, part):
                key = (type_, raw[0])
                if table.raw(plan.images[key], plan.seqs[key]) == raw:
                    plan.same.add(key)


def keep_or_drop(plan: Plan, rows: ShownRows, mid: int, unmade: set[Key]) -> None:
    """Settle the images that a change had and that its replay makes no more: the base rows have it already.

    They stay, as copies of those rows: a reader who looked at replica.db before they came, and at pending.db only now,
    would else see neither.
    """
    for key in unmade:
        row = rows.get(*key)
        if row is None:
            plan.gone.add((*key, mid))
            continue
        plan.seqs.setdefault(key, rows.seq(*key))
        plan.images[key] = row
        plan.mids.setdefault(key, set()).add(mid)


def imaged_by(shown: Shown) -> dict[int, set[Key]]:
    """Return the rows of which each pending change has images."""
    out: dict[int, set[Key]] = defaultdict(set)
    for type_, id_, mid in shown.tx.all(f"SELECT k.type, k.id, k.mid FROM pending.over_key k WHERE {shown.active()}"):
        out[mid].add((type_, id_))
    return out


def component(
    imaged: Mapping[int, set[Key]], dirty: set[Key], again: Mapping[int, set[Key]]
) -> tuple[set[Key], dict[int, set[Key]]]:
    """Return the rows and pending mids that hang together with the dirty rows. `again`: mids without images."""
    by_key: dict[Key, set[int]] = defaultdict(set)
    by_mid = {mid: imaged.get(mid, set()) | again.get(mid, set()) for mid in imaged.keys() | again.keys()}
    for mid, touched in by_mid.items():
        for key in touched:
            by_key[key].add(mid)
    keys, todo = set(dirty), list(dirty)
    mids: dict[int, set[Key]] = {}
    while todo:
        for mid in by_key[todo.pop()]:
            if mid not in mids:
                mids[mid] = by_mid[mid]
                fresh = by_mid[mid] - keys
                keys |= fresh
                todo += fresh
    return keys, mids
