# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hang on messages and notes: what a row says of them, how names are made harmless, what a window asks.

The content lies elsewhere under its SHA-256 and may come after the row that names it. Whatever a name was at its
origin, both ends keep the cleaned one only.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from app.domain.entities import Value
from app.domain.errors import Refused, StoreUnavailable

__all__ = [
    "FINAL_CODES",
    "MAX_FILES",
    "MAX_FILE_BYTES",
    "MAX_NAME_BYTES",
    "Attachment",
    "BlobDesk",
    "BlobState",
    "BlobStatus",
    "accepted",
    "check_attachments",
    "clean_media_type",
    "clean_name",
    "disguise",
    "dump_attachments",
    "is_program",
    "known_statuses",
    "load_attachments",
    "shows",
]

MAX_FILES = 40  # of one message
MAX_FILE_BYTES = 200 << 20
MAX_NAME_BYTES = 200  # file systems take 255; room is left for a number when the name is taken
_SHA_BYTES = 32
_UNKNOWN_TYPE = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_FORBIDDEN = re.compile(r'[<>:"|?*]')  # Windows takes none of them in a file's name
_SPACES = re.compile(r"\s+")
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)")
_JOINERS = frozenset("\u200c\u200d")  # part of words in Persian and of emoji; they hide nothing
_EDGES = " .\u200c\u200d"
_BLANKS = frozenset(
    "\u034f\u115f\u1160\u2800\u3164\uffa0"
)  # letters and signs that show nothing: fillers of Hangul, Braille
# what a desktop runs, or lets run, when it is opened
_PROGRAM_ENDINGS = (
    "action ade adp apk app appimage application appref-ms bash bat bin chm cmd com command cpl crt csh deb desktop "
    "diagcab dll dmg docm dotm ear elf exe flatpakref gadget hta htm html img inf ins iso isp jar jnlp js jse ksh "
    "library-ms lnk mde msc msh msi msix msp mst osx out pif pkg pl potm ppam pptm prg ps1 ps1xml ps2 psc1 psm1 py "
    "pyc pyw rb reg rpm run scf scpt scr sct search-ms searchconnector-ms service settingcontent-ms sh shb shs snap "
    "svg sys terminal theme torrent udf url vb vbe vbs vbscript vhd vhdx website workflow ws wsc wsf wsh xbap xhtml "
    "xlam xll xlsm xltm xml xsl zsh"
)
_PROGRAMS = frozenset(_PROGRAM_ENDINGS.split())
_PROGRAM_TYPES = re.compile(r"(x-)?(ms-?dos|executable|sharedlib|shellscript|msdownload|desktop|java-archive|sh$|bat$)")
_LOOKING_HARMLESS = (
    "pdf doc docx hwp hwpx xls xlsx ppt pptx odt ods odp txt rtf csv md log jpg jpeg png gif bmp webp heic tif tiff "
    "mp3 mp4 mov avi mkv wav zip 7z eml msg"
)
_HARMLESS_LOOK = frozenset(_LOOKING_HARMLESS.split())


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file as a row names it. `sha256` is empty for content that nobody ever had, as in sample data."""

    sha256: bytes
    filename: str
    media_type: str
    size_bytes: int


# what went wrong and is not tried again by itself
FINAL_CODES = frozenset({"file_damaged", "too_large", "error"})


class BlobState(StrEnum):
    """How the content of an attachment stands on this computer."""

    HERE = "here"
    WAITING = "waiting"  # here, not yet at the server
    SENDING = "sending"
    ABSENT = "absent"  # can be fetched
    FETCHING = "fetching"
    FAILED = "failed"  # neither now; `code` says why
    NEVER = "never"  # there is no content


@dataclass(frozen=True, slots=True)
class BlobStatus:
    """State, bytes moved so far, and the code of what went wrong."""

    state: BlobState
    have: int = 0
    size: int = 0
    code: str = ""


class BlobDesk(Protocol):
    """Attachments on this computer, for the window. Methods block on the disk: never on the GUI thread."""

    def add(self, path: Path) -> Attachment:
        """Take a file in, so that it survives everything. Raises Refused, StoreUnavailable."""
        ...

    def add_content(self, content: bytes, filename: str, media_type: str) -> Attachment:
        """Take in what was pasted. Raises Refused, StoreUnavailable."""
        ...

    def statuses(self, attachments: Sequence[Attachment]) -> Mapping[bytes, BlobStatus]:
        """Return how each stands."""
        ...

    def drop(self, attachment: Attachment) -> None:
        """Send it no further, unless a draft or a change still names it. Raises StoreUnavailable."""
        ...

    def save_as(self, attachment: Attachment, target: Path) -> None:
        """Write the plain content where a person wants it. Raises Refused, StoreUnavailable."""
        ...

    def open_copy(self, attachment: Attachment) -> Path:
        """Return a plain copy for another program, removed when Deskside ends. Raises Refused, StoreUnavailable."""
        ...


def known_statuses(blobs: BlobDesk | None, attachments: Sequence[Attachment]) -> Mapping[bytes, BlobStatus]:
    """Return how each stands as far as that can be found out now. Blocks on the disk."""
    if blobs is None or not attachments:
        return {}
    try:
        return blobs.statuses(attachments)
    except StoreUnavailable:
        return {}


def clean_name(name: str) -> str:
    """Return a file name without path, control, direction and other deceiving characters; never empty."""
    text = unicodedata.normalize("NFC", name).replace("\\", "/")
    text = next((part for part in reversed(text.split("/")) if part.strip(" .")), "")
    text = _SPACES.sub(" ", _FORBIDDEN.sub("_", "".join(filter(shows, text))))
    text = unicodedata.normalize("NFC", text).strip(_EDGES)
    if _DEVICES.match(text):
        text = f"_{text}"
    return _shortened(text) or "file"


def shows(char: str) -> bool:
    """Whether a character is to be seen, or joins two that are; a space is."""
    if char in _JOINERS:
        return True
    return char not in _BLANKS and unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")


def _shortened(text: str) -> str:
    """Cut the stem, never the ending: it says what the file is."""
    if len(text.encode()) <= MAX_NAME_BYTES:
        return text
    stem, dot, ending = text.rpartition(".")
    if not dot or len(ending.encode()) > 20:
        stem, dot, ending = text, "", ""
    room = MAX_NAME_BYTES - len((dot + ending).encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(_EDGES) + dot + ending


def clean_media_type(text: str) -> str:
    """Return a media type in lower case without parameters; what is none is unknown."""
    text = text.partition(";")[0].strip().lower()
    return text if _MEDIA_TYPE.fullmatch(text) else _UNKNOWN_TYPE


def endings(name: str) -> list[str]:
    """Return the endings of a name, the last one first, in lower case."""
    return [part.strip().casefold() for part in name.split(".")[1:]][::-1]


def is_program(attachment: Attachment) -> bool:
    """Whether a desktop could run what it opens: by the name's ending or the declared type."""
    ending = next(iter(endings(attachment.filename)), "")
    return ending in _PROGRAMS or _PROGRAM_TYPES.search(attachment.media_type.partition("/")[2]) is not None


def disguise(attachment: Attachment) -> str:
    """Return the harmless ending that a program's name shows before its real one, as in invoice.pdf.exe; or ""."""
    found = endings(attachment.filename)
    return found[1] if len(found) > 1 and found[0] in _PROGRAMS and found[1] in _HARMLESS_LOOK else ""


def check_attachments(attachments: Sequence[Attachment]) -> None:
    """Raise Refused for what no row may name."""
    if len(attachments) > MAX_FILES:
        raise Refused("too_many_files", limit=MAX_FILES)
    for each in attachments:
        if len(each.sha256) != _SHA_BYTES or not 0 < len(each.filename) <= 1000 or len(each.media_type) > 200:
            raise Refused("bad_value", field="attachments")
        if each.size_bytes <= 0:
            raise Refused("bad_value", field="attachments")
        if each.size_bytes > MAX_FILE_BYTES:
            raise Refused("file_too_large", limit_mb=MAX_FILE_BYTES >> 20)


def accepted(attachments: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """Return them as a row keeps them: with clean names and types."""
    return tuple(
        replace(a, filename=clean_name(a.filename), media_type=clean_media_type(a.media_type)) for a in attachments
    )


def dump_attachments(attachments: Sequence[Attachment]) -> str | None:
    """Return the JSON of a row's column; null where nothing hangs on it."""
    if not attachments:
        return None
    items = [
        {"sha256": a.sha256.hex(), "filename": a.filename, "media_type": a.media_type, "size_bytes": a.size_bytes}
        for a in accepted(attachments)
    ]
    return json.dumps(items, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def load_attachments(raw: Value) -> tuple[Attachment, ...]:
    """Return what a row names. Whoever wrote it, names come out clean; what is no attachment is left out."""
    if not isinstance(raw, str) or len(raw) < len('[{"filename":""}]'):
        return ()
    try:
        items = json.loads(raw)
    except ValueError:
        return ()
    found = [_loaded(item) for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return accepted([each for each in found[:MAX_FILES] if each is not None])


def _loaded(item: Mapping[str, Any]) -> Attachment | None:
    name, media, size, mark = (item.get(k) for k in ("filename", "media_type", "size_bytes", "sha256"))
    if not isinstance(name, str) or not isinstance(size, int) or isinstance(size, bool) or size < 0:
        return None
    try:
        sha256 = bytes.fromhex(mark) if isinstance(mark, str) else b""
    except ValueError:
        sha256 = b""
    known = sha256 if len(sha256) == _SHA_BYTES else b""
    return Attachment(known, name, media if isinstance(media, str) else "", size)
