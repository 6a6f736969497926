# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E501  # quotes lines of the product as they stand
"""Rows 8, 9, 13 and 18: what still leaves after Stop, what a pause holds, what outlives its window, and the record on the disk."""

from __future__ import annotations

from tests.remote_assist.controls.base import Control, edit

_RA = "tests/remote_assist"
_COMPANION = "tests/widgets/test_companion_program.py"

CONTROLS = (
    Control(
        18,
        "nothing that was lost is sent again after Stop",
        (f"{_RA}/test_media.py::test_nothing_that_was_lost_is_sent_again_after_stop",),
        edit(
            "remote_assist.pacer:Pacer._send_media",
            "if not self._gate.open:",
            'if not self._gate.open and struct.unpack_from("!L", data, 8)[0] != self._rtx_ssrc:',
        ),
        "assert",
    ),
    Control(
        18,
        "Stop acts in the thread that reads, not on the loop",
        (f"{_RA}/test_child.py::test_stop_closes_the_gate_however_busy_the_loop_is",),
        edit("remote_assist.child:Child.take", "self._role.end()", "pass"),
        "assert not",
    ),
    Control(
        18,
        "a child does not outlive its parent where the pipe stays open",
        (f"{_RA}/test_parent_death.py::test_a_child_whose_parent_is_killed_ends_also_when_its_pipe_stays_open",),
        edit(
            "remote_assist.ipc:arm_parent_death",
            "ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)",
            "pass",
        ),
        "still not true|Timeout",
        in_child=True,
    ),
    Control(
        8,
        "while it is paused no file, text or bundle leaves",
        (f"{_RA}/test_child.py::test_while_it_is_paused_no_file_leaves_and_afterwards_it_does",),
        edit("remote_assist.child:Child.__init__", "lambda: self._paused or self._windows.held", "lambda: False"),
        "assert",
    ),
    Control(
        8,
        "a hidden window is covered with a margin",
        (f"{_RA}/test_mask_margin.py::test_a_hidden_window_is_covered_with_sixteen_pixels_around_it",),
        edit(
            "remote_assist.x11_watch:_grown",
            "return x - GROWN_PX, y - GROWN_PX, width + 2 * GROWN_PX, height + 2 * GROWN_PX",
            "return box",
        ),
        "assert",
    ),
    Control(
        9,
        "a cursor is never unpacked beyond its size",
        (f"{_RA}/test_cursor.py::test_a_bomb_takes_no_more_memory_than_the_cursor_it_says_it_is",),
        edit("remote_assist.incoming:_inflate", "unb64(shape.bgra_z), size)", "unb64(shape.bgra_z))"),
        "assert",
    ),
    Control(
        13,
        "nothing is given before its entry is on the disk",
        ("tests/unit/test_kept_first.py::test_a_grant_waits_for_its_entry",),
        edit(
            "remote_assist.kept_first:KeptFirst._parts",
            "if not (self.lost or self.waits or self._waiting):",
            "if True:",
        ),
        "assert",
    ),
    Control(
        13,
        "after an entry that could not be kept nothing is given",
        ("tests/unit/test_kept_first.py::test_an_entry_that_could_not_be_kept_gives_nothing_ever",),
        edit("remote_assist.kept_first:KeptFirst._parts", "if not (self.lost or self.waits", "if not (self.waits"),
        "assert",
    ),
    Control(
        13,
        "a record that cannot be kept ends the session",
        (f"{_COMPANION}::test_what_cannot_be_recorded_is_not_shared[consent]",),
        edit("app.entry.companion_session:CustomerSession.on_entry", "if not kept:", "if False:"),
        "Timeout|timed out|waitUntil|assert",
    ),
    Control(
        13,
        "what is hidden in mid-session does not wait for the disk",
        ("tests/unit/test_kept_first.py::test_a_mask_that_is_moved_hides_both_places_until_its_entry_is_kept",),
        edit("remote_assist.kept_first:KeptFirst._parts", "return self._covering(message)", "return [], message"),
        "assert",
    ),
    Control(
        13,
        "what is shown again stands on the record before the session child hears of it",
        (f"{_RA}/test_masks.py::test_what_is_shown_again_stands_on_the_record_before_the_child_hears_of_it",),
        edit(
            "remote_assist.customer_masks:CustomerMasks.set_masks",
            "if self.view.live and self._kept_back.count < self._count_noted:",
            "if False:",
        ),
        "assert|ValueError",
    ),
    Control(
        13,
        "older masks never take the place of newer ones in the session child",
        (
            f"{_RA}/test_child.py::test_the_newest_masks_win_and_a_target_comes_after_the_masks_that_were_told_before_it",
        ),
        edit(
            "remote_assist.child:Child._in_thread",
            "self._loop.run_in_executor(self._pictures, role.handle, message)",
            "asyncio.to_thread(role.handle, message)",
        ),
        "assert",
    ),
    Control(
        13,
        "what is hidden anew does not uncover before its entry",
        ("tests/unit/test_kept_first.py::test_a_mask_that_is_moved_hides_both_places_until_its_entry_is_kept",),
        edit(
            "remote_assist.kept_first:KeptFirst._covering",
            "now = structs.replace(new if exact else both, looked=looked)",
            "now = new",
        ),
        "assert",
    ),
    Control(
        13,
        "a permission taken back does not wait with one that is given",
        ("tests/unit/test_kept_first.py::test_a_permission_taken_back_goes_at_once_while_another_waits",),
        edit("remote_assist.kept_first:KeptFirst._grants", "if left != self._scopes else []", "if False else []"),
        "assert",
    ),
    Control(
        13,
        "a target that is given up is not shown until the other's entry is kept",
        ("tests/unit/test_kept_first.py::test_a_part_instead_of_the_whole_hides_the_whole_at_once",),
        edit("remote_assist.kept_first:KeptFirst._parts", "return self._hide_target(), message", "return [], message"),
        "assert",
    ),
)
