# SPDX-License-Identifier: GPL-3.0-or-later
"""`Commits` over a `FakeDesk`: changes act at once, wait in the outbox, and know their undo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.domain.changes import (
    AnyChange,
    MemberSet,
    MessageAdd,
    NoteAdd,
    TemplateCreate,
    TemplateDelete,
    TemplateSet,
    TicketSet,
    ViewCreate,
    ViewDelete,
    ViewSet,
    name_of,
)
from app.domain.changes_reading import ReadMark
from app.domain.entities import Category
from app.domain.errors import Refused
from app.domain.ids import StateId, TagId, TeamId, TicketId, UserId, ViewId, derived_id, new_id
from app.domain.ports import (
    Committed,
    Draft,
    DraftKey,
    DraftKind,
    ItemKind,
    OutboxItem,
    PlannedSend,
    SavedView,
    Seen,
    SortKey,
    ThreadItem,
    TicketRow,
)
from app.domain.states import TransitionFacts, check_transition
from tests.fakes.queries import _STATES, ME, NOW_MS, FakeDesk, state_id
from tests.fakes.texts_of_tickets import AGENTS


class FakeCommits:
    """Keeps changes, drafts and window state; `error` makes the next calls fail."""

    def __init__(self, desk: FakeDesk) -> None:
        self.desk = desk
        self.changes: list[AnyChange] = []
        self.drafts: dict[tuple[TicketId, DraftKind], Draft] = {}
        self.states: dict[str, str] = {}
        self.left: list[TicketId | None] = []
        self.error: Exception | None = None
        self.drafts_fail = True  # whether drafts cannot be saved either

    def commit(
        self, change: AnyChange, seen: Mapping[str, Seen] | None = None, clears: DraftKey | None = None
    ) -> Committed:
        """Act on the desk."""
        if self.error is not None:
            raise self.error
        if isinstance(change, ViewCreate | ViewSet | ViewDelete):
            return self._view(change)
        if isinstance(change, ReadMark):
            return self._mark(change)
        with self.desk.lock:
            if isinstance(change, TemplateCreate | TemplateSet | TemplateDelete):
                self.changes.append(change)
                return Committed(len(self.changes), frozenset({change.template}), None)
            ticket = TicketId(getattr(change, "ticket", b""))
            row = self.desk.row(ticket)
            if row is None:
                raise Refused("no_such_ticket")
            undo = self._act(change, row)
            if clears is not None:
                self.drafts.pop(clears, None)
            self.changes.append(change)
            mid = len(self.changes)
            row = self.desk.row(ticket) or row
            self.desk.rows[ticket] = replace(row, pending=True)
            self.desk.outbox.append(OutboxItem(mid, name_of(change), NOW_MS, ticket, row.label))
            return Committed(mid, frozenset({ticket}), undo)

    def _mark(self, change: ReadMark) -> Committed:
        row = self.desk.row(TicketId(change.about))
        if row is not None:
            self.desk.rows[row.id] = replace(row, unread=row.last_in_no > change.upto)
        self.changes.append(change)
        undo = replace(change, event=new_id(), upto=change.upto + 1, unread=False) if change.unread else None
        return Committed(len(self.changes), frozenset({change.mark}), undo)

    def _view(self, change: ViewCreate | ViewSet | ViewDelete) -> Committed:
        view, views = ViewId(change.view), self.desk.views
        undo: AnyChange | None = None
        if isinstance(change, ViewDelete):
            gone = views.pop(view)
            undo = ViewCreate(
                new_id(), view, gone.name, gone.condition, gone.sort.value, gone.share, gone.team, None, gone.pinned
            )
        elif isinstance(change, ViewCreate):
            views[view] = SavedView(
                view, change.name, change.condition, SortKey(change.sort), change.share,
                TeamId(change.team) if change.team else None, ME, change.pinned,
            )  # fmt: skip
            undo = ViewDelete(new_id(), view)
        else:
            undo = ViewSet(new_id(), view, {name: getattr(views[view], name) for name in change.fields})
            fields: dict[str, Any] = {n: SortKey(v) if n == "sort" else v for n, v in change.fields.items()}
            views[view] = replace(views[view], **fields)
        self.changes.append(change)
        return Committed(len(self.changes), frozenset({view}), undo)

    def _act(self, change: AnyChange, row: TicketRow) -> AnyChange | None:
        if isinstance(change, MessageAdd | NoteAdd):
            self._write(change, row)
            return None
        if isinstance(change, MemberSet):
            tags = self.desk.tags_of(row.id)
            (tags.add if change.present else tags.discard)(TagId(change.member))
            self._event(row, "member", kind="tag", member=change.member.hex(), present=change.present)
            return replace(change, event=new_id(), present=not change.present)
        if isinstance(change, TicketSet):
            return self._set(change, row)
        raise Refused("not_faked")

    def _write(self, change: MessageAdd | NoteAdd, row: TicketRow) -> None:
        if not change.body.strip() and not change.attachments:
            raise Refused("empty_text")
        thread = self.desk.thread(row.id)
        reply = isinstance(change, MessageAdd)
        number = max(i.msg_no for i in thread) + 1 if reply else 0
        kind = ItemKind.REPLY if reply else ItemKind.NOTE
        id_ = change.message if isinstance(change, MessageAdd) else change.note
        thread.append(
            ThreadItem(
                id_, kind, NOW_MS, "user", ME, AGENTS[0], change.body, msg_no=number, pending=True,
                attachments=change.attachments,
            )
        )  # fmt: skip
        opened = row.category is Category.NEW
        if reply:
            row = replace(row, unanswered=False, preview=change.body, last_at=NOW_MS)
        if opened:
            row = replace(row, category=Category.OPEN, state=state_id(Category.OPEN))
        self.desk.rows[row.id] = row

    def _set(self, change: TicketSet, row: TicketRow) -> AnyChange:
        old: dict[str, str | int | bool | bytes | None] = {}
        for name, value in change.fields.items():
            if name == "state":
                old[name] = row.state
                row = self._state(change, row, value)
            elif name == "priority":
                old[name] = row.priority
                row = replace(row, priority=int(str(value)))
            elif name == "owner":
                old[name] = row.owner
                row = replace(row, owner=UserId(value) if isinstance(value, bytes) else None)
            elif name == "snooze_until":
                old[name] = 1 if row.id in self.desk.snoozed else None
                (self.desk.snoozed.add if value else self.desk.snoozed.discard)(row.id)
            new = value.hex() if isinstance(value, bytes) else value
            cause = {"cause": "undo"} if change.undo else {}
            self._event(row, "field", field=name, new=new, **cause)
        self.desk.rows[row.id] = row
        return TicketSet(new_id(), row.id, old, undo=True)

    def _state(self, change: TicketSet, row: TicketRow, value: object) -> TicketRow:
        category = next(c for c, _ko, _en in _STATES if state_id(c) == value)
        if not change.undo:
            check_transition(row.category, category, TransitionFacts(not row.unanswered, None))
        return replace(row, category=category, state=StateId(value) if isinstance(value, bytes) else row.state)

    def _event(self, row: TicketRow, event: str, **data: object) -> None:
        id_ = derived_id(row.id, "event", str(len(self.changes)), event, str(len(self.desk.thread(row.id))))
        self.desk.thread(row.id).append(
            ThreadItem(id_, ItemKind.EVENT, NOW_MS, "user", ME, AGENTS[0], "", event=event, data=data, pending=True)
        )

    def save_draft(self, draft: Draft) -> None:
        """Keep or, when empty, discard."""
        if self.error is not None and self.drafts_fail:
            raise self.error
        if draft.body or draft.attachments:
            self.drafts[(draft.ticket, draft.kind)] = draft
        else:
            self.drafts.pop((draft.ticket, draft.kind), None)

    def draft(self, ticket: TicketId, kind: DraftKind) -> Draft | None:
        """The unsent text."""
        return self.drafts.get((ticket, kind))

    def carry_drafts(self, ticket: TicketId | None) -> int:
        """Remember that a ticket was left."""
        self.left.append(ticket)
        return 0

    def planned_sends(self) -> Sequence[PlannedSend]:
        """What goes out by itself."""
        waiting = [d for d in self.drafts.values() if d.send is not None]
        found = [PlannedSend(d, row.label if (row := self.desk.row(d.ticket)) else "") for d in waiting]
        return sorted(found, key=lambda each: each.order.at)

    def ui_state(self, key: str) -> str | None:
        """Window state."""
        return self.states.get(key)

    def save_ui_state(self, key: str, value: str) -> None:
        """Keep window state."""
        self.states[key] = value
