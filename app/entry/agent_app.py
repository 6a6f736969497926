# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent client put together: start, sign-in, the main window, sync and sessions, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication

from app.config import settings as conf
from app.config.i18n import _
from app.config.logs import get_logger
from app.config.policy import Policy
from app.config.settings import Settings
from app.desktop.children import Children
from app.desktop.jobs import QtJobs
from app.desktop.keyring_store import WrongPassphrase, has_passphrase, needs_passphrase
from app.domain.changes import AnyChange
from app.domain.errors import Refused, WorldError
from app.domain.ids import TicketId
from app.domain.ports import Committed, Identity, SyncPhase, SyncStatus, TicketDetails
from app.entry.agent_profile import Opened, open_agent_profile
from app.entry.sync_codec import wall_ms
from app.services.messages import error_text, problem_text
from app.store.pending_copy import COPY_EVERY_MS
from app.store.profile import Profile
from widgets.foundation import Question, Theme

if TYPE_CHECKING:  # loaded while the profile is opened: see `start`
    from app.desktop.worker_link import WorkerLink
    from app.entry.agent_sessions import SessionDesk
    from widgets.companion.enrol import PassphraseWindow
    from widgets.onboarding.sign_in import SignInWindow
    from widgets.shell.window import AgentWindow

__all__ = ["AgentApp"]

_log = get_logger("agent")

_PAINT_MS = 50  # from the first list's arrival until it is painted
_WORKER_WAITS_MS = 500  # no longer than this for a first list


class AgentApp(QObject):
    """The whole program. GUI thread; `start` once, then `run`. Parts that are not there yet are None."""

    ready = Signal()
    """The main window is shown."""
    asks_sign_in = Signal()
    """The sign-in window is shown."""
    faulted = Signal(object)
    """A fault of the program itself (Exception), met in the background."""
    left = Signal()
    """The program ends."""

    def __init__(
        self, qt: QApplication, theme: Theme, settings: Settings, folder: Path, passphrase: str | None,
        policy: Callable[[], Policy] = Policy,
    ) -> None:  # fmt: skip
        """`policy` reads what the organisation forbids here; it is asked anew for each session."""
        super().__init__()
        self.qt = qt
        self.theme = theme
        self.settings = settings
        self._policy = policy
        self._folder = folder
        self._passphrase = passphrase
        self.jobs = QtJobs(self._report, self)
        self._children = Children()
        self._leaving = False
        self._in_loop = False
        self._link_started = False
        self._status = 0
        self.profile: Profile | None = None
        self.link: WorkerLink | None = None
        self.desk: SessionDesk | None = None
        self.window: AgentWindow | None = None
        self.sign_in: SignInWindow | None = None
        self.passphrase: PassphraseWindow | None = None
        self.problem: Question | None = None
        self.stays: Callable[[], bool] = lambda: False  # whether the program goes on when its window is closed
        self.copies = QTimer(self, interval=COPY_EVERY_MS)
        self.copies.timeout.connect(self._copy_aside)

    # --- start ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the profile and show the first window: passphrase, sign-in or the main window."""
        if self._passphrase is not None:
            self._open(self._passphrase)
        else:
            folder = self._folder
            self.jobs.query(lambda: (needs_passphrase(folder), has_passphrase(folder)), self._ask_passphrase)
        import app.entry.agent_parts  # noqa: F401  # here: while the key is made or fetched, which takes as long

    def run(self) -> int:
        """Run the event loop until `leave`; return the exit status."""
        if self._leaving:
            return self._status
        self._in_loop = True
        return self.qt.exec()

    def leave(self, status: int = 0) -> None:
        """End sessions first, then let go of the worker, which sends what waits, then close the files. Idempotent."""
        if self._leaving:
            return
        self._leaving = True
        self._status = status
        self.left.emit()
        if self.window is not None:
            self.window.close()
        if self.desk is not None:
            self.desk.shut_down()
        if self.link is not None:
            self.link.close()
        self.jobs.close()
        self._children.close()
        if self.profile is not None:
            self.profile.close()
        if self._in_loop:  # otherwise Qt would remember it and let no later loop run
            self.qt.exit(status)

    def _ask_passphrase(self, answer: tuple[bool, bool]) -> None:
        needed, chosen = answer
        if not needed:
            self._open(None)
            return
        from app.entry import agent_parts as parts  # here: loaded in `start`

        self.passphrase = parts.PassphraseWindow(self.theme, first=not chosen)
        self.passphrase.given.connect(self._open)
        self.passphrase.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.passphrase.destroyed.connect(self._passphrase_closed)
        self.passphrase.show()

    def _passphrase_closed(self) -> None:
        self.passphrase = None
        if self.profile is None and not self._leaving:
            self.leave()

    def _open(self, passphrase: str | None) -> None:
        folder = self._folder
        days = self.settings.get(conf.DISCARDED_DAYS)
        self.jobs.query(lambda: open_agent_profile(folder, passphrase, days), self._begin, self._cannot_start)

    def _cannot_start(self, error: Exception) -> None:
        if isinstance(error, WrongPassphrase) and self.passphrase is not None:
            self.passphrase.show_problem(error_text(error))
            return
        _log.error("cannot start", error=type(error).__name__, code=getattr(error, "code", ""))
        title, text = _("Deskside cannot start"), error_text(error)
        self.problem = Question(self.theme, title, text, safe=_("Close"), answered=lambda _yes: self.leave(1))
        self.problem.open()

    def _begin(self, opened: Opened) -> None:
        if self._leaving:
            opened.profile.close()
            return
        from app.entry import agent_parts as parts  # here: loaded in `start`

        profile = self.profile = opened.profile
        orders = parts.WorkerOrders(profile.folder, profile.key, profile.socket_token(), opened.keyring)

        def renumber(device: bytes, device_code: str, keep_above: int) -> Identity | None:
            profile.renumber(device, device_code, keep_above)
            return profile.identity

        hooks = parts.StoreHooks(
            profile.numbers, profile.poll, profile.after_checkpoint, profile.reopen, profile.commits.save_identity,
            renumber,
        )  # fmt: skip
        link = self.link = parts.WorkerLink(orders, hooks, self.jobs, self._children, wall_ms, self)
        desk = self.desk = parts.SessionDesk(
            link, self._record, self._open_details, lambda parent: parts.make_session_host("agent", parent), self,
            parts.RecordingDesk(
                parts.RecordingStore(profile.folder, profile.key, profile.blobs, profile.commits.commit), self.jobs,
                self._kept, self._record_failed,
            ),
            self._policy,
        )  # fmt: skip
        desk.diagnostics = parts.DiagnosticsKeeper(profile.queries, profile.blobs, link, self.jobs, self._record)
        desk.page.server = lambda: profile.identity.server if profile.identity else ""
        desk.use_key(opened.device_key)
        link.sig_received.connect(lambda sid, _n, data: desk.on_sig(sid, data))
        link.sig_failed.connect(lambda sid, _code, _n: desk.on_sig_nack(sid))
        link.session_ended.connect(desk.on_ended)
        link.sign_in_needed.connect(self._sign_in_needed)
        link.signed_in.connect(self._signed_in)
        link.browser_offered.connect(self._browser_offered)
        link.browser_wanted.connect(self._open_browser)
        if self.passphrase is not None:
            self.passphrase.hide()
        self._build_window(profile, link, desk)
        self.copies.start()
        if profile.identity is None:
            self._start_link()
            self.ask_sign_in()
        else:
            self._start_link_after_list()
            self._show_window()
            if desk.recordings is not None:
                desk.recordings.hand_in_left()

    def _start_link_after_list(self) -> None:
        """Start the worker once the first list is painted, or soon: its start takes a processor of its own for long."""
        QTimer.singleShot(_WORKER_WAITS_MS, self, self._start_link)
        if self.window is not None:
            self.window.inbox.shown.connect(self._list_came)

    def _list_came(self) -> None:
        if self.window is not None:
            self.window.inbox.shown.disconnect(self._list_came)
        QTimer.singleShot(_PAINT_MS, self, self._start_link)

    def _start_link(self) -> None:
        """Start the worker unless that is done, or everything ends."""
        if self.link is not None and not self._link_started and not self._leaving:
            self._link_started = True
            self.link.start()

    def _copy_aside(self) -> None:
        if self.profile is not None:
            self.jobs.query(self.profile.copy_aside, lambda _copied: None, lambda _why: None, key="copy_aside")

    def _build_window(self, profile: Profile, link: WorkerLink, desk: SessionDesk) -> None:
        from app.entry import agent_parts as parts  # here: loaded in `start`

        window = self.window = parts.build_agent_window(
            theme=self.theme, queries=profile.queries, commits=profile.commits, link=link, jobs=self.jobs,
            settings=self.settings, identity=profile.identity, needs=profile.needs_you, sessions=desk,
            status=link.status, blobs=profile.blobs, deeds=profile.deeds, customers=profile.customers,
            own_work=profile.own_work, knowledge=profile.knowledge, calls=profile.calls,
        )  # fmt: skip
        link.status_changed.connect(window.show_status)
        link.rows_changed.connect(window.rows_changed_there)
        link.guard_asked.connect(window.ask_guard)
        link.locked.connect(self._locked)
        link.blob_moved.connect(window.show_blob)
        link.presence_changed.connect(window.presence.desk.heard)
        window.quit_wanted.connect(self.leave)
        window.sign_in_wanted.connect(self.ask_sign_in)
        window.closed.connect(self._window_closed)
        opener = parts.LinkOpener(lambda why: window.ticket.tell(error_text(why)), parent=window)
        window.link_chosen.connect(opener.open)
        if window.files is not None:
            window.files.open_wanted.connect(opener.open_file)

    def _show_window(self) -> None:
        if self.window is None or self.window.isVisible():
            return
        self.window.show()
        self.ready.emit()
        opened = self.profile.opened if self.profile is not None else None
        if opened is not None and opened.found == "restored":
            self.window.toast.tell(problem_text("pending_restored"))
        for warning in self.settings.warnings:
            self.window.toast.tell(warning)

    def show_window(self) -> None:
        """Show the main window again, when it was closed and the program went on; before a sign-in it stays away."""
        if self.window is not None and self.profile is not None and self.profile.identity is not None:
            self.window.show()

    def _window_closed(self) -> None:
        if self._leaving or not self.stays():
            self.leave()

    # --- signing in -----------------------------------------------------------------------------------------------

    def ask_sign_in(self) -> None:
        """Show the sign-in window; the main window goes on behind it."""
        if self.sign_in is not None:
            self.sign_in.raise_()
            return
        from app.entry import agent_parts as parts  # here: loaded in `start`

        identity = self.profile.identity if self.profile is not None else None
        parent = self.window if self.window is not None and self.window.isVisible() else None
        self.sign_in = parts.SignInWindow(
            self.theme,
            server=identity.server if identity else self.settings.get(conf.SERVER_URL),
            login=identity.login if identity else "",
            server_locked=identity is not None or self.settings.is_locked(conf.SERVER_URL),
            parent=parent,
        )
        self.sign_in.submitted.connect(self._submit)
        self.sign_in.language_asked.connect(self._toggle_language)
        if self.link is not None:
            self.sign_in.server_named.connect(self.link.ask_offer)
            self.sign_in.browser_asked.connect(self.link.sign_in_by_browser)
            self.sign_in.browser_cancelled.connect(self.link.cancel_sign_in)
        self.sign_in.name_server()
        self.sign_in.finished.connect(self._sign_in_closed)
        self.sign_in.open()
        self.asks_sign_in.emit()

    def _toggle_language(self) -> None:
        if self.window is not None:
            self.window.appearance.toggle_language()

    def _submit(self, server: str, login: str, password: str) -> None:
        if self.link is not None:
            self.link.sign_in(server, login, password)

    def _browser_offered(self, server: str, offered: bool) -> None:
        if self.sign_in is not None:
            self.sign_in.offer_browser(server, offered=offered)

    def _open_browser(self, url: str) -> None:
        window = self.sign_in
        if window is not None:
            from app.desktop.launch import LinkOpener  # here: loaded in `start`

            LinkOpener(lambda why: window.browser_failed(url, why.code), parent=window).open(url)

    def _sign_in_needed(self, code: str | None) -> None:
        if self.sign_in is not None and code is not None:
            self.sign_in.answered(code)

    def _signed_in(self, identity: Identity) -> None:
        if self.sign_in is not None:
            self.sign_in.answered(None)
        if self.window is not None:
            self.window.show_identity(identity)
        self._show_window()

    def _sign_in_closed(self) -> None:
        window, self.sign_in = self.sign_in, None
        if window is not None:
            window.deleteLater()
        if not self._leaving and self.window is not None and not self.window.isVisible():
            if self.profile is not None and self.profile.identity is not None:
                self._show_window()
            else:
                self.leave()

    # --- the organisation's word on this device -------------------------------------------------------------------

    def _locked(self, why: str) -> None:
        """Lock, unlock, or let go of everything: after "revoked" the worker removes the files."""
        if self.window is None or self._leaving:
            return
        self.window.show_lock(why)
        self._show_window()
        if self.sign_in is not None and why:
            self.sign_in.reject()
        if why == "revoked":
            self._let_go()

    def _let_go(self) -> None:
        """Close the files without waiting for them; the window stays and says what happened."""
        profile, self.profile = self.profile, None
        if profile is None:
            return
        _log.warning("device withdrawn: files closed")
        if self.desk is not None:
            self.desk.shut_down()
        if self.link is not None:
            self.link.close()
        self.jobs.change(profile.close)
        self.jobs.retire()

    # --- for sessions ---------------------------------------------------------------------------------------------

    def _open_details(self, ticket: TicketId) -> TicketDetails | None:
        windows = self.window.windows.every() if self.window is not None else ()
        return next((d for w in windows if (d := w.desk.details) is not None and d.row.id == ticket), None)

    def _record(self, change: AnyChange) -> None:
        if self.profile is None:
            return
        commits = self.profile.commits
        self.jobs.change(lambda: commits.commit(change), self._recorded, self._record_failed)

    def _recorded(self, saved: Committed) -> None:
        if self.link is not None:
            self.link.poke(saved.mid)
        if self.window is not None:
            self.window.rows_changed(saved.ids)

    def _kept(self, saved: Committed) -> None:
        if self.link is not None:
            self.link.blobs_added()
        self._recorded(saved)

    def _record_failed(self, error: Exception) -> None:
        if isinstance(error, Refused):
            _log.warning("session entry refused", code=error.code)  # the companion hands the same entry in
            return
        self._report(error)

    # --- trouble --------------------------------------------------------------------------------------------------

    def _report(self, error: Exception) -> None:
        """Tell what nobody asked to hear: the world's failings in words, our own in the log as well."""
        if not isinstance(error, WorldError | Refused):
            _log.error("unexpected", exc_info=error)
            self.faulted.emit(error)
        if self.sign_in is not None and isinstance(error, Refused):
            self.sign_in.answered(error.code)
        elif self.window is not None:
            self.window.toast.tell(error_text(error))

    @property
    def status(self) -> SyncStatus:
        """How sync stands."""
        return self.link.status if self.link is not None else SyncStatus(SyncPhase.CONNECTING, wall_ms())
