# SPDX-License-Identifier: GPL-3.0-or-later
"""No datagram ends a session, holds its child up or fills its memory: P6 of our patches of aiortc."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from aiortc import RTCPeerConnection
from aiortc.rtcsctptransport import WEBRTC_BINARY, WEBRTC_DCEP, DataChunk, ForwardTsnChunk, InitChunk, SackChunk

from app.domain.assist import Role
from remote_assist import messages as wire
from remote_assist import transport_guard
from remote_assist.child_protocol import PeerState, Recv
from remote_assist.transport_guard import TransportGuard
from tests.fakes.wait import wait_until
from tests.remote_assist.hostile_packets import chunk, report, rtp
from tests.remote_assist.hostile_peer import HostilePeer

FIRST, MIDDLE = 2, 0
STRANGE = {
    "empty": b"",
    "one_byte": b"\x80",
    "long_media": b"\x80" + bytes(3000),
    "long_record": b"\x16" + bytes(30_000),
    "stun": struct.pack("!HHI", 1, 8, 0x2112A442) + bytes(12) + struct.pack("!HH", 0x802A, 2) + bytes(4),
}


@pytest.fixture(scope="module", params=[Role.CUSTOMER, Role.AGENT], ids=["customer", "agent"])
def attacked(request: pytest.FixtureRequest) -> Iterator[HostilePeer]:
    with HostilePeer(request.param) as peer:
        yield peer


@pytest.fixture
def peer(attacked: HostilePeer) -> HostilePeer:
    """A session child over a new connection, with pictures."""
    attacked.connect()
    attacked.grant("view")
    assert attacked.shows_pictures(60)
    return attacked


def everything_before_was_read(peer: HostilePeer, mark: int) -> bool:
    """Say something harmless, and return whether it arrived behind what was sent before."""
    harmless = wire.View(mark, mark) if peer.attacked is Role.CUSTOMER else wire.Limits(mark, mark)
    peer.say("ctl", wire.encode(harmless))

    def arrived() -> bool:
        return any(mark in message.message.values() for message in peer.listen() if isinstance(message, Recv))

    wait_until(arrived)
    return True


@pytest.mark.parametrize("data", STRANGE.values(), ids=STRANGE)
def test_no_datagram_of_a_stranger_ends_a_session(peer: HostilePeer, data: bytes) -> None:
    """Whoever knows the port can send one. Pictures go on over the same connection."""
    for _ in range(3):
        peer.datagram(data, from_path=False)
        peer.datagram(data, from_path=True)
    assert everything_before_was_read(peer, 701)
    assert peer.shows_pictures()


def test_a_packet_that_nobody_expected_ends_no_session(peer: HostilePeer) -> None:
    """A second opening of a channel that is there, text that is none: dropped, and what follows is read."""
    body = struct.pack("!BBHLHH", 3, 0, 0, 0, 1, 0) + b"\xff"
    for stream in (0, 30):
        peer.sctp(chunk(0, struct.pack("!LHHL", peer.next_tsn, stream, 0, 50) + body, 7))
        peer.use_tsn(1)
    peer.media(report(205, 1, b"\0\0\0"))
    assert everything_before_was_read(peer, 702)
    assert peer.shows_pictures()


def test_an_acknowledgement_of_everything_does_not_hold_the_child_up(peer: HostilePeer) -> None:
    """Forty packets that each speak of twenty million numbers."""
    gaps = struct.pack("!HH", 1, 65_535) * 330
    for _ in range(40):
        peer.sctp(chunk(3, struct.pack("!LLHH", peer.remote_tsn, 1 << 20, 330, 0) + gaps))
    assert everything_before_was_read(peer, 703)
    assert peer.shows_pictures()


def test_a_farewell_of_the_stream_does_not_freeze_the_picture(peer: HostilePeer) -> None:
    """RTCP's BYE would end the decoder for good while the session goes on."""
    peer.media(report(203, 1, struct.pack("!L", peer.media_ssrc)))
    assert everything_before_was_read(peer, 704)
    assert peer.shows_pictures()


def test_a_peer_that_closed_its_channels_counts_as_silent(peer: HostilePeer) -> None:
    """Nothing could be said over that connection any more, so both ends make a new one, though media still flow."""
    peer.sctp(chunk(6, b""))

    def told() -> bool:
        state = peer.stub.want(PeerState)
        return state.epoch == peer.epoch and not state.channels_open and state.silent_ms > 500

    wait_until(told)


# --- bounds -----------------------------------------------------------------------------------------------------------


class Line:
    """A transport that was never connected, its guard, and data as it would come behind the decryption."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection()
        self.pc.createDataChannel("file", negotiated=True, id=8)
        sctp: Any = self.pc.sctp
        self.sctp = sctp
        self.guard = TransportGuard(self.pc)
        self.base = self.sctp._last_received_tsn = 1000

    async def data(self, ahead: int, *, stream: int = 8, flags: int = MIDDLE, size: int = 1, kind: int = 0) -> None:
        one = DataChunk(flags)
        one.tsn, one.stream_id, one.protocol = self.base + ahead, stream, kind or WEBRTC_BINARY
        one.user_data = bytes(size)
        await self.sctp._receive_chunk(one)

    @property
    def kept(self) -> int:
        return sum(len(stream.reassembly) for stream in self.sctp._inbound_streams.values())


@pytest.fixture
async def line() -> Line:
    return Line()


@pytest.mark.parametrize("size", [1, 1100])
async def test_a_message_without_an_end_is_kept_up_to_a_bound(line: Line, size: int) -> None:
    """In tiny pieces their number counts, in large ones the window that was offered."""
    for n in range(1, 4000):
        await line.data(n, flags=FIRST if n == 1 else MIDDLE, size=size)
    assert 0 < line.kept <= transport_guard.CHUNKS_MAX
    assert line.kept * size <= (1 << 20) + transport_guard.BYTES_OVER_MAX + size


async def test_pieces_far_ahead_of_what_is_due_are_not_kept(line: Line) -> None:
    """Else each would make the next acknowledgement longer, without an end."""
    for n in range(0, 1 << 20, 50):
        await line.data(2 + n)
    assert len(line.sctp._sack_misordered) <= transport_guard.TSN_AHEAD_MAX // 50 + 1


async def test_nothing_is_kept_for_streams_that_are_no_channels(line: Line) -> None:
    """A channel opened in-band comes to be a few times, is closed and counted; further ones do not."""
    for n in range(1, 400):
        await line.data(n, stream=100 + n, flags=FIRST)
    for n in range(400, 800):
        await line.data(n, stream=100 + n, flags=FIRST, kind=WEBRTC_DCEP)
    assert len(line.sctp._inbound_streams) <= transport_guard.FOREIGN_MAX
    assert line.sctp._last_received_tsn == line.base + 799


async def test_numbers_are_not_begun_anew_nor_pushed_on_without_bound(line: Line) -> None:
    """What follows would be taken for repetitions."""
    far = ForwardTsnChunk()
    far.cumulative_tsn = line.base + (1 << 30)
    await line.sctp._receive_chunk(far)
    line.sctp._association_state = line.sctp.State.ESTABLISHED
    await line.sctp._receive_chunk(InitChunk())
    assert line.sctp._last_received_tsn == line.base


async def test_an_acknowledgement_speaks_of_what_was_sent(line: Line) -> None:
    """Gaps beyond it, backwards or twice are left out; one of numbers that were never given counts for nothing."""
    sack = SackChunk()
    sack.cumulative_tsn = line.sctp._local_tsn - 11
    sack.gaps = [(9, 3), (2, 3), (2, 9), (5, 65_535), (1, 65_535)]
    await line.sctp._receive_chunk(sack)
    assert sack.gaps == [(2, 3), (5, 10)]
    before = line.sctp._last_sacked_tsn
    sack.cumulative_tsn = line.sctp._local_tsn + 5
    await line.sctp._receive_chunk(sack)
    assert line.sctp._last_sacked_tsn == before


async def test_datagrams_wait_up_to_a_bound(line: Line) -> None:
    """A flood is dropped where it comes in."""
    for _ in range(transport_guard.WAITING_MAX + 500):
        line.guard._connection.data_received(b"\x17" + bytes(20), 1)
    assert line.guard._connection._queue.qsize() == transport_guard.WAITING_MAX
    assert line.guard.dropped == 500


async def test_a_peer_has_few_streams_of_media(line: Line) -> None:
    """Each costs memory here and a line in each report; those it named keep their place."""
    line.guard.expect("a=ssrc:77 cname:x\r\n")
    for ssrc in range(1000, 3000):
        await line.guard._dtls._handle_rtp_data(rtp(96, 1, 1, ssrc, b"x"), 0)
    for ssrc in (2999, 77):
        line.guard._connection.data_received(rtp(96, 1, 1, ssrc, b"x"), 1)
    assert line.guard._connection._queue.qsize() == 1
    assert len(line.guard._others) == transport_guard.STREAMS_MAX


async def test_what_is_asked_for_again_is_sent_once_and_within_bounds(line: Line) -> None:
    """Everything over and over in one packet costs no more than one loss could."""
    assert line.guard._affordable([5, 5, 7] * 1000) == [5, 7]
    assert len(line.guard._affordable(list(range(65_536)))) <= transport_guard.RESENT_MAX
    assert len(line.guard._affordable(list(range(65_536)))) < transport_guard.RESENT_MAX
