# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens the pickers for state, priority, owner, tags and snooze, and hands the choice to the desk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.domain.ids import StateId, TagId, UserId
from app.services.picked import Picked
from widgets.foundation import Theme
from widgets.foundation.chooser import Chooser, Option
from widgets.shell.desk import TicketDesk
from widgets.ticket.choices import owner_options, priority_options, snooze_options, state_options, tag_options

__all__ = ["Pickers"]


class Pickers:
    """One picker at a time, under the button it belongs to."""

    def __init__(self, theme: Theme, window: QWidget, desk: TicketDesk, now_ms: Callable[[], int]) -> None:
        self._theme = theme
        self._window = window
        self._desk = desk
        self._now_ms = now_ms

    def state(self, rows: Picked, anchor: QWidget) -> Chooser:
        """Pick a state."""
        one = rows.one()
        current = one.state if one is not None else None
        options = state_options(self._desk.choices, current)

        def chosen(value: object) -> None:
            self._desk.set_state(rows, StateId(cast("bytes", value)), self._now_ms())

        return self._open(_("Change state"), options, anchor, chosen)

    def priority(self, rows: Picked, anchor: QWidget) -> Chooser:
        """Pick a priority."""
        one = rows.one()
        options = priority_options(one.priority if one is not None else None)
        return self._open(
            _("Change priority"), options, anchor, lambda v: self._desk.set_priority(rows, cast("int", v))
        )

    def owner(self, rows: Picked, anchor: QWidget) -> Chooser:
        """Pick an owner."""
        one = rows.one()
        current = one.owner if one is not None else UserId(b"")
        options = owner_options(self._desk.choices, current, self._desk.me)
        return self._open(
            _("Assign to"), options, anchor, lambda v: self._desk.set_owner(rows, cast("UserId | None", v))
        )

    def snooze(self, rows: Picked, anchor: QWidget) -> Chooser:
        """Pick when the tickets come back."""

        def chosen(value: object) -> None:
            until, words = cast("tuple[int | None, str]", value)
            self._desk.snooze(rows, until, words)

        return self._open(_("Snooze until"), snooze_options(self._now_ms()), anchor, chosen)

    def tags(self, rows: Picked, present: Sequence[TagId], anchor: QWidget) -> Chooser:
        """Tick tags; the picker stays open."""
        now = set(present)
        chooser = Chooser(self._theme, _("Tags"), self._window, many=True)
        chooser.set_nothing(_("No tag fits."))
        options = tag_options(self._desk.choices, now)
        order = [cast("TagId", o.value) for o in options]

        def show() -> None:
            fresh = {o.value: o for o in tag_options(self._desk.choices, now)}
            chooser.show_options([fresh[tag] for tag in order])

        def toggle(value: object) -> None:
            tag = TagId(cast("bytes", value))
            add = tag not in now
            (now.add if add else now.discard)(tag)
            self._desk.set_tag(rows, tag, add)
            show()

        show()
        chooser.chosen.connect(toggle)
        chooser.open_at(self._corner(anchor))
        return chooser

    def _open(self, name: str, options: Sequence[Option], anchor: QWidget, chosen: Callable[[object], None]) -> Chooser:
        chooser = Chooser(self._theme, name, self._window)
        chooser.set_nothing(_("Nothing fits."))
        chooser.show_options(options)
        chooser.chosen.connect(chosen)
        chooser.open_at(self._corner(anchor))
        return chooser

    def _corner(self, anchor: QWidget) -> QPoint:
        gap = self._theme.tokens.space.tiny
        return anchor.mapToGlobal(QPoint(0, anchor.height() + gap))
