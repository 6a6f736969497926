# SPDX-License-Identifier: GPL-3.0-or-later
"""A ticket's history in one list: who did what and when, messages and notes by one line, oldest first."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QWidget

from app.config.i18n import _
from app.domain.ids import UserId
from app.domain.ports import Choices, ItemKind, ThreadItem, TicketDetails
from app.services.texts import polite
from app.services.texts_history import event_line
from widgets.foundation import Button, Look, PlainLabel, Theme, column, fit, fmt, row
from widgets.foundation.hangul import matches

__all__ = ["HistoryWindow", "history_lines"]


def history_lines(details: TicketDetails, choices: Choices, me: UserId | None) -> list[tuple[int, str]]:
    """Return the time and the words of everything that happened, oldest first."""
    out = []
    for item in details.items:
        line = event_line(item, details.items, choices, me)
        if line is not None:
            out.append((item.at, line.text))
        elif item.kind is not ItemKind.EVENT:
            out.append((item.at, _spoken(item)))
    return out


def _spoken(item: ThreadItem) -> str:
    who = polite(item.author_name) or _("Unknown sender")
    words = " ".join(item.body.split())[:80] or ", ".join(file.filename for file in item.attachments)
    text = {
        ItemKind.REPLY: _("{who} replied: {words}"),
        ItemKind.NOTE: _("{who} noted: {words}"),
    }.get(item.kind, _("{who} wrote: {words}"))
    return text.format(who=who, words=words)


class HistoryWindow(QDialog):
    """Not modal: work goes on beside it. Typing narrows the list; Copy takes what shows."""

    def __init__(
        self, theme: Theme, details: TicketDetails, choices: Choices, me: UserId | None, parent: QWidget | None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        title = _("History of {ticket}").format(ticket=details.row.label)
        self.setWindowTitle(title)
        space = theme.tokens.space
        self._lines = history_lines(details, choices, me)
        self.finder = QLineEdit()
        self.finder.setPlaceholderText(_("Find in the history"))
        self.finder.setAccessibleName(_("Find in the history"))
        self.finder.textChanged.connect(self._show)
        self.list = QListWidget()
        self.list.setAccessibleName(title)
        self.list.setWordWrap(True)
        self.list.setSpacing(space.hair)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.nothing = PlainLabel(_("Nothing fits."), tone="muted")
        self.copy = Button(theme, _("Copy"), look=Look.QUIET, icon="copy", pressed=self._copy)
        self.close_button = Button(theme, _("Close"), pressed=self.close)
        box = column(
            PlainLabel(title, type="title", wrap=True), self.finder, self.list, self.nothing,
            row(self.copy, None, self.close_button), gap=space.medium,
            margins=(space.wide, space.wide, space.wide, space.large),
        )  # fmt: skip
        box.setStretch(2, 1)
        self.setLayout(box)
        self._show()
        fit(self, space.vast * 12, space.vast * 11)
        self.list.setCurrentRow(self.list.count() - 1)
        self.list.scrollToBottom()
        self.list.setFocus()

    def texts(self) -> list[str]:
        """Return the lines that show."""
        return [self.list.item(n).text() for n in range(self.list.count())]

    def _show(self) -> None:
        wanted = self.finder.text().strip()
        self.list.clear()
        for at, text in self._lines:
            if not wanted or matches(wanted, text):
                QListWidgetItem(f"{fmt.moment(at)}   {text}", self.list)
        self.nothing.setVisible(not self.list.count())

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self.texts()))
