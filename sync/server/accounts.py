# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts, devices and tokens: sign-in, rotating refresh tokens, new device ids. Blocking; `now` in milliseconds."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.domain.entities import SCHEMA, USER
from app.domain.ids import uuid7
from app.domain.signed import b64
from sync.protocol import PROTO, Account, Login, NewDevice, Refresh, Tokens, Wiped
from sync.server.access import check_state, load_device
from sync.server.problems import ProblemError
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import Store
from sync.server.tokens import ACCESS_S, AGENT, Grant, TokenSigner

__all__ = ["Accounts", "default_hasher"]

_REFRESH_MS = 60 * 24 * 3600 * 1000
_REPLACED_MS = 24 * 3600 * 1000
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_CURRENT, _PREVIOUS, _AGAIN, _USED = "current", "previous", "again", "used"


def default_hasher() -> PasswordHasher:
    """Return argon2id as RFC 9106 recommends for 64 MiB."""
    return PasswordHasher(time_cost=3, memory_cost=64 << 10, parallelism=4)


class Accounts:
    """Sign-in and tokens over a store. `rng` returns that many random bytes."""

    def __init__(
        self, store: Store, signer: TokenSigner, rng: Callable[[int], bytes], hasher: PasswordHasher | None = None
    ) -> None:
        self._store = store
        self._signer = signer
        self._rng = rng
        self._hasher = hasher or default_hasher()
        # checked for unknown logins, so that the answer takes as long as for a wrong password
        self._nobody = self._hasher.hash("nobody")

    def hash_password(self, password: str) -> str:
        """Return what is stored of a password; takes about 0.1 s on purpose."""
        return self._hasher.hash(password)

    def login(self, now: int, ask: Login) -> Tokens:
        """Sign in and register the device if it is new. Raises ProblemError 401 `credentials`, 403 `suspended`."""
        account = self.verified(ask.login, ask.password)
        return self.open_device(now, ask, lambda _: account, now)

    def open_device(self, now: int, ask: Login, who: Callable[[sa.Connection], bytes], proved_at: int | None) -> Tokens:
        """Give tokens to the account that `who` returns, or raises, in the same transaction.

        `proved_at` is when the person proved who they are, if that is known: see proofs.py.
        """
        device_id, refresh = uuid7(now, self._rng(10)), b64(self._rng(32))

        def work(connection: sa.Connection) -> Tokens:
            account = who(connection)
            device = self._known_device(connection, ask.device, account)
            if device is None:
                device = self._register(connection, now, device_id, account, ask.device_name)
            if proved_at is not None:
                _proved(connection, now, device, proved_at)
            return self._open_family(connection, now, account, device, refresh)

        return self._store.write(work)

    def refresh(self, now: int, ask: Refresh) -> Tokens:
        """Exchange a refresh token. Raises ProblemError 401 `token`; reuse revokes the whole family.

        A device that was suspended or revoked learns it here even with an old token: 403, and nothing is spent.
        """
        fresh = b64(self._rng(32))
        tokens = self._store.write(lambda cx: self._rotate(cx, now, ask, fresh))
        if tokens is None:
            raise ProblemError(401, "token")
        return tokens

    def new_device(self, now: int, who: Grant, ask: NewDevice) -> Tokens:
        """Register another device id for the account, in place of one of its own.

        The old id keeps its data and, for a day, its refresh tokens: this answer may be lost, and another computer
        with a copy of the profile may still live by that id. What came of its mutations is told along: the server may
        have been restored since the client was told last.
        """
        device_id, refresh = uuid7(now, self._rng(10)), b64(self._rng(32))

        def work(connection: sa.Connection) -> Tokens:
            load_device(connection, who.device, who.subject)  # a revoked one must not live on under another id
            replaced = self._known_device(connection, ask.replaces, who.subject)
            if replaced is None:
                raise ProblemError(403, "device")
            device = self._register(connection, now, device_id, who.subject, ask.name, ask.replaces)
            if replaced["proved_at"] is not None:
                _proved(connection, now, device, replaced["proved_at"])  # the very same: another id is no proof
            refresh_, last = SYSTEM.refresh, now + _REPLACED_MS
            old = refresh_.update().where(refresh_.c.device_id == ask.replaces, refresh_.c.expires > last)
            connection.execute(old.values(expires=last))
            tokens = self._open_family(connection, now, who.subject, device, refresh)
            return msgspec.structs.replace(tokens, lmid=replaced["lmid"])

        return self._store.write(work)

    def logout(self, who: Grant, device: bytes) -> None:
        """Drop the device's refresh tokens; its data and id stay. Raises ProblemError 403: `device`, or `revoked`."""
        if device != who.device:
            raise ProblemError(403, "device")

        def work(connection: sa.Connection) -> None:
            found = _locked_device(connection, device)
            if found["state"] == "revoked":  # who is to delete its data must not get away with signing out
                check_state(found["state"], found["wipe_token"])
            _drop_families(connection, device)
            table = SYSTEM.device
            connection.execute(table.update().where(table.c.id == device).values(proved_at=None))

        self._store.write(work)

    def wiped(self, now: int, ask: Wiped) -> None:
        """Take note that a revoked device deleted its data; needs no sign-in. Raises ProblemError 403 `device`."""

        def work(connection: sa.Connection) -> None:
            table = SYSTEM.device
            query = sa.select(table.c.state, table.c.wipe_token).where(table.c.id == ask.device).with_for_update()
            found = connection.execute(query).first()
            if found is None or found.state != "revoked" or not found.wipe_token:
                raise ProblemError(403, "device")
            if not hmac.compare_digest(found.wipe_token.encode(), ask.wipe_token.encode()):
                raise ProblemError(403, "device")
            done = table.update().where(table.c.id == ask.device, table.c.wiped_at.is_(None))
            connection.execute(done.values(wiped_at=now))
            _drop_families(connection, ask.device)

        self._store.write(work)

    def verified(self, login: str, password: str) -> bytes:
        """Return the account of a login with this password; as slow for any login.

        Raises ProblemError 401 `credentials`, 403 `suspended`.
        """
        table = SYSTEM.account
        login = login.replace("\x00", "?").strip().lower()  # PostgreSQL refuses to be asked for a NUL
        with self._store.read() as connection:
            query = sa.select(table.c.id, table.c.pw_hash, table.c.state).where(table.c.login == login)
            found = connection.execute(query).first()
        stored = found.pw_hash if found is not None and found.pw_hash else self._nobody
        try:
            self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError) as error:
            raise ProblemError(401, "credentials") from error
        if found is None or not found.pw_hash:
            raise ProblemError(401, "credentials")
        if found.state != "active":
            raise ProblemError(403, "suspended")
        return bytes(found.id)

    def _known_device(self, connection: sa.Connection, device: bytes | None, account: bytes) -> sa.RowMapping | None:
        if device is None:
            return None
        table = SYSTEM.device
        query = sa.select(table).where(table.c.id == device, table.c.account_id == account)
        found = connection.execute(query.with_for_update()).mappings().first()
        if found is not None:
            check_state(found["state"], found["wipe_token"])
        return found

    def _register(
        self,
        connection: sa.Connection,
        now: int,
        device: bytes,
        account: bytes,
        name: str,
        replaces: bytes | None = None,
    ) -> sa.RowMapping:
        table, name = SYSTEM.device, name.replace("\x00", "")[:80]
        values = {
            "id": device, "account_id": account, "code": self._free_code(connection), "name": name,
            "state": "active", "lmid": 0, "lmid_seen": 0, "offset_ms": 0, "proto": PROTO, "schema": SCHEMA,
            "hello_at": 0, "last_seen": now, "replaces": replaces,
        }  # fmt: skip
        connection.execute(table.insert().values(**values))
        return connection.execute(sa.select(table).where(table.c.id == device)).mappings().one()

    def _free_code(self, connection: sa.Connection) -> str:
        """Return a code that no device ever had; longer ones when the short ones are half used up."""
        table = SYSTEM.device
        taken = set(connection.execute(sa.select(table.c.code)).scalars())
        for length in (2, 3, 4):
            if sum(len(code) == length for code in taken) * 2 >= len(_ALPHABET) ** length:
                continue
            while True:
                code = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in self._rng(length))
                if code not in taken:
                    return code
        raise ProblemError(503, "busy", detail="no device codes left")

    def _open_family(
        self, connection: sa.Connection, now: int, account: bytes, device: sa.RowMapping, refresh: str
    ) -> Tokens:
        id_ = bytes(device["id"])
        row = {
            "hash": _hash(refresh), "family": self._rng(16), "device_id": id_, "parent": None, "state": _CURRENT,
            "expires": now + _REFRESH_MS,
        }  # fmt: skip
        connection.execute(SYSTEM.refresh.insert().values(**row))
        return Tokens(
            access=self._signer.issue(now, AGENT, account, id_),
            refresh=refresh,
            expires_s=ACCESS_S,
            device=id_,
            device_code=device["code"],
            account=_account(connection, account),
        )

    def _rotate(self, connection: sa.Connection, now: int, ask: Refresh, fresh: str) -> Tokens | None:
        """One step of rotation. None refuses; what it revoked is committed all the same."""
        table = SYSTEM.refresh
        query = sa.select(table).where(table.c.hash == _hash(ask.refresh))
        token = connection.execute(query).mappings().first()
        if token is None:
            return None
        device = _locked_device(connection, bytes(token["device_id"]))
        token = connection.execute(query).mappings().first()  # again: it may have been used or dropped meanwhile
        if token is None:
            return None
        if bytes(token["device_id"]) == ask.device:
            check_state(device["state"], device["wipe_token"])
            accounts = SYSTEM.account
            own = sa.select(accounts.c.state).where(accounts.c.id == device["account_id"])
            check_state(connection.execute(own).scalar_one(), None)
        allowed = token["state"] in (_CURRENT, _PREVIOUS) and token["expires"] > now
        if not allowed or bytes(token["device_id"]) != ask.device:
            connection.execute(table.delete().where(table.c.family == token["family"]))
            return None
        self._step(connection, token)
        row = {
            "hash": _hash(fresh), "family": token["family"], "device_id": token["device_id"],
            "parent": token["hash"], "state": _CURRENT, "expires": now + _REFRESH_MS,
        }  # fmt: skip
        connection.execute(table.insert().values(**row))
        access = self._signer.issue(now, AGENT, bytes(device["account_id"]), ask.device)
        return Tokens(access=access, refresh=fresh, expires_s=ACCESS_S)

    def _step(self, connection: sa.Connection, token: sa.RowMapping) -> None:
        """The newest token retires its parent for good; the previous one, used again, retires its unused child."""
        table = SYSTEM.refresh
        if token["state"] == _CURRENT:
            retired: Any = table.c.hash == token["parent"] if token["parent"] is not None else sa.false()
            state = _PREVIOUS
        else:
            retired = table.c.parent == token["hash"]
            state = _AGAIN
        connection.execute(table.update().where(retired).values(state=_USED))
        connection.execute(table.update().where(table.c.hash == token["hash"]).values(state=state))


def _proved(connection: sa.Connection, now: int, device: sa.RowMapping, at: int) -> None:
    """Keep a proof, unless there is a newer one; one that lies ahead of the clock is none."""
    table, known = SYSTEM.device, device["proved_at"]
    if known is None or known > now or at >= known:
        connection.execute(table.update().where(table.c.id == device["id"]).values(proved_at=at))


def _locked_device(connection: sa.Connection, device: bytes) -> sa.RowMapping:
    """Let one at a time act on a device's refresh tokens: one being made just now must be dropped with its family."""
    table = SYSTEM.device
    return connection.execute(sa.select(table).where(table.c.id == device).with_for_update()).mappings().one()


def _drop_families(connection: sa.Connection, device: bytes) -> None:
    _locked_device(connection, device)
    connection.execute(SYSTEM.refresh.delete().where(SYSTEM.refresh.c.device_id == device))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _account(connection: sa.Connection, account: bytes) -> Account:
    user = ENTITY_TABLES[USER.number]
    login = connection.execute(sa.select(SYSTEM.account.c.login).where(SYSTEM.account.c.id == account)).scalar_one()
    row = connection.execute(sa.select(user.c.name, user.c.roles).where(user.c.id == account)).first()
    if row is None:
        return Account(id=account, login=login, name=login)
    return Account(id=account, login=login, name=row.name or login, roles=json.loads(row.roles or "[]"))
