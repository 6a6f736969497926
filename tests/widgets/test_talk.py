# SPDX-License-Identifier: GPL-3.0-or-later
"""Clipboard and chat as people meet them: what is read before it leaves, what waits, what is unread, keys alone."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication, QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.domain.assist import AskState, Phase, Scope, ScopeAsk, SessionView
from app.domain.changes import AnyChange, NoteAdd
from app.domain.plain_text import CHAT_CHARS_MAX, CLIP_BYTES_MAX, ChatLine
from app.entry.agent_talk import SessionTalkDesk, transcripts
from app.entry.companion_talk import CompanionTalk
from remote_assist.actions import AskScope, ChatChanged, ClipArrived, ClipGiven
from tests.widgets.test_remote import Stage, info
from widgets.companion.chat import ChatWindow
from widgets.companion.clipboard import ClipQuestion
from widgets.foundation import Theme
from widgets.foundation.chat import ChatPanel
from widgets.remote.clipboard import ClipWindow

TO_CUSTOMER, TO_AGENT = Scope.CLIPBOARD_TO_CUSTOMER, Scope.CLIPBOARD_TO_AGENT
WHO = ("Kim Jiwoo", "Hanbit Support")
Put = Callable[[str], None]


@pytest.fixture
def stage(qtbot: QtBot, theme: Theme) -> Stage:
    """A session in which both directions may be asked for."""
    made = Stage(qtbot, theme)
    made.live(Phase.VERIFIED)
    show(made, AskState.POSSIBLE, AskState.POSSIBLE)
    return made


def show(stage: Stage, gives: AskState, takes: AskState, **more: object) -> None:
    asks = (ScopeAsk(TO_CUSTOMER, gives), ScopeAsk(TO_AGENT, takes))
    stage.flow.show_session(info(Phase.VERIFIED, asks=asks, **more))


def line(text: str, n: int = 1, *, mine: bool = False, sent: bool = True) -> ChatLine:
    return ChatLine(mine, n, text, 1_790_000_000_000, sent)


# --- the customer's clipboard ----------------------------------------------------------------------------------------


class _Answers(QObject):
    """The companion's part of a session, with answers written down."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.clock = 0
        self.talk = CompanionTalk(theme, lambda: self.clock, self)

    def question(self) -> ClipQuestion:
        window = self.talk.window_for(AskScope(TO_AGENT, "", 120_000), WHO)
        assert isinstance(window, ClipQuestion)
        self.clock += 5_000
        window._count()
        return window


@pytest.mark.ux("UX-36")
def test_the_customer_reads_the_text_before_it_leaves_and_only_that_text_is_given(theme: Theme, qtbot: QtBot) -> None:
    """What is copied after the question came is not given, unless the customer looks again."""
    QGuiApplication.clipboard().setText("serial\r\n7K-44\x00")
    made = _Answers(theme)
    window = made.question()
    qtbot.addWidget(window)
    assert window.field.toPlainText() == window.text == "serial\n7K-44"
    assert "12 characters" in window.length.text()
    assert window.yes.isEnabled()
    QGuiApplication.clipboard().setText("my password")
    window.yes.click()
    assert made.talk.text_to_give() == "serial\n7K-44"
    assert made.talk.text_to_give() == ""


def test_without_a_text_on_the_clipboard_there_is_no_yes_until_there_is_one(theme: Theme, qtbot: QtBot) -> None:
    """Empty, a picture, too much; the window says what to do, and no stays the default."""
    made = _Answers(theme)
    for text in ("", "x" * (CLIP_BYTES_MAX + 1)):
        QGuiApplication.clipboard().setText(text)
        window = made.question()
        qtbot.addWidget(window)
        assert not window.yes.isEnabled()
        assert window.field.toPlainText() == ""
        assert "clipboard" in window.length.text() or "1 MB" in window.length.text()
    QGuiApplication.clipboard().setText("now")
    window.again.click()
    assert window.yes.isEnabled()
    assert window.field.toPlainText() == "now"


def test_a_text_of_one_endless_line_is_shown_at_once_and_whole(theme: Theme, qtbot: QtBot) -> None:
    """It is broken for reading alone: what is given is as it was."""
    text = "a" * 300_000
    QGuiApplication.clipboard().setText(text)
    made = _Answers(theme)
    window = made.question()
    qtbot.addWidget(window)
    window.show()
    assert window.text == text
    assert window.field.toPlainText().replace("\n", "") == text


def test_what_came_is_on_the_clipboard_and_on_the_screen_and_escape_takes_the_window_away(
    theme: Theme, qtbot: QtBot
) -> None:
    """The agent's text takes the place of what was copied last, and nothing else happens."""
    QGuiApplication.clipboard().setText("before")
    made = _Answers(theme)
    assert made.talk.take(ClipArrived("<b>https://x.example</b>"), WHO[0])
    assert QGuiApplication.clipboard().text() == "<b>https://x.example</b>"
    shown = made.talk.shown
    assert shown is not None
    qtbot.addWidget(shown)
    assert shown.isVisible()
    assert shown.field.toPlainText() == "<b>https://x.example</b>"
    assert "Kim Jiwoo" in shown.title.text()
    QTest.keyClick(shown, Qt.Key.Key_Escape)
    assert not shown.isVisible()
    made.talk.end()


# --- the agent's clipboard -------------------------------------------------------------------------------------------


def clips(stage: Stage) -> ClipWindow:
    assert stage.flow.session is not None
    return stage.flow.session.talk.clips


def test_the_agent_gives_a_text_by_an_explicit_click_and_hears_what_became_of_it(stage: Stage, qtbot: QtBot) -> None:
    """By keys alone: L opens, text, Tab, Space. Nothing is read from the own clipboard unasked."""
    QGuiApplication.clipboard().setText("own secret")
    assert stage.flow.session is not None
    QTest.keyClick(stage.flow.session.picture, Qt.Key.Key_L)
    window = clips(stage)
    qtbot.waitUntil(window.isVisible)
    assert window.text.toPlainText() == ""
    assert not window.give.isEnabled()
    window.text.setPlainText("ipconfig /all")
    QTest.keyClick(window.give, Qt.Key.Key_Space)
    assert stage.desk.controls.did[-1] == "clip ipconfig /all"
    show(stage, AskState.WAITING, AskState.POSSIBLE)
    assert not window.give.isEnabled()
    assert "Waiting for Minsu Park" in window.give_words.text()
    stage.flow.show_given(ok=True)
    show(stage, AskState.POSSIBLE, AskState.POSSIBLE)
    assert window.give_words.text() == "Minsu Park has the text on the clipboard."
    assert window.text.toPlainText() == ""
    window.own.click()
    assert window.text.toPlainText() == "own secret"
    stage.flow.close()


def test_the_customers_text_touches_the_agents_clipboard_only_by_a_click(stage: Stage, qtbot: QtBot) -> None:
    """It is shown as plain text, with a button that copies it."""
    QGuiApplication.clipboard().setText("mine")
    window = clips(stage)
    window.bring()
    window.ask.click()
    assert stage.desk.controls.did[-1] == "request clipboard.to_agent"
    stage.flow.show_clip("<i>7K-4410</i>")
    assert window.came.toPlainText() == "<i>7K-4410</i>"
    assert window.came.isReadOnly()
    assert QGuiApplication.clipboard().text() == "mine"
    qtbot.waitUntil(window.copy.isVisible)
    window.copy.click()
    assert QGuiApplication.clipboard().text() == "<i>7K-4410</i>"
    stage.flow.close()


def test_before_the_number_was_compared_there_is_no_button_for_texts(stage: Stage) -> None:
    """And its key does nothing."""
    show(stage, AskState.NOT_NOW, AskState.NOT_NOW)
    assert stage.flow.session is not None
    assert stage.flow.session.talk.clip_button.isHidden()
    stage.flow.session.talk.open_clips()
    assert not clips(stage).isVisible()
    stage.flow.close()


# --- chat ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def panel(theme: Theme, qtbot: QtBot) -> ChatPanel:
    made = ChatPanel(theme)
    qtbot.addWidget(made)
    made.show_lines((), "Kim Jiwoo", open_=True)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    made.take_focus()
    return made


def answers(panel: ChatPanel) -> list[str]:
    """Show what is written as a session does."""
    wrote: list[str] = []

    def written(text: str) -> None:
        wrote.append(text)
        panel.show_lines(tuple(line(t, n, mine=True) for n, t in enumerate(wrote, 1)), "Kim Jiwoo", open_=True)

    panel.written.connect(written)
    return wrote


def test_enter_sends_the_syllable_that_is_being_composed_only_ends_and_shift_enter_makes_a_line(
    panel: ChatPanel,
) -> None:
    """Korean input: Enter in a composition belongs to the input method."""
    wrote = answers(panel)
    QTest.keyClicks(panel.text, "one")
    QTest.keyClick(panel.text, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(panel.text, "two")
    QApplication.sendEvent(panel.text, QInputMethodEvent("값", []))
    QTest.keyClick(panel.text, Qt.Key.Key_Return)
    assert wrote == []
    ended = QInputMethodEvent("", [])
    ended.setCommitString("값")
    QApplication.sendEvent(panel.text, ended)
    QTest.keyClick(panel.text, Qt.Key.Key_Return)
    assert wrote == ["one\ntwo값"]
    assert panel.text.toPlainText() == ""
    QTest.keyClick(panel.text, Qt.Key.Key_Return)
    assert len(wrote) == 1


def test_a_text_that_is_too_long_or_refused_stays_in_the_field(panel: ChatPanel) -> None:
    """It says by how much; nothing is cut off, nothing is lost."""
    panel.text.setPlainText("x" * (CHAT_CHARS_MAX + 2))
    assert panel.count.text() == "2 characters too long"
    assert not panel.send.isEnabled()
    panel.text.setPlainText("x" * CHAT_CHARS_MAX)
    assert panel.count.text() == "0 characters left"
    panel.send.click()  # nobody answers: as when too much waits
    assert len(panel.text.toPlainText()) == CHAT_CHARS_MAX


def test_texts_are_plain_and_say_when_they_are_not_there_yet(panel: ChatPanel) -> None:
    """Markup is text, links open nothing, and the mark goes when the text has arrived."""
    said = (line("<a href='x'>https://x.example</a>"), line("wait", mine=True, sent=False))
    panel.show_lines(said, "Kim Jiwoo", open_=True)
    labels = [label for bubble in panel._bubbles for label in bubble.findChildren(QLabel)]
    assert {label.textFormat() for label in labels} == {Qt.TextFormat.PlainText}
    assert not any(label.openExternalLinks() for label in labels)
    assert panel._bubbles[1].waits.text() == "not there yet"
    panel.show_lines((said[0], line("wait", mine=True)), "Kim Jiwoo", open_=True)
    assert panel._bubbles[1].waits.isHidden()


def test_the_newest_text_stays_in_sight_unless_one_reads_further_up(panel: ChatPanel, qtbot: QtBot) -> None:
    """What one writes oneself is always shown."""
    panel.resize(240, 300)
    many = tuple(line(f"text {n}\nand more", n) for n in range(1, 30))
    bar = panel.area.verticalScrollBar()
    panel.show_lines(many, "Kim Jiwoo", open_=True)
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == bar.maximum())
    bar.setValue(0)
    panel.show_lines((*many, line("new", 30)), "Kim Jiwoo", open_=True)
    before = bar.maximum()
    qtbot.waitUntil(lambda: bar.maximum() > before or panel._bubbles[-1].y() > 0)
    assert bar.value() == 0
    panel.show_lines((*many, line("new", 30), line("mine", mine=True)), "Kim Jiwoo", open_=True)
    qtbot.waitUntil(lambda: bar.value() == bar.maximum() > 0)


def test_a_text_that_came_while_the_chat_is_closed_is_marked_until_it_was_seen(stage: Stage, qtbot: QtBot) -> None:
    """T opens the chat with the keys in its field, Escape goes back to the picture, T closes it."""
    assert stage.flow.session is not None
    talk, picture = stage.flow.session.talk, stage.flow.session.picture
    stage.flow.show_chat((line("hello"), line("?", 2)), open_=True)
    assert talk.chat_button.label() == "Chat (2)"
    assert talk.chat_button.accessibleName() == "Chat, 2 unread texts"
    stage.flow.session.activateWindow()
    qtbot.waitUntil(stage.flow.session.isActiveWindow)
    QTest.keyClick(picture, Qt.Key.Key_T)
    assert talk.panel.isVisible()
    assert talk.chat.text.hasFocus()
    assert talk.chat_button.label() == "Chat"
    QTest.keyClicks(talk.chat.text, "ctl")  # letters are text here, not commands
    assert talk.panel.isVisible()
    QTest.keyClick(talk.chat.text, Qt.Key.Key_Return)
    assert stage.desk.controls.did[-1] == "chat ctl"
    QTest.keyClick(talk.chat.text, Qt.Key.Key_Escape)
    assert picture.hasFocus()
    QTest.keyClick(picture, Qt.Key.Key_T)
    assert not talk.panel.isVisible()
    stage.flow.close()


def test_paused_lost_and_over_are_said_where_one_writes(stage: Stage) -> None:
    """While it is paused one may write on; after the end the field is closed and the texts stay."""
    assert stage.flow.session is not None
    chat = stage.flow.session.talk.chat
    stage.flow.show_chat((line("hello"),), open_=True)
    show(stage, AskState.POSSIBLE, AskState.POSSIBLE, paused=True)
    assert "is sent when it goes on" in chat.state.text()
    assert chat.text.isEnabled()
    show(stage, AskState.POSSIBLE, AskState.POSSIBLE, lost=True)
    assert "is sent when it is back" in chat.state.text()
    stage.flow.show_session(info(Phase.ENDED))
    assert "kept on the ticket" in chat.state.text()
    assert not chat.text.isEnabled()
    assert len(chat._bubbles) == 1


def test_the_customers_chat_shows_itself_when_the_agent_writes_and_says_so_on_the_bar(
    theme: Theme, qtbot: QtBot
) -> None:
    """It takes no keys from the customer's work; closed, it comes back with the next text."""
    made = _Answers(theme)
    unread: list[int] = []
    made.talk.unread.connect(unread.append)
    made.talk.take(ChatChanged((), open=True), WHO[0])
    made.talk.take(ChatChanged((line("hello"),), open=True), WHO[0])
    chat = made.talk.chat
    assert chat is not None
    qtbot.addWidget(chat)
    assert chat.isVisible()
    assert chat.testAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
    assert unread[0] == 1
    chat.close()
    made.talk.take(ChatChanged((line("hello"), line("still there?", 2)), open=True), WHO[0])
    assert chat.isVisible()
    made.talk.open_chat()
    assert unread[-1] == 0
    made.talk.end()


def _window(talk: CompanionTalk) -> ChatWindow | None:
    return talk.chat


def test_a_customer_who_writes_first_gets_a_chat_that_can_be_written_in(theme: Theme, qtbot: QtBot) -> None:
    """Pressing Chat on the bar opens it, with why a text waits; before there is a session nothing opens."""
    made = _Answers(theme)
    made.talk.open_chat()
    assert _window(made.talk) is None
    made.talk.follow(SessionView(Phase.UNVERIFIED, paused=True))
    made.talk.take(ChatChanged((), open=True), WHO[0])
    made.talk.open_chat()
    chat = made.talk.chat
    assert chat is not None
    qtbot.addWidget(chat)
    assert chat.isVisible()
    assert chat.panel.text.isEnabled()
    assert any("Paused" in label.text() for label in chat.findChildren(QLabel))
    made.talk.end()


# --- the ticket ------------------------------------------------------------------------------------------------------


class _Screen:
    """Takes what is shown."""

    def show_chat(self, lines: tuple[ChatLine, ...], *, open_: bool) -> None: ...

    def show_clip(self, text: str) -> None: ...

    def show_given(self, *, ok: bool) -> None: ...


def test_at_the_end_the_chat_is_a_note_of_staff_on_the_ticket_once_and_no_log_has_a_word_of_it(
    qapp: QApplication, caplog: pytest.LogCaptureFixture
) -> None:
    """With who, when, and what did not get there; clipboard texts are kept nowhere."""
    caplog.set_level(logging.DEBUG)
    kept: list[AnyChange] = []
    desk = SessionTalkDesk(_Screen(), "Minsu Park", b"t" * 16, kept.append)  # type: ignore[arg-type]  # its part of a screen
    assert desk.take(ClipArrived("secret-clip"))
    assert desk.take(ClipGiven(True))
    assert not desk.take(object())
    said = (line("안녕하세요", mine=True), line("two\nlines"), line("late", 2, mine=True, sent=False))
    desk.take(ChatChanged(said, open=True))
    desk.ended()
    desk.ended()
    (note,) = kept
    assert isinstance(note, NoteAdd)
    assert note.ticket == b"t" * 16
    body = note.body
    assert "Agent: 안녕하세요" in body
    assert "Minsu Park: two\nlines" in body
    assert body.endswith("late (did not get there)")
    assert "secret-clip" not in body
    assert "안녕" not in caplog.text
    assert "secret" not in caplog.text


def test_a_session_without_a_word_leaves_no_note_and_a_long_chat_several(qapp: QApplication) -> None:
    """Each as long as a note may be, nothing left out."""
    assert list(transcripts((), "Minsu Park")) == []
    said = tuple(line(f"{n:03d}" + "가" * 3_000, n) for n in range(12))
    notes = list(transcripts(said, "Minsu Park"))
    assert len(notes) > 1
    assert all(len(note.encode()) < 32_000 for note in notes)
    assert all(any(f"{n:03d}가" in note for note in notes) for n in range(12))
