# SPDX-License-Identifier: GPL-3.0-or-later
"""The window in which a lead writes support terms: for the customer, the organisation or one product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from app.config.i18n import _
from app.domain.customer_ports import CustomerPage, TermsTexts
from app.services.texts import polite
from widgets.foundation import PlainLabel, Theme, read_text
from widgets.foundation.form_window import FormWindow
from widgets.foundation.text import Field, PlainEdit

__all__ = ["TermsForm", "terms_owners"]

Owner = tuple[bytes, str]
_LINES = ("plan", "valid_from", "valid_until")


def terms_owners(page: CustomerPage) -> list[Owner]:
    """Return whom terms can be for, by id, with what they are called: the customer, the organisation, each product."""
    body = page.organisation
    owners = [(page.id, polite(page.name)), *([(body.id, body.name)] if body is not None else [])]
    for each in page.products:
        name = " ".join(filter(None, (each.product, each.model if each.model != each.product else "", each.serial)))
        owners.append((each.id, name))
    return owners


class TermsForm(FormWindow):
    """`agreed` gives owner and fields. What was typed for one owner is there again when that one is chosen again."""

    agreed = Signal(object, object)

    def __init__(
        self, theme: Theme, owners: Sequence[Owner], texts: Mapping[bytes, TermsTexts], parent: QWidget | None
    ) -> None:
        """Begin with the first owner that has terms, else with the first."""
        super().__init__(theme, parent, title=_("Support terms"), deed=_("Save"), wide=theme.tokens.space.vast * 11)
        self._typed: dict[bytes, dict[str, str]] = {id_: dict(known.fields) for id_, known in texts.items()}
        self.owner = QComboBox()
        for id_, name in owners:
            self.owner.addItem(name, id_)
        self.plan, self.start, self.until = QLineEdit(), QLineEdit(), QLineEdit()
        self.included_ko = PlainEdit(name=_("Included, in Korean"))
        self.included_en = PlainEdit(name=_("Included, in English"))
        self.after_ko = PlainEdit(name=_("Options afterwards, in Korean"))
        self.after_en = PlainEdit(name=_("Options afterwards, in English"))
        for edit in (self.included_ko, self.included_en, self.after_ko, self.after_en):
            edit.setMinimumHeight(theme.tokens.space.vast)
        self._build()
        first = next((place for place, (id_, _name) in enumerate(owners) if id_ in texts), 0)
        self.owner.setCurrentIndex(first)
        self._now = bytes(self.owner.currentData())
        self._show(self._now)
        self.owner.currentIndexChanged.connect(self._turn)
        self.until.setFocus()

    def _build(self) -> None:
        self.body.addLayout(self.beside(self.field(_("Whose terms"), self.owner), self.field(_("Plan"), self.plan)))
        hint = _("A date as 2027-03-31, or nothing")
        self.body.addLayout(self.beside(
            self.field(_("Valid from"), self.start, hint=hint),
            self.field(_("Free support until"), self.until, hint=_("The last free day, as 2027-03-31")),
        ))  # fmt: skip
        for one, two in ((self.included_ko, self.included_en), (self.after_ko, self.after_en)):
            self.body.addLayout(
                self.beside(self.field(one.accessibleName(), one), self.field(two.accessibleName(), two))
            )
        self.body.addWidget(PlainLabel(
            _("The customer's app shows the same words; from the day after the last free one it tells the options."),
            type="caption", tone="muted", wrap=True,
        ))  # fmt: skip

    def _fields(self) -> dict[str, str]:
        edits: dict[str, Field] = {
            "plan": self.plan, "valid_from": self.start, "valid_until": self.until,
            "included_ko": self.included_ko, "included_en": self.included_en,
            "options_after_ko": self.after_ko, "options_after_en": self.after_en,
        }  # fmt: skip
        return {name: read_text(edit).strip() for name, edit in edits.items()}

    def _show(self, owner: bytes) -> None:
        typed = self._typed.get(owner, {})
        for name, line in zip(_LINES, (self.plan, self.start, self.until), strict=True):
            line.setText(typed.get(name, ""))
            line.setCursorPosition(0)
        self.included_ko.setPlainText(typed.get("included_ko", ""))
        self.included_en.setPlainText(typed.get("included_en", ""))
        self.after_ko.setPlainText(typed.get("options_after_ko", ""))
        self.after_en.setPlainText(typed.get("options_after_en", ""))

    def _turn(self) -> None:
        self._typed[self._now] = self._fields()
        self._now = bytes(self.owner.currentData())
        self._show(self._now)

    def submit(self) -> None:
        """Hand the terms over; what cannot be kept is said at its field."""
        fields = self._fields()
        start, until = _day(fields["valid_from"]), _day(fields["valid_until"])
        if until is None:
            self.tell(_("Until when is support free? Write the day as 2027-03-31."), self.until)
        elif start is None and fields["valid_from"]:
            self.tell(_("This is no date. Write it as 2027-03-31."), self.start)
        elif start is not None and start > until:
            self.tell(_("It would end before it begins."), self.until)
        else:
            self.agreed.emit(self._now, fields)
            self.accept()


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None
