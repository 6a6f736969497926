# SPDX-License-Identifier: GPL-3.0-or-later
"""Articles and announcements in the agent's window, over real files and a real server: written, published, quoted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QDate, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.articles import article_of_link
from app.domain.changes import AnnouncementSave, ArticleSave, ContactSet
from app.domain.entities import ANNOUNCEMENT, ARTICLE, CALENDAR, SUPPORT_CONTACT, USER
from app.domain.errors import Refused
from app.domain.ids import TicketId, new_id
from app.domain.ports import DraftKind
from app.services.calendars import compile_calendar
from app.services.sla_file import read_sla_file
from sync.server.clock_book import set_book
from tests.sync.desk import Client
from tests.sync.desk import Desk as Server
from tests.sync.test_clock_book import FILE as CLOCK_FILE
from tests.widgets.real_desk import RealDesk
from widgets.foundation import Theme, Words
from widgets.knowledge.articles_window import ArticlesWindow
from widgets.knowledge.told_window import ToldWindow
from widgets.shell.announced import hidden_of_text
from widgets.shell.knowledge import HIDDEN, KEPT

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
REPLY, NOTE = DraftKind.REPLY, DraftKind.NOTE


def lead(server: Server, client: Client) -> None:
    """Make somebody a lead, as the administrator would."""
    server.spoil(USER.number, client.me, roles='["agent","lead"]')
    identity = client.profile.identity
    assert identity is not None
    client.profile.commits.save_identity(replace(identity, roles=frozenset({"agent", "lead"})))


class ArticleDesk(RealDesk):
    """The window with one ticket open."""

    ticket: TicketId

    def articles(self) -> ArticlesWindow:
        """The window of articles."""
        part = self.window.knowledge
        assert part is not None
        assert part.articles is not None
        return part.articles

    def said(self) -> str:
        """The text of the article that shows."""
        return " ".join(each.text() for each in self.articles().text.findChildren(Words) if not each.isHidden())

    def put(self, title: str, body: str, **more: str) -> bytes:
        """An article that a lead published, as it is on this computer."""
        id_ = new_id()
        fields = {"title_ko": title, "body_ko": body, "state": "published", **more}
        self.client.do(ArticleSave(new_id(), new_id(), id_, fields))
        return id_


@pytest.fixture
def lee(server: Server, tmp_path: Path) -> Iterator[Client]:
    """A colleague's computer."""
    client = Client(server, tmp_path / "lee", "lee")
    client.sync()
    yield client
    client.close()


@pytest.fixture
def desk(qtbot: QtBot, theme: Theme, server: Server, kim: Client, tmp_path: Path) -> Iterator[ArticleDesk]:
    """A lead's window, with a line that carries nothing until a test says so."""
    lead(server, kim)
    ticket = TicketId(kim.new_ticket())
    kim.sync()
    made = ArticleDesk(qtbot, theme, kim, tmp_path)
    made.ticket = ticket
    made.open(ticket)
    yield made
    if made.window.knowledge is not None and made.window.knowledge.articles is not None:
        made.articles().close()
    made.window.close()
    set_language("en")


def test_an_article_is_in_the_reply_after_two_keys_and_a_word_and_the_reply_keeps_its_version(
    desk: ArticleDesk, server: Server
) -> None:
    """Offline too: Ctrl+Shift+J, a word of two syllables inside a longer one, Enter. What is sent names the version."""
    desk.put("인쇄가 흐릴 때", "토너를 흔듭니다.")
    pay = desk.put("간편결제 오류", "# 먼저\n- 앱을 닫습니다")
    desk.key(Qt.Key.Key_R)
    desk.key(Qt.Key.Key_J, CTRL | SHIFT)
    desk.pick("결제")
    composer = desk.window.ticket.composer
    assert composer.text(REPLY) == "먼저\n\n• 앱을 닫습니다\n\n도움말: 간편결제 오류"
    quoted = next(each for each in desk.client.profile.knowledge.articles() if each.of == pay)
    desk.key(Qt.Key.Key_Return, CTRL)
    desk.window.writing.close()  # the seconds in which it could be taken back are over
    [reply] = [item for item in desk.details(desk.ticket).items if "앱을 닫습니다" in item.body]
    assert f"/help/answers/{pay.hex()}?version={quoted.id.hex()}" in (reply.html or "")
    desk.sync()  # the line is back: the server has it as well
    assert any(f"version={quoted.id.hex()}" in str(row["html"] or "") for row in server.rows(2))


def test_a_link_in_an_old_reply_opens_the_version_that_was_quoted(desk: ArticleDesk) -> None:
    """And says that customers read a newer one by now; any other link goes out as before."""
    pay = desk.put("결제 오류", "옛 안내")
    first = desk.client.profile.knowledge.article(pay)
    assert first is not None
    again = {"title_ko": "결제 오류", "body_ko": "새 안내", "state": "published"}
    desk.client.do(ArticleSave(new_id(), new_id(), pay, again, first.article.id))
    link = f"http://test/help/answers/{pay.hex()}?version={first.article.id.hex()}"
    assert article_of_link(link, "http://test") == (pay, first.article.id)
    desk.window.ticket.conversation.link_chosen.emit(link)
    shown = desk.articles()
    desk.qtbot.waitUntil(lambda: desk.said() == "옛 안내")
    assert "earlier version" in shown.notice.text.text()
    shown.other.click()
    desk.qtbot.waitUntil(lambda: desk.said() == "새 안내")
    with desk.qtbot.waitSignal(desk.window.link_chosen) as out:
        desk.window.ticket.conversation.link_chosen.emit("https://elsewhere.example/")
    assert out.args == ["https://elsewhere.example/"]


def test_staff_articles_are_offered_for_notes_and_not_for_replies(desk: ArticleDesk) -> None:
    """A draft is offered nowhere."""
    desk.put("직원 안내", "고객 등급을 봅니다.", audience="staff")
    desk.put("초안", "아직 아님", state="draft")
    desk.put("공개 안내", "누구나 봅니다.")
    desk.key(Qt.Key.Key_J, CTRL | SHIFT)
    assert [o.text for o in desk.picker().model.options] == ["공개 안내"]
    desk.picker().close()
    desk.key(Qt.Key.Key_N)
    desk.key(Qt.Key.Key_J, CTRL | SHIFT)
    assert [o.text for o in desk.picker().model.options] == ["공개 안내", "직원 안내"]
    desk.pick("직원")
    assert desk.window.ticket.composer.text(NOTE) == "고객 등급을 봅니다."


def test_a_lead_writes_publishes_changes_and_withdraws_an_article_by_keys_alone(
    desk: ArticleDesk, server: Server
) -> None:
    """Ctrl+8, New, two fields, Ctrl+Enter; each save is a version, and who looks sees by whom and when."""
    desk.key(Qt.Key.Key_8, CTRL)
    window = desk.articles()
    assert window.focusWidget() is window.articles.field
    window.new.click()
    assert window.focusWidget() is window.form.title_ko
    window.form.title_ko.setText("비밀번호를 잊었을 때")
    QTest.keyClick(window.form.title_ko, Qt.Key.Key_Return, CTRL)
    assert "write title and text" in window.problem.text.text()  # nothing typed is lost
    assert window.focusWidget() is window.form.body_ko
    window.form.body_ko.setPlainText("로그인 화면에서 찾기를 누릅니다.")
    QTest.keyClick(window.form.body_ko, Qt.Key.Key_Return, CTRL)
    assert window.title.text() == "비밀번호를 잊었을 때"
    assert window.state.text() == "Published"
    assert "김지우" in window.meta.text()
    desk.sync()
    window.edit.click()
    window.form.body_ko.setPlainText("찾기를 누릅니다.")
    window.save_public.click()
    assert window.versions.count() == 2
    window.withdraw.click()
    assert window.question is not None
    window.question.deed.click()
    assert window.state.text() == "Withdrawn"
    desk.sync()
    saved = sorted(server.rows(ARTICLE.number), key=lambda row: str(row["seq"]))
    assert [row["state"] for row in saved] == ["published", "published", "retired"]
    assert {row["body_ko"] for row in saved} == {"로그인 화면에서 찾기를 누릅니다.", "찾기를 누릅니다."}


def test_what_two_leads_saved_at_once_is_both_kept_and_the_window_says_so(
    desk: ArticleDesk, server: Server, lee: Client
) -> None:
    """The newer one counts for customers; the other can be read, until somebody saves after both."""
    lead(server, lee)
    pay = desk.put("결제 오류", "처음")
    desk.sync()
    assert lee.sync()
    base = desk.client.profile.knowledge.article(pay)
    assert base is not None
    for client, body in ((lee, "이서준의 안내"), (desk.client, "김지우의 안내")):
        fields = {"title_ko": "결제 오류", "body_ko": body, "state": "published"}
        client.do(ArticleSave(new_id(), new_id(), pay, fields, base.article.id))
    assert lee.sync()
    desk.sync()
    assert desk.window.knowledge is not None
    desk.window.knowledge.open(pay)
    window = desk.articles()
    assert "이서준 saved another version at the same time" in window.notice.text.text()
    window.other.click()
    assert "earlier version" in window.notice.text.text()
    window.other.click()
    window.edit.click()
    window.form.body_ko.setPlainText("두 사람의 안내")
    window.save_public.click()
    assert window.notice.isHidden()


def test_an_agent_asks_for_a_review_and_cannot_publish(
    qtbot: QtBot, theme: Theme, server: Server, kim: Client, lee: Client, tmp_path: Path
) -> None:
    """What customers read has no Edit for an agent; an own draft goes to a lead, who publishes it with one press."""
    desk = ArticleDesk(qtbot, theme, kim, tmp_path)
    desk.key(Qt.Key.Key_8, CTRL)
    window = desk.articles()
    window.new.click()
    assert window.save_public.isHidden()
    window.form.title_ko.setText("새 안내")
    window.form.body_ko.setPlainText("이렇게 합니다.")
    window.save_review.click()
    assert window.state.text() == "Waits for a review"
    assert window.publish.isHidden()
    assert window.edit.isVisible()
    desk.sync()
    [row] = server.rows(ARTICLE.number)
    assert row["state"] == "review"
    lead(server, lee)
    assert lee.sync()
    fields = {"title_ko": "새 안내", "body_ko": "이렇게 합니다.", "state": "published"}
    article, version = row["article"], row["id"]
    assert isinstance(article, bytes)
    assert isinstance(version, bytes)
    lee.do(ArticleSave(new_id(), new_id(), article, fields, version))
    assert lee.sync()
    desk.sync()
    window.articles.select(article)
    desk.window.rows_changed_there(frozenset({ARTICLE.number}), frozenset())
    assert window.state.text() == "Published"
    assert window.edit.isHidden()
    window.close()
    desk.window.close()


def test_escape_in_the_form_asks_before_it_throws_typed_words_away(desk: ArticleDesk) -> None:
    """The first Escape asks, and only when there is something to lose."""
    desk.key(Qt.Key.Key_8, CTRL)
    window = desk.articles()
    window.new.click()
    window.form.body_en.setPlainText("half a sentence")
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert window.question is not None
    window.question.safe.click()
    assert window.form.body_en.toPlainText() == "half a sentence"
    QTest.keyClick(window, Qt.Key.Key_Escape)
    window.question.deed.click()
    assert window.isVisible()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert desk.window.knowledge is not None
    desk.qtbot.waitUntil(lambda: desk.window.knowledge is not None and desk.window.knowledge.articles is None)


def test_a_half_written_article_is_there_again_after_the_program_was_killed(desk: ArticleDesk) -> None:
    """Nobody closed anything. It comes back before anything else, is asked about before it would be written over, and
    is gone once it is saved."""
    pay = desk.put("결제 오류", "처음")
    desk.key(Qt.Key.Key_8, CTRL)
    window = desk.articles()
    window.read(pay)
    window.edit.click()
    window.form.body_ko.setPlainText("반쯤 쓴 글")
    part = desk.window.knowledge
    assert part is not None
    desk.qtbot.waitUntil(lambda: "반쯤" in (desk.client.profile.commits.ui_state(KEPT) or ""))
    window.destroyed.disconnect()
    part.articles = None  # as in a program that starts anew
    part.open(pay)
    again = desk.articles()
    assert again is not window
    again.new.click()  # a link led elsewhere first: a new one is not begun over it
    assert again.question is not None
    again.question.safe.click()
    assert again.form.body_ko.toPlainText() == "반쯤 쓴 글"
    assert "not saved yet" in again.whence.text.text()
    again.save_public.click()
    assert len([each for each in desk.client.profile.knowledge.articles() if each.of == pay]) == 1
    assert desk.said() == "반쯤 쓴 글"
    assert desk.client.profile.commits.ui_state(KEPT) == ""
    window.close()


def test_an_article_begins_with_what_a_ticket_asked_and_answered_and_names_nobody(desk: ArticleDesk) -> None:
    """Notes stay inside; what is thrown away is not kept."""
    customer = desk.details(desk.ticket).row.customer_name
    assert customer
    desk.client.note(desk.ticket, "까다로운 고객")
    desk.client.reply(desk.ticket, f"{customer} 님, 전원을 껐다 켜 주세요. 010-1234-5678")
    desk.open(desk.ticket)
    desk.window.registry.run("articles.from_ticket")
    form = desk.articles().form
    texts = form.title_ko.text() + form.body_ko.toPlainText() + form.title_en.text() + form.body_en.toPlainText()
    assert "전원을 껐다 켜 주세요" in texts
    assert "도와주세요" in texts
    for hidden in (customer, "010-1234-5678", "까다로운"):
        assert hidden not in texts
    assert "without what is known of the customer" in desk.articles().whence.text.text()
    assert desk.client.profile.commits.ui_state(KEPT)
    desk.articles().cancel.click()
    question = desk.articles().question
    assert question is not None
    question.deed.click()
    assert desk.client.profile.commits.ui_state(KEPT) == ""


# --- announcements, contact, hours -----------------------------------------------------------------------------------


def _told(desk: ArticleDesk) -> ToldWindow:
    desk.window.registry.run("told.open")
    part = desk.window.knowledge
    assert part is not None
    assert part.told is not None
    return part.told


def test_a_lead_announces_changes_and_withdraws_by_keys_and_offline(desk: ArticleDesk, server: Server) -> None:
    """What is missing is said under the fields; each save is a version that the server gets when the line is back."""
    window = _told(desk)
    assert window.nothing.isVisible()
    window.new.click()
    form = window.form
    assert form is not None
    QTest.keyClick(form, Qt.Key.Key_Return, CTRL)
    assert "one language at least" in form.problem.text.text()
    form.text_ko.setPlainText("오늘 밤 점검합니다.")
    form.ends.setChecked(True)
    form.end.setDateTime(form.start.dateTime().addSecs(-60))
    QTest.keyClick(form, Qt.Key.Key_Return, CTRL)
    assert "before it begins" in form.problem.text.text()
    form.ends.setChecked(False)
    QTest.keyClick(form.text_ko, Qt.Key.Key_Return, CTRL)
    assert "Shows now" in window.list.item(0).text()
    desk.sync()
    window.list.setCurrentRow(0)
    window.withdraw.click()
    assert window.question is not None
    window.question.deed.click()
    assert "Withdrawn" in window.list.item(0).text()
    desk.sync()
    saved = sorted(server.rows(ANNOUNCEMENT.number), key=lambda row: str(row["seq"]))
    assert [row["withdrawn"] for row in saved] == [False, True]
    window.close()


def test_a_lead_writes_how_customers_reach_support_and_the_companion_reads_it(
    desk: ArticleDesk, server: Server
) -> None:
    """Also where nobody had written it before; a second save sets what differs."""
    window = _told(desk)
    window.tabs.setCurrentIndex(1)
    window.fields["name_ko"].setText("고객지원")
    window.fields["phone"].setText("02-123-4567")
    window.save.click()
    desk.sync()
    window.fields["phone"].setText("02-765-4321")
    window.save.click()
    assert not window.save.isEnabled()
    desk.sync()
    [row] = server.rows(SUPPORT_CONTACT.number)
    assert (row["name_ko"], row["phone"]) == ("고객지원", "02-765-4321")
    window.close()


def test_an_agent_reads_what_customers_are_told_and_changes_nothing(
    qtbot: QtBot, theme: Theme, server: Server, kim: Client, tmp_path: Path
) -> None:
    """The window says who may; the server refuses the same."""
    desk = ArticleDesk(qtbot, theme, kim, tmp_path)
    window = _told(desk)
    assert window.readers.isVisible()
    assert not window.new.isEnabled()
    assert window.fields["phone"].isReadOnly()
    with pytest.raises(Refused, match="not_yours"):
        kim.do(ContactSet(new_id(), new_id(), {"phone": "1"}))
    window.close()
    desk.window.close()


def test_a_lead_changes_opening_hours_and_closed_days_by_keys_and_offline(desk: ArticleDesk, server: Server) -> None:
    """What cannot be read is said at its day; the server gets a new version of the calendar when the line is back."""
    set_book(server.store, server.clock(), read_sla_file(CLOCK_FILE, lambda _country: []), compile_calendar)
    desk.sync()
    window = _told(desk)
    window.tabs.setCurrentIndex(2)
    [change] = window.hours_buttons
    change.setFocus()
    QTest.keyClick(change, Qt.Key.Key_Space)
    form = window.hours_form
    assert form is not None
    form.days[0].selectAll()
    QTest.keyClicks(form.days[0], "9:00-25:00")
    QTest.keyClick(form.days[0], Qt.Key.Key_Return, CTRL)
    assert "Monday cannot be read" in form.problem.text.text()
    form.days[0].selectAll()
    QTest.keyClicks(form.days[0], "9:00-12:00, 13:00-18:00")
    form.date.setDate(QDate(2026, 12, 24))
    QTest.keyClicks(form.name_en, "Founding day")
    QTest.keyClick(form.add, Qt.Key.Key_Space)
    assert form.list.item(0).text() == "2026-12-24  Founding day"
    QTest.keyClick(form.days[0], Qt.Key.Key_Return, CTRL)
    desk.sync()
    saved = max(server.rows(CALENDAR.number), key=lambda row: int(str(row["seq"])))
    assert '"0":[["09:00","12:00"],["13:00","18:00"]]' in str(saved["week"])
    assert "Founding day" in str(saved["holidays"])
    assert saved["zone"] == "Asia/Seoul"
    window.close()


def test_staff_read_an_announcement_above_their_lists_until_they_put_that_version_away(
    desk: ArticleDesk, lee: Client
) -> None:
    """A colleague's comes by sync; what ends goes by the clock alone; one put away stays so, until it says news."""
    strip = desk.window.announced
    assert strip.isHidden()
    lead(lee.desk, lee)
    assert lee.sync()
    now, id_, first = lee.desk.clock.ms, new_id(), new_id()
    fields = {"text_ko": "결제가 되지 않습니다.", "text_en": "Payments fail.", "from_at": now, "urgency": "urgent"}
    lee.do(AnnouncementSave(new_id(), first, id_, {**fields, "places": '["desktop","portal"]'}))
    ends = {"text_en": "Lunch", "from_at": now, "until_at": now + 60_000, "places": '["desktop"]'}
    lee.do(AnnouncementSave(new_id(), new_id(), new_id(), ends))
    lee.do(AnnouncementSave(new_id(), new_id(), new_id(), {**fields, "text_en": "Outside", "places": '["portal"]'}))
    assert lee.sync()
    desk.sync()
    desk.window.rows_changed_there(frozenset({ANNOUNCEMENT.number}), frozenset())
    desk.qtbot.waitUntil(strip.isVisible)
    assert strip.notice is not None
    assert strip.notice.text.text() == "Payments fail."
    assert strip.readers.text() == "Customers read this too"
    assert strip.more.text() == "Read all (1 more)"
    strip.close_button.click()
    assert strip.notice.text.text() == "Lunch"
    assert strip.readers.text() == "Only staff reads this"
    desk.client.desk.clock.ms += 60_000
    desk.window.minutes.tick()
    assert strip.isHidden()
    assert hidden_of_text(desk.client.profile.commits.ui_state(HIDDEN)) == {first}  # a start reads it from there
    again = {**fields, "text_en": "Payments work again.", "places": '["desktop","portal"]'}
    lee.do(AnnouncementSave(new_id(), new_id(), id_, again, first))
    assert lee.sync()
    desk.sync()
    desk.window.rows_changed_there(frozenset({ANNOUNCEMENT.number}), frozenset())
    desk.qtbot.waitUntil(strip.isVisible)
    assert strip.notice.text.text() == "Payments work again."


def test_a_lead_chooses_whether_staff_read_an_announcement(desk: ArticleDesk) -> None:
    """They do unless somebody takes the tick away; “Read all” opens the list."""
    window = _told(desk)
    window.new.click()
    form = window.form
    assert form is not None
    assert form.desktop.isChecked()
    form.text_en.setPlainText("Tonight we work on the server.")
    QTest.keyClick(form.text_en, Qt.Key.Key_Return, CTRL)
    desk.qtbot.waitUntil(desk.window.announced.isVisible)
    assert "for staff" in window.list.item(0).text()
    window.close()
    desk.window.announced.more.click()
    assert desk.window.knowledge is not None
    desk.qtbot.waitUntil(lambda: desk.window.knowledge is not None and desk.window.knowledge.told is not None)
    assert desk.window.knowledge.told is not None
    desk.window.knowledge.told.close()
