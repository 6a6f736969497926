# SPDX-License-Identifier: GPL-3.0-or-later
"""News for live sockets from other processes: `deskside admin` writes them, each server process reads and tells.

A hint like everything on the live channel: a device that hears nothing learns the same at its next hello or pull.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from app.domain.ids import uuid7
from sync.server.schema import SYSTEM

__all__ = ["BYE", "REHELLO", "SESSIONS", "Notice", "NoticeReader", "devices_of", "notify"]

REHELLO, BYE, SESSIONS = "rehello", "bye", "sessions"
_KEPT_MS = 3_600_000
# clocks of the machines of one installation may differ by this much
_SKEW_MS = 60_000


@dataclass(frozen=True, slots=True)
class Notice:
    """Tell a device to say hello again, end its socket (its state changed), or that sessions of it are over."""

    device: bytes
    kind: str


def notify(
    connection: sa.Connection, now: int, rng: Callable[[int], bytes], devices: Iterable[bytes], kind: str
) -> None:
    """Leave a notice for each device, and drop those that every process has read long ago."""
    table = SYSTEM.notice
    connection.execute(table.delete().where(table.c.at < now - _KEPT_MS))
    rows = [{"id": uuid7(now, rng(10)), "device_id": device, "kind": kind, "at": now} for device in devices]
    if rows:
        connection.execute(table.insert(), rows)


def devices_of(connection: sa.Connection, account: bytes) -> list[bytes]:
    """Return the devices of an account."""
    table = SYSTEM.device
    return [
        bytes(id_) for id_ in connection.execute(sa.select(table.c.id).where(table.c.account_id == account)).scalars()
    ]


class NoticeReader:
    """Gives each notice once to the process that it belongs to; those from before its start are no news."""

    def __init__(self, now: int) -> None:
        self._since = now
        self._seen: set[bytes] = set()

    def fresh(self, connection: sa.Connection, now: int) -> list[Notice]:
        """Return the notices that are new."""
        table = SYSTEM.notice
        query = sa.select(table).where(table.c.at >= self._since - _SKEW_MS).order_by(table.c.id)
        rows = connection.execute(query).all()
        found = [Notice(bytes(r.device_id), r.kind) for r in rows if bytes(r.id) not in self._seen]
        self._seen = {bytes(row.id) for row in rows}
        self._since = max(self._since, now - _SKEW_MS)
        return found
