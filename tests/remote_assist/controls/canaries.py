# SPDX-License-Identifier: GPL-3.0-or-later
"""For each canary of our patches of aiortc: the thing it watches, changed so that it must sing."""

from __future__ import annotations

import importlib
import inspect
import linecache
import sys
from typing import Any

from tests.remote_assist.controls.base import Control, edit

__all__ = ["BEHAVIOUR", "UNWATCHED", "spoil"]

_FILE = "tests/remote_assist/test_aiortc_canary.py"
_MODULE = "tests.remote_assist.test_aiortc_canary"
_PATCHES = "remote_assist.aiortc_patches"
_BUFFER = f"{_PATCHES}:MarkerJitterBuffer"
_NACK = f"{_PATCHES}:RetryingNack"
_MARKER = edit(f"{_BUFFER}._release", "if packet.marker or not self._part:", "if not self._part:")

# guards nothing of the libraries: the queue is our own, and test_media proves it
UNWATCHED = ("test_only_the_newest_picture_waits_for_the_encoder",)


def _sings(name: str, what: str, edits: tuple[Any, ...], says: str = "assert|Timeout") -> Control:
    return Control(0, what, (f"{_FILE}::{name}",), edits, says)


BEHAVIOUR = (
    _sings(
        "test_another_version_is_refused",
        "the version is looked at",
        edit(f"{_PATCHES}:apply", "if not aiortc.__version__.startswith(AIORTC_VERSION) or not", "if False and not"),
        "DID NOT RAISE",
    ),
    _sings("test_a_frame_comes_out_with_its_last_packet", "P1: released at the marker", _MARKER),
    _sings(
        "test_half_a_frame_never_comes_out",
        "P1: a gap holds a frame back",
        edit(
            f"{_BUFFER}._release",
            "self._packets.pop(self._scan, None)) is not None",
            "self._packets.pop(min(self._packets, default=-1), None)) is not None",
        ),
    ),
    _sings(
        "test_frames_behind_a_gap_come_out_together_and_in_order",
        "P1: all that waited come out",
        edit(f"{_BUFFER}._join", "first.more.append(frame)", "pass"),
    ),
    _sings(
        "test_padding_after_a_frame_is_swallowed",
        "P1: packets without payload are no frame",
        edit(f"{_BUFFER}._release", "if packet._data or self._part:", "if True:"),
    ),
    _sings(
        "test_large_frames_survive",
        "P2: depth for thousands of packets",
        edit(f"{_BUFFER}.add", "elif ahead >= self.capacity:", "elif ahead >= 512:"),
    ),
    _sings(
        "test_an_old_duplicate_stalls_nothing",
        "P2: what is behind is dropped without a reset",
        edit(f"{_BUFFER}.add", "if behind < MISORDER_MAX:", "if behind < 100:"),
    ),
    _sings(
        "test_after_an_overflow_only_whole_frames_come_out",
        "P2: after an overflow the next frame's start is looked for",
        edit(f"{_BUFFER}._make_room", "aligned=False", "aligned=True"),
    ),
    _sings(
        "test_what_is_given_up_makes_room_for_what_follows",
        "P4: what is given up makes room",
        edit(f"{_BUFFER}.abandon", "self._skip_to((seq + 1) & _MASK, aligned=False)", "pass"),
    ),
    _sings(
        "test_a_whole_keyframe_ends_the_wait_for_older_packets",
        "P4: a whole keyframe ends the wait",
        edit(f"{_BUFFER}.add", "self._jump_to_keyframe(seq, packet.timestamp)", "pass"),
    ),
    _sings(
        "test_a_missing_packet_is_asked_for_until_it_comes",
        "P4: asked for again",
        edit(f"{_NACK}._is_due", "return missing.tries == 0 or now", "return missing.tries == 0 or 0 and now"),
    ),
    _sings(
        "test_asking_has_an_end",
        "P4: asking has an end",
        edit(f"{_NACK}.due", "if m.tries >= _NACK_TRIES or now - m.since_s > _NACK_LIFE_S", "if False"),
    ),
    _sings(
        "test_a_slow_decoder_gets_the_next_keyframe_not_a_queue",
        "P5: eight encoded frames wait",
        edit(f"{_PATCHES}:EncodedQueue._put_frame", " or len(self._items) >= _ENCODED_MAX", ""),
    ),
    _sings(
        "test_after_a_loss_nothing_is_decoded_before_a_keyframe",
        "P5: after a loss the next keyframe is waited for",
        edit(f"{_PATCHES}:EncodedQueue._put_frame", 'getattr(frame, "after_loss", False) or ', ""),
    ),
    _sings(
        "test_a_machine_without_network_offers_its_loopback_address",
        "L1: the loopback address is offered where there is no other",
        edit(f"{_PATCHES}:_HostAddresses.__call__", 'found.append("127.0.0.1")', "pass"),
    ),
    _sings(
        "test_the_last_change_is_seen_without_a_next_one",
        "P5 over a real connection: decoded pictures are handed on",
        edit(f"{_PATCHES}:NewestFrame.put", "self._on_frame(picture)", "pass"),
    ),
    _sings(
        "test_lost_packets_are_sent_again",
        "P4 over a real connection: what is missing is asked for",
        (
            *edit(f"{_NACK}.due", "return any(self._is_due(m, now) for m in self._missing.values())", "return False"),
            *edit(f"{_NACK}.due", "self.on_given_up(given_up[-1])", "pass"),
        ),
    ),
    _sings(
        "test_a_request_for_a_keyframe_is_answered_on_a_still_screen",
        "S1: the request for a keyframe wakes the sender",
        (
            *edit(f"{_PATCHES}:set_encoder", "private._send_keyframe = on_keyframe_asked", "pass"),
            *edit("remote_assist.encoder:ScreenEncoder.encode", "if force_keyframe:", "if False:"),
        ),
    ),
    _sings(
        "test_clocks_are_compared_before_they_are_needed",
        "the clocks are compared over a real connection",
        edit("remote_assist.peer:ClockOffset.add", "self.rtt_us, self.offset_us = min(self._samples)", "pass"),
    ),
)


def spoil(name: str) -> None:
    """Change the first line of what the canary of this name watches, as this process reads the library's source."""
    watched, _ = importlib.import_module(_MODULE).TOUCHED[name]
    if isinstance(watched, str):
        module = "aiortc.rtcrtpreceiver" if watched.startswith("class") else "aioice.ice"
        file = importlib.import_module(module).__file__ or ""
        first = next(n for n, line in enumerate(linecache.getlines(file)) if line.startswith(watched))
    else:
        file = inspect.getsourcefile(watched) or ""
        first = inspect.getsourcelines(watched)[1] - 1
    lines = list(linecache.getlines(file))
    while not lines[first].rstrip().endswith(":"):
        first += 1
    lines[first] = lines[first].rstrip("\n") + "  # changed\n"
    linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
    del sys.modules[_MODULE]
