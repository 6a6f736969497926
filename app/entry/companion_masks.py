# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer keeps back, at the customer's computer: the windows for it, and rules that stay for next time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QWidget

from app.domain.assist import Phase, TargetChoice
from app.domain.masking import DEFAULT_RULES, Box, MaskRule, clean_rules
from remote_assist import actions as act
from remote_assist.customer_end import CustomerEnd
from widgets.companion.bar import SharingBar
from widgets.companion.masks import MaskWindow, RegionWindow
from widgets.companion.request import RequestWindow
from widgets.companion.targets import region_title
from widgets.companion.texts import target_title
from widgets.foundation import Theme

__all__ = ["Keeping", "RulesPlace", "can_follow_windows", "read_rules", "write_rules"]

_START: Final = DEFAULT_RULES
_SEEN_MS: Final = 600


def read_rules(text: str | None) -> tuple[MaskRule, ...]:
    """Return the rules as they were kept; those of the beginning when there are none yet or nobody can read them."""
    if text is None:
        return _START
    try:
        return clean_rules(msgspec.json.decode(text, type=list[MaskRule]))
    except (msgspec.DecodeError, msgspec.ValidationError):
        return _START


def write_rules(rules: Sequence[MaskRule]) -> str:
    """Return them as they are kept."""
    return msgspec.json.encode(list(rules)).decode()


def can_follow_windows() -> bool:
    """Tell whether programs can see here where other windows are."""
    wayland = os.environ.get("XDG_SESSION_TYPE") == "wayland" and bool(os.environ.get("WAYLAND_DISPLAY"))
    return QGuiApplication.platformName() == "xcb" and not wayland


@dataclass(frozen=True, slots=True)
class RulesPlace:
    """Where the customer's own rules stay, and what stands beside them."""

    load: Callable[[], tuple[MaskRule, ...]] = lambda: _START
    keep: Callable[[tuple[MaskRule, ...]], None] = lambda _rules: None
    fixed: tuple[MaskRule, ...] = ()  # those of policy, which the customer's end adds by itself


class Keeping(QObject):
    """The windows of one session. GUI thread; `perform` carries out what the customer's end answers."""

    def __init__(
        self,
        theme: Theme,
        end: CustomerEnd,
        perform: Callable[[list[act.Action]], None],
        place: RulesPlace,
        choose: Callable[[str, str, Box | None], None],
        cover: Callable[[], None],
        parent: QObject,
    ) -> None:
        """`choose` shares a target or region; `cover` hides a new window of the program before it shows."""
        super().__init__(parent)
        self._theme, self._end, self._perform, self._place = theme, end, perform, place
        self._choose, self._cover = choose, cover
        self._follow = can_follow_windows()
        self._image: QImage | None = None
        self._kept = act.KeptBack(0, "")
        self._next: Callable[[], None] | None = None
        self.target: TargetChoice | None = None
        self.region: Box | None = None
        self.request: RequestWindow | None = None
        self.bar: SharingBar | None = None
        self.masks: MaskWindow | None = None
        self.drawing: RegionWindow | None = None

    # --- what is shared --------------------------------------------------------------------------------------------

    def begin(self, request: RequestWindow) -> None:
        """The request is open: rules count from its first picture on."""
        self.request = request
        request.region_wanted.connect(self._draw_region)
        request.masks_wanted.connect(self.open_masks)
        if self._follow:
            self._perform(self._end.set_rules(self._place.load()))

    def chosen(self, target: TargetChoice | None, region: Box | None = None) -> TargetChoice | None:
        """Another target, or part of one; returns it with the place that is really shared."""
        if target is None or self.target is None or target.id != self.target.id:
            self._drop_windows()
        self.target, self.region, self._image = target, region, None
        if target is None or region is None:
            return target
        return replace(target, rect=(target.rect[0] + region[0], target.rect[1] + region[1], *region[2:]))

    def in_picture(self, boxes: Sequence[Box]) -> tuple[list[Box], tuple[int, int]]:
        """Return rectangles of the target as they lie in the picture that is shared, and the size of that."""
        left, top = self.region[:2] if self.region is not None else (0, 0)
        size = self.region[2:] if self.region is not None else self.target.rect[2:] if self.target else (1, 1)
        return [(x - left, y - top, w, h) for x, y, w, h in boxes], size

    @property
    def title(self) -> str:
        """What is shared, for people."""
        title = target_title(self.target) if self.target is not None else ""
        return region_title(title) if self.region is not None else title

    @property
    def windows(self) -> tuple[QWidget, ...]:
        """Windows that nobody else may see, before they show and while they do."""
        return tuple(window for window in (self.masks, self.drawing) if window is not None)

    def ids(self, windows: Iterable[QWidget | None]) -> list[int]:
        """Return the system's ids of windows that show, where it can follow them."""
        return [int(window.winId()) for window in windows if window is not None and window.isVisible() and self._follow]

    # --- hiding ----------------------------------------------------------------------------------------------------

    def open_masks(self) -> None:
        """Open the window in which parts and windows are hidden."""
        if self.masks is not None:
            self.masks.raise_()
            self.masks.activateWindow()
            return
        if self.target is not None:
            self._when_seen(self._show_masks)
            self._perform(self._end.show_preview(True))

    def _show_masks(self) -> None:
        window = MaskWindow(
            self._theme, self._end.masks.drawn, self._place.load(), can_follow=self._follow, fixed=self._place.fixed
        )
        self.masks = window
        window.masks_changed.connect(lambda masks: self._perform(self._end.set_masks(masks)))
        window.rules_changed.connect(self._keep_rules)
        window.closed.connect(self._masks_closed)
        self._open(window)

    def _keep_rules(self, rules: tuple[MaskRule, ...]) -> None:
        self._place.keep(rules)
        self._perform(self._end.set_rules(rules))

    def _masks_closed(self) -> None:
        window, self.masks = self.masks, None
        if window is not None:
            window.deleteLater()
            self._perform(self._end.show_preview(False))
            self._cover()

    # --- a region --------------------------------------------------------------------------------------------------

    def _draw_region(self, target_id: str, kind: str) -> None:
        if self.drawing is not None:
            self.drawing.close()
        request = self.request
        if request is None:
            return
        self._choose(target_id, kind, None)
        self._when_seen(self._show_region)

    def _show_region(self) -> None:
        if self.request is None:
            return
        window = RegionWindow(self._theme)
        self.drawing = window
        window.picked.connect(self._use_region)
        window.closed.connect(self._region_closed)
        self._open(window)

    def _use_region(self, region: Box) -> None:
        target, request = self.target, self.request
        if target is None or request is None or not (self._end.view.phase is Phase.PROMPTED or self._end.view.live):
            return
        request.use_region(region)
        self._choose(target.id, "region", region)

    def _region_closed(self) -> None:
        window, self.drawing = self.drawing, None
        if window is not None:
            window.deleteLater()
            self._cover()
            if self.request is not None:
                self.request.activateWindow()

    # --- what comes ------------------------------------------------------------------------------------------------

    def picture(self, image: QImage | None) -> None:
        """A newer picture of what is shared."""
        frozen = self.windows and self.target is not None and self.target.kind == "screen"
        if image is None or frozen:  # a window over the screen would hide what is to be chosen
            return
        self._image = image
        if self._next is not None:
            self._seen()
        for window in (self.masks, self.drawing):
            if window is not None:
                self._feed(window)

    def _when_seen(self, go: Callable[[], None]) -> None:
        """Do this with the next picture, or soon without one."""
        self._next = go
        QTimer.singleShot(_SEEN_MS, self, self._seen)

    def _seen(self) -> None:
        go, self._next = self._next, None
        if go is not None and self.target is not None:
            go()

    def _open(self, window: MaskWindow | RegionWindow) -> None:
        """Hide it from others before it shows."""
        self._feed(window)
        window.move(QGuiApplication.primaryScreen().availableGeometry().center() - window.rect().center())
        self._cover()
        window.show()
        window.activateWindow()

    def _feed(self, window: MaskWindow | RegionWindow) -> None:
        if self._image is not None:
            window.picture.show_picture(self._image, self.region[:2] if self.region is not None else (0, 0))

    def show(self, action: act.Action) -> bool:
        """Say how much is hidden, and why nothing shows; False when the action is about something else."""
        if not isinstance(action, act.KeptBack):
            return False
        self._kept = action
        self.tell()
        if self.masks is not None:
            self.masks.show_masks(self._end.masks.drawn)
        return True

    def tell(self) -> None:
        """Bring request and bar up to date."""
        if self.request is not None:
            self.request.show_kept(self._kept.count, self._kept.why)
        if self.bar is not None:
            self.bar.show_kept(self._kept.count, self._kept.why)

    def attach(self, bar: SharingBar) -> None:
        """The bar is there."""
        self.bar = bar
        bar.masks_wanted.connect(self.open_masks)
        self.tell()

    def request_gone(self) -> None:
        """It was answered."""
        self.request = None
        self._drop_windows()

    def _drop_windows(self) -> None:
        self._next = None
        for window in (self.masks, self.drawing):
            if window is not None:
                window.close()

    def end(self) -> None:
        """Take everything away."""
        self._drop_windows()
        self.request = self.bar = None
