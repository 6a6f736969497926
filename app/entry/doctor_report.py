# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside doctor --report FILE`: a bundle for support. Its contents are listed first; nothing is sent anywhere."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from app.config.i18n import N_, _
from app.config.paths import UserFolders
from app.config.policy import Policy, read_policy
from app.config.settings import Settings
from app.config.settings_text import read_values
from app.entry import versions
from app.services import support_bundle as bundle
from app.services.support_bundle import Part

__all__ = ["collect", "run"]

_DEPTH: Final = 3
_FILES_MAX: Final = 20_000
_READ_MAX: Final = 2_000_000  # of a log, its end
_STAMP: Final = (1980, 1, 1, 0, 0, 0)


def collect(
    folders: UserFolders, findings: Sequence[Mapping[str, str]], policy: Policy, about: Sequence[str]
) -> list[Part]:
    """Read what goes into a bundle. What is missing or unreadable is left out; nothing is changed or moved."""
    settings = _settings(folders.config / "settings.json", policy)
    parts = [
        Part(
            "about.txt", "".join(f"{line}\n" for line in about), N_("versions of the program and of what it is made of")
        ),
        bundle.checks_part(findings, N_("what “deskside doctor” found on this computer, without its sentences")),
        bundle.settings_part(settings, N_("your settings; of texts such as addresses only whether there is one")),
        bundle.policies_part(policy, N_("what your organisation has set, and where its files are wrong")),
        bundle.files_part(_files(folders), N_("names and sizes of the program's own files, not what they hold")),
    ]
    about_log = N_("events, times and numbers of this log")
    parts += [bundle.log_part(path.name, _end_of(path).splitlines(), about_log) for path in _logs(folders)]
    fault = _end_of(folders.logs / "fault.txt")
    if fault.strip():
        parts.append(bundle.fault_part(fault, N_("the places in the program where it last broke off")))
    return parts


def _settings(path: Path, policy: Policy) -> Settings:
    """The settings as the program has them. A copy is read: loading sets a broken file aside, and this only looks."""
    found = Settings(path, policy.values, policy.recommended)
    with contextlib.suppress(OSError, ValueError):
        found = Settings(path, policy.values, policy.recommended, _own=read_values(path.read_text("utf-8")).values)
    return found


def _files(folders: UserFolders) -> Iterator[tuple[str, str, int]]:
    left = _FILES_MAX
    for name, root in (("config", folders.config), ("data", folders.data), ("logs", folders.logs)):
        for here, below, files in os.walk(root):
            if len(Path(here).relative_to(root).parts) >= _DEPTH:
                below.clear()
            for file in sorted(files):
                left -= 1
                if left < 0:
                    return
                with contextlib.suppress(OSError):
                    yield name, file, Path(here, file).lstat().st_size


def _logs(folders: UserFolders) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(path for path in folders.logs.glob("*.log") if path.is_file())
    return []


def _end_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _READ_MAX))
            return file.read(_READ_MAX).decode("utf-8", "replace")
    except OSError:
        return ""


def _about() -> list[str]:
    found = [versions.version_line(), platform.platform(), time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())]
    return found + [f"{name}: {value}" for name, value in versions.components()]


def run(
    file: Path, data: Path | None, findings: Sequence[Mapping[str, str]], *, yes: bool = False,
    ask: Callable[[str], str] = input,
) -> int:  # fmt: skip
    """List what would be in the bundle, ask, and write it. 0: written. 1: nobody said yes, or it cannot be written."""
    folders = UserFolders.under(data) if data is not None else UserFolders.of_user()
    parts = collect(folders, findings, read_policy(), _about())
    print(_("The bundle holds these files. All are plain text; nothing is sent anywhere:"))
    for part in parts:
        print(f"  {part.name:<28}{len(part.text.encode()):>9}  {_(part.about)}")
    print(_("It holds no words of tickets, no names, no addresses, no keys and no passwords."))
    if not yes and not _agreed(file, ask):
        print(_("Nothing was written."))
        return 1
    try:
        _write(file, parts)
    except FileExistsError:
        print(_("{file} is there already. Name another file.").format(file=file), file=sys.stderr)
        return 1
    except OSError as error:
        print(_("{file} cannot be written: {reason}").format(file=file, reason=error.strerror), file=sys.stderr)
        return 1
    print(_("Written: {file}. Look into it before you hand it on.").format(file=file))
    return 0


def _agreed(file: Path, ask: Callable[[str], str]) -> bool:
    if not sys.stdin.isatty() and ask is input:
        print(_("To write it without being asked, add --yes."))
        return False
    try:
        answer = ask(_("Write it to {file}? Type yes: ").format(file=file))
    except EOFError:
        return False
    return answer.strip().casefold() in {"y", "yes", "ㅛ", "네", "예"}


def _write(file: Path, parts: Sequence[Part]) -> None:
    """Write a new file that only its owner can read. Half a bundle is taken away again."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
            for part in parts:
                made.writestr(zipfile.ZipInfo(part.name, _STAMP), part.text, zipfile.ZIP_DEFLATED)
    except OSError:
        with contextlib.suppress(OSError):
            file.unlink()
        raise
