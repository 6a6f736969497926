# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages built twice of one frozen program are the same bytes, lintian finds no error in them, and rpms install.

python -m tests.packaging.twice [--bundle dist/deskside] [--full] [--only deb]

`--full` compresses as for handing out, which takes minutes. What is not on this machine is named and fails.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
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


def _root(rpms: list[Path], root: Path) -> Iterator[str]:
    """Install rpms into an empty root, look whether all is there and starts, and remove them again."""
    rpm = ["rpm", "--root", str(root), "--dbpath", "/var/lib/rpm"]
    root.mkdir()
    yield from _tool([*rpm, "--initdb"])
    # the libraries that they ask for are the distribution's; what is looked at here is what they bring
    yield from _tool([*rpm, "-i", "--nodeps", *map(str, rpms)])
    names = ["deskside", "deskside-companion", "deskside-runtime"]
    yield from _tool([*rpm, "-V", "--nodeps", *names])
    for name in names[:2]:
        yield from _tool([str(root / "usr/lib/deskside" / name), "--version"])
    policy = root / "etc/deskside/policies/managed/10-site.json"
    policy.write_text("{}", "utf-8")
    yield from _tool([*rpm, "-e", "--nodeps", *names])
    places = {path.relative_to(root) for path in root.rglob("*deskside*")} - {Path("etc/deskside")}
    yield from (f"{place} is left after removal" for place in sorted(places) if place.parts[0] != "var")
    if not policy.exists():
        yield "removal took a policy"


def main(argv: list[str]) -> int:
    """Print what is wrong; 0 if nothing is."""
    parser = argparse.ArgumentParser(prog="python -m tests.packaging.twice")
    parser.add_argument("--bundle", type=Path, default=Path("dist/deskside"))
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", choices=("deb", "rpm"))
    options = parser.parse_args(argv)
    os.environ.setdefault("SOURCE_DATE_EPOCH", str(int(time.time())))  # a commit between the two is no difference
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
        entries = [*trees.glob("*/usr/share/applications/*.desktop"), *trees.glob("*/etc/xdg/autostart/*.desktop")]
        faults += _tool(["desktop-file-validate", *map(str, entries)])
        for file in trees.glob("*/usr/share/metainfo/*.xml"):
            faults += _tool(["appstreamcli", "validate", "--pedantic", "--no-net", str(file)])
        debs = [str(path) for path in Path(folder, "first").glob("*.deb")]
        faults += _tool(["lintian", "--fail-on", "error", "--allow-root", *debs]) if debs else []
        rpms = sorted(Path(folder, "first").glob("*.rpm"))
        faults += _root(rpms, Path(folder, "root")) if rpms else []
    print("\n".join(faults) or f"{len(sums[0])} packages, built twice: the same bytes; no errors")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
