# SPDX-License-Identifier: GPL-3.0-or-later
"""Splitting: choose the messages and notes that become a ticket of their own: this one, this and later, or ticked."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QLineEdit, QListWidget, QListWidgetItem, QRadioButton, QWidget

from app.config.i18n import _, ngettext
from app.domain.ports import ItemKind, ThreadItem, TicketDetails
from app.services.messages import problem_text
from app.services.texts import polite
from widgets.foundation import Theme, Words, fit, fmt, read_text, row
from widgets.foundation.form_window import FormWindow

__all__ = ["SplitWindow"]

_ID = Qt.ItemDataRole.UserRole


class SplitWindow(FormWindow):
    """`agreed` gives the ids of what leaves and the new ticket's subject."""

    agreed = Signal(object, str)

    def __init__(
        self, theme: Theme, details: TicketDetails, start: bytes | None = None, parent: QWidget | None = None
    ) -> None:
        """`start` is the message it begins from; the newest of the customer's otherwise."""
        super().__init__(theme, parent, title=_("Split {ticket}").format(ticket=details.row.label), deed=_("Split"))
        space = theme.tokens.space
        self.items = [i for i in details.items if i.kind is not ItemKind.EVENT]
        inbound = [i.id for i in self.items if i.kind is ItemKind.MESSAGE_IN]
        self.start = start or (inbound or [i.id for i in self.items])[-1]
        self.one, self.later, self.ticked = QRadioButton(), QRadioButton(), QRadioButton()
        self._ways = QButtonGroup(self)
        for button, text in (
            (self.one, _("Only this one")), (self.later, _("This one and later")), (self.ticked, _("What is ticked")),
        ):  # fmt: skip
            button.setText(text)
            self._ways.addButton(button)
            button.toggled.connect(self._choose)
        self.list = QListWidget()
        self.list.setAccessibleName(_("Messages and notes"))
        self.list.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)
        self.list.setMinimumHeight(space.vast * 4)
        self.list.setSpacing(space.tiny)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for item in self.items:
            self._add(item)
        self.list.itemChanged.connect(self._ticked)
        self.list.currentRowChanged.connect(self._moved)
        self.subject = QLineEdit(details.row.subject)
        self.what = Words("", tone="muted")
        self.body.addLayout(row(self.one, self.later, self.ticked, None, gap=space.large))
        self.body.addWidget(self.list, 1)
        self.body.addLayout(self.field(_("Subject of the new ticket"), self.subject))
        self.body.addWidget(self.what)
        self._setting = False
        place = next((n for n, item in enumerate(self.items) if item.id == self.start), 0)
        self.one.setChecked(True)
        self.list.setCurrentRow(place)
        fit(self, space.vast * 13, space.vast * 11)
        self.list.setFocus()

    def _add(self, item: ThreadItem) -> None:
        kind = {ItemKind.NOTE: _("Internal note"), ItemKind.REPLY: _("Reply")}.get(item.kind, _("Message"))
        who = polite(item.author_name) or _("Unknown sender")
        text = " ".join(item.body.split())[:200] or ", ".join(file.filename for file in item.attachments)
        entry = QListWidgetItem(f"{kind} · {who} · {fmt.moment(item.at)}\n{text}", self.list)
        entry.setData(_ID, item.id.hex())
        entry.setFlags(entry.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        entry.setCheckState(Qt.CheckState.Unchecked)

    def chosen(self) -> list[bytes]:
        """Return what leaves, in the order of the conversation."""
        checked = Qt.CheckState.Checked
        entries = (self.list.item(n) for n in range(self.list.count()))
        return [bytes.fromhex(entry.data(_ID)) for entry in entries if entry.checkState() is checked]

    def _moved(self, place: int) -> None:
        if 0 <= place < len(self.items) and not self.ticked.isChecked():
            self.start = self.items[place].id
            self._choose()

    def _choose(self, *_on: object) -> None:
        """Tick what the way means; ticks set by hand stay with "What is ticked"."""
        if not self.ticked.isChecked():
            first = next((n for n, item in enumerate(self.items) if item.id == self.start), 0)
            self._setting = True
            for n in range(self.list.count()):
                on = n == first or (n > first and self.later.isChecked())
                self.list.item(n).setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
            self._setting = False
        self._tell()

    def _ticked(self, _entry: QListWidgetItem) -> None:
        if not self._setting:
            self.ticked.setChecked(True)
            self._tell()

    def _tell(self) -> None:
        n = len(self.chosen())
        self.what.setText(
            ngettext(
                "{n} entry becomes a new ticket of the same customer, linked with this one. Undo puts it back.",
                "{n} entries become a new ticket of the same customer, linked with this one. Undo puts them back.",
                n,
            ).format(n=n)
        )
        self.deed.setEnabled(n > 0)

    def submit(self) -> None:
        """Split; all of a ticket cannot leave it."""
        chosen, subject = self.chosen(), read_text(self.subject).strip()
        if not subject:
            self.tell(problem_text("subject_needed"), self.subject)
        elif len(chosen) == len(self.items):
            self.tell(problem_text("all_would_leave"), self.list)
        elif chosen:
            self.agreed.emit(chosen, subject)
            self.accept()
