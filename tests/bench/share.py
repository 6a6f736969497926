# SPDX-License-Identifier: GPL-3.0-or-later
"""Screen sharing measured: glass to decoded, ours against aiortc untouched and Chromium, on one machine in one run.

    python -m tests.bench.share --gates --json FILE [--minutes 30]
    python -m tests.bench.share --peer ours,stock,chromium --stimulus scroll --fps 30 --rounds 2 --seconds 6 --json FILE

The first runs all that the gates G1 to G13 need (`_plan.py`) and ends with a table; the second what is asked for.

Profile `lan` is plain loopback; `turn-tls` goes through a coturn with an authority of its own, `cut` breaks the path
(G8); the others go through a relay of our own and need no rights either. Peers: `ours`, `stock` (VP8, aiortc's
default), `stock-h264`, `chromium` (sharing with itself) and `browser-to-agent` (a customer's browser to our agent's
child); the last two on `lan` only. Gates: `_gates.py`. Rounds in which Chromium's own medians differ too much are void:
all peers run again, at most twice; the report keeps what was found then as `voided`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiortc
import av

from tests.bench import _cut, _memory, _stimulus
from tests.bench._gates import BROWSER, LAN, Figures, gates, goals, idle_gate, table, told, undecided, void
from tests.bench._plan import Case, every, idle_percent
from tests.bench._scene import display, stimulus
from tests.bench._share_figures import Run, figures
from tests.bench._share_runs import PEERS
from tests.bench._ways import ALL

SCHEMA = "deskside-share-1"
CUT = "cut"
YARDSTICK = "chromium"
VOID_AGAIN = 2  # rounds of all peers whose yardstick is void are run again so often, and kept as `voided`


def measure(args: argparse.Namespace) -> dict[str, object]:
    """Run everything asked for and return the report."""
    before = idle_percent()
    with display():
        if args.gates:
            results = list(every(lambda case: _case(case, args), args.rounds, args.minutes))
        else:
            results = [result for case in _asked(args) for result in _case(case, args)]
    found = gates(results)
    if args.gates:
        found += undecided(found)
        found.append(idle_gate(before))
    about = _about() | {"busy_before_percent": before}
    return {"schema": SCHEMA, "run": about, "results": results, "gates": found, "goals": goals(results)}


def _asked(args: argparse.Namespace) -> list[Case]:
    peers, profiles, rates = args.peer.split(","), args.profile.split(","), [int(fps) for fps in args.fps.split(",")]
    words = ((args.stimulus or "scroll").split(","), profiles, rates)
    asked = [Case(tuple(peers), *case) for case in itertools.product(*words)]
    if args.stimulus is None and BROWSER in peers and LAN in profiles:
        asked += [Case((BROWSER,), "page", LAN, fps, rounds=1) for fps in rates]  # what its goals need
    return asked


def _case(case: Case, args: argparse.Namespace) -> list[dict[str, object]]:
    head = {"stimulus": case.stimulus, "profile": case.profile, "fps": case.fps}
    rounds = case.rounds or args.rounds
    if case.profile == CUT:
        return [{"peer": "ends", **head, "figures": _cut.measure(rounds)}]
    voided: list[dict[str, Figures]] = []
    while True:
        found = _rounds(case, rounds, args.seconds)
        if YARDSTICK not in found or not void(found[YARDSTICK]) or len(voided) >= VOID_AGAIN:
            return [{"peer": peer, **head, "figures": found[peer], "voided": voided} for peer in case.peers]
        voided.append(found)


def _rounds(case: Case, rounds: int, seconds: float) -> dict[str, Figures]:
    runs: dict[str, list[Run]] = {peer: [] for peer in case.peers}
    for _ in range(rounds):
        for peer in case.peers:  # rounds alternate peers, so that a busy minute hits all
            with stimulus(case.stimulus, case.fps):
                runs[peer].append(PEERS[peer](seconds, case.fps, case.profile, case.stimulus))
    return {peer: figures(runs[peer]) for peer in case.peers}


def _about() -> dict[str, object]:
    return {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "os": platform.platform(),
        "python": platform.python_version(),
        "versions": {"aiortc": aiortc.__version__, "av": av.__version__},
        "seed": _stimulus._SEED,
    }


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gates", action="store_true", help="everything that the gates G1 to G13 need")
    parser.add_argument("--minutes", type=float, default=_memory.FULL_MINUTES, help="with --gates: of G12; 0: without")
    parser.add_argument("--peer", default="ours,stock", help=f"of {', '.join(PEERS)}")
    kinds = ", ".join(_stimulus.KINDS)
    parser.add_argument("--stimulus", help=f"of {kinds}; default: scroll, of {BROWSER} page, too")
    parser.add_argument("--profile", default=LAN, help=f"of {', '.join((*ALL, CUT))}")
    parser.add_argument("--fps", default="30")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--json", type=Path)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write the file; the status says whether every gate held."""
    args = parse(argv)
    report: dict[str, Any] = measure(args)
    for result in report["results"]:
        print(result["peer"], result["stimulus"], result["profile"], result["fps"], json.dumps(result["figures"]))
    print(table(report["gates"]))
    if report["goals"]:
        print(told(report["goals"]))
    if args.json is not None:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if all(gate["pass"] for gate in report["gates"]) else 1


if __name__ == "__main__":
    sys.exit(main())
