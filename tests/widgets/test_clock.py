# SPDX-License-Identifier: GPL-3.0-or-later
"""What agents see of the SLA clock: in the list, at the ticket and in the details, true to the minute."""

from __future__ import annotations

from datetime import date, timedelta, timezone

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.entities import Category
from app.domain.ports import ClockFacts, DueMark, SortKey, TicketRow, ViewKey
from app.domain.sla import ClockEvent, EventKind, Target
from app.services.texts_due import Level, Moments, Words, due_words
from tests.fakes.link import InlineJobs
from tests.fakes.queries import MINUTE, NOW_MS, FakeDesk, FakeQueries, ticket_id
from tests.fakes.sla_examples import POLICIES, hours, utc_s, version
from widgets.customer.panel import CustomerPanel
from widgets.foundation import PlainLabel, Theme, fmt
from widgets.inbox.model import TicketRole
from widgets.inbox.pane import InboxPane
from widgets.shell.minutes import Minutes
from widgets.ticket.header import TicketHeader

SEOUL = timezone(timedelta(hours=9))
IN_SEOUL = Moments(lambda ms, now: fmt.near(ms, now, SEOUL), fmt.rough_age, fmt.duration)


@pytest.mark.parametrize(
    ("due", "ko", "en", "level"),
    [
        (DueMark(Target.FIRST, NOW_MS + 30 * MINUTE, NOW_MS + 15 * MINUTE), "기한 12:32", "Due 12:32", Level.CALM),
        (DueMark(Target.FIRST, NOW_MS + 30 * MINUTE, NOW_MS), "임박 12:32", "Due soon: 12:32", Level.WARNING),
        (DueMark(Target.FIRST, NOW_MS - 60 * MINUTE, NOW_MS), "기한 초과 1시간", "Late by 1 hr", Level.LATE),
        (DueMark(Target.FIRST, NOW_MS, NOW_MS), "임박 12:02", "Due soon: 12:02", Level.WARNING),
        (DueMark(Target.FIRST), "날짜 미정", "Due date open", Level.CALM),
        (DueMark(None), "멈춤", "Paused", Level.PAUSED),
        (DueMark(None, estimated=True), "멈춤 (예상)", "Paused (estimated)", Level.PAUSED),
    ],
)
def test_a_due_is_said_in_words_and_not_by_colour_alone(due: DueMark, ko: str, en: str, level: Level) -> None:
    """Soon, late, paused, open and estimated differ in words, in both languages; on the due itself it is in time."""
    for lang, text in (("ko", ko), ("en", en)):
        set_language("ko" if lang == "ko" else "en")
        assert due_words(due, NOW_MS, IN_SEOUL) == Words(text, level)


def _pane(qtbot: QtBot, theme: Theme, now: list[int]) -> tuple[InboxPane, FakeQueries]:
    queries = FakeQueries(FakeDesk(60))
    pane = InboxPane(theme, queries, InlineJobs(), lambda: now[0])
    pane.show_choices(queries.choices())
    qtbot.addWidget(pane)
    pane.resize(340, 600)
    pane.show_view(ViewKey.TEAM)
    pane.show()
    return pane, queries


def test_a_row_says_how_late_it_is_at_the_minute_it_is_read(qtbot: QtBot, theme: Theme) -> None:
    """The same row is due, then soon, then late, and a screen reader hears it; the store is not asked again."""
    set_language("en")
    now = [NOW_MS]
    pane, queries = _pane(qtbot, theme, now)
    qtbot.waitUntil(lambda: pane.model.row_of(ticket_id(0)) is not None)
    asked = queries.rows_asked
    index = pane.model.index(0)
    heard = []
    for minutes in (0, 140, 200):
        now[0] = NOW_MS + minutes * MINUTE
        heard.append(index.data(TicketRole.DUE).level)
        assert index.data(TicketRole.DUE).text in index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert heard == [Level.CALM, Level.WARNING, Level.LATE]
    assert queries.rows_asked == asked


def test_the_list_can_be_ordered_by_the_next_due(qtbot: QtBot, theme: Theme) -> None:
    """The most late one stands on top, those without a due below."""
    pane, _queries = _pane(qtbot, theme, [NOW_MS])
    pane.sort_by(SortKey.DUE)

    def rows() -> list[TicketRow | None]:
        return [pane.model.index(n).data(TicketRole.ROW) for n in range(6)]

    qtbot.waitUntil(lambda: all(rows()))
    dues = [row.due.at for row in rows() if row is not None and row.due is not None and row.due.at is not None]
    assert len(dues) == 6
    assert dues == sorted(dues)
    assert dues[0] < NOW_MS


def test_the_ticket_s_head_says_which_target_is_due_and_why_one_is_paused(qtbot: QtBot, theme: Theme) -> None:
    """The words follow the minute."""
    set_language("en")
    queries = FakeQueries(FakeDesk(60))
    header = TicketHeader(theme)
    qtbot.addWidget(header)
    header.tick(NOW_MS)
    shown = {}
    for n in range(20):
        details = queries.details(ticket_id(n))
        assert details is not None
        header.show_details(details, queries.choices(), None)
        shown[details.row.category] = (header.due.isHidden(), header.due.text())
    assert shown[Category.OPEN][1].startswith("Resolution: ")
    assert shown[Category.WAITING_CUSTOMER] == (False, "Paused: waiting for the customer")
    assert shown[Category.SOLVED][0]
    details = queries.details(ticket_id(0))
    assert details is not None
    header.show_details(details, queries.choices(), None)
    header.tick(NOW_MS + 200 * MINUTE)
    assert "Late by" in header.due.text()


def test_the_details_tell_every_target_and_follow_the_minute(qtbot: QtBot, theme: Theme) -> None:
    """C19 as an agent reads it: the first answer came in time, the next is due, and then it is late."""
    set_language("en")
    seoul = "Asia/Seoul"
    at = [utc_s(f"2026-03-09T{clock}", seoul) for clock in ("09:00", "09:30", "15:00")]
    events = [
        ClockEvent(at[0], EventKind.POLICY, (0,), policy=version("URG"), calendar=version("SEOUL")),
        ClockEvent(at[0], EventKind.OPENED, (1,)), ClockEvent(at[1], EventKind.REPLY, (2,)),
        ClockEvent(at[2], EventKind.CUSTOMER, (3,)),
    ]  # fmt: skip
    facts = ClockFacts(events, POLICIES, hours(), "긴급", "Urgent")
    panel = CustomerPanel(theme)
    qtbot.addWidget(panel)
    queries = FakeQueries(FakeDesk(5))
    panel.show_card(None, queries.choices(), date(2026, 3, 9), facts, at[2] * 1000)
    panel.finish()
    panel.show()

    def said() -> dict[str, str]:
        names = (label.accessibleName() for label in panel.findChildren(PlainLabel) if label.isVisibleTo(panel))
        return dict(name.split(": ", 1) for name in names if ": " in name)

    assert said()["First answer"] == "In time"
    assert said()["Next answer"].startswith("Due ")
    panel.tick(utc_s("2026-03-09T16:45", seoul) * 1000)
    assert said()["Next answer"].startswith("Due soon: ")
    panel.tick(utc_s("2026-03-09T19:00", seoul) * 1000)
    assert said()["Next answer"] == "Late by 2 hrs"
    assert said()["Resolution"].startswith("Late by")


def test_a_minute_is_told_when_it_begins(qtbot: QtBot) -> None:
    """Forty milliseconds before the minute, the window hears of it forty milliseconds later."""
    told: list[int] = []
    parent = PlainLabel()
    qtbot.addWidget(parent)
    Minutes(lambda: NOW_MS // 60_000 * 60_000 - 40, told.append, parent)
    qtbot.waitUntil(lambda: bool(told))
