# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test hears and does in one program from outside, and what the server's own database says of it."""

from __future__ import annotations

import re
import sqlite3
from typing import Any, Protocol

from app.entry.demo_part import Part
from app.entry.demo_server import DemoServer

BUTTON, FIELD, LIST, RADIO = "push button", "text", "table", "radio button"
_TABS_AT_MOST = 40


class Keyboard(Protocol):
    """Keys and letters of one display."""

    def keys(self, *names: str) -> None:
        """Press keys one after the other."""

    def types(self, text: str) -> None:
        """Type letters."""


class Person:
    """Somebody at a program: ears are the screen reader, hands are its actions or the keys of this desk's keyboard."""

    def __init__(self, part: Part, desk: Keyboard, pid: int) -> None:
        self._part, self._desk, self._pid = part, desk, pid

    # --- ears ------------------------------------------------------------------------------------------------

    def hears(self, name: str, role: str = "") -> str:
        """Wait until something is there whose name begins so; return the whole name."""
        return str(self._ask("wait", role=role, name=name)["name"])

    def described(self, name: str, role: str = "") -> str:
        """Wait until something is there whose name begins so; return what is said of it besides."""
        return str(self._ask("wait", role=role, name=name)["description"])

    def can_press(self, name: str) -> None:
        """Wait until a button can be pressed."""
        self._ask("wait", role=BUTTON, name=name, usable=True)

    def hears_chosen(self, name: str) -> None:
        """Wait until one of several is the chosen one."""
        self._ask("wait", role=RADIO, name=name, chosen=True)

    def no_longer(self, name: str, role: str = "") -> None:
        """Wait until something is gone."""
        self._ask("gone", role=role, name=name)

    def is_told(self, words: str) -> str:
        """Wait until something with these words was spoken by itself, now or before; return all of it."""
        return str(self._ask("spoken", words=words)["text"])

    def lines(self, name: str = "Tickets") -> list[str]:
        """Return the lines of a list as far as they show, when there are some."""
        return [str(line) for line in self._ask("lines", role=LIST, name=name)["lines"]]

    def reads(self, name: str) -> list[str]:
        """Return the words of everything in something, in order."""
        return [each["name"] for each in self._ask("below", role="", name=name)["said"]]

    def reads_all(self) -> list[str]:
        """Return the words of everything in the program."""
        return [each["name"] for each in self._ask("all")["said"]]

    def has_keyboard(self, name: str) -> str:
        """Wait until the keyboard is in something whose name begins so; return the whole name."""
        return str(self._ask("focused", name=name)["name"])

    # --- the screen reader's hands ---------------------------------------------------------------------------

    def presses(self, name: str, role: str = BUTTON) -> None:
        """Press something as soon as it can be pressed."""
        self._ask("press", role=role, name=name)

    def writes(self, name: str, text: str, role: str = FIELD) -> None:
        """Fill a field."""
        self._ask("write", role=role, name=name, text=text)

    def puts_keyboard(self, name: str, role: str = "") -> None:
        """Put the keyboard into something."""
        self._ask("focus", role=role, name=name)

    # --- the keyboard ----------------------------------------------------------------------------------------

    def keys(self, *names: str) -> None:
        """Press keys one after the other, as `ctrl+Return`, where the keyboard is."""
        self._desk.keys(*names)

    def types(self, text: str) -> None:
        """Type letters where the keyboard is."""
        self._desk.types(text)

    def tabs_to(self, name: str) -> str:
        """Press Tab until the keyboard is in something whose name begins so; return the whole name."""
        way = [str(self._ask("focused")["name"])]
        while not way[-1].startswith(name):
            if len(way) > _TABS_AT_MOST:
                raise AssertionError(f"Tab does not lead to {name!r}, but to {way}")
            self.keys("Tab")
            way.append(str(self._ask("focused", elsewhere=True)["name"]))
        return way[-1]

    def goes_to_line(self, words: str) -> None:
        """Go through the list of tickets, which has the keyboard, by arrow keys to the line with these words."""
        place = next(i for i, line in enumerate(self.lines()) if words in line)
        self.keys("Home", *["Down"] * place)
        self._ask("focused", words=words)

    def _ask(self, what: str, **details: object) -> dict[str, Any]:
        return self._part.order(what, 0.0, pid=self._pid, **details)


def check_number(agent: Person) -> str:
    """Return the six digits that the agent reads aloud."""
    agent.hears("Read aloud to")
    found = (re.fullmatch(r"\d( ?\d){5}", words) for words in agent.reads_all())
    return next(match.group() for match in found if match).replace(" ", "")


def ticket_number(server: DemoServer) -> int:
    """Return the number of the customer's open ticket."""
    return int(asked(server, "SELECT number FROM ticket WHERE id = ?", bytes.fromhex(server.ticket))[0][0])


def asked(server: DemoServer, sql: str, *args: object) -> list[tuple[Any, ...]]:
    """Ask the server's own database."""
    with sqlite3.connect(f"file:{server.database}?mode=ro", uri=True) as database:
        return database.execute(sql, args).fetchall()
