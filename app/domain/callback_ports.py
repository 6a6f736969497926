# SPDX-License-Identifier: GPL-3.0-or-later
"""The port through which windows read the calls that are owed, and the half hours that can be given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.callbacks import Callback
from app.domain.ids import TeamId
from app.domain.ports import TicketRow

__all__ = ["CallItem", "CallStore"]


@dataclass(frozen=True, slots=True)
class CallItem:
    """A call with the ticket that it is about."""

    call: Callback
    row: TicketRow
    team: TeamId
    language: str


class CallStore(Protocol):
    """Blocks on the local disk. Raises StoreUnavailable."""

    def owed(self) -> Sequence[CallItem]:
        """Return every call that somebody has to do something about, on tickets here: a day's work in order."""
        ...

    def slots(self, team: TeamId) -> Sequence[int]:
        """Return the starts (ms) of half hours in which a team can call, as far as this computer knows."""
        ...
