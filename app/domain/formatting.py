# SPDX-License-Identifier: GPL-3.0-or-later
"""Formatting of what agents write: marks on a plain text, and the small piece of HTML that they become. Pure.

The plain text is the truth and reads well alone: lists, numbers and quotes are signs at the start of a line. Marks say
which letters are bold, italic, monospaced or a link. Foreign HTML comes in through `read_html` only: what is not in the
subset leaves its words behind, and nothing in it is ever loaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from html import escape
from itertools import pairwise

__all__ = [
    "BULLET",
    "FIRST",
    "NUMBER",
    "QUOTE",
    "Look",
    "Mark",
    "Rich",
    "dump_marks",
    "is_formatted",
    "is_ours",
    "joined",
    "link_target",
    "load_marks",
    "marked_lines",
    "plain",
    "replaced",
    "tidy",
    "to_html",
]  # fmt: skip

BULLET, QUOTE, FIRST = "• ", "> ", "1. "
NUMBER = re.compile(r"(\d{1,3})\. ")
MAX_TARGET_CHARS = 2_000
_TARGET = re.compile(r"(?:https?://|mailto:)[^\s\"<>\x00-\x20\x7f]{1,2000}", re.IGNORECASE)
_MAX_MARKS = 10_000
_OURS = re.compile(r"(?:[^<]|</?(?:p|br|b|i|code|ul|li|blockquote|a|ol)>|<ol start=\"\d+\">|<a href=\"[^\"<>]*\">)*")


class Look(StrEnum):
    """What a mark does to letters."""

    BOLD = "b"
    ITALIC = "i"
    MONO = "m"
    LINK = "a"


_ORDER = (Look.LINK, Look.BOLD, Look.ITALIC, Look.MONO)
_TAGS = {Look.BOLD: "b", Look.ITALIC: "i", Look.MONO: "code"}


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Letters `start` to `end` (code points) look so; `target` is where a link leads."""

    start: int
    end: int
    look: Look
    target: str = ""


@dataclass(frozen=True, slots=True)
class Rich:
    """A text with marks."""

    text: str
    marks: tuple[Mark, ...] = ()


def link_target(text: str) -> str:
    """Return where a link may lead: http, https or mailto; empty for anything else. A bare domain becomes https."""
    text = text.strip()
    if re.fullmatch(r"[^\s@/:]+@[^\s@/:]+\.[^\s@/:]+", text):
        text = f"mailto:{text}"
    elif ":" not in text.partition("/")[0] and re.match(r"[\w-]+(\.[\w-]+)+(?:/|$)", text):
        text = f"https://{text}"
    return text if len(text) <= MAX_TARGET_CHARS and _TARGET.fullmatch(text) else ""


def tidy(marks: Iterable[Mark], length: int) -> tuple[Mark, ...]:
    """Return marks within a text, in order; those of one look that touch are one, links only with one target."""
    out: list[Mark] = []
    last: dict[tuple[Look, str], int] = {}
    for mark in sorted(marks):
        start, end = max(0, mark.start), min(mark.end, length)
        if start >= end or (mark.look is Look.LINK and not link_target(mark.target)):
            continue
        key = (mark.look, mark.target if mark.look is Look.LINK else "")
        at = last.get(key)
        if at is not None and out[at].end >= start:
            out[at] = replace(out[at], end=max(out[at].end, end))
        elif len(out) < _MAX_MARKS:
            last[key] = len(out)
            out.append(Mark(start, end, mark.look, key[1]))
    return tuple(sorted(out))


def joined(parts: Sequence[Rich], between: str) -> Rich:
    """Put texts one after the other."""
    text, marks = "", list[Mark]()
    for n, part in enumerate(parts):
        text += between if n else ""
        marks += [replace(m, start=m.start + len(text), end=m.end + len(text)) for m in part.marks]
        text += part.text
    return Rich(text, tidy(marks, len(text)))


def replaced(rich: Rich, edits: Sequence[tuple[int, int, str]]) -> Rich:
    """Put other words in some places (from, to, words; in order, apart). A mark around a place covers its new words."""
    out, shifts, at = list[str](), list[tuple[int, int, int]](), 0
    for start, end, words in edits:
        out += [rich.text[at:start], words]
        shifts.append((start, end, len(words)))
        at = end
    text = "".join(out) + rich.text[at:]
    if not rich.marks:
        return Rich(text)
    marks = [replace(m, start=_moved(m.start, shifts, False), end=_moved(m.end, shifts, True)) for m in rich.marks]
    return Rich(text, tidy(marks, len(text)))


def _moved(place: int, shifts: Sequence[tuple[int, int, int]], is_end: bool) -> int:
    by = 0
    for start, end, length in shifts:
        if place >= end:
            by += length - (end - start)
        elif place > start:  # inside what was replaced
            return start + by + (length if is_end else 0)
    return place + by


def marked_lines(text: str) -> bool:
    """Whether a line is one of a list or a quote."""
    return any(line.startswith((BULLET, QUOTE)) for line in text.splitlines()) or any(
        kind == "ol" and len(lines) > 1 for kind, lines in _runs(text)
    )


def is_formatted(rich: Rich) -> bool:
    """Whether there is anything that plain text alone does not show."""
    return bool(rich.marks) or marked_lines(rich.text)


def plain(rich: Rich) -> str:
    """Return the text for who sees no formatting: a link that shows other words is followed by its target."""
    edits = []
    for mark in rich.marks:
        shown, target = rich.text[mark.start : mark.end], mark.target.removeprefix("mailto:")
        if mark.look is Look.LINK and link_target(shown) not in (mark.target, mark.target.rstrip("/")):
            edits.append((mark.end, mark.end, f" ({target})"))
    return replaced(Rich(rich.text), sorted(edits)).text if edits else rich.text


def dump_marks(marks: Sequence[Mark]) -> str | None:
    """Return marks as a draft keeps them; None for none."""
    rows = [[m.start, m.end, m.look.value, *([m.target] if m.target else [])] for m in marks]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")) if rows else None


def load_marks(raw: str | None, length: int) -> tuple[Mark, ...]:
    """Return kept marks; what cannot be read is none: the words stay."""
    try:
        rows = json.loads(raw) if raw else []
        marks = [Mark(int(row[0]), int(row[1]), Look(row[2]), str(row[3]) if len(row) > 3 else "") for row in rows]
    except (ValueError, TypeError, IndexError, KeyError):
        return ()
    return tidy(marks, length)


def is_ours(html: str) -> bool:
    """Whether markup is of the subset alone, as `to_html` writes it."""
    return _OURS.fullmatch(html) is not None


# --- out ---------------------------------------------------------------------------------------------------------


def to_html(rich: Rich) -> str | None:
    """Return the text in the subset; None where plain text says it all."""
    text = rich.text.rstrip("\n")
    marks = tidy(rich.marks, len(text))  # whatever made them: only letters that are there, only links that may be
    if not is_formatted(Rich(text, marks)):
        return None
    return "".join(_block(kind, lines, text, marks) for kind, lines in _runs(text))


_Line = tuple[int, int]  # where its words begin (behind the sign) and end


def _runs(text: str) -> list[tuple[str, list[_Line]]]:
    """Return runs of lines of one kind: p, ul, blockquote, and ol where numbers follow each other."""
    out: list[tuple[str, list[_Line]]] = []
    at, number = 0, 0
    for line in text.split("\n"):
        kind, sign, found = "p", 0, NUMBER.match(line)
        if line.startswith(BULLET):
            kind, sign = "ul", len(BULLET)
        elif line.startswith(">"):
            kind, sign = "blockquote", len(QUOTE) if line.startswith(QUOTE) else 1
        elif found is not None:
            kind, sign = "ol", found.end()
        follows = bool(out) and out[-1][0] == kind
        if kind == "ol" and found is not None:
            follows = follows and int(found[1]) == number + 1
            number = int(found[1])
        place = (at + sign, at + len(line))
        if follows:
            out[-1][1].append(place)
        else:
            out.append((kind, [place]))
        at += len(line) + 1
    return out


def _block(kind: str, lines: Sequence[_Line], text: str, marks: Sequence[Mark]) -> str:
    said = [_line(text, start, end, marks) for start, end in lines]
    if kind in ("ul", "ol"):
        first = NUMBER.match(text, text.rfind("\n", 0, lines[0][0]) + 1) if kind == "ol" else None
        start = f' start="{int(first[1])}"' if first is not None and int(first[1]) != 1 else ""
        return f"<{kind}{start}>" + "".join(f"<li>{line}</li>" for line in said) + f"</{kind}>"
    more = "<br>" if not said[-1] else ""  # the last line break of a block shows nothing
    return f"<{kind}>" + "<br>".join(said) + f"{more}</{kind}>"


def _line(text: str, start: int, end: int, marks: Sequence[Mark]) -> str:
    here = [m for m in marks if m.start < end and m.end > start]
    if not here:
        return _escaped(text[start:end], first=True)
    edges = sorted({start, end, *(min(max(e, start), end) for m in here for e in (m.start, m.end))})
    out = []
    for a, b in pairwise(edges):
        inner = _escaped(text[a:b], first=a == start)
        looks = {m.look: m.target for m in here if m.start <= a and m.end >= b}
        for look in reversed(_ORDER):
            if look in looks:
                tag = _TAGS.get(look)
                inner = f"<{tag}>{inner}</{tag}>" if tag else f'<a href="{escape(looks[look])}">{inner}</a>'
        out.append(inner)
    return "".join(out)


def _escaped(text: str, *, first: bool) -> str:
    text = escape(text, quote=False).replace("\t", "    ").replace("  ", " \xa0")
    return f"\xa0{text[1:]}" if first and text.startswith(" ") else text
