# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion put together: start, Home, what is written and sent, invitations, and the way out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QWidget

from app.config.i18n import _
from app.config.policy import Policy
from app.desktop.keyring_store import WrongPassphrase, has_passphrase, needs_passphrase
from app.desktop.network_watch import NetworkWatch
from app.domain.clock import monotonic_ms
from app.domain.enrolment_file import Preset
from app.domain.errors import WorldError
from app.domain.key_exchange import PinnedKey
from app.domain.links import BadLink, Opener, opener_of, parse_invite
from app.domain.signed import unb64
from app.entry.companion_enrol import EnrolController, find_preset
from app.entry.companion_invitations import Invitations
from app.entry.companion_keys import StoreKeys, with_key
from app.entry.companion_published import PublishedRows, Reading
from app.entry.companion_rows import (
    Enrolment,
    Opened,
    StoreRows,
    home_view,
    open_profile,
)
from app.entry.companion_session import CustomerSession
from app.entry.companion_writing import Writing
from sync import customer_client as net
from sync import customer_protocol as wire
from sync.customer_api import CustomerApi
from widgets.companion.enrol import EnrolWindow, PassphraseWindow
from widgets.companion.home import HomeWindow
from widgets.companion.model import Line, LineState
from widgets.companion.texts import trouble
from widgets.foundation import Question, Theme

__all__ = ["CompanionApp"]

T = TypeVar("T")
_FOR_PERSONS = frozenset(
    {"tls_failure", "wrong_server", "companion_revoked", "key_refused", "key_not_yet", "key_against_policy"}
)


class RealClock:
    """The two clocks of this computer."""

    def monotonic_ms(self) -> int:
        """Milliseconds that never jump, and go on while the computer sleeps."""
        return monotonic_ms()

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
        self, qt: QApplication, theme: Theme, folder: Path, *, passphrase: str | None = None, enrol_link: str = "",
        policy: Callable[[], Policy] = Policy, enrolment_files: Sequence[Path] = (),
        minimised: bool = False,
    ) -> None:  # fmt: skip
        """`policy` reads what the organisation forbids on this computer; it is asked anew for each session.

        `enrolment_files`: where a file that says whom to trust is looked for.
        `minimised`: Home waits in the task bar until somebody wants it.
        """
        super().__init__()
        self.qt = qt
        self.theme = theme
        self.clock = RealClock()
        self._folder = folder
        self.logs = folder / "logs"
        self._passphrase = passphrase
        self._link = enrol_link
        self._enrolment: EnrolController | None = None
        self.policy = policy
        self._enrolment_files = enrolment_files
        self._minimised = minimised
        self._net = net.NetworkThread("companion-network")
        self._event.connect(self._heard, Qt.ConnectionType.QueuedConnection)
        self._done.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self.opened: Opened | None = None
        self.enrolment: Enrolment | None = None
        self.told: wire.Home | None = None
        self._home_at = 0
        self.line = LineState(Line.CONNECTING, 0)
        self._told_of_line = ""
        self.leaving = False
        self._in_loop = False
        self._status = 0
        self.key: Ed25519PrivateKey | None = None
        self.client: net.CustomerClient | None = None
        self.network = NetworkWatch(self)
        self.network.changed.connect(self._network_changed)
        self.home: HomeWindow | None = None
        self.enrol: EnrolWindow | None = None
        self.passphrase: PassphraseWindow | None = None
        self.problem: Question | None = None
        self.writing = Writing(self)
        self.reading = Reading(self)
        self.invitations = Invitations(self)

    @property
    def session(self) -> CustomerSession | None:
        """The newest session."""
        return self.invitations.session

    @property
    def online(self) -> bool:
        """Whether the server is reached, so that invitations arrive at once."""
        return self.line.line is Line.ONLINE

    # --- start -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the file and show the first window: passphrase, enrolment or Home."""
        if self._passphrase is not None:
            self._open(self._passphrase)
            return
        self.background(lambda: (needs_passphrase(self._folder), has_passphrase(self._folder)), self._ask_passphrase)

    def _network_changed(self) -> None:
        if self.client is not None:
            self.client.network_changed()
        if self.session is not None:
            self.session.network_changed()

    def run(self) -> int:
        """Run the event loop until `leave`; return the exit status."""
        if self.leaving:
            return self._status
        self._in_loop = True
        return self.qt.exec()

    def leave(self, status: int = 0) -> None:
        """Stop sharing first, then hand in what can be handed in, then quit. Idempotent."""
        if self.leaving:
            return
        self.leaving = True
        self._status = status
        self.network.stop()
        self.invitations.shut_down()
        self.reading.close()
        for window in (
            self.home,
            self.enrol,
            self.passphrase,
            self.writing.ask,
            self.writing.ticket,
            self.invitations.code,
        ):
            if window is not None:
                window.hide()
        if self.client is not None:
            self.client.stop()
        self._net.stop()
        if self.opened is not None:
            self.opened.store.close()
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
        self.background(lambda: open_profile(self._folder, passphrase), self._begin, self._cannot_start)

    def _cannot_start(self, error: WorldError) -> None:
        text = trouble(error.code, **error.details)
        if isinstance(error, WrongPassphrase) and self.passphrase is not None:
            self.passphrase.show_problem(text)
            return
        title = _("Deskside Companion cannot start")
        self.problem = Question(self.theme, title, text, safe=_("Close"), answered=lambda _yes: self.leave(1))
        self.problem.open()

    def _begin(self, opened: Opened) -> None:
        self.opened = opened
        if self.passphrase is not None:
            self.passphrase.hide()
        self.writing.written = opened.written
        self.invitations.load(opened)
        if opened.enrolment is not None and opened.device_key is not None:
            self._enter(opened.enrolment, opened.device_key)
            return
        self.background(
            lambda: find_preset(self.policy(), self._enrolment_files),
            lambda preset: self._ask_enrolment(opened, preset),
            lambda error: self._ask_enrolment(opened, None, error),
        )

    def _ask_enrolment(self, opened: Opened, preset: Preset | None, error: WorldError | None = None) -> None:
        """Whom to trust: policy or a file says so first; a link that was followed comes after them."""
        self.enrol = EnrolWindow(self.theme)
        controller = self._enrolment = EnrolController(self.enrol, self._net, opened, self)
        controller.enrolled.connect(self._enter)
        self._leave_with(self.enrol)
        self.enrol.show()
        if opened.kept is not None:
            self.enrol.show_problem(trouble("store_damaged", kept=opened.kept.name))
        if error is not None:
            controller.closed = error.code if error.code == "enrol_policy_broken" else ""
            self.enrol.show_problem(trouble(error.code, **error.details))
        if preset is not None:
            controller.take_preset(preset)
        if self._link and (preset is None or preset.link is None or _is_invite(self._link)):
            self.show_link(self._link)

    def _enter(self, enrolment: Enrolment, key: Ed25519PrivateKey) -> None:
        if self.opened is None:
            return
        self.enrolment = enrolment
        self.key = key
        if self.enrol is not None:
            self.enrol.hide()
        self.home = HomeWindow(self.theme, self.clock.utc_ms)
        self.home.help_wanted.connect(self.writing.ask_for_help)
        self.home.code_wanted.connect(self.invitations.enter_code)
        self.home.ticket_opened.connect(self.writing.show_ticket)
        self.home.answers_wanted.connect(self.reading.open)
        self.home.close_wanted.connect(self.leave)
        self.told, self._home_at = self.opened.home, self.opened.home_at
        self._show_home()
        self.writing.show_written(self.writing.written)
        self.reading.load(self.opened.store)
        if self._minimised and self.enrol is None and self.passphrase is None:  # else somebody sits there and waits
            self.home.showMinimized()
        else:
            self.home.show()
        rows = StoreRows(self.opened.store)
        api = CustomerApi(enrolment.server)
        pinned = unb64(enrolment.org_key)
        self.client = net.CustomerClient(self._net, api, enrolment.companion, key, pinned, rows, self._event.emit,
                                        PublishedRows(self.opened.store),
                                        StoreKeys(self.opened.store, enrolment, self.policy),
                                        self.opened.store)  # fmt: skip
        self.client.start()
        self.home_ready.emit()
        if self._link:
            self.show_link(self._link)

    def show_link(self, link: str) -> None:
        """Show what a link leads to; "" only brings the windows to the front. Nothing is enrolled or allowed by it."""
        for window in (self.home, self.enrol, self.passphrase):
            if window is not None and window.isVisible():
                window.raise_()
                window.activateWindow()
        self._link = ""
        if link and self.home is not None:
            self._show_at_home(link)
        elif link and self.enrol is not None and self._enrolment is not None and not _is_invite(link):
            if self.enrol.page() != "confirm":  # nobody's yes goes to another organisation than was shown
                self._enrolment.begin(link)
        else:
            self._link = link  # no window yet, or an invitation, which waits until this computer is enrolled

    def _show_at_home(self, link: str) -> None:
        opener = opener_of(link)
        if _is_invite(link):
            self.invitations.enter_code(link)
        elif opener is Opener.COMPANION and self.home is not None:
            self.home.show_notice(_("This computer is enrolled already. The link changed nothing."), "accent")

    def _leave_with(self, window: QWidget) -> None:
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        window.destroyed.connect(lambda: self._window_gone(window))

    def _window_gone(self, window: QWidget) -> None:
        del window
        self.enrol = None
        self.passphrase = None
        if self.home is None and not self.leaving:
            self.leave()

    # --- news of the client ----------------------------------------------------------------------------------

    def _heard(self, event: net.CustomerEvent) -> None:
        if self.leaving:
            return
        match event:
            case net.HomeArrived():
                self._home_arrived(event)
            case net.PublishedArrived():
                self.reading.show(event.published)
            case net.LineChanged():
                self._line_changed(event)
            case net.WrittenChanged():
                self.writing.reload()
            case net.FileLost():
                self.writing.file_lost()
            case net.RowsFailed():
                self.writing.rows_failed(event.code)
            case net.CertificateArrived():
                self.invitations.certificate = event.text
            case net.KeyExchanged():
                self._key_exchanged(event.pinned)
            case net.RevocationsArrived():
                self.invitations.take_revocations(event)
            case _:
                self.invitations.heard(event)

    def _key_exchanged(self, pinned: PinnedKey) -> None:
        """What comes from now on is checked with the new key; what runs keeps the one that it began with."""
        if self.enrolment is None:
            return
        self.enrolment = with_key(self.enrolment, pinned)
        if self.home is not None:
            told = _("{organisation} has a new key. The key that this computer knew vouches for it.")
            self.home.show_notice(told.format(organisation=self.enrolment.name), "accent")

    def _home_arrived(self, event: net.HomeArrived) -> None:
        self._home_at = event.at_ms
        if event.home is not None:
            self.told = event.home
            self.writing.forget_shown()
        self._show_home()
        if self.invitations.waits:
            self.invitations.open_invite()

    def _show_home(self) -> None:
        if self.home is None:
            return
        view = home_view(self.told, self._home_at) if self.told is not None else None
        self.home.show_home(view)
        self.home.show_line(self.line)
        if view is not None:
            self.writing.show_news(view.tickets)

    def _line_changed(self, event: net.LineChanged) -> None:
        line = Line.ONLINE if event.online else Line.REFUSED if self._needs_person(event) else Line.OFFLINE
        self.line = LineState(line, event.since_ms, event.code, self.line.waiting)
        if self.home is None:
            return
        self.home.show_line(self.line)
        server = self.enrolment.server if self.enrolment else ""
        # what a person must act on stands above everything; being offline is normal and stands below
        before, self._told_of_line = self._told_of_line, ""
        if line is Line.REFUSED:
            self._told_of_line = trouble(event.code, server=server)
            self.home.show_notice(self._told_of_line, "danger")
        elif before and self.home.notice.text.text() == before:  # an alarm stays
            self.home.show_notice("", "danger")

    @staticmethod
    def _needs_person(event: net.LineChanged) -> bool:
        return event.code in _FOR_PERSONS

    # --- background ------------------------------------------------------------------------------------------

    def background(
        self, work: Callable[[], T], then: Callable[[T], object], error: Callable[[WorldError], object] | None = None
    ) -> None:
        """Run `work` off the GUI thread and hand its result, or its WorldError, back to it."""
        future = self._net.spawn(asyncio.to_thread(work))
        future.add_done_callback(lambda done: None if done.cancelled() else self._done.emit(done, then, error))

    def _deliver(
        self, future: Future[Any], then: Callable[[Any], object], error: Callable[[WorldError], object] | None
    ) -> None:
        if self.leaving:
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


def _is_invite(link: str) -> bool:
    try:
        parse_invite(link)
    except BadLink:
        return False
    return True
