# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers and announcements in the Companion: read without a network, found by words, one press from asking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.desktop import keyring_store
from app.domain.links import EnrolLink
from app.entry.companion_app import CompanionApp
from sync.published_protocol import AnnouncementView, ArticleView, Published
from tests.fakes import customer_server as fake
from tests.fakes.customer_server import CustomerServer
from tests.fakes.knowledge import ANNOUNCEMENTS, ARTICLES
from widgets.companion.announcements import AnnouncementColumn
from widgets.companion.answers import AnswersWindow
from widgets.foundation import Theme, Words

_WAIT_MS = 40_000
PUBLIC = [each for each in ARTICLES if each.is_public]
TOLD = Published(
    articles=[
        ArticleView(
            id=b"a".hex() * 16, version=b"v".hex() * 16, folder="", title_ko="간편결제 오류", title_en="",
            body_ko="앱을 닫습니다.", body_en="", updated_at=1,
        )
    ],
    announcements=[
        AnnouncementView(
            id=b"b".hex() * 16, text_ko="점검 중입니다", text_en="", from_at=0, until_at=None, urgency="urgent"
        )
    ],
)  # fmt: skip


@pytest.fixture
def window(qtbot: QtBot, theme: Theme) -> AnswersWindow:
    """The answers, in English."""
    made = AnswersWindow(theme)
    qtbot.addWidget(made)
    made.show_articles(PUBLIC)
    made.show()
    return made


def _said(window: AnswersWindow) -> str:
    return " ".join(each.text() for each in window.text.findChildren(Words) if not each.isHidden())


def test_a_customer_finds_an_answer_by_a_word_of_two_syllables_and_reads_it_by_keys(
    window: AnswersWindow, qtbot: QtBot
) -> None:
    """A word inside a longer one; Enter opens the first; Escape goes back, then closes."""
    window.field.setText("결제가")
    assert window.model.rowCount() == 1
    QTest.keyClick(window.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: _said(window) == "Remove the card and add it again.")
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert window.pages.currentIndex() == 0
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()


def test_where_nothing_fits_one_press_asks_support(window: AnswersWindow, qtbot: QtBot) -> None:
    """It says so, and the way to ask is always in sight."""
    window.field.setText("무지개")
    assert window.nothing.isVisible()
    with qtbot.waitSignal(window.help_wanted):
        window.ask.click()


def test_an_answer_that_is_being_read_follows_what_support_changed(window: AnswersWindow, qtbot: QtBot) -> None:
    """The newest words, without going back."""
    window.field.setText("결제")
    QTest.keyClick(window.field, Qt.Key.Key_Return)
    read = next(each for each in PUBLIC if "결제" in each.titles["ko"])
    window.show_articles([replace(read, id=b"n" * 16, bodies={"ko": "새 안내", "en": "New words"})])
    qtbot.waitUntil(lambda: _said(window) == "New words")


def test_announcements_begin_and_end_by_the_clock_also_without_a_network(qtbot: QtBot, theme: Theme) -> None:
    """What is to come shows in its time, and what ended goes by itself."""
    now = [ANNOUNCEMENTS[0].from_at]
    column = AnnouncementColumn(theme, lambda: now[0])
    qtbot.addWidget(column)
    column.show_announcements(ANNOUNCEMENTS)
    assert [text[:14] for text in column.texts()] == ["Since 11 this "]
    now[0] = ANNOUNCEMENTS[1].from_at
    column.refresh()
    assert [text[:11] for text in column.texts()] == ["Maintenance", "Since 11 th"]
    column.show_announcements([])
    assert column.isHidden()


@pytest.fixture
def server() -> Iterator[CustomerServer]:
    """A server that tells something."""
    running = CustomerServer()
    running.published = TOLD
    running.start()
    yield running
    running.stop()


def test_what_support_tells_is_there_after_a_start_without_a_server(
    server: CustomerServer, theme: Theme, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept in the encrypted file: the announcement at Home, the answer by its word."""
    monkeypatch.setattr(keyring_store, "_MEMORY_KIB", 1024)
    app = QApplication.instance()
    assert isinstance(app, QApplication)

    def start(link: str, ready: Callable[[CompanionApp], bool]) -> CompanionApp:
        made = CompanionApp(app, theme, tmp_path / "profile", passphrase="a long enough word", enrol_link=link)
        made.start()
        qtbot.waitUntil(lambda: ready(made), timeout=_WAIT_MS)
        return made

    first = start(
        EnrolLink(server.url, fake.CODE).to_text(), lambda c: c.enrol is not None and c.enrol.page() == "confirm"
    )
    assert first.enrol is not None
    first.enrol.yes.click()
    qtbot.waitUntil(lambda: first.home is not None and bool(first.home.announcements.texts()), timeout=_WAIT_MS)
    first.leave()
    server.stop()
    second = start("", lambda c: c.home is not None and bool(c.home.announcements.texts()))
    assert second.home is not None
    assert second.home.announcements.texts() == ["점검 중입니다"]
    second.home.answers.click()
    assert second.reading.answers is not None
    second.reading.answers.field.setText("결제")
    QTest.keyClick(second.reading.answers.field, Qt.Key.Key_Return)
    answers = second.reading.answers
    qtbot.waitUntil(lambda: _said(answers) == "앱을 닫습니다.")
    second.leave()
