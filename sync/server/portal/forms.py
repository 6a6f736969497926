# SPDX-License-Identifier: GPL-3.0-or-later
"""What a browser sends: fields as plain text, files with harmless names, and whether it came from our own page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException

from app.domain.attachments import clean_media_type, clean_name
from sync.server.portal.errors import PageError

__all__ = [
    "FORM_MAX_BYTES",
    "MAX_FILES",
    "MAX_FILE_BYTES",
    "Posted",
    "Upload",
    "check_origin",
    "clean_text",
    "read_posted",
]

MAX_FILES = 5
MAX_FILE_BYTES = 10 << 20
FORM_MAX_BYTES = 26 << 20
_FIELD_MAX_CHARS = 400_000  # of one field as it is read; each has a smaller limit of its own
_FORMS = ("", "application/x-www-form-urlencoded", "multipart/form-data")
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as it came."""

    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Posted:
    """A form as it was sent. `trouble` names what of it cannot be taken: many_files, large_file."""

    fields: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Upload, ...] = ()
    trouble: str = ""

    def text(self, name: str) -> str:
        """Return a field; empty if it was not sent."""
        return self.fields.get(name, "")

    def line(self, name: str) -> str:
        """Return a field as one line."""
        return " ".join(self.text(name).split())


def clean_text(text: str) -> str:
    """Return what a person can have typed: one form of each letter, plain line ends, nothing that is not seen."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    plain = plain.encode("utf-8", "ignore").decode()  # half a surrogate pair is no letter
    return _UNSEEN.sub("", unicodedata.normalize("NFC", plain))


def check_origin(request: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Raise PageError 403 `foreign` for what another site's page sends in a customer's browser."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:  # the browser's own word; no page can set it
        if site not in ("same-origin", "none"):
            raise PageError(403, "foreign")
        return
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower():
        raise PageError(403, "foreign")


async def read_posted(request: Request[Any, Any, Any]) -> Posted:
    """Return a form. Raises what the framework raises for one that is too large, broken or no form at all."""
    if request.content_type[0] not in _FORMS:
        raise ClientException
    sent = await request.form()
    fields: dict[str, str] = {}
    files: list[Upload] = []
    trouble = ""
    for name, value in sent.multi_items():
        if not isinstance(value, UploadFile):
            if isinstance(value, str) and name not in fields:
                fields[name] = clean_text(value[:_FIELD_MAX_CHARS])
            continue
        content = await value.read()
        if not content and not value.filename:
            continue  # a file field that was left empty
        if len(content) > MAX_FILE_BYTES:
            trouble = "large_file"
        elif len(files) == MAX_FILES:
            trouble = "many_files"
        elif content:
            files.append(Upload(clean_name(value.filename or ""), clean_media_type(value.content_type or ""), content))
    return Posted(fields, tuple(files), trouble)
