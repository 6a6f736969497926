# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of the remote picture a window of a given size shows: fit, one to one, zoom, pan. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace

from widgets.remote.ports import Part

__all__ = ["LARGEST", "SMALLEST", "View"]

SMALLEST, LARGEST = 0.25, 4.0
STEPS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)


@dataclass(frozen=True, slots=True)
class View:
    """Sizes in device pixels of the window and in pixels of the source. `factor` None means fit."""

    window: tuple[int, int] = (1, 1)
    source: tuple[int, int] = (1, 1)
    factor: float | None = None
    centre: tuple[float, float] = (0.5, 0.5)  # of the part, in shares of the source

    def scale(self) -> float:
        """Return device pixels for one pixel of the source."""
        if self.factor is not None:
            return self.factor
        return min(self.window[0] / self.source[0], self.window[1] / self.source[1])

    def part(self) -> Part:
        """Return what to ask for."""
        scale = self.scale()
        x, y, w, h = self.rect()
        size = (max(1, round(w * scale)), max(1, round(h * scale)))
        whole = (x, y, w, h) == (0, 0, *self.source)
        return Part(*size, None if whole else (x, y, w, h))

    def rect(self) -> tuple[int, int, int, int]:
        """Return the visible part of the source: x, y, width, height."""
        scale = self.scale()
        width = min(self.source[0], max(1, int(self.window[0] / scale)))
        height = min(self.source[1], max(1, int(self.window[1] / scale)))
        if self.factor is None:
            width, height = self.source
        x = round(self.centre[0] * self.source[0] - width / 2)
        y = round(self.centre[1] * self.source[1] - height / 2)
        return (
            max(0, min(x, self.source[0] - width)), max(0, min(y, self.source[1] - height)), width, height,
        )  # fmt: skip

    def place(self) -> tuple[int, int, int, int]:
        """Return where the part stands in the window: x, y, width, height in device pixels."""
        part = self.part()
        return (self.window[0] - part.width) // 2, (self.window[1] - part.height) // 2, part.width, part.height

    def to_source(self, x: float, y: float) -> tuple[int, int]:
        """Return the pixel of the source under a point of the window (device pixels), kept inside."""
        exact_x, exact_y = self.point(x, y)
        return max(0, min(self.source[0] - 1, int(exact_x))), max(0, min(self.source[1] - 1, int(exact_y)))

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return the same with its fraction, also outside the source."""
        left, top, _w, _h = self.place()
        part_x, part_y, _pw, _ph = self.rect()
        scale = self.scale()
        return part_x + (x - left) / scale, part_y + (y - top) / scale

    def to_window(self, x: float, y: float) -> tuple[float, float]:
        """Return where a place of the source is in the window, in device pixels, also outside of what shows."""
        left, top, _w, _h = self.place()
        part_x, part_y, _pw, _ph = self.rect()
        scale = self.scale()
        return left + (x - part_x) * scale, top + (y - part_y) * scale

    def zoomed(self, factor: float | None, at: tuple[float, float] | None = None) -> View:
        """Return the view at another factor; the source's point under `at` (device pixels) stays there."""
        if factor is None:
            return replace(self, factor=None, centre=(0.5, 0.5))
        factor = max(SMALLEST, min(LARGEST, factor))
        point = at or (self.window[0] / 2, self.window[1] / 2)
        source_x, source_y = self.point(*point)
        centre_x = source_x - (point[0] - self.window[0] / 2) / factor
        centre_y = source_y - (point[1] - self.window[1] / 2) / factor
        return replace(self, factor=factor, centre=(centre_x / self.source[0], centre_y / self.source[1])).kept_inside()

    def stepped(self, by: int, at: tuple[float, float] | None = None) -> View:
        """Return the view one step larger (1) or smaller (-1)."""
        now = self.scale()
        larger = [s for s in STEPS if s > now + 0.001] or [LARGEST]
        smaller = [s for s in STEPS if s < now - 0.001] or [SMALLEST]
        return self.zoomed(larger[0] if by > 0 else smaller[-1], at)

    def moved(self, dx: float, dy: float) -> View:
        """Return the view moved by device pixels."""
        scale = self.scale()
        x, y = self.centre
        return replace(self, centre=(x + dx / scale / self.source[0], y + dy / scale / self.source[1])).kept_inside()

    def kept_inside(self) -> View:
        """Return the view with its centre where the part really is."""
        x, y, width, height = self.rect()
        return replace(self, centre=((x + width / 2) / self.source[0], (y + height / 2) / self.source[1]))
