# SPDX-License-Identifier: GPL-3.0-or-later
"""The windows in which a customer, an address and a product are edited. What is typed stays until it is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from zoneinfo import available_timezones

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QCompleter, QLineEdit, QWidget

from app.config.i18n import _, language
from app.domain.addresses import address_value, serial_value
from app.domain.call_times import call_times_text, parse_call_times
from app.domain.customer_ports import ContactRow, CustomerPage, OwnedProduct
from app.domain.entities import Value
from app.services.texts import polite
from app.services.texts_customers import ADDRESS_KINDS, LANGUAGES, STATUSES, TIERS, address_text
from widgets.foundation import Button, Look, PlainLabel, Theme, read_text
from widgets.foundation.form_window import FormWindow

__all__ = ["AddressForm", "CustomerForm", "ProductForm"]

MAX_NAME = 80


def _filled(edit: QLineEdit, text: str) -> QLineEdit:
    edit.setText(text)
    edit.setCursorPosition(0)
    return edit


def _choice(words: Mapping[str, str], value: str) -> QComboBox:
    box = QComboBox()
    for key, name in words.items():
        box.addItem(_(name), key)
    if value and box.findData(value) < 0:
        box.addItem(value, value)  # one of another program
    box.setCurrentIndex(max(0, box.findData(value)))
    return box


class CustomerForm(FormWindow):
    """`agreed` gives the customer's fields as they are now."""

    agreed = Signal(object)

    def __init__(self, theme: Theme, page: CustomerPage, parent: QWidget | None) -> None:
        super().__init__(theme, parent, title=_("Edit {name}").format(name=polite(page.name)), deed=_("Save"))
        self.name = _filled(QLineEdit(), page.text("name"))
        self.preferred = _filled(QLineEdit(), page.text("preferred_name"))
        self.language = _choice(LANGUAGES, page.text("language"))
        self.tier = _choice(TIERS, page.text("tier") or "normal")
        self.zone = _filled(QLineEdit(), page.text("zone"))
        names = QCompleter(sorted(available_timezones()), self.zone)
        self.zone.setCompleter(names)
        self.calls = _filled(QLineEdit(), call_times_text(page.text("call_times"), language()))
        for edit in (self.name, self.preferred):
            edit.setMaxLength(MAX_NAME)
        self.body.addLayout(self.beside(
            self.field(_("Name"), self.name),
            self.field(_("Preferred name"), self.preferred, hint=_("What the customer wants to be called")),
        ))  # fmt: skip
        self.body.addLayout(self.beside(
            self.field(_("Language"), self.language), self.field(_("Level of support"), self.tier)
        ))  # fmt: skip
        self.body.addLayout(self.field(_("Time zone"), self.zone, hint=_("For example Asia/Seoul")))
        hint = _("Days and hours in that zone, for example Mon-Fri 09:00-12:00, Sat 10:00-11:00")
        self.body.addLayout(self.field(_("Likes to be called"), self.calls, hint=hint))
        self.name.setFocus()

    def submit(self) -> None:
        """Hand the fields over; what cannot be kept is said at its field."""
        name, zone = read_text(self.name).strip(), read_text(self.zone).strip()
        calls = parse_call_times(read_text(self.calls))
        if not name:
            self.tell(_("The name is missing."), self.name)
        elif zone and zone not in available_timezones():
            self.tell(_("No time zone has this name. Asia/Seoul is one."), self.zone)
        elif calls is None:
            self.tell(_("These times cannot be read. Write them as Mon-Fri 09:00-12:00."), self.calls)
        else:
            fields: dict[str, Value] = {
                "name": name, "preferred_name": read_text(self.preferred).strip() or None, "zone": zone or None,
                "language": self.language.currentData(), "tier": self.tier.currentData(), "call_times": calls or None,
            }  # fmt: skip
            self.agreed.emit(fields)
            self.accept()


class AddressForm(FormWindow):
    """`agreed` gives kind and fields; `removal_asked`: the address is to go. `row` None: a new one."""

    agreed = Signal(str, object)
    removal_asked = Signal()

    def __init__(
        self, theme: Theme, page: CustomerPage, row: ContactRow | None, now_ms: Callable[[], int],
        parent: QWidget | None,
    ) -> None:  # fmt: skip
        title = _("Add an address of {name}") if row is None else _("Edit an address of {name}")
        super().__init__(theme, parent, title=title.format(name=polite(page.name)), deed=_("Save"))
        self._row, self._now_ms = row, now_ms
        self.kind = _choice(ADDRESS_KINDS, row.kind if row is not None else "")
        self.kind.setEnabled(row is None)
        self.value = _filled(QLineEdit(), address_text(row.kind, row.value) if row is not None else "")
        self.label = _filled(QLineEdit(), row.label if row is not None else "")
        self.label.setMaxLength(60)
        self.main = QCheckBox(_("The main one of its kind"))
        self.main.setChecked(row is not None and row.is_primary)
        self.main.setEnabled(row is None or not row.is_primary)  # another one takes its place instead
        self.verified = QCheckBox(_("Verified: it is this person's"))
        self.verified.setChecked(row is not None and row.verified_at is not None)
        self.bad = QCheckBox(_("Does not work: mail comes back, or nobody is there"))
        self.bad.setChecked(row is not None and row.bad_since is not None)
        self.body.addLayout(self.beside(self.field(_("Kind"), self.kind), self.field(_("What it is for"), self.label)))
        self.body.addLayout(self.field(_("Address or number"), self.value))
        for box in (self.main, self.verified, self.bad):
            self.body.addWidget(box)
        if row is not None:
            self.remove = Button(theme, _("Remove"), look=Look.DANGER, icon="trash-2", pressed=self._remove)
            self.foot.insertWidget(0, self.remove)
        self.value.setFocus()

    def _remove(self) -> None:
        self.removal_asked.emit()
        self.accept()

    def submit(self) -> None:
        """Hand over what differs."""
        kind, text = str(self.kind.currentData()), read_text(self.value)
        value = address_value(kind, text)
        if value is None:
            self.tell(_("This is no address of that kind. Look whether a letter or digit is missing."), self.value)
            return
        fields: dict[str, Value] = {"value": value, "label": read_text(self.label).strip()}
        now, row = self._now_ms(), self._row
        if row is None or self.main.isChecked() != row.is_primary:
            fields["is_primary"] = self.main.isChecked()
        ticks = (("verified_at", self.verified, row.verified_at if row else None),
                 ("bad_since", self.bad, row.bad_since if row else None))  # fmt: skip
        for name, box, before in ticks:
            if box.isChecked() != (before is not None):
                fields[name] = now if box.isChecked() else None
        if row is not None:
            old: dict[str, Value] = {"value": row.value, "label": row.label}
            fields = {name: v for name, v in fields.items() if name not in old or old[name] != v}
        if fields:
            self.agreed.emit(kind, fields)
        self.accept()


class ProductForm(FormWindow):
    """`agreed` gives the product's fields; `removal_asked`: it was entered by mistake. `product` None: a new one."""

    agreed = Signal(object)
    removal_asked = Signal()

    def __init__(self, theme: Theme, page: CustomerPage, product: OwnedProduct | None, parent: QWidget | None) -> None:
        title = _("Add a product of {name}") if product is None else _("Edit a product of {name}")
        super().__init__(theme, parent, title=title.format(name=polite(page.name)), deed=_("Save"))
        self._product = product
        self.product = _filled(QLineEdit(), product.product if product else "")
        self.model = _filled(QLineEdit(), product.model if product else "")
        self.serial = _filled(QLineEdit(), product.serial if product else "")
        self.bought = _filled(QLineEdit(), product.purchased_on if product else "")
        self.until = _filled(QLineEdit(), product.warranty_until if product else "")
        self.status = _choice(STATUSES, product.status if product else "in_use")
        self.body.addLayout(self.beside(self.field(_("Product"), self.product), self.field(_("Model"), self.model)))
        self.body.addLayout(
            self.beside(self.field(_("Serial number"), self.serial), self.field(_("State"), self.status))
        )
        self.order = _filled(QLineEdit(), product.order_ref if product else "")
        hint = _("A date as 2027-03-31, or nothing")
        self.body.addLayout(self.beside(
            self.field(_("Purchased on"), self.bought, hint=hint),
            self.field(_("Warranty until"), self.until, hint=hint),
        ))  # fmt: skip
        self.body.addLayout(self.field(_("Order number"), self.order))
        if product is not None:
            self.body.addWidget(PlainLabel(
                _("A product no longer used keeps its history: set its state. Remove only what was never there."),
                type="caption", tone="muted", wrap=True,
            ))  # fmt: skip
            self.remove = Button(theme, _("Remove"), look=Look.DANGER, icon="trash-2", pressed=self._remove)
            self.foot.insertWidget(0, self.remove)
        self.product.setFocus()

    def _remove(self) -> None:
        self.removal_asked.emit()
        self.accept()

    def submit(self) -> None:
        """Hand over what differs."""
        product, model = read_text(self.product).strip(), read_text(self.model).strip()
        serial = serial_value(read_text(self.serial))
        if not product and not model:
            self.tell(_("What product is it?"), self.product)
            return
        if serial is None:
            self.tell(_("This serial number is too long."), self.serial)
            return
        days: dict[str, Value] = {}
        for name, edit in (("purchased_on", self.bought), ("warranty_until", self.until)):
            text = read_text(edit).strip()
            if not _is_day(text):
                self.tell(_("This is no date. Write it as 2027-03-31."), edit)
                return
            days[name] = text or None
        fields: dict[str, Value] = {
            "product": product, "model": model, "serial": serial or None, "status": self.status.currentData(), **days,
            "order_ref": read_text(self.order).strip() or None,
        }  # fmt: skip
        if self._product is not None:
            known = self._product
            fields = {
                name: value for name, value in fields.items() if (getattr(known, name) or None) != (value or None)
            }
        if fields:
            self.agreed.emit(fields)
        self.accept()


def _is_day(text: str) -> bool:
    try:
        return not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
