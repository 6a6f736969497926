# SPDX-License-Identifier: GPL-3.0-or-later
"""One screen-sharing session at the customer's computer: joins the customer's end, its child, the relay and windows.

Everything here runs on the GUI thread. `CustomerEnd` decides; this module carries out its actions in order and turns
clicks into its calls. A consent comes from a click in a window and from nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QWidget

from app.config.i18n import _
from app.desktop.hotkey import StopKey
from app.desktop.lock_watch import LockWatch
from app.desktop.session_host import SessionHost
from app.domain.assist import EndReason, Notice, Phase, PromptInfo, Question, Scope, SessionView, TargetChoice
from app.domain.documents import SignedDocument
from app.entry.companion_control import ControlDesk
from app.entry.companion_diagnostics import Collecting, DiagnosticsReview, Gather
from app.entry.companion_files import CompanionFiles, FilePlace
from app.entry.companion_masks import Keeping, RulesPlace
from app.entry.companion_scopes import MoreAccess
from app.entry.companion_talk import CompanionTalk
from remote_assist import actions as act
from remote_assist.child_protocol import End, Ended, Stats
from remote_assist.control_actions import Inject, LetGo
from remote_assist.customer_end import CustomerEnd
from remote_assist.diagnostics import Confirmed
from widgets.companion.bar import SharingBar, SharingBorder
from widgets.companion.model import EndedView
from widgets.companion.permission import granted_name
from widgets.companion.request import RequestWindow, ScamWindow
from widgets.companion.session import CheckNumberWindow, EndedWindow, QuestionWindow
from widgets.companion.texts import ticket_label, trouble
from widgets.foundation import Theme

__all__ = ["Clock", "CustomerSession", "SessionDeps"]

_COUNTERSIGN_MS = 12_000
_IDLE_TICK_MS = 1000
_MASK_TICK_MS = 200


class Clock(Protocol):
    """The two clocks of this computer."""

    def monotonic_ms(self) -> int:
        """Milliseconds that never jump."""
        ...

    def utc_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        ...


@dataclass(frozen=True, slots=True)
class SessionDeps:
    """What a session needs from the companion. The callables return at once."""

    theme: Theme
    clock: Clock
    make_end: Callable[[], CustomerEnd]
    make_host: Callable[[QObject], SessionHost]
    send: Callable[[act.SendEnvelope], None]
    call: Callable[[bytes, act.CallServer], None]
    record: Callable[[act.ChainEntry], None]
    keep_receipt: Callable[[act.Receipt], None]
    opened: Callable[[], None]
    scam_read: Callable[[], bool]
    mark_scam_read: Callable[[], None]
    alarm: Callable[[str], None]
    save_receipt: Callable[[EndedWindow, str, bytes], None]
    gather: Gather = field(default_factory=Collecting)
    files: FilePlace = field(default_factory=FilePlace)
    rules: RulesPlace = field(default_factory=RulesPlace)


class CustomerSession(QObject):
    """From the invitation to the countersigned receipt. `finished` comes when nothing more can happen."""

    finished = Signal(QObject)
    changed = Signal(object)
    """Every `SessionView`, as it changes."""
    _stop_key_pressed = Signal()

    def __init__(self, deps: SessionDeps, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._deps = deps
        self._end = deps.make_end()
        self._host = deps.make_host(self)
        self._host.message.connect(self._from_child)
        self._host.frame_ready.connect(self._frame)
        self._host.died.connect(self._child_died)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(lambda: self._perform(self._end.tick()))
        self._masks = QTimer(self, interval=_MASK_TICK_MS)
        self._masks.timeout.connect(self._cover_own_windows)
        self._covered: list[tuple[int, int, int, int]] = []
        self._covered_ids: list[int] = []
        self._stop_key = StopKey(self._stop_key_pressed.emit)
        self._stop_key_pressed.connect(self.stop)
        self._lock = LockWatch(self)
        self._lock.locked.connect(lambda on: self._perform(self._end.note_lock(on)))
        self._hotkey_works = False
        self._prompt: PromptInfo | None = None
        self._targets: tuple[TargetChoice, ...] = ()
        self._unseen = ""  # why nothing can be shown, while the warning still stands before the request
        self._target: TargetChoice | None = None
        self._shared: TargetChoice | None = None  # the target, or the place of the region in it
        self._number = ""
        self._number_confirmed = False
        self._live_utc_ms = 0
        self._paused_at: int | None = None
        self._paused_ms = 0
        self._frames = 0
        self._frames_before = 0  # of children that were replaced
        self._allowed: list[Scope] = []
        self._receipt = b""
        self._over = False
        self.view = SessionView(Phase.INVITED)
        self.scam: ScamWindow | None = None
        self.request: RequestWindow | None = None
        self.check: CheckNumberWindow | None = None
        self.question: QuestionWindow | None = None
        self.bar: SharingBar | None = None
        self.border: SharingBorder | None = None
        self.ended: EndedWindow | None = None
        self.facts = DiagnosticsReview(
            deps.theme, deps.clock.monotonic_ms, self._send_facts, self._withhold_facts, deps.gather, self
        )
        self.files = CompanionFiles(
            deps.theme, deps.clock.monotonic_ms, self._end, self._perform, deps.files, self._cover_own_windows, self
        )
        self.keeping = Keeping(
            deps.theme, self._end, self._perform, deps.rules, self._choose, self._cover_own_windows, self
        )
        self.talk = CompanionTalk(deps.theme, deps.clock.monotonic_ms, self)
        self.talk.written.connect(lambda text: self._perform(self._end.say_chat(text)))
        self.talk.unread.connect(self._tell_unread)
        self.more = MoreAccess(
            deps.theme, deps.clock.monotonic_ms, self._answer_scope, self, own_window=self.talk.window_for
        )
        self.control = ControlDesk(
            deps.clock.monotonic_ms, self._deciding, self._end.note_control, self._control_failed, self,
            kept_out=lambda on: self._perform(self._end.note_own_hands(on)),
        )  # fmt: skip

    # --- from the companion ----------------------------------------------------------------------------------

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

    def network_changed(self) -> None:
        """This computer has other addresses now."""
        self._perform(self._end.network_changed())

    def revoked(self) -> None:
        """The server ended the session."""
        self._perform(self._end.revoked())

    def stop(self) -> None:
        """Stop sharing now."""
        self._perform(self._end.stop())

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

    # --- actions ---------------------------------------------------------------------------------------------

    def _perform(self, actions: list[act.Action]) -> None:
        for action in actions:
            self._do(action)
        self._arm()

    def _do(self, action: act.Action) -> None:
        match action:
            case act.SendEnvelope():
                self._deps.send(action)
            case act.StartChild():
                self.files.child_began()
                self._host.start()
            case act.CallServer():
                self._deps.call(self._end.sid, action)
            case act.ToChild(End(reason=reason)):
                self._host.stop(reason)  # by a clock of its own: this thread may be busy with windows
            case act.ToChild():
                self._host.send(action.message)
            case act.KillChild():
                self._host.kill()
            case Inject() | LetGo():
                self.control.perform(action)
            case act.ChainEntry():
                self._deps.record(action)
            case act.Receipt():
                self._keep(action)
            case act.Alarm():
                self._deps.alarm(action.code)
            case _:
                self._show(action)

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
                organisation = self._prompt.organisation if self._prompt is not None else ""
                self.more.ask(action, (self._agent, organisation), self._cover_own_windows)
            case act.ScopeSettled():
                self.more.settle(action.scope)
            case act.CollectDiagnostics():
                organisation = self._prompt.organisation if self._prompt is not None else ""
                self.facts.begin(action, (self._agent, organisation), self._cover_own_windows)
            case act.DiagnosticsSettled():
                self.facts.settle(action.step)
            case act.MarksChanged():
                self.more.show_marks(action.marks)
                self._keep_clear()
            case act.TargetMoved():
                self._target_moved(action.rect)
            case _:
                self.talk.take(action, self._agent)  # grants are part of every view

    def _arm(self) -> None:
        due = self._end.deadline_ms()
        if due is not None:
            self._timer.start(max(0, min(due - self._deps.clock.monotonic_ms(), _IDLE_TICK_MS)))

    # --- the child -------------------------------------------------------------------------------------------

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
        self._frames_before = self._frames  # a new child counts from zero
        self._perform(self._end.on_child_died())

    def _frame(self) -> None:
        if self.request is not None:
            self.request.picture_arrived()
        else:
            self._latest()

    def _latest(self) -> QImage | None:
        picture = self._host.latest()
        image = picture.image if picture is not None else None
        self.keeping.picture(image)
        return image

    # --- asking ----------------------------------------------------------------------------------------------

    def _ask(self, prompt: PromptInfo) -> None:
        self._prompt = prompt
        self.files.begin((prompt.agent_name, prompt.organisation), prompt.ticket_no)
        self._hotkey_works = self._stop_key.start()
        self._lock.start()
        if self._deps.scam_read():
            self._show_request()
            return
        self.scam = ScamWindow(self._deps.theme)
        self.scam.understood.connect(self._scam_understood)
        self.scam.refused.connect(self._refuse)
        self.scam.show()

    def _scam_understood(self) -> None:
        self._deps.mark_scam_read()
        self._drop("scam")
        self._show_request()

    def _show_request(self) -> None:
        if self._prompt is None or self._end.view.phase is not Phase.PROMPTED:
            return
        window = RequestWindow(
            self._deps.theme,
            self._prompt,
            self._deps.clock.monotonic_ms,
            self._latest,
            hotkey_works=self._hotkey_works,
        )
        self.request = window
        self.keeping.begin(window)
        window.target_chosen.connect(self._choose)
        window.allowed.connect(self._allow)
        window.refused.connect(self._refuse)
        window.show()
        if self._unseen:
            window.show_problem(trouble(self._unseen))
        window.raise_()
        window.activateWindow()
        if self._targets:
            window.show_targets(self._targets)
        self._masks.start()

    def _list(self, targets: tuple[TargetChoice, ...]) -> None:
        own = tuple(f"window:{int(window.winId())}:" for window in QApplication.topLevelWidgets() if window.isVisible())
        self._targets = tuple(target for target in targets if not f"{target.id}:".startswith(own))
        if self.request is not None:
            self.request.show_targets(self._targets)

    def _choose(self, target: str, kind: str, region: tuple[int, int, int, int] | None = None) -> None:
        self._target = next((choice for choice in self._targets if choice.id == target), None)
        self._shared = self.keeping.chosen(self._target, region)
        self.more.target(self._shared)
        self._covered = self._own_rects()
        self._tell_covered()
        self._perform(self._end.choose_target(target, kind, region, own=self._covered))

    def _allow(self) -> None:
        self.keeping.request_gone()
        self._drop("request")
        self._cover_own_windows()  # the request covered itself in its preview: what is shared has nothing of that
        self._perform(self._end.allow())

    def _refuse(self) -> None:
        self._drop("scam")
        self._drop("request")
        self._perform(self._end.refuse())

    def _ask_number(self, numbers: tuple[str, ...]) -> None:
        self._drop("check")
        window = CheckNumberWindow(self._deps.theme, self._agent, numbers)
        self.check = window
        window.picked.connect(self._picked)
        window.none_picked.connect(lambda: self._perform(self._end.none_of_these()))
        # covered before it is shown, so that the numbers are in no picture
        self._place_check(window)
        self._cover_own_windows()
        window.show()

    @staticmethod
    def _place_check(window: CheckNumberWindow) -> None:
        area = QGuiApplication.primaryScreen().availableGeometry()
        window.move(area.center() - window.rect().center())

    def _picked(self, number: str) -> None:
        self._perform(self._end.pick_number(number))

    def _ask_question(self, question: Question, deadline_ms: int) -> None:
        self._drop("question")
        window = QuestionWindow(self._deps.theme, question, self._agent, deadline_ms, self._deps.clock.monotonic_ms)
        self.question = window

        def answer(go_on: bool) -> None:
            if not go_on:
                self.stop()
            elif question is Question.CONTINUE:
                self._perform(self._end.confirm_continue())
            else:
                self._perform(self._end.go_on_unverified())

        window.answered.connect(answer)
        window.show()

    # --- while it lasts --------------------------------------------------------------------------------------

    @property
    def _agent(self) -> str:
        return self._prompt.agent_name if self._prompt is not None else ""

    def _phase(self, view: SessionView) -> None:
        was, self.view = self.view, view
        now = self._deps.clock.monotonic_ms()
        if view.live and not was.live:
            self._live_utc_ms = self._deps.clock.utc_ms()
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

    def _tell_bar(self) -> None:
        if self._prompt is None or self.view.phase is Phase.ENDED:
            return
        if self.bar is None:
            self.bar = SharingBar(self._deps.theme, self._agent, self._prompt.organisation)
            self.bar.stopped.connect(self.stop)
            self.bar.pause_toggled.connect(self._pause)
            self.bar.chat_wanted.connect(self.talk.open_chat)
            self.bar.revoked.connect(lambda scope: self._perform(self._end.revoke(scope)))
            self.keeping.attach(self.bar)
            self.bar.show()
            self._show_border()
            self._masks.start()
        number = self._number if self._number_confirmed else ""
        title = self._title()
        grants = self.view.grants
        self._allowed += [scope for scope in grants if scope is not Scope.VIEW and scope not in self._allowed]
        self.bar.show_sharing(
            title, paused=self.view.paused, lost=self.view.lost, number=number, live=self.view.live, grants=grants
        )
        self.bar.show_path(self.view.path)

    def _pause(self, on: bool) -> None:
        self._perform(self._end.pause() if on else self._end.resume())

    def _answer_scope(self, scope: Scope, allowed: bool) -> None:
        if allowed and scope is Scope.CLIPBOARD_TO_AGENT:
            self._perform(self._end.give_clip(self.talk.text_to_give()))
        else:
            self._perform(self._end.grant(scope) if allowed else self._end.refuse_scope(scope))

    def _tell_unread(self, count: int) -> None:
        if self.bar is not None:
            self.bar.show_unread(count)

    def _control_failed(self) -> None:
        self._perform(self._end.revoke(Scope.CONTROL))

    def _deciding(self) -> tuple[QWidget | None, ...]:
        """The windows in which the customer decides something."""
        return self.scam, self.request, self.check, self.question, *self._questions, *self.files.windows

    @property
    def _questions(self) -> tuple[QWidget | None, ...]:
        """The windows about further access, covered before they show."""
        return *self.more.questions.values(), self.facts.window

    def _send_facts(self, confirmed: Confirmed) -> None:
        self._perform(self._end.send_diagnostics(confirmed))

    def _withhold_facts(self) -> None:
        self._perform(self._end.withhold_diagnostics())

    def _target_moved(self, rect: tuple[int, int, int, int]) -> None:
        self.more.moved(rect)
        if self.border is not None and rect[2] > 0 and rect[3] > 0:
            self.border.place(self._for_qt(rect))

    def _keep_clear(self) -> None:
        self.more.keep_clear((self.bar, self.check, self.question, *self._questions, *self.files.windows))

    def _title(self) -> str:
        return self.keeping.title

    def _show_border(self) -> None:
        target = self._shared
        if target is None or target.kind == "drawn":
            return
        x, y, width, height = self._for_qt(target.rect)
        if width > 0 and height > 0:
            self.border = SharingBorder(self._deps.theme, (x, y, width, height))
            self.border.show()

    @staticmethod
    def _for_qt(rect: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        ratio = QGuiApplication.primaryScreen().devicePixelRatio()
        x, y, width, height = (round(side / ratio) for side in rect)
        return x, y, width, height

    def _cover_own_windows(self) -> None:
        """Paint over the windows whose content must reach nobody: numbers to compare and questions of consent."""
        rects, ids = self._own_rects(), self.keeping.ids((*self._early, self.question, self.request))
        self._keep_clear()
        if (rects, ids) != (self._covered, self._covered_ids):
            self._covered, self._covered_ids = rects, ids
            self._tell_covered()
            self._perform(self._end.cover_own(rects, ids))

    def _tell_covered(self) -> None:
        if self.request is not None and self._target is not None:
            self.request.preview.cover(*self.keeping.in_picture(self._covered))

    @property
    def _early(self) -> tuple[QWidget | None, ...]:
        """What is covered before it shows."""
        return self.check, *self._questions, *self.files.windows, *self.keeping.windows

    def _own_rects(self) -> list[tuple[int, int, int, int]]:
        """Return where those windows lie in the picture, in its pixels; the request is in its own preview only."""
        target = self._target
        rects: list[tuple[int, int, int, int]] = []
        if target is None or target.kind == "drawn":
            return rects
        request = self.request if target.kind == "screen" else None
        early = self._early
        for window in (*early, self.question, request):
            if window is None or (window not in early and not window.isVisible()):
                continue
            ratio = window.devicePixelRatioF()
            frame = window.frameGeometry()
            left, top = round(frame.x() * ratio) - target.rect[0], round(frame.y() * ratio) - target.rect[1]
            right, bottom = left + round(frame.width() * ratio), top + round(frame.height() * ratio)
            left, top = max(0, left), max(0, top)
            right, bottom = min(target.rect[2], right), min(target.rect[3], bottom)
            if right > left and bottom > top:
                rects.append((left, top, right - left, bottom - top))
        return rects

    def _notify(self, notice: Notice, detail: str) -> None:
        if notice is Notice.CAPTURE and self._end.view.phase in (Phase.INVITED, Phase.PROMPTED):
            self._unseen = detail or "capture_failed"
            if self.request is not None:
                self.request.show_problem(trouble(self._unseen))
        elif self.bar is not None:
            self._tell_bar()
            if notice is Notice.FORBIDDEN:
                text = _("{name} asked for this: {what}. Policy on this computer forbids it, so nothing was given.")
                self.bar.say(text.format(name=self._agent, what=granted_name(Scope(detail))))

    # --- the end ---------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        self._stop_key.stop()
        self._lock.stop()
        self._close_windows()
        QTimer.singleShot(_COUNTERSIGN_MS, self, lambda: self.finished.emit(self))

    def _summarise(self, view: SessionView, prompt: PromptInfo) -> None:
        ended = EndedView(
            agent=prompt.agent_name,
            organisation=prompt.organisation,
            ticket_no=f"{ticket_label(prompt.ticket_no)} {prompt.subject}",
            started_ms=self._live_utc_ms,
            ended_ms=self._deps.clock.utc_ms(),
            reason=f"{view.reason.value if view.reason else ''}/{view.by}",
            seen=self._title() if self._live_utc_ms else "",
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
        if self.bar is not None:
            self.bar.end()
            self.bar = None

    def _drop(self, name: str) -> None:
        window = getattr(self, name)
        setattr(self, name, None)
        if window is None:
            return
        if hasattr(window, "end"):
            window.end()
        else:
            window.hide()
        window.deleteLater()
