# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer keeps back never gets as far as the encoder, whatever windows do meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from Xlib import X
from Xlib.display import Display

from app.domain.capture import Target, TargetKind
from app.domain.masking import MaskRule
from remote_assist.capture_mss import MssSource
from remote_assist.child_protocol import Covered, FromChild
from remote_assist.masks import MASK_BGRX
from remote_assist.sending import Gate, Mailbox, Picture, Pipeline
from remote_assist.shield import Shield
from remote_assist.x11_watch import WindowWatch
from tests.fakes import xvfb
from tests.fakes.wait import wait_until
from tests.remote_assist.secret_window import HIGH, WIDE, SecretWindow, jumping, secret_pixels

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


class Line:
    """Source, shield and pipeline as a customer's child joins them. What the encoder would take is in `pictures`."""

    def __init__(self, display: str) -> None:
        self.gate, mailbox = Gate(), Mailbox()
        self.gate.set(granted=True, connected=True)
        self.told: list[FromChild] = []
        self.pictures: list[Picture] = []
        self.shield = Shield(lambda: WindowWatch(display), self.told.append)
        self.pipeline = Pipeline(mailbox, self.gate, self.pictures.append, self.shield.cover)
        self.source = MssSource(lambda _s: True, display)

    def share(self, kind: TargetKind, region: tuple[int, int, int, int] | None = None) -> Target:
        target = next(found for found in self.source.targets() if found.kind is kind)
        self.shield.aim(target, self.source.geometry)
        self.pipeline.begin(region, fixed=kind is TargetKind.SCREEN)
        self.source.start(target, self.pipeline.sink, 60)
        return target

    def newest(self) -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
        wait_until(lambda: self.pictures)
        return self.pictures[-1].rows

    def said(self) -> Covered | None:
        return next((told for told in reversed(self.told) if isinstance(told, Covered)), None)

    def close(self) -> None:
        self.source.stop()
        self.shield.stop()


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
        wait_until(lambda: len(line.pictures) >= 25, 30)
        secret.hide()
        secret.rename("Notes of the bank")
        secret.show()
        wait_until(lambda: len(line.pictures) >= 50, 30)
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
