# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices of a push transaction, locked and checked together, and what their accounts may write."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.domain.entities import USER
from sync.server.access import Device, check_state
from sync.server.problems import ProblemError
from sync.server.schema import ENTITY_TABLES, SYSTEM

__all__ = ["load_devices", "scopes_of_all"]


def load_devices(connection: sa.Connection, pairs: Sequence[tuple[bytes, bytes]]) -> list[Device | ProblemError]:
    """Lock devices, given with the account of each, in the order of their ids; return them in that of `pairs`.

    In place of one that may not push stands its ProblemError: 401 `token` (unknown), 403 `suspended` or `revoked`.
    """
    array = connection.dialect.name == "postgresql"
    ids = sorted({device for device, _ in pairs})
    rows = {bytes(row["id"]): row for row in connection.execute(_devices(array=array), {"ids": ids}).mappings()}
    asked = {"ids": sorted({account for _, account in pairs})}  # after the lock: as they are now
    owners = {bytes(id_): (state, roles) for id_, state, roles in connection.execute(_owners(array=array), asked)}
    return [_checked(rows.get(device), account, owners.get(account)) for device, account in pairs]


def _checked(row: sa.RowMapping | None, account: bytes, owner: tuple[str, str] | None) -> Device | ProblemError:
    if row is None or owner is None or bytes(row["account_id"]) != account:
        return ProblemError(401, "token")
    state, roles = owner
    try:
        check_state(row["state"], row["wipe_token"])
        check_state(state, None)
    except ProblemError as error:
        return error
    return Device(
        id=bytes(row["id"]),
        account=account,
        code=row["code"],
        lmid=row["lmid"],
        lmid_seen=row["lmid_seen"],
        offset_ms=row["offset_ms"],
        hello_at=row["hello_at"],
        roles=frozenset(str(role) for role in json.loads(roles or "[]")),
    )


def scopes_of_all(connection: sa.Connection, accounts: Collection[bytes]) -> dict[bytes, frozenset[str]]:
    """Return what each account may write. Who has a team's scope has its archive too."""
    array = connection.dialect.name == "postgresql"
    out: dict[bytes, set[str]] = {}
    for account, scope in connection.execute(_access(array=array), {"ids": sorted(accounts)}) if accounts else ():
        mine = out.setdefault(bytes(account), set())
        mine.add(scope)
        if scope.startswith("team:"):
            mine.add(f"{scope}:arc")
    return {account: frozenset(scopes) for account, scopes in out.items()}


@cache
def _devices(*, array: bool) -> sa.Select[Any]:
    table = SYSTEM.device
    return sa.select(table).where(_among(table.c.id, array=array)).order_by(table.c.id).with_for_update()


@cache
def _owners(*, array: bool) -> sa.Select[Any]:
    account, user = SYSTEM.account, ENTITY_TABLES[USER.number]
    both = account.outerjoin(user, user.c.id == account.c.id)
    query = sa.select(account.c.id, account.c.state, user.c.roles).select_from(both)
    return query.where(_among(account.c.id, array=array))


@cache
def _access(*, array: bool) -> sa.Select[Any]:
    table = SYSTEM.scope_access
    return sa.select(table.c.account_id, table.c.scope_id).where(_among(table.c.account_id, array=array))


def _among(column: sa.Column[bytes], *, array: bool) -> sa.ColumnElement[bool]:
    """One statement, whatever the number of ids: the database keeps its plan."""
    if array:
        return column == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.LargeBinary)))
    return column.in_(sa.bindparam("ids", expanding=True))
