# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture through Qt, in real session children on a real X server: this process itself shows windows to nobody."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from Xlib import X
from Xlib.display import Display

from app.domain.capture import CaptureError, CursorState, FrameSource, RawFrame, Rect, Target, TargetKind
from app.entry.session_sources import FirstThatStarts
from remote_assist.child_protocol import Ack, Grants, ListTargets, Source, TargetItem, Targets, View
from remote_assist.shm import FrameInfo
from tests.bench import _ours
from tests.bench._ours import Stub
from tests.fakes import xvfb
from tests.fakes.wait import wait_until

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 640, 480

x11 = pytest.mark.x11
needs_xvfb = pytest.mark.skipif(not xvfb.available(), reason="Xvfb is not installed")


class Window:
    """A titled window that can be drawn on, covered, hidden and closed."""

    def __init__(self, display: str) -> None:
        self.display = Display(display)
        self.root = self.display.screen().root
        self.window = self._box(100, 60, 200, 120, 0x112233)
        self.window.set_wm_name("Printer settings")
        self.window.map()
        self.display.sync()

    def _box(self, x: int, y: int, width: int, height: int, colour: int) -> Any:
        return self.root.create_window(x, y, width, height, 0, 24, background_pixel=colour, override_redirect=True)

    def fill(self, colour: int) -> None:
        self.window.fill_rectangle(self.window.create_gc(foreground=colour), 0, 0, 200, 120)
        self.display.sync()

    def cover(self, colour: int) -> None:
        self._box(90, 50, 300, 300, colour).map()
        self.display.sync()

    def unmap(self) -> None:
        self.window.unmap()
        self.display.sync()

    def map(self) -> None:
        self.window.map()
        self.display.sync()

    def destroy(self) -> None:
        self.window.destroy()
        self.display.sync()


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with xvfb.own_display(WIDTH, HEIGHT) as name:
        yield name


@pytest.fixture
def window(display: str) -> Iterator[Window]:
    window = Window(display)
    yield window
    window.display.close()


@contextlib.contextmanager
def customer_child(env: dict[str, str]) -> Iterator[Stub]:
    child = _ours.start("customer", env, {"loopback": 1})
    try:
        child.link.send(View(WIDTH, HEIGHT))
        yield child
    finally:
        child.drop()


@pytest.fixture(scope="module")
def module_child(display: str) -> Iterator[Stub]:
    with customer_child({"DISPLAY": display, "DESKSIDE_CAPTURE": "qt"}) as child:
        yield child


@pytest.fixture
def child(module_child: Stub, window: Window) -> Stub:
    """A customer's child that captures through Qt, with one window on its display."""
    # another target first: the window of the test before may have had the same id as this one
    module_child.link.send(Source("drawn:0", "drawn"))
    module_child.want_frame()
    module_child.faults.clear()
    while not module_child.frames.empty():
        module_child.frames.get()
    return module_child


def listed(child: Stub) -> list[TargetItem]:
    child.link.send(ListTargets(1))
    return child.want(Targets).items


def share(child: Stub, kind: str) -> TargetItem:
    item = next(item for item in listed(child) if item.kind == kind)
    child.link.send(Source(item.id, item.kind))
    return item


def shown(stub: Stub) -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
    """The next picture, as the customer's preview or the agent's window has it."""

    def copy(info: FrameInfo, rows: memoryview) -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
        return np.frombuffer(bytes(rows), np.uint32).reshape(info.height, info.stride // 4)

    stub.want_frame()
    found = stub.link.frames.read(copy)
    assert found is not None
    return np.bitwise_and(found[1], np.uint32(0xFFFFFF))


def seen(stub: Stub, colour: int, x: int, y: int) -> None:
    """Wait until the pixel at this place of the view is close to a colour; scaling and codecs may shift it a little."""

    def close() -> bool:
        pixel = int(shown(stub)[y, x])
        return all(abs((pixel >> shift & 0xFF) - (colour >> shift & 0xFF)) <= 6 for shift in (0, 8, 16))

    wait_until(close, 10)


def loads_qt(child: Stub) -> bool:
    return "libQt6" in Path(f"/proc/{child.link.pid}/maps").read_text("utf-8")


@x11
@needs_xvfb
class TestQtOnX11:
    """Screens and windows of a real X server, captured by Qt."""

    def test_screens_and_titled_windows_are_listed(self, child: Stub) -> None:
        """The chooser shows the same as with the other source, under the same ids."""
        screen, *windows = listed(child)
        assert (screen.id, screen.kind, tuple(screen.rect)) == ("screen:screen", "screen", (0, 0, WIDTH, HEIGHT))
        assert [(w.title, tuple(w.rect)) for w in windows] == [("Printer settings", (100, 60, 200, 120))]

    def test_a_screen_is_seen_as_it_is(self, child: Stub, window: Window) -> None:
        """Pixels arrive in place and colour, and follow what changes."""
        share(child, "screen")
        for colour in (0x40A0F0, 0xF0A040):
            window.fill(colour)
            seen(child, colour, 150, 100)
        assert shown_outside(child, window) != 0xF0A040
        assert loads_qt(child)

    def test_a_window_shows_its_own_pixels_also_where_it_is_covered(self, child: Stub, window: Window) -> None:
        """A message that pops up over a shared window stays private."""
        share(child, "window")
        window.fill(0x20C020)
        seen(child, 0x20C020, 300, 200)
        window.cover(0xFF0000)
        window.fill(0x2020C0)
        seen(child, 0x2020C0, 300, 200)
        assert not child.faults
        share(child, "screen")
        seen(child, 0xFF0000, 380, 340)
        assert window.window.get_attributes().map_state == X.IsViewable  # Qt leaves the customer's window alone

    def test_a_hidden_window_is_told_and_comes_back(self, child: Stub, window: Window) -> None:
        """Minimised, it gives no picture but a notice; shown again, pictures go on."""
        share(child, "window")
        window.fill(0x20C020)
        seen(child, 0x20C020, 300, 200)
        window.unmap()
        wait_until(lambda: [fault.code for fault in child.faults] == ["target_hidden"], 10)
        window.map()
        window.fill(0xC02020)
        seen(child, 0xC02020, 300, 200)

    def test_a_closed_window_is_told(self, child: Stub, window: Window) -> None:
        """The customer reads that it is gone instead of looking at a picture that stands."""
        share(child, "window")
        window.fill(0x20C020)
        seen(child, 0x20C020, 300, 200)
        window.destroy()
        wait_until(lambda: child.faults and child.faults[-1].code == "target_gone", 10)

    def test_the_agent_sees_what_qt_captured(self, child: Stub, window: Window) -> None:
        """Qt's FFmpeg and ours live side by side in one process: capture, encode, decode, show."""
        agent = _ours.start("agent", {"DISPLAY": ""}, {"loopback": 1})
        try:
            share(child, "screen")
            agent.link.send(View(WIDTH, HEIGHT))
            _ours.connect(child, agent)
            child.link.send(Grants(1, ["view"]))
            child.want(Ack)
            window.fill(0x3060C0)
            seen(agent, 0x3060C0, 150, 100)
            assert not loads_qt(agent)
        finally:
            agent.drop()


def shown_outside(child: Stub, window: Window) -> int:
    """A pixel of the desktop beside the window."""
    window.fill(0xF0A041)
    return int(shown(child)[10, 10])


@x11
@needs_xvfb
def test_a_child_without_it_never_loads_qt(display: str, window: Window) -> None:
    """The usual source on X11 costs no Qt."""
    with customer_child({"DISPLAY": display, "DESKSIDE_CAPTURE": ""}) as child:
        share(child, "screen")
        window.fill(0x40A0F0)
        seen(child, 0x40A0F0, 150, 100)
        assert not loads_qt(child)


@x11
@needs_xvfb
def test_qt_steps_in_where_the_usual_source_does_not_load(display: str, window: Window, tmp_path: Path) -> None:
    """A computer on which mss is broken shares its screen all the same."""
    (tmp_path / "mss.py").write_text("raise ImportError('broken')\n", "utf-8")
    env = {"DISPLAY": display, "DESKSIDE_CAPTURE": "", "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    with customer_child(env) as child:
        share(child, "screen")
        window.fill(0x40A0F0)
        seen(child, 0x40A0F0, 150, 100)
        assert loads_qt(child)


def test_without_a_display_qt_is_not_even_tried() -> None:
    """The reason is named, and the child lives on: Qt would have ended it."""
    with customer_child({"DISPLAY": ":65533", "DESKSIDE_CAPTURE": "qt"}) as child:
        child.link.send(ListTargets(1))
        wait_until(lambda: child.faults, 10)
        assert child.faults[0].code == "no_display"
        assert child.end().frames_sent == 0


_DRIVER = """
import json, os, sys, threading, time
from app.domain.capture import CaptureError
from app.entry.session import _beside_main_thread
from app.entry.session_sources import Sources

def threads():
    return len(os.listdir("/proc/self/task"))

def say(**values):
    print(json.dumps(values), flush=True)
    os._exit(0)

def body(lend):
    source = None
    try:
{body}
    except CaptureError as error:
        say(code=error.code, text=str(error))

_beside_main_thread(body)
"""


def drive(display: str, body: str) -> dict[str, Any]:
    """Run lines with `lend` in a process like a session child's and return what they said."""
    code = _DRIVER.replace("{body}", "\n".join(" " * 8 + line for line in body.strip().splitlines()))
    env = {"DISPLAY": display, "DESKSIDE_CAPTURE": "qt", "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, timeout=60)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer | {"stderr": done.stderr}


@x11
@needs_xvfb
class TestQtInOneProcess:
    """What only shows inside of the process that captures."""

    def test_stop_leaves_no_thread_and_calls_nobody(self, display: str) -> None:
        """A session with many changes of target does not grow; nothing is said on the way."""
        answer = drive(
            display,
            """
source = Sources(lend)(None, lambda _s: True)
frames = []
def sink(frame):
    frames.append(len(frame.buffer)); frame.release()
counts = []
for _ in range(4):
    target = source.targets()[0]
    began = len(frames)
    source.start(target, sink, 30)
    deadline = time.monotonic() + 20
    while len(frames) < began + 3 and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    source.stop()
    source.stop()
    stood = len(frames)
    while counts and threads() > counts[0] and time.monotonic() < deadline:
        threading.Event().wait(0.01)  # the system forgets a joined thread a moment later
    counts.append(threads())
threading.Event().wait(0.2)
say(counts=counts, frames=len(frames), late=len(frames) - stood, size=frames[0])
""",
        )
        assert answer["frames"] >= 12
        assert answer["late"] == 0
        assert answer["size"] == WIDTH * HEIGHT * 4
        assert max(answer["counts"]) == answer["counts"][0], answer["counts"]
        assert answer["stderr"] == ""

    def test_nothing_is_handed_over_while_the_encoder_is_busy(self, display: str) -> None:
        """A picture that nobody would take is not even read."""
        answer = drive(
            display,
            """
asked = []
source = Sources(lend)(None, lambda seconds: asked.append(seconds) or len(asked) > 10)
got = threading.Event()
early = []
def sink(frame):
    early.append(len(asked)); frame.release(); got.set()
source.start(source.targets()[0], sink, 60)
got.wait(20)
source.stop()
say(first=early[0], waited=max(asked))
""",
        )
        assert answer["first"] == 11
        assert answer["waited"] == 0

    def test_without_a_back_end_the_reason_is_clear(self, display: str) -> None:
        """Qt without its FFmpeg plugin starts nothing and says so, instead of a picture that never comes."""
        answer = drive(
            display,
            """
source = Sources(lend)(None, lambda _s: True)
target = source.targets()[0]
from PySide6.QtCore import QCoreApplication
source._qt.call(lambda: QCoreApplication.setLibraryPaths([]))
source.start(target, lambda frame: None, 30)
say(code="started")
""",
        )
        assert answer["code"] == "capture_failed"

    def test_a_program_built_without_it_says_so(self, display: str) -> None:
        """The frozen program leaves QtMultimedia out."""
        answer = drive(
            display,
            """
sys.modules["PySide6.QtMultimedia"] = None
Sources(lend)(None, lambda _s: True)
say(code="made")
""",
        )
        assert answer["code"] == "capture_failed"
        assert "without Qt's capture" in answer["text"]
        assert "without Qt's capture" in answer["stderr"]


class Scripted:
    """A source that starts, or refuses with a code."""

    failed = ""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.started = False

    def targets(self) -> Sequence[Target]:
        return (SCREEN,)

    def start(self, target: Target, sink: Callable[[RawFrame], None], fps_max: int) -> None:
        if self.refuses:
            raise CaptureError(self.refuses)
        self.started = True

    def geometry(self) -> Rect:
        return SCREEN.rect

    def cursor(self) -> CursorState | None:
        return None

    def wait_cursor(self, timeout_s: float) -> bool:
        return False

    def looked(self) -> None:
        pass

    def stop(self) -> None:
        self.started = False


SCREEN = Target("screen:0", TargetKind.SCREEN, "", Rect(0, 0, 1, 1))


def never() -> FrameSource:
    raise AssertionError("not to be made")


def test_the_second_source_is_for_what_the_first_cannot_capture() -> None:
    """It is made only when needed, and it takes over the same target."""
    first, second = Scripted("capture_failed"), Scripted()
    source = FirstThatStarts(lambda: first, lambda: second)
    source.start(source.targets()[0], lambda _frame: None, 30)
    assert second.started
    source.stop()
    assert [first.started, second.started] == [False, False]
    working = Scripted()
    FirstThatStarts(lambda: working, never).start(SCREEN, lambda _frame: None, 30)
    assert working.started


@pytest.mark.parametrize("code", ["no_display", "target_gone", "target_hidden"])
def test_another_source_does_not_help_where_there_is_nothing_to_capture(code: str) -> None:
    """No display and a closed window are told at once."""
    with pytest.raises(CaptureError) as error:
        FirstThatStarts(lambda: Scripted(code), never).start(SCREEN, lambda _frame: None, 30)
    assert error.value.code == code


def test_when_neither_starts_both_reasons_are_told() -> None:
    """Support reads why the first did not start, not only the second."""

    def second() -> FrameSource:
        raise CaptureError("capture_failed", "no back end")

    with pytest.raises(CaptureError, match=r"capture_failed.*no back end"):
        FirstThatStarts(lambda: Scripted("capture_failed"), second).start(SCREEN, lambda _frame: None, 30)
