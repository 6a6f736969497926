# SPDX-License-Identifier: GPL-3.0-or-later
"""What a customer keeps back: rectangles, and rules that hide windows by a word of their title or program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["DEFAULT_RULES", "MASKS_MAX", "WORD_MAX", "Box", "MaskRule", "clean_rules", "first_hit", "inside"]

Box = tuple[int, int, int, int]
"""x, y, width, height."""
MASKS_MAX: Final = 64
_RULES_MAX: Final = 64
WORD_MAX: Final = 80


@dataclass(frozen=True, slots=True)
class MaskRule:
    """A word of a window's title or program. Such a window is masked; with `pause` nothing at all is shown."""

    word: str
    pause: bool = False


DEFAULT_RULES: Final = (MaskRule("bank", pause=True), MaskRule("은행", pause=True), MaskRule("뱅킹", pause=True))


def clean_rules(rules: Iterable[MaskRule]) -> tuple[MaskRule, ...]:
    """Return the rules that can match something, each word once; what pauses wins over what masks."""
    found: dict[str, MaskRule] = {}
    for rule in rules:
        word = " ".join("".join(char if char.isprintable() else " " for char in rule.word).split())[:WORD_MAX]
        key = word.casefold()
        if word and (key not in found or rule.pause):
            found[key] = MaskRule(found[key].word if key in found else word, rule.pause)
    return tuple(found.values())[:_RULES_MAX]


def first_hit(rules: Sequence[MaskRule], title: str, program: str) -> MaskRule | None:
    """Return the rule for a window, one that pauses before one that masks, or None.

    A Latin word is found where a word of the text begins ("bank" in "Banking"), others anywhere in it.
    """
    texts = (title.casefold(), program.casefold())
    hits = [rule for rule in rules if any(_found(rule.word.casefold(), text) for text in texts)]
    return next((rule for rule in hits if rule.pause), hits[0] if hits else None)


def _found(word: str, text: str) -> bool:
    if not word:
        return False
    if word[0].isascii() and word[0].isalnum():
        return re.search(rf"(?<![a-z0-9]){re.escape(word)}", text) is not None
    return word in text


def inside(point: tuple[int, int], box: Box) -> bool:
    """Tell whether a pixel lies in a rectangle."""
    return box[0] <= point[0] < box[0] + box[2] and box[1] <= point[1] < box[1] + box[3]
