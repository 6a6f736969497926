# SPDX-License-Identifier: GPL-3.0-or-later
"""Lays out the tree of one package: files, links, icons, papers, with fixed modes and one time for all."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from resources.packaging.linux.packages import Package

__all__ = ["HERE", "PIXELS", "TREE", "installed_bytes", "project_version", "stage"]

HERE: Final = Path(__file__).parent
TREE: Final = HERE.parents[2]
PIXELS: Final = (16, 24, 32, 48, 64, 128, 256, 512)
_COPYRIGHT: Final = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Deskside
Comment: The programs as a whole are conveyed under GPL-3.0-or-later. What others wrote and this package holds is
 named, with its licences, in /usr/share/doc/deskside-runtime/THIRD_PARTY_LICENSES.gz.

Files: *
Copyright: 2026 The Deskside developers
License: GPL-3.0-or-later

License: GPL-3.0-or-later
 This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public
 License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later
 version. On Debian systems the text of version 3 is in /usr/share/common-licenses/GPL-3.
"""


def project_version() -> str:
    """Return the version of the product."""
    with (TREE / "pyproject.toml").open("rb") as file:
        found: str = tomllib.load(file)["project"]["version"]
    return found


def stage(package: Package, bundle: Path, root: Path, version: str, epoch: int) -> None:
    """Make the tree of a package in `root`, which must not exist. Raises OSError."""
    for source, place in package.program.items():
        _copy(bundle / source, root / place)
    for source, place in package.files.items():
        _copy(HERE / source, root / place)
    for man in root.glob("usr/share/man/man1/*.1"):
        _gzip(root / man.relative_to(root).with_suffix(".1.gz"), man.read_bytes())
        man.unlink()
    for place, target in package.links.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).symlink_to(target)
    for folder in package.folders:
        (root / folder).mkdir(parents=True)
    for icon in package.icons:
        _icons(icon, root)
    day = datetime.fromtimestamp(epoch, UTC)
    if package.metainfo:
        text = (HERE / f"{package.metainfo}.metainfo.xml.in").read_text("utf-8")
        text = text.replace("@VERSION@", version).replace("@DATE@", f"{day:%Y-%m-%d}")
        _write(root / "usr/share/metainfo" / f"{package.metainfo}.metainfo.xml", text)
    papers = root / "usr/share/doc" / package.name
    _write(papers / "copyright", _COPYRIGHT)
    entry = f"deskside ({version}) unstable; urgency=medium\n\n  * What is new: the project's CHANGELOG.md.\n\n"
    _gzip(papers / "changelog.gz", f"{entry} -- {MAINTAINER}  {day:%a, %d %b %Y %H:%M:%S} +0000\n".encode())
    if "_internal" in package.program:
        _gzip(papers / "THIRD_PARTY_LICENSES.gz", "".join(_third_parties()).encode())
        _gzip(papers / "CHANGELOG.md.gz", (TREE / "CHANGELOG.md").read_bytes())
    if package.overrides:
        lines = (line if line.startswith("#") else f"{package.name}: {line}" for line in package.overrides)
        _write(root / "usr/share/lintian/overrides" / package.name, "".join(f"{line}\n" for line in lines))
    _settle(root, epoch)


MAINTAINER: Final = "The Deskside developers <packages@deskside.invalid>"


def _copy(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, place, symlinks=True)
    else:
        shutil.copyfile(source, place)
        shutil.copymode(source, place)


def _write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, "utf-8")


def _gzip(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(gzip.compress(data, 9, mtime=0))


def _icons(name: str, root: Path) -> None:
    folder = root / "usr/share/icons/hicolor"
    for look, file in (("scalable", f"{name}.svg"), ("symbolic", f"{name}-symbolic.svg")):
        _copy(HERE / "icons" / file, folder / look / "apps" / file)
    for side in PIXELS:
        _copy(HERE / "icons" / f"{side}" / f"{name}.png", folder / f"{side}x{side}" / "apps" / f"{name}.png")


def _third_parties() -> Iterator[str]:
    """Yield what the locked environment of the program says about its parts, and the texts of their licences."""
    locked = set(re.findall(r"^([\w.-]+)==", (TREE / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    there = {str(d.metadata["Name"]).lower().replace("_", "-"): d for d in distributions()}
    for name in sorted(locked & there.keys()):
        part = there[name]
        fields = ("License-Expression", "License")
        told = next((found for field in fields if (found := part.metadata.get_all(field))), None)
        classes = [c for c in part.metadata.get_all("Classifier") or [] if c.startswith("License ::")]
        said = told[0] if told else ", ".join(c.rpartition(":: ")[2] for c in classes)
        head = said.strip().partition("\n")[0] or "see its own text"
        yield f"{'=' * 100}\n{name} {part.version}: {head}\n\n"
        yield from _texts(part)


def _texts(part: Distribution) -> Iterator[str]:
    for file in sorted(part.files or (), key=str):
        inside = ".dist-info" in str(file)
        if inside and re.search(r"licen[cs]e|copying|notice", file.name, re.IGNORECASE):
            yield Path(str(file.locate())).read_text("utf-8", "replace").strip() + "\n\n"


def _settle(root: Path, epoch: int) -> None:
    """Give every file the mode that a package's file has, and the time of the release."""
    for path in [root, *sorted(root.rglob("*"))]:
        if not path.is_symlink():
            runs = path.is_dir() or (path.parent.name == "deskside" and path.suffix == "" and _is_elf(path))
            path.chmod(0o755 if runs else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def installed_bytes(root: Path) -> int:
    """Return what the files of a tree hold."""
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
