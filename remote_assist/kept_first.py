# SPDX-License-Identifier: GPL-3.0-or-later
"""The record first, the deed second: what the customer's child is told waits until the entries before it are on disk.

What takes something away (a pause, fewer grants, more masks) never waits, and takes the place of what waits.
"""

from __future__ import annotations

from remote_assist.child_protocol import Grants, Masks, Pause, ToChild

__all__ = ["KeptFirst"]


class KeptFirst:
    """One session's gate. Entries are kept in the order of their numbers; `End` does not come here: it never waits."""

    def __init__(self) -> None:
        self._newest = 0
        self._kept = 0
        self._waiting: list[tuple[int, ToChild]] = []
        self._scopes: frozenset[str] = frozenset()
        self._masks: Masks | None = None
        self.lost = False
        """An entry could not be kept: nothing that gives is let through any more."""

    @property
    def waits(self) -> bool:
        """Whether an entry is not on disk yet."""
        return self._newest > self._kept and not self.lost

    def entry(self, number: int) -> None:
        """An entry is on its way to the disk: what is told from now on stands behind it."""
        self._newest = max(self._newest, number)

    def take(self, message: ToChild) -> list[ToChild]:
        """Return what may be told now; the message itself waits where it gives something."""
        if self._takes_away(message):
            self._waiting = [(n, other) for n, other in self._waiting if type(other) is not type(message)]
            return [self._told(message)]
        if self.lost:
            return []
        if not self.waits and not self._waiting:
            return [self._told(message)]
        self._waiting.append((self._newest, message))
        return []

    def kept(self, number: int) -> list[ToChild]:
        """The entries up to this one are on disk: return what may be told now."""
        self._kept = max(self._kept, number)
        if self.lost:
            return []
        due = [message for n, message in self._waiting if n <= self._kept]
        self._waiting = self._waiting[len(due) :]
        return [self._told(message) for message in due]

    def failed(self) -> None:
        """An entry could not be kept: what waits is never told."""
        self.lost = True
        self._waiting.clear()

    def child_gone(self) -> None:
        """What waits was for a child that is no more."""
        self._waiting.clear()
        self._scopes, self._masks = frozenset(), None

    def _takes_away(self, message: ToChild) -> bool:
        if isinstance(message, Pause):
            return message.on
        if isinstance(message, Grants):
            return self._scopes.issuperset(message.scopes)
        if isinstance(message, Masks):
            return self._masks is not None and _covers(message, self._masks)
        return False

    def _told(self, message: ToChild) -> ToChild:
        if isinstance(message, Grants):
            self._scopes = frozenset(message.scopes)
        elif isinstance(message, Masks):
            self._masks = message
        return message


def _covers(new: Masks, old: Masks) -> bool:
    return (
        not new.looked
        and all(one in now for now, before in ((new.rects, old.rects), (new.own, old.own)) for one in before)
        and all(rule in new.rules for rule in old.rules)
    )
