# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test hears of a program through the screen reader, and what the server's own database says of it."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from app.entry.demo_part import Part
from app.entry.demo_server import DemoServer
from tests.fakes.wait import wait_until

BUTTON, FIELD, LIST = "push button", "text", "table"


class Reader:
    """The screen reader in one program."""

    def __init__(self, part: Part, pid: int) -> None:
        self._part, self._pid = part, pid

    def hears(self, name: str, role: str = "") -> str:
        """Wait until something is there whose name begins so; return the whole name."""
        return str(self._ask("wait", role=role, name=name)["name"])

    def can_press(self, name: str) -> None:
        """Wait until a button can be pressed."""
        self._ask("wait_enabled", role=BUTTON, name=name)

    def no_longer(self, name: str, role: str = "") -> None:
        """Wait until something is gone."""
        self._ask("gone", role=role, name=name)

    def presses(self, name: str, role: str = BUTTON) -> None:
        """Press something."""
        self._ask("press", role=role, name=name)

    def writes(self, name: str, text: str, role: str = FIELD) -> None:
        """Fill a field."""
        self._ask("write", role=role, name=name, text=text)

    def goes_to_line(self, words: str) -> None:
        """Go through the list of tickets by arrow keys to the line with these words, and open it."""
        lines = [line for line in self._ask("lines", role=LIST, name="Tickets")["lines"] if line]
        place = next(i for i, line in enumerate(lines) if words in line)
        self._ask("focus", role=LIST, name="Tickets")
        for key in ("Home", *["Down"] * place, "Return"):
            self._part.order("key", keys=key)

    def reads(self, name: str) -> list[str]:
        """Return the words of everything in something, in order."""
        return [each["name"] for each in self._ask("below", role="", name=name)["said"]]

    def reads_all(self) -> list[str]:
        """Return the words of everything in the program."""
        return [each["name"] for each in self._ask("all")["said"]]

    def keyboard(self) -> str:
        """Return the name of what has the keyboard."""
        return str(self._ask("focused")["name"])

    def has_keyboard(self, name: str) -> None:
        """Wait until the keyboard is in something whose name begins so."""
        try:
            wait_until(lambda: self.keyboard().startswith(name), 30, 0.1)
        except AssertionError:
            raise AssertionError(f"the keyboard is in {self.keyboard()!r}, not in {name!r}") from None

    def _ask(self, what: str, **details: object) -> dict[str, Any]:
        return self._part.order(what, 0.0, pid=self._pid, **details)


def check_number(agent: Reader) -> str:
    """Return the six digits that the agent reads aloud."""
    aloud: list[str] = []

    def is_there() -> bool:
        aloud[:] = [words for words in agent.reads_all() if re.fullmatch(r"\d{3}\s?\d{3}", words)]
        return bool(aloud)

    wait_until(is_there, 40, 0.1)
    return re.sub(r"\s", "", aloud[0])


def ticket_number(server: DemoServer) -> int:
    """Return the number of the customer's open ticket."""
    return int(asked(server, "SELECT number FROM ticket WHERE id = ?", bytes.fromhex(server.ticket))[0][0])


def asked(server: DemoServer, sql: str, *args: object) -> list[tuple[Any, ...]]:
    """Ask the server's own database."""
    with sqlite3.connect(f"file:{server.database}?mode=ro", uri=True) as database:
        return database.execute(sql, args).fetchall()
