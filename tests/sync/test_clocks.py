# SPDX-License-Identifier: GPL-3.0-or-later
"""The SLA clock at both ends: a real server, a real sync and the client's real files say the same of the same rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.changes import Actor, AnyChange, Context, MessageAdd, Row, TicketCreate, TicketSet, canonical_json
from app.domain.entities import CALENDAR, CALENDAR_SPANS, HISTORY, REF_SCOPE, SLA_POLICY, TICKET, Category, Value
from app.domain.ids import TicketId, hlc_of, new_id
from app.domain.ports import SortKey, ViewKey
from app.domain.sla import ClockView, Status, Target
from app.domain.sla_notices import DUE_LINE, WARNING_LINE
from app.domain.sla_rows import Book, clock_of
from app.services.calendars import compile_calendar
from sync.server.apply import Applier
from sync.server.bootstrap import full_row
from sync.server.clocks import Clocks, refresh, spans_values
from sync.server.rows import TxRows
from tests.fakes.sla_examples import COLUMNS, EXAMPLES, TARGETS, Example, Step, calendar, utc_s, version
from tests.sync.desk import Client, Desk

MONDAY_MS = utc_s("2026-03-09T09:00", "Asia/Seoul") * 1000


class Town:
    """A desk with the calendars and policies of the examples, and one agent."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk(folder / "server")
        self.kim = Client(self.desk, folder / "kim")
        self._stage(list(self._book()))
        self.kim.sync()

    def close(self) -> None:
        self.kim.close()
        self.desk.close()

    def _book(self) -> Iterator[Row]:
        for name, (zone, week, holidays, exceptions) in COLUMNS.items():
            columns: dict[str, Value] = {
                "name": name, "zone": zone, "week": canonical_json(week), "holidays": canonical_json(holidays),
                "exceptions": canonical_json(exceptions),
            }  # fmt: skip
            yield full_row(CALENDAR.number, version(name), REF_SCOPE, columns)
            spans = spans_values(calendar(name), compile_calendar, utc_s("2026-12-31") * 1000)
            id_ = version(f"spans {name}")
            yield full_row(CALENDAR_SPANS.number, id_, REF_SCOPE, {"calendar": version(name), **spans})
        for name, targets in TARGETS.items():
            numbers: dict[str, Value] = {f"{target.value}_s": seconds for target, seconds in targets.items()}
            yield full_row(SLA_POLICY.number, version(name), REF_SCOPE, {
                "name_en": name, "match": "{}", "position": 0, "warn_percent": 25, "warn_min_s": 600,
                "change_grace_s": 900, "pauses": "{}", "active": False, **numbers,
            })  # fmt: skip

    def _stage(self, rows: list[Row]) -> None:
        def work(cx: object) -> None:
            tx = TxRows(cx)  # type: ignore[arg-type]  # the store's connection
            tx.stage(rows)
            tx.flush(self.desk.clock())

        self.desk.store.write(work)

    def at(self, at_s: int) -> None:
        """Set the time of both ends."""
        self.desk.clock.ms = at_s * 1000

    def use(self, name: str) -> None:
        """Let a policy with a calendar, as "STD/SEOUL", be the one for all tickets from now on."""
        policy, _, hours = name.partition("/")

        def work(cx: object) -> None:
            tx = TxRows(cx)  # type: ignore[arg-type]  # the store's connection
            for each in TARGETS:
                row = tx.get(SLA_POLICY.number, version(each))
                assert row is not None
                values = {**row.values, "active": each == policy, "calendar": version(hours)}
                tx.stage([replace(row, rev=row.rev + 1, values=values)])
            tx.flush(self.desk.clock())

        self.desk.store.write(work)

    def serve(self, change: AnyChange, *, customer: bool = True) -> None:
        """Make a change on the server, as the customer's Companion does."""
        now = self.desk.clock()
        actor = Actor("customer", self.desk.customer) if customer else Actor("server", None)
        ctx = Context(actor, now, now, hlc_of(now), "srv", 0, on_server=True)

        def work(cx: object) -> None:
            tx = TxRows(cx)  # type: ignore[arg-type]  # the store's connection
            tx.lock((number, id_) for number, id_ in change.roots())
            Applier(cx, tx, None).apply(change, {}, ctx)  # type: ignore[arg-type]  # as above
            tx.flush(now)

        self.desk.store.write(work)

    def open(self, at_s: int) -> TicketId:
        """A customer asks."""
        self.at(at_s)
        ticket = TicketId(new_id())
        team = self.desk.team("북부")
        self.serve(TicketCreate(new_id(), ticket, "인쇄가 안 돼요", team, self.desk.customer, new_id(), "도와주세요",
                                channel="companion"))  # fmt: skip
        self.kim.sync()
        return ticket

    def play(self, ticket: TicketId, step: Step) -> None:
        """Let one event of an example happen where it happens in life: at the server or at the agent's computer."""
        self.at(step.at_s)
        match step.what:
            case "policy":
                self.use(step.value)
                refresh(self.desk.store, self.desk.clock(), [ticket])
            case "customer":
                self.serve(MessageAdd(new_id(), new_id(), ticket, "아직이에요", inbound=True))
            case "notice":
                self._notice(ticket)
            case "reply":
                self.kim.sync()
                self.kim.reply(ticket)
            case "state":
                # as an undo restores a state: whatever the rules of transitions say
                self.kim.do(TicketSet(new_id(), ticket, {"state": self.kim.state(step.value)}, undo=True))
        self.kim.sync()

    def _notice(self, ticket: TicketId) -> None:
        now = self.desk.clock()
        values: dict[str, Value] = {
            "subject_type": TICKET.number, "subject": ticket, "kind": "notice", "data": "{}", "acted_at": now,
            "recorded_at": now, "actor_kind": "server",
        }  # fmt: skip
        scope = f"team:{self.desk.team('북부').hex()}"
        self._stage([full_row(HISTORY.number, new_id(), scope, values)])
        refresh(self.desk.store, now, [ticket])

    def server_view(self, ticket: TicketId, now_s: int) -> ClockView:
        """What the server derives."""
        with self.desk.store.read() as cx:
            rows = TxRows(cx)
            return clock_of(rows.find(HISTORY.number, "subject", ticket), Book(rows), now_s * 1000)

    def client_view(self, ticket: TicketId, now_s: int) -> ClockView:
        """What the agent's computer derives."""
        details = self.kim.profile.queries.details(ticket)
        assert details is not None
        assert details.clock is not None
        return details.clock.at(now_s * 1000)

    def kept(self, ticket: TicketId) -> tuple[dict[str, object], dict[str, object]]:
        """What both keep for lists."""
        names = ("sla_policy", "sla_calendar", "next_due", "next_warn", "due_target")
        row = next(r for r in self.desk.rows(TICKET.number) if r["id"] == ticket)
        with self.kim.profile.readers().read() as tx:
            sql = "SELECT sla_policy, sla_calendar, next_due, next_warn, due_target FROM main.ticket WHERE id = ?"
            mine = tx.one(sql, (ticket,))
        assert mine is not None
        return {name: row[name] for name in names}, dict(zip(names, mine, strict=True))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    yield made
    made.close()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.id)
def test_both_ends_say_what_the_example_says(town: Town, example: Example) -> None:
    """Every worked example, played as it happens in life, comes out the same at the server and at the agent's."""
    first, *later = example.steps
    town.use(f"{example.policy}/{example.calendar}")
    ticket = town.open(first.at_s)
    for step in later:
        town.play(ticket, step)
    for view in (town.server_view(ticket, example.now_s), town.client_view(ticket, example.now_s)):
        told = view.of(example.target)
        assert (told.status.value, told.due_s, told.warn_s) == (example.status, example.due_s, example.warn_s)
    server, client = town.kept(ticket)
    assert server == client
    assert town.server_view(ticket, example.now_s) == town.client_view(ticket, example.now_s)


_steps = st.lists(
    st.tuples(
        st.integers(0, 3 * 24 * 60),
        st.sampled_from(
            [("customer", ""), ("reply", ""), ("notice", ""), ("policy", "STD/SEOUL"), ("policy", "URG/SEOUL2")]
            + [("state", c.value) for c in Category if c is not Category.MERGED]
        ),
    ),
    max_size=6,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_steps, st.booleans())
def test_whatever_happens_both_ends_agree(town: Town, steps: list[tuple[int, tuple[str, str]]], offline: bool) -> None:
    """Also when the agent's computer was offline meanwhile: once synced, nothing differs."""
    town.use("URG/SEOUL")
    begin = MONDAY_MS // 1000
    ticket = town.open(begin)
    town.kim.line.down = offline
    for minutes, (what, value) in sorted(steps):
        town.play(ticket, Step(begin + minutes * 60, what, value))
    town.kim.line.down = False
    now = begin + 4 * 24 * 3600
    town.at(now)
    town.kim.sync()
    town.kim.sync()
    assert town.server_view(ticket, now) == town.client_view(ticket, now)
    server, client = town.kept(ticket)
    assert server == client


def test_own_answer_written_offline_shows_an_estimate_and_counts_when_it_goes_out(town: Town) -> None:
    """C29: written at 10:05, accepted at 10:50: twenty minutes late, and said so before only as an estimate."""
    town.use("URG/SEOUL")
    ticket = town.open(MONDAY_MS // 1000 + 30 * 60)
    town.kim.line.down = True
    town.at(MONDAY_MS // 1000 + 65 * 60)
    town.kim.reply(ticket)
    view = town.client_view(ticket, MONDAY_MS // 1000 + 65 * 60)
    assert (view.first.status, view.estimated) == (Status.MET, True)
    (row,) = town.kim.profile.queries.rows([ticket]).values()
    assert row.due is not None
    assert (row.due.target, row.due.estimated) == (Target.RESOLUTION, True)
    town.kim.line.down = False
    town.at(MONDAY_MS // 1000 + 110 * 60)
    town.kim.sync()
    view = town.client_view(ticket, MONDAY_MS // 1000 + 110 * 60)
    assert (view.first.status, view.estimated) == (Status.MET_LATE, False)
    (row,) = town.kim.profile.queries.rows([ticket]).values()
    assert row.due is not None
    assert not row.due.estimated


def test_a_list_is_ordered_by_the_next_due_and_own_changes_move_at_once(town: Town) -> None:
    """The earliest due first, then those without one; an answer moves the ticket before the server knows of it."""
    town.use("URG/SEOUL")
    third, second, first = (town.open(MONDAY_MS // 1000 + day * 86_400) for day in (2, 1, 0))
    queries = town.kim.profile.queries

    def order() -> list[TicketId]:
        among = {first, second, third}
        return [t for t in queries.ids(ViewKey.ALL, SortKey.DUE) if t in among]

    assert order() == [first, second, third]
    town.kim.line.down = True
    town.kim.do(TicketSet(new_id(), first, {"state": town.kim.state("waiting_customer")}, undo=True))
    town.kim.reply(first)
    town.kim.line.down = False
    assert order() == [second, third, first]
    (row,) = queries.rows([first]).values()
    assert row.due is not None
    assert row.due.paused
    town.kim.sync()
    assert order() == [second, third, first]


def test_the_server_tells_of_a_warning_and_a_due_once_each(town: Town) -> None:
    """Two rounds, also of two processes, write one line for each; what was answered in time is not told of."""
    town.use("URG/SEOUL")
    begin = MONDAY_MS // 1000
    ticket, answered = town.open(begin), town.open(begin)
    town.play(answered, Step(begin + 600, "reply"))
    for minutes in (46, 47, 61, 90):
        town.at(begin + minutes * 60)
        for _process in range(2):
            Clocks(town.desk.store, town.desk.clock).run()
    told = [
        (r["subject"], r["kind"], json.loads(str(r["data"])))
        for r in town.desk.rows(HISTORY.number)
        if r["kind"] in (WARNING_LINE, DUE_LINE) and r["subject"] in (ticket, answered)
    ]
    first = {"target": "first", "cycle": 0}
    assert sorted(told, key=lambda t: str(t[1])) == [(ticket, DUE_LINE, first), (ticket, WARNING_LINE, first)]


def test_a_calendar_is_compiled_ahead_before_its_horizon_comes_near(town: Town) -> None:
    """What lies ahead is never less than a year, and clients get the longer spans by sync."""
    before = {r["id"]: r["to_s"] for r in town.desk.rows(CALENDAR_SPANS.number)}
    now = utc_s("2027-06-01") * 1000
    Clocks(town.desk.store, lambda: now, compile_calendar).run()
    after = {r["id"]: r["to_s"] for r in town.desk.rows(CALENDAR_SPANS.number)}
    assert all(int(str(after[id_])) > int(str(before[id_])) for id_ in before)
    town.kim.sync()
    with town.kim.profile.readers().read() as tx:
        mine = dict(tx.all("SELECT id, to_s FROM main.calendar_spans"))
    assert mine == after
