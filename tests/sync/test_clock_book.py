# SPDX-License-Identifier: GPL-3.0-or-later
"""Calendars and policies set from a file: versions, live tickets that follow, and clients that see it by sync."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.entities import CALENDAR, SLA_POLICY, TICKET
from app.domain.errors import Refused
from app.domain.ids import TicketId
from app.domain.ports import DueMark
from app.domain.sla import Target
from app.services.calendars import compile_calendar
from app.services.sla_file import read_sla_file
from sync.server.clock_book import BookSet, set_book
from tests.sync.desk import Client, Desk

ALWAYS = '["00:00-24:00"]'
WEEK = "\n".join(f"week.{day} = {ALWAYS}" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
FILE = f"""
[calendars.always]
zone = "Asia/Seoul"
{WEEK}

[teams]
"북부" = "always"

[[policies]]
name_ko = "긴급"
name_en = "Urgent"
match = {{priority = "urgent"}}
first = "1h"
resolution = "4h"

[[policies]]
name_ko = "표준"
name_en = "Standard"
match = {{team = "북부"}}
first = "2h"
resolution = "8h"
"""
HOUR_MS = 3_600_000


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "server")
    yield made
    made.close()


@pytest.fixture
def kim(desk: Desk, tmp_path: Path) -> Iterator[Client]:
    client = Client(desk, tmp_path / "kim")
    client.sync()
    yield client
    client.close()


def _set(desk: Desk, text: str = FILE) -> BookSet:
    return set_book(desk.store, desk.clock(), read_sla_file(text, lambda _country: []), compile_calendar)


def _due(kim: Client, ticket: TicketId) -> DueMark | None:
    return kim.profile.queries.rows([ticket])[ticket].due


def test_open_tickets_follow_a_file_at_once_and_clients_see_it(desk: Desk, kim: Client) -> None:
    ticket = kim.new_ticket()
    kim.sync()
    assert _due(kim, ticket) is None
    assert _set(desk) == BookSet(calendars=1, policies=2, ended=0, tickets=1)
    kim.sync()
    due = _due(kim, ticket)
    assert due is not None
    assert due.target is Target.RESOLUTION  # an agent took it down: nobody waits for a first answer
    assert due.at is not None
    assert abs(due.at - desk.clock.ms - 8 * HOUR_MS) < 60_000


def test_the_same_file_again_changes_nothing(desk: Desk, kim: Client) -> None:
    kim.new_ticket()
    kim.sync()
    _set(desk)
    before = [desk.rows(number) for number in (TICKET.number, CALENDAR.number, SLA_POLICY.number)]
    assert _set(desk) == BookSet(calendars=0, policies=0, ended=0, tickets=1)
    assert [desk.rows(number) for number in (TICKET.number, CALENDAR.number, SLA_POLICY.number)] == before


def test_another_priority_brings_another_policy_also_offline(desk: Desk, kim: Client) -> None:
    """The agent's computer says so before the server does, and both come to the same."""
    _set(desk)
    kim.sync()
    ticket = kim.new_ticket()
    kim.sync()
    kim.set(ticket, priority=4)
    offline = _due(kim, ticket)
    assert offline is not None
    assert offline.estimated
    assert offline.at is not None
    assert abs(offline.at - desk.clock.ms - 4 * HOUR_MS) < 60_000
    kim.sync()
    due = _due(kim, ticket)
    assert due is not None
    assert (due.at, due.estimated) == (offline.at, False)


def test_a_policy_that_differs_is_a_new_version_and_one_left_out_ends(desk: Desk, kim: Client) -> None:
    ticket = kim.new_ticket()
    kim.sync()
    _set(desk)
    changed = FILE.replace('resolution = "8h"', 'resolution = "6h"')
    assert _set(desk, changed) == BookSet(calendars=0, policies=1, ended=0, tickets=1)
    kim.sync()
    due = _due(kim, ticket)
    assert due is not None
    assert due.at is not None
    assert abs(due.at - desk.clock.ms - 6 * HOUR_MS) < 60_000
    without = changed.partition("[[policies]]")[0]
    assert _set(desk, without).ended == 2
    kim.sync()
    assert _due(kim, ticket) is None


def test_a_calendar_that_differs_is_a_new_version_that_policies_and_teams_use(desk: Desk, kim: Client) -> None:
    ticket = kim.new_ticket()
    kim.sync()
    _set(desk)
    half = FILE.replace(ALWAYS, '["00:00-12:00"]')
    assert _set(desk, half) == BookSet(calendars=1, policies=0, ended=0, tickets=1)
    kim.sync()
    due = _due(kim, ticket)
    assert due is not None
    assert due.at is not None
    assert due.at - desk.clock.ms > 8.5 * HOUR_MS  # closed until midnight


def test_a_team_that_is_not_there_is_refused_and_nothing_is_set(desk: Desk) -> None:
    with pytest.raises(Refused, match="no_such_team"):
        _set(desk, FILE.replace('"북부" =', '"동부" ='))
    assert desk.rows(CALENDAR.number) == []
