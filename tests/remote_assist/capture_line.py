# SPDX-License-Identifier: GPL-3.0-or-later
"""Source, shield and pipeline over a real X server, without child and connection: what the encoder would take."""

from __future__ import annotations

import numpy as np
from Xlib.display import Display

from app.domain.capture import Target, TargetKind
from remote_assist.capture_mss import MssSource
from remote_assist.child_protocol import Covered, FromChild
from remote_assist.sending import Gate, Mailbox, Picture, Pipeline
from remote_assist.shield import Shield
from remote_assist.x11_watch import WindowWatch
from tests.fakes.wait import wait_until
from tests.remote_assist.secret_window import GROUND, HIGH, WIDE


class Line:
    """Source, shield and pipeline as a customer's child joins them. What the encoder would take is in `pictures`."""

    def __init__(self, display: str) -> None:
        self.display = display
        self.gate, mailbox = Gate(), Mailbox()
        self.gate.set(granted=True, connected=True)
        self.told: list[FromChild] = []
        self.pictures: list[Picture] = []
        self.shield = Shield(lambda: WindowWatch(display), self.told.append)
        self.pipeline = Pipeline(mailbox, self.gate, self.pictures.append, self.shield.cover)
        self.source = MssSource(lambda _s: True, display)

    def share(
        self,
        kind: TargetKind,
        region: tuple[int, int, int, int] | None = None,
        *,
        id_: str = "",
        size: tuple[int, int] | None = None,
    ) -> Target:
        """Begin with the first target of a kind, or with the one of this id."""
        target = next(found for found in self.source.targets() if found.kind is kind and id_ in ("", found.id))
        self.shield.aim(target, self.source.geometry)
        self.pipeline.begin(region, fixed=kind is TargetKind.SCREEN, size=size)
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


def grab_once(line: Line) -> None:
    """Have something drawn, so that the source looks again at once."""
    count, display = line.pipeline.frames_captured, Display(line.display)
    root = display.screen().root
    root.fill_rectangle(root.create_gc(foreground=GROUND), 300, 300, 50, 50)
    display.sync()
    display.close()
    wait_until(lambda: line.pipeline.frames_captured > count)


def resize(name: str, width: int, height: int) -> None:
    """Give the only screen of a display another mode, as its settings would."""
    display = Display(name)
    try:
        root = display.screen().root
        found = root.xrandr_get_screen_resources()
        output, crtc = found.outputs[0], found.crtcs[0]
        known = {(mode.width, mode.height): mode.id for mode in found.modes}
        mode = known.get((width, height))
        if mode is None:
            timing = (0, width, height, 0, 0, 0, 0, 0, 0, 0, 0, len(f"{width}x{height}"), 0)
            mode = root.xrandr_create_mode(timing, f"{width}x{height}").mode
            display.xrandr_add_output_mode(output, mode)
        now = found.config_timestamp
        root.xrandr_set_screen_size(max(width, WIDE), max(height, HIGH), 200, 150)
        display.xrandr_set_crtc_config(crtc, now, 0, 0, mode, 1, [output])
        root.xrandr_set_screen_size(width, height, 200, 150)
        display.sync()
    finally:
        display.close()
