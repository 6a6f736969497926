# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells Companions at once that something of their customer's own requests moved; what it is, they ask for themselves.

One look at the database for all Companions of a process whenever a team's queue moved, however many are connected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Any

import sqlalchemy as sa

from app.domain.entities import CALLBACK, MESSAGE, TICKET
from sync.protocol import Poke, ProtocolError, decode
from sync.server.hub import Hub
from sync.server.jobs import Jobs
from sync.server.member import Member
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import Store
from sync.server.tokens import Grant

__all__ = ["CustomerNews"]

_SCOPES_S = 15.0  # a new team is listened to after so long at most
_MOST = 20_000  # customers of one look; the others learn it at their look once a minute


class CustomerNews:
    """Belongs to the event loop: one `run` after the other, each waits until something moved."""

    def __init__(self, hub: Hub, jobs: Jobs, store: Store) -> None:
        self._hub = hub
        self._jobs = jobs
        self._store = store
        self._heads: dict[str, int] = {}  # how far each team's queue was looked at
        self._moved: dict[str, int] = {}
        self._stirred = asyncio.Event()
        self._member: Member | None = None

    def flush(self) -> None:
        """Take what is queued: who reads a ticket comes this way too, and pokes that came behind it."""
        while self._member is not None and (payload := self._member.take()) is not None:
            self.send_now(payload)

    def send_now(self, payload: bytes) -> bool:
        """Note that a queue moved."""
        try:
            message: Poke = decode(payload, Poke)
        except ProtocolError:
            return True
        self._moved.update(message.heads)
        self._stirred.set()
        return True

    async def run(self) -> None:
        """Wait until something moved, and tell whom it concerns. Raises DatabaseBusy; the next round tells it.

        Without a Companion nobody listens, and nothing is asked.
        """
        if not self._hub.has_companions:
            self.rest()
            return
        if await self.listen():
            self._hub.tell_customers(self._hub.customers())  # what moved before it was listened to
        with suppress(TimeoutError):
            async with asyncio.timeout(_SCOPES_S):
                await self._stirred.wait()
        await self.look()

    @property
    def is_stirred(self) -> bool:
        """Tell whether something moved that was not looked at."""
        return bool(self._moved)

    def rest(self) -> None:
        """Stop listening."""
        if self._member is not None:
            self._hub.unlisten(self._member)
            self._member = None
            self._heads.clear()
            self._moved.clear()

    async def look(self) -> None:
        """Tell whom what moved since the last look concerns. Raises DatabaseBusy; then nothing is forgotten."""
        self._stirred.clear()
        moved, self._moved = self._moved, {}
        if not moved:
            return
        try:
            found = await self._jobs.read(lambda: self._concerned(moved))
        except BaseException:
            self._moved = {**moved, **self._moved}
            self._stirred.set()
            raise
        self._heads.update(moved)
        self._hub.tell_customers(found)

    async def listen(self) -> bool:
        """Listen to the queues of all teams there are; return whether nobody listened before. Raises DatabaseBusy."""
        heads = await self._jobs.read(self._all_heads)
        before = self._member
        for scope, head in heads.items():
            self._heads.setdefault(scope, head)
        if before is None or before.scopes != heads.keys():
            if before is not None:
                self._hub.unlisten(before)
            self._member = Member(Grant("news", b"", b"", 0), frozenset(heads), lambda _member: None)
            self._member.outlet = self
            self._hub.listen(self._member)
        return before is None

    def _all_heads(self) -> dict[str, int]:
        with self._store.read() as connection:
            rows = connection.execute(sa.select(SYSTEM.scope.c.id, SYSTEM.scope.c.head)).all()
            return {row.id: row.head for row in rows if row.id.startswith("team:") and not row.id.endswith(":arc")}

    def _concerned(self, moved: Iterable[str]) -> set[bytes]:
        """Return the customers of whose requests something moved since the last look."""
        with self._store.read() as connection:
            return {
                bytes(customer)
                for scope in moved
                for customer in connection.execute(
                    _customers(), {"scope": scope, "head": self._heads.get(scope, 0)}
                ).scalars()
            }


@cache
def _customers() -> sa.Select[Any]:
    ticket = ENTITY_TABLES[TICKET.number]
    since: sa.BindParameter[int] = sa.bindparam("head")
    here: sa.BindParameter[str] = sa.bindparam("scope")
    touched = [sa.select(ticket.c.id).where(ticket.c.scope_id == here, ticket.c.seq > since)]
    for entity in (MESSAGE, CALLBACK):
        rows = ENTITY_TABLES[entity.number]
        touched.append(sa.select(rows.c.ticket).where(rows.c.scope_id == here, rows.c.seq > since))
    return (
        sa.select(ticket.c.customer)
        .where(ticket.c.id.in_(sa.union(*touched).scalar_subquery()), ticket.c.customer.is_not(None))
        .distinct()
        .limit(_MOST)
    )
