# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves that packages built twice of one frozen program are the same bytes, and that lintian finds no error in them.

python -m tests.packaging.twice [--bundle dist/deskside] [--full] [--only deb]

`--full` compresses as for handing out, which takes minutes. What is not on this machine is named and fails.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from resources.packaging.linux.build import main as build


def _sums(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.glob("*.[dr][ep][bm]"))}


def _different(first: dict[str, str], second: dict[str, str]) -> Iterator[str]:
    if not first or first.keys() != second.keys():
        yield f"not the same packages: {sorted(first)}, {sorted(second)}"
    yield from (f"{name} differs between two builds" for name, sum_ in first.items() if second.get(name) != sum_)


def _tool(command: list[str]) -> Iterator[str]:
    if shutil.which(command[0]) is None:
        yield f"{command[0]} is not installed"
        return
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        yield f"{command[0]}: {(done.stdout + done.stderr).strip()[-4000:]}"


def main(argv: list[str]) -> int:
    """Print what is wrong; 0 if nothing is."""
    parser = argparse.ArgumentParser(prog="python -m tests.packaging.twice")
    parser.add_argument("--bundle", type=Path, default=Path("dist/deskside"))
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", choices=("deb", "rpm"))
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="deskside-twice-") as folder:
        sums: list[dict[str, str]] = []
        faults: list[str] = []
        for name in ("first", "second"):
            out = Path(folder, name)
            command = ["--bundle", str(options.bundle), "--out", str(out)]
            command += [] if options.full else ["--fast"]
            command += ["--only", options.only] if options.only else []
            if build(command):
                faults.append("a package is larger than it may be")
            sums.append(_sums(out))
        faults += _different(*sums)
        trees = Path(folder, "first", "trees")
        faults += _tool(["desktop-file-validate", *map(str, trees.glob("*/usr/share/applications/*.desktop"))])
        for file in trees.glob("*/usr/share/metainfo/*.xml"):
            faults += _tool(["appstreamcli", "validate", "--pedantic", "--no-net", str(file)])
        debs = [str(path) for path in Path(folder, "first").glob("*.deb")]
        faults += _tool(["lintian", "--fail-on", "error", "--allow-root", *debs]) if debs else []
    print("\n".join(faults) or f"{len(sums[0])} packages, built twice: the same bytes; no errors")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
