# SPDX-License-Identifier: GPL-3.0-or-later
"""`DeedStore` over a `FakeDesk`, for pictures."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.deed_ports import CustomerHit, SimilarTicket, SimilarTo, SnoozeEnd
from app.domain.ids import TeamId
from app.domain.ports import TicketRow
from tests.fakes.queries import TEAM, FakeQueries


class FakeDeeds:
    """Knows nobody and finds nothing: a picture shows what its scene puts there."""

    def __init__(self, queries: FakeQueries) -> None:
        self.queries = queries

    def customers(self, text: str, limit: int = 8) -> Sequence[CustomerHit]:
        """Nobody."""
        return ()

    def similar(self, to: SimilarTo, limit: int = 3) -> Sequence[SimilarTicket]:
        """Nothing."""
        return ()

    def deleted(self, limit: int = 50) -> Sequence[TicketRow]:
        """Nothing."""
        return ()

    def snoozes_due(self, after: int, until: int) -> Sequence[SnoozeEnd]:
        """Nothing."""
        return ()

    def my_teams(self) -> Sequence[TeamId]:
        """The one team."""
        return (TEAM,)

    def provisional(self) -> str:
        """The number of the pictures."""
        return "~K7-12"
