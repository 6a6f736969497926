# SPDX-License-Identifier: GPL-3.0-or-later
"""Row 7: mouse and keyboard after the grant is gone, on an old picture, or where the customer covered something."""

from __future__ import annotations

from tests.remote_assist.controls.base import Control, edit

_CONTROL = "tests/remote_assist/test_control.py"
_END = "remote_assist.customer_control:CustomerControl"
_HANDS = "remote_assist.input_hands:Hands"
_DESK = "tests/widgets/test_control.py"
_X11 = "tests/remote_assist/test_input_x11.py"
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
    Control(
        7,
        "no key goes into a window of which something is hidden",
        (
            f"{_DESK}::test_no_key_goes_into_a_window_of_which_something_is_hidden",
            f"{_X11}::test_nothing_is_typed_into_a_window_that_is_partly_hidden_or_partly_shared",
        ),
        edit(f"{_HANDS}._type", "if any(_meet(spot.rect, box) for box in ground.hidden):", "if False:"),
        "hidden|HIDDEN",
    ),
    Control(
        7,
        "text that waits is judged by what is hidden when its turn comes",
        (
            f"{_DESK}::test_text_that_waits_is_not_typed_into_what_was_hidden_meanwhile",
            f"{_X11}::test_the_rest_of_a_text_does_not_go_into_a_window_that_was_hidden_while_it_was_typed",
        ),
        edit(
            f"{_HANDS}.share",
            "self._sharing = sharing",
            "self._sharing = sharing if not self._waiting else self._sharing",
        ),
        "hidden",
    ),
    Control(
        7,
        "the hands hear at once what is hidden now",
        (f"{_CONTROL}::test_the_hands_hear_at_once_what_is_hidden_now_for_the_text_that_they_still_have",),
        edit(
            f"{_END}._flush",
            "if self._hands_know is not None and (sharing := self._sharing) != self._hands_know:",
            "if False:",
        ),
        "ShareNow",
    ),
    Control(
        7,
        "the desktop is told what is hidden",
        (f"{_CONTROL}::test_the_desktop_is_told_what_the_customer_chose_and_what_is_hidden_of_it",),
        edit(f"{_END}._sharing", "hidden = (*self.masks.drawn, *self.masks.found)", "hidden = ()"),
        "hidden",
    ),
    Control(
        7,
        "into a region is typed only where all of the window is in it",
        (f"{_DESK}::test_into_a_region_is_typed_only_where_the_whole_window_with_the_keyboard_is_in_it",),
        edit(f"{_HANDS}._shows", "if sharing.region is not None:", "if False:"),
        "outside|OUTSIDE",
    ),
    Control(
        7,
        "nothing is typed while another program has all keys",
        (
            f"{_DESK}::test_while_another_program_has_all_keys_none_is_typed_unless_everything_is_shared",
            f"{_X11}::test_a_program_that_has_taken_the_keyboard_gets_nothing_while_a_window_is_shared",
        ),
        edit(f"{_HANDS}._type", "if part and self._backend.keyboard_taken():", "if False:"),
        "outside|OUTSIDE",
    ),
    Control(
        7,
        "no key that another program waits for is pressed while a part is shared",
        (
            f"{_DESK}::test_no_key_that_another_program_waits_for_is_pressed_while_a_part_is_shared",
            f"{_X11}::test_a_shortcut_that_another_program_waits_for_reaches_nobody_while_a_window_is_shared",
            f"{_X11}::test_a_character_that_another_program_waits_for_is_not_typed_into_a_shared_window",
        ),
        edit(
            f"{_HANDS}._type",
            "if part and self._backend.goes_elsewhere(0 if pressed is None else pressed.code, char):",
            "if False:",
        ),
        "outside|OUTSIDE",
    ),
    Control(
        7,
        "both ways in which a program waits for a key are asked for",
        (f"{_X11}::test_a_shortcut_that_another_program_waits_for_reaches_nobody_while_a_window_is_shared[XI2]",),
        edit("remote_assist.input_grabs:Grabs.others", " or (self._second and self._xinput(number, states))", ""),
        "outside|OUTSIDE",
    ),
    Control(
        7,
        "the desktop's own shortcuts need the whole desktop",
        (
            f"{_DESK}::test_keys_of_the_desktop_are_pressed_only_where_all_of_it_is_shared",
            f"{_X11}::test_the_desktops_own_shortcuts_are_not_pressed_while_a_window_is_shared",
        ),
        edit(f"{_HANDS}._type", "(part and of_the_desktop(*key, down))", "False"),
        "forbidden|FORBIDDEN",
    ),
    Control(
        7,
        "keys and clicks of a shared window go to the very window that the desktop lists",
        (f"{_CONTROL}::test_a_shared_window_is_named_by_its_number_as_the_desktop_lists_it",),
        edit(
            f"{_END}._sharing",
            'window = window_number(chosen.target.id) if chosen.target.kind == "window" else None',
            "window = None",
        ),
        "assert",
    ),
    Control(
        7,
        "a key is judged by what it writes on the customer's layout",
        (
            f"{_DESK}::test_a_key_is_refused_for_what_it_writes_on_the_customers_layout",
            f"{_X11}::test_on_dvorak_no_place_of_a_key_locks_the_session",
        ),
        edit(
            f"{_HANDS}._type",
            "self._backend.means(deed.code, deed.char) | {(deed.code, deed.char)}",
            "{(deed.code, deed.char)}",
        ),
        "forbidden|FORBIDDEN",
    ),
    Control(
        10,
        "where the shared thing is the desktop says, not the session child",
        (
            f"{_DESK}::test_where_the_shared_thing_is_the_desktop_says_and_not_the_session_child",
            f"{_X11}::test_the_server_says_where_a_target_is_and_what_is_not_there",
        ),
        edit(f"{_HANDS}._ground", "real = self._backend.where(sharing.target)", "real = sharing.rect"),
        "outside|OUTSIDE",
    ),
)
