# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the parts together: one data set of a size, a seed and a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from app.domain.entities import team_scope
from app.services.sample_data.arrivals import Arrivals, arrivals
from app.services.sample_data.people import Customer, Organisation, People
from app.services.sample_data.phrases import PROBLEMS_PER_AREA, Grammar, load_grammar
from app.services.sample_data.plan import Fixed, Plan, make_plan
from app.services.sample_data.reference import Account, Reference
from app.services.sample_data.rows import DAY_MS, HOUR_MS, SampleRow
from app.services.sample_data.sizes import SIZES, Size
from app.services.sample_data.tickets import FixedTopic, Tickets

DEFAULT_SEED = 20260101
DEFAULT_AS_OF_MS = int(dt.datetime(2026, 3, 31, 9, 0, tzinfo=dt.UTC).timestamp()) * 1000  # 18:00 in Seoul

_PERSONA_AREAS = ("accounting", "printer", "router")
# where in the data set the demo customer's tickets lie (None: the newest that leaves room), asset, problem, shape
_STORY: tuple[tuple[float | None, FixedTopic, Fixed], ...] = (
    (0.22, FixedTopic(1, 0), Fixed("mail", (0, 47, 180, 221, 262), 5, solved=True)),
    (0.55, FixedTopic(2, 0), Fixed("chat", (0, 4, 9, 16, 31), 5, solved=True)),
    (0.86, FixedTopic(0, 3), Fixed("mail", (0, 95, 240, 283), 4, solved=True)),
    (None, FixedTopic(0, 0), Fixed("companion", (0, 38, 71), 4, solved=False)),
)


@dataclass(frozen=True, slots=True)
class Persona:
    """The customer of the demo and the ticket that the screen is shared from; `team` is the ticket's."""

    customer: bytes
    ticket: bytes
    ticket_number: int
    team: bytes
    owner: bytes
    name: str
    mail: str
    assets: tuple[bytes, ...]
    earlier_tickets: tuple[bytes, ...]

    @property
    def scope_id(self) -> str:
        """Sync scope of the ticket."""
        return team_scope(self.team)


class SampleSet:
    """One data set. The same size, seed and moment always give the same rows."""

    def __init__(self, size: str = "demo", seed: int = DEFAULT_SEED, as_of_ms: int = DEFAULT_AS_OF_MS) -> None:
        self.size: Size = SIZES[size]
        self.seed = seed
        self.as_of_ms = as_of_ms
        self._start_ms = as_of_ms - (self.size.days + 1) * DAY_MS
        self.reference = Reference(seed, self._start_ms - 800 * DAY_MS, as_of_ms, self.size.agents, self.size.teams)

    @property
    def accounts(self) -> list[Account]:
        """Users who can be given a password; the first is in every team."""
        return self.reference.accounts

    @cached_property
    def _grammar(self) -> Grammar:
        return load_grammar()

    @cached_property
    def _arrivals(self) -> Arrivals:
        return arrivals(self.size, self.seed, self.as_of_ms, len(self._grammar.areas), PROBLEMS_PER_AREA)

    @cached_property
    def _story(self) -> dict[int, tuple[FixedTopic, Fixed]]:
        """The demo customer's tickets by index."""
        found: dict[int, tuple[FixedTopic, Fixed]] = {}
        for share, topic, shape in _STORY:
            found[self._place(share)] = (topic, shape)
        return found

    def _place(self, share: float | None) -> int:
        last = self.size.tickets - 1
        if share is None:
            at = last
            while self._arrivals.opened_ms[at] > self.as_of_ms - 4 * HOUR_MS:
                at -= 1
        else:
            at = int(share * last)
        while self._arrivals.surge[at]:
            at -= 1
        return at

    @cached_property
    def plan(self) -> Plan:
        """How long every conversation is; made at first use."""
        fixed = {index: shape for index, (_, shape) in self._story.items()}
        return make_plan(self.size, self.seed, self.as_of_ms, self._arrivals, fixed)

    def _people(self) -> People:
        keys = {area.key: i for i, area in enumerate(self._grammar.areas)}
        areas = tuple(keys[key] for key in _PERSONA_AREAS)
        return People(self._grammar, self.seed, self.as_of_ms, self._start_ms, areas)

    def _tickets(self, customers: list[Customer]) -> Tickets:
        topics = {index: topic for index, (topic, _) in self._story.items()}
        return Tickets(self._grammar, self.plan, self.reference, customers, topics)

    def rows(self) -> Iterator[SampleRow]:
        """Yield all rows, parents before children, tickets in order of number."""
        yield from self.reference.rows()
        people = self._people()
        organisations: list[Organisation] = []
        for index in range(self.size.organisations):
            organisation, row = people.organisation(index)
            organisations.append(organisation)
            yield row
        customers: list[Customer] = []
        for index in range(self.size.customers):
            customer, rows = people.customer(index, organisations)
            customers.append(customer)
            yield from rows
        yield from self._tickets(customers).rows()

    def persona(self) -> Persona:
        """Return the demo's customer: Korean, three covered products, an open ticket of the first agent from today."""
        people = self._people()
        customer, _ = people.customer(0, [people.organisation(i)[0] for i in range(self.size.organisations)])
        tickets = self._tickets([customer])
        *earlier, newest = sorted(self._story)
        area = tickets.core(newest).area
        return Persona(
            customer.id, tickets.ticket_id(newest), newest + 1, tickets.team_of(area, customer), self.accounts[0].id,
            customer.name, customer.mails[0], tuple(a.id for a in customer.assets),
            tuple(tickets.ticket_id(i) for i in earlier),
        )  # fmt: skip


def generate(size: str, seed: int = DEFAULT_SEED, as_of_ms: int = DEFAULT_AS_OF_MS) -> Iterator[SampleRow]:
    """Yield the rows of a data set, parents before children. Raises KeyError for an unknown size."""
    return SampleSet(size, seed, as_of_ms).rows()


def demo_persona(size: str = "demo", seed: int = DEFAULT_SEED, as_of_ms: int = DEFAULT_AS_OF_MS) -> Persona:
    """Return the demo's customer of the data set with the same arguments, without making its rows."""
    return SampleSet(size, seed, as_of_ms).persona()
