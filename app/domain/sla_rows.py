# SPDX-License-Identifier: GPL-3.0-or-later
"""From rows to the SLA clock and back: events of history lines, policies that match, what a ticket's row keeps of it.

Run alike by client and server, so both say the same of the same rows. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domain.calendar_versions import counting_version
from app.domain.changes_base import Context, Key, Overlay, Row, Rows, history, int_of, object_of
from app.domain.entities import (
    CALENDAR_SPANS,
    HISTORY,
    LIVE,
    SLA_POLICY,
    STATE,
    TEAM,
    TICKET,
    Category,
    Value,
)
from app.domain.ids import derived_id
from app.domain.open_hours import OpenHours, open_hours
from app.domain.sla import (
    ClockEvent,
    ClockView,
    EventKind,
    SlaPolicy,
    Target,
    derive_clock,
)

__all__ = [
    "PAUSED", "Applying", "Book", "clock_events", "clock_of", "clocks_settled", "due_columns", "matches",
    "parse_policy", "settled",
]  # fmt: skip

PAUSED = "paused"  # in the column due_target: nothing runs, something waits to go on
# "send and wait" is two changes, the second follows by itself: they were one deed
_TOGETHER_MS = 2_000
_PAUSE_ROWS = frozenset({"active", "waiting_customer", "held", "held_noticed"})
_MATCHED = ("priority", "organisation", "team", "channel", "kind")
_TARGETS = {"first_s": Target.FIRST, "next_s": Target.NEXT, "resolution_s": Target.RESOLUTION}
_LINES = frozenset({"opened", "customer", "reply", "state", "notice", "policy", "merged", "unmerged", "merged_in"})
_RANK = {kind: n for n, kind in enumerate(EventKind)}
# what of a ticket decides which policy applies, and whether its clock is kept
_DECIDING = ("state", "priority", "organisation", "team", "kind")


# --- policies ---------------------------------------------------------------------------------------------------------


def parse_policy(values: Mapping[str, Value], id_: bytes) -> SlaPolicy:
    """Return a policy row as the clock takes it. Raises ValueError."""
    targets = {target: int_of(values.get(name)) for name, target in _TARGETS.items() if values.get(name) is not None}
    if any(seconds <= 0 for seconds in targets.values()):
        raise ValueError("a target is at least a second")
    raw = object_of(values.get("pauses"))
    if not set(raw) <= _PAUSE_ROWS:
        raise ValueError("unknown row of the pause matrix")
    pauses = {row: frozenset(Target(name) for name in names) for row, names in raw.items()}
    numbers = {
        name: int_of(values[name])
        for name in ("warn_percent", "warn_min_s", "change_grace_s")
        if values.get(name) is not None
    }
    if any(number < 0 for number in numbers.values()) or numbers.get("warn_percent", 0) > 100:
        raise ValueError("a number is out of range")
    return SlaPolicy(id_, targets, pauses=pauses, **numbers)


def matches(match: Mapping[str, Any], values: Mapping[str, Value]) -> bool:
    """Tell whether a condition holds for a ticket: every field it names has one of its values."""
    return all(_plain(values.get(name)) in wanted for name, wanted in match.items() if name in _MATCHED)


def _plain(value: Value) -> object:
    return value.hex() if isinstance(value, bytes) else value


@dataclass(frozen=True, slots=True)
class Applying:
    """Which versions apply to a ticket."""

    policy: bytes
    calendar: bytes


class Book:
    """Policies and calendars of a set of rows, read once when they are first asked for."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._current: list[Row] | None = None
        self._newest: dict[bytes, bytes] = {}
        self._policies: dict[bytes, SlaPolicy | None] = {}
        self._hours: dict[bytes, OpenHours | None] = {}
        self._categories: dict[str, Category | None] = {}

    def current(self) -> Sequence[Row]:
        """Return the policies that are offered to tickets, in the order in which they are tried."""
        if self._current is None:
            found = self._rows.find(SLA_POLICY.number, "active", True)
            self._current = sorted(found, key=lambda r: (int_of(r.values.get("position")), r.id))
        return self._current

    def applying(self, values: Mapping[str, Value]) -> Applying | None:
        """Return what applies to a ticket with these fields: the first policy that matches."""
        for row in self.current():
            if matches(object_of(row.values.get("match")), values):
                calendar = row.values.get("calendar") or self._of_team(values.get("team"))
                if isinstance(calendar, bytes):
                    return Applying(row.id, self.newest(calendar))
        return None

    def _of_team(self, team: Value) -> Value:
        row = self._rows.get(TEAM.number, team) if isinstance(team, bytes) else None
        return row.values.get("calendar") if row is not None else None

    def newest(self, calendar: bytes) -> bytes:
        """Return the version of a calendar that counts now: the last one that is compiled."""
        if calendar not in self._newest:
            self._newest[calendar] = counting_version(self._rows, calendar)
        return self._newest[calendar]

    def policies(self, ids: Iterable[bytes]) -> dict[bytes, SlaPolicy]:
        """Return those of these versions that are here and sound."""
        return {id_: policy for id_ in ids if (policy := self._policy(id_)) is not None}

    def _policy(self, id_: bytes) -> SlaPolicy | None:
        if id_ not in self._policies:
            row = self._rows.get(SLA_POLICY.number, id_)
            try:
                self._policies[id_] = parse_policy(row.values, id_) if row is not None else None
            except (ValueError, TypeError):
                self._policies[id_] = None
        return self._policies[id_]

    def hours(self, ids: Iterable[bytes]) -> dict[bytes, OpenHours]:
        """Return the compiled hours of those of these calendar versions that are here."""
        return {id_: hours for id_ in ids if (hours := self._open(id_)) is not None}

    def _open(self, calendar: bytes) -> OpenHours | None:
        if calendar not in self._hours:
            found = self._rows.find(CALENDAR_SPANS.number, "calendar", calendar)
            text = found[-1].values.get("spans") if found else None
            self._hours[calendar] = open_hours(text) if isinstance(text, str) else None
        return self._hours[calendar]

    def category(self, state: object) -> Category | None:
        """Return the category of a state named by its id in hex."""
        if not isinstance(state, str):
            return None
        if state not in self._categories:
            try:
                row = self._rows.get(STATE.number, bytes.fromhex(state))
            except ValueError:
                row = None
            self._categories[state] = Category(str(row.values["category"])) if row is not None else None
        return self._categories[state]


# --- events -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    """A history line with its JSON read."""

    id: bytes
    kind: str
    data: Mapping[str, Any]
    acted: int
    recorded: int | None
    actor: Value

    @property
    def receipt(self) -> int:
        """When the server had it; of what is still on its way, as if it had arrived at once."""
        return self.acted if self.recorded is None else self.recorded


def _lines(rows: Iterable[Row]) -> Iterator[_Line]:
    for row in rows:
        values = row.values
        kind = str(values.get("kind"))
        if row.deleted or (kind not in _LINES and kind != "field"):
            continue
        data = object_of(values.get("data"))
        if kind == "field" and data.get("field") != "state":
            continue
        recorded = values.get("recorded_at")
        acted = int_of(values.get("acted_at"))
        yield _Line(row.id, kind, data, acted, recorded if isinstance(recorded, int) else None, values.get("actor"))


def clock_events(lines: Iterable[Row], book: Book) -> list[ClockEvent]:
    """Return the events that a ticket's history lines tell of, with the times that count (section 4.1, rule 8)."""
    told = list(_lines(lines))
    merges = {line.id.hex(): line for line in told if line.kind == "merged"}
    opened = min((_opened_ms(line) for line in told if line.kind == "opened"), default=0)
    replies = [line for line in told if line.kind == "reply"]
    out = []
    for line in told:
        event = _event(line, merges, book)
        if event is not None:
            at_ms = _time_ms(line, opened, replies)
            order = (line.recorded is None, line.receipt, line.acted, _RANK[event.kind], int.from_bytes(line.id))
            out.append(replace(event, at_s=at_ms // 1000, order=order, pending=line.recorded is None))
    return out


def _event(line: _Line, merges: Mapping[str, _Line], book: Book) -> ClockEvent | None:
    data = line.data
    match line.kind:
        case "opened":
            return ClockEvent(0, EventKind.OPENED, from_customer=data.get("origin") != "agent")
        case "customer" | "reply" | "notice":
            return ClockEvent(0, EventKind(line.kind))
        case "merged_in":
            return ClockEvent(0, EventKind.CUSTOMER) if data.get("unanswered") else None
        case "policy":
            return ClockEvent(0, EventKind.POLICY, policy=_id(data.get("policy")), calendar=_id(data.get("calendar")))
        case "merged":
            return ClockEvent(0, EventKind.STATE, category=Category.MERGED)
    if line.kind == "unmerged":
        merge = merges.get(str(data.get("record")))
        category = book.category(merge.data.get("state")) if merge is not None else None
    else:
        category = book.category(data.get("new"))
    return ClockEvent(0, EventKind.STATE, category=category) if category is not None else None


def _opened_ms(line: _Line) -> int:
    return line.receipt if line.data.get("origin") == "customer" else line.acted


def _time_ms(line: _Line, opened_ms: int, replies: Sequence[_Line]) -> int:
    match line.kind:
        case "opened":
            return _opened_ms(line)
        case "customer" | "reply" if isinstance(line.data.get("occurred_at"), int):
            return max(opened_ms, min(int(line.data["occurred_at"]), line.receipt))
        case "customer" | "reply" | "notice":
            return line.receipt
        case "state" | "field":
            with_it = (
                r.receipt
                for r in replies
                if r.actor == line.actor and 0 <= line.acted - r.acted <= _TOGETHER_MS and "occurred_at" not in r.data
            )
            return max(line.acted, max(with_it, default=0))
    return line.acted


def _id(value: object) -> bytes | None:
    try:
        return bytes.fromhex(value) if isinstance(value, str) else None
    except ValueError:
        return None


# --- clocks -----------------------------------------------------------------------------------------------------------


def clock_of(lines: Iterable[Row], book: Book, now_ms: int) -> ClockView:
    """Return how the clock of a ticket stands, from its history lines.

    What the server has told happened, also where this computer's clock is behind: no event is later than now.
    """
    events = clock_events(lines, book)
    now_s = max((event.at_s for event in events), default=0)
    changes = [event for event in events if event.kind is EventKind.POLICY]
    policies = book.policies(e.policy for e in changes if e.policy is not None)
    hours = book.hours(e.calendar for e in changes if e.calendar is not None)
    return derive_clock(events, policies, hours, max(now_s, now_ms // 1000))


def due_columns(view: ClockView) -> dict[str, Value]:
    """Return what a ticket's row keeps of its clock, so that lists sort by it: nothing here moves as time passes."""
    out: dict[str, Value] = {
        "sla_policy": view.policy, "sla_calendar": view.calendar, "next_due": None, "next_warn": None,
        "due_target": None,
    }  # fmt: skip
    if view.category not in LIVE:
        return out
    if view.next_target is not None:
        out["due_target"] = view.next_target.value
        out["next_due"] = None if view.next_due_s is None else view.next_due_s * 1000
        out["next_warn"] = None if view.next_warn_s is None else view.next_warn_s * 1000
    elif view.paused:
        out["due_target"] = PAUSED
    return out


def clocks_settled(puts: Mapping[Key, Row], rows: Rows, ctx: Context, event: bytes, book: Book) -> list[Row]:
    """Return the rows that a change moves of the clocks of its tickets: `policy` lines and the tickets' own columns.

    `rows` are those before the change, `puts` what it made. With no policy anywhere nothing is read but that.
    """
    tickets = _concerned(puts, rows)
    out: list[Row] = []
    for id_ in sorted(tickets):
        out += settled(Overlay(rows, puts), id_, ctx, event, book)
    return out


def settled(view: Rows, id_: bytes, ctx: Context, event: bytes, book: Book) -> list[Row]:
    """Return the rows with which a ticket's clock is as its lines and the policies say."""
    ticket = view.get(TICKET.number, id_)
    if ticket is None or ticket.deleted or (not book.current() and ticket.values.get("sla_policy") is None):
        return []
    lines = list(view.find(HISTORY.number, "subject", id_))
    out: list[Row] = []
    line = _change_of_policy(ticket, ctx, event, book)
    if line is not None:
        lines.append(line)
        out.append(line)
    columns = due_columns(clock_of(lines, book, max(ctx.now_ms, ctx.acted_ms)))
    if any(ticket.values.get(name) != value for name, value in columns.items()):
        out.append(replace(ticket, values={**ticket.values, **columns}))
    return out


def _concerned(puts: Mapping[Key, Row], rows: Rows) -> set[bytes]:
    """Return the tickets whose clocks may have moved."""
    out: set[bytes] = set()
    for (type_, id_), row in puts.items():
        if type_ == HISTORY.number and row.values.get("subject_type") == TICKET.number:
            subject = row.values.get("subject")
            moves = row.values.get("kind") in _LINES
            if moves and isinstance(subject, bytes):
                out.add(subject)
        elif type_ == TICKET.number:
            before = rows.get(type_, id_)
            if before is None or before.deleted != row.deleted or _decides(before, row):
                out.add(id_)
    return out


def _decides(before: Row, row: Row) -> bool:
    return any(before.values.get(name) != row.values.get(name) for name in _DECIDING)


def _change_of_policy(ticket: Row, ctx: Context, event: bytes, book: Book) -> Row | None:
    """Return the line that says which versions apply from now on, if they are others than before."""
    old = (ticket.values.get("sla_policy"), ticket.values.get("sla_calendar"))
    state = ticket.values.get("state")
    category = book.category(state.hex()) if isinstance(state, bytes) else None
    if category not in LIVE:
        return None
    found = book.applying(ticket.values)
    new = (found.policy, found.calendar) if found is not None else (None, None)
    if new == old:
        return None
    data = {"policy": new[0].hex() if new[0] else None, "calendar": new[1].hex() if new[1] else None}
    line = history(ctx, ticket, derived_id(event, "clock", ticket.id), "policy", data)
    values = {column: line.values.get(column) for column in HISTORY.columns}
    return Row(line.type, line.id, line.scope, values)
