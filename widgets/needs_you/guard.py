# SPDX-License-Identifier: GPL-3.0-or-later
"""A question that stops nothing: the server would remove many tickets here; apply it, or keep waiting."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QWidget

from app.config.i18n import _, ngettext
from widgets.foundation import Button, Look, Notice, Theme, announce, column, fmt, row

__all__ = ["GuardBar"]


class GuardBar(QWidget):
    """Stands above the status strip until it is answered; takes no focus. `answered` gives True for Apply."""

    answered = Signal(bool)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        space = theme.tokens.space
        notice = Notice(theme, "", kind="warning")
        self.text = notice.text
        self.setLayout(column(notice, margins=(space.small,) * 4))
        self._numbers: tuple[int, int] | None = None
        self.apply = Button(theme, "", look=Look.DANGER, pressed=lambda: self._answer(apply=True))
        self.wait = Button(theme, "", pressed=lambda: self._answer(apply=False))
        notice.body.addLayout(row(self.wait, self.apply, None, gap=space.small))
        self.hide()
        self.retranslate()

    def ask(self, tickets: int, total: int) -> None:
        """Ask; a screen reader hears it once, politely."""
        news = self._numbers != (tickets, total)
        self._numbers = (tickets, total)
        self.retranslate()
        self.show()
        if news:
            announce(self, self.text.text())

    def settled(self) -> None:
        """The question is over: the tickets came back, or were removed."""
        self._numbers = None
        self.hide()

    def waits(self) -> bool:
        """Tell whether the question is still open, shown or not."""
        return self._numbers is not None

    def reopen(self) -> None:
        """Show the question again and take the keyboard."""
        if self._numbers is not None:
            self.show()
            self.wait.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _answer(self, *, apply: bool) -> None:
        if apply:
            self._numbers = None
        self.hide()
        self.answered.emit(apply)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.apply.setText(_("Remove them here"))
        self.wait.setText(_("Keep waiting"))
        tickets, total = self._numbers or (0, 0)
        text = ngettext(
            "The server would remove {n} of {total} tickets from this computer at once. That is unusual, so nothing "
            "was removed yet. Your own changes go on being sent. Ask your administrator if you did not expect it.",
            "The server would remove {n} of {total} tickets from this computer at once. That is unusual, so nothing "
            "was removed yet. Your own changes go on being sent. Ask your administrator if you did not expect it.",
            tickets,
        ).format(n=fmt.number(tickets), total=fmt.number(total))
        self.text.setText(text)
        self.setAccessibleName(text)
