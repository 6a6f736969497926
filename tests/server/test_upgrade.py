# SPDX-License-Identifier: GPL-3.0-or-later
"""An installation of before saved views, clocks and templates goes on with this program, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from app.domain.entities import MESSAGE
from app.domain.errors import StoreUnavailable
from sync.server import migrations
from sync.server.bulk import scope_errors
from sync.server.migrations import REVISIONS
from sync.server.schema import METADATA
from sync.server.store import Store
from tests.server.world import World

_NEW_TABLES = ("saved_view", "sla_policy", "template")
_CLOCK = ("next_due", "next_warn")
_Shape = dict[str, set[str]]


def shape(connection: sa.Connection) -> _Shape:
    """Columns of each table."""
    look = sa.inspect(connection)
    return {name: {str(c["name"]) for c in look.get_columns(name)} for name in look.get_table_names()}


def make_old(connection: sa.Connection) -> None:
    """Take away all that revision 0004 and later ones added; the rows of before stay."""
    op = Operations(MigrationContext.configure(connection))
    before, look = shape_of_before(), sa.inspect(connection)
    for table, columns in shape(connection).items():
        if table not in before:
            op.drop_table(table)
            continue
        added = columns - before[table]
        for index in look.get_indexes(table):
            if added & set(index["column_names"]):
                op.drop_index(str(index["name"]), table)
        for name in sorted(added):
            op.drop_column(table, name)
    connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0003'")


def shape_of_before() -> _Shape:
    """What the first three revisions make on a new database."""
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "REVISIONS", REVISIONS[:3])
        migrations.migrate(connection)
        return shape(connection)


@pytest.fixture
def old(world: World) -> tuple[str, bytes]:
    """The address of a database of before in which people worked, and a ticket of theirs."""
    ticket = world.agent("kim").ticket()
    world.store.write(make_old)
    with world.store.read() as cx:
        assert shape(cx) == shape_of_before()
    return world.store._engine.url.render_as_string(hide_password=False), ticket


def test_an_older_installation_starts_with_all_its_rows_and_works_on(world: World, old: tuple[str, bytes]) -> None:
    """Nothing is made twice, nothing is missing; the second start finds nothing to do."""
    url, ticket = old
    Store.open(url).close()
    store = Store.open(url)
    with store.read() as cx:
        assert compare_metadata(MigrationContext.configure(cx), METADATA) == []
        assert scope_errors(cx) == []
    now = World(store, beside=world)
    with now.client:
        kim = now.agent("kim")
        kim.pull()
        assert kim.do(kim.reply(ticket, "nach dem Update")) == ("ok", None)
        kim.pull()
        assert "nach dem Update" in [m["body"] for m in kim.copy.of(MESSAGE.number)]
    store.close()


def test_an_upgrade_that_is_cut_short_leaves_the_old_database_and_begins_again(
    old: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All revisions are one transaction, on SQLite too: half of them would be made twice at the next start."""
    url, _ = old

    def cut(op: Operations) -> None:
        REVISIONS[-1][1](op)
        raise StoreUnavailable("disk_full")

    before = shape_of_before()
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "REVISIONS", (*REVISIONS[:-1], (REVISIONS[-1][0], cut)))
        with pytest.raises(StoreUnavailable, match="disk_full"):
            Store.open(url)
    engine = sa.create_engine(url)
    with engine.connect() as cx:
        assert shape(cx) == before
    engine.dispose()
    Store.open(url).close()
