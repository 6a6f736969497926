# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to what many ask, kept on the customer's computer: found by words and read without a network."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QRect, Qt, Signal
from PySide6.QtGui import QInputMethodEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import QLineEdit, QStackedWidget, QWidget

from app.config.i18n import _, language
from app.domain.articles import Article, ArticleFinder, start_of
from widgets.foundation import (
    WINDOW,
    Button,
    EmptyState,
    Index,
    Ink,
    Look,
    Panel,
    PlainLabel,
    RowDelegate,
    RowList,
    Theme,
    column,
    fmt,
    read_text,
    row,
    scroll,
)
from widgets.foundation.article_text import ArticleText

__all__ = ["AnswersWindow"]

_NO_INDEX = QModelIndex()


class _Model(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.articles: Sequence[Article] = ()

    def show_articles(self, articles: Sequence[Article]) -> None:
        self.beginResetModel()
        self.articles = articles
        self.endResetModel()

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        """How many fit."""
        return 0 if parent.isValid() else len(self.articles)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """An article, or its words."""
        article = self.articles[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return article
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return article.title(language())
        return None


class _Delegate(RowDelegate):
    def row_height(self) -> int:
        """Two lines."""
        lines = self.metrics("body").lineSpacing() + self.metrics("caption").lineSpacing()
        return lines + 2 * self.theme.tokens.space.small

    def paint_row(self, painter: QPainter, rect: QRect, index: Index, ink: Ink) -> None:
        """Title; below it how the text begins."""
        article = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(article, Article):
            return
        space = self.theme.tokens.space
        inner = rect.adjusted(space.medium, space.small, -space.medium, -space.small)
        title = QRect(inner.left(), inner.top(), inner.width(), self.metrics("body").lineSpacing())
        self.draw(painter, title, article.title(language()), ink.text)
        below = QRect(inner.left(), title.bottom(), inner.width(), inner.bottom() - title.bottom())
        self.draw(painter, below, start_of(article.body(language())), ink.muted, "caption")


class AnswersWindow(QWidget):
    """`help_wanted`: what is here did not help. Escape goes back from an article, then closes."""

    spoken_role = WINDOW

    help_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._finder = ArticleFinder(())
        self._read: Article | None = None
        space = theme.tokens.space
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(_("Find an answer"))
        self.pages = QStackedWidget()
        self.pages.addWidget(self._make_list())
        self.pages.addWidget(self._make_article())
        self.ask = Button(theme, _("Ask for help"), icon="pen-line", pressed=self._ask)
        words = PlainLabel(_("Did this not help?"), tone="muted", wrap=True)
        said = row(words, self.ask, gap=space.small, margins=(space.large, space.small, space.large, space.small))
        said.setStretch(0, 1)
        box = column(self.pages, Panel("footer", said))
        box.setStretch(0, 1)
        self.setLayout(box)
        self.setMinimumSize(space.vast * 7 + space.wide, space.vast * 9)
        self.resize(space.vast * 10, space.vast * 13)
        self.field.setFocus()

    def _make_list(self) -> QWidget:
        space = self._theme.tokens.space
        self.field = QLineEdit()
        self.field.setAccessibleName(_("Search the answers"))
        self.field.setPlaceholderText(_("Search the answers"))
        self.field.textChanged.connect(lambda _text: self._filter())
        self.field.installEventFilter(self)
        self.list = RowList(self._theme, _("All answers"), _Delegate(self._theme))
        self.model = _Model(self)
        self.list.setModel(self.model)
        self.list.opened.connect(self._open)
        self.list.clicked.connect(self._open)
        self.nothing = EmptyState(self._theme, _("No answer fits"), _("Try another word, or ask us."), icon="search")
        page = QWidget()
        box = column(self.field, self.list, self.nothing, gap=space.medium, margins=(space.large,) * 4)
        box.setStretch(1, 1)
        page.setLayout(box)
        return page

    def _make_article(self) -> QWidget:
        space = self._theme.tokens.space
        self.back = Button(self._theme, _("All answers"), look=Look.LINK, pressed=self._go_back)
        self.title = PlainLabel(type="title", wrap=True)
        self.text = ArticleText(self._theme)
        self.updated = PlainLabel(type="caption", tone="muted")
        inside = QWidget()
        inside.setLayout(
            column(self.title, self.text, self.updated, None, gap=space.large, margins=(0, 0, space.medium, 0))
        )
        page = QWidget()
        box = column(
            row(self.back, None), scroll(inside), gap=space.small,
            margins=(space.large, space.medium, space.small, space.medium),
        )  # fmt: skip
        box.setStretch(1, 1)
        page.setLayout(box)
        return page

    def show_articles(self, articles: Sequence[Article]) -> None:
        """Show these; the one that is being read stays, in its newest words."""
        self._finder = ArticleFinder(articles)
        self._filter()
        if self._read is not None:
            newer = next((each for each in articles if each.of == self._read.of), None)
            if newer is not None and newer != self._read:
                self._show(newer)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Down goes into the list, Enter opens what is first, while the field has the keyboard."""
        if isinstance(event, QInputMethodEvent):
            self._filter(event.preeditString())
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Down and self.model.rowCount():
                self.list.setFocus(Qt.FocusReason.TabFocusReason)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._open(self.list.currentIndex())
                return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape: back, then away."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif self.pages.currentIndex():
            self._go_back()
        else:
            self.close()

    def _filter(self, typed: str = "") -> None:
        text = self.field.text() + typed if typed else read_text(self.field)
        self.model.show_articles(self._finder.find(text.strip(), language()))
        found = bool(self.model.rowCount())
        self.list.setVisible(found)
        self.nothing.setVisible(not found)
        if found:
            self.list.setCurrentIndex(self.model.index(0))
        if not self._finder.articles:
            self.nothing.title.setText(_("No answers yet"))
            self.nothing.text.setText(_("They come when this computer has reached the server."))
        else:
            self.nothing.title.setText(_("No answer fits"))
            self.nothing.text.setText(_("Try another word, or ask us."))

    def _open(self, index: QModelIndex) -> None:
        if index.isValid():
            self._show(self.model.articles[index.row()])
            self.back.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show(self, article: Article) -> None:
        self._read = article
        self.title.setText(article.title(language()))
        self.text.show_text(article.body(language()))
        self.updated.setText(_("As of {when}").format(when=fmt.moment(article.saved_at)))
        self.pages.setCurrentIndex(1)

    def _go_back(self) -> None:
        self._read = None
        self.pages.setCurrentIndex(0)
        self.list.setFocus()

    def _ask(self) -> None:
        self.close()
        self.help_wanted.emit()
