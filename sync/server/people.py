# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator does with the people who sign in: who there is, a new password, out and in again. Blocking."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from app.domain.entities import TEAM, USER
from app.domain.errors import Refused
from sync.server.notices import BYE, devices_of, notify
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.session_ends import revoke_sessions
from sync.server.staff import MIN_PASSWORD
from sync.server.store import Store

__all__ = ["People", "Person"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in. `last_seen` is that of the device used last, 0 if there is none."""

    login: str
    name: str
    state: str
    teams: tuple[str, ...]
    devices: int
    last_seen: int


class People:
    """Accounts over a store; the server may run at the same time."""

    def __init__(self, store: Store, rng: Callable[[int], bytes], hash_password: Callable[[str], str]) -> None:
        self._store = store
        self._rng = rng
        self._hash = hash_password

    def list(self, language: str) -> list[Person]:
        """Return everybody by login, their teams by name in that language."""
        account, device, user, team = SYSTEM.account, SYSTEM.device, _table(USER.number), _table(TEAM.number)
        with self._store.read() as cx:
            rows = cx.execute(sa.select(team.c.id, team.c.name_ko, team.c.name_en)).all()
            teams = {bytes(r.id).hex(): str((r.name_en if language == "en" else r.name_ko) or r.name_ko) for r in rows}
            seen = (
                sa.select(device.c.account_id, sa.func.count().label("n"), sa.func.max(device.c.last_seen).label("at"))
                .where(device.c.state != "revoked")
                .group_by(device.c.account_id)
                .subquery()
            )
            query = (
                sa.select(account.c.login, account.c.state, user.c.name, user.c.teams, seen.c.n, seen.c.at)
                .join(user, user.c.id == account.c.id, isouter=True)
                .join(seen, seen.c.account_id == account.c.id, isouter=True)
                .order_by(account.c.login)
            )
            return [
                Person(
                    row.login, row.name or "", row.state,
                    tuple(sorted(teams[t] for t in json.loads(row.teams or "[]") if t in teams)),
                    row.n or 0, row.at or 0,
                )
                for row in cx.execute(query)
            ]  # fmt: skip

    def set_password(self, login: str, password: str) -> None:
        """Set a new password; devices that are signed in stay so, but what the old one proved there counts no more.

        Raises Refused: no_such_user, weak_password.
        """
        if len(password) < MIN_PASSWORD:
            raise Refused("weak_password", limit=MIN_PASSWORD)
        pw_hash, device = self._hash(password), SYSTEM.device

        def work(cx: sa.Connection) -> None:
            account = self._changed(cx, login, {"pw_hash": pw_hash})
            cx.execute(device.update().where(device.c.account_id == account).values(proved_at=None))

        self._store.write(work)

    def set_state(self, now: int, login: str, state: str) -> None:
        """Let nobody in under this login, or again; what is not sent stays on the devices. Raises Refused.

        Unless they become active, their screen-sharing sessions end: both ends are told.
        """

        def work(cx: sa.Connection) -> None:
            account = self._changed(cx, login, {"state": state})
            devices = devices_of(cx, account)
            if state != "active":
                revoke_sessions(cx, now, devices)
            notify(cx, now, self._rng, devices, BYE)

        self._store.write(work)

    def _changed(self, cx: sa.Connection, login: str, values: dict[str, str]) -> bytes:
        table = SYSTEM.account
        query = table.update().where(table.c.login == login.strip().lower()).values(**values).returning(table.c.id)
        found = cx.execute(query).scalar()
        if found is None:
            raise Refused("no_such_user")
        return bytes(found)


def _table(number: int) -> sa.Table:
    return ENTITY_TABLES[number]
