# SPDX-License-Identifier: GPL-3.0-or-later
"""First start of a database: epoch, counter, scopes, the organisation's identity, and the states every ticket needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from app.domain.changes import Row
from app.domain.entities import BY_NUMBER, CUSTOMER_BUCKETS, REF_SCOPE, STATE, TICKET, USER, Category, Value
from app.domain.errors import StoreUnavailable
from app.domain.ids import derived_id
from app.domain.signed import b64, unb64
from sync.server.access import add_scope
from sync.server.epochs import begin_epoch, follow_cluster
from sync.server.keys import ServerKeys
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import Store

__all__ = ["KEY_STATEMENT", "Organisation", "full_row", "organisation", "prepare", "remove_seeds", "seed_states"]

FIRST_NUMBER = 10_000
KEY_STATEMENT = "key_statement_"  # settings of this name, by serial: what a former key signed about its successor
_STATES = (
    (Category.NEW, "새 문의", "New"),
    (Category.OPEN, "처리 중", "Open"),
    (Category.WAITING_CUSTOMER, "고객 답변 대기", "Waiting for customer"),
    (Category.WAITING_INTERNAL, "내부 확인 중", "Waiting internally"),
    (Category.HELD, "장애 보류", "Held for incident"),
    (Category.SOLVED, "해결됨", "Solved"),
    (Category.CLOSED, "종료", "Closed"),
    (Category.MERGED, "합쳐짐", "Merged"),
)


@dataclass(frozen=True, slots=True)
class Organisation:
    """Whose server this is. `id` is 32 hex digits; `statements` lead from the first key to `key`, oldest first."""

    id: str
    name_ko: str
    name_en: str
    key: bytes
    statements: tuple[str, ...] = ()


def prepare(store: Store, keys: ServerKeys, now: int, rng: Callable[[int], bytes]) -> Organisation:
    """Make what an empty database lacks and return the organisation. Idempotent.

    Raises StoreUnavailable("keys_missing") when the database belongs to another organisation key than the folder's:
    with a new key every enrolled companion would refuse this server.
    """

    fresh = rng(16)

    def work(connection: sa.Connection) -> Organisation:
        if connection.execute(sa.select(SYSTEM.epoch.c.no).limit(1)).first() is None:
            begin_epoch(connection, fresh, now, "first start")
            connection.execute(SYSTEM.counter.insert().values(name="ticket", value=FIRST_NUMBER))
            settings = {"org_id": rng(16).hex(), "org_key": b64(keys.organisation_public), "org_name_ko": "Deskside",
                        "org_name_en": "Deskside"}  # fmt: skip
            rows = [{"name": name, "value": value} for name, value in settings.items()]
            connection.execute(SYSTEM.setting.insert(), rows)
            for scope in (REF_SCOPE, *(f"cust:{i}" for i in range(CUSTOMER_BUCKETS))):
                add_scope(connection, scope)
        follow_cluster(connection, fresh, now)
        found = organisation(connection)
        if found.key != keys.organisation_public:
            raise StoreUnavailable("keys_missing")
        return found

    return store.write(work)


def organisation(connection: sa.Connection) -> Organisation:
    """Return the organisation of this database."""
    table = SYSTEM.setting
    found = {row.name: row.value for row in connection.execute(sa.select(table.c.name, table.c.value))}
    statements = tuple(found[name] for name in sorted(found) if name.startswith(KEY_STATEMENT))
    key = unb64(found["org_key"])
    return Organisation(found["org_id"], found["org_name_ko"], found["org_name_en"], key, statements)


def rename_organisation(connection: sa.Connection, name_ko: str, name_en: str) -> None:
    """Set the names under which companions and agents know this organisation; a server takes them at its start."""
    table = SYSTEM.setting
    for name, value in (("org_name_ko", name_ko), ("org_name_en", name_en)):
        connection.execute(table.update().where(table.c.name == name).values(value=value))


def full_row(type_: int, id_: bytes, scope: str, values: dict[str, Value]) -> Row:
    """Return a new row with every column of its entity."""
    return Row(type_, id_, scope, {name: values.get(name) for name in BY_NUMBER[type_].columns})


def seed_states(store: Store, now: int) -> None:
    """Add one state per category unless there are states."""

    def work(connection: sa.Connection) -> None:
        table = ENTITY_TABLES[STATE.number]
        if connection.execute(sa.select(table.c.id).limit(1)).first() is not None:
            return
        organisation_id = bytes.fromhex(organisation(connection).id)
        rows = TxRows(connection)
        rows.stage(
            full_row(
                STATE.number,
                derived_id(organisation_id, "state", category.value),
                REF_SCOPE,
                {"category": category.value, "name_ko": ko, "name_en": en, "position": position, "active": True,
                 "created_at": now},
            )
            for position, (category, ko, en) in enumerate(_STATES)
        )  # fmt: skip
        rows.flush(now)

    store.write(work)


def remove_seeds(connection: sa.Connection) -> bool:
    """Empty the reference scope of an unused database, so that sample data can bring their own. False if it is used."""
    for used in (ENTITY_TABLES[TICKET.number], ENTITY_TABLES[USER.number], SYSTEM.device):
        if connection.execute(sa.select(used.c.id).limit(1)).first() is not None:
            return False
    table = ENTITY_TABLES[STATE.number]
    connection.execute(table.delete())
    scope = SYSTEM.scope
    connection.execute(scope.update().where(scope.c.id == REF_SCOPE).values(n=0, xsum=0))
    return True
