# SPDX-License-Identifier: GPL-3.0-or-later
"""Three-way merge of long texts: by paragraphs, and where both changed one, by its lines. Pure; never loses a text.

Where both changed the same place differently, the text in place (theirs) stays there and the result is not clean:
the caller keeps the other text whole. Equal changes count once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from app.domain.executor import Merged

__all__ = ["MAX_LINES", "merge_texts"]

MAX_LINES = 5000
_MAX_PAIRS = 1_000_000  # equal pieces to compare, about a quarter of a second


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The same stretch in three texts. Stable ones are equal in all of them."""

    base: Sequence[str]
    mine: Sequence[str]
    theirs: Sequence[str]


def merge_texts(base: str, mine: str, theirs: str) -> Merged | None:
    """Return both edits of `base` in one text; None when a text is too long to be merged."""
    if mine in (theirs, base):
        return Merged(theirs, clean=True)
    if theirs == base:
        return Merged(mine, clean=True)
    if max(text.count("\n") for text in (base, mine, theirs)) >= MAX_LINES:
        return None
    try:
        chunks = _chunks(_paragraphs(base), _paragraphs(mine), _paragraphs(theirs))
        return _joined([_settled(chunk, _by_lines) for chunk in chunks])
    except _TooCostly:
        return None


def _joined(parts: Sequence[Merged]) -> Merged:
    return Merged("".join(part.text for part in parts), all(part.clean for part in parts))


def _settled(chunk: _Chunk, both: Callable[[_Chunk], Merged]) -> Merged:
    """Take the side that changed; where both did, ask `both`."""
    if chunk.mine in (chunk.base, chunk.theirs):
        return Merged("".join(chunk.theirs), clean=True)
    if chunk.theirs == chunk.base:
        return Merged("".join(chunk.mine), clean=True)
    return both(chunk)


def _by_lines(chunk: _Chunk) -> Merged:
    parts = _chunks(*(_lines("".join(side)) for side in (chunk.base, chunk.mine, chunk.theirs)))
    return _joined([_settled(part, lambda p: Merged("".join(p.theirs), clean=False)) for part in parts])


def _lines(text: str) -> list[str]:
    """Cut after each line feed and nowhere else: other line ends are part of the text."""
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _paragraphs(text: str) -> list[str]:
    """Cut after each run of blank lines; the pieces joined are the text."""
    out: list[str] = []
    piece: list[str] = []
    blank = False
    for line in _lines(text):
        if blank and line.strip():
            out.append("".join(piece))
            piece = []
        piece.append(line)
        blank = not line.strip()
    return [*out, "".join(piece)] if piece else out


class _TooCostly(Exception):
    """Comparing these would hold up everybody else."""


def _matches(base: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    """Return which pieces of `base` stand unchanged in `other`, in order."""
    found: dict[int, int] = {}
    counts = Counter(other)
    if sum(n * counts[piece] for piece, n in Counter(base).items()) > _MAX_PAIRS:
        raise _TooCostly
    for a, b, size in SequenceMatcher(None, base, other, autojunk=False).get_matching_blocks():
        found.update((a + i, b + i) for i in range(size))
    return found


def _chunks(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> list[_Chunk]:
    """Cut three texts at the pieces that stand in all of them (the classic diff3)."""
    in_mine, in_theirs = _matches(base, mine), _matches(base, theirs)
    out: list[_Chunk] = []
    at = (0, 0, 0)
    for i in [*(i for i in range(len(base)) if i in in_mine and i in in_theirs), len(base)]:
        end = (i, in_mine.get(i, len(mine)), in_theirs.get(i, len(theirs)))
        if end != at:
            out.append(_Chunk(base[at[0] : end[0]], mine[at[1] : end[1]], theirs[at[2] : end[2]]))
        if i < len(base):
            out.append(_Chunk(base[i : i + 1], base[i : i + 1], base[i : i + 1]))
        at = (i + 1, end[1] + 1, end[2] + 1)
    return out
