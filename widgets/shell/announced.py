# SPDX-License-Identifier: GPL-3.0-or-later
"""What everybody in support should know now: one strip above the lists, with the newest and how many more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QBoxLayout, QWidget

from app.config.i18n import _, language, ngettext
from app.domain.announcements import Announcement, for_staff, is_told_to_customers
from widgets.foundation import Button, IconButton, Look, Notice, PlainLabel, Theme, announce, column, row

__all__ = ["AnnouncedStrip", "hidden_of_text", "hidden_text"]

_MOST_CHARS = 240  # the whole text is one press away


def hidden_text(versions: Iterable[bytes]) -> str:
    """Return the versions that a person hid, as text that is kept."""
    return json.dumps(sorted(each.hex() for each in versions))


def hidden_of_text(text: str | None) -> frozenset[bytes]:
    """Return the versions that a person hid; none when the text cannot be read."""
    try:
        return frozenset(bytes.fromhex(each) for each in json.loads(text or "[]"))
    except (ValueError, TypeError):
        return frozenset()


class AnnouncedStrip(QWidget):
    """GUI thread; hidden while there is nothing to say, takes no focus by itself. `more_asked`: read them all;
    `hid` gives the versions that the person hid, those that count only. Call `refresh` as time goes by."""

    more_asked = Signal()
    hid = Signal(object)

    def __init__(self, theme: Theme, now_ms: Callable[[], int]) -> None:
        super().__init__()
        self._theme, self._now_ms = theme, now_ms
        self._all: Sequence[Announcement] = ()
        self._hidden: frozenset[bytes] = frozenset()
        self._said: set[bytes] = set()
        self._shown: tuple[Announcement, ...] = ()
        self.notice: Notice | None = None  # made when there is something to say
        self.hide()

    def show_announcements(self, announcements: Sequence[Announcement], hidden: frozenset[bytes] | None = None) -> None:
        """Show these, each in its time; `hidden` (None: as before) were read and put away."""
        self._all = announcements
        if hidden is not None:
            self._hidden = hidden
        self.refresh()

    def refresh(self) -> None:
        """Show what its time is now, in the language spoken now."""
        found = for_staff(self._all, self._now_ms(), self._hidden)
        self._shown = tuple(found)
        if not found:
            self.hide()
            return
        notice = self.notice = self.notice or self._make()
        first, more = found[0], len(found) - 1
        text = first.text(language())
        self._tell(notice, first, text if len(text) <= _MOST_CHARS else text[:_MOST_CHARS].rstrip() + "…", more)
        self.show()
        if first.id not in self._said:
            self._said.add(first.id)
            announce(self, text)

    def _make(self) -> Notice:
        theme, space = self._theme, self._theme.tokens.space
        notice = Notice(theme)
        self.readers = PlainLabel(type="caption", tone="muted")
        self.more = Button(theme, "", look=Look.LINK, pressed=self.more_asked.emit)
        self.close_button = IconButton(theme, "x", "", pressed=self._put_away)
        notice.body.setSpacing(space.hair)
        notice.body.addWidget(self.readers)
        buttons = row(self.more, self.close_button, gap=space.small)
        box = cast("QBoxLayout", notice.layout())
        box.addLayout(buttons)
        box.setAlignment(buttons, Qt.AlignmentFlag.AlignVCenter)
        self.setLayout(column(notice, margins=(space.small,) * 4))
        return notice

    def _tell(self, notice: Notice, first: Announcement, text: str, more: int) -> None:
        notice.tell(text, "warning" if first.urgency == "urgent" else "accent")
        notice.setAccessibleName(_("Announcement: {text}").format(text=text))
        self.readers.setText(
            _("Customers read this too") if is_told_to_customers(first) else _("Only staff reads this")
        )
        some = ngettext("Read all ({n} more)", "Read all ({n} more)", more).format(n=more)
        self.more.setText(some if more else _("Read all"))
        self.close_button.set_name(_("Hide this announcement"))

    def _put_away(self) -> None:
        if self._shown:
            counts = {each.id for each in self._all}  # what was replaced or is gone needs no keeping
            self._hidden = frozenset((self._hidden | {self._shown[0].id}) & counts)
            self.hid.emit(self._hidden)
            self.refresh()
