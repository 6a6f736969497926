# SPDX-License-Identifier: GPL-3.0-or-later
"""The moving window that is shared in a benchmark: one Qt window that fills the screen, with a stamp in every paint."""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

from PySide6.QtCore import QRect, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from tests.bench import _pages, _stamp

KINDS = ("scroll", "type", "drag", "flip", "video", "static", "page", "dense")
_SEED = _pages.SEED
_FONT = Path(__file__).parents[2] / "resources" / "fonts" / "pretendard" / "Pretendard-Regular.otf"


class Stimulus(QWidget):
    """Paints one kind of movement at a nominal frame rate."""

    def __init__(self, kind: str, fps: int) -> None:
        super().__init__(None, Qt.WindowType.FramelessWindowHint | Qt.WindowType.BypassWindowManagerHint)
        self._kind = kind
        self._number = 0
        self._noise = random.Random(_SEED)  # a picture, not a secret
        self.setWindowTitle(f"stimulus {kind}")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.resize(QApplication.primaryScreen().size())
        if kind in _pages.STYLES:
            self._pages = [self._read_page(n) for n in range(_pages.PAGES)]
        else:
            self._pages = [self._text_page(n) for n in range(2 if kind == "flip" else 1)]
        self._typed = 0
        self._step_s = {"flip": 0.5, "type": 0.1}.get(kind, 1 / fps)
        self._due = time.perf_counter()
        self._timer = QTimer(self, timerType=Qt.TimerType.PreciseTimer, singleShot=True)
        self._timer.timeout.connect(self._tick)
        self._tick()

    def _tick(self) -> None:
        self._number += 1
        if self._kind in _pages.STYLES:
            self.raise_()  # a browser lays its "you are sharing" bar over the lines that are to be read
        if self._kind == "type":
            self._typed = (self._typed + 1) % 1600
            self.update(QRect(0, 0, _stamp.CELLS * _stamp.CELL, _stamp.CELL))
            self.update(self._typed_rect())
        elif self._kind != "static" or self._number < 3:
            self.update()
        step_s = _pages.stands_s(self._number) if self._kind in _pages.STYLES else self._step_s
        self._due = max(self._due + step_s, time.perf_counter())
        self._timer.start(max(0, round((self._due - time.perf_counter()) * 1000)))

    def _typed_rect(self) -> QRect:
        return QRect(40 + self._typed % 100 * 14, 200 + self._typed // 100 * 24, 14, 22)

    def paintEvent(self, event: QPaintEvent) -> None:  # overrides Qt
        painter = QPainter(self)
        width, height = self.width(), self.height()
        page = self._pages[self._number % len(self._pages)]
        if self._kind == "scroll":
            offset = self._number * 6 % (page.height() - height)
            painter.drawPixmap(0, 0, page, 0, offset, width, height)
        elif self._kind == "type":
            painter.setClipRegion(event.region())
            painter.fillRect(self.rect(), Qt.GlobalColor.white)
            for index in range(self._typed):
                painter.drawText(40 + index % 100 * 14, 216 + index // 100 * 24, chr(97 + index * 7 % 26))
        else:
            painter.drawPixmap(0, 0, page, 0, 0, width, height)
            self._draw_over(painter, width, height)
        painter.setClipping(False)
        self._draw_stamp(painter)
        painter.end()

    def _draw_over(self, painter: QPainter, width: int, height: int) -> None:
        if self._kind == "drag":
            x = self._number * 12 % (width - 640)
            painter.fillRect(x, 300, 640, 420, QColor("#3c6e9f"))
            painter.fillRect(x + 4, 330, 632, 386, QColor("#fafaf8"))
        elif self._kind == "video":
            for y in range(300, 660, 12):
                for x in range(400, 1040, 12):
                    painter.fillRect(x, y, 12, 12, QColor.fromHsv(self._noise.randrange(360), 120, 200))

    def _draw_stamp(self, painter: QPainter) -> None:
        bits = _stamp.value(self._number, _stamp.now_us())
        for cell in range(_stamp.CELLS):
            lit = bits >> (_stamp.CELLS - 1 - cell) & 1
            colour = Qt.GlobalColor.white if lit else Qt.GlobalColor.black
            painter.fillRect(cell * _stamp.CELL, 0, _stamp.CELL, _stamp.CELL, colour)

    def _read_page(self, number: int) -> QPixmap:
        """A page that an OCR can read: what stands there is known."""
        font = QFont(QFontDatabase.applicationFontFamilies(QFontDatabase.addApplicationFont(str(_FONT)))[0])
        font.setPixelSize(_pages.STYLES[self._kind].letters)
        pixmap = QPixmap(self.size())
        pixmap.fill(Qt.GlobalColor.white)
        painter = QPainter(pixmap)
        painter.setFont(font)
        for line in _pages.lines(self._kind, number, self.height()):
            painter.setPen(QColor("#0b57d0" if line.blue else "#1f2328"))
            painter.drawText(line.x, line.y, line.text)
        painter.end()
        return pixmap

    def _text_page(self, seed: int) -> QPixmap:
        noise = random.Random(_SEED + seed)  # a picture, not a secret
        pixmap = QPixmap(self.width(), self.height() * (3 if self._kind == "scroll" else 1))
        pixmap.fill(Qt.GlobalColor.white)
        painter = QPainter(pixmap)
        painter.setFont(QFont("sans-serif", 12))
        for y in range(60, pixmap.height(), 22):
            length = noise.randrange(40, 120)
            words = "".join(" " if noise.random() < 0.17 else chr(noise.randrange(97, 123)) for _ in range(length))
            painter.drawText(30, y, words)
        painter.end()
        return pixmap


def main() -> int:
    """Show the window until the time is over; print "shown" when it is up."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", choices=KINDS, default="scroll")
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    app = QApplication([sys.argv[0]])
    window = Stimulus(args.kind, args.fps)
    window.show()
    QTimer.singleShot(300, lambda: print("shown", flush=True))
    QTimer.singleShot(int(args.seconds * 1000), app.quit)
    return app.exec()
