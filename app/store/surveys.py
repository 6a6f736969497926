# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what customers answered to the two questions."""

from __future__ import annotations

from app.domain.entities import SURVEY_ANSWER, USER
from app.domain.surveys import Answered
from app.store.shown import Shown

__all__ = ["answers_of"]


def answers_of(shown: Shown, ticket: bytes) -> tuple[Answered, ...]:
    """Return the answers on a ticket, the newest first."""
    columns = "id, answered_at, solved, treated_well, comment, told_to"
    found = shown.select(SURVEY_ANSWER.number, columns, "ticket = ? AND deleted = 0", (ticket,))
    if not found:
        return ()
    users = dict(shown.by_ids(USER.number, "id, name", sorted({row[5] for row in found if row[5]})))
    made = [
        Answered(id_, at or 0, _yes(solved), _yes(well), comment or "", users.get(told) or "")
        for id_, at, solved, well, comment, told in found
    ]
    return tuple(sorted(made, key=lambda each: (-each.at, each.id)))


def _yes(value: object) -> bool | None:
    return None if value is None else bool(value)
