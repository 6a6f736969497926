# SPDX-License-Identifier: GPL-3.0-or-later
"""While something is shared: the bar, the border, further access, and which windows of the program nobody else sees."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QWidget

from app.domain.assist import Phase, Scope
from app.entry.companion_control import ControlDesk
from app.entry.companion_diagnostics import DiagnosticsReview
from app.entry.companion_files import CompanionFiles
from app.entry.companion_masks import Keeping
from app.entry.companion_scopes import MoreAccess
from app.entry.companion_session_base import SessionBase, SessionDeps
from app.entry.companion_talk import CompanionTalk
from remote_assist.diagnostics import Confirmed
from widgets.companion.bar import SharingBar, SharingBorder

__all__ = ["SharingSession"]

_MASK_TICK_MS = 200
_FRAME_PX = 64  # as thick as no frame is: what the window system puts round a window is known only once it shows


class SharingSession(SessionBase):
    """What shows from the first choice of a target to the end."""

    def __init__(self, deps: SessionDeps, parent: QObject | None = None) -> None:
        super().__init__(deps, parent)
        self._masks = QTimer(self, interval=_MASK_TICK_MS)
        self._masks.timeout.connect(self._cover_own_windows)
        self._covered: list[tuple[int, int, int, int]] = []
        self._covered_ids: list[int] = []
        self._allowed: list[Scope] = []
        self._prepared: SharingBar | None = None
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

    # --- what is shared ----------------------------------------------------------------------------------------

    def _choose(self, target: str, kind: str, region: tuple[int, int, int, int] | None = None) -> None:
        self._target = next((choice for choice in self._targets if choice.id == target), None)
        self._shared = self.keeping.chosen(self._target, region)
        self.more.target(self._shared)
        self._covered = self._own_rects()
        self._tell_covered()
        choose = self._end.propose_target if self._changing else self._end.choose_target
        self._perform(choose(target, kind, region, own=self._covered))

    def _latest(self) -> QImage | None:
        picture = self._host.latest()
        image = picture.image if picture is not None else None
        self.keeping.picture(image)
        return image

    def _title(self) -> str:
        return self.keeping.title

    def _target_moved(self, rect: tuple[int, int, int, int]) -> None:
        self.more.moved(rect)
        if self.bar is not None and rect[2] > 0 and rect[3] > 0:
            self.bar.follow(self._for_qt(rect))
        if self.border is not None and rect[2] > 0 and rect[3] > 0:
            self.border.place(self._for_qt(rect))

    # --- bar and border ----------------------------------------------------------------------------------------

    def _tell_bar(self) -> None:
        if self._prompt is None or self.view.phase is Phase.ENDED:
            return
        if self.bar is None:
            self._prepare_bar()
            self.bar, self._prepared = self._prepared, None
            assert self.bar is not None  # noqa: S101  # made just now or before
            self.bar.stopped.connect(self.stop)
            self.bar.pause_toggled.connect(self._pause)
            self.bar.chat_wanted.connect(self.talk.open_chat)
            self.bar.target_wanted.connect(self.change_target)
            self.bar.revoked.connect(lambda scope: self._perform(self._end.revoke(scope)))
            self.keeping.attach(self.bar)
            self._place_bar()
            self.bar.show()
            QTimer.singleShot(0, self, self._show_border)  # in a turn of its own, long before the first picture
            self._masks.start()
        number = self._number if self._number_confirmed else ""
        title = self._title()
        grants = self.view.grants
        self._allowed += [scope for scope in grants if scope is not Scope.VIEW and scope not in self._allowed]
        self.bar.show_sharing(
            title, paused=self.view.paused, lost=self.view.lost, number=number, live=self.view.live, grants=grants
        )
        self.bar.show_path(self.view.path)

    def _place_bar(self) -> None:
        """Have the bar on the screen that others see, whichever that is by now."""
        target = self._shared
        if self.bar is not None and target is not None and target.kind != "drawn":
            self.bar.follow(self._for_qt(target.rect))

    def _prepare_bar(self) -> bool:
        """Make the bar while the customer reads what is asked: with the consent it has only to show. No more steps."""
        if self.bar is None and self._prepared is None and self._prompt is not None:
            self._prepared = SharingBar(self._deps.theme, self._agent, self._prompt.organisation)
        return False

    def _drop_prepared(self) -> None:
        bar, self._prepared = self._prepared, None
        if bar is not None:
            bar.end()

    def _pause(self, on: bool) -> None:
        self._perform(self._end.pause() if on else self._end.resume())

    def _tell_unread(self, count: int) -> None:
        if self.bar is not None:
            self.bar.show_unread(count)

    def _show_border(self) -> None:
        target = self._shared
        if target is None or target.kind == "drawn" or self.border is not None or self.bar is None:
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

    # --- further access ----------------------------------------------------------------------------------------

    def _answer_scope(self, scope: Scope, allowed: bool) -> None:
        if allowed and scope is Scope.CLIPBOARD_TO_AGENT:
            self._perform(self._end.give_clip(self.talk.text_to_give()))
        else:
            self._perform(self._end.grant(scope) if allowed else self._end.refuse_scope(scope))

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

    def _keep_clear(self) -> None:
        self.more.keep_clear((self.bar, self.check, self.question, *self._questions, *self.files.windows))

    # --- windows that nobody else sees -------------------------------------------------------------------------

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
            if not window.isVisible():
                frame.adjust(-_FRAME_PX, -_FRAME_PX, _FRAME_PX, _FRAME_PX)
            left, top = round(frame.x() * ratio) - target.rect[0], round(frame.y() * ratio) - target.rect[1]
            right, bottom = left + round(frame.width() * ratio), top + round(frame.height() * ratio)
            left, top = max(0, left), max(0, top)
            right, bottom = min(target.rect[2], right), min(target.rect[3], bottom)
            if right > left and bottom > top:
                rects.append((left, top, right - left, bottom - top))
        return rects
