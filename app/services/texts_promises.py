# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises in words: how one stands, how long is left, and its lines in the history. Colour never stands alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from app.config.i18n import _
from app.domain.promises import NEAR_MS, Promise, Standing
from app.services.texts_due import Level, Moments, Words

__all__ = ["promise_line", "promise_words"]

_ICON = "calendar"


def promise_words(promise: Promise, what: Standing, now_ms: int, moments: Moments) -> Words:
    """Return how a promise stands, with what is left of the time, and how much it presses."""
    when = moments.near(promise.due_at, now_ms)
    if what is Standing.UNTOLD:
        return Words(_("Promise for {when}, told with your next reply").format(when=when), Level.CALM)
    if what is Standing.KEPT:
        return Words(_("Promise for {when} kept").format(when=when), Level.DONE)
    if what is Standing.REPLACED:
        return Words(_("Promise for {when} replaced by a new time").format(when=when), Level.PAUSED)
    if what is Standing.BROKEN:
        if promise.closed_by is not None:
            return Words(_("Promise for {when} broken").format(when=when), Level.LATE)
        late = moments.age((now_ms - promise.due_at) / 1000)
        return Words(_("Promise for {when} broken, {late} ago").format(when=when, late=late), Level.LATE)
    left = moments.length(max(60, (promise.due_at - now_ms) // 1000))
    level = Level.WARNING if promise.due_at - now_ms <= NEAR_MS else Level.CALM
    return Words(_("Promised by {when}, {left} left").format(when=when, left=left), level)


def promise_line(data: Mapping[str, object], who: str) -> tuple[str, str, bool] | None:
    """Return words, icon and weight of a history line; None for what this version does not know."""
    due = data.get("due_at")
    when = _moment(due) if isinstance(due, int) else ""
    texts = {
        "made": (_("{who} promised an answer by {when}"), _ICON, False),
        "withdrawn": (_("{who} took the promise for {when} back; the customer was not told"), "undo-2", False),
        Standing.KEPT.value: (_("{who} kept the promise for {when}"), "circle-check", False),
        Standing.REPLACED.value: (_("{who} told a new time before {when}"), _ICON, False),
        Standing.BROKEN.value: (_("The promise for {when} was not kept: {who} answered later"), "circle-alert", True),
    }
    found = texts.get(str(data.get("what")))
    return (found[0].format(who=who, when=when), found[1], found[2]) if found is not None else None


def _moment(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return ""
