# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal's pages: templates of this program, every value escaped, under a policy that runs no foreign script."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import DictLoader, Environment, StrictUndefined

from app.config.i18n import Language
from sync.server.join_page import PageFile
from sync.server.portal.words import words

__all__ = ["PAGE_HEADERS", "day_text", "render", "size_text", "static_files", "time_text", "zone_of"]

_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
# Only this server's files, no inline script or style, in no frame; forms go nowhere else.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
PAGE_HEADERS: Final = MappingProxyType(
    {
        "content-security-policy": _POLICY,
        "permissions-policy": "display-capture=(), camera=(), microphone=(), geolocation=()",
        # the secret of a link stands in the address: it goes to no other site
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "private, no-store",
        "x-robots-tag": "noindex",
    }
)
_DAYS_KO: Final = ("월", "화", "수", "목", "금", "토", "일")
_DAYS_EN: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def static_files() -> dict[str, PageFile]:
    """Return styles and scripts by name. There are no others: nothing is looked up on the disk for a request."""
    found = {}
    for entry in files("resources").joinpath("web").iterdir():
        kind = _TYPES.get(entry.name.rpartition(".")[2])
        if kind is not None:
            content = entry.read_bytes()
            found[entry.name] = PageFile(content, kind, f'"{hashlib.sha256(content).hexdigest()[:24]}"')
    return found


@cache
def _environment() -> Environment:
    folder = files("resources").joinpath("web")
    sources = {e.name: e.read_text("utf-8") for e in folder.iterdir() if e.name.endswith(".html")}
    return Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def render(name: str, language: Language, /, **values: object) -> bytes:
    """Return a page. Whatever stands in `values` is text, never markup."""
    template = _environment().get_template(name)
    return template.render(w=words(language), lang=language, **values).encode()


def zone_of(name: str) -> ZoneInfo | None:
    """Return a time zone by its name; None for what is no zone."""
    if not 0 < len(name) <= 64 or not name.isascii():
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def day_text(at_ms: int, zone: ZoneInfo, language: Language) -> str:
    """Return the day of an instant, as people say it."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
    if language == "ko":
        return f"{at.month}월 {at.day}일 ({_DAYS_KO[at.weekday()]})"
    return f"{_DAYS_EN[at.weekday()]}, {at.day} {_MONTHS_EN[at.month - 1]}"


def time_text(at_ms: int, zone: ZoneInfo, language: Language) -> str:
    """Return day and time of an instant."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
    return f"{day_text(at_ms, zone, language)} {at:%H:%M}"


def size_text(size_bytes: int) -> str:
    """Return the size of a file, as people say it."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    return f"{size_bytes / 1000:.0f} kB" if size_bytes < 1_000_000 else f"{size_bytes / 1_000_000:.1f} MB"
