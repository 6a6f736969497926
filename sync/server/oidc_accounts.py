# SPDX-License-Identifier: GPL-3.0-or-later
"""Which account a person of the provider may use: the linked one, or one that the administrator's rule lets in."""

from __future__ import annotations

import sqlalchemy as sa

from sync.server.oidc import Person
from sync.server.problems import ProblemError
from sync.server.schema import SYSTEM

__all__ = ["link_login", "matched_account"]


def matched_account(connection: sa.Connection, person: Person, match: str) -> bytes:
    """Return the account, linking it at the first sign-in.

    Raises ProblemError 403: `oidc_no_account` when there is none for this person, or `suspended`.
    """
    table = SYSTEM.account
    query = sa.select(table.c.id, table.c.state)
    own = query.where(table.c.oidc_sub == person.key)
    found = connection.execute(own).first()
    if found is None:
        login = {"email": person.email, "username": person.username}.get(match)
        # an account that is linked already belongs to somebody else at the provider, whatever the name says
        free = sa.and_(table.c.login == login, table.c.oidc_sub.is_(None))
        found = connection.execute(query.where(free)).first() if login else None
        if found is not None and found.state == "active":
            # asked again: somebody with the same name, or this person elsewhere, may sign in at this very moment
            taken = connection.execute(table.update().where(free).values(oidc_sub=person.key)).rowcount
            found = found if taken else connection.execute(own).first()
    if found is None:
        raise ProblemError(403, "oidc_no_account")
    if found.state != "active":
        raise ProblemError(403, "suspended")
    return bytes(found.id)


def link_login(connection: sa.Connection, login: str, issuer: str, sub: str | None) -> bool:
    """Link an account to a person of the provider by hand, or with None unlink it; False if there is no such login."""
    table = SYSTEM.account
    key = f"{issuer}#{sub}" if sub is not None else None
    account = table.c.login == login.strip().lower()
    if connection.execute(sa.select(table.c.id).where(account).with_for_update()).first() is None:
        return False
    if key is not None:
        connection.execute(table.update().where(table.c.oidc_sub == key).values(oidc_sub=None))
    connection.execute(table.update().where(account).values(oidc_sub=key))
    return True
