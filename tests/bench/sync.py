# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the sync protocol is, with real processes: server, sync workers, encrypted files (docs/bench.md).

`python -m tests.bench.sync --json FILE [--only NAME,...] [--size large|demo] [--rounds N]`. Reports medians over the
rounds beside the goals; the status says whether every goal was met.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import _stage, _sync_cases

SCHEMA = 1

# the figure's name: (limit, whether more is better); goals for the large size on two cores
GOALS: dict[str, tuple[float, bool]] = {
    "first_usable_s": (3.0, False),
    "full_s": (45.0, False),
    "worker_peak_mb": (400.0, False),
    "pull_docs_per_s": (17_000, True),
    "noop_ms": (30.0, False),
    "push_1000_s": (1.0, False),
    "visible_p95_ms": (100.0, False),
    "one_scope_per_s": (2_000, True),
    "connections_mb": (800.0, False),
    "connections_poke_s": (1.0, False),
}
_ROUNDS = {"full": 1, "pull": 3, "push": 3, "visible": 3}  # `full` takes minutes; ask for more by --rounds


def _own(size: str) -> dict[str, Callable[[Path], _sync_cases.Figures]]:
    return {
        "full": lambda folder: _sync_cases.full(folder, size),
        "pull": _sync_cases.pull,
        "push": _sync_cases.push,
        "visible": _sync_cases.visible,
    }


# benchmarks that are programs of their own, and stand in this report as well
OTHERS = ("mutations", "connections")


def measure(names: list[str], size: str, rounds: int | None) -> dict[str, Any]:
    """Run everything asked for and return the report."""
    own = _own(size)
    figures: dict[str, float] = {}
    each: dict[str, list[_sync_cases.Figures]] = {}
    for name in names:
        if name in OTHERS:
            figures |= _other(name)
            continue
        each[name] = [_round(own[name]) for _ in range(rounds or _ROUNDS[name])]
        for key in each[name][0]:
            figures[key] = statistics.median(found[key] for found in each[name])
    return {
        "schema": SCHEMA, "run": _about(size), "figures": figures, "rounds": each, "gates": gates(figures, size),
    }  # fmt: skip


def _round(case: Callable[[Path], _sync_cases.Figures]) -> _sync_cases.Figures:
    folder = Path(tempfile.mkdtemp(prefix="deskside-bench-", dir=_stage.CACHE))
    try:
        return case(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _other(name: str) -> dict[str, float]:
    """Run another benchmark and return its figures; none when it is not there."""
    if importlib.util.find_spec(f"tests.bench.{name}") is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        subprocess.run([sys.executable, "-m", f"tests.bench.{name}", "--json", str(file)], check=False)
        report = json.loads(file.read_text()) if file.exists() else {}
    found = report.get("figures", report)
    return {key: value for key, value in found.items() if isinstance(value, int | float)}


def gates(figures: dict[str, float], size: str) -> list[dict[str, object]]:
    """Return the goals that these figures can decide; a smaller size decides nothing about the large one's."""
    out: list[dict[str, object]] = []
    for name, (limit, more) in GOALS.items():
        if name not in figures or (size != "large" and name in ("first_usable_s", "full_s", "worker_peak_mb")):
            continue
        value = figures[name]
        out.append({"id": name, "value": value, "limit": limit, "pass": value >= limit if more else value <= limit})
    return out


def _about(size: str) -> dict[str, object]:
    return {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "size": size,
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "os": platform.platform(),
        "python": platform.python_version(),
    }


def main() -> int:
    """Measure, print, write the file; the status says whether every goal was met."""
    names = [*_ROUNDS, *OTHERS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", default=",".join(names), help=f"of {', '.join(names)}")
    parser.add_argument("--size", choices=("large", "demo"), default="large")
    parser.add_argument("--rounds", type=int, help="instead of each benchmark's own number")
    args = parser.parse_args()
    wanted = args.only.split(",")
    if unknown := set(wanted) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    _stage.CACHE.mkdir(parents=True, exist_ok=True)
    report = measure(wanted, args.size, args.rounds)
    for name, value in report["figures"].items():
        print(name, value)
    for gate in report["gates"]:
        print("PASS" if gate["pass"] else "MISS", gate["id"], gate["value"], "goal", gate["limit"])
    if args.json is not None:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if all(gate["pass"] for gate in report["gates"]) else 1


if __name__ == "__main__":
    sys.exit(main())
