# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills everything at random and counts what is lost: `python -m tests.sync.torture --cycles 100 [--json FILE]`.

Three computers (a window process and a sync worker each) work through a proxy that drops, doubles and cuts answers, on
two server processes over PostgreSQL with NATS. Each cycle kills one or two processes with SIGKILL at a random instant.
At the end the line is good and people rest; then nothing may be lost, doubled or stalled, and all must have the same.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes.fleet import Fleet
from tests.fakes.services import Postgres
from tests.sync.torture_checks import converged, differing, judge, read_journals
from tests.sync.torture_computer import Computer

__all__ = ["torture"]

_COMPUTERS = 3
_HEAL_S = 180.0
_FAULTS = 0.3  # of all requests


class Run:
    """The processes of one run, and the chance that decides which die."""

    def __init__(self, folder: Path, fleet: Fleet, seed: int) -> None:
        self.fleet = fleet
        self.rng = random.Random(seed)
        self.computers = [Computer(folder / f"pc{n}", fleet.proxy.url, seed * 10 + n) for n in range(_COMPUTERS)]
        self.kills: Counter[str] = Counter()
        self._restarts: list[tuple[float, Any]] = []

    def begin(self) -> None:
        """Start everybody and wait until all have the whole working set."""
        for computer in self.computers:
            computer.start()
        _wait(lambda: all(computer.status().get("commits", 0) > 0 for computer in self.computers), 120, self._state)
        self.fleet.proxy.faults = _FAULTS

    def _state(self) -> str:
        return "\n".join(f"{computer.status()} {computer.words()}" for computer in self.computers)

    def cycle(self) -> None:
        """One or two deaths at a random instant, and what died before comes back."""
        _rest(self.rng.uniform(0.2, 2.5))
        for _ in range(self.rng.choice((1, 1, 2))):
            self._kill_one()
        self._bring_back()

    def _kill_one(self) -> None:
        what = self.rng.choices(("worker", "window", "server", "broker", "line"), (40, 25, 20, 5, 10))[0]
        computer = self.rng.choice(self.computers)
        if what == "worker":
            if not computer.kill_worker():
                return
        elif what == "window":
            if not computer.kill_window():
                return
            self._later(computer.start)
        elif what == "server":
            running = [server for server in self.fleet.servers if server.process is not None]
            if not running:
                return
            victim = self.rng.choice(running)
            victim.kill()
            self._later(lambda: victim.start(wait=False))
        elif what == "broker":
            self.fleet.broker.kill()
            self._later(self.fleet.broker.start)
        else:
            self.fleet.proxy.cut_sockets()
        self.kills[what] += 1

    def _later(self, start: Any) -> None:
        self._restarts.append((time.monotonic() + self.rng.uniform(0.0, 1.0), start))

    def _bring_back(self, *, all_: bool = False) -> None:
        now = time.monotonic()
        due = [entry for entry in self._restarts if all_ or entry[0] <= now]
        self._restarts = [entry for entry in self._restarts if entry not in due]
        for _, start in due:
            start()

    def heal(self) -> int:
        """Mend the line, let people rest, and return how many computers do not come to an end."""
        self._bring_back(all_=True)
        self.fleet.proxy.faults = 0.0
        for computer in self.computers:
            computer.quiet()
        end = time.monotonic() + _HEAL_S
        waiting = list(self.computers)
        while waiting and time.monotonic() < end:
            for computer in waiting:
                computer.revive()
            # all of them each time: who was done is behind again when another one sends its last words
            waiting = [c for c in self.computers if not converged(c, self.fleet.database)]
            _rest(0.3)
        return len(waiting)

    def end(self) -> None:
        """Stop the computers."""
        for computer in self.computers:
            computer.stop()


def torture(cycles: int, seed: int) -> dict[str, Any]:
    """Run and return the report."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="deskside-torture-") as place, Postgres() as postgres:
        folder = Path(place)
        (folder / "server").mkdir()
        with Fleet(folder / "server", postgres.fresh(), 2, seed=seed) as fleet:
            run = Run(folder, fleet, seed)
            try:
                run.begin()
                for n in range(cycles):
                    run.cycle()
                    if n % 10 == 9:
                        print(f"{n + 1} cycles, killed {dict(run.kills)}", file=sys.stderr, flush=True)
                stalled = run.heal()
                statuses = [computer.status() for computer in run.computers]
            finally:
                run.end()
            tried, done = read_journals([computer.folder for computer in run.computers])
            verdict = judge(fleet.database, tried, done, [computer.folder for computer in run.computers])
            different = differing(fleet.database, [computer.folder for computer in run.computers])
            faults = {name: count for name, count in fleet.proxy.seen.items() if name != "passed"}
    return {
        "cycles": cycles, "seed": seed, "lost": len(verdict.lost), "doubled": len(verdict.doubled), "stalled": stalled,
        "diverged": len(different), "wrong_sums": len(verdict.wrong_sums), "commits": len(done), "held": verdict.held,
        "killed": dict(run.kills), "faults": faults, "seconds": round(time.monotonic() - started, 1),
        "details": {"lost": verdict.lost[:20], "doubled": verdict.doubled[:20], "diverged": different[:20],
                    "wrong_sums": verdict.wrong_sums, "statuses": statuses},
    }  # fmt: skip


def _wait(cond: Callable[[], bool], timeout_s: float, state: Callable[[], str]) -> None:
    end = time.monotonic() + timeout_s
    while not cond():
        if time.monotonic() > end:
            raise TimeoutError(f"the run did not begin: {state()}")
        _rest(0.1)


def _rest(seconds: float) -> None:
    threading.Event().wait(seconds)


def main() -> int:
    """Run, print the report as JSON; 0 when nothing was lost, doubled, stalled or different."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    report = torture(args.cycles, args.seed)
    print(json.dumps(report, indent=1))
    if args.json is not None:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 1 if any(report[name] for name in ("lost", "doubled", "stalled", "diverged", "wrong_sums")) else 0


if __name__ == "__main__":
    sys.exit(main())
