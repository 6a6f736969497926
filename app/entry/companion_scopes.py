# SPDX-License-Identifier: GPL-3.0-or-later
"""Beyond looking, at the customer's computer: the questions, and what the agent then shows on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.domain.assist import Scope, TargetChoice
from app.domain.marks import Marks
from remote_assist.actions import AskScope
from widgets.companion.overlay import MarkOverlay
from widgets.companion.permission import PermissionWindow
from widgets.foundation import Theme

__all__ = ["MoreAccess"]


class MoreAccess(QObject):
    """The windows of one session. `answer` is called for a person's click, or for a window that was closed."""

    def __init__(
        self,
        theme: Theme,
        now_ms: Callable[[], int],
        answer: Callable[[Scope, bool], None],
        parent: QObject,
        own_window: Callable[[AskScope, tuple[str, str]], PermissionWindow | None] = lambda _action, _who: None,
    ) -> None:
        """`own_window` returns the question of a kind of access that shows more than words."""
        super().__init__(parent)
        self._own_window = own_window
        self._theme = theme
        self._now_ms = now_ms
        self._answer = answer
        self._overlay: MarkOverlay | None = None
        self._marks = Marks()
        self._rect: tuple[int, int, int, int] | None = None
        self.questions: dict[Scope, PermissionWindow] = {}

    def ask(self, action: AskScope, who: tuple[str, str], cover: Callable[[], None]) -> None:
        """Ask the customer. `cover` is called before the window shows, so that no picture has the question in it."""
        self.settle(action.scope)
        window = self._own_window(action, who) or PermissionWindow(
            self._theme, action.scope, who, action.why, action.deadline_ms, self._now_ms
        )
        window.answered.connect(lambda allowed: self._answer(action.scope, allowed))
        self.questions[action.scope] = window
        area = QGuiApplication.primaryScreen().availableGeometry()
        window.move(area.center() - window.rect().center())
        cover()
        window.show()
        window.raise_()

    def settle(self, scope: Scope) -> None:
        """The question is answered or over."""
        window = self.questions.pop(scope, None)
        if window is not None:
            window.end()
            window.deleteLater()

    def target(self, target: TargetChoice | None) -> None:
        """What is shared; a picture that is on no screen has no place for marks."""
        self._rect = target.rect if target is not None and target.kind != "drawn" else None

    def moved(self, rect: tuple[int, int, int, int]) -> None:
        """The target is elsewhere now."""
        if self._rect is not None:
            self._rect = rect
            self.show_marks(self._marks)

    def show_marks(self, marks: Marks) -> None:
        """Show exactly this on the screen."""
        self._marks = marks
        if self._rect is None or (self._overlay is None and not marks):
            return
        if self._overlay is None:
            self._overlay = MarkOverlay(self._theme, _("Pointing and drawing"))
        self._overlay.show_marks(marks, self._rect)

    def keep_clear(self, windows: Iterable[QWidget | None]) -> None:
        """Nobody draws on these."""
        if self._overlay is not None:
            self._overlay.keep_clear([window.frameGeometry() for window in windows if window and window.isVisible()])

    def end(self) -> None:
        """Take everything away."""
        for scope in list(self.questions):
            self.settle(scope)
        if self._overlay is not None:
            self._overlay.end()
            self._overlay.deleteLater()
            self._overlay = None
