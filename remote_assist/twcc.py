# SPDX-License-Identifier: GPL-3.0-or-later
"""Transport-wide feedback: when which packet came, in the bytes a browser's rate control reads. Pure.

draft-holmer-rmcat-transport-wide-cc-extensions-01. Browsers alone need it: our own ends speak channel `fb`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

__all__ = ["EXTENSION_ID", "EXTENSION_URI", "FEEDBACK_US", "Feedback"]

EXTENSION_URI: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
EXTENSION_ID: Final = 5
FEEDBACK_US: Final = 40_000  # asked every 20 ms, so at most 50 ms lie between two
_RTPFB, _FORMAT, _PADDED, _VERSION = 205, 15, 0x20, 0x80
_STEP_US: Final = 250
_REFERENCE_US: Final = 64_000
_MASK: Final = 0xFFFF
_HALF: Final = 0x8000
_COUNT_MAX: Final = 400  # packets a message: it stays below 1,200 bytes whatever the deltas are
_KNOWN_MAX: Final = 2_000
_GAP_MAX: Final = 1_500  # a jump beyond it is a sender that began anew
_RUN_MIN: Final = 8
_RUN_MAX: Final = 0x1FFF
_MISSING, _SMALL, _LARGE = 0, 1, 2
_LARGE_MAX: Final = 0x7FFF


class Feedback:
    """Collects arrivals by transport-wide sequence number; `take` returns what is due as whole RTCP packets."""

    def __init__(self) -> None:
        self._newest: int | None = None  # unwrapped
        self._next: int | None = None  # first number not yet reported
        self._arrivals: dict[int, int] = {}
        self._fresh: set[int] = set()
        self._sent_us: int | None = None
        self._count = 0

    def arrived(self, number: int, at_us: int) -> None:
        """Note a packet; of a number that came twice the first arrival counts."""
        whole = self._unwrapped(number & _MASK)
        if whole not in self._arrivals:
            self._arrivals[whole] = at_us
            self._fresh.add(whole)

    def take(self, now_us: int, sender: int, media: int) -> list[bytes]:
        """Return the packets that tell what came since the last time; none while it is too soon or nothing came."""
        if not self._fresh or (self._sent_us is not None and now_us - self._sent_us < FEEDBACK_US):
            return []
        self._sent_us = now_us
        first, last = min(self._fresh), max(self._fresh)
        # what came late is told again together with what was told before, and what is missing in between is told
        first = first if self._next is None else min(first, self._next)
        self._next = max(last + 1, self._next or 0)
        self._fresh.clear()
        packets = [self._packet(part, sender, media) for part in self._parts(first, last)]
        self._forget()
        return packets

    def _unwrapped(self, number: int) -> int:
        if self._newest is None:
            self._newest = number
            return number
        ahead = (number - self._newest) & _MASK
        whole = self._newest + (ahead if ahead < _HALF else ahead - (_MASK + 1))
        if abs(whole - self._newest) > _GAP_MAX:
            self._arrivals.clear()
            self._fresh.clear()
            self._next = None
            self._newest = whole
        self._newest = max(self._newest, whole)
        return whole

    def _forget(self) -> None:
        if len(self._arrivals) > _KNOWN_MAX:
            oldest = max(self._arrivals) - _GAP_MAX
            self._arrivals = {number: at for number, at in self._arrivals.items() if number >= oldest}

    def _parts(self, first: int, last: int) -> Iterator[range]:
        """Cut what is to be told so that each message begins with an arrival and has no delta that does not fit."""
        while first <= last and first not in self._arrivals:
            first += 1
        start, before = first, self._arrivals.get(first, 0)
        for number in range(first, last + 1):
            at = self._arrivals.get(number)
            far = at is not None and abs(at - before) // _STEP_US >= _LARGE_MAX
            if number > start and at is not None and (far or number - start >= _COUNT_MAX):
                yield range(start, number)
                start = number
            before = before if at is None else at
        if start <= last:
            yield range(start, last + 1)

    def _packet(self, part: range, sender: int, media: int) -> bytes:
        reference = self._arrivals[part.start] // _REFERENCE_US
        at = reference * _REFERENCE_US
        symbols: list[int] = []
        deltas = bytearray()
        for number in part:
            came = self._arrivals.get(number)
            if came is None:
                symbols.append(_MISSING)
                continue
            steps = (came - at) // _STEP_US
            at += steps * _STEP_US
            small = 0 <= steps <= 0xFF
            symbols.append(_SMALL if small else _LARGE)
            deltas += struct.pack(">B" if small else ">h", steps)
        head = struct.pack(">IIHH", sender, media, part.start & _MASK, len(part))
        count, self._count = self._count, (self._count + 1) & 0xFF
        body = head + (reference & 0xFFFFFF).to_bytes(3, "big") + bytes([count]) + _chunks(symbols) + bytes(deltas)
        padding = -len(body) % 4
        if padding:
            body += bytes(padding - 1) + bytes([padding])
        first_byte = _VERSION | _FORMAT | (_PADDED if padding else 0)
        return struct.pack(">BBH", first_byte, _RTPFB, len(body) // 4) + body


def _chunks(symbols: Sequence[int]) -> bytes:
    """Return the symbols as runs where one repeats, else seven to a chunk."""
    out = bytearray()
    at = 0
    while at < len(symbols):
        run = 1
        while at + run < len(symbols) and symbols[at + run] == symbols[at] and run < _RUN_MAX:
            run += 1
        if run >= _RUN_MIN or at + run == len(symbols):
            out += struct.pack(">H", symbols[at] << 13 | run)
            at += run
            continue
        vector = [*symbols[at : at + 7], *[_MISSING] * 7][:7]
        out += struct.pack(">H", 0xC000 | sum(symbol << (12 - 2 * n) for n, symbol in enumerate(vector)))
        at += 7
    return bytes(out)
