# SPDX-License-Identifier: GPL-3.0-or-later
"""Screen sharing measured: glass to decoded, ours against aiortc untouched, on one machine in one run.

    python -m tests.bench.share --peer ours,stock,chromium --stimulus scroll --fps 30 --rounds 2 --seconds 6 --json FILE

Profile `lan` is plain loopback; the others go through a relay of our own and need no rights either. Peers: `ours`,
`stock` (VP8, aiortc's default), `stock-h264`, `chromium` (sharing with itself) and `browser-to-agent` (a customer's
browser to our agent's child); the last two on `lan` only. Gates: `_gates.py`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import platform
import sys
from pathlib import Path

import aiortc
import av

from tests.bench import _stimulus
from tests.bench._gates import LAN, gates
from tests.bench._relay import PROFILES
from tests.bench._scene import display, stimulus
from tests.bench._share_figures import Run, figures
from tests.bench._share_runs import PEERS

SCHEMA = "deskside-share-1"


def measure(args: argparse.Namespace) -> dict[str, object]:
    """Run everything asked for and return the report."""
    peers = args.peer.split(",")
    results: list[dict[str, object]] = []
    with display():
        cases = itertools.product(args.stimulus.split(","), args.profile.split(","), map(int, args.fps.split(",")))
        for kind, profile, fps in cases:
            runs: dict[str, list[Run]] = {peer: [] for peer in peers}
            for _ in range(args.rounds):
                for peer in peers:  # rounds alternate peers, so that a busy minute hits all
                    with stimulus(kind, fps):
                        runs[peer].append(PEERS[peer](args.seconds, fps, profile, kind))
            for peer in peers:
                head = {"peer": peer, "stimulus": kind, "profile": profile, "fps": fps}
                results.append(head | {"figures": figures(runs[peer])})
    return {"schema": SCHEMA, "run": _about(), "results": results, "gates": gates(results)}


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


def main() -> int:
    """Measure, print, write the file; the status says whether every gate held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", default="ours,stock", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--stimulus", default="scroll", help=f"of {', '.join(_stimulus.KINDS)}")
    parser.add_argument("--profile", default=LAN, help=f"of {LAN}, {', '.join(PROFILES)}")
    parser.add_argument("--fps", default="30")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--json", type=Path)
    report = measure(parser.parse_args())
    for result in report["results"]:  # type: ignore[attr-defined]  # built above
        print(result["peer"], result["stimulus"], result["profile"], result["fps"], json.dumps(result["figures"]))
    for gate in report["gates"]:  # type: ignore[attr-defined]  # as above
        print("PASS" if gate["pass"] else "FAIL", gate["id"], gate["value"], "limit", gate["limit"])
    file = parser.parse_args().json
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if all(gate["pass"] for gate in report["gates"]) else 1  # type: ignore[attr-defined]  # as above


if __name__ == "__main__":
    sys.exit(main())
