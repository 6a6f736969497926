# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion's invitations and sessions: codes and links, whom to believe, what is recorded, the receipt."""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFileDialog

from app.config.i18n import _
from app.config.logs import get_logger
from app.config.policy import Policy
from app.config.settings import ALLOW_EXECUTABLES, MASK_WINDOWS, MAX_MINUTES
from app.domain.assist import Phase, Scope, SessionView, server_end
from app.domain.certificate import RevocationList, read_revocations
from app.domain.documents import BadDocument, SignedDocument
from app.domain.errors import StoreUnavailable, WorldError
from app.domain.links import BadLink, parse_invite
from app.domain.masking import MaskRule
from app.domain.signed import unb64
from app.entry.companion_alarms import bad_invitation, keep_alarm
from app.entry.companion_diagnostics import Collecting
from app.entry.companion_files import FilePlace
from app.entry.companion_masks import RulesPlace, can_follow_windows, read_rules, write_rules
from app.entry.companion_rows import Enrolment, Opened, chain_row, own_tickets, receipt_row
from app.entry.companion_session import CustomerSession, SessionDeps
from app.entry.session_parts import make_session_host
from app.entry.versions import version_line
from remote_assist import actions as act
from remote_assist.customer_end import CustomerEnd, CustomerIdentity
from remote_assist.diagnostics_run import Wanted
from remote_assist.input_pynput import can_inject
from remote_assist.invitation import InvitationChecker, ReplayCache, WaitingInvitation, waiting
from remote_assist.limits import Limits
from sync import customer_client as net
from sync.session_protocol import Redeemed
from widgets.companion.code import CodeWindow
from widgets.companion.model import Line
from widgets.companion.session import EndedWindow
from widgets.companion.texts import trouble

if TYPE_CHECKING:
    from app.entry.companion_app import CompanionApp

__all__ = ["Invitations"]

_HOME_WAIT_MS = 4000
_CODE_DIGITS = 9
_KEEP_AGAIN_MS = 5000
_log = get_logger("companion")


class Invitations:
    """GUI thread. `session` is the newest session, also after its end, until the next one begins."""

    def __init__(self, app: CompanionApp) -> None:
        self._app = app
        self.revocations: RevocationList | None = None
        self.certificate = ""  # what the organisation signed about this computer's key
        self._replay = ReplayCache()
        self.scam_read = False
        self._mask_rules = read_rules(None)
        self._link_secret = b""
        self._invite: WaitingInvitation | None = None  # the newest; opened when the tickets are here and no session is
        self._opening = b""
        self._entry_numbers: dict[bytes, int] = {}
        self._unkept: list[Callable[[], None]] = []  # oldest first; changed on the client's thread alone
        self._keep_timer = QTimer(app, interval=_KEEP_AGAIN_MS)
        self._keep_timer.timeout.connect(self._keep_again)
        self.session: CustomerSession | None = None
        self._sessions: list[CustomerSession] = []
        self.collecting = Collecting(self._wanted_facts)
        self.code: CodeWindow | None = None
        self._invite_timer = QTimer(app, singleShot=True, interval=_HOME_WAIT_MS)
        self._invite_timer.timeout.connect(self.open_invite)

    def load(self, opened: Opened) -> None:
        """Take what the file remembers."""
        self._replay = ReplayCache(opened.invitations)
        self.scam_read = opened.scam_read
        self._mask_rules = read_rules(opened.mask_rules)

    @property
    def waits(self) -> bool:
        """Whether an invitation waits: for the newest tickets, or for the end of the session that runs."""
        return self._invite is not None

    def shut_down(self) -> None:
        """Stop sharing."""
        for session in self._sessions:
            session.shut_down()
        self._keep_again()  # the last time: what is on the disk is sent at the latest after the next start
        self._keep_timer.stop()

    def enter_code(self, link: str = "") -> None:
        """Open the window for a session code or link; a link that was followed stands in it and waits for a press."""
        if self.code is not None:
            if link:
                self.code.code.setText(link)
            return
        self.code = CodeWindow(self._app.theme, parent=self._app.home)
        self.code.code.setText(link)
        self.code.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.code.given.connect(self._redeem)
        self.code.finished.connect(self._code_closed)
        self.code.open()

    def _code_closed(self) -> None:
        self.code = None

    def _redeem(self, text: str) -> None:
        if self._app.client is None:
            return
        digits = "".join(text.split()).replace("-", "")
        if digits.isascii() and digits.isdigit() and len(digits) == _CODE_DIGITS:
            self._link_secret = b""
            self._app.client.redeem(code=digits)
            return
        try:
            link = parse_invite(text)
        except BadLink:
            self._redeemed(None, "bad_code")
            return
        self._link_secret = link.join_secret
        self._app.client.redeem(iid=link.iid.hex())

    def _redeemed(self, redeemed: Redeemed | None, code: str) -> None:
        if redeemed is None:
            if self.code is not None:
                self.code.show_problem(trouble(code, server=self._app.enrolment.server if self._app.enrolment else ""))
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
        if self._runs and document == self._opening:
            return  # it is what runs: a code was typed for what was pushed, too
        try:
            signed = SignedDocument.from_parts(document, signature)
        except BadDocument:
            self._tell_alarm("bad_invitation", "document", document)
            return
        pin = self._app.enrolment.pin if self._app.enrolment is not None else None
        self._invite = waiting(signed, join_secret, pin, self._app.clock.utc_ms())
        self._fetch_tickets()

    @property
    def _runs(self) -> bool:
        """Whether a session stands, or the question whether it may begin: one viewer, one session."""
        return self.session is not None and not self.session.over

    def _fetch_tickets(self) -> None:
        """Open what waits when the newest tickets are here, or after a while without them. While one runs it waits."""
        if self._invite is None or self._runs:
            return
        if self._app.client is not None:
            self._app.client.poke()
        self._invite_timer.start()

    def open_invite(self) -> None:
        """Open the invitation that waits, now that the tickets are here; while a session runs it goes on waiting."""
        self._invite_timer.stop()
        if self._invite is None or self._app.enrolment is None or self._app.leaving or self._runs:
            return
        invite, self._invite = self._invite, None
        if invite.ran_out(self._app.clock.utc_ms()):
            _log.info("an invitation ran out while another session ran")
            return
        session = CustomerSession(self._session_deps(self._app.enrolment), self._app)
        session.changed.connect(self._app.session_changed)
        session.changed.connect(self._session_changed)
        session.finished.connect(self._session_finished)
        self._sessions.append(session)
        self.session = session
        self._opening = invite.signed.document
        session.open(invite.signed, invite.join_secret)

    def _session_changed(self, view: SessionView) -> None:
        if view.phase is Phase.ENDED:
            self._fetch_tickets()

    def _withdrawn(self, sid: bytes) -> None:
        """What waits was taken back, or another invitation took its place: nobody is asked for it."""
        if self._invite is not None and self._invite.sid == sid:
            self._invite = None
            self._invite_timer.stop()

    def _session_deps(self, enrolment: Enrolment) -> SessionDeps:
        checker = InvitationChecker(
            enrolment.pin,
            self._replay,
            own_tickets=lambda: own_tickets(self._app.told),
            revocations=lambda: self.revocations,
            server_reachable=lambda: self._app.line.line is Line.ONLINE,
        )
        unable = frozenset[Scope]() if can_inject() else frozenset({Scope.CONTROL})
        policy = self._policy()
        rules, hard_ms = policy.get(MASK_WINDOWS), policy.get(MAX_MINUTES) * 60_000
        identity = CustomerIdentity(
            version_line(), f"{platform.system()} {platform.release()}", self._app.key,
            device_certificate=self.certificate, unable=unable, forbidden=policy.forbidden, rules=rules,
            shares=policy.sharing and (not rules or can_follow_windows()),
        )  # fmt: skip
        return SessionDeps(
            theme=self._app.theme,
            clock=self._app.clock,
            make_end=lambda: CustomerEnd(identity, self._app.clock, checker, limits=Limits(hard_ms=hard_ms)),
            make_host=lambda parent: make_session_host("customer", parent),
            send=self._send_sig,
            call=self._call,
            record=self._record,
            keep_receipt=self._keep_receipt,
            opened=self._remember_invitations,
            scam_read=lambda: self.scam_read,
            mark_scam_read=self._mark_scam_read,
            alarm=self._alarm,
            save_receipt=self._save_receipt,
            gather=self.collecting,
            rules=self._rules_place(rules),
            files=FilePlace(origin=enrolment.server, programs=policy.get(ALLOW_EXECUTABLES)),
        )

    def _policy(self) -> Policy:
        """What the organisation says now, for the session that begins."""
        policy = self._app.policy()
        for warning in policy.warnings:
            _log.warning("policy file not taken as it stands", text=warning)
        return policy

    def _wanted_facts(self) -> Wanted:
        """What is found out for diagnostics, in any thread: the organisation's own server is reached, too."""
        enrolment = self._app.enrolment
        address = urlsplit(enrolment.server) if enrolment is not None else urlsplit("")
        port = address.port or (80 if address.scheme == "http" else 443)
        hosts = ((address.hostname, port),) if address.hostname else ()
        return Wanted(hosts=hosts, logs=self._app.logs)

    def _rules_place(self, fixed: tuple[MaskRule, ...]) -> RulesPlace:
        opened, client = self._app.opened, self._app.client

        def keep(rules: tuple[MaskRule, ...]) -> None:
            self._mask_rules = rules
            if client is not None and opened is not None:
                client.do(lambda: opened.store.put("mask_rules", write_rules(rules)))

        return RulesPlace(lambda: self._mask_rules, keep, fixed)

    def _session_finished(self, session: CustomerSession) -> None:
        if session in self._sessions:
            self._sessions.remove(session)

    def _of(self, sid: bytes) -> list[CustomerSession]:
        return [session for session in self._sessions if session.sid == sid]

    def _send_sig(self, envelope: act.SendEnvelope) -> None:
        if self._app.client is not None:
            self._app.client.send_sig(envelope.sid, envelope.to, envelope.n, envelope.data)

    def _call(self, sid: bytes, call: act.CallServer) -> None:
        if self._app.client is not None:
            self._app.client.call(sid, call.call_id, call.path, json.dumps(call.body).encode())

    def _record(self, entry: act.ChainEntry) -> None:
        self._entry_numbers[entry.sid] = max(entry.n, self._entry_numbers.get(entry.sid, 0))
        if self._app.client is not None and self._app.opened is not None:
            store, row = self._app.opened.store, chain_row(entry)
            self._app.client.do(
                lambda: self._keep(lambda: store.add_entry(row)), lambda kept: net.EntryKept(entry.sid, entry.n, kept)
            )

    def _keep(self, *work: Callable[[], None]) -> None:
        """On the client's thread: what could not be kept before goes first, so that no record has a hole."""
        self._unkept.extend(work)
        while self._unkept:
            self._unkept[0]()
            self._unkept.pop(0)

    def _keep_again(self) -> None:
        """Try what the disk refused, also when no next entry comes: the session is over, the disk has room again."""
        if self._app.client is None or not self._unkept:
            self._keep_timer.stop()
            return

        def work() -> None:
            with contextlib.suppress(StoreUnavailable):  # told when it happened first
                self._keep()

        self._app.client.do(work)

    def _keep_receipt(self, receipt: act.Receipt) -> None:
        if self._app.client is None or self._app.opened is None:
            return
        now, store = self._app.clock.utc_ms(), self._app.opened.store
        number = self._entry_numbers.get(receipt.sid, 0) + 1
        row = receipt_row(receipt, hashlib.sha256(receipt.data).digest(), number, now)

        def save() -> None:
            store.save_receipt(receipt.sid.hex(), receipt.ticket_id, receipt.data, now)

        self._app.client.do(
            lambda: self._keep(save, lambda: store.add_entry(row)),
            lambda kept: net.EntryKept(receipt.sid, number, kept),
        )

    def _remember_invitations(self) -> None:
        if self._app.client is not None and self._app.opened is not None:
            store, seen = self._app.opened.store, dict(self._replay.entries)
            self._app.client.do(lambda: store.save_invitations(seen))

    def _mark_scam_read(self) -> None:
        self.scam_read = True
        if self._app.client is not None and self._app.opened is not None:
            store = self._app.opened.store
            self._app.client.do(lambda: store.put("scam_read", "1"))

    def take_revocations(self, event: net.RevocationsArrived) -> None:
        """Take the newest list of withdrawn certificates, if it is the organisation's own."""
        if self._app.enrolment is None:
            return
        got = event.revocations
        try:
            signed = SignedDocument.from_parts(got.document, got.signature)
            made = read_revocations(signed, unb64(self._app.enrolment.org_key))
            self.revocations = made if self.revocations is None else self.revocations.followed_by(made)
        except (BadDocument, ValueError):
            if self._app.home is not None:
                self._app.home.show_notice(trouble("wrong_server", server=self._app.enrolment.server), "danger")

    def _alarm(self, code: str, why: str) -> None:
        self._tell_alarm(code, why, self._opening)

    def _tell_alarm(self, code: str, why: str, document: bytes) -> None:
        if code == "bad_invitation" and self._app.client is not None and self._app.opened is not None:
            store, item = self._app.opened.store, bad_invitation(document, why, self._app.clock.utc_ms())
            self._app.client.do(lambda: keep_alarm(store, item))
        if self._app.home is not None and code in ("bad_invitation", "forbidden"):
            self._app.home.show_notice(trouble(code), "danger" if code == "bad_invitation" else "warning")

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
                _write_whole(path, data)
                _write_whole(path.with_suffix(".txt"), f"{summary}\n".encode())
            except OSError as error:
                raise WorldError("disk_full" if error.errno == 28 else "not_saved", path=str(path)) from error
            return path

        def done(where: Path) -> None:
            window.saved(_("Saved as {path}, with a page to read beside it.").format(path=where))

        self._app.background(write, done, lambda error: window.saved(trouble(error.code, path=str(path)), "danger"))

    def heard(self, event: net.CustomerEvent) -> None:
        """News of invitations and sessions."""
        match event:
            case net.InviteArrived() if event.iid.hex() in self._replay.entries:
                pass  # handed out again after a break of the line; it was opened already
            case net.InviteArrived():
                self._invited(event.invitation, event.signature, event.join_secret)
            case net.RedeemAnswered():
                self._redeemed(event.redeemed, event.code)
            case net.EntryKept(session=sid, number=number, kept=kept):
                for session in self._of(sid):
                    session.on_entry(number, kept=kept)
                if not kept and not self._app.leaving:
                    self._keep_timer.start()
            case net.SigArrived():
                for session in self._of(event.session):
                    session.on_envelope(event.data)
            case net.SigRefused():
                for session in self._of(event.session):
                    session.on_nack()
            case net.Answered():
                for session in self._of(event.session):
                    session.on_server_result(event.number, event.status, event.body)
            case net.SessionClosed(session=sid, reason=reason):
                self._withdrawn(sid)
                if (why := server_end(reason)) is not None:
                    for session in self._of(sid):
                        session.revoked(why)
            case _:
                pass


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file, or leave what was there: half a receipt proves nothing. Raises OSError."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
