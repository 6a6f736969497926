# SPDX-License-Identifier: GPL-3.0-or-later
"""Every mutation: names, versions, validation, inverse, the fields it rests on and the rows it locks.

A mutation's pure effect on rows is its `effects`, run alike by client and server; `app.domain.executor` settles it
against the conflict policy. New argument fields get defaults and a new version number; meanings never change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from app.domain.attachments import Attachment
from app.domain.changes_base import (
    MAX_BODY_BYTES,
    MAX_SUBJECT_CHARS,
    PREVIEW_CHARS,
    Actor,
    Change,
    Context,
    Derive,
    Effect,
    FieldStamp,
    Insert,
    Key,
    Overlay,
    Row,
    Rows,
    SetField,
    SetText,
    Tell,
    canonical_json,
    category_of,
    children,
    customer_of,
    history,
    landing,
    landing_of,
    live_ticket,
    preview_of,
    set_state_effects,
)
from app.domain.changes_belongings import (
    TERM_TEXTS,
    AddressAdd,
    AddressDelete,
    AddressSet,
    AssetCreate,
    AssetDelete,
    AssetSet,
    TermsAdd,
)
from app.domain.changes_callbacks import CallbackAttempt, CallbackCancel, CallbackRequest, CallbackTake
from app.domain.changes_complaints import ComplaintStep
from app.domain.changes_conflicts import (
    HOLDABLE,
    ConflictResolve,
    Holdable,
    ReplyDiscard,
    ReplyRelease,
    dump_change,
    load_change,
)
from app.domain.changes_contact import ContactSet
from app.domain.changes_customer_merge import CustomerMerge, CustomerUnmerge
from app.domain.changes_customers import CustomerCreate, CustomerSet, TextEdit
from app.domain.changes_drafts import DraftDelete, DraftPut
from app.domain.changes_facts import FACT_CHARS, FactsAdd
from app.domain.changes_hours import CalendarSave
from app.domain.changes_merging import TicketMerge, TicketSplit, TicketUnmerge
from app.domain.changes_promises import PromiseAdd, PromiseWithdraw
from app.domain.changes_publishing import AnnouncementSave, ArticleSave
from app.domain.changes_reading import READ_MARK_NAME, ReadMark
from app.domain.changes_surveys import SurveyAnswer
from app.domain.changes_templates import TemplateCreate, TemplateDelete, TemplateSet
from app.domain.changes_tickets import (
    CHANNELS,
    KINDS,
    MemberSet,
    TicketCreate,
    TicketDelete,
    TicketMove,
    TicketRestore,
    TicketSet,
    membership_id,
)
from app.domain.changes_values import ID_BYTES, checked_value, is_time
from app.domain.changes_views import ViewCreate, ViewDelete, ViewSet
from app.domain.changes_writing import SESSION_HISTORY_KINDS, MessageAdd, NoteAdd, SessionRecordAdd, TimeAdd
from app.domain.entities import (
    ASSET,
    BY_NAME,
    CALLBACK,
    CONFLICT,
    CONTACT_ADDRESS,
    CUSTOMER,
    ENTITLEMENT,
    MEMBERSHIP,
    READ_MARK,
    TEMPLATE,
    TICKET,
    VIEW,
    Entity,
    Kind,
    Priority,
)
from app.domain.errors import Refused

__all__ = [
    "CHANGES",
    "HOLDABLE",
    "ID_BYTES",
    "MAX_BODY_BYTES",
    "MAX_SUBJECT_CHARS",
    "PREVIEW_CHARS",
    "REPLY_BASE",
    "SESSION_HISTORY_KINDS",
    "WHOLE_ROW",
    "Actor",
    "AddressAdd",
    "AddressDelete",
    "AddressSet",
    "AnnouncementSave",
    "AnyChange",
    "ArticleSave",
    "AssetCreate",
    "AssetDelete",
    "AssetSet",
    "CalendarSave",
    "CallbackAttempt",
    "CallbackCancel",
    "CallbackRequest",
    "CallbackTake",
    "Change",
    "ComplaintStep",
    "ConflictResolve",
    "ContactSet",
    "Context",
    "CustomerCreate",
    "CustomerMerge",
    "CustomerSet",
    "CustomerUnmerge",
    "Derive",
    "DraftDelete",
    "DraftPut",
    "Effect",
    "FactsAdd",
    "FieldStamp",
    "Holdable",
    "Insert",
    "Key",
    "MemberSet",
    "MessageAdd",
    "Noop",
    "NoteAdd",
    "Overlay",
    "PromiseAdd",
    "PromiseWithdraw",
    "ReadMark",
    "ReplyDiscard",
    "ReplyRelease",
    "Row",
    "Rows",
    "SessionRecordAdd",
    "SetField",
    "SetText",
    "SurveyAnswer",
    "Tell",
    "TemplateCreate",
    "TemplateDelete",
    "TemplateSet",
    "TermsAdd",
    "TextEdit",
    "TicketCreate",
    "TicketDelete",
    "TicketMerge",
    "TicketMove",
    "TicketRestore",
    "TicketSet",
    "TicketSplit",
    "TicketUnmerge",
    "TimeAdd",
    "ViewCreate",
    "ViewDelete",
    "ViewSet",
    "all_roots",
    "canonical_json",
    "category_of",
    "checked_value",
    "children",
    "customer_of",
    "dump_change",
    "history",
    "inverse",
    "is_known",
    "landing",
    "landing_of",
    "live_ticket",
    "load_change",
    "membership_id",
    "mutable_entities",
    "name_of",
    "preview_of",
    "set_state_effects",
    "touched_fields",
    "validate",
    "version_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Noop:
    """`noop`: takes a mid and does nothing."""

    event: bytes

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Nothing."""
        del rows, ctx
        return []

    def roots(self) -> list[Key]:
        """Nothing to lock."""
        return []


AnyChange = (
    TicketCreate | MessageAdd | NoteAdd | TicketSet | MemberSet | CustomerSet | SessionRecordAdd | Noop | TicketMove
    | TicketDelete | TicketRestore | TicketMerge | TicketUnmerge | TicketSplit | TimeAdd | TextEdit | ConflictResolve
    | ReplyRelease | ReplyDiscard | CustomerCreate | CustomerMerge | CustomerUnmerge | AddressAdd | AddressSet
    | AddressDelete | AssetCreate | AssetSet | AssetDelete | TermsAdd | FactsAdd | ViewCreate | ViewSet | ViewDelete
    | TemplateCreate | TemplateSet | TemplateDelete | PromiseAdd | PromiseWithdraw | ReadMark | ComplaintStep
    | DraftPut | DraftDelete
    | SurveyAnswer
    | ArticleSave
    | AnnouncementSave | ContactSet | CalendarSave
    | CallbackRequest | CallbackCancel | CallbackTake | CallbackAttempt
)  # fmt: skip

FieldsSet = TicketSet | CustomerSet | ViewSet | TemplateSet | AddressSet | AssetSet

# name -> (version, arguments); `member.remove` is `member.add` with present=False, `view.restore` in the same way
CHANGES: Mapping[str, tuple[int, type[AnyChange]]] = {
    "ticket.create": (1, TicketCreate),
    "ticket.set": (1, TicketSet),
    "ticket.move": (1, TicketMove),
    "ticket.delete": (1, TicketDelete),
    "ticket.restore": (1, TicketRestore),
    "ticket.merge": (1, TicketMerge),
    "ticket.unmerge": (1, TicketUnmerge),
    "ticket.split": (1, TicketSplit),
    "message.add": (1, MessageAdd),
    "note.add": (1, NoteAdd),
    "time.add": (1, TimeAdd),
    "text.edit": (1, TextEdit),
    "member.add": (1, MemberSet),
    "member.remove": (1, MemberSet),
    "customer.create": (1, CustomerCreate),
    "customer.set": (1, CustomerSet),
    "customer.merge": (1, CustomerMerge),
    "customer.unmerge": (1, CustomerUnmerge),
    "address.add": (1, AddressAdd),
    "address.set": (1, AddressSet),
    "address.delete": (1, AddressDelete),
    "address.restore": (1, AddressDelete),
    "asset.create": (1, AssetCreate),
    "asset.set": (1, AssetSet),
    "asset.delete": (1, AssetDelete),
    "asset.restore": (1, AssetDelete),
    "terms.add": (1, TermsAdd),
    "facts.add": (1, FactsAdd),
    "session.record": (1, SessionRecordAdd),
    "conflict.resolve": (1, ConflictResolve),
    "reply.release": (1, ReplyRelease),
    "reply.discard": (1, ReplyDiscard),
    "view.create": (1, ViewCreate),
    "view.set": (1, ViewSet),
    "view.delete": (1, ViewDelete),
    "view.restore": (1, ViewDelete),
    "template.create": (1, TemplateCreate),
    "template.set": (1, TemplateSet),
    "template.delete": (1, TemplateDelete),
    "template.restore": (1, TemplateDelete),
    "promise.add": (1, PromiseAdd),
    "promise.withdraw": (1, PromiseWithdraw),
    READ_MARK_NAME: (1, ReadMark),
    "complaint.step": (1, ComplaintStep),
    "survey.answer": (1, SurveyAnswer),
    "article.save": (1, ArticleSave),
    "announcement.save": (1, AnnouncementSave),
    "contact.set": (1, ContactSet),
    "calendar.save": (1, CalendarSave),
    "callback.request": (1, CallbackRequest),
    "callback.cancel": (1, CallbackCancel),
    "callback.take": (1, CallbackTake),
    "callback.attempt": (1, CallbackAttempt),
    "draft.put": (1, DraftPut),
    "draft.delete": (1, DraftDelete),
    "noop": (1, Noop),
}
# what a version added to the arguments has a default: the older form is read as the newer one, and still written
# where nothing of the newer is used, so that an older server takes it
VERSIONS: Mapping[str, int] = {
    "ticket.create": 3, "ticket.set": 2, "message.add": 3, "note.add": 3, "time.add": 2, "customer.create": 2,
    "customer.merge": 2, "reply.release": 2, "facts.add": 2,
}  # fmt: skip
_NAMES: Mapping[type[AnyChange], str] = {cls: name for name, (_, cls) in reversed(list(CHANGES.items()))}

# what a reply rests on beside the messages: base entries for these make it stale when others changed them
REPLY_BASE = ("customer", "incident", "merged_into", "state")
# a base entry of this name says which version of the whole row was seen
WHOLE_ROW = "*"

_DIGEST_FIELDS = frozenset({"entry_hash"})
_LONG_FIELDS = frozenset(
    {"body", "comment", "html", "subject", "entry", "text", "base_text", "note", "name", "value", "reason"}
)
_FACT_FIELDS = frozenset(FACT_CHARS)  # with limits of their own
_VIEW_FIELDS = frozenset({"condition", "columns", "marks"})  # their lengths are the view's own rule
_SHORT_TEXT_CHARS = 64
_MAX_NOTE_CHARS = 2000
_MAX_REASON_CHARS = 200
_MAX_FIELDS = 40
_MAX_MANY = 1000


def validate(change: AnyChange) -> None:
    """Check what types alone cannot say: sizes of ids, texts and lists, and words. Raises Refused("bad_value")."""
    for item in fields(change):
        value = getattr(change, item.name)
        parts = value if isinstance(value, tuple) else (value,)
        if len(parts) > _MAX_MANY or not all(_is_fit(item.name, part) for part in parts):
            raise Refused("bad_value", field=item.name)
    if isinstance(change, TicketCreate):
        _validate_create(change)
    if isinstance(change, FieldsSet) and not 0 < len(change.fields) <= _MAX_FIELDS:
        raise Refused("bad_value", field="fields")
    if isinstance(change, MessageAdd | ReplyRelease | DraftPut) and change.seen_seq < 0:
        raise Refused("bad_value", field="seen_seq")
    if isinstance(change, SessionRecordAdd) and not is_time(change.at):
        raise Refused("bad_value", field="at")
    if isinstance(change, TimeAdd) and len(change.note) > _MAX_NOTE_CHARS:
        raise Refused("bad_value", field="note")
    if isinstance(change, TicketSet) and (len(change.reason) > _MAX_REASON_CHARS or "\n" in change.reason):
        raise Refused("bad_value", field="reason")
    for name in ("occurred_at", "started_at"):
        at = getattr(change, name, None)
        if at is not None and not is_time(at):
            raise Refused("bad_value", field=name)


def _is_fit(name: str, value: object) -> bool:
    if isinstance(value, bytes):
        return len(value) == (32 if name in _DIGEST_FIELDS else ID_BYTES)
    if isinstance(value, str):
        return _is_storable(value) and (
            name in _LONG_FIELDS | _VIEW_FIELDS | _FACT_FIELDS or len(value) <= _SHORT_TEXT_CHARS
        )
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, Attachment):  # its sizes are checked with the words
        return _is_storable(value.filename) and _is_storable(value.media_type)
    return value is None or name in ("fields", "value", "found_at")


def _is_storable(text: str) -> bool:
    """PostgreSQL keeps no NUL in texts; a lone surrogate has no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _validate_create(change: TicketCreate) -> None:
    if change.priority not in {int(p) for p in Priority}:
        raise Refused("bad_value", field="priority")
    if change.kind not in KINDS:
        raise Refused("bad_value", field="kind")
    if change.channel not in CHANNELS:
        raise Refused("bad_value", field="channel")


def name_of(change: AnyChange) -> str:
    """Return the mutation's name on the wire."""
    if isinstance(change, MemberSet) and not change.present:
        return "member.remove"
    if isinstance(change, ViewDelete) and not change.gone:
        return "view.restore"
    if isinstance(change, TemplateDelete) and not change.gone:
        return "template.restore"
    if isinstance(change, AddressDelete | AssetDelete) and not change.gone:
        return _NAMES[type(change)].replace(".delete", ".restore")
    return _NAMES[type(change)]


def version_of(change: AnyChange) -> int:
    """Return the lowest version of the mutation that can say this."""
    name = name_of(change)
    if isinstance(change, TicketCreate | MessageAdd) and change.occurred_at is not None:
        return 3
    if isinstance(change, NoteAdd) and change.html is not None:
        return 3
    if isinstance(change, ReplyRelease):
        return 1 if change.html is None else 2
    newer = (
        (isinstance(change, TicketCreate | MessageAdd | NoteAdd) and bool(change.attachments))
        or (isinstance(change, TicketSet) and bool(change.reason))
        or (isinstance(change, TimeAdd) and change.started_at is not None)
        or (isinstance(change, CustomerCreate) and bool(change.phone or change.email))
        or (isinstance(change, CustomerMerge) and bool(change.fields))
        or (isinstance(change, FactsAdd) and _says_more(change))
    )
    return 2 if newer else CHANGES[name][0]


def _says_more(card: FactsAdd) -> bool:
    return bool(card.device or card.free_disk or card.network or card.found_at)


def is_known(name: str, v: int) -> bool:
    """Whether this version of a mutation can be read."""
    return name in CHANGES and CHANGES[name][0] <= v <= VERSIONS.get(name, CHANGES[name][0])


def touched_fields(change: AnyChange, rows: Rows | None = None) -> tuple[int, bytes, Sequence[str]] | None:
    """Return (type, row id, fields) that the change rests on and for which base entries are recorded, or None.

    What a resolved conflict rests on is known only to who can read its row.
    """
    if isinstance(change, TicketSet):
        return TICKET.number, change.ticket, tuple(change.fields)
    if isinstance(change, CustomerSet):
        return CUSTOMER.number, change.customer, tuple(change.fields)
    if isinstance(change, ViewSet):
        return VIEW.number, change.view, tuple(change.fields)
    if isinstance(change, TemplateSet):
        return TEMPLATE.number, change.template, tuple(change.fields)
    if isinstance(change, AddressSet):
        return CONTACT_ADDRESS.number, change.address, tuple(change.fields)
    if isinstance(change, AssetSet):
        return ASSET.number, change.asset, tuple(change.fields)
    if isinstance(change, CustomerMerge):
        return CUSTOMER.number, change.into, tuple(change.fields)
    if isinstance(change, MemberSet):
        return MEMBERSHIP.number, membership_id(change.ticket, change.kind, change.member), ("present",)
    if isinstance(change, MessageAdd):
        return None if change.inbound else (TICKET.number, change.ticket, REPLY_BASE)
    if isinstance(change, TicketMove):
        return TICKET.number, change.ticket, ("team",)
    if isinstance(change, TicketDelete):
        return TICKET.number, change.ticket, (WHOLE_ROW,)
    if isinstance(change, TextEdit):
        return change.type, change.id, (change.field,)
    if isinstance(change, ConflictResolve) and rows is not None:
        return _resolved_field(change, rows)
    return None


def _resolved_field(change: ConflictResolve, rows: Rows) -> tuple[int, bytes, Sequence[str]] | None:
    row = rows.get(CONFLICT.number, change.conflict)
    if row is None or change.choice == "theirs" or row.values["kind"] not in ("field", "text"):
        return None
    number, subject = row.values["subject_type"], row.values["subject"]
    if not isinstance(number, int) or not isinstance(subject, bytes):
        return None
    return number, subject, (str(row.values["field"]),)


def all_roots(change: AnyChange, rows: Rows) -> set[Key]:
    """Return every row to lock: the change's own roots and those that reading the rows brings up."""
    out = set(change.roots())
    more = getattr(change, "more_roots", None)
    if more is not None:
        out |= set(more(rows))
    for type_, id_ in list(out):
        if type_ == TICKET.number:
            row, via = landing_of(rows, id_)
            if row is not None and via is not None:
                out.add((TICKET.number, row.id))
    return out


def inverse(change: AnyChange, before: Callable[[int, bytes], Row | None], event: bytes) -> AnyChange | None:
    """Return the change that undoes this one, given the rows before it; None for what cannot be undone."""
    if isinstance(change, MemberSet):
        return replace(change, event=event, present=not change.present)
    if isinstance(change, TicketDelete):
        return TicketRestore(event, change.ticket)
    if isinstance(change, TicketRestore):
        return TicketDelete(event, change.ticket)
    if isinstance(change, TicketMerge):
        return TicketUnmerge(event, change.ticket)
    if isinstance(change, TicketSplit):
        return TicketMerge(event, change.new_ticket, change.ticket)
    if isinstance(change, ComplaintStep):
        return None if change.mark else replace(change, event=event, done=not change.done)
    if isinstance(change, PromiseAdd):
        return PromiseWithdraw(event, change.promise, change.ticket)
    if isinstance(change, CallbackRequest):
        return CallbackCancel(event, change.callback, change.ticket)
    if isinstance(change, CallbackCancel | CallbackTake):
        return _inverse_of_call(change, before, event)
    if isinstance(change, ReadMark):
        return _inverse_of_unread(change, before, event)
    if isinstance(change, ViewCreate):
        return ViewDelete(event, change.view)
    if isinstance(change, TemplateCreate):
        return TemplateDelete(event, change.template)
    if isinstance(change, CustomerMerge):
        return CustomerUnmerge(event, change.customer)
    if isinstance(change, AddressAdd):
        return AddressDelete(event, change.address)
    if isinstance(change, AssetCreate):
        return AssetDelete(event, change.asset)
    if isinstance(change, TermsAdd):
        return _inverse_of_terms(change, before, event)
    if isinstance(change, ViewDelete | TemplateDelete | AddressDelete | AssetDelete):
        return replace(change, event=event, gone=not change.gone)
    if isinstance(change, TicketUnmerge | TicketMove | TextEdit | FieldsSet):
        return _inverse_of_values(change, before, event)
    return None


def _inverse_of_call(
    change: CallbackCancel | CallbackTake, before: Callable[[int, bytes], Row | None], event: bytes
) -> AnyChange | None:
    """A cancelled call is asked for again, and confirmed if its time is still free; who called cannot be undone."""
    row = before(CALLBACK.number, change.callback)
    if row is None:
        return None
    if isinstance(change, CallbackTake):
        holder = row.values.get("assignee")
        return CallbackTake(event, change.callback, change.ticket, holder if isinstance(holder, bytes) else None)
    start, phone = row.values.get("slot_start"), row.values.get("phone")
    if row.values.get("state") not in ("requested", "confirmed") or not isinstance(start, int):
        return None
    return CallbackRequest(event, event, change.ticket, start, str(phone or ""))


def _inverse_of_unread(change: ReadMark, before: Callable[[int, bytes], Row | None], event: bytes) -> ReadMark | None:
    """What was read stays read; what was marked as unread is read again."""
    if not change.unread:
        return None
    row = before(READ_MARK.number, change.mark)
    seen = row.values.get("seen_no") if row is not None else None
    upto = seen if isinstance(seen, int) else change.upto + 1
    return replace(change, event=event, upto=upto, unread=False)


def _inverse_of_terms(change: TermsAdd, before: Callable[[int, bytes], Row | None], event: bytes) -> TermsAdd | None:
    """The version before once more; first terms have none, and no terms at all cannot be written."""
    row = before(ENTITLEMENT.number, change.supersedes) if change.supersedes is not None else None
    if row is None:
        return None
    texts = {name: row.values.get(name) or "" for name in TERM_TEXTS}
    return TermsAdd(event, event, change.owner, texts, change.terms)


def _inverse_of_values(
    change: TicketUnmerge | TicketMove | TextEdit | FieldsSet,
    before: Callable[[int, bytes], Row | None],
    event: bytes,
) -> AnyChange | None:
    (type_, id_), *_ = change.roots()
    row = before(type_, id_)
    if row is None:
        return None
    if isinstance(change, TicketUnmerge):
        into = row.values.get("merged_into")
        return TicketMerge(event, change.ticket, into) if isinstance(into, bytes) else None
    if isinstance(change, TicketMove):
        team = row.values.get("team")
        return TicketMove(event, change.ticket, team) if isinstance(team, bytes) else None
    if isinstance(change, TextEdit):
        return replace(change, event=event, text=str(row.values.get(change.field) or ""), base_text=change.text)
    old: dict[str, Any] = {name: row.values.get(name) for name in change.fields}
    if isinstance(change, TicketSet):
        return TicketSet(event, change.ticket, old, undo=True)
    if isinstance(change, ViewSet):
        return ViewSet(event, change.view, old)
    if isinstance(change, TemplateSet):
        return TemplateSet(event, change.template, old)
    if isinstance(change, AddressSet):
        return AddressSet(event, change.address, old)
    if isinstance(change, AssetSet):
        return AssetSet(event, change.asset, old)
    return CustomerSet(event, change.customer, old)


def mutable_entities() -> list[Entity]:
    """Return the entities whose fields people edit."""
    return [e for e in BY_NAME.values() if e.kind is Kind.MUTABLE]
