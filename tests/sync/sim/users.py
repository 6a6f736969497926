# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person at a computer does next: edits, replies, notes, new tickets, often on the same few tickets."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.domain.changes import (
    AnyChange,
    CustomerSet,
    MemberSet,
    MessageAdd,
    NoteAdd,
    TicketCreate,
    TicketDelete,
    TicketMove,
    TicketRestore,
    TicketSet,
)
from app.domain.entities import CUSTOMER, TICKET
from app.domain.errors import Refused
from app.domain.ports import Seen
from tests.sync.sim.client import Window
from tests.sync.sim.env import Killed, Person

if TYPE_CHECKING:
    from tests.sync.sim.world import World

_STATES = ("open", "waiting_customer", "waiting_internal", "solved", "held_for_incident")


class User:
    """One person."""

    def __init__(self, world: World, person: Person, rng: random.Random) -> None:
        self._world = world
        self._person = person
        self._rng = rng
        self._begun: tuple[AnyChange, Mapping[str, Seen] | None, str | None] | None = None
        self._count = 0

    def act(self, window: Window) -> None:
        """Begin something, or finish what was begun a while ago."""
        if self._begun is not None:
            (change, seen, token), self._begun = self._begun, None
        else:
            made = self._choose(window)
            if made is None:
                return
            change, token = made
            seen = self._seen(window, change)
            if self._rng.random() < 0.3:
                self._begun = (change, seen, token)  # the form stays open for a while
                return
        self._save(window, change, seen, token)

    def _save(self, window: Window, change: AnyChange, seen: Mapping[str, Seen] | None, token: str | None) -> None:
        try:
            mid = window.commit(change, seen)
        except Refused as refused:
            self._world.note(self._person.login, "may not", type(change).__name__, refused.code)
            return
        except Killed as killed:
            if killed.point == "after commit" and token is not None:
                self._world.tokens[token] = (self._person.login, 0, type(change).__name__)
            raise
        self._world.note(self._person.login, "saves", mid, type(change).__name__, token or "")
        if token is not None:
            self._world.tokens[token] = (self._person.login, mid, type(change).__name__)

    def _seen(self, window: Window, change: AnyChange) -> Mapping[str, Seen] | None:
        if isinstance(change, TicketSet):
            return window.seen(TICKET.number, change.ticket, tuple(change.fields))
        if isinstance(change, CustomerSet):
            return window.seen(CUSTOMER.number, change.customer, tuple(change.fields))
        return None

    def _token(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._person.login}-{self._count}."

    def _ticket(self, window: Window) -> tuple[Any, ...] | None:
        found = window.read(lambda s: s.select(TICKET.number, "id, msg_seq", "deleted = 0", order="id"))
        if not found:
            return None
        hot = found[:2] if self._rng.random() < 0.4 else found
        row: tuple[Any, ...] = self._rng.choice(hot)
        return row

    def _choose(self, window: Window) -> tuple[AnyChange, str | None] | None:
        world, rng = self._world, self._rng
        roll = rng.random()
        if roll < 0.1:
            token = self._token("subject")
            team = rng.choice(sorted(self._teams(window)))
            customer = rng.choice(world.env.customers)
            provisional = window.profile.commits.provisional()
            return TicketCreate(
                world.new_id(), world.new_id(), token, team, customer, world.new_id(), self._token("body"),
                provisional=provisional, from_customer=rng.random() < 0.7,
            ), token  # fmt: skip
        if roll < 0.17:
            token = self._token("name")
            return CustomerSet(world.new_id(), rng.choice(world.env.customers), {"preferred_name": token}), token
        ticket = self._ticket(window)
        if ticket is None:
            return None
        id_ = ticket[0]
        if roll < 0.21:
            return TicketMove(world.new_id(), id_, rng.choice(list(world.env.teams.values()))), None
        if roll < 0.225:
            return TicketDelete(world.new_id(), id_), None
        if roll < 0.235:
            gone = window.read(lambda s: s.select(TICKET.number, "id", "deleted = 1", order="id"))
            return TicketRestore(world.new_id(), gone[0][0] if gone else id_), None
        if roll < 0.36:
            token = self._token("reply")
            inbound = rng.random() < 0.15
            return MessageAdd(
                world.new_id(), world.new_id(), id_, token, self._seen_no(window, id_), inbound=inbound
            ), token
        if roll < 0.5:
            token = self._token("note")
            return NoteAdd(world.new_id(), world.new_id(), id_, token), token
        if roll < 0.62:
            member = rng.choice(world.env.people).account
            return MemberSet(world.new_id(), id_, rng.choice(("watcher", "tag")), member, rng.random() < 0.6), None
        return self._edit(id_)

    @staticmethod
    def _seen_no(window: Window, ticket: bytes) -> int:
        """The number of the newest message on screen, own unsent ones not counted."""
        found = window.read(lambda s: s.tx.one("SELECT msg_seq FROM main.ticket WHERE id = ?", (ticket,)))
        return int(found[0] or 0) if found else 0

    def _edit(self, id_: bytes) -> tuple[AnyChange, str | None]:
        world, rng = self._world, self._rng
        roll = rng.random()
        if roll < 0.45:
            token = self._token("subject")
            fields: dict[str, Any] = {"subject": token}
            if rng.random() < 0.3:
                fields["priority"] = rng.choice((1, 3, 4))
            return TicketSet(world.new_id(), id_, fields), token
        if roll < 0.65:
            return TicketSet(world.new_id(), id_, {"priority": rng.choice((1, 2, 3, 4))}), None
        if roll < 0.8:
            return TicketSet(world.new_id(), id_, {"state": world.env.states[rng.choice(_STATES)]}), None
        if roll < 0.9:
            return TicketSet(world.new_id(), id_, {"customer": rng.choice(world.env.customers)}), None
        return TicketSet(world.new_id(), id_, {"owner": rng.choice(world.env.people).account}), None

    def _teams(self, window: Window) -> list[bytes]:
        scopes = {s for (s,) in window.read(lambda s: s.tx.all("SELECT id FROM main.scope_state"))}
        mine = [t for t in self._world.env.teams.values() if f"team:{t.hex()}" in scopes]
        return mine or list(self._world.env.teams.values())
