# SPDX-License-Identifier: GPL-3.0-or-later
"""In mid-session: sharing something else. Chosen and looked at as at the beginning; nobody sees it before the press."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.config.i18n import _
from app.domain.assist import PromptInfo
from widgets.companion.request import RequestWindow
from widgets.foundation import PlainLabel, Theme, column, row

__all__ = ["ChangeWindow"]

_NEVER_MS = 1 << 52  # until it is told


class ChangeWindow(RequestWindow):
    """`allowed`: share what the preview shows. `refused`: by button, Escape or the cross, what was shared goes on."""

    def __init__(
        self,
        theme: Theme,
        prompt: PromptInfo,
        monotonic_ms: Callable[[], int],
        preview: Callable[[], QImage | None],
        shared: str,
    ) -> None:
        """`shared` is what is shared until now, for people."""
        self._shared = shared
        super().__init__(theme, replace(prompt, expires_ms=_NEVER_MS), monotonic_ms, preview)
        self.setWindowTitle(_("Share something else"))

    def rests_until(self, ends_ms: int | None) -> None:
        """Tell when the session ends by itself unless something is chosen by then; None: it does not rest."""
        self._prompt = replace(self._prompt, expires_ms=_NEVER_MS if ends_ms is None else ends_ms)
        self._count()

    def _who(self) -> QWidget:
        picture = PlainLabel()
        self._theme.set_label_icon(picture, "app-window", "fg.link", self._theme.tokens.icon_large)
        title = PlainLabel(_("What should {name} see from now on?").format(name=self._prompt.agent_name), type="title",
                           wrap=True)  # fmt: skip
        words = PlainLabel(_("Shared until now: {what}").format(what=self._shared), wrap=True)
        texts = column(title, words, gap=self._space.tiny)
        head = row(picture, texts, gap=self._space.medium)
        head.setStretch(1, 1)
        head.setAlignment(picture, Qt.AlignmentFlag.AlignTop)
        widget = QWidget()
        widget.setLayout(head)
        widget.setAccessibleName(f"{title.text()} {words.text()}")
        return widget

    def _limits(self, hotkey_works: bool) -> QVBoxLayout:
        del hotkey_works
        text = _("Permissions stay as they are, and hold for what you share then. Drawings on the screen go.")
        return column(PlainLabel(text, wrap=True))

    def _answers(self) -> tuple[str, str]:
        return _("Keep what I share"), _("Share this instead")

    def _time_text(self, left_s: int) -> str:
        name = self._prompt.agent_name
        if self._prompt.expires_ms == _NEVER_MS:
            return _("Sharing rests: {name} sees nothing while you choose.").format(name=name)
        text = _("{name} sees nothing now. Without a choice sharing ends in {time}.")
        return text.format(name=name, time=f"{left_s // 60}:{left_s % 60:02d}")
