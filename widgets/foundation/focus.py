# SPDX-License-Identifier: GPL-3.0-or-later
"""The focus ring: a frame a little outside the control that has the keyboard."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QSplitter, QWidget

from widgets.foundation.theme import Theme

__all__ = ["FocusRing", "has_keyboard"]

_RINGED = (QAbstractButton, QComboBox)  # fields and lists show the focus by their own frame


def has_keyboard(part: QWidget) -> bool:
    """Tell whether the keyboard is in a part of a window."""
    here = QApplication.focusWidget()
    return here is not None and (here is part or part.isAncestorOf(here))


class FocusRing(QObject):
    """Shows one ring in an application. Keep the object as long as the application; GUI thread."""

    def __init__(self, app: QApplication, theme: Theme) -> None:
        super().__init__(app)
        self._theme = theme
        self._frame: _Frame | None = None
        app.focusChanged.connect(self._move)

    def _move(self, old: QWidget | None, new: QWidget | None) -> None:
        del old
        self.remove()
        if isinstance(new, _RINGED) and not isinstance(new.parentWidget(), QSplitter | None):
            self._frame = _Frame(self._theme, new)

    def remove(self) -> None:
        """Take the ring away until the focus moves again."""
        frame, self._frame = self._frame, None
        if frame is not None:
            frame.leave()


class _Frame(QWidget):
    """The ring itself, a sibling of its widget, so that it scrolls along."""

    def __init__(self, theme: Theme, target: QWidget) -> None:
        super().__init__(target.parentWidget())
        self._theme = theme
        self._target: QWidget | None = target
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        target.installEventFilter(self)
        target.destroyed.connect(self.deleteLater)
        live = str(target.property("look")).startswith("live")  # on a live ground the usual colour cannot be seen
        self._colour = "live.fg" if live else "focus"
        self._follow(target)
        self.show()

    def leave(self) -> None:
        """Go away at once; the object follows when the loop comes round."""
        if self._target is not None:
            self._target.removeEventFilter(self)
            self._target = None
        self.hide()
        self.deleteLater()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay round the widget wherever it goes."""
        kinds = QEvent.Type
        if isinstance(watched, QWidget) and watched is self._target:
            if event.type() in (kinds.Move, kinds.Resize, kinds.ZOrderChange):
                self._follow(watched)
            elif event.type() is kinds.Hide:
                self.hide()
            elif event.type() is kinds.Show:
                self.show()
        return False

    def _follow(self, target: QWidget) -> None:
        edge = self._theme.tokens.focus_gap + self._theme.tokens.focus_width
        self.setGeometry(target.geometry().adjusted(-edge, -edge, edge, edge))
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ring."""
        del event
        width = self._theme.tokens.focus_width
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.colour(self._colour), width))
        inset = width / 2
        radius = self._theme.tokens.radius_small + self._theme.tokens.focus_gap
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), radius, radius)
