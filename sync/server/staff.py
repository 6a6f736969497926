# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator does: users with their teams, enrolment codes, sample data. Blocking; `now` in milliseconds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.domain.changes import Row
from app.domain.entities import (
    CONTACT_ADDRESS,
    CUSTOMER,
    REF_SCOPE,
    SUPPORT_CONTACT,
    TEAM,
    USER,
    Value,
    customer_scope,
    team_scope,
)
from app.domain.errors import Refused
from app.domain.executor import canonical_json
from app.domain.ids import uuid7
from app.domain.signed import b64
from sync.server.access import grant, standard_scopes
from sync.server.bootstrap import full_row, remove_seeds, rename_organisation
from sync.server.bulk import BulkRow, load_rows
from sync.server.keys import ServerKeys
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import Store

__all__ = ["MIN_PASSWORD", "ROLES", "EnrolmentCode", "Loaded", "Staff"]

ROLES = ("agent", "field", "lead", "manager", "admin", "it")
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,79}")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[^@\s]+@localhost")
MIN_PASSWORD = 8


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """A code that enrols one companion of a customer, once, until `expires_ms`."""

    code: str
    customer: bytes
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """What sample data came to; `first_login` is the user who can sign in."""

    rows: int
    first_login: str


class Staff:
    """Administration over a store; the server may run at the same time."""

    def __init__(
        self, store: Store, keys: ServerKeys, rng: Callable[[int], bytes], hash_password: Callable[[str], str]
    ):
        self._store = store
        self._keys = keys
        self._rng = rng
        self._hash = hash_password

    def create_user(
        self, now: int, login: str, name: str, password: str, roles: Sequence[str], teams: Sequence[str]
    ) -> bytes:
        """Add a user who can sign in, and the teams that do not exist yet; `all` means every team. Returns the id.

        Raises Refused: bad_login, login_taken, weak_password, bad_role, empty_text.
        """
        login = login.strip().lower()
        _check_user(login, name, password, roles)
        pw_hash = self._hash(password)

        def work(connection: sa.Connection) -> bytes:
            taken = sa.select(SYSTEM.account.c.id).where(SYSTEM.account.c.login == login)
            if connection.execute(taken).first() is not None:
                raise Refused("login_taken")
            rows = TxRows(connection)
            team_ids = self._teams(connection, rows, now, teams)
            user = uuid7(now, self._rng(10))
            values: dict[str, Value] = {
                "login": login, "name": name, "public_name": name, "signature": "", "active": True,
                "roles": canonical_json(list(roles)), "teams": canonical_json([t.hex() for t in team_ids]),
                "created_at": now,
            }  # fmt: skip
            rows.stage([full_row(USER.number, user, REF_SCOPE, values)])
            rows.flush(now)
            self._open_account(connection, now, user, login, pw_hash, team_ids)
            return user

        return self._store.write(work)

    def enrolment_code(self, now: int, customer: str, *, digits: bool, life_s: int) -> EnrolmentCode:
        """Make a code for a customer named by id (hex), mail address or name. Raises Refused("no_such_customer")."""
        code = f"{int.from_bytes(self._rng(8), 'big') % 10**10:010d}" if digits else b64(self._rng(24))
        expires = now + life_s * 1000

        def work(connection: sa.Connection) -> EnrolmentCode:
            id_ = _find_customer(connection, customer)
            values = {"code_hash": self._keys.code_hash("enrol", code), "customer_id": id_, "expires": expires}
            connection.execute(SYSTEM.enrolment.insert().values(**values))
            return EnrolmentCode(code, id_, expires)

        return self._store.write(work)

    def load_sample(self, now: int, rows: Iterable[BulkRow], password: str) -> Loaded:
        """Fill an unused database and let its first user sign in and see every team. Raises Refused("not_empty")."""
        if len(password) < MIN_PASSWORD:
            raise Refused("weak_password", limit=MIN_PASSWORD)
        pw_hash = self._hash(password)

        def work(connection: sa.Connection) -> Loaded:
            if not remove_seeds(connection):
                raise Refused("not_empty")
            count = load_rows(connection, rows)
            contact = ENTITY_TABLES[SUPPORT_CONTACT.number]
            names = connection.execute(sa.select(contact.c.name_ko, contact.c.name_en).limit(1)).first()
            if names is not None:
                rename_organisation(connection, names.name_ko, names.name_en)
            user = ENTITY_TABLES[USER.number]
            staff = connection.execute(sa.select(user.c.id, user.c.login, user.c.teams).order_by(user.c.seq)).all()
            first = next((u for u in staff if u.login == "agent1"), staff[0])
            team = ENTITY_TABLES[TEAM.number]
            every = [bytes(id_) for id_ in connection.execute(sa.select(team.c.id).order_by(team.c.seq)).scalars()]
            for member in staff:
                own = pw_hash if member is first else None
                teams = every if member is first else _team_ids(member.teams)
                self._open_account(connection, now, bytes(member.id), str(member.login).lower(), own, teams)
            return Loaded(count, str(first.login))

        return self._store.write(work)

    def create_customer(self, now: int, name: str, mail: str, language: str) -> bytes:
        """Add a customer with a mail address; returns the id. Raises Refused: empty_text, bad_mail, customer_exists."""
        name, mail = name.strip(), mail.strip().lower()
        if not name:
            raise Refused("empty_text")
        if not _MAIL.fullmatch(mail):
            raise Refused("bad_mail")

        def work(connection: sa.Connection) -> bytes:
            known = ENTITY_TABLES[CONTACT_ADDRESS.number]
            taken = sa.select(known.c.id).where(known.c.kind == "email", known.c.value == mail)
            if connection.execute(taken).first() is not None:
                raise Refused("customer_exists")
            customer = uuid7(now, self._rng(10))
            scope = customer_scope(customer)
            person: dict[str, Value] = {"name": name, "honorific": "님", "language": language, "created_at": now}
            address: dict[str, Value] = {
                "customer": customer, "kind": "email", "value": mail, "is_primary": True, "created_at": now,
            }  # fmt: skip
            rows = TxRows(connection)
            rows.stage(
                [
                    full_row(CUSTOMER.number, customer, scope, person),
                    full_row(CONTACT_ADDRESS.number, uuid7(now, self._rng(10)), scope, address),
                ]
            )
            rows.flush(now)
            return customer

        return self._store.write(work)

    def rename_organisation(self, name_ko: str, name_en: str) -> None:
        """Set the organisation's names, shown in requests to share a screen. Raises Refused("empty_text")."""
        if not name_ko.strip() or not name_en.strip():
            raise Refused("empty_text")
        self._store.write(lambda connection: rename_organisation(connection, name_ko.strip(), name_en.strip()))

    def _open_account(
        self, connection: sa.Connection, now: int, user: bytes, login: str, pw_hash: str | None, teams: list[bytes]
    ) -> None:
        values = {"id": user, "login": login, "pw_hash": pw_hash, "state": "active"}
        connection.execute(SYSTEM.account.insert().values(**values))
        grant(connection, user, [*standard_scopes(user), *(team_scope(team) for team in teams)], now)

    def _teams(self, connection: sa.Connection, rows: TxRows, now: int, wanted: Sequence[str]) -> list[bytes]:
        table = ENTITY_TABLES[TEAM.number]
        query = sa.select(table.c.id, table.c.name_ko, table.c.name_en).order_by(table.c.seq)
        known = connection.execute(query).all()
        if "all" in wanted:
            return [bytes(team.id) for team in known]
        ids, new = list[bytes](), list[Row]()
        for name in wanted:
            found = next((bytes(team.id) for team in known if name in (team.name_ko, team.name_en)), None)
            if found is None:
                found = uuid7(now, self._rng(10))
                values: dict[str, Value] = {"name_ko": name, "name_en": name, "created_at": now}
                new.append(full_row(TEAM.number, found, REF_SCOPE, values))
            ids.append(found)
        rows.stage(new)
        return ids


def _check_user(login: str, name: str, password: str, roles: Sequence[str]) -> None:
    if not _LOGIN.fullmatch(login):
        raise Refused("bad_login")
    if not name.strip():
        raise Refused("empty_text")
    if len(password) < MIN_PASSWORD:
        raise Refused("weak_password", limit=MIN_PASSWORD)
    if not set(roles) <= set(ROLES):
        raise Refused("bad_role")


def _team_ids(text: str | None) -> list[bytes]:
    return [bytes.fromhex(team) for team in json.loads(text or "[]")]


def _find_customer(connection: sa.Connection, wanted: str) -> bytes:
    customer, address = ENTITY_TABLES[CUSTOMER.number], ENTITY_TABLES[CONTACT_ADDRESS.number]
    live = customer.c.deleted == sa.false()
    if re.fullmatch(r"[0-9a-fA-F]{32}", wanted):
        query = sa.select(customer.c.id).where(customer.c.id == bytes.fromhex(wanted), live)
    elif "@" in wanted:
        query = sa.select(address.c.customer).where(
            address.c.value == wanted.strip().lower(), address.c.deleted == sa.false()
        )
    else:
        query = sa.select(customer.c.id).where(customer.c.name == wanted, live)
    found = connection.execute(query.limit(2)).scalars().all()
    if len(found) != 1:
        raise Refused("no_such_customer" if not found else "customer_ambiguous")
    return bytes(found[0])
