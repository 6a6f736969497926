# SPDX-License-Identifier: GPL-3.0-or-later
"""The file with which an administrator sets contact, articles and announcements: TOML, read and checked whole. Pure."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.changes import canonical_json
from app.domain.changes_publishing import PLACES
from app.domain.entities import Value
from app.domain.errors import Refused

__all__ = ["PublishingFile", "read_publishing_file"]

_CONTACT = ("name_ko", "name_en", "phone", "mail")
_ARTICLE = ("title_ko", "title_en", "body_ko", "body_en", "folder", "audience", "state", "review_on")
_ANNOUNCEMENT = ("text_ko", "text_en", "urgency")


@dataclass(frozen=True, slots=True)
class PublishingFile:
    """What a file says. `calendar`: the contact's, by name. Articles and announcements by their keys."""

    contact: Mapping[str, Value] | None = None
    calendar: str = ""
    articles: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    announcements: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)


def read_publishing_file(text: str) -> PublishingFile:
    """Read a file. Raises Refused("bad_publishing_file")."""
    try:
        data = tomllib.loads(text)
        _check_names(data)
        contact = data.get("contact")
        return PublishingFile(
            _texts(contact, "contact", _CONTACT, {"calendar"}) if contact is not None else None,
            str(contact.get("calendar", "")) if isinstance(contact, dict) else "",
            {key: _article(raw, f"articles.{key}") for key, raw in _table(data, "articles").items()},
            {key: _announcement(raw, f"announcements.{key}") for key, raw in _table(data, "announcements").items()},
        )
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise Refused("bad_publishing_file", why=str(error)) from error


def _check_names(data: Mapping[str, Any]) -> None:
    unknown = set(data) - {"contact", "articles", "announcements"}
    if unknown:
        raise ValueError(f"{sorted(unknown)[0]}: not known here")


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name, {})
    if not isinstance(found, dict):
        raise ValueError(f"{name}: write [{name}.some-key] for each")  # noqa: TRY004 - what is wrong with the file
    return found


def _texts(raw: Any, where: str, names: tuple[str, ...], more: set[str]) -> dict[str, Value]:
    if not isinstance(raw, dict) or not set(raw) <= {*names, *more}:
        raise ValueError(f"{where}: may hold {', '.join(sorted({*names, *more}))}")
    if not all(isinstance(raw.get(name, ""), str) for name in names):
        raise ValueError(f"{where}: write texts in quotes")
    return {name: str(raw.get(name, "")).strip() for name in names}


def _article(raw: Any, where: str) -> dict[str, Value]:
    values = _texts(raw, where, _ARTICLE, set())
    return {**values, "state": values["state"] or "published", "audience": values["audience"] or "public"}


def _announcement(raw: Any, where: str) -> dict[str, Value]:
    values = _texts(raw, where, _ANNOUNCEMENT, {"places", "from", "until", "withdrawn"})
    places = raw.get("places", ["portal", "companion"])
    if not isinstance(places, list) or not places or not all(place in PLACES for place in places):
        raise ValueError(f"{where}.places: some of {', '.join(PLACES)}")
    withdrawn = raw.get("withdrawn", False)
    if not isinstance(withdrawn, bool):
        raise ValueError(f"{where}.withdrawn: true or false")  # noqa: TRY004 - what is wrong with the file
    return {
        **values, "places": canonical_json(places), "withdrawn": withdrawn,
        "from_at": _instant(raw.get("from"), f"{where}.from"), "until_at": _instant(raw.get("until"), f"{where}.until"),
    }  # fmt: skip


def _instant(raw: Any, where: str) -> int | None:
    if raw is None:
        return None
    if not isinstance(raw, dt.datetime) or raw.tzinfo is None:
        raise ValueError(f"{where}: write day, time and zone, like 2026-05-04T09:00:00+09:00")
    return int(raw.timestamp() * 1000)
