# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the window process which pictures left, while the agent may act on them: no older one counts for that."""

from __future__ import annotations

import threading
from collections.abc import Callable

from app.domain.assist import Scope
from remote_assist.child_protocol import PictureLeft

__all__ = ["SentPictures"]


class SentPictures:
    """`left` is called by the encoder's thread, `grant` by the one that reads."""

    def __init__(self, post: Callable[[PictureLeft], None]) -> None:
        self._post = post
        self._lock = threading.Lock()
        self._on = False
        self._newest: PictureLeft | None = None
        self._changed: PictureLeft | None = None

    def left(self, frame_id: int, changed: bool) -> None:
        """This picture goes out now. `changed`: it shows something else than the one before."""
        told = PictureLeft(frame_id, changed)
        with self._lock:
            self._newest = told
            if changed:
                self._changed = told
            if self._on:
                self._post(told)

    def grant(self, scopes: frozenset[str]) -> None:
        """Begin with what the agent sees at this moment."""
        with self._lock:
            was, self._on = self._on, Scope.CONTROL.value in scopes
            if self._on and not was:
                for told in (self._changed, self._newest):
                    if told is not None:
                        self._post(told)
