# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pickers of a ticket offer: states, priorities, owners, tags and times to come back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta, tzinfo

from app.config.i18n import _
from app.domain.entities import Category, Priority
from app.domain.ids import StateId, TagId, UserId
from app.domain.ports import Choices
from app.services.texts import priority_name, state_name
from widgets.foundation import fmt
from widgets.foundation.chooser import Option

__all__ = [
    "PRIORITY_ICONS",
    "STATE_ICONS",
    "owner_options",
    "priority_options",
    "snooze_options",
    "state_options",
    "tag_options",
]

STATE_ICONS = {
    Category.NEW: ("circle", "fg.link"),
    Category.OPEN: ("circle-dot", "fg.link"),
    Category.WAITING_CUSTOMER: ("hourglass", "warning.fg"),
    Category.WAITING_INTERNAL: ("circle-pause", "warning.fg"),
    Category.HELD: ("triangle-alert", "danger.fg"),
    Category.SOLVED: ("circle-check", "success.fg"),
    Category.CLOSED: ("archive", "fg.muted"),
    Category.MERGED: ("merge", "fg.muted"),
}
PRIORITY_ICONS = {
    Priority.LOW: ("chevron-down", "fg.muted"),
    Priority.NORMAL: ("equal", "fg.muted"),
    Priority.HIGH: ("chevron-up", "warning.fg"),
    Priority.URGENT: ("chevrons-up", "danger.fg"),
}


def state_options(choices: Choices, current: StateId | None) -> list[Option]:
    """Return the states people can pick; merged is none."""
    return [
        Option(s.id, state_name(choices, s.id, s.category), *STATE_ICONS[s.category], also=f"{s.name_ko} {s.name_en}",
               checked=s.id == current)
        for s in choices.states
        if s.category is not Category.MERGED
    ]  # fmt: skip


def priority_options(current: int | None) -> list[Option]:
    """Return the priorities, most urgent first."""
    return [
        Option(int(p), priority_name(p), *PRIORITY_ICONS[p], checked=p == current)
        for p in sorted(Priority, reverse=True)
    ]


def owner_options(choices: Choices, current: UserId | None, me: UserId | None) -> list[Option]:
    """Return the people, oneself first, then nobody, then the others by name."""
    own = []
    if me is not None and me in choices.users:
        own = [Option(me, _("{name} (you)").format(name=choices.users[me]), "user-check", checked=current == me)]
    nobody = Option(None, _("Nobody"), "user-x", checked=current is None)
    others = sorted(((name, id_) for id_, name in choices.users.items() if id_ != me), key=lambda pair: pair[0])
    return [*own, nobody, *(Option(id_, name, "user", checked=current == id_) for name, id_ in others)]


def tag_options(choices: Choices, present: Collection[TagId]) -> list[Option]:
    """Return the tags: those of the ticket first, each group by name."""
    named = sorted(choices.tags.items(), key=lambda pair: (pair[0] not in present, pair[1].casefold()))
    return [Option(id_, name, "tag", checked=id_ in present) for id_, name in named]


def snooze_options(now_ms: int, zone: tzinfo | None = None) -> list[Option]:
    """Return times to come back, as (until_ms, words), later ones last; until None ends a snooze."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
    morning = now.replace(hour=9, minute=0, second=0, microsecond=0)
    times = [
        (_("In one hour"), now + timedelta(hours=1)),
        (_("In three hours"), now + timedelta(hours=3)),
        (_("Tomorrow morning"), morning + timedelta(days=1)),
        (_("Next Monday morning"), morning + timedelta(days=7 - now.weekday())),
        (_("In a week"), morning + timedelta(days=7)),
    ]
    options = []
    for text, at in times:
        until = round(at.timestamp() * 1000)
        words = fmt.moment(until, zone)
        options.append(Option((until, words), text, "alarm-clock", detail=words))
    return [*options, Option((None, ""), _("Back in the lists now"), "inbox")]
