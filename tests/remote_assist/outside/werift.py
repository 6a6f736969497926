# SPDX-License-Identifier: GPL-3.0-or-later
"""One end of a session by werift, another WebRTC stack, in a process of Node; `make peers` installs it."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from remote_assist.channels import CHANNELS
from tests.fakes.wait import wait_until

_HERE = Path(__file__).resolve().parent
_PATIENCE_S = 90  # the machine may be busy
_MODULES = _HERE.parents[2] / "build" / "peers" / "node_modules"


def missing() -> str:
    """Say what is not there; empty when a peer can be started."""
    if shutil.which("node") is None:
        return "Node is not installed: install Node 20 or newer with npm (Debian: nodejs, npm), then `make peers`"
    if not (_MODULES / "werift").is_dir():
        return "werift is not installed: `make peers` brings it into build/peers"
    return ""


class Werift:
    """One connection of that stack."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()
        self.channels: dict[str, str] = {}
        self.messages: list[tuple[str, str | bytes]] = []
        self.frames: queue.Queue[bytes] = queue.Queue()
        self.keyframes_asked = 0
        self.state = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def offer(self, codec: str = "H264") -> str:
        """Return its offer as the end that shows."""
        self._do("offer", codec=codec)
        return str(self.want("description")["sdp"])

    def answer(self, sdp: str) -> str:
        """Return its answer as the end that looks."""
        self._do("answer", sdp=sdp)
        return str(self.want("description")["sdp"])

    def accept(self, sdp: str) -> None:
        """Give it the answer to its offer."""
        self._do("accept", sdp=sdp)

    def send(self, channel: str, data: str | bytes) -> None:
        """Say something on a channel, as text or as bytes."""
        packed = data if isinstance(data, str) else base64.b64encode(data).decode()
        self._do("send", channel=channel, text=isinstance(data, str), data=packed)

    def open_more(self, channel: str) -> None:
        """Open a channel that was not agreed on."""
        self._do("more", channel=channel)

    def play(self, frames: list[list[bytes]], fps: int, begin: int = 0) -> None:
        """Send these pictures, each a list of RTP payloads, over and over.

        It begins with that number `begin`, and again with the first when a whole picture is asked for.
        """
        packed = [[base64.b64encode(payload).decode() for payload in frame] for frame in frames]
        self._do("play", frames=packed, fps=fps, **{"from": begin})

    def sent_again(self) -> int:
        """Return how many packets it repeated because we asked."""
        self._do("stats")
        return int(self.want("stats")["sent_again"])

    def connected(self) -> None:
        """Wait until it says that it is, and that every channel is open."""
        wait_until(lambda: self.state == "connected" and self.channels == dict.fromkeys(CHANNELS, "open"), _PATIENCE_S)

    def want(self, kind: str, timeout_s: float = _PATIENCE_S) -> dict[str, Any]:
        """Return the next answer of this kind. Raises queue.Empty."""
        while (told := self._told.get(timeout=timeout_s))["t"] != kind:
            assert told["t"] != "failed", told
        return told

    def _do(self, what: str, **words: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **words}) + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            told = json.loads(line)
            kind = told["t"]
            if kind == "frame":
                self.frames.put(base64.b64decode(told["data"]))
            elif kind == "message":
                data = told["data"]
                self.messages.append((told["channel"], data if told["text"] else base64.b64decode(data)))
            elif kind == "channel":
                self.channels[told["channel"]] = told["state"]
            elif kind == "connection":
                self.state = told["state"]
            elif kind == "keyframe":
                self.keyframes_asked = told["asked"]
            else:
                self._told.put(told)

    def close(self) -> None:
        """End the process and reap it."""
        self._process.kill()
        self._process.wait()
        self._thread.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


@contextlib.contextmanager
def werift() -> Iterator[Werift]:
    """Yield an end that is not connected yet; it is gone with the block."""
    channels = {name: {"id": c.id, "ordered": c.ordered, "reliable": c.reliable} for name, c in CHANNELS.items()}
    process = subprocess.Popen(
        ["node", str(_HERE / "werift.js"), json.dumps(channels)],
        env={**os.environ, "NODE_PATH": str(_MODULES)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    peer = Werift(process)
    try:
        yield peer
    finally:
        peer.close()
