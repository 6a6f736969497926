# SPDX-License-Identifier: GPL-3.0-or-later
"""The ticket list: any size, rows on demand, old rows while busy, words for screen readers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAccessible, QFocusEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.ids import TicketId
from app.domain.ports import SortKey, ViewKey
from tests.fakes.link import InlineJobs
from tests.fakes.queries import NOW_MS, FakeDesk, FakeQueries, ticket_id
from widgets.foundation import Theme
from widgets.inbox.model import TicketRole
from widgets.inbox.pane import InboxPane


def pane_over(qtbot: QtBot, theme: Theme, size: int) -> tuple[InboxPane, FakeQueries, InlineJobs]:
    """A list pane of 340 x 600 px that shows every ticket."""
    queries, jobs = FakeQueries(FakeDesk(size)), InlineJobs()
    pane = InboxPane(theme, queries, jobs, lambda: NOW_MS)
    pane.show_choices(queries.choices())
    qtbot.addWidget(pane)
    pane.resize(340, 600)
    pane.show_view(ViewKey.ALL)
    pane.show()
    return pane, queries, jobs


@pytest.mark.ux("UX-05")
def test_a_million_tickets_cost_a_few_pages(qtbot: QtBot, theme: Theme) -> None:
    """Only rows on screen are read, at the top and after a jump to the end."""
    pane, queries, _jobs = pane_over(qtbot, theme, 1_000_000)
    assert pane.count.text() == "1,000,000"
    qtbot.waitUntil(lambda: pane.model.row_of(ticket_id(0)) is not None)
    pane.list.scrollToBottom()
    qtbot.waitUntil(lambda: pane.model.row_of(ticket_id(999_999)) is not None)
    assert queries.rows_asked <= 400


@pytest.mark.ux("UX-05")
def test_selecting_all_loads_no_row(qtbot: QtBot, theme: Theme) -> None:
    """A selection is a range, not a list of rows."""
    pane, queries, _jobs = pane_over(qtbot, theme, 1_000_000)
    qtbot.waitUntil(lambda: pane.model.row_of(ticket_id(0)) is not None)
    before = queries.rows_asked
    pane.list.selectAll()
    assert queries.rows_asked == before


def test_old_rows_stay_while_new_ones_are_read(qtbot: QtBot, theme: Theme) -> None:
    """A change behind the list never empties it."""
    pane, _queries, jobs = pane_over(qtbot, theme, 50)
    qtbot.waitUntil(lambda: pane.model.row_of(ticket_id(0)) is not None)
    jobs.hold = True
    pane.rows_changed(frozenset({ticket_id(0)}))
    index = pane.model.index(0)
    assert index.data(TicketRole.ROW) is not None
    jobs.release()


def test_after_a_deed_the_line_is_there_before_the_order_of_the_list_is_read(qtbot: QtBot, theme: Theme) -> None:
    """Reading a long order takes time from what the person waits for; it follows in any case."""
    pane, queries, jobs = pane_over(qtbot, theme, 50)
    qtbot.waitUntil(lambda: pane.model.row_of(ticket_id(0)) is not None)
    queries.asked.clear()
    jobs.hold = True
    pane.rows_changed(frozenset({ticket_id(0)}))
    assert jobs.waiting() == ["list.few"]
    jobs.release()
    assert queries.asked[:2] == ["rows", "ids all"]


def test_a_key_of_a_search_reads_only_what_it_finds(qtbot: QtBot, theme: Theme) -> None:
    """The list that stands until the hits come is neither read nor painted again for it."""
    pane, queries, jobs = pane_over(qtbot, theme, 50)
    qtbot.waitUntil(lambda: pane.model.row_of(ticket_id(0)) is not None)
    jobs.hold = True
    before = queries.rows_asked
    with qtbot.assertNotEmitted(pane.model.dataChanged):
        pane.show_search("p")
        pane.show_search("pr")
    pane.list.viewport().repaint()
    jobs.release()
    assert queries.rows_asked == before
    assert pane.title.text().endswith("pr")


def test_that_a_colleague_writes_shows_on_a_line_that_was_painted_before(qtbot: QtBot, theme: Theme) -> None:
    """A line's picture is kept only as long as all that it says is the same."""
    pane, _queries, _jobs = pane_over(qtbot, theme, 5)
    qtbot.waitUntil(lambda: pane.model.row_of(ticket_id(0)) is not None)
    before = pane.list.viewport().grab().toImage()
    pane.model.show_written_on(frozenset({ticket_id(0)}))
    assert pane.list.viewport().grab().toImage() != before


def test_the_list_is_there_again_after_a_search_without_being_read(qtbot: QtBot, theme: Theme) -> None:
    """With a million tickets that takes longer than several searches; it is read when something changed behind it."""
    pane, queries, _jobs = pane_over(qtbot, theme, 50)
    pane.show_search("subject")
    before = queries.asked.count("ids all")
    pane.end_search()
    assert pane.search_text() is None
    assert pane.count.text() == "50"
    assert queries.asked.count("ids all") == before
    for changed in (pane.rows_changed, pane.forget):
        pane.show_search("subject")
        changed(frozenset())
        pane.end_search()
    assert queries.asked.count("ids all") == before + 2


def test_a_search_that_began_before_the_list_was_read_leaves_to_a_list_that_is_read(qtbot: QtBot, theme: Theme) -> None:
    """An answer that was overtaken is not what the view shows afterwards."""
    pane, queries, jobs = pane_over(qtbot, theme, 50)
    jobs.hold = True
    pane.show_view(ViewKey.MINE)
    pane.show_search("subject")
    jobs.release()
    assert "ids mine" not in queries.asked
    pane.end_search()
    assert queries.asked.count("ids mine") == 1


def test_a_ticket_that_was_changed_is_read_by_itself_and_its_line_painted_anew(qtbot: QtBot, theme: Theme) -> None:
    """What a person did shows without waiting for the list: its order is read meanwhile."""
    pane, queries, _jobs = pane_over(qtbot, theme, 50)
    qtbot.waitUntil(lambda: pane.model.row_of(ticket_id(3)) is not None)
    row = pane.model.row_of(ticket_id(3))
    assert row is not None
    queries.desk.rows[ticket_id(3)] = replace(row, subject="another subject")
    before, told = queries.rows_asked, []
    pane.model.dataChanged.connect(lambda top, bottom, _roles: told.append((top.row(), bottom.row())))
    pane.model.forget(frozenset({ticket_id(3), b"a message"}))
    assert queries.rows_asked == before + 1
    assert told == [(3, 3)]
    assert pane.model.index(3).data() == "another subject"


def test_the_selection_stays_on_its_ticket_when_the_order_changes(qtbot: QtBot, theme: Theme) -> None:
    """Sorting by priority moves the rows, not the person."""
    pane, _queries, _jobs = pane_over(qtbot, theme, 50)
    pane.show_view(ViewKey.TEAM)
    pane.select(ticket_id(3))
    pane.sort_by(SortKey.PRIORITY)
    assert pane.current() == ticket_id(3)
    assert pane.model.id_at(pane.list.currentIndex().row()) == ticket_id(3)


def test_the_list_opens_no_ticket_by_itself(qtbot: QtBot, theme: Theme) -> None:
    """Who reads a ticket that is not in the list keeps it when the keyboard comes to the list; Down takes the first."""
    pane, _queries, _jobs = pane_over(qtbot, theme, 50)
    qtbot.waitUntil(lambda: pane.model.row_of(ticket_id(0)) is not None)
    pane.select(ticket_id(3))
    pane.select(TicketId(b"\xff" * 16))  # by a link: it is in another view
    opened: list[object] = []
    pane.selected.connect(opened.append)
    for reason in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
        QApplication.sendEvent(pane.list, QFocusEvent(QEvent.Type.FocusOut, reason))
        QApplication.sendEvent(pane.list, QFocusEvent(QEvent.Type.FocusIn, reason))
    pane.refresh()
    assert opened == []
    assert pane.current() == b"\xff" * 16
    QTest.keyClick(pane.list, Qt.Key.Key_Down)
    assert opened == [ticket_id(0)]


def test_a_row_is_one_sentence_for_a_screen_reader(qtbot: QtBot, theme: Theme) -> None:
    """Subject, customer, number, state, priority, not answered, when."""
    pane, _queries, _jobs = pane_over(qtbot, theme, 50)
    qtbot.waitUntil(lambda: pane.model.row_of(ticket_id(1)) is not None)
    words = pane.model.index(1).data(Qt.ItemDataRole.AccessibleTextRole)
    for part in ("간편결제가 승인되지 않습니다", "윤서아", "#14820", "In progress", "High priority", "not answered"):
        assert part in words
    interface = QAccessible.queryAccessibleInterface(pane.list)
    spoken = [interface.child(i).text(QAccessible.Text.Name) for i in range(8)]
    assert words in spoken


@pytest.mark.ux("UX-16")
def test_a_provisional_number_is_shown_and_spoken_as_such(qtbot: QtBot, theme: Theme) -> None:
    """~K7-12 on the screen, "임시 K7의 12" for the ear."""
    pane, _queries, _jobs = pane_over(qtbot, theme, 50)
    qtbot.waitUntil(lambda: pane.model.row_of(ticket_id(5)) is not None)
    row = pane.model.index(5).data(TicketRole.ROW)
    assert row.label == "~K7-12"
    set_language("ko")
    assert "임시 K7의 12" in pane.model.index(5).data(Qt.ItemDataRole.AccessibleTextRole)
