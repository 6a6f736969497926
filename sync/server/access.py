# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may see and write which scopes, and what the server knows about a device at the time of a request."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from app.domain.entities import CUSTOMER, CUSTOMER_BUCKETS, REF_SCOPE, USER, user_scope
from sync.server.problems import ProblemError
from sync.server.schema import ENTITY_TABLES, SYSTEM

__all__ = [
    "Device",
    "add_scope",
    "check_companion",
    "check_state",
    "grant",
    "load_device",
    "scopes_of",
    "standard_scopes",
    "withdraw",
]

# every request runs these: each is put together and compiled once
_DEVICE = sa.select(SYSTEM.device).where(
    SYSTEM.device.c.id == sa.bindparam("device"), SYSTEM.device.c.account_id == sa.bindparam("account")
)
_LOCKED_DEVICE = _DEVICE.with_for_update()
_USERS = ENTITY_TABLES[USER.number]
_OWNER = (
    sa.select(SYSTEM.account.c.state, _USERS.c.roles)
    .select_from(SYSTEM.account.outerjoin(_USERS, _USERS.c.id == SYSTEM.account.c.id))
    .where(SYSTEM.account.c.id == sa.bindparam("account"))
)
_GRANTS = sa.select(SYSTEM.scope_access.c.scope_id, SYSTEM.scope_access.c.granted_at).where(
    SYSTEM.scope_access.c.account_id == sa.bindparam("account")
)


@dataclass(frozen=True, slots=True)
class Device:
    """A device row as a request found it."""

    id: bytes
    account: bytes
    code: str
    lmid: int
    lmid_seen: int
    offset_ms: int
    hello_at: int
    roles: frozenset[str]


def load_device(connection: sa.Connection, device: bytes, account: bytes, *, lock: bool = False) -> Device:
    """Return an active device of an active account.

    Raises ProblemError: 401 `token` (unknown), 403 `suspended` or `revoked`.
    """
    query = _LOCKED_DEVICE if lock else _DEVICE
    row = connection.execute(query, {"device": device, "account": account}).mappings().first()
    owner = connection.execute(_OWNER, {"account": account}).first()  # after the lock: as it is now
    if row is None or owner is None:
        raise ProblemError(401, "token")
    check_state(row["state"], row["wipe_token"])
    check_state(owner.state, None)
    return Device(
        id=bytes(row["id"]),
        account=bytes(row["account_id"]),
        code=row["code"],
        lmid=row["lmid"],
        lmid_seen=row["lmid_seen"],
        offset_ms=row["offset_ms"],
        hello_at=row["hello_at"],
        roles=frozenset(str(role) for role in json.loads(owner.roles or "[]")),
    )


def check_state(state: str, wipe_token: str | None) -> None:
    """Let active devices and accounts pass. Raises ProblemError 403: `revoked` with its wipe token, or `suspended`."""
    if state == "revoked":
        raise ProblemError(403, "revoked", wipe_token=wipe_token)
    if state != "active":
        raise ProblemError(403, "suspended")


def check_companion(connection: sa.Connection, companion: bytes, customer: bytes) -> None:
    """Let active companions of customers pass who are there and not blocked. Raises ProblemError 403 `suspended`."""
    table, customers = SYSTEM.companion, ENTITY_TABLES[CUSTOMER.number]
    state = connection.execute(sa.select(table.c.state).where(table.c.id == companion)).scalar()
    query = sa.select(customers.c.deleted, customers.c.blocked_reason).where(customers.c.id == customer)
    row = connection.execute(query).first()
    if state != "active" or row is None or row.deleted or row.blocked_reason:
        raise ProblemError(403, "suspended")


def scopes_of(connection: sa.Connection, account: bytes) -> dict[str, int]:
    """Return scope id -> time of the grant for an account. Who has a team's scope has its archive too."""
    granted: dict[str, int] = {
        row.scope_id: row.granted_at for row in connection.execute(_GRANTS, {"account": account})
    }
    return granted | {f"{scope}:arc": at for scope, at in granted.items() if scope.startswith("team:")}


def add_scope(connection: sa.Connection, scope: str) -> None:
    """Create a scope unless it exists."""
    sql = (
        "INSERT INTO scope (id, kind, head, floor, n, xsum) VALUES (:id, :kind, 0, 0, 0, 0) ON CONFLICT (id) DO NOTHING"
    )
    connection.execute(sa.text(sql), {"id": scope, "kind": scope.partition(":")[0]})


def standard_scopes(user: bytes) -> list[str]:
    """Return the scopes that every member of the staff has."""
    return [REF_SCOPE, *(f"cust:{i}" for i in range(CUSTOMER_BUCKETS)), user_scope(user)]


def withdraw(connection: sa.Connection, account: bytes, scopes: list[str]) -> None:
    """Take an account's access to scopes away. Its devices drop them at their next contact."""
    table = SYSTEM.scope_access
    connection.execute(table.delete().where(table.c.account_id == account, table.c.scope_id.in_(scopes)))


def grant(connection: sa.Connection, account: bytes, scopes: list[str], now: int) -> None:
    """Give an account access to scopes; those it has stay as they are.

    Counted as after every hello of its devices, whatever the clocks of the servers say: a hello waits for this one.
    """
    devices = SYSTEM.device
    heard = sa.select(devices.c.hello_at).where(devices.c.account_id == account).with_for_update()
    now = max([now, *(at + 1 for at in connection.execute(heard).scalars())])
    sql = sa.text(
        "INSERT INTO scope_access (account_id, scope_id, role, granted_at) VALUES (:account, :scope, 'rw', :now) "
        "ON CONFLICT (account_id, scope_id) DO NOTHING"
    )
    for scope in scopes:
        add_scope(connection, scope)
        connection.execute(sql, {"account": account, "scope": scope, "now": now})
