# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies that wait: taken back within seconds, sent at a chosen time, stopped when somebody writes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.config import settings as conf
from app.config.i18n import set_language
from app.domain.attachments import Attachment
from app.domain.changes import MessageAdd, TicketSet
from app.domain.errors import Refused
from app.domain.ports import Draft, DraftKind, SendOrder, SendWhy
from app.services.triage_writing import After
from tests.fakes.queries import NOW_MS, ticket_id
from tests.widgets.test_shell import CTRL, SHIFT, Desk
from widgets.composer.later import OTHER
from widgets.foundation import Theme
from widgets.foundation.chooser import Chooser
from widgets.shell.sends import SendDesk

REPLY = DraftKind.REPLY
PICTURE = Attachment(sha256=bytes(32), size_bytes=3, filename="a.png", media_type="image/png")


class Sending(Desk):
    """The window with five seconds in which a reply can be taken back; the seconds pass when the test says so."""

    @property
    def sends(self) -> SendDesk:
        """What keeps the clocks."""
        return self.window.writing.sends

    def write(self, text: str, n: int = 0) -> None:
        """Open a ticket and type a reply."""
        self.open(n)
        self.key(Qt.Key.Key_R)
        self.type(text)

    def elapse(self, n: int = 0) -> None:
        """The seconds of a ticket's reply are over."""
        self.sends._ends[ticket_id(n)].timeout.emit()

    def sent(self) -> list[str]:
        """What is in the outbox of replies."""
        return [c.body for c in self.commits.changes if isinstance(c, MessageAdd)]


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[Sending]:
    """A window with sixty tickets."""
    made = Sending(qtbot, theme, tmp_path)
    made.settings.set(conf.UNDO_SEND_S, 5)
    yield made
    made.window.close()
    set_language("en")


@pytest.mark.ux("UX-31")
def test_a_reply_waits_its_seconds_listed_in_the_outbox_and_then_goes(desk: Sending) -> None:
    """Until then nothing is in the outbox of changes; the ticket says that a reply is about to go out."""
    desk.write("Please update.")
    desk.key(Qt.Key.Key_Return, CTRL)
    assert desk.sent() == []
    assert desk.composer.waiting.isVisible()
    assert desk.composer.kind() is None
    assert desk.window.outbox.model.rowCount() == 1
    assert desk.window.views.outbox.count() == 1
    timer = desk.sends._ends[ticket_id(0)]
    assert timer.interval() == 5_000
    desk.elapse()
    assert desk.sent() == ["Please update."]
    assert desk.window.toast.text() == "Reply to 박민수 is on its way"
    assert not desk.composer.waiting.isVisible()
    assert (ticket_id(0), REPLY) not in desk.commits.drafts
    assert desk.link.poked == [1]


@pytest.mark.ux("UX-31")
@pytest.mark.parametrize("how", ["toast", "bar", "key", "write"])
def test_taking_back_restores_text_caret_and_files(desk: Sending, how: str) -> None:
    """By the toast, by the bar, by Ctrl+Z, or by going on writing."""
    desk.write("Please update.")
    sheet = desk.composer.sheets[REPLY]
    sheet.files.load((PICTURE,), ticket_id(0))
    cursor = sheet.edit.textCursor()
    cursor.setPosition(6)
    sheet.edit.setTextCursor(cursor)
    desk.composer._typed(REPLY)
    desk.key(Qt.Key.Key_Return, CTRL)
    assert desk.composer.text(REPLY) == ""
    ways: dict[str, Callable[[], object]] = {
        "toast": desk.window.toast.undo.click,
        "bar": desk.composer.waiting.stop.click,
        "key": lambda: desk.window.registry.run("edit.undo"),
        "write": lambda: desk.composer.write(REPLY),
    }
    ways[how]()
    assert desk.composer.kind() is REPLY
    assert desk.composer.text(REPLY) == "Please update."
    assert sheet.edit.textCursor().position() == 6
    assert sheet.files.attachments() == (PICTURE,)
    assert sheet.edit.hasFocus()
    assert desk.sent() == []
    assert desk.sends.all() == ()
    assert desk.commits.drafts[(ticket_id(0), REPLY)].send is None


def test_taking_back_from_another_ticket_goes_to_the_one_it_is_about(desk: Sending) -> None:
    """The toast follows the person; the text is where it was written."""
    desk.write("Please update.")
    desk.key(Qt.Key.Key_Return, CTRL)
    desk.open(3)
    desk.window.toast.undo.click()
    assert desk.window.desk.details is not None
    assert desk.window.desk.details.row.id == ticket_id(0)
    assert desk.composer.text(REPLY) == "Please update."


def test_replies_on_several_tickets_wait_each_for_itself(desk: Sending) -> None:
    """Taking one back leaves the other."""
    for n in (0, 3):
        desk.write(f"For {n}.", n)
        desk.key(Qt.Key.Key_Return, CTRL)
    desk.sends.take_back(ticket_id(0))
    desk.elapse(3)
    assert desk.sent() == ["For 3."]


@pytest.mark.ux("UX-31")
@pytest.mark.parametrize("seconds", [0, 30])
def test_the_seconds_are_the_organisations_to_set(desk: Sending, seconds: int) -> None:
    """0 sends at once."""
    desk.settings.set(conf.UNDO_SEND_S, seconds)
    desk.write("Hello")
    desk.key(Qt.Key.Key_Return, CTRL)
    if seconds:
        assert desk.sends._ends[ticket_id(0)].interval() == 30_000
    assert desk.sent() == ([] if seconds else ["Hello"])


@pytest.mark.ux("UX-31")
def test_after_a_crash_the_seconds_start_anew(desk: Sending, qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    """What waited on disk is listed again, can be taken back, and goes when its seconds are over."""
    desk.write("Please update.")
    desk.key(Qt.Key.Key_Return, CTRL)
    desk.sends._ends[ticket_id(0)].stop()  # the program is gone
    again = SendDesk(desk.window.desk, desk.window._ports, desk.window)
    again.start()
    assert [p.draft.body for p in again.all()] == ["Please update."]
    assert again._ends[ticket_id(0)].interval() == 5_000
    again._ends[ticket_id(0)].timeout.emit()
    assert desk.sent() == ["Please update."]


def test_closing_the_window_sends_what_was_sent(desk: Sending) -> None:
    """Nobody is to find on Monday that Friday's answer never left."""
    desk.write("Please update.")
    desk.key(Qt.Key.Key_Return, CTRL)
    desk.window.close()
    assert desk.sent() == ["Please update."]


@pytest.mark.ux("UX-20")
def test_a_reply_does_not_go_when_the_customer_wrote_within_the_seconds(desk: Sending) -> None:
    """It is a draft again, with the reason above it; Send then shows the news."""
    desk.write("Please update.")
    desk.key(Qt.Key.Key_Return, CTRL)
    desk.data.customer_writes(0, "It works now!")
    desk.elapse()
    assert desk.sent() == []
    assert desk.composer.text(REPLY) == "Please update."
    assert "not sent" in desk.composer.sheets[REPLY].notice.text.text()
    desk.composer.send()
    assert desk.composer.sheets[REPLY].news.text() == "It works now!"
    assert desk.sent() == []


def _choose(desk: Sending, place: int) -> None:
    desk.composer.send_later()
    chooser = desk.picker()
    chooser.list.setCurrentIndex(chooser.model.index(place))
    QTest.keyClick(chooser.field, Qt.Key.Key_Return)


def test_a_reply_can_go_at_the_start_of_business(desk: Sending) -> None:
    """Tuesday noon: Wednesday nine o'clock comes first; until then it stands in the outbox and nothing is sent."""
    desk.write("Good morning")
    _choose(desk, 0)
    [planned] = desk.sends.all()
    wednesday_nine = 1_774_828_800 + 2 * 86_400
    assert planned.order.at == wednesday_nine * 1000
    assert planned.order.why is SendWhy.LATER
    assert "Goes out on" in desk.composer.waiting.text.text()
    desk.sends._look()
    assert desk.sent() == []
    desk.composer.waiting.hurry.click()
    assert desk.sent() == ["Good morning"]


def test_a_reply_goes_when_its_chosen_time_has_come(desk: Sending) -> None:
    """Also one whose time passed while the computer slept; the clock is looked at, not counted."""
    desk.write("Later")
    desk.composer.send_later()
    chooser = desk.picker()
    last = chooser.model.rowCount() - 1
    assert chooser.model.options[last].value == OTHER
    chooser.list.setCurrentIndex(chooser.model.index(last))
    QTest.keyClick(chooser.field, Qt.Key.Key_Return)
    window = desk.window.writing.time
    assert window is not None
    window.field.setDateTime(window.field.dateTime().addDays(-2))
    window.send.click()
    assert window.problem.isVisible()  # a time that has passed is not taken
    window.field.setDateTime(window.field.dateTime().addDays(3))
    window.send.click()
    [planned] = desk.sends.all()
    draft = planned.draft
    desk.commits.drafts[(ticket_id(0), REPLY)] = Draft(
        draft.ticket, REPLY, draft.body, 0, draft.seen_seq,
        send=SendOrder(NOW_MS - 1, SendWhy.LATER, draft.body, b"e" * 16, b"m" * 16),
    )  # fmt: skip
    again = SendDesk(desk.window.desk, desk.window._ports, desk.window)
    again.start()
    assert desk.sent() == ["Later"]
    assert [c.message for c in desk.commits.changes if isinstance(c, MessageAdd)] == [b"m" * 16]


def test_what_was_meant_for_later_is_stopped_with_a_notice_when_the_customer_writes_first(desk: Sending) -> None:
    """It stays in the outbox as not sent until its author has it on the screen, and is a draft then."""
    desk.write("Are you there?")
    _choose(desk, 1)
    desk.open(3)
    desk.data.customer_writes(0, "Solved it myself, thank you")
    desk.window.writing.look_for_news(frozenset())
    assert desk.sent() == []
    assert "was not sent" in desk.window.toast.text()
    model = desk.window.outbox.model
    assert "not sent" in str(model.data(model.index(0)))
    desk.sends._look()
    desk.open(0)
    assert desk.composer.text(REPLY) == "Are you there?"
    assert desk.sends.all() == ()
    assert desk.window.outbox.model.rowCount() == 0


def test_send_and_solve_solves_when_the_reply_goes(desk: Sending) -> None:
    """Taken back, the state was never touched."""
    desk.write("Done")
    desk.key(Qt.Key.Key_Return, CTRL | SHIFT)
    assert desk.commits.changes == []
    desk.elapse()
    assert [type(c) for c in desk.commits.changes] == [MessageAdd, TicketSet]


def test_a_reply_that_cannot_go_says_why_and_is_a_draft_again(desk: Sending) -> None:
    """The ticket was merged away meanwhile."""
    desk.write("Done")
    desk.key(Qt.Key.Key_Return, CTRL)
    desk.commits.error = Refused("merged")
    desk.commits.drafts_fail = False
    desk.elapse()
    assert desk.composer.text(REPLY) == "Done"
    assert "merged into another one" in desk.composer.sheets[REPLY].notice.text.text()


def test_no_letter_of_a_waiting_reply_is_lost_to_a_note_or_a_file(desk: Sending) -> None:
    """Copying a note into it, or attaching, takes it back first."""
    desk.write("Hello")
    desk.key(Qt.Key.Key_Return, CTRL)
    desk.composer.write(DraftKind.NOTE)
    desk.type("secret")
    desk.composer.note_to_reply()
    assert desk.composer.text(REPLY) == "Hello"
    assert desk.sends.all() == ()


def test_choosing_a_time_without_words_says_so(desk: Sending) -> None:
    """As sending does."""
    desk.open(0)
    desk.composer.write(REPLY)
    desk.composer.send_later()
    assert desk.composer.sheets[REPLY].notice.text.text() == "There is nothing to send yet."
    assert not desk.window.findChildren(Chooser)
    assert After.NOTHING.value == "nothing"
