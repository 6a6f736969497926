# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks: found by a part of name, number, address or serial number, or made on the spot."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from app.config.i18n import _
from app.domain.deed_ports import CustomerHit, DeedStore
from app.services.texts import polite
from app.services.tickets import NewCustomer
from widgets.foundation import Button, Look, PlainLabel, Theme, column, read_text, row
from widgets.foundation.chooser import Chooser, Option
from widgets.foundation.jobs import Jobs

__all__ = ["CustomerField"]

FOUND = 8


class CustomerField(QWidget):
    """A button that opens the search; afterwards it shows who was chosen. `changed`: another one was chosen."""

    changed = Signal()

    def __init__(self, theme: Theme, store: DeedStore, jobs: Jobs) -> None:
        super().__init__()
        self._theme, self._store, self._jobs = theme, store, jobs
        self._hits: dict[bytes, CustomerHit] = {}
        self.hit: CustomerHit | None = None
        self.chooser: Chooser | None = None
        space = theme.tokens.space
        self.choose = Button(theme, "", icon="user", pressed=self.open)
        self.choose.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.about = PlainLabel(type="caption", tone="muted", wrap=True)
        self.about.hide()
        self.name, self.phone, self.email = QLineEdit(), QLineEdit(), QLineEdit()
        for edit, name in ((self.name, _("Name")), (self.phone, _("Phone")), (self.email, _("E-mail"))):
            edit.setAccessibleName(name)
            edit.setPlaceholderText(name)
            edit.textChanged.connect(lambda _text: self.changed.emit())
        self.new = QWidget()
        self.new.setLayout(column(self.name, row(self.phone, self.email, gap=space.small), gap=space.small))
        self.new.hide()
        self.setLayout(column(self.choose, self.about, self.new, gap=space.tiny))
        self.setFocusProxy(self.choose)
        self._tell()

    def open(self) -> None:
        """Search, with the keyboard in the search."""
        chooser = self.chooser = Chooser(
            self._theme, _("Name, number, address or serial number"), self, wide=max(self.width(), self._least())
        )
        chooser.set_nothing(_("Type two letters or four digits."))
        chooser.typed.connect(lambda text: self._ask(chooser, text))
        chooser.chosen.connect(self._chosen)
        chooser.show_options([], narrow=False)
        chooser.open_at(self.choose.mapToGlobal(QPoint(0, 0)))

    def _least(self) -> int:
        return self._theme.tokens.space.vast * 8

    def _ask(self, chooser: Chooser, text: str) -> None:
        wanted = text.strip()
        if len(wanted) < 2:
            chooser.show_options([], narrow=False)
            return
        self._jobs.query(
            lambda: self._store.customers(wanted, FOUND),
            lambda hits: self._found(chooser, wanted, hits),
            lambda _why: self._found(chooser, wanted, ()),
            key="customer.search",
        )

    def _found(self, chooser: Chooser, text: str, hits: Sequence[CustomerHit]) -> None:
        if chooser is not self.chooser:
            return
        self._hits |= {hit.id: hit for hit in hits}
        options = [
            Option(hit.id, polite(hit.name), "user", detail=" · ".join(filter(None, (hit.organisation, hit.address))))
            for hit in hits
        ]
        new = Option(("new", text), _("New customer: {name}").format(name=text), "plus")
        chooser.show_options([*options, new], narrow=False)

    def _chosen(self, value: object) -> None:
        self.chooser = None
        if isinstance(value, tuple):
            self.show_new(str(value[1]))
        elif isinstance(value, bytes):
            self.show_hit(self._hits[value])

    def show_hit(self, hit: CustomerHit) -> None:
        """Choose a known customer."""
        self.hit = hit
        self.new.hide()
        self._tell()
        self.changed.emit()

    def show_new(self, text: str) -> None:
        """Begin a new customer with what was searched for: a number or an address goes where it belongs."""
        self.hit = None
        digits = sum(c.isdigit() for c in text)
        target = self.email if "@" in text else self.phone if digits >= 4 and digits * 2 > len(text) else self.name
        target.setText(text)
        self.new.show()
        self._tell()
        (self.name if target is not self.name else self.phone).setFocus()
        self.changed.emit()

    def restore(self, name: str, phone: str, email: str) -> None:
        """Show a new customer that was being written down."""
        if name or phone or email:
            self.show_new("")
            for edit, text in ((self.name, name), (self.phone, phone), (self.email, email)):
                edit.setText(text)

    def new_customer(self) -> NewCustomer | None:
        """Return the new customer that is being written down, or None."""
        if self.hit is not None or self.new.isHidden():
            return None
        return NewCustomer(read_text(self.name), read_text(self.phone), read_text(self.email))

    def _tell(self) -> None:
        hit = self.hit
        if hit is not None:
            self.choose.setText(polite(hit.name))
            self.about.setText(" · ".join(filter(None, (hit.organisation, hit.address))))
        else:
            self.choose.setText(_("New customer") if not self.new.isHidden() else _("Choose the customer…"))
        self.about.setVisible(hit is not None and bool(self.about.text()))
        spoken = _("Customer: {name}").format(name=self.choose.label())
        self.choose.setAccessibleName(spoken)
        self.choose.setProperty("look", Look.NORMAL.value)
