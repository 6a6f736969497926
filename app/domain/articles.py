# SPDX-License-Identifier: GPL-3.0-or-later
"""Articles and announcements as readers find them: which version counts, what matches a search, how a text is built."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeVar

from app.domain.search_text import normalise

__all__ = ["Article", "Audience", "Part", "Publication", "current", "find_articles", "parts_of_text", "start_of"]

_BLANK = re.compile(r"\n[ \t]*\n")
_STEP = re.compile(r"\d{1,2}[.)] +")
_START_CHARS = 140


class Publication(StrEnum):
    """Where an article stands on its way to readers."""

    DRAFT = "draft"
    REVIEW = "review"
    PUBLISHED = "published"
    RETIRED = "retired"


class Audience(StrEnum):
    """Who may read an article."""

    PUBLIC = "public"
    STAFF = "staff"


class _Version(Protocol):
    @property
    def id(self) -> bytes: ...
    @property
    def of(self) -> bytes: ...
    @property
    def supersedes(self) -> bytes | None: ...
    @property
    def saved_at(self) -> int: ...


V = TypeVar("V", bound=_Version)


@dataclass(frozen=True, slots=True)
class Article:
    """One version of an article. A text that is missing in one language stands in the other."""

    id: bytes
    of: bytes
    supersedes: bytes | None
    saved_at: int
    titles: Mapping[str, str]
    bodies: Mapping[str, str]
    folder: str = ""
    audience: str = Audience.PUBLIC
    state: str = Publication.DRAFT

    def language(self, wanted: str) -> str:
        """Return the language in which somebody reads it who wants one."""
        other = "en" if wanted == "ko" else "ko"
        return wanted if self.titles.get(wanted) and self.bodies.get(wanted) else other

    @property
    def is_public(self) -> bool:
        """Tell whether customers may read it."""
        return self.state == Publication.PUBLISHED and self.audience == Audience.PUBLIC


def current(versions: Iterable[V]) -> list[V]:
    """Return the version of each that counts: what nothing replaces; of two that replaced the same, the newer."""
    listed = list(versions)
    replaced = {each.supersedes for each in listed if each.supersedes is not None}
    newest: dict[bytes, V] = {}
    for each in listed:
        if each.id in replaced:
            continue
        known = newest.get(each.of)
        if known is None or (each.saved_at, each.id) > (known.saved_at, known.id):
            newest[each.of] = each
    return list(newest.values())


def find_articles(articles: Sequence[Article], text: str, wanted: str) -> list[Article]:
    """Return what matches, best first: all words before some, title before text. Without words all, by title."""
    words = list(dict.fromkeys(normalise(text).split()))[:12]
    if not words:
        return sorted(articles, key=lambda a: (a.folder, a.titles.get(a.language(wanted), ""), a.of))
    ranked = []
    for each in articles:
        title = normalise(" ".join(each.titles.values()))
        body = normalise(" ".join(each.bodies.values()))
        in_title = sum(word in title for word in words)
        found = sum(word in title or word in body for word in words)
        if found:
            ranked.append((-found, -in_title, each.titles.get(each.language(wanted), ""), each.of, each))
    return [each for *_, each in sorted(ranked, key=lambda row: row[:4])]


@dataclass(frozen=True, slots=True)
class Part:
    """A heading, a list, numbered steps, or a paragraph."""

    text: str = ""
    heading: str = ""
    items: tuple[str, ...] = field(default=())
    steps: tuple[str, ...] = field(default=())


def parts_of_text(body: str) -> list[Part]:
    """Return a text by its blank lines; `# `, `- ` and `1. ` begin headings, lists and steps."""
    out = []
    for block in _BLANK.split(body.strip()):
        lines = [line.strip() for line in block.split("\n") if line.strip()]
        if not lines:
            continue
        if lines[0].startswith("# "):
            out.append(Part(heading=lines[0][2:].strip()))
            lines = lines[1:]
        if lines and all(line.startswith(("- ", "* ")) for line in lines):
            out.append(Part(items=tuple(line[2:].strip() for line in lines)))
        elif lines and all(_STEP.match(line) for line in lines):
            out.append(Part(steps=tuple(_STEP.sub("", line, count=1) for line in lines)))
        elif lines:
            out.append(Part(text="\n".join(lines)))
    return out


def start_of(body: str) -> str:
    """Return the first words of a text, for lists."""
    told = (part.text or " ".join(part.items or part.steps) for part in parts_of_text(body) if not part.heading)
    line = " ".join(next(told, "").split())
    return line if len(line) <= _START_CHARS else line[:_START_CHARS].rsplit(" ", 1)[0] + "…"
