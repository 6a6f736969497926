# SPDX-License-Identifier: GPL-3.0-or-later
"""Canned replies, placeholders and macros, as an agent uses them by keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.changes import MessageAdd, NoteAdd, TemplateCreate, TicketSet
from app.domain.entities import Category, Priority
from app.domain.ports import DraftKind, Template
from app.services.picked import Picked
from tests.fakes.queries import tag_id, ticket_id
from tests.fakes.texts_of_tickets import TAGS
from tests.widgets.test_shell import CTRL, Desk
from widgets.foundation import Theme

REPLY = DraftKind.REPLY
HELLO = Template(
    b"h" * 16, "canned", {"ko": "인사", "en": "Greeting"}, "",
    {"ko": "{{customer.name}} 님, 안녕하세요.", "en": "Dear"}, (), "me", None, None, 0,
)  # fmt: skip
UPDATE = replace(HELLO, id=b"u" * 16, names={"ko": "업데이트", "en": "Update"}, bodies={"ko": "2.4.3을 설치해 주세요."})
CLOSE = Template(
    b"c" * 16, "macro", {"ko": "마무리", "en": "Wrap up"}, "", {"ko": "{{customer.name}} 님, 해결되었습니다."},
    (("priority", 1), ("owner", "me"), ("state", "solved"), ("tag", tag_id(TAGS[0]).hex()), ("note", "Done.")),
    "me", None, None, 0,
)  # fmt: skip


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[Desk]:
    """A window with sixty tickets, two canned replies and a macro."""
    made = Desk(qtbot, theme, tmp_path)
    made.data.templates = [HELLO, UPDATE, CLOSE]
    yield made
    made.window.close()
    set_language("en")


def sent(desk: Desk) -> list[str]:
    """What went out."""
    return [c.body for c in desk.commits.changes if isinstance(c, MessageAdd)]


def test_a_canned_reply_is_found_by_a_word_of_it_and_filled_when_it_is_sent(desk: Desk) -> None:
    """Ctrl+J, a word of its text, Enter, Ctrl+Enter: the customer reads the name, the editor shows what will stand."""
    desk.open(0)
    desk.key(Qt.Key.Key_R)
    desk.key(Qt.Key.Key_J, CTRL)
    desk.pick("안녕")
    assert desk.composer.text(REPLY) == "{{customer.name}} 님, 안녕하세요."
    assert "박민수" in desk.composer.sheets[REPLY].fillings.text()
    desk.key(Qt.Key.Key_Return, CTRL)
    assert sent(desk) == ["박민수 님, 안녕하세요."]


def test_what_is_not_filled_is_named_on_the_button_and_nothing_goes_out(desk: Desk) -> None:
    """A typing slip in a placeholder as well as a fact that this ticket does not have."""
    desk.open(0)
    desk.composer.write(REPLY)
    sheet = desk.composer.sheets[REPLY]
    sheet.edit.setPlainText("{{customer.nmae}} 님")
    assert sheet.send.label() == "Not filled: customer.nmae"
    desk.key(Qt.Key.Key_Return, CTRL)
    assert sent(desk) == []
    assert "customer.nmae has no value" in sheet.notice.text.text()
    sheet.edit.setPlainText("{{customer.nmae|고객님}} 님")
    assert sheet.send.label() == "Send to 박민수"
    desk.composer.send()
    assert sent(desk) == ["고객님"]


@pytest.mark.parametrize("typed", ["OOO 님", "○○○ 님", "[이름] 님", "** 님"])
def test_a_typed_stand_in_is_asked_about_once(desk: Desk, typed: str) -> None:
    """The second press sends it."""
    desk.open(0)
    desk.composer.write(REPLY)
    desk.composer.sheets[REPLY].edit.setPlainText(typed)
    desk.composer.send()
    assert sent(desk) == []
    assert "looks like something that you meant to fill in" in desk.composer.sheets[REPLY].notice.text.text()
    desk.composer.send()
    assert sent(desk) == [typed]


def test_a_name_that_changed_since_it_was_shown_stops_the_reply(desk: Desk) -> None:
    """Values are read when Send is pressed; the second press sends what shows by then."""
    desk.open(0)
    desk.composer.write(REPLY)
    desk.composer.sheets[REPLY].edit.setPlainText("{{ticket.subject}}: 확인했습니다.")
    row = desk.data.row(ticket_id(0))
    assert row is not None
    desk.data.rows[ticket_id(0)] = replace(row, subject="새 제목")
    desk.composer.send()
    assert sent(desk) == []
    assert "ticket.subject changed" in desk.composer.sheets[REPLY].notice.text.text()
    desk.window.rows_changed(frozenset({ticket_id(0)}))
    desk.qtbot.waitUntil(lambda: "새 제목" in desk.composer.sheets[REPLY].fillings.text())
    desk.composer.send()
    assert sent(desk) == ["새 제목: 확인했습니다."]


def test_a_macro_shows_what_it_does_before_it_does_it(desk: Desk) -> None:
    """G, a word, Enter, and the question; nothing is sent: its reply waits as a draft with its placeholders."""
    desk.open(3)
    desk.key(Qt.Key.Key_G)
    desk.pick("Wrap")
    question = desk.window.writing.question
    assert question is not None
    assert desk.commits.changes == []
    question.accept()
    row = desk.data.row(ticket_id(3))
    assert row is not None
    assert (row.category, row.priority) == (Category.SOLVED, Priority.LOW)
    assert [c.body for c in desk.commits.changes if isinstance(c, NoteAdd)] == ["Done."]
    assert sent(desk) == []
    assert desk.composer.text(REPLY) == "{{customer.name}} 님, 해결되었습니다."


def test_a_macro_on_many_tickets_is_one_step_that_tells_each_refusal(desk: Desk) -> None:
    """What a rule forbids on some of them stops no other; one undo brings everything back."""
    before = {n: desk.data.row(ticket_id(n)) for n in range(6)}
    rows = [row for row in before.values() if row is not None]
    unanswered = [row for row in rows if row.unanswered]
    assert unanswered
    macro = replace(CLOSE, bodies={}, actions=(("priority", 1), ("state", "solved")))
    desk.window.writing._run_macro(macro, Picked.of(rows))
    after = [desk.data.row(ticket_id(n)) for n in range(6)]
    assert all(row is not None and row.priority == Priority.LOW for row in after)
    told = desk.window.ticket.problem.text.text() or desk.window.toast.text()
    assert all(row.label in told for row in unanswered)
    desk.window.registry.run("edit.undo")
    undone = [desk.data.row(ticket_id(n)) for n in range(6)]
    assert [row.priority for row in undone if row] == [row.priority for row in rows]
    assert [row.category for row in undone if row] == [row.category for row in rows]
    assert any(isinstance(c, TicketSet) and c.undo for c in desk.commits.changes)


def test_canned_replies_are_made_and_edited_in_a_window(desk: Desk) -> None:
    """A name and a text are asked for; what is saved goes out as a change."""
    desk.window.registry.run("composer.templates")
    window = desk.window.writing.templates
    assert window is not None
    window.save.click()
    assert "name in one language" in window.problem.text.text()
    window.name_ko.setText("감사")
    window.body_ko.setPlainText("{{customer.name}} 님, 감사합니다.")
    window.save.click()
    [made] = [c for c in desk.commits.changes if isinstance(c, TemplateCreate)]
    assert (made.kind, made.fields["name_ko"], made.fields["share"]) == ("canned", "감사", "me")
    assert window.name_ko.text() == ""  # ready for the next one
    window.list.setCurrentRow(0)
    assert not window.save.isEnabled()  # it belongs to somebody else
    window.close()
