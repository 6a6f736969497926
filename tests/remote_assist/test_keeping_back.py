# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer keeps back never gets as far as the encoder, whatever windows do meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from av import CodecContext, Packet, VideoFrame
from Xlib import X
from Xlib.display import Display

from app.domain.capture import CaptureError, Rect, Target, TargetKind
from app.domain.masking import MaskRule
from remote_assist import messages as wire
from remote_assist.child_protocol import FromChild, Grants, Masks, Send
from remote_assist.encoder import X264
from remote_assist.masks import MASK_BGRX
from remote_assist.shield import Shield, Watch
from remote_assist.shm import FrameInfo
from remote_assist.sights import Cover
from remote_assist.x11_watch import WindowWatch
from tests.bench import _ours
from tests.fakes import xvfb
from tests.fakes.wait import wait_until
from tests.remote_assist.capture_line import Line, grab_once, resize
from tests.remote_assist.secret_window import HIGH, WIDE, Pixels, SecretWindow, jumping, secret_pixels

pytestmark = [
    pytest.mark.x11,
    pytest.mark.skipif(not xvfb.available(), reason="Xvfb is not installed"),
]
HIDE = (MaskRule("bank"),)
PAUSE = (MaskRule("bank", pause=True),)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with xvfb.own_display(WIDE, HIGH) as name:
        yield name


@pytest.fixture
def secret(display: str) -> Iterator[SecretWindow]:
    window = SecretWindow(display)
    yield window
    window.close()


@pytest.fixture
def line(display: str) -> Iterator[Line]:
    line = Line(display)
    yield line
    line.close()


def test_the_pattern_is_seen_without_a_rule(line: Line, secret: SecretWindow) -> None:
    """The test would notice a leak."""
    secret.show()
    line.share(TargetKind.SCREEN)
    wait_until(lambda: secret_pixels(line.newest()) >= 160 * 100)


@pytest.mark.ux("UX-41")
def test_no_pixel_of_a_moving_window_gets_to_the_encoder(line: Line, secret: SecretWindow) -> None:
    """Dozens of pictures while it leaps about, comes, goes and changes its name: not one pixel in any."""
    line.shield.hide(HIDE, [])
    secret.show()
    line.share(TargetKind.SCREEN)
    with jumping(secret):
        wait_until(lambda: len(line.pictures) >= 15, 30)
        secret.hide()
        secret.rename("Notes of the bank")
        secret.show()
        wait_until(lambda: len(line.pictures) >= 30, 30)
    assert [n for n, picture in enumerate(line.pictures) if secret_pixels(picture.rows)] == []
    assert any((picture.rows == MASK_BGRX).any() for picture in line.pictures)
    said = line.said()
    assert said is not None
    assert said.hits == 1


def test_a_window_that_takes_the_word_into_its_title_is_hidden_from_then_on(line: Line, secret: SecretWindow) -> None:
    """Pages get their titles late."""
    secret.rename("New tab")
    line.shield.hide(HIDE, [])
    secret.show()
    line.share(TargetKind.SCREEN)
    wait_until(lambda: secret_pixels(line.newest()))
    secret.rename("Online Banking")
    secret.redraw()
    wait_until(lambda: not secret_pixels(line.newest()))
    count = len(line.pictures)
    with jumping(secret):
        wait_until(lambda: len(line.pictures) >= count + 8, 30)
    assert not any(secret_pixels(picture.rows) for picture in line.pictures[count:])


@pytest.mark.parametrize("size", [(160, 101), (161, 100), (161, 101)])
def test_of_a_shared_window_of_an_odd_size_that_a_rule_hides_nothing_shows(
    line: Line, secret: SecretWindow, size: tuple[int, int]
) -> None:
    """Neither in what the encoder gets nor in what an agent decodes from it."""
    secret.window.configure(width=size[0], height=size[1])
    secret.show()
    line.shield.hide(HIDE, [])
    line.share(TargetKind.WINDOW)
    rows = line.newest()
    assert rows.shape == (size[1] + size[1] % 2, size[0] + size[0] % 2)
    assert (rows == MASK_BGRX).all()
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(rows).view(np.uint8).reshape(*rows.shape, 4), format="bgra")
    encoder = X264(rows.shape[1], rows.shape[0], 24, "ultrafast")
    data = encoder.encode(frame.reformat(format="yuv420p"), 0, keyframe=True)
    decoder = CodecContext.create("h264", "r")
    (shown,) = [*decoder.decode(Packet(data)), *decoder.decode(None)]
    for part in (shown.to_ndarray()[: rows.shape[0]], shown.to_ndarray()[rows.shape[0] :]):
        assert int(part.max()) - int(part.min()) <= 4  # brightness, then both colours: one flat grey


def test_on_a_screen_of_an_odd_size_a_hidden_window_in_the_corner_is_hidden_to_the_last_pixel() -> None:
    """The row and the column that are added for the encoder repeat what is painted."""
    with xvfb.own_display(401, 301) as name:
        window, line = SecretWindow(name), Line(name)
        try:
            window.place(301, 251)
            window.show()
            line.shield.hide(HIDE, [])
            line.share(TargetKind.SCREEN)
            assert line.newest().shape == (302, 402)
            assert secret_pixels(line.newest()) == 0
        finally:
            line.close()
            window.close()


def test_a_menu_of_a_hidden_window_is_hidden_with_it(line: Line, secret: SecretWindow) -> None:
    """It has no title, but says whose it is."""
    menu = SecretWindow(secret.display.get_display_name(), "", (60, 80))
    try:
        menu.window.set_wm_transient_for(secret.window)
        menu.place(400, 300)
        line.shield.hide(HIDE, [])
        secret.show()
        menu.show()
        line.share(TargetKind.SCREEN)
        assert not secret_pixels(line.newest())
    finally:
        menu.close()


def test_a_rule_that_comes_where_windows_cannot_be_followed_lets_no_picture_pass() -> None:
    """It is told, and tried again with the next one; before there was a rule nothing was in the way."""
    told: list[FromChild] = []
    watches: list[Watch] = []

    def watch() -> Watch:
        if not watches:
            raise CaptureError("no_display")
        return watches[0]

    shield = Shield(watch, told.append)
    shield.aim(Target("screen:x", TargetKind.SCREEN, "x", Rect(0, 0, 100, 100)), lambda: Rect(0, 0, 100, 100))
    assert shield.cover() == Cover()
    with pytest.raises(CaptureError):
        shield.hide(HIDE, [])
    assert shield.cover() is None
    with xvfb.own_display(100, 100) as name:
        watches.append(WindowWatch(name))
        shield.hide(HIDE, [])
        wait_until(lambda: shield.cover() == Cover())
        shield.stop()


def test_a_banking_window_stops_the_whole_picture_until_it_is_gone(line: Line, secret: SecretWindow) -> None:
    """Not only its own place: nothing is shown, and the other parts of the program are told why."""
    line.shield.hide(PAUSE, [])
    line.share(TargetKind.SCREEN)
    wait_until(lambda: not (line.newest() == MASK_BGRX).all())
    count = len(line.pictures)
    secret.show()
    wait_until(lambda: (line.newest() == MASK_BGRX).all())
    assert not any(secret_pixels(picture.rows) for picture in line.pictures[count:])
    wait_until(lambda: (said := line.said()) is not None and said.hold == "rule")
    secret.hide()
    wait_until(lambda: (said := line.said()) is not None and not said.hold)
    wait_until(lambda: not (line.newest() == MASK_BGRX).all())


def test_a_shared_window_that_falls_under_a_rule_shows_nothing(line: Line, secret: SecretWindow) -> None:
    """Also when only its title has changed."""
    secret.rename("Printer settings")
    secret.show()
    line.shield.hide(HIDE, [])
    line.share(TargetKind.WINDOW)
    wait_until(lambda: secret_pixels(line.newest()))
    secret.rename("My bank")
    secret.redraw()
    wait_until(lambda: (line.newest() == MASK_BGRX).all())


def test_a_region_of_a_window_goes_with_it_and_shows_nothing_beside_it(line: Line, secret: SecretWindow) -> None:
    """Wherever the window is, the region shows its own part of it; what the window no longer has is grey."""
    secret.rename("Printer settings")
    secret.show()
    line.share(TargetKind.WINDOW, (120, 40, 80, 80))
    wait_until(lambda: secret_pixels(line.newest()))
    with jumping(secret):
        secret.redraw()
    for picture in line.pictures:
        assert picture.rows.shape == (80, 80)
        assert (picture.rows[:60, :40] & 0xFFFFFF == 0xFF00FF).all()
        assert (picture.rows[60:] == MASK_BGRX).all()
        assert (picture.rows[:, 40:] == MASK_BGRX).all()


def test_the_screen_saver_covers_everything(line: Line, display: str) -> None:
    """Whether or not it locks: nobody sits there."""
    line.share(TargetKind.SCREEN)
    wait_until(lambda: line.pictures)
    control = Display(display)
    try:
        control.force_screen_saver(X.ScreenSaverActive)
        control.sync()
        wait_until(lambda: (said := line.said()) is not None and said.hold == "locked")
        control.force_screen_saver(X.ScreenSaverReset)
        control.sync()
        wait_until(lambda: (said := line.said()) is not None and not said.hold)
    finally:
        control.close()


def test_a_server_that_answers_late_lets_no_picture_pass(
    line: Line, secret: SecretWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows where the window was then."""
    monkeypatch.setattr("remote_assist.x11_watch.STALE_US", -1)
    line.shield.hide(HIDE, [])
    secret.show()
    line.share(TargetKind.SCREEN)
    wait_until(lambda: line.pipeline.frames_withheld)
    assert line.pictures == []


@pytest.mark.ux("UX-41")
def test_no_pixel_of_a_moving_window_gets_to_the_agents_window(display: str, secret: SecretWindow) -> None:
    """Over two real children: decoded pictures and exact tiles in the agent's memory, and the customer's preview."""
    env = {"DISPLAY": display}
    customer, agent = _ours.start("customer", env, {"loopback": 1}), _ours.start("agent", env, {"loopback": 1})
    try:
        customer.link.send(Masks(1, [(0, 0, 40, 40)], list(HIDE)))
        secret.show()
        _ours.share(customer, "screen")
        _ours.show(agent)
        _ours.connect(customer, agent)
        agent.link.send(Send("ctl", wire.encode(wire.Hello(1, 0, ["tile"]))))
        customer.link.send(Grants(2, ["view"]))
        with jumping(secret):
            for _picture in range(8):
                agent.want_frame()
                assert secret_pixels(_pixels(agent)) == 0
        agent.stats = {}
        wait_until(lambda: agent.stats.get("tiles_exact", 0) > 0, 30)
        assert secret_pixels(_pixels(agent)) == 0
    finally:
        customer.drop()
        agent.drop()


def _pixels(stub: _ours.Stub) -> Pixels:
    def copy(info: FrameInfo, rows: memoryview) -> Pixels:
        return np.frombuffer(bytes(rows), np.uint32).reshape(info.height, info.stride // 4)

    found = stub.link.frames.read(copy)
    assert found is not None
    return found[1]


class TestResolution:
    """A display of its own, because its screen changes."""

    @pytest.fixture
    def line(self) -> Iterator[Line]:
        with xvfb.own_display(WIDE, HIGH) as name:
            line = Line(name)
            yield line
            line.close()

    def test_a_whole_screen_is_shown_in_its_new_size_and_with_masks_only_after_a_look(self, line: Line) -> None:
        """What was drawn lies elsewhere now: nothing passes until the masks are told anew."""
        line.share(TargetKind.SCREEN)
        wait_until(lambda: line.newest().shape == (HIGH, WIDE))
        resize(line.display, 640, 480)
        wait_until(lambda: line.newest().shape == (480, 640))
        assert line.pipeline.fault == ""
        line.pipeline.set_masks([(0, 0, 100, 100)])
        wait_until(lambda: (line.newest()[:100, :100] == MASK_BGRX).all())
        grab_once(line)
        before = len(line.pictures)
        resize(line.display, WIDE, HIGH)
        wait_until(lambda: line.newest().shape == (HIGH, WIDE))
        assert line.pipeline.fault == "target_changed"
        assert all((seen.rows == MASK_BGRX).all() for seen in line.pictures[before:] if len(seen.rows) == HIGH)
        line.pipeline.set_masks([(0, 0, 100, 100), (300, 0, 50, 50)])  # one of the program's own windows has moved
        grab_once(line)
        assert all((seen.rows == MASK_BGRX).all() for seen in line.pictures[before:] if len(seen.rows) == HIGH)
        line.pipeline.set_masks([(0, 0, 100, 100)], looked=True)
        grab_once(line)
        wait_until(lambda: line.newest().shape == (HIGH, WIDE) and not (line.newest() == MASK_BGRX).all())

    def test_a_region_of_a_screen_that_changes_is_over(self, line: Line) -> None:
        """It is not moved to whatever lies there now."""
        line.share(TargetKind.SCREEN, (600, 400, 100, 100))
        wait_until(lambda: line.pictures)
        count = len(line.pictures)
        resize(line.display, 640, 480)
        wait_until(lambda: line.pipeline.fault == "target_gone")
        assert len(line.pictures) == count
