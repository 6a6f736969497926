# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ends ask their hosts to do about files. The host has a worker for the disk and reports back by methods."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.session_files import FileView
from remote_assist.files import Offer

__all__ = [
    "AskFile",
    "DropFile",
    "FileAction",
    "FileBytes",
    "FileChanged",
    "FileThrough",
    "HoldFile",
    "ResumeFile",
    "SendFile",
    "TakeFile",
]


@dataclass(frozen=True, slots=True)
class AskFile:
    """Customer: ask whether this file may come, until `deadline_ms` (monotonic); silence is a no.

    Answer with `take_file(id, warned=...)` or `refuse_scope(Scope.FILES_TO_CUSTOMER)`.
    """

    offer: Offer
    deadline_ms: int
    why: str = ""  # the agent's own words


@dataclass(frozen=True, slots=True)
class TakeFile:
    """Make room for this file and answer `file_ready`. `warned`: a person saw the second warning about programs."""

    offer: Offer
    warned: bool


@dataclass(frozen=True, slots=True)
class FileBytes:
    """Write these bytes; answer only when something is wrong, or bytes are missing."""

    id: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FileThrough:
    """The sender is through: when all is here, check it, give it its name, and answer `file_saved`."""

    id: int


@dataclass(frozen=True, slots=True)
class ResumeFile:
    """The way was broken: answer `file_ready` with the offset from which to go on."""

    id: int


@dataclass(frozen=True, slots=True)
class SendFile:
    """Read this file from `offset` on; hand each piece to `file_part`, and say `file_read` behind the last."""

    id: int
    offset: int


@dataclass(frozen=True, slots=True)
class HoldFile:
    """Read no further for now."""

    id: int


@dataclass(frozen=True, slots=True)
class DropFile:
    """This file is over, whole or not: close it, and remove what is not whole. An unknown number is no error."""

    id: int


@dataclass(frozen=True, slots=True)
class FileChanged:
    """How a file stands now, for the windows."""

    view: FileView


FileAction = AskFile | TakeFile | FileBytes | FileThrough | ResumeFile | SendFile | HoldFile | DropFile | FileChanged
