# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import select
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from Xlib.display import Display

from app.domain.capture import CaptureError, FrameSource, RawFrame, Rect, Target, TargetKind
from remote_assist import capture_mss
from remote_assist.capture_drawn import DrawnSource, read_counter
from remote_assist.capture_mss import _STILL_S, MssSource, _Stop, _Waker
from tests.fakes import xvfb
from tests.fakes.wait import wait_until


class Sink:
    """Keeps the pictures of a source as arrays."""

    def __init__(self) -> None:
        self.frames: list[np.ndarray[tuple[int, int], np.dtype[np.uint32]]] = []
        self.times: list[int] = []
        self.lock = threading.Lock()

    def __call__(self, frame: RawFrame) -> None:
        rows = np.frombuffer(frame.buffer, np.uint32).reshape(frame.height, frame.stride // 4)[:, : frame.width]
        with self.lock:
            self.frames.append(np.bitwise_and(rows, np.uint32(0xFFFFFF)))
            self.times.append(frame.captured_us)
        frame.release()


@contextlib.contextmanager
def running(source: FrameSource, target: Target, fps: int = 30) -> Iterator[Sink]:
    sink = Sink()
    source.start(target, sink, fps)
    try:
        yield sink
    finally:
        source.stop()


def test_the_drawn_picture_moves_and_counts_itself() -> None:
    """Without a display there is a picture whose counter can be read back."""
    source = DrawnSource(fps=60)
    target = source.targets()[0]
    assert target.kind is TargetKind.DRAWN
    with running(source, target, 60) as sink:
        wait_until(lambda: len(sink.frames) >= 4)
    counts = [read_counter(rows) for rows in sink.frames]
    assert counts == list(range(1, len(counts) + 1))


def test_a_stopped_source_calls_nobody() -> None:
    """After stop returned, no picture comes; stopping twice is fine."""
    source = DrawnSource(fps=60)
    with running(source, source.targets()[0], 60) as sink:
        wait_until(lambda: sink.frames)
    count = len(sink.frames)
    source.stop()
    assert len(sink.frames) == count


def test_a_target_that_is_not_there_is_refused() -> None:
    """The source says so instead of showing something else."""
    with pytest.raises(CaptureError):
        DrawnSource().start(Target("screen:9", TargetKind.SCREEN, "", Rect(0, 0, 1, 1)), Sink(), 30)


def test_without_a_display_there_is_no_screen_to_share() -> None:
    """The error names the reason."""
    with pytest.raises(CaptureError) as error:
        MssSource(lambda _s: True, ":65533").targets()
    assert error.value.code == "no_display"


class Screen:
    """A display with one titled window that can be drawn on."""

    def __init__(self, name: str) -> None:
        self.display = Display(name)
        root = self.display.screen().root
        self.window = root.create_window(100, 60, 200, 120, 0, 24, background_pixel=0x112233, override_redirect=True)
        self.window.set_wm_name("Printer settings")
        self.window.map()
        self.display.sync()

    def fill(self, colour: int) -> None:
        self.window.fill_rectangle(self.window.create_gc(foreground=colour), 0, 0, 200, 120)
        self.display.sync()

    def place(self, x: int, y: int) -> None:
        self.window.configure(x=x, y=y)
        self.display.sync()

    def unmap(self) -> None:
        self.window.unmap()
        self.display.sync()

    def destroy(self) -> None:
        self.window.destroy()
        self.display.sync()


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with xvfb.own_display(640, 480) as name:
        yield name


@pytest.fixture
def screen(display: str) -> Iterator[Screen]:
    screen = Screen(display)
    yield screen
    screen.display.close()


@pytest.fixture
def source(display: str) -> Iterator[MssSource]:
    source = MssSource(lambda _s: True, display)
    yield source
    source.stop()


def pick(source: MssSource, kind: TargetKind) -> Target:
    return next(target for target in source.targets() if target.kind is kind)


@pytest.mark.x11
@pytest.mark.skipif(not xvfb.available(), reason="Xvfb is not installed")
class TestX11:
    """Screens and windows of a real X server."""

    def test_screens_and_titled_windows_are_listed(self, source: MssSource, screen: Screen) -> None:
        """The chooser shows what the customer knows by name."""
        targets = source.targets()
        assert targets[0].kind is TargetKind.SCREEN
        assert targets[0].rect == Rect(0, 0, 640, 480)
        assert [(t.title, t.rect) for t in targets[1:]] == [("Printer settings", Rect(100, 60, 200, 120))]

    def test_a_screen_is_seen_as_it_is(self, source: MssSource, screen: Screen) -> None:
        """Pixels arrive in place and colour."""
        screen.fill(0x40A0F0)
        with running(source, pick(source, TargetKind.SCREEN)) as sink:
            wait_until(lambda: sink.frames)
        assert sink.frames[0].shape == (480, 640)
        assert sink.frames[0][100, 150] == 0x40A0F0
        assert sink.frames[0][10, 10] != 0x40A0F0

    def test_a_change_is_grabbed_when_it_happens(self, source: MssSource, screen: Screen) -> None:
        """A still screen costs about one grab a second; a change wakes the source at once."""
        screen.fill(1)
        with running(source, pick(source, TargetKind.SCREEN)) as sink:
            wait_until(lambda: sink.frames and sink.frames[-1][100, 150] == 1)
            for colour in range(2, 7):
                began = time.perf_counter_ns() // 1000
                screen.fill(colour)
                wait_until(lambda c=colour: sink.frames[-1][100, 150] == c)  # type: ignore[misc]  # a bound default
                assert sink.times[-1] >= began - 50_000
        assert len(sink.frames) < 30

    def test_a_change_in_the_moment_of_arming_is_not_lost(self, display: str, screen: Screen) -> None:
        """The server reports once until it is asked again: that one report wakes the source, it does not wait 1 s."""

        class Meddler(Display):
            meddle = False

            def sync(self) -> None:
                super().sync()
                if self.meddle:
                    screen.fill(0x777777)
                    super().sync()

        meddler = Meddler(display)
        try:
            waker = _Waker(meddler)
            meddler.meddle = True
            waker.rearm()
            began = time.perf_counter()
            stop = _Stop()
            waker.wait(stop)
            stop.close()
            assert time.perf_counter() - began < _STILL_S / 2
        finally:
            meddler.close()

    def test_a_screen_that_reports_nothing_is_looked_at_ever_more_seldom_until_something_changes(
        self, display: str, screen: Screen, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A look at a large screen costs milliseconds; a driver that forgets to report is found out all the same."""
        monkeypatch.setattr(capture_mss, "_STILL_S", 0.01)
        monkeypatch.setattr(capture_mss, "_STILL_MAX_S", 0.04)
        own = Display(display)
        stop = _Stop()
        try:
            waker = _Waker(own)
            waker.rearm()
            found = []
            for _ in range(4):
                waker.wait(stop)
                found.append(waker._still_s)
            assert found == [0.02, 0.04, 0.04, 0.04]
            screen.fill(0x445566)

            def looked_again() -> bool:
                waker.wait(stop)
                return waker._still_s == 0.01

            wait_until(looked_again)
        finally:
            stop.close()
            own.close()

    def test_a_window_is_followed_when_it_moves(self, source: MssSource, screen: Screen) -> None:
        """Only the window's own rectangle is delivered, before and after."""
        screen.fill(0xABCDEF)
        with running(source, pick(source, TargetKind.WINDOW)) as sink:
            wait_until(lambda: sink.frames)
            screen.place(300, 200)
            screen.fill(0x123456)
            wait_until(lambda: sink.frames[-1][60, 100] == 0x123456)
            assert source.geometry() == Rect(300, 200, 200, 120)
        assert all(rows.shape == (120, 200) for rows in sink.frames)

    def test_a_hidden_window_gives_no_pictures_of_what_lies_there_instead(
        self, source: MssSource, screen: Screen
    ) -> None:
        """Nothing is delivered while it is minimised, and the source says why."""
        screen.fill(5)
        with running(source, pick(source, TargetKind.WINDOW)) as sink:
            wait_until(lambda: sink.frames)
            screen.unmap()
            wait_until(lambda: source.failed == "target_hidden")
            count = len(sink.frames)
            wait_until(lambda: source.failed == "target_hidden")
            assert len(sink.frames) == count

    def test_what_covers_a_window_is_not_in_its_picture(self, source: MssSource, screen: Screen) -> None:
        """A message that pops up over a shared window stays private; so does what lies where it is resized to."""
        screen.fill(0x00FF00)
        with running(source, pick(source, TargetKind.WINDOW)) as sink:
            wait_until(lambda: sink.frames and sink.frames[-1][60, 100] == 0x00FF00)
            root = screen.display.screen().root
            over = root.create_window(110, 70, 300, 300, 0, 24, background_pixel=0xFF0000, override_redirect=True)
            over.map()
            screen.window.configure(width=240, height=160)
            screen.display.sync()
            screen.window.fill_rectangle(screen.window.create_gc(foreground=0x0000FF), 0, 0, 240, 160)
            screen.display.sync()
            wait_until(lambda: sink.frames[-1].shape == (160, 240) and sink.frames[-1][80, 120] == 0x0000FF)
            over.destroy()
            screen.display.sync()
        assert not any((rows == 0xFF0000).any() for rows in sink.frames)

    def test_a_closed_window_ends_the_source(self, source: MssSource, screen: Screen) -> None:
        """The source says that its target is gone."""
        with running(source, pick(source, TargetKind.WINDOW)) as sink:
            wait_until(lambda: sink.frames)
            screen.destroy()
            wait_until(lambda: source.failed == "target_gone")


def test_a_capture_that_waits_for_the_screen_hears_stop_without_looking_for_it() -> None:
    """Its wait has no limit of time here; stopping twice, or after the end, is nothing."""
    stop = _Stop()
    waiting = threading.Thread(target=lambda: select.select([stop.fd], [], []), daemon=True)
    waiting.start()
    stop.set()
    waiting.join(30)
    assert not waiting.is_alive()
    assert stop.is_set()
    stop.set()
    stop.close()
    stop.close()
    stop.set()
