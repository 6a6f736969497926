# SPDX-License-Identifier: GPL-3.0-or-later
"""The invitation to show the screen that waits on a ticket, as its secret link's page offers it. Blocking."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from app.domain.documents import BadDocument, SignedDocument
from app.domain.invitation import BROWSER_MODE, COMPANION_MODE, read_invitation
from app.domain.links import InviteLink, PageLink
from sync.server.schema import SYSTEM

__all__ = ["Invited", "read_invited"]


@dataclass(frozen=True, slots=True)
class Invited:
    """Where an invitation is answered: by the page in this browser, by the Companion; empty where it cannot be."""

    iid: bytes
    browser: str
    companion: str


def read_invited(connection: sa.Connection, ticket: bytes, now: int, organisation: bytes) -> Invited | None:
    """Return the invitation of a ticket that nobody answered yet; `organisation` is the key that all are signed under.

    Whoever has the ticket's link gets the secret of the invitation with it, as whoever has its code does.
    """
    row = connection.execute(_query(), {"ticket": ticket, "now": now}).first()
    if row is None:
        return None
    try:
        signed = SignedDocument(bytes(row.invitation), bytes(row.signature))
        modes = read_invitation(signed, organisation)[0].modes
    except BadDocument:
        return None
    iid, secret = bytes(row.iid), bytes(row.join_secret)
    browser = PageLink("", iid, secret).to_text() if BROWSER_MODE in modes else ""
    return Invited(iid, browser, InviteLink(iid, secret).to_text() if COMPANION_MODE in modes else "")


@cache
def _query() -> sa.Select[Any]:
    session = SYSTEM.session
    return (
        sa.select(session.c.iid, session.c.join_secret, session.c.invitation, session.c.signature)
        .where(
            session.c.ticket_id == sa.bindparam("ticket"), session.c.state == "invited",
            session.c.ends > sa.bindparam("now"), session.c.join_secret.is_not(None),
        )
        .order_by(session.c.created.desc())
        .limit(1)
    )  # fmt: skip
