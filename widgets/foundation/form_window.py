# SPDX-License-Identifier: GPL-3.0-or-later
"""A window with fields and two buttons: one does the deed, Cancel and Escape leave everything as it was."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDateTimeEdit, QDialog, QLayout, QSpinBox, QWidget

from app.config.i18n import _
from widgets.foundation.buttons import Button, Look
from widgets.foundation.labels import PlainLabel
from widgets.foundation.layout import column, grow_with_words, row
from widgets.foundation.states import Notice, announce
from widgets.foundation.theme import Theme

__all__ = ["FormWindow"]


class FormWindow(QDialog):
    """Not modal to the event loop: `open()` or `show()`, never `exec()`. Ctrl+Enter does the deed from any field.

    Subclasses fill `body`, override `submit`, and say with `tell` what is wrong: under the fields, with the focus on
    the one it is about. Nothing typed is lost by that.
    """

    spoken_pickers = True

    def __init__(self, theme: Theme, parent: QWidget | None, *, title: str, deed: str, wide: int = 0) -> None:
        """`deed` labels the button that does it."""
        super().__init__(parent)
        self.theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        space = theme.tokens.space
        self.heading = PlainLabel(title, type="title", wrap=True)
        self.body = column(gap=space.medium)
        self.problem = Notice(theme, kind="warning")
        self.problem.hide()
        self.cancel = Button(theme, _("Cancel"), pressed=self.reject)
        self.deed = Button(theme, deed, look=Look.PRIMARY, pressed=self.submit)
        self.foot = row(None, self.cancel, self.deed, gap=space.small)
        edge = (space.wide, space.wide, space.wide, space.large)
        box = column(self.heading, self.body, self.problem, self.foot, gap=space.large, margins=edge)
        box.setStretch(1, 1)
        self.setLayout(box)
        wanted = (wide or space.vast * 9) * max(100, theme.text_percent) // 100  # large words want as many a line
        self.setMinimumWidth(min(wanted, self.screen().availableGeometry().width()))
        grow_with_words(self)

    def field(self, name: str, widget: QWidget, *, hint: str = "") -> QLayout:
        """Return a named field: its name above it, for screen readers too, and a hint below it."""
        widget.setAccessibleName(name)
        if hint:
            widget.setAccessibleDescription(hint)
        label = PlainLabel(name, type="caption", tone="muted")
        below = (PlainLabel(hint, type="caption", tone="muted", wrap=True),) if hint else ()
        return column(label, widget, *below, gap=self.theme.tokens.space.tiny)

    def beside(self, *fields: QLayout) -> QLayout:
        """Return fields beside each other, their names on one line."""
        box = row(*fields, gap=self.theme.tokens.space.medium)
        for place, each in enumerate(fields):
            box.setAlignment(each, Qt.AlignmentFlag.AlignTop)
            box.setStretch(place, 1)
        return box

    def number(self, most: int, unit: str) -> QSpinBox:
        """Return a field for a small number, with its unit; arrows change it."""
        box = QSpinBox()
        box.setRange(0, most)
        box.setSuffix(unit)
        box.setAlignment(Qt.AlignmentFlag.AlignCenter)
        return box

    def moment(self, ms: int) -> QDateTimeEdit:
        """Return a field for a day and a time; arrows change the part with the caret."""
        box = QDateTimeEdit(QDateTime.fromMSecsSinceEpoch(ms))
        box.setDisplayFormat("yyyy-MM-dd HH:mm")
        box.setCalendarPopup(True)
        return box

    def submit(self) -> None:
        """Do the deed, or say what is missing."""
        self.accept()

    def tell(self, text: str, field: QWidget | None = None) -> None:
        """Say what is wrong and put the keyboard where it can be mended; "" takes it away."""
        self.problem.tell(text, "warning")
        self.problem.setVisible(bool(text))
        if text:
            announce(self, text)
        if field is not None:
            field.setAccessibleDescription(text)
            field.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+Enter does the deed; Enter alone is the fields'."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier and self.deed.isEnabled():
                self.submit()
            return
        super().keyPressEvent(event)
