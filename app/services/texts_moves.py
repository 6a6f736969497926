# SPDX-License-Identifier: GPL-3.0-or-later
"""History lines of tickets that were moved, merged, split, deleted or worked on, in plain words and their icons."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.config.i18n import _, language, ngettext
from app.domain.ids import TeamId
from app.domain.ports import Choices

__all__ = ["MOVE_LINES", "moved_line"]

Words = tuple[str, str]


def _number(data: Mapping[str, object]) -> str:
    number = data.get("number")
    return f"#{number}" if isinstance(number, int) else _("another ticket")


def _count(value: object) -> int:
    return len(value) if isinstance(value, list) else value if isinstance(value, int) else 0


def _merged(data: Mapping[str, object], who: str) -> Words:
    del data
    return _("{who} merged this ticket into another one").format(who=who), "merge"


def _merged_in(data: Mapping[str, object], who: str) -> Words:
    return _("{who} merged {ticket} into this ticket").format(who=who, ticket=_number(data)), "merge"


def _unmerged(data: Mapping[str, object], who: str) -> Words:
    del data
    return _("{who} undid the merge of this ticket").format(who=who), "undo-2"


def _unmerged_from(data: Mapping[str, object], who: str) -> Words:
    return _("{who} took {ticket} out of this ticket again").format(who=who, ticket=_number(data)), "undo-2"


def _split(data: Mapping[str, object], who: str) -> Words:
    count = _count(data.get("rows"))
    text = ngettext("{who} split {count} entry off this ticket", "{who} split {count} entries off this ticket", count)
    return text.format(who=who, count=count), "split"


def _deleted(data: Mapping[str, object], who: str) -> Words:
    del data
    return _("{who} deleted this ticket").format(who=who), "trash-2"


def _restored(data: Mapping[str, object], who: str) -> Words:
    del data
    return _("{who} restored this ticket").format(who=who), "undo-2"


def _time(data: Mapping[str, object], who: str) -> Words:
    count = _count(data.get("minutes"))
    text = ngettext("{who} worked {count} minute on this", "{who} worked {count} minutes on this", count)
    return text.format(who=who, count=count), "clock"


def _customer(data: Mapping[str, object], who: str) -> Words:
    del data
    return _("{who} merged the customer with another record").format(who=who), "merge"


def moved_line(new: object, who: str, choices: Choices) -> Words:
    """Return the words of a ticket that went to another team."""
    try:
        names = choices.teams.get(TeamId(bytes.fromhex(new if isinstance(new, str) else "")))
    except ValueError:
        names = None
    team = names[0 if language() == "ko" else 1] if names else _("another team")
    return _("{who} moved the ticket to “{team}”").format(who=who, team=team), "arrow-up-down"


MOVE_LINES: Mapping[str, Callable[[Mapping[str, object], str], Words]] = {
    "merged": _merged,
    "merged_in": _merged_in,
    "unmerged": _unmerged,
    "unmerged_from": _unmerged_from,
    "split": _split,
    "deleted": _deleted,
    "restored": _restored,
    "time": _time,
    "customer_merged": _customer,
}
