# SPDX-License-Identifier: GPL-3.0-or-later
"""Building and deleting take turns with keys and painting: no turn of the event loop is long, whatever is opened."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise

import pytest
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.domain.ports import ItemKind, ThreadItem, TicketDetails
from tests.fakes.queries import ME, NOW_MS, FakeDesk, FakeQueries, customer_id, ticket_id
from widgets.foundation import Theme, Words
from widgets.foundation.turns import BUDGET_NS, Rank, Steps, delete_later
from widgets.ticket import conversation as conversation_module
from widgets.ticket.conversation import Conversation

LINES = 40


def long_page() -> TicketDetails:
    """A ticket with so many messages of five lines."""
    details = FakeQueries(FakeDesk(20)).details(ticket_id(0))
    assert details is not None
    items = tuple(
        ThreadItem(
            n.to_bytes(16, "big"), ItemKind.MESSAGE_IN, NOW_MS, "customer", customer_id(0), "박민수", f"no. {n}\n" * 5
        )
        for n in range(LINES)
    )
    return replace(details, items=items)


def work(told: list[str], word: str, times: int) -> Steps:
    """Steps that say a word and use up their turn."""
    left = [times]

    def step() -> bool:
        until = time.perf_counter_ns() + 2 * BUDGET_NS
        while time.perf_counter_ns() < until:
            pass
        told.append(word)
        left[0] -= 1
        return left[0] > 0

    return Steps(step, Rank.BESIDE, QObject())


def test_two_panes_that_build_at_once_share_turns_and_timers_run_between(qtbot: QtBot) -> None:
    """One long step in a turn, in turn; what the person reads goes before."""
    told: list[str] = []
    first, second, read = work(told, "first", 3), work(told, "second", 3), work(told, "read", 1)
    read.rank = Rank.READ
    beat = QTimer(interval=0)
    beat.timeout.connect(lambda: told.append("beat"))
    first.start()
    second.start()
    read.start()
    beat.start()
    qtbot.waitUntil(lambda: told.count("second") == 3)
    steps = [word for word in told if word != "beat"]
    assert steps == ["read", "first", "second", "first", "second", "first", "second"]
    places = [n for n, word in enumerate(told) if word != "beat"]
    assert all(later - earlier > 1 for earlier, later in pairwise(places))


def test_steps_of_a_pane_that_is_gone_are_not_done(qtbot: QtBot) -> None:
    """A window closes while it builds."""
    told: list[str] = []
    gone, other = work(told, "gone", 3), work(told, "other", 1)
    gone.start()
    other.start()
    gone.owner = QWidget()
    gone.owner.deleteLater()
    qtbot.waitUntil(lambda: not isValid(gone.owner))
    qtbot.waitUntil(lambda: "other" in told)
    assert told.count("gone") < 3


def test_what_is_deleted_is_hidden_at_once_and_gone_later(qtbot: QtBot) -> None:
    """Nobody sees what is left."""
    window = QWidget()
    qtbot.addWidget(window)
    labels = [QLabel("old", window) for _n in range(20)]
    window.show()
    for label in labels:
        delete_later(label)
    assert not any(label.isVisible() for label in labels)
    qtbot.waitUntil(lambda: not any(isValid(label) for label in labels))


def test_a_wrapped_text_is_as_high_as_its_words_at_every_width(qtbot: QtBot, theme: Theme) -> None:
    """Though it asks for no width."""
    del theme
    text = "\n".join("가나다라 마바사 아자차카 words and 숫자 123 " * 4 for _n in range(6))
    words, label = Words(text, selectable=True), QLabel(text)
    qtbot.addWidget(words)
    qtbot.addWidget(label)
    label.setWordWrap(True)
    for width in (200, 400, 900):
        assert words.heightForWidth(width) == label.heightForWidth(width)
    assert words.minimumSizeHint().width() == 0


def test_a_ticket_comes_into_sight_as_one_picture(qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is painted before the messages fill the pane; then the rest comes above."""
    monkeypatch.setattr(conversation_module, "TOGETHER_NS", 60_000_000_000)  # a machine that stands still shows sooner
    conversation = Conversation(theme)
    qtbot.addWidget(conversation)
    conversation.resize(500, 400)
    conversation.show()
    qtbot.waitExposed(conversation)
    told, bar = list[tuple[bool, bool]](), conversation.area.verticalScrollBar()
    conversation.held.connect(lambda on: told.append((on, bar.maximum() > 0)))
    conversation.show_details(long_page(), FakeQueries().choices(), ME)
    qtbot.waitUntil(lambda: len(conversation.texts()) == LINES)
    assert told == [(True, False), (False, True)]


def test_the_end_of_a_long_conversation_stands_at_the_lower_edge_from_the_first_turn_on(
    qtbot: QtBot, theme: Theme
) -> None:
    """Earlier messages come above it, and nothing jumps."""
    conversation = Conversation(theme)
    qtbot.addWidget(conversation)
    conversation.resize(500, 400)
    conversation.show()
    qtbot.waitExposed(conversation)
    conversation.show_details(long_page(), FakeQueries().choices(), ME)
    bar, seen = conversation.area.verticalScrollBar(), set[int]()
    look = QTimer(interval=0)
    look.timeout.connect(lambda: seen.add(bar.maximum() - bar.value()))
    look.start()
    assert conversation.texts()[-1].endswith("no. 39\n" * 5)
    qtbot.waitUntil(lambda: len(conversation.texts()) == LINES)
    assert seen == {0}
