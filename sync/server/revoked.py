# SPDX-License-Identifier: GPL-3.0-or-later
"""What the list of revoked certificates names: few words, however many certificates somebody asked for.

A device that is let in no more is named by its key, and it has few keys in the week that a certificate lives; a person
who is let in no more is named whole. Where more certificates were withdrawn one by one than a document holds, those
with the most are named whole too, and get no other that counts for that week.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from app.domain.certificate import CLOCK_TOLERANCE_MS
from app.domain.signed import b64
from sync.server.problems import ProblemError
from sync.server.schema import SYSTEM

__all__ = ["KEYS_A_DEVICE", "MOST_NAMES", "Revoked", "check_keys", "revoked_names"]

KEYS_A_DEVICE: Final = 4
MOST_NAMES: Final = 600  # of up to 49 bytes: a document holds 32 KiB


@dataclass(frozen=True, slots=True)
class Revoked:
    """Serials, device keys (base64url) and agents (hex)."""

    serials: frozenset[str]
    keys: frozenset[str]
    agents: frozenset[str]


def check_keys(connection: sa.Connection, now: int, device: bytes, key: bytes) -> None:
    """Raise ProblemError 429 `busy` when a device wants certificates for more keys than any has use for."""
    table = SYSTEM.certificate
    live = table.c.device_id == device, table.c.not_after > now - CLOCK_TOLERANCE_MS
    query = sa.select(sa.func.count(sa.distinct(table.c.device_key))).where(*live, table.c.device_key != key)
    if connection.execute(query).scalar_one() >= KEYS_A_DEVICE:
        raise ProblemError(429, "busy", retry_s=24 * 3600)


def revoked_names(connection: sa.Connection, now: int) -> Revoked:
    """Return what no longer counts and has not run out anyway.

    Those of a device or a person that is not let in stand on it for as long as that lasts.
    """
    table, device, account = SYSTEM.certificate, SYSTEM.device, SYSTEM.account
    live = table.c.not_after > now - CLOCK_TOLERANCE_MS
    joined = table.outerjoin(device, device.c.id == table.c.device_id).outerjoin(
        account, account.c.id == table.c.account_id
    )
    away = sa.select(table.c.account_id).select_from(joined).where(live, account.c.state != "active").distinct()
    agents = {bytes(id_).hex() for id_ in connection.execute(away).scalars()}
    shut = sa.and_(live, sa.or_(table.c.revoked_at.is_not(None), device.c.state != "active"))
    keyed = (
        sa.select(table.c.account_id, table.c.device_key).select_from(joined).where(shut, device.c.state != "active")
    )
    keys = {
        (bytes(row.account_id).hex(), b64(bytes(row.device_key)))
        for row in connection.execute(keyed.where(table.c.device_key.is_not(None)).distinct())
    }
    by_serial = sa.or_(device.c.state == "active", device.c.state.is_(None), table.c.device_key.is_(None))
    rows = connection.execute(sa.select(table.c.account_id, table.c.serial).select_from(joined).where(shut, by_serial))
    serials = {(bytes(row.account_id).hex(), row.serial) for row in rows}
    single = Counter(agent for agent, _ in (*keys, *serials) if agent not in agents)
    total = single.total() + len(agents)
    for agent, count in single.most_common():
        if total <= MOST_NAMES:
            break
        agents.add(agent)
        total -= count - 1
    return Revoked(
        serials=frozenset(serial for agent, serial in serials if agent not in agents),
        keys=frozenset(key for agent, key in keys if agent not in agents),
        agents=frozenset(agents),
    )
