# SPDX-License-Identifier: GPL-3.0-or-later
"""How alike two requests are: by their words, the pairs of their Korean syllables, and codes. Pure.

Written for the hint "3 similar tickets" while a ticket is taken down or read: it ranks, it decides nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from math import log

__all__ = ["features", "likeness", "strong_words"]

_RUN = re.compile(r"[가-힣一-龥ぁ-ヿ]+|[a-z0-9][a-z0-9_.-]*[a-z0-9]|[a-z0-9]")
_CODE = re.compile(r"(?=[a-z-]*\d)(?=\d*-?[a-z])[a-z0-9-]{3,}|0x[0-9a-f]+")
_CODE_WEIGHT = 4.0  # one shared error code or model says more than several shared words
_LOOKED_AT = 4_000  # characters: what is quoted below says nothing new
_PARTICLES = ("에서", "까지", "부터", "으로", "은", "는", "이", "가", "을", "를", "에", "의", "도", "로", "와", "과")
# courtesies and fillers that stand in most requests
_COMMON = frozenset(
    {"안녕", "녕하", "하세", "세요", "니다", "습니", "합니", "감사", "사합", "문의", "부탁", "드립", "립니", "the",
     "and", "for", "you", "is", "it", "to", "of", "a", "in", "on", "please", "hello", "my", "we", "our"}
)  # fmt: skip


def _parts(text: str) -> list[str]:
    return _RUN.findall(unicodedata.normalize("NFKC", text[:_LOOKED_AT]).casefold())


def features(text: str) -> frozenset[str]:
    """Return what a text is compared by."""
    out: set[str] = set()
    for part in _parts(text):
        if "a" <= part[0] <= "z" or part[0].isdigit() or len(part) == 1:
            out.add(part)
        else:
            out.update(part[i : i + 2] for i in range(len(part) - 1))
    return frozenset(out - _COMMON)


def likeness(one: frozenset[str], other: frozenset[str], seen_in: Mapping[str, int], of: int) -> float:
    """Return 0 to 1. `seen_in` counts in how many of the `of` texts each feature stands: rare ones say more."""
    shared = _weight(one & other, seen_in, of)
    if not shared:
        return 0.0
    return shared / min(_weight(one, seen_in, of), _weight(other, seen_in, of))


def _weight(found: Iterable[str], seen_in: Mapping[str, int], of: int) -> float:
    total = 0.0
    for feature in found:
        rare = log(1 + (of + 1) / (1 + seen_in.get(feature, 0)))
        total += rare * (_CODE_WEIGHT if _CODE.fullmatch(feature) else 1.0)
    return total


def strong_words(text: str, most: int = 10) -> list[str]:
    """Return the words by which to look for alike texts: codes first, then the longest, Korean without particles."""
    words = dict.fromkeys(_bare(part) for part in _parts(text) if len(part) > 1 and part not in _COMMON)
    return sorted(words, key=lambda word: (_CODE.fullmatch(word) is None, -len(word)))[:most]


def _bare(word: str) -> str:
    for particle in _PARTICLES:
        if word.endswith(particle) and len(word) - len(particle) >= 2:
            return word[: -len(particle)]
    return word
