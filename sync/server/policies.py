# SPDX-License-Identifier: GPL-3.0-or-later
"""What teams decide for themselves, kept as settings of the server: whether stale replies go out all the same."""

from __future__ import annotations

import sqlalchemy as sa

from app.domain.changes import AnyChange, Context, MessageAdd, Rows
from app.domain.entities import TICKET
from app.domain.holds import BaseEntries, Held, changed_ground
from sync.server.schema import SYSTEM

__all__ = ["set_stale_replies", "still_held"]


def set_stale_replies(connection: sa.Connection, team: bytes, *, send: bool) -> None:
    """Let a team's replies go out though newer messages are there, or have them held as usual."""
    table, name = SYSTEM.setting, _name(team)
    connection.execute(table.delete().where(table.c.name == name))
    if send:
        connection.execute(table.insert().values(name=name, value="1"))


def still_held(
    connection: sa.Connection, waits: Held, change: AnyChange, base: BaseEntries, rows: Rows, ctx: Context
) -> Held | None:
    """Return why a change waits in the team it is for; None when that team lets it go out.

    A ticket that was merged, put on hold or given to another customer meanwhile holds the reply in every team.
    """
    ticket = rows.get(TICKET.number, waits.ticket)
    team = ticket.values.get("team") if ticket is not None else None
    if (
        ticket is None
        or waits.kind != "stale_reply"
        or waits.why.get("reason") != "news"
        or not isinstance(team, bytes)
    ):
        return waits
    table = SYSTEM.setting
    if connection.execute(sa.select(table.c.value).where(table.c.name == _name(team))).scalar() != "1":
        return waits
    if not isinstance(change, MessageAdd):
        return None  # released by its author: only news can hold it
    return changed_ground(ticket, change, base, rows, ctx)


def _name(team: bytes) -> str:
    return f"stale_replies:{team.hex()}"
