# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent does with whole tickets in the window, over a real profile: take down, merge, split, link, delete."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QDateTime, Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.domain.changes import MessageAdd
from app.domain.entities import CONTACT_ADDRESS, MESSAGE, NOTE, TICKET, Category
from app.domain.ids import UserId, new_id
from app.domain.mentions import found_mentions, typed_mention
from app.domain.ports import DraftKind, ViewKey
from app.services.triage import Done, Triage
from tests.fakes.link import StepJobs
from tests.sync.desk import Client, Desk
from tests.widgets.real_desk import RealDesk
from widgets.foundation import Theme, Words
from widgets.shell.bulk import BulkStrip
from widgets.ticket.hand_over import HandOverWindow
from widgets.ticket.history_window import HistoryWindow
from widgets.ticket.merge_window import MergeWindow
from widgets.ticket.new_ticket import NewTicketWindow
from widgets.ticket.split_window import SplitWindow
from widgets.ticket.talk_window import TalkWindow, TimeWindow

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
HOUR_MS = 3_600_000


def taking_down(desk: RealDesk) -> NewTicketWindow:
    desk.key(Qt.Key.Key_N, CTRL)
    form = desk.dialog()
    assert isinstance(form, NewTicketWindow)
    desk.qtbot.waitUntil(lambda: form.customer.chooser is not None)
    return form


@pytest.mark.ux("UX-30")
def test_a_call_of_a_new_customer_is_taken_down_offline_and_undone_with_one_key(
    desk: RealDesk, kim: Client, server: Desk
) -> None:
    """Ctrl+N, a number, a name, the words: the ticket opens at once, with its true time; Ctrl+Z takes it back."""
    form = taking_down(desk)
    desk.pick("010-0000-9999")
    assert form.customer.phone.text() == "010-0000-9999"
    form.customer.name.setText("박민수")
    form.subject.setText("Printer stops")
    form.text.setPlainText("두 장 뒤에 멈춥니다.")
    earlier = server.clock.ms - 2 * HOUR_MS
    form.when.setDateTime(QDateTime.fromMSecsSinceEpoch(earlier))
    form.spent.setValue(12)
    QTest.keyClick(form.text, Qt.Key.Key_Return, CTRL)
    opened = desk.window.desk.details
    assert opened is not None
    assert opened.row.label.startswith("~")
    assert (opened.row.subject, opened.row.customer_name, opened.row.owner) == ("Printer stops", "박민수", kim.me)
    assert opened.items[0].at == earlier // 60_000 * 60_000 or opened.items[0].at == earlier
    assert opened.related.worked_s == 12 * 60
    assert "taken down" in desk.window.toast.text()
    desk.sync()
    assert [row["value"] for row in server.rows(CONTACT_ADDRESS.number)] == ["+821000009999"]  # kept as E.164
    desk.window.inbox.list.setFocus()
    desk.key(Qt.Key.Key_Z, CTRL)
    assert list(kim.profile.queries.ids(ViewKey.ALL)) == []
    desk.sync()
    assert [bool(row["deleted"]) for row in server.rows(TICKET.number)] == [True]


def test_what_is_missing_is_said_at_its_field_and_nothing_typed_is_lost(desk: RealDesk) -> None:
    """Without customer or subject nothing is saved; a window that was closed comes back as it was."""
    form = taking_down(desk)
    desk.picker().close()
    form.text.setPlainText("half a sentence")
    form.submit()
    assert form.problem.text.text() == "Choose the customer first, or make a new one."
    form.reject()
    again = taking_down(desk)
    assert again.text.toPlainText() == "half a sentence"
    again.empty()
    assert again.text.toPlainText() == ""


def test_while_a_call_is_taken_down_alike_tickets_show_and_take_the_words_instead(
    desk: RealDesk, kim: Client, server: Desk
) -> None:
    """The third caller with one fault makes no third ticket."""
    alike = kim.new_ticket("PX-200 오류 E-1042", "인쇄하면 E-1042 오류가 나고 멈춥니다.")
    kim.new_ticket("세금계산서 재발행", "3월 세금계산서를 다시 보내 주세요.")
    form = taking_down(desk)
    desk.pick("한예린")
    form.subject.setText("PX-200에서 E-1042")
    form.text.setPlainText("인쇄가 멈추고 E-1042가 나온다고 합니다.")
    desk.qtbot.waitUntil(lambda: form.similar.count() > 0)
    assert form.similar.title.text() == "1 similar ticket"
    found = form._found
    form.similar.chosen.emit(found[0].row)
    details = desk.details(alike)
    assert [item.body for item in details.items if item.body][-1] == "인쇄가 멈추고 E-1042가 나온다고 합니다."
    assert len(kim.profile.queries.ids(ViewKey.ALL)) == 2
    desk.sync()
    channels = {str(row["channel"]) for row in server.rows(MESSAGE.number) if "나온다고" in str(row["body"])}
    assert channels == {"phone"}


@pytest.mark.ux("UX-30")
def test_two_tickets_are_merged_after_a_preview_and_come_apart_again_from_either(desk: RealDesk, kim: Client) -> None:
    """M, choose, read both, merge: the other one opens; Ctrl+Z or "Undo a merge" brings the first back whole."""
    one, two = kim.new_ticket("첫째", "하나"), kim.new_ticket("둘째", "둘")
    desk.sync()
    desk.open(one)
    desk.key(Qt.Key.Key_M)
    desk.pick(desk.details(two).row.label)
    preview = desk.dialog()
    assert isinstance(preview, MergeWindow)
    assert not preview.two.isVisible()
    preview.submit()
    assert desk.window.desk.details is not None
    assert desk.window.desk.details.row.id == two
    assert [t.id for t in desk.details(two).related.merged_here] == [one]
    assert {"하나", "둘"} <= {item.body for item in desk.details(two).items}
    desk.window.registry.run("ticket.unmerge")
    assert desk.details(one).row.category is not Category.MERGED
    assert [item.body for item in desk.details(two).items if item.body] == ["둘"]
    desk.window.inbox.list.setFocus()
    desk.key(Qt.Key.Key_Z, CTRL)
    assert desk.details(one).row.category is Category.MERGED


@pytest.mark.ux("UX-30")
def test_tickets_of_two_customers_are_merged_only_after_both_were_named_and_agreed_to(
    desk: RealDesk, kim: Client, server: Desk
) -> None:
    """The one question that is asked: whose words the other will see."""
    one, two = kim.new_ticket("첫째"), kim.new_ticket("둘째", customer=server.other)
    desk.sync()
    desk.open(one)
    desk.key(Qt.Key.Key_M)
    desk.pick(desk.details(two).row.label)
    preview = desk.dialog()
    assert isinstance(preview, MergeWindow)
    assert "한예린" in preview.two.text.text()
    assert "Tom Baker" in preview.two.text.text()
    preview.submit()
    assert desk.details(one).row.category is not Category.MERGED
    preview.sure.setChecked(True)
    preview.submit()
    assert desk.details(one).row.category is Category.MERGED


def test_a_message_and_what_came_later_become_a_ticket_of_their_own(desk: RealDesk, kim: Client) -> None:
    """Shift+M: only this one, this and later, or ticked; at least one message stays; undo merges back."""
    ticket = kim.new_ticket("두 가지", "첫 문제")
    desk.sync()
    kim.reply(ticket, "답")
    kim.note(ticket, "둘째 문제는 따로")
    desk.open(ticket)
    desk.key(Qt.Key.Key_M, SHIFT)
    window = desk.dialog()
    assert isinstance(window, SplitWindow)
    window.list.setCurrentRow(0)
    window.later.setChecked(True)
    window.submit()
    assert "At least one message stays" in window.problem.text.text()
    window.list.setCurrentRow(1)
    assert len(window.chosen()) == 2
    window.subject.setText("둘째 문제")
    window.submit()
    opened = desk.window.desk.details
    assert opened is not None
    assert opened.row.subject == "둘째 문제"
    assert [link.kind for link in opened.related.links] == ["split_from"]
    assert [item.body for item in desk.details(ticket).items if item.body] == ["첫 문제"]
    desk.sync()
    desk.window.inbox.list.setFocus()
    desk.key(Qt.Key.Key_Z, CTRL)
    assert len([item for item in desk.details(ticket).items if item.body]) == 3


def test_links_stand_on_both_tickets_and_go_by_undo(desk: RealDesk, kim: Client) -> None:
    """Link with another ticket: how, then which; the other ticket tells the same from its end."""
    one, two = kim.new_ticket("부모"), kim.new_ticket("아이")
    desk.sync()
    desk.open(one)
    desk.window.registry.run("ticket.link")
    desk.pick("parent")
    desk.pick(desk.details(two).row.label)
    assert [(link.kind, link.outgoing, link.id) for link in desk.details(one).related.links] == [
        ("parent_of", True, two)
    ]
    assert [(link.kind, link.outgoing, link.id) for link in desk.details(two).related.links] == [
        ("parent_of", False, one)
    ]
    desk.window.inbox.list.setFocus()
    desk.key(Qt.Key.Key_Z, CTRL)
    assert desk.details(one).related.links == ()


def test_a_ticket_is_watched_and_no_longer(desk: RealDesk, kim: Client) -> None:
    """The command turns over what the open ticket says."""
    ticket = kim.new_ticket()
    desk.open(ticket)
    desk.window.registry.run("ticket.watch")
    assert desk.details(ticket).related.watchers == (kim.me,)
    desk.window.registry.run("ticket.watch")
    assert desk.details(ticket).related.watchers == ()


@pytest.mark.ux("UX-30")
def test_a_deleted_ticket_asks_nothing_and_comes_back_by_undo_or_from_the_list_of_deleted_ones(
    desk: RealDesk, kim: Client
) -> None:
    """Del, a toast with Undo, Ctrl+Z; or later "Restore a deleted ticket"."""
    ticket = kim.new_ticket("지울 문의")
    desk.sync()
    desk.open(ticket)
    desk.key(Qt.Key.Key_Delete)
    assert kim.profile.queries.details(ticket) is None
    assert desk.window.toast.undo.isVisible()
    desk.window.registry.run("ticket.restore")
    desk.pick("지울")
    assert desk.details(ticket).row.subject == "지울 문의"
    assert desk.window.desk.details is not None


def test_a_ticket_is_handed_over_with_one_line_that_the_next_owner_reads_first(
    desk: RealDesk, kim: Client, server: Desk, tmp_path: Path, theme: Theme
) -> None:
    """Level, owner and reason; without the reason nothing happens."""
    ticket = kim.new_ticket()
    desk.sync()
    lee = Client(server, tmp_path / "lee", "lee")
    desk.open(ticket)
    desk.window.registry.run("ticket.hand_over")
    window = desk.dialog()
    assert isinstance(window, HandOverWindow)
    window.choose_owner(lee.me)
    window.tier.setCurrentIndex(1)
    window.submit()
    assert "One line why" in window.problem.text.text()
    window.reason.setText("인증서를 볼 수 있는 사람이 필요합니다")
    window.submit()
    details = desk.details(ticket)
    assert (details.row.owner, details.related.tier) == (lee.me, 2)
    assert [i.data["reason"] for i in details.items if i.data.get("field") == "owner"] == [
        "인증서를 볼 수 있는 사람이 필요합니다"
    ]
    desk.sync()
    lee.sync()
    theirs = RealDesk(desk.qtbot, theme, lee, tmp_path / "lee")
    theirs.open(ticket)
    hint = theirs.window.ticket.hints.reason
    assert hint.isVisible()
    assert "인증서를 볼 수 있는 사람이 필요합니다" in hint.text.text()
    assert not desk.window.ticket.hints.isVisible()
    theirs.window.close()
    lee.close()


def test_a_visit_of_monday_is_logged_on_thursday_at_mondays_time(desk: RealDesk, kim: Client, server: Desk) -> None:
    """Without a line too; the server keeps the true time."""
    ticket = kim.new_ticket()
    desk.sync()
    desk.open(ticket)
    desk.window.registry.run("ticket.log")
    window = desk.dialog()
    assert isinstance(window, TalkWindow)
    monday = (server.clock.ms - 72 * HOUR_MS) // 60_000 * 60_000
    window.channel.setCurrentIndex(1)
    window.when.setDateTime(QDateTime.fromMSecsSinceEpoch(monday))
    window.ours.setChecked(True)
    window.text.setPlainText("현장에서 롤러를 바꿨습니다")
    window.submit()
    desk.sync()
    told = [(row["channel"], row["direction"], row["occurred_at"]) for row in server.rows(MESSAGE.number)]
    assert ("visit", "out", monday) in told


def test_the_timer_runs_on_one_ticket_and_says_how_long_it_was(desk: RealDesk, kim: Client, server: Desk) -> None:
    """Start, work, stop: the minutes stand in the window, to be put right, and then on the ticket."""
    ticket = kim.new_ticket()
    desk.open(ticket)
    desk.window.registry.run("ticket.timer")
    server.clock.ms += 25 * 60_000
    desk.window.registry.run("ticket.timer")
    window = desk.dialog()
    assert isinstance(window, TimeWindow)
    assert window.minutes.value() == 26
    window.minutes.setValue(25)
    window.submit()
    assert desk.details(ticket).related.worked_s == 25 * 60
    assert desk.window.timer.running() is None


def test_the_history_tells_who_did_what_in_one_list(desk: RealDesk, kim: Client) -> None:
    """Y; messages stand by one line, and typing narrows the list."""
    ticket = kim.new_ticket("x", "도와주세요")
    kim.set(ticket, priority=4)
    desk.open(ticket)
    desk.key(Qt.Key.Key_Y)
    (window,) = desk.window.findChildren(HistoryWindow)
    assert any("도와주세요" in line for line in window.texts())
    window.finder.setText("Urgent")
    assert len(window.texts()) == 1
    window.close()


@pytest.mark.ux("UX-23")
def test_a_snoozed_ticket_can_be_listed_and_comes_back_on_time_with_one_notice(
    desk: RealDesk, kim: Client, server: Desk
) -> None:
    """It leaves the lists until its time; then it is there again and the window says so, once."""
    ticket = kim.new_ticket("나중에 볼 문의", owner=kim.me)
    until = server.clock.ms + HOUR_MS
    desk.window.desk.snooze([desk.details(ticket).row], until, "later")
    queries = kim.profile.queries
    assert (list(queries.ids(ViewKey.MINE)), list(queries.ids(ViewKey.SNOOZED))) == ([], [ticket])
    server.clock.ms = until + 1
    desk.window.snoozes.look()
    assert "나중에 볼 문의" in desk.window.toast.text()
    assert list(queries.ids(ViewKey.MINE)) == [ticket]
    desk.window.toast.hide()
    desk.window.snoozes.look()
    assert desk.window.toast.text() == ""


@pytest.mark.ux("UX-23")
def test_a_customers_message_wakes_a_ticket_and_the_same_time_is_offered_again(
    desk: RealDesk, kim: Client, server: Desk
) -> None:
    """It wakes early; one button lets it sleep until the time it was to come back at."""
    ticket = kim.new_ticket(owner=kim.me)
    until = server.clock.ms + 5 * HOUR_MS
    kim.set(ticket, snooze_until=until)
    kim.do(MessageAdd(new_id(), new_id(), ticket, "하나 더 여쭤볼게요", inbound=True))
    assert list(kim.profile.queries.ids(ViewKey.MINE)) == [ticket]
    desk.open(ticket)
    hints = desk.window.ticket.hints
    assert hints.woken.isVisible()
    hints.again.click()
    assert desk.details(ticket).related.snooze_until == until
    desk.qtbot.waitUntil(lambda: not hints.isVisible())


@pytest.mark.ux("UX-04")
def test_one_deed_on_very_many_tickets_shows_how_far_it_is_and_can_be_cancelled(
    qtbot: QtBot, theme: Theme, kim: Client
) -> None:
    """What was done when Cancel is pressed stays done, as one deed with one undo; the rest is left as it was."""
    rows = list(kim.profile.queries.rows([kim.new_ticket(str(n)) for n in range(60)]).values())
    triage = Triage(kim.profile.commits, kim.me)
    jobs = StepJobs()
    strip = BulkStrip(theme, jobs)
    qtbot.addWidget(strip)
    done: list[Done] = []
    strip.finished.connect(done.append)
    strip.show()
    strip.run(rows, lambda part: triage.set_priority(part, 4))
    strip.busy.show()  # a second has passed
    jobs.step()
    assert strip.cancel.isVisible()
    assert strip.busy.text() == "25 of 60 tickets done"
    strip.cancel.click()
    jobs.step()
    jobs.step()  # puts together what was done
    assert not strip.is_running()
    assert (done[0].label, len(done[0].undo)) == ("50 tickets: priority Urgent", 50)
    triage.undo(done[0].undo, done[0].label)
    assert {row.priority for row in kim.profile.queries.rows([row.id for row in rows]).values()} == {2}


def test_a_colleague_is_mentioned_by_initial_consonants_while_the_syllable_is_being_composed(
    desk: RealDesk, kim: Client, server: Desk
) -> None:
    """@ㅇㅅ offers 이서준; Enter takes the name and sends nothing; the note carries who is meant."""
    ticket = kim.new_ticket()
    desk.open(ticket)
    desk.key(Qt.Key.Key_N)
    edit = desk.window.ticket.composer.sheets[DraftKind.NOTE].edit
    QTest.keyClicks(edit, "please look, @")
    assert "이서준" in desk.window.mentions.names()
    edit.insertPlainText("ㅇ")
    QApplication.sendEvent(edit, QInputMethodEvent("ㅅ", []))
    assert desk.window.mentions.names() == ["이서준"]
    committed = QInputMethodEvent("", [])
    committed.setCommitString("ㅅ")
    QApplication.sendEvent(edit, committed)
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert edit.toPlainText() == "please look, @이서준 "
    QTest.keyClick(edit, Qt.Key.Key_Return, CTRL)
    desk.sync()
    (note,) = server.rows(NOTE.number)
    users = {name: id_.hex() for id_, name in desk.window.desk.choices.users.items()}
    assert json.loads(str(note["mentions"])) == [users["이서준"]]


def test_an_address_is_no_mention() -> None:
    """kim@example.com names nobody; names that begin alike are told apart."""
    one, two = UserId(b"1" * 16), UserId(b"2" * 16)
    users = {one: "김지", two: "김지우"}
    assert found_mentions("@김지우 님과 @김지에게, @김지우", users) == (two, one)
    assert typed_mention("mail kim@exam") is None
    assert typed_mention("보고 @김") == "김"


def test_words_are_found_in_a_long_ticket_also_where_it_is_not_made_yet(desk: RealDesk, kim: Client) -> None:
    """Ctrl+Shift+F: the newest hit first, Enter goes up; an old message is made, shown and marked."""
    ticket = kim.new_ticket("x", "처음에 말한 롤러가 문제입니다")
    for n in range(60):
        kim.note(ticket, f"메모 {n}")
    kim.note(ticket, "롤러를 주문함")
    desk.open(ticket)
    desk.key(Qt.Key.Key_F, CTRL | SHIFT)
    finder = desk.window.ticket.finder
    finder.field.setText("롤러")
    assert finder.count.text() == "2 of 2"
    QTest.keyClick(finder.field, Qt.Key.Key_Return)
    assert finder.count.text() == "1 of 2"
    conversation = desk.window.ticket.conversation

    def marked() -> list[str]:
        return [label.selectedText() for label in conversation.findChildren(Words) if label.selectedText()]

    desk.qtbot.waitUntil(lambda: conversation.area.verticalScrollBar().value() == 0 and "롤러" in marked())
    finder.field.setText("없는 말")
    assert finder.count.text() == "Nothing found"
    QTest.keyClick(finder.field, Qt.Key.Key_Escape)
    assert not finder.isVisible()
