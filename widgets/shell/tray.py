# SPDX-License-Identifier: GPL-3.0-or-later
"""The icon in the desktop's tray: one shape for each state, all of it in words as its tooltip. Optional everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from app.config.i18n import _
from app.domain.notices import Standing, TrayState, tray_state
from app.services.texts_notices import standing_words
from widgets.foundation import Theme, icon_pixmap

__all__ = ["Tray", "state_picture"]

_SIDE_PX: Final = 64  # the desktop makes it smaller
_COLOURS: Final = {
    TrayState.SHARING: "danger.fg",
    TrayState.NEEDS_YOU: "warning.fg",
    TrayState.OFFLINE: "fg.muted",
    TrayState.UNREAD: "fg.link",
}


def state_picture(theme: Theme, state: TrayState) -> QPixmap:
    """Return the picture of a state: told apart by the mark in its corner, not by its colour."""
    side = float(_SIDE_PX)
    ink = theme.colour("fg.muted" if state is TrayState.OFFLINE else "fg.default")
    picture = icon_pixmap("headphones", ink, _SIDE_PX)
    if state is TrayState.IDLE:
        return picture
    colour = theme.colour(_COLOURS[state])
    mark = QRectF(side / 2, side / 2, side / 2, side / 2)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
    if state is not TrayState.OFFLINE:
        painter.fillRect(mark, Qt.GlobalColor.transparent)  # the mark stands alone, not in the drawing
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    edge = side / 16
    inner = mark.adjusted(edge, edge, -edge, -edge)
    if state is TrayState.UNREAD:
        painter.drawEllipse(inner)
    elif state is TrayState.NEEDS_YOU:
        painter.drawPolygon(QPolygonF([QPointF(inner.center().x(), inner.top()), inner.bottomRight(),
                                       inner.bottomLeft()]))  # fmt: skip
    elif state is TrayState.SHARING:
        painter.drawRect(inner)
    else:
        pen = QPen(colour, side / 8)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(QPointF(edge * 2, side - edge * 2), QPointF(side - edge * 2, edge * 2))
    painter.end()
    return picture


class Tray(QObject):
    """GUI thread. Without a tray nothing shows and `is_there` is False: then no window may hide itself (UX-54)."""

    open_wanted = Signal()
    quit_wanted = Signal()
    notice_pressed = Signal(object)  # key of the newest notice that was told here

    def __init__(
        self, theme: Theme, parent: QObject | None = None,
        available: Callable[[], bool] = QSystemTrayIcon.isSystemTrayAvailable,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._theme = theme
        self._available = available
        self._standing = Standing()
        self._key: object = None
        self._menu = QMenu()
        self._icon = QSystemTrayIcon(self)
        self._icon.setContextMenu(self._menu)
        self._icon.activated.connect(self._activated)
        self._icon.messageClicked.connect(lambda: self.notice_pressed.emit(self._key))
        theme.changed.connect(self._paint)
        self.retranslate()

    def is_there(self) -> bool:
        """Whether a person can find the program in the tray now."""
        return self._available() and self._icon.isVisible()

    def show_standing(self, standing: Standing) -> None:
        """Show how things stand; comes up by itself where a tray has come meanwhile."""
        if standing != self._standing or self._icon.icon().isNull():
            self._standing = standing
            self._paint()
        if self._available() != self._icon.isVisible():
            self._icon.setVisible(self._available())

    def tell(self, key: object, title: str, body: str) -> bool:
        """Show a notice at the icon; False where there is none."""
        if not self.is_there():
            return False
        self._key = key
        self._icon.showMessage(title, body, self._icon.icon())
        return True

    def words(self) -> str:
        """Return the tooltip."""
        return self._icon.toolTip()

    def actions(self) -> list[str]:
        """Return what the icon's menu offers."""
        return [action.text() for action in self._menu.actions() if action.text()]

    def close(self) -> None:
        """Go. Idempotent."""
        self._icon.hide()

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self._menu.clear()
        self._menu.addAction(_("Open Deskside")).triggered.connect(lambda _on=False: self.open_wanted.emit())
        self._menu.addAction(_("Quit")).triggered.connect(lambda _on=False: self.quit_wanted.emit())
        self._icon.setToolTip(standing_words(self._standing))

    def _paint(self) -> None:
        self._icon.setIcon(QIcon(state_picture(self._theme, tray_state(self._standing))))
        self._icon.setToolTip(standing_words(self._standing))

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is not QSystemTrayIcon.ActivationReason.Context:
            self.open_wanted.emit()
