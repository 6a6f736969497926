# SPDX-License-Identifier: GPL-3.0-or-later
"""A text on its way from one clipboard towards the other: its parts, and how they become a text again. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.plain_text import CLIP_BYTES_MAX, is_tidy
from remote_assist import bulk

__all__ = ["BadClip", "ClipReader", "count", "parts"]


class BadClip(Exception):
    """What came is no plain text, or longer than a text may be."""


def count(data: bytes) -> int:
    """Return how many parts these bytes make."""
    return -(-len(data) // bulk.MAX_CLIP_DATA_BYTES)


def parts(data: bytes) -> Iterator[bytes]:
    """Yield the messages for the channel."""
    of, step = count(data), bulk.MAX_CLIP_DATA_BYTES
    for part in range(of):
        yield bulk.encode_part(part, of, data[part * step : (part + 1) * step])


class ClipReader:
    """Takes parts in their order. The first part begins anew; what follows no first part is passed over."""

    def __init__(self) -> None:
        self._of = 0
        self._next = 0
        self._data = bytearray()

    def take(self, part: int, of: int, data: bytes) -> str | None:
        """Add a part; the last one gives the text. Raises BadClip, and forgets everything then."""
        if part == 0:
            self._of, self._next = of, 0
            self._data.clear()
        if part != self._next or of != self._of:
            self.forget()
            return None
        self._next += 1
        self._data += data
        if len(self._data) > CLIP_BYTES_MAX:
            self.forget()
            raise BadClip("size")
        return self._finish() if self._next == of else None

    def forget(self) -> None:
        """Nothing of what came is wanted."""
        self._of = self._next = 0
        self._data.clear()

    def _finish(self) -> str:
        raw = bytes(self._data)
        self.forget()
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise BadClip("text") from None
        if not text or not is_tidy(text):
            raise BadClip("text")
        return text
