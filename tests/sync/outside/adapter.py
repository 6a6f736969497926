# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets a WatermelonDB client sync with our server: its pull and push on one side, one of our clients on the other.

WatermelonDB asks for what changed since a time stamp and sends whole rows; a push must fail when a row that it sends
has changed since the last pull (its documentation, "Writing your own sync backend"). Each of its clients gets a desk of
its own here: our files and our sync worker, which speaks to a real server over a line that can fall silent. For tests.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.domain.changes import AnyChange, NoteAdd, TicketCreate, TicketDelete, TicketSet
from app.domain.entities import CUSTOMER, NOTE, TEAM, TICKET
from app.domain.errors import Refused
from app.domain.ids import new_id
from app.store.shown import Shown
from sync.server.schema import ENTITY_TABLES
from tests.sync.causal_line import Line, Silence
from tests.sync.processes import ServerProcess, Window

__all__ = ["Adapter", "Desk"]

Rows = dict[str, dict[str, Any]]  # by id
State = dict[str, Rows]  # by table
FIELDS = ("subject", "priority", "tier")


class Changed(Exception):
    """A row that is pushed has changed since the last pull."""


class Desk:
    """One of our clients with real files and a real worker, and what it told its WatermelonDB client so far."""

    def __init__(self, folder: Path, server: ServerProcess) -> None:
        self.line = Line(server.port)
        self._window = Window(folder)
        self._window.start_worker()
        self._window.connect()
        self._window.sign_in(self.line.url)
        self._told: dict[int, State] = {0: {"tickets": {}, "notes": {}}}
        with self._window.profile.readers().read() as tx:
            self.team = Shown(tx).select(TEAM.number, "id", "deleted = 0")[0][0]
            self.customer = Shown(tx).select(CUSTOMER.number, "id", "deleted = 0")[0][0]
            self.scopes = [scope for (scope,) in tx.all("SELECT id FROM scope_state")]

    def state(self) -> State:
        """Return the rows as this desk shows them."""
        self._window.profile.after_checkpoint()
        with self._window.profile.readers().read() as tx:
            shown = Shown(tx)
            tickets = shown.select(TICKET.number, ", ".join(("id", *FIELDS)), "deleted = 0")
            notes = shown.select(NOTE.number, "id, ticket, body", "deleted = 0")
        return as_state(tickets, notes)

    def pull(self, since: int) -> dict[str, Any]:
        """Answer WatermelonDB's pull: what is new or different since the state of a time stamp, and what is gone."""
        before, now = self._told[since], self.state()
        stamp = max(self._told) + 1
        self._told[stamp] = now
        changes = {
            table: {
                "created": [],  # the client knows how to tell, and may have made the row itself
                "updated": [row for id_, row in rows.items() if before[table].get(id_) != row],
                "deleted": [id_ for id_ in before[table] if id_ not in rows],
            }
            for table, rows in now.items()
        }
        return {"changes": changes, "timestamp": stamp}

    def push(self, changes: Mapping[str, Any], since: int) -> None:
        """Save what WatermelonDB pushes as changes of ours. Raises Changed."""
        before, now = self._told[since], self.state()
        for table, lists in changes.items():
            for id_ in [row["id"] for row in lists["updated"]] + lists["deleted"]:
                if now[table].get(id_) != before[table].get(id_):
                    raise Changed(id_)
        tickets, notes = changes.get("tickets", {}), changes.get("notes", {})
        for row in tickets.get("created", []):
            self._create(row, now)
        for row in notes.get("created", []):
            if row["id"] not in now["notes"]:  # else the answer to the last push was lost
                ticket = bytes.fromhex(row["ticket_id"])
                self._do(NoteAdd(new_id(), bytes.fromhex(row["id"]), ticket, row["body"]))
        for row in tickets.get("updated", []):
            self.edit(row, row["_changed"].split(","))
        for id_ in tickets.get("deleted", []):
            self._do(TicketDelete(new_id(), bytes.fromhex(id_)))
        self._has(changes, before)

    def _has(self, changes: Mapping[str, Any], told: State) -> None:
        """What was pushed is what the client has now; where the server's word differs, the next pull says so."""
        for table, lists in changes.items():
            for row in lists["created"] + lists["updated"]:
                names = ("id", *FIELDS) if table == "tickets" else ("id", "ticket_id", "body")
                told[table][row["id"]] = {name: row[name] for name in names}
            for id_ in lists["deleted"]:
                told[table].pop(id_, None)

    def edit(self, row: Mapping[str, Any], names: list[str]) -> None:
        """Set fields of a ticket."""
        fields = {name: row[name] for name in names if name in FIELDS}
        if fields:
            self._do(TicketSet(new_id(), bytes.fromhex(row["id"]), fields))

    def waiting(self) -> int:
        """How many changes the server has not confirmed."""
        return self._window.profile.numbers().waiting

    def close(self) -> None:
        """End it."""
        self.line.silence(Silence.NONE)
        self._window.close()
        self.line.stop()

    def _create(self, row: Mapping[str, Any], now: State) -> None:
        if row["id"] in now["tickets"]:
            return
        id_ = bytes.fromhex(row["id"])
        new = TicketCreate(
            new_id(), id_, row["subject"], self.team, self.customer, new_id(), "made offline", int(row["priority"])
        )
        self._do(new)
        self.edit(row, ["tier"])

    def _do(self, change: AnyChange) -> None:
        with contextlib.suppress(
            Refused
        ):  # the ticket has gone meanwhile, and its client hears of that at the next pull
            self._window.do(change)


class Adapter(HTTPServer):
    """The HTTP side: `/NAME/pull`, `/NAME/push`, and what only the check uses: edit, line, waiting and server."""

    def __init__(self, server: ServerProcess, database: str, desks: Mapping[str, Desk]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.desks = desks
        self._engine = sa.create_engine(database)

    def answer(self, desk: Desk, what: str, asked: Mapping[str, Any]) -> Any:
        """Do what is asked. Raises Changed."""
        if what == "pull":
            return desk.pull(asked["since"] or 0)
        if what == "push":
            return desk.push(asked["changes"], asked["since"])
        if what == "edit":
            return desk.edit(asked["row"], asked["names"])
        if what == "line":
            return desk.line.silence(Silence.BOTH if asked["silent"] else Silence.NONE)
        if what == "waiting":
            return desk.waiting()
        assert what == "server", what
        return self._server(desk)

    def _server(self, desk: Desk) -> State:
        tickets, notes = ENTITY_TABLES[TICKET.number], ENTITY_TABLES[NOTE.number]
        with self._engine.connect() as cx:
            return as_state(*(
                cx.execute(sa.select(*columns).where(table.c.scope_id.in_(desk.scopes), table.c.deleted == sa.false()))
                for table, columns in (
                    (tickets, [tickets.c.id, *(tickets.c[name] for name in FIELDS)]),
                    (notes, [notes.c.id, notes.c.ticket, notes.c.body]),
                )
            ))  # fmt: skip

    def server_close(self) -> None:
        """Close port and database."""
        super().server_close()
        self._engine.dispose()


def as_state(tickets: Any, notes: Any) -> State:
    """Return rows as WatermelonDB has them."""
    return {
        "tickets": {
            bytes(id_).hex(): {"id": bytes(id_).hex(), **dict(zip(FIELDS, values, strict=True))}
            for id_, *values in tickets
        },
        "notes": {
            bytes(id_).hex(): {"id": bytes(id_).hex(), "ticket_id": bytes(ticket).hex(), "body": body or ""}
            for id_, ticket, body in notes
        },
    }


class _Handler(BaseHTTPRequestHandler):
    server: Adapter

    def do_POST(self) -> None:
        """Answer one request of the script."""
        name, what = self.path.strip("/").split("/")
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        status, told = 200, None
        try:
            told = self.server.answer(self.server.desks[name], what, asked)
        except Changed as error:
            status, told = 409, {"changed": str(error)}
        if asked.get("lose"):  # done, but the other side never hears of it
            self.close_connection = True
            return
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""
