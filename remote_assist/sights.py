# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of windows that must not be seen, and what follows for one picture."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.masking import Box

__all__ = ["Cover", "Hit", "Sight"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A window that a rule found: its own id, that of its frame, and where it is."""

    ids: frozenset[int]
    box: Box
    pause: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """What must not be seen, in pixels of the desktop.

    `now`: where such windows are; `trail`: everywhere to cover. `hits` are the windows that rules found.
    """

    now: tuple[Box, ...] = ()
    trail: tuple[Box, ...] = ()
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Cover:
    """What to paint over, in pixels of the target. With `hold` ("rule" or "locked") all of it."""

    boxes: tuple[Box, ...] = ()
    hold: str = ""
