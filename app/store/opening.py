# SPDX-License-Identifier: GPL-3.0-or-later
"""When a team is open: the spans that the server compiled, as they came with the replica."""

from __future__ import annotations

from app.domain.calendar_versions import counting_version
from app.domain.calendars import Span, parse_spans
from app.domain.entities import CALENDAR_SPANS, TEAM
from app.domain.ids import TeamId
from app.store.shown import Shown, ShownRows

__all__ = ["team_spans"]


def team_spans(shown: Shown, team: TeamId) -> list[Span]:
    """Return a team's open spans (UTC seconds), oldest first; none when no calendar is known here."""
    found = shown.select(TEAM.number, "calendar", "id = ? AND deleted = 0", (team,))
    named = found[0][0] if found else None
    if named is None:
        return []
    calendar = counting_version(ShownRows(shown), named)
    rows = shown.select(CALENDAR_SPANS.number, "spans, to_s", "calendar = ? AND deleted = 0", (calendar,))
    try:
        return parse_spans(max(rows, key=lambda row: row[1] or 0)[0]) if rows else []
    except (TypeError, ValueError):
        return []
