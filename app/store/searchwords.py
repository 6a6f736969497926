# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a search text: words, phrases and operators, and the index expressions that find them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.store.text import CJK, normalise, pairs, without_marks

OPERATORS = {
    "state": "state", "status": "state", "상태": "state",
    "owner": "owner", "assignee": "owner", "담당": "owner", "담당자": "owner",
    "team": "team", "팀": "team",
    "tag": "tag", "태그": "tag",
    "customer": "customer", "고객": "customer",
    "priority": "priority", "우선순위": "priority",
    "before": "before", "이전": "before",
    "after": "after", "이후": "after",
    "is": "is",
}  # fmt: skip
_PARTICLES = ("에서", "까지", "부터", "으로", "은", "는", "이", "가", "을", "를", "에", "의", "도", "로", "와", "과")
_TOKEN = re.compile(r'(-?)(?:([^\s":：]+)[:：])?(?:"([^"]*)"|([^\s"]+))')
_SEGMENT = re.compile(f"([{CJK}]+)|([^\\W{CJK}]+)")
_LONG = 4  # syllables from which a compound is also looked for in pieces


@dataclass(frozen=True, slots=True)
class Term:
    """A word or, in quotes, an exact phrase; normalised."""

    text: str
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """`state:open` and the like; `name` is the English one."""

    name: str
    value: str
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A search text, read. `raw` is the whole text, for exact jumps."""

    raw: str
    terms: tuple[Term, ...] = ()
    without: tuple[Term, ...] = ()
    operators: tuple[Operator, ...] = ()


def read_query(text: str) -> Query:
    """Read a search text. Never fails: what is no operator is a word."""
    terms: list[Term] = []
    without: list[Term] = []
    operators: list[Operator] = []
    for minus, key, phrase, word in _TOKEN.findall(text):
        value = phrase or word
        name = OPERATORS.get(normalise(key)) if key else None
        if name and value:
            operators.append(Operator(name, normalise(value), negative=bool(minus)))
            continue
        term = Term(normalise(f"{key}:{value}" if key else value), exact=bool(phrase))
        if expression(term):
            (without if minus else terms).append(term)
    return Query(text.strip(), tuple(terms), tuple(without), tuple(operators))


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
    for particle in _PARTICLES:
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
