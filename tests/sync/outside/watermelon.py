# SPDX-License-Identifier: GPL-3.0-or-later
"""WatermelonDB's own client converges with our server: `python -m tests.sync.outside.watermelon --rounds 40`.

Needs Node 20 or newer and what `make outside` installs into build/outside; without them it says so and fails. The
script beside this file edits offline, syncs through the adapter, and compares every row with the server's.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from sync.server.store import sqlite_url
from tests.sync.outside.adapter import Adapter, Desk
from tests.sync.processes import ServerProcess

__all__ = ["watermelon"]

_HERE = Path(__file__).resolve().parent
_MODULES = _HERE.parents[2] / "build" / "outside" / "node_modules"
_MOST_S = 600


def missing() -> str | None:
    """Say what is not there; None when the check can run."""
    if shutil.which("node") is None:
        return "Node is not installed: install Node 20 or newer (Debian: nodejs, npm), then `make outside`"
    if not (_MODULES / "@nozbe" / "watermelondb").is_dir():
        return "WatermelonDB is not installed: `make outside` brings it into build/outside"
    return None


def watermelon(rounds: int, seed: int) -> dict[str, Any]:
    """Run the script against a server of its own and return its report. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="deskside-outside-") as place:
        folder = Path(place)
        server = ServerProcess(folder / "server")
        desks = {name: Desk(folder / name, server) for name in "abc"}
        adapter = Adapter(server, sqlite_url(folder / "server"), desks)
        thread = threading.Thread(target=adapter.serve_forever, name="adapter")
        thread.start()
        try:
            address = f"http://127.0.0.1:{adapter.server_port}"
            done = subprocess.run(
                ["node", str(_HERE / "watermelon.js"), address, str(rounds), str(seed)],
                env={**os.environ, "NODE_PATH": str(_MODULES)}, stdout=subprocess.PIPE, check=True, timeout=_MOST_S,
            )  # fmt: skip
        finally:
            adapter.shutdown()
            thread.join()
            adapter.server_close()
            for desk in desks.values():
                desk.close()
            server.stop()
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def main() -> int:
    """Run, print the report as JSON; 0 when all ends have the same rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if reason := missing():
        print(f"not run, which is no pass: {reason}", file=sys.stderr)
        return 2
    report = {"rounds": args.rounds, "seed": args.seed, **watermelon(args.rounds, args.seed)}
    print(json.dumps(report, indent=1))
    if args.json is not None:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 1 if report["differing"] else 0


if __name__ == "__main__":
    sys.exit(main())
