# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of an article: title and text in Korean and English side by side, folder, for whom, when to look again."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QDate, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDateEdit, QHBoxLayout, QLineEdit, QWidget

from app.config.i18n import _
from app.domain.articles import Audience
from app.services.publications import ArticleDraft
from widgets.foundation import PlainEdit, PlainLabel, Theme, column, read_text, row

__all__ = ["ArticleForm"]

_MONTHS = 6  # until an article is looked at again, unless somebody says otherwise


class ArticleForm(QWidget):
    """GUI thread. `draft` says what is in it; `changed` whether that differs from what it began with; `typed` comes
    with each change."""

    typed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        space = theme.tokens.space
        self.title_ko, self.title_en = QLineEdit(), QLineEdit()
        self.body_ko, self.body_en = PlainEdit(name=_("Text in Korean")), PlainEdit(name=_("Text in English"))
        self.folder = QComboBox()
        self.folder.setEditable(True)
        self.folder.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.audience = QComboBox()
        self.audience.addItem(_("Customers and staff"), Audience.PUBLIC.value)
        self.audience.addItem(_("Staff only"), Audience.STAFF.value)
        self.review = QCheckBox(_("Look at it again on"))
        self.review_on = QDateEdit()
        self.review_on.setDisplayFormat("yyyy-MM-dd")
        self.review_on.setCalendarPopup(True)
        self.review_on.setAccessibleName(_("Day to look at it again"))
        self.review.toggled.connect(self.review_on.setEnabled)
        sides = [
            column(*self._named(_("Title in Korean"), self.title_ko), *self._named(_("Text in Korean"), self.body_ko),
                   gap=space.tiny),
            column(*self._named(_("Title in English"), self.title_en),
                   *self._named(_("Text in English"), self.body_en), gap=space.tiny),
        ]  # fmt: skip
        both = row(*sides, gap=space.medium)
        self.hint = PlainLabel(
            _("A line that begins with # is a heading, with - an item of a list, with 1. a step. Blank lines part."),
            type="caption", tone="muted", wrap=True,
        )  # fmt: skip
        below = (
            column(*self._named(_("Folder"), self.folder), gap=space.tiny),
            column(*self._named(_("Who reads it"), self.audience), gap=space.tiny),
            column(self.review, self.review_on, gap=space.tiny),
        )
        foot = row(*below, gap=space.medium)
        for box in (both, foot):
            self._spread(box)
        for side in below:  # the fields on one line, though a tick is higher than a name
            foot.setAlignment(side, Qt.AlignmentFlag.AlignBottom)
        layout = column(both, self.hint, foot, gap=space.small)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self._began = ArticleDraft({}, {})
        for change in (
            self.title_ko.textChanged, self.title_en.textChanged, self.body_ko.textChanged, self.body_en.textChanged,
            self.folder.editTextChanged, self.audience.currentIndexChanged, self.review.toggled,
            self.review_on.dateChanged,
        ):  # fmt: skip
            change.connect(lambda *_said: self.typed.emit())

    @staticmethod
    def _spread(box: QHBoxLayout) -> None:
        for place in range(box.count()):
            box.setStretch(place, 1)

    @staticmethod
    def _named(name: str, field: QWidget) -> tuple[QWidget, QWidget]:
        field.setAccessibleName(name)
        return PlainLabel(name, type="caption", tone="muted"), field

    def begin(self, draft: ArticleDraft, folders: Iterable[str], *, unsaved: bool = False) -> None:
        """Show these texts; `folders` are those there are. `unsaved`: they stand nowhere else yet."""
        self.title_ko.setText(draft.titles.get("ko", ""))
        self.title_en.setText(draft.titles.get("en", ""))
        self.body_ko.setPlainText(draft.bodies.get("ko", ""))
        self.body_en.setPlainText(draft.bodies.get("en", ""))
        self.folder.clear()
        self.folder.addItems(sorted({each for each in folders if each}))
        self.folder.setEditText(draft.folder)
        self.audience.setCurrentIndex(max(0, self.audience.findData(draft.audience)))
        day = QDate.fromString(draft.review_on, "yyyy-MM-dd")
        self.review.setChecked(day.isValid())
        self.review_on.setEnabled(day.isValid())
        self.review_on.setDate(day if day.isValid() else QDate.currentDate().addMonths(_MONTHS))
        self._began = ArticleDraft({}, {}) if unsaved else self.draft()

    def draft(self) -> ArticleDraft:
        """Return what the form says, the syllable being composed included."""
        review = self.review_on.date().toString("yyyy-MM-dd") if self.review.isChecked() else ""
        return ArticleDraft(
            {"ko": read_text(self.title_ko), "en": read_text(self.title_en)},
            {"ko": read_text(self.body_ko), "en": read_text(self.body_en)}, self.folder.currentText(),
            str(self.audience.currentData()), review,
        )  # fmt: skip

    def changed(self) -> bool:
        """Tell whether anything was typed."""
        return self.draft() != self._began

    def focus(self, what: str = "title") -> None:
        """Put the keyboard where the work begins, or where something is missing."""
        korean = bool(self.title_ko.text().strip()) or not self.title_en.text().strip()
        fields = {"title": (self.title_ko, self.title_en), "body": (self.body_ko, self.body_en)}[what]
        fields[0 if korean else 1].setFocus()
