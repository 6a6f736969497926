# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that never read markup: the only labels of the program, because most texts come from outside."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QEnterEvent, QFocusEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

__all__ = ["Chip", "ElidedLabel", "PlainLabel", "Words", "restyle"]

_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard


def restyle(widget: QWidget, **properties: object) -> None:
    """Set dynamic properties that the style sheet selects by, and let it act on them. GUI thread."""
    changed = False
    for name, value in properties.items():
        if widget.property(name) != value:
            widget.setProperty(name, value)
            changed = True
    if changed:
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class PlainLabel(QLabel):
    """Text shown exactly as it is. `type` is a step of the type scale, `tone` a colour role ("muted", "danger", …)."""

    def __init__(
        self,
        text: str = "",
        *,
        type: str = "body",  # noqa: A002 - the word of the token table
        tone: str = "",
        wrap: bool = False,
        selectable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("type", type)
        self.setProperty("tone", tone)
        self.setWordWrap(wrap)
        if wrap:
            self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        if selectable:
            self.setTextInteractionFlags(_SELECTABLE)
        self.setText(text)

    def set_tone(self, tone: str) -> None:
        """Change the colour role."""
        restyle(self, tone=tone)


class Words(PlainLabel):
    """A wrapped text whose width others decide: only its height at that width is measured.

    Else a label lays its text out at four more widths to say which it would like: milliseconds for a long text. What
    selecting takes (a document of its own, three times the work of the label) is made when a pointer or a screen
    reader comes to it.
    """

    def __init__(
        self,
        text: str = "",
        *,
        type: str = "body",  # noqa: A002 - as above
        tone: str = "",
        selectable: bool = False,
    ) -> None:
        self._to_come = False
        super().__init__(text, type=type, tone=tone, wrap=True)
        self._to_come = selectable
        if selectable:
            self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def make_selectable(self) -> None:
        """Let the text be selected, if that was wanted; needed only for what selects it without a pointer."""
        if self._to_come:
            self._to_come = False
            self.setTextInteractionFlags(_SELECTABLE)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Become selectable before anybody can select."""
        self.make_selectable()
        super().enterEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The same for who comes without a pointer."""
        self.make_selectable()
        super().focusInEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The same for a finger, which enters nothing."""
        self.make_selectable()
        super().mousePressEvent(event)

    def sizeHint(self) -> QSize:
        """One line, of any width."""
        return QSize(0, self.fontMetrics().lineSpacing())

    def minimumSizeHint(self) -> QSize:
        """The same."""
        return self.sizeHint()


class ElidedLabel(PlainLabel):
    """One line that ends in … when there is no room; the whole text is the tooltip and the accessible name."""

    def __init__(
        self,
        text: str = "",
        *,
        type: str = "body",  # noqa: A002 - as above
        tone: str = "",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        parent: QWidget | None = None,
    ) -> None:
        self._mode = mode
        self._tip = ""
        super().__init__("", type=type, tone=tone, parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show the text; line breaks become spaces."""
        line = " ".join(text.split())
        super().setText(line)
        self.setAccessibleName(line)
        self._tell_whole()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what fits."""
        del event
        painter = QPainter(self)
        rect = self.contentsRect()
        line = self.fontMetrics().elidedText(self.text(), self._mode, rect.width())
        flags = int(self.alignment() | Qt.TextFlag.TextSingleLine)
        self.style().drawItemText(painter, rect, flags, self.palette(), self.isEnabled(), line, self.foregroundRole())

    def minimumSizeHint(self) -> QSize:
        """A few letters are enough; the rest is elided."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), self.fontMetrics().averageCharWidth() * 4), hint.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the tooltip true when the width changes."""
        super().resizeEvent(event)
        self._tell_whole()

    def _tell_whole(self) -> None:
        text = self.text()
        fits = not text or self.fontMetrics().horizontalAdvance(text) <= self.contentsRect().width()
        # ToolTips read markup unless told otherwise; escaping keeps text from outside plain.
        tip = "" if fits else plain_tooltip(text)
        if tip != self._tip:  # Qt tells the window of each
            self._tip = tip
            self.setToolTip(tip)


def plain_tooltip(text: str) -> str:
    """Return the text as a tooltip that is shown letter by letter, whatever it holds."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>")
    return f"<qt>{escaped}</qt>"


class Chip(PlainLabel):
    """A small badge. `kind`: neutral, accent, reply, note, danger, warning, success, live or outline.

    Colour never stands alone: the text says what is meant.
    """

    def __init__(self, text: str = "", *, kind: str = "neutral", parent: QWidget | None = None) -> None:
        super().__init__(text, type="caption", parent=parent)
        self.setProperty("chip", kind)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)

    def set_kind(self, kind: str) -> None:
        """Change the colours."""
        restyle(self, chip=kind)
