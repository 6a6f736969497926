# SPDX-License-Identifier: GPL-3.0-or-later
"""A bad network between two peers of one machine: a UDP relay that loses, delays and queues. Needs no rights."""

from __future__ import annotations

import heapq
import random
import re
import select
import socket
import threading
import time
from dataclasses import dataclass

_SEED = 7
_CANDIDATE = re.compile(r"a=candidate:\S+ (?P<component>\d+) udp \d+ (?P<host>\S+) (?P<port>\d+) typ host.*")


@dataclass(frozen=True)
class Profile:
    """What happens to each packet. `rate_bps` 0 is unlimited; the queue in front of it holds `queue_ms`."""

    loss: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    rate_bps: int = 0
    queue_ms: float = 200.0


PROFILES = {
    "5m": Profile(rate_bps=5_000_000, delay_ms=10),
    "1m": Profile(rate_bps=1_000_000, delay_ms=20),
    "loss1": Profile(loss=0.01, delay_ms=10),
    "loss3": Profile(loss=0.03, delay_ms=10),
    "loss5": Profile(loss=0.05, delay_ms=10),
    "far": Profile(delay_ms=80, jitter_ms=20),
}


class Relay:
    """Stands between a customer and an agent. Hand each end's description through `between` on its way."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._sockets = [self._socket(), self._socket()]  # 0 stands for the customer, 1 for the agent
        self._real: list[tuple[str, int] | None] = [None, None]
        self._noise = random.Random(_SEED)  # repeatable
        self._due: list[tuple[float, int, int, bytes]] = []
        self._order = 0
        self._busy_until = [0.0, 0.0]
        self._last_out = [0.0, 0.0]
        self._stop = threading.Event()
        self.lost = 0
        self.cut = False
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def between(self, sdp: str, *, of_customer: bool, beside: bool = False) -> str:
        """Return the description with the relay's address in place of the end's own, or before it (`beside`)."""
        side = 0 if of_customer else 1
        out: list[str] = []
        replaced: set[str] = set()
        section = ""
        for line in sdp.splitlines():
            section = line if line.startswith("m=") else section
            found = _CANDIDATE.match(line)
            if found is None:
                out.append(line)
                continue
            if section not in replaced and ":" not in found["host"]:
                replaced.add(section)
                self._real[side] = self._real[side] or (found["host"], int(found["port"]))
                port = self._sockets[side].getsockname()[1]
                out.append(f"a=candidate:1 {found['component']} udp 2130706431 127.0.0.1 {port} typ host")
            if beside:
                out.append(line)
        return "\r\n".join(out) + "\r\n"

    def close(self) -> None:
        """Stop. Idempotent."""
        self._stop.set()
        self._thread.join()
        for sock in self._sockets:
            sock.close()

    @staticmethod
    def _socket() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        return sock

    def _run(self) -> None:
        while not self._stop.is_set():
            wait = max(0.0, min(0.05, self._due[0][0] - time.perf_counter())) if self._due else 0.05
            for sock in select.select(self._sockets, [], [], wait)[0]:
                self._take(self._sockets.index(sock))
            now = time.perf_counter()
            while self._due and self._due[0][0] <= now:
                _, _, to, data = heapq.heappop(self._due)
                self._forward(to, data)

    def _take(self, side: int) -> None:
        """A packet at the socket that stands for `side` comes from the other end and goes to `side`."""
        for _ in range(64):
            try:
                data, sender = self._sockets[side].recvfrom(2048)
            except (BlockingIOError, ConnectionError):
                return
            self._real[1 - side] = sender
            if self.cut or self._noise.random() < self._profile.loss:
                self.lost += 1
                continue
            self._queue(side, data)

    def _queue(self, to: int, data: bytes) -> None:
        profile, now = self._profile, time.perf_counter()
        out = now
        if profile.rate_bps:
            begin = max(now, self._busy_until[to])
            if begin - now > profile.queue_ms / 1000:
                self.lost += 1
                return
            out = self._busy_until[to] = begin + len(data) * 8 / profile.rate_bps
        out += (profile.delay_ms + self._noise.uniform(-1, 1) * profile.jitter_ms) / 1000
        out = self._last_out[to] = max(out, self._last_out[to])  # a path delays, it does not shuffle
        self._order += 1
        heapq.heappush(self._due, (out, self._order, to, data))

    def _forward(self, to: int, data: bytes) -> None:
        """Send to an end from the socket that stands for the other one."""
        address = self._real[to]
        if address is not None:
            try:
                self._sockets[1 - to].sendto(data, address)
            except (BlockingIOError, ConnectionError):
                self.lost += 1
