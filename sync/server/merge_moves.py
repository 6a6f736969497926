# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the server's own of a customer (programs, codes, sessions, links) goes with a merge, and back; or stays."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from sync.server.schema import SYSTEM

__all__ = ["follow_merge", "follow_unmerge", "keep_links"]

_FOLLOWING: Mapping[str, tuple[sa.Table, str]] = {
    "companion": (SYSTEM.companion, "id"),
    "enrolment": (SYSTEM.enrolment, "code_hash"),
    "session": (SYSTEM.session, "sid"),
    "portal_link": (SYSTEM.portal_link, "hash"),
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


def keep_links(connection: sa.Connection, ticket: bytes, customer: bytes, last_no: int) -> None:
    """Note in the links of whoever has had a ticket until now how far it was theirs."""
    link = SYSTEM.portal_link
    own = link.c.ticket_id == ticket, link.c.customer_id == customer
    connection.execute(link.update().where(*own).values(until_no=last_no))
