# SPDX-License-Identifier: GPL-3.0-or-later
"""Bugs of a client's files, window and worker."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

import app.domain.changes_tickets
import app.domain.holds
import app.store.pending
import app.store.rebuild
import app.store.renumber
import app.store.replica
import app.store.replica_rows
import app.store.replica_tray
import app.store.shown
import sync.engine
import sync.engine_loads
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
from app.domain.entities import BY_NUMBER
from app.domain.replica import Checkpoint
from app.store.rebuild_plan import Plan
from app.store.schema import table_of
from sync.protocol import Result
from tests.sync.sim.plants_registry import Change, plant


@plant("confirmed_overlay_shown", "the image of a confirmed edit still covers the server's row")
def _confirmed_shown() -> Sequence[Change]:
    return [(app.store.shown.Shown, "active", lambda self, column="k.mid": f"{column} > {self.lmid - 1}")]


@plant("rejected_shown", "the image of a refused edit still covers the server's row")
def _rejected_shown() -> Sequence[Change]:
    before = app.store.shown.Shown.__init__

    def init(self: Any, tx: Any) -> None:
        before(self, tx)
        self.waiting += tuple(m for (m,) in tx.all("SELECT mid FROM main.needs_you WHERE kind = 'rejected'"))

    return [(app.store.shown.Shown, "__init__", init)]


@plant("overlay_removed_at_once", "images go as soon as they are confirmed, not 60 s later")
def _at_once() -> Sequence[Change]:
    return [(app.store.rebuild, "KEEP_INACTIVE_MS", -1)]


@plant("overlay_not_rebuilt", "images are not made anew when their base changed")
def _not_rebuilt() -> Sequence[Change]:
    return [(app.store.rebuild.Rebuilder, "_plan", lambda *_: Plan())]


@plant("replay_out_of_order", "pending mutations are replayed latest first")
def _out_of_order() -> Sequence[Change]:
    return [(app.store.rebuild, "sorted", lambda items: list(reversed(sorted(items))))]  # noqa: C413  # - the bug planted is the order


@plant("lmid_in_another_transaction", "the rows of a checkpoint are committed before its lmid")
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


@plant("older_over_newer", "an older row replaces a newer one")
def _older() -> Sequence[Change]:
    return [(app.store.replica_rows.RowWriter, "_wins", lambda *_: True)]


@plant("exit_without_scope_check", "an exit removes the row in whatever scope it is")
def _exit_unchecked() -> Sequence[Change]:
    def leave(self: Any, page: Any, _elsewhere: Any) -> None:
        for _, type_, id_, _ in page.items:
            held = self._held(table_of(type_).name, [id_])
            for old in held.values():
                self._remove(type_, old[0], [(id_, old[1], old[2])])

    return [(app.store.replica_rows.RowWriter, "leave", leave)]


@plant("dropped_cursor_kept", "a scope that is granted again is not loaded again")
def _regrant() -> Sequence[Change]:
    def drop(self: Any, tx: Any, work: Any, drop: Sequence[str]) -> None:
        for scope in drop:
            if scope in work.scopes:
                work.rows.remove_scope(scope)

    return [(app.store.replica.ReplicaStore, "_drop", drop)]


@plant("dropped_rows_kept", "rows that a person may no longer see stay")
def _rows_kept() -> Sequence[Change]:
    return [(app.store.replica_rows.RowWriter, "remove_scope", lambda *_: None)]


@plant("waiting_left_out", "acknowledged mutations whose scope is not loaded do not count as own work")
def _waiting() -> Sequence[Change]:
    before = app.store.shown.Shown.__init__

    def init(self: Any, tx: Any) -> None:
        before(self, tx)
        self.waiting = ()

    return [(app.store.shown.Shown, "__init__", init)]


@plant("answer_believed", "the answer to a push ends a mutation's being pending, not a pulled lmid")
def _believed() -> Sequence[Change]:
    before = sync.engine.ClientCore.on_push

    def on_push(self: Any, answer: Any) -> None:
        before(self, answer)
        with self._store._file.write() as tx:
            tx.run("INSERT OR REPLACE INTO meta VALUES('lmid_seen', ?)", (answer.lmid,))

    return [(sync.engine.ClientCore, "on_push", on_push)]


@plant("cut_answer_complete", "an answer that broke off counts as complete")
def _cut_complete() -> Sequence[Change]:
    def on_cut(self: Any) -> Any:
        if self._pulling is not None:
            self._pulling.gathered.finished = True
        return self.on_pull_end(self._now_ms)

    return [(sync.engine.ClientCore, "on_cut", on_cut)]


@plant("tray_forgotten", "a refused mutation does not get into the tray")
def _tray() -> Sequence[Change]:
    return [(app.store.replica_tray, "needs_a_person", lambda _: False)]


@plant("overlay_without_outbox", "an edit's image is saved before its outbox row, in a transaction of its own")
def _two_transactions() -> Sequence[Change]:
    before = app.store.pending.PendingStore._save

    def save(self: Any, change: Any, base: Any, context: Any, images: Any, *more: Any) -> None:
        with self._file.write() as tx:
            for row, seq in images:
                app.store.pending.write_image(tx, row, seq)
        before(self, change, base, context, images, *more)

    return [(app.store.pending.PendingStore, "_save", save)]


@plant("mid_reused", "the next mid is remembered only now and then")
def _mid_reused() -> Sequence[Change]:
    before = app.store.pending.set_meta

    def set_meta(tx: Any, key: str, value: Any) -> None:
        if key != "next_mid" or value % 3 == 0:
            before(tx, key, value)

    return [(app.store.pending, "set_meta", set_meta)]


@plant("new_ids_on_renumbering", "what is sent again under a new device id gets new row ids")
def _new_ids() -> Sequence[Change]:
    before = app.store.renumber.plan

    def plan(rows: Any, keep_above: int, codec: Any, shown: Any, rev_of: Any) -> Any:
        out = []
        for mid, name, version, args, *rest in rows:
            given = msgspec.msgpack.decode(args)
            for part in {"message", "note", "entry"} & given.keys():
                given[part] = hashlib.blake2b(given[part], digest_size=16).digest()
            out.append((mid, name, version, msgspec.msgpack.encode(given), *rest))
        return before(out, keep_above, codec, shown, rev_of)

    return [(app.store.renumber, "plan", plan)]


@plant("mid_reused_after_restore", "numbers that were used before a restore of the files are given to other edits")
def _mid_after_restore() -> Sequence[Change]:
    def split(connection: Any, device: Any, muts: Any) -> Any:
        # and the server takes the number's word for it
        stored = {
            mid: (st, code)
            for mid, st, code in connection.exec_driver_sql(
                "SELECT mid, st, code FROM mutation_result WHERE device_id = ?", (device.id,)
            )
        }
        seen = [m for m in muts if m.mid <= device.lmid]
        old = [Result(mid=m.mid, st="dup", was=stored[m.mid][0], code=stored[m.mid][1]) for m in seen]
        return old, list(muts[len(seen) :])

    return [
        (sync.engine.ClientCore, "_is_somebody_else", lambda *_: False),
        (sync.server.push, "_split", split),
    ]


@plant("guard_not_asked", "most tickets go without anybody having been asked")
def _unasked() -> Sequence[Change]:
    return [(app.store.replica, "_guard", lambda *_: None)]


@plant("unknown_not_counted", "rows of a newer kind are not counted")
def _unknown_not_counted() -> Sequence[Change]:
    return [(app.store.replica_rows.RowWriter, "_put_unknown", lambda *_: None)]


@plant("unknown_never_leaves", "rows of a newer kind stay when they left their scope")
def _unknown_stays() -> Sequence[Change]:
    return [(app.store.replica_rows.RowWriter, "_leave_unknown", lambda *_: None)]


@plant("columns_by_place", "values are taken by their place, whatever columns a newer server names")
def _by_place() -> Sequence[Change]:
    before = sync.gather.page_of

    def page_of(frame: Any) -> Any:
        page = before(frame)
        known = [name for name in page.cols if page.type not in BY_NUMBER or name in BY_NUMBER[page.type].columns]
        return dataclasses.replace(page, cols=known, rows=[row[: 5 + len(known)] for row in page.rows])

    return [(sync.engine_loads, "page_of", page_of), (sync.gather, "page_of", page_of)]
