# SPDX-License-Identifier: GPL-3.0-or-later
"""The composer: replies and notes cannot be confused, drafts survive, news hold a reply back."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.domain.changes import AnyChange, MessageAdd, NoteAdd, TicketSet
from app.domain.entities import Category
from app.domain.errors import Refused, StoreUnavailable
from app.domain.ports import Draft, DraftKind, TicketDetails
from app.services.triage_writing import After, Saved, Stale, Writing
from tests.fakes.commits import FakeCommits
from tests.fakes.link import InlineJobs
from tests.fakes.queries import ME, NOW_MS, FakeDesk, FakeQueries, customer_id, ticket_id
from widgets.composer.composer import Composer
from widgets.foundation import Theme

REPLY, NOTE = DraftKind.REPLY, DraftKind.NOTE
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class Desk:
    """A composer wired to the writing service, as the window wires it."""

    def __init__(self, qtbot: QtBot, theme: Theme) -> None:
        self.data = FakeDesk(20)
        self.queries, self.commits = FakeQueries(self.data), FakeCommits(self.data)
        self.writing = Writing(self.queries, self.commits, ME)
        self.composer = Composer(theme, self.commits, InlineJobs(), lambda: NOW_MS)
        self.composer.reply_sent.connect(self._reply)
        self.composer.note_saved.connect(self._note)
        self.composer.resize(560, 320)
        qtbot.addWidget(self.composer)
        self.composer.show()
        self.open(0)

    def details(self, n: int) -> TicketDetails:
        """A ticket's page."""
        details = self.queries.details(ticket_id(n))
        assert details is not None
        return details

    def open(self, n: int) -> None:
        """Show a ticket."""
        self.composer.show_ticket(self.details(n))

    def _reply(
        self, ticket: bytes, text: str, seen: int, after: After, anyway: bool, files: object, seen_id: bytes | None
    ) -> None:
        try:
            answer = self.writing.send_reply(ticket_id(0), text, seen, after, self.queries.choices(), anyway=anyway)
        except (Refused, StoreUnavailable) as why:
            self.composer.refused(ticket_id(0), REPLY, why)
            return
        if isinstance(answer, Stale):
            self.composer.held(ticket_id(0), answer)
        else:
            assert isinstance(answer, Saved)
            self.composer.accepted(ticket_id(0), REPLY)

    def _note(self, ticket: bytes, text: str) -> None:
        self.writing.save_note(ticket_id(0), text)
        self.composer.accepted(ticket_id(0), NOTE)

    def sent(self, kind: type[AnyChange]) -> list[AnyChange]:
        """What went into the outbox."""
        return [c for c in self.commits.changes if isinstance(c, kind)]


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme) -> Iterator[Desk]:
    """A composer on ticket 0."""
    made = Desk(qtbot, theme)
    yield made
    made.composer.close()


@pytest.mark.ux("UX-21")
def test_nothing_is_preselected_and_the_empty_composer_offers_two_buttons(desk: Desk) -> None:
    """Write reply, Write internal note."""
    composer = desk.composer
    assert composer.kind() is None
    assert (composer.reply_button.label(), composer.note_button.label()) == ("Write reply", "Write internal note")


@pytest.mark.ux("UX-21")
def test_reply_and_note_differ_in_ground_label_name_icon_and_button(desk: Desk) -> None:
    """Not only in colour."""
    reply, note = desk.composer.sheets[REPLY], desk.composer.sheets[NOTE]
    assert (reply.property("panel"), note.property("panel")) == ("reply", "note")
    assert (reply.label.text(), note.label.text()) == ("Reply", "Internal note")
    assert (reply.whom.text(), note.whom.text()) == ("to 박민수", "Not visible to the customer")
    assert (reply.send.label(), note.send.label()) == ("Send to 박민수", "Save note")
    assert reply.edit.accessibleName() == "Reply to 박민수"
    assert note.edit.accessibleName() == "Internal note, not visible to the customer"
    assert reply.picture.pixmap().toImage() != note.picture.pixmap().toImage()


@pytest.mark.ux("UX-21")
def test_no_sequence_of_keys_moves_a_notes_text_to_the_customer(desk: Desk) -> None:
    """Every order of three deeds after a note was typed: whatever goes out as a reply never holds its words."""

    def elsewhere() -> None:
        desk.open(3)
        desk.open(0)

    deeds: dict[str, Callable[[], None]] = {
        "other": desk.composer.other,
        "reply": lambda: desk.composer.write(REPLY),
        "note": lambda: desk.composer.write(NOTE),
        "send": desk.composer.send,
        "solve": lambda: desk.composer.send(After.SOLVE),
        "ticket": elsewhere,
        "fold": lambda: desk.composer.sheets[NOTE].folded.emit(),
    }
    for order in itertools.permutations(deeds, 3):
        desk.composer.write(NOTE)
        if not desk.composer.text(NOTE):
            desk.composer.sheets[NOTE].edit.insertPlainText("secret words")
        for name in order:
            deeds[name]()
    assert all("secret" not in getattr(c, "body", "") for c in desk.sent(MessageAdd))
    assert desk.sent(NoteAdd)


@pytest.mark.ux("UX-21")
def test_copying_a_note_into_the_reply_shows_it_and_sends_nothing(desk: Desk) -> None:
    """The one way over: the reply opens with the words and a warning."""
    desk.composer.write(NOTE)
    desk.composer.sheets[NOTE].edit.insertPlainText("update to 2.4.3")
    desk.composer.note_to_reply()
    assert desk.composer.kind() is REPLY
    assert desk.composer.text(REPLY) == "update to 2.4.3"
    assert desk.composer.sheets[REPLY].notice.isVisible()
    assert desk.commits.changes == []


@pytest.mark.ux("UX-08")
def test_a_draft_is_saved_without_asking_and_restored_with_the_ticket(desk: Desk, qtbot: QtBot) -> None:
    """Typing alone saves it; another ticket and back shows it."""
    desk.composer.write(REPLY)
    desk.composer.sheets[REPLY].edit.insertPlainText("half a sentence")
    qtbot.waitUntil(lambda: (ticket_id(0), REPLY) in desk.commits.drafts)
    assert desk.composer.sheets[REPLY].state.text().startswith("Draft saved")
    desk.open(3)
    assert desk.composer.kind() is None
    assert desk.composer.text(REPLY) == ""
    desk.open(0)
    assert desk.composer.text(REPLY) == "half a sentence"
    assert desk.composer.kind() is REPLY


def test_changing_the_ticket_saves_what_was_typed_a_moment_ago(desk: Desk) -> None:
    """No text is lost to a quick change."""
    desk.composer.write(NOTE)
    desk.composer.sheets[NOTE].edit.insertPlainText("quick")
    desk.open(3)
    assert desk.commits.drafts[(ticket_id(0), NOTE)].body == "quick"


def test_a_draft_that_cannot_be_saved_says_so_above_the_text(desk: Desk) -> None:
    """The text stays; the problem is told at its place."""
    desk.commits.error = StoreUnavailable("disk_full")
    desk.composer.write(REPLY)
    desk.composer.sheets[REPLY].edit.insertPlainText("text")
    desk.composer.save_now()
    sheet = desk.composer.sheets[REPLY]
    assert "The disk is full" in sheet.notice.text.text()
    assert desk.composer.text(REPLY) == "text"


@pytest.mark.ux("UX-20")
def test_a_reply_is_held_when_the_customer_wrote_meanwhile(desk: Desk) -> None:
    """The news stand above the draft; nothing went out; Send anyway sends it."""
    desk.composer.write(REPLY)
    desk.composer.sheets[REPLY].edit.insertPlainText("Try this.")
    desk.data.customer_writes(0, "It works now!")
    desk.open(0)  # the window refreshed meanwhile
    desk.composer.send()
    sheet = desk.composer.sheets[REPLY]
    assert desk.sent(MessageAdd) == []
    assert "after you began" in sheet.notice.text.text()
    assert sheet.news.text() == "It works now!"
    assert sheet.go_on.hasFocus() or sheet.go_on.isVisible()
    sheet.anyway.click()
    assert len(desk.sent(MessageAdd)) == 1


@pytest.mark.ux("UX-20")
def test_a_held_reply_can_be_edited_or_discarded(desk: Desk) -> None:
    """Edit goes on and then sends; Discard empties."""
    desk.composer.write(REPLY)
    desk.composer.sheets[REPLY].edit.insertPlainText("Try this.")
    desk.data.customer_writes(0, "No!")
    desk.composer.send()
    sheet = desk.composer.sheets[REPLY]
    sheet.go_on.click()
    assert not sheet.notice.isVisible()
    sheet.away.clicked.emit()
    assert desk.composer.text(REPLY) == ""
    assert desk.composer.kind() is None
    assert (ticket_id(0), REPLY) not in desk.commits.drafts


@pytest.mark.ux("UX-66")
def test_enter_that_ends_a_composition_does_not_send(desk: Desk) -> None:
    """Ctrl+Enter while 값 is composed only ends it; pressed again it sends."""
    desk.composer.write(REPLY)
    edit = desk.composer.sheets[REPLY].edit
    QApplication.sendEvent(edit, QInputMethodEvent("값", []))
    QTest.keyClick(edit, Qt.Key.Key_Return, CTRL)
    assert desk.commits.changes == []
    ended = QInputMethodEvent("", [])
    ended.setCommitString("값")
    QApplication.sendEvent(edit, ended)
    QTest.keyClick(edit, Qt.Key.Key_Return, CTRL)
    assert [getattr(c, "body", "") for c in desk.sent(MessageAdd)] == ["값"]


def test_an_empty_reply_is_not_sent_and_says_why(desk: Desk) -> None:
    """A sentence above the text."""
    desk.composer.write(REPLY)
    desk.composer.send()
    assert desk.composer.sheets[REPLY].notice.text.text() == "There is nothing to send yet."
    assert desk.commits.changes == []


@pytest.mark.parametrize(
    ("code", "words"), [("merged", "merged into another one"), ("text_too_long", "Shorten it or send a file")]
)
def test_a_refused_reply_keeps_its_text(desk: Desk, code: str, words: str) -> None:
    """The store said no: the text stays and the reason stands above it."""
    desk.composer.write(REPLY)
    desk.composer.sheets[REPLY].edit.insertPlainText("text")
    desk.commits.error = Refused(code)
    desk.composer.send()
    assert words in desk.composer.sheets[REPLY].notice.text.text()
    assert desk.composer.text(REPLY) == "text"


def test_tab_leaves_the_text_and_escape_too(desk: Desk, qtbot: QtBot) -> None:
    """No trap."""
    desk.composer.write(REPLY)
    edit = desk.composer.sheets[REPLY].edit
    assert edit.tabChangesFocus()
    with qtbot.waitSignal(desk.composer.left):
        QTest.keyClick(edit, Qt.Key.Key_Escape)


def test_send_and_wait_sets_the_state_and_its_undo_brings_it_back(desk: Desk) -> None:
    """The service answers with what undoes the state, not the reply."""
    answer = desk.writing.send_reply(ticket_id(0), "Look here", 3, After.WAIT, desk.queries.choices())
    assert isinstance(answer, Saved)
    assert [type(c) for c in desk.commits.changes] == [MessageAdd, TicketSet]
    assert len(answer.undo) == 1
    assert isinstance(answer.undo[0], TicketSet)
    assert isinstance(Draft(ticket_id(0), REPLY, ""), Draft)


@pytest.mark.ux("UX-20")
@pytest.mark.parametrize(("change", "words"), [("customer", "you began writing to somebody else"), ("hold", "on hold")])
def test_a_reply_is_held_here_when_the_ticket_is_anothers_or_on_hold_now(desk: Desk, change: str, words: str) -> None:
    """Before anything leaves this computer, and after a new start too; Send again sends it, for it is known now."""
    desk.composer.write(REPLY)
    desk.composer.sheets[REPLY].edit.insertPlainText("Try this.")
    desk.composer.save_now()
    row = desk.details(0).row
    other = customer_id(3)
    desk.data.rows[ticket_id(0)] = (
        replace(row, customer=other) if change == "customer" else replace(row, category=Category.HELD)
    )
    desk.open(3)
    desk.open(0)
    desk.composer.send()
    sheet = desk.composer.sheets[REPLY]
    assert desk.sent(MessageAdd) == []
    assert words in sheet.notice.text.text()
    sheet.go_on.click()
    desk.composer.send()
    assert len(desk.sent(MessageAdd)) == 1
