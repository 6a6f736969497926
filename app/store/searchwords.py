# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a search as expressions of the index: exact pairs first, then tries that look less closely. Pure."""

from __future__ import annotations

import re

from app.domain.particles import PARTICLES
from app.domain.search_text import CJK, Term
from app.store.text import pairs, without_marks

__all__ = ["Term", "expression", "needles", "relaxed", "segments"]

_SEGMENT = re.compile(f"([{CJK}]+)|([^\\W{CJK}]+)")
_LONG = 4  # syllables from which a compound is also looked for in pieces


def segments(text: str) -> list[tuple[bool, str]]:
    """Return the parts of a normalised word by script, as the index has them: (is CJK, part)."""
    return [(bool(cjk), cjk or other) for cjk, other in _SEGMENT.findall(without_marks(text))]


def expression(term: Term) -> str:
    """Return the index expression of a term, or "" when it has nothing to look for."""
    if term.exact:
        words = " ".join(part for _, part in segments(term.text))
        return f'body:"{words}" *' if words else ""
    parts = []
    latin: list[str] = []
    for is_cjk, part in segments(term.text):
        if not is_cjk:
            latin.append(part)
            continue
        parts += _latin(latin)
        latin = []
        parts.append(f'cjk:"{" ".join(pairs(part))}"' if len(part) > 1 else f'body:"{part}" *')
    return " AND ".join(parts + _latin(latin))


def _latin(words: list[str]) -> list[str]:
    return [f'body:"{" ".join(words)}" *'] if words else []


def relaxed(term: Term) -> str:
    """Return the second try of a term: a trailing particle dropped, long compounds in pieces; "" if there is none."""
    if term.exact:
        return ""
    tries = []
    bare = _without_particle(term.text)
    for text in dict.fromkeys((term.text, bare)):
        if text != term.text:
            tries.append(expression(Term(text)))
        pieces = _in_pieces(text)
        if pieces:
            tries.append(pieces)
    return " OR ".join(f"({t})" for t in tries)


def _without_particle(text: str) -> str:
    parts = segments(text)
    if not parts or not parts[-1][0]:
        return text
    last = parts[-1][1]
    for particle in PARTICLES:
        if last.endswith(particle) and len(last) - len(particle) >= 2:
            return text[: len(text) - len(particle)]
    return text


def _in_pieces(text: str) -> str:
    parts = segments(text)
    if not any(is_cjk and len(part) >= _LONG for is_cjk, part in parts):
        return ""
    out = []
    for is_cjk, part in parts:
        if is_cjk and len(part) >= _LONG:
            pieces = [part[i : i + 2] for i in range(0, len(part) - 1, 2)]
            if len(part) % 2:
                pieces.append(part[-2:])
            near = " ".join(f'"{piece}"' for piece in pieces)
            out.append(f"cjk:NEAR({near}, 4)")
        else:
            out.append(expression(Term(part)))
    return " AND ".join(out)


def needles(term: Term) -> list[str]:
    """Return what to look for in a row's text when a snippet is cut: the whole word first."""
    bare = _without_particle(term.text)
    parts = [part for _, part in segments(term.text)]
    return list(dict.fromkeys([term.text, bare, *parts, *(p[:2] for p in parts if len(p) > 1)]))
