# SPDX-License-Identifier: GPL-3.0-or-later
"""The Needs-you tray over both files: open conflicts of the person's scope and entries of this device not ticked off.

Everything is read in one transaction over both files, so that an entry never shows beside the row that settled it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from app.domain.changes import AnyChange, MemberSet, ReplyRelease, membership_id
from app.domain.entities import (
    ASSET,
    BY_NUMBER,
    CONFLICT,
    CONTACT_ADDRESS,
    CUSTOMER,
    HISTORY,
    MESSAGE,
    ORGANISATION,
    TICKET,
    USER,
)
from app.domain.errors import Refused
from app.domain.ids import TicketId, UserId, derived_id, hlc_ms
from app.domain.needs import NeedDetail, NeedItem, NeedKind
from app.domain.ports import Identity, ItemKind, ThreadItem
from app.store.cipher import Database
from app.store.lists import customer_names
from app.store.pending import ChangeCodec, PendingStore
from app.store.shown import Shown
from app.store.stray_drafts import as_item, bring_back, discard, stray_drafts

__all__ = ["NeedsYouFile"]

_TRAY_KINDS = "('rejected', 'orphaned', 'held')"
_OPEN = "status = 'open' AND deleted = 0"
_CONFLICT_COLUMNS = (
    "id, kind, subject_type, subject, field, base, mine, theirs, author, hlc, coalesce(created_at, 0) AS at"
)
_TRAY = (
    "SELECT n.id, n.kind, n.created, n.entity_id, n.reason, n.name, n.v, n.content, n.data, n.mid "
    "FROM main.needs_you n "
    f"WHERE n.kind IN {_TRAY_KINDS} AND n.id NOT IN (SELECT d.id FROM pending.needs_you_done d)"
)


class NeedsYouFile:
    """Fulfils `NeedsYouStore`. Blocks on the disk: worker threads only."""

    def __init__(
        self,
        readers: Callable[[], Database],
        writer: Database,
        pending: PendingStore,
        codec: ChangeCodec,
        identity: Callable[[], Identity | None],
        now_ms: Callable[[], int],
    ) -> None:
        """`pending` lends its lock: one writer at a time."""
        self._readers = readers
        self._writer = writer
        self._pending = pending
        self._codec = codec
        self._identity = identity
        self._now_ms = now_ms

    def entries(self) -> Sequence[NeedItem]:
        """Return what waits, newest first."""
        with self._readers().read() as tx:
            return self._entries(Shown(tx))

    def number(self) -> int:
        """Return how many wait."""
        with self._readers().read() as tx:
            return self.count(Shown(tx))

    def detail(self, entry: bytes) -> NeedDetail | None:
        """Return an entry with all that is needed to decide, or None when it is settled."""
        with self._readers().read() as tx:
            shown = Shown(tx)
            item = next((i for i in self._entries(shown) if i.id == entry), None)
            if item is None:
                return None
            if item.ticket is None:
                return NeedDetail(item)
            news = self._news(shown, item) if item.kind is NeedKind.STALE_REPLY else ()
            number, newest = self._newest(shown, item.ticket)
            return NeedDetail(item, news, number, self._mine_at(shown, item), newest)

    def settle(self, entries: Collection[bytes]) -> None:
        """Tick tray entries off on this device; drafts among them are discarded."""
        with self._pending.lock, self._writer.write() as tx:
            rest = discard(tx, entries, self._now_ms())
            tx.many("INSERT OR IGNORE INTO needs_you_done VALUES(?)", [(i,) for i in rest])

    def unsettle(self, entries: Collection[bytes]) -> None:
        """Put ticked-off tray entries back."""
        with self._pending.lock, self._writer.write() as tx:
            tx.many("DELETE FROM needs_you_done WHERE id = ?", [(i,) for i in entries])
            bring_back(tx, entries)

    def count(self, shown: Shown) -> int:
        """Return how many entries wait; equals the length of `entries` in the same transaction."""
        tray = len(self._tray_rows(shown)) + len(stray_drafts(shown))
        return len(shown.select(CONFLICT.number, "id", _OPEN)) + tray

    # --- rows -------------------------------------------------------------------------------------------------------

    def _tray_rows(self, shown: Shown) -> list[tuple[Any, ...]]:
        """Return the tray's rows. What the server held has a conflict row too: open or closed, that one counts."""
        rows = shown.tx.all(f"{_TRAY} ORDER BY n.created DESC, n.mid DESC")
        twins = {row[0]: self._conflict_ids(row) for row in rows if row[1] == NeedKind.HELD}
        wanted = sorted({i for ids in twins.values() for i in ids})
        here = {bytes(i) for (i,) in shown.by_ids(CONFLICT.number, "id", wanted)} if wanted else set()
        return [row for row in rows if not (twins.get(row[0], set()) & here)]

    def _conflict_ids(self, row: tuple[Any, ...]) -> set[bytes]:
        """Return the ids that the conflict rows of a held change have or would have."""
        data = _object(row[8])
        named = [data.get("conflict"), *(data.get("conflicts") or ())]
        out = {raw for text in named if (raw := _id_of(text)) is not None}
        change = self._decode(row[5], row[6], row[7])
        event = getattr(change, "event", None)
        if change is None or not event:
            return out
        out.add(derived_id(event, "held") if not isinstance(change, ReplyRelease) else change.conflict)
        fields = [str(e.get("field", "")) for e in data.get("fields") or () if isinstance(e, dict)]
        out |= {derived_id(event, "conflict", subject, f) for f in fields for subject in _subjects(change)}
        identity = self._identity()
        device = identity.device_code if identity else ""
        return out | {derived_id(i, device, str(row[9])) for i in out}

    def _decode(self, name: str | None, version: int | None, content: bytes | None) -> AnyChange | None:
        if name is None or content is None:
            return None
        try:
            return self._codec.decode(name, version or 1, content)
        except (Refused, ValueError, KeyError, TypeError):
            return None  # made by a newer program: it is shown, but cannot be sent again from here

    def _entries(self, shown: Shown) -> list[NeedItem]:
        conflicts = shown.select(CONFLICT.number, _CONFLICT_COLUMNS, _OPEN)
        tray = self._tray_rows(shown)
        subjects = _Subjects(shown, [(row[2], row[3]) for row in conflicts], [row[3] for row in tray])
        items = [item for row in conflicts if (item := _of_conflict(row, subjects)) is not None]
        items += [self._of_tray(row, subjects) for row in tray]
        items += [as_item(draft) for draft in stray_drafts(shown)]
        items.sort(key=lambda i: (-i.at, i.id))
        return items

    def _of_tray(self, row: tuple[Any, ...], subjects: _Subjects) -> NeedItem:
        id_, kind, at, entity, reason, name, version, content, _data, _mid = row
        change = self._decode(name, version, content)
        fields = getattr(change, "fields", None)
        ticket, label, title, customer = subjects.ticket(entity)
        return NeedItem(
            id=id_, kind=NeedKind(kind), at=at, subject_type=TICKET.number, subject=entity or b"", ticket=ticket,
            label=label, title=title, customer_name=customer, reason=reason or "", name=name or "",
            body=_body_of(change), fields=fields if isinstance(fields, Mapping) else {}, change=change,
            names=subjects.names,
        )  # fmt: skip

    # --- details ----------------------------------------------------------------------------------------------------

    def _newest(self, shown: Shown, ticket: bytes) -> tuple[int, bytes | None]:
        """Return number and id of the newest message that the server has; own unsent ones have none of its numbers."""
        own = shown.overlaid_ids(MESSAGE.number)
        found = shown.select(MESSAGE.number, "id, msg_no", "ticket = ? AND deleted = 0", (ticket,))
        return max(((no, id_) for id_, no in found if no and id_ not in own), default=(0, None))

    def _news(self, shown: Shown, item: NeedItem) -> tuple[ThreadItem, ...]:
        """Return the messages of others above what the author had on screen, and what the server named as news."""
        identity = self._identity()
        me = identity.account if identity else b""
        args = item.mine.get("args") if isinstance(item.mine, dict) else None
        seen = args.get("seen_seq") if isinstance(args, dict) else 0
        why = item.theirs.get("messages") if isinstance(item.theirs, dict) else None
        named = {str(id_) for id_ in why} if isinstance(why, list) else set()
        columns = "id, direction, author_kind, author, body, msg_no, coalesce(occurred_at, created_at) AS at"
        found = shown.select(
            MESSAGE.number, columns, "ticket = ? AND deleted = 0", (item.ticket,), order="msg_no"
        )  # fmt: skip
        authors = sorted({row[3] for row in found if row[3]})
        names = {i: n or "" for i, n in shown.by_ids(USER.number, "id, name", authors)}
        names |= customer_names(shown, [a for a in authors if a not in names])
        return tuple(
            ThreadItem(
                id_, ItemKind.MESSAGE_IN if direction == "in" else ItemKind.REPLY, at or 0, kind or "", author,
                names.get(author, ""), body or "", msg_no=no or 0,
            )
            for id_, direction, kind, author, body, no, at in found
            if author != me and ((no or 0) > (seen if isinstance(seen, int) else 0) or id_.hex() in named)
        )  # fmt: skip

    def _mine_at(self, shown: Shown, item: NeedItem) -> int | None:
        """Return when the person made the change that lost, from its line in the history."""
        if item.kind is not NeedKind.FIELD:
            return None
        found = shown.select(
            HISTORY.number, "data, acted_at", "subject = ? AND kind = 'gave_way' AND deleted = 0", (item.subject,)
        )
        times = [
            at or 0
            for data, at in found
            if (line := _object(data)).get("field") == item.field and line.get("new", line.get("lost")) == item.mine
        ]
        return max(times, default=None)


def _subjects(change: AnyChange) -> list[bytes]:
    """Return the rows that a change may have edited."""
    if isinstance(change, MemberSet):
        return [membership_id(change.ticket, change.kind, change.member)]
    found = [getattr(change, name, None) for name in ("ticket", "customer", "id")]
    return [i for i in found if isinstance(i, bytes)]


# what a row without a ticket is called
_TITLES = {
    CUSTOMER.number: "name", ORGANISATION.number: "name", CONTACT_ADDRESS.number: "value", ASSET.number: "serial",
}  # fmt: skip


class _Subjects:
    """Labels of the tickets and names of the ids that entries speak of; read at once for all."""

    def __init__(self, shown: Shown, conflicts: Sequence[tuple[int, bytes]], tray: Sequence[bytes | None]) -> None:
        self._shown = shown
        self._tickets: dict[bytes, tuple[str, str, bytes | None]] = {}
        wanted = {i for type_, i in conflicts if type_ == TICKET.number and i} | {i for i in tray if i}
        self._parents = self._read_parents([(t, i) for t, i in conflicts if t != TICKET.number and t in BY_NUMBER])
        wanted |= {p for p in self._parents.values() if p}
        columns = "id, number, provisional, subject, customer"
        for id_, number, provisional, subject, customer in shown.by_ids(TICKET.number, columns, sorted(wanted)):
            label = f"#{number}" if number is not None else provisional or "#…"
            self._tickets[id_] = (label, subject or "", customer)
        self._customers = customer_names(shown, sorted({t[2] for t in self._tickets.values() if t[2]}))
        self._titles = self._read_titles([(t, i) for t, i in conflicts if t in _TITLES])
        self.names: dict[str, str] = {}

    def _read_parents(self, keys: Sequence[tuple[int, bytes]]) -> dict[bytes, bytes | None]:
        out: dict[bytes, bytes | None] = {}
        for type_ in {t for t, _ in keys}:
            entity = BY_NUMBER[type_]
            column = next((c for c in ("ticket", "subject") if c in entity.columns), None)
            if column is not None:
                ids = [i for t, i in keys if t == type_ and i]
                out |= dict(self._shown.by_ids(type_, f"id, {column}", ids))
        return out

    def _read_titles(self, keys: Sequence[tuple[int, bytes]]) -> dict[bytes, str]:
        out: dict[bytes, str] = {}
        for type_ in {t for t, _ in keys}:
            ids = [i for t, i in keys if t == type_]
            out |= {i: n or "" for i, n in self._shown.by_ids(type_, f"id, {_TITLES[type_]}", ids)}
        return out

    def of(self, type_: int, id_: bytes) -> tuple[TicketId | None, str, str, str]:
        """Return (ticket, label, title, customer's name) of a row."""
        if type_ == TICKET.number:
            return self.ticket(id_)
        parent = self._parents.get(id_)
        if parent:
            return self.ticket(parent)
        return None, "", self._titles.get(id_, ""), ""

    def ticket(self, id_: bytes | None) -> tuple[TicketId | None, str, str, str]:
        """Return (ticket, label, subject, customer's name); a ticket that is not here has no words."""
        if not id_:
            return None, "", "", ""
        label, subject, customer = self._tickets.get(id_, ("", "", None))
        return TicketId(id_), label, subject, self._customers.get(customer, "") if customer else ""

    def name_customers(self, values: Sequence[object]) -> None:
        """Find names for ids of customers and users among values."""
        ids = sorted({raw for v in values if (raw := _id_of(v)) is not None and raw.hex() not in self.names})
        if not ids:
            return
        found = {i: n or "" for i, n in self._shown.by_ids(USER.number, "id, name", ids)}
        found |= {i: n or "" for i, n in self._shown.by_ids(ORGANISATION.number, "id, name", ids)}
        found |= customer_names(self._shown, ids)
        self.names |= {i.hex(): n for i, n in found.items()}


def _of_conflict(row: tuple[Any, ...], subjects: _Subjects) -> NeedItem | None:
    id_, kind, type_, subject, name, base, mine, theirs, author, hlc, at = row
    try:
        shown_kind = NeedKind(kind)
    except ValueError:
        return NeedItem(id_, NeedKind.FIELD, at, type_ or 0, subject or b"", field=name or "")
    mine, theirs, base = _value(mine), _value(theirs), _value(base)
    subjects.name_customers([mine, theirs, base, author.hex() if author else None])
    ticket, label, title, customer = subjects.of(type_ or 0, subject or b"")
    change = mine if isinstance(mine, dict) else {}
    args = change.get("args")
    args = args if isinstance(args, dict) else {}
    body, fields = args.get("body"), args.get("fields")
    return NeedItem(
        id=id_, kind=shown_kind, at=at, subject_type=type_ or 0, subject=subject or b"", ticket=ticket, label=label,
        title=title, customer_name=customer, field=name or "", mine=mine, theirs=theirs, base=base,
        author=UserId(author) if author else None, author_name=subjects.names.get(author.hex(), "") if author else "",
        author_at=hlc_ms(hlc) if hlc else None, name=str(change.get("name") or ""),
        body=body if isinstance(body, str) else "", fields=fields if isinstance(fields, dict) else {},
        names=subjects.names,
    )  # fmt: skip


def _body_of(change: object) -> str:
    for name in ("body", "note", "subject"):
        text = getattr(change, name, None)
        if isinstance(text, str) and text:
            return text
    return ""


def _value(raw: str | None) -> Any:
    try:
        return json.loads(raw) if raw is not None else None
    except ValueError:
        return raw


def _object(raw: str | None) -> dict[str, Any]:
    parsed = _value(raw)
    return parsed if isinstance(parsed, dict) else {}


def _id_of(value: object) -> bytes | None:
    if not isinstance(value, str) or len(value) != 32:
        return None
    try:
        return bytes.fromhex(value)
    except ValueError:
        return None
