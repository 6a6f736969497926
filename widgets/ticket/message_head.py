# SPDX-License-Identifier: GPL-3.0-or-later
"""The line above a message: who wrote it, what it is and when, painted as one widget.

A label for each of its five parts cost more than the message itself to make, to style and to lay out.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QAccessible, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.foundation import Theme, plain_tooltip

__all__ = ["HeadWords", "MessageHead"]

_LINE = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextSingleLine)


@dataclass(frozen=True, slots=True)
class HeadWords:
    """What it says. `kind` is the colour role of a reply or a note; empty for a message."""

    who: str
    label: str
    state: str
    at: str
    icon: str
    kind: str = ""


class MessageHead(QWidget):
    """Icon and name on the left, then what it is; on the right how it stands and when. The name gives way last."""

    spoken_role = QAccessible.Role.StaticText

    def __init__(self, theme: Theme, words: HeadWords) -> None:
        super().__init__()
        self._theme = theme
        self.words = words
        self._who = " ".join(words.who.split())
        self._cut = False
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(", ".join(filter(None, (self._who, words.label, words.state, words.at))))

    def sizeHint(self) -> QSize:
        """One line, of any width."""
        metrics = self._theme.metrics
        return QSize(0, max(metrics("strong").height(), metrics("caption").height(), self._theme.tokens.icon_small))

    def minimumSizeHint(self) -> QSize:
        """The same: what cannot shrink would make the whole column wider than its pane."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what fits."""
        del event
        theme, words, kind = self._theme, self.words, self.words.kind
        gap, side = theme.tokens.space.small, theme.tokens.icon_small
        text = theme.colour(f"{kind}.fg" if kind else "fg.default")
        quiet = text if kind else theme.colour("fg.muted")
        small = theme.metrics("caption")
        painter = QPainter(self)
        icon = theme.pixmap(words.icon, f"{kind}.fg" if kind else "fg.muted", side, self.devicePixelRatioF())
        painter.drawPixmap(0, (self.height() - side) // 2, icon)
        left, right = side + gap, self.width()
        painter.setFont(theme.font("caption"))
        painter.setPen(quiet)
        for part in filter(None, (words.at, words.state)):
            width = small.horizontalAdvance(part)
            painter.drawText(QRect(right - width, 0, width, self.height()), _LINE, part)
            right -= width + gap
        large = theme.metrics("strong")
        who = large.elidedText(self._who, Qt.TextElideMode.ElideRight, max(0, right - left))
        if (cut := who != self._who) != self._cut:
            self._cut = cut
            self.setToolTip(plain_tooltip(self._who) if cut else "")
        after = left + large.horizontalAdvance(who) + gap
        if words.label and right > after:
            label = small.elidedText(words.label, Qt.TextElideMode.ElideRight, right - after)
            painter.setPen(text)
            painter.drawText(QRect(after, 0, right - after, self.height()), _LINE, label)
        painter.setFont(theme.font("strong"))
        painter.setPen(text)
        painter.drawText(QRect(left, 0, max(0, right - left), self.height()), _LINE, who)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme's fonts and colours."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange:
            self.updateGeometry()
            self.update()
