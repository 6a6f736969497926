# SPDX-License-Identifier: GPL-3.0-or-later
"""Row 7: mouse and keyboard after the grant is gone, on an old picture, or where the customer covered something."""

from __future__ import annotations

from tests.remote_assist.controls.base import Control, edit

_CONTROL = "tests/remote_assist/test_control.py"
_END = "remote_assist.customer_control:CustomerControl"
_LET_GO = f"{_CONTROL}::test_what_is_held_is_let_go_at_once_when_the_grant_the_picture_or_the_child_goes"

CONTROLS = (
    Control(
        7,
        "no deed without a grant that holds now",
        (
            f"{_CONTROL}::test_without_a_grant_that_holds_now_no_deed_of_any_form_has_an_effect",
            "tests/remote_assist/test_any_scope.py"
            "::test_an_agent_without_rules_gets_exactly_what_was_granted_and_only_while_it_is",
        ),
        edit(
            f"{_END}._on_input",
            "if not self._book.allows(Scope.CONTROL, machine.phase, flowing=machine.flowing):",
            "if False:",
        ),
        "Inject|violations|Inject without",
    ),
    Control(
        7,
        "no deed on a picture that changed two seconds ago, or never left",
        (
            f"{_CONTROL}::test_input_for_a_picture_that_changed_two_seconds_ago_has_no_effect",
            f"{_CONTROL}::test_a_picture_that_never_left_is_no_ground_for_anything",
        ),
        edit(f"{_END}._inject", "fresh = self._pictures.is_fresh(frame_id, self._now)", "fresh = True"),
        "Inject|assert",
    ),
    Control(
        7,
        "nothing is pressed where the customer covered something",
        (f"{_CONTROL}::test_nothing_is_pressed_or_moved_onto_what_the_customer_covered",),
        edit(f"{_END}._inject", " and not self.masks.covers((x, y))", ""),
        "assert",
    ),
    Control(
        7,
        "what is held is let go when the grant falls",
        (_LET_GO, f"{_CONTROL}::test_a_revocation_is_written_told_to_the_child_and_let_go_in_one_list"),
        edit(f"{_END}._on_fallen", "self._out.append(LetGo())", "pass"),
        "LetGo",
    ),
    Control(
        7,
        "what is held is let go when the picture is held or lost",
        (_LET_GO,),
        edit(f"{_END}._on_effect", "self._let_go()", "pass"),
        "LetGo",
    ),
    Control(
        7,
        "a deed counts once",
        (f"{_CONTROL}::test_deeds_that_come_twice_or_too_often_are_violations",),
        edit(f"{_END}._on_input", "message.seq <= self._input_seq or not ", "not "),
        "assert",
    ),
    Control(
        7,
        "no pixel outside the target is hit",
        (f"{_CONTROL}::test_every_pixel_is_hit_exactly_and_none_outside",),
        edit("remote_assist.control_rules:to_pixel", "min(x * width // UNIT, max(width - 1, 0))", "x * width // UNIT"),
        "assert",
    ),
    Control(
        7,
        "locking, ending and photographing the session stay the customer's",
        (f"{_CONTROL}::test_locking_ending_and_photographing_the_session_stay_the_customers",),
        edit("remote_assist.control_rules:forbidden", "if code == PRINT_SCREEN:", "if False:"),
        "assert",
    ),
)
