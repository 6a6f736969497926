# SPDX-License-Identifier: GPL-3.0-or-later
"""Bugs of the server, and of rules that both ends run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

import app.domain.changes
import app.domain.changes_base
import app.domain.changes_conflicts
import app.domain.changes_tickets
import app.domain.holds
import app.store.pending
import app.store.rebuild
import app.store.replica
import app.store.replica_rows
import app.store.replica_tray
import app.store.shown
import sync.engine
import sync.gather
import sync.protocol
import sync.server.apply
import sync.server.core
import sync.server.hello
import sync.server.losses
import sync.server.pull
import sync.server.push
import sync.server.push_runs
import sync.server.rows
from app.domain.errors import Refused
from app.domain.executor import Decision
from app.domain.ids import hlc_ms
from sync.conflicts import decide as conflicts_decide
from sync.protocol import Begin, Mark, Result, Results, Sums
from sync.server.schema import SYSTEM
from tests.sync.sim.env import environment
from tests.sync.sim.plants_registry import Change, plant


@plant("sequence_for_counter", "seqs drawn from a sequence: a transaction that drew earlier commits later")
def _sequence() -> Sequence[Change]:
    rows_ = sync.server.rows
    before, drawn = rows_.TxRows._stamp, dict[str, int]()  # scope -> a number drawn by whoever has not committed yet

    def stamp(self: Any, scope: str, *args: Any) -> int:
        head: int = before(self, scope, *args)
        seqs = next(a for a in args if isinstance(a, dict))
        arrivals = [a for a in args if isinstance(a, list)][-1]
        if not arrivals:
            return head
        last = arrivals[-1]
        key, late = (last.type, last.id), drawn.pop(scope, None)
        if late is None:
            drawn[scope] = head
        swapped = late if late is not None else head + 1
        delta = sync.protocol.row_hash(*key, swapped) - sync.protocol.row_hash(*key, seqs[key])
        head += 1 if late is None else -1
        counter = self._counters[scope]
        counter.head, counter.xsum = head, sync.protocol.add_sum(counter.xsum, 0 if last.deleted else delta)
        seqs[key] = swapped
        return head

    return [(rows_.TxRows, "_stamp", stamp)]


@plant("head_outside_snapshot", "the heads of a pull are read after its rows, outside its snapshot")
def _head_outside() -> Sequence[Change]:
    before = sync.server.pull.pull_frames

    def frames(connection: Any, *args: Any) -> Iterator[Any]:
        for message in before(connection, *args):
            if isinstance(message, Sums):
                with environment().store.read() as other:
                    heads: dict[str, int] = dict(other.exec_driver_sql("SELECT id, head FROM scope").fetchall())
                for scope in message.scopes:
                    yield Mark(scope=scope, to=heads[scope])
            yield message

    return [(sync.server.core, "pull_frames", frames)]


@plant("lmid_outside_snapshot", "a pull's lmid is read after its rows, outside its snapshot")
def _lmid_outside() -> Sequence[Change]:
    before = sync.server.pull.pull_frames

    def frames(connection: Any, now: int, snap: bytes, epoch: bytes, device: Any, ask: Any) -> Iterator[Any]:
        begin: Begin | None = None
        results = []
        for message in before(connection, now, snap, epoch, device, ask):
            if isinstance(message, Begin):
                begin = message
            if isinstance(message, Results):
                results.append(message)
            if isinstance(message, Sums) and begin is not None:
                with environment().store.read() as other:
                    sql = "SELECT lmid FROM device WHERE id = ?"
                    lmid = other.exec_driver_sql(sql, (device.id,)).scalar_one()
                yield msgspec.structs.replace(begin, lmid=lmid)
                yield from results
            yield message

    return [(sync.server.core, "pull_frames", frames)]


@plant("hlc_unclamped", "a device's clock from the future is believed")
def _unclamped() -> Sequence[Change]:
    before = sync.server.push._context

    def context(device: Any, now: int, mutation: Any) -> Any:
        made = before(device, now, mutation)
        return dataclasses.replace(made, hlc=mutation.hlc, acted_ms=hlc_ms(mutation.hlc))

    return [(sync.server.push, "_context", context)]


@plant("result_lost_on_dup", "a repeated mutation is answered ok whatever it came to")
def _result_lost() -> Sequence[Change]:
    before = sync.server.push._split

    def split(connection: Any, device: Any, muts: Any) -> Any:
        old, new = before(connection, device, muts)
        return [Result(mid=r.mid, st="dup", was="ok") for r in old], new

    return [(sync.server.push, "_split", split)]


@plant("results_left_out", "a pull does not bring the results of refused mutations")
def _no_results() -> Sequence[Change]:
    return [(sync.server.pull, "_results", lambda *_: iter(()))]


@plant("after_ignored", "two offline edits of one field by one person conflict with each other")
def _after_ignored() -> Sequence[Change]:
    before = conflicts_decide

    def decide(policy: Any, base: tuple[int, int] | None, *more: Any) -> Decision:
        return before(policy, (base[0], 0) if base else None, *more)

    return [(sync.server.apply, "decide", decide)]


@plant("applied_twice", "a repeated mutation is applied again")
def _twice() -> Sequence[Change]:
    before = sync.server.push._split

    def split(connection: Any, device: Any, muts: Any) -> Any:
        old, new = before(connection, device, muts)
        seen = list(muts[: len(old)])
        if seen and not new:
            table = SYSTEM.mutation_result
            connection.execute(table.delete().where(table.c.device_id == device.id, table.c.mid >= seen[0].mid))
            return [], seen
        return old, new

    return [(sync.server.push, "_split", split)]


@plant("refused_half_applied", "rows of a refused mutation stay staged")
def _half() -> Sequence[Change]:
    before = sync.server.apply.Applier.apply

    def apply(self: Any, change: Any, base: Any, ctx: Any) -> Any:
        scopes, self._scopes = self._scopes, None
        try:
            done = before(self, change, base, ctx)
        finally:
            self._scopes = scopes
        staged = self._rows._staged.values()
        if any(row.scope not in scopes and not row.scope.startswith("user:") for row in staged):
            raise Refused("scope")
        return done

    return [(sync.server.apply.Applier, "apply", apply)]


@plant("loser_not_kept", "a value that lost is not kept in a conflict row")
def _not_kept() -> Sequence[Change]:
    return [(sync.server.losses.Losses, "of_loss", lambda *_: None)]


@plant("stale_reply_sent", "a reply goes out though the customer wrote in the meantime")
def _stale_sent() -> Sequence[Change]:
    return [(sync.server.apply, "held", lambda *_: None)]


@plant("stale_counts_own", "an own earlier message makes a reply stale")
def _stale_own() -> Sequence[Change]:
    before = app.domain.holds._news

    def news(ticket: Any, reply: Any, rows: Any, ctx: Any) -> Any:
        return before(ticket, reply, rows, dataclasses.replace(ctx, mid=0))

    return [(app.domain.holds, "_news", news)]


@plant("children_left_behind", "a ticket moves without its messages")
def _left_behind() -> Sequence[Change]:
    return [(app.domain.changes_tickets, "children", lambda *_, **__: [])]


@plant("xsum_missed_on_move", "a row that leaves a scope stays in its sum")
def _xsum() -> Sequence[Change]:
    rows_ = sync.server.rows
    before = rows_.TxRows._stamp

    def stamp(self: Any, scope: str, leaving: list[Any], *args: Any) -> int:
        head: int = before(self, scope, leaving, *args)
        if leaving:
            row, counter = leaving[0], self._counters[scope]
            missed = sync.protocol.row_hash(row.type, row.id, self._stored[row.type, row.id].seq)
            counter.xsum = sync.protocol.add_sum(counter.xsum, missed)
        return head

    return [(rows_.TxRows, "_stamp", stamp)]


@plant("number_twice", "the counter of ticket numbers goes back")
def _number_twice() -> Sequence[Change]:
    before = sync.server.rows.TxRows._number_tickets

    def number(self: Any) -> None:
        before(self)
        self._cx.exec_driver_sql("UPDATE counter SET value = value - 1 WHERE name = 'ticket' AND value % 3 = 0")

    return [(sync.server.rows.TxRows, "_number_tickets", number)]


@plant("floor_unchecked", "a cursor below the floor is served, and misses exits that are forgotten")
def _floor() -> Sequence[Change]:
    return [
        (sync.server.pull, "_check_cursors", lambda *_: None),
        (sync.server.hello, "_state", lambda *_: "ok"),
    ]


@plant("epoch_head_unchecked", "after a restore a client keeps rows that the server lost")
def _epoch_head() -> Sequence[Change]:
    return [(sync.server.hello, "true_cursors", lambda *_: {})]


@plant("effect_outside_transaction", "lmid is committed before the rows are")
def _outside() -> Sequence[Change]:
    before = sync.server.push.apply_jobs

    def apply(connection: Any, now: int, jobs: Any, **more: Any) -> Any:
        done = before(connection, now, jobs, **more)
        if any(len(job.muts) > 2 for job in jobs):
            # the rest of the work was to follow in a transaction of its own
            connection.exec_driver_sql("DELETE FROM note WHERE id = (SELECT max(id) FROM note)")
        return done

    return [(sync.server.push_runs, "apply_jobs", apply)]


@plant("merge_not_stale", "a reply goes out though its ticket was merged into another one in the meantime")
def _merge_not_stale() -> Sequence[Change]:
    before = app.domain.holds._stale

    def stale(change: Any, base: Any, rows: Any, ctx: Any) -> Any:
        # all of the rule: what its author saw has other numbers after a merge, which alone would hold most of them
        _, via = app.domain.changes.landing_of(rows, change.ticket)
        return None if via is not None else before(change, base, rows, ctx)

    return [(app.domain.holds, "_stale", stale)]


@plant("taken_back_in_name_only", "a choice that is taken back waits again, but one's own value stays in place")
def _taken_back_in_name_only() -> Sequence[Change]:
    def reopen(_self: Any, _rows: Any, _ctx: Any, row: Any) -> Any:
        opened = app.domain.changes_base.Derive(row.type, row.id, {"status": "open"})
        return [opened] if row.values["status"] == "closed" else []

    return [(app.domain.changes_conflicts.ConflictResolve, "_reopen", reopen)]
