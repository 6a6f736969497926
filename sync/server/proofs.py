# SPDX-License-Identifier: GPL-3.0-or-later
"""When a person last proved at a device who they are, and the proof anew before an invitation. Blocking.

A stolen computer with the client open renews its tokens for months; none of that is a proof. Only a password or a
sign-in at the provider is, and each device keeps the time of its own.
"""

from __future__ import annotations

import sqlalchemy as sa

from app.domain.proof import is_fresh
from sync.server.access import load_device
from sync.server.accounts import Accounts
from sync.server.oidc import Person
from sync.server.problems import ProblemError
from sync.server.schema import SYSTEM
from sync.server.store import Store
from sync.server.tokens import Grant

__all__ = ["PASSWORD", "PROVIDER", "Proofs", "check_proof"]

# ways in which an account can prove who speaks; the detail of `proof_too_old` names those of the account
PASSWORD, PROVIDER = "password", "browser"
_FRESH_MIN = 6  # a client waits five minutes for the browser


def check_proof(connection: sa.Connection, now: int, who: Grant, after_min: int, *, provider: bool) -> None:
    """Let pass whose proof still counts. Raises ProblemError 403 `proof_too_old`; the detail says how to give another.

    `provider`: this server has one now.
    """
    device, account = SYSTEM.device, SYSTEM.account
    proved_at = connection.execute(sa.select(device.c.proved_at).where(device.c.id == who.device)).scalar()
    if is_fresh(now, proved_at, after_min):
        return
    row = connection.execute(sa.select(account.c.pw_hash, account.c.oidc_sub).where(account.c.id == who.subject)).one()
    ways = [PASSWORD] if row.pw_hash else []
    ways += [PROVIDER] if row.oidc_sub and provider else []
    raise ProblemError(403, "proof_too_old", detail=" ".join(ways))


class Proofs:
    """Takes proofs of people who are signed in already."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    def login_of(self, who: Grant) -> str:
        """Return the login whose password counts. Raises ProblemError: 401 `token`, 403 `suspended` or `revoked`."""
        account = SYSTEM.account
        with self._store.read() as connection:
            load_device(connection, who.device, who.subject)
            return str(connection.execute(sa.select(account.c.login).where(account.c.id == who.subject)).scalar_one())

    def by_password(self, now: int, who: Grant, login: str, password: str) -> None:
        """Take a password. Raises ProblemError: 401 `credentials`, 403 `suspended` or `revoked`."""
        if self._accounts.verified(login, password) != who.subject:
            raise ProblemError(401, "credentials")  # the login went to somebody else meanwhile
        self._store.write(lambda connection: _keep(connection, now, who))

    def by_provider(self, now: int, who: Grant, person: Person) -> None:
        """Take what the provider says. Raises ProblemError 403: `oidc_other_person`, `proof_not_fresh`, `suspended`.

        The provider must say when that person typed something there, and that must have been just now: a browser that
        is signed in would do it all alone.
        """

        def work(connection: sa.Connection) -> None:
            account, said = SYSTEM.account, person.authenticated_ms
            sub = connection.execute(sa.select(account.c.oidc_sub).where(account.c.id == who.subject)).scalar()
            if sub is None or sub != person.key:
                raise ProblemError(403, "oidc_other_person")
            if not is_fresh(now, said, _FRESH_MIN) or said is None:
                raise ProblemError(403, "proof_not_fresh")
            _keep(connection, min(said, now), who)

        self._store.write(work)


def _keep(connection: sa.Connection, proved_at: int, who: Grant) -> None:
    load_device(connection, who.device, who.subject, lock=True)
    table = SYSTEM.device
    connection.execute(table.update().where(table.c.id == who.device).values(proved_at=proved_at))
