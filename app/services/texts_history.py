# SPDX-License-Identifier: GPL-3.0-or-later
"""History lines in plain words: who changed what, who allowed which look at the screen, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.config.i18n import N_, _
from app.domain.entities import Category
from app.domain.ids import StateId, TagId, UserId
from app.domain.needs import NeedItem, NeedKind
from app.domain.ports import Choices, ItemKind, ThreadItem
from app.services.complaints import STEP_NAMES, cause_name
from app.services.texts import owner_name, polite, priority_name, state_name
from app.services.texts_callbacks import acknowledged_line, call_line
from app.services.texts_due import clock_line
from app.services.texts_moves import MOVE_LINES, member_line, moved_line
from app.services.texts_needs import field_name, value_words
from app.services.texts_promises import promise_line
from app.services.texts_sessions import session_line
from app.services.texts_surveys import survey_line

__all__ = ["EventLine", "event_line"]


@dataclass(frozen=True, slots=True)
class EventLine:
    """A quiet line of the conversation; `strong` for what must not be missed (consent, end of a session)."""

    text: str
    icon: str
    strong: bool = False
    restore: tuple[str, object] | None = None  # field and value that gave way, ids as hex


# these stand in the conversation as messages of their own
_SHOWN_ELSEWHERE = frozenset({"reply", "customer", "note"})
_FIELDS: Mapping[str, str] = {
    "subject": N_("subject"),
    "kind": N_("kind"),
    "organisation": N_("organisation"),
    "asset": N_("product"),
    "tier": N_("support level"),
    "language": N_("language"),
    "snooze_until": N_("snooze"),
    "incident": N_("incident"),
    "close_reason": N_("close reason"),
    "customer": N_("customer"),
    "root_cause": N_("cause"),
    "follow_up": N_("follow-up"),
    "follow_up_at": N_("time of the follow-up"),
    "follow_up_owner": N_("who follows up"),
}


def event_line(
    item: ThreadItem, items: Sequence[ThreadItem], choices: Choices, me: UserId | None = None
) -> EventLine | None:
    """Return the words of a history item, or None for one that shows elsewhere. `items` is the whole conversation."""
    if item.kind is not ItemKind.EVENT or item.event in _SHOWN_ELSEWHERE:
        return None
    who = polite(item.author_name) or _("The system")
    if item.event.startswith("session."):
        if not item.author_name and item.data.get("by") == "customer":
            who = _("The customer")
        words = session_line(item, items, who)
        return EventLine(*words) if words is not None else None
    if item.event == "gave_way":
        return _gave_way(item, items, choices, me)
    if item.event in MOVE_LINES:
        return EventLine(*MOVE_LINES[item.event](item.data, who))
    if item.event == "promise":
        promised = promise_line(item.data, who)
        return EventLine(*promised) if promised is not None else None
    if item.event == "callback":
        called = call_line(item.data, who)
        return EventLine(*called) if called is not None else None
    if item.event == "acknowledged":
        return EventLine(*acknowledged_line(item.data))
    if item.event == "survey":
        return EventLine(*survey_line(item.data, who))
    if item.event == "complaint":
        return _complaint(item.data, who)
    clock = clock_line(item.event, item.data)
    if clock is not None:
        return EventLine(*clock)
    maker = _LINES.get(item.event)
    return maker(item.data, who, choices) if maker else None


def _opened(data: Mapping[str, object], who: str, choices: Choices) -> EventLine:
    del choices
    if data.get("origin") == "customer":
        return EventLine(_("{who} opened the ticket").format(who=who), "ticket")
    return EventLine(_("{who} took the ticket down").format(who=who), "ticket")


def _state(data: Mapping[str, object], who: str, choices: Choices) -> EventLine:
    category = _category(data.get("category"))
    name = state_name(choices, StateId(_id(data.get("new"))), category)
    if "category" in data:
        return EventLine(_("State became “{state}” by writing").format(state=name), "circle-dot")
    return EventLine(_("{who} set the state to “{state}”").format(who=who, state=name), "circle-dot")


def _field(data: Mapping[str, object], who: str, choices: Choices) -> EventLine:
    name, new = str(data.get("field", "")), data.get("new")
    if data.get("reason"):
        return handed_line(data, _field({**data, "reason": ""}, who, choices))
    if name == "state":
        return _undone(data, _state({"new": new}, who, choices))
    if name == "priority":
        text = _("{who} set the priority to {priority}").format(who=who, priority=priority_name(_int(new)))
        return _undone(data, EventLine(text, "flag"))
    if name == "team":
        return EventLine(*moved_line(new, who, choices))
    if name == "owner":
        return _undone(data, _owner(new, who, choices))
    if name == "snooze_until" and not new:
        return EventLine(_("{who} ended the snooze").format(who=who), "alarm-clock")
    if name == "root_cause" and new:
        text = _("{who} named the cause: {cause}").format(who=who, cause=cause_name(new))
        return _undone(data, EventLine(text, "flag"))
    if name == "follow_up" and new:
        text = _("{who} planned a follow-up") if new == "planned" else _("{who} decided that no follow-up is needed")
        return _undone(data, EventLine(text.format(who=who), "calendar"))
    if name == "tier":
        return _undone(data, EventLine(_("{who} set support level {n}").format(who=who, n=_int(new)), "layers"))
    if name == "snooze_until":
        when = _day_and_time(_int(new))
        return _undone(data, EventLine(_("{who} snoozed it until {when}").format(who=who, when=when), "alarm-clock"))
    label = _(_FIELDS[name]) if name in _FIELDS else name
    return _undone(data, EventLine(_("{who} changed: {field}").format(who=who, field=label), "pen-line"))


def _complaint(data: Mapping[str, object], who: str) -> EventLine | None:
    """A step of the complaint guide, or words of the customer's that were marked."""
    if data.get("mark"):
        texts = {"fact": _("{who} marked as fact: “{text}”"), "feeling": _("{who} marked as feeling: “{text}”")}
        text = texts.get(str(data["mark"]))
        return EventLine(text.format(who=who, text=data.get("text", "")), "sticky-note") if text is not None else None
    name = {step.value: words for step, words in STEP_NAMES.items()}.get(str(data.get("step")))
    if name is None:
        return None
    done = _("{who} did a step of the complaint guide: {step}")
    text = done if data.get("done") else _("{who} opened a step of the complaint guide again: {step}")
    return EventLine(text.format(who=who, step=_(name)), "circle-check" if data.get("done") else "circle")


def handed_line(data: Mapping[str, object], line: EventLine) -> EventLine:
    """Return the line of a hand-over with its reason, which must not be missed."""
    text = _("{line}. Reason: {reason}").format(line=line.text, reason=data.get("reason"))
    return EventLine(text, line.icon, strong=data.get("field") == "owner")


def _owner(new: object, who: str, choices: Choices) -> EventLine:
    if not new:
        return EventLine(_("{who} put the ticket back: nobody has it now").format(who=who), "user-x")
    name = polite(owner_name(choices, UserId(_id(new))))
    if name == who:
        return EventLine(_("{who} took the ticket").format(who=who), "user-check")
    return EventLine(_("{who} gave the ticket to {owner}").format(who=who, owner=name), "user-check")


def _undone(data: Mapping[str, object], line: EventLine) -> EventLine:
    if data.get("cause") != "undo":
        return line
    return EventLine(_("{line} (undone)").format(line=line.text), "undo-2")


def _member(data: Mapping[str, object], who: str, choices: Choices) -> EventLine | None:
    if data.get("kind") != "tag":
        words = member_line(data, who, choices)
        return EventLine(*words) if words is not None else None
    tag = choices.tags.get(TagId(_id(data.get("member"))), "?")
    if data.get("present"):
        return EventLine(_("{who} added the tag “{tag}”").format(who=who, tag=tag), "tag")
    return EventLine(_("{who} removed the tag “{tag}”").format(who=who, tag=tag), "tag")


def _gave_way(item: ThreadItem, items: Sequence[ThreadItem], choices: Choices, me: UserId | None) -> EventLine | None:
    """A value that lost, by rule or until a person chooses; it can be put back from here."""
    name = str(item.data.get("field", ""))
    lost, kept = item.data.get("new"), item.data.get("old")
    if not name:
        return None
    subject = NeedItem(item.id, NeedKind.FIELD, item.at, field=name)
    mine, theirs = (value_words(subject, v, choices, _day_and_time) for v in (lost, kept))
    if item.author == me and me is not None:
        text = _("{field}: your “{mine}” gave way to “{theirs}” of {who}")
        known = {"who": polite(_winner(item, items)) or _("somebody else")}
    else:
        text = _("{field}: “{mine}” of {who} gave way to “{theirs}”")
        known = {"who": polite(item.author_name) or _("somebody else")}
    text = text.format(field=field_name(name), mine=mine, theirs=theirs, **known)
    return EventLine(text, "merge", strong=True, restore=(name, lost))


def _winner(item: ThreadItem, items: Sequence[ThreadItem]) -> str:
    """Return who set the value that stayed, if that stands in the history."""
    name, kept = item.data.get("field"), item.data.get("old")
    found = [
        i.author_name for i in items if i.event == "field" and i.data.get("field") == name and i.data.get("new") == kept
    ]
    return found[-1] if found else ""


def _day_and_time(ms: int) -> str:
    """Return day and time. Raises ValueError or OverflowError for what no calendar has."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


_LINES: Mapping[str, Callable[[Mapping[str, object], str, Choices], EventLine | None]] = {
    "opened": _opened,
    "state": _state,
    "field": _field,
    "member": _member,
}


def _id(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return bytes.fromhex(str(value))
    except ValueError:
        return b""


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _category(value: object) -> Category:
    try:
        return Category(str(value))
    except ValueError:
        return Category.OPEN
