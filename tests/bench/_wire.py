# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves a process by UDP on this machine: packets taken from the loopback interface, told apart and counted."""

from __future__ import annotations

import socket
import statistics
import struct
import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

LIMIT_MS = 100.0
KINDS = ("rtp", "rtcp", "dtls", "stun", "other")
_ALL_PROTOCOLS = 0x0003
_IPV4, _IPV6, _UDP = 0x0800, 0x86DD, 17
_OUTGOING = 4  # on loopback every packet is seen twice: as it leaves and as it comes
_SO_TIMESTAMPNS = 35
_BUFFER = 1 << 24
_FLOWING_NS = 500_000_000


@dataclass(frozen=True, slots=True)
class Packet:
    """One UDP packet: when the kernel saw it (nanoseconds since 1970), from which port, of what kind, how long."""

    at_ns: int
    source: int
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class Stop:
    """What left after the moment of Stop: milliseconds to the last packet of each kind, 0 where there was none."""

    last_ms: dict[str, float]
    packets: dict[str, int]
    before: int

    @property
    def flowed(self) -> bool:
        """Whether pictures were leaving in the half second before: else nothing was measured."""
        return self.before > 0


def kind_of(payload: bytes) -> str:
    """Tell what shares the port by the first two bytes (RFC 7983, RFC 5761)."""
    if len(payload) < 2:
        return "other"
    first, second = payload[0], payload[1]
    if 128 <= first <= 191:
        return "rtcp" if 192 <= second <= 223 else "rtp"
    if 20 <= first <= 63:
        return "dtls"
    return "stun" if first <= 3 else "other"


def udp_of(frame: bytes) -> tuple[int, bytes] | None:
    """Return source port and payload of an Ethernet frame with UDP in it."""
    if len(frame) < 14:
        return None
    (kind,) = struct.unpack_from("!H", frame, 12)
    if kind == _IPV4 and len(frame) >= 34 and frame[23] == _UDP:
        start = 14 + (frame[14] & 0x0F) * 4
    elif kind == _IPV6 and len(frame) >= 54 and frame[20] == _UDP:
        start = 54
    else:
        return None
    if len(frame) < start + 8:
        return None
    (source,) = struct.unpack_from("!H", frame, start)
    return source, frame[start + 8 :]


def after_stop(packets: Iterable[Packet], ports: Collection[int], stop_ns: int) -> Stop:
    """Return what left these ports after `stop_ns`. Order and packets of others do not matter."""
    last = dict.fromkeys(KINDS, 0.0)
    count = dict.fromkeys(KINDS, 0)
    before = 0
    for packet in packets:
        if packet.source not in ports:
            continue
        late_ns = packet.at_ns - stop_ns
        if late_ns <= 0:
            before += packet.kind == "rtp" and late_ns > -_FLOWING_NS
            continue
        count[packet.kind] += 1
        last[packet.kind] = max(last[packet.kind], late_ns / 1_000_000)
    return Stop(last, count, before)


def figures(stops: Sequence[Stop]) -> dict[str, Any]:
    """Return median and maximum over rounds, and the gate: no media later than 100 ms in any round that counts."""
    good = [stop for stop in stops if stop.flowed]
    out: dict[str, Any] = {"rounds": len(good), "void": len(stops) - len(good)}
    for kind in ("rtp", "rtcp", "dtls"):
        times = [stop.last_ms[kind] for stop in good]
        out[kind] = {
            "median_ms": round(statistics.median(times), 2) if times else None,
            "max_ms": round(max(times), 2) if times else None,
            "packets": sum(stop.packets[kind] for stop in good),
        }
    out["pass"] = bool(good) and all(max(s.last_ms["rtp"], s.last_ms["rtcp"]) <= LIMIT_MS for s in good)
    return out


@dataclass
class Capture:
    """Listens on loopback in a thread while the block lasts. Needs the right to open raw sockets."""

    packets: list[Packet] = field(default_factory=list)
    dropped: int = 0

    def __enter__(self) -> Capture:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.bind(("lo", 0))
        self._socket.settimeout(0.2)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(5)
        self._socket.close()

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                frame, ancillary, _flags, address = self._socket.recvmsg(2048, 64)
            except TimeoutError:
                continue
            if address[2] != _OUTGOING or (found := udp_of(frame)) is None:
                continue
            stamp = next((data for _level, kind, data in ancillary if kind == _SO_TIMESTAMPNS), b"")
            if len(stamp) < 16:
                self.dropped += 1
                continue
            seconds, nanoseconds = struct.unpack_from("qq", stamp)
            self.packets.append(Packet(seconds * 1_000_000_000 + nanoseconds, found[0], kind_of(found[1]), len(frame)))
