# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mouse does over the remote picture once pointing is allowed: points, and draws with pen, box and arrow."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QObject, QTimer, Signal

from app.domain.marks import MARK_COLOUR, MARK_POINTS_MAX, MARK_TTL_S, Mark, MarkKind, Point, to_steps

__all__ = ["Pens", "Tool"]

POINT_MS = 17  # at most 60 a second
DRAW_MS = 100
_NEAR_PX = 3
_UNDO_MAX = 32


class Tool(StrEnum):
    """What the mouse is for; `look` moves the picture."""

    LOOK = "look"
    POINTER = "pointer"
    PEN = "pen"
    BOX = "box"
    ARROW = "arrow"


class Pens(QObject):
    """Places come in pixels of the source. `pointed` has a place in steps or None, `drew` a Mark, once as it grows."""

    pointed = Signal(object)
    drew = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tool = Tool.LOOK
        self.keep = False
        self._size = (1, 1)
        self._last_id = 0
        self._done: list[int] = []
        self._line: list[tuple[float, float]] = []
        self._at: Point | None = None
        self._shown: Point | None = None
        self._point_soon = QTimer(self, singleShot=True, interval=POINT_MS)
        self._point_soon.timeout.connect(self._point)
        self._draw_soon = QTimer(self, singleShot=True, interval=DRAW_MS)
        self._draw_soon.timeout.connect(self._draw)

    @property
    def is_drawing(self) -> bool:
        """Tell whether the mouse is held down in a drawing."""
        return bool(self._line)

    def undo(self) -> int | None:
        """Return the number of the newest drawing that was not taken away yet."""
        return self._done.pop() if self._done else None

    def forget(self) -> None:
        """All drawings were taken away."""
        self._done.clear()

    def use(self, tool: Tool, source: tuple[int, int]) -> None:
        """Take a tool, for a source of this size. A drawing that was begun stays as it is."""
        self._line = []
        self._draw_soon.stop()
        self._size = source
        self.tool = tool
        if tool is Tool.LOOK:
            self.leave()

    def hover(self, x: float, y: float) -> None:
        """The mouse is here."""
        self._at = to_steps(x, y, *self._size)
        if not self._point_soon.isActive():
            self._point()
        if self._line:
            self._extend(x, y)

    def press(self, x: float, y: float) -> bool:
        """The mouse was pressed; tells whether that draws."""
        if self.tool in (Tool.LOOK, Tool.POINTER):
            return False
        self._last_id += 1
        self._line = [(x, y)]
        return True

    def release(self) -> None:
        """The mouse was let go: what is drawn is finished."""
        if self._line:
            self._draw_soon.stop()
            if self.tool is Tool.PEN or len(self._line) > 1:
                self._draw()
            self._line = []

    def leave(self) -> None:
        """The mouse is elsewhere."""
        self._at = None
        self._point_soon.stop()
        self._point()

    def _extend(self, x: float, y: float) -> None:
        if self.tool is not Tool.PEN:
            self._line[1:] = [(x, y)]
        else:
            last_x, last_y = self._line[-1]
            if abs(x - last_x) + abs(y - last_y) < _NEAR_PX:
                return
            if len(self._line) >= MARK_POINTS_MAX - 1:
                del self._line[1::2]  # a very long line keeps its form with every second bend
            self._line.append((x, y))
        if not self._draw_soon.isActive():
            self._draw_soon.start()

    def _point(self) -> None:
        if self._at != self._shown:
            self._shown = self._at
            self.pointed.emit(self._at)
            if self._at is not None:
                self._point_soon.start()

    def _draw(self) -> None:
        kind = {Tool.BOX: MarkKind.BOX, Tool.ARROW: MarkKind.ARROW}.get(self.tool, MarkKind.PEN)
        points = tuple(to_steps(x, y, *self._size) for x, y in self._line)
        if kind is MarkKind.PEN or len(points) == 2:
            if self._last_id not in self._done:
                self._done = [*self._done, self._last_id][-_UNDO_MAX:]
            self.drew.emit(Mark(self._last_id, kind, points, MARK_COLOUR, 0 if self.keep else MARK_TTL_S))
