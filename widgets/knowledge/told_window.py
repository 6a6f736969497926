# SPDX-License-Identifier: GPL-3.0-or-later
"""One place for what customers are told: announcements, the contact, opening hours and where support terms stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QTabWidget, QWidget

from app.config.i18n import _, language, pgettext
from app.domain.announcements import Announcement, Standing
from app.domain.knowledge_ports import HoursView, SupportContact
from widgets.foundation import (
    Button,
    Card,
    Look,
    Notice,
    PlainLabel,
    Question,
    Theme,
    Words,
    clear,
    column,
    fmt,
    read_text,
    row,
    scroll,
)
from widgets.knowledge.announcement_form import AnnouncementForm
from widgets.knowledge.hours_form import HoursForm, day_name

__all__ = ["ToldWindow"]

_NEXT_DAYS = 8  # so many of the coming days that are closed or other than usual are listed


class ToldWindow(QDialog):
    """GUI thread; stands beside the work. `announced` gives (Announcement or None, AnnouncementDraft), `withdrawn` an
    Announcement, `contact_saved` (SupportContact, fields), `hours_saved` (HoursView, HoursDraft)."""

    announced = Signal(object, object)
    withdrawn = Signal(object)
    contact_saved = Signal(object, object)
    hours_saved = Signal(object, object)

    def __init__(self, theme: Theme, now_ms: Callable[[], int], *, may: bool, parent: QWidget | None = None) -> None:
        """`may`: whether this person writes; others read."""
        super().__init__(parent)
        self._theme, self._now_ms, self._may = theme, now_ms, may
        self._contact = SupportContact()
        self.form: AnnouncementForm | None = None
        self.hours_form: HoursForm | None = None
        self.question: Question | None = None
        space = theme.tokens.space
        self.setWindowTitle(_("What customers are told"))
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName(_("What customers are told"))
        for name, page in (
            (_("Announcements"), self._make_announcements()), (_("Contact"), self._make_contact()),
            (_("Opening hours"), self._make_hours()), (_("Support terms"), self._make_terms()),
        ):  # fmt: skip
            self.tabs.addTab(page, name)
        self.problem = Notice(theme, kind="danger")
        self.problem.hide()
        self.readers = Notice(theme, _("Leads and administrators change this; you can read it."), kind="accent")
        self.readers.setVisible(not may)
        self.close_button = Button(theme, _("Close"), pressed=self.accept)
        foot = row(None, self.close_button)
        box = column(self.readers, self.tabs, self.problem, foot, gap=space.medium, margins=(space.large,) * 4)
        box.setStretch(1, 1)
        self.setLayout(box)
        self.resize(space.vast * 13, space.vast * 11)
        self._enable()

    def _make_announcements(self) -> QWidget:
        theme, space = self._theme, self._theme.tokens.space
        self.list = QListWidget()
        self.list.setAccessibleName(_("Announcements"))
        self.list.setWordWrap(True)
        self.list.setSpacing(space.tiny)
        self.list.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)
        self.list.currentItemChanged.connect(lambda _now, _before: self._enable())
        self.list.itemActivated.connect(lambda _item: self._change())
        self.nothing = PlainLabel(
            _("Nothing is announced. What you announce stands above everything in the Companion and in the browser."),
            tone="muted", wrap=True,
        )  # fmt: skip
        self.new = Button(
            theme, _("New announcement"), look=Look.PRIMARY, icon="plus", pressed=lambda: self._open(None)
        )
        self.change = Button(theme, _("Change…"), icon="pen-line", pressed=self._change)
        self.withdraw = Button(theme, _("Withdraw…"), pressed=self._ask_withdraw)
        page = QWidget()
        box = column(
            self.nothing, self.list, None, row(self.new, None, self.withdraw, self.change, gap=space.small),
            gap=space.small, margins=(0, space.medium, 0, 0),
        )  # fmt: skip
        box.setStretch(1, 1000)  # an empty list is not there; then the stretch takes its place
        page.setLayout(box)
        return page

    def _make_contact(self) -> QWidget:
        theme, space = self._theme, self._theme.tokens.space
        self.fields = {name: QLineEdit() for name in ("name_ko", "name_en", "phone", "mail")}
        names = {
            "name_ko": _("Name in Korean"), "name_en": _("Name in English"), "phone": _("Phone"),
            "mail": _("Mail address"),
        }  # fmt: skip
        page = QWidget()
        box = column(gap=space.tiny, margins=(0, space.medium, 0, 0))
        for name, field in self.fields.items():
            field.setAccessibleName(names[name])
            field.setReadOnly(not self._may)
            field.textChanged.connect(lambda _text: self._enable())
            box.addWidget(PlainLabel(names[name], type="caption", tone="muted"))
            box.addWidget(field)
            box.addSpacing(space.small)
        hint = PlainLabel(
            _("It stands in the Companion, on the pages in the browser and in what goes out."), type="caption",
            tone="muted", wrap=True,
        )  # fmt: skip
        self.save = Button(theme, _("Save"), look=Look.PRIMARY, pressed=self._save_contact)
        box.addWidget(hint)
        box.addStretch(1)
        box.addLayout(row(None, self.save))
        page.setLayout(box)
        return page

    def _make_hours(self) -> QWidget:
        space = self._theme.tokens.space
        self.hours_buttons: list[Button] = []
        self._hours = column(gap=space.medium, margins=(0, 0, space.medium, 0))
        inside = QWidget()
        inside.setLayout(self._hours)
        hint = PlainLabel(
            _("New calendars, time zones, days with other hours and which team has which calendar are set on the "
              "server: deskside admin sla FILE."),
            type="caption", tone="muted", wrap=True,
        )  # fmt: skip
        page = QWidget()
        box = column(scroll(inside), hint, gap=space.small, margins=(0, space.medium, 0, 0))
        box.setStretch(0, 1)
        page.setLayout(box)
        return page

    def _make_terms(self) -> QWidget:
        space = self._theme.tokens.space
        words = PlainLabel(
            _("Support terms are each customer's, organisation's or product's: open the customer (O on a ticket, or "
              "the command palette) and press the pen beside “Support terms”."), wrap=True,
        )  # fmt: skip
        page = QWidget()
        page.setLayout(column(words, None, margins=(0, space.medium, 0, 0)))
        return page

    # --- what the window is told -----------------------------------------------------------------------------

    def show_announcements(self, announcements: Sequence[Announcement]) -> None:
        """Show what there is, newest first; the one that was chosen stays so."""
        chosen = self._chosen()
        self.list.clear()
        for each in announcements:
            item = QListWidgetItem(f"{self._standing(each)}\n{each.text(language())}")
            item.setData(Qt.ItemDataRole.UserRole, each)
            self.list.addItem(item)
            if chosen is not None and each.of == chosen.of:
                self.list.setCurrentItem(item)
        self.nothing.setVisible(not announcements)
        self.list.setVisible(bool(announcements))
        self._enable()

    def show_contact(self, contact: SupportContact) -> None:
        """Show how customers reach support; what is being typed stays."""
        typed = self._typed()
        if all(typed[name] == self._contact.fields.get(name, "") for name in typed):
            for name, field in self.fields.items():
                field.setText(contact.fields.get(name, ""))
        self._contact = contact
        self._enable()

    def show_hours(self, hours: Sequence[HoursView]) -> None:
        """Show the calendars."""
        clear(self._hours)
        self.hours_buttons = []
        for each in hours:
            self._hours.addWidget(self._hours_card(each))
        if not hours:
            self._hours.addWidget(PlainLabel(_("No calendar is set."), wrap=True))
        self._hours.addStretch(1)

    def was_saved(self) -> None:
        """It is safe."""
        self.problem.hide()
        for form in (self.form, self.hours_form):
            if form is not None:
                form.close()

    def refused(self, text: str) -> None:
        """It was not saved; what was typed stays."""
        form = self.form or self.hours_form
        if form is not None:
            form.tell(text)
        else:
            self.problem.tell(text, "danger")
            self.problem.show()

    # --- announcements ---------------------------------------------------------------------------------------

    def _standing(self, each: Announcement) -> str:
        until = fmt.moment(each.until_at) if each.until_at is not None else ""
        words = {
            Standing.SHOWS: _("Shows until {when}").format(when=until) if until else _("Shows now"),
            Standing.LATER: _("Shows from {when}").format(when=fmt.moment(each.from_at)),
            Standing.ENDED: _("Ended on {when}").format(when=until),
            Standing.WITHDRAWN: pgettext("announcement", "Withdrawn"),
        }
        named = {
            "portal": _("Pages in the browser"), "companion": _("Companion"), "desktop": _("This program, for staff"),
        }  # fmt: skip
        places = [name for key, name in named.items() if key in each.places]
        urgent = [_("urgent")] if each.urgency == "urgent" else []
        return " · ".join([words[each.standing(self._now_ms())], *places, *urgent])

    def _chosen(self) -> Announcement | None:
        item = self.list.currentItem()
        chosen = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        return chosen if isinstance(chosen, Announcement) else None

    def _open(self, before: Announcement | None) -> None:
        form = self.form = AnnouncementForm(self._theme, before, self._now_ms(), self)
        form.agreed.connect(self.announced)
        form.destroyed.connect(self._form_gone)
        form.open()

    def _form_gone(self) -> None:
        self.form = None

    def _change(self) -> None:
        chosen = self._chosen()
        if chosen is not None and self._may:
            self._open(chosen)

    def _ask_withdraw(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            return
        self.question = Question(
            self._theme, _("Withdraw the announcement?"), chosen.text(language()), safe=_("Cancel"),
            deed=pgettext("article", "Withdraw"), parent=self,
            answered=lambda yes: self.withdrawn.emit(chosen) if yes else None,
        )  # fmt: skip
        self.question.open()

    # --- contact and hours -----------------------------------------------------------------------------------

    def _typed(self) -> dict[str, str]:
        return {name: read_text(field) for name, field in self.fields.items()}

    def _save_contact(self) -> None:
        self.contact_saved.emit(self._contact, self._typed())

    def _change_hours(self, hours: HoursView) -> None:
        form = self.hours_form = HoursForm(self._theme, hours, self)
        form.agreed.connect(self.hours_saved)
        form.destroyed.connect(self._hours_form_gone)
        form.open()

    def _hours_form_gone(self) -> None:
        self.hours_form = None

    def _enable(self) -> None:
        chosen = self._chosen()
        shows = chosen is not None and chosen.standing(self._now_ms()) in (Standing.SHOWS, Standing.LATER)
        self.new.setEnabled(self._may)
        self.change.setEnabled(self._may and chosen is not None)
        self.withdraw.setEnabled(self._may and shows)
        fields = self._contact.fields
        self.save.setEnabled(self._may and any(text != fields.get(name, "") for name, text in self._typed().items()))

    def _hours_card(self, hours: HoursView) -> Card:
        lines = [PlainLabel(hours.name, type="strong")]
        seen = [_("customers see these hours")] if hours.of_contact else []
        teams = [each.get(language()) or next(iter(each.values()), "") for each in hours.teams]
        told = " · ".join([hours.zone, *seen, *([_("teams: {names}").format(names=", ".join(teams))] if teams else [])])
        lines.append(Words(told, type="caption", tone="muted"))
        if hours.waits:
            lines.append(Words(_("Saved. The hours before count until the server has worked these out.")))
        closed = _("closed")
        for day in range(7):
            times = ", ".join(f"{start}–{end}" for start, end in hours.days.get(day, ()))
            lines.append(Words(f"{day_name(day)}  {times or closed}"))
        lines += [Words(text) for text in self._other_days(hours)]
        card = Card(self._theme, *lines)
        if self._may:
            change = Button(self._theme, _("Change…"), icon="pen-line", pressed=lambda: self._change_hours(hours))
            change.setAccessibleName(_("Change the hours of {name}").format(name=hours.name))
            self.hours_buttons.append(change)
            card.body.addLayout(row(None, change))
        return card

    def _other_days(self, hours: HoursView) -> list[str]:
        today, closed = fmt.today(self._now_ms()).isoformat(), _("closed")
        days = [(date, f"{date}  {closed}  {names.get(language()) or ''}") for date, names in hours.closed]
        for date, times, name in hours.exceptions:
            open_ = ", ".join(f"{start}–{end}" for start, end in times) or closed
            days.append((date, f"{date}  {open_}  {name}"))
        return [text.strip() for date, text in sorted(days) if date >= today][:_NEXT_DAYS]
