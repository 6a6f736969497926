# SPDX-License-Identifier: GPL-3.0-or-later
"""What all parts of a session at the customer's computer share: its end, its child, its windows, what it knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, QTimer, Signal

from app.desktop.session_host import SessionHost
from app.domain.assist import Phase, PromptInfo, SessionView, TargetChoice
from app.entry.companion_diagnostics import Collecting, Gather
from app.entry.companion_files import FilePlace
from app.entry.companion_masks import RulesPlace
from remote_assist import actions as act
from remote_assist.customer_end import CustomerEnd
from widgets.companion.bar import SharingBar, SharingBorder
from widgets.companion.change import ChangeWindow
from widgets.companion.request import RequestWindow, ScamWindow
from widgets.companion.session import CheckNumberWindow, EndedWindow, QuestionWindow
from widgets.foundation import Theme
from widgets.foundation.turns import delete_later

__all__ = ["SessionBase", "SessionDeps"]

_IDLE_TICK_MS = 1000


@dataclass(frozen=True, slots=True)
class SessionDeps:
    """What a session needs from the companion. The callables return at once."""

    theme: Theme
    clock: act.Clock
    make_end: Callable[[], CustomerEnd]
    make_host: Callable[[QObject], SessionHost]
    send: Callable[[act.SendEnvelope], None]
    call: Callable[[bytes, act.CallServer], None]
    record: Callable[[act.ChainEntry], None]
    keep_receipt: Callable[[act.Receipt], None]
    opened: Callable[[], None]
    scam_read: Callable[[], bool]
    mark_scam_read: Callable[[], None]
    alarm: Callable[[str, str], None]
    save_receipt: Callable[[EndedWindow, str, bytes], None]
    gather: Gather = field(default_factory=Collecting)
    files: FilePlace = field(default_factory=FilePlace)
    rules: RulesPlace = field(default_factory=RulesPlace)


class SessionBase(QObject):
    """`SharingSession` adds what shows while it lasts, `AskingSession` the questions, `CustomerSession` the whole."""

    finished = Signal(QObject)
    changed = Signal(object)
    """Every `SessionView`, as it changes."""

    def __init__(self, deps: SessionDeps, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._deps = deps
        self._end = deps.make_end()
        self._host = deps.make_host(self)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(lambda: self._perform(self._end.tick()))
        self._hotkey_works = False
        self._prompt: PromptInfo | None = None
        self._targets: tuple[TargetChoice, ...] = ()
        self._unseen = ""  # why nothing can be shown, while the warning still stands before the request
        self._target: TargetChoice | None = None
        self._shared: TargetChoice | None = None  # the target, or the place of the region in it
        self._number = ""
        self._number_confirmed = False
        self.view = SessionView(Phase.INVITED)
        self.scam: ScamWindow | None = None
        self.request: RequestWindow | None = None
        self.check: CheckNumberWindow | None = None
        self.question: QuestionWindow | None = None
        self.bar: SharingBar | None = None
        self.border: SharingBorder | None = None
        self.ended: EndedWindow | None = None

    @property
    def _agent(self) -> str:
        return self._prompt.agent_name if self._prompt is not None else ""

    @property
    def _who(self) -> tuple[str, str]:
        """The agent and the organisation, as questions name them."""
        return self._agent, self._prompt.organisation if self._prompt is not None else ""

    def stop(self) -> None:
        """Stop sharing now."""
        self._perform(self._end.stop())

    def _perform(self, actions: list[act.Action]) -> None:
        for action in actions:
            self._do(action)
        self._arm()

    def _do(self, action: act.Action) -> None:
        raise NotImplementedError

    def change_target(self) -> None:
        """The customer wants to share something else."""
        raise NotImplementedError

    @property
    def _changing(self) -> bool:
        """Whether something else to share is being chosen."""
        return isinstance(self.request, ChangeWindow)

    def _arm(self) -> None:
        due = self._end.deadline_ms()
        if due is not None:
            self._timer.start(max(0, min(due - self._deps.clock.monotonic_ms(), _IDLE_TICK_MS)))

    def _drop(self, name: str) -> None:
        window = getattr(self, name)
        setattr(self, name, None)
        if window is None:
            return
        if hasattr(window, "end"):
            window.end()
        delete_later(window)
