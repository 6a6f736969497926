# SPDX-License-Identifier: GPL-3.0-or-later
"""The organisation's key is exchanged for a new one: secret, statement and database change together. Blocking.

The new secret lies beside the old one first; then the database takes statement and public key in one transaction; then
the new file replaces the old one. Whoever opens the server after a crash in between finishes what the database says.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.errors import StoreUnavailable
from app.domain.key_exchange import STATEMENTS_MAX, KeyStatement, build_key_statement
from app.domain.signed import b64, unb64
from sync.server.bootstrap import KEY_STATEMENT, organisation
from sync.server.keys import ServerKeys, promote_next, write_next
from sync.server.schema import SYSTEM
from sync.server.session_ends import end_waiting
from sync.server.store import Store

__all__ = ["exchange_key", "finish_exchange"]


def exchange_key(store: Store, folder: Path, keys: ServerKeys, now: int) -> KeyStatement:
    """Make a new organisation key, signed for by the old one, and return the statement. The server must be stopped.

    Invitations that nobody answered end: they were signed for the old key. The old secret is gone afterwards.
    Raises StoreUnavailable: folder_unwritable, too_many_keys.
    """
    secret = secrets.token_bytes(32)
    new_key = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()

    def work(connection: sa.Connection) -> KeyStatement:
        org = organisation(connection)
        if len(org.statements) >= STATEMENTS_MAX:
            raise StoreUnavailable("too_many_keys")
        made = KeyStatement(org.id, len(org.statements) + 1, org.key, new_key, now)
        signed = build_key_statement(keys.organisation, made)
        table = SYSTEM.setting
        kept = {"name": f"{KEY_STATEMENT}{made.serial:04d}", "value": signed.to_text()}
        connection.execute(table.insert().values(**kept))
        connection.execute(table.update().where(table.c.name == "org_key").values(value=b64(new_key)))
        end_waiting(connection, now)
        return made

    try:
        write_next(folder, secret)
        made = store.write(work)
        promote_next(folder, new_key)
    except OSError as error:
        raise StoreUnavailable("folder_unwritable", path=str(folder)) from error
    return made


def finish_exchange(store: Store, folder: Path, keys: ServerKeys) -> ServerKeys:
    """Return the keys that belong to the database, after an exchange that a crash cut off.

    Raises StoreUnavailable: folder_unwritable, keys_damaged.
    """
    with store.read() as connection:
        table = SYSTEM.setting
        told = connection.execute(sa.select(table.c.value).where(table.c.name == "org_key")).scalar()
    if told is None or told == b64(keys.organisation_public):
        return keys
    try:
        return ServerKeys.load(folder) if promote_next(folder, unb64(told)) else keys
    except OSError as error:
        raise StoreUnavailable("folder_unwritable", path=str(folder)) from error
    except ValueError:
        return keys
