# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of articles: find, read, write, publish, withdraw, and put one into the reply that is being written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QDialog, QSplitter, QStackedWidget, QWidget

from app.config.i18n import _, language, pgettext
from app.domain.articles import Article, Audience, Publication
from app.domain.knowledge_ports import ArticlePage, VersionLine
from app.domain.ports import Identity
from app.services.half_articles import HalfArticle
from app.services.publications import ArticleDraft, ends_for, publication_name
from app.services.texts import polite
from widgets.foundation import (
    Button,
    Chip,
    EmptyState,
    Look,
    Notice,
    Panel,
    PlainLabel,
    Question,
    Theme,
    column,
    fmt,
    row,
    scroll,
)
from widgets.foundation.article_text import ArticleText
from widgets.knowledge.article_form import ArticleForm
from widgets.knowledge.article_list import ArticleList

__all__ = ["ArticlesWindow"]

_KEEP_MS = 600  # pause in typing after which what is typed is kept
_CHIP = {"draft": "note", "review": "warning", "published": "success", "retired": "neutral"}


class ArticlesWindow(QDialog):
    """GUI thread; stands beside the work. `wanted` gives (article, version or None) to read, `saved` (Article or None,
    ArticleDraft, Publication), `withdrawn` an Article, `insert_asked` an Article, `keep` the HalfArticle that is
    written (None: nothing is any more)."""

    wanted = Signal(object, object)
    saved = Signal(object, object, object)
    withdrawn = Signal(object)
    insert_asked = Signal(object)
    keep = Signal(object)

    def __init__(self, theme: Theme, identity: Identity | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._identity = theme, identity
        self._articles: Sequence[Article] = ()
        self._page: ArticlePage | None = None
        self._editing: Article | None = None
        self._writes = False
        self._half: tuple[HalfArticle, Article | None] | None = None  # kept from before, and not taken up yet
        self._keep_soon = QTimer(self, singleShot=True, interval=_KEEP_MS)
        self._keep_soon.timeout.connect(self._keep_now)
        self.question: Question | None = None
        space = theme.tokens.space
        self.setWindowTitle(_("Articles"))
        self.articles = ArticleList(theme)
        self.articles.chosen.connect(self._chosen)
        self.articles.entered.connect(self._entered)
        self.new = Button(theme, _("New article"), icon="plus", pressed=self._new)
        left = QWidget()
        left.setLayout(column(self.articles, row(self.new, None), gap=space.small, margins=(0, 0, space.medium, 0)))
        self.pages = QStackedWidget()
        self.nothing = EmptyState(
            theme, _("No article is chosen"),
            _("Articles answer what many ask: customers read them in portal and Companion, you quote them in replies."),
            icon="receipt-text",
        )  # fmt: skip
        self.pages.addWidget(self.nothing)
        self.pages.addWidget(self._make_page())
        self.pages.addWidget(self._make_form())
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(left)
        split.addWidget(self.pages)
        split.setStretchFactor(1, 1)
        left.setMinimumWidth(space.vast * 5)
        self.pages.setMinimumWidth(space.vast * 9)
        self.setLayout(column(split, margins=(space.large,) * 4))
        self.resize(space.vast * 20, space.vast * 13)
        self.new.setEnabled(Publication.DRAFT in ends_for(identity, None))
        QShortcut(QKeySequence("Ctrl+F"), self, lambda: self.articles.field.setFocus())

    def _make_page(self) -> QWidget:
        theme, space = self._theme, self._theme.tokens.space
        self.notice = Notice(theme)
        self.notice.hide()
        self.other = Button(theme, "", look=Look.LINK, pressed=self._show_other)
        self.other.hide()
        self.title = PlainLabel(type="title", wrap=True)
        self.state, self.staff = Chip(), Chip(_("For staff"), kind="outline")
        self.meta = PlainLabel(type="caption", tone="muted", wrap=True)
        self.spoken = QComboBox()
        self.spoken.setAccessibleName(_("Language of the text"))
        self.spoken.addItem("한국어", "ko")
        self.spoken.addItem("English", "en")
        self.spoken.setCurrentIndex(self.spoken.findData(language()))
        self.spoken.currentIndexChanged.connect(lambda _n: self._show_text())
        self.versions = QComboBox()
        self.versions.setAccessibleName(_("Versions"))
        self.versions.activated.connect(self._version_chosen)
        self.text = ArticleText(theme)
        self.insert = Button(theme, _("Insert into the reply"), icon="reply", pressed=self._insert)
        self.edit = Button(theme, _("Edit"), icon="pen-line", pressed=self._edit)
        self.publish = Button(theme, _("Publish"), look=Look.PRIMARY, pressed=lambda: self._set(Publication.PUBLISHED))
        self.withdraw = Button(theme, _("Withdraw…"), pressed=self._ask_withdraw)
        inside = QWidget()
        inside.setLayout(column(self.text, margins=(space.large, space.medium, space.large, space.medium)))
        sheet = Panel("card", column(scroll(inside), margins=(space.hair,) * 4))
        badges = row(self.state, self.staff, self.meta, gap=space.small)
        badges.setStretch(2, 1)
        head = row(self.spoken, self.versions, None, gap=space.small)
        foot = row(self.insert, None, self.withdraw, self.edit, self.publish, gap=space.small)
        page = QWidget()
        box = column(
            self.notice, self.other, self.title, badges, head, sheet, foot, gap=space.small,
            margins=(space.medium, 0, 0, 0),
        )  # fmt: skip
        box.setStretch(5, 1)
        page.setLayout(box)
        return page

    def _make_form(self) -> QWidget:
        theme, space = self._theme, self._theme.tokens.space
        self.form = ArticleForm(theme)
        self.form.typed.connect(self._typed)
        self.whence = Notice(theme)
        self.whence.hide()
        self.problem = Notice(theme, kind="danger")
        self.problem.hide()
        self.cancel = Button(theme, _("Cancel"), pressed=self._leave_form)
        self.save_draft = Button(theme, _("Save as draft"), pressed=lambda: self._save(Publication.DRAFT))
        self.save_review = Button(theme, _("Ask for a review"), pressed=lambda: self._save(Publication.REVIEW))
        self.save_public = Button(
            theme, _("Save and publish"), look=Look.PRIMARY, pressed=lambda: self._save(Publication.PUBLISHED)
        )
        foot = row(self.cancel, None, self.save_draft, self.save_review, self.save_public, gap=space.small)
        page = QWidget()
        box = column(self.whence, self.form, self.problem, foot, gap=space.medium, margins=(space.medium, 0, 0, 0))
        box.setStretch(1, 1)
        page.setLayout(box)
        return page

    # --- what the window is told -----------------------------------------------------------------------------

    def show_articles(self, articles: Sequence[Article], select: bytes | None = None) -> None:
        """Show what there is; what is being read or written stays."""
        self._articles = articles
        self.articles.show_articles(articles, select)

    def read(self, article: bytes, version: bytes | None = None) -> None:
        """Lead to an article, or to one version of it."""
        self.articles.select(article)
        self.wanted.emit(article, version)

    def show_page(self, page: ArticlePage | None) -> None:
        """Show an article's version; None: it is not on this computer."""
        self._page = page
        if page is None:
            self.nothing.title.setText(_("This article is not on this computer (any more)"))
        self._fill()
        if not self._writes:
            self.pages.setCurrentIndex(1 if page is not None else 0)

    def was_saved(self, article: bytes) -> None:
        """It is safe."""
        self._forget()
        self._writes, self._editing = False, None
        self._enable_list(True)
        self.wanted.emit(article, None)
        self.pages.setCurrentIndex(1)
        self.articles.list.setFocus()

    def refused(self, text: str) -> None:
        """It was not saved; what was typed stays."""
        if self._writes:
            self.problem.tell(text, "danger")
            self.problem.show()
        else:
            self.notice.tell(text, "danger")
            self.notice.show()

    # --- reading ---------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        page = self._page
        if page is None:
            return
        it = page.article
        self.state.setText(publication_name(it.state))
        self.state.set_kind(_CHIP.get(it.state, "neutral"))
        self.staff.setVisible(it.audience == Audience.STAFF)
        who = polite(page.author_name) if page.author_name else _("The administrator")
        said = _("{when} · {who}").format(when=fmt.moment(it.saved_at), who=who)
        again = _("look again on {day}").format(day=it.review_on) if it.review_on else ""
        self.meta.setText(" · ".join(filter(None, (said, it.folder, again))))
        self._fill_versions(page)
        self._tell_notice(page)
        ends = ends_for(self._identity, it) if not page.newer else frozenset()
        self.edit.setVisible(bool(ends))
        self.publish.setVisible(Publication.PUBLISHED in ends and it.state != Publication.PUBLISHED)
        self.withdraw.setVisible(Publication.RETIRED in ends and it.state == Publication.PUBLISHED)
        self.insert.setEnabled(it.state == Publication.PUBLISHED)
        self._show_text()

    def _fill_versions(self, page: ArticlePage) -> None:
        self.versions.clear()
        for place, each in enumerate(page.versions):
            when = fmt.moment(each.saved_at)
            named = _("Newest version, {when}") if place == 0 else _("Version of {when}")
            self.versions.addItem(named.format(when=when), each.id)
        self.versions.setCurrentIndex(self.versions.findData(page.article.id))
        self.versions.setVisible(len(page.versions) > 1)

    def _tell_notice(self, page: ArticlePage) -> None:
        rival = next(iter(page.rivals), None)
        if page.newer:
            words = _("This is an earlier version. Customers read the newest one.")
        elif rival is not None:
            words = _("{who} saved another version at the same time, which does not show. Take over what it needs.")
            words = words.format(who=_who(rival))
        else:
            words = ""
        self.notice.tell(words, "warning")
        self.notice.setVisible(bool(words))
        self.other.setText(_("Read the newest version") if page.newer else _("Read the other version"))
        self.other.setVisible(bool(words))

    def _show_text(self) -> None:
        if self._page is not None:
            it, spoken = self._page.article, str(self.spoken.currentData())
            self.title.setText(it.title(spoken) or _("Without a title"))
            self.text.show_text(it.body(spoken))

    def _show_other(self) -> None:
        page = self._page
        if page is not None:
            rival = next(iter(page.rivals), None)
            self.wanted.emit(page.article.of, None if page.newer or rival is None else rival.id)

    def _version_chosen(self, place: int) -> None:
        if self._page is not None:
            self.wanted.emit(self._page.article.of, self.versions.itemData(place))

    def _chosen(self, article: Article | None) -> None:
        if article is not None:
            self.wanted.emit(article.of, None)
        elif not self._writes:
            self._page = None
            self.pages.setCurrentIndex(0)

    def _entered(self) -> None:
        if self.insert.isEnabled() and self.pages.currentIndex() == 1:
            self.insert.setFocus()

    def _insert(self) -> None:
        if self._page is not None:
            self.insert_asked.emit(self._page.article)

    # --- writing ---------------------------------------------------------------------------------------------

    def show_half(self, half: HalfArticle, before: Article | None, *, at_once: bool) -> None:
        """Something half written was kept; `before` is what it changes. `at_once`: go on with it now, else when a form
        is wanted next, so that it is never written over."""
        self._half = half, before
        if at_once and not self._writes:
            self._go_on()

    def begin_from(self, draft: ArticleDraft, number: str) -> None:
        """Begin an article with the words of a ticket; what is being written already stays."""
        if self._writes:
            self.refused(_("Save or leave this article first. Then begin one from the ticket."))
            return
        words = _("From ticket {number}, without what is known of the customer. Read it through before others do.")
        self._begin(None, draft, words.format(number=number), unsaved=True)

    def _go_on(self) -> None:
        if self._half is not None:
            (half, before), self._half = self._half, None
            self._begin(before, half.draft, _("This is what you were writing. It is not saved yet."), unsaved=True)

    def _new(self) -> None:
        self._begin(None, ArticleDraft({}, {}))

    def _edit(self) -> None:
        if self._page is not None:
            self._begin(self._page.article, ArticleDraft.of(self._page.article))

    def _begin(self, article: Article | None, draft: ArticleDraft, whence: str = "", *, unsaved: bool = False) -> None:
        if self._half is not None:
            self._ask_half(lambda: self._begin(article, draft, whence, unsaved=unsaved))
            return
        self._editing, self._writes = article, True
        self.whence.tell(whence, "accent")
        self.whence.setVisible(bool(whence))
        ends = ends_for(self._identity, article)
        public = article is not None and article.state == Publication.PUBLISHED
        self.save_draft.setVisible(Publication.DRAFT in ends and not public)
        self.save_review.setVisible(Publication.REVIEW in ends and not public)
        self.save_public.setVisible(Publication.PUBLISHED in ends)
        self.problem.hide()
        self.form.begin(draft, [each.folder for each in self._articles], unsaved=unsaved)
        self._keep_soon.stop()  # the fields were filled, nobody typed
        if unsaved:
            self._keep_now()
        self._enable_list(False)
        self.pages.setCurrentIndex(2)
        self.form.focus()

    def _ask_half(self, anew: Callable[[], object]) -> None:
        half = self._half
        if half is None:
            return
        title = next(filter(None, map(str.strip, half[0].draft.titles.values())), _("Without a title"))

        def answered(yes: bool) -> None:
            if yes:
                self._forget()
                anew()
            else:
                self._go_on()

        self.question = Question(
            self._theme, _("Go on with “{title}”?").format(title=title),
            _("You began to write it and did not save it."),
            safe=_("Go on writing"), deed=_("Throw away"), parent=self, answered=answered,
        )  # fmt: skip
        self.question.open()

    def _typed(self) -> None:
        if self._writes:
            self._keep_soon.start()

    def _keep_now(self) -> None:
        self._keep_soon.stop()
        if self._writes and self.form.changed():
            old = self._editing
            self.keep.emit(HalfArticle(self.form.draft(), old.of if old else None, old.id if old else None))

    def _forget(self) -> None:
        self._keep_soon.stop()
        self._half = None
        self.keep.emit(None)

    def _enable_list(self, on: bool) -> None:
        self.articles.setEnabled(on)
        self.new.setEnabled(on and Publication.DRAFT in ends_for(self._identity, None))

    def _save(self, state: Publication) -> None:
        draft = self.form.draft()
        lacks = draft.missing(state)
        if lacks:
            self.refused(
                _("Give it a title in one language at least.")
                if lacks == "title"
                else _("To publish it, write title and text in one language at least.")
            )
            self.form.focus(lacks)
            return
        self.saved.emit(self._editing, draft, state)

    def _set(self, state: Publication) -> None:
        if self._page is not None:
            draft = ArticleDraft.of(self._page.article)
            if draft.missing(state):
                self.refused(_("To publish it, write title and text in one language at least."))
                return
            self.saved.emit(self._page.article, draft, state)

    def _ask_withdraw(self) -> None:
        page = self._page
        if page is None:
            return
        self.question = Question(
            self._theme, _("Withdraw “{title}”?").format(title=page.article.title(language())),
            _("Customers find it no more. Its text stays here, and it can be published again."),
            safe=_("Cancel"), deed=pgettext("article", "Withdraw"), parent=self,
            answered=lambda yes: self.withdrawn.emit(page.article) if yes else None,
        )  # fmt: skip
        self.question.open()

    def _leave_form(self) -> None:
        if not self.form.changed():
            self._stop_writing()
            return
        self.question = Question(
            self._theme, _("Throw away what you typed?"), _("The article stays as it was."), safe=_("Go on writing"),
            deed=_("Throw away"), parent=self, answered=lambda yes: self._stop_writing() if yes else None,
        )  # fmt: skip
        self.question.open()

    def _stop_writing(self) -> None:
        self._forget()
        self._writes, self._editing = False, None
        self._enable_list(True)
        self.pages.setCurrentIndex(1 if self._page is not None else 0)
        self.articles.list.setFocus()

    # --- leaving ---------------------------------------------------------------------------------------------

    def reject(self) -> None:
        """Escape: leave the form first, then the window."""
        if self._writes:
            self._leave_form()
        else:
            super().reject()

    def hideEvent(self, event: QHideEvent) -> None:
        """Keep what is in the form: the window may go with the main window."""
        self._keep_now()
        super().hideEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+Enter in the form saves: published where one may, else as a draft. Enter alone is the fields'."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._writes and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                (self.save_public if self.save_public.isVisible() else self.save_draft).click()
            return
        super().keyPressEvent(event)


def _who(version: VersionLine) -> str:
    return polite(version.author_name) if version.author_name else _("Somebody")
