# SPDX-License-Identifier: GPL-3.0-or-later
"""Two records of one person become one: both beside each other, each differing field asked, and what will happen."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QRadioButton, QSizePolicy, QWidget

from app.config.i18n import _, ngettext
from app.domain.customer_ports import CustomerPage
from app.domain.entities import Value
from app.services.customers import Choice, differing
from app.services.texts import polite
from app.services.texts_customers import address_text, field_text, merge_field_name
from widgets.foundation import Button, Card, PlainLabel, Theme, Words, clear, column, fit, row, scroll
from widgets.foundation.form_window import FormWindow
from widgets.foundation.scroll_body import ScrollBody

__all__ = ["MergeCustomersWindow"]


class MergeCustomersWindow(FormWindow):
    """`agreed` gives the page of the one that goes, of the one that stays, and the values that the latter takes."""

    agreed = Signal(object, object, object)

    def __init__(self, theme: Theme, going: CustomerPage, staying: CustomerPage, parent: QWidget | None) -> None:
        super().__init__(
            theme, parent, title=_("Two records of one customer"), deed=_("Merge"), wide=theme.tokens.space.vast * 12
        )
        self.going, self.staying = going, staying
        self.answers: dict[str, tuple[Choice, QRadioButton]] = {}
        self._groups: list[QButtonGroup] = []
        space = theme.tokens.space
        self._cards = row(gap=space.medium)
        self._asked = column(gap=space.small)
        inside = ScrollBody()
        inside.setLayout(column(self._cards, self._asked, None, gap=space.medium))
        self.area = scroll(inside)
        self.area.setMinimumHeight(space.vast * 5)
        self.swap = Button(theme, _("Swap: keep the other one"), icon="arrow-up-down", pressed=self._swap)
        self.swap.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.what = Words("", tone="muted")
        self.body.addWidget(self.area)
        self.body.setStretch(0, 1)
        self.body.addLayout(row(self.swap, None))
        self.body.addWidget(self.what)
        self._show()
        fit(self, space.vast * 14, space.vast * 11)
        self.deed.setFocus()

    def _swap(self) -> None:
        self.going, self.staying = self.staying, self.going
        self._show()

    def _show(self) -> None:
        clear(self._cards)
        clear(self._asked)
        self.answers, self._groups = {}, []
        self._cards.addWidget(self._card(self.going, _("This record goes"), "card"), 1)
        self._cards.addWidget(self._card(self.staying, _("This record stays"), "success"), 1)
        asked = differing(self.going, self.staying)
        if asked:
            self._asked.addWidget(PlainLabel(_("They differ. What is right?"), type="strong"))
        for choice in asked:
            self._asked.addWidget(self._question(choice))
        self.what.setText(
            _(
                "All tickets, addresses and products of {one} become those of {two}; an address that both have stays "
                "once. Nothing is sent. The merge can be undone at any time from this customer's page."
            ).format(one=polite(self.going.name), two=polite(self.staying.name))
        )

    def _card(self, page: CustomerPage, title: str, kind: str) -> QWidget:
        tone = "" if kind == "card" else kind
        card = Card(self.theme, PlainLabel(title, type="strong", tone=tone), kind=kind)
        card.body.addWidget(Words(polite(page.name), type="title", tone=tone))
        if page.organisation is not None:
            card.body.addWidget(Words(page.organisation.name, tone=tone))
        for contact in page.contacts:
            card.body.addWidget(Words(address_text(contact.kind, contact.value), tone=tone))
        tickets = ngettext("{n} ticket", "{n} tickets", page.n_tickets).format(n=page.n_tickets)
        n = len([product for product in page.products if not product.shared])
        products = ngettext("{n} product", "{n} products", n).format(n=n)
        card.body.addWidget(Words(f"{tickets}, {products}", type="caption", tone=tone or "muted"))
        card.body.addStretch(1)
        card.setAccessibleName(f"{title}: {page.name}")
        return card

    def _question(self, choice: Choice) -> QWidget:
        name = merge_field_name(choice.name)
        staying = QRadioButton(field_text(self.staying, choice.name, choice.staying))
        going = QRadioButton(field_text(self.going, choice.name, choice.going))
        group = QButtonGroup(self)
        for button in (going, staying):
            button.setAccessibleName(f"{name}: {button.text()}")
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            group.addButton(button)
        (going if choice.take else staying).setChecked(True)
        self._groups.append(group)
        self.answers[choice.name] = (choice, going)
        holder = QWidget()
        both = row(going, staying, gap=self.theme.tokens.space.medium)
        both.setStretch(0, 1)
        both.setStretch(1, 1)
        caption = PlainLabel(name, type="caption", tone="muted")
        holder.setLayout(column(caption, both, gap=self.theme.tokens.space.hair))
        return holder

    def chosen(self) -> dict[str, Value]:
        """Return the values that the one that stays takes from the one that goes."""
        return {name: choice.going for name, (choice, going) in self.answers.items() if going.isChecked()}

    def submit(self) -> None:
        """Merge."""
        self.agreed.emit(self.going, self.staying, self.chosen())
        self.accept()
