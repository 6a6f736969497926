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
    found = connection.execute(query.where(table.c.oidc_sub == person.key)).first()
    if found is None:
        login = {"email": person.email, "username": person.username}.get(match)
        if not login:
            raise ProblemError(403, "oidc_no_account")
        # an account that is linked already belongs to somebody else at the provider, whatever the name says
        found = connection.execute(query.where(table.c.login == login, table.c.oidc_sub.is_(None))).first()
        if found is None:
            raise ProblemError(403, "oidc_no_account")
        if found.state == "active":
            connection.execute(table.update().where(table.c.id == found.id).values(oidc_sub=person.key))
    if found.state != "active":
        raise ProblemError(403, "suspended")
    return bytes(found.id)


def link_login(connection: sa.Connection, login: str, issuer: str, sub: str | None) -> bool:
    """Link an account to a person of the provider by hand, or with None unlink it; False if there is no such login."""
    table = SYSTEM.account
    key = f"{issuer}#{sub}" if sub is not None else None
    if key is not None:
        connection.execute(table.update().where(table.c.oidc_sub == key).values(oidc_sub=None))
    done = connection.execute(table.update().where(table.c.login == login.strip().lower()).values(oidc_sub=key))
    return done.rowcount == 1
