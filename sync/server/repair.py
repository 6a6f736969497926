# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the kept sums of scopes right, from their rows: else no device would ever agree with the server again."""

from __future__ import annotations

from functools import partial

import sqlalchemy as sa

from app.config.logs import get_logger
from sync.protocol import add_sum, row_hash
from sync.server.bulk import scope_errors
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import Store

__all__ = ["repair_sums"]

_log = get_logger("server.repair")

Sums = tuple[int, int]  # how many rows, and their sum


def repair_sums(store: Store) -> list[tuple[str, Sums, Sums]]:
    """Make counts, sums and heads those of the rows; returns each scope changed with the sums before and after.

    The server may run: a scope is counted under the lock that every writer takes last. Devices compare sums at every
    pull, so those that hold other rows than the server load the scope again; what they have not sent stays theirs.
    """
    with store.read() as connection:
        wrong = scope_errors(connection)
    found = {scope: store.write(partial(_repair, scope=scope)) for scope in wrong}
    done = [(scope, *sums) for scope, sums in found.items() if sums is not None]
    for scope, before, after in done:
        _log.warning("sums put right", scope=scope, rows_before=before[0], rows=after[0])
    return done


def _repair(connection: sa.Connection, scope: str) -> tuple[Sums, Sums] | None:
    table = SYSTEM.scope
    query = sa.select(table).where(table.c.id == scope).with_for_update()
    kept = connection.execute(query).one_or_none()
    if kept is None:  # rows of a scope that is none: verify tells of their seqs, and no device may see them
        return None
    n, xsum, top = 0, 0, kept.head
    for number, rows in ENTITY_TABLES.items():
        columns = sa.select(rows.c.id, rows.c.seq, rows.c.deleted).where(rows.c.scope_id == scope)
        for id_, seq, deleted in connection.execute(columns):
            top = max(top, seq)
            if not deleted:
                n, xsum = n + 1, add_sum(xsum, row_hash(number, bytes(id_), seq))
    if (n, xsum, top) == (kept.n, kept.xsum, kept.head):
        return None
    connection.execute(table.update().where(table.c.id == scope).values(n=n, xsum=xsum, head=top))
    return (kept.n, kept.xsum), (n, xsum)
