# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations of what customers read: articles and announcements. Each save is a version; none is ever overwritten."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.articles import Audience, Publication, current
from app.domain.changes_base import Context, Effect, Insert, Key, Row, Rows, history, was_done
from app.domain.changes_values import checked_value
from app.domain.entities import ANNOUNCEMENT, ARTICLE, REF_SCOPE, Entity, Value
from app.domain.errors import Refused

__all__ = [
    "MAX_ANNOUNCEMENT_CHARS", "MAX_ARTICLE_CHARS", "PLACES", "AnnouncementSave", "ArticleSave", "may_save_article",
]  # fmt: skip

MAX_ARTICLE_CHARS = 20_000
MAX_ANNOUNCEMENT_CHARS = 1_000
_MAX_TITLE_CHARS, _MAX_FOLDER_CHARS = 200, 80
PLACES = ("companion", "portal", "acknowledgment", "chat", "desktop", "mail")
_ARTICLE_FIELDS = frozenset(
    {"title_ko", "title_en", "body_ko", "body_en", "folder", "audience", "state", "review_on"}
)  # fmt: skip
_ANNOUNCEMENT_FIELDS = frozenset({"text_ko", "text_en", "places", "from_at", "until_at", "urgency", "withdrawn"})
_LEADS = frozenset({"lead", "admin"})
_WRITERS = frozenset({"agent", "field"})


def _values(entity: Entity, allowed: frozenset[str], fields: Mapping[str, Any]) -> dict[str, Value]:
    out: dict[str, Value] = {}
    for name, wanted in sorted(fields.items()):
        if name not in allowed:
            raise Refused("read_only", field=name)
        out[name] = checked_value(entity, name, wanted)[1]
    return out


def _check_right(ctx: Context) -> None:
    """What the organisation says in public is a lead's to write, or the administrator's at the server."""
    if ctx.actor.kind != "server" and (ctx.actor.kind != "user" or not ctx.actor.roles & _LEADS):
        raise Refused("not_yours")


def may_save_article(roles: frozenset[str], wanted: str, heads: Iterable[str]) -> bool:
    """Tell whether somebody may save a version in state `wanted` over versions in the states `heads`.

    Leads and administrators may all. Agents write drafts and ask for a review; what is or was public is not theirs.
    """
    own = {Publication.DRAFT, Publication.REVIEW}
    return bool(roles & _LEADS) or (bool(roles & _WRITERS) and {wanted, *heads} <= own)


@dataclass(frozen=True, slots=True)
class _Version:
    """What says which version counts."""

    id: bytes
    of: bytes
    supersedes: bytes | None
    saved_at: int
    state: str


def _check_article_right(rows: Rows, ctx: Context, article: bytes, wanted: str) -> None:
    if ctx.actor.kind == "server":
        return
    known = [_version(row) for row in rows.find(ARTICLE.number, "article", article)]
    if ctx.actor.kind != "user" or not may_save_article(ctx.actor.roles, wanted, [v.state for v in current(known)]):
        raise Refused("not_yours")


def _version(row: Row) -> _Version:
    of, before, at = row.values.get("article"), row.values.get("supersedes"), row.values.get("created_at")
    return _Version(
        row.id, of if isinstance(of, bytes) else b"", before if isinstance(before, bytes) else None,
        at if isinstance(at, int) else 0, str(row.values.get("state") or Publication.DRAFT),
    )  # fmt: skip


def _length(values: Mapping[str, Value], name: str, most: int) -> None:
    if len(str(values.get(name) or "")) > most:
        raise Refused("bad_value", field=name)


def _saved(
    rows: Rows, ctx: Context, event: bytes, entity: Entity, version: bytes, values: dict[str, Value], told: str
) -> list[Effect]:
    """Insert a version; sent again it is there already."""
    if rows.get(entity.number, version) is not None:
        if was_done(rows, version, event, told):
            return []
        raise Refused("id_taken")
    values = {**values, "created_at": ctx.acted_ms, "created_by": ctx.actor.id}
    new = Insert(entity.number, version, REF_SCOPE, values)
    return [new, history(ctx, new, event, told, {})]


@dataclass(frozen=True, slots=True)
class ArticleSave:
    """`article.save`: a version of an article; `article` is the same for all, `supersedes` the version it replaces."""

    event: bytes
    version: bytes
    article: bytes
    fields: dict[str, Any]
    supersedes: bytes | None = None

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the version. What is published has title and text in a language."""
        values = {"audience": "public", "state": "draft", **_values(ARTICLE, _ARTICLE_FIELDS, self.fields)}
        if rows.get(ARTICLE.number, self.version) is None:
            _check_article_right(rows, ctx, self.article, str(values["state"]))
        if values["state"] not in set(Publication) or values["audience"] not in set(Audience):
            raise Refused("bad_value", field="state")
        for lang in ("ko", "en"):
            _length(values, f"title_{lang}", _MAX_TITLE_CHARS)
            _length(values, f"body_{lang}", MAX_ARTICLE_CHARS)
        _length(values, "folder", _MAX_FOLDER_CHARS)
        whole = any(values.get(f"title_{lang}") and values.get(f"body_{lang}") for lang in ("ko", "en"))
        if values["state"] == Publication.PUBLISHED and not whole:
            raise Refused("bad_value", field="title")
        values |= {"article": self.article, "supersedes": self.supersedes}
        return _saved(rows, ctx, self.event, ARTICLE, self.version, values, "article_saved")

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(ARTICLE.number, self.version)]


@dataclass(frozen=True, slots=True)
class AnnouncementSave:
    """`announcement.save`: a version of an announcement; one that is `withdrawn` shows nowhere any more."""

    event: bytes
    version: bytes
    announcement: bytes
    fields: dict[str, Any]
    supersedes: bytes | None = None

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the version."""
        _check_right(ctx)
        values = {"withdrawn": False, **_values(ANNOUNCEMENT, _ANNOUNCEMENT_FIELDS, self.fields)}
        if not any(str(values.get(name) or "").strip() for name in ("text_ko", "text_en")):
            raise Refused("bad_value", field="text")
        for lang in ("ko", "en"):
            _length(values, f"text_{lang}", MAX_ANNOUNCEMENT_CHARS)
        if not _are_places(values.get("places")):
            raise Refused("bad_value", field="places")
        start, end = values.get("from_at"), values.get("until_at")
        if isinstance(start, int) and isinstance(end, int) and end <= start:
            raise Refused("bad_value", field="until_at")
        values |= {"announcement": self.announcement, "supersedes": self.supersedes}
        return _saved(rows, ctx, self.event, ANNOUNCEMENT, self.version, values, "announcement_saved")

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(ANNOUNCEMENT.number, self.version)]


def _are_places(raw: Value) -> bool:
    try:
        places = json.loads(str(raw))
    except ValueError:
        return False
    return isinstance(places, list) and bool(places) and all(place in PLACES for place in places)
