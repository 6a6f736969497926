# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: SLF001  # stands beside aiortc_patches: what it touches of aiortc is watched by the same canary
"""P6: no datagram, whoever sent it, ends a connection, holds up its loop or fills its memory.

aiortc closes a transport for any exception on the way of a datagram, and aioice takes datagrams from every address:
one that is empty or too long ended a session, sent by anybody who knew the port. What is wrong is dropped and counted
here, before it is decrypted where possible; what a peer with the keys may make us keep or compute has a bound.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any, Final

from aiortc import RTCPeerConnection
from aiortc.rtcsctptransport import (
    SCTP_TSN_MODULO,
    WEBRTC_DCEP,
    Chunk,
    DataChunk,
    ForwardTsnChunk,
    InitChunk,
    RTCSctpTransport,
    SackChunk,
)
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpByePacket, RtcpPacket, RtcpRtpfbPacket, is_rtcp

__all__ = ["TransportGuard"]

DATAGRAM_MAX: Final = 2048  # more than any path carries in one piece, and than libsrtp's buffer takes
WAITING_MAX: Final = 4096
STREAMS_MAX: Final = 8  # of media, beside those that the description names
RESENT_MAX: Final = 4096  # packets asked for again: at once, and a second
TSN_AHEAD_MAX: Final = 4096
CHUNKS_MAX: Final = 2048  # of messages that are not whole, a stream; the window of 1 MiB is a thousand
BYTES_OVER_MAX: Final = 1 << 18  # beyond the window
FOREIGN_MAX: Final = 8
_HALF: Final = SCTP_TSN_MODULO // 2
_SSRC: Final = re.compile(r"^a=ssrc:(\d{1,10}) ", re.MULTILINE)


class TransportGuard:
    """Stands before one transport. Make it before the first datagram comes; everything happens on the loop."""

    def __init__(self, pc: RTCPeerConnection) -> None:
        sctp: Any = pc.sctp
        self._sctp = sctp
        self._dtls = sctp.transport
        self._connection = self._dtls.transport._connection
        self._named: frozenset[int] = frozenset()
        self._others: set[int] = set()
        self._foreign: set[int] = set()
        self._resend = float(RESENT_MAX)
        self._filled_s = time.monotonic()
        self.dropped = 0
        self.heard = 0
        self._take = self._connection.data_received
        self._next = self._dtls._recv_next
        self._rtp = self._dtls._handle_rtp_data
        self._messages = sctp._handle_data
        self._chunk = sctp._receive_chunk
        self._check = self._connection.request_received
        self._connection.data_received = self._datagram
        self._connection.request_received = self._on_check
        self._dtls._recv_next = self._receive
        self._dtls._handle_rtp_data = self._on_rtp
        self._dtls._handle_rtcp_data = self._on_rtcp
        sctp._handle_data = self._on_messages
        sctp._receive_chunk = self._on_chunk

    def stands_before(self, pc: RTCPeerConnection) -> bool:
        """Whether this is still the transport in use: one of a bundle may have taken its place."""
        return pc.sctp is not None and pc.sctp.transport is self._dtls

    def expect(self, sdp: str) -> None:
        """These streams the peer has named: nothing of its own making can take their place."""
        self._named = frozenset(int(ssrc) for ssrc in _SSRC.findall(sdp)[:STREAMS_MAX])

    # --- datagrams ------------------------------------------------------------------------------------------------

    def _datagram(self, data: bytes, component: int) -> None:
        """Before anything of it was checked: from anybody."""
        good = 0 < len(data) <= DATAGRAM_MAX and self._connection._queue.qsize() < WAITING_MAX
        if good and 127 < data[0] < 192:
            good = len(data) >= 12 and self._has_room(_stream_of(data))
        if good:
            self._take(data, component)
        else:
            self.dropped += 1

    def _on_check(self, message: Any, addr: tuple[str, int], protocol: Any) -> None:
        """A request of STUN whose attributes are well formed, but perhaps not those that it needs."""
        try:
            self._check(message, addr, protocol)
        except Exception:  # noqa: BLE001  # as below
            self.dropped += 1

    async def _receive(self) -> None:
        try:
            await self._next()
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:  # noqa: BLE001  # whatever the library did not expect of a datagram
            self.dropped += 1
            await asyncio.sleep(0)

    def _has_room(self, ssrc: int) -> bool:
        return ssrc in self._named or ssrc in self._others or len(self._others) < STREAMS_MAX

    def _hear(self, data: bytes) -> bool:
        """Note an authenticated packet of media; False when it is of one stream too many."""
        self.heard += 1
        ssrc = _stream_of(data)
        if not self._has_room(ssrc):
            self.dropped += 1
            return False
        if ssrc not in self._named:
            self._others.add(ssrc)
        return True

    # --- media ----------------------------------------------------------------------------------------------------

    async def _on_rtp(self, data: bytes, arrival_time_ms: int) -> None:
        if self._hear(data):
            await self._rtp(data, arrival_time_ms=arrival_time_ms)

    async def _on_rtcp(self, data: bytes) -> None:
        if not self._hear(data):
            return
        for packet in RtcpPacket.parse(data):
            if isinstance(packet, RtcpByePacket):
                self.dropped += 1  # it would end the decoder for good; our ends say otherwise that it is over
                continue
            if isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
                packet.lost = self._affordable(packet.lost)
            for recipient in self._dtls._rtp_router.route_rtcp(packet):
                await recipient._handle_rtcp_packet(packet)

    def _affordable(self, lost: list[int]) -> list[int]:
        """Each packet once, and not more of them than a line could have lost."""
        now = time.monotonic()
        self._resend = min(float(RESENT_MAX), self._resend + (now - self._filled_s) * RESENT_MAX)
        self._filled_s = now
        wanted = list(dict.fromkeys(lost))
        taken = wanted[: int(self._resend)]
        self._resend -= len(taken)
        self.dropped += len(lost) - len(taken)
        return taken

    # --- messages -------------------------------------------------------------------------------------------------

    async def _on_messages(self, data: bytes) -> None:
        self.heard += 1
        await self._messages(data)

    async def _on_chunk(self, chunk: Chunk) -> None:
        sctp = self._sctp
        if isinstance(chunk, DataChunk):
            good = self._takes(chunk)
        elif isinstance(chunk, SackChunk):
            good = self._trim(chunk)
        elif isinstance(chunk, ForwardTsnChunk):
            good = (chunk.cumulative_tsn - sctp._last_received_tsn) % SCTP_TSN_MODULO < TSN_AHEAD_MAX
        else:
            # one in mid-association would begin the numbers anew
            good = not isinstance(chunk, InitChunk) or sctp._association_state != RTCSctpTransport.State.ESTABLISHED
        if good:
            await self._chunk(chunk)
        else:
            self.dropped += 1

    def _takes(self, chunk: DataChunk) -> bool:
        sctp = self._sctp
        ahead = (chunk.tsn - sctp._last_received_tsn) % SCTP_TSN_MODULO
        if 0 < ahead < _HALF:
            stream = sctp._inbound_streams.get(chunk.stream_id)
            waiting = len(stream.reassembly) if stream is not None else 0
            if ahead > TSN_AHEAD_MAX or waiting >= CHUNKS_MAX or sctp._advertised_rwnd < -BYTES_OVER_MAX:
                return False
        if chunk.stream_id in sctp._data_channels or self._opens_foreign(chunk):
            return True
        sctp._sack_needed = True
        sctp._mark_received(chunk.tsn)  # it must not be sent again for ever
        return False

    def _opens_foreign(self, chunk: DataChunk) -> bool:
        """A channel opened in-band is closed and counted, the first few times; then it does not come to that."""
        if chunk.protocol != WEBRTC_DCEP or (
            chunk.stream_id not in self._foreign and len(self._foreign) >= FOREIGN_MAX
        ):
            return False
        self._foreign.add(chunk.stream_id)
        return True

    def _trim(self, chunk: SackChunk) -> bool:
        """Let it speak of nothing but what was sent: the library counts its gaps one by one."""
        sctp = self._sctp
        newest = (sctp._local_tsn - 1) % SCTP_TSN_MODULO
        outstanding = (newest - chunk.cumulative_tsn) % SCTP_TSN_MODULO
        if outstanding >= _HALF:
            return False
        gaps: list[tuple[int, int]] = []
        end = 0
        for first, last in chunk.gaps:
            last = min(last, outstanding)
            if end < first <= last:
                gaps.append((first, last))
                end = last
        chunk.gaps = gaps
        return True


def _stream_of(data: bytes) -> int:
    at = 4 if is_rtcp(data) else 8
    return int.from_bytes(data[at : at + 4], "big")
