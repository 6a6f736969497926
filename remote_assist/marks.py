# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the agent's pointing and drawing shows now: bounded in number, rate and time. Pure; the time is handed in."""

from __future__ import annotations

from app.domain.marks import MARKS_MAX, Mark, Marks

__all__ = ["POINTER_LIFE_MS", "Bucket", "MarkBoard"]

POINTER_LIFE_MS = 3_000  # an agent's end that holds still says so every second
_MARKS = (30, 60)  # a second, at once
_POINTERS = (60, 180)


class Bucket:
    """At most so many a second on average, and so many at once when they were held up on the way."""

    def __init__(self, per_second: int, at_once: int) -> None:
        self._rate, self._most = per_second, at_once
        self._left = float(at_once)
        self._at_ms: int | None = None

    def take(self, now_ms: int) -> bool:
        """Tell whether one more is within the limits."""
        passed = max(0, now_ms - self._at_ms) if self._at_ms is not None else 0
        self._at_ms = now_ms
        self._left = min(self._most, self._left + passed * self._rate / 1000)
        if self._left < 1:
            return False
        self._left -= 1
        return True


class MarkBoard:
    """Pointer and drawings of one session at one end. The caller has checked that they are allowed."""

    def __init__(self) -> None:
        self._pointer: tuple[int, int] | None = None
        self._pointer_until = 0
        self._marks: dict[int, tuple[Mark, int | None]] = {}
        self._mark_rate, self._pointer_rate = Bucket(*_MARKS), Bucket(*_POINTERS)

    @property
    def shown(self) -> Marks:
        """What shows now."""
        return Marks(self._pointer, tuple(mark for mark, _until in self._marks.values()))

    @property
    def deadline_ms(self) -> int | None:
        """When something goes by itself."""
        due = [until for _mark, until in self._marks.values() if until is not None]
        return min([*due, self._pointer_until] if self._pointer is not None else due, default=None)

    def point(self, at: tuple[int, int] | None, now_ms: int) -> bool:
        """Move the pointer, or take it away with None; False, and no effect, when it comes too often."""
        if not self._pointer_rate.take(now_ms):
            return False
        self._pointer, self._pointer_until = at, now_ms + POINTER_LIFE_MS
        return True

    def add(self, mark: Mark, now_ms: int) -> bool:
        """Show a drawing, or another form of one that shows already; False, and no effect, beyond the limits."""
        if not self._mark_rate.take(now_ms) or (mark.id not in self._marks and len(self._marks) >= MARKS_MAX):
            return False
        self._marks[mark.id] = (mark, now_ms + mark.ttl_s * 1000 if mark.ttl_s else None)
        return True

    def remove(self, mark_id: int, now_ms: int) -> bool:
        """Take a drawing away; False when it comes too often."""
        if not self._mark_rate.take(now_ms):
            return False
        self._marks.pop(mark_id, None)  # it may have gone by itself meanwhile
        return True

    def clear(self) -> bool:
        """Take everything away. Tells whether anything showed."""
        showed = bool(self.shown)
        self._pointer = None
        self._marks.clear()
        return showed

    def tick(self, now_ms: int) -> bool:
        """Let go what is over. Tells whether anything was."""
        before = len(self._marks), self._pointer
        self._marks = {i: (mark, until) for i, (mark, until) in self._marks.items() if until is None or until > now_ms}
        if self._pointer is not None and now_ms >= self._pointer_until:
            self._pointer = None
        return before != (len(self._marks), self._pointer)
