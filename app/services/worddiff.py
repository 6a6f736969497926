# SPDX-License-Identifier: GPL-3.0-or-later
"""Word difference of two texts, for people: which words were taken out, which were put in. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Mark", "Piece", "marked_text", "word_diff"]

MAX_WORDS = 6_000  # beyond, whole lines are compared: the words of very long texts take too long
_WORD = re.compile(r"\w+|\s+|[^\w\s]", re.UNICODE)


class Mark(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text with one mark."""

    mark: Mark
    text: str


def word_diff(before: str, after: str) -> list[Piece]:
    """Return `after` with what it has more than `before`, and in between what it has no more."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    if len(old) + len(new) > MAX_WORDS:
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    out: list[Piece] = []
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag == "equal":
            _add(out, Mark.SAME, new[b1:b2])
            continue
        _add(out, Mark.REMOVED, old[a1:a2])
        _add(out, Mark.ADDED, new[b1:b2])
    return _joined(out)


def _add(out: list[Piece], mark: Mark, words: Sequence[str]) -> None:
    if words:
        out.append(Piece(mark, "".join(words)))


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Take single blanks between two changes into them: `[-a-] [-b-]` reads as one change."""
    out: list[Piece] = []
    place = 0
    while place < len(pieces):
        run: list[Piece] = []
        while place < len(pieces) and (pieces[place].mark is not Mark.SAME or (run and _is_bridge(pieces, place))):
            run.append(pieces[place])
            place += 1
        removed = "".join(p.text for p in run if p.mark is not Mark.ADDED)
        added = "".join(p.text for p in run if p.mark is not Mark.REMOVED)
        out += [Piece(m, t) for m, t in ((Mark.REMOVED, removed), (Mark.ADDED, added)) if t]
        if place < len(pieces):
            out.append(pieces[place])
            place += 1
    return out


def _is_bridge(pieces: Sequence[Piece], place: int) -> bool:
    follows = place + 1 < len(pieces) and pieces[place + 1].mark is not Mark.SAME
    return follows and pieces[place].text in (" ", "\u00a0")


def marked_text(pieces: Sequence[Piece]) -> str:
    """Return the pieces as one text that needs no colour: [-taken out-] and [+put in+]."""
    around = {Mark.SAME: ("", ""), Mark.ADDED: ("[+", "+]"), Mark.REMOVED: ("[-", "-]")}
    return "".join(f"{around[p.mark][0]}{p.text}{around[p.mark][1]}" for p in pieces)
