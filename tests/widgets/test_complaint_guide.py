# SPDX-License-Identifier: GPL-3.0-or-later
"""The complaint guide in the window, over real files and a real server: seven steps, by keyboard, one needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.changes import MessageAdd, TicketSet
from app.domain.complaints import Closing, Step
from app.domain.entities import Category
from app.domain.ids import StateId, TicketId, new_id
from app.domain.ports import DraftKind
from app.services.texts_history import event_line
from tests.sync.desk import Client
from tests.widgets.real_desk import RealDesk
from widgets.customer.complaint import EmpathyBox, FollowUpBox, GreetBox, ListenBox, QuestionsBox, StepBox
from widgets.foundation import Theme

CTRL = Qt.KeyboardModifier.ControlModifier
B = TypeVar("B", bound=StepBox)
SAID = "프린터가 또 멈췄습니다. 정말 답답합니다."


class ComplaintDesk(RealDesk):
    """The window with a complaint open."""

    ticket: TicketId

    def box(self, kind: type[B]) -> B:
        """One step of the guide."""
        return next(box for box in self.window.customer.complaint.boxes.values() if isinstance(box, kind))

    def lines(self) -> list[str]:
        """The history in words."""
        items, desk = self.details(self.ticket).items, self.window.desk
        return [line.text for i in items if (line := event_line(i, items, desk.choices, desk.me)) is not None]

    def state(self, category: str) -> StateId:
        """The first state of a category."""
        return StateId(self.client.state(category))

    def text(self) -> str:
        """The reply as it stands."""
        return self.window.ticket.composer.sheets[DraftKind.REPLY].edit.toPlainText()


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, kim: Client, tmp_path: Path) -> Iterator[ComplaintDesk]:
    """Kim's window over a complaint of the customer."""
    ticket = TicketId(kim.new_ticket())
    kim.do(TicketSet(new_id(), ticket, {"kind": "complaint", "owner": kim.me}))
    kim.do(MessageAdd(new_id(), new_id(), ticket, SAID, inbound=True))
    kim.sync()
    made = ComplaintDesk(qtbot, theme, kim, tmp_path)
    made.ticket = ticket
    made.open(ticket)
    made.window.customer.finish()
    yield made
    made.window.close()
    set_language("en")


def test_each_of_the_seven_steps_can_be_done_and_stands_in_the_history(desk: ComplaintDesk) -> None:
    """By what they offer or by their tick; the block is not made anew, so the keyboard stays where it is."""
    guide = desk.window.customer.complaint
    boxes = dict(guide.boxes)
    QTest.mouseClick(desk.box(GreetBox).put, Qt.MouseButton.LeftButton)
    assert desk.text() == "한예린 님, 안녕하세요.\n\n"  # the customer's language, not the window's
    QTest.mouseClick(desk.box(ListenBox).feeling, Qt.MouseButton.LeftButton)
    shown = desk.box(QuestionsBox).chips.itemAt(1)
    assert shown is not None
    chip = shown.widget()
    assert chip is not None
    QTest.mouseClick(chip, Qt.MouseButton.LeftButton)
    assert "언제부터 그런 일이 있었나요?" in desk.text()
    for step in (Step.EMPATHY, Step.ACT, Step.CHECK):
        tick = boxes[step].tick
        tick.setFocus()
        desk.key(Qt.Key.Key_Space)
        assert tick.isChecked()
        assert tick.hasFocus()
    last = desk.box(FollowUpBox)
    last.cause.setCurrentIndex(last.cause.findData("waiting"))
    last.planned.setChecked(True)
    assert last.at.isVisible()
    QTest.mouseClick(last.save, Qt.MouseButton.LeftButton)
    assert guide.boxes == boxes
    assert guide.guide is not None
    assert guide.guide.done == set(Step)
    told = "\n".join(desk.lines())
    for words in ("Greet by name", "Ask", "Show that you understand", "Explain and act", "Waiting time"):
        assert words in told
    assert "marked as feeling" in told
    assert "planned a follow-up" in told
    desk.sync()
    assert guide.guide.done == set(Step)


def test_a_complaint_is_solved_only_after_the_last_step_and_says_what_is_missing(desk: ComplaintDesk) -> None:
    """The others are never asked for. The refusal names the step; the palette's command leads to it."""
    desk.key(Qt.Key.Key_R)
    QTest.keyClicks(desk.window.ticket.composer.sheets[DraftKind.REPLY].edit, "We replaced it.")
    desk.key(Qt.Key.Key_Return, CTRL)
    desk.window.writing.sends.flush()
    desk.window.inbox.list.setFocus()
    desk.key(Qt.Key.Key_E)
    assert desk.details(desk.ticket).row.category is Category.OPEN
    assert "step 7" in desk.window.ticket.problem.text.text()
    guide = desk.window.customer.complaint
    guide.closed.emit(Closing("product", "none"))
    desk.window.inbox.list.setFocus()
    desk.key(Qt.Key.Key_E)
    assert desk.details(desk.ticket).row.category is Category.SOLVED
    desk.sync()
    assert desk.details(desk.ticket).row.category is Category.SOLVED


def test_the_customers_words_stay_above_the_reply_and_the_first_paragraph_is_looked_at(desk: ComplaintDesk) -> None:
    """Only for complaints; what is said of the paragraph is for its writer and goes nowhere."""
    sheet = desk.window.ticket.composer.sheets[DraftKind.REPLY]
    desk.key(Qt.Key.Key_R)
    assert sheet.pinned.isVisible()
    assert sheet.pinned.area.toPlainText() == SAID
    empathy = desk.box(EmpathyBox)
    sheet.edit.setPlainText("확인 후 답변드리겠습니다.")
    desk.window.complaints.look()
    assert empathy.state.text() == "The first paragraph does not name the situation yet"
    sheet.edit.setPlainText("또 멈춰서 많이 불편하셨겠습니다.")
    desk.window.complaints.look()
    assert empathy.state.text() == "The first paragraph names the situation"
    other = TicketId(desk.client.new_ticket())
    desk.window.rows_changed(frozenset())
    desk.open(other)
    desk.window.customer.finish()
    assert not sheet.pinned.isVisible()
    assert desk.window.customer.complaint.blocks() == []


def test_the_keyboard_goes_to_the_first_open_step(desk: ComplaintDesk) -> None:
    """From the palette's command."""
    desk.window.registry.run("ticket.complaint")
    assert desk.window.customer.complaint.boxes[Step.GREET].tick.hasFocus()


def test_answers_to_the_two_questions_stand_in_the_ticket_and_a_no_opens_it_again(desk: ComplaintDesk) -> None:
    """Written down by key from what the customer said; neither question has an answer before one is chosen."""
    kim = desk.client
    kim.reply(desk.ticket, "교체했습니다.")
    closing = {"root_cause": "product", "follow_up": "none"}
    kim.do(TicketSet(new_id(), desk.ticket, {"state": kim.state("solved"), **closing}))
    desk.window.rows_changed(frozenset())
    desk.window.refresher.note(frozenset(), own=True)
    desk.window.registry.run("ticket.answers")
    dialog = desk.window.complaints.dialog
    assert dialog is not None
    QTest.keyClick(dialog, Qt.Key.Key_Return, CTRL)
    assert dialog.problem.isVisible()
    dialog.solved.no.setChecked(True)
    dialog.comment.setText("또 멈춥니다")
    QTest.keyClick(dialog, Qt.Key.Key_Return, CTRL)
    details = desk.details(desk.ticket)
    assert details.row.category is Category.OPEN
    assert [(each.solved, each.treated_well, each.comment) for each in details.related.answers] == [
        (False, None, "또 멈춥니다")
    ]
    assert any("The problem is not solved" in line for line in desk.lines())
    desk.sync()
    assert desk.details(desk.ticket).row.category is Category.OPEN


def test_what_waits_for_a_colleague_comes_back_a_business_day_later_and_is_open_again(desk: ComplaintDesk) -> None:
    """The toast says when; one undo takes both back."""
    desk.window.desk.set_state(
        [desk.details(desk.ticket).row], desk.state("waiting_internal"), desk.client.desk.clock()
    )
    details = desk.details(desk.ticket)
    assert details.row.category is Category.WAITING_INTERNAL
    until = details.related.snooze_until
    assert until is not None
    assert 12 * 3_600_000 < until - desk.client.desk.clock() < 5 * 86_400_000
    desk.client.desk.clock.ms = until + 1000
    desk.window.snoozes.look()
    assert desk.details(desk.ticket).row.category is Category.OPEN
    desk.sync()
    assert desk.details(desk.ticket).row.category is Category.OPEN
