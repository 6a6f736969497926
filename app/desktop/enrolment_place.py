# SPDX-License-Identifier: GPL-3.0-or-later
"""The enrolment file beside the program: found, and read only if nobody else could have written it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from app.config.paths import is_frozen
from app.domain.enrolment_file import FILE_NAME, SIZE_MAX, Preset, read_enrolment_file
from app.domain.errors import WorldError

__all__ = ["enrolment_places", "find_enrolment_file"]

_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def enrolment_places() -> list[Path]:
    """Return where a file is looked for, best first: where the administrator installs, then beside the program."""
    places = [Path("/etc/deskside") / FILE_NAME] if sys.platform == "linux" else []
    if is_frozen():
        places.append(Path(sys.executable).resolve().parent / FILE_NAME)
    return places


def find_enrolment_file(places: Iterable[Path]) -> Preset | None:
    """Read the first file that is there; None for none. Blocks.

    Raises WorldError with `path`: enrol_file_foreign for one that another person owns or could change, or that is no
    ordinary file; enrol_file_unread; and what `read_enrolment_file` raises. A file that is refused is not passed over
    for the next one: somebody wanted it to count.
    """
    for place in places:
        try:
            return read_enrolment_file(_read(place))
        except FileNotFoundError:
            continue
        except WorldError as error:
            raise WorldError(error.code, path=str(place)) from error
        except OSError as error:
            raise WorldError("enrol_file_unread", path=str(place)) from error
    return None


def _read(place: Path) -> bytes:
    if place.is_symlink():
        raise WorldError("enrol_file_foreign")
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(place, flags), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or not _trusted(about):
            raise WorldError("enrol_file_foreign")
        return file.read(SIZE_MAX + 1)


def _trusted(about: os.stat_result) -> bool:
    """Whether only the administrator or this person wrote it. On Windows the folder's rights say so."""
    if sys.platform == "win32":
        return True
    return about.st_uid in (0, os.getuid()) and not about.st_mode & _OTHERS_WRITE
