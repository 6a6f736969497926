# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Companion keeps of what the organisation tells all customers: articles and announcements. JSON."""

from __future__ import annotations

import msgspec

__all__ = ["AnnouncementView", "ArticleView", "Published"]


class ArticleView(msgspec.Struct, frozen=True, kw_only=True):
    """An article that customers may read, in the version that counts. Texts are plain; see docs/portal.md."""

    id: str  # the same for all versions, hex
    version: str
    folder: str
    title_ko: str
    title_en: str
    body_ko: str
    body_en: str
    updated_at: int


class AnnouncementView(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody should know. It shows from `from_at` until `until_at` (UTC ms; null: until it is gone)."""

    id: str
    text_ko: str
    text_en: str
    from_at: int
    until_at: int | None
    urgency: str


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """All of it; kept whole, so that it can be read and searched without a network."""

    articles: list[ArticleView]
    announcements: list[AnnouncementView]
