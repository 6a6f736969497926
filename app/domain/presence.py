# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else reads or writes a ticket now: hints that fade, and when to say what oneself does. Never a lock. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.domain.ids import TicketId, UserId

__all__ = ["AGAIN_MS", "GONE", "LIFE_MS", "NOBODY", "UNKNOWN", "Others", "OwnPresence", "PresenceBook", "PresenceState"]

LIFE_MS: Final = 60_000  # a hint older than this says nothing any more
AGAIN_MS: Final = 25_000  # what goes on is said again, so that one lost hint is made good in time
GONE: Final = "gone"
_AT_ONCE: Final = 4  # a second; the server drops what is more than a person could do


class PresenceState(StrEnum):
    """What somebody does on a ticket."""

    READING = "reading"
    WRITING = "writing"


@dataclass(frozen=True, slots=True)
class Others:
    """Who else is at a ticket, the longest there first. Not `known`: offline, nobody can tell."""

    reading: tuple[UserId, ...] = ()
    writing: tuple[UserId, ...] = ()
    known: bool = True


NOBODY: Final = Others()
UNKNOWN: Final = Others(known=False)


class PresenceBook:
    """What was heard of others. While nothing can be heard it knows nothing, and forgets what it knew."""

    def __init__(self) -> None:
        self._heard: dict[TicketId, dict[UserId, tuple[PresenceState, int]]] = {}
        self.hears = False

    def set_hears(self, hears: bool) -> bool:
        """Say whether hints arrive; tell whether that is news."""
        if not hears:
            self._heard.clear()
        before, self.hears = self.hears, hears
        return before != hears

    def note(self, ticket: TicketId, who: UserId, word: str, now_ms: int) -> bool:
        """Take a hint; tell whether the person was not known to be at this ticket, so that an answer is polite."""
        there = self._heard.get(ticket, {})
        new = who not in there or now_ms - there[who][1] >= LIFE_MS
        if not self.hears or word not in (*PresenceState, GONE):
            return False
        if word == GONE:
            there.pop(who, None)
            if not there:
                self._heard.pop(ticket, None)
            return False
        self._heard.setdefault(ticket, {})[who] = (PresenceState(word), now_ms)
        return new

    def fade(self, now_ms: int) -> bool:
        """Forget what is too old; tell whether there was anything."""
        left = {
            ticket: {who: heard for who, heard in there.items() if 0 <= now_ms - heard[1] < LIFE_MS}
            for ticket, there in self._heard.items()
        }
        faded = left != self._heard
        self._heard = {ticket: there for ticket, there in left.items() if there}
        return faded

    def others(self, ticket: TicketId) -> Others:
        """Return who else is at a ticket."""
        if not self.hears:
            return UNKNOWN
        there = self._heard.get(ticket, {})
        return Others(
            tuple(who for who, (state, _at) in there.items() if state is PresenceState.READING),
            tuple(who for who, (state, _at) in there.items() if state is PresenceState.WRITING),
        )

    def written_on(self) -> frozenset[TicketId]:
        """Return the tickets that others write on."""
        writing = PresenceState.WRITING
        return frozenset(
            t for t, there in self._heard.items() if any(state is writing for state, _at in there.values())
        )


class OwnPresence:
    """What this person was said to do, and what has to be said next."""

    def __init__(self) -> None:
        self._said: dict[TicketId, tuple[PresenceState, int]] = {}

    def due(self, here: Mapping[TicketId, PresenceState], now_ms: int) -> list[tuple[TicketId, str]]:
        """Return what to say now: that one is gone, what is new, and what goes on for a while already.

        Never more than the server hears at once; the rest is due again.
        """
        gone: list[tuple[TicketId, str]] = [(ticket, GONE) for ticket in self._said if ticket not in here]
        say: list[tuple[TicketId, str]] = [
            (ticket, state)
            for ticket, state in here.items()
            if self._said.get(ticket, (None, 0))[0] is not state or not 0 <= now_ms - self._said[ticket][1] < AGAIN_MS
        ]
        out = (gone + say)[:_AT_ONCE]
        for ticket, word in out:
            if word == GONE:
                del self._said[ticket]
            else:
                self._said[ticket] = (PresenceState(word), now_ms)
        return out

    def answer(self, ticket: TicketId) -> None:
        """Say again what one does at this ticket: somebody came who has not heard it."""
        if ticket in self._said:
            self._said[ticket] = (self._said[ticket][0], -AGAIN_MS)

    def forget(self) -> None:
        """Nobody remembers what was said: the line was cut."""
        self._said.clear()
