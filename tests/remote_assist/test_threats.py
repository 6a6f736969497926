# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of threats stays true: every row has controls, each can still be removed, and its tests exist."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.remote_assist.controls import ALL
from tests.remote_assist.controls.base import Control, Edit, StaleEdit, apply, check

ROOT = Path(__file__).parents[2]


def test_every_row_of_the_table_has_controls() -> None:
    """1 to 18, and no two controls share a name."""
    assert {control.row for control in ALL} == set(range(1, 19))
    assert [name for name, count in Counter(control.id for control in ALL).items() if count > 1] == []


@pytest.mark.parametrize("control", ALL, ids=[control.id for control in ALL])
def test_a_control_is_where_the_table_looks_for_it(control: Control) -> None:
    """When this fails the control has moved: look at what holds the attack back now, and name that."""
    for one in control.edits:
        check(one)
    for test in control.tests:
        file, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text(), test


class Guarded:
    """Something with a check."""

    def allows(self, wanted: str) -> bool:
        """Say yes to one thing."""
        return wanted == "looking"


class Stricter(Guarded):
    """Something that asks its parent."""

    def allows(self, wanted: str) -> bool:
        """And says no to what is long."""
        return len(wanted) < 20 and super().allows(wanted)


HERE = "tests.remote_assist.test_threats"


def test_a_control_is_removed_in_memory_also_twice_and_where_a_parent_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compiled anew keeps its globals and its class."""
    for owner in (Guarded, Stricter):
        monkeypatch.setattr(owner, "allows", vars(owner)["allows"])
    assert not Stricter().allows("control")
    apply(Edit(f"{HERE}:Guarded.allows", 'wanted == "looking"', 'wanted in ("looking", "control")'))
    assert Stricter().allows("control")
    assert not Stricter().allows("control" * 9)
    apply(Edit(f"{HERE}:Stricter.allows", "len(wanted) < 20 and ", ""))
    apply(Edit(f"{HERE}:Guarded.allows", '"control")', '"control" * 9)'))
    assert Stricter().allows("control" * 9)


@pytest.mark.parametrize("target", [f"{HERE}:Guarded.allows", f"{HERE}:Guarded.nothing", f"{HERE}:HERE"])
def test_words_that_are_not_there_are_told(target: str) -> None:
    """An edit that would change nothing proves nothing."""
    with pytest.raises(StaleEdit):
        check(Edit(target, "no such words", ""))


def test_every_canary_has_something_that_makes_it_sing() -> None:
    """`python -m tests.remote_assist.canaries` leaves none out, and what it changes is still there."""
    from tests.remote_assist import canaries
    from tests.remote_assist.controls.canaries import BEHAVIOUR

    assert canaries.forgotten() == []
    for control in BEHAVIOUR:
        for one in control.edits:
            check(one)
