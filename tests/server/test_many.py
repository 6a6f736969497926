# SPDX-License-Identifier: GPL-3.0-or-later
"""Many rows in one statement come back exactly as they were given, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from app.domain.entities import NOTE
from sync.server.many import insert_many, update_many
from sync.server.schema import ENTITY_TABLES
from sync.server.store import Store
from tests.server.world import row_id

TEXTS = [
    "", " ", "NULL", "null", '"', "\\", "\\\\", '\\"', "{}", "{a,b}", "a,b", "'", "''", "%s %(a)s :b $1", "\n\r\t",
    "한글 🖨️", '{"k":"v\\n"}', "\\x00", "x" * 70_000, None,
]  # fmt: skip


def note(n: int, body: str | None) -> dict[str, Any]:
    """A row of which only some columns matter."""
    blank = dict.fromkeys(NOTE.columns)
    fixed = {"scope_id": "team:x", "seq": n, "deleted": n % 2 == 0, "deleted_at": -n or None, "rev": 1, "fld": "{}"}
    return {"id": row_id(n), **fixed, **blank, "ticket": bytes([0, 92, 34, n]), "body": body}


def test_texts_that_look_like_syntax_are_only_texts(store: Store) -> None:
    """Quotes, braces, the word NULL and what a driver takes for a place holder."""
    table = ENTITY_TABLES[NOTE.number]
    given = [note(n, body) for n, body in enumerate(TEXTS)]
    store.write(lambda cx: insert_many(cx, table, given))
    with store.read() as cx:
        found = [dict(row) for row in cx.execute(sa.select(table).order_by(table.c.seq)).mappings()]
    assert found == given
    changed = [{"id": row["id"], "body": body, "rev": 2} for row, body in zip(given, reversed(TEXTS), strict=True)]
    store.write(lambda cx: update_many(cx, table, changed))
    with store.read() as cx:
        assert list(cx.execute(sa.select(table.c.body).order_by(table.c.seq)).scalars()) == TEXTS[::-1]


def test_a_value_that_is_none_of_ours_is_no_row(store: Store) -> None:
    """It is a bug of the caller, and told as one."""
    rows = [note(1, "a") | {"rev": 1.5j}]
    with pytest.raises((TypeError, sa.exc.SQLAlchemyError)):
        store.write(lambda cx: insert_many(cx, ENTITY_TABLES[NOTE.number], rows))
