# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of opening hours: a line of times for each weekday, and the days that are closed, by date and name."""

from __future__ import annotations

from PySide6.QtCore import QDate, Qt, Signal
from PySide6.QtWidgets import QDateEdit, QLayout, QLineEdit, QListWidget, QListWidgetItem, QWidget

from app.config.i18n import _, language
from app.domain.knowledge_ports import HoursView
from app.domain.opening_hours import MAX_HOLIDAYS, MAX_NAME_CHARS, Holiday, HoursDraft, read_day, write_day
from widgets.foundation import Button, PlainLabel, Theme, column, read_text, row
from widgets.foundation.form_window import FormWindow

__all__ = ["HoursForm", "day_name"]


def day_name(day: int) -> str:
    """Return the name of a weekday, 0 = Monday."""
    return (
        _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"),
    )[day]  # fmt: skip


class HoursForm(FormWindow):
    """`agreed` gives the HoursView before and a HoursDraft."""

    agreed = Signal(object, object)

    def __init__(self, theme: Theme, before: HoursView, parent: QWidget | None) -> None:
        title = _("Hours of {name}").format(name=before.name)
        super().__init__(theme, parent, title=title, deed=_("Save"), wide=theme.tokens.space.vast * 12)
        self._before = before
        self.days = [QLineEdit(write_day(before.days.get(day, ()))) for day in range(7)]
        left = column(gap=theme.tokens.space.small)
        for day, field in enumerate(self.days):
            field.setPlaceholderText(_("closed"))
            left.addLayout(self.field(day_name(day), field))
        hint = _("Like 09:00-12:00, 13:00-18:00. Empty: closed.")
        left.addWidget(PlainLabel(hint, type="caption", tone="muted", wrap=True))
        left.addStretch(1)
        self.body.addLayout(self.beside(left, self._make_holidays(before)))
        self.days[0].setFocus()

    def _make_holidays(self, before: HoursView) -> QLayout:
        space = self.theme.tokens.space
        self.list = QListWidget()
        self.list.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)
        self.date = QDateEdit(QDate.currentDate())
        self.date.setDisplayFormat("yyyy-MM-dd")
        self.date.setCalendarPopup(True)
        self.name_ko, self.name_en = QLineEdit(), QLineEdit()
        for field in (self.name_ko, self.name_en):
            field.setMaxLength(MAX_NAME_CHARS)
        self.add = Button(self.theme, _("Add closed day"), icon="plus", pressed=self._add)
        self.remove = Button(self.theme, _("Remove"), pressed=self._remove)
        for date, names in before.closed:
            self._insert(Holiday(date, names.get("ko") or "", names.get("en") or ""))
        self.list.setCurrentRow(-1)
        self.list.currentItemChanged.connect(lambda _now, _before: self._enable())
        self._enable()
        return column(
            self.field(_("Closed days"), self.list), row(None, self.remove), self.field(_("Date"), self.date),
            self.field(_("Name in Korean"), self.name_ko), self.field(_("Name in English"), self.name_en),
            row(self.add, None), gap=space.small,
        )  # fmt: skip

    def draft(self) -> HoursDraft | None:
        """Return what the form says; None when a day cannot be read."""
        days = {day: read_day(read_text(field)) for day, field in enumerate(self.days)}
        read = {day: times for day, times in days.items() if times is not None}
        return HoursDraft(read, self._holidays()) if len(read) == len(days) else None

    def submit(self) -> None:
        """Save it, or say what is wrong."""
        draft = self.draft()
        if draft is None:
            bad = next(field for field in self.days if read_day(read_text(field)) is None)
            text = _("{day} cannot be read. Write times like 09:00-12:00, 13:00-18:00, one after the other.")
            self.tell(text.format(day=day_name(self.days.index(bad))), bad)
        elif not any(draft.days.values()):
            self.tell(_("Write hours for one day at least."), self.days[0])
        else:
            self.tell("")
            self.agreed.emit(self._before, draft)

    def _holidays(self) -> list[Holiday]:
        return [self.list.item(n).data(Qt.ItemDataRole.UserRole) for n in range(self.list.count())]

    def _insert(self, day: Holiday) -> None:
        names = (day.name_ko, day.name_en) if language() == "ko" else (day.name_en, day.name_ko)
        item = QListWidgetItem(f"{day.date}  {next(filter(None, names), '')}".strip())
        item.setData(Qt.ItemDataRole.UserRole, day)
        place = sum(each.date < day.date for each in self._holidays())
        self.list.insertItem(place, item)
        self.list.setCurrentItem(item)

    def _add(self) -> None:
        date = self.date.date().toString("yyyy-MM-dd")
        days = self._holidays()
        if any(each.date == date for each in days):
            self.tell(_("{date} is closed already.").format(date=date), self.date)
            return
        if len(days) >= MAX_HOLIDAYS:
            self.tell(_("There are {limit} closed days. Remove some that are over.").format(limit=MAX_HOLIDAYS))
            return
        self.tell("")
        self._insert(Holiday(date, read_text(self.name_ko).strip(), read_text(self.name_en).strip()))
        self.name_ko.clear()
        self.name_en.clear()
        self.date.setFocus()

    def _remove(self) -> None:
        self.list.takeItem(self.list.currentRow())
        self._enable()

    def _enable(self) -> None:
        self.remove.setEnabled(self.list.currentItem() is not None)
