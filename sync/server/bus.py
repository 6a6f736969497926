# SPDX-License-Identifier: GPL-3.0-or-later
"""The bus between sockets: hints and signalling, at most once, never stored. A broker can take its place.

Subjects: `poke.<scope>`, `presence.<scope>`, `dev.<device or companion>`, `cust.<customer>`, `ses.<session>.<end>`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

__all__ = ["Bus", "LocalBus"]

Receiver = Callable[[bytes], None]


class Bus(Protocol):
    """All methods on the event loop's thread; none waits."""

    def publish(self, subject: str, payload: bytes) -> bool:
        """Send to whoever listens now. False means that certainly nobody does."""
        ...

    def subscribe(self, subject: str, receiver: Receiver) -> None:
        """Call `receiver` for every message on a subject."""
        ...

    def unsubscribe(self, subject: str, receiver: Receiver) -> None:
        """Stop that. Unknown pairs are ignored."""
        ...


class LocalBus:
    """The bus of a single server process."""

    def __init__(self) -> None:
        self._receivers: dict[str, list[Receiver]] = {}

    def publish(self, subject: str, payload: bytes) -> bool:
        """Send to whoever listens now."""
        receivers = self._receivers.get(subject)
        if not receivers:
            return False
        for receiver in list(receivers):
            receiver(payload)
        return True

    def subscribe(self, subject: str, receiver: Receiver) -> None:
        """Call `receiver` for every message on a subject."""
        self._receivers.setdefault(subject, []).append(receiver)

    def unsubscribe(self, subject: str, receiver: Receiver) -> None:
        """Stop that."""
        receivers = self._receivers.get(subject, [])
        if receiver in receivers:
            receivers.remove(receiver)
        if not receivers:
            self._receivers.pop(subject, None)
