# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads articles and announcements from both files as one; fulfils `KnowledgeStore`. Blocks: worker threads only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.announcements import Announcement
from app.domain.articles import Article, current, rivals
from app.domain.changes_contact import CONTACT_FIELDS
from app.domain.entities import ANNOUNCEMENT, ARTICLE, CALENDAR, CALENDAR_SPANS, SUPPORT_CONTACT, TEAM, USER
from app.domain.knowledge_ports import ArticlePage, HoursView, SupportContact, VersionLine
from app.store.cipher import Database
from app.store.shown import Shown

__all__ = ["StoreKnowledge"]

_ARTICLE = (
    "id, article, supersedes, created_at, title_ko, title_en, body_ko, body_en, folder, audience, state, review_on, "
    "created_by"
)
_ANNOUNCEMENT = (
    "id, announcement, supersedes, created_at, text_ko, text_en, places, from_at, until_at, urgency, withdrawn, "
    "created_by"
)


@dataclass(frozen=True, slots=True)
class _Line:
    """A version without its texts."""

    id: bytes
    of: bytes
    supersedes: bytes | None
    saved_at: int
    state: str
    author: bytes | None


class StoreKnowledge:
    """Each method is one read transaction."""

    def __init__(self, readers: Callable[[], Database]) -> None:
        self._readers = readers

    def articles(self) -> Sequence[Article]:
        """Return the version that counts of each article; texts of versions that were replaced are not read."""
        with self._readers().read() as tx:
            shown = Shown(tx)
            heads = current(_lines(shown, "deleted = 0"))
            rows = shown.by_ids(ARTICLE.number, _ARTICLE, [each.id for each in heads])
        return sorted((_article(row) for row in rows), key=lambda a: (a.folder, a.title("ko"), a.of))

    def article(self, article: bytes, version: bytes | None = None) -> ArticlePage | None:
        """Return a version of an article, or the one that counts; None when it is not on this computer."""
        with self._readers().read() as tx:
            shown = Shown(tx)
            lines = _lines(shown, "deleted = 0 AND article = ?", (article,))
            counts = next(iter(current(lines)), None)
            if counts is None or (version is not None and all(each.id != version for each in lines)):
                return None
            names = _names(shown)
            rows = shown.by_ids(ARTICLE.number, _ARTICLE, [version or counts.id])
        found = _article(rows[0])
        listed = sorted(lines, key=lambda each: (-each.saved_at, each.id))
        return ArticlePage(
            found, names.get(found.author or b"", ""), found.id != counts.id, [_told(each, names) for each in listed],
            [_told(each, names) for each in rivals(lines, counts)],
        )  # fmt: skip

    def announcements(self) -> Sequence[Announcement]:
        """Return the version that counts of each announcement, newest first."""
        with self._readers().read() as tx:
            rows = Shown(tx).select(ANNOUNCEMENT.number, _ANNOUNCEMENT, "deleted = 0")
        return sorted(current(map(_announcement, rows)), key=lambda each: (-each.from_at, -each.saved_at, each.of))

    def contact(self) -> SupportContact:
        """Return how customers reach support: the first row, as the server takes it."""
        columns = ", ".join(("id", *CONTACT_FIELDS))
        with self._readers().read() as tx:
            rows = Shown(tx).select(SUPPORT_CONTACT.number, columns, "deleted = 0")
        if not rows:
            return SupportContact()
        id_, *values = min(rows)
        return SupportContact(id_, {name: value or "" for name, value in zip(CONTACT_FIELDS, values, strict=True)})

    def hours(self) -> Sequence[HoursView]:
        """Return the business calendars in the version saved last, that of the contact first."""
        with self._readers().read() as tx:
            shown = Shown(tx)
            rows = shown.select(
                CALENDAR.number, "id, name, zone, week, holidays, exceptions, supersedes", "deleted = 0"
            )
            teams = shown.select(TEAM.number, "calendar, name_ko, name_en", "deleted = 0")
            contact = shown.select(SUPPORT_CONTACT.number, "id, calendar", "deleted = 0")
            compiled = {row[0] for row in shown.select(CALENDAR_SPANS.number, "calendar", "deleted = 0")}
        newest = _newest({row[0]: row[6] for row in rows})
        of_contact = newest.get(min(contact)[1] or b"") if contact else None
        having: dict[bytes, list[dict[str, str]]] = {}
        for calendar, ko, en in teams:
            having.setdefault(newest.get(calendar or b"", b""), []).append({"ko": ko or "", "en": en or ""})
        waits = {row[0] for row in rows if row[6] is not None} - compiled
        found = [
            _hours(row, row[0] == of_contact, having.get(row[0], []), waits=row[0] in waits)
            for row in rows
            if newest.get(row[0]) == row[0]
        ]
        return sorted(found, key=lambda each: (not each.of_contact, each.name))

    def users(self) -> Mapping[bytes, str]:
        """Return names of people by id."""
        with self._readers().read() as tx:
            return _names(Shown(tx))


def _names(shown: Shown) -> dict[bytes, str]:
    return {id_: name or "" for id_, name in shown.select(USER.number, "id, name", "1")}


def _lines(shown: Shown, where: str, args: Sequence[Any] = ()) -> list[_Line]:
    columns = "id, article, supersedes, created_at, state, created_by"
    return [
        _Line(id_, of or id_, before, at or 0, state or "", author)
        for id_, of, before, at, state, author in shown.select(ARTICLE.number, columns, where, args)
    ]


def _told(line: _Line, names: Mapping[bytes, str]) -> VersionLine:
    return VersionLine(line.id, line.saved_at, names.get(line.author or b"", ""), line.state)


def _article(row: tuple[Any, ...]) -> Article:
    id_, of, before, at, title_ko, title_en, body_ko, body_en, folder, audience, state, review_on, author = row
    return Article(
        id_, of or id_, before, at or 0, {"ko": title_ko or "", "en": title_en or ""},
        {"ko": body_ko or "", "en": body_en or ""}, folder or "", audience or "", state or "", review_on or "", author,
    )  # fmt: skip


def _announcement(row: tuple[Any, ...]) -> Announcement:
    id_, of, before, at, text_ko, text_en, places, from_at, until_at, urgency, withdrawn, author = row
    return Announcement(
        id_, of or id_, before, at or 0, {"ko": text_ko or "", "en": text_en or ""}, _places(places), from_at or 0,
        until_at, urgency or "", bool(withdrawn), author,
    )  # fmt: skip


def _newest(before: Mapping[bytes, bytes | None]) -> dict[bytes, bytes]:
    """Return for each version the one at the end of its chain."""
    after = {old: new for new, old in before.items() if old is not None}
    out = {}
    for id_ in before:
        last, steps = id_, 0
        while last in after and steps < len(before):
            last, steps = after[last], steps + 1
        out[id_] = last
    return out


def _hours(row: tuple[Any, ...], of_contact: bool, teams: Sequence[Mapping[str, str]], *, waits: bool) -> HoursView:
    id_, name, zone, week, holidays, exceptions, _before = row
    days = {int(day): _pairs(times) for day, times in json.loads(week or "{}").items()}
    closed = [
        (str(each.get("date", "")), {"ko": str(each.get("name_ko") or ""), "en": str(each.get("name_en") or "")})
        for each in json.loads(holidays or "[]")
    ]
    other = [
        (str(each.get("date", "")), _pairs(each.get("intervals") or []), str(each.get("name") or ""))
        for each in json.loads(exceptions or "[]")
    ]
    return HoursView(
        name or "", zone or "", days, sorted(closed, key=lambda e: e[0]), sorted(other, key=lambda e: e[0]),
        of_contact, teams, id_, waits,
    )  # fmt: skip


def _pairs(times: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    return [(str(pair[0]), str(pair[1])) for pair in times]


def _places(raw: str | None) -> frozenset[str]:
    try:
        return frozenset(map(str, json.loads(raw or "[]")))
    except (TypeError, ValueError):
        return frozenset()
