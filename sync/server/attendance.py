# SPDX-License-Identifier: GPL-3.0-or-later
"""Which scopes somebody is at the desk for, at any server process: each tells the others every few seconds."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import msgspec

from sync.server.bus import Bus

__all__ = ["Attendance"]

_AGAIN_S = 5.0
_COUNTS_S = 15.0  # a process that says nothing for so long is gone, or the broker is
_SUBJECT = "desks"


class _Desks(msgspec.Struct, frozen=True, array_like=True):
    process: bytes
    scopes: list[str]


class Attendance:
    """Belongs to the event loop. `seen` returns the scopes of this process's own agents."""

    def __init__(self, bus: Bus, seen: Callable[[], set[str]], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._bus = bus
        self._seen = seen
        self._clock = monotonic
        self._id = secrets.token_bytes(8)
        self._others: dict[bytes, tuple[float, frozenset[str]]] = {}
        self._said: tuple[float, set[str]] | None = None
        self._since = 0.0

    def start(self) -> None:
        """Begin to listen."""
        self._since = self._clock()
        self._bus.subscribe(_SUBJECT, self._heard)

    def returned(self) -> None:
        """The broker is back: what others say is to be heard first."""
        self._since, self._said = self._clock(), None

    def say(self) -> None:
        """Tell the others, if it is news or some time since; call every second. Costs nothing without a broker."""
        if self._bus.state != "ok":
            return
        now, seen = self._clock(), self._seen()
        if self._said is None or self._said[1] != seen or now - self._said[0] >= _AGAIN_S:
            self._said = now, seen
            self._bus.publish(_SUBJECT, msgspec.msgpack.encode(_Desks(self._id, sorted(seen))))

    def elsewhere(self, scope: str) -> bool | None:
        """Tell whether somebody is there at another process; None while that is not known."""
        if self._bus.state == "none":
            return False
        now = self._clock()
        self._others = {who: told for who, told in self._others.items() if now - told[0] < _COUNTS_S}
        if any(scope in scopes for _, scopes in self._others.values()):
            return True
        return False if self._bus.state == "ok" and now - self._since > _AGAIN_S + 1 else None

    def _heard(self, payload: bytes) -> None:
        try:
            told = msgspec.msgpack.decode(payload, type=_Desks)
        except msgspec.DecodeError:
            return
        if told.process != self._id:
            self._others[told.process] = self._clock(), frozenset(told.scopes)
