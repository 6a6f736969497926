# SPDX-License-Identifier: GPL-3.0-or-later
"""The port through which windows read what customers are told: articles, announcements, contact, opening hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.domain.announcements import Announcement
from app.domain.articles import Article

__all__ = ["ArticlePage", "HoursView", "KnowledgeStore", "SupportContact", "VersionLine"]


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version in the list of an article's versions."""

    id: bytes
    saved_at: int
    author_name: str
    state: str


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """One version as it is read. `newer`: it is not the one that counts. `rivals`: saved by others at the same time."""

    article: Article
    author_name: str
    newer: bool = False
    versions: Sequence[VersionLine] = ()
    rivals: Sequence[VersionLine] = field(default=())


@dataclass(frozen=True, slots=True)
class SupportContact:
    """How customers reach support. `id` None: nobody has written it yet."""

    id: bytes | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HoursView:
    """A business calendar in the version saved last. `days`: intervals as written, by weekday (0 = Monday)."""

    name: str
    zone: str
    days: Mapping[int, Sequence[tuple[str, str]]]
    closed: Sequence[tuple[str, Mapping[str, str]]] = ()  # dates (ISO) and names by language, in order
    exceptions: Sequence[tuple[str, Sequence[tuple[str, str]], str]] = ()  # dates, intervals and names, in order
    of_contact: bool = False  # customers see these hours
    teams: Sequence[Mapping[str, str]] = ()  # names of the teams that have it, by language
    id: bytes = b""  # of the version
    waits: bool = False  # the server has not compiled it yet: the hours before it still count


class KnowledgeStore(Protocol):
    """Reads of both files. Blocks: worker threads only. Raises StoreUnavailable."""

    def articles(self) -> Sequence[Article]:
        """Return the version that counts of each article, the retired ones included."""
        ...

    def article(self, article: bytes, version: bytes | None = None) -> ArticlePage | None:
        """Return a version of an article, or the one that counts; None when it is not on this computer."""
        ...

    def announcements(self) -> Sequence[Announcement]:
        """Return the version that counts of each announcement, newest first."""
        ...

    def contact(self) -> SupportContact:
        """Return how customers reach support."""
        ...

    def hours(self) -> Sequence[HoursView]:
        """Return the business calendars, that of the contact first."""
        ...

    def users(self) -> Mapping[bytes, str]:
        """Return names of people by id."""
        ...
