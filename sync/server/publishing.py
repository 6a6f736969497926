# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets what customers read from a file: the contact, articles, announcements. What is as it was gets no new version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from app.domain.changes import AnnouncementSave, AnyChange, ArticleSave, Row
from app.domain.entities import ANNOUNCEMENT, ARTICLE, CALENDAR, REF_SCOPE, SUPPORT_CONTACT, Entity, Value
from app.domain.errors import Refused
from app.domain.ids import derived_id, new_id
from sync.server.apply import Applier
from sync.server.bootstrap import full_row, organisation
from sync.server.clocks import server_context
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES
from sync.server.store import Store

__all__ = ["Published", "publish"]

Fields = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Published:
    """What a file came to: new versions, and whether the contact changed."""

    articles: int
    announcements: int
    contact: bool


def publish(
    store: Store,
    now: int,
    contact: Fields | None,
    calendar: str,
    articles: Mapping[str, Fields],
    announcements: Mapping[str, Fields],
) -> Published:
    """Make them what is given, by their keys; what is not named stays. Raises Refused; then nothing changed."""

    def work(connection: sa.Connection) -> Published:
        rows = TxRows(connection)
        saving = _Saving(connection, rows, now)
        made = Published(
            sum(saving.save(ARTICLE, key, fields) for key, fields in articles.items()),
            sum(saving.save(ANNOUNCEMENT, key, fields) for key, fields in announcements.items()),
            contact is not None and _set_contact(connection, rows, now, contact, calendar),
        )
        rows.flush(now)
        return made

    return store.write(work)


class _Saving:
    """One transaction, by the mutations that desktops send too."""

    def __init__(self, connection: sa.Connection, rows: TxRows, now: int) -> None:
        self._cx = connection
        self._rows = rows
        self._applier = Applier(connection, rows, None)
        self._ctx = server_context(now)
        self._root = bytes.fromhex(organisation(connection).id)

    def save(self, entity: Entity, key: str, fields: Fields) -> bool:
        """Save a version unless the current one says the same; tell whether it did."""
        of = derived_id(self._root, entity.name, key)
        known = _current(self._rows.find(entity.number, entity.name, of))
        if known is not None and all(known.values.get(name) == value for name, value in fields.items()):
            return False
        event, version = new_id(), new_id()
        before = known.id if known is not None else None
        change: AnyChange = (
            ArticleSave(event, version, of, dict(fields), before)
            if entity is ARTICLE
            else AnnouncementSave(event, version, of, dict(fields), before)
        )
        self._applier.apply(change, {}, self._ctx)
        return True


def _current(versions: Sequence[Row]) -> Row | None:
    replaced = {row.values.get("supersedes") for row in versions}
    heads = [row for row in versions if row.id not in replaced and not row.deleted]
    return max(heads, key=lambda row: (row.values.get("created_at") or 0, row.id), default=None)


def _set_contact(connection: sa.Connection, rows: TxRows, now: int, fields: Fields, calendar: str) -> bool:
    values = dict(fields)
    if calendar:
        table = ENTITY_TABLES[CALENDAR.number]
        query = sa.select(table.c.id).where(table.c.name == calendar, table.c.deleted == sa.false())
        found = connection.execute(query.order_by(table.c.seq.desc()).limit(1)).scalar()
        if found is None:
            raise Refused("no_such_calendar", name=calendar)
        values["calendar"] = bytes(found)
    table = ENTITY_TABLES[SUPPORT_CONTACT.number]
    id_ = connection.execute(sa.select(table.c.id).where(table.c.deleted == sa.false()).order_by(table.c.seq)).scalar()
    row = rows.get(SUPPORT_CONTACT.number, bytes(id_)) if id_ is not None else None
    if row is None:
        rows.stage([full_row(SUPPORT_CONTACT.number, new_id(), REF_SCOPE, {**values, "created_at": now})])
        return True
    if all(row.values.get(name) == value for name, value in values.items()):
        return False
    rows.stage([replace(row, rev=row.rev + 1, values={**row.values, **values})])
    return True
