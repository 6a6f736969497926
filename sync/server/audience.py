# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens to which scopes: one subscription of the bus per scope, however many sockets want it.

Sockets that see the same scopes (the devices of one account, mostly) are kept together, so that a socket costs one
entry instead of one a scope.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from sync.protocol import Poke, ProtocolError, decode, encode
from sync.server.bus import Bus
from sync.server.member import Member

__all__ = ["Audience"]

_COALESCE_S = 0.02
_AT_ONCE = 1000  # sockets poked before other work has its turn


@dataclass(slots=True)
class _Group:
    """Sockets with the same scopes."""

    scopes: frozenset[str]
    members: set[Member] = field(default_factory=set)


class Audience:
    """Hands pokes and presence of scopes to the members that see them. Belongs to the event loop."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._groups: dict[frozenset[str], _Group] = {}
        self._listening: dict[str, dict[frozenset[str], _Group]] = {}
        self._told: dict[str, int] = {}  # scope -> head that all who listen to it here know of
        self._moved: dict[str, int] = {}
        self._cooling: set[str] = set()

    def add(self, member: Member) -> None:
        """Let a member hear of its scopes."""
        group = self._groups.get(member.scopes)
        if group is None:
            group = self._groups[member.scopes] = _Group(member.scopes)
            for scope in member.scopes:
                self._listen(scope)[member.scopes] = group
        member.scopes = group.scopes  # the one object for all
        group.members.add(member)

    def remove(self, member: Member) -> None:
        """End that. The subscription of a scope stays: somebody will come for it again."""
        group = self._groups.get(member.scopes)
        if group is None:
            return
        group.members.discard(member)
        if not group.members:
            del self._groups[group.scopes]
            for scope in group.scopes:
                del self._listening[scope][group.scopes]
                if not self._listening[scope]:
                    self._told.pop(scope, None)

    @property
    def is_empty(self) -> bool:
        """Tell whether nobody listens here."""
        return not self._groups

    def told(self) -> dict[str, int]:
        """Return how far scopes are, as everybody here knows."""
        return dict(self._told)

    def greet(self, member: Member, heads: Mapping[str, int]) -> None:
        """Tell a new member how far its scopes are; read since it was added."""
        for scope, head in heads.items():
            self._told.setdefault(scope, head)
        # archives are loaded by few, and change when the team's scope does
        said = {scope: head for scope, head in heads.items() if head and not scope.endswith(":arc")}
        if said:
            member.send(Poke(heads=said))

    def publish(self, heads: Mapping[str, int]) -> None:
        """Tell everybody that scopes moved: at once, then at most every 20 ms a scope."""
        for scope, head in heads.items():
            self._moved[scope] = max(head, self._moved.get(scope, 0))
            if scope not in self._cooling:
                self._send(scope)

    def catch_up(self, heads: Mapping[str, int], before: Mapping[str, int]) -> None:
        """Poke for the scopes of which the members of this process know less than `heads` say.

        `before` is what `told` returned before the heads were read: one that is lower now went back with the database.
        """
        for scope, head in heads.items():
            if head > self._told.get(scope, 0) or head < before.get(scope, 0):
                self._poked(scope, encode(Poke(heads={scope: head})))

    def _listen(self, scope: str) -> dict[frozenset[str], _Group]:
        groups = self._listening.get(scope)
        if groups is None:
            groups = self._listening[scope] = {}
            self._bus.subscribe(f"poke.{scope}", partial(self._poked, scope))
            self._bus.subscribe(f"presence.{scope}", partial(self._present, scope))
        return groups

    def _send(self, scope: str) -> None:
        head = self._moved.pop(scope, None)
        if head is None:
            self._cooling.discard(scope)
            return
        self._cooling.add(scope)
        asyncio.get_running_loop().call_later(_COALESCE_S, self._send, scope)
        self._bus.publish(f"poke.{scope}", encode(Poke(heads={scope: head})))

    def _of(self, scope: str) -> list[Member]:
        return [member for group in self._listening.get(scope, {}).values() for member in group.members]

    def _poked(self, scope: str, payload: bytes) -> None:
        """Hand a poke to the members, unless they know."""
        members = self._of(scope)
        head = _head(scope, payload) if members else None
        if head is not None and head != self._told.get(scope):
            self._told[scope] = head
            self._poke(iter(members), scope, payload)

    def _poke(self, members: Iterator[Member], scope: str, payload: bytes) -> None:
        count = 0
        for member in islice(members, _AT_ONCE):
            member.poke(scope, payload)
            count += 1
        if count == _AT_ONCE:
            asyncio.get_running_loop().call_soon(self._poke, members, scope, payload)

    def _present(self, scope: str, payload: bytes) -> None:
        for member in self._of(scope):
            member.send_raw(payload)


def _head(scope: str, payload: bytes) -> int | None:
    """Return what a poke says of a scope; None for anything else that came over the bus."""
    try:
        message: Poke = decode(payload, Poke)
    except ProtocolError:
        return None
    return message.heads.get(scope)
