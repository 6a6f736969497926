# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion put together: start, Home, what is written and sent, invitations, and the way out."""

from __future__ import annotations

import asyncio
import hashlib
import platform
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from app.config.i18n import _, language
from app.desktop.companion_store import WrittenItem
from app.desktop.keyring_store import WrongPassphrase, has_passphrase, needs_passphrase
from app.domain.certificate import RevocationList, read_revocations
from app.domain.documents import BadDocument, SignedDocument
from app.domain.errors import WorldError
from app.domain.ids import new_id
from app.domain.links import BadLink, parse_invite
from app.domain.signed import unb64
from app.entry.companion_enrol import EnrolController
from app.entry.companion_rows import (
    Enrolment,
    Opened,
    StoreRows,
    chain_row,
    home_view,
    open_profile,
    own_tickets,
    receipt_row,
    request_lines,
)
from app.entry.companion_session import CustomerSession, SessionDeps
from app.entry.session_parts import make_session_host
from app.entry.versions import version_line
from remote_assist import actions as act
from remote_assist.customer_end import CustomerEnd, CustomerIdentity
from remote_assist.invitation import InvitationChecker, ReplayCache
from sync import customer_client as net
from sync import customer_protocol as wire
from sync.customer_api import CustomerApi
from sync.session_protocol import Redeemed
from widgets.companion.code import CodeWindow
from widgets.companion.compose import AskWindow, TicketWindow
from widgets.companion.enrol import EnrolWindow, PassphraseWindow
from widgets.companion.home import HomeWindow
from widgets.companion.model import Line, LineState
from widgets.companion.session import EndedWindow
from widgets.companion.texts import trouble
from widgets.foundation import Question, Theme

__all__ = ["CompanionApp"]

T = TypeVar("T")
_HOME_WAIT_MS = 4000
_CODE_DIGITS = 9


class RealClock:
    """The two clocks of this computer."""

    def monotonic_ms(self) -> int:
        """Milliseconds that never jump."""
        return time.monotonic_ns() // 1_000_000

    def utc_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        return time.time_ns() // 1_000_000


class CompanionApp(QObject):
    """The whole program. GUI thread; `start` once, then `run`. Windows not open are None.

    `session` is the newest session, also after its end, until the next one begins.
    """

    home_ready = Signal()
    """Home is shown for an enrolled customer."""
    session_changed = Signal(object)
    """The `SessionView` of the newest session changed."""
    _event = Signal(object)
    _done = Signal(object, object, object)

    def __init__(
        self, qt: QApplication, theme: Theme, folder: Path, *, passphrase: str | None = None, enrol_link: str = ""
    ) -> None:
        super().__init__()
        self.qt = qt
        self.theme = theme
        self.clock = RealClock()
        self._folder = folder
        self._passphrase = passphrase
        self._enrol_link = enrol_link
        self._net = net.NetworkThread("companion-network")
        self._event.connect(self._heard, Qt.ConnectionType.QueuedConnection)
        self._done.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._opened: Opened | None = None
        self._enrolment: Enrolment | None = None
        self._home: wire.Home | None = None
        self._home_at = 0
        self._written: list[WrittenItem] = []
        self._line = LineState(Line.CONNECTING, 0)
        self._revocations: RevocationList | None = None
        self._replay = ReplayCache()
        self._scam_read = False
        self._last_ask: tuple[str, str, str] | None = None
        self._last_message: tuple[str, str] | None = None
        self._link_secret = b""
        self._invite: tuple[SignedDocument, bytes] | None = None
        self._leaving = False
        self._in_loop = False
        self._status = 0
        self._key: Ed25519PrivateKey | None = None
        self._entry_numbers: dict[bytes, int] = {}
        self.client: net.CustomerClient | None = None
        self.session: CustomerSession | None = None
        self._sessions: list[CustomerSession] = []
        self.home: HomeWindow | None = None
        self.enrol: EnrolWindow | None = None
        self.passphrase: PassphraseWindow | None = None
        self.ask: AskWindow | None = None
        self.ticket: TicketWindow | None = None
        self.code: CodeWindow | None = None
        self.problem: Question | None = None
        self._invite_timer = QTimer(self, singleShot=True, interval=_HOME_WAIT_MS)
        self._invite_timer.timeout.connect(self._open_invite)

    @property
    def online(self) -> bool:
        """Whether the server is reached, so that invitations arrive at once."""
        return self._line.line is Line.ONLINE

    # --- start -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the file and show the first window: passphrase, enrolment or Home."""
        if self._passphrase is not None:
            self._open(self._passphrase)
            return
        self._background(lambda: (needs_passphrase(self._folder), has_passphrase(self._folder)), self._ask_passphrase)

    def run(self) -> int:
        """Run the event loop until `leave`; return the exit status."""
        if self._leaving:
            return self._status
        self._in_loop = True
        return self.qt.exec()

    def leave(self, status: int = 0) -> None:
        """Stop sharing first, then hand in what can be handed in, then quit. Idempotent."""
        if self._leaving:
            return
        self._leaving = True
        self._status = status
        for session in self._sessions:
            session.shut_down()
        for window in (self.home, self.enrol, self.passphrase, self.ask, self.ticket, self.code):
            if window is not None:
                window.hide()
        if self.client is not None:
            self.client.stop()
        self._net.stop()
        if self._opened is not None:
            self._opened.store.close()
        for window in (self.home, self.enrol, self.passphrase):
            if window is not None:
                window.deleteLater()
        if self._in_loop:  # otherwise Qt would remember it and let no later loop run
            self.qt.exit(status)

    def _ask_passphrase(self, answer: tuple[bool, bool]) -> None:
        needed, chosen = answer
        if not needed:
            self._open(None)
            return
        self.passphrase = PassphraseWindow(self.theme, first=not chosen)
        self.passphrase.given.connect(self._open)
        self._leave_with(self.passphrase)
        self.passphrase.show()

    def _open(self, passphrase: str | None) -> None:
        self._background(lambda: open_profile(self._folder, passphrase), self._begin, self._cannot_start)

    def _cannot_start(self, error: WorldError) -> None:
        text = trouble(error.code, **error.details)
        if isinstance(error, WrongPassphrase) and self.passphrase is not None:
            self.passphrase.show_problem(text)
            return
        title = _("Deskside Companion cannot start")
        self.problem = Question(self.theme, title, text, safe=_("Close"), answered=lambda _yes: self.leave(1))
        self.problem.open()

    def _begin(self, opened: Opened) -> None:
        self._opened = opened
        if self.passphrase is not None:
            self.passphrase.hide()
        self._written = opened.written
        self._replay = ReplayCache(opened.invitations)
        self._scam_read = opened.scam_read
        if opened.enrolment is not None and opened.device_key is not None:
            self._enter(opened.enrolment, opened.device_key)
            return
        self.enrol = EnrolWindow(self.theme)
        controller = EnrolController(self.enrol, self._net, opened, self)
        controller.enrolled.connect(self._enter)
        self._leave_with(self.enrol)
        self.enrol.show()
        if opened.kept is not None:
            self.enrol.show_problem(trouble("store_damaged", kept=opened.kept.name))
        if self._enrol_link:
            controller.begin(self._enrol_link)

    def _enter(self, enrolment: Enrolment, key: Ed25519PrivateKey) -> None:
        if self._opened is None:
            return
        self._enrolment = enrolment
        self._key = key
        if self.enrol is not None:
            self.enrol.hide()
        self.home = HomeWindow(self.theme, self.clock.utc_ms)
        self.home.help_wanted.connect(self.ask_for_help)
        self.home.code_wanted.connect(self.enter_code)
        self.home.ticket_opened.connect(self._show_ticket)
        self.home.close_wanted.connect(self.leave)
        self._home, self._home_at = self._opened.home, self._opened.home_at
        self._show_home()
        self._show_written(self._written)
        self.home.show()
        rows = StoreRows(self._opened.store)
        api = CustomerApi(enrolment.server)
        pinned = unb64(enrolment.org_key)
        self.client = net.CustomerClient(self._net, api, enrolment.companion, key, pinned, rows, self._event.emit)
        self.client.start()
        self.home_ready.emit()

    def _leave_with(self, window: QWidget) -> None:
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        window.destroyed.connect(lambda: self._window_gone(window))

    def _window_gone(self, window: QWidget) -> None:
        del window
        self.enrol = None
        self.passphrase = None
        if self.home is None and not self._leaving:
            self.leave()

    # --- news of the client ----------------------------------------------------------------------------------

    def _heard(self, event: net.CustomerEvent) -> None:
        if self._leaving:
            return
        match event:
            case net.HomeArrived():
                self._home_arrived(event)
            case net.LineChanged():
                self._line_changed(event)
            case net.WrittenChanged():
                self._reload_written()
            case net.RowsFailed():
                self._rows_failed(event.code)
            case net.RevocationsArrived():
                self._take_revocations(event)
            case _:
                self._heard_of_session(event)

    def _heard_of_session(self, event: net.CustomerEvent) -> None:
        match event:
            case net.InviteArrived() if event.iid.hex() in self._replay.entries:
                pass  # handed out again after a break of the line; it was opened already
            case net.InviteArrived():
                self._invited(event.invitation, event.signature, event.join_secret)
            case net.RedeemAnswered():
                self._redeemed(event.redeemed, event.code)
            case net.SigArrived():
                for session in self._of(event.session):
                    session.on_envelope(event.data)
            case net.SigRefused():
                for session in self._of(event.session):
                    session.on_nack()
            case net.SessionClosed(session=sid, reason="revoked"):
                for session in self._of(sid):
                    session.revoked()
            case _:
                pass

    def _home_arrived(self, event: net.HomeArrived) -> None:
        self._home_at = event.at_ms
        if event.home is not None:
            self._home = event.home
            self._forget_shown()
        self._show_home()
        if self._invite is not None:
            self._open_invite()

    def _show_home(self) -> None:
        if self.home is None:
            return
        view = home_view(self._home, self._home_at) if self._home is not None else None
        self.home.show_home(view)
        self.home.show_line(self._line)
        if self.ticket is not None and view is not None:
            shown = next((t for t in view.tickets if self.ticket.ticket.id == t.id), None)
            if shown is not None and shown != self.ticket.ticket:
                self.ticket.show_ticket(shown)

    def _line_changed(self, event: net.LineChanged) -> None:
        line = Line.ONLINE if event.online else Line.REFUSED if self._needs_person(event) else Line.OFFLINE
        self._line = LineState(line, event.since_ms, event.code, self._line.waiting)
        if self.home is None:
            return
        self.home.show_line(self._line)
        server = self._enrolment.server if self._enrolment else ""
        # what a person must act on stands above everything; being offline is normal and stands below
        self.home.show_notice(trouble(event.code, server=server) if line is Line.REFUSED else "", "danger")

    @staticmethod
    def _needs_person(event: net.LineChanged) -> bool:
        return event.code in ("tls_failure", "wrong_server", "companion_revoked")

    # --- writing ---------------------------------------------------------------------------------------------

    def ask_for_help(self) -> None:
        """Open the window for a new request."""
        assets = home_view(self._home, 0).assets if self._home is not None else ()
        self.ask = AskWindow(self.theme, assets, online=self._line.line is Line.ONLINE, parent=self.home)
        self.ask.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.ask.sent.connect(self._write_request)
        self.ask.finished.connect(self._ask_closed)
        if self._last_ask is not None:
            subject, text, _asset = self._last_ask
            self.ask.subject.setText(subject)
            self.ask.text.setPlainText(text)
            self._last_ask = None
        self.ask.open()

    def _ask_closed(self) -> None:
        self.ask = None

    def _write_request(self, subject: str, text: str, asset: str) -> None:
        self._last_ask = (subject, text, asset)
        ticket = new_id().hex()
        now = self.clock.utc_ms()
        body = wire.NewRequest(
            id=ticket,
            message=new_id().hex(),
            subject=subject,
            body=text,
            asset=asset or None,
            language=language(),
            written_at=now,
        )
        self._keep(WrittenItem(ticket, "request", ticket, subject, msgspec.json.encode(body), now))

    def _write_message(self, ticket: str, text: str) -> None:
        self._last_message = (ticket, text)
        id_, now = new_id().hex(), self.clock.utc_ms()
        body = wire.NewMessage(id=id_, ticket=ticket, body=text, written_at=now)
        subject = text.splitlines()[0][:80]
        self._keep(WrittenItem(id_, "message", ticket, subject, msgspec.json.encode(body), now))

    def _keep(self, item: WrittenItem) -> None:
        if self.client is not None and self._opened is not None:
            store = self._opened.store
            self.client.do(lambda: store.add_written(item))

    def _reload_written(self) -> None:
        if self._opened is not None:
            self._background(self._opened.store.written, self._show_written)

    def _show_written(self, written: list[WrittenItem]) -> None:
        self._written = written
        self._last_ask = self._last_message = None  # it is on disk
        waiting = sum(item.state == "waiting" for item in written)
        self._line = LineState(self._line.line, self._line.since_ms, self._line.code, waiting)
        if self.home is not None:
            self.home.show_requests(request_lines(written, self._subject_of))
            self.home.show_line(self._line)

    def _subject_of(self, ticket: str) -> str:
        tickets = self._home.tickets if self._home is not None else []
        return next((t.subject for t in tickets if t.id == ticket), "")

    def _forget_shown(self) -> None:
        """What the server shows by itself needs no line of its own any more."""
        shown = {ticket.id for ticket in self._home.tickets} if self._home is not None else set()
        done = [item.id for item in self._written if item.state == "sent" and item.ticket in shown]
        if done and self.client is not None and self._opened is not None:
            store = self._opened.store
            self.client.do(lambda: store.forget_written(done))

    def _rows_failed(self, code: str) -> None:
        if self.home is not None:
            self.home.show_notice(trouble(code), "danger")
        if self._last_ask is not None:
            self.ask_for_help()  # with the text as it was: nothing typed is lost
        if self._last_message is not None:
            self._put_back(*self._last_message)

    def _put_back(self, ticket: str, text: str) -> None:
        self._last_message = None
        if self.ticket is None or self.ticket.ticket.id != ticket:
            self._show_ticket(ticket)
        if self.ticket is not None:
            typed_since = self.ticket.text.toPlainText()
            self.ticket.text.setPlainText(f"{text}\n{typed_since}" if typed_since else text)

    def _show_ticket(self, ticket: str) -> None:
        view = home_view(self._home, 0) if self._home is not None else None
        shown = next((t for t in view.tickets if t.id == ticket), None) if view is not None else None
        if shown is None:
            return
        self.ticket = TicketWindow(self.theme, shown, self.clock.utc_ms, parent=self.home)
        self.ticket.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.ticket.sent.connect(self._write_message)
        self.ticket.finished.connect(self._ticket_closed)
        self.ticket.open()

    def _ticket_closed(self) -> None:
        self.ticket = None

    # --- invitations -----------------------------------------------------------------------------------------

    def enter_code(self) -> None:
        """Open the window for a session code or link."""
        self.code = CodeWindow(self.theme, parent=self.home)
        self.code.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.code.given.connect(self._redeem)
        self.code.finished.connect(self._code_closed)
        self.code.open()

    def _code_closed(self) -> None:
        self.code = None

    def _redeem(self, text: str) -> None:
        if self.client is None:
            return
        digits = "".join(text.split()).replace("-", "")
        if digits.isascii() and digits.isdigit() and len(digits) == _CODE_DIGITS:
            self._link_secret = b""
            self.client.redeem(code=digits)
            return
        try:
            link = parse_invite(text)
        except BadLink:
            self._redeemed(None, "bad_code")
            return
        self._link_secret = link.join_secret
        self.client.redeem(iid=link.iid.hex())

    def _redeemed(self, redeemed: Redeemed | None, code: str) -> None:
        if redeemed is None:
            if self.code is not None:
                self.code.show_problem(trouble(code, server=self._enrolment.server if self._enrolment else ""))
            return
        try:
            secret = unb64(redeemed.join_secret) if redeemed.join_secret else self._link_secret
            signature = unb64(redeemed.signature)
        except ValueError:
            self._redeemed(None, "bad_code")
            return
        if self.code is not None:
            self.code.accept()
        self._invited(redeemed.invitation.encode(), signature, secret)

    def _invited(self, document: bytes, signature: bytes, join_secret: bytes) -> None:
        """An invitation is here: fetch the newest tickets first, as it may be about one of this minute."""
        if self.session is not None and not self.session.over:
            return  # one viewer, one session
        try:
            self._invite = (SignedDocument.from_parts(document, signature), join_secret)
        except BadDocument:
            self._alarm("bad_invitation")
            return
        if self.client is not None:
            self.client.poke()
        self._invite_timer.start()

    def _open_invite(self) -> None:
        invite, self._invite = self._invite, None
        self._invite_timer.stop()
        if invite is None or self._enrolment is None or self._leaving:
            return
        if self.session is not None and not self.session.over:
            return
        session = CustomerSession(self._session_deps(self._enrolment), self)
        session.changed.connect(self.session_changed)
        session.finished.connect(self._session_finished)
        self._sessions.append(session)
        self.session = session
        session.open(*invite)

    def _session_deps(self, enrolment: Enrolment) -> SessionDeps:
        checker = InvitationChecker(
            enrolment.pin,
            self._replay,
            own_tickets=lambda: own_tickets(self._home),
            revocations=lambda: self._revocations,
            server_reachable=lambda: self._line.line is Line.ONLINE,
        )
        identity = CustomerIdentity(version_line(), f"{platform.system()} {platform.release()}", self._key)
        return SessionDeps(
            theme=self.theme,
            clock=self.clock,
            make_end=lambda: CustomerEnd(identity, self.clock, checker),
            make_host=lambda parent: make_session_host("customer", parent),
            send=self._send_sig,
            record=self._record,
            keep_receipt=self._keep_receipt,
            opened=self._remember_invitations,
            scam_read=lambda: self._scam_read,
            mark_scam_read=self._mark_scam_read,
            alarm=self._alarm,
            save_receipt=self._save_receipt,
        )

    def _session_finished(self, session: CustomerSession) -> None:
        if session in self._sessions:
            self._sessions.remove(session)

    def _of(self, sid: bytes) -> list[CustomerSession]:
        return [session for session in self._sessions if session.sid == sid]

    def _send_sig(self, envelope: act.SendEnvelope) -> None:
        if self.client is not None:
            self.client.send_sig(envelope.sid, envelope.to, envelope.n, envelope.data)

    def _record(self, entry: act.ChainEntry) -> None:
        self._entry_numbers[entry.sid] = max(entry.n, self._entry_numbers.get(entry.sid, 0))
        if self.client is not None and self._opened is not None:
            store, row = self._opened.store, chain_row(entry)
            self.client.do(lambda: store.add_entry(row))

    def _keep_receipt(self, receipt: act.Receipt) -> None:
        if self.client is None or self._opened is None:
            return
        now, store = self.clock.utc_ms(), self._opened.store
        number = self._entry_numbers.get(receipt.sid, 0) + 1
        row = receipt_row(receipt, hashlib.sha256(receipt.data).digest(), number, now)

        def keep() -> None:
            store.save_receipt(receipt.sid.hex(), receipt.ticket_id, receipt.data, now)
            store.add_entry(row)

        self.client.do(keep)

    def _remember_invitations(self) -> None:
        if self.client is not None and self._opened is not None:
            store, seen = self._opened.store, dict(self._replay.entries)
            self.client.do(lambda: store.save_invitations(seen))

    def _mark_scam_read(self) -> None:
        self._scam_read = True
        if self.client is not None and self._opened is not None:
            store = self._opened.store
            self.client.do(lambda: store.put("scam_read", "1"))

    def _take_revocations(self, event: net.RevocationsArrived) -> None:
        if self._enrolment is None:
            return
        got = event.revocations
        try:
            signed = SignedDocument.from_parts(got.document, got.signature)
            self._revocations = read_revocations(signed, unb64(self._enrolment.org_key))
        except (BadDocument, ValueError):
            if self.home is not None:
                self.home.show_notice(trouble("wrong_server", server=self._enrolment.server), "danger")

    def _alarm(self, code: str) -> None:
        if self.home is not None and code == "bad_invitation":
            self.home.show_notice(trouble(code), "danger")

    # --- receipt ---------------------------------------------------------------------------------------------

    def _save_receipt(self, window: EndedWindow, summary: str, data: bytes) -> None:
        name = time.strftime("deskside-receipt-%Y%m%d-%H%M.json")
        dialog = QFileDialog(window, _("Save receipt"), str(Path.home() / name))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.write_receipt(window, Path(path), summary, data))
        dialog.open()

    def write_receipt(self, window: EndedWindow, path: Path, summary: str, data: bytes) -> None:
        """Write the signed receipt and, beside it, a page to read; tell the window how it went."""

        def write() -> Path:
            try:
                path.write_bytes(data)
                path.with_suffix(".txt").write_text(summary + "\n", encoding="utf-8")
            except OSError as error:
                raise WorldError("disk_full" if error.errno == 28 else "not_saved", path=str(path)) from error
            return path

        def done(where: Path) -> None:
            window.saved(_("Saved as {path}, with a page to read beside it.").format(path=where))

        self._background(write, done, lambda error: window.saved(trouble(error.code, path=str(path)), "danger"))

    # --- background ------------------------------------------------------------------------------------------

    def _background(
        self, work: Callable[[], T], then: Callable[[T], object], error: Callable[[WorldError], object] | None = None
    ) -> None:
        """Run `work` off the GUI thread and hand its result, or its WorldError, back to it."""
        future = self._net.spawn(asyncio.to_thread(work))
        future.add_done_callback(lambda done: None if done.cancelled() else self._done.emit(done, then, error))

    def _deliver(
        self, future: Future[Any], then: Callable[[Any], object], error: Callable[[WorldError], object] | None
    ) -> None:
        if self._leaving:
            return
        try:
            value = future.result()
        except WorldError as failure:
            (error or self._cannot_go_on)(failure)
            return
        then(value)

    def _cannot_go_on(self, failure: WorldError) -> None:
        if self.home is not None:
            self.home.show_notice(trouble(failure.code, **failure.details), "danger")
