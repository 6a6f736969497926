# SPDX-License-Identifier: GPL-3.0-or-later
"""What everybody should know now, above everything at the customer's Home; each is spoken once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.config.i18n import _, language
from app.domain.announcements import Announcement, shown_now
from widgets.foundation import Notice, Theme, announce, clear

__all__ = ["AnnouncementColumn"]

PLACE = "companion"


class AnnouncementColumn(QWidget):
    """Hidden while there is nothing to say. Call `refresh` as time goes by: announcements begin and end."""

    def __init__(self, theme: Theme, now_ms: Callable[[], int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._now_ms = theme, now_ms
        self._all: Sequence[Announcement] = ()
        self._shown: list[tuple[bytes, str]] = []
        self._said: set[tuple[bytes, str]] = set()
        box = QVBoxLayout()
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(theme.tokens.space.small)
        self._box = box
        self.setLayout(box)
        self.hide()

    def show_announcements(self, announcements: Sequence[Announcement]) -> None:
        """Show these, each in its time."""
        self._all = announcements
        self.refresh()

    def texts(self) -> list[str]:
        """Return what stands there now, newest first."""
        return [text for _id, text in self._shown]

    def refresh(self) -> None:
        """Show what its time is now; what stands there already is left alone."""
        found = shown_now(self._all, self._now_ms(), PLACE)
        wanted = [(each.of, each.text(language())) for each in found]
        if wanted == self._shown:
            return
        clear(self._box)
        self._shown = wanted
        for each, key in zip(found, wanted, strict=True):
            notice = Notice(self._theme, key[1], kind="warning" if each.urgency == "urgent" else "accent")
            notice.setAccessibleName(_("Announcement: {text}").format(text=key[1]))
            self._box.addWidget(notice)
            if key not in self._said:
                self._said.add(key)
                announce(self, key[1])
        self.setVisible(bool(wanted))
