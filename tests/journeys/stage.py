# SPDX-License-Identifier: GPL-3.0-or-later
"""A server, an agent and a customer as real processes, which a test may kill: they start again where they stood."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.entry.demo_part import Part
from app.entry.demo_server import DemoServer
from remote_assist.limits import Limits
from tests.fakes.wait import wait_until

PASSPHRASE = "a passphrase for journeys"
LOGIN = "agent1"
_BARE = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
SOON_MS = 4_000  # how long a broken line is waited for where a test needs the end of that; else as in real sessions
_PATIENCE_S = 90.0  # for one answer; this machine may be busy with many other tests
TICKETS = 300  # of the sample data "small"


class Stage:
    """One server; the two clients keep their profiles, whatever happens to their processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = DemoServer(folder / "server", "small", behind=False)
        self._parts: dict[str, Part] = {}

    def start(self, theirs: Mapping[str, str] | None = None) -> None:
        """Start the server and both clients, signed in and enrolled; `theirs` is the customer's environment."""
        self.server.start()
        companion = self._start("companion", theirs, enrol=self.server.enrolment_link)
        agent = self._start("agent", server=self.server.url, login=LOGIN, password=self.server.password)
        companion.order("enrol")
        agent.order("sign_in", least=TICKETS)
        self.open_ticket()

    def stop(self) -> None:
        """End everything."""
        for part in self._parts.values():
            part.stop()
        self.server.stop()

    def _start(self, name: str, environment: Mapping[str, str] | None = None, **first: object) -> Part:
        environment = _BARE | {"QT_QPA_PLATFORM": "offscreen"} | dict(environment or {})
        command = [sys.executable, "-m", f"tests.journeys.{name}_part", "--profile", str(self.folder / name)]
        part = Part(name, [*command, "--lang", "en"], self.folder / f"{name}.log", environment, _PATIENCE_S)
        self._parts[name] = part
        part.send({"passphrase": PASSPHRASE, **first})
        return part

    @property
    def agent(self) -> Part:
        """The agent's client as it runs now."""
        return self._parts["agent"]

    @property
    def companion(self) -> Part:
        """The companion as it runs now."""
        return self._parts["companion"]

    def kill(self, name: str) -> None:
        """kill -9 a client."""
        part = self._parts[name]
        os.kill(part.pid, signal.SIGKILL)
        assert part.wait(_PATIENCE_S) == -signal.SIGKILL
        part.stop()

    def kill_before(self, name: str, watching: str, order: str) -> dict[str, Any]:
        """kill -9 a client while the other carries out an order already: it cannot miss what soon passes by again."""
        other = self._parts[watching]
        other.send({"do": order})
        self.kill(name)
        return other.answer(order, _PATIENCE_S)

    def restart(self, name: str, environment: Mapping[str, str] | None = None) -> Part:
        """Kill a client and start it again on its profile; what it then finds is the test's to say."""
        if self._parts[name].running:
            self.kill(name)
        self._parts[name].stop()
        return self._start(name, environment)

    def forget_sign_in(self, login: str) -> None:
        """Let the server forget every refresh token of an account, as it does when they ran out."""
        with sqlite3.connect(self.server.database, timeout=10) as database:
            database.execute(
                "DELETE FROM refresh WHERE device_id IN (SELECT d.id FROM device d JOIN account a "
                "ON a.id = d.account_id WHERE a.login = ?)",
                (login,),
            )

    def ready(self) -> None:
        """Start what a test left dead, and open the ticket."""
        for name, part in list(self._parts.items()):
            if not part.running:
                part.stop()
                self._start(name).order("resume")
                if name == "agent":
                    self.open_ticket()

    def open_ticket(self) -> None:
        """The agent opens the customer's ticket."""
        self.agent.order("open", ticket=self.server.ticket)

    def share(self, lost_ms: int = Limits().lost_ms) -> int:
        """From the agent's request to live pictures with a compared number; return how much history there was.

        `lost_ms`: how long both ends wait for a broken line.
        """
        for part in (self.agent, self.companion):
            part.order("patience", lost_ms=lost_ms)
        before = int(self.agent.order("thread")["count"])
        self.agent.order("invite")
        self.companion.order("wait_prompt", path=str(self.folder / "prompt.png"))
        self.companion.order("allow")
        number = self.agent.order("wait_number")["number"]
        self.companion.order("pick_number", number=number)
        self.agent.order("confirm_number")
        self.agent.order("sees_live")
        return before

    def finish(self) -> None:
        """Close what the customer still sees of the session."""
        self.companion.order("close_summary")

    def record_of(self, sid: str) -> list[str]:
        """Kinds of entries that the server's own database has of a session."""
        with sqlite3.connect(f"file:{self.server.database}?mode=ro", uri=True) as database:
            rows = database.execute("SELECT kind FROM session_record WHERE sid = ?", (bytes.fromhex(sid),))
            return [str(row[0]) for row in rows]

    def on_server(self, text: str) -> int:
        """How often the server's own database has a note with this text."""
        with sqlite3.connect(f"file:{self.server.database}?mode=ro", uri=True) as database:
            return int(database.execute("SELECT count(*) FROM note WHERE body = ?", (text,)).fetchone()[0])


def kill_and_wait(pid: int) -> None:
    """kill -9 a process that somebody else waits for, and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not lives(pid), 30)


def lives(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def has(words: list[Any], text: str) -> bool:
    """Whether one of the labels says this."""
    return any(text in str(each) for each in words)
