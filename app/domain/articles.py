# SPDX-License-Identifier: GPL-3.0-or-later
"""Articles as readers find them: which version counts, what matches a search, how a text is built, what was quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from app.domain.formatting import BULLET, Look, Mark, Rich
from app.domain.particles import without_particle
from app.domain.search_text import normalise

__all__ = [
    "Article", "ArticleFinder", "Audience", "Part", "Publication", "article_link", "article_of_link", "as_rich",
    "current", "find_articles", "fitting", "may_be_quoted", "parts_of_text", "rivals", "start_of",
]  # fmt: skip

_BLANK = re.compile(r"\n[ \t]*\n")
_STEP = re.compile(r"\d{1,2}[.)] +")
_START_CHARS = 140
_MOST_WORDS = 12
_MOST_WRITTEN = 60
_WORD = re.compile(r"\w+")
_SAYS_NOTHING: Final = frozenset({
    "the", "and", "for", "are", "was", "not", "but", "you", "your", "our", "can", "cannot", "this", "that", "with",
    "from", "have", "has", "had", "does", "did", "when", "what", "why", "how", "who", "will", "would", "could",
    "please", "help", "hello", "thanks", "thank", "there", "here", "then", "than", "all", "any", "into", "its", "been",
    "again", "since", "after",
    "안녕하세요", "감사합니다", "있습니다", "없습니다", "합니다", "됩니다", "않습니다", "그리고", "하지만", "그런데",
    "어떻게", "저는", "제가", "다시", "계속", "자꾸", "갑자기", "오늘", "어제", "지금", "주세요", "부탁드립니다",
    "문의", "도와주세요",
})  # fmt: skip
_LINK = re.compile(r"/help/answers/([0-9a-f]{32})\?version=([0-9a-f]{32})")


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
    review_on: str = ""
    author: bytes | None = None

    def language(self, wanted: str) -> str:
        """Return the language in which somebody reads it who wants one."""
        other = "en" if wanted == "ko" else "ko"
        return wanted if self.titles.get(wanted) and self.bodies.get(wanted) else other

    def title(self, wanted: str) -> str:
        """Return its title in a language, or what there is of one."""
        return self.titles.get(self.language(wanted)) or next(filter(None, self.titles.values()), "")

    def body(self, wanted: str) -> str:
        """Return its text in a language, or what there is of one."""
        return self.bodies.get(self.language(wanted)) or next(filter(None, self.bodies.values()), "")

    @property
    def is_public(self) -> bool:
        """Tell whether customers may read it."""
        return self.state == Publication.PUBLISHED and self.audience == Audience.PUBLIC


def current(versions: Iterable[V]) -> list[V]:
    """Return the version of each that counts: what nothing replaces; of two that replaced the same, the newer."""
    newest: dict[bytes, V] = {}
    for each in _heads(versions):
        known = newest.get(each.of)
        if known is None or (each.saved_at, each.id) > (known.saved_at, known.id):
            newest[each.of] = each
    return list(newest.values())


def rivals(versions: Iterable[V], counts: V) -> list[V]:
    """Return what others saved from the same version as the one that counts, until somebody saves after both."""
    heads = _heads(versions)
    return [each for each in heads if each.of == counts.of and each.id != counts.id and _beside(each, counts)]


def _heads(versions: Iterable[V]) -> list[V]:
    listed = list(versions)
    replaced = {each.supersedes for each in listed if each.supersedes is not None}
    return [each for each in listed if each.id not in replaced]


def _beside(one: _Version, other: _Version) -> bool:
    return one.supersedes == other.supersedes


class ArticleFinder:
    """Finds articles by words while somebody types; texts are made ready once."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self.articles = articles
        self._ready = [
            (each, normalise(" ".join((*each.titles.values(), each.folder))), normalise(" ".join(each.bodies.values())))
            for each in articles
        ]

    def find(self, text: str, wanted: str) -> list[Article]:
        """Return what matches, best first: all words before some, title before text. Without words all, by title.

        A word is found inside longer ones, and without its Korean particle: 결제가 finds 간편결제.
        """
        words = [{w, without_particle(w)} for w in dict.fromkeys(normalise(text).split()[:_MOST_WORDS])]
        if not words:
            return sorted(self.articles, key=lambda a: (a.folder, a.title(wanted), a.of))
        ranked = []
        for each, title, body in self._ready:
            in_title = sum(any(w in title for w in forms) for forms in words)
            found = sum(any(w in title or w in body for w in forms) for forms in words)
            if found:
                ranked.append((-found, -in_title, each.title(wanted), each.of, each))
        return [each for *_, each in sorted(ranked, key=lambda row: row[:4])]


def find_articles(articles: Sequence[Article], text: str, wanted: str) -> list[Article]:
    """Return what matches, as `ArticleFinder` does, once."""
    return ArticleFinder(articles).find(text, wanted)


def fitting(articles: Sequence[Article], text: str, wanted: str, most: int = 3) -> list[Article]:
    """Return what may answer somebody who writes this, best first; rather none than one that merely shares a word.

    A word of the title counts three times one of the text, and three are needed. What stands in most articles, and
    what every sentence has, counts nothing. Latin words begin as they are written; Korean ones are found inside others.
    """
    said = [w for w in dict.fromkeys(_WORD.findall(normalise(text))) if w not in _SAYS_NOTHING][:_MOST_WRITTEN]
    words = [forms for w in said if (forms := {f for f in (w, without_particle(w)) if _tells(f)})]
    ready = [(_spaced(each.titles.values()), _spaced(each.bodies.values())) for each in articles]
    hits = [[3 if _stands(forms, title) else int(_stands(forms, body)) for forms in words] for title, body in ready]
    common = {n for n in range(len(words)) if len(ready) > 3 and 2 * sum(bool(row[n]) for row in hits) > len(ready)}
    scores = [sum(hit for n, hit in enumerate(row) if n not in common) for row in hits]
    ranked = sorted(
        ((-score, each.title(wanted), each.of, each) for each, score in zip(articles, scores, strict=True)),
        key=lambda row: row[:3],
    )
    return [row[3] for row in ranked[:most] if row[0] <= -3]


def _tells(form: str) -> bool:
    return len(form) > (2 if form.isascii() else 1) and form not in _SAYS_NOTHING


def _spaced(texts: Iterable[str]) -> str:
    return " " + " ".join(_WORD.findall(normalise(" ".join(texts))))


def _stands(forms: Iterable[str], text: str) -> bool:
    return any((f" {form}" if form.isascii() else form) in text for form in forms)


def may_be_quoted(article: Article, *, to_customer: bool) -> bool:
    """Tell whether its text may stand in a reply, or in an internal note: what is published, and staff's in notes."""
    return article.is_public if to_customer else article.state == Publication.PUBLISHED


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


# --- in what is written to a customer --------------------------------------------------------------------------------


def article_link(server: str, article: Article) -> str:
    """Return where the version that is quoted stands: customers read the article there, agents that version."""
    return f"{server.rstrip('/')}/help/answers/{article.of.hex()}?version={article.id.hex()}"


def article_of_link(link: str, server: str) -> tuple[bytes, bytes] | None:
    """Return article and version of such a link to this server, or None for any other link."""
    base = server.rstrip("/")
    found = _LINK.fullmatch(link[len(base) :]) if base and link.startswith(base) else None
    return (bytes.fromhex(found[1]), bytes.fromhex(found[2])) if found is not None else None


def as_rich(article: Article, wanted: str, link: str, before_link: str) -> Rich:
    """Return an article as it stands in a reply: headings bold, lists as ours, then its title as a link."""
    text, marks = "", list[Mark]()
    for part in parts_of_text(article.body(wanted)):
        text += "\n\n" if text else ""
        if part.heading:
            marks.append(Mark(len(text), len(text) + len(part.heading), Look.BOLD))
            text += part.heading
        text += part.text or "\n".join(
            [f"{BULLET}{item}" for item in part.items] + [f"{n}. {step}" for n, step in enumerate(part.steps, 1)]
        )
    if link:
        text += f"\n\n{before_link}: " if text else f"{before_link}: "
        title = article.title(wanted)
        marks.append(Mark(len(text), len(text) + len(title), Look.LINK, link))
        text += title
    return Rich(text, tuple(marks))
