# SPDX-License-Identifier: GPL-3.0-or-later
"""What replica.db knows of its scopes, and whether a checkpoint would change anything."""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.replica import Checkpoint, ScopeState
from app.store.cipher import Session
from app.store.replica_pages import kept as kept_pages


def is_old_news(tx: Session, scopes: Mapping[str, ScopeState], checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint says nothing that is not here already; then nothing is written and nobody is woken."""
    if checkpoint.results or checkpoint.whole or checkpoint.drop or checkpoint.new_epoch:
        return False
    if any(s.pages or s.exits for s in checkpoint.segments) or any(s.kept for s in scopes.values()):
        return False
    if checkpoint.lmid > int(tx.value("SELECT v FROM meta WHERE k = 'lmid_seen'") or 0):
        return False
    held = ((scopes[s], to, checkpoint.sums.get(s)) for s, to in checkpoint.cursors.items())
    return all(s.state == "live" and s.cursor == to and sums == (s.n, s.xsum) for s, to, sums in held)


def read_scopes(tx: Session) -> dict[str, ScopeState]:
    """Return what is known of each scope."""
    rows = tx.all("SELECT id, cursor, n, xsum, prio, state, snapshot_id, snap_offset FROM scope_state")
    reach = kept_pages(tx)
    return {
        id_: ScopeState(id_, cursor, n, xsum, prio, state, reach.get(id_, 0), snapshot, offset)
        for id_, cursor, n, xsum, prio, state, snapshot, offset in rows
    }
