# SPDX-License-Identifier: GPL-3.0-or-later
"""The live channel: pokes after commits, presence, invitations, and signalling between the members of a session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from sys import intern

import sqlalchemy as sa

from app.domain.entities import BY_NUMBER
from sync.protocol import (
    SIG_MAX_BYTES,
    Invite,
    LiveUp,
    Ping,
    Poke,
    Pong,
    Presence,
    Rehello,
    SessionEnded,
    Sig,
    SigNack,
    encode,
)
from sync.server.access import load_device, scopes_of
from sync.server.attendance import Attendance
from sync.server.audience import Audience
from sync.server.bus import Bus, LocalBus
from sync.server.jobs import Jobs
from sync.server.member import REPLACED, Member
from sync.server.problems import ProblemError
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.session_keys import key_in_join, take_key
from sync.server.sessions import ServerEnd, SessionMembers, ended_of, session_members
from sync.server.store import DatabaseBusy, Store
from sync.server.tokens import AGENT, COMPANION, SESSION, Grant, TokenSigner

__all__ = ["Hub"]

_SIG_A_SECOND = 50
_SIG_BYTES_A_SESSION = 4 << 20
_MEMBERS_KEPT_MS = 2000
_PRESENCE_STATES = frozenset({"reading", "writing", "gone"})
_PONG = encode(Pong())
_LOOK = encode(Poke(heads={}))
_SCOPE = SYSTEM.scope
_TOTAL = sa.select(sa.func.count().label("scopes"), sa.func.sum(_SCOPE.c.head).label("heads"))
_ALL_HEADS = sa.select(_SCOPE.c.id, _SCOPE.c.head)
_HEADS = _ALL_HEADS.where(_SCOPE.c.id.in_(sa.bindparam("scopes", expanding=True)))


@dataclass(slots=True)
class _Relay:
    """What the hub remembers of a session while signals pass: its members for a moment, and the traffic."""

    members: SessionMembers | None
    read_at: int
    bytes_used: int = 0
    second: dict[str, tuple[int, int]] = field(default_factory=dict)

    def take(self, role: str, size: int, now: int) -> bool:
        """Count one message of one end; False when a limit is reached."""
        start, count = self.second.get(role, (now, 0))
        if now - start >= 1000:
            start, count = now, 0
        if count >= _SIG_A_SECOND or self.bytes_used + size > _SIG_BYTES_A_SESSION:
            return False
        self.second[role] = (start, count + 1)
        self.bytes_used += size
        return True


class Hub:
    """All live sockets of this process. Methods on the event loop; the database is read in threads."""

    def __init__(
        self,
        store: Store,
        signer: TokenSigner,
        jobs: Jobs,
        clock: Callable[[], int],
        bus: Bus | None = None,
        waiting: Callable[[Grant], list[Invite | SessionEnded]] | None = None,
    ) -> None:
        """`waiting` reads what a customer's end must hear: invitations without an answer, ends of sessions."""
        self._store = store
        self._signer = signer
        self._jobs = jobs
        self._clock = clock
        self._bus: Bus = bus or LocalBus()
        self._waiting = waiting
        self._audience = Audience(self._bus)
        self._attendance = Attendance(self._bus, self._agents_scopes)
        self._members: dict[bytes, Member] = {}
        self._listeners: set[Member] = set()
        self._relays: dict[bytes, _Relay] = {}
        self._catching_up: set[asyncio.Task[None]] = set()
        self._looked: tuple[int, int] | None = None

    def start(self) -> None:
        """Begin to listen to other processes. Call on the event loop."""
        self._bus.start(self._broker_returned)
        self._attendance.start()

    async def stop(self) -> None:
        """Say goodbye to all and leave the bus."""
        self.close()
        await self._bus.stop()

    @property
    def broker(self) -> str:
        """`none` without one, else `ok` or `away`."""
        return self._bus.state

    def changed(self, heads: dict[str, int]) -> None:
        """Tell everybody with access that scopes moved. Call after the commit."""
        self._audience.publish(heads)

    async def invite(self, customer: bytes, invite: Invite) -> bool:
        """Hand an invitation to the customer's companions that are online; False if there is none."""
        return await self._bus.deliver([f"cust.{customer.hex()}"], encode(invite))

    async def look(self) -> None:
        """Poke for what nobody told of: whoever committed it was killed, or the broker was away. Raises DatabaseBusy.

        Costs nothing without sockets, and one sum while nothing changes.
        """
        self._attendance.say()
        if self._audience.is_empty:
            return
        before = self._audience.told()
        total, heads = await self._jobs.read(self._moved)
        self._audience.catch_up(heads, before)
        self._looked = total

    async def catch_up(self, member: Member) -> None:
        """Hand a socket what it missed while it was away: how far its scopes are, or a customer's invitations."""
        if member.scopes:
            self._audience.greet(member, await self._jobs.read(lambda: self._heads(member.scopes)))
        if member.grant.kind != AGENT and self._waiting is not None:
            waiting = self._waiting
            for message in await self._jobs.read(lambda: waiting(member.grant)):
                member.send(message)

    @property
    def has_companions(self) -> bool:
        """Tell whether a Companion is at this process."""
        return any(each.grant.kind == COMPANION for each in self._members.values())

    def customers(self) -> set[bytes]:
        """Return the customers with a Companion at this process."""
        return {each.grant.subject for each in self._members.values() if each.grant.kind == COMPANION}

    def tell_customers(self, customers: set[bytes]) -> None:
        """Let their Companions at this process look: something of their own requests moved."""
        for member in list(self._members.values()) if customers else ():
            if member.grant.kind == COMPANION and member.grant.subject in customers:
                member.poke("", _LOOK)

    def session_over(self, sid: bytes, members: SessionMembers, reason: str) -> None:
        """Tell both ends that the server closed a session, and forget its relay."""
        self._relays.pop(sid, None)
        payload = encode(SessionEnded(session=sid, reason=reason))
        for subject in (_agent_subject(members), *_customer_subjects(sid, members)):
            self._bus.publish(subject, payload)

    async def tell_ended(self, device: bytes) -> None:
        """Tell sockets of this process which sessions of an agent's device the server ended. Raises DatabaseBusy."""
        for sid, members, reason in await self._jobs.read(lambda: self._ended(device)):
            self._relays.pop(sid, None)
            for key in self._ends_here(sid, members):
                member = self._members.get(key)
                if member is not None and _role(member.grant, sid, members) is not None:
                    member.send(SessionEnded(session=sid, reason=reason))

    def check(self, token: str) -> Grant | None:
        """Return what a token grants now."""
        return self._signer.check(self._clock(), token)

    async def join(self, grant: Grant) -> Member:
        """Take in an authenticated socket. A second one of the same device replaces the first. Raises ProblemError."""
        scopes = await self._jobs.read(lambda: self._scopes(grant))
        member = Member(grant, scopes, self.leave)
        before = self._members.get(grant.device)
        if before is not None:
            before.close("replaced")
            self.leave(before)
        self._members[grant.device] = member
        for subject in _subjects(grant):
            if subject.startswith("dev."):
                self._bus.publish(subject, REPLACED)
            self._bus.subscribe(subject, member.receive)
        self._audience.add(member)
        await self._bus.settled()
        return member

    def leave(self, member: Member) -> None:
        """Forget a socket. Idempotent."""
        self._audience.remove(member)
        for subject in _subjects(member.grant):
            self._bus.unsubscribe(subject, member.receive)
        if self._members.get(member.grant.device) is member:
            del self._members[member.grant.device]

    async def access_changed(self, device: bytes) -> None:
        """Let a device of this process listen to the scopes it has now, and say hello again."""
        member = self._members.get(device)
        if member is None:
            return
        try:
            scopes = await self._jobs.read(lambda: self._scopes(member.grant))
        except ProblemError:
            self.dismiss(device)
            return
        self._audience.remove(member)
        if self._members.get(device) is member:
            member.scopes = scopes
            self._audience.add(member)
            member.send(Rehello())

    def dismiss(self, device: bytes) -> None:
        """End the socket of a device of this process: when it comes back it learns its state."""
        member = self._members.get(device)
        if member is not None:
            member.close("token")
            self.leave(member)

    def someone_on(self, scope: str) -> bool | None:
        """Tell whether an agent who sees this scope is online at any process; None while that is not known."""
        if any(each.grant.kind == AGENT and scope in each.scopes for each in self._members.values()):
            return True
        return self._attendance.elsewhere(scope)

    def _agents_scopes(self) -> set[str]:
        groups = {each.scopes for each in self._members.values() if each.grant.kind == AGENT}
        return {scope for scopes in groups for scope in scopes}

    def stirred(self, ticket: bytes) -> None:
        """Tell open pages of a ticket, in all processes, to look: what moved is not in the ticket's own row."""
        self._bus.publish(f"page.{ticket.hex()}", b"")

    def hear(self, ticket: bytes, receiver: Callable[[bytes], None]) -> None:
        """Call `receiver` for that."""
        self._bus.subscribe(f"page.{ticket.hex()}", receiver)

    def unhear(self, ticket: bytes, receiver: Callable[[bytes], None]) -> None:
        """Stop that."""
        self._bus.unsubscribe(f"page.{ticket.hex()}", receiver)

    def listen(self, member: Member) -> None:
        """Let somebody without an account hear that the member's scope moves; never what is in it."""
        self._listeners.add(member)
        self._audience.add(member)

    def unlisten(self, member: Member) -> None:
        """End that. Idempotent."""
        if member in self._listeners:
            self._listeners.discard(member)
            self._audience.remove(member)

    @property
    def listeners(self) -> int:
        """Return how many listen without an account."""
        return len(self._listeners)

    def close(self) -> None:
        """Say goodbye to all: the server stops."""
        for member in list(self._listeners):
            member.close("restart", 2000)
            self.unlisten(member)
        for member in list(self._members.values()):
            member.close("restart", 2000)
            self.leave(member)

    def pong(self, member: Member) -> None:
        """Answer a ping."""
        member.send_raw(_PONG)

    async def received(self, member: Member, message: LiveUp) -> None:
        """Handle one message of a socket (all but `auth`, which the adapter handles)."""
        if isinstance(message, Ping):
            self.pong(member)
        elif isinstance(message, Sig):
            await self._relay(member, message)
        elif isinstance(message, Presence):
            await self._presence(member, message)

    def _broker_returned(self) -> None:
        """What other processes said meanwhile is lost: look at once, and hand out invitations again."""
        self._attendance.returned()
        task = asyncio.ensure_future(self._repeat())
        self._catching_up.add(task)
        task.add_done_callback(self._catching_up.discard)

    async def _repeat(self) -> None:
        with suppress(DatabaseBusy):  # the next look does it; an invitation is seen at the next connection
            await self.look()
            for member in list(self._members.values()):
                if member.grant.kind == COMPANION:
                    await self.catch_up(member)

    def _moved(self) -> tuple[tuple[int, int], dict[str, int]]:
        """Return what tells whether anything changed, and the heads of all scopes if it did."""
        with self._store.read() as connection:
            total = self._total(connection)
            return total, self._all_heads(connection) if total != self._looked else {}

    def _total(self, connection: sa.Connection) -> tuple[int, int]:
        row = connection.execute(_TOTAL).one()
        return int(row.scopes), int(row.heads or 0)

    def _all_heads(self, connection: sa.Connection) -> dict[str, int]:
        return {scope: head for scope, head in connection.execute(_ALL_HEADS)}  # noqa: C416 - rows are no tuples

    def _heads(self, scopes: frozenset[str]) -> dict[str, int]:
        with self._store.read() as connection:
            rows = connection.execute(_HEADS, {"scopes": list(scopes)})
            return {row.id: row.head for row in rows}

    def _scopes(self, grant: Grant) -> frozenset[str]:
        with self._store.read() as connection:
            if grant.kind != AGENT:
                return frozenset()
            load_device(connection, grant.device, grant.subject)
            return frozenset(intern(scope) for scope in scopes_of(connection, grant.subject))

    async def _presence(self, member: Member, message: Presence) -> None:
        known = message.type in BY_NUMBER and len(message.id) == 16 and message.state in _PRESENCE_STATES
        if member.grant.kind != AGENT or not known or not member.take_presence(self._clock()):
            return
        scope = await self._jobs.read(lambda: self._scope_of(message.type, message.id))
        if scope in member.scopes:
            out = Presence(type=message.type, id=message.id, state=message.state, who=member.grant.subject)
            self._bus.publish(f"presence.{scope}", encode(out))

    def _scope_of(self, type_: int, id_: bytes) -> str | None:
        table = ENTITY_TABLES[type_]
        with self._store.read() as connection:
            scope: str | None = connection.execute(sa.select(table.c.scope_id).where(table.c.id == id_)).scalar()
            return scope

    async def _relay(self, member: Member, message: Sig) -> None:
        code = await self._try_relay(member, message)
        if code is not None:
            member.send(SigNack(session=message.session, code=code, n=message.n))

    async def _try_relay(self, member: Member, message: Sig) -> str | None:
        """Deliver a signal or return why not."""
        if len(message.data) > SIG_MAX_BYTES:
            return "too_large"
        relay = await self._relay_of(message.session)
        role = _role(member.grant, message.session, relay.members)
        if relay.members is None or role is None or message.to not in ("agent", "customer") or message.to == role:
            return "not_member"
        if not relay.take(role, len(message.data), self._clock()):
            return "rate"
        if role == "customer" and not await self._answers(member.grant, message, relay, relay.members):
            return "not_member"
        payload = encode(message)
        if message.to == "agent":
            subjects = [_agent_subject(relay.members)]
        else:
            subjects = _customer_subjects(message.session, relay.members)
        return None if await self._bus.deliver(subjects, payload) else "absent"

    async def _relay_of(self, sid: bytes) -> _Relay:
        now = self._clock()
        relay = self._relays.get(sid)
        if relay is None or now - relay.read_at > _MEMBERS_KEPT_MS:
            members = await self._jobs.read(lambda: self._read_members(sid, now))
            relay = self._relays.get(sid)
            if relay is None:
                relay = _Relay(members, now)
                if members is None:
                    return relay  # nothing is kept for sessions that do not exist
                self._relays[sid] = relay
            relay.members, relay.read_at = members, now
            if members is None:
                self._relays.pop(sid, None)
        return relay

    def _read_members(self, sid: bytes, now: int) -> SessionMembers | None:
        with self._store.read() as connection:
            return session_members(connection, sid, now)

    def _ended(self, device: bytes) -> list[ServerEnd]:
        with self._store.read() as connection:
            return ended_of(connection, self._clock(), device)

    def _ends_here(self, sid: bytes, members: SessionMembers) -> list[bytes]:
        """Return the keys of sockets that may be of a session: any companion of the customer until one answered."""
        if members.companion is not None:
            return [members.agent_device, sid, members.companion]
        own = [key for key, member in self._members.items() if member.grant.subject == members.customer]
        return [members.agent_device, *own]

    async def _answers(self, grant: Grant, message: Sig, relay: _Relay, members: SessionMembers) -> bool:
        """The first of the customer's ends that answers is the one that the session is with, and gives it its key."""
        companion = grant.device if grant.kind == COMPANION and members.companion is None else None
        key, now, sid = key_in_join(message.data), self._clock(), message.session
        if companion is None and key is None:
            return True
        taken = await self._jobs.write(lambda: self._store.write(lambda cx: take_key(cx, sid, key, companion)))
        relay.members = await self._jobs.read(lambda: self._read_members(sid, now))
        return taken


def _subjects(grant: Grant) -> list[str]:
    if grant.kind == SESSION:
        return [f"ses.{grant.device.hex()}.{grant.subject.hex()}"]
    own = [f"dev.{grant.device.hex()}"]
    return [*own, f"cust.{grant.subject.hex()}"] if grant.kind == COMPANION else own


def _agent_subject(members: SessionMembers) -> str:
    return f"dev.{members.agent_device.hex()}"


def _customer_subjects(sid: bytes, members: SessionMembers) -> list[str]:
    """The companion's own socket or one opened with the session's token; unbound, any companion of the customer."""
    end = members.companion or members.customer
    own = f"cust.{end.hex()}" if members.companion is None else f"dev.{end.hex()}"
    return [own, f"ses.{sid.hex()}.{end.hex()}"]


def _role(grant: Grant, sid: bytes, members: SessionMembers | None) -> str | None:
    if members is None:
        return None
    if grant.kind == AGENT and grant.device == members.agent_device:
        return "agent"
    if grant.kind == SESSION and grant.device == sid and grant.subject == (members.companion or members.customer):
        return "customer"
    if grant.kind != COMPANION:
        return None
    # one that has answered stays in it when its customer is merged: its token names the one it was enrolled for
    own = grant.subject == members.customer if members.companion is None else grant.device == members.companion
    return "customer" if own else None
