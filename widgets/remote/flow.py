# SPDX-License-Identifier: GPL-3.0-or-later
"""One session from asking to the end: the invitation window first, the session window once the customer allowed."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.domain.assist import Notice, Phase, Scope
from app.domain.errors import Refused
from app.domain.facts import FactsReport
from app.domain.marks import Marks
from app.domain.plain_text import ChatLine
from app.domain.session_files import FileView
from app.services.messages import error_text
from app.services.texts import polite
from widgets.foundation import Theme
from widgets.foundation.turns import Rank, Steps
from widgets.remote.invite import InviteWindow
from widgets.remote.ports import CursorPicture, InviteOrder, Meter, SessionControls, SessionDesk, SessionInfo
from widgets.remote.session_window import SessionWindow

__all__ = ["SessionFlow"]

PREPARE_MS = 200


class SessionFlow(QObject):
    """Is the `SessionScreen` that the desk talks to. GUI thread. `state_told` is for the main window's strip."""

    state_told = Signal(str)
    failed = Signal(str)
    over = Signal()

    def __init__(self, theme: Theme, order: InviteOrder, window: QWidget) -> None:
        super().__init__(window)
        self._theme, self._order, self._window = theme, order, window
        self._controls: SessionControls | None = None
        self._desk: SessionDesk | None = None
        self._info: SessionInfo | None = None
        self.invitation: InviteWindow | None = None
        self.session: SessionWindow | None = None
        self._ready: SessionWindow | None = None

    def start(self, desk: SessionDesk) -> None:
        """Invite the customer."""
        self._desk = desk
        self._info = None
        try:
            self._controls = desk.start(self._order, self)
        except Refused as why:
            self.failed.emit(error_text(why))
            return
        if self.invitation is None:
            self.invitation = InviteWindow(self._theme, self._order, self._window)
            self.invitation.withdrawn.connect(self._cancel)
            self.invitation.again_asked.connect(self._again)
            self.invitation.why.submitted.connect(self._give_note)
            self.invitation.who.submitted.connect(self._prove)
            self.invitation.who.browser_asked.connect(self._prove_in_browser)
            self.invitation.who.browser_stopped.connect(self._stop_browser)
        self.invitation.show()  # not modal: the agent goes on working while the customer reads
        # made while the customer reads: making it when the picture comes would hold the first picture up
        QTimer.singleShot(PREPARE_MS, self, self._prepare)
        self._catch_up()

    def _catch_up(self) -> None:
        if self._info is not None:  # the desk may have spoken before the window was there
            self.show_session(self._info)

    def is_running(self) -> bool:
        """Tell whether the session, or its invitation, still stands."""
        info = self._info
        return self._controls is not None and (
            info is None or (info.view.phase is not Phase.ENDED and not info.problem)
        )

    def raise_window(self) -> None:
        """Bring the session to the front."""
        window: QWidget | None = self.session or self.invitation
        if window is not None:
            window.show()
            window.raise_()
            window.activateWindow()

    def close(self) -> None:
        """End what runs and close the windows."""
        if self.is_running() and self._controls is not None:
            self._controls.end()
        for window in (self.invitation, self._ready):
            if window is not None:
                window.blockSignals(True)
                window.close()
        self.state_told.emit("")

    # --- what the desk says (SessionScreen) ------------------------------------------------------------------

    def show_session(self, info: SessionInfo) -> None:
        """Show the state in whichever window it belongs to."""
        self._info = info
        begun = info.view.phase in (Phase.CONNECTING, Phase.UNVERIFIED, Phase.VERIFIED)
        if begun and self.session is None:
            self._open_session()
        if self.session is not None:
            self.session.show_info(info)
        elif self.invitation is not None:
            self.invitation.show_info(info)
        self._tell(info)

    def show_frame(self, image: QImage, seq: int) -> None:
        """Paint a picture."""
        if self.session is not None:
            self.session.show_frame(image, seq)

    def show_meter(self, meter: Meter) -> None:
        """Show how the line is."""
        if self.session is not None:
            self.session.show_meter(meter)

    def show_marks(self, marks: Marks) -> None:
        """Show the agent's own marks."""
        if self.session is not None:
            self.session.picture.show_marks(marks)

    def show_cursor(self, at: tuple[int, int] | None, shape: int) -> None:
        """Show where the customer's cursor is."""
        if self.session is not None:
            self.session.picture.show_cursor(at, shape)

    def learn_cursor(self, picture: CursorPicture) -> None:
        """Keep a shape of the cursor."""
        if self._ready is not None:
            self._ready.make()
            self._ready.picture.learn_cursor(picture)

    def show_file(self, view: FileView) -> None:
        """Show how a file stands."""
        if self.session is not None:
            self.session.files.show_file(view)

    def show_chat(self, lines: tuple[ChatLine, ...], *, open_: bool) -> None:
        """Show what was written."""
        if self.session is not None:
            self.session.talk.show_lines(lines, open_=open_)

    def show_clip(self, text: str) -> None:
        """Show the customer's text."""
        if self.session is not None:
            self.session.talk.show_text(text)

    def show_given(self, *, ok: bool) -> None:
        """Say what became of the text for the customer."""
        if self.session is not None:
            self.session.talk.clips.show_given(ok=ok)

    def show_facts(self, report: FactsReport) -> None:
        """Show what the customer sent about the computer."""
        if self.session is not None:
            self.session.facts.show_report(report)

    def show_facts_problem(self, text: str) -> None:
        """Say that something came which is no bundle of diagnostics."""
        if self.session is not None:
            self.session.facts.show_problem(text)

    def show_notice(self, notice: Notice, detail: str) -> None:
        """Say something in passing."""
        if self.session is not None:
            self.session.show_notice(notice, detail)

    # --- inside ----------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        if self._ready is None:
            self._ready = SessionWindow(self._theme, self._order, self._window, at_once=False)
            Steps(self._ready.make_more, Rank.BESIDE, self._ready).start()

    def _open_session(self) -> None:
        if self.invitation is not None:
            self.invitation.blockSignals(True)
            self.invitation.close()
        self._prepare()
        assert self._ready is not None  # noqa: S101  # just made
        self._ready.make()
        self.session, controls = self._ready, self._controls
        if controls is not None:
            self.session.ended.connect(controls.end)
            self.session.paused.connect(controls.pause)
            self.session.confirmed.connect(controls.confirm_number)
            self.session.picture.part_asked.connect(controls.show_part)
            self.session.picture.drawn.connect(controls.frame_drawn)
            self.session.picture.active.connect(controls.note_activity)
            self.session.requested.connect(controls.request)
            why = self.session.tools.why
            self.session.files.offered.connect(lambda paths: controls.offer_files(paths, why(Scope.FILES_TO_CUSTOMER)))
            self.session.files.requested.connect(
                lambda: controls.request(Scope.FILES_TO_AGENT, why(Scope.FILES_TO_AGENT))
            )
            self.session.files.stopped.connect(controls.stop_file)
            self.session.talk.written.connect(controls.say_chat)
            self.session.talk.offered.connect(controls.offer_clip)
            self.session.talk.requested.connect(controls.request)
            self.session.unmarked.connect(controls.unmark)
            self.session.cleared.connect(controls.clear_marks)
            self.session.tools.recording.recorded.connect(lambda: controls.record(why(Scope.RECORDING)))
            self.session.tools.recording.stopped.connect(controls.stop_recording)
            self.session.tools.recording.kept.connect(lambda: controls.keep_still(why(Scope.RECORDING)))
            self.session.control.steering.did.connect(controls.steer)
            self.session.control.steering.let_go.connect(controls.let_go)
            self.session.picture.pens.pointed.connect(controls.point)
            self.session.picture.pens.drew.connect(controls.draw)
        self.session.show()

    def _tell(self, info: SessionInfo) -> None:
        name = polite(self._order.customer_name)
        if info.view.phase is Phase.ENDED or info.problem:
            self.state_told.emit("")
            self.over.emit()
        elif info.proof_ask is not None:
            self.state_told.emit("")  # nobody was asked yet
        elif info.view.live:
            self.state_told.emit(_("You see {name}'s screen").format(name=name))
        else:
            self.state_told.emit(_("Invitation to {name} is open").format(name=name))

    def _cancel(self) -> None:
        if self._controls is not None:
            self._controls.cancel()

    def _give_note(self, text: str) -> None:
        if self._controls is not None:
            self._controls.give_note(text)

    def _prove(self, password: str) -> None:
        if self._controls is not None:
            self._controls.prove(password)

    def _prove_in_browser(self) -> None:
        if self._controls is not None:
            self._controls.prove_in_browser()

    def _stop_browser(self) -> None:
        if self._controls is not None:
            self._controls.stop_browser()

    def _again(self) -> None:
        if self._desk is not None:
            self.start(self._desk)
