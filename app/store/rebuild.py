# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the images of pending changes true after a checkpoint, and removes those that no longer count.

Images whose base row changed are made anew by replaying the pending changes in order over the new base. Until that
is saved the last images show, so an own edit is never missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from app.domain.changes import Row
from app.domain.errors import Refused
from app.domain.executor import execute
from app.domain.ports import Identity
from app.store.cipher import Database, Session
from app.store.pending import PendingStore, Tools, context_of, drop_document, write_image
from app.store.rebuild_plan import (
    Carried,
    Ground,
    Key,
    Plan,
    carried_of,
    component,
    drop_unchanged,
    entries_of,
    grounds_of,
    imaged_by,
    keep_or_drop,
    news_for,
)
from app.store.schema import table_of
from app.store.shown import MAX_PARAMETERS, Shown, ShownRows

KEEP_INACTIVE_MS = 60_000  # the snapshots of the two files are not taken at one instant
KEEP_SENT_MS = 7 * 86_400_000  # a server restored from a backup gets these again
_DAY_MS = 86_400_000
_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the replica said at some time about which mutations count."""

    at: int
    lmid: int
    waiting: frozenset[int]


class Rebuilder:
    """Runs on the writer thread after each checkpoint and now and then."""

    def __init__(self, store: PendingStore, file: Database, readers: Callable[[], Database], tools: Tools) -> None:
        self._store = store
        self._file = file
        self._readers = readers
        self._tools = tools
        self._done = -1
        self._seen: list[_Seen] = []
        self._epoch: bytes | None = None  # unknown at first: whatever happened before the start is made good
        self._past: dict[Key, frozenset[int]] = {}  # of rows with pending changes: those that do not count any more
        self._grounds: dict[int, Ground] = {}
        self._carried: Carried = {}
        self._cursors: dict[str, int] = {}

    def start_over(self) -> None:
        """Forget what was noticed: the numbers changed."""
        self._done = -1
        self._seen.clear()
        self._past.clear()
        self._grounds.clear()
        self._carried, self._cursors = {}, {}
        self._epoch = None

    def run(self) -> bool:
        """Make images whose base changed anew and prune; returns whether images changed. Raises StoreUnavailable."""
        identity = self._store.identity
        if identity is None:
            return False
        changed = False
        for attempt in range(_TRIES):
            last = self._last_mid()
            with self._readers().read() as tx:
                shown = Shown(tx)
                if attempt == 0:
                    self._notice(shown)
                    if shown.checkpoint_no == self._done:
                        break
                plan = self._plan(shown, identity)
            with self._store.lock:
                if self._last_mid() != last and attempt + 1 < _TRIES:
                    continue  # a change was saved meanwhile: its image must be part of the replay
                if plan.images or plan.kept or plan.revived or plan.gone:
                    self._write(plan)
                    changed = True
            # not before it is written: a plan that came to nothing must find the same again
            self._done, self._epoch = shown.checkpoint_no, plan.epoch
            self._past, self._grounds = plan.past, plan.grounds
            self._carried, self._cursors = plan.carried, plan.cursors
            break
        self._prune()
        return changed

    def _last_mid(self) -> int:
        with self._file.read() as tx:
            return int(tx.value("SELECT max(mid) FROM outbox") or 0)

    # --- replay -----------------------------------------------------------------------------------------------------

    def _plan(self, shown: Shown, identity: Identity) -> Plan:
        plan = Plan(epoch=shown.tx.value("SELECT v FROM main.meta WHERE k = 'epoch'"), past=self._past_of(shown))
        plan.grounds, plan.carried = grounds_of(shown), carried_of(shown)
        plan.cursors = dict(shown.tx.all("SELECT id, cursor FROM main.scope_state"))
        revived = self._revived(shown)
        plan.revived = set(revived)
        again = {**self._silent(shown), **revived}
        dirty = self._dirty(shown, plan.epoch).union(*again.values()) | self._unlike_before(shown, plan)
        if not dirty:
            return plan
        about = {mid: again.get(mid, set()) | {ground.key} for mid, ground in plan.grounds.items()}
        imaged = imaged_by(shown)
        keys, mids = component(imaged, dirty, {**again, **about})
        rows = ShownRows(shown, hidden=frozenset(keys))
        entries = entries_of(shown, mids)
        for mid, outcome_keys in sorted(mids.items()):
            made = self._replay(entries.get(mid), rows, identity, mid)
            if made is None:
                plan.kept |= outcome_keys
                continue
            for key, row in made.items():
                plan.seqs.setdefault(key, rows.seq(*key))
                plan.images[key] = row
                plan.mids.setdefault(key, set()).add(mid)
            keep_or_drop(plan, rows, mid, (outcome_keys & imaged.get(mid, set())) - made.keys())
            rows.keep(made)
        for key in plan.kept:
            plan.seqs[key] = rows.seq(*key)
        drop_unchanged(shown, plan)
        return plan

    def _dirty(self, shown: Shown, epoch: bytes | None) -> set[Key]:
        """Return the rows whose base is another one than their image was made on.

        A seq alone does not tell: in the scope that a ticket moved to, or after a restore, another version can have
        the same one. A move raises the revision; in another epoch every image is made anew.
        """
        out: set[Key] = set()
        stale = "(o.seq <> coalesce(b.seq, 0) OR o.rev <> coalesce(b.rev, o.rev))" if epoch == self._epoch else "1"
        for type_ in shown.overlaid:
            table = table_of(type_)
            sql = (
                f"SELECT o.id FROM pending.{table.overlay} o LEFT JOIN main.{table.name} b ON b.id = o.id "
                f"WHERE {stale} AND o.id IN "
                f"(SELECT k.id FROM pending.over_key k WHERE k.type = {type_} AND {shown.active()})"
            )
            out |= {(type_, id_) for (id_,) in shown.tx.all(sql)}
        return out

    def _unlike_before(self, shown: Shown, plan: Plan) -> set[Key]:
        """Return the rows of which something else counts than at the last rebuild, whatever their base says."""
        past = plan.past
        out = {key for key in past if past[key] != self._past.get(key)}
        out |= {key for key in self._past.keys() - past.keys() if self._counts(shown, key)}
        out |= {ground.key for mid, ground in plan.grounds.items() if ground != self._grounds.get(mid)}
        return out | news_for(plan.carried, self._carried, self._cursors)

    def _past_of(self, shown: Shown) -> dict[Key, frozenset[int]]:
        """Return, of rows with pending changes, the changes that their image once showed and that count no more.

        A refused or orphaned one leaves the base row as it was: only this tells that its image is to be made anew.
        """
        out: dict[Key, set[int]] = defaultdict(set)
        sql = (
            f"SELECT j.type, j.id, j.mid FROM pending.over_key j WHERE NOT ({shown.active('j.mid')}) AND EXISTS "
            f"(SELECT 1 FROM pending.over_key k WHERE k.type = j.type AND k.id = j.id AND {shown.active()})"
        )
        for type_, id_, mid in shown.tx.all(sql):
            out[type_, id_].add(mid)
        return {key: frozenset(mids) for key, mids in out.items()}

    @staticmethod
    def _counts(shown: Shown, key: Key) -> bool:
        sql = f"SELECT 1 FROM pending.over_key k WHERE k.type = ? AND k.id = ? AND {shown.active()}"
        return shown.tx.one(sql, key) is not None

    def _revived(self, shown: Shown) -> dict[int, set[Key]]:
        """Return the mutations whose images were removed as confirmed, and which count again."""
        sql = (
            "SELECT k.mid, k.touched FROM pending.outbox k "
            f"WHERE k.confirmed IS NOT NULL AND k.mid > 0 AND {shown.active()}"
        )
        return {
            mid: set(msgspec.msgpack.decode(touched, type=list[tuple[int, bytes]]))
            for mid, touched in shown.tx.all(sql)
        }

    def _silent(self, shown: Shown) -> dict[int, set[Key]]:
        """Return the changes that changed nothing, and the rows they are about.

        What they say was so already: by another change, which may have been refused since, or in another base row.
        """
        sql = (
            f"SELECT k.mid, k.name, k.v, k.args FROM pending.outbox k WHERE {shown.active()} "
            "AND k.mid NOT IN (SELECT j.mid FROM pending.over_key j)"
        )
        decode = self._tools.codec.decode
        return {mid: set(decode(name, version, args).roots()) for mid, name, version, args in shown.tx.all(sql)}

    def _replay(
        self, found: tuple[Any, ...] | None, rows: ShownRows, identity: Identity, mid: int
    ) -> Mapping[Key, Row] | None:
        if found is None:
            return None
        name, version, args, base, hlc, created = found
        change = self._tools.codec.decode(name, version, args)
        entries = msgspec.msgpack.decode(base, type=dict[str, tuple[int, int]])
        try:
            context = context_of(identity, mid, hlc, created)
            return execute(change, entries, rows, context, self._tools.decide, self._tools.texts).puts
        except Refused:
            return None  # the server will most likely refuse it too, and then it stands in the tray

    def _write(self, plan: Plan) -> None:
        with self._file.write() as tx:
            for key, row in plan.images.items():
                if key not in plan.same:
                    write_image(tx, row, plan.seqs[key])
                tx.many("INSERT OR IGNORE INTO over_key VALUES(?, ?, ?)", [(*key, mid) for mid in plan.mids[key]])
            for type_, id_, mid in plan.gone:
                tx.run("DELETE FROM over_key WHERE type = ? AND id = ? AND mid = ?", (type_, id_, mid))
            for key in plan.kept - plan.images.keys():
                table = table_of(key[0])
                tx.run(f"UPDATE {table.overlay} SET seq = ? WHERE id = ?", (plan.seqs[key], key[1]))
            _drop_orphans(tx, {(type_, id_) for type_, id_, _ in plan.gone})
            tx.many("UPDATE outbox SET confirmed = NULL WHERE mid = ?", [(mid,) for mid in plan.revived])

    # --- pruning ----------------------------------------------------------------------------------------------------

    def _notice(self, shown: Shown) -> None:
        now = _Seen(self._tools.now_ms(), shown.lmid, frozenset(shown.waiting))
        if not self._seen or (self._seen[-1].lmid, self._seen[-1].waiting) != (now.lmid, now.waiting):
            self._seen.append(now)

    def _inactive(self, now: int) -> tuple[int, frozenset[int]] | None:
        """Return (highest mid, exceptions) of what has not counted for a minute, or None when that is unknown."""
        old = [i for i, seen in enumerate(self._seen) if seen.at <= now - KEEP_INACTIVE_MS]
        if not old:
            return None
        self._seen = self._seen[old[-1] :]  # whatever was said later must agree
        return min(s.lmid for s in self._seen), frozenset[int]().union(*(s.waiting for s in self._seen))

    def _prune(self) -> None:
        """Remove images that have not counted for a minute, and mutations confirmed more than seven days ago."""
        now = self._tools.now_ms()
        inactive = self._inactive(now)
        if inactive is None:
            return
        bound, except_ = inactive
        too_old = now - self._tools.discarded_days * _DAY_MS
        with self._readers().read() as tx:
            unsettled = _unsettled(tx)
            keys = tx.all("SELECT type, id, mid FROM pending.over_key WHERE mid <= ?", (bound,))
            keys = [key for key in keys if key[2] not in except_]
            sql = "SELECT mid FROM pending.outbox WHERE mid <= ? AND confirmed IS NULL"
            fresh = [(mid,) for (mid,) in tx.all(sql, (bound,)) if mid not in except_]
            sql = "SELECT mid FROM pending.outbox WHERE mid <= ? AND confirmed < ?"
            sent = [(mid,) for (mid,) in tx.all(sql, (bound, now - KEEP_SENT_MS)) if mid not in unsettled | except_]
            drafts = tx.value("SELECT count(*) FROM pending.draft WHERE discarded < ?", (too_old,))
        if not (keys or fresh or sent or drafts):
            return
        with self._store.lock, self._file.write() as tx:
            tx.many("DELETE FROM over_key WHERE type = ? AND id = ? AND mid = ?", keys)
            _drop_orphans(tx, {(type_, id_) for type_, id_, _ in keys})
            tx.many("UPDATE outbox SET confirmed = ? WHERE mid = ?", [(now, *mid) for mid in fresh])
            tx.many("DELETE FROM outbox WHERE mid = ?", sent)
            tx.run("DELETE FROM draft WHERE discarded < ?", (too_old,))


def _unsettled(tx: Session) -> frozenset[int]:
    """Return the mids of this device's tray entries that nobody ticked off, as pending.db itself has them."""
    sql = (
        "SELECT n.mid FROM pending.needs_you_kept n JOIN pending.meta m ON m.k = 'device_id' AND m.v = n.device "
        "WHERE n.id NOT IN (SELECT d.id FROM pending.needs_you_done d)"
    )
    return frozenset(mid for (mid,) in tx.all(sql))


def _drop_orphans(tx: Session, keys: set[Key]) -> None:
    """Remove images that no key names any more."""
    by_type: dict[int, list[bytes]] = defaultdict(list)
    for type_, id_ in keys:
        by_type[type_].append(id_)
    for type_, ids in by_type.items():
        table = table_of(type_)
        for start in range(0, len(ids), MAX_PARAMETERS):
            part = ids[start : start + MAX_PARAMETERS]
            marks = ", ".join("?" * len(part))
            held = {i for (i,) in tx.all(f"SELECT id FROM over_key WHERE type = {type_} AND id IN ({marks})", part)}
            for id_ in set(part) - held:
                tx.run(f"DELETE FROM {table.overlay} WHERE id = ?", (id_,))
                drop_document(tx, type_, id_)
