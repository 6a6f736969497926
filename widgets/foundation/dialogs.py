# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions and messages in a window of their own: only for what cannot be undone, and for "cannot start"."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QWidget

from widgets.foundation.buttons import Button, Look
from widgets.foundation.labels import PlainLabel
from widgets.foundation.layout import column, row
from widgets.foundation.theme import Theme

__all__ = ["Question"]


class Question(QDialog):
    """A title, a text and buttons whose labels repeat the deed. Escape and closing choose the safe one.

    Not modal to the event loop: call `open()` and use `answered`, never `exec()`.
    """

    def __init__(
        self,
        theme: Theme,
        title: str,
        text: str,
        *,
        safe: str,
        deed: str = "",
        danger: bool = False,
        answered: Callable[[bool], object] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """`safe` changes nothing and has the focus; `deed` (if any) does it; `answered` gets True for the deed."""
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        space = theme.tokens.space
        self.safe = Button(theme, safe, pressed=self.reject)
        self.deed = Button(theme, deed, look=Look.DANGER if danger else Look.PRIMARY, pressed=self.accept)
        self.deed.setVisible(bool(deed))
        heading = PlainLabel(title, type="title", wrap=True)
        body = PlainLabel(text, wrap=True, selectable=True)
        body.setMinimumWidth(space.vast * 8)
        buttons = row(None, self.safe, self.deed, gap=space.small)
        edge = (space.wide, space.wide, space.wide, space.large)
        self.setLayout(column(heading, body, space.small, buttons, gap=space.medium, margins=edge))
        self.safe.setFocus()
        if answered is not None:
            self.finished.connect(lambda result: answered(result == QDialog.DialogCode.Accepted))
