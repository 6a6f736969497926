# SPDX-License-Identifier: GPL-3.0-or-later
"""A ticket's clock in words: due, soon, late, paused and why. Colour never stands alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.config.i18n import N_, _, pgettext
from app.domain.entities import Category
from app.domain.ports import DueMark
from app.domain.sla import ClockView, Status, Target, TargetView
from app.domain.sla_notices import DUE_LINE, WARNING_LINE

__all__ = [
    "Level", "Moments", "TargetWords", "Words", "clock_line", "clock_words", "due_words", "paused_reason",
    "target_name",
]  # fmt: skip

_TARGETS: Mapping[Target, str] = {
    Target.FIRST: N_("First answer"), Target.NEXT: N_("Next answer"), Target.RESOLUTION: N_("Resolution"),
}  # fmt: skip


ICON_SOON, ICON_LATE = "hourglass", "circle-alert"


class Level(StrEnum):
    """How much it presses."""

    DONE = "done"
    CALM = "calm"
    PAUSED = "paused"
    WARNING = "warning"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Moments:
    """How the reader's language writes times: a near moment, a rough age, a length. Handed in by the windows."""

    near: Callable[[int, int], str]  # (ms, now in ms)
    age: Callable[[float], str]  # seconds
    length: Callable[[int], str]  # seconds


@dataclass(frozen=True, slots=True)
class Words:
    """What is said, and how much it presses."""

    text: str
    level: Level


@dataclass(frozen=True, slots=True)
class TargetWords:
    """One line of the details: which target, and how it stands."""

    name: str
    words: Words


def target_name(target: Target) -> str:
    """Return a target's name."""
    return _(_TARGETS[target])


def due_words(due: DueMark, now_ms: int, moments: Moments) -> Words:
    """Return what a list says of a ticket's clock."""
    found = _words(due, now_ms, moments)
    if not due.estimated:
        return found
    return Words(_("{due} (estimated)").format(due=found.text), found.level)


def _words(due: DueMark, now_ms: int, moments: Moments) -> Words:
    if due.paused:
        return Words(pgettext("clock", "Paused"), Level.PAUSED)
    if due.at is None:
        return Words(_("Due date open"), Level.CALM)
    return _dated(due.at, due.warn_at, now_ms, moments)


def _dated(at: int, warn_at: int | None, now_ms: int, moments: Moments) -> Words:
    # whole seconds, as the clock counts: on the due itself it is in time
    if at // 1000 < now_ms // 1000:
        return Words(_("Late by {time}").format(time=moments.age((now_ms - at) / 1000)), Level.LATE)
    when = moments.near(at, now_ms)
    if warn_at is not None and warn_at <= now_ms:
        return Words(_("Due soon: {when}").format(when=when), Level.WARNING)
    return Words(_("Due {when}").format(when=when), Level.CALM)


def paused_reason(category: Category) -> str:
    """Return why a clock stands still."""
    if category is Category.WAITING_CUSTOMER:
        return _("Paused: waiting for the customer")
    if category is Category.HELD:
        return _("Paused: held for an incident")
    return pgettext("clock", "Paused")


def clock_words(view: ClockView, now_ms: int, moments: Moments) -> Iterator[TargetWords]:
    """Yield the targets that say something, in order."""
    for target in Target:
        words = _target(view.of(target), view.category, now_ms, moments)
        if words is not None:
            yield TargetWords(target_name(target), words)


def _target(view: TargetView, category: Category, now_ms: int, moments: Moments) -> Words | None:
    match view.status:
        case Status.RUNNING | Status.LATE if view.due_s is not None:
            warn = view.warn_s * 1000 if view.warn_s is not None else None
            return _dated(view.due_s * 1000, warn, now_ms, moments)
        case Status.RUNNING:
            return Words(_("Due date open"), Level.CALM)
        case Status.PAUSED:
            left = moments.length(max(0, view.left_s or 0))
            return Words(_("{reason}, {time} left").format(reason=paused_reason(category), time=left), Level.PAUSED)
        case Status.MET:
            return Words(_("In time"), Level.DONE)
        case Status.MET_LATE:
            return Words(_("Done, but late"), Level.WARNING)
    return None


def clock_line(kind: str, data: Mapping[str, object]) -> tuple[str, str] | None:
    """Return the words and icon of a history line about the clock; None for one that says nothing to people."""
    if kind == "notice":
        return _("The announcement reached the customer"), "clock"
    named = data.get("target")
    if kind not in (WARNING_LINE, DUE_LINE) or named not in set(Target):
        return None
    target = target_name(Target(str(named)))
    if kind == WARNING_LINE:
        return _("{target}: the due time is near").format(target=target), ICON_SOON
    return _("{target}: the due time has passed").format(target=target), ICON_LATE
