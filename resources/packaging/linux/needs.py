# SPDX-License-Identifier: GPL-3.0-or-later
"""What the frozen program needs of a distribution: read out of its own files, so that no dependency is guessed."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["LOADED_BY_NAME", "Needs", "elf_files", "measure"]

# loaded by name at run time, so that no linker table shows them: capture and input on X11
LOADED_BY_NAME: Final = ("libX11.so.6", "libXrandr.so.2", "libXfixes.so.3", "libXtst.so.6")
_ELF: Final = b"\x7fELF"
_NEEDED: Final = re.compile(r"\(NEEDED\)\s+Shared library: \[(?P<name>[^\]]+)\]")
_VERSION: Final = re.compile(r"GLIBC_(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Needs:
    """The libraries that are not in the bundle: by name, and as Debian's packages with the versions they must have."""

    libraries: tuple[str, ...]
    debian: tuple[str, ...]
    glibc: str


def elf_files(folder: Path) -> list[Path]:
    """Return every program and shared library below a folder, links left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == _ELF:
                    found.append(path)
    return found


def measure(bundle: Path) -> Needs:
    """Read what the bundle's files link. Raises RuntimeError where this machine lacks a library that they need."""
    files = elf_files(bundle)
    tables = _output(["readelf", "--wide", "--dynamic", "--version-info", *map(str, files)])
    linked = {match["name"] for match in _NEEDED.finditer(tables)} | set(LOADED_BY_NAME)
    own = {path.name for path in bundle.rglob("*.so*")}
    libraries = sorted(linked - own)
    versions = [(int(major), int(minor)) for major, minor in _VERSION.findall(tables)]
    major, minor = max(versions)
    return Needs(tuple(libraries), _debian(bundle, files, libraries), f"{major}.{minor}")


def _output(command: list[str], folder: Path | None = None) -> str:
    plain = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=plain)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def _debian(bundle: Path, files: Iterable[Path], libraries: Iterable[str]) -> tuple[str, ...]:
    """Return the packages of the libraries, with the least version where their symbols tell one."""
    owners = _owners(libraries)
    folders = sorted({str(path.parent) for path in bundle.rglob("*.so*")})
    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder, "debian", "control")
        control.parent.mkdir()
        control.write_text("Source: deskside\n\nPackage: deskside\nArchitecture: amd64\n", "ascii")
        command = ["dpkg-shlibdeps", "-O", "--ignore-missing-info"]
        told = _output([*command, *(f"-l{f}" for f in folders), *(f"-e{f}" for f in files)], Path(folder))
    asked = [entry.strip() for entry in told.partition("shlibs:Depends=")[2].strip().split(",")]
    # what is in the bundle it finds here as well: a package counts only if a library of it is linked from outside
    found = {entry.split()[0]: entry for entry in asked if entry.split()[0] in owners}
    return tuple(sorted(found.get(name, name) for name in owners))


def _owners(libraries: Iterable[str]) -> set[str]:
    cache = _output(["ldconfig", "-p"])
    owners: set[str] = set()
    for library in libraries:
        place = re.search(rf"^\t{re.escape(library)} \(.*x86-64.*\) => (\S+)$", cache, re.MULTILINE)
        if place is None:
            if library.startswith("ld-linux"):
                continue
            raise RuntimeError(f"{library} is not on this machine: `make venv` as root brings what Qt needs")
        for path in (place[1], str(Path(place[1]).resolve()), place[1].removeprefix("/usr"), f"/usr{place[1]}"):
            done = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                owners.add(done.stdout.partition(":")[0])
                break
        else:
            raise RuntimeError(f"{place[1]} belongs to no package")
    return owners
