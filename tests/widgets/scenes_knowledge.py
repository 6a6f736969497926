# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of what customers are told: articles in both programs, quoted, announcements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.config.i18n import language
from app.domain.articles import Article, as_rich
from app.domain.ports import DraftKind, Identity
from app.services.publications import ArticleDraft
from tests.fakes.commits import FakeCommits
from tests.fakes.knowledge import ANNOUNCEMENTS, ARTICLES, FakeKnowledge
from tests.fakes.queries import NOW_MS, FakeDesk
from tests.widgets.scenes_agent import IDENTITY, _scene, _ticket
from tests.widgets.scenes_companion import sample_home
from tests.widgets.screenshots import Scene
from widgets.companion.answers import AnswersWindow
from widgets.companion.home import HomeWindow
from widgets.foundation import Theme
from widgets.knowledge.announcement_form import AnnouncementForm
from widgets.knowledge.articles_window import ArticlesWindow
from widgets.knowledge.hours_form import HoursForm
from widgets.knowledge.told_window import ToldWindow
from widgets.shell.window import AgentWindow

LEAD = replace(IDENTITY, roles=frozenset({"agent", "lead"}))


def articles_window(
    theme: Theme, identity: Identity = LEAD, articles: Sequence[Article] = ARTICLES, place: int = 0
) -> ArticlesWindow:
    """The window with the fakes' articles, one of them chosen."""
    store = FakeKnowledge(articles)
    window = ArticlesWindow(theme, identity)
    window.wanted.connect(lambda article, version: window.show_page(store.article(article, version)))
    window.show_articles(store.articles())
    if articles:
        window.read(articles[place].of)
    return window


def _read(theme: Theme) -> QWidget:
    return articles_window(theme)


def _agent(theme: Theme) -> QWidget:
    window = articles_window(theme, IDENTITY)
    window.articles.field.setText("인쇄")
    return window


def _write(theme: Theme) -> QWidget:
    window = articles_window(theme)
    window.edit.click()
    return window


def _lacking(theme: Theme) -> QWidget:
    window = articles_window(theme)
    window.new.click()
    window.form.title_ko.setText("새 안내")
    window.save_public.click()
    return window


def _from_ticket(theme: Theme) -> QWidget:
    window = articles_window(theme)
    window.begin_from(
        ArticleDraft({"ko": "인쇄가 흐릴 때"}, {"ko": "# 문의\n인쇄가 흐립니다.\n\n# 답변\n토너를 흔들어 주세요."}),
        "#10234",
    )
    return window


def _rival(theme: Theme) -> QWidget:
    window = articles_window(theme)
    page = FakeKnowledge().article(ARTICLES[1].of)
    assert page is not None
    other = FakeKnowledge().article(ARTICLES[0].of)
    assert other is not None
    window.show_page(replace(page, rivals=other.versions[1:]))
    return window


def _empty(theme: Theme) -> QWidget:
    return articles_window(theme, articles=())


def _quoted(window: AgentWindow, desk: FakeDesk, commits: FakeCommits) -> None:
    _ticket(window, desk, commits)
    window.ticket.composer.write(DraftKind.REPLY)
    link = "https://help.example.com/help/answers/"
    window.ticket.composer.insert_rich(as_rich(ARTICLES[0], language(), link, "도움말"))


def _announced(window: AgentWindow, desk: FakeDesk, commits: FakeCommits) -> None:
    _ticket(window, desk, commits)
    told = replace(ANNOUNCEMENTS[1], from_at=NOW_MS - 1, places=frozenset({"desktop"}))
    window.announced.show_announcements([ANNOUNCEMENTS[0], told])


def _answers(words: str, *, opened: bool = False) -> Callable[[Theme], QWidget]:
    def build(theme: Theme) -> QWidget:
        window = AnswersWindow(theme)
        window.show_articles([each for each in ARTICLES if each.is_public])
        window.field.setText(words)
        if opened:
            QTest.keyClick(window.field, Qt.Key.Key_Return)
        return window

    return build


def _home(theme: Theme) -> QWidget:
    window = HomeWindow(theme, lambda: NOW_MS)
    window.show_home(replace(sample_home(), as_of_ms=NOW_MS))
    window.show_announcements(ANNOUNCEMENTS)
    return window


def _told(tab: int, *, may: bool = True) -> Callable[[Theme], QWidget]:
    def build(theme: Theme) -> QWidget:
        store = FakeKnowledge()
        window = ToldWindow(theme, lambda: NOW_MS, may=may)
        window.show_announcements(store.announcements())
        window.show_contact(store.contact())
        window.show_hours(store.hours())
        window.list.setCurrentRow(0)
        window.tabs.setCurrentIndex(tab)
        return window

    return build


def _nothing(theme: Theme) -> QWidget:
    window = ToldWindow(theme, lambda: NOW_MS, may=True)
    window.show_announcements([])
    window.show_hours([])
    return window


def _announce(theme: Theme) -> QWidget:
    return AnnouncementForm(theme, ANNOUNCEMENTS[1], NOW_MS, None)


def _change_hours(theme: Theme) -> QWidget:
    return HoursForm(theme, FakeKnowledge().hours()[0], None)


def _sized(build: Callable[[Theme], QWidget], name: str) -> Scene:
    return Scene(name, build, (1100, 720))


SCENES = [
    _sized(_read, "knowledge-read"),
    _sized(_agent, "knowledge-found"),
    _sized(_write, "knowledge-write"),
    _sized(_lacking, "knowledge-lacking"),
    _sized(_from_ticket, "knowledge-from-ticket"),
    _sized(_rival, "knowledge-rival"),
    _sized(_empty, "knowledge-empty"),
    Scene("told-announcements", _told(0)),
    Scene("told-contact", _told(1)),
    Scene("told-hours", _told(2, may=False)),
    Scene("told-hours-lead", _told(2)),
    Scene("told-hours-change", _change_hours),
    Scene("told-announce", _announce),
    Scene("told-nothing", _nothing),
    Scene("knowledge-answers", _answers("")),
    Scene("knowledge-answer", _answers("비밀번호", opened=True)),
    Scene("knowledge-no-answer", _answers("무지개")),
    Scene("knowledge-home", _home),
    Scene("knowledge-announced", _scene(_announced), (1280, 800), 600),
    Scene("knowledge-quoted", _scene(_quoted), (1280, 800), 600),
]
