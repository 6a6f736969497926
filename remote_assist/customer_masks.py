# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's end of what is kept back: masks, rules, and pictures that must not pass for a while.

Masks are told to the child, which paints them; here they are counted, written down, and refuse the agent's input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from app.domain.assist import EntryType, Phase
from app.domain.masking import Box, MaskRule, clean_rules
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import Action, KeptBack
from remote_assist.customer_core import ChosenTarget
from remote_assist.customer_scopes import CustomerScopes

__all__ = ["CustomerMasks"]

_ENTRY_MS: Final = 1_000
_ENTRY_LATER_MS: Final = 10_000  # a window that comes and goes all the time does not fill the record
_OFTEN: Final = 60
_FOUND_MAX: Final = 256
_HOLDS: Final = frozenset({"", "rule", "locked"})
_FAR: Final = 65_536


class CustomerMasks(CustomerScopes):
    """`masks` is this end's own state; ask `masks.covers(point)` before anything of the agent's takes effect."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """As `CustomerCore`."""
        super().__init__(*args, **more)
        self._count_noted = 0
        self._count_entries = 0
        self._count_due: int | None = None
        self._child_hold = ""
        self._locked = False
        self._minimised = False  # a window that is minimised
        self._screen_changed = False
        self._kept_back = KeptBack(0, "")

    # --- the customer's deeds --------------------------------------------------------------------------------------

    def set_masks(self, rects: Sequence[Box]) -> list[Action]:
        """Paint over these rectangles of the target, in its pixels, before anything else sees the picture.

        The entry stands before the message: what is shown again waits for it on the disk, what is hidden waits for none
        (`KeptFirst`).
        """
        before = self.masks.drawn
        if self._may_mask:
            self.masks.draw(rects)
            if self.masks.drawn != before or self._screen_changed:
                self._screen_changed = False
                self._tell_kept()
                if self.view.live and self._kept_back.count < self._count_noted:
                    self._note_count()  # fewer: not only when the next is due
                self._tell_masks(looked=True)
        return self._flush()

    def set_rules(self, rules: Sequence[MaskRule]) -> list[Action]:
        """Hide windows by a word of their title or program, wherever they are, or show nothing while one is open."""
        rules = clean_rules((*self._identity.rules, *rules))  # those of policy first: none of them is crowded out
        if rules != self.masks.rules:
            self.masks.rules = rules
            self._tell_masks()
        return self._flush()

    def cover_own(self, rects: Sequence[Box], ids: Sequence[int] = ()) -> list[Action]:
        """Hide the program's own questions: places where they are or will be, and ids of windows to follow."""
        own, own_ids = tuple(rects), tuple(ids)
        if (own, own_ids) != (self.masks.own, self.masks.own_ids):
            self.masks.own, self.masks.own_ids = own, own_ids
            if self._may_mask:
                self._tell_masks()
        return self._flush()

    def note_lock(self, on: bool) -> list[Action]:
        """The desktop says that its screen is locked or asleep, or free again. Only the customer goes on."""
        self._locked = on
        self._settle_hold()
        return self._flush()

    def show_preview(self, on: bool) -> list[Action]:
        """In a live session: also show here what is sent, for a window in which parts are hidden."""
        if self._chosen is not None and self.view.live:
            self._tell_source(preview=on)
        return self._flush()

    # --- inside ----------------------------------------------------------------------------------------------------

    @property
    def _may_mask(self) -> bool:
        return self.view.phase in (Phase.PROMPTED, Phase.CONNECTING) or self.view.live

    def _on_other(self, message: child.FromChild) -> None:
        super()._on_other(message)
        if isinstance(message, child.Covered):
            self._on_covered(message)
        elif isinstance(message, child.Place):
            self._on_place(message)

    def _on_covered(self, message: child.Covered) -> None:
        self._child_hold = message.hold if message.hold in _HOLDS else "rule"
        self.masks.found = tuple(message.rects[:_FOUND_MAX])
        self.masks.hits = min(max(message.hits, 0), _FOUND_MAX)
        self._settle_hold()

    def _settle_hold(self) -> None:
        hold = self._child_hold or ("locked" if self._locked else "")
        was, self.masks.hold = self.masks.hold, hold
        if hold and not was:
            self._hold()
        elif was and not hold:
            self._resume("system")
        self._tell_kept()

    def _hold(self) -> None:
        """Nothing passes, and goes on only when the reason is gone and the customer wants it."""
        machine = self._machine
        if machine is not None and machine.live:
            self._pause("system")
            self._apply(machine.pause("customer", self._now))

    def _on_place(self, message: child.Place) -> None:
        """The target is there, and perhaps of another size: the agent's end counts in its pixels."""
        chosen = self._chosen
        if chosen is None:
            return
        left, top = chosen.region[:2] if chosen.region is not None else (0, 0)
        x, y, width, height = (min(max(side, -_FAR), _FAR) for side in message.rect)
        size = (width, height) if chosen.region is None else chosen.target.rect[2:]
        rect = (x - left, y - top, max(0, size[0]), max(0, size[1]))
        self.masks.origin = rect[:2]
        if rect != chosen.target.rect:
            resized = rect[2:] != chosen.target.rect[2:]
            self._chosen = ChosenTarget(replace(chosen.target, rect=rect), chosen.kind, chosen.region)
            if resized and self.view.live:
                self._say_target()
        if self._minimised:
            self._minimised = False
            self._tell_kept()

    def _on_fault(self, message: child.Fault) -> None:
        if message.code == "target_hidden":
            self._minimised = True
        elif message.code == "target_changed" and not self._screen_changed:
            self._screen_changed = True
            self._pause("system")
            if self._machine is not None and self._machine.live:
                self._apply(self._machine.pause("customer", self._now))
                self._apply(self._machine.resume("system", self._now))
        super()._on_fault(message)
        self._tell_kept()

    def _resume(self, by: str) -> None:
        if by == "customer" and self._screen_changed:
            self._screen_changed = False
            self._tell_masks(looked=True)  # the child takes the screen as it is now
            self._tell_kept()
        super()._resume(by)

    # --- what others are told --------------------------------------------------------------------------------------

    def _tell_kept(self) -> None:
        why = self.masks.hold or ("changed" if self._screen_changed else "hidden" if self._minimised else "")
        kept = KeptBack(self.masks.count, why)
        if kept == self._kept_back:
            return
        self._kept_back = kept
        self._out.append(kept)
        if self.view.live:
            self._say_kept()
            if self._count_due is None and kept.count != self._count_noted:
                self._note_count()

    def _say_kept(self) -> None:
        self._say(wire.Covered(self._kept_back.count, self._kept_back.why))

    def _note_count(self) -> None:
        """How many, never where or what; at most one entry a second, later in ten, and the last count stands."""
        self._count_due = self._now + (_ENTRY_MS if self._count_entries < _OFTEN else _ENTRY_LATER_MS)
        if self._kept_back.count != self._count_noted:
            self._count_entries += 1
            self._count_noted = self._kept_back.count
            self._note(EntryType.MASKS, "customer", {"count": self._count_noted})
        else:
            self._count_due = None

    def _tell_agent_all(self) -> None:
        super()._tell_agent_all()
        self._say_kept()
        if self._kept_back.count != self._count_noted:
            self._note_count()
        if (self.masks.hold or self._screen_changed) and self._machine is not None and not self._machine.paused:
            self._hold()

    def _own_deadlines(self) -> list[int | None]:
        return [*super()._own_deadlines(), self._count_due]

    def _on_tick(self, now: int) -> None:
        super()._on_tick(now)
        if self._count_due is not None and now >= self._count_due:
            self._note_count()

    def _before_end(self) -> None:
        self._count_due = None
        super()._before_end()
