# SPDX-License-Identifier: GPL-3.0-or-later
"""No deed before its entry is on disk; taking away never waits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.masking import MaskRule
from remote_assist.child_protocol import Grants, Masks, Pause, Send, Source, ToChild
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


A, B = (0, 0, 9, 9), (20, 0, 9, 9)
WHOLE, PART = Source("screen", "screen"), Source("screen", "screen", (0, 0, 8, 8))


def test_a_mask_more_is_told_at_once_and_a_mask_less_after_its_entry() -> None:
    """Covering never waits for a disk."""
    gate = KeptFirst()
    one, two = Masks(1, [A], drawn=1), Masks(2, [A, B], looked=True, drawn=2)
    gate.take(one)
    gate.entry(1)
    assert gate.take(two) == [two]
    less = Masks(3, [B], drawn=1)
    assert [(told.rects, told.drawn) for told in _masks(gate.take(less))] == [([B, A], 2)]
    assert gate.kept(1) == [less]


def test_the_first_masks_of_a_session_are_told_at_once() -> None:
    """Whatever is on its way to the disk."""
    gate = KeptFirst()
    gate.entry(1)
    first = Masks(1, [A], [MaskRule("bank")], [7], looked=True, drawn=1)
    assert gate.take(first) == [first]
    assert gate.kept(1) == []


def test_a_mask_that_is_moved_hides_both_places_until_its_entry_is_kept() -> None:
    """The new place at once; and that the customer has looked is said once, never later about another screen."""
    gate = KeptFirst()
    gate.take(Masks(1, [A], [MaskRule("bank")], [7], looked=True, drawn=1))
    gate.entry(1)
    moved = Masks(2, [B], [MaskRule("mail", pause=True)], [8], looked=True, drawn=1)
    both = Masks(2, [B, A], [MaskRule("mail", pause=True), MaskRule("bank")], [8, 7], looked=True, drawn=2)
    assert gate.take(moved) == [both]
    assert gate.kept(1) == [Masks(2, [B], [MaskRule("mail", pause=True)], [8], looked=False, drawn=1)]


def test_looking_at_a_target_that_waits_says_nothing_of_the_one_that_is_shown() -> None:
    """A screen that changed under its masks is not shown again because the customer drew on another one."""
    gate = _sharing()
    gate.take(WHOLE)
    gate.entry(1)
    gate.take(PART)
    assert [told.looked for told in _masks(gate.take(Masks(2, [A], looked=True, drawn=1)))] == [False]


def test_a_permission_taken_back_goes_at_once_while_another_waits() -> None:
    """Both are in one message: what is less does not wait for what is more."""
    gate = KeptFirst()
    gate.take(Grants(1, ["view", "pointer"]))
    gate.entry(1)
    assert gate.take(Grants(2, ["view", "pointer", "control"])) == []
    after = Grants(3, ["view", "control"])
    assert gate.take(after) == [Grants(3, ["view"])]
    gate.entry(2)
    assert gate.kept(1) == [Grants(2, ["view", "control"]), after]


def test_a_part_instead_of_the_whole_hides_the_whole_at_once() -> None:
    """Nothing is shown until the entry of the other target is kept; then it has a grant of its own."""
    gate = KeptFirst()
    gate.take(WHOLE)
    gate.take(VIEW)
    gate.entry(1)
    assert gate.take(PART) == [Grants(1, [])]
    assert gate.take(VIEW) == []
    assert gate.kept(1) == [PART, VIEW]


def test_a_grant_for_another_target_is_more_though_it_has_the_same_name() -> None:
    """The child takes the old one back by itself when the target changes."""
    gate = KeptFirst()
    gate.take(WHOLE)
    gate.take(VIEW)
    gate.take(PART)
    gate.entry(1)
    assert gate.take(VIEW) == []
    assert gate.kept(1) == [VIEW]


_RECTS = st.lists(st.sampled_from([A, B, (40, 0, 9, 9)]), unique=True)
_RULES = st.lists(st.sampled_from([MaskRule("bank"), MaskRule("bank", pause=True), MaskRule("mail")]), unique=True)
_SAID = st.one_of(
    st.builds(
        lambda rects, rules, own, looked, drawn: Masks(1, rects, rules, own, looked, min(drawn, len(rects))),
        _RECTS,
        _RULES,
        st.lists(st.sampled_from([7, 8]), unique=True),
        st.booleans(),
        st.integers(0, 3),
    ),
    st.builds(lambda scopes: Grants(1, scopes), st.lists(st.sampled_from(["view", "pointer", "control"]), unique=True)),
    st.builds(Pause, st.booleans()),
    st.sampled_from([WHOLE, PART]),
)


class _State:
    """What a child does that is told these messages; and, for the customer, what was said."""

    def __init__(self) -> None:
        self.masks, self.scopes, self.paused = Masks(0, []), frozenset[str](), False
        self.target: Source | None = None

    def take(self, message: ToChild) -> None:
        if isinstance(message, Masks):
            self.masks = message
        elif isinstance(message, Grants):
            self.scopes = frozenset(message.scopes)
        elif isinstance(message, Pause):
            self.paused = message.on
        elif isinstance(message, Source):
            if self.target not in (None, message):
                self.scopes -= {"view"}
            self.target = message

    def hides(self, other: _State) -> bool:
        mine, its = self.masks, other.masks
        return set(mine.rects) >= set(its.rects) and set(mine.own) >= set(its.own) and set(mine.rules) >= set(its.rules)

    def shows_no_more_than(self, other: _State) -> bool:
        return self.hides(other) and self.scopes <= other.scopes and self.paused >= other.paused

    def facts(self) -> tuple[object, ...]:
        masks = self.masks
        drawn = frozenset(masks.rects[: masks.drawn])
        hidden = frozenset(masks.rects), drawn, frozenset(masks.own), frozenset(masks.rules)
        return (*hidden, self.scopes, self.paused, self.target)


@given(st.lists(st.one_of(_SAID, st.sampled_from(["entry", "kept", "all", "lost"])), max_size=30))
def test_in_any_order_no_more_is_shown_than_was_said_last_and_than_is_on_disk(steps: list[ToChild | str]) -> None:
    """What was taken away is gone at once, what was given comes after its entry; with all of them kept all is told."""
    gate, child, said, on_disk = KeptFirst(), _State(), _State(), _State()
    behind: list[tuple[int, ToChild]] = []
    newest = kept = 0
    for step in steps:
        told: list[ToChild] = []
        if step == "entry":
            newest += 1
            gate.entry(newest)
        elif step == "lost":
            gate.failed()
        elif isinstance(step, str):
            if not gate.lost:
                kept = newest if step == "all" else min(kept + 1, newest)
            told = gate.kept(kept)
            assert not any(message.looked for message in _masks(told))
        else:
            said.take(step)
            if not gate.lost:
                behind.append((newest, step))
            told = gate.take(step)
        for n, message in behind:
            if n <= kept:
                on_disk.take(message)
        behind = [(n, message) for n, message in behind if n > kept]
        for message in told:
            child.take(message)
            assert child.shows_no_more_than(said)
            assert "view" not in child.scopes or child.target in (None, said.target)
        assert child.shows_no_more_than(said)
        assert child.shows_no_more_than(on_disk)
        assert child.target == on_disk.target
        assert "view" not in child.scopes or child.target in (None, said.target)
        if kept == newest and not gate.lost:
            assert child.facts() == said.facts()


def _masks(told: list[ToChild]) -> list[Masks]:
    return [one for one in told if isinstance(one, Masks)]


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
