# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks policy files before they are laid down, and where they lie: as the reader sees them, and with some doubts."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from app.config.i18n import _
from app.config.policy import MANAGED_FOLDER, RECOMMENDED, ROOT, Finding, Level, PolicyReading, policy_files
from app.config.policy_file import PolicyBroken, entries, load, shown
from app.config.policy_schema import CLASHES

__all__ = ["check"]

_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_ODD_MAX: Final = 10


def check(
    paths: Iterable[Path], *, recommended: bool = False, owner: int = ROOT, place: Path = MANAGED_FOLDER.parent
) -> list[Finding]:
    """Return what is wrong with files, or with all files of a folder, as they would count together.

    Whose a file is matters below `place`; elsewhere it is a draft. What lies in a folder of that name is recommended.
    Never raises, whatever the files hold.
    """
    reading = PolicyReading(owner)
    for path in paths:
        folder = _is_folder(path)
        here = policy_files(path) if folder else [path]
        in_place = place in _whole(path).parents or _whole(path) == place
        if folder:
            _look_at_folder(reading, path, here, owner if in_place else None)
        for file in here:
            _look_at_link(reading, file)
            default = recommended or _whole(file).parent.name == RECOMMENDED
            reading.take(file, recommended=default, trusted=not in_place)
            if not in_place:
                _look_at_owner(reading, file, owner, place)
    _clashes(reading)
    return sorted(reading.findings, key=lambda found: str(found.path))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False  # what it is instead the reader says


def _whole(path: Path) -> Path:
    try:
        return path.absolute()
    except OSError:
        return path  # the folder one stands in is gone


def _look_at_folder(reading: PolicyReading, folder: Path, files: list[Path], owner: int | None) -> None:
    if not files:
        text = _("There is no file here whose name ends with .json, so nothing is set.")
        reading.findings.append(Finding(folder, text, Level.HINT))
    if owner is None:
        return
    with contextlib.suppress(OSError):
        about = folder.stat()
        if about.st_uid != owner or about.st_mode & _OTHERS_WRITE:
            text = _("Others than the administrator can take files out of this folder, and with them what they set.")
            reading.findings.append(Finding(folder, text))
        odd = [path for path in folder.iterdir() if path.is_file() and not path.name.endswith(".json")]
        for path in sorted(odd)[:_ODD_MAX]:
            text = _("The name does not end with .json, so the file is not read.")
            reading.findings.append(Finding(path, text, Level.HINT))


def _look_at_link(reading: PolicyReading, file: Path) -> None:
    with contextlib.suppress(OSError):
        if file.is_symlink():
            text = _("This is a link to {target}. What counts is whose that file is.")
            reading.findings.append(Finding(file, text.format(target=file.readlink()), Level.HINT))


def _look_at_owner(reading: PolicyReading, file: Path, owner: int, place: Path) -> None:
    with contextlib.suppress(OSError):
        about = file.stat()
        if stat.S_ISREG(about.st_mode) and (about.st_uid != owner or about.st_mode & _OTHERS_WRITE):
            text = _("In {place} it would count only as a file of root that nobody else may write.")
            reading.findings.append(Finding(file, text.format(place=place), Level.HINT))


def _clashes(reading: PolicyReading) -> None:
    """Tell what was set and has no effect beside something else that was set."""
    managed = reading.managed
    for key, path in reading.recommended.sources.items():
        if key in managed.sources:
            text = _("“{key}” has no effect here: {other} sets it for good.").format(
                key=key, other=managed.sources[key]
            )
            reading.findings.append(_placed(Finding(path, text, Level.WARNING, key=key)))
    for clash in CLASHES:
        cause = clash.setting.key
        if managed.values.get(cause) != clash.value:
            continue
        for key, path in managed.sources.items():
            if key != cause and key.startswith(clash.keys):
                text = _("“{key}” has no effect, because “{cause}” is {value}.")
                text = text.format(key=key, cause=cause, value=shown(clash.value))
                reading.findings.append(_placed(Finding(path, text, Level.WARNING, key=key)))


def _placed(finding: Finding) -> Finding:
    """Add the line on which the key stands."""
    try:
        found = [entry for entry in entries(load(finding.path).data) if entry.key == finding.key]
    except PolicyBroken:
        return finding
    return replace(finding, line=found[-1].line, column=found[-1].column) if found else finding
