# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening hours saved at a desktop: the server compiles them, and until then every clock counts by those before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.calendar_versions import counting_version
from app.domain.changes import CalendarSave
from app.domain.entities import CALENDAR, CALENDAR_SPANS, TICKET, USER
from app.domain.errors import Refused
from app.domain.ids import new_id
from app.domain.opening_hours import HoursDraft
from app.services.calendars import compile_calendar
from app.services.sla_file import read_sla_file
from sync.server.clock_book import set_book
from sync.server.clocks import Clocks
from sync.server.rows import TxRows
from tests.sync.desk import Client, Desk
from tests.sync.test_clock_book import FILE

MORNINGS = HoursDraft({day: [("09:00", "12:00")] for day in range(5)})


def test_saved_hours_count_once_they_are_compiled_and_never_before(tmp_path: Path) -> None:
    """Open tickets follow by themselves then; a second save over the old version is refused, an agent's as well."""
    desk = Desk(tmp_path / "server")
    kim = Client(desk, tmp_path / "kim")
    try:
        kim.sync()
        set_book(desk.store, desk.clock(), read_sla_file(FILE, lambda _country: []), compile_calendar)
        ticket = kim.new_ticket()
        kim.sync()
        [old] = [row["id"] for row in desk.rows(CALENDAR.number)]
        assert isinstance(old, bytes)
        with pytest.raises(Refused, match="not_yours"):
            kim.do(CalendarSave(new_id(), new_id(), old, dict(MORNINGS.columns())))
        desk.spoil(USER.number, kim.me, roles='["agent","lead"]')
        identity = kim.profile.identity
        assert identity is not None
        kim.profile.commits.save_identity(replace(identity, roles=frozenset({"agent", "lead"})))
        new = new_id()
        kim.do(CalendarSave(new_id(), new, old, dict(MORNINGS.columns())))
        with pytest.raises(Refused, match="hours_changed"):
            kim.do(CalendarSave(new_id(), new_id(), old, dict(MORNINGS.columns())))
        [shown] = kim.profile.knowledge.hours()
        assert (shown.id, shown.waits, shown.days[0]) == (new, True, [("09:00", "12:00")])
        kim.sync()

        def counts() -> bytes:
            with desk.store.read() as connection:
                return counting_version(TxRows(connection), old)

        def of_ticket() -> object:
            [found] = [row for row in desk.rows(TICKET.number) if row["id"] == ticket]
            return found["sla_calendar"]

        assert (counts(), of_ticket()) == (old, old)  # the server has them and has not compiled them
        Clocks(desk.store, desk.clock).run()  # a round of a server that knows no time zones leaves it so
        assert (counts(), of_ticket()) == (old, old)
        Clocks(desk.store, desk.clock, compile_calendar).run()
        assert (counts(), of_ticket()) == (new, new)
        Clocks(desk.store, desk.clock, compile_calendar).run()
        assert len(desk.rows(CALENDAR_SPANS.number)) == 2  # compiled once
        kim.sync()
        [shown] = kim.profile.knowledge.hours()
        assert not shown.waits
    finally:
        kim.close()
        desk.close()
