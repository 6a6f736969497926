# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions that end because their agent's device or account is let in no more.

The two computers are connected to each other, so the server can only tell them; it does so at once, and again whenever
one of them connects while the session might still run. What it was told of an end before counts for nothing here: that
agent may have said so and gone on.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from sync.server.schema import SYSTEM

__all__ = ["REVOKED", "might_run", "revoke_sessions"]

REVOKED = "revoked"  # the state of such a session, and the reason that both ends are told


def might_run(now: int) -> sa.ColumnElement[bool]:
    """Sessions that may not have reached their limit yet, whoever says that they are over."""
    table = SYSTEM.session
    return table.c.ends + table.c.hard_s * 1000 > now


def revoke_sessions(connection: sa.Connection, now: int, devices: Sequence[bytes]) -> None:
    """End the sessions and void the invitations of devices, for good. An invitation made just now is waited for."""
    device, table = SYSTEM.device, SYSTEM.session
    locked = sa.select(device.c.id).where(device.c.id.in_(devices)).order_by(device.c.id).with_for_update()
    connection.execute(locked).all()
    ends = sa.case((table.c.ends > now, now), else_=table.c.ends)
    query = table.update().where(table.c.agent_device.in_(devices), table.c.state != REVOKED, might_run(now))
    connection.execute(query.values(state=REVOKED, ends=ends, code_hash=None, join_secret=None))
