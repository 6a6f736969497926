# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of a torture run, as a process that can be killed: commits to pending.db and keeps a worker running.

Before each commit its token goes to the journal as `try`, after it as `done`: what is `done` must not be lost, and no
token may be found twice. A file `quiet` in the profile ends the commits, `stop` ends the process.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from app.desktop.worker_link import WorkerOrders
from app.domain import link
from app.domain.changes import AnyChange, MessageAdd, NoteAdd, TicketCreate, TicketSet
from app.domain.entities import CUSTOMER, TEAM
from app.domain.ids import TicketId, new_id
from app.domain.ports import ViewKey
from tests.fakes.fleet import PASSWORD
from tests.sync.processes import CLI, KEY, Window

__all__ = ["main"]

_STEP_S = 0.02


class Actor:
    """One person at one computer, who types fast and does not wait for the network."""

    def __init__(self, folder: Path, url: str, seed: int) -> None:
        self._window = Window(folder)
        self._folder = folder
        self._url = url
        self._pace = threading.Event()
        self._rng = random.Random(seed)
        self._journal = (folder / "journal").open("a", encoding="ascii")
        self._connected_at = 0.0
        self._asked_at = 0.0
        self._read = 0
        self._commits = 0
        self._tickets: list[TicketId] = []
        self._teams: list[tuple[bytes, bytes]] = []

    def run(self) -> None:
        """Type until `quiet`, stay until `stop`."""
        next_edit = next_look = 0.0
        while not (self._folder / "stop").exists():
            now = time.monotonic()
            if now >= next_look:
                self._keep_connected(now)
                self._keep_signed_in(now)
                self._report()
                next_look = now + 0.3
            if now >= next_edit and self._ready() and not (self._folder / "quiet").exists():
                self._edit()
                next_edit = now + self._rng.uniform(0.0, 0.15)
            self._pace.wait(_STEP_S)
        self._window.close()

    def _ready(self) -> bool:
        """Whether there is something to work on yet."""
        if self._window.profile.identity is None:
            return False
        if not self._tickets:
            self._tickets = list(self._window.profile.queries.ids(ViewKey.ALL_LIVE))[:12]
        if not self._teams:
            with self._window.profile.readers().read() as tx:
                rows = tx.all(f"SELECT id FROM {TEAM.name} LIMIT 1")  # noqa: S608 - a name of the registry
                people = tx.all(f"SELECT id FROM {CUSTOMER.name} LIMIT 1")  # noqa: S608 - same
            self._teams = [(team[0], person[0]) for team, person in zip(rows, people, strict=False)]
        return bool(self._tickets and self._teams)

    def _edit(self) -> None:
        token = new_id().hex()
        change, kind = self._change(token)
        self._write(f"try {kind} {token}")
        mid = self._window.profile.commits.commit(change).mid
        self._write(f"done {kind} {token}")
        self._commits += 1
        with contextlib.suppress(OSError, AssertionError):
            self._window.send(link.Committed(mid=mid))

    def _change(self, token: str) -> tuple[AnyChange, str]:
        ticket = self._rng.choice(self._tickets)
        what = self._rng.random()
        if what < 0.45:
            return NoteAdd(new_id(), new_id(), ticket, f"note {token}"), "note"
        if what < 0.65:
            details = self._window.profile.queries.details(ticket) if self._rng.random() < 0.5 else None
            seen, seen_id = (details.seen_seq, details.seen_id) if details is not None else (0, None)
            # many are stale, and must be held, not lost
            return MessageAdd(new_id(), new_id(), ticket, f"reply {token}", seen, seen_id=seen_id), "reply"
        if what < 0.75:
            team, customer = self._teams[0]
            return TicketCreate(new_id(), new_id(), f"new {token}", team, customer, new_id(), f"first {token}"), "new"
        return TicketSet(new_id(), ticket, {"priority": self._rng.randint(1, 4)}), "set"

    def _write(self, line: str) -> None:
        self._journal.write(line + "\n")
        self._journal.flush()

    def _keep_connected(self, now: float) -> None:
        """Find a worker that outlived us, or start one."""
        window = self._window
        if window._thread is not None and window._thread.is_alive():
            return
        window.leave()
        if now - self._connected_at < 0.5:
            return
        self._connected_at = now
        if window._try_connect():
            with contextlib.suppress(OSError):
                window.connect()
        elif window.process is None or window.process.poll() is not None:
            self._start_worker()

    def _start_worker(self) -> None:
        orders = WorkerOrders(self._folder, KEY, self._window.profile.socket_token())
        command = [*CLI, "sync-worker", "--profile", str(self._folder)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.write(orders.line(self._window.path))
            process.stdin.close()
        self._window.process = process
        (self._folder / "worker.pid").write_text(str(process.pid))

    def _keep_signed_in(self, now: float) -> None:
        """A person signs in again when asked to."""
        new, self._read = self._window.messages[self._read :], len(self._window.messages)
        asked = any(isinstance(message, link.SignInNeeded) for message in new)
        status = self._window.status
        out = status is not None and status.phase == "signed_out"
        if (asked or out) and now - self._asked_at > 3:
            self._asked_at = now
            with contextlib.suppress(OSError, AssertionError):
                self._window.send(
                    link.SignIn(server=self._url, login="agent1", password=PASSWORD, device_name="torture")
                )

    def _report(self) -> None:
        numbers, status = self._window.profile.numbers(), self._window.status
        told = {
            "waiting": numbers.waiting, "needs_you": numbers.needs_you, "commits": self._commits,
            "phase": status.phase if status else "", "code": status.code if status else None,
            "connected": self._window._socket is not None, "pid": os.getpid(), "at": time.time(),
        }  # fmt: skip
        fresh = self._folder / "status.new"
        fresh.write_text(json.dumps(told))
        fresh.replace(self._folder / "status.json")


def main() -> int:
    """Run one actor: FOLDER URL SEED."""
    folder, url, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    socket.setdefaulttimeout(None)
    Actor(folder, url, seed).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
