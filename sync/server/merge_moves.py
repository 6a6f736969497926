# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the server's own of a customer (programs, codes, sessions) goes with a merge, and back with its undoing."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from sync.server.schema import SYSTEM

__all__ = ["follow_merge", "follow_unmerge"]

_FOLLOWING: Mapping[str, tuple[sa.Table, str]] = {
    "companion": (SYSTEM.companion, "id"),
    "enrolment": (SYSTEM.enrolment, "code_hash"),
    "session": (SYSTEM.session, "sid"),
}


def follow_merge(connection: sa.Connection, source: bytes, into: bytes) -> None:
    """Give what is the source's to the target, and remember what that was."""
    move = SYSTEM.merge_move
    for kind, (table, key) in _FOLLOWING.items():
        own = table.c.customer_id == source
        for found in connection.execute(sa.select(table.c[key]).where(own)).scalars().all():
            known = move.c.customer_id == source, move.c.kind == kind, move.c.key == found
            connection.execute(move.delete().where(*known))
            connection.execute(move.insert().values(customer_id=source, kind=kind, key=found))
        connection.execute(table.update().where(own).values(customer_id=into))


def follow_unmerge(connection: sa.Connection, source: bytes, target: bytes) -> None:
    """Give back what went with the merge and is still the target's."""
    move = SYSTEM.merge_move
    for kind, (table, key) in _FOLLOWING.items():
        moved = sa.select(move.c.key).where(move.c.customer_id == source, move.c.kind == kind)
        went = table.c[key].in_(moved), table.c.customer_id == target
        connection.execute(table.update().where(*went).values(customer_id=source))
    connection.execute(move.delete().where(move.c.customer_id == source))
