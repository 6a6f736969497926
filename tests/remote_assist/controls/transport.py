# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows 9 and 10, the packets themselves: what stands before the transport of a session child, whichever end it is."""

from __future__ import annotations

from tests.remote_assist.controls.base import Control, Edit, edit

_TESTS = "tests/remote_assist/test_transport_guard.py"
_GUARD = "remote_assist.transport_guard:TransportGuard"
_SILENT = "still not true|Timeout|Empty"
_UNEXPECTED = edit(f"{_GUARD}._receive", "except Exception:", "except StopIteration:")


def _in_child(row: int, what: str, test: str, edits: tuple[Edit, ...]) -> Control:
    case = "agent" if row == 9 else "customer"
    return Control(row, what, (f"{_TESTS}::{test}[{case}]",), edits, _SILENT, in_child=True)


def _bound(what: str, test: str, method: str, old: str, new: str = "") -> Control:
    return Control(9, what, (f"{_TESTS}::{test}",), edit(f"{_GUARD}.{method}", old, new), "assert")


CONTROLS = (
    *(
        Control(
            row,
            f"no datagram of a stranger ends the session at the {case}'s end",
            (f"{_TESTS}::test_no_datagram_of_a_stranger_ends_a_session[{case}-long_media]",),
            (
                *edit(f"{_GUARD}._datagram", "good = 0 < len(data) <= DATAGRAM_MAX and", "good = len(data) > 0 and"),
                *_UNEXPECTED,
            ),
            _SILENT,
            in_child=True,
        )
        for row, case in ((9, "agent"), (10, "customer"))
    ),
    *(
        _in_child(
            row,
            f"a packet that the library does not expect ends nothing ({row})",
            "test_a_packet_that_nobody_expected_ends_no_session",
            _UNEXPECTED,
        )
        for row in (9, 10)
    ),
    *(
        _in_child(
            row,
            f"an acknowledgement is read within what was sent ({row})",
            "test_an_acknowledgement_of_everything_does_not_hold_the_child_up",
            edit(f"{_GUARD}._on_chunk", "good = self._trim(chunk)", "good = True"),
        )
        for row in (9, 10)
    ),
    Control(
        9,
        "a farewell of the stream does not end the decoder",
        (f"{_TESTS}::test_a_farewell_of_the_stream_does_not_freeze_the_picture[agent]",),
        edit(f"{_GUARD}._on_rtcp", "if isinstance(packet, RtcpByePacket):", "if False:"),
        "assert|still not true",
        in_child=True,
    ),
    *(
        _in_child(
            row,
            f"a peer that closed its channels is lost ({row})",
            "test_a_peer_that_closed_its_channels_counts_as_silent",
            edit("remote_assist.peer:Peer.silent_ms", " and (self.channels_open or not self._was_open)", ""),
        )
        for row in (9, 10)
    ),
    _bound(
        "few pieces of a message without an end are kept",
        "test_a_message_without_an_end_is_kept_up_to_a_bound[1]",
        "_takes",
        "waiting >= CHUNKS_MAX or ",
    ),
    _bound(
        "the window that was offered holds",
        "test_a_message_without_an_end_is_kept_up_to_a_bound[1100]",
        "_takes",
        " or sctp._advertised_rwnd < -BYTES_OVER_MAX",
    ),
    _bound(
        "pieces far ahead are not kept",
        "test_pieces_far_ahead_of_what_is_due_are_not_kept",
        "_takes",
        "ahead > TSN_AHEAD_MAX or ",
    ),
    _bound(
        "channels that a peer opens are closed, a few",
        "test_nothing_is_kept_for_streams_that_are_no_channels",
        "_opens_foreign",
        "len(self._foreign) >= FOREIGN_MAX",
        "False",
    ),
    _bound(
        "the numbers of messages are not pushed on without bound",
        "test_numbers_are_not_begun_anew_nor_pushed_on_without_bound",
        "_on_chunk",
        " % SCTP_TSN_MODULO < TSN_AHEAD_MAX",
        " is not None",
    ),
    _bound(
        "a flood is dropped where it comes in",
        "test_datagrams_wait_up_to_a_bound",
        "_datagram",
        " and self._connection._queue.qsize() < WAITING_MAX",
    ),
    _bound(
        "a peer has few streams of media",
        "test_a_peer_has_few_streams_of_media",
        "_has_room",
        "len(self._others) < STREAMS_MAX",
        "True",
    ),
    _bound(
        "what is asked for again is sent once and within bounds",
        "test_what_is_asked_for_again_is_sent_once_and_within_bounds",
        "_affordable",
        "wanted[: int(self._resend)]",
        "wanted",
    ),
)
