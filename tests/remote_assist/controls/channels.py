# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E501  # quotes lines of the product as they stand
"""Rows 9 and 10: one end that attacks the other's programs with what it sends."""

from __future__ import annotations

from tests.remote_assist.controls.base import Control, edit

_RA = "tests/remote_assist"
_TILES = f"{_RA}/test_tiles.py"
_IPC = f"{_RA}/test_ipc.py"
_HOST = f"{_RA}/test_ipc_session_host.py"
_HOSTILE = f"{_RA}/test_hostile.py"

CONTROLS = (
    Control(
        9,
        "a run of tiles is never unpacked beyond what it stands for",
        (f"{_TILES}::test_a_bomb_is_never_unpacked_beyond_the_tiles_it_stands_for",),
        edit("remote_assist.tiles:_inflated", "size + 1", "0"),
        "assert",
    ),
    Control(
        9,
        "tiles count only with their checksum",
        (f"{_TILES}::test_pixels_that_are_not_those_of_the_sum_do_not_count",),
        edit("remote_assist.tiles:pixels", " or zlib.crc32(bgr) != run.crc", ""),
        "DID NOT RAISE",
    ),
    Control(
        9,
        "a head of a tile message that promises the impossible is malformed",
        (f"{_TILES}::test_a_head_that_promises_the_impossible_is_malformed",),
        edit("remote_assist.tiles:decode", " or not inside", ""),
        "DID NOT RAISE",
    ),
    Control(
        9,
        "a shape of the cursor is never unpacked beyond its size",
        (f"{_RA}/test_cursor.py::test_hostile_shapes_are_malformed_and_nothing_is_unpacked_beyond_their_size[bomb]",),
        edit("remote_assist.incoming:_inflate", "if len(pixels) != size or unpacker.unconsumed_tail:", "if False:"),
        "DID NOT RAISE",
    ),
    Control(
        9,
        "data inside a picture are whole or ignored",
        (f"{_RA}/test_encoder.py::test_hostile_bytes_inside_a_picture_are_no_data",),
        edit("remote_assist.encoder:read_frame_data", "if len(raw) <= _SEI.size or raw[-1] != 0x80:", "if False:"),
        "error",
    ),
    Control(
        9,
        "at most eight encoded pictures wait for the decoder",
        (f"{_RA}/test_aiortc_canary.py::test_a_slow_decoder_gets_the_next_keyframe_not_a_queue",),
        edit("remote_assist.aiortc_patches:EncodedQueue._put_frame", " or len(self._items) >= _ENCODED_MAX", ""),
        "longest|8",
    ),
    Control(
        9,
        "the window does not believe a message that no child would send",
        (f"{_HOST}::test_a_child_that_lies_is_killed",),
        edit(
            "remote_assist.ipc:ChildLink.next_message",
            "except BadMessage:\n        self.kill()\n        return None",
            "except ZeroDivisionError:\n        return None",
        ),
        "BadMessage|TimeoutError|died|Unraisable|thread",
    ),
    Control(
        9,
        "a message of a child has a limit",
        (f"{_IPC}::test_a_child_that_sends_too_much_loses_its_pipe",),
        edit("remote_assist.ipc:ChildLink.receive", "recv_bytes(MAX_MESSAGE_BYTES)", "recv_bytes()"),
        "BadMessage|DID NOT RAISE",
    ),
    Control(
        9,
        "a lying child cannot make the window read outside the pictures",
        (f"{_RA}/test_shm.py::test_a_lying_child_cannot_make_the_window_read_elsewhere",),
        edit("remote_assist.shm:FrameReader._info", " and stride * height <= area.slot_bytes", ""),
        "Error|is None",
    ),
    Control(
        9,
        "who asks for tiles again for ever is not served for ever",
        (f"{_TILES}::test_unsound_runs_are_asked_for_again_but_not_for_ever",),
        edit("remote_assist.canvas:Canvas.put", " if self._bad < _BAD_MAX else None", ""),
        "assert",
    ),
    Control(
        10,
        "the child's word grants nothing",
        (f"{_HOSTILE}::test_no_message_of_a_hostile_child_widens_anything",),
        edit(
            "remote_assist.end_base:EndBase._from_child",
            "self._on_other(message)",
            "self._on_other(message)\n        if isinstance(message, child.Stats):\n            self._grants = (*self._grants, Scope.CONTROL)",
        ),
        "grants|Scope",
    ),
    Control(
        10,
        "what the child hands up is checked against the grants once more",
        (f"{_RA}/test_more_access.py::test_drawings_are_gone_at_once_when_the_grant_or_the_picture_is",),
        edit(
            "remote_assist.customer_scopes:CustomerScopes._on_marks",
            "if not self._book.allows(Scope.POINTER, machine.phase, flowing=flowing):",
            "if False:",
        ),
        "shown|violation|Marks",
    ),
    Control(
        10,
        "a child has none of the window's secrets in its environment",
        (f"{_IPC}::test_secrets_in_the_environment_stay_with_the_window",),
        edit("remote_assist.ipc:_child_env", " if k in _ENV_NAMES or k.startswith(_ENV_PREFIXES)", ""),
        "DESKSIDE_TOKEN",
    ),
    Control(
        10,
        "nobody speaks for a child without the key",
        (f"{_IPC}::test_a_child_without_the_key_is_refused",),
        edit("remote_assist.ipc:spawn_child", "backlog=1, authkey=key)", "backlog=1)"),
        "DID NOT RAISE",
    ),
    Control(
        10,
        "an agent that points or draws without measure is stopped in the child",
        (
            f"{_RA}/test_cursor.py::test_an_agent_that_points_or_draws_without_measure_is_stopped_in_the_customers_child",
        ),
        edit("remote_assist.incoming:Rates.allow", "bucket is None or bucket.take(now_ms)", "True"),
        "DID NOT RAISE",
    ),
    Control(
        10,
        "a window that moved is told within bounds",
        (f"{_RA}/test_more_access.py::test_a_window_that_moved_is_told_and_a_childs_nonsense_is_kept_in_bounds",),
        edit("remote_assist.customer_scopes:_near", "min(max(value, -_FAR), _FAR)", "value"),
        "65_?536|-1000000000000|rect",
    ),
)
