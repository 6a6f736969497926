# SPDX-License-Identifier: GPL-3.0-or-later
"""A field's button that can carry a mark: not sent yet, about to give way, or two values that wait for the person."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy

from app.config.i18n import N_, _, language
from app.domain.ports import FieldMark
from widgets.foundation import Button, Look, PlainLabel, Theme

__all__ = ["MarkedField"]

_LOOKS = {
    FieldMark.PENDING: ("cloud-upload", "fg.muted", N_("Waits for the server")),
    FieldMark.LOSING: ("triangle-alert", "warning.fg", N_("Gives way to a newer value")),
    FieldMark.CONFLICT: ("split", "warning.fg", N_("Two values: needs you")),
}


class MarkedField(Button):
    """The mark stands at the right edge as a picture; its words are in the tooltip and in what is spoken."""

    def __init__(self, theme: Theme, icon: str = "", *, pressed: Callable[[], object]) -> None:
        super().__init__(theme, "", look=Look.QUIET, icon=icon, pressed=pressed)
        self.setProperty("look", "field")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._theme = theme
        self._shown: tuple[object, ...] = ()
        self._picture = PlainLabel()
        self._picture.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._picture.hide()
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, theme.tokens.space.small, 0)
        box.addStretch(1)
        box.addWidget(self._picture)

    def sizeHint(self) -> QSize:
        """Room for the mark."""
        hint = super().sizeHint()
        more = self._theme.tokens.icon_small + self._theme.tokens.space.tiny if not self._picture.isHidden() else 0
        return QSize(hint.width() + more, hint.height())

    def show_field(self, text: str, spoken: str, icon: tuple[str, str], mark: FieldMark | None) -> None:
        """Show a value, what a screen reader says of it, its picture and its mark."""
        shown = (text, spoken, icon, mark, language())
        if shown == self._shown:
            return
        self._shown = shown
        self.setText(text)
        self._theme.set_icon(self, *icon)
        self._picture.setVisible(mark is not None)
        words = ""
        if mark is not None:
            picture, colour, msgid = _LOOKS[mark]
            words = _(msgid)
            self._theme.set_label_icon(self._picture, picture, colour, self._theme.tokens.icon_small)
        self.setToolTip(words)
        self.setAccessibleName(", ".join(filter(None, (spoken, words))))
        self.updateGeometry()
