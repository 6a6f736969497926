# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL's own programs for backups: a dump of one moment, and a restore that leaves nothing of what was before."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa
from psycopg import pq
from psycopg.conninfo import make_conninfo

from app.domain.errors import StoreUnavailable, WorldError
from sync.server.migrations import REVISIONS
from sync.server.schema import SYSTEM

__all__ = ["conninfo", "dump", "has_tables", "is_founded", "load", "organisation_key"]

# the database's own helpers (vacuum, statistics) are nobody's sessions
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)
_TOOL_S = 24 * 3600
_TABLE = re.compile(r"^\d+; \d+ \d+ TABLE (\S+) (\S+) ", re.MULTILINE)
_REVISION = re.compile(r"^COPY public\.alembic_version [^\n]*\n([^\n\t\\]+)\n", re.MULTILINE)


def conninfo(database: str) -> tuple[str, Mapping[str, str]]:
    """Return libpq's form of an address, and the password as environment: command lines can be read by everybody."""
    url = sa.make_url(database)
    engine = sa.create_engine(url)
    given = engine.dialect.create_connect_args(url)[1]
    engine.dispose()
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    words = {name: value for name, value in given.items() if name in known and name != "password"}
    password = given.get("password")
    return make_conninfo(**words), {"PGPASSWORD": str(password)} if password else {}


def dump(database: str, target: Path) -> None:
    """Write a dump of one moment. Raises WorldError: no_pg_tools, pg_tool_failed."""
    _run("pg_dump", database, "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def has_tables(database: str) -> bool:
    """Whether Deskside has anything in this database. Raises StoreUnavailable("database_unreachable")."""
    engine = sa.create_engine(database)
    try:
        with engine.connect() as connection:
            return bool(sa.inspect(connection).has_table("alembic_version", schema="public"))
    except sa.exc.SQLAlchemyError as error:
        raise StoreUnavailable("database_unreachable") from error
    finally:
        engine.dispose()


def is_founded(database: str) -> bool:
    """Whether a server has ever worked on this database. What cannot be read counts as work.

    Raises StoreUnavailable("database_unreachable").
    """
    if not has_tables(database):
        return False
    engine = sa.create_engine(database)
    try:
        with engine.connect() as connection:
            return connection.execute(sa.select(SYSTEM.epoch.c.no).limit(1)).first() is not None
    except sa.exc.SQLAlchemyError:
        return True
    finally:
        engine.dispose()


def organisation_key(database: str) -> str | None:
    """Return the public key of the organisation that the database belongs to; None if it cannot be read."""
    engine = sa.create_engine(database)
    try:
        with engine.connect() as connection:
            query = sa.select(SYSTEM.setting.c.value).where(SYSTEM.setting.c.name == "org_key")
            return connection.execute(query).scalar()
    except sa.exc.SQLAlchemyError:
        return None
    finally:
        engine.dispose()


def load(database: str, image: Path) -> None:
    """Replace everything by a dump, in one transaction; then drop tables that it does not know.

    Raises WorldError: bad_backup, no_pg_tools, pg_tool_failed; StoreUnavailable: store_in_use, store_too_new,
    database_unreachable. Then the former data are untouched.
    """
    _check_revision(image)
    tables = {name for schema, name in _TABLE.findall(_said("--list", str(image))) if schema == "public"}
    engine = sa.create_engine(database)
    try:
        with engine.connect() as connection:
            if connection.exec_driver_sql(_OTHERS).scalar():
                raise StoreUnavailable("store_in_use")
        engine.dispose()
        _run("pg_restore", database, "--clean", "--if-exists", "--no-owner", "--no-privileges", "--exit-on-error",
             "--single-transaction", str(image))  # fmt: skip
        with engine.begin() as connection:
            for name in sorted(set(sa.inspect(connection).get_table_names(schema="public")) - tables):
                quoted = connection.dialect.identifier_preparer.quote(name)
                connection.exec_driver_sql(f"DROP TABLE public.{quoted} CASCADE")
    except sa.exc.SQLAlchemyError as error:
        raise StoreUnavailable("database_unreachable") from error
    finally:
        engine.dispose()


def _check_revision(image: Path) -> None:
    found = _REVISION.search(_said("--data-only", "--table=alembic_version", "--file=-", str(image)))
    if found is None:
        raise WorldError("bad_backup", path=str(image))
    if found[1] not in [name for name, _ in REVISIONS]:
        raise StoreUnavailable("store_too_new", version=found[1])


def _said(*arguments: str) -> str:
    """Return what pg_restore tells of a dump."""
    return _tool("pg_restore", {}, *arguments)


def _run(name: str, database: str, *arguments: str) -> None:
    words, secret = conninfo(database)
    _tool(name, secret, "--no-password", f"--dbname={words}", *arguments)


def _tool(name: str, secret: Mapping[str, str], *arguments: str) -> str:
    program = shutil.which(name)
    if program is None:
        raise WorldError("no_pg_tools", name=name)
    done = subprocess.run(
        [program, *arguments],
        env={**os.environ, **secret},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TOOL_S,
        check=False,
    )
    if done.returncode != 0:
        raise WorldError("pg_tool_failed", name=name, detail=done.stderr.strip()[-400:])
    return done.stdout
