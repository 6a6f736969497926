# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells open pages that their ticket moved: one look at the database for all pages of a team, however many are open.

Each page that asked for itself whenever its team's queue moved would be as many questions as pages times messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from app.domain.entities import TICKET
from sync.server.hub import Hub
from sync.server.jobs import Jobs
from sync.server.member import Member
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import DatabaseBusy, Store
from sync.server.tokens import Grant

__all__ = ["Follower", "Moved", "Movements"]

PAUSE_S = 0.25  # a busy queue moves often; it is looked at no more often than this


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a ticket is and how far."""

    ticket: bytes
    scope: str
    team: bytes
    seq: int
    customer: bytes
    invited: bytes | None = None  # the invitation to show the screen that waits there
    over: bool = False  # it is another customer's now: whoever follows hears no more


class Follower:
    """One open page. `news`: where its ticket is now; None when only its link can tell (merged, given, moved, gone)."""

    def __init__(self, known: Moved) -> None:
        self.ticket, self.scope, self.customer = known.ticket, known.scope, known.customer
        self.news: Moved | None = None
        self.closed = False
        self._stirred = asyncio.Event()

    def tell(self, news: Moved | None) -> None:
        """Hand over news."""
        self.news = news
        self._stirred.set()

    def look(self, _payload: bytes) -> None:
        """Hear that there is something that only the link tells."""
        self.tell(None)

    def close(self) -> None:
        """Nothing more is told: the server stops, or the queue is not looked at any more."""
        self.closed = True
        self._stirred.set()

    async def wait(self, most_s: float) -> bool:
        """Wait for news; False when there was none for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                await self._stirred.wait()
        stirred = self._stirred.is_set()
        self._stirred.clear()
        return stirred


class _Queue:
    """A team's queue with the pages that follow tickets of it: the outlet of a member that only hears that it moved."""

    def __init__(self, hub: Hub, scope: str) -> None:
        self.scope = scope
        self.followers: dict[bytes, set[Follower]] = {}
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.stirred = asyncio.Event()
        self.member = Member(Grant("portal", b"", b"", 0), frozenset({scope}), lambda _member: None)
        self.member.outlet = self
        self.task: asyncio.Task[None] | None = None
        hub.listen(self.member)

    def flush(self) -> None:
        """Drop what is queued: that there was something is enough."""
        while self.member.take() is not None:
            pass
        self.stirred.set()

    def send_now(self, payload: bytes) -> bool:
        """Note that the queue moved."""
        del payload
        self.stirred.set()
        return True

    def all(self) -> list[Follower]:
        """Return all pages."""
        return [each for some in self.followers.values() for each in some]


class Movements:
    """Belongs to the event loop; the database is read in threads."""

    def __init__(self, hub: Hub, jobs: Jobs, store: Store, clock: Callable[[], int]) -> None:
        self._hub = hub
        self._jobs = jobs
        self._store = store
        self._clock = clock
        self._queues: dict[str, _Queue] = {}
        self.pages = 0

    async def follow(self, known: Moved) -> Follower:
        """Follow a ticket; what moved before this returned is not told, so look then. Raises DatabaseBusy."""
        queue = self._queues.get(known.scope)
        if queue is None:
            queue = self._queues[known.scope] = _Queue(self._hub, known.scope)
            queue.task = asyncio.ensure_future(self._watch(queue))
        follower = Follower(known)
        queue.followers.setdefault(follower.ticket, set()).add(follower)
        self._hub.hear(follower.ticket, follower.look)
        self.pages += 1
        try:
            await asyncio.shield(queue.ready)
        except BaseException:
            self.leave(follower)
            raise
        return follower

    def leave(self, follower: Follower) -> None:
        """End that. Idempotent."""
        queue = self._queues.get(follower.scope)
        some = queue.followers.get(follower.ticket) if queue is not None else None
        if queue is None or some is None or follower not in some:
            return
        self.pages -= 1
        self._hub.unhear(follower.ticket, follower.look)
        some.discard(follower)
        if not some:
            del queue.followers[follower.ticket]
        if not queue.followers:
            self._close(queue)

    async def _watch(self, queue: _Queue) -> None:
        try:
            head = await self._jobs.read(lambda: self._head(queue.scope))
            queue.ready.set_result(None)
            while not queue.member.closed:
                await queue.stirred.wait()
                queue.stirred.clear()
                head = await self._look(queue, head)
                await asyncio.sleep(PAUSE_S)
        except Exception as error:  # noqa: BLE001 - the pages must not wait for what comes no more
            if not queue.ready.done():
                queue.ready.set_exception(error)
        for each in queue.all():
            each.close()
        self._close(queue)

    async def _look(self, queue: _Queue, head: int) -> int:
        try:
            now, moved, left = await self._jobs.read(lambda: self._since(queue.scope, head))
        except DatabaseBusy:
            queue.stirred.set()  # the next look tells it
            return head
        for each in moved:
            for follower in queue.followers.get(each.ticket, ()):
                # of another customer from now on: only its link tells what may be heard
                follower.tell(each if each.customer == follower.customer else None)
                follower.customer = each.customer
        for ticket in left:
            for follower in queue.followers.get(ticket, ()):
                follower.tell(None)
        return now

    def _close(self, queue: _Queue) -> None:
        self._hub.unlisten(queue.member)
        if self._queues.get(queue.scope) is queue:
            del self._queues[queue.scope]
        if queue.task is not None and queue.task is not asyncio.current_task():
            queue.task.cancel()

    def _head(self, scope: str) -> int:
        with self._store.read() as connection:
            return _head_of(connection, scope)

    def _since(self, scope: str, head: int) -> tuple[int, list[Moved], list[bytes]]:
        """Return how far a queue is, which tickets of it moved since, and which have to be looked for."""
        given = {"scope": scope, "head": head, "now": self._clock()}
        with self._store.read() as connection:
            now = _head_of(connection, scope)
            rows = connection.execute(_moved(), given).all()
            left = [bytes(id_) for id_ in connection.execute(_left(), {"scope": scope, "head": head}).scalars()]
        moved = [
            Moved(
                bytes(row.id), scope, bytes(row.team), row.seq, bytes(row.customer), bytes(row.iid) if row.iid else None
            )
            for row in rows
            if row.stays
        ]
        return now, moved, [*left, *(bytes(row.id) for row in rows if not row.stays)]


def _head_of(connection: sa.Connection, scope: str) -> int:
    head: int | None = connection.execute(_head(), {"scope": scope}).scalar()
    return head or 0


@cache
def _head() -> sa.Select[Any]:
    return sa.select(SYSTEM.scope.c.head).where(SYSTEM.scope.c.id == sa.bindparam("scope"))


@cache
def _moved() -> sa.Select[Any]:
    ticket = ENTITY_TABLES[TICKET.number]
    stays = sa.and_(ticket.c.merged_into.is_(None), ticket.c.deleted == sa.false()).label("stays")
    session = SYSTEM.session
    waits = sa.and_(
        session.c.ticket_id == ticket.c.id, session.c.state == "invited", session.c.ends > sa.bindparam("now"),
        session.c.join_secret.is_not(None),
    )  # fmt: skip
    return (
        sa.select(ticket.c.id, ticket.c.team, ticket.c.seq, ticket.c.customer, stays, session.c.iid)
        .join_from(ticket, session, waits, isouter=True)
        .where(ticket.c.scope_id == sa.bindparam("scope"), ticket.c.seq > sa.bindparam("head"))
    )


@cache
def _left() -> sa.Select[Any]:
    gone = SYSTEM.scope_exit
    return sa.select(gone.c.id).where(
        gone.c.scope_id == sa.bindparam("scope"), gone.c.seq > sa.bindparam("head"), gone.c.type == TICKET.number
    )
