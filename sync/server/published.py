# SPDX-License-Identifier: GPL-3.0-or-later
"""What Companions keep of articles and announcements. Read again only when one was saved. Blocking."""

from __future__ import annotations

import json
from threading import Lock

import sqlalchemy as sa

from app.domain.announcements import Announcement, Standing
from app.domain.articles import Article, current
from app.domain.entities import ANNOUNCEMENT, ARTICLE, Entity
from sync.published_protocol import AnnouncementView, ArticleView, Published
from sync.server.schema import ENTITY_TABLES
from sync.server.store import Store

__all__ = ["PLACE", "PublishedReader"]

PLACE = "companion"


class PublishedReader:
    """One for a server process. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._kept: tuple[str, list[ArticleView], list[Announcement]] = ("", [], [])

    def tag(self) -> str:
        """Return what changes with every save. Two short look-ups."""
        with self._store.read() as connection:
            return _tag(connection)

    def read(self, now: int) -> tuple[Published, str]:
        """Return what a Companion keeps, and its tag. What ended or was withdrawn is left out, what comes is not."""
        with self._store.read() as connection:
            tag = _tag(connection)
            with self._lock:
                kept = self._kept
            if kept[0] != tag:
                kept = (tag, _articles(connection), _announcements(connection))
                with self._lock:
                    self._kept = kept
        coming = [each for each in kept[2] if each.standing(now) in (Standing.SHOWS, Standing.LATER)]
        return Published(articles=kept[1], announcements=[_told(each) for each in coming]), tag


def _tag(connection: sa.Connection) -> str:
    marks = []
    for entity in (ARTICLE, ANNOUNCEMENT):
        table = ENTITY_TABLES[entity.number]
        newest, count = connection.execute(sa.select(sa.func.max(table.c.seq), sa.func.count())).one()
        marks.append(f"{newest or 0}.{count}")
    return f'"{"-".join(marks)}"'


def _rows(connection: sa.Connection, entity: Entity) -> list[sa.RowMapping]:
    table = ENTITY_TABLES[entity.number]
    return list(connection.execute(sa.select(table).where(table.c.deleted == sa.false())).mappings())


def _articles(connection: sa.Connection) -> list[ArticleView]:
    versions = [
        Article(
            bytes(row["id"]), bytes(row["article"]), _id(row["supersedes"]), row["created_at"] or 0,
            {lang: row[f"title_{lang}"] or "" for lang in ("ko", "en")},
            {lang: row[f"body_{lang}"] or "" for lang in ("ko", "en")},
            row["folder"] or "", row["audience"] or "", row["state"] or "",
        )
        for row in _rows(connection, ARTICLE)
    ]  # fmt: skip
    shown = sorted((each for each in current(versions) if each.is_public), key=lambda each: each.of)
    return [
        ArticleView(
            id=each.of.hex(), version=each.id.hex(), folder=each.folder, title_ko=each.titles["ko"],
            title_en=each.titles["en"], body_ko=each.bodies["ko"], body_en=each.bodies["en"],
            updated_at=each.saved_at,
        )
        for each in shown
    ]  # fmt: skip


def _announcements(connection: sa.Connection) -> list[Announcement]:
    versions = [
        Announcement(
            bytes(row["id"]), bytes(row["announcement"]), _id(row["supersedes"]), row["created_at"] or 0,
            {lang: row[f"text_{lang}"] or "" for lang in ("ko", "en")},
            frozenset(json.loads(row["places"] or "[]")), row["from_at"] or 0, row["until_at"], row["urgency"] or "",
            bool(row["withdrawn"]),
        )
        for row in _rows(connection, ANNOUNCEMENT)
    ]  # fmt: skip
    return sorted((each for each in current(versions) if PLACE in each.places), key=lambda each: each.of)


def _told(each: Announcement) -> AnnouncementView:
    return AnnouncementView(
        id=each.of.hex(), text_ko=each.texts["ko"], text_en=each.texts["en"], from_at=each.from_at,
        until_at=each.until_at, urgency=each.urgency,
    )  # fmt: skip


def _id(raw: object) -> bytes | None:
    return bytes(raw) if isinstance(raw, bytes | memoryview) else None
