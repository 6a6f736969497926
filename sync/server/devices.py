# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator does with devices and memberships. Blocking; `now` in milliseconds; the server may run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import sqlalchemy as sa

from app.domain.certificate import CLOCK_TOLERANCE_MS
from app.domain.entities import TEAM, USER, team_scope
from app.domain.errors import Refused
from app.domain.executor import canonical_json
from app.domain.signed import b64
from sync.server.access import grant, scopes_of, withdraw
from sync.server.notices import BYE, REHELLO, SESSIONS, devices_of, notify
from sync.server.policies import set_stale_replies
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.session_ends import end_out_of_sight, revoke_sessions
from sync.server.store import Store

__all__ = ["DeviceInfo", "Devices"]


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device as an administrator sees it. `lmid` mutations were processed, the device knows of `lmid_seen`."""

    id: bytes
    code: str
    name: str
    login: str
    state: str
    last_seen: int
    hello_at: int
    offset_ms: int
    schema: int
    lmid: int
    lmid_seen: int
    wiped_at: int | None
    replaces: bytes | None
    account_state: str = "active"
    refused: int = 0
    resync: tuple[str, ...] = ()


class Devices:
    """Device states, forced reloads and team memberships over a store."""

    def __init__(self, store: Store, rng: Callable[[int], bytes]) -> None:
        self._store = store
        self._rng = rng

    def list(self, login: str | None = None) -> list[DeviceInfo]:
        """Return the devices, of one person or all, the one seen last first. Raises Refused("no_such_user")."""
        with self._store.read() as connection:
            query = _query()
            if login is not None:
                query = query.where(SYSTEM.device.c.account_id == _account(connection, login))
            rows = connection.execute(query.order_by(SYSTEM.device.c.last_seen.desc())).mappings().all()
            return [_info(row) for row in rows]

    def show(self, wanted: str) -> DeviceInfo:
        """Return one device with the scopes it must load again. Raises Refused("no_such_device")."""
        with self._store.read() as connection:
            id_ = _find(connection, wanted)
            info = _info(connection.execute(_query().where(SYSTEM.device.c.id == id_)).mappings().one())
            marks, results = SYSTEM.resync, SYSTEM.mutation_result
            scopes = connection.execute(sa.select(marks.c.scope_id).where(marks.c.device_id == id_)).scalars().all()
            refused = connection.execute(
                sa.select(sa.func.count()).where(results.c.device_id == id_, results.c.st == "rejected")
            ).scalar_one()
            return replace(info, resync=tuple(sorted(scopes)), refused=refused)

    def set_state(self, now: int, wanted: str, state: str) -> DeviceInfo:
        """Suspend, revoke or activate a device; its socket is closed. Raises Refused("no_such_device").

        Unless it becomes active, its screen-sharing sessions end: both ends are told.
        A revoked device gets a token with which it tells, once, that its data are gone.
        """

        def work(connection: sa.Connection) -> bytes:
            id_ = _find(connection, wanted)
            table = SYSTEM.device
            values: dict[str, str | None] = {"state": state}
            before = connection.execute(sa.select(table.c.state).where(table.c.id == id_).with_for_update()).scalar()
            if state != before:
                values["wipe_token"] = b64(self._rng(32)) if state == "revoked" else None
                query = table.update().where(table.c.id == id_)
                connection.execute(query.values(**values, **({} if state == "revoked" else {"wiped_at": None})))
            if state != "active":
                revoke_sessions(connection, now, [id_])
            notify(connection, now, self._rng, [id_], BYE)
            return id_

        return self.show(self._store.write(work).hex())

    def withdraw_certificates(self, now: int, wanted: str) -> int:
        """Let the certificates with which a device invites count no more; it gets another one when it invites again.

        Sessions under them end: both ends are told. Returns how many certificates that were.
        Raises Refused("no_such_device").
        """

        def work(connection: sa.Connection) -> int:
            id_, table = _find(connection, wanted), SYSTEM.certificate
            live = table.c.device_id == id_, table.c.revoked_at.is_(None), table.c.not_after > now - CLOCK_TOLERANCE_MS
            count = connection.execute(table.update().where(*live).values(revoked_at=now)).rowcount
            revoke_sessions(connection, now, [id_])
            notify(connection, now, self._rng, [id_], SESSIONS)
            return int(count)

        return self._store.write(work)

    def resync(self, now: int, *, device: str | None = None, scope: str | None = None) -> int:
        """Let a device, or all, load a scope, or all of theirs, again; returns how many scopes of devices that are.

        What devices have not sent stays theirs and is sent as ever. Raises Refused: no_such_device, no_such_scope.
        """

        def work(connection: sa.Connection) -> int:
            known = SYSTEM.scope
            if scope is not None and not connection.execute(sa.select(known.c.id).where(known.c.id == scope)).first():
                raise Refused("no_such_scope")
            table = SYSTEM.device
            query = sa.select(table.c.id, table.c.account_id)
            if device is not None:
                query = query.where(table.c.id == _find(connection, device))
            marks = [
                (bytes(row.id), own)
                for row in connection.execute(query).all()
                for own in scopes_of(connection, bytes(row.account_id))
                if scope in (None, own)
            ]
            sql = sa.text(
                "INSERT INTO resync (device_id, scope_id, at) VALUES (:device, :scope, :at) "
                "ON CONFLICT (device_id, scope_id) DO NOTHING"
            )
            for id_, own in marks:
                connection.execute(sql, {"device": id_, "scope": own, "at": now})
            notify(connection, now, self._rng, sorted({id_ for id_, _ in marks}), REHELLO)
            return len(marks)

        return self._store.write(work)

    def set_team(self, now: int, login: str, team: str, *, member: bool) -> bool:
        """Take a person into a team or out of it; devices online are told to say hello again. False: it was so.

        What the person may no longer see leaves the devices; what they had not sent is kept there for them.
        Raises Refused: no_such_user, no_such_team.
        """

        def work(connection: sa.Connection) -> bool:
            account, id_ = _account(connection, login), _team(connection, team)
            rows = TxRows(connection)
            rows.lock([(USER.number, account)])
            user = rows.get(USER.number, account)
            if user is None:
                raise Refused("no_such_user")
            before = [str(t) for t in json.loads(str(user.values.get("teams") or "[]"))]
            if (id_.hex() in before) == member == (team_scope(id_) in scopes_of(connection, account)):
                return False
            teams = [t for t in before if t != id_.hex()]
            teams += [id_.hex()] if member else []
            rows.stage([replace(user, values={**user.values, "teams": canonical_json(teams)}, rev=user.rev + 1)])
            rows.flush(now)
            if member:
                grant(connection, account, [team_scope(id_)], now)
            else:
                withdraw(connection, account, [team_scope(id_)])
                end_out_of_sight(connection, now, account)
            notify(connection, now, self._rng, devices_of(connection, account), REHELLO)
            return True

        return self._store.write(work)

    def set_stale_replies(self, team: str, *, send: bool) -> None:
        """Send a team's replies though newer messages are there, or hold them. Raises Refused: no_such_team."""
        self._store.write(lambda cx: set_stale_replies(cx, _team(cx, team), send=send))


def _query() -> sa.Select[tuple[object, ...]]:
    device, account = SYSTEM.device, SYSTEM.account
    return sa.select(device, account.c.login, account.c.state.label("account_state")).join(
        account, account.c.id == device.c.account_id
    )


def _info(row: sa.RowMapping) -> DeviceInfo:
    same = ("code", "name", "login", "state", "last_seen", "hello_at", "offset_ms", "schema", "lmid", "lmid_seen")
    replaces = bytes(row["replaces"]) if row["replaces"] is not None else None
    return DeviceInfo(
        id=bytes(row["id"]),
        wiped_at=row["wiped_at"],
        replaces=replaces,
        account_state=row["account_state"],
        **{name: row[name] for name in same},
    )


def _find(connection: sa.Connection, wanted: str) -> bytes:
    """Return the device of a code or an id in hex."""
    table = SYSTEM.device
    query = sa.select(table.c.id).where(table.c.code == wanted.strip().upper())
    if re.fullmatch(r"[0-9a-fA-F]{32}", wanted):
        query = sa.select(table.c.id).where(table.c.id == bytes.fromhex(wanted))
    found = connection.execute(query).scalar()
    if found is None:
        raise Refused("no_such_device")
    return bytes(found)


def _account(connection: sa.Connection, login: str) -> bytes:
    table = SYSTEM.account
    found = connection.execute(sa.select(table.c.id).where(table.c.login == login.strip().lower())).scalar()
    if found is None:
        raise Refused("no_such_user")
    return bytes(found)


def _team(connection: sa.Connection, name: str) -> bytes:
    table = ENTITY_TABLES[TEAM.number]
    named = sa.or_(table.c.name_ko == name, table.c.name_en == name)
    found = connection.execute(sa.select(table.c.id).where(named, table.c.deleted == sa.false())).scalar()
    if found is None:
        known = connection.execute(sa.select(table.c.name_ko).where(table.c.deleted == sa.false())).scalars().all()
        raise Refused("no_such_team", teams=", ".join(sorted(filter(None, known))) or "-")
    return bytes(found)
