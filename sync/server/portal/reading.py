# SPDX-License-Identifier: GPL-3.0-or-later
"""Articles and announcements as customers read them: published, for everybody, in the version that counts. Blocking."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

import sqlalchemy as sa

from app.config.i18n import Language
from app.domain.articles import Article, current
from app.domain.entities import ANNOUNCEMENT, ARTICLE
from sync.server.schema import ENTITY_TABLES
from sync.server.store import Store

__all__ = ["Reading"]

_PLACE = "portal"


@dataclass(frozen=True, slots=True)
class _Announcement:
    id: bytes
    of: bytes
    supersedes: bytes | None
    saved_at: int
    texts: Mapping[str, str]
    places: frozenset[str]
    from_at: int
    until_at: int | None
    withdrawn: bool

    def shows(self, now: int, place: str) -> bool:
        """Tell whether it stands in a place now."""
        ended = self.until_at is not None and now >= self.until_at
        return not self.withdrawn and place in self.places and self.from_at <= now and not ended


class Reading:
    """Reads from the store; texts are read again only when one was saved."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._articles: tuple[object, list[Article]] = (None, [])

    def articles(self) -> list[Article]:
        """Return what customers may read."""
        table = ENTITY_TABLES[ARTICLE.number]
        with self._store.read() as connection:
            mark = tuple(connection.execute(sa.select(sa.func.max(table.c.seq), sa.func.count())).one())
            with self._lock:
                if self._articles[0] == mark:
                    return self._articles[1]
            rows = connection.execute(sa.select(table).where(table.c.deleted == sa.false())).mappings().all()
        found = [each for each in current(_article(row) for row in rows) if each.is_public]
        with self._lock:
            self._articles = (mark, found)
        return found

    def article(self, of: str) -> Article | None:
        """Return an article by its id in hex."""
        return next((each for each in self.articles() if each.of.hex() == of), None)

    def announcements(self, now: int, language: Language) -> list[str]:
        """Return what everybody should know now, newest first."""
        table = ENTITY_TABLES[ANNOUNCEMENT.number]
        with self._store.read() as connection:
            rows = connection.execute(sa.select(table).where(table.c.deleted == sa.false())).mappings().all()
        shown = [each for each in current(_announcement(row) for row in rows) if each.shows(now, _PLACE)]
        shown.sort(key=lambda each: (-each.from_at, each.of))
        other = "en" if language == "ko" else "ko"
        return [each.texts[language] or each.texts[other] for each in shown]


def _article(row: sa.RowMapping) -> Article:
    return Article(
        id=bytes(row["id"]),
        of=bytes(row["article"]),
        supersedes=bytes(row["supersedes"]) if row["supersedes"] is not None else None,
        saved_at=row["created_at"] or 0,
        titles={lang: row[f"title_{lang}"] or "" for lang in ("ko", "en")},
        bodies={lang: row[f"body_{lang}"] or "" for lang in ("ko", "en")},
        folder=row["folder"] or "",
        audience=row["audience"] or "",
        state=row["state"] or "",
    )


def _announcement(row: sa.RowMapping) -> _Announcement:
    return _Announcement(
        id=bytes(row["id"]),
        of=bytes(row["announcement"]),
        supersedes=bytes(row["supersedes"]) if row["supersedes"] is not None else None,
        saved_at=row["created_at"] or 0,
        texts={lang: row[f"text_{lang}"] or "" for lang in ("ko", "en")},
        places=frozenset(json.loads(row["places"] or "[]")),
        from_at=row["from_at"] or 0,
        until_at=row["until_at"],
        withdrawn=bool(row["withdrawn"]),
    )
