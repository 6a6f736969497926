# SPDX-License-Identifier: GPL-3.0-or-later
"""What the organisation has set on this computer: each setting with value, firmness and file, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QDialog, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from app.config.i18n import _
from app.config.policy_view import PolicyRow, as_text, force_word, policy_rows
from app.config.settings import Settings
from widgets.foundation import Button, Look, Notice, PlainLabel, Theme, announce, column, row, scroll

__all__ = ["PoliciesWindow"]

_KEY = Qt.ItemDataRole.UserRole
_MAY_BREAK: Final = "\u200b"  # a long path goes on in the next line
_LINES_SHOWN: Final = 5  # at least, also where much is wrong and the rest scrolls
_USUAL_PERCENT: Final = 100


class PoliciesWindow(QDialog):
    """GUI thread. Shows what `settings` took in at the start; nothing can be changed here."""

    def __init__(self, theme: Theme, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = policy_rows(settings)
        self._problems = tuple(settings.policy_problems)
        space = theme.tokens.space
        self._row = QSize(0, theme.tokens.density["compact"].row)
        self.setWindowTitle(_("Set by your organisation"))
        self.about = PlainLabel(self._about(), tone="muted", wrap=True)
        self.problems = Notice(theme, self._told(self._problems), kind="warning")
        self.problems.setVisible(bool(self._problems))
        self.list = self._list(space.vast, large=theme.text_percent > _USUAL_PERCENT)
        self.place = PlainLabel(type="caption", tone="muted", wrap=True)
        self.place.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.copy = Button(theme, _("Copy all"), pressed=self._copy)
        self.copy.setVisible(bool(self._rows or self._problems))
        self.copied = PlainLabel(type="caption", tone="muted")
        self.close_button = Button(theme, _("Close"), look=Look.PRIMARY, pressed=self.accept)
        buttons = row(self.copy, self.copied, None, self.close_button, gap=space.small)
        title = PlainLabel(_("Set by your organisation"), type="title")
        inner = QWidget()
        inside = column(
            self.about, self.problems, self.list, self.place, gap=space.medium, margins=(0, 0, space.small, 0)
        )
        inside.setStretchFactor(self.list, 1)
        inner.setLayout(inside)
        edge = (space.wide, space.wide, space.wide, space.large)
        self.setLayout(column(title, scroll(inner), buttons, gap=space.medium, margins=edge))
        self.resize(space.vast * 15, space.vast * 12 if self._rows else space.vast * 4)
        self._fill()

    def shown(self) -> list[tuple[str, ...]]:
        """Return the lines of the list: label, value, how firmly, file."""
        items = (self.list.topLevelItem(i) for i in range(self.list.topLevelItemCount()))
        return [tuple(item.text(i) for i in range(4)) for item in items if item is not None]

    def _about(self) -> str:
        if self._rows or self._problems:
            return _(
                "What your organisation has set on this computer, with the file it stands in. What is fixed, only the "
                "administrator of that file can change."
            )
        return _("Your organisation has set nothing on this computer. Everything in the settings is yours to choose.")

    def _told(self, problems: Sequence[str]) -> str:
        head = _("What is wrong with the organisation's files. Please tell whoever looks after this computer:")
        return "\n".join([head, *(f"• {text.replace('/', '/' + _MAY_BREAK)}" for text in problems)])

    def _list(self, wide: int, *, large: bool) -> QTreeWidget:
        made = QTreeWidget()
        made.setHeaderLabels([_("Setting"), _("Value"), _("How"), _("File")])
        made.setRootIsDecorated(False)
        made.setUniformRowHeights(True)
        made.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        made.setAccessibleName(_("Settings of your organisation"))
        header = made.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        if not large:  # else each has a quarter, and what is cut stands below the list in full
            header.setSectionResizeMode(1, QHeaderView.ResizeMode.Interactive)
            header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
            header.setSectionResizeMode(3, QHeaderView.ResizeMode.ResizeToContents)
            header.resizeSection(1, wide * 3)
        made.setMinimumHeight(self._row.height() * (_LINES_SHOWN + 1))
        made.currentItemChanged.connect(lambda now, _before: self._chosen(now))
        made.setVisible(bool(self._rows))
        return made

    def _fill(self) -> None:
        for found in self._rows:
            item = QTreeWidgetItem([found.label, found.value, force_word(found.force), _last_part(found.source)])
            item.setData(0, _KEY, found.key)
            item.setToolTip(1, found.value)
            item.setToolTip(3, found.source)
            item.setSizeHint(1, self._row)  # the others are as wide as their words
            self.list.addTopLevelItem(item)
        first = self.list.topLevelItem(0)
        if first is not None:
            self.list.setCurrentItem(first)
            self.list.setFocus()
        else:
            self.close_button.setFocus()

    def _chosen(self, item: QTreeWidgetItem | None) -> None:
        found = next((r for r in self._rows if item is not None and r.key == item.data(0, _KEY)), None)
        self.place.setText(self._whole(found) if found is not None else "")

    @staticmethod
    def _whole(found: PolicyRow) -> str:
        name = _("Name for administrators: {key}").format(key=found.key)
        place = _("Stands in: {place}").format(place=found.source.replace("/", f"/{_MAY_BREAK}"))
        return f"{found.label}: {found.value}\n{place}\n{name}"

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(as_text(self._rows, self._problems))
        self.copied.setText(_("Copied."))
        announce(self, _("Copied."))


def _last_part(source: str) -> str:
    return source.replace("\\", "/").rstrip("/").rpartition("/")[2]
