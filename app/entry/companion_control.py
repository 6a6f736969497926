# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's mouse and keyboard at the customer's computer: opened for the first deed, closed when it is over or idle.

Deeds come from the customer's end, which has checked them; what only the desktop knows is checked here, at each one.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from remote_assist.control_actions import Inject, LetGo, ShareNow
from remote_assist.input_hands import Backend, Hands, NoInput
from remote_assist.input_pynput import open_input

__all__ = ["ControlDesk"]

_IDLE_MS = 5_000  # so long without a deed and nothing is listened to any more
_WATCH_MS = 100
_PUMP_MS = 10
_log = logging.getLogger(__name__)


class ControlDesk(QObject):
    """One session's hands. `told` gets how much was done after each deed, `failed` that nothing can be done here."""

    def __init__(
        self,
        now_ms: Callable[[], int],
        questions: Callable[[], Iterable[QWidget | None]],
        told: Callable[[Mapping[str, int]], None],
        failed: Callable[[], None],
        parent: QObject,
        *,
        open_desktop: Callable[[], Backend] = open_input,
        kept_out: Callable[[bool], None] = lambda _on: None,
    ) -> None:
        """`questions` returns the windows in which the customer decides: while one shows, no key is pressed.

        `kept_out` hears when the customer's own hands keep the agent's away, and when no longer.
        """
        super().__init__(parent)
        self._now_ms = now_ms
        self._questions = questions
        self._told = told
        self._failed = failed
        self._open = open_desktop
        self._tell_kept_out = kept_out
        self._kept_out = False
        self._hands: Hands | None = None
        self._last_ms = 0
        self.counts: Counter[str] = Counter()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)

    def perform(self, action: Inject | LetGo | ShareNow) -> None:
        """Do it, let go of everything, or judge what waits by what is shared now."""
        if isinstance(action, ShareNow):
            if self._hands is not None:
                self._hands.share(action.sharing)
            return
        if not isinstance(action, Inject):
            self.end()
            return
        now = self._last_ms = self._now_ms()
        try:
            if self._hands is None:
                self._hands = Hands(self._open(), _own_windows, self._barred, self.counts)
            self._hands.do(action.deed, action.sharing, now)
        except NoInput as why:
            self._give_up(why)
            return
        self._tell()

    def end(self) -> None:
        """Let go, leave the desktop as it was, and listen to nothing."""
        hands, self._hands = self._hands, None
        self._timer.stop()
        if hands is not None:
            try:
                hands.close()
            except NoInput as why:
                _log.info("the display is gone: %s", why)
        self._follow_hands()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        hands, now = self._hands, self._now_ms()
        if hands is None:
            return
        try:
            hands.watch(now)
            hands.pump(now)
        except NoInput as why:
            self._give_up(why)
            return
        if not hands.waits and not hands.held and now - self._last_ms >= _IDLE_MS:
            self.end()
        else:
            self._tell()

    def _tell(self) -> None:
        self._told(self.counts)
        self._follow_hands()
        every = _PUMP_MS if self._hands is not None and self._hands.waits else _WATCH_MS
        if self._hands is not None and (not self._timer.isActive() or self._timer.interval() != every):
            self._timer.start(every)  # a running one is left to tick, however often deeds come

    def _follow_hands(self) -> None:
        on = self._hands is not None and self._hands.kept_out
        if on != self._kept_out:
            self._kept_out = on
            self._tell_kept_out(on)

    def _give_up(self, why: NoInput) -> None:
        _log.warning("nothing can be injected: %s", why)
        self.end()
        QTimer.singleShot(0, self, self._failed)

    def _barred(self) -> bool:
        return any(window is not None and window.isVisible() for window in self._questions())


def _own_windows() -> frozenset[int]:
    return frozenset(int(window.winId()) for window in QApplication.topLevelWidgets() if window.isVisible())
