# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer writes in the companion: requests and messages, kept first, sent when the server is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.config.i18n import _, language
from app.desktop.companion_store import WrittenItem
from app.domain.attachments import Attachment
from app.domain.fact_card import Finding, ToldFacts
from app.domain.ids import new_id
from app.entry.companion_attach import Attaching, file_views
from app.entry.companion_known import KnownHere
from app.entry.companion_rows import home_view, request_lines, with_calls
from sync import customer_protocol as wire
from widgets.companion.calls import acknowledgment
from widgets.companion.compose import AskWindow, TicketWindow
from widgets.companion.model import Line, LineState, TicketLine
from widgets.companion.texts import trouble

if TYPE_CHECKING:
    from app.entry.companion_app import CompanionApp

__all__ = ["Writing"]


class Writing:
    """GUI thread. Windows not open are None."""

    def __init__(self, app: CompanionApp) -> None:
        self._app = app
        self.written: list[WrittenItem] = []
        self._last_ask: tuple[str, str, str, ToldFacts | None, Sequence[Attachment]] | None = None
        self._last_message: tuple[str, str, Sequence[Attachment]] | None = None
        self._handed: list[Attachment] = []  # held until what names them is on the disk
        self._acknowledged: set[str] = set()
        self._known = KnownHere(lambda: app.invitations.collecting.for_card(), app)
        self._known.found.connect(self._show_known)
        self.ask: AskWindow | None = None
        self.ticket: TicketWindow | None = None

    def windows(self) -> tuple[QWidget | None, ...]:
        """Return the windows of this part."""
        return self.ask, self.ticket

    def show_news(self, tickets: Sequence[TicketLine]) -> None:
        """Show the open ticket as the server has it now."""
        if self.ticket is None:
            return
        found = next((t for t in tickets if t.id == self.ticket.ticket.id), None)
        shown = with_calls(found, self.written) if found is not None else None
        if shown is not None and shown != self.ticket.ticket:
            self.ticket.show_ticket(shown)

    def ask_for_help(self) -> None:
        """Open the window for a new request."""
        assets = home_view(self._app.told, 0).assets if self._app.told is not None else ()
        online = self._app.line.line is Line.ONLINE
        now_ms = self._app.clock.utc_ms
        ask = self.ask = AskWindow(
            self._app.theme, assets, now_ms, online=online, parent=self._app.home, files=self._port()
        )
        self.ask.known.wanted.connect(self._known.look)
        self.ask.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.ask.sent.connect(lambda *said: self.write_request(*said, files=ask.files.hand_over()))
        self.ask.finished.connect(lambda _result: self._ask_closed(ask))
        if self._last_ask is not None:
            subject, text, asset, told, files = self._last_ask
            self.ask.files.restore(files)
            self.ask.subject.setText(subject)
            self.ask.text.setPlainText(text)
            self.ask.product.setCurrentIndex(max(0, self.ask.product.findData(asset)))
            if told is not None:
                self.ask.known.restore(told)
            self._last_ask = None
        self.ask.open()

    def _show_known(self, found: tuple[Finding, ...]) -> None:
        if self.ask is not None:
            self.ask.known.show_findings(found)

    def _port(self) -> Attaching | None:
        return Attaching(self._app, self._app.opened.store) if self._app.opened is not None else None

    def _ask_closed(self, window: AskWindow) -> None:
        window.files.window_gone()
        self.ask = None

    def write_request(
        self, subject: str, text: str, asset: str, told: ToldFacts | None = None, *, files: Sequence[Attachment] = ()
    ) -> None:
        """Keep a new request with its files and what is told of this computer; it goes when the server is there."""
        self._last_ask = (subject, text, asset, told, files)
        self._handed += files
        ticket = new_id().hex()
        now = self._app.clock.utc_ms()
        body = wire.NewRequest(
            id=ticket,
            message=new_id().hex(),
            subject=subject,
            body=text,
            asset=asset or None,
            language=language(),
            written_at=now,
            attachments=file_views(files),
            facts=_facts(told) if told is not None else None,
        )
        self._keep(WrittenItem(ticket, "request", ticket, subject, msgspec.json.encode(body), now), files)

    def write_message(self, ticket: str, text: str, files: Sequence[Attachment] = ()) -> None:
        """Keep a message on a ticket, with its files."""
        self._last_message = (ticket, text, files)
        self._handed += files
        id_, now = new_id().hex(), self._app.clock.utc_ms()
        body = wire.NewMessage(id=id_, ticket=ticket, body=text, written_at=now, attachments=file_views(files))
        subject = text.splitlines()[0][:80]
        self._keep(WrittenItem(id_, "message", ticket, subject, msgspec.json.encode(body), now), files)

    def write_answers(self, ticket: str, solved: bool | None, treated_well: bool | None) -> None:
        """Keep the answers to the two questions; they are sent when the server is there."""
        id_, now = new_id().hex(), self._app.clock.utc_ms()
        body = wire.CheckAnswer(id=id_, ticket=ticket, solved=solved, treated_well=treated_well, written_at=now)
        self._keep(WrittenItem(id_, "check", ticket, _("Answers"), msgspec.json.encode(body), now))

    def ask_for_call(self, ticket: str, start_ms: int, phone: str) -> None:
        """Keep the wish for a call; only the server confirms it, when it is there."""
        id_, now = new_id().hex(), self._app.clock.utc_ms()
        body = wire.CallAsk(id=id_, ticket=ticket, slot_start=start_ms, phone=phone, written_at=now)
        self._keep(WrittenItem(id_, "call", ticket, _("Call"), msgspec.json.encode(body), now))

    def cancel_call(self, ticket: str, call: str) -> None:
        """Keep that a call is not wanted any more; one that was never sent is taken back at once."""
        if any(item.id == call and item.state == "waiting" for item in self.written):
            self._forget([call])
            return
        id_, now = new_id().hex(), self._app.clock.utc_ms()
        body = wire.CallCancel(id=id_, call=call, ticket=ticket, written_at=now)
        self._keep(WrittenItem(id_, "uncall", ticket, _("Cancelled call"), msgspec.json.encode(body), now))

    def _forget(self, items: list[str]) -> None:
        if self._app.client is not None and self._app.opened is not None:
            store = self._app.opened.store
            self._app.client.do(lambda: store.forget_written(items))

    def _keep(self, item: WrittenItem, files: Sequence[Attachment] = ()) -> None:
        if self._app.client is not None and self._app.opened is not None:
            store = self._app.opened.store
            self._app.client.do(lambda: store.add_written(item, files))

    def reload(self) -> None:
        """Read again what was written here and show it."""
        if self._app.opened is not None:
            self._app.background(self._app.opened.store.written, self.show_written)

    def show_written(self, written: list[WrittenItem]) -> None:
        """Show what was written here and how far it got."""
        self.written = written
        self._last_ask = self._last_message = None  # it is on disk
        port, handed = self._port(), self._handed
        if port is not None and handed:
            self._handed = []
            port.release(handed)
        waiting = sum(item.state == "waiting" for item in written)
        self._app.line = LineState(self._app.line.line, self._app.line.since_ms, self._app.line.code, waiting)
        if self._app.told is not None:
            self.show_news(home_view(self._app.told, 0).tickets)
        if self._app.home is not None:
            self._app.home.show_requests(request_lines(written, self._subject_of))
            self._app.home.show_line(self._app.line)
        self._forget_done()

    def _subject_of(self, ticket: str) -> str:
        tickets = self._app.told.tickets if self._app.told is not None else []
        return next((t.subject for t in tickets if t.id == ticket), "")

    def forget_shown(self) -> None:
        """What the server shows by itself needs no line of its own any more, once its files are there too."""
        done = {item.id for item in self._done()}
        self._acknowledge(done - self._acknowledged)
        self._acknowledged |= done
        self._forget_done()

    def _done(self) -> list[WrittenItem]:
        shown = {ticket.id for ticket in self._app.told.tickets} if self._app.told is not None else set()
        return [item for item in self.written if item.state == "sent" and item.ticket in shown]

    def _forget_done(self) -> None:
        done = [item.id for item in self._done() if not item.files and item.id in self._acknowledged]
        if done:
            self._forget(done)

    def file_lost(self) -> None:
        """A file will never arrive: the person can attach it again."""
        text = _("A file could not be sent to support. Attach it again with a message on your request.")
        if self._app.home is not None:
            self._app.home.show_notice(text, "danger")

    def _acknowledge(self, done: set[str]) -> None:
        """Say of a request that was written here that it has arrived, with the times that the server told."""
        home, told = self._app.home, self._app.told
        if home is None or told is None:
            return
        tickets = {ticket.id: ticket for ticket in home_view(told, 0).tickets}
        for item in self.written:
            ticket = tickets.get(item.ticket)
            if item.id in done and item.kind == "request" and ticket is not None and ticket.acknowledged is not None:
                home.show_notice(acknowledgment(ticket.acknowledged, ticket, self._app.clock.utc_ms()), "success")

    def rows_failed(self, code: str) -> None:
        """What was typed could not be kept: say so, and give it back to the person."""
        if self._app.home is not None:
            self._app.home.show_notice(trouble(code), "danger")
        if self._last_ask is not None:
            self._take_back(self._last_ask[4])
            self.ask_for_help()  # with the text as it was: nothing typed is lost
        if self._last_message is not None:
            self._put_back(*self._last_message)

    def _take_back(self, files: Sequence[Attachment]) -> None:
        for each in files:
            if each in self._handed:
                self._handed.remove(each)

    def _put_back(self, ticket: str, text: str, files: Sequence[Attachment]) -> None:
        self._last_message = None
        self._take_back(files)
        if self.ticket is None or self.ticket.ticket.id != ticket:
            self.show_ticket(ticket)
        if self.ticket is not None:
            typed_since = self.ticket.text.toPlainText()
            self.ticket.text.setPlainText(f"{text}\n{typed_since}" if typed_since else text)
            self.ticket.files.restore((*files, *self.ticket.files.attachments()))

    def show_ticket(self, ticket: str) -> None:
        """Open a ticket's window."""
        view = home_view(self._app.told, 0) if self._app.told is not None else None
        shown = next((t for t in view.tickets if t.id == ticket), None) if view is not None else None
        if shown is None:
            return
        shown = with_calls(shown, self.written)
        window = self.ticket = TicketWindow(
            self._app.theme, shown, self._app.clock.utc_ms, parent=self._app.home, files=self._port()
        )
        self.ticket.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        window.sent.connect(lambda ticket, text: self.write_message(ticket, text, window.files.hand_over()))
        self.ticket.answered.connect(self.write_answers)
        self.ticket.calls.asked.connect(self.ask_for_call)
        self.ticket.calls.cancelled.connect(self.cancel_call)
        self.ticket.finished.connect(lambda _result: self._ticket_closed(window))
        self.ticket.open()

    def _ticket_closed(self, window: TicketWindow) -> None:
        window.files.window_gone()
        self.ticket = None


def _facts(told: ToldFacts) -> wire.Facts:
    return wire.Facts(consent=True, collected_at=told.collected_at, found_at=dict(told.found_at), **told.facts)
