# SPDX-License-Identifier: GPL-3.0-or-later
"""One person of a causal run: looks at everything in one transaction, then writes, and keeps a journal of both.

Registers are subjects and snooze times of a few tickets, set alone or both in one change. The set that only grows is
notes with their lines of history, and new tickets with their first messages: pairs that one change makes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from app.domain import link
from app.domain.changes import AnyChange, NoteAdd, TicketCreate, TicketSet
from app.domain.entities import HISTORY, MESSAGE, NOTE, TICKET
from app.domain.ids import TicketId, new_id
from app.store.shown import Shown
from tests.sync.causal_checks import elements, registers
from tests.sync.torture_actor import Actor

__all__ = ["main"]

_TICKETS = 8
_FAR_MS = 4_000_000_000_000  # a snooze that never ends


class Reader(Actor):
    """Reads everything and writes a little, again and again."""

    _last: tuple[dict[str, Any], set[str]] | None = None

    def _ready(self) -> bool:
        if not super()._ready():
            return False
        self._tickets = _agreed(self._folder.parent / "tickets", self._tickets)
        return True

    def _report(self) -> None:
        if self._tickets:
            self._look()
        super()._report()

    def _edit(self) -> None:
        self._look()
        token = new_id().hex()
        change, kind, sets, adds = self._write_some(token)
        self._note("try", token, kind, sets, adds)
        mid = self._window.profile.commits.commit(change).mid
        self._note("done", token)
        self._commits += 1
        with contextlib.suppress(OSError, AssertionError):
            self._window.send(link.Committed(mid=mid))

    def _write_some(self, token: str) -> tuple[AnyChange, str, dict[str, Any], list[str]]:
        event, other, ticket, what = bytes.fromhex(token), new_id(), self._rng.choice(self._tickets), self._rng.random()
        if what < 0.35:
            body = f"note {token}"
            return NoteAdd(event, other, ticket, body), "note", {}, elements([other], [other], [], [])
        if what < 0.45:
            team, customer = self._teams[0]
            first = new_id()
            new = TicketCreate(event, other, f"new {token}", team, customer, first, f"first {token}")
            return new, "new", {}, elements([], [], [other], [first])
        fields = {"subject": f"set {token}", "snooze_until": _FAR_MS + int(token[-10:], 16)}
        for name in self._rng.choice(((), (), ("subject",), ("snooze_until",))):
            del fields[name]
        return TicketSet(event, ticket, fields), "set", registers([(ticket, fields)]), []

    def _look(self) -> None:
        """Read all registers and the whole set in one transaction; the journal gets what is new.

        A window first makes the images of its pending changes anew, for other people's fields on them lag until then.
        """
        rebuilt = -1
        while not self._drawn(rebuilt):
            rebuilt = self._checkpoint()
            self._window.profile.after_checkpoint()

    def _checkpoint(self) -> int:
        with self._window.profile.readers().read() as tx:
            return Shown(tx).checkpoint_no

    def _drawn(self, rebuilt: int) -> bool:
        """Whether the screen could be drawn: not if the server's side went on since the images were made."""
        with self._window.profile.readers().read() as tx:
            shown = Shown(tx)
            if shown.checkpoint_no != rebuilt:
                return False
            held = shown.by_ids(TICKET.number, "id, subject, snooze_until", self._tickets)
            notes = shown.select(NOTE.number, "id", "body LIKE 'note %' AND deleted = 0")
            lines = shown.select(HISTORY.number, "data", "kind = 'note' AND deleted = 0")
            tickets = shown.select(TICKET.number, "id", "subject LIKE 'new %' AND deleted = 0")
            firsts = shown.select(MESSAGE.number, "id", "body LIKE 'first %' AND deleted = 0")
        told = [bytes.fromhex(json.loads(data)["note"]) for (data,) in lines]
        there = set(elements([n for (n,) in notes], told, [t for (t,) in tickets], [m for (m,) in firsts]))
        values = registers((t, {"subject": s, "snooze_until": at}) for t, s, at in held)
        self._draw(values, there)
        return True

    def _draw(self, values: dict[str, Any], there: set[str]) -> None:
        if (values, there) != self._last:
            before = self._last[1] if self._last else set()
            self._note("read", values, sorted(there - before), sorted(before - there), self._last is None)
            self._last = values, there

    def _note(self, *words: Any) -> None:
        end = "" if self._last else "\n"  # a kill may have cut the line before
        self._write(end + json.dumps([time.monotonic_ns(), *words]))


def _agreed(path: Path, mine: list[TicketId]) -> list[TicketId]:
    """The first who comes names the tickets for all."""
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps([ticket.hex() for ticket in mine[:_TICKETS]]))
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return [TicketId(bytes.fromhex(text)) for text in json.loads(path.read_text())]


def main() -> int:
    """Run one actor: FOLDER URL SEED."""
    Reader(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
