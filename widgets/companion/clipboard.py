# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's clipboard in a session: a text that would leave is read before, one that came is shown."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app.config.i18n import _, ngettext
from app.domain.assist import Scope
from app.domain.plain_text import fits_clipboard, for_reading, tidied
from widgets.companion.permission import PermissionWindow
from widgets.foundation import WINDOW, Button, Look, PlainEdit, PlainLabel, Theme, announce, column, fit, row

__all__ = ["ClipQuestion", "ClipShown"]


def _text_field(theme: Theme, name: str) -> PlainEdit:
    field = PlainEdit(name=name)
    field.setReadOnly(True)
    field.setFixedHeight(theme.tokens.space.vast * 3)
    return field


def _length(text: str) -> str:
    return ngettext("{n} character", "{n} characters", len(text)).format(n=f"{len(text):,}")


class ClipQuestion(PermissionWindow):
    """The agent asks for the text on the clipboard. `text` is what the field shows; nothing else is given."""

    def __init__(
        self, theme: Theme, who: tuple[str, str], deadline_ms: int, now_ms: Callable[[], int], look: Callable[[], str],
        why: str = "",
    ) -> None:  # fmt: skip
        """`look` returns what is on the clipboard now, "" when it is no text."""
        self._look = look
        self.text = ""
        super().__init__(theme, Scope.CLIPBOARD_TO_AGENT, who, why, deadline_ms, now_ms)

    def _more(self) -> QWidget | None:
        theme, space = self._theme, self._theme.tokens.space
        self.field = _text_field(theme, _("The text on your clipboard"))
        self.length = PlainLabel(type="caption", tone="muted", wrap=True)
        self.again = Button(theme, _("Look again at the clipboard"), look=Look.QUIET, icon="refresh-cw",
                            pressed=self._look_again)  # fmt: skip
        whole = QWidget()
        whole.setLayout(column(self.field, row(self.length, None, self.again, gap=space.small), gap=space.small))
        self._look_again()
        return whole

    def _look_again(self) -> None:
        self.text = tidied(self._look())
        fits = fits_clipboard(self.text)
        self.field.setPlainText(for_reading(self.text) if fits else "")
        self.length.setText(
            _length(self.text) if fits else
            _("This text is longer than 1 MB. It cannot be sent this way.") if self.text else
            _("There is no text on your clipboard. Copy the text that you want to send, then look again.")
        )  # fmt: skip
        announce(self, self.length.text())
        self._count()

    def _ready(self) -> bool:
        return fits_clipboard(self.text)


class ClipShown(QWidget):
    """What the agent put on the clipboard. It says so and goes away by itself with nothing."""

    spoken_role = WINDOW

    closed = Signal()

    def __init__(self, theme: Theme, name: str, text: str) -> None:
        super().__init__()
        space = theme.tokens.space
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)
        title = _("{name} put this text on your clipboard").format(name=name)
        self.title = PlainLabel(title, type="heading", wrap=True)
        self.setWindowTitle(title)
        self.field = _text_field(theme, self.title.text())
        self.field.setPlainText(for_reading(text))
        words = PlainLabel(
            _("It is there once: paste it where you want it, or copy something else over it. Nothing was pressed."),
            wrap=True,
        )
        length = PlainLabel(_length(text), type="caption", tone="muted", wrap=True)
        self.fine = Button(theme, _("Close"), look=Look.PRIMARY, pressed=self.close)
        edge = (space.huge, space.wide, space.huge, space.wide)
        box = column(self.title, self.field, length, words, row(None, self.fine), gap=space.medium, margins=edge)
        box.setStretch(1, 1)
        self.setLayout(box)
        fit(self, space.vast * 9, space.vast * 6)
        self.fine.setFocus()
        announce(self, self.title.text(), urgent=True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
            return
        super().keyPressEvent(event)
