# SPDX-License-Identifier: GPL-3.0-or-later
"""What this computer can tell with a request: nothing without the tick, each fact shown, any of them kept back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit, QVBoxLayout, QWidget

from app.config.i18n import N_, _
from app.domain.changes_facts import FACT_CHARS
from app.domain.fact_card import TYPED, Finding, ToldFacts, is_this_computer, told_facts
from app.services.texts_customers import FACT_NAMES
from widgets.companion.model import AssetLine
from widgets.foundation import (
    BusyStrip,
    PlainLabel,
    Theme,
    Words,
    WrappedTick,
    announce,
    clear,
    column,
    fmt,
    read_text,
    row,
)

__all__ = ["KnownPart"]

_UNKNOWN = {
    "serial": N_("Not readable here. See the label."),
    "last_error": N_("None found. What does the message say?"),
}


class FactRow(QWidget):
    """One fact: a tick with its name, when it was so, and its words, which may be typed for some."""

    def __init__(self, theme: Theme, fact: Finding, now_ms: int) -> None:
        super().__init__()
        space = theme.tokens.space
        self.fact = fact
        self.tick = QCheckBox()
        self.tick.setChecked(bool(fact.value) or fact.name in TYPED)
        when = PlainLabel(fmt.when(fact.at, now_ms) if fact.value else "", type="caption", tone="muted")
        self.edit: QLineEdit | None = None
        said: QWidget
        if fact.name in TYPED:
            self.edit = QLineEdit(fact.value, maxLength=FACT_CHARS[fact.name])
            self.edit.setPlaceholderText(_(_UNKNOWN[fact.name]))
            self.edit.setAccessibleDescription("" if fact.value else self.edit.placeholderText())
            self.edit.setCursorPosition(0)
            self.tick.toggled.connect(self.edit.setEnabled)
            said = self.edit
        else:
            said = Words(fact.value or _("Could not be found out"), tone="" if fact.value else "muted")
            self.tick.setEnabled(bool(fact.value))
        inner = column(said, margins=(theme.tokens.space.wide, 0, 0, 0))
        self.setLayout(column(row(self.tick, None, when, gap=space.small), inner, gap=space.hair))
        self.call(_(FACT_NAMES[fact.name]))

    def call(self, name: str) -> None:
        """Say what it is."""
        self.tick.setText(name)
        self.tick.setAccessibleName(f"{name}: {self.fact.value}" if self.fact.value else name)
        if self.edit is not None:
            self.edit.setAccessibleName(name)

    @property
    def typed(self) -> str:
        """What stands there now."""
        return read_text(self.edit) if self.edit is not None else self.fact.value


class KnownPart(QWidget):
    """`wanted`: the customer agreed that this computer is looked at; then `show_findings` is called."""

    wanted = Signal()

    def __init__(self, theme: Theme, now_ms: Callable[[], int]) -> None:
        super().__init__()
        self._theme, self._now_ms = theme, now_ms
        space = theme.tokens.space
        self._found: tuple[Finding, ...] = ()
        self._product: AssetLine | None = None
        self._before: ToldFacts | None = None
        self.rows: dict[str, FactRow] = {}
        self.consent = WrappedTick(_("Tell support about this computer"))
        self.consent.toggled.connect(self._agreed)
        text = _(
            "So nobody has to ask you for it. You see each fact before you send it and can take its tick away; "
            "without this tick nothing is looked at."
        )
        self.words = Words(text, type="caption", tone="muted")
        self.consent.setAccessibleDescription(text)
        self.busy = BusyStrip(theme)
        self._list = QVBoxLayout()
        self._list.setSpacing(space.small)
        inner = column(self.words, self.busy, self._list, gap=space.small, margins=(space.wide, 0, 0, 0))
        self.setLayout(column(self.consent, inner, gap=space.tiny))

    def show_product(self, product: AssetLine | None) -> None:
        """Help is asked for this one: its serial number stands there, unless another one was typed."""
        before = self._serial()
        self._product = product
        fact_row = self.rows.get("serial")
        if fact_row is not None and fact_row.edit is not None and fact_row.typed == before:
            fact_row.edit.setText(self._serial())
            fact_row.edit.setCursorPosition(0)
            fact_row.call(self._serial_name())

    def show_findings(self, found: Sequence[Finding]) -> None:
        """Show what was found out. Too late, after the tick was taken away, it is dropped."""
        self.busy.stop()
        if not self.consent.isChecked():
            return
        self._clear()
        self._found = tuple(found)
        now = self._now_ms()
        for fact in self._found:
            value = self._serial() if fact.name == "serial" else fact.value
            self.rows[fact.name] = made = FactRow(self._theme, Finding(fact.name, value, fact.at), now)
            self._list.addWidget(made)
        if "serial" in self.rows:
            self.rows["serial"].call(self._serial_name())
        if self._before is not None:
            self._put_back(self._before)
        announce(self, _("These facts go with your request. Take the tick away from what should stay here."))

    def restore(self, told: ToldFacts) -> None:
        """The request could not be kept: agree again, and keep back again what was kept back."""
        self._before = told
        self.consent.setChecked(True)

    def told(self) -> ToldFacts | None:
        """Return what stands there with its tick; None without the customer's yes."""
        if not self.consent.isChecked():
            return None
        kept_back = [name for name, each in self.rows.items() if not each.tick.isChecked()]
        typed = {name: each.typed for name, each in self.rows.items() if each.edit is not None}
        product = self._product
        other = product is not None and not is_this_computer(self._found, product.serial)
        return told_facts(self._found, kept_back, typed, _name(product) if product is not None and other else "")

    def _serial(self) -> str:
        if self._product is not None and self._product.serial:
            return self._product.serial
        return next((each.value for each in self._found if each.name == "serial"), "")

    def _serial_name(self) -> str:
        product, name = self._product, FACT_NAMES["serial"]
        if product is None or not product.serial or is_this_computer(self._found, product.serial):
            return _(name)
        return _("Serial number of {product}").format(product=product.model or product.product)

    def _agreed(self, on: bool) -> None:
        if on:
            self.busy.start(_("Finding out about this computer…"))
            self.wanted.emit()
        else:
            self.busy.stop()
            self._clear()

    def _put_back(self, told: ToldFacts) -> None:
        self._before = None
        for name, each in self.rows.items():
            each.tick.setChecked(name in told.facts and each.tick.isEnabled())
            if each.edit is not None and name in told.facts:
                each.edit.setText(told.facts[name])

    def _clear(self) -> None:
        clear(self._list)
        self.rows.clear()
        self._found = ()


def _name(product: AssetLine) -> str:
    return " ".join(dict.fromkeys(filter(None, (product.product, product.model))))
