# SPDX-License-Identifier: GPL-3.0-or-later
"""Under a reply's text: the time it tells, offered as a promise; what it will tell; what it keeps when it is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.config.i18n import _
from app.domain.promises import Promise, Standing, standings
from app.domain.told_times import ToldTime, told_time
from widgets.foundation import Button, ElidedLabel, Look, PlainLabel, Theme, fmt, row

__all__ = ["PromiseStrip"]

_LOOK_MS = 300  # after the last key


class PromiseStrip(QWidget):
    """Hidden while there is nothing to say. `asked` gives a ToldTime, `withdrawn` a Promise, `other_asked` neither."""

    asked = Signal(object)
    withdrawn = Signal(object)
    other_asked = Signal()

    def __init__(self, theme: Theme, text: Callable[[], str], now_ms: Callable[[], int]) -> None:
        """`text` is the reply's; it is read a moment after the last key, never on each."""
        super().__init__()
        self._text, self._now_ms = text, now_ms
        self._promises: Sequence[Promise] = ()
        self._told: ToldTime | None = None
        space = theme.tokens.space
        self.picture = PlainLabel()
        theme.set_label_icon(self.picture, "calendar", "reply.fg")
        self.words = ElidedLabel(type="caption", tone="reply")
        self.register = Button(theme, "", look=Look.NORMAL, pressed=self._register)
        self.other = Button(theme, "", look=Look.QUIET, pressed=self.other_asked.emit)
        self.undo = Button(theme, "", look=Look.QUIET, pressed=self._withdraw)
        for button in (self.register, self.other, self.undo):
            button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        line = row(self.picture, self.words, self.register, self.other, self.undo, gap=space.small)
        line.setStretch(1, 1)
        self.setLayout(line)
        self._soon = QTimer(self, singleShot=True, interval=_LOOK_MS)
        self._soon.timeout.connect(self.look)
        self.hide()

    def show_promises(self, promises: Sequence[Promise]) -> None:
        """Know the promises of the ticket."""
        if promises != self._promises:
            self._promises = promises
            self._say()

    def typed(self) -> None:
        """The text changes; it is looked at when the hands rest."""
        self._soon.start()

    def look(self) -> None:
        """Look for a time in the text now."""
        self._soon.stop()
        self._told = told_time(self._text(), self._now_ms())
        self._say()

    def told(self) -> ToldTime | None:
        """Return the time that the text tells, looked for now."""
        return told_time(self._text(), self._now_ms())

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.other.setText(_("Another time…"))
        self.undo.setText(_("Take back"))
        self._say()

    def _standing(self, wanted: Standing) -> Promise | None:
        found = standings(self._promises, self._now_ms())
        return next((each for each, what in found if what is wanted), None)

    def _say(self) -> None:
        waiting, open_ = self._standing(Standing.UNTOLD), self._standing(Standing.OPEN)
        told = self._told if waiting is None and not self._is_made() else None
        when = fmt.near(told.at, self._now_ms()) if told is not None else ""
        if waiting is not None:
            text = _("This reply tells the promise: {when}").format(when=self._near(waiting))
        elif told is not None:
            text = _("The reply tells a time: “{words}”").format(words=told.words)
        elif open_ is not None:
            text = _("This reply keeps the promise for {when}. Not done yet? Tell a new time.").format(
                when=self._near(open_)
            )
        else:
            text = ""
        self.words.setText(text)
        self.register.setText(_("Promise {when}").format(when=when))
        self.register.setVisible(told is not None)
        self.undo.setVisible(waiting is not None)
        self.other.setVisible(waiting is None and told is None and open_ is not None)
        self.setAccessibleName(text)
        self.setVisible(bool(text))

    def _is_made(self) -> bool:
        """Tell whether the time in the text is promised already."""
        told = self._told
        return told is not None and any(each.due_at == told.at for each in self._promises)

    def _near(self, promise: Promise) -> str:
        return fmt.near(promise.due_at, self._now_ms())

    def _register(self) -> None:
        if self._told is not None:
            self.asked.emit(self._told)

    def _withdraw(self) -> None:
        waiting = self._standing(Standing.UNTOLD)
        if waiting is not None:
            self.withdrawn.emit(waiting)
