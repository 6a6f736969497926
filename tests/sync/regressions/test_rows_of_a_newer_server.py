# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a kind that this version does not know are only counted, by the same rules as all others."""

from __future__ import annotations

import pytest

from app.domain.entities import NOTE
from app.domain.ids import new_id
from app.domain.replica import Checkpoint, ExitPage, RowPage, Segment
from app.entry.sync_codec import Hashes
from tests.sync.desk import Client

NOVEL = 900  # an entity of a later version
OLD, NEW = "team:old", "team:new"
KINDS = pytest.mark.parametrize("type_", [NOTE.number, NOVEL], ids=["known", "unknown"])


class Moved:
    """A row that was changed once at its old team (seq 6) and then went to the new one (seqs 17 and 20)."""

    def __init__(self, client: Client, type_: int) -> None:
        self.store, self.type, self.id = client.replica, type_, new_id()
        self.store.set_scopes(None, {OLD: 2, NEW: 2}, (), ())

    def page(self, scope: str, seq: int, rev: int) -> Segment:
        row = [self.id, seq, False, rev, {}, "words"]
        return Segment(scope, 0, seq, [RowPage(scope, self.type, ["body"], [row])])

    def left(self, start: int) -> Segment:
        return Segment(OLD, start, 17, (), [ExitPage(OLD, [(17, self.type, self.id, NEW)])])

    def apply(self, *segments: Segment, **more: object) -> tuple[str, ...]:
        """Apply a checkpoint that ends with the move; returns the scopes whose sums differ from the server's."""
        there = (1, Hashes().row_hash(self.type, self.id, 20))
        checkpoint = Checkpoint(b"e" * 16, 0, {OLD: 17, NEW: 20}, {OLD: (0, 0), NEW: there}, segments, **more)  # type: ignore[arg-type]  # keyword arguments
        return tuple(self.store.apply(checkpoint).differing)


@KINDS
def test_what_was_kept_of_the_old_team_takes_no_row_back_from_the_new_one(kim: Client, type_: int) -> None:
    """The old team's page came before the row moved, the new team's rows after it; then both are in one checkpoint."""
    row = Moved(kim, type_)
    row.store.keep([row.page(OLD, 6, rev=1)])
    row.store.load([row.page(NEW, 20, rev=2)])
    assert row.apply(row.left(6)) == ()


@KINDS
def test_an_old_snapshot_of_the_old_team_takes_no_row_back_from_the_new_one(kim: Client, type_: int) -> None:
    """The new team is held already; a first load of the old one begins with what it was some time ago."""
    row = Moved(kim, type_)
    row.store.load([row.page(NEW, 20, rev=2)])
    row.store.load([row.page(OLD, 6, rev=1)])
    assert row.store.state().scopes[NEW].n == 1
    assert row.apply(row.left(6)) == ()


@KINDS
def test_after_a_restore_revisions_of_the_lost_future_do_not_count(kim: Client, type_: int) -> None:
    """The row that is here has seen more changes than the server remembers; what it sends now is right all the same."""
    row = Moved(kim, type_)
    row.store.apply(Checkpoint(b"d" * 16, 0, {OLD: 40}, {}, [row.page(OLD, 40, rev=9)]))
    again = frozenset({OLD, NEW})
    assert row.apply(row.page(NEW, 20, rev=4), row.page(OLD, 6, rev=3), row.left(6), whole=again, new_epoch=True) == ()
