# SPDX-License-Identifier: GPL-3.0-or-later
"""How long somebody waits who asks now, by team and channel: read from the store, kept for two minutes. Blocking."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import sqlalchemy as sa

from app.domain.changes import Row, canonical_json
from app.domain.entities import (
    CALENDAR_SPANS,
    HISTORY,
    LIVE,
    MESSAGE,
    STATE,
    SUPPORT_CONTACT,
    TEAM,
    TICKET,
    Priority,
    Value,
)
from app.domain.ids import derived_id
from app.domain.open_hours import OpenHours, open_hours
from app.domain.sla import Target
from app.domain.sla_rows import Book
from app.domain.waits import LOOK_BACK_S, Asked, Told, offers_call, told_wait
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES
from sync.server.store import Store

__all__ = ["ACKNOWLEDGED", "Waiting", "acknowledged", "contact_calendar"]

ACKNOWLEDGED = "acknowledged"
_MOST = 20_000  # requests that are looked at
_FRESH_MS = 120_000


@dataclass(frozen=True, slots=True)
class _Known:
    at: int
    asked: list[Asked]
    hours: OpenHours | None
    target_s: int | None


class Waiting:
    """Any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._history: dict[tuple[bytes, str], _Known] = {}

    def told(self, now: int, team: bytes, channel: str) -> Told:
        """Return what is told to somebody who asks this team now (Unix ms) by this channel."""
        with self._lock:
            known = self._history.get((team, channel))
        if known is None or not 0 <= now - known.at < _FRESH_MS:
            with self._store.read() as connection:
                asked = _asked(connection, now, team, channel)
                known = _Known(now, asked, _hours(connection, team), _target(connection, team, channel))
            with self._lock:
                self._history[team, channel] = known
        return told_wait(known.asked, now // 1000, known.hours, known.target_s)


def acknowledged(ticket: Row, told: Told, now: int) -> Row:
    """Return the line that says what a customer was told when the request came: at most one for a ticket."""
    data = {
        "basis": told.basis.value, "usual_s": told.usual_s, "latest_s": told.latest_s, "opens_s": told.opens_s,
        "call": offers_call(told),
    }  # fmt: skip
    values: dict[str, Value] = dict.fromkeys(HISTORY.columns, None) | {
        "subject_type": TICKET.number, "subject": ticket.id, "kind": ACKNOWLEDGED, "data": canonical_json(data),
        "acted_at": now, "recorded_at": now, "actor_kind": "server", "created_at": now,
    }  # fmt: skip
    return Row(HISTORY.number, derived_id(ticket.id, ACKNOWLEDGED), ticket.scope, values)


def contact_calendar(connection: sa.Connection) -> bytes | None:
    """Return the version of the support contact's calendar that counts now."""
    contact = ENTITY_TABLES[SUPPORT_CONTACT.number]
    query = sa.select(contact.c.calendar).where(contact.c.deleted == sa.false()).order_by(contact.c.seq).limit(1)
    named = connection.execute(query).scalar()
    return Book(TxRows(connection)).newest(bytes(named)) if named is not None else None


def _target(connection: sa.Connection, team: bytes, channel: str) -> int | None:
    """Return the target for a first answer to an ordinary request."""
    book = Book(TxRows(connection))
    values: dict[str, Value] = {
        "team": team, "channel": channel, "priority": int(Priority.NORMAL), "kind": "question", "tier": 1,
    }  # fmt: skip
    applying = book.applying(values)
    if applying is None:
        return None
    policy = book.policies([applying.policy]).get(applying.policy)
    return policy.targets.get(Target.FIRST) if policy is not None else None


def _hours(connection: sa.Connection, team: bytes) -> OpenHours | None:
    """Return when the team is there: by its own calendar, else by the one that customers are told."""
    teams, table = ENTITY_TABLES[TEAM.number], ENTITY_TABLES[CALENDAR_SPANS.number]
    own = connection.execute(sa.select(teams.c.calendar).where(teams.c.id == team)).scalar()
    calendar = Book(TxRows(connection)).newest(bytes(own)) if own is not None else contact_calendar(connection)
    query = sa.select(table.c.spans).where(table.c.calendar == calendar, table.c.deleted == sa.false())
    text = connection.execute(query.order_by(table.c.seq.desc()).limit(1)).scalar()
    return open_hours(text) if text else None


def _asked(connection: sa.Connection, now: int, team: bytes, channel: str) -> list[Asked]:
    ticket, state, message = (ENTITY_TABLES[e.number] for e in (TICKET, STATE, MESSAGE))
    first = (
        sa.select(sa.func.min(message.c.created_at))
        .where(
            message.c.ticket == ticket.c.id,
            message.c.direction == "out",
            message.c.author_kind == "user",
            message.c.deleted == sa.false(),
        )
        .scalar_subquery()
    )
    query = (
        sa.select(ticket.c.created_at, ticket.c.last_at, state.c.category, first.label("answered"))
        .join(state, state.c.id == ticket.c.state)
        .where(
            ticket.c.team == team,
            ticket.c.channel == channel,
            ticket.c.deleted == sa.false(),
            ticket.c.created_at > now - LOOK_BACK_S * 1000,
        )
        .order_by(ticket.c.created_at.desc())
        .limit(_MOST)
    )
    return [
        Asked(
            row.created_at // 1000,
            row.answered // 1000 if row.answered is not None else None,
            None if row.category in LIVE else (row.last_at or row.created_at) // 1000,
        )
        for row in connection.execute(query)
    ]
