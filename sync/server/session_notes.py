# SPDX-License-Identifier: GPL-3.0-or-later
"""The reason of an invitation: an internal note of its ticket, written in the same transaction. Blocking."""

from __future__ import annotations

import sqlalchemy as sa

from app.domain.changes import Actor, Context, NoteAdd
from app.domain.entities import TICKET
from app.domain.errors import Refused
from app.domain.ids import derived_id, hlc_of
from app.domain.invitation import Invitation
from sync.server.apply import Applier
from sync.server.problems import ProblemError
from sync.server.rows import TxRows
from sync.server.tokens import Grant

__all__ = ["Reason"]


class Reason:
    """Made before the ticket is looked at: it locks it for writing, and two invitations wait for each other here."""

    def __init__(self, connection: sa.Connection, who: Grant, invitation: Invitation, text: str) -> None:
        """Raises ProblemError 400 `invitation` for what names no ticket."""
        try:
            self._ticket = bytes.fromhex(invitation.ticket_id)
        except ValueError as error:
            raise ProblemError(400, "invitation") from error
        self._connection, self._who, self._sid, self._text = connection, who, invitation.sid, text
        self._rows = TxRows(connection)
        self._rows.lock([(TICKET.number, self._ticket)])

    def write(self, now: int) -> dict[str, int]:
        """Write the note in the agent's name and return the scopes it moved. Raises ProblemError 409."""
        ctx = Context(Actor("user", self._who.subject), now, now, hlc_of(now), "srv", 0, on_server=True)
        note = NoteAdd(derived_id(self._sid, "why"), derived_id(self._sid, "reason"), self._ticket, self._text)
        try:
            Applier(self._connection, self._rows, None).apply(note, {}, ctx)
        except Refused as refusal:
            raise ProblemError(409, refusal.code) from refusal
        return self._rows.flush(now)
