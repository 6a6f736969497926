# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutation of the complaint guide: a step done, or no longer. It leaves a line in the history and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.changes_base import Context, Effect, Key, Rows, history, landing
from app.domain.complaints import STEPS, Closing
from app.domain.entities import TICKET
from app.domain.errors import Refused

__all__ = ["MARKS", "MAX_WORDS_CHARS", "ComplaintStep", "closing_of"]

MARKS = ("fact", "feeling")
MAX_WORDS_CHARS = 500


@dataclass(frozen=True, slots=True)
class ComplaintStep:
    """`complaint.step`: a step of the guide. `text` are words of the customer's that are marked as fact or feeling."""

    event: bytes
    ticket: bytes
    step: str
    done: bool = True
    mark: str = ""
    text: str = ""

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the line."""
        if self.step not in STEPS:
            raise Refused("bad_value", field="step")
        if (self.mark and self.mark not in MARKS) or bool(self.mark) != bool(self.text.strip()):
            raise Refused("bad_value", field="mark")
        if len(self.text) > MAX_WORDS_CHARS:
            raise Refused("bad_value", field="text")
        ticket, _via = landing(rows, self.ticket)
        data: dict[str, object] = {"step": self.step, "done": self.done}
        if self.mark:
            data |= {"mark": self.mark, "text": " ".join(self.text.split())}
        return [history(ctx, ticket, self.event, "complaint", data)]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]


def closing_of(values: Mapping[str, object]) -> Closing:
    """Return what a ticket's columns say about the end of a complaint."""
    cause, follow_up, at, owner = (
        values.get(n) for n in ("root_cause", "follow_up", "follow_up_at", "follow_up_owner")
    )
    return Closing(
        cause if isinstance(cause, str) else "", follow_up if isinstance(follow_up, str) else "",
        at if isinstance(at, int) else None, owner if isinstance(owner, bytes) else None,
    )  # fmt: skip
