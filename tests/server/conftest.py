# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores to test on: SQLite in a folder, and one PostgreSQL per session on a Unix socket; and one NATS."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from litestar.utils.signature import ParsedSignature

from sync.server.store import Store, sqlite_url
from tests.fakes.services import Broker, Postgres
from tests.fakes.statements import share_statements
from tests.server import lent_app
from tests.server.world import World

share_statements()

_parsed: dict[CodeType, ParsedSignature] = {}
_parse = ParsedSignature.from_fn


def _parse_once(fn: Callable[..., Any], signature_namespace: dict[str, Any]) -> ParsedSignature:
    code = getattr(fn, "__code__", None)
    if code is None:
        return _parse(fn, signature_namespace)
    if code not in _parsed:
        _parsed[code] = _parse(fn, signature_namespace)
    return _parsed[code]


@pytest.fixture(scope="session", autouse=True)
def _routes_parsed_once() -> Iterator[None]:
    """Each of a thousand servers has the same routes; half of the time of making one goes into reading their types."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ParsedSignature, "from_fn", _parse_once)
        yield


@pytest.fixture(scope="session")
def _lender() -> Iterator[lent_app.Lender]:
    """The routes are put together once for many tests."""
    with pytest.MonkeyPatch.context() as patch:
        lender = lent_app.Lender()
        patch.setattr(lent_app, "lender", lender)
        yield lender


@pytest.fixture(autouse=True)
def _lent(_lender: lent_app.Lender) -> Iterator[None]:
    """First of all fixtures, thus last at the end: whoever had an application has ended by then."""
    yield
    _lender.all_back()


@pytest.fixture(autouse=True)
def whole_log() -> None:
    """Whatever ran before in this process, such as a simulated world, which is silent."""
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql(_postgres: Postgres) -> Callable[[], str]:
    """PostgreSQL is started once; each call gives the URL of a fresh, migrated database."""
    return _postgres.fresh


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


@pytest.fixture(scope="session")
def _filled(blank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file in which a world has its people, to copy."""
    folder = tmp_path_factory.mktemp("filled")
    shutil.copy(blank, folder)
    World(Store.open(sqlite_url(folder))).parts.close()
    return folder / "server.db"


@pytest.fixture(scope="session")
def _filled_database(_postgres: Postgres) -> str:
    """The name of a database in PostgreSQL in which a world has its people."""
    url = _postgres.fresh()
    World(Store.open(url)).parts.close()
    return str(sa.make_url(url).database)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """The same tests on both databases. Where a world is asked for, its people are there already."""
    peopled = "world" in request.fixturenames
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("_filled" if peopled else "blank"), tmp_path)
        url = sqlite_url(tmp_path)
    elif peopled:
        url = request.getfixturevalue("_postgres").fresh(request.getfixturevalue("_filled_database"))
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
