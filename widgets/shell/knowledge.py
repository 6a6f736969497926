# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window does with articles: shows them, puts one into a reply, follows links to their versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.domain.articles import (
    Article,
    ArticleFinder,
    Publication,
    article_link,
    article_of_link,
    as_rich,
    may_be_quoted,
)
from app.domain.entities import ANNOUNCEMENT, ARTICLE, CALENDAR, CALENDAR_SPANS, SUPPORT_CONTACT, TEAM
from app.domain.knowledge_ports import ArticlePage, KnowledgeStore
from app.domain.ports import DraftKind
from app.services.half_articles import HalfArticle, article_of_ticket
from app.services.messages import error_text
from app.services.publications import ArticleDraft, Publications, ends_for, may_announce
from app.services.templates import language_of
from app.services.triage import Done
from widgets.foundation import Theme
from widgets.foundation.chooser import Chooser, Option
from widgets.foundation.turns import Rank, Steps
from widgets.knowledge.articles_window import ArticlesWindow
from widgets.knowledge.told_window import ToldWindow
from widgets.shell.announced import hidden_of_text, hidden_text
from widgets.shell.frame import Ports

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["KnowledgePart"]

_MOST = 50
HIDDEN = "announced.hidden"  # announcements that this person put away, in the window's state
KEPT = "article.half"  # what is written and not saved, in the window's state


class KnowledgePart(QObject):
    """GUI thread. The window of articles stands beside the ticket: reading one does not take the other away."""

    def __init__(self, window: AgentWindow, theme: Theme, ports: Ports, store: KnowledgeStore) -> None:
        super().__init__(window)
        self._window, self._theme, self._ports, self._store = window, theme, ports, store
        self._use = Publications(ports.commits)
        self.articles: ArticlesWindow | None = None
        self._fresh = False  # the window was made just now: what was half written is read
        self.told: ToldWindow | None = None
        window.announced.more_asked.connect(self.open_told)
        window.announced.hid.connect(self._keep_hidden)
        self._announced_soon = Steps(self._read_announced, Rank.UNSEEN, self)

    def runs(self) -> dict[str, Callable[[], object]]:
        """Return what each command does."""
        return {
            "articles.open": self.open, "composer.article": self._offer, "told.open": self.open_told,
            "articles.from_ticket": self.begin_from_ticket,
        }  # fmt: skip

    def rows_changed(self, types: frozenset[int]) -> None:
        """The worker brought rows of these entities."""
        if ARTICLE.number in types:
            self._show_news()
        if ANNOUNCEMENT.number in types:
            self._announced_soon.start()
        if types & {ANNOUNCEMENT.number, SUPPORT_CONTACT.number, CALENDAR.number, CALENDAR_SPANS.number, TEAM.number}:
            self._read_told()

    def follow(self, link: str) -> None:
        """A link in a message: an article opens here in the version that was quoted; any other goes out as before."""
        identity = self._window.identity
        found = article_of_link(link, identity.server) if identity is not None else None
        if found is None:
            self._window.link_chosen.emit(link)
        else:
            self.open(*found)

    # --- the window ------------------------------------------------------------------------------------------

    def open(self, article: bytes | None = None, version: bytes | None = None) -> None:
        """Show the articles, or one of them, or one version; what was half written comes first."""
        window, fresh = self._show_articles(), self._fresh
        self._fresh = False
        if article is None:
            window.articles.field.setFocus()
        self._read_all(lambda articles: self._lead(articles, article, version))
        if fresh:
            self._read_half(lambda half, before: window.show_half(half, before, at_once=article is None))

    def begin_from_ticket(self) -> None:
        """Begin an article with what the open ticket asked and answered."""
        details = self._window.desk.details
        if details is None:
            return
        if Publication.DRAFT not in ends_for(self._window.identity, None):
            self._window.desk.failed.emit(_("Your roles do not let you write articles."))
            return
        window, fresh = self._show_articles(), self._fresh
        self._fresh = False
        draft, number = article_of_ticket(details), details.row.label
        self._read_all(lambda articles: self._lead(articles, None, None))
        if fresh:  # what was half written is asked about first
            self._read_half(
                lambda half, before: window.show_half(half, before, at_once=False),
                lambda: window.begin_from(draft, number),
            )
        else:
            window.begin_from(draft, number)

    def _show_articles(self) -> ArticlesWindow:
        window = self.articles
        if window is None:
            window = self.articles = ArticlesWindow(self._theme, self._window.identity, self._window)
            window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            window.wanted.connect(self._read)
            window.saved.connect(self._save)
            window.withdrawn.connect(lambda it: self._change(lambda: self._use.withdraw_article(it)))
            window.insert_asked.connect(self._insert_from_window)
            window.keep.connect(self._keep_half)
            window.destroyed.connect(self._closed)
            self._fresh = True
        window.show()
        window.raise_()
        window.activateWindow()
        return window

    def _keep_half(self, half: HalfArticle | None) -> None:
        commits, text = self._ports.commits, half.text() if half is not None else ""
        self._ports.jobs.change(lambda: commits.save_ui_state(KEPT, text), error=self._fail)

    def _read_half(
        self, then: Callable[[HalfArticle, Article | None], object], after: Callable[[], object] = lambda: None
    ) -> None:
        commits, store = self._ports.commits, self._store

        def read() -> tuple[HalfArticle, Article | None] | None:
            half = HalfArticle.of_text(commits.ui_state(KEPT))
            if half is None:
                return None
            page = store.article(half.article, half.version) if half.article is not None else None
            return half, page.article if page is not None else None

        def show(found: tuple[HalfArticle, Article | None] | None) -> None:
            if self.articles is not None:
                if found is not None:
                    then(*found)
                after()

        self._ports.jobs.query(read, show, self._fail, key=KEPT)

    def _closed(self) -> None:
        self.articles = None

    def _lead(self, articles: Sequence[Article], article: bytes | None, version: bytes | None) -> None:
        if self.articles is not None:
            self.articles.show_articles(articles)
            if article is not None:
                self.articles.read(article, version)

    def _read_all(self, then: Callable[[Sequence[Article]], object]) -> None:
        self._ports.jobs.query(self._store.articles, then, self._fail)

    def _read(self, article: bytes, version: bytes | None) -> None:
        def show(page: ArticlePage | None) -> None:
            if self.articles is not None:
                self.articles.show_page(page)

        self._ports.jobs.query(lambda: self._store.article(article, version), show, self._fail, key="article")

    def _show_news(self) -> None:
        if self.articles is not None:
            self._read_all(lambda articles: self.articles.show_articles(articles) if self.articles else None)

    def _save(self, before: Article | None, draft: ArticleDraft, state: Publication) -> None:
        self._change(lambda: self._use.save_article(before, draft, state))

    def _change(self, work: Callable[[], tuple[Done, bytes]]) -> None:
        self._ports.jobs.change(work, self._changed, self._refused)

    def _changed(self, made: tuple[Done, bytes]) -> None:
        done, article = made
        self._window.desk.do(lambda: done)
        if self.articles is not None:
            self._read_all(lambda articles: self._lead(articles, article, None))
            self.articles.was_saved(article)

    def _refused(self, why: Exception) -> None:
        if self.articles is not None:
            self.articles.refused(error_text(why))
        else:
            self._fail(why)

    def _fail(self, why: Exception) -> None:
        self._window.desk.failed.emit(error_text(why))

    # --- what is announced to staff --------------------------------------------------------------------------

    def start(self) -> None:
        """Show what is announced, after everything that the person came for; in the main window only."""
        self._announced_soon.start()

    def _read_announced(self) -> bool:
        if self._window.side is None:
            commits, store = self._ports.commits, self._store
            self._ports.jobs.query(
                lambda: (store.announcements(), hidden_of_text(commits.ui_state(HIDDEN))),
                lambda found: self._window.announced.show_announcements(*found), lambda _why: None, key=HIDDEN,
            )  # fmt: skip
        return False

    def _keep_hidden(self, versions: frozenset[bytes]) -> None:
        commits, text = self._ports.commits, hidden_text(versions)
        self._ports.jobs.change(lambda: commits.save_ui_state(HIDDEN, text), error=self._fail)

    # --- announcements, contact, hours -----------------------------------------------------------------------

    def open_told(self) -> None:
        """Show what customers are told besides articles."""
        window = self.told
        if window is None:
            may = may_announce(self._window.identity)
            window = self.told = ToldWindow(self._theme, self._ports.now_ms, may=may, parent=self._window)
            window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            window.announced.connect(lambda old, it: self._tell(lambda: self._use.save_announcement(old, it)))
            window.withdrawn.connect(lambda old: self._tell(lambda: self._use.withdraw_announcement(old)))
            window.contact_saved.connect(lambda old, it: self._tell(lambda: self._use.save_contact(old, it)))
            window.hours_saved.connect(lambda old, it: self._tell(lambda: self._use.save_hours(old, it)))
            window.destroyed.connect(self._told_closed)
        window.show()
        window.raise_()
        window.activateWindow()
        self._read_told()

    def _told_closed(self) -> None:
        self.told = None

    def _read_told(self) -> None:
        window = self.told
        if window is None:
            return
        query, store = self._ports.jobs.query, self._store
        query(store.announcements, lambda found: self.told.show_announcements(found) if self.told else None, self._fail)
        query(store.contact, lambda found: self.told.show_contact(found) if self.told else None, self._fail)
        query(store.hours, lambda found: self.told.show_hours(found) if self.told else None, self._fail)

    def _tell(self, work: Callable[[], Done]) -> None:
        self._ports.jobs.change(work, self._was_told, self._not_told)

    def _was_told(self, done: Done) -> None:
        self._window.desk.do(lambda: done)
        if self.told is not None:
            self.told.was_saved()
        self._read_told()
        self._announced_soon.start()

    def _not_told(self, why: Exception) -> None:
        if self.told is not None:
            self.told.refused(error_text(why))

    # --- into a reply ----------------------------------------------------------------------------------------

    def _offer(self) -> None:
        if self._window.desk.details is not None:
            self._read_all(self._choose)

    def _choose(self, articles: Sequence[Article]) -> None:
        details, composer = self._window.desk.details, self._window.ticket.composer
        if details is None:
            return
        kind = composer.kind()
        spoken = language_of(details)
        to_customer = kind is not DraftKind.NOTE
        finder = ArticleFinder([each for each in articles if may_be_quoted(each, to_customer=to_customer)])
        chooser = Chooser(self._theme, _("Insert article"), self._window, wide=self._theme.tokens.space.vast * 10)
        chooser.set_nothing(_("No published article fits. “Articles” in the menu has all of them."))

        def show(text: str) -> None:
            found = finder.find(text, spoken)[:_MOST]
            chooser.show_options(
                [Option(each, each.title(spoken), "receipt-text", detail=each.folder) for each in found], narrow=False
            )

        chooser.typed.connect(show)
        chooser.chosen.connect(lambda value: self._insert(cast("Article", value)))
        show("")
        anchor: QWidget = composer.sheets[kind].edit if kind is not None else composer.reply_button
        chooser.open_at(anchor.mapToGlobal(QPoint(0, 0)))

    def _insert(self, article: Article) -> None:
        details, identity = self._window.desk.details, self._window.identity
        if details is None:
            return
        link = article_link(identity.server, article) if identity is not None and article.is_public else ""
        spoken = language_of(details)
        self._window.ticket.composer.insert_rich(as_rich(article, spoken, link, _article_word(spoken)))

    def _insert_from_window(self, article: Article) -> None:
        """From the window: into the draft that shows, else a reply is begun."""
        composer, window = self._window.ticket.composer, self.articles
        if self._window.desk.details is None or window is None:
            if window is not None:
                window.refused(_("Open the ticket first that the article is to answer."))
            return
        if not may_be_quoted(article, to_customer=composer.kind() is not DraftKind.NOTE):
            window.refused(_("This article is for staff: it can stand in an internal note only."))
            return
        window.close()
        self._window.activateWindow()
        self._insert(article)


def _article_word(spoken: str) -> str:
    """Return what stands before the link, in the customer's language."""
    return "도움말" if spoken == "ko" else "Article"
