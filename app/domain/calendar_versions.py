# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of a calendar counts: the last one that is compiled. Pure; both ends ask the same rows."""

from __future__ import annotations

from app.domain.changes_base import Rows
from app.domain.entities import CALENDAR, CALENDAR_SPANS

__all__ = ["counting_version", "latest_version"]


def counting_version(rows: Rows, calendar: bytes) -> bytes:
    """Return the version that counts now, whichever version is asked about.

    A version that waits for the server to compile it counts nowhere; the one before it still does.
    """
    line = _line(rows, calendar)
    if len(line) == 1 and _before(rows, calendar) is None:
        return calendar  # the one version there is
    for id_ in reversed(line):
        if _is_compiled(rows, id_):
            return id_
    before, seen = _before(rows, calendar), {calendar}
    while before is not None and before not in seen:
        if _is_compiled(rows, before):
            return before
        seen.add(before)
        before = _before(rows, before)
    return line[-1]


def latest_version(rows: Rows, calendar: bytes) -> bytes:
    """Return the version that was saved last, compiled or not."""
    return _line(rows, calendar)[-1]


def _line(rows: Rows, calendar: bytes) -> list[bytes]:
    """Return this version and those after it, in order. Where a change that waits here forks it, the compiled goes."""
    line = [calendar]
    while later := [row.id for row in rows.find(CALENDAR.number, "supersedes", line[-1])]:
        chosen = later[-1]
        if len(later) > 1:
            chosen = next((id_ for id_ in reversed(later) if _is_compiled(rows, id_)), chosen)
        if chosen in line:
            break
        line.append(chosen)
    return line


def _before(rows: Rows, calendar: bytes) -> bytes | None:
    row = rows.get(CALENDAR.number, calendar)
    before = row.values.get("supersedes") if row is not None else None
    return before if isinstance(before, bytes) else None


def _is_compiled(rows: Rows, calendar: bytes) -> bool:
    return rows.first(CALENDAR_SPANS.number, "calendar", calendar) is not None
