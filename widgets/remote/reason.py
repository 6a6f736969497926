# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's reason for the next request: a short line that the customer reads in the question, or nothing."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit

from app.config.i18n import _
from app.domain.assist import WHY_MAX
from widgets.foundation import Theme, plain_tooltip, read_text
from widgets.foundation.text import EnterFilter

__all__ = ["ReasonField"]


class ReasonField(QLineEdit):
    """Enter and Escape leave it; what is written goes with the next request, and is gone then."""

    def __init__(self, theme: Theme, left: Callable[[], object]) -> None:
        """`left` puts the keys where they were."""
        super().__init__()
        self._left = left
        self.setMaxLength(WHY_MAX)
        self.setMinimumWidth(theme.tokens.space.vast * 5)
        EnterFilter(self, left)
        self.retranslate()

    def take(self) -> str:
        """Return the reason in one tidy line, and begin anew: each request has its own."""
        text = " ".join(read_text(self).split())
        self.clear()
        return text

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes back; what is written stays."""
        if event.key() == Qt.Key.Key_Escape:
            self._left()
            return
        super().keyPressEvent(event)

    def retranslate(self, keys: str = "") -> None:
        """Say everything in the language spoken now."""
        self.setAccessibleName(_("Reason for the next request"))
        self.setPlaceholderText(_("Why I ask (optional)"))
        text = _("The customer reads it in the question, as your own words. It goes with the next request alone.")
        self.setToolTip(plain_tooltip(f"{text}  {keys}".rstrip()))
