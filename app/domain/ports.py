# SPDX-License-Identifier: GPL-3.0-or-later
"""What windows and services ask of the adapters below them: queries, commits, sync status, sessions. Plain values only.

Implementations: app.store (queries, commits), app.desktop (sync link, session host); app.entry hands them in. Methods
of `TicketQueries` and `Commits` block on the local disk and run on a worker thread, never on the GUI thread; those of
`SyncLink` return at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from app.domain.attachments import Attachment
from app.domain.calendars import Span
from app.domain.changes import AnyChange
from app.domain.entities import Category
from app.domain.fact_card import FactCard
from app.domain.formatting import Mark
from app.domain.ids import CustomerId, StateId, TagId, TeamId, TicketId, UserId, ViewId
from app.domain.open_hours import OpenHours
from app.domain.related import Related
from app.domain.search_text import Hint
from app.domain.sla import ClockEvent, ClockView, SlaPolicy, Target, derive_clock


class ViewKey(StrEnum):
    """The views every agent has."""

    MINE = "mine"
    UNASSIGNED = "unassigned"
    TEAM = "team"
    WAITING = "waiting"
    SNOOZED = "snoozed"
    ALL_LIVE = "all_live"
    SOLVED = "solved"
    ALL = "all"


class SortKey(StrEnum):
    """Orders of a ticket list; each newest or most urgent first."""

    LAST_ACTIVITY = "last_activity"
    CREATED = "created"
    PRIORITY = "priority"
    NUMBER = "number"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class DueMark:
    """What a list says of a ticket's clock. `at` and `warn_at` in ms; paused: nothing runs. No `at`: the date is open.

    `estimated`: made of own changes that the server has not confirmed.
    """

    target: Target | None
    at: int | None = None
    warn_at: int | None = None
    estimated: bool = False

    @property
    def paused(self) -> bool:
        """Whether nothing runs, and something waits to go on."""
        return self.target is None


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One line of a ticket list."""

    id: TicketId
    number: int | None
    provisional: str
    subject: str
    preview: str
    state: StateId
    category: Category
    priority: int
    owner: UserId | None
    customer: CustomerId | None
    customer_name: str
    last_at: int
    unanswered: bool  # the newest message is the customer's
    pending: bool  # has changes the server has not confirmed
    has_draft: bool = False
    needs_you: bool = False  # something about it waits for the person
    due: DueMark | None = None  # of a live ticket with a clock
    last_in_no: int = 0  # the number of the customer's newest message
    unread: bool = False  # its customer wrote what this person has not read

    @property
    def label(self) -> str:
        """The number as people say it: #10234, or ~K7-12 until the server gave one."""
        return f"#{self.number}" if self.number is not None else self.provisional or "#…"


class ItemKind(StrEnum):
    """What stands in a conversation."""

    MESSAGE_IN = "message_in"
    REPLY = "reply"
    NOTE = "note"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class ThreadItem:
    """One message, note or history line. `body` is plain text from outside; `data` holds the details of an event."""

    id: bytes
    kind: ItemKind
    at: int
    author_kind: str
    author: bytes | None
    author_name: str
    body: str
    html: str | None = None
    msg_no: int = 0
    pending: bool = False
    event: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()


class FieldMark(StrEnum):
    """How a field's value stands between this computer and the server."""

    PENDING = "pending"  # one's own, not confirmed
    LOSING = "losing"  # one's own will give way: the server's value shows already
    CONFLICT = "conflict"  # two values: waits for the person


@dataclass(frozen=True, slots=True)
class AddressView:
    """A way to reach a customer."""

    kind: str
    value: str
    label: str
    is_primary: bool


@dataclass(frozen=True, slots=True)
class TermsView:
    """Support terms: until when support is free, and what comes after. Dates are ISO text."""

    plan: str
    included: str
    valid_from: str
    valid_until: str
    options_after: str


@dataclass(frozen=True, slots=True)
class AssetInfo:
    """A product of the customer."""

    id: bytes
    product: str
    model: str
    serial: str
    warranty_until: str | None
    status: str
    terms: TermsView | None
    order_ref: str = ""
    health: Mapping[str, object] = field(default_factory=dict)  # what its computer told last, and `reported_at`


@dataclass(frozen=True, slots=True)
class CustomerCard:
    """Who asks, and all we know."""

    id: CustomerId
    name: str
    honorific: str
    language: str
    tier: str
    organisation: str | None
    addresses: Sequence[AddressView]
    assets: Sequence[AssetInfo]
    earlier: Sequence[TicketRow]


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """A ticket's clock: its events with the policies and hours they name, so that it can be derived for any minute."""

    events: Sequence[ClockEvent]
    policies: Mapping[bytes, SlaPolicy]
    hours: Mapping[bytes, OpenHours]
    name_ko: str = ""  # of the policy that applies now
    name_en: str = ""

    def at(self, now_ms: int) -> ClockView:
        """Return how it stands; nothing that happened lies in the future, whatever this computer's clock says."""
        last_s = max((event.at_s for event in self.events), default=0)
        return derive_clock(self.events, self.policies, self.hours, max(last_s, now_ms // 1000))


@dataclass(frozen=True, slots=True)
class TicketDetails:
    """Everything the ticket page shows. `seen_seq` and `seen_id` are the newest message's number and id."""

    row: TicketRow
    kind: str
    channel: str
    team: TeamId
    created_at: int
    tags: Sequence[TagId]
    close_reason: str | None
    seen_seq: int
    items: Sequence[ThreadItem]  # oldest first; events included
    customer: CustomerCard | None
    marks: Mapping[str, FieldMark] = field(default_factory=dict)  # of fields that are not simply the server's
    seen_id: bytes | None = None
    related: Related = field(default_factory=Related)
    clock: ClockFacts | None = None  # None: no policy ever applied
    facts: FactCard | None = None  # what was known when help was asked for


@dataclass(frozen=True, slots=True)
class StateChoice:
    """A state people can pick."""

    id: StateId
    category: Category
    name_ko: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What fields can be set to."""

    states: Sequence[StateChoice] = ()
    users: Mapping[UserId, str] = field(default_factory=dict)
    teams: Mapping[TeamId, tuple[str, str]] = field(default_factory=dict)  # ko, en
    tags: Mapping[TagId, str] = field(default_factory=dict)
    my_teams: frozenset[TeamId] = frozenset()  # those of the person at the keyboard
    signature: str = ""  # of the person at the keyboard


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One ticket found, with the words around the hit."""

    row: TicketRow
    snippet: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, and remarks about its text."""

    hits: Sequence[SearchHit]
    hints: tuple[Hint, ...] = ()


@dataclass(frozen=True, slots=True)
class SavedView:
    """A search kept under a name: by its owner for oneself, a team or everybody. `columns` empty: the usual ones."""

    id: ViewId
    name: str
    condition: str
    sort: SortKey
    share: str  # me, team, all
    team: TeamId | None
    owner: UserId | None
    pinned: bool
    columns: tuple[str, ...] = ()


class DraftKind(StrEnum):
    """Reply and note of one ticket are separate drafts."""

    REPLY = "reply"
    NOTE = "note"


class SendWhy(StrEnum):
    """Why a reply waits: it can still be taken back, or its author chose a later time. STOPPED: it does not go out."""

    UNDO = "undo"
    LATER = "later"
    STOPPED = "stopped"  # somebody wrote first; it stays listed until its author sees it


@dataclass(frozen=True, slots=True)
class SendOrder:
    """A reply that was told to go at `at`. `text` is what goes out, filled in when Send was pressed.

    The ids are given now: whatever is killed or put back from a copy, it is one message.
    """

    at: int
    why: SendWhy
    text: str
    event: bytes
    message: bytes
    after: str = "nothing"
    html: str | None = None  # the text with its formatting


@dataclass(frozen=True, slots=True)
class Ground:
    """Whose ticket it is, and whether it is held for an incident."""

    customer: CustomerId | None
    on_hold: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """Unsent text. `seen_seq` and `seen_id`: the newest message its author had on screen when it was written.

    `ground` is what a reply rests on beside the messages, as it was then. `marks` say how letters of it look. With
    `send` it goes out by itself unless it is taken back.
    """

    ticket: TicketId
    kind: DraftKind
    body: str
    caret: int = 0
    seen_seq: int = 0
    updated: int = 0
    attachments: tuple[Attachment, ...] = ()
    seen_id: bytes | None = None
    send: SendOrder | None = None
    marks: tuple[Mark, ...] = ()
    ground: Ground | None = None


@dataclass(frozen=True, slots=True)
class PlannedSend:
    """A draft that goes out by itself, with the number by which people know its ticket."""

    draft: Draft
    label: str

    @property
    def order(self) -> SendOrder:
        """When and how."""
        if self.draft.send is None:
            raise ValueError("a draft without a time")
        return self.draft.send


@dataclass(frozen=True, slots=True)
class Seen:
    """The value of a field that a person had on screen when an edit began: its revision and own pending mid, or 0."""

    rev: int
    after: int = 0


@dataclass(frozen=True, slots=True)
class Template:
    """A canned reply or a macro. `actions` are (what, value) pairs of a macro, in order."""

    id: bytes
    kind: str  # canned, macro
    names: Mapping[str, str]  # by language
    folder: str
    bodies: Mapping[str, str]  # by language, with placeholders
    actions: Sequence[tuple[str, object]]
    share: str
    team: TeamId | None
    owner: UserId | None
    position: int

    def name(self, language: str) -> str:
        """The name in a language, or in the other one."""
        return self.names.get(language) or next((name for name in self.names.values() if name), "")

    def body(self, language: str) -> str:
        """The text in a language, or in the other one."""
        return self.bodies.get(language) or next((body for body in self.bodies.values() if body), "")


class TicketQueries(Protocol):
    """Reads of both database files as one. Raises StoreUnavailable."""

    def ids(self, view: ViewKey | ViewId, sort: SortKey = SortKey.LAST_ACTIVITY, text: str = "") -> Sequence[TicketId]:
        """Return the ids of a view, in order; `text` narrows by search."""
        ...

    def rows(self, ids: Sequence[TicketId]) -> Mapping[TicketId, TicketRow]:
        """Return the lines of these tickets; ids no longer there are left out."""
        ...

    def counts(self) -> Mapping[ViewKey | ViewId, int]:
        """Return how many tickets each view holds, the pinned saved ones included."""
        ...

    def views(self) -> Sequence[SavedView]:
        """Return the saved views that this person sees, by name."""
        ...

    def find(self, text: str, limit: int = 200) -> Found:
        """Search as `search` does, with remarks. A newer call ends one that still runs, which then finds nothing."""
        ...

    def hints(self, text: str) -> Sequence[Hint]:
        """Return remarks about a search text that narrows a list."""
        ...

    def details(self, ticket: TicketId) -> TicketDetails | None:
        """Return a ticket's page, or None when it is not on this computer."""
        ...

    def search(self, text: str, limit: int = 200) -> Sequence[SearchHit]:
        """Find tickets: numbers and serials first, then newest activity. Korean words of two syllables are found."""
        ...

    def choices(self) -> Choices:
        """Return states, users, teams and tags."""
        ...

    def seen(self, ticket: TicketId, names: Sequence[str]) -> Mapping[str, Seen]:
        """Return what an edit of these fields starts from."""
        ...

    def templates(self) -> Sequence[Template]:
        """Return canned replies and macros, in the order their owners gave them."""
        ...

    def open_spans(self, team: TeamId) -> Sequence[Span]:
        """Return when a team is open, in UTC seconds, oldest first; empty where nobody said."""
        ...

    def outbox(self) -> Sequence[OutboxItem]:
        """Return the changes that wait for the server, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A saved change that the server has not confirmed."""

    mid: int
    name: str
    created: int
    ticket: TicketId | None
    ticket_label: str


@dataclass(frozen=True, slots=True)
class Committed:
    """A change is saved. `undo` reverses it, or None; `ids` are the rows it touches."""

    mid: int
    ids: frozenset[bytes]
    undo: AnyChange | None


DraftKey = tuple[TicketId, DraftKind]


class Commits(Protocol):
    """Writes of pending.db; "saved" means that the transaction is on disk. Raises Refused, StoreUnavailable."""

    def commit(
        self, change: AnyChange, seen: Mapping[str, Seen] | None = None, clears: DraftKey | None = None
    ) -> Committed:
        """Save a change and its preview. `seen` is what the person saw when the edit began; default: as it is now.

        `clears` names the draft that the change says: it goes in the same transaction.
        """
        ...

    def save_draft(self, draft: Draft) -> None:
        """Keep unsent text and files; survives a kill. Without either the draft is discarded."""
        ...

    def draft(self, ticket: TicketId, kind: DraftKind) -> Draft | None:
        """Return the unsent text."""
        ...

    def carry_drafts(self, ticket: TicketId | None) -> int:
        """Queue a ticket's drafts (None: all) for this person's other devices where they do not know them; 0: they do.

        The number is that of the last change. Raises StoreUnavailable.
        """
        ...

    def planned_sends(self) -> Sequence[PlannedSend]:
        """Return the drafts that go out by themselves, the next one first."""
        ...

    def ui_state(self, key: str) -> str | None:
        """Return a remembered piece of window state."""
        ...

    def save_ui_state(self, key: str, value: str) -> None:
        """Remember a piece of window state."""
        ...


class SyncPhase(StrEnum):
    """What the status strip can say about sync."""

    SIGNED_OUT = "signed_out"
    CONNECTING = "connecting"
    LOADING = "loading"
    SYNCING = "syncing"
    LIVE = "live"
    OFFLINE = "offline"
    STUCK = "stuck"
    REFUSED = "refused"
    WORKER_DOWN = "worker_down"


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """How sync stands; `since` and `last_sync` are Unix ms. `waiting` counts unconfirmed changes, from the store."""

    phase: SyncPhase
    since: int
    waiting: int = 0
    waiting_since: int | None = None
    needs_you: int = 0
    last_sync: int | None = None
    percent: int | None = None
    code: str | None = None
    scope: str | None = None  # what is being loaded
    detail: Mapping[str, object] = field(default_factory=dict)  # what diagnostics show


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is signed in on this device."""

    account: UserId
    login: str
    name: str
    roles: frozenset[str]
    device: bytes
    device_code: str
    server: str


class SyncLink(Protocol):
    """The window's end of the sync worker. Calls return at once; results come back on the GUI thread."""

    def poke(self, mid: int) -> None:
        """Tell the worker that a mutation was saved."""
        ...

    def sync_now(self) -> None:
        """Push and pull now."""
        ...

    def sign_in(self, server: str, login: str, password: str) -> None:
        """Sign in; the answer is a status or a sign-in question."""
        ...

    def prove(self, password: str | None, then: Callable[[str | None, int], None], page: Callable[[str], None]) -> None:
        """Prove who speaks, with the password, or without one in the browser: `page` gets the provider's address.

        `then` gets None, or why not and for how many seconds nobody may try again.
        """
        ...

    def cancel_proof(self) -> None:
        """Wait for the browser no longer."""
        ...

    def call(self, method: str, path: str, body: bytes, then: Callable[[int, bytes], None]) -> None:
        """Call the server under /session/v1; `then` gets (HTTP status or 0, body)."""
        ...

    def send_sig(self, session: bytes, to: str, n: int, data: bytes) -> None:
        """Relay signalling data."""
        ...

    def presence(self, type_: int, id_: bytes, state: str) -> None:
        """Say what this person looks at or writes on; a hint that may be lost."""
        ...

    def answer_guard(self, *, apply: bool) -> None:
        """Answer whether many tickets may be removed here."""
        ...

    def fetch_blob(self, attachment: Attachment, type_: int, row: bytes) -> None:
        """Fetch the content that a row names; news of it comes as a status."""
        ...

    def blobs_added(self) -> None:
        """Tell the worker that there is something to upload."""
        ...
