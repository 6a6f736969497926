# SPDX-License-Identifier: GPL-3.0-or-later
"""Security alarms in the local files: the lines that are alarms, and the condition of tickets that have one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from app.domain.alarms import ALARM_LINES, NUMBER_LINE, is_told
from app.domain.entities import HISTORY, TICKET, USER
from app.store.shown import Shown

__all__ = ["INDEXED_LINES", "alarm_condition", "alarms_for"]

_KINDS = ", ".join(f"'{kind}'" for kind in ALARM_LINES)
# the condition of the index, word for word: only then the database uses it. A ticket has hundreds of other lines
INDEXED_LINES: Final = f"kind IN ({_KINDS})"
_ALARM: Final = f"{INDEXED_LINES} AND (kind <> '{NUMBER_LINE}' OR data LIKE '%\"ok\"%') AND deleted = 0"


def alarm_condition(shown: Shown) -> str:
    """Return the condition that a ticket `s` has an alarm, own unsent ones included."""
    table = shown.name_of(HISTORY.number)
    theirs = f"s.id IN (SELECT h.subject FROM main.{table} h INDEXED BY {table}_alarms WHERE {_ALARM})"
    own = {t for (t,) in shown.own(HISTORY.number, "h.subject", _ALARM) if t}
    literals = ", ".join(f"x'{t.hex()}'" for t in sorted(own))
    return f"({theirs} OR s.id IN ({literals}))" if own else f"({theirs})"


def alarms_for(shown: Shown, me: bytes, floor: int) -> Iterable[tuple[bytes, bytes, int, str]]:
    """Yield id, ticket, time and kind of the alarms after `floor` that one is told of, as one's row says now."""
    found = shown.select(HISTORY.number, "id, subject, acted_at, kind, recorded_at", _ALARM)
    found = [row for row in found if max(row[2] or 0, row[4] or 0) > floor]
    if not found:
        return
    person = shown.select(USER.number, "roles, teams", "id = ?", (me,))
    if not person:
        return
    roles, teams = frozenset(_texts(person[0][0])), frozenset(map(_id, _texts(person[0][1])))
    tickets = dict(shown.by_ids(TICKET.number, "id, team", sorted({row[1] for row in found}), " AND deleted = 0"))
    for id_, ticket, acted, kind, recorded in found:
        if ticket in tickets and is_told(roles, teams, tickets[ticket]):
            # one that comes late, of a session without a network, is as new as the server's own
            yield id_, ticket, max(acted or 0, recorded or 0), kind


def _texts(raw: Any) -> list[str]:
    try:
        said = json.loads(raw or "[]")
    except ValueError:
        return []
    return [each for each in said if isinstance(each, str)] if isinstance(said, list) else []


def _id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()  # “all”
