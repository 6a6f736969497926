# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills a window while a person types: `python -m tests.journeys.typing_kills --kills 1000 [--json FILE]`.

Each computer has the real composer over the real encrypted files, and a worker half that pulls what a colleague does
meanwhile: owner changes, merges and their undoing, teams that are lost and come back. A life ends with SIGKILL at a
random instant; the next one tells what is on disk. Per draft, at most the last two seconds of typing may be missing,
and never the draft.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from app.domain.changes import AnyChange, TicketMerge, TicketSet, TicketUnmerge
from app.domain.errors import Refused
from app.domain.ids import TicketId, new_id
from sync.engine import Fetch
from sync.protocol import Pull
from sync.server.schema import SYSTEM
from tests.fakes.memory_places import own_folder
from tests.fakes.wait import wait_until
from tests.sync.desk import Client, Desk, LineLost

__all__ = ["Result", "run"]

ALLOWED_S = 2.0
LIFE_S = (0.05, 3.5)  # after the first sign of life
_TICKETS = 6
_PATIENCE_S = 60.0


@dataclass
class Result:
    """What was found. `problems` is empty when the promise holds; `missing_ms` is what each kill cost, per draft."""

    kills: int = 0
    keys: int = 0
    drafts: int = 0  # comparisons of a draft that had words
    deeds: Counter[str] = field(default_factory=Counter)
    missing_ms: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        """Return the figures for people and for JSON."""
        cost = sorted(self.missing_ms)

        def at(share: float) -> int:
            return cost[min(len(cost) - 1, int(len(cost) * share))] if cost else 0

        return {
            "kills": self.kills, "keys": self.keys, "drafts_compared": self.drafts, "colleague": dict(self.deeds),
            "kills_that_cost_typing": len([ms for ms in cost if ms]), "missing_ms_p50": at(0.5),
            "missing_ms_p99": at(0.99), "missing_ms_max": cost[-1] if cost else 0, "allowed_ms": int(ALLOWED_S * 1000),
            "problems": self.problems[:50],
        }  # fmt: skip


Typed = dict[str, list[tuple[float, str]]]  # per draft: when, and what the text was after that key


class Computer:
    """One person's computer with its help desk, killed and started again."""

    def __init__(self, folder: Path, seed: int, result: Result, lock: threading.Lock) -> None:
        self._folder, self._rng, self._result, self._lock = folder, random.Random(seed), result, lock
        # before this process opens any file: what is forked must not inherit them
        self._actor = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.typing_actor"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        )  # fmt: skip
        self._texts: dict[str, str] = {}
        self._merged: TicketId | None = None
        self._away = False

    def begin(self) -> None:
        """Make the desk, the colleague and the tickets."""
        self._desk = Desk(self._folder / "server")
        self._kim = Client(self._desk, self._folder / "kim", "kim")
        self._kim.sync()
        self._tickets = [self._kim.new_ticket(f"문의 {n}") for n in range(_TICKETS)]
        self._spare = self._kim.new_ticket("합칠 문의")
        self._kim.sync()
        self._kim.profile.close()  # the window's half belongs to the actor from now on
        self._lee = Client(self._desk, self._folder / "lee", "lee")
        self._lee.sync()

    def end(self) -> None:
        """Let go of everything."""
        for pipe in (self._actor.stdin, self._actor.stdout):
            if pipe is not None:
                pipe.close()
        self._actor.wait()
        self._kim.replica.close()
        self._lee.close()
        self._desk.close()

    # --- a life ----------------------------------------------------------------------------------------------

    def live(self) -> None:
        """Start, type, be killed, and look at what the next start finds."""
        log = self._folder / "life.jsonl"
        log.write_text("")
        pid = self._start(log)
        try:
            self._first_words(log)
            rest = self._rng.uniform(*LIFE_S)
            _rest(rest / 2)
            if self._rng.random() < 0.5:
                self._colleague()
            _rest(rest / 2)
        finally:
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            self._gone(pid)
        self._judge(log, killed)

    def _start(self, log: Path) -> int:
        assert self._actor.stdin is not None
        assert self._actor.stdout is not None
        tickets = [t.hex() for t in self._tickets]
        self._say(self._actor.stdin, [str(self._folder / "kim"), str(log), self._rng.getrandbits(32), tickets])
        return int(self._actor.stdout.readline())

    @staticmethod
    def _say(pipe: IO[str], order: object) -> None:
        pipe.write(json.dumps(order) + "\n")
        pipe.flush()

    def _first_words(self, log: Path) -> None:
        """Wait until the life told what it found; compare that with what the last one had typed."""
        wait_until(lambda: "\n" in log.read_text("utf-8", errors="ignore"), _PATIENCE_S)

    @staticmethod
    def _gone(pid: int) -> None:
        wait_until(lambda: not psutil.pid_exists(pid), _PATIENCE_S)

    def _judge(self, log: Path, killed: float) -> None:
        found, typed, errors = _read(log)
        for draft, text in found.items():
            self._check(draft, text)
        with self._lock:
            self._result.kills += 1
            self._result.keys += sum(map(len, typed.values()))
            self._result.problems += errors
        self._before = killed
        self._texts, self._history = dict(found), typed

    _before: float = 0.0
    _history: Typed = {}  # noqa: RUF012 - each computer sets its own after its first life

    def _check(self, draft: str, found: str) -> None:
        """Compare what is on disk with the states of the text in the life before."""
        base = self._texts.get(draft, "")
        states = [(float("-inf"), base), *self._history.get(draft, [])]
        matching = [i for i, (_at, text) in enumerate(states) if text == found]
        if not matching:
            self._problem(f"{draft}: {found[-40:]!r} was never typed; last {states[-1][1][-40:]!r}")
            return
        with self._lock:
            self._result.drafts += any(text for _at, text in states)
        if matching[-1] + 1 < len(states):
            missing_s = self._before - states[matching[-1] + 1][0]
            with self._lock:
                self._result.missing_ms.append(max(0, round(missing_s * 1000)))
            if missing_s > ALLOWED_S:
                self._problem(f"{draft}: the last {missing_s:.2f} s are missing")

    def _problem(self, text: str) -> None:
        with self._lock:
            self._result.problems.append(text)

    # --- meanwhile -------------------------------------------------------------------------------------------

    def _colleague(self) -> None:
        """Somebody else does something to the tickets, and this computer's worker pulls it while it is typed."""
        deed = self._rng.choice(("owner", "owner", "merge", "team"))
        if deed == "team":
            self._move_away_or_back()
        elif deed == "merge":
            self._merge_or_undo()
        else:
            ticket = self._rng.choice(self._tickets)
            self._do(TicketSet(new_id(), ticket, {"owner": self._rng.choice((self._lee.me, self._kim.me, None))}))
        self._lee.sync()
        self._pull()
        with self._lock:
            self._result.deeds[deed] += 1

    def _do(self, change: AnyChange) -> bool:
        try:
            self._lee.do(change)
        except Refused:
            return False
        return True

    def _merge_or_undo(self) -> None:
        self._lee.sync()
        if self._merged is not None:
            self._do(TicketUnmerge(new_id(), self._merged))
            self._merged = None
            return
        ticket = self._rng.choice(self._tickets)
        if self._do(TicketMerge(new_id(), ticket, self._spare)):
            self._merged = ticket

    def _move_away_or_back(self) -> None:
        """The person loses the team with all its tickets, and gets it back."""
        table, scope = SYSTEM.scope_access, f"team:{self._desk.team('북부').hex()}"
        if self._away:
            values = {"account_id": self._kim.me, "scope_id": scope, "role": "member", "granted_at": self._desk.clock()}
            self._desk.store.write(lambda cx: cx.execute(table.insert().values(**values)))
        else:
            mine = (table.c.account_id == self._kim.me) & (table.c.scope_id == scope)
            self._desk.store.write(lambda cx: cx.execute(table.delete().where(mine)))
        self._away = not self._away
        self._kim.core.rehello()

    def _pull(self) -> None:
        """As `Client.sync`, without the window's half, which another process has."""
        core = self._kim.core
        core.poked()
        for _ in range(300):
            request = core.next(self._desk.clock())
            if request is None:
                return
            try:
                self._kim._exchange(request)
            except LineLost:
                if isinstance(request, Pull | Fetch):
                    core.on_cut()
                core.rehello()


def _rest(seconds: float) -> None:
    """Let a life go on; which instant it ends at is what is tried here."""
    threading.Event().wait(seconds)


def _read(log: Path) -> tuple[dict[str, str], Typed, list[str]]:
    """Return what a life found, what it typed, and what it complained about. A torn last line was never typed."""
    found: dict[str, str] = {}
    typed: Typed = {}
    errors: list[str] = []
    for line in log.read_text("utf-8", errors="ignore").split("\n"):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if "found" in said:
            found = said["found"]
        elif "error" in said:
            errors.append(said["error"])
        else:
            typed.setdefault(said["at"], []).append((said["t"], said["text"]))
    return found, typed, errors


def run(kills: int, seed: int, computers: int = 4) -> Result:
    """Kill so many windows on so many computers at once."""
    result, lock = Result(), threading.Lock()
    left = [kills]
    folder = own_folder("deskside-typing-")
    made = [Computer(folder / f"pc{n}", seed * 100 + n, result, lock) for n in range(computers)]

    def work(computer: Computer) -> None:
        try:
            while True:
                with lock:
                    if left[0] <= 0:
                        break
                    left[0] -= 1
                computer.live()
            computer.live()  # what the last kill left is looked at by one life more
        except Exception as why:  # noqa: BLE001 - told with the rest
            with lock:
                result.problems.append(repr(why))

    for computer in made:
        computer.begin()
    threads = [threading.Thread(target=work, args=(computer,)) for computer in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for computer in made:
        computer.end()
    return result


def main() -> int:
    """Run and print; 1 when something was missing that must not be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--computers", type=int, default=4, help="how many are killed side by side")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    result = run(options.kills, options.seed, options.computers)
    summary = {**result.summary(), "seconds": round(time.monotonic() - began)}
    text = json.dumps(summary, ensure_ascii=False, indent=2)
    print(text)
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(text + "\n", "utf-8")
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
