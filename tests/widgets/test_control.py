# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouse and keyboard at the agent's window and in the Companion: on and off, what is sent, what the desktop refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QKeyEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.domain.assist import AskState, Phase, Scope, ScopeAsk, SessionView
from app.domain.control import Deed, Key, MoveTo, Press, Text, Wheel
from app.domain.masking import Box
from app.entry.companion_control import ControlDesk
from remote_assist.control_actions import Inject, LetGo, ShareNow
from remote_assist.control_rules import to_pixel
from remote_assist.input_hands import Done, Hands, NoInput, Sharing, Spot
from tests.widgets.test_remote import Stage, info
from widgets.companion.bar import SharingBar
from widgets.companion.permission import PermissionWindow
from widgets.foundation import Theme
from widgets.remote.steering import key_of

SCREEN = Sharing((0, 0, 800, 500))
WHOLE = Sharing((0, 0, 1600, 500))  # both screens
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


# --- the agent's window ----------------------------------------------------------------------------------------------


@pytest.fixture
def stage(qtbot: QtBot, theme: Theme) -> Iterator[Stage]:
    """A verified session."""
    made = Stage(qtbot, theme)
    made.live()
    yield made
    made.flow.close()


def show(stage: Stage, state: AskState, *, paused: bool = False, own_hands: bool = False) -> None:
    """The desk says how the wish for control stands."""
    grants = (Scope.VIEW, Scope.CONTROL) if state is AskState.GRANTED else (Scope.VIEW,)
    base = info(Phase.VERIFIED)
    asks = (ScopeAsk(Scope.CONTROL, state),)
    view = SessionView(Phase.VERIFIED, paused, started_ms=base.view.started_ms, grants=grants, asks=asks)
    stage.flow.show_session(replace(base, view=view, own_hands=own_hands))


def press(stage: Stage, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press and release a key over the picture."""
    assert stage.flow.session is not None
    QTest.keyClick(stage.flow.session.picture, key, modifiers)


def taken(stage: Stage) -> bool:
    """Whether keys go to the customer's computer."""
    assert stage.flow.session is not None
    return stage.flow.session.control.steering.on


@pytest.mark.ux("UX-52")
def test_one_key_asks_and_takes_another_releases_and_both_are_told_in_words(stage: Stage) -> None:
    """C asks, then takes; Ctrl+Shift+F12 releases, what was held is let go; a frame and words say who has the keys."""
    assert stage.flow.session is not None
    control, controls = stage.flow.session.control, stage.desk.controls
    show(stage, AskState.POSSIBLE)
    assert not control.isVisible()
    press(stage, Qt.Key.Key_C)
    assert controls.did == ["request control"]
    show(stage, AskState.GRANTED)
    assert control.isVisible()
    assert control.state.text() == "Control is off"
    press(stage, Qt.Key.Key_X)
    assert controls.deeds == []
    press(stage, Qt.Key.Key_C)
    assert taken(stage)
    assert control.frame.isVisible()
    assert control.state.text() == "Control is ON"
    assert control.words.text() == "Mouse and keys go to Minsu Park's computer. Ctrl+Shift+F12 releases them."
    press(stage, Qt.Key.Key_C)
    assert controls.deeds == [Key(0x06, "c", down=True), Key(0x06, "c", down=False)]
    press(stage, Qt.Key.Key_F12, CTRL | SHIFT)
    assert not taken(stage)
    assert not control.frame.isVisible()
    assert controls.did[-1] == "let go"


@pytest.mark.ux("UX-52")
@pytest.mark.parametrize("how", ["focus", "revoke", "pause", "button"])
def test_keys_are_released_with_the_focus_the_grant_and_the_picture(stage: Stage, how: str) -> None:
    """And the row says so."""
    assert stage.flow.session is not None
    window = stage.flow.session
    show(stage, AskState.GRANTED)
    press(stage, Qt.Key.Key_C)
    assert taken(stage)
    if how == "focus":
        window.end_button.setFocus()
    elif how == "button":
        QTest.mouseClick(window.control.switch, Qt.MouseButton.LeftButton)
    else:
        show(stage, AskState.POSSIBLE if how == "revoke" else AskState.GRANTED, paused=how == "pause")
    assert not taken(stage)
    assert not window.control.switch.isChecked()
    assert stage.desk.controls.did[-1] == "let go"


def test_the_key_that_ends_the_session_works_while_keys_are_taken(stage: Stage) -> None:
    """Nobody is locked in."""
    show(stage, AskState.GRANTED)
    press(stage, Qt.Key.Key_C)
    press(stage, Qt.Key.Key_End, CTRL | SHIFT)
    assert "end" in stage.desk.controls.did


def test_the_mouse_hits_the_pixel_it_is_on_and_nothing_beside_the_picture(stage: Stage) -> None:
    """Press, drag, release beyond the edge, wheel; no drawing and no moving of the picture meanwhile."""
    assert stage.flow.session is not None
    picture, controls = stage.flow.session.picture, stage.desk.controls
    show(stage, AskState.GRANTED)
    press(stage, Qt.Key.Key_C)
    left, top, width, height = picture.view().place()
    at = QPoint(left + width // 2, top + height // 2)
    QTest.mousePress(picture, Qt.MouseButton.RightButton, pos=at)
    QTest.mouseMove(picture, QPoint(left + width + 40, at.y()))
    QTest.mouseRelease(picture, Qt.MouseButton.RightButton, pos=QPoint(left + width + 40, at.y()))
    deeds = controls.deeds
    x, y = (int(part) for part in picture.view().point(at.x(), at.y()))
    assert isinstance(deeds[0], Press)
    assert (deeds[0].button, deeds[0].down) == (3, True)
    assert to_pixel(deeds[0].x, deeds[0].y, (0, 0, 800, 500)) == (x, y)
    assert isinstance(deeds[-1], Press)
    assert not deeds[-1].down
    assert to_pixel(deeds[-1].x, deeds[-1].y, (0, 0, 800, 500)) == (799, y)
    count = len(deeds)
    if left > 2 or top > 2:
        QTest.mouseClick(picture, Qt.MouseButton.LeftButton, pos=QPoint(1, 1))
        assert len(deeds) == count
    for _ in range(3):
        event = QWheelEvent(
            QPointF(at), picture.mapToGlobal(QPointF(at)), QPoint(), QPoint(0, -40), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QGuiApplication.sendEvent(picture, event)
    wheels = [deed for deed in deeds if isinstance(deed, Wheel)]
    assert [(wheel.dx, wheel.dy) for wheel in wheels] == [(0, -1)]


def test_hangul_goes_as_characters_and_what_is_composed_is_seen_here_first(stage: Stage) -> None:
    """The syllable in work shows in the row; only what is finished is sent, without characters that steer."""
    assert stage.flow.session is not None
    window = stage.flow.session
    show(stage, AskState.GRANTED)
    press(stage, Qt.Key.Key_C)
    QGuiApplication.sendEvent(window.picture, QInputMethodEvent("하", []))
    assert window.control.composing.text() == "하"
    done = QInputMethodEvent("", [])
    done.setCommitString("한글\n")
    QGuiApplication.sendEvent(window.picture, done)
    assert window.control.composing.text() == ""
    assert stage.desk.controls.deeds == [Text("한글")]


@pytest.mark.parametrize(
    ("key", "modifiers", "text", "expected"),
    [
        (Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier, "ㅁ", Key(0x04, "ㅁ", down=True)),
        (Qt.Key.Key_A, SHIFT, "A", Key(0x04, "A", down=True)),
        (Qt.Key.Key_C, CTRL, "\x03", Key(0x06, "c", down=True)),
        (Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier, "\r", Key(0x28, "", down=True)),
        (Qt.Key.Key_Control, CTRL, "", Key(0xE0, "", down=True)),
        (Qt.Key.Key_At, Qt.KeyboardModifier.NoModifier, "@", Key(0, "@", down=True)),
        (Qt.Key.Key_CapsLock, Qt.KeyboardModifier.NoModifier, "", None),
        (Qt.Key.Key_AltGr, Qt.KeyboardModifier.NoModifier, "", None),
        (Qt.Key.Key_Dead_Acute, Qt.KeyboardModifier.NoModifier, "", None),
    ],
)
def test_a_key_is_its_place_and_its_character(
    key: Qt.Key, modifiers: Qt.KeyboardModifier, text: str, expected: Key | None
) -> None:
    """What only changes how this keyboard writes stays here."""
    assert key_of(QKeyEvent(QEvent.Type.KeyPress, key, modifiers, text)) == expected


# --- the customer's question and bar ---------------------------------------------------------------------------------


@pytest.mark.ux("UX-36", "UX-49")
def test_the_question_and_the_bar_say_mouse_and_keyboard(theme: Theme, qtbot: QtBot) -> None:
    """The customer's own mouse wins, and one press takes it back."""
    window = PermissionWindow(theme, Scope.CONTROL, ("Kim Jiwoo", "Hanbit Support"), "", 120_000, lambda: 0)
    qtbot.addWidget(window)
    assert window.question.text() == "Kim Jiwoo asks to use your mouse and keyboard"
    window.end()
    bar = SharingBar(theme, "Kim Jiwoo", "Hanbit Support")
    qtbot.addWidget(bar)
    grants = (Scope.VIEW, Scope.CONTROL)
    bar.show_sharing("Notes", paused=False, lost=False, number="482 917", live=True, grants=grants)
    assert bar.what.text() == "Kim Jiwoo CONTROLS “Notes”"
    with qtbot.waitSignal(bar.revoked) as told:
        bar.given[Scope.CONTROL].click()
    assert told.args == [Scope.CONTROL]
    bar.end()


# --- the hands -------------------------------------------------------------------------------------------------------


class Desktop:
    """A desktop in memory: says what was done to it, and lets the customer interfere."""

    def __init__(self) -> None:
        self.log: list[object] = []
        self.mouse = (0, 0)
        self.acted = False
        self.down: frozenset[int] = frozenset()
        self.under = Spot(frozenset({1}), (0, 0, 800, 500))
        self.typing = Spot(frozenset({1}), (0, 0, 800, 500))
        self.full = False
        self.taken = False
        self.waited_for: frozenset[tuple[int, str]] = frozenset()
        self.places: dict[str, Box] = {"screen:A": (0, 0, 800, 500), "window:5:x": (100, 100, 200, 100)}
        self.layout: dict[int, frozenset[tuple[int, str]]] = {}

    def place(self) -> tuple[int, int]:
        return self.mouse

    def customer_acted(self) -> bool:
        acted, self.acted = self.acted, False
        return acted

    def modifiers(self) -> frozenset[int]:
        return self.down

    def at(self, x: int, y: int) -> Spot:
        del x, y
        return self.under

    def focus(self) -> Spot:
        return self.typing

    def tops(self, windows: frozenset[int]) -> frozenset[int]:
        return windows

    def owners(self, windows: frozenset[int]) -> frozenset[int]:
        return frozenset({5}) if 6 in windows else frozenset()

    def where(self, target: str) -> Box | None:
        return self.places.get(target)

    def desktop(self) -> Box:
        return 0, 0, 1600, 500

    def keyboard_taken(self) -> bool:
        return self.taken

    def goes_elsewhere(self, code: int, char: str) -> bool:
        return (code, char) in self.waited_for

    def means(self, code: int, char: str) -> frozenset[tuple[int, str]]:
        del char
        return self.layout.get(code, frozenset())

    def move(self, x: int, y: int) -> None:
        self.mouse = (x, y)
        self.log.append((x, y))

    def button(self, button: int, *, down: bool) -> None:
        self.log.append(f"{'+' if down else '-'}button {button}")

    def scroll(self, dx: int, dy: int) -> None:
        self.log.append(f"wheel {dx} {dy}")

    def key(self, code: int, char: str, *, down: bool) -> bool:
        del char
        self.log.append(f"{'+' if down else '-'}key {code:#x}")
        return True

    def char(self, char: str, now_ms: int) -> bool | None:
        del now_ms
        if self.full:
            return None
        self.log.append(char)
        return True

    def close(self) -> None:
        self.log.append("closed")


def hands(desktop: Desktop) -> Hands:
    """Window 9 is the Companion's."""
    return Hands(desktop, lambda: frozenset({9}))


DOWN = Press(10, 10, 1, down=True)


@pytest.mark.parametrize("how", ["device", "place"])
def test_the_customers_own_mouse_wins_for_two_seconds_and_what_was_held_is_let_go(how: str) -> None:
    """Told by the device, or by a mouse that is not where it was put."""
    desktop = Desktop()
    made = hands(desktop)
    assert made.do(DOWN, SCREEN, 0) is Done.DONE
    made.do(Key(0xE1, "", down=True), SCREEN, 0)
    if how == "device":
        desktop.acted = True
    else:
        desktop.mouse = (300, 300)
    assert made.do(MoveTo(20, 20), SCREEN, 1_000) is Done.OWN
    assert desktop.log == [(10, 10), "+button 1", "+key 0xe1", "-button 1", "-key 0xe1"]
    assert made.do(Key(0x04, "a", down=True), SCREEN, 2_999) is Done.OWN
    assert made.do(MoveTo(20, 20), SCREEN, 3_000) is Done.DONE
    assert made.counts == {"moves": 1, "presses": 1, "keys": 1, "own": 2}


def test_a_customer_who_goes_on_goes_on_winning_also_while_the_agent_waits() -> None:
    """The two seconds begin with the last move."""
    desktop = Desktop()
    made = hands(desktop)
    desktop.acted = True
    made.watch(0)
    desktop.acted = True
    made.watch(1_500)
    assert made.do(DOWN, SCREEN, 3_400) is Done.OWN
    assert made.do(DOWN, SCREEN, 3_500) is Done.DONE


def test_the_companions_own_windows_are_never_touched() -> None:
    """Neither by mouse nor by keys; a question that shows keeps every key away."""
    desktop = Desktop()
    asking = False
    made = Hands(desktop, lambda: frozenset({9}), lambda: asking)
    desktop.under = desktop.typing = Spot(frozenset({8, 9}), (0, 0, 800, 500))
    for deed in (MoveTo(1, 1), DOWN, Wheel(1, 1, 0, 1), Key(0x2C, " ", down=True), Text("y")):
        assert made.do(deed, SCREEN, 0) is Done.COMPANION
    desktop.typing = Spot(frozenset({1}), (0, 0, 800, 500))
    asking = True
    assert made.do(Key(0x2C, " ", down=True), SCREEN, 0) is Done.COMPANION
    assert desktop.log == []


def test_what_is_not_shared_is_neither_clicked_nor_typed_into() -> None:
    """A window that lies over the shared one, and a keyboard that is elsewhere."""
    desktop = Desktop()
    made = hands(desktop)
    window = Sharing((0, 0, 100, 100), 5)
    assert made.do(DOWN, window, 0) is Done.OUTSIDE
    assert made.do(Key(0x04, "a", down=True), window, 0) is Done.OUTSIDE
    desktop.typing = Spot(frozenset({1}), (780, 0, 400, 400))
    assert made.do(Key(0x04, "a", down=True), SCREEN, 0) is Done.OUTSIDE
    desktop.under = desktop.typing = Spot(frozenset({4, 5}), (0, 0, 100, 100))
    assert made.do(DOWN, window, 0) is Done.DONE
    assert made.do(Key(0x04, "a", down=True), window, 0) is Done.DONE
    desktop.under = Spot(frozenset({6}))
    assert made.do(Wheel(1, 1, 0, 1), window, 0) is Done.DONE


def test_where_the_shared_thing_is_the_desktop_says_and_not_the_session_child() -> None:
    """A child that names another place moves neither what may be touched nor what is hidden of it."""
    desktop = Desktop()
    made = hands(desktop)
    region = Sharing((1_500, 400, 50, 50), None, "screen:A", (10, 10, 50, 50))
    screen = Sharing((0, 0, 7_680, 4_320), None, "screen:A", None, ((0, 0, 100, 100),))
    for deed, sharing, answer in (
        (Press(1_510, 410, 1, down=True), region, Done.OUTSIDE),
        (MoveTo(60, 60), region, Done.OUTSIDE),
        (Press(900, 10, 1, down=True), screen, Done.OUTSIDE),
        (Wheel(99, 99, 0, 1), screen, Done.HIDDEN),
        (MoveTo(10, 10), Sharing((0, 0, 800, 500), None, "screen:GONE"), Done.OUTSIDE),
        (Text("x"), Sharing((0, 0, 800, 500), None, "screen:GONE"), Done.OUTSIDE),
    ):
        assert made.do(deed, sharing, 0) is answer
    assert desktop.log == []
    assert made.do(MoveTo(59, 59), region, 0) is Done.DONE
    assert made.do(MoveTo(100, 99), screen, 0) is Done.DONE


def test_no_key_goes_into_a_window_of_which_something_is_hidden() -> None:
    """Where in it the cursor stands, nobody outside the program knows."""
    desktop = Desktop()
    made = hands(desktop)
    hidden = Sharing((0, 0, 800, 500), None, "screen:A", None, ((50, 50, 20, 20),))
    for rect in ((40, 40, 15, 15), (0, 0, 800, 500), (60, 60, 1, 1)):
        desktop.typing = Spot(frozenset({1}), rect)
        for deed in (Text("x"), Key(0x28, "", down=True)):
            assert made.do(deed, hidden, 0) is Done.HIDDEN
    assert desktop.log == []
    desktop.typing = Spot(frozenset({1}), (70, 50, 100, 100))
    assert made.do(Text("x"), hidden, 0) is Done.DONE


def test_into_a_region_is_typed_only_where_the_whole_window_with_the_keyboard_is_in_it() -> None:
    """A few shared pixels of a window are no leave to write into its fields."""
    desktop = Desktop()
    made = hands(desktop)
    part = Sharing((0, 0, 300, 300), None, "screen:A", (0, 0, 300, 300))
    desktop.typing = Spot(frozenset({1}), (100, 100, 201, 100))
    assert made.do(Text("x"), part, 0) is Done.OUTSIDE
    desktop.typing = Spot(frozenset({1}), (100, 100, 200, 100))
    assert made.do(Text("x"), part, 0) is Done.DONE
    desktop.typing = Spot(frozenset({5}), (100, 100, 200, 100))
    assert made.do(Text("x"), Sharing((110, 110, 10, 10), 5, "window:5:x", (10, 10, 10, 10)), 0) is Done.OUTSIDE


def test_while_another_program_has_all_keys_none_is_typed_unless_everything_is_shared() -> None:
    """A password question takes the keyboard from the window that has it, perhaps where the agent does not look."""
    desktop = Desktop()
    made = hands(desktop)
    desktop.taken = True
    desktop.typing = Spot(frozenset({5}), (100, 100, 200, 100))
    assert made.do(Text("x"), Sharing((100, 100, 200, 100), 5, "window:5:x"), 0) is Done.OUTSIDE
    assert made.do(Text("x"), Sharing((0, 0, 800, 500), None, "screen:A"), 0) is Done.OUTSIDE
    desktop.places["screen:A"] = desktop.desktop()
    assert made.do(Text("x"), Sharing((0, 0, 800, 500), None, "screen:A"), 0) is Done.DONE


def test_a_key_is_refused_for_what_it_writes_on_the_customers_layout() -> None:
    """On Dvorak the place of P writes L."""
    desktop = Desktop()
    made = hands(desktop)
    desktop.layout[0x13] = frozenset({(0, "l")})
    made.do(Key(0xE0, "", down=True), WHOLE, 0)
    made.do(Key(0xE2, "", down=True), WHOLE, 0)
    assert made.do(Key(0x13, "", down=True), WHOLE, 0) is Done.FORBIDDEN
    assert made.do(Key(0x12, "", down=True), WHOLE, 0) is Done.DONE


def test_no_combination_that_locks_the_session_is_pressed_whoever_holds_its_keys() -> None:
    """The customer's own modifiers count as well; characters never complete a shortcut."""
    desktop = Desktop()
    made = hands(desktop)
    made.do(Key(0xE3, "", down=True), WHOLE, 0)
    assert made.do(Key(0x0F, "l", down=True), WHOLE, 0) is Done.FORBIDDEN
    assert made.do(Text("l"), WHOLE, 0) is Done.FORBIDDEN
    made.do(Key(0xE3, "", down=False), WHOLE, 0)
    desktop.down = frozenset({0xE0, 0xE2})
    assert made.do(Key(0x4C, "", down=True), WHOLE, 0) is Done.FORBIDDEN
    assert desktop.log == ["+key 0xe3", "-key 0xe3"]


PARTS = [
    pytest.param(Sharing((100, 100, 200, 100), 5, "window:5:x"), id="window"),
    pytest.param(Sharing((100, 100, 300, 200), None, "screen:A", (100, 100, 300, 200)), id="region"),
    pytest.param(Sharing((0, 0, 800, 500), None, "screen:A"), id="one screen of two"),
]


@pytest.mark.parametrize("shared", PARTS)
@pytest.mark.parametrize(
    ("held", "code", "char"),
    [
        ((), 0xE3, ""), ((), 0xE7, ""), ((0xE0, 0xE2), 0x17, "t"), ((0xE4, 0xE6), 0x17, "ㅅ"), ((0xE0, 0xE2), 0x50, ""),
        ((0xE2,), 0x2B, ""), ((0xE2,), 0x29, ""), ((0xE6,), 0x2C, " "), ((0xE2,), 0x3B, ""), ((0xE2,), 0x35, "`"),
        ((0xE0,), 0x29, ""),
    ],
)  # fmt: skip
def test_keys_of_the_desktop_are_pressed_only_where_all_of_it_is_shared(
    shared: Sharing, held: tuple[int, ...], code: int, char: str
) -> None:
    """Terminal, launcher, other windows, other desktops: what they open is not in the part that the customer chose."""
    desktop = Desktop()
    desktop.typing = Spot(frozenset({5}), (100, 100, 200, 100))
    made = hands(desktop)
    for modifier in held:
        assert made.do(Key(modifier, "", down=True), shared, 0) is Done.DONE
    assert made.do(Key(code, char, down=True), shared, 0) is Done.FORBIDDEN
    assert made.do(Key(code, char, down=True), WHOLE, 0) is Done.DONE
    made.let_go()
    desktop.down = frozenset({0xE3})  # held by the customer
    assert made.do(Key(0x15, "r", down=True), shared, 0) is Done.FORBIDDEN


@pytest.mark.parametrize("shared", PARTS)
def test_no_key_that_another_program_waits_for_is_pressed_while_a_part_is_shared(shared: Sharing) -> None:
    """Neither a key nor a character; the shortcuts of programs themselves, menus by Alt and text are as before."""
    desktop = Desktop()
    desktop.typing = Spot(frozenset({5}), (100, 100, 200, 100))
    made = hands(desktop)
    desktop.waited_for = frozenset({(0x45, ""), (0, "Y")})
    for deed in (Key(0x45, "", down=True), Key(0x1C, "Y", down=True), Text("Y")):
        assert made.do(deed, shared, 0) is Done.OUTSIDE
        assert not desktop.log
        assert made.do(deed, WHOLE, 0) is Done.DONE
        made.let_go()
        desktop.log.clear()
    for held, code, char in (((0xE0,), 0x06, "c"), ((0xE0, 0xE1), 0x17, "t"), ((0xE2,), 0x09, "f"), ((), 0x3E, "")):
        for modifier in held:
            assert made.do(Key(modifier, "", down=True), shared, 0) is Done.DONE
        assert made.do(Key(code, char, down=True), shared, 0) is Done.DONE
        made.let_go()
    assert made.do(Text("한글 @€"), shared, 0) is Done.DONE


def test_a_key_that_is_not_let_go_goes_up_before_it_could_repeat() -> None:
    """A line that breaks deletes no page; Shift stays for as long as it is held."""
    desktop = Desktop()
    made = hands(desktop)
    made.do(Key(0x2A, "", down=True), SCREEN, 0)
    made.do(Key(0xE1, "", down=True), SCREEN, 0)
    made.pump(399)
    assert desktop.log == ["+key 0x2a", "+key 0xe1"]
    made.pump(400)
    assert desktop.log[-1] == "-key 0x2a"
    assert made.held
    made.do(Key(0x2A, "", down=False), SCREEN, 500)
    assert desktop.log[-1] == "-key 0x2a"
    assert len(desktop.log) == 3


def test_characters_that_have_to_wait_keep_their_order_with_the_keys_behind_them() -> None:
    """And letting go forgets them; no more than so many wait."""
    desktop = Desktop()
    made = hands(desktop)
    desktop.full = True
    made.do(Text("한글"), SCREEN, 0)
    made.do(Key(0x28, "", down=True), SCREEN, 0)
    assert desktop.log == []
    assert made.waits
    desktop.full = False
    made.pump(10)
    assert desktop.log == ["한", "글", "+key 0x28"]
    desktop.full = True
    results = {made.do(Text("가" * 60), SCREEN, 20) for _ in range(6)}
    assert Done.FAILED in results
    made.let_go()
    assert desktop.log[-1] == "-key 0x28"
    desktop.full = False
    made.pump(30)
    assert desktop.log[-1] == "-key 0x28"


def test_a_flood_of_text_leaves_the_window_time_for_stop(qtbot: QtBot) -> None:
    """A few characters at a time, the rest by the clock, which a flood does not keep from ticking."""
    desktop = Desktop()
    made = hands(desktop)
    for _ in range(5):
        made.do(Text("가" * 50), SCREEN, 0)
    assert len(desktop.log) <= 8
    made.pump(10)
    assert len(desktop.log) <= 16
    owner = QWidget()
    qtbot.addWidget(owner)
    flooded = Desktop()
    desk = ControlDesk(
        lambda: 0, lambda: [None], lambda _counts: None, lambda: None, owner, open_desktop=lambda: flooded
    )

    def flood() -> bool:
        desk.perform(Inject(Text("나" * 60), SCREEN))
        return len(flooded.log) > 40

    qtbot.waitUntil(flood)
    desk.end()


def test_text_that_waits_is_not_typed_into_what_was_hidden_meanwhile(qtbot: QtBot) -> None:
    """What was typed before stays, the rest is counted as hidden."""
    owner, desktop = QWidget(), Desktop()
    qtbot.addWidget(owner)
    told: list[dict[str, int]] = []
    desk = ControlDesk(
        lambda: 0, lambda: [None], lambda c: told.append(dict(c)), lambda: None, owner, open_desktop=lambda: desktop
    )
    shared = replace(SCREEN, target="screen:A")
    desk.perform(ShareNow(shared))
    desk.perform(Inject(Text("가" * 60), shared))
    typed = len(desktop.log)
    assert 0 < typed < 60
    desk.perform(ShareNow(replace(shared, hidden=((0, 0, 800, 500),))))
    qtbot.waitUntil(lambda: told[-1].get("hidden", 0) + told[-1]["keys"] == 60)
    assert told[-1]["keys"] == typed, "text went into what was hidden meanwhile"
    assert len(desktop.log) == typed
    desk.end()


def test_the_desk_opens_for_the_first_deed_closes_with_letting_go_and_gives_up_without_a_display(
    qtbot: QtBot,
) -> None:
    """Nothing of the desktop is listened to before and after."""
    desktops: list[Desktop] = []
    told: list[Mapping[str, int]] = []
    failed: list[bool] = []

    def opened() -> Desktop:
        if len(desktops) == 2:
            raise NoInput("gone")
        desktops.append(Desktop())
        return desktops[-1]

    owner = QWidget()
    qtbot.addWidget(owner)
    desk = ControlDesk(lambda: 0, lambda: [None], told.append, lambda: failed.append(True), owner, open_desktop=opened)
    deed: Deed = DOWN
    assert desktops == []
    desk.perform(Inject(deed, SCREEN))
    desk.perform(LetGo())
    assert desktops[0].log == [(10, 10), "+button 1", "-button 1", "closed"]
    desk.perform(Inject(MoveTo(799, 1), SCREEN))
    assert told[-1] == {"presses": 1, "moves": 1}
    desk.end()
    desk.perform(Inject(deed, SCREEN))
    qtbot.waitUntil(lambda: failed == [True])


def test_the_session_hears_when_the_customers_own_mouse_keeps_the_agent_out_and_when_it_stopped(qtbot: QtBot) -> None:
    """Two quiet seconds end it; so does letting go of everything."""
    desktop, now, heard = Desktop(), [0], list[bool]()
    owner = QWidget()
    qtbot.addWidget(owner)
    desk = ControlDesk(
        lambda: now[0], lambda: [None], lambda _counts: None, lambda: None, owner, open_desktop=lambda: desktop,
        kept_out=heard.append,
    )  # fmt: skip
    desk.perform(Inject(MoveTo(1, 1), SCREEN))
    assert heard == []
    desktop.acted = True
    desk.perform(Inject(MoveTo(2, 2), SCREEN))
    now[0] = 1_999
    desk.perform(Inject(MoveTo(3, 3), SCREEN))
    assert heard == [True]
    now[0] = 2_000
    desk._tick()
    assert heard == [True, False]
    desktop.mouse = (50, 50)
    desk.perform(Inject(MoveTo(4, 4), SCREEN))
    desktop.mouse = (60, 60)
    desk.perform(Inject(MoveTo(5, 5), SCREEN))
    assert heard[2:] == [True]
    desk.perform(LetGo())
    assert heard[2:] == [True, False]


def test_the_agents_row_says_that_the_customer_is_using_the_mouse_and_then_again_who_has_the_keys(
    stage: Stage,
) -> None:
    """What the agent does meanwhile is not lost in silence."""
    assert stage.flow.session is not None
    control = stage.flow.session.control
    show(stage, AskState.GRANTED)
    press(stage, Qt.Key.Key_C)
    show(stage, AskState.GRANTED, own_hands=True)
    assert control.state.text() == "Minsu Park is using mouse or keyboard"
    assert control.words.text().startswith("Yours do nothing until Minsu Park has stopped")
    assert taken(stage)
    show(stage, AskState.GRANTED)
    assert control.state.text() == "Control is ON"
