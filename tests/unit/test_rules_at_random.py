# SPDX-License-Identifier: GPL-3.0-or-later
"""Any order of moves, merges, splits, deletions and writing by two devices keeps the promises of the rules."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import changes as c
from app.domain.entities import CONFLICT, MEMBERSHIP, MESSAGE, NOTE, TICKET, TIME_ENTRY, Value, user_scope
from app.domain.errors import Refused
from app.domain.executor import canonical_json
from app.domain.holds import was_carried_out
from app.domain.ids import hlc_of, uuid7
from tests.fakes.rows import AGENT, SOUTH_ID, STATES, TEAM_ID, MemoryRows, new_ticket

STEPS = 60


class World:
    """A few tickets and two devices that change them, each now and then on an old view."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.rows = MemoryRows()
        self.n = 1000
        self.texts: set[str] = set()
        self.done: list[tuple[c.AnyChange, dict[str, tuple[int, int]]]] = []
        self.mids = {"K7": 0, "Z9": 0}
        self.tickets = [bytes([n]) * 16 for n in range(1, 5)]
        for n, id_ in enumerate(self.tickets, 1):
            new_ticket(self.rows, id_, n, body=self.text())

    def text(self) -> str:
        self.n += 1
        self.texts.add(f"text {self.n}")
        return f"text {self.n}"

    def fresh(self) -> bytes:
        self.n += 1
        return uuid7(self.n, bytes(10))

    def newest(self, ticket: bytes) -> int:
        """Number of the newest message."""
        row = self.rows.get(TICKET.number, ticket)
        return int(str(row.values["msg_seq"])) if row is not None else 0

    def change(self) -> c.AnyChange:
        """Something a person might do now."""
        rng, ticket = self.rng, self.rng.choice(self.tickets)
        other, event = rng.choice(self.tickets), self.fresh()
        pick = rng.randrange(12)
        if pick <= 2:
            seen = rng.choice([0, self.newest(ticket)])
            return c.MessageAdd(event, self.fresh(), ticket, self.text(), seen, inbound=rng.random() < 0.4)
        if pick == 3:
            return c.NoteAdd(event, self.fresh(), ticket, self.text())
        if pick == 4:
            return c.TimeAdd(event, self.fresh(), ticket, 5, self.text())
        if pick == 5:
            return c.MemberSet(event, ticket, "tag", other, present=rng.random() < 0.6)
        if pick == 6:
            return c.TicketMove(event, ticket, rng.choice([TEAM_ID, SOUTH_ID]))
        if pick == 7:
            return c.TicketDelete(event, ticket) if rng.random() < 0.5 else c.TicketRestore(event, ticket)
        if pick in (8, 9):
            return c.TicketMerge(event, ticket, other) if pick == 8 else c.TicketUnmerge(event, ticket)
        if pick == 10:
            return self.split(event, ticket)
        return self.settle(event) or c.TicketSet(event, ticket, {"priority": rng.randint(1, 4)})

    def split(self, event: bytes, ticket: bytes) -> c.TicketSplit:
        rows = self.rows.find(MESSAGE.number, "ticket", ticket)
        chosen = tuple(r.id for r in rows if self.rng.random() < 0.5)[:3] or (self.fresh(),)
        new = self.fresh()
        self.tickets.append(new)
        return c.TicketSplit(event, ticket, new, chosen, "split")

    def settle(self, event: bytes) -> c.AnyChange | None:
        waiting = self.rows.find(CONFLICT.number, "status", "open")
        if not waiting:
            return None
        row = self.rng.choice(waiting)
        if row.values["kind"] == "stale_reply":
            return c.ReplyRelease(event, row.id, 99)
        return c.ConflictResolve(event, row.id, "mine")

    def step(self) -> None:
        """Do something new, or send something again under another device."""
        if self.done and self.rng.random() < 0.1:
            change, base = self.rng.choice(self.done)
        else:
            change = self.change()
            touched = c.touched_fields(change, self.rows)
            row = self.rows.get(touched[0], touched[1]) if touched else None
            names = touched[2] if touched else ()
            base = {n: (row.rev if n == c.WHOLE_ROW else row.stamp(n).rev, 0) for n in names} if row else {}
            self.done.append((change, base))
        self.apply(change, base)

    def apply(self, change: c.AnyChange, base: dict[str, tuple[int, int]]) -> None:
        device = self.rng.choice(list(self.mids))
        self.mids[device] += 1
        ctx = {"device": device, "mid": self.mids[device], "hlc": hlc_of(self.n)}
        try:
            held = self.rows.held(change, base, **ctx)
            if held is not None and held.kind == "deleted" and was_carried_out(change, self.rows):
                return
            if held is None:
                self.rows.run(change, base, **ctx)
            elif held.conflict is None:
                self.hold(change, c.dump_change(held.change), held.kind, held.ticket)
        except Refused:
            self.texts -= {str(getattr(change, name, "")) for name in ("body", "note")}  # its device keeps it

    def hold(self, change: c.AnyChange, mine: str, kind: str, ticket: bytes) -> None:
        id_ = change.event
        if self.rows.get(CONFLICT.number, id_) is None:
            values: dict[str, Value] = {
                "subject_type": 1, "subject": ticket, "kind": kind, "mine": mine, "status": "open",
                "created_by": AGENT, "theirs": canonical_json({}), "field": None,
            }  # fmt: skip
            self.rows.put(c.Row(CONFLICT.number, id_, user_scope(AGENT), values))

    def check(self) -> None:
        """What must hold after every step."""
        tickets = {r.id: r for r in self.rows.rows.values() if r.type == TICKET.number}
        column = {MESSAGE.number: "body", NOTE.number: "body", TIME_ENTRY.number: "note"}
        kept = [str(r.values[column[r.type]]) for r in self.rows.rows.values() if r.type in column]
        assert len(kept) == len(set(kept)), "something stands twice"
        held = " ".join(str(r.values["mine"]) for r in self.rows.rows.values() if r.type == CONFLICT.number)
        assert not {t for t in self.texts if t not in kept and f'"{t}"' not in held}, "something is lost"
        for id_, ticket in tickets.items():
            self.check_ticket(id_, ticket, tickets)

    def check_ticket(self, id_: bytes, ticket: c.Row, tickets: dict[bytes, c.Row]) -> None:
        below = c.children(self.rows, id_, deleted=True)
        assert {row.scope for row in below} <= {ticket.scope}, "a child stands in another scope"
        assert {row.deleted for row in below} <= {ticket.deleted}, "a child without its ticket"
        numbers = [int(str(r.values["msg_no"])) for r in below if r.type == MESSAGE.number]
        assert len(numbers) == len(set(numbers))
        assert max(numbers, default=0) <= int(str(ticket.values["msg_seq"]))
        target = ticket.values["merged_into"]
        if isinstance(target, bytes):
            assert tickets[target].values["merged_into"] is None, "merged tickets point one hop"
            assert ticket.values["state"] == STATES[c.category_of(self.rows, ticket.values["state"])]
            assert not [r for r in below if r.type in (MESSAGE.number, NOTE.number)], "left behind by a merge"
        members = [r.id for r in below if r.type == MEMBERSHIP.number]
        assert len(members) == len(set(members))


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_nothing_is_lost_doubled_or_orphaned_in_any_order(seed: int) -> None:
    """Every text typed stands once: on a ticket, or held for its author."""
    world = World(seed)
    for _ in range(STEPS):
        world.step()
        world.check()


@pytest.mark.slow
def test_two_thousand_orders() -> None:
    """The same, longer."""
    for seed in range(2_000):
        world = World(seed)
        for _ in range(STEPS):
            world.step()
        world.check()
