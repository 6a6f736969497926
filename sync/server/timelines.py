# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices a fail-over at the first connection after it: nothing is read or written before its epoch has begun.

Who is asked only now and then would meanwhile give out numbers and seqs a second time. SQLite has no timelines.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event

from app.config.logs import get_logger
from sync.server.epochs import CLUSTER_SQL

__all__ = ["Timelines"]

_KEY = "deskside_cluster"
_NOT_TOLD = "not told"  # by a database that lets this role not know

_log = get_logger("server.timelines")


class Timelines:
    """Watches the connections of an engine. `follow` begins an epoch if the cluster is another than the last one's."""

    def __init__(self, engine: sa.Engine, follow: Callable[[], None]) -> None:
        self._follow = follow
        self._lock = threading.Lock()
        self._known: object = None
        event.listen(engine, "connect", _learn)

    def check(self, connection: sa.Connection) -> None:
        """Call at the beginning of each transaction, before its first statement."""
        found = connection.info.get(_KEY)
        if found is None:  # made before there was a watch, or a standby's, which may become the first at any time
            raw = connection.connection.dbapi_connection
            found = connection.info[_KEY] = _asked(raw)
        if found == self._known or found is None:
            return
        with self._lock:
            if found == self._known:
                return
            if self._known is not None:  # the first one was looked at when the server started
                _log.warning("the database is another cluster or timeline")
                if found != _NOT_TOLD:
                    self._follow()
            self._known = found


def _learn(connection: Any, record: Any) -> None:
    record.info[_KEY] = _asked(connection)


def _asked(connection: Any) -> object:
    """Return (system, timeline), None while the database is a standby."""
    try:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(CLUSTER_SQL)
            row = cursor.fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return _NOT_TOLD
    except psycopg.Error:  # a standby, or gone again: the next statement says so
        return None
    return str(row[0]), int(row[1], 16)
