# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries the frozen program as a product: versions of its parts, the headless demo, and nothing unexpected said.

python -m tests.packaging.smoke dist/deskside
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PyInstaller.archive.readers import CArchiveReader  # type: ignore[import-untyped]  # ships no types

from app.entry.cli import COMPANION_PROGRAMS, PROGRAMS
from app.entry.qt_libraries import DEBIAN_PACKAGES
from resources.packaging.pyinstaller import rules

EXECUTABLES = ("deskside", "deskside-cli", "deskside-companion")
VERSION_LINES = {
    "Python", "Qt", "PySide6", "SQLCipher", "SQLite", "PyAV", "libavcodec", "x264", "OpenSSL", "aiortc", "numpy",
}  # fmt: skip
PICTURES = ("agent.png", "companion.png", "session.png")
DEMO_LIMIT_S = 120  # far above the 45 s of a quiet machine: this is a test of the bundle, not of its speed


def _environment(home: Path) -> dict[str, str]:
    """What a freshly signed-in user has: no Python, no virtual environment, no paths of the build."""
    passed = ("DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
    kept = {name: os.environ[name] for name in passed if name in os.environ}
    return {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **kept}


def _run(command: list[str], home: Path, limit_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=home, env=_environment(home), capture_output=True, text=True, timeout=limit_s, check=False
    )


def check_versions(bundle: Path, home: Path) -> Iterator[str]:
    """Each executable names every native part, and says nothing else."""
    for name in EXECUTABLES:
        done = _run([str(bundle / name), "--version", "--long"], home, 60)
        lines = done.stdout.splitlines()
        known = {line.partition(": ")[0] for line in lines[1:]}
        if done.returncode or not lines or not re.fullmatch(r"Deskside \d+\.\d+\.\d+\S*", lines[0]):
            yield f"{name} --version: exit {done.returncode}, {done.stdout[:200]!r}"
        if missing := VERSION_LINES - known:
            yield f"{name} --version --long does not name {', '.join(sorted(missing))}"
        yield from (f"{name}: {line}" for line in lines if "not available" in line)
        yield from (f"{name}: unexpected output: {line}" for line in done.stderr.splitlines())


def check_libraries(bundle: Path) -> Iterator[str]:
    """Every library that a bundled one links is bundled too, or is the distribution's."""
    internal = bundle / "_internal"
    files = [path for path in internal.rglob("*.so*") if path.is_file() and not path.is_symlink()]
    done = subprocess.run(
        ["ldd", *files], capture_output=True, text=True, check=False,
        env={**os.environ, "LC_ALL": "C", "LD_LIBRARY_PATH": str(internal)},
    )  # fmt: skip
    missing = {line.split()[0] for line in done.stdout.splitlines() if line.endswith("=> not found")}
    allowed = {name for name in missing if rules.is_host_library(name) or name in DEBIAN_PACKAGES}
    yield from (f"no {name} for the bundle" for name in sorted(missing - allowed))
    yield from (f"{path.name} points nowhere" for path in internal.iterdir() if path.is_symlink() and not path.exists())
    top = [path.name for path in internal.iterdir() if path.is_file()]
    yield from (f"{name} is the distribution's and must not be bundled" for name in top if rules.is_host_library(name))


def check_contents(bundle: Path) -> Iterator[str]:
    """The Companion's archive holds none of the agent's parts, and the agent's holds every program."""
    held = {name: _modules(bundle / name) for name in EXECUTABLES}
    for module in sorted(held["deskside-companion"]):
        if any(module == other or module.startswith(other + ".") for other in rules.COMPANION_EXCLUDED):
            yield f"deskside-companion holds {module}"
    for name, programs in (
        ("deskside", PROGRAMS),
        ("deskside-companion", {p: PROGRAMS[p] for p in COMPANION_PROGRAMS}),
    ):
        yield from (f"{name} lacks {p.module}" for p in programs.values() if p.module not in held[name])


def _modules(executable: Path) -> set[str]:
    archive = CArchiveReader(str(executable))
    (inner,) = [name for name in archive.toc if name.endswith(".pyz")]
    return set(archive.open_embedded_archive(inner).toc)


def check_demo(bundle: Path, home: Path) -> Iterator[str]:
    """The headless demo runs from the bundle and leaves its pictures."""
    out = home / "demo"
    done = _run([str(bundle / "deskside"), "demo", "--headless", "--out", str(out)], home, DEMO_LIMIT_S)
    if done.returncode:
        yield f"demo: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return
    yield from (f"demo: unexpected output: {line}" for line in done.stderr.splitlines())
    yield from (f"demo left no {name}" for name in PICTURES if not (out / name).is_file())
    report = json.loads((out / "report.json").read_text("utf-8"))
    if report["tickets_synced"] < 5000 or report["session"]["frames"] < 1 or report["session"]["frames_after_stop"]:
        yield f"demo: {json.dumps(report)[:500]}"


def main(argv: list[str]) -> int:
    """Print what is wrong; 0 if nothing is."""
    parser = argparse.ArgumentParser(prog="python -m tests.packaging.smoke")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--without-demo", action="store_true", help="only versions and libraries")
    options = parser.parse_args(argv)
    bundle: Path = options.bundle.resolve()
    with tempfile.TemporaryDirectory(prefix="deskside-smoke-") as folder:
        faults = [*check_versions(bundle, Path(folder)), *check_libraries(bundle), *check_contents(bundle)]
        if not options.without_demo:
            faults += check_demo(bundle, Path(folder))
    files = [path for path in bundle.rglob("*") if path.is_file() and not path.is_symlink()]
    size_mb = sum(path.stat().st_size for path in files) // 1_000_000
    print("\n".join(faults) or f"frozen program: {len(files)} files, {size_mb} MB, all checks passed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
