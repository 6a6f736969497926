# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of the Needs-you page: what waits and why, what is safe, and the values of fields as people read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.config.i18n import N_, _, ngettext
from app.domain.attachments import clean_name
from app.domain.changes import MemberSet, TicketSet
from app.domain.entities import Category
from app.domain.ids import StateId, TagId, UserId
from app.domain.needs import NeedItem, NeedKind
from app.domain.ports import Choices
from app.services.texts import polite, priority_name, state_name

__all__ = [
    "NeedWords",
    "body_text",
    "brief",
    "change_words",
    "entry_line",
    "field_name",
    "need_words",
    "settled_words",
    "value_words",
]

Clock = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class NeedWords:
    """`reason` stands in the list, `title` and `full` (what happened, what is safe, what to do) at the entry."""

    reason: str
    title: str
    full: str
    icon: str
    tone: str


FIELDS: Mapping[str, str] = {
    "state": N_("State"),
    "priority": N_("Priority"),
    "owner": N_("Owner"),
    "team": N_("Team"),
    "subject": N_("Subject"),
    "kind": N_("Kind"),
    "customer": N_("Customer"),
    "organisation": N_("Organisation"),
    "asset": N_("Product"),
    "tier": N_("Support level"),
    "language": N_("Language"),
    "snooze_until": N_("Snooze"),
    "incident": N_("Incident"),
    "close_reason": N_("Close reason"),
    "present": N_("Tag"),
    "note": N_("Note of the organisation"),
    "cause": N_("Cause"),
    "body": N_("Text"),
    "name": N_("Name"),
    "preferred_name": N_("Preferred name"),
    "zone": N_("Time zone"),
    "call_times": N_("Likes to be called"),
    "value": N_("Address or number"),
    "label": N_("What it is for"),
    "is_primary": N_("Main"),
    "verified_at": N_("Verified"),
    "serial": N_("Serial number"),
    "model": N_("Model"),
    "product": N_("Product"),
    "purchased_on": N_("Purchased on"),
    "warranty_until": N_("Warranty until"),
    "status": N_("State"),
}
_REASONS: Mapping[str, str] = {
    "scope": N_("You no longer see the team of this ticket."),
    "transition_refused": N_("A ticket cannot go from that state to this one."),
    "reply_first": N_("The customer's last message had no reply yet."),
    "close_reason_needed": N_("Closing without an answer needs a reason."),
    "no_such_ticket": N_("The ticket was not there any more."),
    "no_such_customer": N_("The customer was not there any more."),
    "merged": N_("The ticket had been merged into another one."),
    "read_only": N_("Only the server sets this field."),
    "address_taken": N_("Another customer already had this address."),
    "serial_taken": N_("Another product of this name already had this serial number."),
    "not_yours": N_("The view belongs to somebody else."),
    "hours_changed": N_("Somebody else had changed these opening hours before."),
    "id_taken": N_("The server already has something else under the same id."),
    "text_too_long": N_("The text is longer than your organisation allows."),
    "error": N_("The server could not process it. The failing is ours."),
    "upload": N_("The attached file did not arrive."),
}
_CHANGES: Mapping[str, str] = {
    "ticket.create": N_("New ticket"),
    "ticket.set": N_("Change of fields"),
    "ticket.move": N_("Move to another team"),
    "ticket.delete": N_("Deletion of a ticket"),
    "ticket.restore": N_("Restoring a ticket"),
    "ticket.merge": N_("Merging tickets"),
    "ticket.unmerge": N_("Undoing a merge"),
    "ticket.split": N_("Splitting a ticket"),
    "message.add": N_("Reply"),
    "note.add": N_("Internal note"),
    "time.add": N_("Time entry"),
    "member.add": N_("Tag added"),
    "member.remove": N_("Tag removed"),
    "customer.set": N_("Change of a customer"),
    "customer.create": N_("New customer"),
    "customer.merge": N_("Merging customers"),
    "customer.unmerge": N_("Undoing a merge of customers"),
    "address.add": N_("New address of a customer"),
    "address.set": N_("Change of a customer's address"),
    "address.delete": N_("Removal of a customer's address"),
    "address.restore": N_("Restoring a customer's address"),
    "asset.create": N_("New product of a customer"),
    "asset.set": N_("Change of a product"),
    "asset.delete": N_("Removal of a product"),
    "asset.restore": N_("Restoring a product"),
    "terms.add": N_("New support terms"),
    "facts.add": N_("What is already known"),
    "text.edit": N_("Edit of a text"),
    "session.record": N_("Record of a session"),
    "view.create": N_("New view"),
    "view.set": N_("Change of a view"),
    "view.delete": N_("Deletion of a view"),
    "view.restore": N_("Restoring a view"),
    "read.mark": N_("Read mark"),
    "draft.put": N_("Draft, for your other computers"),
    "draft.delete": N_("Discarded draft, for your other computers"),
    "promise.add": N_("Promise"),
    "callback.request": N_("Callback"),
    "callback.cancel": N_("Cancelling a callback"),
    "callback.take": N_("Taking on a callback"),
    "callback.attempt": N_("Call attempt"),
    "survey.answer": N_("Answer to the two questions"),
    "article.save": N_("Article"),
    "announcement.save": N_("Announcement"),
    "contact.set": N_("Change of the support contact"),
    "calendar.save": N_("Opening hours"),
    "complaint.step": N_("Step of the complaint guide"),
    "promise.withdraw": N_("Taking back a promise"),
    "template.create": N_("New canned reply or macro"),
    "template.set": N_("Change of a canned reply or macro"),
    "template.delete": N_("Deletion of a canned reply or macro"),
    "template.restore": N_("Restoring a canned reply or macro"),
}


def field_name(name: str) -> str:
    """Return the word for a field; one unknown here stays as it is."""
    return _(FIELDS[name]) if name in FIELDS else name


def change_words(name: str) -> str:
    """Return what a kept change is."""
    return _(_CHANGES[name]) if name in _CHANGES else name or _("A change")


def value_words(item: NeedItem, value: object, choices: Choices, clock: Clock, name: str = "") -> str:
    """Return a field's value as people read it."""
    field = name or item.field
    if value is None or value == "":
        return _("Nobody") if field == "owner" else _("Empty")
    if field == "priority" and isinstance(value, int):
        return priority_name(value)
    if field == "snooze_until" and isinstance(value, int):
        return _moment(value, clock)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, bytes):
        value = value.hex()
    return _id_words(item, field, str(value), choices)


def _moment(ms: int, clock: Clock) -> str:
    """Return a moment in words; one that no calendar has, as an older server let in, as a dash."""
    try:
        return clock(ms)
    except (ValueError, OverflowError, OSError):
        return "–"


def _id_words(item: NeedItem, field: str, value: str, choices: Choices) -> str:
    raw = _id(value)
    if raw is None:
        return value
    if field == "state":
        return state_name(choices, StateId(raw), Category.OPEN)
    if field == "owner" and UserId(raw) in choices.users:
        return polite(choices.users[UserId(raw)])
    for team, names in choices.teams.items():
        if team == raw:
            return names[0]
    return polite(item.names[value]) if item.names.get(value) else _("Not available here")


def _id(value: str) -> bytes | None:
    try:
        return bytes.fromhex(value) if len(value) == 32 else None
    except ValueError:
        return None


def body_text(item: NeedItem, choices: Choices, clock: Clock) -> str:
    """Return the kept content of an entry as plain text: what Copy copies and Export writes."""
    if names := _file_names(item):
        return "\n\n".join(filter(None, (item.body, _("Attachments: {names}").format(names=", ".join(names)))))
    if item.body:
        return item.body
    change = item.change
    if isinstance(change, MemberSet):
        return choices.tags.get(TagId(change.member), _("Not available here"))
    fields = change.fields if isinstance(change, TicketSet) else item.fields
    if fields:
        words = ((field_name(n), value_words(item, v, choices, clock, n)) for n, v in sorted(fields.items()))
        return "\n".join(f"{name}: {value}" for name, value in words)
    if item.kind in (NeedKind.FIELD, NeedKind.TEXT):
        return value_words(item, item.mine, choices, clock)
    return change_words(item.name)


def _file_names(item: NeedItem) -> list[str]:
    """Return the names of the files that hang on what is kept; they go with it when it is sent."""
    if item.change is not None:
        return [file.filename for file in getattr(item.change, "attachments", ())]
    args = item.mine.get("args") if isinstance(item.mine, dict) else None
    files = args.get("attachments") if isinstance(args, dict) else None
    names = (file.get("filename") for file in files if isinstance(file, dict)) if isinstance(files, list) else ()
    return [clean_name(name) for name in names if isinstance(name, str)]


def entry_line(item: NeedItem) -> str:
    """Return where an entry belongs: "#4182 Printer stops"."""
    return " ".join(filter(None, (item.label, item.title))) or change_words(item.name)


def brief(item: NeedItem, choices: Choices, clock: Clock) -> str:
    """Return an entry in one line, for a list of several that are decided alike."""
    where = entry_line(item)
    if item.kind is NeedKind.FIELD:
        mine, theirs = (value_words(item, v, choices, clock) for v in (item.mine, item.theirs))
        text = _("{entry} · {field}: yours “{mine}”, theirs “{theirs}”")
        return text.format(entry=where, field=field_name(item.field), mine=mine, theirs=theirs)
    return f"{where} · {need_words(item, choices, clock).reason}"


def need_words(item: NeedItem, choices: Choices, clock: Clock, mine_at: int | None = None) -> NeedWords:
    """Return the words of an entry. `clock` writes a Unix time in ms, for example "10:42"."""
    return _MAKERS[item.kind](item, choices, clock, mine_at)


def _who(item: NeedItem) -> str:
    return polite(item.author_name) or _("Somebody else")


def _field(item: NeedItem, choices: Choices, clock: Clock, mine_at: int | None) -> NeedWords:
    name = field_name(item.field)
    theirs, mine = (value_words(item, v, choices, clock) for v in (item.theirs, item.mine))
    at = clock(item.author_at) if item.author_at else ""
    known = {
        "who": _who(item), "ticket": item.label or item.title, "field": name, "theirs": theirs, "mine": mine,
        "at": at, "mine_at": clock(mine_at) if mine_at else "",
    }  # fmt: skip
    if at and mine_at:
        full = _(
            "{who} changed {field} of {ticket} to “{theirs}” at {at}, you to “{mine}” at {mine_at}. “{theirs}” is in "
            "place, yours is kept. Choose which one stays."
        )
    else:
        full = _(
            "{who} changed {field} of {ticket} to “{theirs}”, you to “{mine}”. “{theirs}” is in place, yours is kept. "
            "Choose which one stays."
        )
    title = _("{field}: two people changed it").format(field=name)
    reason = _("{field}: yours or {who}'s?").format(field=name, who=known["who"])
    return NeedWords(reason, title, full.format(**known), "split", "warning")


def _text(item: NeedItem, choices: Choices, clock: Clock, mine_at: int | None) -> NeedWords:
    del choices, clock, mine_at
    name, who = field_name(item.field), _who(item)
    full = _(
        "You and {who} changed the same lines of this text. What {who} wrote is in place there, your lines are kept. "
        "Choose, or put both together."
    ).format(who=who)
    title = _("{field}: both changed the same lines").format(field=name)
    return NeedWords(_("{field}: the same lines changed twice").format(field=name), title, full, "pen-line", "warning")


_HELD: Mapping[str, str] = {
    "merged": N_(
        "The ticket was merged into another one after you began. Your reply to {customer} is held, not sent. Look at "
        "the ticket, then send, edit or discard it."
    ),
    "customer": N_(
        "The ticket was given another customer after you began. Your reply is held, not sent. Look who would get it, "
        "then send, edit or discard it."
    ),
    "on_hold": N_(
        "The ticket was put on hold for an incident after you began. Your reply to {customer} is held, not sent. Look "
        "at the incident, then send, edit or discard it."
    ),
}


def _stale(item: NeedItem, choices: Choices, clock: Clock, mine_at: int | None) -> NeedWords:
    del choices, clock, mine_at
    customer = polite(item.customer_name) or _("The customer")
    full = _(
        "Somebody wrote after you began. Your reply to {customer} is held, not sent. Read the new messages, then send, "
        "edit or discard it."
    ).format(customer=customer)
    reason = item.theirs.get("reason") if isinstance(item.theirs, dict) else None
    if reason in _HELD:
        full = _(_HELD[str(reason)]).format(customer=customer)
    title = _("Reply to {customer} is held").format(customer=customer)
    return NeedWords(_("Reply held: news came in between"), title, full, "reply", "warning")


def _deleted(item: NeedItem, choices: Choices, clock: Clock, mine_at: int | None) -> NeedWords:
    del choices, clock, mine_at
    who = _who(item)
    full = _(
        "{who} deleted this while you changed it. Your change is kept. You can bring it back with your change, or let "
        "it go."
    ).format(who=who)
    return NeedWords(
        _("Deleted while you changed it"), _("Deleted by {who}").format(who=who), full, "trash-2", "danger"
    )


def _rejected(item: NeedItem, choices: Choices, clock: Clock, mine_at: int | None) -> NeedWords:
    del choices, clock, mine_at
    what = change_words(item.name)
    why = _(_REASONS[item.reason]) if item.reason in _REASONS else ""
    full = _(
        "The server did not take this over. What you wrote is kept here. You can send it again, copy or discard it."
    )
    if why:
        full = f"{why} {full}"
    elif item.reason:
        full = f"{full} ({item.reason})"
    title = _("{what} was not accepted").format(what=what)
    return NeedWords(title, title, full, "circle-alert", "danger")


def _orphaned(item: NeedItem, choices: Choices, clock: Clock, mine_at: int | None) -> NeedWords:
    del choices, clock, mine_at
    what = change_words(item.name)
    full = _(
        "You no longer see the team of this ticket, so this could not be sent. What you wrote is kept here. You can "
        "copy it, export it to a file, or discard it."
    )
    return NeedWords(
        _("{what}: access was withdrawn").format(what=what), _("{what} was not sent").format(what=what), full,
        "user-x", "warning",
    )  # fmt: skip


def _draft(item: NeedItem, choices: Choices, clock: Clock, mine_at: int | None) -> NeedWords:
    del choices, clock, mine_at
    what = change_words(item.name)
    if item.label:
        full = _(
            "You had not sent this yet, and ticket {ticket} is no longer on this computer: you no longer see its team, "
            "or it was deleted. What you wrote is kept here. You can copy it, export it to a file, or discard it. If "
            "the ticket comes back, this is in it again."
        ).format(ticket=item.label)
    else:
        full = _(
            "You had not sent this yet, and its ticket is no longer on this computer: you no longer see its team, or "
            "it was deleted. What you wrote is kept here. You can copy it, export it to a file, or discard it. If the "
            "ticket comes back, this is in it again."
        )
    return NeedWords(
        _("{what}: a draft without its ticket").format(what=what), _("{what} was not sent").format(what=what), full,
        "pen-line", "warning",
    )  # fmt: skip


def _held(item: NeedItem, choices: Choices, clock: Clock, mine_at: int | None) -> NeedWords:
    del choices, clock, mine_at
    what = change_words(item.name)
    full = _(
        "The server holds this back until you decide. What you wrote is kept here. You can send it again, copy or "
        "discard it."
    )
    return NeedWords(
        _("{what} is held").format(what=what), _("{what} is held").format(what=what), full, "circle-pause", "warning"
    )


_MAKERS: Mapping[NeedKind, Callable[[NeedItem, Choices, Clock, int | None], NeedWords]] = {
    NeedKind.FIELD: _field,
    NeedKind.TEXT: _text,
    NeedKind.STALE_REPLY: _stale,
    NeedKind.DELETED: _deleted,
    NeedKind.REJECTED: _rejected,
    NeedKind.ORPHANED: _orphaned,
    NeedKind.HELD: _held,
    NeedKind.DRAFT: _draft,
}


def settled_words(n: int, choice: str) -> str:
    """Return what a toast says about n entries decided alike."""
    texts = {
        "mine": ngettext("Yours stays", "Yours stays in {n} entries", n),
        "theirs": ngettext("The other one stays", "The other one stays in {n} entries", n),
        "edited": ngettext("Your merged version stays", "Your merged version stays in {n} entries", n),
        "again": ngettext("Sent again", "{n} entries are sent again", n),
        "discard": ngettext("Discarded", "{n} entries discarded", n),
        "release": ngettext("Reply is on its way", "{n} replies are on their way", n),
        "restore": ngettext("Brought back with your change", "{n} brought back with your changes", n),
    }
    return texts[choice].format(n=n)
