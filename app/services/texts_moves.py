# SPDX-License-Identifier: GPL-3.0-or-later
"""History lines of tickets that were moved, merged, split, deleted or worked on, in plain words and their icons."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.config.i18n import N_, _, language, ngettext
from app.domain.ids import TeamId, UserId
from app.domain.ports import Choices
from app.services.texts import polite

__all__ = ["MOVE_LINES", "member_line", "moved_line"]

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


def _customer_back(data: Mapping[str, object], who: str) -> Words:
    del data
    return _("{who} took the customer's record apart again").format(who=who), "undo-2"


_LINKED: Mapping[str, tuple[str, str]] = {
    "relates": (N_("{who} linked a related ticket"), N_("{who} removed the link to a related ticket")),
    "parent_of": (N_("{who} made this the parent of a ticket"), N_("{who} took a child ticket away")),
    "duplicate_of": (
        N_("{who} marked this as a duplicate of another ticket"), N_("{who} took the mark of a duplicate away"),
    ),
    "follow_up_of": (
        N_("{who} linked the ticket that this follows up"), N_("{who} removed the link to the earlier one"),
    ),
    "split_from": (N_("{who} split this from another ticket"), N_("{who} removed the link to the ticket split")),
}  # fmt: skip


def member_line(data: Mapping[str, object], who: str, choices: Choices) -> Words | None:
    """Return the words of a link or of somebody who watches; None for what is not known here."""
    kind, present = str(data.get("kind", "")), bool(data.get("present"))
    if kind == "watcher":
        try:
            name = polite(choices.users.get(UserId(bytes.fromhex(str(data.get("member")))), ""))
        except ValueError:
            name = ""
        name = name or _("somebody else")
        if name == who:
            text = _("{who} watches this") if present else _("{who} no longer watches this")
        else:
            text = _("{who} lets {name} watch this") if present else _("{who} no longer lets {name} watch this")
        return text.format(who=who, name=name), "eye"
    words = _LINKED.get(kind)
    return (_(words[0 if present else 1]).format(who=who), "link") if words is not None else None


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
    "customer_unmerged": _customer_back,
}
