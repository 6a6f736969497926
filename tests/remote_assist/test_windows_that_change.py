# SPDX-License-Identifier: GPL-3.0-or-later
"""A shared window is covered, resized, minimised and closed: its picture has its own pixels and nobody else's.

Its program paints only when the test says so, as one that hangs does, and the window has no background: the server puts
there what the screen shows at that place.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from Xlib import X
from Xlib.display import Display
from Xlib.ext import composite

from app.domain.capture import CaptureError, TargetKind
from remote_assist.masks import MASK_BGRX
from remote_assist.x11_windows import X11Windows
from tests.fakes import xvfb
from tests.fakes.wait import wait_until
from tests.remote_assist.capture_line import Line
from tests.remote_assist.secret_window import HIGH, WIDE, SecretWindow, secret_pixels

pytestmark = [
    pytest.mark.x11,
    pytest.mark.skipif(not xvfb.available(), reason="Xvfb is not installed"),
]
GREEN, BLUE = 0x20C020, 0x2020C0


class Program:
    """One window of 200x120 without a background, in a frame or not."""

    def __init__(self, name: str, *, framed: bool = False, title: str = "Printer settings") -> None:
        self.display = Display(name)
        root = self.display.screen().root
        self.frame = root.create_window(90, 50, 400, 400, 0, 24, background_pixel=1, override_redirect=True)
        parent, x, y = (self.frame, 10, 10) if framed else (root, 100, 60)
        self.window: Any = parent.create_window(x, y, 200, 120, 0, 24, override_redirect=True)
        self.window.set_wm_name(title)
        self.window.set_wm_class(title.split()[0], title)
        if framed:
            atom, type_ = self.display.intern_atom("_NET_CLIENT_LIST_STACKING"), self.display.intern_atom("WINDOW")
            root.change_property(atom, type_, 32, [self.window.id])
            self.frame.map()
        self.window.map()
        self.paint(GREEN)

    def paint(self, colour: int) -> None:
        size = self.window.get_geometry()
        self.window.fill_rectangle(self.window.create_gc(foreground=colour), 0, 0, size.width, size.height)
        self.display.sync()

    def resize(self, width: int, height: int) -> None:
        self.window.configure(width=width, height=height)
        self.display.sync()

    def show(self, on: bool, window: Any = None) -> None:
        window = window or self.window
        (window.map if on else window.unmap)()
        self.display.sync()


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with xvfb.own_display(WIDE, HIGH) as name:
        yield name


@pytest.fixture
def program(display: str) -> Iterator[Program]:
    program = Program(display)
    yield program
    program.display.close()


@pytest.fixture
def secret(display: str) -> Iterator[SecretWindow]:
    """Lies over the middle of the program's window, and beside it."""
    window = SecretWindow(display, size=(400, 300))
    window.place(150, 90)
    yield window
    window.close()


@pytest.fixture
def line(display: str, secret: SecretWindow) -> Iterator[Line]:
    line = Line(display)
    yield line
    line.close()
    assert not any(secret_pixels(picture.rows) for picture in line.pictures)


def cover(secret: SecretWindow) -> None:
    secret.window.configure(stack_mode=X.Above)
    secret.show()


def shared(line: Line, title: str = "Printer settings") -> str:
    id_ = next(target.id for target in line.source.targets() if target.title == title)
    line.share(TargetKind.WINDOW, id_=id_)
    return id_


def shows(line: Line, colour: int) -> Callable[[], bool]:
    return lambda: bool((line.newest() & 0xFFFFFF == colour).all())


@pytest.mark.parametrize("framed", [False, True])
def test_what_covers_a_window_when_it_is_chosen(line: Line, display: str, secret: SecretWindow, framed: bool) -> None:
    """Grey until its program has painted there; what was to be seen of it is shown at once."""
    program = Program(display, framed=framed)
    try:
        cover(secret)
        shared(line)
        rows = line.newest()
        assert (rows[30:, 50:] == MASK_BGRX).all()
        assert (rows[:30] & 0xFFFFFF == GREEN).all()
        program.paint(BLUE)
        wait_until(shows(line, BLUE))
    finally:
        if framed:
            program.display.screen().root.delete_property(program.display.intern_atom("_NET_CLIENT_LIST_STACKING"))
        program.display.sync()
        program.display.close()


def test_a_covered_window_changes_its_size(line: Line, program: Program, secret: SecretWindow) -> None:
    """The new copy begins with the picture of the screen: none of that is shown."""
    shared(line)
    wait_until(shows(line, GREEN))
    cover(secret)
    for size in ((300, 220), (140, 100), (420, 320)):
        program.resize(*size)
        wait_until(lambda now=size: line.newest().shape == (now[1], now[0]))  # type: ignore[misc]  # a bound default
    program.paint(BLUE)
    wait_until(shows(line, BLUE))


def test_a_window_changes_its_size_and_back_between_two_pictures(
    line: Line, program: Program, secret: SecretWindow
) -> None:
    """Each time the server makes a new copy: the old one would stand still for ever."""
    shared(line)
    wait_until(shows(line, GREEN))
    cover(secret)
    program.display.grab_server()
    program.resize(300, 220)
    program.resize(200, 120)
    program.display.ungrab_server()
    program.paint(BLUE)
    wait_until(shows(line, BLUE))


@pytest.mark.parametrize("around", [False, True])
def test_a_window_comes_back_after_it_was_minimised(
    line: Line, display: str, secret: SecretWindow, around: bool
) -> None:
    """With what it shows then, also where a desktop takes only the frame away; not with what covers it."""
    program = Program(display, framed=True)
    hidden = program.frame if around else program.window
    try:
        shared(line)
        wait_until(shows(line, GREEN))
        program.show(False, hidden)
        wait_until(lambda: line.source.failed == "target_hidden")
        cover(secret)
        program.show(True, hidden)
        program.paint(BLUE)
        wait_until(shows(line, BLUE))
        assert line.source.failed == ""
    finally:
        program.display.screen().root.delete_property(program.display.intern_atom("_NET_CLIENT_LIST_STACKING"))
        program.display.sync()
        program.display.close()


def test_a_closed_window_whose_number_goes_to_another_program(line: Line, display: str, secret: SecretWindow) -> None:
    """The server gives numbers anew: what was chosen is gone, whatever has its number; a compositor runs here."""
    compositor = Display(display)
    compositor.composite_query_version()
    compositor.screen().root.composite_redirect_subwindows(composite.RedirectAutomatic)
    compositor.sync()
    first = Program(display)
    id_ = shared(line)
    wait_until(shows(line, GREEN))
    first.display.close()
    other = Program(display, title="Hanbit Bank")
    try:
        assert other.window.id == first.window.id
        other.resize(260, 160)
        other.paint(0xFF00FF)
        wait_until(lambda: line.source.failed == "target_gone")
        assert id_ not in [target.id for target in line.source.targets()]
    finally:
        other.display.close()
        compositor.close()


def test_who_holds_a_window_for_another_source_says_when_it_is_not_whole(display: str, secret: SecretWindow) -> None:
    """Qt takes what the server has: until the program has painted, that is what lies over the window."""
    program = Program(display)
    cover(secret)
    windows = X11Windows(display)
    target = next(found for found in windows.targets(windows.screens()[0].rect) if found.title == "Printer settings")
    hold = windows.hold(target)
    try:
        with pytest.raises(CaptureError, match="target_hidden"):
            hold.place()
        program.paint(BLUE)

        def whole() -> bool:
            with contextlib.suppress(CaptureError):
                return hold.place().width == 200
            return False

        wait_until(whole)
    finally:
        hold.close()
        program.display.close()


@pytest.mark.parametrize("kind", [TargetKind.WINDOW, TargetKind.SCREEN])
def test_the_display_cuts_the_capture_off(
    line: Line, program: Program, secret: SecretWindow, display: str, kind: TargetKind
) -> None:
    """As XKillClient does: it is over and says so; no picture stands as if it were new."""
    line.share(kind)
    wait_until(lambda: line.pictures)
    here = [found for found in gc.get_objects() if isinstance(found, Display) and found.get_display_name() == display]
    spared = {each.display.info.resource_id_base for each in (program.display, secret.display)}
    for base in {found.display.info.resource_id_base for found in here} - spared:
        _kill(display, base)  # one that was closed may still be here: its numbers have gone to another, or to nobody
    program.paint(BLUE)
    wait_until(lambda: line.source.failed in ("target_gone", "capture_failed", "no_display"))


def _kill(name: str, base: int) -> None:
    """Have the server drop the client that owns these numbers, if it has made anything."""
    for number in range(3):
        killer = Display(name)
        with contextlib.suppress(AttributeError):  # nothing has this number, which the library cannot say
            killer.create_resource_object("window", base | number).kill_client()
            killer.sync()
        killer.close()
