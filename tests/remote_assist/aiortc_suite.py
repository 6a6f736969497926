# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the tests that aiortc and aioice publish with their sources, over our patches: `make aiortc`.

The sources are those that requirements-dev.lock names, hash for hash; they lie in build/ and nowhere else. Which of
their tests must differ, and why, stands in `aiortc_patched.py`: all others have to pass, and those have to fail.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = ("aiortc", "aioice")
PIP = ROOT / ".tools" / "uv" / "bin" / "python"
PLUGIN = "aiortc_patched"  # by its file: `tests` is the name of their package too
INI = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"


def locked(project: str, lock: str) -> str:
    """Return what the lock says about a project: version and hashes. Raises LookupError."""
    found = re.search(rf"^{project}==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    if found is None:
        raise LookupError(f"{project} is not in requirements-dev.lock")
    return found[0]


def fetch(folder: Path) -> None:
    """Get the sources of both, checked against the lock. Raises CalledProcessError, LookupError."""
    lock = (ROOT / "requirements-dev.lock").read_text("utf-8")
    wanted = folder / "sources.txt"
    wanted.write_text("".join(locked(project, lock) for project in PROJECTS), "utf-8")
    # reading their names takes the locked setuptools: no second, unlocked environment is made for it
    environment = os.environ | {"PYTHONPATH": str(next(Path(sys.prefix).glob("lib/python*/site-packages")))}
    subprocess.run(
        [str(PIP), "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary",
         ":all:", "--no-build-isolation", "--require-hashes", "--dest", str(folder), "-r", str(wanted)],
        check=True, env=environment,
    )  # fmt: skip


def unpack(project: str, folder: Path) -> Path:
    """Unpack a project's tests and return their folder. Raises FileNotFoundError."""
    packed = next(folder.glob(f"{project}-*.tar.gz"), None)
    if packed is None:
        raise FileNotFoundError(f"{folder}/{project}-*.tar.gz")
    out = folder / packed.name.removesuffix(".tar.gz")
    with tarfile.open(packed) as archive:
        tests = [member for member in archive.getmembers() if member.name.startswith(f"{out.name}/tests/")]
        archive.extractall(folder, tests)  # noqa: S202 - its hash is in the lock
    (out / "pytest.ini").write_text(INI, "utf-8")
    return out


def run(folder: Path, jobs: int) -> dict[str, object]:
    """Run a project's tests; return how many passed, failed, and differ as they must."""
    result = folder / "result.xml"
    path = os.pathsep.join(map(str, (folder, ROOT, Path(__file__).parent)))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "pytest.ini", "--rootdir", ".", "-p", PLUGIN, "-p", "no:randomly",
         "-n", str(jobs), "--junitxml", result.name, "tests"],
        cwd=folder, env=os.environ | {"PYTHONPATH": path}, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    print(f"{folder.name}\n{done.stdout}", flush=True)
    suite = next(ET.parse(result).iter("testsuite"))  # noqa: S314 - pytest wrote it
    bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    differ = sum("expected" in (node.get("type") or "") or node.get("type") == "pytest.xfail"
                 for node in suite.iter("skipped"))  # fmt: skip
    skipped = int(suite.get("skipped", 0)) - differ
    passed = int(suite.get("tests", 0)) - bad - differ - skipped
    return {"passed": passed, "failed": bad, "differ": differ, "skipped": skipped, "status": done.returncode}


def main(argv: Sequence[str] | None = None) -> int:
    """Return 0 when every test did what it must."""
    parser = argparse.ArgumentParser(prog="python -m tests.remote_assist.aiortc_suite", description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "aiortc", help="for the sources")
    parser.add_argument("--jobs", type=int, default=2, help="processes for each")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args(argv)
    folder: Path = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    fetch(folder)
    unpacked = [unpack(project, folder) for project in PROJECTS]
    with ThreadPoolExecutor() as beside:  # most of their tests wait
        results = dict(zip(PROJECTS, beside.map(lambda place: run(place, options.jobs), unpacked), strict=True))
    for project, told in results.items():
        print(f"{project}: {told['passed']} passed, {told['failed']} failed, {told['differ']} differ as they must")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), "utf-8")
    return int(any(told["status"] or not told["passed"] for told in results.values()))


if __name__ == "__main__":
    sys.exit(main())
