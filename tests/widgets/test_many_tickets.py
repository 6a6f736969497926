# SPDX-License-Identifier: GPL-3.0-or-later
"""Deeds on more tickets than the list has loaded, over a real profile: all of them, with one undo, in parts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.domain.ids import TicketId
from app.domain.ports import TicketRow, ViewKey
from app.services.picked import Picked
from app.services.triage import Done, Triage
from app.services.triage_undo import UndoEntry
from tests.fakes.link import FakeLink, StepJobs
from tests.sync.desk import Client
from tests.widgets.real_desk import RealDesk
from widgets.foundation import Theme
from widgets.shell.bulk import BulkStrip
from widgets.shell.desk import TicketDesk

CTRL = Qt.KeyboardModifier.ControlModifier


def made(kim: Client, n: int) -> list[TicketId]:
    return [kim.new_ticket(str(each)) for each in range(n)]


def priorities(kim: Client, ids: list[TicketId]) -> list[int]:
    rows = kim.profile.queries.rows(ids)
    return [rows[i].priority for i in ids]


@pytest.mark.ux("UX-30")
def test_a_deed_on_all_selected_tickets_reaches_those_that_were_never_on_screen(desk: RealDesk, kim: Client) -> None:
    """Ctrl+A and a priority: every ticket of the view, though the list has read a page; one Ctrl+Z puts all back."""
    ids = made(kim, 60)
    inbox = desk.window.inbox
    desk.window.go_view(ViewKey.ALL)
    inbox.list.setFocus()
    inbox.model.forget(ids)
    unread = [i for i in ids if inbox.model.row_of(i) is None]
    assert unread, "the list must not have read them all, or this shows nothing"
    desk.key(Qt.Key.Key_A, CTRL)
    assert inbox.count.text() == "60 of 60 selected"
    desk.key(Qt.Key.Key_P)
    desk.pick("Urgent")
    assert priorities(kim, ids) == [4] * 60
    assert desk.window.toast.text() == "60 tickets: priority Urgent"
    desk.key(Qt.Key.Key_Z, CTRL)
    assert priorities(kim, ids) == [2] * 60


def test_what_is_selected_stays_selected_while_tickets_come_and_go(desk: RealDesk, kim: Client) -> None:
    """A new ticket takes the first place meanwhile: the same ones stay selected, and it is not among them."""
    ids = made(kim, 8)
    inbox = desk.window.inbox
    desk.window.go_view(ViewKey.ALL)
    inbox.list.setFocus()
    desk.key(Qt.Key.Key_A, CTRL)
    late = kim.new_ticket("newest")
    desk.window.rows_changed(frozenset({late}))
    desk.qtbot.waitUntil(lambda: inbox.model.id_at(0) == late)
    assert set(inbox.picked().ids) == set(ids)
    assert inbox.count.text() == "8 of 9 selected"
    desk.window.go_view(ViewKey.MINE)
    desk.window.go_view(ViewKey.ALL)
    assert inbox.selected_count() < 2  # another view begins with nothing selected


class Parts:
    """A desk whose work is done piece by piece."""

    def __init__(self, qtbot: QtBot, theme: Theme, kim: Client) -> None:
        self.jobs = StepJobs()
        profile = kim.profile
        self.desk = TicketDesk(profile.queries, profile.commits, FakeLink(), self.jobs, kim.me)
        self.strip = BulkStrip(theme, self.jobs)
        qtbot.addWidget(self.strip)
        self.desk.many = self.strip
        self.strip.finished.connect(self.desk.finish)
        self.told: list[tuple[str, UndoEntry | None]] = []
        self.desk.done.connect(lambda text, entry: self.told.append((text, entry)))


def test_undo_stops_a_deed_that_is_still_going_on_and_takes_it_back(qtbot: QtBot, theme: Theme, kim: Client) -> None:
    """Ctrl+Z while it runs: no further ticket is touched, and those that were are as before."""
    ids = made(kim, 60)
    parts = Parts(qtbot, theme, kim)
    parts.desk.set_priority(Picked(ids), 4)
    parts.jobs.step()
    assert priorities(kim, ids).count(4) == 25
    assert parts.desk.undo()
    parts.jobs.finish()
    assert priorities(kim, ids) == [2] * 60
    assert [text for text, _entry in parts.told] == ["Undone: 50 tickets: priority Urgent"]


def test_an_undo_of_very_many_can_be_cancelled_and_gone_on_with(qtbot: QtBot, theme: Theme, kim: Client) -> None:
    """It runs in parts like the deed; what Cancel leaves can be undone later, what was undone can be done again."""
    ids = made(kim, 60)
    parts = Parts(qtbot, theme, kim)
    parts.desk.set_priority(Picked(ids), 4)
    parts.jobs.finish()
    assert parts.desk.undo()
    parts.jobs.step()
    parts.strip.stop()
    assert parts.strip.busy.text() == "25 of 60 changes undone"
    parts.jobs.finish()
    assert priorities(kim, ids).count(4) == 10
    assert parts.desk.undo()
    parts.jobs.finish()
    assert priorities(kim, ids) == [2] * 60
    assert parts.desk.redo()
    parts.jobs.finish()
    assert priorities(kim, ids).count(4) == 10


def test_a_deed_takes_each_ticket_as_it_is_when_its_turn_comes(qtbot: QtBot, theme: Theme, kim: Client) -> None:
    """Rows are read part by part, so that a deed sees what changed meanwhile; what is gone is left out."""
    ids = made(kim, 30)
    parts = Parts(qtbot, theme, kim)
    seen: list[TicketRow] = []

    def note(part: Sequence[TicketRow]) -> Done:
        seen.extend(part)
        return Triage(kim.profile.commits, kim.me).set_priority(part, 1)

    parts.desk.each(Picked([*ids, TicketId(b"x" * 16)]), note)
    kim.set(ids[29], subject="changed meanwhile")
    parts.jobs.finish()
    assert [row.id for row in seen] == ids
    assert seen[29].subject == "changed meanwhile"
