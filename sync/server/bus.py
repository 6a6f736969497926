# SPDX-License-Identifier: GPL-3.0-or-later
"""The bus between sockets: hints and signalling, at most once, never stored. `nats_bus` carries it between processes.

Subjects: `poke.<scope>`, `presence.<scope>`, `page.<ticket>`, `desks`, `dev.<device or companion>`,
`cust.<customer>`, `ses.<session>.<end>`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

__all__ = ["Bus", "LocalBus"]

Receiver = Callable[[bytes], None]


class Bus(Protocol):
    """All methods on the event loop's thread; those that are not coroutines never wait."""

    def start(self, returned: Callable[[], None]) -> None:
        """Begin to serve. `returned` is called when the way to other processes is back: hints may have been lost."""
        ...

    async def stop(self) -> None:
        """Let go of everything. Idempotent."""
        ...

    @property
    def state(self) -> str:
        """`none` without a broker, else `ok` or `away`."""
        ...

    def publish(self, subject: str, payload: bytes) -> None:
        """Send to whoever listens now."""
        ...

    async def deliver(self, subjects: Sequence[str], payload: bytes) -> bool:
        """Send to whoever listens on any of the subjects; False if nobody took it."""
        ...

    def subscribe(self, subject: str, receiver: Receiver) -> None:
        """Call `receiver` for every message on a subject."""
        ...

    def unsubscribe(self, subject: str, receiver: Receiver) -> None:
        """Stop that. Unknown pairs are ignored."""
        ...

    async def settled(self) -> None:
        """Return when other processes reach what was subscribed so far, or a moment later if the broker is away."""
        ...


class LocalBus:
    """The bus of a single server process."""

    def __init__(self) -> None:
        self._receivers: dict[str, list[Receiver]] = {}

    def start(self, returned: Callable[[], None]) -> None:
        """Nothing to begin: there are no other processes."""

    async def stop(self) -> None:
        """Nothing to let go of."""

    @property
    def state(self) -> str:
        """There is no broker."""
        return "none"

    async def settled(self) -> None:
        """Nothing to wait for."""

    def publish(self, subject: str, payload: bytes) -> None:
        """Send to whoever listens now."""
        self.hand_over(subject, payload)

    async def deliver(self, subjects: Sequence[str], payload: bytes) -> bool:
        """Send to whoever listens on any of the subjects."""
        taken = [self.hand_over(subject, payload) for subject in subjects]
        return any(taken)

    def hand_over(self, subject: str, payload: bytes) -> bool:
        """Send to the receivers of this process; False if there is none."""
        receivers = self._receivers.get(subject)
        if not receivers:
            return False
        for receiver in list(receivers):
            receiver(payload)
        return True

    def listens(self, subject: str) -> bool:
        """Tell whether this process has a receiver for a subject."""
        return subject in self._receivers

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
