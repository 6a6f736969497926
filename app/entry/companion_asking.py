# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer is asked in a session: the warning, the request with its preview, the check number, going on."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.domain.assist import Phase, Question, TargetChoice
from app.entry.companion_sharing import SharingSession
from widgets.companion.change import ChangeWindow
from widgets.companion.request import RequestWindow, ScamWindow
from widgets.companion.session import CheckNumberWindow, QuestionWindow
from widgets.companion.texts import trouble
from widgets.foundation.turns import Rank, Steps

__all__ = ["AskingSession"]


class AskingSession(SharingSession):
    """A consent comes from a click in one of these windows and from nowhere else."""

    _before: tuple[TargetChoice | None, tuple[int, int, int, int] | None] = (None, None)

    def _show_warning(self) -> None:
        """Before the first request of all; later ones show at once."""
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
        Steps(self._prepare_bar, Rank.UNSEEN, self).start()
        self._masks.start()

    # --- sharing something else ------------------------------------------------------------------------------

    def change_target(self) -> None:
        """Nothing passes while the customer chooses; only the press in this window shares what its preview shows."""
        if self.request is None and self._prompt is not None and self.view.live:
            self._before = self._target, self.keeping.region
            deps = self._deps
            window = ChangeWindow(deps.theme, self._prompt, deps.clock.monotonic_ms, self._latest, self._title())
            self.request = window
            self.keeping.begin(window)
            window.target_chosen.connect(self._choose)
            window.allowed.connect(self._take_choice)
            window.refused.connect(lambda: self._perform(self._end.give_up_choice()))
            self._perform(self._end.begin_choice())
            window.rests_until(self._end.view.rests_until_ms)
            window.show()
        if self.request is not None:
            self.request.raise_()
            self.request.activateWindow()

    def _take_choice(self) -> None:
        self.keeping.request_gone()
        self._drop("request")
        self._cover_own_windows()
        self._perform(self._end.take_choice())
        self._drop("border")
        self._show_border()
        self._tell_bar()

    def _choice_over(self) -> None:
        """It was given up, or the session could not go on with it: what was shared is shared."""
        if not self._changing:
            return
        self.keeping.request_gone()
        self._drop("request")
        self._target, region = self._before
        self._shared = self.keeping.chosen(self._target, region)
        self.more.target(self._shared)
        self._cover_own_windows()

    # --- the rest --------------------------------------------------------------------------------------------

    def _list(self, targets: tuple[TargetChoice, ...]) -> None:
        own = tuple(f"window:{int(window.winId())}:" for window in QApplication.topLevelWidgets() if window.isVisible())
        self._targets = tuple(target for target in targets if not f"{target.id}:".startswith(own))
        if self.request is not None:
            self.request.show_targets(self._targets)

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
        # the keyboard comes with it, but to no button: what somebody types elsewhere meanwhile picks no number
        window.raise_()
        window.activateWindow()

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
