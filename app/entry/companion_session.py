# SPDX-License-Identifier: GPL-3.0-or-later
"""One screen-sharing session at the customer's computer: joins the customer's end, its child, the relay and windows.

Everything here runs on the GUI thread. `CustomerEnd` decides; this module carries out its actions in order and turns
clicks into its calls. A consent comes from a click in a window and from nowhere else.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.config.i18n import _
from app.desktop.hotkey import StopKey
from app.desktop.lock_watch import LockWatch
from app.domain.assist import EndReason, Notice, Phase, PromptInfo, Scope, SessionView
from app.domain.documents import SignedDocument
from app.entry.companion_asking import AskingSession
from app.entry.companion_session_base import SessionDeps
from remote_assist import actions as act
from remote_assist.child_protocol import Alive, End, Ended, Stats
from remote_assist.control_actions import Inject, LetGo, ShareNow
from remote_assist.kept_first import KeptFirst
from remote_assist.window_watch import BEAT_MS
from widgets.companion.model import EndedView
from widgets.companion.permission import granted_name
from widgets.companion.session import EndedWindow
from widgets.companion.texts import ticket_label, trouble

__all__ = ["CustomerSession", "SessionDeps"]

_COUNTERSIGN_MS = 12_000
_KEEP_MS = 5_000  # a disk that says nothing for so long keeps nothing


class CustomerSession(AskingSession):
    """From the invitation to the countersigned receipt. `finished` comes when nothing more can happen."""

    _stop_key_pressed = Signal()
    _stop_key_settled = Signal(bool)

    def __init__(self, deps: SessionDeps, parent: QObject | None = None) -> None:
        super().__init__(deps, parent)
        self._host.message.connect(self._from_child)
        self._host.frame_ready.connect(self._frame)
        self._host.died.connect(self._child_died)
        self._stop_key = StopKey(self._stop_key_pressed.emit)
        self._stop_key_pressed.connect(self.stop)
        self._stop_key_settled.connect(self._key_settled, Qt.ConnectionType.QueuedConnection)
        self._beat = QTimer(self, interval=BEAT_MS)  # in this thread: it says that somebody could press Stop
        self._beat.timeout.connect(lambda: self._host.send(Alive()))
        self._kept_first = KeptFirst()
        self._keeping_late = QTimer(self, singleShot=True, interval=_KEEP_MS)
        self._keeping_late.timeout.connect(self._not_kept)
        self._lock = LockWatch(self)
        self._lock.locked.connect(lambda on: self._perform(self._end.note_lock(on)))
        self._live_at: int | None = None
        self._paused_at: int | None = None
        self._paused_ms = 0
        self._frames = 0
        self._frames_before = 0  # of children that were replaced
        self._receipt = b""
        self._over = False

    # --- from the companion ------------------------------------------------------------------------------------

    @property
    def sid(self) -> bytes:
        """The session's id; empty before the invitation was found good."""
        return self._end.sid

    @property
    def over(self) -> bool:
        """Whether the session has ended; the record may still be on its way."""
        return self.view.phase is Phase.ENDED

    @property
    def frames(self) -> int:
        """How many pictures left this computer."""
        return self._frames

    def open(self, signed: SignedDocument, join_secret: bytes) -> None:
        """Check an invitation; when it is good the request (or first the warning) appears."""
        actions = self._end.open(signed, join_secret)
        self._deps.opened()
        self._perform(actions)

    def on_envelope(self, data: bytes) -> None:
        """Signalling data arrived."""
        self._perform(self._end.on_envelope(data))

    def on_nack(self) -> None:
        """The relay could not deliver."""
        self._perform(self._end.on_nack())

    def on_server_result(self, call_id: int, status: int, body: bytes) -> None:
        """The server answered a call."""
        self._perform(self._end.on_server_result(call_id, status, body))

    def on_entry(self, number: int, *, kept: bool) -> None:
        """The record's entry `number` is on disk, or could not be kept: then nothing is shared any more."""
        if not kept:
            self._not_kept()
            return
        for message in self._kept_first.kept(number):
            self._host.send(message)
        self._watch_disk()

    def network_changed(self) -> None:
        """This computer has other addresses now."""
        self._perform(self._end.network_changed())

    def revoked(self, reason: EndReason) -> None:
        """The server ended the session."""
        self._perform(self._end.revoked(reason))

    def shut_down(self) -> None:
        """Stop, end the child and take all windows away: for the end of the program. Nothing leaves afterwards."""
        self.stop()
        self._host.shut_down()
        self.files.end(wait=True)
        self._perform(self._end.on_child_died())
        self._timer.stop()
        self._close_windows()
        if self.ended is not None:
            self.ended.close()

    # --- actions -----------------------------------------------------------------------------------------------

    def _do(self, action: act.Action) -> None:
        match action:
            case act.SendEnvelope():
                self._deps.send(action)
            case act.StartChild():
                self.files.child_began()
                self._host.start()
                self._host.send(Alive())
                self._beat.start()
            case act.CallServer():
                self._deps.call(self._end.sid, action)
            case act.ToChild(End(reason=reason)):
                self._kept_first.child_gone()
                self._host.stop(reason)  # by a clock of its own: this thread may be busy with windows
            case act.ToChild():
                for message in self._kept_first.take(action.message):
                    self._host.send(message)
            case act.KillChild():
                self._kept_first.child_gone()
                self._host.kill()
            case Inject() | LetGo() | ShareNow():
                self.control.perform(action)
            case act.ChainEntry():
                self._kept_first.entry(action.n)
                self._deps.record(action)
                self._watch_disk()
            case act.Receipt():
                self._keep(action)
            case act.Alarm():
                self._deps.alarm(action.code, action.why)
            case _:
                self._show(action)

    def _watch_disk(self) -> None:
        if not self._kept_first.waits or self.over:
            self._keeping_late.stop()
        elif not self._keeping_late.isActive():
            self._keeping_late.start()

    def _not_kept(self) -> None:
        """What was allowed cannot be proved afterwards: what waits for it never happens, and sharing ends."""
        self._keeping_late.stop()
        self._kept_first.failed()
        if not self.over:
            self._perform(self._end.revoked(EndReason.NOT_KEPT))

    def _show(self, action: act.Action) -> None:
        if self.files.do(action) or self.keeping.show(action):
            return
        match action:
            case act.PhaseChanged():
                self._phase(action.view)
            case act.ShowPrompt():
                self._ask(action.prompt)
            case act.TargetsListed():
                self._list(action.targets)
            case act.SasQuestion():
                self._ask_number(action.choice.numbers)
            case act.SasNumber():
                self._number = action.number
                self._number_confirmed = True
                self._tell_bar()
            case act.AskQuestion():
                self._ask_question(action.question, action.deadline_ms)
            case act.Notify():
                self._notify(action.notice, action.detail)
            case act.AskScope():
                self.more.ask(action, self._who, self._cover_own_windows)
            case act.ScopeSettled():
                self.more.settle(action.scope)
            case act.ChoiceOver():
                self._choice_over()
            case act.CollectDiagnostics():
                self.facts.begin(action, self._who, self._cover_own_windows)
            case act.DiagnosticsSettled():
                self.facts.settle(action.step)
            case act.MarksChanged():
                self.more.show_marks(action.marks)
                self._keep_clear()
            case act.TargetMoved():
                self._target_moved(action.rect)
            case _:
                self.talk.take(action, self._agent)  # grants are part of every view

    # --- the child ---------------------------------------------------------------------------------------------

    def _from_child(self, message: object) -> None:
        if isinstance(message, Stats):
            self._count(message.values.get("frames_sent", 0))
        elif isinstance(message, Ended):
            self._count(message.frames_sent)
        self.files.from_child(message)
        self._perform(self._end.on_child(message))  # type: ignore[arg-type]  # the host hands on what the link decoded

    def _count(self, sent: float) -> None:
        self._frames = max(self._frames, self._frames_before + int(sent))

    def _child_died(self, _status: int) -> None:
        self._beat.stop()
        self._kept_first.child_gone()
        self._frames_before = self._frames  # a new child counts from zero
        self._perform(self._end.on_child_died())

    def _frame(self) -> None:
        if self.request is not None:
            self.request.picture_arrived()
        else:
            self._latest()

    # --- how it stands -----------------------------------------------------------------------------------------

    def _ask(self, prompt: PromptInfo) -> None:
        self._prompt = prompt
        self.files.begin((prompt.agent_name, prompt.organisation), prompt.ticket_no)
        self._lock.start()
        self._stop_key.start(self._stop_key_settled.emit)  # the request says whether it can be used

    def _key_settled(self, works: bool) -> None:
        self._hotkey_works = works
        if self._end.view.phase is Phase.PROMPTED:
            self._show_warning()

    def _phase(self, view: SessionView) -> None:
        was, self.view = self.view, view
        now = self._deps.clock.monotonic_ms()
        if view.live and not was.live:
            self._live_at = now
        if view.paused and self._paused_at is None:
            self._paused_at = now
        elif self._paused_at is not None and (not view.paused or view.phase is Phase.ENDED):
            self._paused_ms += now - self._paused_at
            self._paused_at = None
        if view.phase in (Phase.CONNECTING, Phase.UNVERIFIED, Phase.VERIFIED):
            self._tell_bar()
        self.facts.show_flow(flowing=view.flowing)
        if view.phase is Phase.VERIFIED:
            self._drop("check")
        if view.question is None:
            self._drop("question")
        self.talk.follow(view)
        self.changed.emit(view)
        if view.phase is Phase.ENDED and not self._over:
            self._over = True
            self._leave()

    def _notify(self, notice: Notice, detail: str) -> None:
        if notice is Notice.CAPTURE and (self._changing or self._end.view.phase in (Phase.INVITED, Phase.PROMPTED)):
            self._unseen = detail or "capture_failed"
            if self.request is not None:
                self.request.show_problem(trouble(self._unseen))
        elif self.bar is not None:
            self._tell_bar()
            if notice is Notice.IDLE_SOON:
                self.bar.say(_("Support has done nothing for a while. Sharing ends in one minute."))
            if notice is Notice.RETRYING:
                self.bar.say(_("The connection did not come up. Trying again. Nothing is shown yet."))
            if notice is Notice.PAUSE_SOON:
                self.bar.say(_("Sharing has rested for a while. It ends in one minute, unless you go on."))
            if notice is Notice.FORBIDDEN:
                text = _("{name} asked for this: {what}. Policy on this computer forbids it, so nothing was given.")
                self.bar.say(text.format(name=self._agent, what=granted_name(Scope(detail))))

    # --- the end -----------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        self._stop_key.stop()
        self._lock.stop()
        self._close_windows()
        QTimer.singleShot(_COUNTERSIGN_MS, self, lambda: self.finished.emit(self))

    def _summarise(self, view: SessionView, prompt: PromptInfo) -> None:
        now = self._deps.clock.utc_ms()  # the other clock says how long it was: this one may have been set meanwhile
        lasted = self._deps.clock.monotonic_ms() - self._live_at if self._live_at is not None else None
        started = now - lasted if lasted is not None else 0
        ended = EndedView(
            agent=prompt.agent_name,
            organisation=prompt.organisation,
            ticket_no=f"{ticket_label(prompt.ticket_no)} {prompt.subject}",
            started_ms=started,
            ended_ms=now,
            reason=f"{view.reason.value if view.reason else ''}/{view.by}",
            seen=self._title() if self._live_at is not None else "",
            paused_s=self._paused_ms // 1000,
            verified=self._number_confirmed,
            frames=self._frames,
            allowed=tuple(self._allowed),
            files=tuple(self.files.over.values()),
        )
        window = EndedWindow(self._deps.theme, ended)
        self.ended = window
        window.save_wanted.connect(lambda: self._deps.save_receipt(window, window.summary, self._receipt))
        window.receipt_ready()
        window.show()

    def _keep(self, receipt: act.Receipt) -> None:
        self._receipt = receipt.data
        self._deps.keep_receipt(receipt)
        # the first receipt is written when the child is gone: now the number of pictures is final
        view = self._end.view
        refused = view.reason is EndReason.REFUSED and view.by == "customer"
        if self.ended is None and self._prompt is not None and not refused:
            self._summarise(view, self._prompt)

    def _close_windows(self) -> None:
        self._masks.stop()
        self.facts.end()
        self.control.end()
        self.more.end()
        self.files.end()
        self.keeping.end()
        self.talk.end()
        for name in ("scam", "request", "check", "question", "border"):
            self._drop(name)
        self._drop_prepared()
        if self.bar is not None:
            self.bar.end()
            self.bar = None
