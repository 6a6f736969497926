# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings and dues that have come: what the server writes on a ticket, once each, and what people are told of."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.ids import derived_id
from app.domain.sla import ClockView, Status, Target

__all__ = ["DUE_LINE", "WARNING_LINE", "Notice", "notices_due"]

WARNING_LINE, DUE_LINE = "sla.warning", "sla.due"


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning or a due that has come. Each (ticket, target, cycle, kind) is told once: so its line's id says."""

    kind: str
    target: Target
    cycle: int
    at_s: int

    def data(self) -> dict[str, object]:
        """Return what the history line says."""
        return {"target": self.target.value, "cycle": self.cycle}

    def id_of(self, ticket: bytes) -> bytes:
        """Return the id of the line on a ticket."""
        return derived_id(ticket, self.kind, self.target.value, str(self.cycle))


def notices_due(view: ClockView, now_s: int) -> list[Notice]:
    """Return what has come of the targets that run or are late. Of one that is late already the warning is no news."""
    out = []
    for target in Target:
        found = view.of(target)
        if found.status is Status.LATE and found.due_s is not None:
            out.append(Notice(DUE_LINE, target, found.cycle, found.due_s))
        elif found.status is Status.RUNNING and found.warn_s is not None and found.warn_s <= now_s:
            out.append(Notice(WARNING_LINE, target, found.cycle, found.warn_s))
    return out
