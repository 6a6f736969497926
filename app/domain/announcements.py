# SPDX-License-Identifier: GPL-3.0-or-later
"""Announcements: what everybody should know now, in two languages, where it shows and until when. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["DESKTOP", "Announcement", "Standing", "for_staff", "is_told_to_customers", "shown_now"]

DESKTOP = "desktop"  # the place that staff reads


class Standing(StrEnum):
    """How an announcement stands at a time."""

    LATER = "later"
    SHOWS = "shows"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Announcement:
    """One version of an announcement. Times are UTC milliseconds; `until_at` None: until it is withdrawn."""

    id: bytes
    of: bytes
    supersedes: bytes | None
    saved_at: int
    texts: Mapping[str, str]
    places: frozenset[str] = frozenset()
    from_at: int = 0
    until_at: int | None = None
    urgency: str = ""
    withdrawn: bool = False
    author: bytes | None = None

    def text(self, wanted: str) -> str:
        """Return its text in a language, or what there is of one."""
        return self.texts.get(wanted) or next(filter(None, self.texts.values()), "")

    def standing(self, now_ms: int) -> Standing:
        """Tell how it stands."""
        if self.withdrawn:
            return Standing.WITHDRAWN
        if self.until_at is not None and now_ms >= self.until_at:
            return Standing.ENDED
        return Standing.SHOWS if self.from_at <= now_ms else Standing.LATER

    def shows(self, now_ms: int, place: str) -> bool:
        """Tell whether it stands in a place now."""
        return place in self.places and self.standing(now_ms) is Standing.SHOWS


def shown_now(announcements: Iterable[Announcement], now_ms: int, place: str) -> list[Announcement]:
    """Return what stands in a place now, newest first."""
    found = [each for each in announcements if each.shows(now_ms, place)]
    return sorted(found, key=lambda each: (-each.from_at, each.of))


def for_staff(announcements: Iterable[Announcement], now_ms: int, hidden: Collection[bytes] = ()) -> list[Announcement]:
    """Return what stands in the help desk now, urgent ones first, then the newest, without the versions in `hidden`."""
    found = [each for each in shown_now(announcements, now_ms, DESKTOP) if each.id not in hidden]
    return sorted(found, key=lambda each: each.urgency != "urgent")


def is_told_to_customers(announcement: Announcement) -> bool:
    """Tell whether customers read it somewhere, too."""
    return bool(announcement.places - {DESKTOP})
