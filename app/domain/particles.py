# SPDX-License-Identifier: GPL-3.0-or-later
"""Korean particles at the end of a word: a search for the noun alone finds more. Pure."""

from __future__ import annotations

__all__ = ["PARTICLES", "without_particle"]

PARTICLES = ("에서", "까지", "부터", "으로", "은", "는", "이", "가", "을", "를", "에", "의", "도", "로", "와", "과")
_LEAST = 2  # syllables that stay


def without_particle(word: str) -> str:
    """Return a word without its trailing particle, where two syllables of Hangul stay."""
    for particle in PARTICLES:
        stem = word.removesuffix(particle)
        if stem != word and len(stem) >= _LEAST and all("가" <= letter <= "힣" for letter in stem[-_LEAST:]):
            return stem
    return word
