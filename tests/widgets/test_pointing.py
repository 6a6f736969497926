# SPDX-License-Identifier: GPL-3.0-or-later
"""Pointing and drawing: the customer's question, the bar that takes it back, the agent's tools, what shows where."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.domain.assist import AskState, Notice, Phase, Scope, ScopeAsk, SessionView
from app.domain.marks import MARK_COLOUR, UNIT, Mark, MarkKind, Marks, from_steps, to_steps
from tests.fakes import xvfb
from tests.widgets.test_remote import Stage, info
from tests.widgets.test_remote import picture as one_colour
from widgets.companion.bar import SharingBar
from widgets.companion.overlay import MarkOverlay, ScreenPart
from widgets.companion.permission import PermissionWindow
from widgets.foundation import PlainLabel, Theme, drawn_form, thinned
from widgets.remote.pens import Pens, Tool
from widgets.remote.ports import CursorPicture
from widgets.remote.tools import ask_words
from widgets.remote.view import View
from widgets.remote.words import notice_text


class Clock:
    """Stands still unless moved."""

    def __init__(self) -> None:
        self.ms = 0

    def __call__(self) -> int:
        return self.ms


def question(theme: Theme, qtbot: QtBot, why: str = "") -> tuple[PermissionWindow, Clock]:
    """The customer's window, in front."""
    clock = Clock()
    window = PermissionWindow(theme, Scope.POINTER, ("Kim Jiwoo", "Hanbit Support"), why, 120_000, clock)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window, clock


def tick(window: PermissionWindow, clock: Clock, ms: int) -> None:
    """Let the window see a time."""
    clock.ms = ms
    window._count()


# --- the customer ----------------------------------------------------------------------------------------------------


@pytest.mark.ux("UX-36")
def test_the_question_says_who_what_and_what_stays_out_and_no_is_the_default(theme: Theme, qtbot: QtBot) -> None:
    """Focus, Escape, Enter and the cross are a no."""
    for deed in (lambda w: QTest.keyClick(w, Qt.Key.Key_Escape), lambda w: w.close(), lambda w: w.no.click()):
        window, clock = question(theme, qtbot, "<b>bold</b>")
        assert window.no.hasFocus()
        assert "Kim Jiwoo" in window.question.text()
        tick(window, clock, 5_000)
        with qtbot.waitSignal(window.answered) as told:
            deed(window)
        assert told.args == [False]
        assert not window.isVisible()


def test_the_agents_reason_is_one_plain_line(theme: Theme, qtbot: QtBot) -> None:
    """Markup stays text; what turns the writing round or makes lines is left out."""
    window, _clock = question(theme, qtbot, "<b>see</b>\n\u202eyou\u2066  there")
    shown = [label.text() for label in window.findChildren(PlainLabel)]
    assert "Kim Jiwoo writes: “<b>see</b> you there”" in shown
    window.end()


def test_enter_never_allows_and_a_click_counts_after_a_second(theme: Theme, qtbot: QtBot) -> None:
    """Nobody allows by a key or a click that was meant for something else."""
    window, clock = question(theme, qtbot)
    assert not window.yes.isEnabled()
    tick(window, clock, 1_000)
    window.yes.setFocus()
    with qtbot.assertNotEmitted(window.answered):
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            QTest.keyClick(window.yes, key)
    with qtbot.waitSignal(window.answered) as told:
        QTest.keyClick(window.yes, Qt.Key.Key_Space)
    assert told.args == [True]


def test_the_question_counts_down_and_time_that_is_over_cannot_allow(theme: Theme, qtbot: QtBot) -> None:
    """What was settled elsewhere closes without a word."""
    window, clock = question(theme, qtbot)
    tick(window, clock, 8_000)
    assert window.time.text() == "No answer within 1:52 means no."
    tick(window, clock, 120_000)
    assert not window.yes.isEnabled()
    with qtbot.assertNotEmitted(window.answered):
        window.end()


@pytest.mark.ux("UX-49")
def test_the_bar_names_each_grant_and_takes_it_back_with_one_press(theme: Theme, qtbot: QtBot) -> None:
    """By mouse and by keys; it says aloud what it does."""
    bar = SharingBar(theme, "Kim Jiwoo", "Hanbit Support")
    qtbot.addWidget(bar)
    shown = {"paused": False, "lost": False, "number": "", "live": True}
    bar.show_sharing("Notes", **shown, grants=(Scope.VIEW, Scope.POINTER))  # type: ignore[arg-type]  # test values
    button = bar.given[Scope.POINTER]
    assert button.accessibleName() == "Take back: pointing and drawing"
    with qtbot.waitSignal(bar.revoked) as told:
        QTest.keyClick(button, Qt.Key.Key_Return)
    assert told.args == [Scope.POINTER]
    bar.show_sharing("Notes", **shown, grants=(Scope.VIEW,))  # type: ignore[arg-type]  # test values
    assert bar.given == {}
    bar.end()


# --- what shows on the customer's screen -----------------------------------------------------------------------------

BOX = Mark(1, MarkKind.BOX, ((0, 0), (UNIT, UNIT)), MARK_COLOUR)


@pytest.fixture
def overlay(theme: Theme, qtbot: QtBot) -> Iterator[MarkOverlay]:
    """An overlay that is taken away afterwards."""
    del qtbot
    made = MarkOverlay(theme, "marks")
    yield made
    made.end()


@pytest.mark.ux("UX-48")
def test_marks_show_as_windows_without_input_and_go_at_once(overlay: MarkOverlay) -> None:
    """One for the pointer, one for the drawings; cleared without waiting."""
    overlay.show_marks(Marks((UNIT // 2, UNIT // 2), (BOX,)), (100, 100, 300, 200))
    windows = overlay.windows()
    assert len(windows) == 2
    for window in windows:
        assert window.windowFlags() & Qt.WindowType.WindowTransparentForInput
        assert window.testAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        assert not window.mask().isEmpty()
    drawn = max(windows, key=lambda window: window.width())
    centre = drawn.mapFromGlobal(QPoint(250, 200))
    assert not drawn.mask().contains(centre)  # a box is its line; what is inside stays free
    assert drawn.mask().contains(drawn.mapFromGlobal(QPoint(100, 200)))
    overlay.clear()
    assert overlay.windows() == []


def test_nobody_draws_on_the_companions_own_questions(overlay: MarkOverlay) -> None:
    """The mask leaves them free, also when they come later."""
    line = Mark(1, MarkKind.PEN, ((0, UNIT // 2), (UNIT, UNIT // 2)), 0)
    overlay.show_marks(Marks(None, (line,)), (0, 0, 400, 200))
    (window,) = overlay.windows()
    assert window.mask().contains(window.mapFromGlobal(QPoint(200, 100)))
    overlay.keep_clear([QRect(150, 50, 100, 100)])
    assert not window.mask().contains(window.mapFromGlobal(QPoint(200, 100)))
    assert window.mask().contains(window.mapFromGlobal(QPoint(50, 100)))


def test_marks_stay_on_the_screens_there_are(overlay: MarkOverlay) -> None:
    """A target that a child puts far outside shows nothing."""
    overlay.show_marks(Marks((0, 0), (BOX,)), (60_000, 60_000, 300, 200))
    assert overlay.windows() == []
    screen = QGuiApplication.primaryScreen().geometry()
    overlay.show_marks(Marks(None, (BOX,)), (-65_536, -65_536, 2 * 65_536, 2 * 65_536))
    assert all(screen.contains(window.geometry()) for window in overlay.windows())


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
def test_each_screen_is_scaled_from_its_own_corner(ratio: float) -> None:
    """The right one of two, at every scale factor."""
    part = ScreenPart(QPoint(1920, 0), ratio, QRectF(1920, 0, 1920, 1080))
    assert part.logical(1920, 0) == QPointF(1920, 0)
    assert part.logical(1920 + 960, 540) == QPointF(1920 + 960 / ratio, 540 / ratio)


def test_a_wild_line_costs_a_bounded_number_of_strokes() -> None:
    """Its ends stay."""
    points = [QPointF(n, n % 7) for n in range(512)]
    few = thinned(points, 64)
    assert len(few) <= 64
    assert (few[0], few[-1]) == (points[0], points[-1])
    assert len(drawn_form(MarkKind.PEN, few, 4, 0).lines) == len(few) - 1


_ON_X = """
import sys, time
import mss
from PySide6.QtWidgets import QApplication
from Xlib.display import Display
from Xlib.ext import shape
from app.domain.marks import MARK_COLOUR, UNIT, Mark, MarkKind, Marks
from widgets.companion.overlay import MarkOverlay
from widgets.foundation import Theme, load_tokens
app = QApplication(sys.argv)
overlay = MarkOverlay(Theme(app, load_tokens()), "marks")
line = Mark(1, MarkKind.PEN, ((0, UNIT // 2), (UNIT, UNIT // 2)), MARK_COLOUR)
overlay.show_marks(Marks((UNIT // 4, UNIT // 4), (line,)), (100, 60, 400, 300))
grabber = mss.MSS()
def pixel(x, y):
    return grabber.grab({"left": x, "top": y, "width": 1, "height": 1}).pixel(0, 0)
wanted = (MARK_COLOUR >> 16, MARK_COLOUR >> 8 & 255, MARK_COLOUR & 255)
end = time.monotonic() + 20
while pixel(300, 210) != wanted and time.monotonic() < end:
    app.processEvents()
    time.sleep(0.01)
assert pixel(300, 210) == wanted, pixel(300, 210)
assert pixel(300, 240) == (0, 0, 0), "nothing beside the line"
assert pixel(205, 150) == wanted, "the pointer's body is right of and below its tip"
display = Display()
for window in overlay.windows():
    found = display.create_resource_object("window", int(window.winId()))
    assert found.shape_get_rectangles(shape.SK.Input).rectangles == [], "clicks go through"
overlay.clear()
while pixel(300, 210) == wanted and time.monotonic() < end:
    app.processEvents()
    time.sleep(0.01)
assert pixel(300, 210) == (0, 0, 0)
"""


@pytest.mark.skipif(not xvfb.available(), reason="no Xvfb here")
@pytest.mark.parametrize("scale", ["1", "1.5"])
def test_on_a_real_screen_marks_are_where_they_belong_and_clicks_go_through(scale: str) -> None:
    """In pixels of the source, at another scale factor too, without any compositor."""
    with xvfb.own_display(800, 600) as display:
        env = os.environ | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "QT_SCALE_FACTOR": scale}
        run = subprocess.run([sys.executable, "-c", _ON_X], env=env, capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, run.stderr


# --- the agent -------------------------------------------------------------------------------------------------------


@pytest.fixture
def stage(qtbot: QtBot, theme: Theme) -> Iterator[Stage]:
    """A session that is looked at."""
    made = Stage(qtbot, theme)
    made.live()
    yield made
    made.flow.close()


def show(stage: Stage, state: AskState, until_ms: int = 0, *, revoked: bool = False) -> None:
    """The desk says how the wish to point stands."""
    grants = (Scope.VIEW, Scope.POINTER) if state is AskState.GRANTED else (Scope.VIEW,)
    more = {"grants": grants, "asks": (ScopeAsk(Scope.POINTER, state, until_ms, revoked),)}
    base = info(Phase.UNVERIFIED)
    view = SessionView(Phase.UNVERIFIED, started_ms=base.view.started_ms, **more)  # type: ignore[arg-type]  # test values
    stage.flow.show_session(replace(base, view=view))


def test_asking_is_one_press_or_key_and_the_answer_is_told_in_words(stage: Stage) -> None:
    """Possible, waiting, refused, too often, given, taken back."""
    assert stage.flow.session is not None
    tools = stage.flow.session.tools
    assert not tools.isVisible()
    show(stage, AskState.POSSIBLE)
    ask = tools.ask[Scope.POINTER]
    assert ask.isVisible()
    assert ask.isEnabled()
    ask.click()
    QTest.keyClick(stage.flow.session.picture, Qt.Key.Key_P)
    assert stage.desk.controls.did == ["request pointer"] * 2
    show(stage, AskState.WAITING)
    assert not ask.isEnabled()
    assert tools.words.text() == "Waiting for Minsu Park to answer. Without an answer it counts as no."
    show(stage, AskState.TOO_OFTEN)
    assert "three times" in tools.words.text()
    show(stage, AskState.GRANTED)
    assert not ask.isVisible()
    assert all(button.isVisible() for button in tools.tools.values())
    show(stage, AskState.POSSIBLE, revoked=True)
    assert tools.words.text() == "Minsu Park took it back."
    assert not any(button.isVisible() for button in tools.tools.values())


def test_a_refusal_says_when_asking_is_free_again() -> None:
    """In whole seconds, the last one in the singular."""
    ask = ScopeAsk(Scope.POINTER, AskState.REFUSED, 30_000)
    assert ask_words(ask, "Park", 0) == "Park did not allow it. You can ask again in 30 seconds."
    assert ask_words(ask, "Park", 29_500) == "Park did not allow it. You can ask again in 1 second."


def test_every_notice_has_words_and_a_refusal_names_what_was_refused() -> None:
    """Nothing the other end says leaves the window without an answer."""
    assert all(notice_text(notice, "") for notice in Notice)
    assert notice_text(Notice.REFUSED, "pointer") == "Not allowed by the customer: point."


def test_tools_are_taken_by_keys_and_put_down_with_the_grant(stage: Stage) -> None:
    """The button pressed is the tool in hand; a revocation ends drawing at once."""
    assert stage.flow.session is not None
    window = stage.flow.session

    def taken() -> Tool:
        return window.picture.pens.tool

    def press_d() -> None:
        QTest.keyClick(window.picture, Qt.Key.Key_D)

    press_d()
    assert taken() is Tool.LOOK
    show(stage, AskState.GRANTED)
    press_d()
    assert taken() is Tool.PEN
    assert window.tools.tools[Tool.PEN].isChecked()
    press_d()
    assert taken() is Tool.LOOK
    window.tools.tools[Tool.ARROW].click()
    assert taken() is Tool.ARROW
    QTest.keyClick(window.picture, Qt.Key.Key_Backspace)
    assert stage.desk.controls.did == ["clear"]
    show(stage, AskState.POSSIBLE)
    assert taken() is Tool.LOOK


@pytest.mark.ux("UX-48", "UX-47")
def test_a_drag_draws_in_places_of_the_source_and_undo_takes_it_away(stage: Stage) -> None:
    """One arrow from press to release; the same id while it grows."""
    assert stage.flow.session is not None
    window, controls = stage.flow.session, stage.desk.controls
    show(stage, AskState.GRANTED)
    window.tools.take(Tool.ARROW)
    picture = window.picture
    left, top, width, height = picture.view().place()
    start, end = QPoint(left + width // 4, top + height // 4), QPoint(left + width // 2, top + height // 2)
    QTest.mousePress(picture, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(picture, end)
    QTest.mouseRelease(picture, Qt.MouseButton.LeftButton, pos=end)
    mark = controls.marks[-1]
    assert mark.kind is MarkKind.ARROW
    (x0, y0), (x1, y1) = (from_steps(point, 800, 500) for point in mark.points)
    assert (round(x0 / 10), round(y0 / 10), round(x1 / 10), round(y1 / 10)) == (20, 12, 40, 25)
    assert len({mark.id for mark in controls.marks}) == 1
    assert controls.points[-1] is not None
    QTest.keyClick(picture, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert controls.did == [f"unmark {mark.id}"]


def test_a_pen_keeps_few_enough_points_and_drawings_can_be_kept(qtbot: QtBot) -> None:
    """However long the line is."""
    pens = Pens()
    drawn: list[Mark] = []
    pens.drew.connect(drawn.append)
    pens.keep = True
    pens.use(Tool.PEN, (4000, 3000))
    assert pens.press(0, 0)
    for step in range(2000):
        pens.hover(step * 5 % 4000, step)
    pens.release()
    assert len(drawn[-1].points) <= 512
    assert drawn[-1].ttl_s == 0
    pens.leave()
    del qtbot


@pytest.mark.parametrize("scale", [0.25, 0.8, 1.0, 1.5, 2.0, 4.0])
def test_a_place_comes_back_from_the_window_to_one_pixel_at_every_zoom(scale: float) -> None:
    """Window, source, steps and back."""
    view = View((1000, 700), (3840, 2160)).zoomed(scale)
    for place in ((10.0, 20.0), (500.0, 333.0), (990.0, 690.0)):
        x, y = view.point(*place)
        back = view.to_window(x, y)
        assert back == pytest.approx(place, abs=0.01)
        there = from_steps(to_steps(x, y, 3840, 2160), 3840, 2160)
        if 0 <= x <= 3840 and 0 <= y <= 2160:
            assert there == pytest.approx((x, y), abs=0.5)


def test_the_customers_cursor_is_painted_over_the_picture_in_its_own_shape(stage: Stage) -> None:
    """And leaves with the picture."""
    assert stage.flow.session is not None
    shown = stage.flow.session.picture
    stage.flow.learn_cursor(CursorPicture(7, (0, 0), 16, 16, b"\x00\xff\x00\xff" * 256))
    stage.flow.show_frame(one_colour("#ff0000"), 1)
    stage.flow.show_cursor((400, 250), 7)
    left, top, width, height = shown.view().place()
    at = QPoint(left + width // 2 + 4, top + height // 2 + 4)
    assert shown.grab().toImage().pixelColor(at).name() == "#00ff00"
    stage.flow.show_cursor(None, 0)
    assert shown.grab().toImage().pixelColor(at).name() == "#ff0000"
