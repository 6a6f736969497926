# SPDX-License-Identifier: GPL-3.0-or-later
"""Merging: both tickets beside each other, which one stays, and what will happen. Two customers are asked about."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QSizePolicy, QWidget

from app.config.i18n import _, ngettext
from app.domain.ports import Choices, ItemKind, TicketDetails
from app.services.texts import owner_name, polite, state_name
from widgets.foundation import Button, Card, Notice, PlainLabel, Theme, Words, clear, fit, fmt, row
from widgets.foundation.form_window import FormWindow

__all__ = ["MergeWindow", "merge_facts"]

SHOWN = 3  # messages of each


def merge_facts(details: TicketDetails, choices: Choices) -> list[tuple[str, str]]:
    """Return what the preview says of a ticket: customer, state, owner, tags, how much was written."""
    items = [i for i in details.items if i.kind is not ItemKind.EVENT]
    count = ngettext("{n} message or note", "{n} messages and notes", len(items)).format(n=len(items))
    tags = ", ".join(sorted(choices.tags.get(tag, "?") for tag in details.tags)) or _("none")
    return [
        (_("Customer"), polite(customer_of(details)) or _("not known")),
        (_("State"), state_name(choices, details.row.state, details.row.category)),
        (_("Owner"), polite(owner_name(choices, details.row.owner)) if details.row.owner else _("Nobody")),
        (_("Tags"), tags),
        (_("Written"), count),
        (_("Opened"), fmt.moment(details.created_at)),
    ]


def customer_of(details: TicketDetails) -> str:
    """Return the customer's name."""
    return details.customer.name if details.customer is not None else details.row.customer_name


class MergeWindow(FormWindow):
    """`agreed` gives the details of the ticket that goes and of the one that stays. Nothing is sent to customers."""

    agreed = Signal(object, object)

    def __init__(
        self, theme: Theme, source: TicketDetails, target: TicketDetails, choices: Choices, parent: QWidget | None
    ) -> None:
        super().__init__(
            theme, parent, title=_("Merge two tickets"), deed=_("Merge"), wide=theme.tokens.space.vast * 13
        )
        self._choices = choices
        self.source, self.target = source, target
        space = theme.tokens.space
        self._columns = row(gap=space.medium)
        self.what = Words("", tone="muted")
        self.swap = Button(theme, _("Swap: keep the other one"), icon="arrow-up-down", pressed=self._swap)
        self.swap.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.two = Notice(theme, kind="danger")
        self.sure = QCheckBox()
        self.sure.toggled.connect(lambda _on: self._tell_deed())
        self.two.body.addWidget(self.sure)
        self.body.addLayout(self._columns)
        self.body.addLayout(row(self.swap, None))
        self.body.addWidget(self.what)
        self.body.addWidget(self.two)
        self._show()
        fit(self, space.vast * 15, 0)
        (self.sure if self._has_two() else self.deed).setFocus()

    def _has_two(self) -> bool:
        return self.source.row.customer != self.target.row.customer

    def _swap(self) -> None:
        self.source, self.target = self.target, self.source
        self.sure.setChecked(False)
        self._show()

    def _show(self) -> None:
        clear(self._columns)
        self._columns.addWidget(self._card(self.source, _("This one goes: {ticket}"), "card"), 1)
        self._columns.addWidget(self._card(self.target, _("This one stays: {ticket}"), "success"), 1)
        known = {"source": self.source.row.label, "target": self.target.row.label}
        self.what.setText(
            _(
                "All of {source} goes to {target}: messages, notes, tags, watchers, working time. Mail for {source} "
                "comes to {target}. Nothing is sent to the customer. The merge can be undone at any time, from "
                "either ticket."
            ).format(**known)
        )
        names = {"one": polite(customer_of(self.source)), "two": polite(customer_of(self.target))}
        self.two.tell(
            _(
                "These are tickets of two customers: {one} and {two}. After the merge {two} sees what {one} wrote, and "
                "answers go to {two}."
            ).format(**names),
            "danger",
        )
        self.two.setVisible(self._has_two())
        self.sure.setText(_("{two} may read what {one} wrote").format(**names))
        self._tell_deed()

    def _tell_deed(self) -> None:
        self.deed.setText(_("Merge into {ticket}").format(ticket=self.target.row.label))
        self.deed.setEnabled(not self._has_two() or self.sure.isChecked())

    def _card(self, details: TicketDetails, title: str, kind: str) -> QWidget:
        space, tone = self.theme.tokens.space, "" if kind == "card" else kind
        head = PlainLabel(title.format(ticket=details.row.label), type="strong", tone=tone, wrap=True)
        card = Card(self.theme, head, Words(details.row.subject, type="title", tone=tone), kind=kind)
        for name, value in merge_facts(details, self._choices):
            label = PlainLabel(name, type="caption", tone=tone or "muted")
            label.setMinimumWidth(space.vast)
            words = Words(value, tone=tone)
            words.setAccessibleName(f"{name}: {value}")
            facts = row(label, words, gap=space.small)
            facts.setStretch(1, 1)
            card.body.addLayout(facts)
        newest = [i for i in details.items if i.kind is not ItemKind.EVENT][-SHOWN:]
        for item in newest:
            text = " ".join(item.body.split())[:160]
            who = polite(item.author_name) or _("Unknown sender")
            card.body.addWidget(Words(f"{who}, {fmt.moment(item.at)}: {text}", type="caption", tone=tone or "muted"))
        card.body.addStretch(1)
        card.setAccessibleName(f"{head.text()}, {details.row.subject}")
        return card

    def submit(self) -> None:
        """Merge, once both customers were agreed to where there are two."""
        if self.deed.isEnabled():
            self.agreed.emit(self.source, self.target)
            self.accept()
