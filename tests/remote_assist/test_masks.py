# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept back, at both ends: told to the child, counted on the record, and the agent knows only how much."""

from __future__ import annotations

import pytest

from app.domain.assist import Phase
from app.domain.masking import MaskRule, clean_rules, first_hit
from remote_assist import child_protocol as child
from remote_assist.actions import ChainEntry, KeptBack, RemoteTarget, ToChild
from remote_assist.mask_book import MaskBook
from tests.remote_assist.test_session_files import data_of
from tests.remote_assist.world import SCREEN, WINDOW, FakeChild, World

BANK = (MaskRule("bank", pause=True),)


def child_of(world: World) -> FakeChild:
    found = world.customer.child
    assert found is not None
    return found


def told(world: World) -> list[child.Masks]:
    return [message for message in child_of(world).got if isinstance(message, child.Masks)]


def says(world: World, message: child.FromChild) -> None:
    world.do(world.customer, world.customer_end.on_child(message))


def paused(world: World) -> bool:
    return world.customer_end.view.paused


@pytest.mark.parametrize(
    ("title", "program", "found"),
    [
        ("Hanbit Bank", "firefox", True),
        ("Online BANKING - Browser", "", True),
        ("accounts", "mybank bank-client", True),
        ("Riverbank walks", "viewer", False),
        ("한빛은행 인터넷뱅킹", "whale", True),
        ("", "", False),
    ],
)
def test_a_rule_finds_a_word_in_title_or_program(title: str, program: str, found: bool) -> None:
    """Latin words where a word begins, Korean ones anywhere; capital letters do not matter."""
    assert (first_hit((MaskRule("bank"), MaskRule("은행")), title, program) is not None) is found


def test_a_rule_that_pauses_goes_before_one_that_masks_and_rules_are_kept_once() -> None:
    """Whatever order they were written in; empty ones match nothing and are dropped."""
    rules = clean_rules([MaskRule(" Mail "), MaskRule("mail", pause=True), MaskRule("\u200b"), MaskRule("  ")])
    assert rules == (MaskRule("Mail", pause=True),)
    hit = first_hit((MaskRule("mail"), MaskRule("box", pause=True)), "Mail box", "")
    assert hit is not None
    assert hit.pause


def test_a_point_is_refused_where_something_is_hidden_wherever_the_target_stands() -> None:
    """Pixels of the desktop; rectangles count from the target's corner. While nothing may be seen, everywhere."""
    book = MaskBook()
    book.origin = (100, 50)
    book.draw([(10, 10, 20, 20), (5, 5, 0, 9)])
    book.found = ((200, 0, 30, 30),)
    assert book.count == 1
    assert book.covers((110, 60))
    assert not book.covers((130, 60))
    assert book.covers((300, 50))
    assert not book.covers((10, 10))
    book.hold = "rule"
    assert book.covers((0, 0))


def test_masks_drawn_before_the_consent_reach_the_child_before_the_source_and_the_record_with_it() -> None:
    """The first picture anybody can see has them already."""
    world = World()
    world.to_prompt()
    world.choose()
    world.do(world.customer, world.customer_end.set_rules(BANK))
    world.do(world.customer, world.customer_end.set_masks([(1, 2, 30, 40)]))
    world.allow()
    world.settle()
    got = child_of(world).got
    last = max(n for n, message in enumerate(got) if isinstance(message, child.Masks))
    live = next(n for n, message in enumerate(got) if isinstance(message, child.Grants))
    assert last < live
    assert told(world)[-1].rects == [(1, 2, 30, 40)]
    assert told(world)[-1].rules == list(BANK)
    assert world.customer.entries().count("masks") == 1
    assert world.agent.last(KeptBack) == KeptBack(1, "")


def test_what_is_shown_again_stands_on_the_record_before_the_child_hears_of_it() -> None:
    """Also when the entry of what was hidden has just been written: no effect without its own."""
    world = World()
    world.to_verified()
    draw = world.customer_end.set_masks
    for masks, counts in (([(1, 2, 30, 40), (50, 2, 30, 40)], [2]), ([(1, 2, 30, 40)], [1])):
        actions = draw(masks)
        kinds = [type(a.message if isinstance(a, ToChild) else a) for a in actions]
        assert kinds.index(ChainEntry) < kinds.index(child.Masks)
        assert [data_of(a)["count"] for a in actions if isinstance(a, ChainEntry)] == counts
        world.do(world.customer, actions)


def test_another_target_forgets_what_was_drawn_and_keeps_the_rules() -> None:
    """A rectangle means nothing on another window; a rule does."""
    world = World()
    world.to_verified()
    world.do(world.customer, world.customer_end.set_rules(BANK))
    world.do(world.customer, world.customer_end.set_masks([(1, 2, 30, 40)]))
    world.do(world.customer, world.customer_end.choose_target(SCREEN.id, "region", (0, 0, 200, 100)))
    assert told(world)[-1].rects == [(1, 2, 30, 40)]
    world.choose(WINDOW)
    assert told(world)[-1].rects == []
    assert told(world)[-1].rules == list(BANK)
    assert world.agent.last(KeptBack) == KeptBack(0, "")


def test_a_new_child_gets_masks_and_rules_before_its_source() -> None:
    """A child that died takes no secret with it."""
    world = World()
    world.to_verified()
    world.do(world.customer, world.customer_end.set_rules(BANK))
    world.do(world.customer, world.customer_end.set_masks([(1, 2, 30, 40)]))
    world.do(world.customer, world.customer_end.cover_own([(5, 5, 9, 9)], [77]))
    world.kill_child(world.customer)
    world.settle()
    kinds = [type(message) for message in child_of(world).got]
    assert kinds.index(child.Masks) < kinds.index(child.Source)
    assert told(world)[0].rects == [(1, 2, 30, 40), (5, 5, 9, 9)]
    assert told(world)[0].own == [77]


def test_the_programs_own_windows_are_hidden_and_not_counted() -> None:
    """The record and the agent hear of what the customer hides."""
    world = World()
    world.to_verified()
    world.do(world.customer, world.customer_end.cover_own([(5, 5, 9, 9)]))
    assert told(world)[-1].rects == [(5, 5, 9, 9)]
    assert "masks" not in world.customer.entries()
    assert world.customer_end.masks.covers((6, 6))


def test_windows_found_by_rules_are_counted_once_a_second_and_refuse_the_mouse() -> None:
    """The agent hears how many at once, never which; the record is not flooded."""
    world = World()
    world.to_verified()
    for hits in (1, 2, 1, 3):
        says(world, child.Covered([(10, 10, 50, 50)], hits))
    assert world.agent.last(KeptBack) == KeptBack(3, "")
    assert world.customer_end.masks.covers((20, 20))
    assert world.customer.entries().count("masks") == 1
    world.pass_time(2_000)
    assert world.customer.entries().count("masks") == 2
    world.pass_time(2_000)
    assert world.customer.entries().count("masks") == 2


def test_a_banking_window_pauses_and_only_the_customer_goes_on_when_it_is_gone() -> None:
    """Its going alone brings no picture back, nor does the customer's click while it is there."""
    world = World()
    world.to_verified()
    says(world, child.Covered([], 1, "rule"))
    assert paused(world)
    assert world.agent.last(KeptBack).why == "rule"
    world.do(world.customer, world.customer_end.resume())
    assert paused(world)
    says(world, child.Covered([], 1, "rule"))
    world.do(world.customer, world.customer_end.pause())
    says(world, child.Covered([], 0, ""))
    assert paused(world)
    world.do(world.customer, world.customer_end.resume())
    assert not paused(world)
    assert world.agent.last(KeptBack) == KeptBack(0, "")


def test_a_rule_that_holds_before_the_first_picture_pauses_the_session_at_its_beginning() -> None:
    """Allowing does not open what a rule keeps shut."""
    world = World()
    world.to_prompt()
    world.choose()
    says(world, child.Covered([], 1, "rule"))
    assert world.customer.last(KeptBack).why == "rule"
    world.allow()
    world.settle()
    assert world.customer_end.view.phase is Phase.UNVERIFIED
    assert paused(world)


def test_a_changed_screen_with_masks_waits_until_the_customer_has_looked() -> None:
    """Resuming tells the child to take the screen as it is now."""
    world = World()
    world.to_verified()
    world.do(world.customer, world.customer_end.set_masks([(1, 2, 30, 40)]))
    says(world, child.Fault("target_changed"))
    assert paused(world)
    assert world.agent.last(KeptBack).why == "changed"
    count = len(told(world))
    world.do(world.customer, world.customer_end.resume())
    assert not paused(world)
    assert len(told(world)) == count + 1
    assert world.agent.last(KeptBack) == KeptBack(1, "")


def test_a_target_of_another_size_is_told_to_the_agent_and_minimising_too() -> None:
    """Both sides count in the same pixels; a minimised window is no frozen picture."""
    world = World()
    world.to_verified()
    world.choose(WINDOW)
    says(world, child.Place((40, 40, 800, 600)))
    target = world.agent.last(RemoteTarget)
    assert (target.width, target.height) == (800, 600)
    says(world, child.Fault("target_hidden"))
    assert world.agent.last(KeptBack) == KeptBack(0, "hidden")
    says(world, child.Place((40, 40, 800, 600)))
    assert world.agent.last(KeptBack) == KeptBack(0, "")


def test_a_locked_screen_pauses_and_unlocking_alone_shows_nothing() -> None:
    """Nor does a rule that ends while the screen is still locked."""
    world = World()
    world.to_verified()
    world.do(world.customer, world.customer_end.note_lock(True))
    assert paused(world)
    assert world.agent.last(KeptBack).why == "locked"
    says(world, child.Covered([], 1, "rule"))
    says(world, child.Covered([], 0, ""))
    assert world.customer_end.masks.hold == "locked"
    world.do(world.customer, world.customer_end.note_lock(False))
    assert paused(world)
    world.do(world.customer, world.customer_end.resume())
    assert not paused(world)
