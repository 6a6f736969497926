# SPDX-License-Identifier: GPL-3.0-or-later
"""No deed before its entry is on disk; taking away never waits."""

from __future__ import annotations

from remote_assist.child_protocol import Grants, Masks, Pause, Send, ToChild
from remote_assist.kept_first import KeptFirst

VIEW, MORE = Grants(1, ["view"]), Grants(2, ["view", "control"])


def _sharing() -> KeptFirst:
    gate = KeptFirst()
    assert gate.take(VIEW) == [VIEW]
    return gate


def test_a_grant_waits_for_its_entry() -> None:
    """In order, and only up to the entry that is kept."""
    gate = KeptFirst()
    gate.entry(1)
    assert gate.take(VIEW) == []
    gate.entry(2)
    word = Send("ctl", b"{}")
    assert gate.take(word) == []
    assert gate.waits
    assert gate.kept(1) == [VIEW]
    assert gate.kept(2) == [word]
    assert not gate.waits


def test_an_entry_that_could_not_be_kept_gives_nothing_ever() -> None:
    """Neither what waited nor what comes later, even if a later entry is kept."""
    gate = KeptFirst()
    gate.entry(1)
    gate.take(VIEW)
    gate.failed()
    assert gate.kept(1) == []
    assert gate.take(MORE) == []
    assert gate.take(Pause(True)) == [Pause(True)]


def test_taking_away_overtakes_what_waits_and_is_not_undone_by_it() -> None:
    """A grant that waited behind a revocation is gone, and so is going on behind a pause."""
    gate = _sharing()
    gate.entry(1)
    gate.take(MORE)
    gate.take(Pause(False))
    none = Grants(3, [])
    assert gate.take(none) == [none]
    assert gate.take(Pause(True)) == [Pause(True)]
    assert gate.kept(1) == []


def test_a_mask_more_is_told_at_once_and_a_mask_less_after_its_entry() -> None:
    """Covering never waits for a disk."""
    gate = KeptFirst()
    one, two = Masks(1, [(0, 0, 9, 9)]), Masks(2, [(0, 0, 9, 9), (20, 0, 9, 9)])
    gate.take(one)
    gate.entry(1)
    more: list[ToChild] = gate.take(two)
    assert more == [two]
    less = Masks(3, [(20, 0, 9, 9)])
    assert gate.take(less) == []
    assert gate.kept(1) == [less]


def test_what_waited_for_a_child_that_died_is_not_told_to_the_next() -> None:
    """A new child begins with nothing granted."""
    gate = _sharing()
    gate.entry(1)
    gate.take(MORE)
    gate.child_gone()
    assert gate.kept(1) == []
    assert gate.take(VIEW) == [VIEW]
    gate.entry(2)
    gate.child_gone()
    assert gate.take(VIEW) == []  # it is more than the new one has
