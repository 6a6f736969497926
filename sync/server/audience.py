# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens to which scopes: one subscription of the bus per scope, however many sockets want it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial

from sync.protocol import Poke, encode
from sync.server.bus import Bus
from sync.server.member import Member

__all__ = ["Audience"]

_COALESCE_S = 0.02


class Audience:
    """Hands pokes and presence of scopes to the members that see them. Belongs to the event loop."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._members: dict[str, set[Member]] = {}
        self._moved: dict[str, int] = {}
        self._cooling: set[str] = set()

    def add(self, member: Member) -> None:
        """Let a member hear of its scopes."""
        for scope in member.scopes:
            listening = self._members.get(scope)
            if listening is None:
                listening = self._members[scope] = set()
                self._bus.subscribe(f"poke.{scope}", partial(self._poked, scope))
                self._bus.subscribe(f"presence.{scope}", partial(self._present, scope))
            listening.add(member)

    def remove(self, member: Member) -> None:
        """End that. The subscription of a scope stays: somebody will come for it again."""
        for scope in member.scopes:
            self._members.get(scope, set()).discard(member)

    def scopes(self) -> list[str]:
        """Return the scopes that somebody here listens to."""
        return [scope for scope, members in self._members.items() if members]

    def publish(self, heads: Mapping[str, int]) -> None:
        """Tell everybody that scopes moved: at once, then at most every 20 ms a scope."""
        for scope, head in heads.items():
            self._moved[scope] = max(head, self._moved.get(scope, 0))
            if scope not in self._cooling:
                self._send(scope)

    def show(self, heads: Iterable[tuple[str, int]]) -> None:
        """Tell the members of this process how far scopes are."""
        for scope, head in heads:
            self._poked(scope, encode(Poke(heads={scope: head})))

    def _send(self, scope: str) -> None:
        head = self._moved.pop(scope, None)
        if head is None:
            self._cooling.discard(scope)
            return
        self._cooling.add(scope)
        asyncio.get_running_loop().call_later(_COALESCE_S, self._send, scope)
        self._bus.publish(f"poke.{scope}", encode(Poke(heads={scope: head})))

    def _poked(self, scope: str, payload: bytes) -> None:
        for member in self._members.get(scope, ()):
            member.poke(scope, payload)

    def _present(self, scope: str, payload: bytes) -> None:
        for member in list(self._members.get(scope, ())):
            member.send_raw(payload)
