# SPDX-License-Identifier: GPL-3.0-or-later
"""Diagnostics on the screen: the customer looks through, keeps back by keyboard, sends or not; the agent reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.domain.assist import AskState, Scope, ScopeAsk, TargetChoice
from app.domain.facts import FactsReport
from app.entry.companion_diagnostics import DiagnosticsReview
from app.entry.companion_session import CustomerSession
from remote_assist.actions import CollectDiagnostics, DiagnosticsStep
from remote_assist.diagnostics import Bundle, Confirmed, Draft, Item, Section, State, fitted, read_bundle
from remote_assist.diagnostics_views import facts_of, facts_of_draft
from tests.widgets.scenes_diagnostics import sample_bundle
from widgets.companion.diagnostics import FactsWindow
from widgets.companion.permission import PermissionWindow, granted_name
from widgets.foundation import Theme
from widgets.foundation.fact_tree import FactTree
from widgets.remote.diagnostics import FactsPanel
from widgets.remote.tools import ask_words

HTML = "<b>bold</b> & <script>"
WHO = ("Kim Jiwoo", "Hanbit Support")


class Clock:
    """Stands still unless moved."""

    def __init__(self) -> None:
        self.ms = 0

    def __call__(self) -> int:
        return self.ms


class Review:
    """The customer's window with its host, as a session has it."""

    def __init__(self, theme: Theme, qtbot: QtBot, bundle: Bundle | None = None) -> None:
        self.clock = Clock()
        self.sent: list[Confirmed] = []
        self.withheld = 0
        self.covered = 0
        self.go = threading.Event()
        self.bundle = bundle or sample_bundle()
        self.parent = QObject()
        self.host = DiagnosticsReview(theme, self.clock, self.sent.append, self.withhold, self.gather, self.parent)
        self.host.begin(CollectDiagnostics(600_000), WHO, self.cover)
        assert self.host.window is not None
        self.window: FactsWindow = self.host.window
        self.qtbot = qtbot

    def end(self) -> None:
        """Whatever is still there goes, and the thread with it."""
        self.host.end()
        self.go.set()
        assert self.host.collector is not None
        self.host.collector.join(20)

    def gather(self) -> Bundle:
        assert threading.current_thread() is not threading.main_thread()
        assert self.go.wait(20)
        return self.bundle

    def cover(self) -> None:
        self.covered += 1
        assert self.host.window is not None
        assert not self.host.window.isVisible()

    def withhold(self) -> None:
        self.withheld += 1
        self.host.settle(DiagnosticsStep.WITHHELD)

    def collected(self) -> None:
        """The collectors are done, and a second has passed."""
        self.go.set()
        self.qtbot.waitUntil(lambda: self.window.tree.topLevelItemCount() > 0, timeout=20_000)
        self.clock.ms += 1_000
        self.window._count()


@pytest.fixture
def review(theme: Theme, qtbot: QtBot) -> Iterator[Review]:
    """In front, collecting."""
    made = Review(theme, qtbot)
    made.window.activateWindow()
    qtbot.waitUntil(made.window.isActiveWindow)
    yield made
    made.end()


@pytest.mark.ux("UX-36")
def test_the_exact_text_in_the_window_is_what_leaves_less_what_space_has_struck(review: Review) -> None:
    """By keyboard alone: down to a line, Space, a whole section, then Send. Nothing is struck that was not."""
    window = review.window
    assert review.covered == 1
    review.collected()
    assert window.tree.hasFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Space):
        QTest.keyClick(window.tree, key)
    first = window.tree.currentItem()
    assert first is not None
    assert first.text(0) == "System"
    assert "trixie" not in window.exact.toPlainText()
    assert window.summary.text().endswith("1 kept back")
    QTest.keyClick(window.tree, Qt.Key.Key_Up)
    QTest.keyClick(window.tree, Qt.Key.Key_Space)
    assert first.isDisabled()
    assert "struck" in window.exact.toPlainText().split('"updates"')[0]
    QTest.keyClick(window.tree, Qt.Key.Key_Space)
    assert not first.isDisabled()
    shown = window.exact.toPlainText()
    window.yes.setFocus()
    QTest.keyClick(window.yes, Qt.Key.Key_Space)
    (sent,) = review.sent
    assert sent.payload == shown.encode()
    assert sent.payload == Draft(review.bundle).strike("os", 0).payload
    found = read_bundle(sent.payload).section("os")
    assert found is not None
    assert (found.struck, found.items[0].key) == (1, "kernel")


def test_what_is_changed_in_the_window_by_whatever_means_is_not_sent(review: Review) -> None:
    """The bytes shown are compared with those that would leave; a difference sends nothing."""
    review.collected()
    review.window.exact.setPlainText(review.window.exact.toPlainText().replace("trixie", "bookworm"))
    review.window.yes.click()
    assert review.sent == []


def test_enter_never_sends_and_nothing_can_be_sent_before_it_was_seen(review: Review) -> None:
    """The button sleeps while facts are collected, and for a second after they show."""
    window = review.window
    assert not window.yes.isEnabled()
    review.go.set()
    review.qtbot.waitUntil(lambda: window.tree.topLevelItemCount() > 0, timeout=20_000)
    assert not window.yes.isEnabled()
    review.collected()
    window.yes.setFocus()
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        QTest.keyClick(window.yes, key)
    QTest.keyClick(window.tree, Qt.Key.Key_Return)
    assert review.sent == []
    review.host.show_flow(flowing=False)
    assert not window.yes.isEnabled()
    assert "Sharing rests" in window.time.text()
    review.host.show_flow(flowing=True)
    assert window.yes.isEnabled()
    review.clock.ms = 600_000
    window._count()
    assert not window.yes.isEnabled()


def test_the_window_is_covered_in_what_the_agent_sees(review: Review) -> None:
    """What is kept back there must not be read in the picture."""
    review.window.setGeometry(100, 50, 900, 600)
    nothing = SimpleNamespace(questions={}, windows=())
    session: Any = SimpleNamespace(more=nothing, files=nothing, keeping=nothing, facts=review.host, check=None)
    session._questions = CustomerSession._questions.fget(session)  # type: ignore[attr-defined]  # a property
    session._early = CustomerSession._early.fget(session)  # type: ignore[attr-defined]  # a property
    session.request = session.question = None
    session._target = TargetChoice("screen:0", "screen", "Screen", (0, 0, 800, 600))
    (rect,) = CustomerSession._own_rects(session)
    frame = review.window.frameGeometry()
    assert rect == (frame.x(), frame.y(), 800 - frame.x(), min(600, frame.bottom() + 1) - frame.y())


@pytest.mark.parametrize("deed", ["escape", "close", "button"])
def test_escape_the_cross_and_the_button_send_nothing(review: Review, deed: str) -> None:
    """Also while it is still being found out."""
    window = review.window
    if deed == "escape":
        QTest.keyClick(window, Qt.Key.Key_Escape)
    elif deed == "close":
        window.close()
    else:
        window.no.click()
    assert (review.withheld, review.sent) == (1, [])
    assert review.host.window is None


def test_the_window_says_what_came_of_it_and_goes_when_it_was_taken_back(theme: Theme, qtbot: QtBot) -> None:
    """Nothing can be struck any more once it is on its way."""
    for step, words in ((DiagnosticsStep.ARRIVED, "has got it"), (DiagnosticsStep.NOT_ARRIVED, "did not arrive")):
        review = Review(theme, qtbot)
        review.collected()
        review.host.settle(DiagnosticsStep.SENDING)
        assert not review.window.tree.isEnabled()
        review.host.settle(step)
        review.host.show_flow(flowing=True)  # the grant falls: the session's state changes once more
        assert words in review.window.time.text()
        review.window.no.click()
        assert review.withheld == 0
        assert review.host.window is None  # nothing of the picture stays covered for it
        review.end()
    review = Review(theme, qtbot)
    review.host.settle(DiagnosticsStep.TAKEN_BACK)
    assert review.host.window is None
    review.end()


def test_the_first_question_sends_nothing_and_says_so(theme: Theme, qtbot: QtBot) -> None:
    """Two steps: find out and look, then decide."""
    window = PermissionWindow(theme, Scope.DIAGNOSTICS, WHO, "", 120_000, Clock())
    qtbot.addWidget(window)
    assert window.question.text() == "Kim Jiwoo asks for facts about this computer"
    assert window.yes.text() == "Find out and show me"
    assert granted_name(Scope.DIAGNOSTICS) == "facts about this computer"
    window.end()


def test_the_agent_reads_plain_words_what_changed_and_the_exact_text(theme: Theme, qtbot: QtBot) -> None:
    """Markup in a value stays text; Escape puts the panel away."""
    panel = FactsPanel(theme)
    qtbot.addWidget(panel)
    bundle = fitted("2026-11-22T23:00:00Z", "linux", (Section("os", State.OK, (Item("os", HTML),)),))
    facts = facts_of(Draft(bundle).bundle)
    panel.show_report(FactsReport(facts, "2026-11-23 08:00", ("Version: 1, now 2",), "2026-10-02 10:10"))
    assert panel.since.text() == "1 change since 2026-10-02 10:10."
    tops = [panel.tree.topLevelItem(number) for number in range(panel.tree.topLevelItemCount())]
    assert [top.text(0) for top in tops if top] == ["Changed since 2026-10-02 10:10", "Operating system"]
    line = tops[1].child(0) if tops[1] else None
    assert line is not None
    assert line.text(1) == HTML
    panel.tree.setCurrentItem(line)
    assert panel.whole.text().endswith(HTML)
    assert panel.whole.textFormat() is Qt.TextFormat.PlainText
    panel.form.click()
    assert panel.exact.toPlainText() == facts.exact
    assert panel.form.text() == "Show in plain words"
    QTest.keyClick(panel, Qt.Key.Key_Escape)
    assert not panel.isVisible()
    panel.show_problem("no diagnostics")
    assert (panel.problem.text(), panel.exact.toPlainText(), panel.tree.topLevelItemCount()) == (
        "no diagnostics",
        "",
        0,
    )


def test_long_sections_are_closed_and_their_lines_come_when_they_are_opened(theme: Theme, qtbot: QtBot) -> None:
    """Whatever a customer's program sends, the agent's window stays quick; ticks work in a section opened later."""
    items = tuple(Item(f"event:{number}", "boom") for number in range(300))
    bundle = fitted("2026-11-22T23:00:00Z", "linux", tuple(Section(f"s{n}", State.OK, items) for n in range(3)))
    tree = FactTree(name="facts", choose=True)
    qtbot.addWidget(tree)
    tree.show_sections(facts_of_draft(Draft(bundle).strike("s2", 1)).sections)
    tops = [tree.topLevelItem(number) for number in range(3)]
    first, second, third = (top for top in tops if top is not None)
    assert [top.childCount() for top in (first, second, third)] == [300, 0, 0]
    second.setCheckState(0, Qt.CheckState.Unchecked)
    with qtbot.assertNotEmitted(tree.struck):
        second.setExpanded(True)
        third.setExpanded(True)
    assert second.childCount() == third.childCount() == 300
    line, kept = second.child(0), third.child(1)
    assert line is not None
    assert kept is not None
    assert line.isDisabled()
    assert kept.checkState(0) is Qt.CheckState.Unchecked
    with qtbot.waitSignal(tree.struck) as told:
        kept.setCheckState(0, Qt.CheckState.Checked)
    assert told.args == ["s2", 1, False]


def test_the_agent_reads_that_the_customer_looks_through_it() -> None:
    """Between the customer's first yes and what comes of it."""
    ask = ScopeAsk(Scope.DIAGNOSTICS, AskState.GRANTED)
    assert ask_words(ask, "Mr Park", 0) == "Mr Park looks through what was found out before it is sent."


def test_what_is_struck_is_counted_and_a_whole_section_counts_once() -> None:
    """How much a section held that was kept back is nobody's business."""
    draft = Draft(sample_bundle()).strike("os", 1).strike_section("processes")
    assert facts_of_draft(draft).kept_back == facts_of(draft.bundle).kept_back == 2
