# SPDX-License-Identifier: GPL-3.0-or-later
"""Matching of what people type in choosers: parts of words, and initial consonants (ㄱㅈ finds 결제)."""

from __future__ import annotations

import unicodedata

__all__ = ["matches"]

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_FIRST, _LAST, _PER_INITIAL = 0xAC00, 0xD7A3, 588


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _initials(text: str) -> str:
    return "".join(
        _INITIALS[(ord(c) - _FIRST) // _PER_INITIAL] if _FIRST <= ord(c) <= _LAST else c for c in _normal(text)
    )


def matches(query: str, text: str) -> bool:
    """Tell whether each word typed stands somewhere in the text; words of initial consonants match syllables."""
    plain, initials = _normal(text), ""
    for word in _normal(query).split():
        if word in plain:
            continue
        if not any(c in _INITIALS for c in word):
            return False
        initials = initials or _initials(text)
        if word not in initials:
            return False
    return True
