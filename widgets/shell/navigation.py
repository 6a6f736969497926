# SPDX-License-Identifier: GPL-3.0-or-later
"""Back and forward through the places a person was at. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.ids import TicketId, ViewId
from app.domain.ports import ViewKey

__all__ = ["Navigation", "Spot"]

DEPTH = 100


@dataclass(frozen=True, slots=True)
class Spot:
    """A place: a view (None is the outbox, or with `needs` what waits for the person) and the ticket open in it.

    `saved` is the saved view, if one shows.
    """

    view: ViewKey | None
    ticket: TicketId | None = None
    needs: bool = False
    saved: ViewId | None = None


class Navigation:
    """A browser's history: visiting forgets what was ahead."""

    def __init__(self) -> None:
        self._spots: list[Spot] = []
        self._here = -1

    def visit(self, spot: Spot) -> None:
        """The person went somewhere."""
        if self._spots and self._spots[self._here] == spot:
            return
        self._spots = [*self._spots[: self._here + 1], spot][-DEPTH:]
        self._here = len(self._spots) - 1

    def step(self, by: int) -> Spot | None:
        """Go back (-1) or forward (1); None at the end."""
        place = self._here + by
        if not 0 <= place < len(self._spots):
            return None
        self._here = place
        return self._spots[place]
