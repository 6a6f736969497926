# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge, unmerge and split of tickets. The record of a merge is the `merged` line in the source's history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.domain.changes_base import (
    MAX_SUBJECT_CHARS,
    Context,
    Derive,
    Effect,
    Insert,
    Key,
    Row,
    Rows,
    category_of,
    history,
    int_of,
    json_list,
    landing,
    live_ticket,
    object_of,
    preview_of,
    set_state_effects,
    was_done,
)
from app.domain.changes_tickets import check_new_ticket, membership_id, membership_row
from app.domain.entities import (
    HISTORY,
    LIVE,
    MEMBERSHIP,
    MESSAGE,
    NOTE,
    STATE,
    TICKET,
    TICKET_CHILDREN,
    Category,
    Value,
)
from app.domain.errors import Refused

MAX_SPLIT = 1000
# history stays with its ticket; tags, watchers and links are rows named by their ticket, so the target gets its own
_CARRIED = tuple(e for e in TICKET_CHILDREN if e.parent == "ticket")


def _carried(rows: Rows, ticket: bytes) -> list[Row]:
    """Return what a merge carries to the target, messages first in their order."""
    out = [row for entity in _CARRIED for row in rows.find(entity.number, "ticket", ticket)]
    return sorted(out, key=lambda r: (r.type, int_of(r.values.get("msg_no")), r.id))


def _moved(carried: Iterable[Row], ticket: Row | Insert, last_no: int) -> list[Effect]:
    """Return the effects that put rows under another ticket; messages take its next numbers."""
    out: list[Effect] = []
    for row in carried:
        values: dict[str, Value] = {"ticket": ticket.id}
        if row.type == MESSAGE.number:
            last_no += 1
            values["msg_no"] = last_no
        out.append(Derive(row.type, row.id, values, scope=ticket.scope))
    return out


def _tail(messages: Sequence[Row]) -> dict[str, Value]:
    """Return a ticket's derived columns as its messages say, in the order given."""
    out: dict[str, Value] = {"last_in_no": 0, "last_out_no": 0}
    for row in messages:
        side = "last_in_no" if row.values.get("direction") == "in" else "last_out_no"
        out[side] = int_of(row.values.get("msg_no"))
    if messages:
        newest = messages[-1].values
        out["preview"] = preview_of(str(newest.get("body") or ""))
        out["last_at"] = int_of(newest.get("occurred_at")) or int_of(newest.get("created_at"))
    return out


def _hex_ids(data: object) -> list[bytes]:
    if not isinstance(data, list):
        return []
    try:
        return [bytes.fromhex(item) for item in data if isinstance(item, str)]
    except ValueError:
        return []


@dataclass(frozen=True, slots=True)
class TicketMerge:
    """`ticket.merge`: everything of `ticket` but its history moves to `into`, which takes what is written later."""

    event: bytes
    ticket: bytes
    into: bytes

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Move the rows, add tags and watchers, point the source at the target and keep a record."""
        if was_done(rows, self.ticket, self.event, "merged"):
            return []
        source, target = live_ticket(rows, self.ticket), live_ticket(rows, self.into)
        allowed = {*LIVE, Category.SOLVED}
        if source.id == target.id or not {category_of(rows, t.values["state"]) for t in (source, target)} <= allowed:
            raise Refused("merge_refused")
        merged = rows.first(STATE.number, "category", Category.MERGED.value)
        if merged is None:
            raise Refused("no_such_state")
        carried = _carried(rows, source.id)
        tags, added = self._sets(rows, ctx, source, target)
        earlier = rows.find(TICKET.number, "merged_into", source.id, deleted=True)
        old_state = source.values["state"]
        record = {
            "into": target.id.hex(), "state": old_state.hex() if isinstance(old_state, bytes) else None,
            "moved": [row.id.hex() for row in carried], "sets": added, "hlc": ctx.hlc,
            "repointed": [row.id.hex() for row in earlier],
        }  # fmt: skip
        told = {"source": source.id.hex(), "number": source.values.get("number"), "rows": len(carried)}
        if self._unanswered(source):
            told["unanswered"] = True  # for the clock: as if the customer had just written here
        return [
            *_moved(carried, target, int_of(target.values.get("msg_seq"))),
            Derive(TICKET.number, target.id, self._after(source, target, carried)),
            *self._woken(rows, ctx, source, target),
            *tags,
            *(Derive(TICKET.number, row.id, {"merged_into": target.id}) for row in earlier),
            Derive(TICKET.number, source.id, {"merged_into": target.id, "state": merged.id}),
            history(ctx, source, self.event, "merged", record),
            history(ctx, target, self.event, "merged_in", told),
        ]

    def _sets(self, rows: Rows, ctx: Context, source: Row, target: Row) -> tuple[list[Effect], list[str]]:
        """Return the effects that add the source's tags, watchers and links, and the ids of what was added."""
        out: list[Effect] = []
        added: list[str] = []
        for row in rows.find(MEMBERSHIP.number, "subject", source.id):
            kind, member = str(row.values["kind"]), row.values["member"]
            if not row.values.get("present") or not isinstance(member, bytes) or member == target.id:
                continue
            id_ = membership_id(target.id, kind, member)
            there = rows.get(MEMBERSHIP.number, id_)
            if there is not None and there.values.get("present"):
                continue
            new = membership_row(ctx, target, kind, member, present=True)
            out.append(new if there is None else Derive(MEMBERSHIP.number, id_, {"present": True}))
            added.append(id_.hex())
        return out, added

    def _unanswered(self, source: Row) -> bool:
        return int_of(source.values.get("last_in_no")) > int_of(source.values.get("last_out_no"))

    def _after(self, source: Row, target: Row, carried: Sequence[Row]) -> dict[str, Value]:
        messages = sum(row.type == MESSAGE.number for row in carried)
        number = int_of(target.values.get("msg_seq")) + messages
        out: dict[str, Value] = {"msg_seq": number}
        if self._unanswered(source):
            out["last_in_no"] = number  # as if the customer had just written here
        if int_of(source.values.get("last_at")) > int_of(target.values.get("last_at")):
            out |= {"last_at": source.values["last_at"], "preview": source.values.get("preview")}
        return out

    def _woken(self, rows: Rows, ctx: Context, source: Row, target: Row) -> list[Effect]:
        if not self._unanswered(source):
            return []
        sleeping = {Category.WAITING_CUSTOMER, Category.WAITING_INTERNAL, Category.SOLVED}
        out: list[Effect] = []
        if category_of(rows, target.values["state"]) in sleeping:
            out += set_state_effects(rows, ctx, target, Category.OPEN, self.event)
        if target.values.get("snooze_until"):
            out.append(Derive(TICKET.number, target.id, {"snooze_until": None}))
        return out

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket), (TICKET.number, self.into)]

    def more_roots(self, rows: Rows) -> list[Key]:
        """Tickets merged into the source before."""
        found = rows.find(TICKET.number, "merged_into", self.ticket, deleted=True)
        return [(TICKET.number, row.id) for row in found]


def merge_record(rows: Rows, ticket: bytes) -> tuple[Row, dict[str, object]] | None:
    """Return the history line of the merge that holds now, and what it says."""
    lines = rows.find(HISTORY.number, "subject", ticket)
    undone = {object_of(r.values["data"]).get("record") for r in lines if r.values["kind"] == "unmerged"}
    open_ = [row for row in lines if row.values["kind"] == "merged" and row.id.hex() not in undone]
    return (open_[-1], object_of(open_[-1].values["data"])) if open_ else None


@dataclass(frozen=True, slots=True)
class TicketUnmerge:
    """`ticket.unmerge`: what a merge moved, and what arrived through the source since, goes back. No time limit."""

    event: bytes
    ticket: bytes

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Undo the merge row by row; rows that were split away since stay where they are."""
        if was_done(rows, self.ticket, self.event, "unmerged"):
            return []
        source = rows.get(TICKET.number, self.ticket)
        if source is None or source.deleted:
            raise Refused("no_such_ticket")
        into = source.values.get("merged_into")
        found = merge_record(rows, source.id)
        target = rows.get(TICKET.number, into) if isinstance(into, bytes) else None
        if target is None:
            raise Refused("not_merged")
        if found is None:
            raise Refused("no_merge_record")
        line, record = found
        named = set(_hex_ids(record.get("moved")))
        here = _carried(rows, target.id)
        back = [row for row in here if row.id in named or row.values.get("arrived_via") == source.id]
        told = {"source": source.id.hex(), "number": source.values.get("number"), "rows": len(back)}
        return [
            *_moved(back, source, int_of(source.values.get("msg_seq"))),
            Derive(TICKET.number, source.id, self._source(rows, source, record, back)),
            Derive(TICKET.number, target.id, _tail([r for r in here if r.type == MESSAGE.number and r not in back])),
            *self._sets(rows, record),
            *self._pointed(rows, record, target),
            history(ctx, source, self.event, "unmerged", {"record": line.id.hex(), "from": target.id.hex()}),
            history(ctx, target, self.event, "unmerged_from", told),
        ]

    def _source(self, rows: Rows, source: Row, record: dict[str, object], back: Sequence[Row]) -> dict[str, Value]:
        messages = [row for row in back if row.type == MESSAGE.number]
        first = int_of(source.values.get("msg_seq"))
        renumbered = [Row(m.type, m.id, m.scope, {**m.values, "msg_no": first + n}) for n, m in enumerate(messages, 1)]
        state = _hex_ids([record.get("state")])
        out: dict[str, Value] = {**_tail(renumbered), "merged_into": None, "msg_seq": first + len(messages)}
        if state and rows.get(STATE.number, state[0]) is not None:
            out["state"] = state[0]
        return out

    def _sets(self, rows: Rows, record: dict[str, object]) -> list[Effect]:
        """Remove the tags that the merge added, unless somebody touched them since."""
        out: list[Effect] = []
        for id_ in _hex_ids(record.get("sets")):
            row = rows.get(MEMBERSHIP.number, id_)
            if row is not None and row.values.get("present") and row.stamp("present").hlc == record.get("hlc"):
                out.append(Derive(MEMBERSHIP.number, id_, {"present": False}))
        return out

    def _pointed(self, rows: Rows, record: dict[str, object], target: Row) -> list[Effect]:
        """Tickets merged into the source before point to it again, if they were not unmerged since."""
        return [
            Derive(TICKET.number, row.id, {"merged_into": self.ticket})
            for id_ in _hex_ids(record.get("repointed"))
            if (row := rows.get(TICKET.number, id_)) is not None and row.values.get("merged_into") == target.id
        ]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]

    def more_roots(self, rows: Rows) -> list[Key]:
        """Tickets that the merge had pointed elsewhere."""
        found = merge_record(rows, self.ticket)
        return [(TICKET.number, id_) for id_ in _hex_ids(found[1].get("repointed"))] if found else []


@dataclass(frozen=True, slots=True)
class TicketSplit:
    """`ticket.split`: chosen messages and notes become a new ticket of the same customer."""

    event: bytes
    ticket: bytes
    new_ticket: bytes
    messages: tuple[bytes, ...]
    subject: str
    provisional: str = ""

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Make the ticket, move what is still here, link both and leave a line at the old place."""
        check_new_ticket(self.subject, self.provisional)
        if rows.get(TICKET.number, self.new_ticket) is not None:
            if was_done(rows, self.new_ticket, self.event, "opened"):
                return []
            raise Refused("id_taken")
        if not 0 < len(self.messages) <= MAX_SPLIT:
            raise Refused("bad_value", field="messages")
        old, _ = landing(rows, self.ticket)
        state = rows.first(STATE.number, "category", Category.NEW.value)
        if state is None:
            raise Refused("no_such_state")
        chosen = set(self.messages)
        here = [r for r in _carried(rows, old.id) if r.type in (MESSAGE.number, NOTE.number)]
        moving = [row for row in here if row.id in chosen]
        if not moving:
            raise Refused("no_such_message")
        new = Insert(TICKET.number, self.new_ticket, old.scope, self._values(ctx, old, state.id, moving))
        staying = [r for r in here if r.type == MESSAGE.number and r.id not in chosen]
        rest = _tail(staying) if len(moving) > sum(r.type == NOTE.number for r in moving) else {}
        ids = [row.id.hex() for row in moving]
        return [
            new,
            *_moved(moving, new, 0),
            Derive(TICKET.number, old.id, rest),
            membership_row(ctx, new, "split_from", old.id, present=True),
            history(ctx, old, self.event, "split", {"ticket": new.id.hex(), "rows": ids}),
            history(ctx, new, self.event, "opened", {"origin": "split", "ticket": old.id.hex()}),
        ]

    def _values(self, ctx: Context, old: Row, state: bytes, moving: Sequence[Row]) -> dict[str, Value]:
        messages = [row for row in moving if row.type == MESSAGE.number]
        numbered = [Row(m.type, m.id, m.scope, {**m.values, "msg_no": n}) for n, m in enumerate(messages, 1)]
        kept = ("customer", "organisation", "asset", "team", "tier", "language", "priority", "kind", "channel")
        out: dict[str, Value] = {name: old.values.get(name) for name in kept}
        return out | {
            "number": None, "provisional": self.provisional, "aliases": json_list(self.provisional),
            "subject": self.subject[:MAX_SUBJECT_CHARS], "state": state, "msg_seq": len(messages),
            "last_at": ctx.acted_ms, "preview": "", "created_at": ctx.acted_ms, "created_by": ctx.actor.id,
            **_tail(numbered),
        }  # fmt: skip

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket), (TICKET.number, self.new_ticket)]
