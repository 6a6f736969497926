# SPDX-License-Identifier: GPL-3.0-or-later
"""The record first, the deed second: what the customer's child is told waits until the entries before it are on disk.

What takes something away never waits and takes the place of what waits. Where a message both takes and gives, as a mask
that is moved, what it takes is told at once and the whole of it after its entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from msgspec import structs

from remote_assist.child_protocol import Grants, Masks, Pause, Source, ToChild

__all__ = ["KeptFirst"]

_T = TypeVar("_T")
_VIEW = "view"


class KeptFirst:
    """One session's gate. Entries are kept in the order of their numbers; `End` does not come here: it never waits."""

    def __init__(self) -> None:
        self._newest = 0
        self._kept = 0
        self._waiting: list[tuple[int, ToChild]] = []
        self._scopes: frozenset[str] = frozenset()
        self._seq = 0
        self._masks = _NO_MASKS
        self._captured: Source | None = None  # what the child was told
        self._aimed: Source | None = None  # what it was told or will be
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
        """Return what may be told now: all of the message, or what it takes away while the rest waits."""
        now, later = self._parts(message)
        if isinstance(message, Source):
            self._aimed = message
        if later is not None and not self.lost:
            self._waiting.append((self._newest, later))
        return [self._told(one) for one in now]

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
        self._scopes, self._masks = frozenset(), _NO_MASKS
        self._captured = self._aimed = None

    def _parts(self, message: ToChild) -> tuple[list[ToChild], ToChild | None]:
        if not (self.lost or self.waits or self._waiting):
            return [message], None
        if isinstance(message, Grants):
            return self._grants(message)
        if isinstance(message, Masks):
            return self._covering(message)
        if isinstance(message, Source) and _differ(message, self._aimed):
            return self._hide_target(), message
        if isinstance(message, Pause) and message.on:
            self._drop(Pause)
            return [message], None
        return [], message

    def _grants(self, new: Grants) -> tuple[list[ToChild], Grants | None]:
        """What is taken back is gone at once, also from what waits; what is given with it waits."""
        if self._scopes.issuperset(new.scopes):
            self._drop(Grants)
            return [new], None
        self._narrow(new.scopes)
        left = self._scopes.intersection(new.scopes)
        return ([_only(new, left)] if left != self._scopes else []), new

    def _covering(self, new: Masks) -> tuple[list[ToChild], Masks | None]:
        """What it hides is hidden at once, besides what was hidden; what it uncovers waits.

        That the customer has looked is said once and at once: later it would speak of a screen that nobody has seen.
        So it is left out where the target that was looked at waits itself.
        """
        self._drop(Masks)
        looked = new.looked and not self.lost and not any(isinstance(other, Source) for _, other in self._waiting)
        both = _union(self._masks, new)
        exact = _same(both, new)
        now = structs.replace(new if exact else both, looked=looked)
        return [now], (None if exact else structs.replace(new, looked=False))

    def _hide_target(self) -> list[ToChild]:
        """Another target: nobody is shown the old one until then. The new one gets a grant of its own behind it."""
        left = self._scopes - {_VIEW}
        self._waiting = [(n, _without_view(m) if isinstance(m, Grants) else m) for n, m in self._waiting]
        return [Grants(self._seq, sorted(left))] if left != self._scopes else []

    def _narrow(self, scopes: Iterable[str]) -> None:
        """No grant that waits gives more than these."""
        allowed = frozenset(scopes)
        self._waiting = [(n, _only(m, allowed) if isinstance(m, Grants) else m) for n, m in self._waiting]

    def _drop(self, kind: type[Grants | Masks | Pause]) -> None:
        self._waiting = [(n, other) for n, other in self._waiting if not isinstance(other, kind)]

    def _told(self, message: ToChild) -> ToChild:
        if isinstance(message, Grants):
            self._scopes, self._seq = frozenset(message.scopes), message.seq
        elif isinstance(message, Masks):
            self._masks = message
        elif isinstance(message, Source):
            if _differ(message, self._captured):  # the child takes it back by itself: a grant is for one target
                self._scopes -= {_VIEW}
            self._captured = message
        return message


_NO_MASKS = Masks(0, [])


def _only(grants: Grants, scopes: frozenset[str]) -> Grants:
    return Grants(grants.seq, [one for one in grants.scopes if one in scopes])


def _without_view(grants: Grants) -> Grants:
    return _only(grants, frozenset(grants.scopes) - {_VIEW})


def _differ(new: Source, old: Source | None) -> bool:
    return old is not None and (new.target, new.kind, new.region) != (old.target, old.kind, old.region)


def _union(old: Masks, new: Masks) -> Masks:
    drawn = _each([*new.rects[: new.drawn], *old.rects[: old.drawn]])
    others = [one for one in _each([*new.rects, *old.rects]) if one not in drawn]
    rules = sorted(_each([*new.rules, *old.rules]), key=lambda rule: not rule.pause)  # the first that fits counts
    return Masks(new.seq, [*drawn, *others], rules, _each([*new.own, *old.own]), new.looked, len(drawn))


def _same(one: Masks, other: Masks) -> bool:
    return _hidden(one) == _hidden(other)


def _hidden(masks: Masks) -> tuple[frozenset[object], ...]:
    return (
        frozenset(masks.rects),
        frozenset(masks.rects[: masks.drawn]),
        frozenset(masks.own),
        frozenset(masks.rules),
    )


def _each(many: Iterable[_T]) -> list[_T]:
    return list(dict.fromkeys(many))
