# SPDX-License-Identifier: GPL-3.0-or-later
"""What replica.db says about this device's own changes: how far they are confirmed, which wait, which need a person."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.changes_drafts import DRAFT_NAMES
from app.domain.entities import TICKET
from app.domain.ids import derived_id
from app.domain.replica import Checkpoint, MutationResult, ScopeState
from app.store.cipher import Database, Session
from app.store.shown import MAX_PARAMETERS
from app.store.tray_kept import told_before

_REFUSED = ("rejected", "conflict")
_FORGET_TWIN = "DELETE FROM needs_you WHERE device <> ? AND name = ? AND content = ?"


@dataclass(frozen=True, slots=True)
class Kept:
    """A mutation as it lies in the outbox."""

    name: str
    v: int
    args: bytes
    ticket: bytes | None


def needs_a_person(result: MutationResult) -> bool:
    """Whether a result goes to the tray: refusals, and conflicts that no rule settled."""
    if result.st == "rejected":
        return True
    if result.st != "conflict":
        return False
    fields = (result.data or {}).get("fields")
    if not isinstance(fields, list) or not fields:
        return True
    return any(not isinstance(entry, dict) or entry.get("open", True) for entry in fields)


class Tray:
    """Writes needs_you, waiting and lmid_seen in a checkpoint's transaction; reads the outbox beside it."""

    def __init__(self, tx: Session, pending: Database, now: int) -> None:
        self._tx = tx
        self._pending = pending
        self._now = now
        self._device: bytes = tx.value("SELECT v FROM meta WHERE k = 'device_id'") or b""
        self._told = 0  # up to here a server that says nothing may have forgotten what it refused

    def settle(self, checkpoint: Checkpoint, scopes: Mapping[str, ScopeState]) -> bool:
        """Move lmid, remember results that need a person, and mids whose rows are not all here yet."""
        seen = int(self._tx.value("SELECT v FROM meta WHERE k = 'lmid_seen'") or 0)
        self._told = told_before(self._tx, self._device, checkpoint.lmid)
        live = {s.id for s in scopes.values() if s.state == "live"}
        self._take_results(checkpoint.results)
        if checkpoint.lmid > seen:
            self._confirm(seen, checkpoint, live)
        elif checkpoint.new_epoch and checkpoint.lmid < seen:
            # the server lost these: they are pending again and go out once more
            self._tx.run("INSERT OR REPLACE INTO meta VALUES('lmid_seen', ?)", (checkpoint.lmid,))
            self._tx.run("DELETE FROM waiting WHERE mid > ?", (checkpoint.lmid,))
        held = self._tx.all("SELECT mid, scopes FROM waiting")
        # a scope that is not on this device at all will never become live
        done = [(mid,) for mid, named in held if set(json.loads(named)) & set(scopes) <= live]
        self._tx.many("DELETE FROM waiting WHERE mid = ?", done)
        return checkpoint.lmid != seen if checkpoint.new_epoch else checkpoint.lmid > seen

    def _confirm(self, seen: int, checkpoint: Checkpoint, live: set[str]) -> None:
        refused = {r.mid for r in checkpoint.results if r.st in _REFUSED}
        told = {r.mid for r in checkpoint.results if needs_a_person(r)}
        self._tx.run("INSERT OR REPLACE INTO meta VALUES('lmid_seen', ?)", (checkpoint.lmid,))
        with self._pending.read() as other:
            fresh = other.all("SELECT mid, scopes FROM outbox WHERE mid > ? AND mid <= ?", (seen, checkpoint.lmid))
        self._tx.many(
            "INSERT OR REPLACE INTO waiting(mid, scopes) VALUES(?, ?)",
            [(mid, named) for mid, named in fresh if mid not in refused and not set(json.loads(named)) <= live],
        )
        # accepted after all: pushed before the scope was lost, or again after the server was restored
        gone = [(self._device, mid) for mid, _ in fresh if mid not in told and mid > self._told]
        self._tx.many("DELETE FROM needs_you WHERE device = ? AND mid = ?", gone)
        self._forget_earlier(seen, checkpoint.lmid)

    def _forget_earlier(self, seen: int, lmid: int) -> None:
        """Let entries of an earlier device id go whose changes were sent again under new numbers, and answered anew.

        Of those that the server had answered for before, and that are not sent again, the entry is all that is left.
        """
        if self._tx.value("SELECT 1 FROM needs_you WHERE device <> ? LIMIT 1", (self._device,)) is None:
            return
        with self._pending.read() as other:
            again = other.all("SELECT name, args FROM outbox WHERE mid > ? AND mid <= ?", (seen, lmid))
        self._tx.many(_FORGET_TWIN, [(self._device, *sent) for sent in again])

    def _take_results(self, results: Sequence[MutationResult]) -> None:
        wanted = {r.mid: r for r in results if needs_a_person(r)}
        if not wanted:
            return
        content = self._content(wanted)
        for mid, result in wanted.items():
            kept = content.get(mid)
            if kept is not None and kept.name in DRAFT_NAMES:
                continue  # an older server: the text is where it was typed
            kind = "rejected" if result.st == "rejected" else "held"
            data = json.dumps(result.data, default=str, ensure_ascii=False) if result.data else None
            self._note(mid, kind, result.code, content.get(mid), data)

    def orphan(self, scopes: Iterable[str]) -> None:
        """Keep what is pending on scopes that are lost where a person finds it.

        It is pushed all the same: the server's refusal then updates the same entry.
        """
        lost = set(scopes)
        seen = int(self._tx.value("SELECT v FROM meta WHERE k = 'lmid_seen'") or 0)
        waiting = self._tx.all("SELECT mid, scopes FROM waiting")
        self._tx.many(
            "DELETE FROM waiting WHERE mid = ?", [(m,) for m, named in waiting if lost & set(json.loads(named))]
        )
        with self._pending.read() as other:
            if other.value("SELECT v FROM meta WHERE k = 'device_id'") != self._device:
                return
            rows = other.all("SELECT mid, scopes FROM outbox WHERE mid > ? ORDER BY mid", (seen,))
        mids = [mid for mid, named in rows if lost & set(json.loads(named))]
        content = self._content(mids)
        for mid in mids:
            self._note(mid, "orphaned", "scope", content.get(mid), None)

    def _content(self, mids: Iterable[int]) -> dict[int, Kept]:
        out: dict[int, Kept] = {}
        every = list(mids)
        with self._pending.read() as other:
            for start in range(0, len(every), MAX_PARAMETERS):
                part = every[start : start + MAX_PARAMETERS]
                marks = ", ".join("?" * len(part))
                sql = f"SELECT mid, name, v, args, ticket FROM outbox WHERE mid IN ({marks})"
                out |= {row[0]: Kept(*row[1:]) for row in other.all(sql, part)}
        return out

    def _note(self, mid: int, kind: str, reason: str | None, kept: Kept | None, data: str | None) -> None:
        """Write an entry; content that is here already is never lost to an update."""
        id_ = derived_id(self._device, "needs", str(mid))
        if kept is not None:
            self._tx.run(_FORGET_TWIN, (self._device, kept.name, kept.args))
        what: tuple[Any, ...] = (kept.name, kept.v, kept.args, kept.ticket) if kept else (None, None, None, None)
        self._tx.run(
            "INSERT INTO needs_you(id, device, mid, kind, type, entity_id, reason, name, v, content, data, created) "
            "VALUES(?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET "
            "kind = CASE WHEN kind = 'orphaned' AND excluded.reason = 'scope' THEN kind ELSE excluded.kind END, "
            "reason = excluded.reason, data = excluded.data, name = coalesce(excluded.name, name), "
            "v = coalesce(excluded.v, v), content = coalesce(excluded.content, content), "
            "entity_id = coalesce(excluded.entity_id, entity_id)",
            (
                id_, self._device, mid, kind, TICKET.number, what[3], reason, what[0], what[1], what[2], data,
                self._now,
            ),
        )  # fmt: skip
