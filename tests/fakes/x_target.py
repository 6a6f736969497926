# SPDX-License-Identifier: GPL-3.0-or-later
"""A program on a display of its own: says on stdout which mouse and key events reached it and what was written.

`python -m tests.fakes.x_target X Y WIDTH HEIGHT`; one JSON object a line, times in ms of the system's monotonic clock.
"""

from __future__ import annotations

import json
import sys
import time

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget


def say(**what: object) -> None:
    """Tell the test."""
    print(json.dumps(what | {"ms": time.monotonic_ns() // 1_000_000}), flush=True)


class Ear(QObject):
    """Hears every event of the window and its line of text."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Say what matters; pass everything on."""
        kind = event.type()
        if isinstance(event, QMouseEvent) and watched.isWidgetType():
            place = event.globalPosition() * QApplication.primaryScreen().devicePixelRatio()
            say(t=kind.name, x=round(place.x()), y=round(place.y()), button=event.button().value)
        elif isinstance(event, QWheelEvent):
            say(t=kind.name, dx=event.angleDelta().x(), dy=event.angleDelta().y())
        elif isinstance(event, QKeyEvent) and watched.isWidgetType() and kind is not QEvent.Type.ShortcutOverride:
            modifiers = event.modifiers().value
            if not event.isAutoRepeat():
                say(t=kind.name, key=event.key(), text=event.text(), modifiers=modifiers)
        return False


def main() -> None:
    """Show a window without a frame, and listen until killed."""
    app = QApplication(sys.argv[:1])
    x, y, width, height = map(int, sys.argv[1:5])
    window = QWidget()
    window.setWindowFlag(Qt.WindowType.FramelessWindowHint)
    window.setMouseTracking(True)
    line = QLineEdit()
    line.textChanged.connect(lambda text: say(t="text", text=text))
    box = QVBoxLayout(window)
    box.addStretch(1)
    box.addWidget(line)
    ear = Ear()
    window.installEventFilter(ear)
    line.installEventFilter(ear)
    ratio = app.primaryScreen().devicePixelRatio()
    window.setGeometry(round(x / ratio), round(y / ratio), round(width / ratio), round(height / ratio))
    window.show()
    window.activateWindow()
    line.setFocus()
    app.processEvents()
    say(t="ready", id=int(window.winId()))
    app.exec()


if __name__ == "__main__":
    main()
