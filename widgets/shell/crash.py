# SPDX-License-Identifier: GPL-3.0-or-later
"""After a fault of the program: its report in full, a line of one's own, and the choice to send, wait or stop that."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QWidget

from app.config.i18n import _
from widgets.foundation import Button, CopyButton, Look, PlainLabel, Theme, column, read_text, row

__all__ = ["CrashWindow"]


class CrashWindow(QDialog):
    """`report` makes the text from what the person added. `sent` and `saved` carry exactly what stood in the window."""

    sent = Signal(str)
    saved = Signal(str)
    never = Signal()

    def __init__(
        self, theme: Theme, title: str, report: Callable[[str], str], *, can_send: bool, parent: QWidget | None = None
    ) -> None:
        """`can_send`: the organisation said where reports go; else they can be saved."""
        super().__init__(parent)
        self._report = report
        space = theme.tokens.space
        self.setWindowTitle(_("Crash report"))
        self.words = PlainLabel(title, wrap=True)
        self.text = QPlainTextEdit(report(""))
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName(_("The report, in full"))
        label = PlainLabel(_("What were you doing? (goes into the report)"), type="strong")
        self.added = QPlainTextEdit()
        self.added.setTabChangesFocus(True)
        self.added.setAccessibleName(label.text())
        self.added.setMaximumHeight(space.vast * 2)
        self.added.textChanged.connect(self._show)
        deed = _("Send by mail…") if can_send else _("Save the report…")
        self.deed = Button(theme, deed, look=Look.PRIMARY, pressed=lambda: self._leave(send=can_send))
        self.later = Button(theme, _("Not now"), pressed=self.reject)
        self.never_button = Button(theme, _("Never ask"), look=Look.LINK, pressed=self._never)
        self.copy = CopyButton(theme, self.whole(), label=_("Copy"), done=_("Copied"), name=_("Copy the report"))
        edge = (space.wide, space.wide, space.wide, space.large)
        hint = PlainLabel(
            _("It holds where in the program the fault is, and versions. No texts of tickets, no names."),
            type="caption", tone="muted", wrap=True,
        )  # fmt: skip
        buttons = row(self.never_button, None, self.copy, self.later, self.deed, gap=space.small)
        self.setLayout(column(self.words, self.text, hint, label, self.added, buttons, gap=space.medium, margins=edge))
        self.resize(space.vast * 14, space.vast * 12)
        self.later.setFocus()

    def whole(self) -> str:
        """Return the report as it stands in the window."""
        return self.text.toPlainText()

    def _show(self) -> None:
        self.text.setPlainText(self._report(self.added.toPlainText()))  # a preview: nothing is committed by it
        self.copy.set_value(self.whole())

    def _leave(self, *, send: bool) -> None:
        read_text(self.added)  # a syllable that is being composed belongs to it
        self._show()
        (self.sent if send else self.saved).emit(self.whole())
        self.accept()

    def _never(self) -> None:
        self.never.emit()
        self.reject()
