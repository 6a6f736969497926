# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else looks at or writes on a ticket, in words that differ (UX-19)."""

from __future__ import annotations

from collections.abc import Sequence

from app.config.i18n import _, ngettext
from app.domain.ids import UserId
from app.domain.ports import Choices
from app.domain.presence import Others
from app.services.texts import owner_name, polite

__all__ = ["arrived_words", "reading_words", "unknown_words", "writing_words"]

_NAMED = 3  # people; of more, the rest is a number


def reading_words(people: Sequence[UserId], choices: Choices) -> str:
    """Return who looks at a ticket, as the head of it says."""
    text = ngettext("{names} is looking", "{names} are looking", len(people))
    return text.format(names=_names(people, choices))


def writing_words(people: Sequence[UserId], choices: Choices) -> str:
    """Return who writes on a ticket."""
    text = ngettext("{names} is writing", "{names} are writing", len(people))
    return text.format(names=_names(people, choices))


def unknown_words() -> str:
    """Return what is said while nobody can know who else is there."""
    return _("Offline: who else looks or writes is unknown")


def arrived_words(before: Others, now: Others, choices: Choices) -> str:
    """Return what a screen reader says when others came or began to write; "" when nobody did."""
    writing = [who for who in now.writing if who not in before.writing]
    reading = [who for who in now.reading if who not in (*before.reading, *before.writing)]
    parts = [writing_words(writing, choices)] if writing else []
    parts += [reading_words(reading, choices)] if reading else []
    return ". ".join(parts)


def _names(people: Sequence[UserId], choices: Choices) -> str:
    names = [polite(owner_name(choices, who)) for who in people]
    if len(names) <= _NAMED:
        return ", ".join(names)
    left = len(names) - _NAMED + 1
    return _("{names} and {n} more").format(names=", ".join(names[: _NAMED - 1]), n=left)
