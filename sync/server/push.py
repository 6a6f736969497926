# SPDX-License-Identifier: GPL-3.0-or-later
"""One transaction of pushes: mutations of one or more devices, applied once each, each device's in its mid order.

Devices that push at the same moment share a transaction, because what a commit costs is the disk's answer. Each
device's part stands alone: its refusals and its `gap` or `fork` are nobody else's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from app.config.logs import get_logger
from app.domain.changes import Actor, AnyChange, Context, Key, TicketCreate, TicketSplit, all_roots
from app.domain.entities import BY_NUMBER, CALLBACK, MESSAGE, NOTE, PROMISE, SURVEY_ANSWER, TIME_ENTRY
from app.domain.errors import Refused
from app.domain.executor import canonical_json
from app.domain.ids import hlc_ms, hlc_of
from sync.protocol import Mutation, ProtocolError, Result, mutation_hash
from sync.server.access import Device
from sync.server.apply import Applier
from sync.server.epochs import current_epoch
from sync.server.lifting import change_of
from sync.server.many import insert_many, update_many
from sync.server.problems import ProblemError
from sync.server.push_devices import load_devices, scopes_of_all
from sync.server.rows import TxRows
from sync.server.schema import SYSTEM
from sync.server.store import DatabaseBusy

__all__ = ["Job", "MoreRootsError", "Pushed", "apply_jobs", "check_dense", "check_epoch", "job_of"]

_NAMED = (
    ("message", MESSAGE.number), ("note", NOTE.number), ("entry", TIME_ENTRY.number), ("seen_id", MESSAGE.number),
    ("promise", PROMISE.number), ("answer", SURVEY_ANSWER.number),
    ("callback", CALLBACK.number),
)  # fmt: skip

_HASH_BYTES = 8
_log = get_logger("server.push")


@dataclass(frozen=True, slots=True)
class Job:
    """What one device pushes, decoded. `epoch` is the one that the device believes in; None does not ask."""

    device: bytes
    account: bytes
    epoch: bytes | None
    muts: Sequence[Mutation]
    changes: Sequence[AnyChange | Refused]

    def one(self, n: int) -> Job:
        """Return one of its mutations as a job."""
        return Job(self.device, self.account, self.epoch, self.muts[n : n + 1], self.changes[n : n + 1])


@dataclass(frozen=True, slots=True)
class Pushed:
    """What one transaction did for one device."""

    lmid: int
    results: list[Result]
    heads: dict[str, int]


class MoreRootsError(Exception):
    """Reading brought up rows that must be locked too. Locks have one order, so the transaction begins again."""

    def __init__(self, roots: frozenset[Key]) -> None:
        super().__init__(len(roots))
        self.roots = roots


@dataclass(slots=True)
class _Part:
    """One device's part of the transaction: what it had before, and what is new."""

    device: Device
    old: list[Result]
    job: Job
    results: list[Result]
    touched: frozenset[str] = frozenset()


def job_of(device: bytes, account: bytes, epoch: bytes | None, muts: Sequence[Mutation]) -> Job:
    """Decode what a device pushes; what cannot be decoded is refused when its turn comes."""
    return Job(device, account, epoch, muts, [_decode(mutation) for mutation in muts])


def check_dense(muts: Sequence[Mutation]) -> None:
    """Raise ProblemError 409 `gap` unless the mids of a push follow each other."""
    for before, after in pairwise(muts):
        if after.mid != before.mid + 1:
            raise ProblemError(409, "gap", expected=before.mid + 1)


def check_epoch(connection: sa.Connection, epoch: bytes) -> None:
    """Raise ProblemError 409 `epoch` unless this is the one that runs."""
    if current_epoch(connection).id != epoch:
        raise ProblemError(409, "epoch")


def apply_jobs(
    connection: sa.Connection,
    now: int,
    jobs: Sequence[Job],
    *,
    reject_all: bool = False,
    known: frozenset[Key] = frozenset(),
) -> list[Pushed | ProblemError]:
    """Apply what devices push, each device at most once among the jobs, in the caller's transaction.

    A device that may not push, or whose mids do not fit, gets its ProblemError: 401, 403, 409 `gap`, `fork` or
    `epoch`. `known` are rows to lock beside those that the mutations name. Raises MoreRootsError.

    `reject_all` stores every new mutation as `rejected: error`: the way out for one that the database itself
    refuses, alone in its transaction.
    """
    begun = _begin(connection, jobs)
    parts = [part for part in begun if isinstance(part, _Part)]
    changes = [change for part in parts for change in part.job.changes if not isinstance(change, Refused)]
    rows = _locked(connection, changes, known)
    rows.expect(key for change in changes for key in _named_ids(change))
    access = scopes_of_all(connection, {part.device.account for part in parts if part.job.muts})
    for part in parts:
        if part.job.muts:
            applier = Applier(connection, rows, access.get(part.device.account, frozenset()), part.device.id)
            _run(part, applier, now, reject_all=reject_all)
            part.touched = rows.take_touched()
    heads = rows.flush(now)
    for part in parts:
        found = zip(part.results, part.job.changes, strict=True)
        part.results = [_with_number(rows, result, change) for result, change in found]
    _store(connection, now, [part for part in parts if part.job.muts])
    return [_told(part, heads) if isinstance(part, _Part) else part for part in begun]


def _begin(connection: sa.Connection, jobs: Sequence[Job]) -> list[_Part | ProblemError]:
    """Lock the devices, in the one order that every writer uses, and see what is new."""
    devices = load_devices(connection, [(job.device, job.account) for job in jobs])
    epoch = current_epoch(connection).id
    return [_begun(connection, job, device, epoch) for job, device in zip(jobs, devices, strict=True)]


def _begun(connection: sa.Connection, job: Job, device: Device | ProblemError, epoch: bytes) -> _Part | ProblemError:
    if isinstance(device, ProblemError):
        return device
    if job.epoch is not None and job.epoch != epoch:
        return ProblemError(409, "epoch")
    try:
        old, new = _split(connection, device, job.muts)
    except ProblemError as error:
        return error
    changes = job.changes[len(job.muts) - len(new) :]
    return _Part(device, old, Job(job.device, job.account, job.epoch, new, changes), [])


def _run(part: _Part, applier: Applier, now: int, *, reject_all: bool) -> None:
    for mutation, change in zip(part.job.muts, part.job.changes, strict=True):
        if reject_all:
            part.results.append(Result(mid=mutation.mid, st="rejected", code="error"))
        else:
            part.results.append(_apply(applier, part.device, now, mutation, change))


def _told(part: _Part, heads: dict[str, int]) -> Pushed:
    muts = part.job.muts
    mine = {scope: heads[scope] for scope in sorted(part.touched) if scope in heads}
    return Pushed(muts[-1].mid if muts else part.device.lmid, [*part.old, *part.results], mine)


def _locked(connection: sa.Connection, changes: Sequence[AnyChange], known: frozenset[Key]) -> TxRows:
    """Lock every row that the changes may rest on. Raises MoreRootsError."""
    rows = TxRows(connection)
    first = known | {root for change in changes for root in change.roots() if root[0] in BY_NUMBER}
    rows.lock(first)
    wanted = {root for change in changes for root in _roots(change, rows)}
    if wanted <= first:
        return rows
    if connection.dialect.name != "sqlite":
        raise MoreRootsError(first | wanted)
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
        if row is None or bytes(row["hash"]) != _kept_hash(mutation):
            raise ProblemError(409, "fork", mid=mutation.mid)
        data = json.loads(row["data"]) if row["data"] else None
        old.append(Result(mid=mutation.mid, st="dup", was=row["st"], code=row["code"], data=data))
    return old, list(muts[len(seen) :])


def _named_ids(change: AnyChange) -> list[tuple[int, bytes]]:
    """Return the rows that a change means to insert or to look at, as far as its arguments name them."""
    named = ((type_, getattr(change, name, None)) for name, type_ in _NAMED)
    return [(type_, id_) for type_, id_ in named if isinstance(id_, bytes)]


def _decode(mutation: Mutation) -> AnyChange | Refused:
    m = mutation
    if mutation_hash(m.name, m.v, m.hlc, m.args, m.base) != m.hash:
        return Refused("bad_hash")
    try:
        return change_of(m.name, m.v, m.args)
    except ProtocolError as error:
        return Refused(error.code)


def _kept_hash(mutation: Mutation) -> bytes:
    """Return what is remembered of a mutation: its hash, or the digest of what came in the place of one."""
    found = mutation.hash
    return found if len(found) == _HASH_BYTES else hashlib.blake2b(found, digest_size=_HASH_BYTES).digest()


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


def _store(connection: sa.Connection, now: int, parts: Sequence[_Part]) -> None:
    """Keep the results, and how far each device is."""
    if not parts:
        return
    records = [
        {
            "device_id": part.device.id,
            "mid": mutation.mid,
            "hash": _kept_hash(mutation),
            "st": result.st,
            "code": result.code,
            "data": canonical_json(result.data) if result.data else None,
            "at": now,
        }
        for part in parts
        for mutation, result in zip(part.job.muts, part.results, strict=True)
    ]
    insert_many(connection, SYSTEM.mutation_result, records)
    reached = [{"id": part.device.id, "lmid": part.job.muts[-1].mid, "last_seen": now} for part in parts]
    update_many(connection, SYSTEM.device, reached)
