# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows in memory, to try the rules of changes without a database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.domain import changes as c
from app.domain.entities import HISTORY, STATE, TEAM, TICKET, Category, Value
from app.domain.errors import Refused
from app.domain.executor import Outcome, Texts, execute
from app.domain.holds import Held, held
from app.domain.ids import hlc_of, uuid7
from sync.conflicts import decide
from sync.textmerge import merge_texts

TEAM_ID = b"t" * 16
SOUTH_ID = b"u" * 16
AGENT = b"a" * 16
TICKET_ID = b"k" * 16
CUSTOMER_ID = b"c" * 16
STATES = {category: category.value.encode().ljust(16, b"-")[:16] for category in Category}


class MemoryRows:
    """Rows in a dictionary; stands in for a database."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, bytes], c.Row] = {}
        for category, id_ in STATES.items():
            self.put(c.Row(STATE.number, id_, "ref", {"category": category.value}))
        for team in (TEAM_ID, SOUTH_ID):
            self.put(c.Row(TEAM.number, team, "ref", {}))

    def put(self, row: c.Row) -> None:
        self.rows[(row.type, row.id)] = row

    def get(self, type_: int, id_: bytes) -> c.Row | None:
        return self.rows.get((type_, id_))

    def first(self, type_: int, column: str, value: Value) -> c.Row | None:
        found = [r for r in self.rows.values() if r.type == type_ and r.values.get(column) == value and not r.deleted]
        return min(found, key=lambda r: r.id, default=None)

    def find(self, type_: int, column: str, value: Value, *, deleted: bool = False) -> list[c.Row]:
        found = [row for (kind, _), row in sorted(self.rows.items()) if kind == type_]
        return [r for r in found if r.values.get(column) == value and (deleted or not r.deleted)]

    def run(self, change: c.AnyChange, base: dict[str, tuple[int, int]] | None = None, **ctx: Any) -> Outcome:
        """Run a change as the server does, but for what it holds."""
        outcome = execute(change, base or {}, self, replace(context(), **ctx), decide, Texts(merge_texts))
        for row in outcome.puts.values():
            self.put(row)
        return outcome

    def held(self, change: c.AnyChange, base: dict[str, tuple[int, int]] | None = None, **ctx: Any) -> Held | None:
        """Say what the server would hold."""
        return held(change, base or {}, self, replace(context(), **ctx))

    def refusal(self, change: c.AnyChange, **ctx: Any) -> str | None:
        """Run a change that a rule forbids and return its code."""
        try:
            self.run(change, **ctx)
        except Refused as refused:
            return refused.code
        return None

    def row(self, type_: int, id_: bytes) -> c.Row:
        """A row that must be there."""
        return self.rows[(type_, id_)]

    def ticket(self, id_: bytes = TICKET_ID) -> c.Row:
        """A ticket that must be there."""
        return self.rows[(TICKET.number, id_)]

    def lines(self, subject: bytes | None = None) -> list[str]:
        """Kinds of the history lines."""
        found = (r for r in self.rows.values() if r.type == HISTORY.number)
        return [str(r.values["kind"]) for r in found if subject in (None, r.values["subject"])]

    def home(self, ticket: bytes) -> set[str]:
        """The scopes in which the ticket and all that hangs on it stand."""
        return {self.ticket(ticket).scope, *(r.scope for r in c.children(self, ticket, deleted=True))}


def context() -> c.Context:
    actor = c.Actor("user", AGENT)
    return c.Context(actor, acted_ms=1000, now_ms=2000, hlc=hlc_of(1000), device="K7", mid=1, on_server=True)


def event(n: int) -> bytes:
    return uuid7(n, bytes(10))


def new_ticket(rows: MemoryRows, id_: bytes = TICKET_ID, n: int = 1, **changes: Any) -> bytes:
    """A ticket of the customer with one message."""
    fields = {"subject": "프린터가 멈춰요", "team": TEAM_ID, "customer": CUSTOMER_ID, "body": "두 장 뒤에 멈춥니다."}
    first = uuid7(5000 + n, id_[:10])
    rows.run(c.TicketCreate(event=event(n), ticket=id_, message=first, **(fields | changes)), device="C1", mid=1)
    return first
