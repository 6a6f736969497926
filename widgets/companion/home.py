# SPDX-License-Identifier: GPL-3.0-or-later
"""Home: how to reach support, this customer's products and tickets; all of it readable offline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.config.i18n import _, ngettext, pgettext
from app.domain.announcements import Announcement
from app.services.texts_customers import STATUSES
from widgets.companion.announcements import AnnouncementColumn
from widgets.companion.model import AssetLine, HomeView, Line, LineState, RequestLine, RequestState, TicketLine
from widgets.companion.texts import line_text, open_text, presence_text, spoken_number, trouble
from widgets.foundation import (
    WINDOW,
    Button,
    Card,
    Chip,
    CopyButton,
    ElidedLabel,
    Look,
    Notice,
    Panel,
    PlainLabel,
    Theme,
    Words,
    clear,
    column,
    fmt,
    line,
    row,
    scroll,
)
from widgets.foundation.flow import Flow

__all__ = ["HomeWindow"]

_STATE_CHIP = {
    "new": "accent",
    "open": "accent",
    "waiting_customer": "warning",
    "waiting_internal": "neutral",
    "held_for_incident": "warning",
    "solved": "success",
    "closed": "neutral",
    "merged": "neutral",
}
_MINUTE_MS = 60_000


class HomeWindow(QWidget):
    """The companion's first window. `close_wanted` lets the owner stop a session before the window goes."""

    spoken_role = WINDOW

    help_wanted = Signal()
    code_wanted = Signal()
    answers_wanted = Signal()
    ticket_opened = Signal(str)
    close_wanted = Signal()

    def __init__(self, theme: Theme, now_ms: Callable[[], int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._now_ms = now_ms
        self._space = theme.tokens.space
        self._home: HomeView | None = None
        self._requests: tuple[RequestLine, ...] = ()
        self._built_on = fmt.today(now_ms())
        self._state = LineState(Line.CONNECTING, 0)
        self.may_close = False
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(_("Support"))
        self.setMinimumSize(self._space.vast * 7 + self._space.wide, self._space.vast * 13)
        self._build()
        self.resize(self._space.vast * 10, self._space.vast * 15)
        self._clock = QTimer(self, interval=_MINUTE_MS)
        self._clock.timeout.connect(self._refresh_times)
        self._clock.start()
        self._show_all()

    @property
    def shown(self) -> HomeView | None:
        """What the window shows now; None before the first answer of the server."""
        return self._home

    # --- what is shown ---------------------------------------------------------------------------------------

    def show_home(self, home: HomeView | None) -> None:
        """Show what the server said last; None before the first answer. What has not changed stays as it stands."""
        before, self._home = self._home, home
        if before is None or home is None or fmt.today(self._now_ms()) != self._built_on:
            self._show_all()
            return
        ways = (home.organisation, home.phone, home.mail)
        if ways != (before.organisation, before.phone, before.mail):
            self._show_contact()
        if home.assets != before.assets:
            self._show_assets()
        if home.tickets != before.tickets:
            self._show_tickets()
        if home != before:
            self._refresh_times()

    def show_requests(self, requests: Sequence[RequestLine]) -> None:
        """Show what was written here and how it stands."""
        if tuple(requests) != self._requests:
            self._requests = tuple(requests)
            self._show_tickets()

    def show_announcements(self, announcements: Sequence[Announcement]) -> None:
        """Show what everybody should know, each in its time."""
        self.announcements.show_announcements(announcements)

    def show_line(self, state: LineState) -> None:
        """Show how the way to the server stands."""
        self._state = state
        self._refresh_times()

    def show_notice(self, text: str, kind: str = "warning") -> None:
        """Show a message above everything; "" takes it away."""
        self.notice.tell(text, kind)
        self.notice.setVisible(bool(text))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask the owner first: a session is stopped before the window closes."""
        if self.may_close:
            event.accept()
            return
        event.ignore()
        self.close_wanted.emit()

    # --- building --------------------------------------------------------------------------------------------

    def _build(self) -> None:
        space = self._space
        self.notice = Notice(self._theme)
        self.notice.hide()
        self._contact = QVBoxLayout()
        self._assets = QVBoxLayout()
        self._tickets = QVBoxLayout()
        for box in (self._contact, self._assets, self._tickets):
            box.setSpacing(space.small)
        self.ask = Button(
            self._theme, _("Ask for help"), look=Look.PRIMARY, icon="pen-line", big=True, pressed=self.help_wanted.emit
        )
        self.announcements = AnnouncementColumn(self._theme, self._now_ms)
        self.answers = Button(self._theme, _("Find an answer"), icon="search", pressed=self.answers_wanted.emit)
        self.code = Button(
            self._theme, _("Enter a session code"), look=Look.QUIET, icon="key-round", pressed=self.code_wanted.emit
        )
        content = Panel("window")
        edge = (space.large, space.large, space.large, space.large)
        content.setLayout(
            column(
                self.notice,
                self.announcements,
                self._contact,
                space.tiny,
                self.ask,
                self.answers,
                space.medium,
                self._assets,
                space.medium,
                self._tickets,
                None,
                gap=space.small,
                margins=edge,
            )
        )
        self.status_icon = PlainLabel()
        self.status = PlainLabel(type="caption", tone="muted", wrap=True)
        self.status.setAccessibleName(_("Status"))
        foot_edge = (space.large, space.small, space.medium, space.small)
        said = row(self.status_icon, self.status, gap=space.small)
        said.setStretch(1, 1)
        self._foot = row(said, self.code, gap=space.small, margins=foot_edge)
        self._foot.setStretch(0, 1)
        self._theme.changed.connect(self._arrange_foot)
        self.setLayout(column(scroll(content), Panel("footer", self._foot)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the code below the status where both have no room beside each other."""
        super().resizeEvent(event)
        self._arrange_foot()

    def _arrange_foot(self) -> None:
        direction = QBoxLayout.Direction
        narrow = self.code.sizeHint().width() > self.width() // 2
        self._foot.setDirection(direction.TopToBottom if narrow else direction.LeftToRight)

    def _show_all(self) -> None:
        self._built_on = fmt.today(self._now_ms())
        self._show_contact()
        self._show_assets()
        self._show_tickets()
        self._refresh_times()

    def _show_contact(self) -> None:
        clear(self._contact)
        home = self._home
        name = self._line(home.organisation if home else _("Support"), "heading")
        self.hours = Chip(kind="neutral")
        self._contact.addLayout(Flow(self._space.small, name, self.hours, spread=True))
        self.presence = Words(type="caption", tone="muted")
        self._contact.addWidget(self.presence)
        if home is None:
            self._contact.addWidget(PlainLabel(_("Loading how to reach support…"), tone="muted"))
            return
        self.setWindowTitle(home.organisation)
        for icon, value, what in (
            ("phone", home.phone, _("Copy phone number {value}")),
            ("mail", home.mail, _("Copy mail address {value}")),
        ):
            if value:
                self._contact.addLayout(self._copy_row(icon, value, what.format(value=value)))

    @staticmethod
    def _line(text: str, kind: str) -> ElidedLabel:
        """As wide as its words, and cut with … where even a whole line has no room for them."""
        label = ElidedLabel(text, type=kind)
        label.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        return label

    def _copy_row(self, icon: str, value: str, name: str) -> Flow:
        picture, said = PlainLabel(), QWidget()
        self._theme.set_label_icon(picture, icon, "fg.muted")
        said.setLayout(row(picture, self._line(value, "strong"), gap=self._space.small))
        copy = CopyButton(self._theme, value, label=_("Copy"), done=_("Copied"), name=name)
        return Flow(self._space.small, said, copy, spread=True)

    def _show_assets(self) -> None:
        clear(self._assets)
        if self._home is None or not self._home.assets:
            return
        self._assets.addWidget(self._heading(_("My products")))
        for asset in self._home.assets:
            self._assets.addWidget(self._asset_card(asset))

    def _asset_card(self, asset: AssetLine) -> Card:
        title = ElidedLabel(" ".join(part for part in (asset.product, asset.model) if part), type="strong")
        serial = PlainLabel(_("Serial {serial}").format(serial=asset.serial), selectable=True)
        serial.setFont(self._theme.font("body", tabular=True))
        name = _("Copy serial number {serial}").format(serial=asset.serial)
        copy = CopyButton(self._theme, asset.serial, label=_("Copy"), done=_("Copied"), name=name)
        head = row(title, gap=self._space.small)
        head.setStretch(0, 1)
        if asset.status in STATUSES and asset.status != "in_use":
            head.addWidget(
                Chip(_(STATUSES[asset.status]), kind="warning" if asset.status == "in_repair" else "neutral")
            )
        card = Card(self._theme, head)
        if asset.serial:
            card.body.addLayout(Flow(self._space.small, serial, copy, spread=True))
        card.body.setSpacing(self._space.tiny)
        for text, tone in self._terms(asset):
            card.body.addWidget(PlainLabel(text, tone=tone, wrap=True))
        return card

    def _terms(self, asset: AssetLine) -> list[tuple[str, str]]:
        texts: list[tuple[str, str]] = []
        ended = False
        if asset.free_until:
            until = date.fromisoformat(asset.free_until)
            today = fmt.today(self._now_ms())
            ended = until < today
            free = _("Free support until {day}") if until >= today else _("Free support ended on {day}")
            texts.append((free.format(day=fmt.day(until)), "success" if until >= today else "warning"))
        elif asset.warranty_until:
            until = date.fromisoformat(asset.warranty_until)
            good = until >= fmt.today(self._now_ms())
            text = _("Warranty until {day}") if good else _("Warranty ended on {day}")
            texts.append((text.format(day=fmt.day(until)), "success" if good else "warning"))
        said = ((asset.included if not ended else "", "muted"), (asset.after, "" if ended else "muted"))
        texts += [(text, tone) for text, tone in said if text]  # what was included is no longer; the options count now
        if asset.order_ref:
            texts.append((_("Order {number}").format(number=asset.order_ref), "muted"))
        return texts

    def _show_tickets(self) -> None:
        clear(self._tickets)
        self._tickets.addWidget(self._heading(_("My tickets")))
        shown = {ticket.id for ticket in self._home.tickets} if self._home else set()
        waiting = [request for request in self._requests if request.id not in shown]
        tickets = list(self._home.tickets) if self._home else []
        if not waiting and not tickets:
            text = _("Nothing here yet. What you ask support, and its answers, appear here.")
            self._tickets.addWidget(Card(self._theme, PlainLabel(text, tone="muted", wrap=True)))
            return
        card = Card(self._theme)
        card.body.setContentsMargins(0, 0, 0, 0)
        card.body.setSpacing(0)
        parts: list[QWidget] = [self._request_row(request) for request in waiting]
        parts += [self._ticket_row(ticket) for ticket in tickets]
        for index, part in enumerate(parts):
            if index:
                card.body.addWidget(line())
            card.body.addWidget(part)
        self._tickets.addWidget(card)

    def _heading(self, text: str) -> PlainLabel:
        return PlainLabel(text, type="strong", tone="muted")

    def _request_row(self, request: RequestLine) -> QWidget:
        text, kind = {
            RequestState.WAITING: (_("Waiting to be sent"), "warning"),
            RequestState.SENT: (_("Sent"), "success"),
            RequestState.REFUSED: (_("Not accepted"), "danger"),
        }[request.state]
        if request.state is RequestState.SENT and request.files:
            files = ngettext("Sent, {n} file is on its way", "Sent, {n} files are on their way", request.files)
            text, kind = files.format(n=request.files), "warning"
        widget = self._row_of(request.subject, spoken_number(request.number), text, kind, request.written_ms)
        if request.state is RequestState.REFUSED:
            widget.setToolTip(trouble(request.code))
        return widget

    def _ticket_row(self, ticket: TicketLine) -> QWidget:
        kind = _STATE_CHIP.get(ticket.category, "neutral")
        widget = self._row_of(ticket.subject, spoken_number(ticket.number), ticket.state, kind, ticket.updated_ms)
        opened = Button(
            self._theme,
            pgettext("show a ticket", "View"),
            look=Look.QUIET,
            pressed=lambda: self.ticket_opened.emit(ticket.id),
        )
        name = _("Open ticket {number}, {subject}, {state}")
        opened.setAccessibleName(
            name.format(number=spoken_number(ticket.number), subject=ticket.subject, state=ticket.state)
        )
        layout = widget.layout()
        if layout is not None:
            layout.addWidget(opened)
        return widget

    def _row_of(self, subject: str, number: str, state: str, kind: str, at_ms: int) -> QWidget:
        space = self._space
        title = ElidedLabel(subject, type="strong")
        when = PlainLabel(f"{number}  ·  {fmt.when(at_ms, self._now_ms())}", type="caption", tone="muted")
        second = Flow(space.small, Chip(state, kind=kind), when)
        widget = QWidget()
        inner = row(column(title, second, gap=space.tiny), gap=space.small)
        inner.setContentsMargins(space.large, space.small, space.small, space.small)
        inner.setStretch(0, 1)
        widget.setLayout(inner)
        return widget

    def _refresh_times(self) -> None:
        self.announcements.refresh()
        if self._home is not None:
            text, is_open = open_text(self._home, self._now_ms())
            self.hours.setText(text)
            self.hours.set_kind("success" if is_open else "neutral")
        self.hours.setVisible(self._home is not None)
        there = presence_text(self._home, self._state.line, self._now_ms()) if self._home is not None else ""
        self.presence.setText(there)
        self.presence.setVisible(bool(there))
        as_of = self._home.as_of_ms if self._home else 0
        self.status.setText(line_text(self._state, as_of))
        icon, colour = {
            Line.ONLINE: ("circle-check", "success.fg"),
            Line.CONNECTING: ("refresh-cw", "fg.muted"),
            Line.OFFLINE: ("wifi-off", "warning.fg"),
            Line.REFUSED: ("circle-alert", "danger.fg"),
        }[self._state.line]
        if self._state.line is Line.ONLINE and self._state.waiting:
            icon, colour = "cloud-upload", "fg.muted"
        self._theme.set_label_icon(self.status_icon, icon, colour)
