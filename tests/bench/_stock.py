# SPDX-License-Identifier: GPL-3.0-or-later
"""The yardstick: aiortc untouched, with mss the way people do it. Two processes that speak JSON lines over stdio.

`send` grabs at a fixed rate and converts through numpy; `receive` takes decoded frames and reports their ages.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import mss
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription, VideoStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame

from tests.bench import _stamp


class ScreenTrack(VideoStreamTrack):
    """What most programs with aiortc and mss look like."""

    def __init__(self) -> None:
        super().__init__()
        self._grabber = mss.MSS()

    async def recv(self) -> VideoFrame:
        """Grab at 30 a second."""
        pts, time_base = await self.next_timestamp()
        shot = self._grabber.grab(self._grabber.monitors[1])
        frame = VideoFrame.from_ndarray(np.array(shot), format="bgra")
        frame.pts, frame.time_base = pts, time_base
        return frame


async def send(codec: str) -> None:
    """Offer the screen and send until stdin closes."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.addTrack(ScreenTrack())
    if codec:
        known = RTCRtpSender.getCapabilities("video").codecs
        wanted = [c for c in known if c.mimeType.lower() in (f"video/{codec}", "video/rtx")]
        pc.getTransceivers()[0].setCodecPreferences(wanted)
    await pc.setLocalDescription(await pc.createOffer())
    _say({"sdp": pc.localDescription.sdp})
    answer = json.loads(await _line())
    await pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    await _line()
    await pc.close()


async def receive() -> None:
    """Answer, take frames, and report [decoded_us, clock, number] of each when a line comes on stdin."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    seen: list[tuple[int, int, int]] = []
    tasks: list[asyncio.Task[None]] = []
    pc.on("track", lambda track: tasks.append(asyncio.ensure_future(_take(track, seen))))
    offer = json.loads(await _line())
    await pc.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
    await pc.setLocalDescription(await pc.createAnswer())
    _say({"sdp": pc.localDescription.sdp})
    await _line()
    _say({"seen": seen})
    await pc.close()


async def _take(track: Any, seen: list[tuple[int, int, int]]) -> None:
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        decoded_us = time.perf_counter_ns() // 1000
        plane = frame.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        stamp = _stamp.read(rows[: _stamp.CELL])
        if stamp is not None:
            seen.append((decoded_us, stamp[1], stamp[0]))


async def _line() -> str:
    return await asyncio.to_thread(sys.stdin.readline)


def _say(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)


def main() -> None:
    """Run `send [codec]` or `receive`, as the arguments say."""
    asyncio.run(send(sys.argv[2] if len(sys.argv) > 2 else "") if sys.argv[1] == "send" else receive())
