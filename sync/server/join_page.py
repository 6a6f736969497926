# SPDX-License-Identifier: GPL-3.0-or-later
"""The page by which a customer joins a session with a browser: its files, and with what they are answered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

__all__ = ["PAGE", "PAGE_HEADERS", "PAGE_OFF", "PageFile", "parts_of_page", "read_page"]

PAGE: Final = "index.html"
PAGE_OFF: Final = "off.html"  # where customers may not join with a browser
_PARTS_OFF: Final = frozenset({"icon.svg", "join.css"})
_TYPES: Final = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
# Only this server's files, no inline script or style, in no frame, and of the device only the screen.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
PAGE_HEADERS: Final = MappingProxyType(
    {
        "content-security-policy": _POLICY,
        "permissions-policy": "display-capture=(self), camera=(), microphone=(), geolocation=()",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-cache",
    }
)


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file as it is answered."""

    content: bytes
    media_type: str
    etag: str


def read_page() -> dict[str, PageFile]:
    """Return the page's files by name. There are no others: nothing is looked up on the disk for a request."""
    found = {}
    for entry in files("resources").joinpath("join").iterdir():
        kind = _TYPES.get(entry.name.rpartition(".")[2])
        if kind is not None:
            content = entry.read_bytes()
            found[entry.name] = PageFile(content, kind, f'"{hashlib.sha256(content).hexdigest()[:24]}"')
    return found


def parts_of_page(page: dict[str, PageFile], *, on: bool) -> dict[str, PageFile]:
    """Return what is handed out beside the page itself: of one that is turned off what it looks like, and no script."""
    whole = page.keys() - {PAGE, PAGE_OFF}
    return {name: page[name] for name in (whole if on else _PARTS_OFF)}
