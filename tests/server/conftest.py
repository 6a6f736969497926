# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores to test on: SQLite in a folder, and one PostgreSQL per session on a Unix socket; and one NATS."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from sync.server.store import Store, sqlite_url
from tests.fakes.services import Broker, Postgres
from tests.server.world import World


@pytest.fixture(autouse=True)
def whole_log() -> None:
    """Whatever ran before in this process, such as a simulated world, which is silent."""
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[], str]]:
    """Start PostgreSQL once; each call gives the URL of a fresh, migrated database."""
    with Postgres() as server:
        yield server.fresh


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A NATS server."""
    with Broker() as server:
        yield server


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
def desk(world: World) -> World:
    """The same, under the name that tests use which ask nothing of the database themselves."""
    return world
