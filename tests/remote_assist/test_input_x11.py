# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's hands on a real X11 desktop, with a program of its own that says which events reached it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.domain.control import Deed, Key, MoveTo, Press, Text, Wheel
from app.domain.marks import to_steps
from remote_assist.control_rules import to_pixel
from remote_assist.input_hands import Done, Hands, NoInput, Sharing
from remote_assist.input_pynput import can_inject, open_input
from tests.fakes import xvfb
from tests.fakes.wait import wait_until

RECT = (100, 80, 400, 300)
SHARED = Sharing(RECT)

pytestmark = pytest.mark.skipif(
    not xvfb.available() or importlib.util.find_spec("Xlib") is None, reason="no Xvfb or no python-xlib here"
)


class Target:
    """A window without a frame on its own display, in its own process."""

    def __init__(self, display: str, scale: str) -> None:
        env = os.environ | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "QT_SCALE_FACTOR": scale}
        command = [sys.executable, "-m", "tests.fakes.x_target", *map(str, RECT)]
        self._run = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._run.stdout is not None
        self._lines = self._run.stdout
        self.id = int(json.loads(self._lines.readline())["id"])
        self.heard: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._lines:
            self.heard.append(json.loads(line))

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        """What it heard of these kinds."""
        return [event for event in list(self.heard) if event["t"] in kinds]

    @property
    def text(self) -> str:
        """What its line holds."""
        texts = self.of("text")
        return str(texts[-1]["text"]) if texts else ""

    def end(self) -> None:
        """End the process."""
        self._run.kill()
        self._run.wait()
        self._thread.join(10)
        self._lines.close()


class Desk:
    """Hands on that display."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.own: frozenset[int] = frozenset()
        self.hands = Hands(open_input(), lambda: self.own)

    def do(self, deed: Deed, sharing: Sharing = SHARED) -> Done:
        """Carry out a deed with all that has to wait."""
        result = self.hands.do(deed, sharing, now_ms())
        wait_until(lambda: self.hands.pump(now_ms()) is not None and not self.hands._waiting)
        return result

    def key(self, code: int, char: str = "") -> None:
        """Press and release."""
        self.do(Key(code, char, down=True))
        self.do(Key(code, char, down=False))


def presses(display: Any) -> int:
    """How many keys another program heard going down since the last call, whichever way it asked for them."""
    display.sync()
    kinds = [display.next_event().type for _ in range(display.pending_events())]
    return sum(kind in (2, 35) for kind in kinds)  # KeyPress, GenericEvent


def now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


@pytest.fixture(scope="module")
def targets() -> Iterator[Callable[[str], tuple[str, Target]]]:
    """A display with a window for each scale factor that is asked for; starting them is what takes time."""
    with contextlib.ExitStack() as stack:
        made: dict[str, tuple[str, Target]] = {}

        def get(scale: str) -> tuple[str, Target]:
            if scale not in made:
                display = stack.enter_context(xvfb.own_display(800, 600))
                made[scale] = display, Target(display, scale)
                stack.callback(made[scale][1].end)
            return made[scale]

        yield get


@pytest.fixture
def desk(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    targets: Callable[[str], tuple[str, Target]],
) -> Iterator[Desk]:
    """Hands on a display whose window has the keyboard and an empty line; the parameter is the scale factor."""
    display, target = targets(getattr(request, "param", "1.25"))
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
    made = Desk(target)
    try:
        if target.text:
            made.do(Key(0xE0, "", down=True))
            made.key(0x04, "a")
            made.do(Key(0xE0, "", down=False))
            made.key(0x2A)
            wait_until(lambda: not target.text)
        target.heard.clear()
        yield made
    finally:
        made.hands.close()


@pytest.mark.parametrize("desk", ["1.25", "2"], indirect=True)
def test_a_click_and_a_drag_hit_the_pixels_that_the_agent_saw(desk: Desk) -> None:
    """Whatever scale the customer's programs use: from steps of the picture to pixels of the desktop."""
    places = [(3, 5), (200, 150), (399, 20)]
    pixels = [to_pixel(*to_steps(x + 0.5, y + 0.5, RECT[2], RECT[3]), RECT) for x, y in places]
    assert pixels == [(103, 85), (300, 230), (499, 100)]
    desk.do(Press(*pixels[0], 1, down=True))
    for x in range(pixels[0][0], pixels[1][0], 20):
        desk.do(MoveTo(x, 85))
    desk.do(MoveTo(*pixels[1]))
    desk.do(Press(*pixels[1], 1, down=False))
    desk.do(Press(*pixels[2], 3, down=True))
    desk.do(Press(*pixels[2], 3, down=False))
    desk.do(Wheel(*pixels[1], 0, -2))
    wait_until(lambda: len(desk.target.of("Wheel")) == 2)
    buttons = desk.target.of("MouseButtonPress", "MouseButtonRelease")
    wanted = [("Press", 1, pixels[0]), ("Release", 1, pixels[1]), ("Press", 2, pixels[2]), ("Release", 2, pixels[2])]
    kinds = [(event["t"].removeprefix("MouseButton"), event["button"]) for event in buttons]
    assert kinds == [(kind, button) for kind, button, _at in wanted]
    for event, (_kind, _button, (x, y)) in zip(buttons, wanted, strict=True):
        assert abs(event["x"] - x) <= 1  # the program rounds to its own units
        assert abs(event["y"] - y) <= 1
    assert len(desk.target.of("MouseMove")) >= 3


@pytest.mark.ux("UX-52")
def test_characters_arrive_on_any_layout_and_combinations_by_their_letter(
    desk: Desk, request: pytest.FixtureRequest
) -> None:
    """Hangul and signs that no key has, an agent's keys on a German keyboard, Shift held for another layout."""
    desk.key(0x04, "a")
    desk.key(0x05, "B")
    desk.do(Text("한글과 漢字, 가나다라마바사아자차카타파하 é€"))
    wait_until(lambda: desk.target.text.endswith("€"))
    assert desk.target.text == "aB한글과 漢字, 가나다라마바사아자차카타파하 é€"
    desk.key(0x2A)
    wait_until(lambda: desk.target.text.endswith("é"))
    if shutil.which("setxkbmap") is None:
        return
    subprocess.run(["setxkbmap", "de"], check=True)
    request.addfinalizer(lambda: subprocess.run(["setxkbmap", "us"], check=True))
    desk.do(Key(0xE0, "", down=True))
    desk.key(0x04, "a")  # all of it is selected: the next character takes its place
    desk.do(Key(0xE0, "", down=False))
    desk.key(0x1C, "y")
    desk.key(0x1D, "z")
    desk.key(0x1F, "@")
    desk.do(Key(0xE1, "", down=True))
    for char in "Z/ßü#":
        desk.key(0x04, char)
    desk.do(Key(0xE1, "", down=False))
    desk.do(Text("끝"))
    wait_until(lambda: desk.target.text.endswith("끝"))
    assert desk.target.text == "yz@Z/ßü#끝"


def test_letting_go_in_a_drag_releases_the_button_and_nothing_comes_after(desk: Desk) -> None:
    """What the program hears last is the release; keys go up too."""
    desk.do(Press(150, 100, 1, down=True))
    desk.do(Key(0xE0, "", down=True))
    for x in range(150, 300, 10):
        desk.do(MoveTo(x, 120))
    desk.hands.let_go()
    wait_until(lambda: desk.target.of("MouseButtonRelease"))
    wait_until(lambda: desk.target.of("KeyRelease"))
    desk.hands.pump(now_ms())
    kinds = [event["t"] for event in desk.target.of("MouseMove", "MouseButtonPress", "MouseButtonRelease")]
    assert kinds[-1] == "MouseButtonRelease"
    assert kinds.count("MouseButtonPress") == 1
    assert desk.hands.do(Press(150, 100, 1, down=False), SHARED, now_ms()) is Done.DONE


def test_the_desktop_itself_says_whose_window_it_is_and_who_moved_the_mouse(desk: Desk) -> None:
    """Own windows, windows over the shared one, a mouse that somebody else put elsewhere, a window that is gone."""
    from Xlib.display import Display

    assert desk.do(Press(200, 200, 1, down=True), Sharing(RECT, desk.target.id)) is Done.DONE
    assert desk.do(Press(200, 200, 1, down=False)) is Done.DONE
    assert desk.do(Key(0x04, "a", down=True), Sharing(RECT, desk.target.id)) is Done.DONE
    other = Sharing(RECT, desk.target.id + 1)
    assert desk.do(Press(200, 200, 1, down=True), other) is Done.OUTSIDE
    assert desk.do(Key(0x04, "a", down=True), other) is Done.OUTSIDE
    desk.own = frozenset({desk.target.id})
    assert desk.do(MoveTo(210, 200)) is Done.COMPANION
    assert desk.do(Key(0x28, "", down=True)) is Done.COMPANION
    desk.own = frozenset()
    customer = Display()
    customer.screen().root.warp_pointer(400, 300)
    customer.sync()
    assert desk.do(MoveTo(220, 200)) is Done.OWN
    assert customer.screen().root.query_pointer().root_x == 400
    customer.close()


def test_a_frame_with_many_parts_belongs_to_the_window_in_it(desk: Desk) -> None:
    """A window manager's buttons and edges are as much the Companion's as what they surround."""
    from Xlib.display import Display

    manager = Display()
    screen = manager.screen()
    frame = screen.root.create_window(500, 400, 200, 150, 0, screen.root_depth, override_redirect=True)
    parts = [frame.create_window(n * 9, 0, 8, 20, 0, screen.root_depth) for n in range(20)]
    inside = frame.create_window(2, 22, 196, 126, 0, screen.root_depth)
    for window in (*parts, inside, frame):
        window.map()
    manager.sync()
    wait_until(lambda: desk.hands._backend.at(505, 405).windows)
    desk.own = frozenset({inside.id})
    for x, y in ((600, 500), (505, 405), (501, 430)):
        assert desk.do(Press(x, y, 1, down=True), Sharing((0, 0, 800, 600))) is Done.COMPANION
    desk.own = frozenset()
    assert desk.do(Press(600, 500, 1, down=True), Sharing((0, 0, 800, 600), inside.id)) is Done.DONE
    assert desk.do(Press(600, 500, 1, down=True), Sharing((0, 0, 800, 600), parts[0].id)) is Done.DONE
    assert desk.do(Press(600, 500, 1, down=True), Sharing((0, 0, 800, 600), desk.target.id)) is Done.OUTSIDE
    manager.close()


def test_the_server_says_where_a_target_is_and_what_is_not_there(desk: Desk) -> None:
    """A place that the session child makes up moves nothing."""
    backend = desk.hands._backend
    window = f"window:{desk.target.id}:whose"
    assert backend.where(window) == RECT
    assert backend.where("window:1:x") is None
    assert backend.where("window:") is None
    assert backend.where("screen:NONE") is None
    assert backend.where("screen:screen") == backend.desktop() == (0, 0, 800, 600)
    lie = Sharing((0, 0, 800, 600), desk.target.id, window, None, ((0, 0, 100, 100),))
    assert desk.do(Press(60, 60, 1, down=True), lie) is Done.OUTSIDE
    assert desk.do(Press(150, 130, 1, down=True), lie) is Done.HIDDEN
    assert desk.do(MoveTo(250, 230), lie) is Done.DONE


def test_nothing_is_typed_into_a_window_that_is_partly_hidden_or_partly_shared(desk: Desk) -> None:
    """A drawn mask and a region, on the real window with the keyboard; without them the same text arrives."""
    window = f"window:{desk.target.id}:whose"
    for sharing, answer in (
        (Sharing(RECT, desk.target.id, window, None, ((10, 10, 20, 20),)), Done.HIDDEN),
        (Sharing((0, 0, 800, 600), None, "screen:screen", None, ((480, 360, 90, 90),)), Done.HIDDEN),
        (Sharing((200, 200, 10, 10), None, "screen:screen", (295, 225, 10, 10)), Done.OUTSIDE),
    ):
        assert desk.do(Text("secret"), sharing) is answer
        assert desk.do(Key(0x28, "", down=True), sharing) is answer
    assert desk.do(Text("ok"), Sharing(RECT, desk.target.id, window)) is Done.DONE
    wait_until(lambda: desk.target.text == "ok")


def test_the_rest_of_a_text_does_not_go_into_a_window_that_was_hidden_while_it_was_typed(desk: Desk) -> None:
    """Two hundred characters take seconds: each is judged by what is hidden when its turn comes, and counted."""
    window = f"window:{desk.target.id}"
    free = Sharing(RECT, desk.target.id, window)
    text = "".join(chr(0xAC00 + 29 * number) for number in range(200))
    desk.hands.counts.clear()
    desk.hands.do(Text(text), free, now_ms())
    typed = desk.hands.counts["keys"]
    assert 0 < typed < len(text)
    desk.hands.share(Sharing(RECT, desk.target.id, window, None, ((0, 0, 400, 300),)))
    wait_until(lambda: desk.hands.pump(now_ms()) is not None and not desk.hands._waiting)
    assert desk.hands.counts["keys"] == typed, "the rest went into a window that is hidden"
    assert desk.hands.counts["hidden"] == len(text) - typed
    assert desk.do(Text("x"), free) is Done.DONE
    wait_until(lambda: desk.target.text == text[:typed] + "x")


def test_a_program_that_has_taken_the_keyboard_gets_nothing_while_a_window_is_shared(desk: Desk) -> None:
    """As a password question does, while the shared window still has the keyboard for everybody else."""
    from Xlib import X
    from Xlib.display import Display

    question = Display()
    window = question.screen().root.create_window(600, 450, 150, 100, 0, 24, override_redirect=True)
    window.change_attributes(event_mask=X.KeyPressMask)
    window.map()
    shared = Sharing(RECT, desk.target.id, f"window:{desk.target.id}:whose")
    try:
        assert window.grab_keyboard(True, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime) == X.GrabSuccess
        question.sync()
        assert desk.do(Text("secret"), shared) is Done.OUTSIDE
        question.sync()
        heard = [question.next_event().type for _ in range(question.pending_events())]
        assert X.KeyPress not in heard
        question.ungrab_keyboard(X.CurrentTime)
        question.sync()
        assert desk.do(Text("ok"), shared) is Done.DONE
        wait_until(lambda: desk.target.text == "ok")
    finally:
        question.close()


@pytest.mark.parametrize("new_way", [False, True], ids=["core", "XI2"])
def test_a_shortcut_that_another_program_waits_for_reaches_nobody_while_a_window_is_shared(
    desk: Desk, new_way: bool
) -> None:
    """A launcher's Ctrl+Shift+Y, in both ways a program can ask for a key; the shared window's own shortcuts arrive."""
    from Xlib import X
    from Xlib.display import Display
    from Xlib.ext import xinput

    launcher = Display()
    root, key, asynchronous = launcher.screen().root, 29, X.GrabModeAsync
    states = [X.ControlMask | X.ShiftMask | lock for lock in (0, X.LockMask, X.Mod2Mask, X.LockMask | X.Mod2Mask)]
    if new_way:
        mask = xinput.KeyPressMask
        root.xinput_grab_keycode(
            xinput.AllMasterDevices, X.CurrentTime, key, asynchronous, asynchronous, True, mask, states
        )
    else:
        for state in states:
            root.grab_key(key, state, True, asynchronous, asynchronous)
    launcher.sync()
    shared = Sharing(RECT, desk.target.id, f"window:{desk.target.id}:whose")
    try:
        desk.do(Key(0xE0, "", down=True), shared)
        assert desk.do(Key(0x1C, "y", down=True), shared) is Done.DONE  # without Shift nobody else waits for it
        desk.do(Key(0x1C, "", down=False), shared)
        desk.do(Key(0xE1, "", down=True), shared)
        answer = desk.do(Key(0x1C, "y", down=True), shared)
        assert presses(launcher) == 0, "the key went outside of the shared window"
        assert answer is Done.OUTSIDE
        desk.hands.let_go()
        for char in "yY 한@":
            assert desk.do(Text(char), shared) is Done.DONE
        wait_until(lambda: desk.target.text == "yY 한@")
        everything = Sharing((0, 0, 800, 600), None, "screen:screen")
        for code in (0xE0, 0xE1):
            desk.do(Key(code, "", down=True), everything)
        assert desk.do(Key(0x1C, "y", down=True), everything) is Done.DONE  # before the agent's eyes
        wait_until(lambda: presses(launcher) > 0)
    finally:
        desk.hands.let_go()
        launcher.close()


def test_a_character_that_another_program_waits_for_is_not_typed_into_a_shared_window(desk: Desk) -> None:
    """A program that takes single keys of everybody gets neither a plain one nor one that only Shift writes."""
    from Xlib import X
    from Xlib.display import Display

    taker = Display()
    root, shared = taker.screen().root, Sharing(RECT, desk.target.id, f"window:{desk.target.id}:whose")
    try:
        root.grab_key(29, X.ShiftMask, True, X.GrabModeAsync, X.GrabModeAsync)
        root.grab_key(96, 0, True, X.GrabModeAsync, X.GrabModeAsync)
        taker.sync()
        assert desk.do(Text("Y"), shared) is Done.OUTSIDE
        assert desk.do(Key(0x45, "", down=True), shared) is Done.OUTSIDE
        assert desk.do(Text("y"), shared) is Done.DONE
        root.grab_key(X.AnyKey, X.AnyModifier, True, X.GrabModeAsync, X.GrabModeAsync)
        taker.sync()
        assert desk.do(Text("한"), shared) is Done.OUTSIDE
        assert presses(taker) == 0
        wait_until(lambda: desk.target.text == "y")
    finally:
        taker.close()


def test_the_desktops_own_shortcuts_are_not_pressed_while_a_window_is_shared(
    desk: Desk, request: pytest.FixtureRequest
) -> None:
    """Terminal, launcher, other windows; what a German keyboard needs its third level for is written all the same."""
    shared = Sharing(RECT, desk.target.id, f"window:{desk.target.id}:whose")
    for held, code, char in (((0xE0, 0xE2), 0x17, "t"), ((0xE2,), 0x3B, ""), ((0xE2,), 0x2B, ""), ((0xE2,), 0x2C, " ")):
        for modifier in held:
            assert desk.do(Key(modifier, "", down=True), shared) is Done.DONE
        assert desk.do(Key(code, char, down=True), shared) is Done.FORBIDDEN
        desk.hands.let_go()
    assert desk.do(Key(0xE3, "", down=True), shared) is Done.FORBIDDEN
    if shutil.which("setxkbmap") is None:
        return
    subprocess.run(["setxkbmap", "de"], check=True)
    request.addfinalizer(lambda: subprocess.run(["setxkbmap", "us"], check=True))
    wait_until(lambda: (0, "z") in desk.hands._backend.means(0x1C, ""))
    desk.key(0x14, "@")
    assert desk.do(Text("€{한글}"), shared) is Done.DONE
    wait_until(lambda: desk.target.text == "@€{한글}")


def test_on_dvorak_no_place_of_a_key_locks_the_session(desk: Desk, request: pytest.FixtureRequest) -> None:
    """A key that comes without a character is judged by what the customer's layout makes of it."""
    if shutil.which("setxkbmap") is None:
        pytest.skip("no setxkbmap here")
    subprocess.run(["setxkbmap", "us", "-variant", "dvorak"], check=True)
    request.addfinalizer(lambda: subprocess.run(["setxkbmap", "us", "-variant", ""], check=True))
    wait_until(lambda: (0, "l") in desk.hands._backend.means(0x13, ""))
    everything = Sharing((0, 0, 800, 600), None, "screen:screen")  # of a part every key with these would be refused
    for code in (0xE0, 0xE2):
        assert desk.do(Key(code, "", down=True), everything) is Done.DONE
    for code in (0x13, 0x4D, 0x45):
        assert desk.do(Key(code, "", down=True), everything) is Done.FORBIDDEN
    desk.hands.let_go()


def test_nothing_is_opened_where_there_is_no_x11_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither without a display nor on Wayland, where injected events would reach only some windows."""
    assert not can_inject({})
    assert not can_inject({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"})
    assert not can_inject({"DISPLAY": ":0", "XDG_SESSION_TYPE": "wayland"})
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(NoInput):
        open_input()
