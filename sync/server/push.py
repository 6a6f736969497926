# SPDX-License-Identifier: GPL-3.0-or-later
"""Push: mutations of a device, applied once each in the order of their mids, in transactions of at most 50."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from app.config.logs import get_logger
from app.domain.changes import Actor, AnyChange, Context, Key, TicketCreate, TicketSplit, all_roots
from app.domain.entities import BY_NUMBER, MESSAGE, NOTE, TIME_ENTRY
from app.domain.errors import Refused
from app.domain.executor import canonical_json
from app.domain.ids import hlc_ms, hlc_of
from sync.protocol import Mutation, ProtocolError, Result, decode_args, mutation_hash
from sync.server.access import Device, load_device, scopes_of
from sync.server.apply import Applier
from sync.server.epochs import current_epoch
from sync.server.many import insert_many
from sync.server.problems import ProblemError
from sync.server.rows import TxRows
from sync.server.schema import SYSTEM
from sync.server.store import DatabaseBusy, Store

__all__ = ["CHUNK", "Pushed", "apply_all", "apply_chunk", "check_dense"]

CHUNK = 50
_INSERTED = (("message", MESSAGE.number), ("note", NOTE.number), ("entry", TIME_ENTRY.number))

_log = get_logger("server.push")


@dataclass(frozen=True, slots=True)
class Pushed:
    """What one transaction of a push came to."""

    lmid: int
    results: list[Result]
    heads: dict[str, int]


def check_dense(muts: Sequence[Mutation]) -> None:
    """Raise ProblemError 409 `gap` unless the mids of a push follow each other."""
    for before, after in pairwise(muts):
        if after.mid != before.mid + 1:
            raise ProblemError(409, "gap", expected=before.mid + 1)


def check_epoch(connection: sa.Connection, epoch: bytes) -> None:
    """Raise ProblemError 409 `epoch` unless this is the one that runs."""
    if current_epoch(connection).id != epoch:
        raise ProblemError(409, "epoch")


def apply_chunk(
    connection: sa.Connection,
    now: int,
    device_id: bytes,
    account: bytes,
    muts: Sequence[Mutation],
    *,
    epoch: bytes | None = None,
    reject_all: bool = False,
    known: frozenset[Key] = frozenset(),
) -> Pushed:
    """Apply mutations of one device in the caller's transaction. Raises ProblemError 409 `gap`, `fork` or `epoch`.

    `epoch` is the one that the device believes in; None does not ask.

    `known` are rows to lock beside those that the mutations name.

    `reject_all` stores every new one as `rejected: error`: the way out for a mutation that the database itself
    refuses, alone in its chunk.
    """
    device = load_device(connection, device_id, account, lock=True)
    if epoch is not None:
        check_epoch(connection, epoch)
    old, new = _split(connection, device, muts)
    changes = [_decode(mutation) for mutation in new]
    good = [change for change in changes if not isinstance(change, Refused)]
    rows = _locked(connection, good, known)
    rows.expect(key for change in good for key in _new_ids(change))
    applier = Applier(connection, rows, frozenset(scopes_of(connection, account)), device.id)
    results = []
    for mutation, change in zip(new, changes, strict=True):
        if reject_all:
            results.append(Result(mid=mutation.mid, st="rejected", code="error"))
        else:
            results.append(_apply(applier, device, now, mutation, change))
    heads = rows.flush(now)
    results = [_with_number(rows, result, change) for result, change in zip(results, changes, strict=True)]
    _store(connection, device, now, new, results)
    lmid = new[-1].mid if new else device.lmid
    return Pushed(lmid, [*old, *results], heads)


def apply_all(
    store: Store, now: int, device: bytes, account: bytes, muts: Sequence[Mutation], epoch: bytes | None = None
) -> Iterator[Pushed]:
    """Apply mutations in their order, at most `CHUNK` in a transaction. Raises ProblemError, DatabaseBusy.

    Where a chunk fails for what is in it, its mutations run one by one and only the one at fault is rejected. What
    the database or the machine cannot do now fails as a whole: it is sent again, never rejected.
    """
    for start in range(0, len(muts), CHUNK):
        yield from _apply_some(store, now, Sender(device, account, epoch), muts[start : start + CHUNK])


@dataclass(frozen=True, slots=True)
class Sender:
    """Who pushes, and the epoch that its device believes in."""

    device: bytes
    account: bytes
    epoch: bytes | None


def _apply_some(
    store: Store, now: int, who: Sender, muts: Sequence[Mutation], known: frozenset[Key] = frozenset()
) -> Iterator[Pushed]:
    def work(cx: sa.Connection, *, reject_all: bool = False) -> Pushed:
        return apply_chunk(
            cx, now, who.device, who.account, muts, epoch=who.epoch, known=known, reject_all=reject_all
        )  # fmt: skip

    try:
        pushed = store.write(work)
    except _MoreRoots as more:
        yield from _apply_some(store, now, who, muts, more.roots)
        return
    except (ProblemError, DatabaseBusy):
        raise
    except (OSError, MemoryError) as error:
        raise DatabaseBusy(type(error).__name__) from error
    except Exception as error:  # noqa: BLE001 - a bug in one change must not stop the device for ever
        _log.exception("push failed", mutations=len(muts), error=type(error).__name__)
        if len(muts) > 1:
            for mutation in muts:
                yield from _apply_some(store, now, who, [mutation])
            return
        pushed = store.write(lambda cx: work(cx, reject_all=True))
    yield pushed


class _MoreRoots(Exception):
    """Reading brought up rows that must be locked too. Locks have one order, so the transaction begins again."""

    def __init__(self, roots: frozenset[Key]) -> None:
        super().__init__(len(roots))
        self.roots = roots


def _locked(connection: sa.Connection, changes: Sequence[AnyChange], known: frozenset[Key]) -> TxRows:
    """Lock every row that the changes may rest on. Raises _MoreRoots."""
    rows = TxRows(connection)
    first = known | {root for change in changes for root in change.roots() if root[0] in BY_NUMBER}
    rows.lock(first)
    wanted = {root for change in changes for root in _roots(change, rows)}
    if wanted <= first:
        return rows
    if connection.dialect.name != "sqlite":
        raise _MoreRoots(first | wanted)
    rows.lock(wanted - first)  # one writer: no order to keep
    return rows


def _roots(change: AnyChange, rows: TxRows) -> set[Key]:
    try:
        return {root for root in all_roots(change, rows) if root[0] in BY_NUMBER}
    except Refused:  # said again, and answered, when the change runs
        return set()


def _split(connection: sa.Connection, device: Device, muts: Sequence[Mutation]) -> tuple[list[Result], list[Mutation]]:
    """Return stored results of mutations handled before, and the others."""
    if muts[0].mid > device.lmid + 1 or muts[0].mid < 1:
        raise ProblemError(409, "gap", expected=device.lmid + 1)
    seen = [m for m in muts if m.mid <= device.lmid]
    table = SYSTEM.mutation_result
    query = sa.select(table).where(
        table.c.device_id == device.id, table.c.mid.between(muts[0].mid, seen[-1].mid if seen else 0)
    )
    stored = {row["mid"]: row for row in connection.execute(query).mappings()} if seen else {}
    old = []
    for mutation in seen:
        row = stored.get(mutation.mid)
        if row is None or bytes(row["hash"]) != mutation.hash:
            raise ProblemError(409, "fork", mid=mutation.mid)
        data = json.loads(row["data"]) if row["data"] else None
        old.append(Result(mid=mutation.mid, st="dup", was=row["st"], code=row["code"], data=data))
    return old, list(muts[len(seen) :])


def _new_ids(change: AnyChange) -> list[tuple[int, bytes]]:
    """Return the rows that a change means to insert, as far as its arguments name them."""
    named = ((type_, getattr(change, name, None)) for name, type_ in _INSERTED)
    return [(type_, id_) for type_, id_ in named if isinstance(id_, bytes)]


def _decode(mutation: Mutation) -> AnyChange | Refused:
    m = mutation
    if mutation_hash(m.name, m.v, m.hlc, m.args, m.base) != m.hash:
        return Refused("bad_hash")
    try:
        return decode_args(m.name, m.v, m.args)
    except ProtocolError as error:
        return Refused(error.code)


def _apply(applier: Applier, device: Device, now: int, mutation: Mutation, change: AnyChange | Refused) -> Result:
    if isinstance(change, Refused):
        return Result(mid=mutation.mid, st="rejected", code=change.code)
    try:
        applied = applier.apply(change, mutation.base, _context(device, now, mutation))
    except Refused as refusal:
        return Result(mid=mutation.mid, st="rejected", code=refusal.code, data=_details(refusal))
    except (sa.exc.SQLAlchemyError, DatabaseBusy, OSError, MemoryError):
        raise  # the transaction is broken, or the machine cannot: whoever runs it decides
    except Exception as error:  # noqa: BLE001 - a bug in one change must not stop the device for ever
        _log.exception("mutation failed", mutation=mutation.name, mid=mutation.mid, error=type(error).__name__)
        return Result(mid=mutation.mid, st="rejected", code="error")
    return Result(mid=mutation.mid, st=applied.st, code=applied.code, data=applied.data)


def _details(refusal: Refused) -> dict[str, Any] | None:
    return {name: value for name, value in refusal.data.items() if isinstance(value, str | int)} or None


def _context(device: Device, now: int, mutation: Mutation) -> Context:
    """Clamp the clock of the intent: a device's wrong clock must not win every conflict from the future."""
    acted = max(0, min(hlc_ms(mutation.hlc) + device.offset_ms, now))
    hlc = hlc_of(acted, mutation.hlc & 0xFFFF)
    actor = Actor("user", device.account, device.roles)
    return Context(actor, acted, now, hlc, device.code, mutation.mid, on_server=True)


def _with_number(rows: TxRows, result: Result, change: AnyChange | Refused) -> Result:
    if not isinstance(change, TicketCreate | TicketSplit) or result.st == "rejected" or result.code is not None:
        return result
    ticket = change.ticket if isinstance(change, TicketCreate) else change.new_ticket
    data = {**(result.data or {}), "number": rows.number_of(ticket)}
    return Result(mid=result.mid, st=result.st, code=result.code, data=data)


def _store(
    connection: sa.Connection, device: Device, now: int, new: Sequence[Mutation], results: Sequence[Result]
) -> None:
    if not new:
        return
    records = [
        {
            "device_id": device.id,
            "mid": mutation.mid,
            "hash": mutation.hash,
            "st": result.st,
            "code": result.code,
            "data": canonical_json(result.data) if result.data else None,
            "at": now,
        }
        for mutation, result in zip(new, results, strict=True)
    ]
    insert_many(connection, SYSTEM.mutation_result, records)
    table = SYSTEM.device
    connection.execute(table.update().where(table.c.id == device.id).values(lmid=new[-1].mid, last_seen=now))
