# SPDX-License-Identifier: GPL-3.0-or-later
"""What all questions about further access share: above the others, with a time, and a no in every way but one click."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from widgets.companion.request import ALLOW_WAIT_MS, ConsentButton
from widgets.foundation import ASKS, Button, Look, PlainLabel, Theme, announce, fmt

__all__ = ["TimedQuestion", "said_by"]

_TICK_MS = 250


def said_by(name: str, why: str) -> str:
    """Return the agent's own words as such, in one line; "" without any. Both are from outside."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in why).split())
    return _("{name} writes: “{why}”").format(name=name, why=plain) if plain else ""


class TimedQuestion(QWidget):
    """`no` gets the focus, `yes` sleeps for a second and never listens to Enter, `time` counts down to a no.

    Escape and the cross are `_refused`, once; a subclass lays the parts out and says what its answers do.
    """

    spoken_role = ASKS

    spoken_s: Sequence[int] = (60, 30, 10)

    def __init__(self, theme: Theme, who: tuple[str, str], deadline_ms: int, now_ms: Callable[[], int]) -> None:
        """`who` is the agent and the organisation, from outside."""
        super().__init__()
        self._theme, self._who = theme, who
        self._deadline_ms, self._now_ms = deadline_ms, now_ms
        self._awake_from: int | None = now_ms() + ALLOW_WAIT_MS
        self._done = False
        self._spoken: int | None = None
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)
        self.no = Button(theme, "", big=True, pressed=self._no)
        self.yes = ConsentButton(theme, "", look=Look.PRIMARY, big=True, pressed=self._yes)
        self.yes.setEnabled(False)
        self.time = PlainLabel(type="caption", tone="muted")
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._count)
        self._timer.start()

    def end(self) -> None:
        """Close without an answer: it was given elsewhere, or nobody may answer any more."""
        self._done = True
        self._timer.stop()
        self.close()

    # --- for subclasses --------------------------------------------------------------------------------------

    def _sleep(self) -> None:
        """What the yes means has changed: nobody presses what was something else just now."""
        self._awake_from = self._now_ms() + ALLOW_WAIT_MS

    def _from_whom(self) -> PlainLabel:
        name, organisation = self._who
        return PlainLabel(_("{name}, {organisation}").format(name=name, organisation=organisation), tone="muted")

    def _ready(self) -> bool:
        """Whether there is something that can be allowed."""
        return True

    def _time_text(self, left: str) -> str:
        return _("No answer within {time} means no.").format(time=left)

    def _yes(self) -> None:
        """A click on the button that goes on."""
        raise NotImplementedError

    def _no(self) -> None:
        """A click on the button that does not."""
        raise NotImplementedError

    def _refused(self) -> None:
        """The window is closed without an answer."""
        raise NotImplementedError

    # --- inside ----------------------------------------------------------------------------------------------

    def _count(self) -> None:
        now = self._now_ms()
        left = max(0, -(-(self._deadline_ms - now) // 1000))
        awake = self._awake_from is not None and now >= self._awake_from
        self.yes.setEnabled(left > 0 and awake and self._ready())
        self.time.setText(self._time_text(fmt.clock(left)))
        spoken = next((mark for mark in reversed(self.spoken_s) if left <= mark), None)
        if spoken is not None and spoken != self._spoken:
            self._spoken = spoken
            announce(self, self.time.text())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape is a no."""
        if event.key() == Qt.Key.Key_Escape and self.no.isEnabled():
            self._no()
            return
        super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing is a no."""
        self._timer.stop()
        if not self._done and self.no.isEnabled():
            self._done = True
            self._refused()
        super().closeEvent(event)
