# SPDX-License-Identifier: GPL-3.0-or-later
"""Colleagues named in a note with @: which are meant, and what is being typed at the caret. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from app.domain.ids import UserId

__all__ = ["found_mentions", "typed_mention"]

_TYPED = re.compile(r"(?:^|[\s(\[{,;:“‘\"'])@([^\s@]{0,30})$")


def found_mentions(text: str, users: Mapping[UserId, str]) -> tuple[UserId, ...]:
    """Return who is mentioned, in the order of the text; the longest name that fits counts."""
    flat = unicodedata.normalize("NFC", text)
    names = sorted(((unicodedata.normalize("NFC", n), u) for u, n in users.items() if n), key=lambda e: -len(e[0]))
    out: dict[UserId, None] = {}
    at = flat.find("@")
    while at >= 0:
        found = next((user for name, user in names if flat.startswith(name, at + 1)), None)
        if found is not None:
            out[found] = None
        at = flat.find("@", at + 1)
    return tuple(out)


def typed_mention(before: str) -> str | None:
    """Return what stands between an @ and the caret, given the text before the caret; None: no name is being typed.

    An @ inside a word is an address, not a mention.
    """
    found = _TYPED.search(before)
    return found[1] if found is not None else None
