# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the agent's program takes from its start to the first paint, and to a list that can be used (UX-02).

    python -m tests.bench.start --json FILE [--bundle dist/deskside] [--tickets N] [--messages N] [--rounds 5]

Looks at the window from outside (`_looking.py`), on a display of its own, on real encrypted files, signed in at a
server that never answers. `--bundle` starts the frozen program, which is what people install; without it, and without
a frozen program in dist, the source. The first start is not counted: it shows what the list looks like. `cold_*` are
starts after the system dropped its copies of files, as root only; they have no gate, a disk is not ours.
`--no-gates` only looks whether the list is there and follows a key.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench import _desk_data
from tests.bench._desk_data import Desk
from tests.bench._looking import Pixels, Watch
from tests.bench.ui import silent_server
from tests.fakes.wait import wait_until
from tests.fakes.xvfb import own_display

BUNDLE = Path(__file__).parents[2] / "dist" / "deskside"
GOALS = {"first_paint_s": 1.0, "usable_s": 1.5}
_SIZE = (1600, 1000)
_DROP = Path("/proc/sys/vm/drop_caches")


@dataclass(frozen=True, slots=True)
class Started:
    """One start, in seconds after it."""

    first_paint_s: float
    usable_s: float


class Starter:
    """Starts a program again and again on one computer. `program` is how it is called."""

    def __init__(self, program: Sequence[str], desk: Desk, display: str) -> None:
        self._program, self._desk, self._display = tuple(program), desk, display
        self._wanted: Pixels | None = None
        self._before: Pixels | None = None

    def learn(self) -> None:
        """Start once, see that the list is there and follows a key, and keep how it looks before that."""
        with self._started() as (watch, _began):
            watch.first_paint()
            self._before = watch.look()
            self._wanted = watch.settled()
            watch.moved_down()

    def measure(self) -> Started:
        """Start once more and look at the clock."""
        wanted, before = self._wanted, self._before
        assert wanted is not None
        # what the first paint did not have yet is the list, nearly all of it
        same = before is not None and before.shape == wanted.shape and not np.array_equal(before, wanted)
        where = wanted != before if same else np.ones(wanted.shape, np.bool_)
        with self._started() as (watch, began):
            first = watch.first_paint()
            return Started(round(first - began, 3), round(watch.shows(wanted, where) - began, 3))

    @contextlib.contextmanager
    def _started(self) -> Iterator[tuple[Watch, float]]:
        command = [*self._program, "--data", str(self._desk.data), "--passphrase-stdin", "--lang", "ko"]
        command += ["--theme", "light"]
        environment = {k: v for k, v in os.environ.items() if k not in ("WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS")}
        environment |= {"DISPLAY": self._display, "QT_QPA_PLATFORM": "xcb"}
        with (self._desk.data / "start.log").open("ab") as log:
            began = time.perf_counter()
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment)
        assert process.stdin is not None
        process.stdin.write(f"{_desk_data.PASSPHRASE}\n".encode())
        process.stdin.close()
        watch = Watch(self._display, process.pid)
        try:
            yield watch, began
        finally:
            watch.close()
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the window and its worker, which would go on trying to send: the next one wants the files."""
    workers = _children(process.pid)
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 15)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 20)


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def program(bundle: Path | None) -> list[str]:
    """Return how the program is called: the frozen one if there is one, else from source."""
    return [str(bundle / "deskside")] if bundle is not None else [sys.executable, "-m", "app.entry.cli"]


def measure(desk: Desk, bundle: Path | None, rounds: int, *, cold: bool) -> dict[str, Any]:
    """Start again and again; return figures and gates."""
    with silent_server() as url, own_display(*_SIZE) as display:
        _desk_data.point_at(desk, url)
        starter = Starter(program(bundle), desk, display)
        starter.learn()
        warm = [starter.measure() for _ in range(rounds)]
        fresh = []
        for _ in range(2 if cold else 0):
            os.sync()
            _DROP.write_text("3\n")
            fresh.append(starter.measure())
    figures = {name: round(statistics.median(getattr(s, name) for s in warm), 3) for name in GOALS}
    gates = [
        {"id": name, "value": figures[name], "limit": limit, "pass": figures[name] <= limit, "ux": ["UX-02"]}
        for name, limit in GOALS.items()
    ]
    if fresh:
        figures |= {f"cold_{name}": min(getattr(s, name) for s in fresh) for name in GOALS}
    return {
        "schema": 1, "frozen": bundle is not None, "tickets": desk.tickets, "messages": desk.messages,
        "starts_s": [[s.first_paint_s, s.usable_s] for s in warm], "load": round(os.getloadavg()[0], 2),
        "figures": figures, "gates": gates,
    }  # fmt: skip


def main() -> int:
    """Measure, print, write the file; the status says whether the goals were met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--bundle", type=Path, default=BUNDLE if (BUNDLE / "deskside").exists() else None)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-gates", action="store_true")
    args = parser.parse_args()
    cold = not args.no_gates and os.geteuid() == 0 and os.access(_DROP, os.W_OK)
    report = measure(_desk_data.prepared(args.tickets, args.messages), args.bundle, args.rounds, cold=cold)
    print("frozen" if report["frozen"] else "from source", json.dumps(report["figures"]))
    for gate in report["gates"]:
        print("PASS" if gate["pass"] else "MISS", gate["id"], gate["value"], "goal", gate["limit"])
    if args.json is not None:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if args.no_gates or all(gate["pass"] for gate in report["gates"]) else 1


if __name__ == "__main__":
    sys.exit(main())
