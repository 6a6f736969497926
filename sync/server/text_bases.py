# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of long texts, kept so that later edits can be merged: accepted ones by revision, offered ones by mid.

The key of a version is a hash of what names it, so that it is found without an index and written once.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from app.domain.changes import Context, Row, TextEdit
from sync.server.rows import TxRows
from sync.server.schema import SYSTEM

__all__ = ["keep_texts", "text_seen"]


def text_seen(connection: sa.Connection, device: bytes, id_: bytes, field: str, seen: tuple[int, int]) -> str | None:
    """Return the text that a base entry names: what this device offered with `after`, else the accepted revision."""
    rev, after = seen
    found = _body(connection, _offered(id_, field, device, after)) if after else None
    return found if found is not None else _body(connection, _accepted(id_, field, rev))


def keep_texts(
    connection: sa.Connection, rows: TxRows, change: TextEdit, before: Row, device: bytes, ctx: Context
) -> None:
    """Keep what was there, what was offered and what was accepted."""
    after = rows.get(change.type, change.id)
    if after is None:
        return
    name = change.field
    records: list[dict[str, object]] = []
    for row in (before, after):
        rev, body = row.stamp(name).rev, str(row.values.get(name) or "")
        records.append({"no": _accepted(row.id, name, rev), "rev": rev, "device_id": None, "mid": None, "body": body})
    number = _offered(change.id, name, device, ctx.mid)
    records.append({"no": number, "rev": None, "device_id": device, "mid": ctx.mid, "body": change.text})
    sql = sa.text(
        "INSERT INTO text_base (no, entity_id, field, rev, device_id, mid, body, at) "
        "VALUES (:no, :entity_id, :field, :rev, :device_id, :mid, :body, :at) ON CONFLICT (no) DO NOTHING"
    )
    common = {"entity_id": change.id, "field": name, "at": ctx.now_ms}
    connection.execute(sql, [{**common, **record} for record in records])


def _body(connection: sa.Connection, number: int) -> str | None:
    table = SYSTEM.text_base
    return connection.execute(sa.select(table.c.body).where(table.c.no == number)).scalar()


def _accepted(id_: bytes, field: str, rev: int) -> int:
    return _hash(b"rev", id_, field.encode(), str(rev).encode())


def _offered(id_: bytes, field: str, device: bytes, mid: int) -> int:
    return _hash(b"offer", id_, field.encode(), device, str(mid).encode())


def _hash(*parts: bytes) -> int:
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(len(part).to_bytes(2, "big") + part)
    return int.from_bytes(digest.digest(), "big") >> 1
