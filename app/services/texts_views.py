# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of lists: filters as chips, what can be filtered by, orders, densities, columns, remarks about a search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.config.i18n import N_, _
from app.domain.entities import Category
from app.domain.ports import Choices, SortKey
from app.domain.search_text import HAS, IS, NONE_WORDS, OWN_WORDS, Hint, HintKind, Part, canonical, normalise
from app.services.texts import category_name, channel_name, polite, priority_name

__all__ = [
    "FilterChoice", "chip_words", "column_name", "density_name", "filter_choices", "filters_in_words", "hint_words",
    "share_name", "sort_name",
]  # fmt: skip

_SORTS: Mapping[SortKey, str] = {
    SortKey.LAST_ACTIVITY: N_("Newest activity first"),
    SortKey.DUE: N_("Next due first"),
    SortKey.PRIORITY: N_("Most urgent first"),
    SortKey.CREATED: N_("Newest ticket first"),
    SortKey.NUMBER: N_("Highest number first"),
}
_DENSITIES: Mapping[str, str] = {
    "compact": N_("Compact rows"), "normal": N_("Normal rows"), "comfortable": N_("Comfortable rows"),
}  # fmt: skip
_COLUMNS: Mapping[str, str] = {
    "number": N_("Number"), "subject": N_("Subject"), "customer": N_("Customer"), "state": N_("State"),
    "priority": N_("Priority"), "owner": N_("Owner"), "when": N_("Last activity"),
    "due": N_("Due"),
}  # fmt: skip
_OPERATORS: Mapping[str, str] = {
    "state": N_("State"), "owner": N_("Owner"), "team": N_("Team"), "tag": N_("Tag"), "customer": N_("Customer"),
    "org": N_("Company"), "priority": N_("Priority"), "channel": N_("Channel"), "serial": N_("Serial number"),
    "incident": N_("Incident"), "before": N_("Before"), "after": N_("Since"), "in": N_("In"),
}  # fmt: skip
_HAS: Mapping[str, str] = {
    "attachment": N_("With attachment"), "note": N_("With internal note"), "session": N_("With session"),
    "promise": N_("With promise"),
}  # fmt: skip
_IS: Mapping[str, str] = {
    "late": N_("Late"), "snoozed": N_("Snoozed"), "held": N_("Held for incident"), "unread": N_("Unread"),
    "unanswered": N_("Not answered"), "alarm": N_("Security alarm"),
}  # fmt: skip
_SHARES: Mapping[str, str] = {"me": N_("Only me"), "team": N_("My team"), "all": N_("Everybody")}
_PRIORITIES = {"low": 1, "normal": 2, "high": 3, "urgent": 4}
_CHANNELS = ("mail", "chat", "phone", "visit", "portal", "companion", "social")


@dataclass(frozen=True, slots=True)
class FilterChoice:
    """Something to filter by: an operator with its value, and both in words."""

    name: str
    value: str
    group: str
    text: str


def sort_name(sort: SortKey) -> str:
    """Return the words for an order."""
    return _(_SORTS.get(sort, _SORTS[SortKey.LAST_ACTIVITY]))


def density_name(density: str) -> str:
    """Return the words for a density."""
    return _(_DENSITIES[density])


def column_name(column: str) -> str:
    """Return the heading of a column."""
    return _(_COLUMNS[column])


def share_name(share: str) -> str:
    """Return who sees a view."""
    return _(_SHARES.get(share, _SHARES["me"]))


def chip_words(part: Part) -> str:
    """Return a part of a search text as its chip says it."""
    words = _operator_words(part.name, normalise(part.value)) if part.name else part.text.removeprefix("-")
    return _("not {filter}").format(filter=words) if part.negative else words


def _operator_words(name: str, value: str) -> str:
    if name == "has":
        return _(_HAS.get(canonical(HAS, value) or "", value))
    if name == "is":
        return _(_IS.get(canonical(IS, value) or "", value))
    if name == "in":
        return _("In internal notes")
    return _("{what}: {value}").format(what=_(_OPERATORS[name]), value=_value_words(name, value))


def _value_words(name: str, value: str) -> str:
    if name == "owner" and value in OWN_WORDS:
        return _("me")
    if value in NONE_WORDS:
        return _("none")
    if name == "priority" and value in _PRIORITIES:
        return priority_name(_PRIORITIES[value])
    if name == "channel" and value in _CHANNELS:
        return channel_name(value)
    if name == "state" and value == "live":
        return _("open tickets")
    if name == "state" and value in {c.value for c in Category}:
        return category_name(Category(value))
    return value


def filters_in_words(parts: Sequence[Part]) -> str:
    """Return all parts of a search text in one line."""
    return " · ".join(chip_words(part) for part in parts if part.text != "OR")


def filter_choices(choices: Choices) -> list[FilterChoice]:
    """Return what a list can be filtered by, in the order that people look for it."""
    return [
        FilterChoice(name, value, _(_OPERATORS.get(name, "")) if name in _OPERATORS else "", text or
                     _operator_words(name, normalise(value)))
        for name, value, text in _offers(choices)
    ]  # fmt: skip


def _offers(choices: Choices) -> Iterator[tuple[str, str, str]]:
    yield "state", "live", ""
    for category in Category:
        states = [s for s in choices.states if s.category is category]
        for state in states:
            value = category.value if len(states) == 1 else state.name_ko or state.name_en
            yield "state", value, ""
    yield "owner", "me", ""
    yield "owner", "none", ""
    for name in choices.users.values():
        yield "owner", name, _("{what}: {value}").format(what=_("Owner"), value=polite(name))
    for value in reversed(_PRIORITIES):
        yield "priority", value, ""
    for ko, en in choices.teams.values():
        yield "team", ko or en, ""
    yield "is", "late", ""
    yield "is", "unread", ""
    yield "is", "unanswered", ""
    yield "is", "snoozed", ""
    yield "is", "held", ""
    yield "is", "alarm", ""
    for value in _HAS:
        yield "has", value, ""
    for days in ("today", "7d", "30d"):
        yield "after", days, ""
    yield "before", "30d", ""
    for channel in _CHANNELS:
        yield "channel", channel, ""
    for tag in choices.tags.values():
        yield "tag", tag, ""


def hint_words(hint: Hint) -> str:
    """Return a remark about a search text."""
    if hint.kind is HintKind.ONE_SYLLABLE:
        return _("One syllable finds only the beginnings of words.")
    if hint.kind is HintKind.UNKNOWN:
        return _("There is no filter “{name}:”. It was searched for as text.").format(name=hint.text)
    return _("“{part}” fits nothing that is known here.").format(part=hint.text)
