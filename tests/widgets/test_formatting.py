# SPDX-License-Identifier: GPL-3.0-or-later
"""Formatting in replies and notes by key and button, and the preview of the finished reply."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.config import settings as conf
from app.domain.changes import MessageAdd
from app.domain.formatting import Look, Mark, Rich
from app.domain.ports import DraftKind
from tests.fakes.queries import ticket_id
from tests.widgets.test_shell import CTRL, SHIFT, Desk
from widgets.composer.formatted import FormattedEdit
from widgets.foundation import Theme
from widgets.foundation.html_view import MessageHtml

REPLY, NOTE = DraftKind.REPLY, DraftKind.NOTE


class Writing(Desk):
    """The window, with a reply being written."""

    @property
    def edit(self) -> FormattedEdit:
        """Where the reply is typed."""
        return self.composer.sheets[REPLY].edit

    def sent(self) -> list[MessageAdd]:
        """The replies in the outbox."""
        return [c for c in self.commits.changes if isinstance(c, MessageAdd)]

    def select(self, start: int, end: int) -> None:
        """Select letters."""
        cursor = self.edit.textCursor()
        cursor.setPosition(start)
        cursor.setPosition(end, cursor.MoveMode.KeepAnchor)
        self.edit.setTextCursor(cursor)


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[Writing]:
    made = Writing(qtbot, theme, tmp_path)
    made.settings.set(conf.UNDO_SEND_S, 0)
    made.open(0)
    made.key(Qt.Key.Key_R)
    yield made
    made.window.close()


def test_a_reply_is_formatted_by_keys_alone_and_goes_out_with_it(desk: Writing) -> None:
    """Bold, a list that goes on with Enter and ends on an empty line; who reads plain text misses no word."""
    desk.key(Qt.Key.Key_B, CTRL)
    desk.type("Important")
    desk.key(Qt.Key.Key_B, CTRL)
    desk.type(":")
    desk.key(Qt.Key.Key_Return)
    desk.key(Qt.Key.Key_L, CTRL | SHIFT)
    for line in ("switch off", "wait", ""):
        desk.type(line)
        desk.key(Qt.Key.Key_Return)
    desk.type("Then write.")
    desk.key(Qt.Key.Key_Return, CTRL)
    [reply] = desk.sent()
    assert reply.body == "Important:\n• switch off\n• wait\nThen write."
    assert reply.html == "<p><b>Important</b>:</p><ul><li>switch off</li><li>wait</li></ul><p>Then write.</p>"


def test_the_bar_shows_how_the_letters_at_the_caret_look(desk: Writing) -> None:
    """And does the same as the keys, to a selection too."""
    desk.type("one two")
    desk.select(4, 7)
    bar = desk.composer.sheets[REPLY].bar
    bar.looks[Look.ITALIC].click()
    assert desk.composer.rich(REPLY) == Rich("one two", (Mark(4, 7, Look.ITALIC),))
    assert bar.looks[Look.ITALIC].isChecked()
    desk.select(1, 1)
    assert not bar.looks[Look.ITALIC].isChecked()
    for button in (*bar.looks.values(), bar.bullets, bar.numbers, bar.quote, bar.link):
        assert button.accessibleName()


def test_undo_and_redo_know_formatting(desk: Writing) -> None:
    """Ctrl+Z takes the look away and the words stay."""
    desk.type("word")
    desk.select(0, 4)
    desk.key(Qt.Key.Key_B, CTRL)
    desk.edit.undo()
    assert desk.composer.rich(REPLY) == Rich("word")
    desk.edit.redo()
    assert desk.composer.rich(REPLY).marks == (Mark(0, 4, Look.BOLD),)


@pytest.mark.ux("UX-66")
def test_a_syllable_being_composed_is_part_of_the_formatted_text(desk: Writing) -> None:
    """Typed bold after a bold switch; while it is composed, the draft has all that was finished, each look in place."""
    desk.key(Qt.Key.Key_B, CTRL)
    for event in (QInputMethodEvent("값", []), QInputMethodEvent("", [])):
        if not event.preeditString():
            event.setCommitString("값")
        QApplication.sendEvent(desk.edit, event)
    QApplication.sendEvent(desk.edit, QInputMethodEvent("ㅎ", []))
    assert desk.composer.rich(REPLY) == Rich("값", (Mark(0, 1, Look.BOLD),))


def test_a_draft_keeps_its_formatting_with_its_ticket(desk: Writing) -> None:
    """Another ticket and back; letters outside the first plane count as one."""
    desk.edit.insertPlainText("😀 a word")
    desk.select(3, 4)
    desk.key(Qt.Key.Key_M, CTRL | SHIFT)
    said = desk.composer.rich(REPLY)
    assert said.marks == (Mark(2, 3, Look.MONO),)
    desk.open(3)
    assert desk.commits.drafts[(ticket_id(0), REPLY)].marks == said.marks
    desk.open(0)
    assert desk.composer.rich(REPLY) == said


def test_a_link_is_entered_by_keyboard_and_words_behind_it_are_no_part_of_it(desk: Writing) -> None:
    """Ctrl+Shift+K, the address, Enter. An address that is none says why."""
    desk.type("guide")
    desk.select(0, 5)
    desk.key(Qt.Key.Key_K, CTRL | SHIFT)
    asked = desk.composer.sheets[REPLY].link
    assert asked is not None
    assert asked.words.text() == "guide"
    asked.target.setText("javascript:alert(1)")
    QTest.keyClick(asked.target, Qt.Key.Key_Return)
    assert asked.isVisible()
    assert asked.problem.isVisible()
    asked.target.setText("example.com/guide")
    QTest.keyClick(asked.target, Qt.Key.Key_Return)
    desk.type(" and more")
    assert desk.composer.rich(REPLY) == Rich("guide and more", (Mark(0, 5, Look.LINK, "https://example.com/guide"),))
    desk.key(Qt.Key.Key_Return, CTRL)
    assert desk.sent()[0].body == "guide (https://example.com/guide) and more"


@pytest.mark.parametrize("padding", ["", "x" * 20_000])
def test_foreign_markup_is_pasted_as_the_subset(desk: Writing, padding: str) -> None:
    """Also a long page, which is read beside the window; nothing of it loads."""
    data = QMimeData()
    data.setText("plain")
    data.setHtml(f'<p>see <b>this</b><img src="https://tracker.example/x.png"></p><!--{padding}--><script>x()</script>')
    desk.edit.insertFromMimeData(data)
    assert desk.composer.rich(REPLY) == Rich("see this", (Mark(4, 8, Look.BOLD),))


def test_what_is_copied_here_is_pasted_exactly(desk: Writing) -> None:
    """From the note into the reply, by the person's own hand; other programs get markup and plain text."""
    desk.composer.write(NOTE)
    note = desk.composer.sheets[NOTE].edit
    rich = Rich("가 나\n> 인용", (Mark(0, 1, Look.BOLD),))
    note.insert_rich(rich)
    note.selectAll()
    data = note.createMimeDataFromSelection()
    assert data.text() == rich.text
    assert "<b>가</b>" in data.html()
    desk.composer.write(REPLY)
    desk.edit.insertFromMimeData(data)
    assert desk.composer.rich(REPLY) == rich


def test_an_agents_formatted_reply_shows_formatted_in_the_conversation(desk: Writing, qtbot: QtBot) -> None:
    """Its own piece of markup, cleaned again; a customer's page stays plain text until asked."""
    desk.edit.insert_rich(Rich("so bold", (Mark(3, 7, Look.BOLD),)))
    desk.key(Qt.Key.Key_Return, CTRL)
    html = desk.sent()[0].html
    assert html == "<p>so <b>bold</b></p>"
    view = MessageHtml(html, "reply")
    qtbot.addWidget(view)
    assert view.toPlainText() == "so bold"


def test_the_preview_shows_what_the_customer_gets_and_sends_it(desk: Writing) -> None:
    """Placeholders filled, recipient, what it answers; Ctrl+Enter sends and Escape goes back: the keyboard alone."""
    desk.type("{{ticket.number}}: done.")
    desk.key(Qt.Key.Key_P, CTRL | SHIFT)
    window = desk.window.writing.preview
    assert window is not None
    number = desk.window.desk.details.row.number if desk.window.desk.details is not None else 0
    assert f"DS-{number}: done." in window.accessibleDescription()
    assert "박민수" in window.whom.text()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()
    assert desk.sent() == []
    desk.key(Qt.Key.Key_P, CTRL | SHIFT)
    window = desk.window.writing.preview
    assert window is not None
    QTest.keyClick(window, Qt.Key.Key_Return, CTRL)
    assert [reply.body for reply in desk.sent()] == [f"DS-{number}: done."]


def test_a_preview_with_an_unfilled_placeholder_says_so_and_does_not_send(desk: Writing) -> None:
    """The same rule as Send."""
    desk.type("{{customer.nmae}}")
    desk.key(Qt.Key.Key_P, CTRL | SHIFT)
    window = desk.window.writing.preview
    assert window is not None
    assert "customer.nmae" in window.problem.text.text()
    QTest.keyClick(window, Qt.Key.Key_Return, CTRL)
    assert window.isVisible()
    assert desk.sent() == []
