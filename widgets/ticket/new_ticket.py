# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a ticket down: a call, a visit or a mail, at its true time, for a customer who is known or new.

Beside the fields stand similar tickets; the words can go on one of them instead. What is typed survives a kill.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from PySide6.QtCore import QDateTime, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QWidget

from app.config.i18n import N_, _, language
from app.domain.deed_ports import CustomerHit, DeedStore, SimilarTicket, SimilarTo
from app.domain.entities import Priority
from app.domain.ids import CustomerId, TeamId
from app.domain.ports import Choices, Commits, TicketRow
from app.services.messages import problem_text
from app.services.texts import channel_name, priority_name
from app.services.tickets import NewTicket, TalkLog
from widgets.foundation import Button, Panel, PlainEdit, Theme, column, fit, line, read_text, row, scroll
from widgets.foundation.form_window import FormWindow
from widgets.foundation.jobs import Jobs
from widgets.foundation.scroll_body import ScrollBody
from widgets.ticket.customer_field import CustomerField
from widgets.ticket.similar_list import SimilarList

__all__ = ["NewTicketWindow"]

KEPT = "ticket.new"  # the unsaved form, in the window's state
SAVE_MS = 600
LOOK_MS = 300  # pause in typing after which alike tickets are looked for
_CHANNELS = ("phone", "visit", "mail", "chat")
_KINDS = (
    ("question", N_("Question")),
    ("problem", N_("Problem")),
    ("complaint", N_("Complaint")),
    ("request", N_("Request")),
    ("praise", N_("Praise")),
)


class NewTicketWindow(FormWindow):
    """`taken_down` gives a NewTicket; `logged` a similar row and the TalkLog that goes on it instead."""

    taken_down = Signal(object)
    logged = Signal(object, object)

    def __init__(
        self, theme: Theme, store: DeedStore, commits: Commits, jobs: Jobs, choices: Choices,
        now_ms: Callable[[], int], parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(theme, parent, title=_("New ticket"), deed=_("Take down"))
        self._store, self._commits, self._jobs = store, commits, jobs
        self._choices, self._now_ms = choices, now_ms
        self._found: Sequence[SimilarTicket] = ()
        self._loading = False
        self._done = False
        space = theme.tokens.space
        self.customer = CustomerField(theme, store, jobs)
        self.customer.changed.connect(self._customer_changed)
        self.channel = QComboBox()
        for channel in _CHANNELS:
            self.channel.addItem(channel_name(channel), channel)
        self.when = self.moment(now_ms())
        self.asset, self.kind, self.priority, self.team = QComboBox(), QComboBox(), QComboBox(), QComboBox()
        for kind, name in _KINDS:
            self.kind.addItem(_(name), kind)
        for priority in Priority:
            self.priority.addItem(priority_name(priority), int(priority))
        self.priority.setCurrentIndex(self.priority.findData(int(Priority.NORMAL)))
        self.subject = QLineEdit()
        self.text = PlainEdit(name=_("What was said"))
        self.text.setFixedHeight(space.vast * 2)
        self.spent = self.number(24 * 60, _(" min"))
        self.mine = QCheckBox(_("I go on with it"))
        self.mine.setChecked(True)
        self.similar = SimilarList(theme, now_ms, _("While you write, tickets that may be about the same stand here."))
        self.similar.chosen.connect(self._choose_similar)
        self.again = Button(theme, _("Empty the form"), pressed=self.empty)
        self.foot.insertWidget(0, self.again)
        self._lay_out()
        self._save_soon = QTimer(self, singleShot=True, interval=SAVE_MS)
        self._save_soon.timeout.connect(self.save_now)
        self._look_soon = QTimer(self, singleShot=True, interval=LOOK_MS)
        self._look_soon.timeout.connect(self._look)
        self.subject.textChanged.connect(self._typed)
        self.text.textChanged.connect(self._typed)
        self.asset.activated.connect(self._typed)
        self._show_assets()
        jobs.query(store.my_teams, self._show_teams, lambda _why: self._show_teams(()))
        jobs.query(lambda: commits.ui_state(KEPT), self._restore, lambda _why: None)

    def _lay_out(self) -> None:
        space = self.theme.tokens.space
        wide = space.vast * 4
        self.asset.setMinimumWidth(wide)
        pairs = (self.channel, self.when, self.kind, self.priority, self.team)
        for box in pairs:
            box.ensurePolished()
            box.setMinimumWidth(max(wide, box.sizeHint().width()))
        half = max(box.minimumWidth() for box in pairs)
        fields = column(
            self.field(_("Customer"), self.customer),
            self.beside(self.field(_("By"), self.channel), self.field(_("When"), self.when)),
            self.field(_("Product"), self.asset),
            self.field(_("Subject"), self.subject),
            self.field(_("What was said"), self.text),
            self.beside(self.field(_("Kind"), self.kind), self.field(_("Priority"), self.priority)),
            self.beside(self.field(_("Team"), self.team), self.field(_("Time it took"), self.spent)),
            self.mine,
            gap=space.medium, margins=(0, 0, space.medium, 0),
        )  # fmt: skip
        left = ScrollBody()
        left.setLayout(fields)
        area = scroll(left)
        area.setMinimumWidth(half * 2 + space.huge)
        area.setMinimumHeight(space.vast * 5)
        right = Panel("window", column(self.similar, margins=(space.medium, 0, 0, 0)))
        right.setMinimumWidth(space.vast * 5)
        body = row(area, line(vertical=True), right, gap=space.small)
        body.setStretch(0, 3)
        body.setStretch(2, 2)
        self.body.addLayout(body)
        fit(self, space.vast * 17, space.vast * 14)
        parent = self.parentWidget()
        if parent is not None:
            most = parent.window().height() - space.huge
            self.resize(min(self.width(), parent.window().width() - space.huge), min(self.height(), most))

    def showEvent(self, event: QShowEvent) -> None:
        """Begin with the customer, unless the form is half filled."""
        super().showEvent(event)
        if self.customer.hit is None and self.customer.new.isHidden():
            QTimer.singleShot(0, self.customer, self.customer.open)

    # --- fields -----------------------------------------------------------------------------------------------------

    def _latest(self) -> QDateTime:
        return QDateTime.fromMSecsSinceEpoch(self._now_ms())

    def _show_teams(self, mine: Sequence[TeamId]) -> None:
        at = 0 if language() == "ko" else 1
        teams = [(self._choices.teams[t][at], t) for t in mine if t in self._choices.teams]
        teams = teams or [(names[at], t) for t, names in self._choices.teams.items()]
        self.team.clear()
        for name, team in sorted(teams):
            self.team.addItem(name, team)

    def _customer_changed(self) -> None:
        self._show_assets()
        self._typed()
        if self.customer.hit is not None:
            self.subject.setFocus()

    def _show_assets(self) -> None:
        hit = self.customer.hit
        before = self.asset.currentData()
        self.asset.clear()
        self.asset.addItem(_("None, or not known"), None)
        for id_, name in hit.products if hit is not None else ():
            self.asset.addItem(name, id_)
        self.asset.setCurrentIndex(max(0, self.asset.findData(before)))
        self.asset.setEnabled(self.asset.count() > 1)

    def _typed(self, *_what: object) -> None:
        if self._loading:
            return
        self.tell("")
        self._save_soon.start()
        self._look_soon.start()

    # --- similar tickets --------------------------------------------------------------------------------------------

    def _look(self) -> None:
        hit = self.customer.hit
        to = SimilarTo(
            f"{self.subject.text()}\n{self.text.toPlainText()}", hit.id if hit is not None else None,
            self.asset.currentData(),
        )  # fmt: skip
        self._jobs.query(lambda: self._store.similar(to), self._show_found, lambda _why: None, key="ticket.similar")

    def _show_found(self, found: Sequence[SimilarTicket]) -> None:
        self._found = found
        self.similar.show_found(found, self._choices)

    def _choose_similar(self, line_: TicketRow) -> None:
        text = self._words()
        if not text.strip():
            self.tell(_("Write what was said first; it goes on {ticket} then.").format(ticket=line_.label), self.text)
            return
        self._finish()
        spent = self.spent.value()
        self.logged.emit(line_, TalkLog(text, self.channel.currentData(), self._occurred_at(), spent_min=spent))
        self.accept()

    # --- the deed ---------------------------------------------------------------------------------------------------

    def _words(self) -> str:
        subject, text = read_text(self.subject).strip(), read_text(self.text)
        return text if text.strip() else subject

    def _occurred_at(self) -> int | None:
        at = self.when.dateTime().toMSecsSinceEpoch()
        return at if at < self._now_ms() - 60_000 else None

    def submit(self) -> None:
        """Hand the ticket over; what is missing is said at its field."""
        customer = self.customer.hit.id if self.customer.hit is not None else self.customer.new_customer()
        subject, body = read_text(self.subject).strip(), read_text(self.text)
        if customer is None:
            self.tell(_("Choose the customer first, or make a new one."), self.customer.choose)
            return
        if self.customer.hit is None and not self.customer.name.text().strip():
            self.tell(problem_text("customer_needed"), self.customer.name)
            return
        if not subject:
            self.tell(_("A few words as the subject are missing."), self.subject)
            return
        team = self.team.currentData()
        if team is None:
            self.tell(problem_text("no_such_team"), self.team)
            return
        new = NewTicket(
            customer, subject, body if body.strip() else subject, TeamId(bytes(team)),
            channel=self.channel.currentData(), kind=self.kind.currentData(), priority=self.priority.currentData(),
            occurred_at=self._occurred_at(), asset=self.asset.currentData(), language=language(),
            spent_min=self.spent.value(), mine=self.mine.isChecked(),
        )  # fmt: skip
        self._finish()
        self.taken_down.emit(new)
        self.accept()

    def _finish(self) -> None:
        self._done = True
        self._save_soon.stop()
        self._keep("")

    # --- what is typed is kept --------------------------------------------------------------------------------------

    def done(self, result: int) -> None:
        """Keep what is typed: Cancel closes the window, it throws nothing away."""
        if not self._done:
            self.save_now()
        super().done(result)

    def empty(self) -> None:
        """Begin anew."""
        self._loading = True
        self.customer.hit = None
        for edit in (self.customer.name, self.customer.phone, self.customer.email, self.subject):
            edit.clear()
        self.customer.new.hide()
        self.text.clear()
        self.spent.setValue(0)
        self.when.setDateTime(self._latest())
        self._loading = False
        self._customer_changed()
        self._keep("")
        self.customer.open()

    def save_now(self) -> None:
        """Keep the form as it is."""
        self._save_soon.stop()
        hit, edits = self.customer.hit, self.customer
        data = {
            "subject": self.subject.text(), "text": self.text.toPlainText(), "channel": self.channel.currentData(),
            "spent": self.spent.value(), "at": self._occurred_at(), "kind": self.kind.currentData(),
            "priority": self.priority.currentData(),
            "new": [edits.name.text(), edits.phone.text(), edits.email.text()] if hit is None else [],
            "customer": [hit.id.hex(), hit.name, hit.organisation, hit.address] if hit is not None else [],
        }  # fmt: skip
        blank = not (data["subject"] or data["text"] or any(str(each) for each in (*data["new"], *data["customer"])))
        self._keep("" if blank else json.dumps(data, ensure_ascii=False))

    def _keep(self, text: str) -> None:
        commits = self._commits
        self._jobs.change(lambda: commits.save_ui_state(KEPT, text), error=lambda _why: None)

    def _restore(self, text: str | None) -> None:
        try:
            data = json.loads(text or "{}")
            if not data:
                return
            known, new = data["customer"], data["new"]
            hit = _hit(known) if known else None
        except (ValueError, KeyError, TypeError, IndexError):
            return
        self._loading = True
        if hit is not None:
            self.customer.show_hit(hit)
        elif any(new):
            self.customer.restore(*new)
        self.subject.setText(data["subject"])
        self.text.setPlainText(data["text"])
        for box, name in ((self.channel, "channel"), (self.kind, "kind"), (self.priority, "priority")):
            box.setCurrentIndex(max(0, box.findData(data.get(name))))
        self.spent.setValue(int(data.get("spent") or 0))
        if data.get("at"):
            self.when.setDateTime(QDateTime.fromMSecsSinceEpoch(data["at"]))
        self._loading = False
        self._look_soon.start()


def _hit(kept: list[str]) -> CustomerHit:
    id_, name, organisation, address = kept
    return CustomerHit(CustomerId(bytes.fromhex(id_)), name, organisation, address)
