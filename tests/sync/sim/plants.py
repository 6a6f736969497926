# SPDX-License-Identifier: GPL-3.0-or-later
"""Bugs that can be planted into the product while a world runs, to prove that the simulator would find them."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import msgspec

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
from app.domain.replica import Checkpoint
from app.store.schema import table_of
from sync.conflicts import decide as conflicts_decide
from sync.protocol import Begin, Mark, Result, Results, Sums
from sync.server.schema import SYSTEM
from tests.sync.sim.env import environment

Change = tuple[Any, str, Any]  # owner, attribute, what stands there instead


@dataclass(frozen=True)
class Plant:
    """A bug: what it is, and what it changes."""

    what: str
    make: Callable[[], Sequence[Change]]


PLANTS: dict[str, Plant] = {}


def _plant(name: str, what: str) -> Callable[[Callable[[], Sequence[Change]]], Callable[[], Sequence[Change]]]:
    def keep(make: Callable[[], Sequence[Change]]) -> Callable[[], Sequence[Change]]:
        PLANTS[name] = Plant(what, make)
        return make

    return keep


@contextlib.contextmanager
def planted(name: str) -> Iterator[None]:
    """Let the product have this bug while the block runs."""
    with contextlib.ExitStack() as stack:
        for owner, attribute, instead in PLANTS[name].make():
            stack.enter_context(patch.object(owner, attribute, instead, create=True))
        yield


# --- server -----------------------------------------------------------------------------------------------------------


@_plant("sequence_for_counter", "seqs drawn from a sequence: a transaction that drew earlier commits later")
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


@_plant("head_outside_snapshot", "the heads of a pull are read after its rows, outside its snapshot")
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


@_plant("lmid_outside_snapshot", "a pull's lmid is read after its rows, outside its snapshot")
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


@_plant("hlc_unclamped", "a device's clock from the future is believed")
def _unclamped() -> Sequence[Change]:
    before = sync.server.push._context

    def context(device: Any, now: int, mutation: Any) -> Any:
        made = before(device, now, mutation)
        return dataclasses.replace(made, hlc=mutation.hlc, acted_ms=hlc_ms(mutation.hlc))

    return [(sync.server.push, "_context", context)]


@_plant("result_lost_on_dup", "a repeated mutation is answered ok whatever it came to")
def _result_lost() -> Sequence[Change]:
    before = sync.server.push._split

    def split(connection: Any, device: Any, muts: Any) -> Any:
        old, new = before(connection, device, muts)
        return [Result(mid=r.mid, st="dup", was="ok") for r in old], new

    return [(sync.server.push, "_split", split)]


@_plant("results_left_out", "a pull does not bring the results of refused mutations")
def _no_results() -> Sequence[Change]:
    return [(sync.server.pull, "_results", lambda *_: iter(()))]


@_plant("after_ignored", "two offline edits of one field by one person conflict with each other")
def _after_ignored() -> Sequence[Change]:
    before = conflicts_decide

    def decide(policy: Any, base: tuple[int, int] | None, *more: Any) -> Decision:
        return before(policy, (base[0], 0) if base else None, *more)

    return [(sync.server.apply, "decide", decide)]


@_plant("applied_twice", "a repeated mutation is applied again")
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


@_plant("refused_half_applied", "rows of a refused mutation stay staged")
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


@_plant("loser_not_kept", "a value that lost is not kept in a conflict row")
def _not_kept() -> Sequence[Change]:
    return [(sync.server.losses.Losses, "of_loss", lambda *_: None)]


@_plant("stale_reply_sent", "a reply goes out though the customer wrote in the meantime")
def _stale_sent() -> Sequence[Change]:
    return [(sync.server.apply, "held", lambda *_: None)]


@_plant("stale_counts_own", "an own earlier message makes a reply stale")
def _stale_own() -> Sequence[Change]:
    before = app.domain.holds._news

    def news(ticket: Any, seen_seq: int, rows: Any, ctx: Any) -> Any:
        return before(ticket, seen_seq, rows, dataclasses.replace(ctx, mid=0))

    return [(app.domain.holds, "_news", news)]


@_plant("children_left_behind", "a ticket moves without its messages")
def _left_behind() -> Sequence[Change]:
    return [(app.domain.changes_tickets, "children", lambda *_, **__: [])]


@_plant("xsum_missed_on_move", "a row that leaves a scope stays in its sum")
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


@_plant("number_twice", "the counter of ticket numbers goes back")
def _number_twice() -> Sequence[Change]:
    before = sync.server.rows.TxRows._number_tickets

    def number(self: Any) -> None:
        before(self)
        self._cx.exec_driver_sql("UPDATE counter SET value = value - 1 WHERE name = 'ticket' AND value % 3 = 0")

    return [(sync.server.rows.TxRows, "_number_tickets", number)]


@_plant("floor_unchecked", "a cursor below the floor is served, and misses exits that are forgotten")
def _floor() -> Sequence[Change]:
    return [
        (sync.server.pull, "_check_cursors", lambda *_: None),
        (sync.server.hello, "_state", lambda *_: "ok"),
    ]


@_plant("epoch_head_unchecked", "after a restore a client keeps rows that the server lost")
def _epoch_head() -> Sequence[Change]:
    return [(sync.server.hello, "true_cursors", lambda *_: {})]


@_plant("effect_outside_transaction", "lmid is committed before the rows are")
def _outside() -> Sequence[Change]:
    before = sync.server.push.apply_jobs

    def apply(connection: Any, now: int, jobs: Any, **more: Any) -> Any:
        done = before(connection, now, jobs, **more)
        if any(len(job.muts) > 2 for job in jobs):
            # the rest of the work was to follow in a transaction of its own
            connection.exec_driver_sql("DELETE FROM note WHERE id = (SELECT max(id) FROM note)")
        return done

    return [(sync.server.push_runs, "apply_jobs", apply)]


# --- client -----------------------------------------------------------------------------------------------------------


@_plant("confirmed_overlay_shown", "the image of a confirmed edit still covers the server's row")
def _confirmed_shown() -> Sequence[Change]:
    return [(app.store.shown.Shown, "active", lambda self, column="k.mid": f"{column} > {self.lmid - 1}")]


@_plant("rejected_shown", "the image of a refused edit still covers the server's row")
def _rejected_shown() -> Sequence[Change]:
    before = app.store.shown.Shown.__init__

    def init(self: Any, tx: Any) -> None:
        before(self, tx)
        self.waiting += tuple(m for (m,) in tx.all("SELECT mid FROM main.needs_you WHERE kind = 'rejected'"))

    return [(app.store.shown.Shown, "__init__", init)]


@_plant("overlay_removed_at_once", "images go as soon as they are confirmed, not 60 s later")
def _at_once() -> Sequence[Change]:
    return [(app.store.rebuild, "KEEP_INACTIVE_MS", -1)]


@_plant("overlay_not_rebuilt", "images are not made anew when their base changed")
def _not_rebuilt() -> Sequence[Change]:
    return [(app.store.rebuild.Rebuilder, "_plan", lambda *_: app.store.rebuild._Plan())]


@_plant("replay_out_of_order", "pending mutations are replayed latest first")
def _out_of_order() -> Sequence[Change]:
    return [(app.store.rebuild, "sorted", lambda items: list(reversed(sorted(items))))]  # noqa: C413  # - the bug planted is the order


@_plant("lmid_in_another_transaction", "the rows of a checkpoint are committed before its lmid")
def _another() -> Sequence[Change]:
    before = app.store.replica.ReplicaStore.apply

    def apply(self: Any, checkpoint: Checkpoint) -> Any:
        if checkpoint.new_epoch:
            return before(self, checkpoint)
        done = before(self, dataclasses.replace(checkpoint, lmid=0, results=()))
        if done.differing or done.guard:
            return done
        rest = dataclasses.replace(checkpoint, segments=(), whole=frozenset(), drop=())
        return dataclasses.replace(before(self, rest), types=done.types, ids=done.ids, rows=done.rows)

    return [(app.store.replica.ReplicaStore, "apply", apply)]


@_plant("older_over_newer", "an older row replaces a newer one")
def _older() -> Sequence[Change]:
    return [(app.store.replica_rows.RowWriter, "_wins", lambda *_: True)]


@_plant("exit_without_scope_check", "an exit removes the row in whatever scope it is")
def _exit_unchecked() -> Sequence[Change]:
    def leave(self: Any, page: Any, _elsewhere: Any) -> None:
        for _, type_, id_, _ in page.items:
            held = self._held(table_of(type_).name, [id_])
            for old in held.values():
                self._remove(type_, old[0], [(id_, old[1], old[2])])

    return [(app.store.replica_rows.RowWriter, "leave", leave)]


@_plant("dropped_cursor_kept", "a scope that is granted again is not loaded again")
def _regrant() -> Sequence[Change]:
    def drop(self: Any, tx: Any, work: Any, drop: Sequence[str]) -> None:
        for scope in drop:
            if scope in work.scopes:
                work.rows.remove_scope(scope)

    return [(app.store.replica.ReplicaStore, "_drop", drop)]


@_plant("dropped_rows_kept", "rows that a person may no longer see stay")
def _rows_kept() -> Sequence[Change]:
    return [(app.store.replica_rows.RowWriter, "remove_scope", lambda *_: None)]


@_plant("waiting_left_out", "acknowledged mutations whose scope is not loaded do not count as own work")
def _waiting() -> Sequence[Change]:
    before = app.store.shown.Shown.__init__

    def init(self: Any, tx: Any) -> None:
        before(self, tx)
        self.waiting = ()

    return [(app.store.shown.Shown, "__init__", init)]


@_plant("answer_believed", "the answer to a push ends a mutation's being pending, not a pulled lmid")
def _believed() -> Sequence[Change]:
    before = sync.engine.ClientCore.on_push

    def on_push(self: Any, answer: Any) -> None:
        before(self, answer)
        with self._store._file.write() as tx:
            tx.run("INSERT OR REPLACE INTO meta VALUES('lmid_seen', ?)", (answer.lmid,))

    return [(sync.engine.ClientCore, "on_push", on_push)]


@_plant("cut_answer_complete", "an answer that broke off counts as complete")
def _cut_complete() -> Sequence[Change]:
    def on_cut(self: Any) -> Any:
        if self._pulling is not None:
            self._pulling.gathered.finished = True
        return self.on_pull_end(self._now_ms)

    return [(sync.engine.ClientCore, "on_cut", on_cut)]


@_plant("tray_forgotten", "a refused mutation does not get into the tray")
def _tray() -> Sequence[Change]:
    return [(app.store.replica_tray, "needs_a_person", lambda _: False)]


@_plant("overlay_without_outbox", "an edit's image is saved before its outbox row, in a transaction of its own")
def _two_transactions() -> Sequence[Change]:
    before = app.store.pending.PendingStore._save

    def save(self: Any, change: Any, base: Any, context: Any, images: Any, ticket: Any) -> None:
        with self._file.write() as tx:
            for row, seq in images:
                app.store.pending.write_image(tx, row, seq)
        before(self, change, base, context, images, ticket)

    return [(app.store.pending.PendingStore, "_save", save)]


@_plant("mid_reused", "the next mid is remembered only now and then")
def _mid_reused() -> Sequence[Change]:
    before = app.store.pending.set_meta

    def set_meta(tx: Any, key: str, value: Any) -> None:
        if key != "next_mid" or value % 3 == 0:
            before(tx, key, value)

    return [(app.store.pending, "set_meta", set_meta)]
