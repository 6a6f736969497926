# SPDX-License-Identifier: GPL-3.0-or-later
"""`NeedsYouStore` in memory, and one entry of each kind; `FakeNeedsCommits` closes and opens them as the rules do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.changes import AnyChange, ConflictResolve, MessageAdd, NoteAdd, ReplyDiscard, ReplyRelease
from app.domain.entities import ORGANISATION, TICKET, Category
from app.domain.ids import derived_id
from app.domain.needs import NeedDetail, NeedItem, NeedKind
from app.domain.ports import Committed, DraftKey, Seen, ThreadItem
from tests.fakes.commits import FakeCommits
from tests.fakes.queries import ME, MINUTE, NOW_MS, FakeDesk, state_id, ticket_id, user_id


def entry_id(n: int) -> bytes:
    """The id of entry n."""
    return derived_id(b"deskside-fake-id", "need", str(n))


@dataclass
class FakeNeeds:
    """What waits. `done` are the entries that are closed or ticked off."""

    desk: FakeDesk
    items: list[NeedItem] = field(default_factory=list)
    done: set[bytes] = field(default_factory=set)
    ticked: set[bytes] = field(default_factory=set)

    def entries(self) -> Sequence[NeedItem]:
        """What waits, newest first."""
        left = [i for i in self.items if i.id not in self.done | self.ticked]
        return sorted(left, key=lambda i: -i.at)

    def number(self) -> int:
        """How many wait."""
        return len(self.entries())

    def detail(self, entry: bytes) -> NeedDetail | None:
        """An entry."""
        item = next((i for i in self.entries() if i.id == entry), None)
        if item is None:
            return None
        news: tuple[ThreadItem, ...] = ()
        seen = 0
        if item.ticket is not None:
            messages = [i for i in self.desk.thread(item.ticket) if i.msg_no]
            seen = max(i.msg_no for i in messages)
            if item.kind is NeedKind.STALE_REPLY:
                news = tuple(i for i in messages if i.author != ME)[-1:]
        return NeedDetail(item, news, seen, item.at if item.kind is NeedKind.FIELD else None)

    def settle(self, entries: Collection[bytes]) -> None:
        """Tick off."""
        self.ticked |= set(entries)

    def unsettle(self, entries: Collection[bytes]) -> None:
        """Put back."""
        self.ticked -= set(entries)


class FakeNeedsCommits(FakeCommits):
    """Knows the mutations of the Needs-you page as well."""

    def __init__(self, desk: FakeDesk, needs: FakeNeeds) -> None:
        super().__init__(desk)
        self.needs = needs

    def commit(
        self, change: AnyChange, seen: Mapping[str, Seen] | None = None, clears: DraftKey | None = None
    ) -> Committed:
        """Close or open an entry, or act on the desk."""
        if not isinstance(change, ConflictResolve | ReplyRelease | ReplyDiscard):
            return super().commit(change, seen, clears)
        if self.error is not None:
            raise self.error
        reopens = isinstance(change, ConflictResolve) and change.choice == "reopen"
        (self.needs.done.discard if reopens else self.needs.done.add)(change.conflict)
        self.changes.append(change)
        return Committed(len(self.changes), frozenset({change.conflict}), None)


LONG_BEFORE = (
    "방문 전 반드시 담당자(내선 210)에게 연락합니다.\n건물 출입은 09시부터 18시까지입니다.\n"
    "프린터실은 3층 복도 끝입니다.\n점심시간에는 연락하지 않습니다."
)
LONG_MINE = LONG_BEFORE.replace("18시까지", "17시 30분까지").replace("내선 210", "내선 214")
LONG_THEIRS = LONG_BEFORE.replace("18시까지", "19시까지 (금요일은 17시)")
REPLY = "박민수 님, 기다려 주셔서 감사합니다.\n\n펌웨어 2.4.3을 보내 드립니다. 설치한 뒤 다시 인쇄해 보시겠어요?"


def sample_needs(desk: FakeDesk) -> FakeNeeds:
    """One entry of each kind, and a second conflict of the same kind for bulk."""

    def of(n: int, ticket: int | None, kind: NeedKind, ago: int, **more: object) -> NeedItem:
        row = desk.row(ticket_id(ticket)) if ticket is not None else None
        known: dict[str, object] = {"id": entry_id(n), "kind": kind, "at": NOW_MS - ago * MINUTE}
        if row is not None:
            known |= {
                "subject_type": TICKET.number, "subject": row.id, "ticket": row.id, "label": row.label,
                "title": row.subject, "customer_name": row.customer_name,
            }  # fmt: skip
        return NeedItem(**(known | more))  # type: ignore[arg-type]  # keyword arguments of a fake

    lee: dict[str, object] = {"author": user_id(1), "author_name": "이지은", "author_at": NOW_MS - 81 * MINUTE}
    waiting, solved = state_id(Category.WAITING_CUSTOMER).hex(), state_id(Category.SOLVED).hex()
    opened = state_id(Category.OPEN).hex()
    reply = MessageAdd(entry_id(90), entry_id(91), ticket_id(3), "The licence is released now.", 2)
    note = NoteAdd(entry_id(92), entry_id(93), ticket_id(6), "영수증 확인함. 2027-03-31까지로 등록하면 됨.")
    items = [
        of(0, 0, NeedKind.STALE_REPLY, 4, body=REPLY, name="message.add"),
        of(1, 1, NeedKind.FIELD, 80, field="state", mine=solved, theirs=waiting, base=opened, **lee),
        of(2, 4, NeedKind.FIELD, 90, field="priority", mine=3, theirs=4, base=2, **lee),
        of(
            3, None, NeedKind.TEXT, 200, subject_type=ORGANISATION.number, title="한빛상사(가상)", field="note",
            mine=LONG_MINE, theirs=LONG_THEIRS, base=LONG_BEFORE, **lee,
        ),
        of(4, 5, NeedKind.DELETED, 300, name="note.add", body="머리글 위치를 그림으로 안내함.", **lee),
        of(5, 3, NeedKind.REJECTED, 1500, name="message.add", reason="error", body=reply.body, change=reply),
        of(6, 6, NeedKind.ORPHANED, 3000, name="note.add", reason="scope", body=note.body, change=note),
        of(7, None, NeedKind.DRAFT, 5000, subject_type=TICKET.number, label="#4182", name="message.add", body=REPLY),
    ]  # fmt: skip
    return FakeNeeds(desk, items)
