# SPDX-License-Identifier: GPL-3.0-or-later
"""Needs you as a person uses it: list, entry, keys, choices, undo, guard, lock; over fakes, by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QWidget
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.changes import ConflictResolve, MessageAdd, ReplyDiscard, ReplyRelease
from app.domain.errors import StoreUnavailable
from app.domain.needs import NeedKind
from app.domain.ports import SyncPhase, SyncStatus
from app.services.needs_you import Action, actions_of
from tests.fakes.needs import REPLY, entry_id
from tests.fakes.queries import NOW_MS, TEAM, ticket_id
from tests.widgets.test_shell import CTRL, Desk
from widgets.foundation import Theme
from widgets.needs_you import desk as needs_desk
from widgets.shell.sync_details import SyncDetails

HOUR_MS = 3_600_000


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[Desk]:
    """A window with seven entries that wait."""
    made = Desk(qtbot, theme, tmp_path)
    yield made
    made.window.close()
    set_language("en")


def is_in(pane: QWidget) -> bool:
    """Whether the keyboard is somewhere in a pane."""
    here = QApplication.focusWidget()
    return here is not None and pane.isAncestorOf(here)


def go(desk: Desk, *numbers: int) -> None:
    """Open the page by key and choose entries as a person would, with arrows and Shift."""
    desk.key(Qt.Key.Key_7, CTRL)
    listing = desk.window.needs.listing
    places = [n for n, i in enumerate(listing.model.items) if i.id in {entry_id(k) for k in numbers}]
    desk.key(Qt.Key.Key_Home)
    for _ in range(places[0]):
        desk.key(Qt.Key.Key_Down)
    for _ in places[1:]:
        desk.key(Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert {i.id for i in listing.chosen_items()} == {entry_id(k) for k in numbers}


def waiting(desk: Desk) -> set[bytes]:
    """The entries the list shows."""
    return {i.id for i in desk.window.needs.listing.model.items}


@pytest.mark.ux("UX-12")
def test_every_kind_of_entry_waits_in_one_list_and_its_count_is_the_stores(desk: Desk) -> None:
    """Conflicts, held replies, refused and orphaned work, lost drafts; the count in the views pane says how many."""
    desk.window.show_status(SyncStatus(SyncPhase.LIVE, NOW_MS, last_sync=NOW_MS, needs_you=8))
    desk.key(Qt.Key.Key_7, CTRL)
    assert len(waiting(desk)) == 8 == desk.window.views.needs.count()
    assert desk.window.strip.needs.label() == "8 need you"
    assert {i.kind for i in desk.window.needs.listing.model.items} == set(NeedKind) - {NeedKind.HELD}
    assert QApplication.focusWidget() is desk.window.needs.listing.list


@pytest.mark.ux("UX-13")
def test_where_nothing_waits_the_right_side_shows_nothing_to_choose(desk: Desk) -> None:
    """Not even the picture that stands above the words."""
    desk.key(Qt.Key.Key_7, CTRL)
    page = desk.window.needs.detail
    assert page.empty.picture.isVisibleTo(page.empty)
    page.show_items((), any_wait=False)
    parts = (page.empty.picture, page.empty.title, page.empty.text)
    assert not [part for part in parts if part.isVisibleTo(page.empty)]


def test_a_conflict_shows_yours_theirs_before_author_and_time_and_marks_words_without_colour(desk: Desk) -> None:
    """Signs stand in the text itself."""
    go(desk, 3)
    compare = desk.window.needs.detail.compare
    assert "[-210-][+214+]" in compare.mine.text.toPlainText()
    assert "[+19시까지" in compare.theirs.text.toPlainText()
    assert "[" not in compare.before.text.toPlainText()
    assert "이지은" in compare.theirs.who.text()
    assert "2026" in compare.theirs.who.text()


@pytest.mark.ux("UX-13")
def test_one_key_keeps_mine_and_ctrl_z_takes_it_back_for_half_a_minute(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision is saved at once; undo is the inverse mutation; after half a minute there is none."""
    go(desk, 1)
    desk.key(Qt.Key.Key_1)
    change = desk.commits.changes[-1]
    assert isinstance(change, ConflictResolve)
    assert (change.conflict, change.choice) == (entry_id(1), "mine")
    assert entry_id(1) not in waiting(desk)
    assert desk.window.toast.text() == "Yours stays"
    desk.key(Qt.Key.Key_Z, CTRL)
    assert entry_id(1) in waiting(desk)
    change = desk.commits.changes[-1]
    assert isinstance(change, ConflictResolve)
    assert change.choice == "reopen"
    go(desk, 1)
    desk.key(Qt.Key.Key_2)
    monkeypatch.setattr(needs_desk, "UNDO_MS", -1)
    assert not desk.window.needs.desk.undo()
    assert entry_id(1) not in waiting(desk)


@pytest.mark.ux("UX-13")
def test_one_choice_decides_several_entries_of_a_kind(desk: Desk) -> None:
    """Two conflicts chosen with Shift, one key, one undo."""
    go(desk, 1, 2)
    assert desk.window.needs.detail.title.text() == "2 entries chosen"
    desk.key(Qt.Key.Key_2)
    assert not waiting(desk) & {entry_id(1), entry_id(2)}
    assert desk.window.toast.text() == "The other one stays in 2 entries"
    desk.window.toast.undo.click()
    assert {entry_id(1), entry_id(2)} <= waiting(desk)


def test_entries_of_different_kinds_offer_only_what_fits_all(desk: Desk) -> None:
    """A refused reply and orphaned work can be copied and discarded together, nothing else."""
    by_id = {i.id: i for i in desk.needs.items}
    assert actions_of([by_id[entry_id(5)], by_id[entry_id(6)]]) == (Action.COPY, Action.DISCARD)
    assert actions_of([by_id[entry_id(1)], by_id[entry_id(6)]]) == (Action.COPY,)
    assert Action.EDIT not in actions_of([by_id[entry_id(1)]]), "a state is chosen, not written"
    assert Action.RELEASE not in actions_of([by_id[entry_id(0)], by_id[entry_id(0)]]), "news are read one by one"


@pytest.mark.ux("UX-20")
def test_a_held_reply_shows_the_new_message_above_it_and_is_sent_with_what_was_read(desk: Desk) -> None:
    """Send anyway names the newest message on screen; it is not sent twice and cannot be unsent."""
    go(desk, 0)
    detail = desk.window.needs.detail
    assert detail.kept.news_heading.text() == "1 new message since you began"
    assert detail.kept.text.toPlainText() == REPLY
    assert desk.commits.changes == []
    detail.buttons[Action.RELEASE].click()
    change = desk.commits.changes[-1]
    newest = max(i.msg_no for i in desk.data.thread(ticket_id(0)))
    assert isinstance(change, ReplyRelease)
    assert (change.conflict, change.seen_seq, change.body) == (entry_id(0), newest, None)
    assert not desk.window.needs.desk.undo()


def test_a_held_reply_is_edited_by_keyboard_alone_and_kept_while_it_is_written(desk: Desk) -> None:
    """Enter goes to the buttons, 3 edits, Ctrl+Enter sends; what is typed is on disk before that."""
    go(desk, 0)
    desk.key(Qt.Key.Key_3)
    edit = desk.window.needs.detail.edit
    assert QApplication.focusWidget() is edit
    assert edit.toPlainText() == REPLY
    edit.setPlainText("Thank you, it works then.")
    desk.qtbot.waitUntil(lambda: desk.commits.states.get(f"needs.edit.{entry_id(0).hex()}") == edit.toPlainText())
    desk.key(Qt.Key.Key_Return, CTRL)
    change = desk.commits.changes[-1]
    assert isinstance(change, ReplyRelease)
    assert change.body == "Thank you, it works then."


def test_a_text_begun_for_an_entry_is_there_again_after_a_restart(desk: Desk) -> None:
    """The editor goes on where it was."""
    desk.commits.save_ui_state(f"needs.edit.{entry_id(3).hex()}", "half of it")
    go(desk, 3)
    desk.key(Qt.Key.Key_3)
    assert desk.window.needs.detail.edit.toPlainText() == "half of it"


def test_merging_by_hand_starts_with_both_texts_and_keeps_the_result(desk: Desk) -> None:
    """What both share stands once, theirs before mine where they differ; no markers."""
    go(desk, 3)
    desk.key(Qt.Key.Key_3)
    detail = desk.window.needs.detail
    text = detail.edit.toPlainText()
    assert text.count("프린터실은") == 1
    assert text.index("19시까지") < text.index("17시 30분")
    detail.edit_done.click()
    change = desk.commits.changes[-1]
    assert isinstance(change, ConflictResolve)
    assert (change.choice, change.value) == ("edited", text)


def test_a_refused_reply_is_sent_again_with_the_same_id_and_leaves_the_list(desk: Desk) -> None:
    """Its row keeps its id, so that it cannot be there twice; the entry is ticked off on this device."""
    go(desk, 5)
    desk.window.needs.detail.buttons[Action.AGAIN].click()
    change = desk.commits.changes[-1]
    assert isinstance(change, MessageAdd)
    assert change.message == entry_id(91)
    assert change.event != entry_id(90)
    assert desk.needs.ticked == {entry_id(5)}
    assert entry_id(5) not in waiting(desk)


@pytest.mark.ux("UX-18")
def test_orphaned_work_can_be_copied_exported_and_discarded_with_undo(desk: Desk, tmp_path: Path) -> None:
    """Nothing leaves without a choice, and the choice can be taken back."""
    go(desk, 6)
    detail = desk.window.needs.detail
    detail.buttons[Action.COPY].click()
    assert QGuiApplication.clipboard().text().startswith("영수증 확인함")
    assert entry_id(6) in waiting(desk)
    desk.window.needs.write_file(tmp_path / "note.txt", detail._text())
    assert (tmp_path / "note.txt").read_text("utf-8").startswith("영수증 확인함")
    desk.window.needs.write_file(tmp_path / "none" / "note.txt", "x")
    assert "could not be written" in desk.window.needs.listing.problem.text.text()
    detail.buttons[Action.DISCARD].click()
    assert desk.needs.ticked == {entry_id(6)}
    desk.key(Qt.Key.Key_Z, CTRL)
    assert desk.needs.ticked == set()
    assert entry_id(6) in waiting(desk)


@pytest.mark.ux("UX-18")
def test_a_draft_without_its_ticket_is_exported_with_the_rest_and_leads_to_no_page(desk: Desk) -> None:
    """It says which ticket it was for, and that it was never sent; discarding it is taken back by Ctrl+Z."""
    go(desk, 7)
    detail = desk.window.needs.detail
    assert "#4182" in detail.words.text()
    assert detail.kept.text.toPlainText() == REPLY
    assert not detail.open_button.isVisible()
    by_id = {i.id: i for i in desk.needs.items}
    both = actions_of([by_id[entry_id(6)], by_id[entry_id(7)]])
    assert both == (Action.COPY, Action.EXPORT, Action.DISCARD)
    detail.buttons[Action.DISCARD].click()
    assert desk.needs.ticked == {entry_id(7)}
    desk.key(Qt.Key.Key_Z, CTRL)
    assert entry_id(7) in waiting(desk)


def test_discarding_a_held_reply_is_a_mutation_of_its_own_and_deleted_work_is_restored(desk: Desk) -> None:
    """reply.discard for a reply; conflict.resolve for an edit of something deleted."""
    go(desk, 0)
    desk.window.needs.detail.buttons[Action.DISCARD].click()
    go(desk, 4)
    desk.window.needs.detail.buttons[Action.RESTORE].click()
    discarded, restored = desk.commits.changes[-2:]
    assert isinstance(discarded, ReplyDiscard)
    assert isinstance(restored, ConflictResolve)
    assert restored.choice == "mine"


def test_a_full_disk_is_told_and_nothing_leaves_the_list(desk: Desk) -> None:
    """The entry stays and can be decided later."""
    go(desk, 1)
    desk.commits.error = StoreUnavailable("disk_full")
    desk.key(Qt.Key.Key_1)
    assert "disk is full" in desk.window.needs.listing.problem.text.text()
    assert entry_id(1) in waiting(desk)


@pytest.mark.ux("UX-29")
def test_the_whole_page_is_reached_and_left_by_keyboard(desk: Desk) -> None:
    """Ctrl+7, arrows, Enter to the choices, F6 round, Escape back, Alt+Left to where one was."""
    desk.open(2)
    desk.key(Qt.Key.Key_7, CTRL)
    needs = desk.window.needs
    desk.key(Qt.Key.Key_Down)
    desk.key(Qt.Key.Key_Return)
    assert QApplication.focusWidget() is needs.detail.buttons[Action.MINE]
    desk.key(Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is needs.listing.list
    desk.key(Qt.Key.Key_F6)
    assert is_in(needs.detail)
    desk.key(Qt.Key.Key_F6)
    assert is_in(desk.window.strip)
    desk.key(Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert desk.window.pages.currentWidget() is desk.window.ticket


def test_single_keys_of_the_page_type_in_its_editor_and_do_nothing_elsewhere(desk: Desk) -> None:
    """1 in the editor is a one; 1 in the inbox decides nothing."""
    desk.key(Qt.Key.Key_1)
    go(desk, 3)
    desk.key(Qt.Key.Key_3)
    desk.window.needs.detail.edit.clear()
    desk.type("123")
    assert desk.window.needs.detail.edit.toPlainText() == "123"
    assert desk.commits.changes == []


def test_the_empty_page_says_what_goes_here(desk: Desk) -> None:
    """Nothing waits: that is said, and the entry pane says nothing is chosen."""
    desk.needs.items.clear()
    desk.key(Qt.Key.Key_7, CTRL)
    assert desk.window.needs.listing.empty.isVisible()
    assert desk.window.needs.listing.empty.title.text() == "Nothing waits for you"
    assert desk.window.needs.detail.empty.isVisible()


def test_an_entry_leads_to_its_ticket(desk: Desk) -> None:
    """The link above the entry opens the ticket's page."""
    go(desk, 1)
    desk.window.needs.detail.open_button.click()
    assert desk.window.pages.currentWidget() is desk.window.ticket
    assert desk.window.desk.details is not None
    assert desk.window.desk.details.row.id == ticket_id(1)


@pytest.mark.ux("UX-14")
def test_a_new_conflict_opens_no_window_and_takes_no_focus(desk: Desk) -> None:
    """The count changes; the keyboard stays where it is."""
    live = SyncStatus(SyncPhase.LIVE, NOW_MS, last_sync=NOW_MS)
    desk.window.show_status(live)
    before = QApplication.focusWidget()
    desk.window.show_status(replace(live, needs_you=1))
    assert QApplication.focusWidget() is before
    assert [dialog for dialog in desk.window.findChildren(QDialog) if dialog.isVisible()] == []
    assert desk.window.strip.needs.label() == "1 needs you"
    desk.window.strip.needs.click()
    assert desk.window.needs.detail.isVisible()


@pytest.mark.ux("UX-17")
def test_many_tickets_to_go_are_asked_about_without_stopping_work(desk: Desk) -> None:
    """Numbers, two answers, no window, no focus; after Keep waiting the strip leads back to the question."""
    before = QApplication.focusWidget()
    desk.window.ask_guard(412, 967)
    guard = desk.window.needs.guard
    assert guard.isVisible()
    assert "412 of 967 tickets" in guard.text.text()
    assert QApplication.focusWidget() is before
    guard.wait.click()
    assert desk.link.guard_answers == [False]
    assert not guard.isVisible()
    desk.window.strip.guard.click()
    assert guard.isVisible()
    guard.apply.click()
    assert desk.link.guard_answers == [False, True]
    assert not desk.window.strip.guard.isVisible()
    desk.window.ask_guard(412, 967)
    desk.window.ask_guard(0, 0)
    assert not guard.isVisible(), "the tickets came back: nothing is asked any more"


@pytest.mark.ux("UX-18")
def test_a_suspended_device_is_locked_with_everything_kept_and_opens_again(desk: Desk) -> None:
    """Commands are dead, the waiting changes are counted, and the window comes back where it was."""
    desk.window.show_status(SyncStatus(SyncPhase.OFFLINE, NOW_MS, waiting=3))
    desk.window.show_lock("suspended")
    lock = desk.window.lock
    assert lock.isVisible()
    assert not desk.window.inbox.isVisible()
    assert "3 changes of yours" in lock.kept.text()
    assert not desk.window.registry.run("nav.needs_you")
    lock.check.click()
    assert desk.link.syncs == 1
    desk.window.show_lock("")
    assert desk.window.inbox.isVisible()
    assert desk.window.registry.run("nav.needs_you")


@pytest.mark.ux("UX-18")
def test_a_withdrawn_device_says_what_happened_and_offers_only_to_quit(desk: Desk) -> None:
    """Unsent work is gone by the administrator's decision, and that is said."""
    desk.window.show_lock("revoked")
    lock = desk.window.lock
    assert "as your administrator decided" in lock.text.text()
    assert not lock.check.isVisible()
    assert QApplication.focusWidget() is lock.quit
    with desk.qtbot.waitSignal(desk.window.quit_wanted):
        desk.key(Qt.Key.Key_Return)


@pytest.mark.ux("UX-09")
@pytest.mark.parametrize(
    ("status", "words", "action"),
    [
        (SyncStatus(SyncPhase.LOADING, NOW_MS, percent=40, scope=f"team:{TEAM.hex()}"),
         "Loading team Technical support 40 %", ""),
        (SyncStatus(SyncPhase.LOADING, NOW_MS, percent=7, scope="ref"), "Loading lists and names 7 %", ""),
        (SyncStatus(SyncPhase.LIVE, NOW_MS, waiting=3, waiting_since=NOW_MS - HOUR_MS, last_sync=NOW_MS),
         "3 waiting since ", "Try now"),
        (SyncStatus(SyncPhase.OFFLINE, NOW_MS, waiting=3, waiting_since=NOW_MS), "Offline since ", "Try now"),
        (SyncStatus(SyncPhase.STUCK, NOW_MS), "Sync is stuck", "What to do…"),
        (SyncStatus(SyncPhase.REFUSED, NOW_MS, code="suspended"), "Your account is suspended", "What to do…"),
        (SyncStatus(SyncPhase.REFUSED, NOW_MS, code="schema"), "This version is too old", "What to do…"),
        (SyncStatus(SyncPhase.REFUSED, NOW_MS, code="token"), "The server refuses this device", "Sign in…"),
        (SyncStatus(SyncPhase.SIGNED_OUT, NOW_MS), "Sign-in needed", "Sign in…"),
    ],
)  # fmt: skip
def test_the_strip_names_each_state_of_sync_and_what_helps(
    desk: Desk, status: SyncStatus, words: str, action: str
) -> None:
    """One sentence and at most one button, in both languages."""
    desk.window.show_status(status)
    strip = desk.window.strip
    assert strip.text().startswith(words)
    assert (strip.action.label() if strip.action.isVisible() else "") == action
    set_language("ko")
    strip.retranslate()
    assert not strip.text().isascii()


def test_stuck_sync_opens_its_details_beside_the_work_and_they_can_be_copied(desk: Desk) -> None:
    """Not modal; the facts hold no ticket's text; Try now is one press."""
    desk.window.show_status(SyncStatus(SyncPhase.STUCK, NOW_MS, waiting=2, detail={"tries": 4}))
    desk.window.strip.action.click()
    details = desk.window.findChild(SyncDetails)
    assert isinstance(details, QDialog)
    assert not details.isModal()
    details.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert "Waiting changes: 2" in copied
    assert "tries: 4" in copied
    details.retry.click()
    assert desk.link.syncs == 1
