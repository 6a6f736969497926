# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret links that end: whoever has one makes a new one or withdraws it, and the old ones open nothing at once.

A link that ended is forgotten, not marked: a server of an earlier version on the same database opens it no more either.
Staff read on the ticket that it was done. Blocking.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from app.domain.changes import Actor, AnyChange, NoteAdd
from app.domain.entities import TICKET
from app.domain.ids import derived_id
from sync.server.intake import write_once
from sync.server.portal.desk import Opened
from sync.server.portal.errors import PageError
from sync.server.portal.links import Links
from sync.server.portal.views import Place, find_ticket
from sync.server.problems import ProblemError
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import Store

__all__ = ["LinkDesk"]

_RENEWED = (
    "고객이 비밀 링크를 새로 만들었습니다. 전의 링크는 열리지 않습니다. "
    "/ The customer made a new secret link; those before open nothing."
)
_WITHDRAWN = "고객이 비밀 링크를 없앴습니다. / The customer withdrew the secret link."
_SERVER = Actor("server", None)


class LinkDesk:
    """Over a store. `nonce` is the form's: the same form sent twice makes one link, and leads to it both times."""

    def __init__(self, store: Store, links: Links) -> None:
        self._store = store
        self._links = links

    def renew(self, now: int, link: str, nonce: bytes) -> Opened:
        """Make a new link to where an old one leads, and end all others of its customer that lead there.

        Raises ProblemError: 404 `not_found`, 403 `given` where the ticket has become another customer's.
        """
        new = self._links.link_of(nonce)
        with self._store.read() as connection:
            place = find_ticket(connection, self._links.kept(link))
            again = find_ticket(connection, self._links.kept(new))
        if place is None:
            if again is None:
                raise ProblemError(404, "not_found")
            return Opened(new, {})  # the form was sent twice, and the second answer is what its sender sees
        if place.own is not None:
            raise PageError(403, "given")

        def changes(connection: sa.Connection, rows: TxRows) -> Sequence[AnyChange]:
            del rows
            if not self._end(connection, place):
                raise ProblemError(404, "not_found")  # somebody else ended it just now
            values = {"hash": self._links.kept(new), "ticket_id": place.id, "customer_id": place.customer}
            connection.execute(SYSTEM.portal_link.insert().values(**values, created=now))
            return [_note(nonce, place, _RENEWED)]

        key = f"portal-link:{nonce.hex()}"
        return Opened(new, write_once(self._store, now, _SERVER, key, now, place.id, changes).heads)

    def withdraw(self, now: int, link: str, nonce: bytes) -> dict[str, int]:
        """End a link and all others of its customer that lead there; return the scopes that moved. As `renew`."""
        with self._store.read() as connection:
            place = find_ticket(connection, self._links.kept(link))
        if place is None:
            return {}

        def changes(connection: sa.Connection, rows: TxRows) -> Sequence[AnyChange]:
            del rows
            self._end(connection, place)
            # what was given away tells its new customer's ticket nothing
            return [_note(nonce, place, _WITHDRAWN)] if place.own is None else []

        key = f"portal-link:{nonce.hex()}"
        return write_once(self._store, now, _SERVER, key, now, place.id, changes).heads

    def _end(self, connection: sa.Connection, place: Place) -> int:
        link, ticket = SYSTEM.portal_link, ENTITY_TABLES[TICKET.number]
        leading = sa.select(ticket.c.id).where(sa.or_(ticket.c.id == place.id, ticket.c.merged_into == place.id))
        leads = link.c.ticket_id == place.own if place.own is not None else link.c.ticket_id.in_(leading)
        return connection.execute(link.delete().where(link.c.customer_id == place.customer, leads)).rowcount


def _note(nonce: bytes, place: Place, text: str) -> NoteAdd:
    return NoteAdd(derived_id(nonce, "link-event"), derived_id(nonce, "link-note"), place.id, text)
