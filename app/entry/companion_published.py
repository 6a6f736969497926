# SPDX-License-Identifier: GPL-3.0-or-later
"""What the organisation tells all customers, in the Companion: kept in its file, shown at Home, searched offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import Qt

from app.desktop.companion_store import CompanionStore
from app.domain.announcements import Announcement
from app.domain.articles import Article, Publication
from sync.published_protocol import AnnouncementView, ArticleView, Published
from widgets.companion.answers import AnswersWindow

if TYPE_CHECKING:
    from app.entry.companion_app import CompanionApp

__all__ = ["PublishedRows", "Reading"]


class PublishedRows:
    """`sync.customer_events.PublishedRows` on companion.db."""

    def __init__(self, store: CompanionStore) -> None:
        self._store = store

    def published_tag(self) -> str:
        """Return the tag of what is kept."""
        return self._store.get("published_tag") or ""

    def save_published(self, raw: bytes, tag: str) -> None:
        """Keep it; the tag last, so that a crash between leads to one more fetch and nothing else."""
        self._store.put("published", raw.decode())
        self._store.put("published_tag", tag)

    def published(self) -> Published | None:
        """Return what is kept; what cannot be read is fetched anew."""
        raw = self._store.get("published")
        try:
            return msgspec.json.decode(raw, type=Published) if raw else None
        except msgspec.DecodeError:
            self._store.put("published_tag", "")
            return None


class Reading:
    """GUI thread. The window of answers is None while it is closed."""

    def __init__(self, app: CompanionApp) -> None:
        self._app = app
        self._articles: list[Article] = []
        self._told = False  # the server has told by now: what was kept before is old
        self.answers: AnswersWindow | None = None

    def load(self, store: CompanionStore) -> None:
        """Show what was kept, before the server is reached."""
        self._app.background(
            PublishedRows(store).published,
            lambda kept: self._show(kept) if kept is not None and not self._told else None,
            lambda _why: None,
        )

    def show(self, published: Published) -> None:
        """Show what the server told."""
        self._told = True
        self._show(published)

    def _show(self, published: Published) -> None:
        if self._app.home is None:
            return
        self._articles = [_article(each) for each in published.articles]
        self._app.home.show_announcements([_announcement(each) for each in published.announcements])
        if self.answers is not None:
            self.answers.show_articles(self._articles)

    def open(self) -> None:
        """Open the answers."""
        window = self.answers
        if window is None:
            window = self.answers = AnswersWindow(self._app.theme)
            window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            window.destroyed.connect(self._closed)
            window.help_wanted.connect(self._app.writing.ask_for_help)
            window.show_articles(self._articles)
        window.show()
        window.raise_()
        window.activateWindow()

    def close(self) -> None:
        """The program ends."""
        if self.answers is not None:
            self.answers.close()

    def _closed(self) -> None:
        self.answers = None


def _article(view: ArticleView) -> Article:
    return Article(
        bytes.fromhex(view.version), bytes.fromhex(view.id), None, view.updated_at,
        {"ko": view.title_ko, "en": view.title_en}, {"ko": view.body_ko, "en": view.body_en}, view.folder,
        state=Publication.PUBLISHED,
    )  # fmt: skip


def _announcement(view: AnnouncementView) -> Announcement:
    return Announcement(
        bytes.fromhex(view.id), bytes.fromhex(view.id), None, view.from_at, {"ko": view.text_ko, "en": view.text_en},
        frozenset({"companion"}), view.from_at, view.until_at, view.urgency,
    )  # fmt: skip
