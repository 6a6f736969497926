# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a ticket with everything that belongs to it, one ticket at a time, so that memory stays constant."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.domain.entities import TICKET, Category, Priority, Value, team_scope
from app.services.sample_data.clocks import Clocks
from app.services.sample_data.outcome import Outcome, outcome_of
from app.services.sample_data.people import Asset, Customer
from app.services.sample_data.phrases import Area, Grammar, Problem
from app.services.sample_data.plan import Plan, Timeline, is_duplicate
from app.services.sample_data.reference import BASE_TEAMS, Account, Reference
from app.services.sample_data.rows import MINUTE_MS, SampleRow, Stream, stream
from app.services.sample_data.threads import FIXED_ROLES, Scribe, Topic, roles_of
from app.services.sample_data.writing import Writing, ticket_children

_COMPLAINT, _URGENT, _REPEATED, _CODE, _TYPO = 0.06, 0.05, 0.03, 0.33, 0.10
_SURGE_CODE = 0.70
_SESSION_SHARE = 0.19  # of conversations long enough for one: 3 % of all


@dataclass(frozen=True, slots=True)
class Core:
    """Who asks about what."""

    customer: Customer
    asset: Asset
    area: Area
    problem: Problem
    original: int | None  # index of the ticket that this one repeats


@dataclass(frozen=True, slots=True)
class FixedTopic:
    """A given topic of the demo's customer: asset and problem by index."""

    asset: int
    problem: int


@dataclass(slots=True)
class Thread:
    """A ticket in the making: its parts before they become rows."""

    index: int
    id: bytes
    core: Core
    topic: Topic
    line: Timeline
    roles: list[str]
    owner: Account
    team: bytes
    outcome: Outcome


class Tickets:
    """Yields the rows of every ticket in order of number."""

    def __init__(self, grammar: Grammar, plan: Plan, reference: Reference, customers: Sequence[Customer],
                 fixed: dict[int, FixedTopic]) -> None:  # fmt: skip
        self._grammar = grammar
        self._plan = plan
        self._reference = reference
        self._customers = customers
        self._fixed = fixed
        self._scribe = Scribe(grammar)
        self._clocks = Clocks(reference, plan.as_of_ms)
        self._by_area: list[array[int]] = [array("i") for _ in grammar.areas]
        for index, customer in enumerate(customers):
            if index and customer.language in {"ko", "en"}:
                for asset in customer.assets:
                    self._by_area[asset.area].append(index)

    def ticket_id(self, index: int) -> bytes:
        """Return the id of the ticket with number ``index + 1``."""
        return stream(self._plan.seed, "ticket-id", index).row_id(self._plan.arrivals.opened_ms[index])

    def rows(self) -> Iterator[SampleRow]:
        """Yield every ticket and its children, each ticket before its children."""
        for index in range(self._plan.size.tickets):
            yield from self.ticket(index)

    def ticket(self, index: int) -> Iterator[SampleRow]:
        """Yield one ticket and its children."""
        thread = self._thread(index)
        scope = team_scope(thread.team)
        writing = Writing(self._plan, self._reference, self._scribe, thread.index, thread.id, scope)
        children, derived = ticket_children(writing, thread.topic, thread.core.customer, thread.line, thread.roles,
                                            thread.owner, thread.outcome)  # fmt: skip
        row = SampleRow(TICKET.number, thread.id, scope, {**self._columns(thread), **derived})
        lines, due = self._clocks.add(row, thread.outcome.category, children, writing.stream("clock"))
        row.values.update(due)
        yield row
        yield from children
        yield from lines

    def core(self, index: int) -> Core:
        """Return who asks about what in a ticket; cheap, so that a duplicate can look up its original."""
        if index in self._fixed:
            customer = self._customers[0]
            asset = customer.assets[self._fixed[index].asset]
            area = self._grammar.areas[asset.area]
            return Core(customer, asset, area, area.problems[self._fixed[index].problem], None)
        original = self._original(index)
        if original is not None:
            found = self.core(original)
            return Core(found.customer, found.asset, found.area, found.problem, original)
        rng = stream(self._plan.seed, "core", index)
        surge = self._plan.arrivals.surge[index]
        return self._surge_core(rng, surge - 1) if surge else self._free_core(rng)

    def _original(self, index: int) -> int | None:
        if index in self._plan.fixed or not is_duplicate(self._plan.seed, index):
            return None
        for before in range(index - 1, max(index - 12, 0), -1):
            if before not in self._plan.fixed and not is_duplicate(self._plan.seed, before):
                return before
        return None

    def _surge_core(self, rng: Stream, surge_index: int) -> Core:
        surge = self._plan.arrivals.surges[surge_index]
        area = self._grammar.areas[surge.area]
        customer = self._customers[rng.one(self._by_area[surge.area])]
        asset = next(a for a in customer.assets if a.area == surge.area)
        broken = [p for p in area.problems if not p.asks]
        return Core(customer, asset, area, broken[surge.problem % len(broken)], None)

    def _free_core(self, rng: Stream) -> Core:
        others = len(self._customers) - 1
        customer = self._customers[1 + int(others * rng.random() ** 1.35)]
        asset = rng.one(customer.assets)
        area = self._grammar.areas[asset.area]
        return Core(customer, asset, area, area.problems[rng.one(area.in_language[customer.language])], None)

    def _thread(self, index: int) -> Thread:
        core = self.core(index)
        rng = stream(self._plan.seed, "ticket", index)
        line = self._plan.timeline(index)
        roles = list(FIXED_ROLES[: line.wanted]) if index in self._fixed else roles_of(rng, line.wanted)
        team = self.team_of(core.area, core.customer)
        owner = self._owner(rng, team, index)
        topic = self._topic(rng, index, core, line, owner)
        self._scribe.prepare(rng, topic)
        id_ = self.ticket_id(index)
        newest_surge = self._plan.arrivals.surge[index] == 1
        outcome = outcome_of(
            rng,
            self._plan,
            line,
            roles,
            duplicate=core.original is not None,
            surge=newest_surge,
            fixed=index in self._fixed,
        )
        self._auto_reply(rng, roles, line)
        return Thread(index, id_, core, topic, line, roles, owner, team, outcome)

    def _auto_reply(self, rng: Stream, roles: list[str], line: Timeline) -> None:
        """Let an out-of-office answer come back in a few long mail conversations."""
        if line.channel == "mail" and line.wanted >= 5 and rng.chance(0.12):
            at = next((i for i, r in enumerate(roles) if r == "loop_in"), None)
            if at is not None:
                roles[at] = "auto"

    def team_of(self, area: Area, customer: Customer) -> bytes:
        """Return the team that answers; in large sets several teams share an area by customer."""
        waves = max(1, len(self._reference.teams) // BASE_TEAMS)
        return self._reference.teams[area.team + BASE_TEAMS * (customer.id[-2] % waves)]

    def _owner(self, rng: Stream, team: bytes, index: int) -> Account:
        if index in self._fixed:
            return self._reference.accounts[0]
        members = self._reference.by_team[team]
        return rng.one(members)

    def _topic(self, rng: Stream, index: int, core: Core, line: Timeline, owner: Account) -> Topic:
        surge = self._plan.arrivals.surge[index]
        number = core.area.problems.index(core.problem)
        code = f"E-{core.area.code}{100 + number}"
        fixed = index in self._fixed
        calm = fixed or bool(surge) or line.channel == "chat" or core.problem.asks
        complaint = not calm and rng.chance(_COMPLAINT)
        return Topic(
            core.area, core.problem, core.customer, line.channel, owner.name(core.customer.language), code,
            core.asset.model, core.asset.serial, core.asset.warranty_until, core.asset.covered, line.times[0],
            complaint=complaint, urgent=(bool(surge) and rng.chance(0.3)) or (not fixed and rng.chance(_URGENT)),
            repeated=core.original is not None or (not fixed and rng.chance(_REPEATED)),
            show_code=rng.chance(_SURGE_CODE if surge else _CODE) and _has_codes(core),
            typos=not fixed and rng.chance(_TYPO), with_session=self._has_session(rng, line),
            original=None if core.original is None else core.original + 1,
        )  # fmt: skip

    def _has_session(self, rng: Stream, line: Timeline) -> bool:
        draw = rng.random() < _SESSION_SHARE
        return draw and len(line.times) >= 4 and line.times[3] - line.times[2] > 15 * MINUTE_MS

    def _columns(self, thread: Thread) -> dict[str, Value]:
        core, topic, outcome = thread.core, thread.topic, thread.outcome
        customer = core.customer
        return {
            "number": thread.index + 1, "provisional": "", "aliases": "[]",
            "subject": self._scribe.subject(stream(self._plan.seed, "subject", thread.index), topic),
            "state": self._reference.states[outcome.category], "priority": int(_priority(topic, thread)),
            "kind": _kind(topic), "channel": thread.line.channel, "customer": customer.id,
            "organisation": customer.organisation.id if customer.organisation else None, "asset": core.asset.id,
            "team": thread.team, "owner": thread.owner.id if outcome.owned else None,
            "tier": 1 if thread.line.wanted < 9 else 2 if thread.line.wanted < 40 else 3,
            "language": customer.language, "snooze_until": None, "incident": None,
            "merged_into": self.ticket_id(core.original) if outcome.category is Category.MERGED and
            core.original is not None else None,
            "close_reason": outcome.close_reason, "facts": None,
            "root_cause": None, "follow_up": None, "follow_up_at": None, "follow_up_owner": None,
            "created_at": thread.line.times[0], "created_by": self._opener(thread),
        }  # fmt: skip

    def _opener(self, thread: Thread) -> bytes:
        return thread.owner.id if thread.line.channel in {"phone", "visit"} else thread.core.customer.id


def _has_codes(core: Core) -> bool:
    return not core.problem.asks and core.area.kind != "service"


def _priority(topic: Topic, thread: Thread) -> Priority:
    if topic.urgent:
        return Priority.URGENT if thread.index % 3 == 0 else Priority.HIGH
    if topic.complaint:
        return Priority.HIGH
    last = thread.id[-1]
    return Priority.LOW if last < 26 else Priority.HIGH if last > 232 else Priority.NORMAL


def _kind(topic: Topic) -> str:
    if topic.complaint:
        return "complaint"
    if topic.problem.asks or topic.area.kind == "service":
        return "request" if topic.serial[-1] in "13579" else "question"
    return "problem" if topic.show_code or topic.area.kind == "device" else "question"
