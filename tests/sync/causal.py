# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever sees a change sees all that its author had seen: `python -m tests.sync.causal --runs 20`.

People read registers and a growing set and write to both, each at a computer of their own, on two servers over
PostgreSQL with NATS. Lines fall silent in one direction or both, briefly or for long; processes are paused, killed and
started again. Then all is mended and people rest. The workload and what is asked are those that
nurturenature/jepsen-powersync describes: causal consistency, atomic changes, all the same at the end, nobody stalled.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from app.domain.entities import CONFLICT, HISTORY, NOTE, TICKET
from sync.server.schema import ENTITY_TABLES
from tests.fakes.fleet import Fleet
from tests.fakes.services import Postgres
from tests.sync.causal_checks import History, elements, read_history
from tests.sync.causal_line import Line, Silence
from tests.sync.torture import _rest, _wait
from tests.sync.torture_checks import converged, differing, judge
from tests.sync.torture_computer import Computer

__all__ = ["Plan", "run_once"]

_STALLED_S = 45.0  # below the poll of 48 to 72 s: nothing may need it
_SHORT_S, _LONG_S = 1.0, 10.0
_SILENCES = (Silence.INBOUND, Silence.OUTBOUND, Silence.BOTH)
_BAD = ("violations", "lost", "doubled", "diverged", "wrong_sums", "stalled")


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a run is."""

    clients: int
    seconds: float


class Client(Computer):
    """A computer whose person reads as much as he writes, on a line of its own."""

    ACTOR = "tests.sync.causal_actor"

    def __init__(self, folder: Path, line: Line, seed: int) -> None:
        super().__init__(folder, line.url, seed)
        self.line = line

    def alive(self) -> bool:
        """Whether the window is there."""
        return self._window is not None and self._window.poll() is None

    def processes(self) -> list[psutil.Process]:
        """Window and worker, if they live."""
        found = [self._worker()]
        if self._window is not None and self.alive():
            found.append(psutil.Process(self._window.pid))
        return [process for process in found if process is not None]


class Run:
    """The processes of one run, and the chance that decides what befalls them."""

    def __init__(self, folder: Path, fleet: Fleet, seed: int, plan: Plan) -> None:
        self._fleet, self._plan = fleet, plan
        self._rng = random.Random(seed)
        self.clients = [
            Client(folder / f"pc{n}", Line(fleet.proxy.port), seed * 10 + n) for n in range(plan.clients)
        ]  # fmt: skip
        self.faults: Counter[str] = Counter()
        self._ends: list[tuple[float, Callable[[], object]]] = []
        self._broker_down = False

    def begin(self) -> None:
        """Start everybody and wait until all work."""
        for client in self.clients:
            client.start()
        _wait(self._at_work, 120, self._state)

    def _at_work(self) -> bool:
        assert all(client.alive() for client in self.clients), self._state()
        return all(client.status().get("commits", 0) > 0 for client in self.clients)

    def _state(self) -> str:
        return "\n".join(f"{client.status()} {client.words()}" for client in self.clients)

    def trouble(self) -> None:
        """Let things happen for as long as planned."""
        end = time.monotonic() + self._plan.seconds
        while time.monotonic() < end:
            what = self._rng.choices(("silence", "pause", "kill", "server"), (50, 20, 20, 10))[0]
            getattr(self, f"_{what}")()
            _rest(self._rng.uniform(0.1, 2.0))
            self._end_some()

    def heal(self) -> list[float]:
        """Mend everything, let people rest, and return after how many seconds each was done; inf for who never was."""
        self._end_some(all_=True)
        for client in self.clients:
            client.quiet()
        began, took = time.monotonic(), dict.fromkeys(self.clients, float("inf"))
        while time.monotonic() - began < _STALLED_S and float("inf") in took.values():
            for client in self.clients:
                client.revive()
                there = converged(client, self._fleet.database)
                # who was done is behind again when another one sends its last words
                took[client] = min(took[client], time.monotonic() - began) if there else float("inf")
            _rest(0.2)
        self._look_again()
        return list(took.values())

    def _look_again(self) -> None:
        """Wait until everybody has looked at the screen once more."""
        for _ in range(2):  # the first word may rest on a look from just before
            now = time.time()
            _wait(lambda now=now: all(c.status().get("at", 0) > now for c in self.clients), 30, self._state)  # type: ignore[misc]  # bound now

    def close(self) -> None:
        """End everything."""
        self._end_some(all_=True)
        for client in self.clients:
            client.stop()
            client.line.stop()

    def _silence(self) -> None:
        kind = self._rng.choice(_SILENCES)
        seconds = self._rng.uniform(0.0, self._rng.choice((_SHORT_S, _LONG_S, self._plan.seconds)))
        for client in self._rng.sample(self.clients, self._rng.randint(1, len(self.clients))):
            client.line.silence(kind)
            self._later(seconds, lambda client=client: client.line.silence(Silence.NONE))  # type: ignore[misc]  # bound now
        self.faults[f"silence {kind.name.lower()}"] += 1

    def _pause(self) -> None:
        servers = [psutil.Process(server.process.pid) for server in self._fleet.servers if server.process is not None]
        process = self._rng.choice(self._rng.choice([client.processes() for client in self.clients] + [servers]) or [0])
        if isinstance(process, psutil.Process):
            process.suspend()
            self._later(self._rng.uniform(0.0, 5.0), lambda: _resume(process))
            self.faults["pause"] += 1

    def _kill(self) -> None:
        client = self._rng.choice(self.clients)
        if self._rng.random() < 0.6:
            self.faults["kill worker"] += client.kill_worker()
        elif client.kill_window():
            self._later(self._rng.uniform(0.0, 2.0), client.start)
            self.faults["kill window"] += 1

    def _server(self) -> None:
        running = [server for server in self._fleet.servers if server.process is not None]
        if running and self._rng.random() < 0.8:
            server = self._rng.choice(running)
            server.kill()
            self._later(self._rng.uniform(0.0, 3.0), lambda: server.start(wait=False))
            self.faults["kill server"] += 1
        elif not self._broker_down:
            self._broker_down = True
            self._fleet.broker.kill()
            self._later(self._rng.uniform(0.0, 2.0), self._broker_up)
            self.faults["kill broker"] += 1

    def _broker_up(self) -> None:
        self._fleet.broker.start()
        self._broker_down = False

    def _later(self, seconds: float, end: Callable[[], object]) -> None:
        self._ends.append((time.monotonic() + seconds, end))

    def _end_some(self, *, all_: bool = False) -> None:
        now = time.monotonic()
        due = [entry for entry in self._ends if all_ or entry[0] <= now]
        self._ends = [entry for entry in self._ends if entry not in due]
        for _, end in due:
            end()


def _resume(process: psutil.Process) -> None:
    if process.is_running():  # it may have been killed since
        process.resume()


def run_once(folder: Path, database: str, seed: int, plan: Plan) -> dict[str, Any]:
    """Play one run and judge it."""
    (folder / "server").mkdir(parents=True)
    with Fleet(folder / "server", database, 2, seed=seed) as fleet:
        initial = _there(database)
        run = Run(folder, fleet, seed, plan)
        try:
            run.begin()
            run.trouble()
            took = run.heal()
        finally:
            run.close()
        folders = [client.folder for client in run.clients]
        history = read_history(folders, initial)
        verdict = judge(database, history.tried, history.done, folders)
        return {
            "seed": seed, "violations": history.violations, "lost": verdict.lost + _lost(database, history),
            "doubled": verdict.doubled, "diverged": differing(database, folders), "wrong_sums": verdict.wrong_sums,
            "stalled": sum(seconds == float("inf") for seconds in took),
            "healed_s": [round(seconds, 1) for seconds in took if seconds < float("inf")],
            "changes": len(history.done), "reads": history.reads, "faults": dict(run.faults),
        }  # fmt: skip


def _there(database: str) -> list[str]:
    """What of the growing set is on the server before anybody writes."""
    engine = sa.create_engine(database)
    notes, tickets, lines = (ENTITY_TABLES[entity.number] for entity in (NOTE, TICKET, HISTORY))
    with engine.connect() as cx:
        own = [bytes(id_) for id_ in cx.execute(sa.select(notes.c.id).where(notes.c.body.like("note %"))).scalars()]
        new = [bytes(i) for i in cx.execute(sa.select(tickets.c.id).where(tickets.c.subject.like("new %"))).scalars()]
        told = [_object(raw) for raw in cx.execute(sa.select(lines.c.data).where(lines.c.kind == "note")).scalars()]
    engine.dispose()
    return elements(own, [bytes.fromhex(data["note"]) for data in told], new, [])


def _object(raw: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(raw) if isinstance(raw, str) else raw
    return value


def _lost(database: str, history: History) -> list[str]:
    """Saved values of registers that are in no row, no history and no conflict of the server."""
    engine = sa.create_engine(database)
    tickets, lines, conflicts = (ENTITY_TABLES[entity.number] for entity in (TICKET, HISTORY, CONFLICT))
    with engine.connect() as cx:
        parts = [" ".join(map(str, row)) for row in cx.execute(sa.select(tickets.c.subject, tickets.c.snooze_until))]
        parts += [str(raw) for raw in cx.execute(sa.select(lines.c.data)).scalars()]
        parts += [" ".join(map(str, row)) for row in cx.execute(sa.select(conflicts.c.mine, conflicts.c.theirs))]
    engine.dispose()
    text = " ".join(parts)
    return [f"set {token}" for token, values in history.values.items() if not all(value in text for value in values)]


def causal(runs: int, seed: int, plan: Plan) -> dict[str, Any]:
    """Play runs and sum up."""
    started, reports = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="deskside-causal-") as place, Postgres() as postgres:
        for n in range(runs):
            report = run_once(Path(place) / str(n), postgres.fresh(), seed + n, plan)
            reports.append(report)
            bad = {name: report[name] for name in _BAD if report[name]}
            print(f"run {n + 1}: {bad or 'good'}, healed in {report['healed_s']} s", file=sys.stderr, flush=True)
    healed = [max(report["healed_s"]) for report in reports if report["healed_s"]]
    return {
        "runs": runs, "clients": plan.clients, "seconds_each": plan.seconds,
        **{name: sum(_count(report[name]) for report in reports) for name in _BAD},
        "stalled_runs_percent": round(100 * sum(report["stalled"] > 0 for report in reports) / runs, 1),
        "healed_s": {"median": statistics.median(healed), "most": max(healed)} if healed else None,
        "changes": sum(report["changes"] for report in reports), "reads": sum(report["reads"] for report in reports),
        "faults": dict(sum((Counter(report["faults"]) for report in reports), Counter())),
        "seconds": round(time.monotonic() - started, 1),
        "bad_runs": [report for report in reports if any(report[name] for name in _BAD)],
    }  # fmt: skip


def _count(found: list[str] | int) -> int:
    return found if isinstance(found, int) else len(found)


def main() -> int:
    """Run, print the report as JSON; 0 when every run was good."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0, help="of trouble in each run")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    report = causal(args.runs, args.seed, Plan(args.clients, args.seconds))
    print(json.dumps(report, indent=1))
    if args.json is not None:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 1 if any(report[name] for name in _BAD) else 0


if __name__ == "__main__":
    sys.exit(main())
