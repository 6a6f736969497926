# SPDX-License-Identifier: GPL-3.0-or-later
"""Many rows in one statement: on PostgreSQL as arrays, one a column, so that the text and its plan never change.

A statement a row, even when sent together, costs more than everything else a push does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

__all__ = ["insert_many", "update_many"]

Records = Sequence[Mapping[str, Any]]


def insert_many(connection: sa.Connection, table: sa.Table, records: Records) -> None:
    """Insert rows that all name every column."""
    if connection.dialect.name != "postgresql":
        connection.execute(table.insert(), list(records))
        return
    names = tuple(records[0])
    connection.execute(_insert(table, names), _columns(names, records))


def update_many(connection: sa.Connection, table: sa.Table, records: Records) -> None:
    """Set all the columns that the records name, by `id`; each id once."""
    names = tuple(records[0])
    if connection.dialect.name == "postgresql":
        connection.execute(_update(table, names), _columns(names, records))
        return
    given = [{f"b_{name}": value for name, value in record.items()} for record in records]
    connection.execute(_update_one(table, names), given)


@cache
def _update_one(table: sa.Table, names: tuple[str, ...]) -> sa.Update:
    query = table.update().where(table.c.id == sa.bindparam("b_id"))
    return query.values({name: sa.bindparam(f"b_{name}") for name in names if name != "id"})


@cache
def _insert(table: sa.Table, names: tuple[str, ...]) -> sa.Insert:
    given = _given(table, names)
    return table.insert().from_select(list(names), sa.select(*(given.c[name] for name in names)))


@cache
def _update(table: sa.Table, names: tuple[str, ...]) -> sa.Update:
    given = _given(table, names)
    changed = {name: given.c[name] for name in names if name != "id"}
    return table.update().where(table.c.id == given.c.id).values(changed)


def _given(table: sa.Table, names: tuple[str, ...]) -> sa.FromClause:
    """Return the arrays as a table of rows."""
    arrays = [sa.cast(sa.bindparam(f"a_{name}", type_=sa.Text), ARRAY(table.c[name].type)) for name in names]
    columns = [sa.column(name, table.c[name].type) for name in names]
    return sa.func.unnest(*arrays).table_valued(*columns, name="given").render_derived(name="given")


def _columns(names: tuple[str, ...], records: Records) -> dict[str, str]:
    """Return one array a column, written out: the driver does the same ten times slower, element by element."""
    return {f"a_{name}": "{" + ",".join([_element(record[name]) for record in records]) + "}" for name in names}


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        if "\\" in value or '"' in value:
            value = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{value}"'
    if isinstance(value, bytes | memoryview):
        return f'"\\\\x{value.hex()}"'
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, int):
        return str(int(value))
    raise TypeError(type(value).__name__)
