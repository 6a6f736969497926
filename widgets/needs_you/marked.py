# SPDX-License-Identifier: GPL-3.0-or-later
"""Text to read with its changed words marked: by signs, weight and colour, so that none of them is needed alone."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QFont, QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QTextEdit

from app.services.worddiff import Mark, Piece
from widgets.foundation import PlainEdit, Theme, restyle

__all__ = ["MarkedText"]

_SIGNS = {Mark.SAME: ("", ""), Mark.ADDED: ("[+", "+]"), Mark.REMOVED: ("[-", "-]")}
_COLOURS = {Mark.ADDED: "success", Mark.REMOVED: "danger"}


class MarkedText(PlainEdit):
    """As high as its text; can be read, selected and copied with the keyboard, never changed."""

    def __init__(self, theme: Theme, name: str = "") -> None:
        super().__init__(name=name)
        self._theme = theme
        self._pieces: Sequence[Piece] = ()
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        restyle(self, frame="none")
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(0)
        theme.changed.connect(self._mark)
        # how many lines there are is known for certain only when width and font have settled
        self._fit_soon = QTimer(self, singleShot=True, interval=0)
        self._fit_soon.timeout.connect(self._fit)
        self.document().documentLayout().documentSizeChanged.connect(lambda _size: self._fit_soon.start())

    def show_pieces(self, pieces: Sequence[Piece]) -> None:
        """Show a difference."""
        self._pieces = pieces
        self.setPlainText("".join(f"{_SIGNS[p.mark][0]}{p.text}{_SIGNS[p.mark][1]}" for p in pieces))
        self._mark()
        self._fit()
        self._fit_soon.start()

    def show_text(self, text: str) -> None:
        """Show a text without marks."""
        self.show_pieces([Piece(Mark.SAME, text)])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the width."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._fit()
            self._fit_soon.start()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the text size."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_soon.start()

    def _mark(self) -> None:
        marks: list[QTextEdit.ExtraSelection] = []
        place = 0
        for piece in self._pieces:
            signs = _SIGNS[piece.mark]
            length = len((signs[0] + piece.text + signs[1]).encode("utf-16-le")) // 2
            if piece.mark is not Mark.SAME:
                marks.append(self._selection(piece.mark, place, length))
            place += length
        self.setExtraSelections(marks)

    def _selection(self, mark: Mark, start: int, length: int) -> QTextEdit.ExtraSelection:
        look = QTextCharFormat()
        role = _COLOURS[mark]
        look.setBackground(self._theme.colour(f"{role}.bg"))
        look.setForeground(self._theme.colour(f"{role}.fg"))
        if mark is Mark.ADDED:
            look.setFontWeight(QFont.Weight.DemiBold)
        cursor = QTextCursor(self.document())
        cursor.setPosition(start)
        cursor.setPosition(
            min(start + length, max(0, self.document().characterCount() - 1)), cursor.MoveMode.KeepAnchor
        )
        found = QTextEdit.ExtraSelection()
        found.cursor, found.format = cursor, look
        return found

    def _fit(self) -> None:
        lines = max(1, round(self.document().size().height()))
        margins = self.contentsMargins()
        height = lines * self.fontMetrics().lineSpacing() + margins.top() + margins.bottom()
        height += self._theme.tokens.space.tiny
        if height != self.height() or self.minimumHeight() != height:
            self.setFixedHeight(height)
