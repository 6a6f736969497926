# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts the words around a hit out of a row's own text. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_BEFORE, _AFTER = 30, 90
_HALF = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def cut(text: str, words: Sequence[str]) -> str:
    """Return about 120 characters around the first of `words` (normalised) that occurs, on one line."""
    line = " ".join(unicodedata.normalize("NFC", text[:20_000]).split())
    folded = line.translate(_HALF).casefold()
    if len(folded) != len(line):  # a letter became two: places would not be the same
        folded = "".join(_fold(c) for c in line)
    at = next((place for place in (folded.find(w) for w in words if w) if place >= 0), 0)
    start = max(0, at - _BEFORE)
    if start:
        space = line.rfind(" ", 0, start + 10)
        start = space + 1 if space >= start - 10 else start
    end = min(len(line), at + _AFTER)
    return ("…" if start else "") + line[start:end].strip() + ("…" if end < len(line) else "")


def _fold(char: str) -> str:
    """Return a character as search sees it, always one, so that places in both texts are the same."""
    if "！" <= char <= "～":
        char = chr(ord(char) - 0xFEE0)
    folded = char.casefold()
    return folded if len(folded) == 1 else char
