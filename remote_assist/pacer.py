# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends media no faster than the path carries, and not at all while the gate is closed.

Takes the place of `_send_rtp` on one DTLS transport (seam S2 of `aiortc_patches`). Belongs to the event loop.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from aiortc.rtp import is_rtcp

from remote_assist.rate import RateControl
from remote_assist.sending import Gate, now_us

_PACKET: Final = 1300
_BURST_PACKETS: Final = 48  # a default socket buffer of the receiver holds about 90
_RTX_MAX: Final = 256
_BULK_COST: Final = 1.5  # with pacing at 1.25 of the estimate: five sixths of it


class Pacer:
    """Paces one transport. RTCP passes at once, retransmissions go before new media."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]], rate: RateControl, gate: Gate, rtx_ssrc: int) -> None:
        self._send = send
        self._rate = rate
        self._gate = gate
        self._rtx_ssrc = rtx_ssrc
        self._rtx: deque[bytes] = deque(maxlen=_RTX_MAX)
        self._tokens = float(_BURST_PACKETS * _PACKET)
        self._filled_us = now_us()
        self._rtx_task: asyncio.Task[None] | None = None
        self.bytes_sent = 0
        self.packets_sent = 0
        self.retransmitted = 0
        self.rtx_longest = 0

    async def send_rtp(self, data: bytes) -> None:
        """Send one packet when its turn comes; dropped when the gate is or becomes closed."""
        if is_rtcp(data):
            await self._send(data)
        elif struct.unpack_from("!L", data, 8)[0] == self._rtx_ssrc:
            self._rtx.append(data)
            self.rtx_longest = max(self.rtx_longest, len(self._rtx))
            if self._rtx_task is None or self._rtx_task.done():
                self._rtx_task = asyncio.create_task(self._send_rtx())
        else:
            # also while the last of them has left the queue and waits for its turn
            while self._rtx_task is not None and not self._rtx_task.done():
                await asyncio.wait([self._rtx_task])
            await self._send_media(data)

    def drop_retransmissions(self) -> None:
        """The peer wants a keyframe: what it missed before is of no use any more."""
        self._rtx.clear()

    @property
    def free(self) -> bool:
        """Whether a packet could leave at once, so that there is something left for the bulk channels."""
        return self._wait_s() <= 0

    def charge(self, size: int) -> None:
        """Bytes leave on a bulk channel, out of the same rate; a little less of it, for nobody sees how they fare."""
        self._tokens -= size * _BULK_COST

    def close(self) -> None:
        """Drop what waits."""
        self._rtx.clear()
        if self._rtx_task is not None:
            self._rtx_task.cancel()

    async def _send_rtx(self) -> None:
        while self._rtx:
            self.retransmitted += 1
            await self._send_media(self._rtx.popleft())

    async def _send_media(self, data: bytes) -> None:
        while self._gate.open and (wait_s := self._wait_s()) > 0:
            await asyncio.sleep(wait_s)
        if not self._gate.open:
            self._gate.packets_dropped += 1
            return
        self._tokens -= len(data)
        self.bytes_sent += len(data)
        self.packets_sent += 1
        if struct.unpack_from("!L", data, 8)[0] != self._rtx_ssrc:
            self._rate.packet_sent(struct.unpack_from("!H", data, 2)[0], len(data), now_us())
        await self._send(data)

    def _wait_s(self) -> float:
        per_us = self._rate.pacing_bps / 8 / 1_000_000
        now = now_us()
        depth = min(_BURST_PACKETS * _PACKET, max(10 * _PACKET, per_us * 10_000))
        self._tokens = min(depth, self._tokens + (now - self._filled_us) * per_us)
        self._filled_us = now
        return 0.0 if self._tokens > 0 else max(0.001, -self._tokens / per_us / 1_000_000)
