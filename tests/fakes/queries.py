# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole help desk in memory: `FakeDesk` holds the rows, `FakeQueries` reads them; any number of tickets."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import overload

from app.domain.calendars import Span
from app.domain.entities import LIVE, Category
from app.domain.ids import CustomerId, StateId, TagId, TeamId, TicketId, UserId, ViewId, derived_id
from app.domain.open_hours import OpenHours
from app.domain.ports import (
    AddressView,
    AssetInfo,
    Choices,
    ClockFacts,
    CustomerCard,
    DueMark,
    Found,
    ItemKind,
    OutboxItem,
    SavedView,
    SearchHit,
    Seen,
    SortKey,
    StateChoice,
    Template,
    TermsView,
    ThreadItem,
    TicketDetails,
    TicketRow,
    ViewKey,
)
from app.domain.search_text import Hint, Item, Term, read_query
from app.domain.sla import ClockEvent, EventKind, SlaPolicy, Target
from tests.fakes.texts_of_tickets import AGENTS, CASES, CUSTOMERS, TAGS

NOW_MS = 1_774_926_120_000  # 2026-03-31 12:02 in Seoul
MINUTE = 60_000
FIRST_NUMBER = 10_000
_ROOT = b"deskside-fake-id"

_STATES: tuple[tuple[Category, str, str], ...] = (
    (Category.NEW, "새 문의", "New"),
    (Category.OPEN, "처리 중", "In progress"),
    (Category.WAITING_CUSTOMER, "고객 답변 대기", "Waiting for customer"),
    (Category.WAITING_INTERNAL, "내부 확인 중", "Waiting internally"),
    (Category.SOLVED, "해결됨", "Solved"),
    (Category.CLOSED, "종료", "Closed"),
)
_SPREAD = (1, 1, 0, 2, 1, 3, 4, 1, 2, 0)  # which state the tickets have, in turn


def ticket_id(n: int) -> TicketId:
    """The id of ticket n; the number can be read back."""
    return TicketId(b"tick" + n.to_bytes(12, "big"))


@cache
def state_id(category: Category) -> StateId:
    """The id of the one state of a category."""
    return StateId(derived_id(_ROOT, "state", category.value))


@cache
def user_id(n: int) -> UserId:
    """The id of agent n."""
    return UserId(derived_id(_ROOT, "user", str(n)))


@cache
def tag_id(name: str) -> TagId:
    """The id of a tag."""
    return TagId(derived_id(_ROOT, "tag", name))


@cache
def customer_id(n: int) -> CustomerId:
    """The id of customer n."""
    return CustomerId(derived_id(_ROOT, "customer", str(n)))


ME = user_id(0)
TEAM = TeamId(derived_id(_ROOT, "team"))


def _fits(row: TicketRow, text: str) -> bool:
    """Whether a row fits a search text, of whose operators this desk knows three."""

    def fits(item: Item) -> bool:
        if isinstance(item, Term):
            return item.text in row.subject.casefold()
        if item.name == "state":
            return row.category in LIVE if item.value == "live" else item.value == row.category.value
        if item.name == "owner":
            return row.owner == {"me": ME, "none": None}.get(item.value, b"")
        return item.name == "priority" and row.priority == {"high": 3, "urgent": 4}.get(item.value)

    query = read_query(text)
    return all(any(map(fits, group)) for group in query.groups) and not any(map(fits, query.without))


class IdRange(Sequence[TicketId]):
    """Ids of tickets first, first + step, …: a million of them without making one."""

    def __init__(self, numbers: range) -> None:
        self._numbers = numbers

    @overload
    def __getitem__(self, index: int) -> TicketId: ...
    @overload
    def __getitem__(self, index: slice) -> IdRange: ...
    def __getitem__(self, index: int | slice) -> TicketId | IdRange:
        """The id at a place."""
        if isinstance(index, slice):
            return IdRange(self._numbers[index])
        return ticket_id(self._numbers[index])

    def __len__(self) -> int:
        """How many."""
        return len(self._numbers)


@dataclass
class FakeDesk:
    """Rows that were touched; all others are worked out from their number. `FakeCommits` writes here."""

    size: int = 200
    rows: dict[TicketId, TicketRow] = field(default_factory=dict)
    items: dict[TicketId, list[ThreadItem]] = field(default_factory=dict)
    tags: dict[TicketId, set[TagId]] = field(default_factory=dict)
    snoozed: set[TicketId] = field(default_factory=set)
    outbox: list[OutboxItem] = field(default_factory=list)
    views: dict[ViewId, SavedView] = field(default_factory=dict)
    templates: list[Template] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def row(self, ticket: TicketId) -> TicketRow | None:
        """The row of a ticket, or None when there is none."""
        n = int.from_bytes(ticket[4:], "big")
        if ticket[:4] != b"tick" or n >= self.size:
            return None
        return self.rows.get(ticket) or _made_row(n)

    def thread(self, ticket: TicketId) -> list[ThreadItem]:
        """The conversation, oldest first; made when first asked for."""
        if ticket not in self.items:
            self.items[ticket] = _made_thread(int.from_bytes(ticket[4:], "big"))
        return self.items[ticket]

    def tags_of(self, ticket: TicketId) -> set[TagId]:
        """The tags of a ticket."""
        n = int.from_bytes(ticket[4:], "big")
        return self.tags.setdefault(ticket, {tag_id(TAGS[n % len(TAGS)]), tag_id(TAGS[(n * 3 + 1) % len(TAGS)])})

    def customer_writes(self, n: int, text: str) -> None:
        """A message of the customer comes in."""
        with self.lock:
            ticket = ticket_id(n)
            row, thread = self.row(ticket), self.thread(ticket)
            assert row is not None
            number = max(i.msg_no for i in thread) + 1
            thread.append(
                ThreadItem(
                    derived_id(ticket, "in", str(number)), ItemKind.MESSAGE_IN, row.last_at + MINUTE, "customer",
                    row.customer, row.customer_name, text, msg_no=number,
                )
            )  # fmt: skip
            self.rows[ticket] = replace(
                row, unanswered=True, preview=text, last_at=row.last_at + MINUTE, unread=True, last_in_no=number
            )


@cache
def _made_row(n: int) -> TicketRow:
    case = CASES[n % len(CASES)]
    category = _STATES[_SPREAD[n % len(_SPREAD)]][0]
    name, _organisation, _language = CUSTOMERS[(n * 7) % len(CUSTOMERS)]
    fresh = n == 5
    owner = None if category is Category.NEW or n % 9 == 4 else user_id(0 if n % 3 == 0 else n % len(AGENTS))
    return TicketRow(
        id=ticket_id(n), number=None if fresh else FIRST_NUMBER + 4_821 - n % 4_000 + (n // 4_000) * 4_000,
        provisional="~K7-12" if fresh else "", subject=case.subject, preview=" ".join(case.again.split()),
        state=state_id(category), category=category, priority=(2, 3, 2, 2, 4, 2, 1, 2)[n % 8], owner=owner,
        customer=customer_id((n * 7) % len(CUSTOMERS)), customer_name=name, last_at=NOW_MS - (3 + n * 11) * MINUTE,
        unanswered=category in (Category.NEW, Category.OPEN) and n % 4 != 3, pending=fresh or n == 3, has_draft=n == 2,
        due=_made_due(n, category), last_in_no=3,
        unread=category in (Category.NEW, Category.OPEN) and n % 4 != 3,
    )  # fmt: skip


def _made_due(n: int, category: Category) -> DueMark | None:
    if category is Category.WAITING_CUSTOMER:
        return DueMark(None)
    if category not in LIVE:
        return None
    minutes = (150, -95, 12, 1500, 40)[n % 5]
    return DueMark(
        Target.FIRST if category is Category.NEW else Target.RESOLUTION, NOW_MS + minutes * MINUTE,
        NOW_MS + (minutes - 15) * MINUTE, estimated=n == 3,
    )  # fmt: skip


def _made_clock(n: int, row: TicketRow) -> ClockFacts | None:
    if row.due is None:
        return None
    policy, hours = SlaPolicy(b"p" * 16, {Target.FIRST: 3600, Target.RESOLUTION: 28_800}), b"h" * 16
    start = NOW_MS // 1000 - (3 + n * 11 + 190) * 60
    events = [
        ClockEvent(start, EventKind.POLICY, (0,), policy=policy.id, calendar=hours),
        ClockEvent(start, EventKind.OPENED, (1,)), ClockEvent(start + 44 * 60, EventKind.REPLY, (2,)),
        ClockEvent(start + 45 * 60, EventKind.STATE, (3,), category=row.category),
    ]  # fmt: skip
    always = OpenHours([(start - 10**6, start + 10**8)])
    return ClockFacts(events, {policy.id: policy}, {hours: always}, "표준", "Standard")


def _made_thread(n: int) -> list[ThreadItem]:
    case, ticket = CASES[n % len(CASES)], ticket_id(n)
    customer = (n * 7) % len(CUSTOMERS)
    name, agent = CUSTOMERS[customer][0], AGENTS[0]
    start = NOW_MS - (3 + n * 11) * MINUTE - 190 * MINUTE

    def item(k: int, kind: ItemKind, minutes: int, text: str, number: int = 0) -> ThreadItem:
        inward = kind is ItemKind.MESSAGE_IN
        author, who = (customer_id(customer), name) if inward else (ME, agent)
        return ThreadItem(
            derived_id(ticket, str(k)), kind, start + minutes * MINUTE, "customer" if inward else "user", author, who,
            text, msg_no=number,
        )  # fmt: skip

    def event(k: int, kind_: str, minutes: int, who: str, **data: object) -> ThreadItem:
        by = "customer" if who == name else "user"
        return ThreadItem(
            derived_id(ticket, "e", str(k)), ItemKind.EVENT, start + minutes * MINUTE, by, None, who, "", event=kind_,
            data=data,
        )  # fmt: skip

    sid = derived_id(ticket, "sid").hex()
    thread = [
        item(0, ItemKind.MESSAGE_IN, 0, case.first, 1),
        event(0, "opened", 0, name, origin="customer"),
        event(1, "field", 41, agent, field="owner", new=ME.hex(), old=None),
        item(1, ItemKind.REPLY, 44, case.answer, 2),
        item(2, ItemKind.NOTE, 52, case.note),
        event(2, "member", 53, agent, kind="tag", member=tag_id(TAGS[n % len(TAGS)]).hex(), present=True),
        item(3, ItemKind.MESSAGE_IN, 120, case.again, 3),
        event(3, "field", 126, AGENTS[1], field="priority", old=2, new=3),
    ]
    if n % 5 == 0:
        thread[7:7] = [
            event(4, "session.invited", 60, agent, sid=sid),
            event(5, "session.consent", 61, name, sid=sid, target="window", scopes=["view"], by="customer"),
            event(6, "session.end", 74, name, sid=sid, reason="stopped", by="customer"),
        ]
    return sorted(thread, key=lambda i: i.at)


def _card(desk: FakeDesk, row: TicketRow) -> CustomerCard | None:
    if row.customer is None:
        return None
    n = next(i for i in range(len(CUSTOMERS)) if customer_id(i) == row.customer)
    name, organisation, language = CUSTOMERS[n]
    terms = TermsView(
        "Standard",
        "원격 지원, 전화, 부품" if language == "ko" else "remote help, phone, parts",
        "2025-04-01",
        "2027-03-31",
        "건별 또는 연간 계약" if language == "ko" else "per case or yearly plan",
    )
    earlier = [
        r for r in (desk.row(ticket_id(i)) for i in range(min(desk.size, 60))) if r and r.customer == row.customer
    ]
    return CustomerCard(
        row.customer, name, "님", language, "gold" if n % 3 == 0 else "standard", organisation,
        (
            AddressView("phone", f"010-0000-{1200 + n:04}", "", True),
            AddressView("mail", f"user{n}@example.com", "", True),
        ),
        (
            AssetInfo(derived_id(_ROOT, "asset", str(n)), "PX-200", "PX-200 WiFi", f"88-{1032 + n}", "2027-03-31",
                      "in_use", terms),
            AssetInfo(derived_id(_ROOT, "asset2", str(n)), "SC-10", "SC-10", f"71-{4410 + n}", "2025-01-31", "in_use",
                      None),
        ),
        tuple(r for r in earlier if r.id != row.id)[:5],
    )  # fmt: skip


class FakeQueries:
    """`TicketQueries` over a `FakeDesk`. `asked` keeps what was read, for tests that count."""

    def __init__(self, desk: FakeDesk | None = None) -> None:
        self.desk = desk or FakeDesk()
        self.asked: list[str] = []
        self.rows_asked = 0
        self.error: Exception | None = None

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if self.error is not None:
            raise self.error

    def ids(self, view: ViewKey | ViewId, sort: SortKey = SortKey.LAST_ACTIVITY, text: str = "") -> Sequence[TicketId]:
        """The ids of a view."""
        if not isinstance(view, ViewKey):
            return self.ids(ViewKey.ALL, sort, f"{self.desk.views[view].condition} {text}")
        self._note(f"ids {view.value}")
        if view is ViewKey.ALL and not text:
            return IdRange(range(self.desk.size))
        rows = [r for r in map(self.desk.row, self._near()) if r is not None and self._in(view, r)]
        if sort is SortKey.PRIORITY:
            rows.sort(key=lambda r: (-r.priority, -r.last_at))
        elif sort is SortKey.DUE:
            rows.sort(key=lambda r: (r.due is None or r.due.at is None, r.due.at or 0 if r.due else 0, -r.last_at))
        elif sort is SortKey.NUMBER:
            rows.sort(key=lambda r: -(r.number or 1 << 40))
        else:
            rows.sort(key=lambda r: -r.last_at)
        return [r.id for r in rows if _fits(r, text)]

    def _near(self) -> Sequence[TicketId]:
        return [ticket_id(n) for n in range(min(self.desk.size, 400))]

    def _in(self, view: ViewKey, row: TicketRow) -> bool:
        live, asleep = row.category in LIVE, row.id in self.desk.snoozed
        rules = {
            ViewKey.MINE: live and row.owner == ME and not asleep,
            ViewKey.UNASSIGNED: live and row.owner is None and not asleep,
            ViewKey.TEAM: live and not asleep,
            ViewKey.WAITING: row.category is Category.WAITING_CUSTOMER,
            ViewKey.SNOOZED: asleep,
            ViewKey.ALL_LIVE: live,
            ViewKey.SOLVED: row.category is Category.SOLVED,
            ViewKey.ALL: True,
        }
        return rules[view]

    def rows(self, ids: Sequence[TicketId]) -> Mapping[TicketId, TicketRow]:
        """The lines of tickets."""
        self._note("rows")
        self.rows_asked += len(ids)
        return {i: row for i in ids if (row := self.desk.row(i)) is not None}

    def templates(self) -> Sequence[Template]:
        """Canned replies and macros."""
        return list(self.desk.templates)

    def open_spans(self, team: TeamId) -> Sequence[Span]:
        """Nine to six in Seoul, Monday to Friday, for two weeks."""
        self._note("open_spans")
        monday = 1_774_828_800 - 9 * 3600  # 2026-03-30 00:00 in Seoul
        days = [monday + (week * 7 + day) * 86_400 for week in range(2) for day in range(5)]
        return [(day + 9 * 3600, day + 18 * 3600) for day in days]

    def counts(self) -> Mapping[ViewKey | ViewId, int]:
        """How many each view holds."""
        self._note("counts")
        saved = {view.id: len(self.ids(view.id)) for view in self.desk.views.values() if view.pinned}
        return saved | {view: self.desk.size if view is ViewKey.ALL else len(self.ids(view)) for view in ViewKey}

    def views(self) -> Sequence[SavedView]:
        """The saved views."""
        return sorted(self.desk.views.values(), key=lambda view: view.name)

    def find(self, text: str, limit: int = 200) -> Found:
        """As `search`, with remarks."""
        return Found(self.search(text, limit), read_query(text).hints)

    def hints(self, text: str) -> Sequence[Hint]:
        """Remarks."""
        return read_query(text).hints

    def details(self, ticket: TicketId) -> TicketDetails | None:
        """A ticket's page."""
        self._note("details")
        with self.desk.lock:
            row = self.desk.row(ticket)
            if row is None:
                return None
            items = tuple(self.desk.thread(ticket))
            return TicketDetails(
                row, "question", "mail", TEAM, items[0].at, tuple(sorted(self.desk.tags_of(ticket))), None,
                max(i.msg_no for i in items), items, _card(self.desk, row),
                clock=_made_clock(int.from_bytes(ticket[4:]), row),
            )  # fmt: skip

    def search(self, text: str, limit: int = 200) -> Sequence[SearchHit]:
        """Subjects, names and numbers that hold the text."""
        self._note(f"search {text}")
        wanted = text.strip().lstrip("#").casefold()
        hits: list[SearchHit] = []
        for row in filter(None, map(self.desk.row, self._near())):
            body = " ".join(i.body for i in self.desk.thread(row.id))
            place = body.casefold().find(wanted)
            if (
                wanted in row.subject.casefold()
                or wanted in row.label.casefold()
                or wanted in row.customer_name.casefold()
            ):
                hits.append(SearchHit(row, row.preview))
            elif place >= 0:
                hits.append(SearchHit(row, "…" + " ".join(body[max(0, place - 20) : place + 80].split())))
            if len(hits) >= limit:
                break
        return hits

    def choices(self) -> Choices:
        """States, users, teams and tags."""
        self._note("choices")
        return Choices(
            tuple(StateChoice(state_id(c), c, ko, en) for c, ko, en in _STATES),
            {user_id(n): name for n, name in enumerate(AGENTS)},
            {TEAM: ("기술지원", "Technical support")},
            {tag_id(name): name for name in TAGS},
            frozenset({TEAM}),
        )

    def seen(self, ticket: TicketId, names: Sequence[str]) -> Mapping[str, Seen]:
        """What an edit starts from."""
        return {name: Seen(1) for name in names}

    def outbox(self) -> Sequence[OutboxItem]:
        """What waits."""
        return list(self.desk.outbox)
