# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person at a computer does next: edits, replies, notes, new tickets, often on the same few tickets."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.domain.changes import (
    AnyChange,
    ConflictResolve,
    CustomerSet,
    MemberSet,
    MessageAdd,
    NoteAdd,
    ReplyDiscard,
    ReplyRelease,
    TextEdit,
    TicketCreate,
    TicketDelete,
    TicketMerge,
    TicketMove,
    TicketRestore,
    TicketSet,
    TicketSplit,
    TicketUnmerge,
    TimeAdd,
)
from app.domain.entities import CONFLICT, CUSTOMER, MESSAGE, NOTE, ORGANISATION, TICKET
from app.domain.errors import Refused
from app.domain.ids import TicketId
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

    def forget(self) -> None:
        """The form that was open is gone."""
        self._begun = None

    def act(self, window: Window) -> None:
        """Begin something, or finish what was begun a while ago."""
        if self._world.asking and self._rng.random() < 0.06:
            self._clear_desk(window)
            return
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
        self._world.files.saved(window, self._person, getattr(change, "attachments", ()))

    def _seen(self, window: Window, change: AnyChange) -> Mapping[str, Seen] | None:
        if isinstance(change, TicketSet):
            return window.seen(TICKET.number, change.ticket, tuple(change.fields))
        if isinstance(change, CustomerSet):
            return window.seen(CUSTOMER.number, change.customer, tuple(change.fields))
        return None

    def _clear_desk(self, window: Window) -> None:
        """Give everything to one team."""
        team = self._rng.choice(list(self._world.env.teams.values()))
        for (id_,) in window.read(lambda s: s.select(TICKET.number, "id", "deleted = 0", order="id")):
            self._save(window, TicketMove(self._world.new_id(), id_, team), None, None)

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
        rng = self._rng
        if rng.random() < 0.7 and (settled := self._settle(window)) is not None:
            return settled
        roll = rng.random()
        if roll < 0.12:
            return self._create(window)
        if roll < 0.24:
            token = self._token("name")
            customer = rng.choice(self._world.env.customers)
            return CustomerSet(self._world.new_id(), customer, {"preferred_name": token}), token
        if roll < 0.27:
            return self._write_text(window)
        ticket = self._ticket(window)
        if ticket is None:
            return None
        id_ = ticket[0]
        if roll < 0.37:
            return self._rearrange(window, id_)
        if roll < 0.62:
            return self._write(window, id_)
        return self._edit(id_)

    def _create(self, window: Window) -> tuple[AnyChange, str | None]:
        world, rng = self._world, self._rng
        token = self._token("subject")
        return TicketCreate(
            world.new_id(), world.new_id(), token, rng.choice(sorted(self._teams(window))),
            rng.choice(world.env.customers), world.new_id(), self._token("body"),
            provisional=window.profile.commits.provisional(), from_customer=rng.random() < 0.7,
        ), token  # fmt: skip

    def _rearrange(self, window: Window, id_: bytes) -> tuple[AnyChange, str | None]:
        """Move, delete, restore, merge, split."""
        world, rng = self._world, self._rng
        roll = rng.random()
        if roll < 0.35:
            return TicketMove(world.new_id(), id_, rng.choice(list(world.env.teams.values()))), None
        if roll < 0.45:
            return TicketDelete(world.new_id(), id_), None
        if roll < 0.55:
            gone = window.read(lambda s: s.select(TICKET.number, "id", "deleted = 1", order="id"))
            return TicketRestore(world.new_id(), gone[0][0] if gone else id_), None
        if roll < 0.75:
            other = self._ticket(window)
            return TicketMerge(world.new_id(), id_, other[0] if other else id_), None
        if roll < 0.85:
            merged = window.read(lambda s: s.select(TICKET.number, "id", "merged_into IS NOT NULL", order="id"))
            return TicketUnmerge(world.new_id(), rng.choice(merged)[0] if merged else id_), None
        return self._split(window, id_)

    def _split(self, window: Window, id_: bytes) -> tuple[AnyChange, str | None]:
        world, token = self._world, self._token("subject")
        here = window.read(
            lambda s: [
                i for t in (MESSAGE, NOTE) for (i,) in s.select(t.number, "id", "ticket = ?", (id_,), order="id")
            ]
        )
        chosen = tuple(i for i in here if self._rng.random() < 0.5) or tuple(here[:1]) or (world.new_id(),)
        provisional = window.profile.commits.provisional()
        return TicketSplit(world.new_id(), id_, world.new_id(), chosen, token, provisional), token

    def _write(self, window: Window, id_: bytes) -> tuple[AnyChange, str | None]:
        """Write something that stays: a reply, a note, time, a member of a set."""
        world, rng = self._world, self._rng
        roll = rng.random()
        if roll < 0.42:
            token, inbound = self._token("reply"), rng.random() < 0.15
            seen, files = self._newest(window, id_), world.files.attach(window, self._person, token)
            (number, seen_id), args = seen, (world.new_id(), world.new_id(), id_, token)
            return MessageAdd(*args, number, inbound=inbound, attachments=files, seen_id=seen_id), token
        if roll < 0.68:
            token = self._token("note")
            files = world.files.attach(window, self._person, token)
            return NoteAdd(world.new_id(), world.new_id(), id_, token, attachments=files), token
        if roll < 0.8:
            token = self._token("time")
            return TimeAdd(world.new_id(), world.new_id(), id_, rng.randint(1, 90), token), token
        member = rng.choice(world.env.people).account
        return MemberSet(world.new_id(), id_, rng.choice(("watcher", "tag")), member, rng.random() < 0.6), None

    def _write_text(self, window: Window) -> tuple[AnyChange, str | None] | None:
        """Change a paragraph of a long text, or add one."""
        world, rng = self._world, self._rng
        found = window.read(lambda s: s.select(ORGANISATION.number, "id, note", "deleted = 0", order="id"))
        if not found:
            return None
        id_, text = found[0]
        token, parts = self._token("text"), str(text).strip().split("\n\n")
        place = rng.randrange(len(parts) + 1)
        if rng.random() < 0.5 and place < len(parts):
            parts[place] = token
        else:
            parts.insert(place, token)
        base = str(text) if rng.random() < 0.3 else None
        return TextEdit(world.new_id(), ORGANISATION.number, id_, "note", "\n\n".join(parts) + "\n", base), token

    # --- what waits for this person -----------------------------------------------------------------------------------

    def _settle(self, window: Window) -> tuple[AnyChange, str | None] | None:
        """Decide about something in the tray, or take such a decision back."""
        world, rng = self._world, self._rng
        rows = window.read(
            lambda s: s.select(CONFLICT.number, "id, kind, status, subject, field", "deleted = 0", order="id")
        )
        rows = [r for r in rows if r[2] != "closed" or rng.random() < 0.2]
        if not rows:
            return None
        id_, kind, status, subject, name = rng.choice(rows)
        roll = rng.random()
        if status == "closed":
            return ConflictResolve(world.new_id(), id_, "reopen"), None
        if kind == "stale_reply" and roll < 0.8:
            if roll < 0.2:
                return ReplyDiscard(world.new_id(), id_), None
            token = self._token("reply") if roll < 0.4 else None
            number, seen_id = self._newest(window, subject)
            return ReplyRelease(world.new_id(), id_, number, token, seen_id), token
        if kind == "field" and name == "subject" and roll < 0.3:
            token = self._token("subject")
            return ConflictResolve(world.new_id(), id_, "edited", token), token
        return ConflictResolve(world.new_id(), id_, "mine" if roll < 0.65 else "theirs"), None

    @staticmethod
    def _newest(window: Window, ticket: bytes) -> tuple[int, bytes | None]:
        """Number and id of the newest message on screen, own unsent ones not counted."""
        details = window.profile.queries.details(TicketId(ticket))
        return (details.seen_seq, details.seen_id) if details is not None else (0, None)

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
