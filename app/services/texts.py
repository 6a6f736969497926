# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for values of tickets: states, priorities, channels, names with 님, in the language spoken now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.config.i18n import N_, _, language
from app.domain.assist import Scope
from app.domain.entities import Category, Priority
from app.domain.ids import StateId, UserId
from app.domain.ports import Choices, TicketRow, ViewKey

__all__ = [
    "channel_name",
    "owner_name",
    "polite",
    "priority_name",
    "row_words",
    "scope_kinds",
    "scope_name",
    "session_end_words",
    "spoken_number",
    "state_name",
    "view_name",
]

_PRIORITIES: Mapping[int, str] = {
    Priority.LOW: N_("Low"),
    Priority.NORMAL: N_("Normal"),
    Priority.HIGH: N_("High"),
    Priority.URGENT: N_("Urgent"),
}
_CATEGORIES: Mapping[Category, str] = {
    Category.NEW: N_("New"),
    Category.OPEN: N_("In progress"),
    Category.WAITING_CUSTOMER: N_("Waiting for customer"),
    Category.WAITING_INTERNAL: N_("Waiting internally"),
    Category.HELD: N_("Held for incident"),
    Category.SOLVED: N_("Solved"),
    Category.CLOSED: N_("Closed"),
    Category.MERGED: N_("Merged"),
}
_CHANNELS: Mapping[str, str] = {
    "mail": N_("E-mail"),
    "email": N_("E-mail"),
    "chat": N_("Chat"),
    "phone": N_("Phone"),
    "visit": N_("Visit"),
    "portal": N_("Portal"),
    "companion": N_("Companion app"),
    "social": N_("Social media"),
}
_VIEWS: Mapping[ViewKey, str] = {
    ViewKey.MINE: N_("My tickets"),
    ViewKey.UNASSIGNED: N_("Unassigned"),
    ViewKey.TEAM: N_("Team queue"),
    ViewKey.WAITING: N_("Waiting"),
    ViewKey.SNOOZED: N_("Snoozed"),
    ViewKey.ALL_LIVE: N_("All open tickets"),
    ViewKey.SOLVED: N_("Solved"),
    ViewKey.ALL: N_("All tickets"),
}
_ENDINGS: Mapping[str, str] = {
    "cancelled": N_("The invitation was withdrawn."),
    "expired": N_("The invitation ran out without an answer."),
    "not_registered": N_("The server did not register the invitation."),
    "bad_invitation": N_("The invitation could not be used on the customer's computer."),
    "forbidden": N_("Policy on the customer's computer allows no screen sharing."),
    "refused": N_("The customer did not allow it, or did not answer in time."),
    "refused/customer": N_("The customer did not allow it."),
    "refused/system": N_("Nobody answered in time, and that counts as no."),
    "unreachable": N_("No connection between the two computers could be made."),
    "no_relay": N_("The relay, which is the only way allowed, could not be used."),
    "sas_mismatch": N_("The check numbers differ. The session was ended to keep the customer safe."),
    "unverified": N_("The check number was not confirmed in time."),
    "idle": N_("Nothing was done for ten minutes."),
    "lost": N_("The connection broke and did not come back."),
    "not_confirmed": N_("The customer did not confirm going on."),
    "limit": N_("The longest time of a session is reached."),
    "stopped": N_("The session was ended."),
    "revoked": N_("The server withdrew the session."),
    "ticket_closed": N_("The ticket is no longer open."),
    "ticket_moved": N_("The ticket went to a team that the agent is not in."),
    "requester_changed": N_("The ticket was given to another customer."),
    "requester_blocked": N_("The customer was blocked."),
    "protocol": N_("The other end sent something that is not allowed."),
    "child_failed": N_("The session program failed."),
    "capture_failed": N_("The screen could no longer be captured."),
    "not_kept": N_("The customer's computer could not keep the record, so nothing more was shared."),
}


_SCOPES: Mapping[str, str] = {
    Scope.VIEW: N_("look"),
    Scope.POINTER: N_("point"),
    Scope.CONTROL: N_("mouse and keyboard"),
    Scope.CLIPBOARD_TO_CUSTOMER: N_("clipboard to the customer"),
    Scope.CLIPBOARD_TO_AGENT: N_("clipboard from the customer"),
    Scope.FILES_TO_CUSTOMER: N_("files to the customer"),
    Scope.FILES_TO_AGENT: N_("files from the customer"),
    Scope.DIAGNOSTICS: N_("diagnostics"),
    Scope.RECORDING: N_("recording"),
}


_KINDS: Sequence[tuple[frozenset[Scope], str]] = (
    (frozenset({Scope.CONTROL}), N_("mouse and keyboard")),
    (frozenset({Scope.CLIPBOARD_TO_CUSTOMER, Scope.CLIPBOARD_TO_AGENT}), N_("clipboard")),
    (frozenset({Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT}), N_("files")),
    (frozenset({Scope.DIAGNOSTICS}), N_("diagnostics")),
    (frozenset({Scope.RECORDING}), N_("recording")),
)


def polite(name: str) -> str:
    """Return a person's name as sentences use it: with 님 in Korean, never twice."""
    name = name.strip()
    return f"{name} 님" if language() == "ko" and name and not name.endswith("님") else name


def priority_name(priority: int) -> str:
    """Return the word for a priority."""
    return _(_PRIORITIES.get(priority, N_("Normal")))


def category_name(category: Category) -> str:
    """Return the word for a state category."""
    return _(_CATEGORIES[category])


def state_name(choices: Choices, state: StateId, category: Category) -> str:
    """Return the name of a state as the organisation set it, or the category's word when it is not known here."""
    for choice in choices.states:
        if choice.id == state:
            return choice.name_ko if language() == "ko" else choice.name_en
    return category_name(category)


def owner_name(choices: Choices, owner: UserId | None) -> str:
    """Return who has the ticket, in words."""
    if owner is None:
        return _("Nobody")
    return choices.users.get(owner, _("Somebody else"))


def channel_name(channel: str) -> str:
    """Return the word for a channel; one unknown here stays as it is."""
    return _(_CHANNELS[channel]) if channel in _CHANNELS else channel


def view_name(view: ViewKey) -> str:
    """Return the title of a view."""
    return _(_VIEWS[view])


def session_end_words(reason: str, by: str = "") -> str:
    """Return why a session ended, as a sentence; "" when the reason is not known here. `by` tells a no from silence."""
    text = _ENDINGS.get(f"{reason}/{by}", _ENDINGS.get(reason, ""))
    return _(text) if text else ""


def scope_name(scope: str) -> str:
    """Return the word for a kind of access; one unknown here stays as it is."""
    return _(_SCOPES[scope]) if scope in _SCOPES else scope


def scope_kinds(scopes: Iterable[Scope]) -> str:
    """Return the words for kinds of access as policy names them, whichever way they go."""
    found = frozenset(scopes)
    return ", ".join(_(name) for kind, name in _KINDS if kind & found)


def spoken_number(row: TicketRow) -> str:
    """Return the number as a screen reader says it: provisional ones are said to be so."""
    if row.number is not None:
        return f"#{row.number}"
    device, _dash, count = row.provisional.lstrip("~").partition("-")
    return _("provisional {device} {count}").format(device=device, count=count)


def row_words(row: TicketRow, choices: Choices, when: str, due: str = "", *, written_on: bool = False) -> str:
    """Return a list row in words, for screen readers. `due` says how its clock stands.

    `written_on`: others write on it now.
    """
    parts = [row.subject, polite(row.customer_name), spoken_number(row), state_name(choices, row.state, row.category)]
    if row.priority >= Priority.HIGH:
        parts.append(_("{priority} priority").format(priority=priority_name(row.priority)))
    if row.unread:
        parts.append(_("unread"))
    if row.unanswered:
        parts.append(_("not answered"))
    if row.needs_you:
        parts.append(_("needs you"))
    if row.pending:
        parts.append(_("changes wait to be sent"))
    if row.has_draft:
        parts.append(_("draft"))
    if written_on:
        parts.append(_("others are writing"))
    parts.append(due)
    return ", ".join([*(part for part in parts if part), when])
