# SPDX-License-Identifier: GPL-3.0-or-later
"""The entity registry: every synced table, its stable number, columns, sync scope and conflict policy per field.

Both ends build their tables from it. Numbers and names never change meaning; columns are only added (docs/sync.md).
Ids are 16 bytes, times Unix milliseconds, dates ISO text, JSON columns canonical JSON text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

Value = str | int | bool | bytes | None


class FieldType(StrEnum):
    """How a column is kept: ID and BYTES as blobs, JSON as text, TIME as integer milliseconds."""

    ID = "id"
    TEXT = "text"
    INT = "int"
    TIME = "time"
    BOOL = "bool"
    JSON = "json"
    BYTES = "bytes"


class Policy(StrEnum):
    """What happens when two people changed one field (docs/sync.md)."""

    HLC = "hlc"  # later intent wins, the loser is kept in the history
    ASK = "ask"  # the server's value stays, a person decides
    SERVER = "server"  # only the server (or a rule run on both ends) writes it
    TEXT = "text"  # three-way merge


class Kind(StrEnum):
    """Append-only, mutable by field, written by the server, versioned."""

    APPEND = "A"
    MUTABLE = "M"
    SERVER = "S"
    VERSIONED = "V"


class Home(StrEnum):
    """Which sync scope a row lives in: shared reference data, its ticket's team, its customer's bucket, one user.

    CHOSEN: what a person keeps for oneself, a team or everybody; the row says which.
    """

    REF = "ref"
    TICKET = "ticket"
    CUSTOMER = "cust"
    USER = "user"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class Field:
    """One column."""

    name: str
    type: FieldType
    policy: Policy = Policy.HLC
    index: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """One synced table. `parent` names the column that holds the id of the owning ticket, customer or user."""

    number: int
    name: str
    kind: Kind
    home: Home
    fields: tuple[Field, ...]
    parent: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the entity's own columns, in order."""
        return tuple(f.name for f in self.fields)

    def field(self, name: str) -> Field:
        """Return a column. Raises KeyError."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)


class Priority(IntEnum):
    """Ticket priority; sorts."""

    LOW = 1
    NORMAL = 2
    HIGH = 3
    URGENT = 4


class Category(StrEnum):
    """The fixed state categories that rules look at."""

    NEW = "new"
    OPEN = "open"
    WAITING_CUSTOMER = "waiting_customer"
    WAITING_INTERNAL = "waiting_internal"
    HELD = "held_for_incident"
    SOLVED = "solved"
    CLOSED = "closed"
    MERGED = "merged"


LIVE = frozenset({Category.NEW, Category.OPEN, Category.WAITING_CUSTOMER, Category.WAITING_INTERNAL, Category.HELD})

_S = Policy.SERVER
_T = FieldType


def _f(name: str, kind: FieldType, policy: Policy = Policy.HLC, *, index: bool = False) -> Field:
    return Field(name, kind, policy, index)


# every entity also has these columns, after its own
COMMON = (_f("created_at", _T.TIME, _S), _f("created_by", _T.ID, _S))


def _entity(number: int, name: str, kind: Kind, home: Home, parent: str | None, *fields: Field) -> Entity:
    return Entity(number, name, kind, home, (*fields, *COMMON), parent)


# fmt: off
TICKET = _entity(
    1, "ticket", Kind.MUTABLE, Home.TICKET, None,
    _f("number", _T.INT, _S, index=True),
    _f("provisional", _T.TEXT, _S),
    _f("aliases", _T.JSON, _S),
    _f("subject", _T.TEXT),
    _f("state", _T.ID, Policy.HLC, index=True),  # ask when the wanted category is solved, closed or merged
    _f("priority", _T.INT),
    _f("kind", _T.TEXT),
    _f("channel", _T.TEXT, _S),
    _f("customer", _T.ID, Policy.ASK, index=True),
    _f("organisation", _T.ID),
    _f("asset", _T.ID),
    _f("team", _T.ID, _S, index=True),
    _f("owner", _T.ID, index=True),
    _f("tier", _T.INT),
    _f("language", _T.TEXT),
    _f("snooze_until", _T.TIME),
    _f("incident", _T.ID),
    _f("merged_into", _T.ID, _S, index=True),
    _f("close_reason", _T.TEXT),
    _f("facts", _T.ID, _S),
    # what a complaint is closed with (app.domain.complaints)
    _f("root_cause", _T.TEXT),
    _f("follow_up", _T.TEXT),  # none, planned
    _f("follow_up_at", _T.TIME),
    _f("follow_up_owner", _T.ID, Policy.HLC, index=True),
    # derived by the rules both ends run; never set by a client
    _f("msg_seq", _T.INT, _S),
    _f("last_in_no", _T.INT, _S),
    _f("last_out_no", _T.INT, _S),
    _f("last_at", _T.TIME, _S, index=True),
    _f("preview", _T.TEXT, _S),
    # what lists need of its clock (app.domain.sla_rows); times in ms
    _f("sla_policy", _T.ID, _S),
    _f("sla_calendar", _T.ID, _S),
    _f("next_due", _T.TIME, _S, index=True),
    _f("next_warn", _T.TIME, _S, index=True),
    _f("due_target", _T.TEXT, _S),  # first, next, resolution; paused
)
MESSAGE = _entity(
    2, "message", Kind.APPEND, Home.TICKET, "ticket",
    _f("ticket", _T.ID, _S, index=True),
    _f("origin_ticket", _T.ID, _S),
    _f("direction", _T.TEXT, _S),  # in, out
    _f("author_kind", _T.TEXT, _S),  # user, customer, system
    _f("author", _T.ID, _S),
    _f("channel", _T.TEXT, _S),
    _f("body", _T.TEXT, _S),
    _f("html", _T.TEXT, _S),
    _f("body_hash", _T.BYTES, _S),
    _f("quoted_ranges", _T.JSON, _S),
    _f("participants", _T.JSON, _S),
    _f("attachments", _T.JSON, _S),
    _f("header_message_id", _T.TEXT, _S),
    _f("automatic", _T.BOOL, _S),
    _f("occurred_at", _T.TIME, _S),
    _f("sent_at", _T.TIME, _S),
    _f("seen_seq", _T.INT, _S),
    _f("msg_no", _T.INT, _S),
    _f("arrived_via", _T.ID, _S),  # the merged ticket that its writer had named
)
NOTE = _entity(
    3, "note", Kind.APPEND, Home.TICKET, "ticket",
    _f("ticket", _T.ID, _S, index=True),
    _f("origin_ticket", _T.ID, _S),
    _f("author", _T.ID, _S),
    _f("body", _T.TEXT, _S),
    _f("mentions", _T.JSON, _S),
    _f("attachments", _T.JSON, _S),
    _f("replaces", _T.ID, _S),
    _f("arrived_via", _T.ID, _S),
    _f("html", _T.TEXT, _S),
)
HISTORY = _entity(
    4, "history_event", Kind.APPEND, Home.TICKET, "subject",
    _f("subject_type", _T.INT, _S),
    _f("subject", _T.ID, _S, index=True),
    _f("kind", _T.TEXT, _S),
    _f("data", _T.JSON, _S),
    _f("acted_at", _T.TIME, _S),
    _f("recorded_at", _T.TIME, _S),
    _f("actor_kind", _T.TEXT, _S),  # user, customer, server
    _f("actor", _T.ID, _S),
)
MEMBERSHIP = _entity(
    5, "membership", Kind.MUTABLE, Home.TICKET, "subject",
    _f("subject", _T.ID, _S, index=True),
    _f("kind", _T.TEXT, _S),  # tag, watcher, link
    _f("member", _T.ID, _S, index=True),
    _f("present", _T.BOOL),
)
TAG = _entity(
    6, "tag", Kind.MUTABLE, Home.REF, None,
    _f("name", _T.TEXT), _f("colour", _T.TEXT), _f("retired", _T.BOOL),
)
STATE = _entity(
    7, "state", Kind.MUTABLE, Home.REF, None,
    _f("category", _T.TEXT, _S), _f("name_ko", _T.TEXT), _f("name_en", _T.TEXT),
    _f("position", _T.INT), _f("active", _T.BOOL),
)
USER = _entity(
    8, "user", Kind.MUTABLE, Home.REF, None,
    _f("login", _T.TEXT, _S), _f("name", _T.TEXT), _f("public_name", _T.TEXT), _f("signature", _T.TEXT),
    _f("roles", _T.JSON, _S), _f("teams", _T.JSON, _S), _f("active", _T.BOOL, _S),
)
TEAM = _entity(
    9, "team", Kind.MUTABLE, Home.REF, None,
    _f("name_ko", _T.TEXT), _f("name_en", _T.TEXT), _f("calendar", _T.ID),
    _f("callback_capacity", _T.INT, _S),  # calls in one slot; null: the usual number
)
CUSTOMER = _entity(
    10, "customer", Kind.MUTABLE, Home.CUSTOMER, None,
    _f("name", _T.TEXT), _f("preferred_name", _T.TEXT), _f("honorific", _T.TEXT), _f("language", _T.TEXT),
    _f("zone", _T.TEXT), _f("tier", _T.TEXT), _f("organisation", _T.ID, index=True), _f("blocked_reason", _T.TEXT),
    _f("merged_into", _T.ID, _S), _f("call_times", _T.JSON),  # as the week of a calendar, in the customer's zone
)
CONTACT_ADDRESS = _entity(
    11, "contact_address", Kind.MUTABLE, Home.CUSTOMER, "customer",
    _f("customer", _T.ID, _S, index=True), _f("kind", _T.TEXT, _S), _f("value", _T.TEXT, index=True),
    _f("label", _T.TEXT), _f("is_primary", _T.BOOL), _f("verified_at", _T.TIME), _f("bad_since", _T.TIME),
)
ORGANISATION = _entity(
    12, "organisation", Kind.MUTABLE, Home.CUSTOMER, None,
    _f("name", _T.TEXT), _f("domains", _T.JSON), _f("tier", _T.TEXT), _f("note", _T.TEXT, Policy.TEXT),
)
ASSET = _entity(
    13, "asset", Kind.MUTABLE, Home.CUSTOMER, "owner",
    _f("owner", _T.ID, index=True), _f("product", _T.TEXT), _f("model", _T.TEXT),
    _f("serial", _T.TEXT, Policy.HLC, index=True), _f("purchased_on", _T.TEXT), _f("warranty_until", _T.TEXT),
    _f("status", _T.TEXT),  # in_use, in_repair, retired
    _f("order_ref", _T.TEXT),  # the order or contract it was bought with
    _f("health", _T.JSON, _S),  # {"reported_at": …, and what its computer told last by name}
)
ENTITLEMENT = _entity(
    14, "entitlement", Kind.VERSIONED, Home.CUSTOMER, "owner",
    _f("owner", _T.ID, _S, index=True),  # asset, customer or organisation that it is for
    _f("plan", _T.TEXT, _S), _f("included_ko", _T.TEXT, _S), _f("included_en", _T.TEXT, _S),
    _f("valid_from", _T.TEXT, _S), _f("valid_until", _T.TEXT, _S),
    _f("options_after_ko", _T.TEXT, _S), _f("options_after_en", _T.TEXT, _S),
    _f("supersedes", _T.ID, _S),
)
CALENDAR = _entity(
    15, "calendar", Kind.VERSIONED, Home.REF, None,
    _f("name", _T.TEXT, _S), _f("zone", _T.TEXT, _S),
    _f("week", _T.JSON, _S),  # {"0": [["09:00","12:00"], ...], ...}, 0 = Monday
    _f("holidays", _T.JSON, _S),  # [{"date", "name_ko", "name_en"}]
    _f("exceptions", _T.JSON, _S),  # [{"date", "intervals": [[from, to]], "name"}]
    _f("supersedes", _T.ID, _S),  # the version before
)
CALENDAR_SPANS = _entity(
    16, "calendar_spans", Kind.SERVER, Home.REF, None,
    _f("calendar", _T.ID, _S), _f("spans", _T.JSON, _S), _f("from_s", _T.INT, _S), _f("to_s", _T.INT, _S),
)
SESSION_RECORD = _entity(
    17, "session_record", Kind.APPEND, Home.TICKET, "ticket",
    _f("ticket", _T.ID, _S, index=True), _f("sid", _T.BYTES, _S, index=True), _f("entry_no", _T.INT, _S),
    _f("kind", _T.TEXT, _S), _f("entry", _T.TEXT, _S),  # the exact signed or linked JSON
    _f("entry_hash", _T.BYTES, _S), _f("at", _T.TIME, _S),
)
CONFLICT = _entity(
    18, "conflict", Kind.MUTABLE, Home.USER, None,
    _f("subject_type", _T.INT, _S), _f("subject", _T.ID, _S, index=True), _f("field", _T.TEXT, _S),
    _f("kind", _T.TEXT, _S), _f("base", _T.JSON, _S), _f("mine", _T.JSON, _S), _f("theirs", _T.JSON, _S),
    _f("author", _T.ID, _S), _f("hlc", _T.INT, _S), _f("status", _T.TEXT),
)
SUPPORT_CONTACT = _entity(
    19, "support_contact", Kind.MUTABLE, Home.REF, None,
    _f("name_ko", _T.TEXT), _f("name_en", _T.TEXT), _f("phone", _T.TEXT), _f("mail", _T.TEXT),
    _f("calendar", _T.ID),
)

TIME_ENTRY = _entity(
    20, "time_entry", Kind.APPEND, Home.TICKET, "ticket",
    _f("ticket", _T.ID, _S, index=True), _f("origin_ticket", _T.ID, _S), _f("arrived_via", _T.ID, _S),
    _f("author", _T.ID, _S), _f("started_at", _T.TIME, _S), _f("duration_s", _T.INT, _S),
    _f("kind", _T.TEXT, _S),  # work, travel, call, session
    _f("billable", _T.BOOL, _S), _f("note", _T.TEXT, _S), _f("corrects", _T.ID, _S),
)
VIEW = _entity(
    21, "saved_view", Kind.MUTABLE, Home.CHOSEN, None,
    _f("name", _T.TEXT),
    _f("condition", _T.TEXT),  # a search text, read as the search field reads it
    _f("sort", _T.TEXT),  # a SortKey
    _f("columns", _T.JSON),  # names of the table's columns, in order; null: the usual ones
    _f("share", _T.TEXT),  # me, team, all
    _f("team", _T.ID),  # of share "team"
    _f("owner", _T.ID, _S),
    _f("pinned", _T.BOOL),
)
SLA_POLICY = _entity(
    22, "sla_policy", Kind.VERSIONED, Home.REF, None,
    _f("name_ko", _T.TEXT, _S), _f("name_en", _T.TEXT, _S),
    _f("match", _T.JSON, _S),  # {"priority": [4], "team": [id], …}: every field named has one of its values
    _f("position", _T.INT, _S),  # the first that matches applies
    _f("calendar", _T.ID, _S),  # null: the team's
    _f("first_s", _T.INT, _S), _f("next_s", _T.INT, _S), _f("resolution_s", _T.INT, _S),
    _f("warn_percent", _T.INT, _S), _f("warn_min_s", _T.INT, _S), _f("change_grace_s", _T.INT, _S),
    _f("pauses", _T.JSON, _S),  # {"waiting_customer": ["resolution"], …}: which targets pause, rows not named as usual
    _f("active", _T.BOOL, _S),  # false: a later version counts, or none
    _f("supersedes", _T.ID, _S),
)
TEMPLATE = _entity(
    23, "template", Kind.MUTABLE, Home.CHOSEN, None,
    _f("kind", _T.TEXT, _S),  # canned, macro
    _f("name_ko", _T.TEXT), _f("name_en", _T.TEXT), _f("folder", _T.TEXT),
    _f("body_ko", _T.TEXT), _f("body_en", _T.TEXT),  # with placeholders; a macro's is its reply, if it has one
    _f("actions", _T.JSON),  # of a macro: [{"do": "state", "value": …}, …]
    _f("share", _T.TEXT),  # me, team, all
    _f("team", _T.ID),  # of share "team"
    _f("owner", _T.ID, _S),
    _f("position", _T.INT),
)
FACT_CARD = _entity(
    24, "fact_card", Kind.APPEND, Home.TICKET, "ticket",  # what is already known when help is asked for
    _f("ticket", _T.ID, _S, index=True), _f("asset", _T.ID, _S),
    _f("product", _T.TEXT, _S), _f("model", _T.TEXT, _S), _f("serial", _T.TEXT, _S), _f("os", _T.TEXT, _S),
    _f("app_version", _T.TEXT, _S), _f("last_error", _T.TEXT, _S), _f("error_code", _T.TEXT, _S),
    _f("warranty_until", _T.TEXT, _S),
    _f("collected_at", _T.TIME, _S),
    _f("consent", _T.BOOL, _S),  # the customer saw each fact and let it go
    _f("device", _T.TEXT, _S), _f("free_disk", _T.TEXT, _S), _f("network", _T.TEXT, _S),
    _f("found_at", _T.JSON, _S),  # {fact: when it was so}, where that differs from collected_at
)
PROMISE = _entity(
    25, "promise", Kind.MUTABLE, Home.TICKET, "ticket",
    _f("ticket", _T.ID, _S, index=True), _f("origin_ticket", _T.ID, _S), _f("arrived_via", _T.ID, _S),
    _f("author", _T.ID, _S, index=True), _f("text", _T.TEXT, _S), _f("due_at", _T.TIME, _S, index=True),
    _f("waits", _T.BOOL, _S),  # told by its author's next reply
    _f("made_in", _T.ID, _S),  # the reply that told it
    _f("closed_by", _T.ID, _S), _f("closed_at", _T.TIME, _S),  # the first reply after it, and when that went out
)
SURVEY_ANSWER = _entity(
    26, "survey_answer", Kind.APPEND, Home.TICKET, "ticket",
    _f("ticket", _T.ID, _S, index=True), _f("origin_ticket", _T.ID, _S), _f("arrived_via", _T.ID, _S),
    _f("answered_at", _T.TIME, _S), _f("solved", _T.BOOL, _S), _f("treated_well", _T.BOOL, _S),
    _f("comment", _T.TEXT, _S),
    _f("told_to", _T.ID, _S),  # the agent who wrote it down; null: the customer answered
)
ARTICLE = _entity(
    27, "article", Kind.VERSIONED, Home.REF, None,
    _f("article", _T.ID, _S, index=True),  # the same for all versions
    _f("title_ko", _T.TEXT, _S), _f("title_en", _T.TEXT, _S),
    _f("body_ko", _T.TEXT, _S), _f("body_en", _T.TEXT, _S),  # plain; blank lines, "# ", "- " and "1. " build it
    _f("folder", _T.TEXT, _S),
    _f("audience", _T.TEXT, _S),  # public, staff
    _f("state", _T.TEXT, _S),  # draft, review, published, retired
    _f("review_on", _T.TEXT, _S),
    _f("supersedes", _T.ID, _S),
)
ANNOUNCEMENT = _entity(
    28, "announcement", Kind.VERSIONED, Home.REF, None,
    _f("announcement", _T.ID, _S, index=True),  # the same for all versions
    _f("text_ko", _T.TEXT, _S), _f("text_en", _T.TEXT, _S),
    _f("places", _T.JSON, _S),  # of companion, portal, acknowledgment, chat, desktop, mail
    _f("from_at", _T.TIME, _S), _f("until_at", _T.TIME, _S),
    _f("urgency", _T.TEXT, _S), _f("withdrawn", _T.BOOL, _S),
    _f("supersedes", _T.ID, _S),
)
READ_MARK = _entity(
    30, "read_mark", Kind.MUTABLE, Home.USER, None,  # up to which message its owner has read a ticket
    _f("ticket", _T.ID, _S, index=True), _f("seen_no", _T.INT, _S),
)
DRAFT = _entity(
    31, "carried_draft", Kind.MUTABLE, Home.USER, None,  # unsent text of its author, for that person's other devices
    _f("ticket", _T.ID, _S, index=True), _f("kind", _T.TEXT, _S),  # reply, note
    _f("body", _T.TEXT, _S), _f("marks", _T.JSON, _S),  # [[from, to, b i m a, target?]], in code points
    _f("caret", _T.INT, _S), _f("seen_seq", _T.INT, _S), _f("seen_id", _T.ID, _S), _f("attachments", _T.JSON, _S),
    _f("device", _T.TEXT, _S), _f("typed_at", _T.TIME, _S),  # who put it there, and when
)

CALLBACK = _entity(
    32, "callback", Kind.MUTABLE, Home.TICKET, "ticket",  # a call that support owes (app.domain.callbacks)
    _f("ticket", _T.ID, _S, index=True), _f("origin_ticket", _T.ID, _S), _f("arrived_via", _T.ID, _S),
    _f("customer", _T.ID, _S, index=True), _f("phone", _T.TEXT, _S),
    _f("slot_start", _T.TIME, _S, index=True), _f("slot_end", _T.TIME, _S),
    _f("state", _T.TEXT, _S, index=True),  # requested, confirmed, done, missed, cancelled
    _f("assignee", _T.ID, _S),
    _f("attempts", _T.INT, _S), _f("attempted_at", _T.TIME, _S), _f("reached", _T.BOOL, _S),  # of the last attempt
    _f("closed_at", _T.TIME, _S),  # since then nobody owes anything
)

# fmt: on

ENTITIES: tuple[Entity, ...] = (
    TICKET, MESSAGE, NOTE, HISTORY, MEMBERSHIP, TAG, STATE, USER, TEAM, CUSTOMER, CONTACT_ADDRESS, ORGANISATION,
    ASSET, ENTITLEMENT, CALENDAR, CALENDAR_SPANS, SESSION_RECORD, CONFLICT, SUPPORT_CONTACT, TIME_ENTRY, VIEW,
    SLA_POLICY, TEMPLATE, FACT_CARD, PROMISE, SURVEY_ANSWER, ARTICLE, ANNOUNCEMENT, READ_MARK, DRAFT,
    CALLBACK,
)  # fmt: skip
BY_NUMBER: Mapping[int, Entity] = {e.number: e for e in ENTITIES}
BY_NAME: Mapping[str, Entity] = {e.name: e for e in ENTITIES}
SCHEMA = 8  # raised with every addition here

CUSTOMER_BUCKETS = 8


TICKET_CHILDREN: tuple[Entity, ...] = tuple(e for e in ENTITIES if e.home is Home.TICKET and e.parent is not None)


def team_scope(team: bytes) -> str:
    """Return the id of the sync scope that holds a team's tickets and all their children."""
    return f"team:{team.hex()}"


def customer_scope(owner: bytes) -> str:
    """Return the sync scope of a customer's or organisation's rows: by the low 3 bits of the id's last byte."""
    return f"cust:{owner[-1] & (CUSTOMER_BUCKETS - 1)}"


def user_scope(user: bytes) -> str:
    """Return the id of a user's private sync scope."""
    return f"user:{user.hex()}"


REF_SCOPE = "ref"
