# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's main window as a person uses it: list, ticket, keys, writing, undo, language; over fakes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.commands.table import AGENT
from app.config import settings as conf
from app.config.i18n import set_language
from app.config.settings import Settings
from app.domain.changes import MessageAdd, NoteAdd, TicketSet
from app.domain.entities import Category, Priority
from app.domain.errors import StoreUnavailable
from app.domain.ports import Draft, DraftKind, Identity, SyncPhase, SyncStatus, ViewKey
from app.services.triage_writing import After
from tests.fakes.deeds import FakeDeeds
from tests.fakes.link import FakeLink, FakeSessions, InlineJobs
from tests.fakes.needs import FakeNeedsCommits, sample_needs
from tests.fakes.queries import ME, NOW_MS, FakeDesk, FakeQueries, tag_id, ticket_id, user_id
from widgets.foundation import Theme, ThemeMode
from widgets.foundation.chooser import Chooser
from widgets.foundation.turns import is_building
from widgets.shell.build import build_agent_window
from widgets.shell.sheet import ShortcutSheet
from widgets.shell.window import AgentWindow

IDENTITY = Identity(ME, "jiwoo", "김지우", frozenset({"agent"}), b"d" * 16, "K7", "https://help.example.com")


class Desk:
    """The window with what stands behind it, and a person's hands."""

    def __init__(self, qtbot: QtBot, theme: Theme, folder: Path, size: int = 60) -> None:
        self.qtbot = qtbot
        self.data = FakeDesk(size)
        self.needs = sample_needs(self.data)
        self.queries, self.commits = FakeQueries(self.data), FakeNeedsCommits(self.data, self.needs)
        self.link, self.jobs, self.sessions = FakeLink(), InlineJobs(), FakeSessions()
        self.settings = Settings(folder / "settings.json")
        self.settings.set(conf.LANGUAGE, conf.Language.EN)
        self.settings.set(conf.THEME, conf.Theme.LIGHT)
        self.settings.set(conf.UNDO_SEND_S, 0)  # what waits is looked at in test_sends.py
        self.window: AgentWindow = build_agent_window(
            theme=theme, queries=self.queries, commits=self.commits, link=self.link, jobs=self.jobs,
            settings=self.settings, identity=IDENTITY, sessions=self.sessions, now_ms=lambda: NOW_MS, needs=self.needs,
            deeds=FakeDeeds(self.queries),
            status=SyncStatus(SyncPhase.LIVE, NOW_MS, last_sync=NOW_MS),
        )  # fmt: skip
        self.window.resize(1300, 800)
        qtbot.addWidget(self.window)
        self.window.show()
        qtbot.waitUntil(lambda: self.window.isActiveWindow())
        self.composer = self.window.ticket.composer

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key where the keyboard is."""
        target = QApplication.focusWidget() or self.window
        QTest.keyClick(target, key, modifiers)

    def type(self, text: str) -> None:
        """Type where the keyboard is."""
        target = QApplication.focusWidget()
        assert target is not None
        QTest.keyClicks(target, text)

    def open(self, n: int) -> None:
        """Choose a ticket and put the keyboard into the list."""
        self.window.open_ticket(ticket_id(n))
        self.window.inbox.list.setFocus()

    def picker(self) -> Chooser:
        """The picker that is open."""
        found = [w for w in self.window.findChildren(Chooser) if w.isVisible()]
        assert len(found) == 1
        return found[0]

    def pick(self, text: str) -> None:
        """Type into the open picker and press Enter."""
        picker = self.picker()
        picker.field.setText(text)  # QTest can only type ASCII
        QTest.keyClick(picker.field, Qt.Key.Key_Return)

    def row(self, n: int) -> object:
        """The ticket's row as it is now."""
        return self.data.row(ticket_id(n))


CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[Desk]:
    """A window with sixty tickets."""
    made = Desk(qtbot, theme, tmp_path)
    yield made
    made.window.close()
    set_language("en")


def visible_texts(root: QWidget) -> list[str]:
    """Every label a person can read in a widget."""
    return [w.text() for w in root.findChildren(QLabel) if w.isVisible() and w.text()]


def test_the_window_starts_on_my_tickets_with_the_keyboard_in_the_list(desk: Desk) -> None:
    """Start-up focus is the list; counts come from the store."""
    assert desk.window.inbox.title.text() == "My tickets"
    assert QApplication.focusWidget() is desk.window.inbox.list
    assert desk.window.views.buttons[ViewKey.ALL].accessibleName() == "All tickets, 60"


def test_a_ticket_chosen_in_the_list_shows_its_conversation_and_customer(desk: Desk) -> None:
    """Messages, notes and changes are told in words, oldest first."""
    desk.open(0)
    texts = desk.window.ticket.conversation.texts()
    desk.qtbot.waitUntil(lambda: len(desk.window.ticket.conversation.texts()) == 11)
    texts = desk.window.ticket.conversation.texts()
    assert texts[0].startswith("Message, 박민수")
    assert any(t.startswith("Internal note, not visible to the customer") for t in texts)
    assert any("allowed looking at one window, nothing else" in t for t in texts)
    assert any("Screen sharing ended after 13 min" in t for t in texts)
    desk.qtbot.waitUntil(lambda: "한빛상사(가상)" in visible_texts(desk.window.customer))
    desk.qtbot.waitUntil(lambda: "Free support until 31 March 2027" in visible_texts(desk.window.customer))


def test_j_and_k_walk_through_the_list_and_enter_goes_to_the_conversation(desk: Desk) -> None:
    """The whole way without a mouse."""
    desk.key(Qt.Key.Key_J)
    first = desk.window.inbox.current()
    desk.key(Qt.Key.Key_J)
    assert desk.window.inbox.current() != first
    desk.key(Qt.Key.Key_K)
    assert desk.window.inbox.current() == first
    desk.key(Qt.Key.Key_Return)
    assert QApplication.focusWidget() is desk.window.ticket.conversation.area
    desk.key(Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is desk.window.inbox.list


@pytest.mark.ux("UX-22")
def test_ctrl_enter_sends_the_reply_and_the_composer_is_empty_again(desk: Desk) -> None:
    """R, text, Ctrl+Enter: one reply in the outbox, its ticket poked to the worker."""
    desk.open(0)
    desk.key(Qt.Key.Key_R)
    desk.type("Please update to 2.4.3.")
    desk.key(Qt.Key.Key_Return, CTRL)
    sent = [c for c in desk.commits.changes if isinstance(c, MessageAdd)]
    assert [c.body for c in sent] == ["Please update to 2.4.3."]
    assert desk.link.poked == [1]
    assert desk.composer.kind() is None
    assert desk.window.toast.text() == "Reply to 박민수 is on its way"
    assert desk.composer.reply_button.label() == "Write reply"


def test_what_was_done_is_told_beside_the_composer_and_never_over_its_buttons(desk: Desk, qtbot: QtBot) -> None:
    """The line stands above the composer, however that grows and folds meanwhile."""
    window, toast = desk.window, desk.window.toast
    window.resize(1280, 800)
    desk.open(0)

    def apart() -> bool:
        top = desk.composer.mapTo(window, QPoint(0, 0)).y()
        return 0 <= top - toast.geometry().bottom() < 40

    for key in (Qt.Key.Key_R, Qt.Key.Key_N):
        desk.key(key)
        desk.type("One line.")
        desk.key(Qt.Key.Key_Return, CTRL)
        qtbot.waitUntil(apart)
        desk.key(Qt.Key.Key_R)
        qtbot.waitUntil(apart)
        desk.key(Qt.Key.Key_Escape)
        qtbot.waitUntil(apart)
        assert toast.text()


@pytest.mark.ux("UX-61")
@pytest.mark.parametrize("kind", list(DraftKind))
def test_in_the_smallest_window_a_draft_says_in_full_that_it_is_saved_and_who_reads_it(
    desk: Desk, qtbot: QtBot, kind: DraftKind
) -> None:
    """Neither is cut: not the time of the draft, not that the customer cannot see a note."""
    desk.window.resize(960, 600)
    desk.open(0)
    desk.composer.write(kind)
    desk.type("Words")
    desk.composer.save_now()
    sheet = desk.composer.sheets[kind]
    assert sheet.state.text().startswith("Draft saved")

    def is_whole(label: QLabel) -> bool:
        return label.fontMetrics().horizontalAdvance(label.text()) <= label.contentsRect().width()

    qtbot.waitUntil(lambda: is_whole(sheet.state) and is_whole(sheet.whom))


def test_the_details_button_is_pressed_from_the_first_paint_when_details_show(desk: Desk) -> None:
    """Also when a ticket was open before the window came up."""
    window = desk.window
    window.hide()
    window.resize(1300, 800)
    desk.open(0)
    window.show()
    assert window.customer.isVisible()
    assert window.top.details_button.isChecked()


def test_what_was_done_hides_no_line_of_the_conversation(desk: Desk, qtbot: QtBot) -> None:
    """The conversation makes room while the line stands there; who reads further up is not moved."""
    window, toast, area = desk.window, desk.window.toast, desk.window.ticket.conversation.area
    window.resize(1280, 640)
    desk.open(0)
    qtbot.waitUntil(lambda: not is_building() and area.verticalScrollBar().maximum() > 0)
    bar = area.verticalScrollBar()
    bar.setValue(bar.maximum())

    def last() -> int:
        block = window.ticket.conversation._column.blocks()[-1]
        return block.mapTo(window, QPoint(0, block.height())).y()

    toast.tell("Done")
    qtbot.waitUntil(lambda: last() <= toast.y())
    toast.hide()
    qtbot.waitUntil(lambda: area.viewport().height() == area.height() and bar.value() == bar.maximum())
    bar.setValue(0)
    toast.tell("Done again")
    qtbot.waitUntil(lambda: area.viewport().height() < area.height())
    assert bar.value() == 0
    toast.hide()


@pytest.mark.ux("UX-22")
def test_send_and_solve_sends_first_and_then_sets_the_state(desk: Desk) -> None:
    """One key; the state follows the reply."""
    desk.open(0)
    desk.key(Qt.Key.Key_R)
    desk.type("It works now.")
    desk.key(Qt.Key.Key_Return, CTRL | SHIFT)
    row = desk.data.row(ticket_id(0))
    assert row is not None
    assert row.category is Category.SOLVED
    assert [type(c) for c in desk.commits.changes] == [MessageAdd, TicketSet]


def test_state_priority_owner_and_tags_are_set_by_keyboard_alone(desk: Desk) -> None:
    """S, P, A, T open a picker; typing narrows; Enter takes."""
    desk.open(0)
    desk.key(Qt.Key.Key_P)
    desk.pick("urg")
    desk.key(Qt.Key.Key_A)
    desk.pick("이지은")
    desk.key(Qt.Key.Key_S)
    desk.pick("internally")
    desk.key(Qt.Key.Key_T)
    picker = desk.picker()
    QTest.keyClicks(picker.field, "VIP")
    QTest.keyClick(picker.field, Qt.Key.Key_Return)
    QTest.keyClick(picker.field, Qt.Key.Key_Escape)
    row = desk.data.row(ticket_id(0))
    assert row is not None
    assert (row.priority, row.owner, row.category) == (Priority.URGENT, user_id(1), Category.WAITING_INTERNAL)
    assert tag_id("VIP") in desk.data.tags_of(ticket_id(0))
    assert QApplication.focusWidget() is desk.window.inbox.list


@pytest.mark.ux("UX-30")
def test_solving_asks_nothing_and_can_be_undone_from_the_toast_and_by_ctrl_z(desk: Desk) -> None:
    """A toast says what was done; Undo and Ctrl+Z bring the state back; Ctrl+Shift+Z does it again."""
    desk.open(3)
    before = desk.data.row(ticket_id(3))
    assert before is not None
    desk.data.rows[ticket_id(3)] = replace(before, unanswered=False)
    desk.key(Qt.Key.Key_E)
    assert desk.window.toast.text() == f"Solved {before.label}"
    desk.window.toast.undo.click()
    row = desk.data.row(ticket_id(3))
    assert row is not None
    assert row.category is before.category
    desk.key(Qt.Key.Key_Z, CTRL | SHIFT)
    row = desk.data.row(ticket_id(3))
    assert row is not None
    assert row.category is Category.SOLVED
    desk.key(Qt.Key.Key_Z, CTRL)
    row = desk.data.row(ticket_id(3))
    assert row is not None
    assert row.category is before.category


def test_a_refused_change_is_told_at_the_ticket_and_changes_nothing(desk: Desk) -> None:
    """Solving without an answer: the reason and the way on stand at the ticket."""
    desk.open(0)
    desk.key(Qt.Key.Key_E)
    assert desk.window.ticket.problem.isVisible()
    assert "no reply yet" in desk.window.ticket.problem.text.text()
    row = desk.data.row(ticket_id(0))
    assert row is not None
    assert row.category is Category.OPEN


@pytest.mark.ux("UX-26")
def test_single_keys_are_letters_in_text_fields_and_can_be_switched_off(desk: Desk) -> None:
    """R, E, S typed into a reply are text; with the setting off they do nothing in the list either."""
    desk.open(0)
    desk.key(Qt.Key.Key_R)
    desk.type("es")
    assert desk.composer.text(DraftKind.REPLY) == "es"
    assert desk.commits.changes == []
    desk.settings.set(conf.SINGLE_KEYS, False)
    desk.window.inbox.list.setFocus()
    desk.key(Qt.Key.Key_I)
    assert desk.commits.changes == []


@pytest.mark.ux("UX-26")
def test_the_list_takes_no_input_method_so_that_letters_work_in_hangul_mode(desk: Desk) -> None:
    """Item views would compose Hangul otherwise."""
    assert not desk.window.inbox.list.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled)


@pytest.mark.ux("UX-66")
def test_a_syllable_still_being_composed_counts_for_search(desk: Desk) -> None:
    """Typing 결제 with the last syllable open already finds."""
    desk.window.focus_search()
    field = desk.window.top.search
    committed = QInputMethodEvent("", [])
    committed.setCommitString("결")
    QApplication.sendEvent(field, committed)
    with desk.qtbot.waitSignal(field.searched):
        QApplication.sendEvent(field, QInputMethodEvent("제", []))
    assert desk.window.inbox.title.text() == "Search: 결제"
    assert desk.window.inbox.model.rowCount() > 0


def test_search_finds_as_one_types_and_escape_brings_the_view_back(desk: Desk) -> None:
    """The field, the hits, Escape; the keyboard is in the list again."""
    desk.key(Qt.Key.Key_F, CTRL)
    with desk.qtbot.waitSignal(desk.window.top.search.searched):
        desk.type("invoice")
    assert desk.window.inbox.title.text() == "Search: invoice"
    desk.key(Qt.Key.Key_Escape)
    assert desk.window.inbox.title.text() == "My tickets"
    assert QApplication.focusWidget() is desk.window.inbox.list


@pytest.mark.ux("UX-71")
def test_an_empty_view_says_what_belongs_there_and_offers_one_way_on(desk: Desk) -> None:
    """Nothing snoozed: a sentence and a button."""
    desk.window.go_view(ViewKey.SNOOZED)
    pane = desk.window.inbox
    assert pane.empty.isVisible()
    assert pane.empty.text.text() == "Tickets that come back later stand here."
    pane.empty.action.click()
    assert pane.title.text() == "All open tickets"


@pytest.mark.ux("UX-29")
def test_f6_goes_round_all_panes_and_back(desk: Desk) -> None:
    """List, head, conversation, composer, details, status, search, views, list."""
    desk.open(0)
    seen: list[QWidget] = []
    panes = [pane for pane, _focus in desk.window._ring()]
    for _step in panes:
        desk.key(Qt.Key.Key_F6)
        here = QApplication.focusWidget()
        assert here is not None
        seen.append(next(p for p in panes if p.isAncestorOf(here)))
    assert seen == [*panes[1:], panes[0]]
    desk.key(Qt.Key.Key_F6, SHIFT)
    here = QApplication.focusWidget()
    assert here is not None
    assert panes[-1].isAncestorOf(here)


def test_back_and_forward_return_to_the_tickets_read_before(desk: Desk) -> None:
    """Alt+Left, Alt+Right."""
    desk.open(0)
    desk.open(3)
    desk.key(Qt.Key.Key_Left, ALT)
    assert desk.window.desk.details is not None
    assert desk.window.desk.details.row.id == ticket_id(0)
    desk.key(Qt.Key.Key_Right, ALT)
    assert desk.window.desk.details.row.id == ticket_id(3)


@pytest.mark.ux("UX-69")
def test_the_language_switches_in_place_with_all_that_is_open(desk: Desk) -> None:
    """No restart; the ticket stays open and its words change."""
    desk.open(0)
    desk.window.strip.language.click()
    assert desk.window.inbox.title.text() == "내 문의"
    assert desk.window.ticket.header.state.label() == "처리 중"
    assert desk.composer.reply_button.label() == "답변 쓰기"
    conversation = desk.window.ticket.conversation
    desk.qtbot.waitUntil(lambda: any("님이 창 하나 보기만 허용했습니다" in t for t in conversation.texts()))
    desk.window.strip.language.click()
    assert desk.window.inbox.title.text() == "My tickets"


@pytest.mark.ux("UX-57")
def test_the_theme_can_be_overridden_while_windows_are_open(desk: Desk, theme: Theme) -> None:
    """Dark at once, and kept."""
    desk.window.appearance.set(conf.THEME.key, conf.Theme.DARK)
    assert theme.mode is ThemeMode.DARK
    assert desk.settings.get(conf.THEME) is conf.Theme.DARK


def test_larger_text_is_one_key(desk: Desk, theme: Theme) -> None:
    """Ctrl++ and Ctrl+-."""
    desk.key(Qt.Key.Key_Plus, CTRL)
    assert theme.text_percent == 110
    desk.key(Qt.Key.Key_Minus, CTRL)
    assert theme.text_percent == 100


@pytest.mark.ux("UX-24")
def test_every_bound_command_is_in_the_palette_with_its_key_and_in_the_menu_in_both_languages(desk: Desk) -> None:
    """The palette, the menus and the catalogue come from one table."""
    desk.open(0)
    for language, solve in (("en", "Solve"), ("ko", "해결")):
        set_language("ko" if language == "ko" else "en")
        desk.window.actions_.retranslate()
        runnable = {c.id for c in desk.window.registry.commands() if desk.window.registry.can_run(c.id)}
        desk.window.dialogs.palette()
        picker = desk.picker()
        texts = {str(o.value): o for o in picker.model.options}
        assert texts["ticket.solve"].text == solve
        assert texts["ticket.solve"].detail == "E"
        assert runnable - {"palette.open"} == set(texts)
        picker.close()
    bound = {c.id for c in desk.window.registry.commands()}
    sessions = {c.id for c in AGENT if c.id.startswith("session.")} - {"session.invite"}
    apart = {"customer.merge", "told.open", "ticket.callback", "articles.open", "nav.callbacks", "composer.article"}
    apart |= {"articles.from_ticket"}
    not_here = sessions | apart  # this desk has no store of its own for customers, calls and articles
    assert bound == {c.id for c in AGENT} - not_here


def test_the_palette_runs_a_command_found_by_initial_consonants(desk: Desk) -> None:
    """ㅂㄴㅎㅁ finds 보낼 항목; Enter goes there; the focus is back where it was."""
    set_language("ko")
    desk.key(Qt.Key.Key_K, CTRL)
    desk.pick("ㅂㄴ ㅎㅁ")
    assert desk.window.lists.currentWidget() is desk.window.outbox


def test_the_palette_finds_tickets_too(desk: Desk) -> None:
    """Commands first, then tickets."""
    desk.key(Qt.Key.Key_K, CTRL)
    desk.pick("VPN drops")
    assert desk.window.desk.details is not None
    assert desk.window.desk.details.row.subject.startswith("VPN drops")


@pytest.mark.ux("UX-25")
def test_f1_shows_the_shortcut_sheet_made_from_the_same_table(desk: Desk) -> None:
    """Every command with a key stands there."""
    desk.key(Qt.Key.Key_F1)
    sheet = desk.window.findChild(ShortcutSheet)
    assert isinstance(sheet, ShortcutSheet)
    assert ("Solve", "E") in sheet.lines()
    assert len(sheet.lines()) == len([c for c in desk.window.registry.commands() if c.keys])
    sheet.close()


@pytest.mark.ux("UX-09")
@pytest.mark.parametrize(
    ("phase", "waiting", "text"),
    [
        (SyncPhase.LIVE, 0, "All sent"),
        (SyncPhase.LIVE, 2, "Sending 2 changes…"),
        (SyncPhase.OFFLINE, 3, "Offline since"),
        (SyncPhase.STUCK, 1, "Sync is stuck · 1 waiting"),
        (SyncPhase.WORKER_DOWN, 1, "Sending is being restarted"),
        (SyncPhase.SIGNED_OUT, 0, "Sign-in needed"),
        (SyncPhase.LOADING, 0, "Loading tickets…"),
    ],
)
def test_the_status_strip_says_how_sync_stands(desk: Desk, phase: SyncPhase, waiting: int, text: str) -> None:
    """One sentence each; "sent" only when nothing waits."""
    desk.window.show_status(SyncStatus(phase, NOW_MS, waiting=waiting, last_sync=NOW_MS))
    assert desk.window.strip.text().startswith(text)
    assert ("sent" in desk.window.strip.text()) == (phase is SyncPhase.LIVE and waiting == 0)
    assert desk.window.strip.waiting.isVisible() == (waiting > 0)


def test_a_sign_in_that_ended_offers_to_sign_in_again(desk: Desk) -> None:
    """The strip's button asks the entry for the sign-in window."""
    desk.window.show_status(SyncStatus(SyncPhase.SIGNED_OUT, NOW_MS))
    with desk.qtbot.waitSignal(desk.window.sign_in_wanted):
        desk.window.strip.action.click()


def test_the_outbox_lists_what_waits_and_leads_to_the_ticket(desk: Desk) -> None:
    """Ctrl+6; replies and notes are told apart in words."""
    desk.window.desk.save_note(ticket_id(0), "for us")
    desk.window.desk.send_reply(ticket_id(3), "hello", 3, After.NOTHING, False)
    desk.key(Qt.Key.Key_6, CTRL)
    model = desk.window.outbox.model
    assert [str(model.index(i).data()).split(",")[0] for i in range(2)] == ["Internal note", "Reply"]
    desk.window.outbox.list.setCurrentIndex(model.index(1))
    desk.window.outbox.list.setFocus()
    desk.key(Qt.Key.Key_Return)
    assert desk.window.desk.details is not None
    assert desk.window.desk.details.row.id == ticket_id(3)


def test_a_change_on_the_server_shows_without_losing_the_place(desk: Desk) -> None:
    """Rows change behind the window: the open ticket shows the new message, the selection stays."""
    desk.open(0)
    desk.data.customer_writes(0, "It works now!")
    desk.window.rows_changed(frozenset({ticket_id(0)}))
    desk.qtbot.waitUntil(lambda: any("It works now!" in t for t in desk.window.ticket.conversation.texts()))
    assert desk.window.inbox.current() == ticket_id(0)


def test_several_selected_tickets_are_changed_at_once_and_undone_at_once(desk: Desk) -> None:
    """X and J select; I takes all; one Undo gives all back."""
    desk.window.go_view(ViewKey.UNASSIGNED)
    desk.window.inbox.list.setFocus()
    desk.key(Qt.Key.Key_J)
    desk.key(Qt.Key.Key_Down, SHIFT)
    desk.qtbot.waitUntil(lambda: len(desk.window.inbox.picked()) == 2)
    ids = list(desk.window.inbox.picked().ids)
    desk.key(Qt.Key.Key_I)
    assert desk.window.toast.text() == "2 tickets: you have it now"
    assert all((r := desk.data.row(i)) is not None and r.owner == ME for i in ids)
    desk.window.toast.undo.click()
    assert all((r := desk.data.row(i)) is not None and r.owner is None for i in ids)


def test_a_ticket_snoozed_leaves_the_list_and_can_be_listed(desk: Desk) -> None:
    """H, a time, gone; Ctrl+5 lists it."""
    desk.open(0)
    desk.key(Qt.Key.Key_H)
    desk.pick("tomorrow")
    desk.key(Qt.Key.Key_5, CTRL)
    assert desk.window.inbox.model.id_at(0) == ticket_id(0)


def test_a_store_that_cannot_be_read_leaves_the_window_standing_and_says_so(desk: Desk) -> None:
    """The list's place tells; what was there stays."""
    before = desk.window.inbox.model.rowCount()
    desk.queries.error = StoreUnavailable("store_unavailable")
    desk.window.inbox.refresh()
    assert desk.window.inbox.problem.isVisible()
    assert desk.window.inbox.model.rowCount() == before


def test_the_details_pane_folds_on_a_narrow_window_and_opens_by_key(desk: Desk) -> None:
    """Below 1280 px its place goes to the conversation."""
    desk.open(0)
    assert desk.window.customer.isVisible()
    desk.window.resize(1000, 700)
    desk.qtbot.waitUntil(lambda: not desk.window.customer.isVisible())
    desk.key(Qt.Key.Key_I, CTRL | SHIFT)
    assert desk.window.customer.isVisible()


def test_the_link_of_a_ticket_is_copied(desk: Desk) -> None:
    """A link that only shows."""
    desk.open(0)
    desk.key(Qt.Key.Key_C, CTRL | SHIFT)
    assert QApplication.clipboard().text() == f"deskside://ticket/{ticket_id(0).hex()}"


def test_a_draft_written_before_is_back_when_its_ticket_is_opened(desk: Desk) -> None:
    """Text and caret."""
    desk.commits.save_draft(Draft(ticket_id(3), DraftKind.NOTE, "half a thought", 4, 0, NOW_MS))
    desk.open(3)
    assert desk.composer.kind() is DraftKind.NOTE
    assert desk.composer.text(DraftKind.NOTE) == "half a thought"
    assert not any(isinstance(c, NoteAdd) for c in desk.commits.changes)


def test_the_menu_holds_every_group(desk: Desk) -> None:
    """F10 opens it; its groups are those of the table."""
    desk.window.actions_.fill(desk.window.top.menu)
    titles = [a.text() for a in desk.window.top.menu.actions() if a.menu() is not None]
    assert titles == ["Go", "Ticket", "Write", "Session", "View"]


def test_the_context_menu_offers_what_can_be_done_with_a_ticket(desk: Desk) -> None:
    """The same commands as everywhere."""
    desk.open(0)
    menu = desk.window.actions_.context_menu(desk.window)
    assert {"Solve", "Assign to me", "Write reply"} <= {a.text() for a in menu.actions()}
    menu.close()
    assert desk.window.inbox.list.indexAt(QPoint(5, 5)).isValid()
