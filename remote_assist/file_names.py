# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of files that the other end sends, and what is known of a file before anybody opens it. Pure."""

from __future__ import annotations

import re
from typing import Final

from app.domain.attachments import Attachment, clean_name
from app.domain.attachments import disguise as _disguise
from app.domain.attachments import is_program as _is_program

__all__ = [
    "HEAD_BYTES",
    "MAX_RAW_NAME",
    "disguise",
    "folder_name",
    "numbered",
    "part_name",
    "program_by_content",
    "program_by_name",
    "safe_name",
]

MAX_RAW_NAME: Final = (
    1000  # characters of a name as it comes; of a longer one the end counts, for it says what the file is
)
HEAD_BYTES: Final = 64
_PART: Final = ".part"
_LONG_ENDING: Final = 20
_NOT_IN_FOLDERS: Final = re.compile(r"[^\w-]+")
_MAX_FOLDER_BYTES: Final = 64
_HEADS: Final = (
    b"\x7fELF",
    b"#!",
    b"\xfe\xed\xfa\xce",  # Mach-O, both widths and both byte orders, and the form that holds several
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"L\x00\x00\x00\x01\x14\x02\x00",  # a shortcut of Windows
    b"[Desktop Entry]",
    b"[InternetShortcut]",
)


def safe_name(raw: str) -> str:
    """Return a name that means one file in one folder on every system; the same rules as for attachments."""
    return clean_name(raw[-MAX_RAW_NAME:])


def folder_name(ticket_no: str) -> str:
    """Return the folder of a ticket. The agent's side wrote the number, so it is treated like any name."""
    plain = _NOT_IN_FOLDERS.sub("-", clean_name(ticket_no)).encode()[:_MAX_FOLDER_BYTES].decode(errors="ignore")
    return clean_name(plain.strip("-_") or "ticket")


def numbered(name: str, count: int) -> str:
    """Return the name for the `count`-th file of that name, with the number before the ending."""
    if count <= 1:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending) > _LONG_ENDING:
        return f"{name} ({count})"
    return f"{stem} ({count}){dot}{ending}"


def part_name(name: str) -> str:
    """Return the name under which a file grows before it is whole."""
    return name + _PART


def program_by_name(name: str) -> bool:
    """Whether a desktop could run what carries this name."""
    return _is_program(Attachment(b"", name, "", 0))


def disguise(name: str) -> str:
    """Return the harmless ending that a program's name shows first, as in invoice.pdf.exe; or ""."""
    return _disguise(Attachment(b"", name, "", 0))


def program_by_content(head: bytes) -> bool:
    """Whether the first bytes, HEAD_BYTES if the file has them, are those of a program or a shortcut."""
    head = head.removeprefix(b"\xef\xbb\xbf")
    return head.startswith(_HEADS) or (head.startswith(b"MZ") and b"\x00" in head[:HEAD_BYTES])
