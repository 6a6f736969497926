# SPDX-License-Identifier: GPL-3.0-or-later
"""What SQLAlchemy has compiled for one test's database serves the next one's: a server's own lives as long as it does.

Each engine starts without any statement, and a test has an engine of its own. A fifth of a test of the server went
into writing the same SQL again.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import util

from sync.server import store

__all__ = ["share_statements"]


class _Compiled(util.LRUCache[Any, Any]):
    """Finds by kind of database where SQLAlchemy finds by engine."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_kind(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_of_kind(key), value)


def _of_kind(key: tuple[sa.Dialect, ...]) -> tuple[object, ...]:
    dialect, *statement = key
    return (dialect.name, dialect.driver, dialect.server_version_info, *statement)


_compiled = _Compiled(4000)
_engine = store._engine


def _engine_that_shares(url: str) -> sa.Engine:
    engine = _engine(url)
    engine._compiled_cache = _compiled
    return engine


def share_statements() -> None:
    """From now on, in this process."""
    store._engine = _engine_that_shares
