# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of articles: title, folder, where each stands. Found by words of title and text while one types."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QRect, Qt, Signal
from PySide6.QtGui import QInputMethodEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from app.config.i18n import _, language
from app.domain.articles import Article, ArticleFinder, Audience, Publication
from app.services.publications import publication_name
from widgets.foundation import Index, Ink, PlainLabel, RowDelegate, RowList, Theme, column, read_text

__all__ = ["ArticleList"]

_NO_INDEX = QModelIndex()
_CHIP = {
    Publication.DRAFT: "note",
    Publication.REVIEW: "warning",
    Publication.PUBLISHED: "success",
    Publication.RETIRED: "neutral",
}


class _Model(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.articles: Sequence[Article] = ()

    def show_articles(self, articles: Sequence[Article]) -> None:
        self.beginResetModel()
        self.articles = articles
        self.endResetModel()

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        """How many there are."""
        return 0 if parent.isValid() else len(self.articles)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """An article, or its words."""
        article = self.articles[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return article
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return ", ".join(filter(None, (article.title(language()), publication_name(article.state), article.folder)))
        return None


class _Delegate(RowDelegate):
    def row_height(self) -> int:
        """Two lines."""
        lines = self.metrics("body").lineSpacing() + self.metrics("caption").lineSpacing()
        return lines + 2 * self.theme.tokens.space.small + self.theme.tokens.space.tiny

    def paint_row(self, painter: QPainter, rect: QRect, index: Index, ink: Ink) -> None:
        """Title; below it the state and the folder."""
        article = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(article, Article):
            return
        space = self.theme.tokens.space
        inner = rect.adjusted(space.medium, space.small, -space.medium, -space.small)
        title = QRect(inner.left(), inner.top(), inner.width(), self.metrics("body").lineSpacing())
        self.draw(painter, title, article.title(language()) or _("Without a title"), ink.text)
        below = QRect(inner.left(), title.bottom(), inner.width(), inner.bottom() - title.bottom())
        kind = "selected" if ink.selected else _CHIP.get(Publication(article.state), "neutral")
        state = publication_name(article.state)
        used = self.draw_chip(painter, below.left(), below.center().y() + 1, state, kind) + space.small
        staff = _("For staff") if article.audience == Audience.STAFF else ""
        where = " · ".join(filter(None, (staff, article.folder)))
        self.draw(painter, below.adjusted(used, 0, 0, 0), where, ink.muted, "caption")


class ArticleList(QWidget):
    """`chosen` gives the article that is current now (None: none); `entered` says that Enter was pressed on it."""

    chosen = Signal(object)
    entered = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._finder = ArticleFinder(())
        space = theme.tokens.space
        self.field = QLineEdit()
        self.field.setAccessibleName(_("Search articles"))
        self.field.setPlaceholderText(_("Search articles"))
        self.field.textChanged.connect(lambda _text: self._filter())
        self.field.installEventFilter(self)
        self.state = QComboBox()
        self.state.setAccessibleName(_("Which articles"))
        for name, value in (
            (_("All but withdrawn ones"), "live"), (_("Published"), Publication.PUBLISHED.value),
            (_("Waiting for a review"), Publication.REVIEW.value), (_("Drafts"), Publication.DRAFT.value),
            (_("Withdrawn"), Publication.RETIRED.value),
        ):  # fmt: skip
            self.state.addItem(name, value)
        self.state.currentIndexChanged.connect(lambda _n: self._filter())
        self.list = RowList(theme, _("Articles"), _Delegate(theme))
        self.model = _Model(self)
        self.list.setModel(self.model)
        self.list.selectionModel().currentChanged.connect(lambda now, _before: self._tell(now))
        self.list.opened.connect(lambda _index: self.entered.emit())
        self.nothing = PlainLabel(_("No article fits."), tone="muted", wrap=True)
        self.nothing.hide()
        box = column(self.field, self.state, self.list, self.nothing, gap=space.small)
        box.setStretch(2, 1)
        self.setLayout(box)

    def current(self) -> Article | None:
        """Return the article that is chosen."""
        index = self.list.currentIndex()
        return self.model.articles[index.row()] if index.isValid() else None

    def show_articles(self, articles: Sequence[Article], select: bytes | None = None) -> None:
        """Show what there is; the article that was chosen (or `select`) stays so."""
        self._finder = ArticleFinder(articles)
        self._filter(select)

    def select(self, article: bytes) -> None:
        """Choose an article, whatever is filtered."""
        if all(each.of != article for each in self.model.articles):
            found = next((each for each in self._finder.articles if each.of == article), None)
            self.field.clear()
            if found is not None and self.state.currentData() not in ("live", found.state):
                self.state.setCurrentIndex(0)
            if found is not None and found.state == Publication.RETIRED:
                self.state.setCurrentIndex(self.state.findData(found.state))
        self._filter(article)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Down and Up move in the list, Enter takes what is chosen, while the field has the keyboard."""
        if isinstance(event, QInputMethodEvent):
            self._filter(typed=event.preeditString())
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            by = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if by is not None:
                place = max(0, min(self.model.rowCount() - 1, self.list.currentIndex().row() + by))
                self.list.setCurrentIndex(self.model.index(place))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.entered.emit()
                return True
        return super().eventFilter(watched, event)

    def _filter(self, select: bytes | None = None, typed: str = "") -> None:
        known = self.current()
        keep = select if select is not None else known.of if known is not None else None
        text = (read_text(self.field) if not typed else self.field.text() + typed).strip()
        wanted = self.state.currentData()
        found = [
            each
            for each in self._finder.find(text, language())
            if each.state == wanted or (wanted == "live" and each.state != Publication.RETIRED)
        ]
        self.list.blockSignals(True)
        self.model.show_articles(found)
        self.list.blockSignals(False)
        place = next((n for n, each in enumerate(found) if each.of == keep), 0 if found else -1)
        self.nothing.setVisible(not found)
        self.list.setVisible(bool(found))
        if place >= 0:
            self.list.setCurrentIndex(self.model.index(place))
        else:
            self.chosen.emit(None)

    def _tell(self, index: QModelIndex) -> None:
        self.chosen.emit(self.model.articles[index.row()] if index.isValid() else None)
