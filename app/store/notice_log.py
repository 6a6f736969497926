# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened that is worth a notice, read from both files, and in pending.db the ids of what is settled."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.domain.callbacks import GRACE_MS, CallState, ended_as
from app.domain.entities import CALLBACK, CUSTOMER, HISTORY, LIVE, MESSAGE, PROMISE, STATE, TICKET, USER
from app.domain.ids import TicketId
from app.domain.notices import NoticeEvent, NoticeKind
from app.domain.ports import Identity
from app.domain.promises import NEAR_MS, Standing, alarm_at, standing
from app.store.alarms import alarms_for
from app.store.cipher import Database
from app.store.promises import promises_of_tickets
from app.store.read_marks import unread_condition
from app.store.schema import table_of
from app.store.shown import Shown

__all__ = ["NoticeLog"]

_REACH_MS: Final = 90 * 86_400_000  # older than this before the newest that was settled: never told
_SINCE: Final = "notice_since"
_SLACK_MS: Final = 3_600_000  # clocks differ
_TEXT_CHARS: Final = 200
CALL_AHEAD_MS: Final = 5 * 60_000
_MINE: Final = "mine"
_Kept = tuple[bytes, str, int]  # id, kind, when


@dataclass(frozen=True, slots=True)
class _Ticket:
    id: bytes
    label: str
    subject: str
    customer: bytes | None


class NoticeLog:
    """Fulfils `app.domain.notices.NoticeLog`. Any thread, one call at a time."""

    def __init__(
        self, store_lock: threading.Lock, writer: Database, readers: Callable[[], Database],
        identity: Callable[[], Identity | None], now_ms: Callable[[], int],
    ) -> None:  # fmt: skip
        """`store_lock` is held by whoever writes pending.db."""
        self._store_lock = store_lock
        self._writer, self._readers, self._identity, self._now_ms = writer, readers, identity, now_ms
        self._lock = threading.Lock()
        self._notes_read = 0  # the newest note that was looked at, in the replica's own count
        self._mentions: dict[bytes, tuple[Any, ...]] = {}

    def collect(self, *, loaded: bool) -> Sequence[NoticeEvent]:
        """Return the events that wait, oldest first. The first call with `loaded` settles all that is there."""
        identity = self._identity()
        if identity is None:
            return []
        with self._lock:
            with self._readers().read() as tx:
                shown = Shown(tx)
                first = tx.value("SELECT v FROM pending.meta WHERE k = ?", (_SINCE,)) is None
                if first and not loaded:
                    return []
                events, settled, gone = self._read(shown, identity.account)
                newest = tx.value("SELECT max(last_at) FROM main.ticket")
            if first:
                settled, events = [*settled, *map(_kept, events)], []
            # a clock of this computer that is far ahead must not hide what comes
            self._write(settled, gone, began=min(self._now_ms(), newest or self._now_ms()) if first else None)
        return sorted(events, key=lambda e: (e.at, e.id))

    def settle(self, events: Sequence[NoticeEvent]) -> None:
        """Keep for good that these need no notice any more."""
        with self._lock:
            self._write([_kept(event) for event in events], [])

    def unread(self) -> int:
        """Count one's own open tickets whose customer wrote what one has not read."""
        identity = self._identity()
        if identity is None:
            return 0
        with self._readers().read() as tx:
            shown = Shown(tx)
            where = f"owner = ? AND deleted = 0 AND state IN ({_live(shown)}) AND {unread_condition(shown)}"
            return len(shown.select(TICKET.number, "id", where, (identity.account,)))

    # --- reading ------------------------------------------------------------------------------------------------------

    def _read(self, shown: Shown, me: bytes) -> tuple[list[NoticeEvent], list[_Kept], list[bytes]]:
        """Return what waits, what is settled unseen because it was before the ticket was ours, and tickets gone."""
        known = {id_: (at, kind) for id_, at, kind in shown.tx.all("SELECT id, at, kind FROM pending.notice")}
        # what is older than the first look is no news, whenever it comes: a team joined later, a slow first load
        began = int(shown.tx.value("SELECT v FROM pending.meta WHERE k = ?", (_SINCE,)) or 0)
        floor = max(max((at for at, _kind in known.values()), default=0) - _REACH_MS, began - _SLACK_MS)
        mine = {
            row[0]: _Ticket(row[0], _label(row[1], row[2]), row[3] or "", row[4])
            for row in shown.select(
                TICKET.number, "id, number, provisional, subject, customer",
                "owner = ? AND deleted = 0 AND last_at > ?", (me, floor),
            )
        }  # fmt: skip
        had = {id_ for id_, (_at, kind) in known.items() if kind == _MINE}
        fresh = [id_ for id_ in mine if id_ not in had]
        given = self._given(shown, me, fresh)
        found: list[tuple[bytes, bytes, NoticeKind, int, bytes | None, str]] = []
        settled: list[_Kept] = [(id_, _MINE, self._now_ms()) for id_ in fresh]
        for ticket, (id_, at, actor) in given.items():
            if actor != me and at > floor:
                found.append((id_, ticket, NoticeKind.ASSIGNED, at, actor, ""))
        columns = "id, ticket, created_at, author, body"
        more = (
            f" AND direction = 'in' AND NOT coalesce(automatic, 0) AND deleted = 0 AND created_at > {floor} "
            f"AND created_by IS NOT x'{me.hex()}'"  # a call that one wrote down oneself
        )
        for id_, ticket, at, author, body in shown.by_values(MESSAGE.number, columns, "ticket", list(mine), more):
            if id_ in known:
                continue
            if ticket in given and at <= given[ticket][1]:
                settled.append((id_, NoticeKind.MESSAGE.value, at))
            else:
                found.append((id_, ticket, NoticeKind.MESSAGE, at, author, body or ""))
        found += self._mentioned(shown, me, floor)
        found += self._timed(shown, me, floor)
        found += self._promised(shown, me, floor, mine)
        found += self._called(shown, me, floor, mine)
        found += ((id_, t, NoticeKind.ALARM, at, None, kind) for id_, t, at, kind in alarms_for(shown, me, floor))
        found = [each for each in found if each[0] not in known]
        return self._told(shown, found, mine), settled, [id_ for id_ in had if id_ not in mine]

    def _given(self, shown: Shown, me: bytes, fresh: Sequence[bytes]) -> Mapping[bytes, tuple[bytes, int, bytes]]:
        """Return for tickets that became one's own by which line, when and by whom; one's own work is by oneself."""
        out: dict[bytes, tuple[bytes, int, bytes]] = {}
        columns = "id, subject, data, created_at, actor"
        lines = shown.by_values(HISTORY.number, columns, "subject", fresh, " AND kind = 'field'")
        for id_, ticket, data, at, actor in lines:
            if _gives_to(data, me) and (ticket not in out or out[ticket][1] < at):
                out[ticket] = (id_, at, actor)
        rest = [id_ for id_ in fresh if id_ not in out]
        for id_, at, by in shown.by_ids(TICKET.number, "id, created_at, created_by", rest):
            out[id_] = (_derived("given", id_), (at or 1) - 1, by or b"")  # its first message counts
        return out

    def _mentioned(self, shown: Shown, me: bytes, floor: int) -> Iterable[tuple[Any, ...]]:
        """Notes are many and mentions few: each note is looked at once, by its place in the replica's table."""
        newest = int(shown.tx.value("SELECT max(rowid) FROM main.note") or 0)
        since = self._notes_read if newest >= self._notes_read else 0
        sql = (
            "SELECT id, ticket, created_at, author, body FROM main.note WHERE rowid > ? AND mentions LIKE ? "
            "AND author IS NOT ? AND deleted = 0"
        )
        for row in shown.tx.all(sql, (since, f"%{me.hex()}%", me)):
            self._mentions[row[0]] = row
        self._notes_read = newest
        for id_, ticket, at, author, body in self._mentions.values():
            if at > floor:
                yield id_, ticket, NoticeKind.MENTION, at, author, body or ""

    def _timed(self, shown: Shown, me: bytes, floor: int) -> Iterable[tuple[Any, ...]]:
        """What time alone brings: the end of a snooze, and targets that are near or missed."""
        now = self._now_ms()
        base = f"owner = ? AND deleted = 0 AND state IN ({_live(shown)})"
        where = f"{base} AND snooze_until > ? AND snooze_until <= ?"
        for id_, until in shown.select(TICKET.number, "id, snooze_until", where, (me, floor, now)):
            yield _derived("snooze", id_, until), id_, NoticeKind.SNOOZE, until, None, ""
        where = "follow_up_owner = ? AND follow_up = 'planned' AND follow_up_at BETWEEN ? AND ? AND deleted = 0"
        for id_, at in shown.select(TICKET.number, "id, follow_up_at", where, (me, floor, now)):
            yield _derived("follow_up", id_, at), id_, NoticeKind.FOLLOW_UP, at, None, ""
        if "next_warn" not in table_of(TICKET.number).columns:
            return
        where = f"{base} AND next_warn > ? AND next_warn <= ? AND next_due IS NOT NULL"
        columns = "id, next_warn, next_due, due_target"
        for id_, warn, due, target in shown.select(TICKET.number, columns, where, (me, floor, now)):
            kind, at = (NoticeKind.LATE, due) if due <= now else (NoticeKind.SLA, warn)
            yield _derived(kind.value, id_, due, target), id_, kind, at, None, str(due)

    def _promised(
        self, shown: Shown, me: bytes, floor: int, mine: Mapping[bytes, _Ticket]
    ) -> Iterable[tuple[Any, ...]]:
        """Promises that are near or due: those one made, and those on tickets of one's own, also while offline."""
        now = self._now_ms()
        where = "deleted = 0 AND closed_by IS NULL AND due_at > ? AND due_at <= ?"
        near = shown.select(PROMISE.number, "ticket, author", where, (floor, now + NEAR_MS))
        tickets = {ticket for ticket, author in near if author == me or ticket in mine}
        for ticket, promises in promises_of_tickets(shown, tickets).items():
            for each in promises:
                if each.author != me and ticket not in mine:
                    continue
                what = standing(each, promises, now)
                late = what is Standing.BROKEN and each.closed_by is None
                if (late or what is Standing.OPEN) and floor < each.due_at and alarm_at(each) <= now:
                    kind = NoticeKind.PROMISE_DUE if now >= each.due_at else NoticeKind.PROMISE
                    at = each.due_at if kind is NoticeKind.PROMISE_DUE else alarm_at(each)
                    yield _derived(kind.value, each.id, each.due_at), ticket, kind, at, None, str(each.due_at)

    def _called(self, shown: Shown, me: bytes, floor: int, mine: Mapping[bytes, _Ticket]) -> Iterable[tuple[Any, ...]]:
        """Calls that begin soon, for who makes them; missed ones, for who answers for it and for leads."""
        now = self._now_ms()
        where = "closed_at IS NULL AND deleted = 0 AND slot_start > ? AND slot_start <= ?"
        columns = "id, ticket, slot_start, slot_end, state, assignee, attempts"
        near = shown.select(CALLBACK.number, columns, where, (floor, now + CALL_AHEAD_MS))
        roles = shown.select(USER.number, "roles", "id = ?", (me,)) if near else []
        leads = bool(roles) and "lead" in json.loads(roles[0][0] or "[]")
        for id_, ticket, start, end, state, assignee, attempts in near:
            what = ended_as(CallState(state), end, attempts or 0, now)
            own = assignee == me or (assignee is None and ticket in mine)
            if what is CallState.MISSED and (leads or own):
                at = end + GRACE_MS
                yield _derived("call_missed", id_), ticket, NoticeKind.CALL_MISSED, at, None, str(start)
            elif what is CallState.CONFIRMED and own and not attempts and now < end:
                yield _derived("call", id_), ticket, NoticeKind.CALL, start - CALL_AHEAD_MS, None, str(start)

    def _told(self, shown: Shown, found: Sequence[tuple[Any, ...]], mine: Mapping[bytes, _Ticket]) -> list[NoticeEvent]:
        """Put names to what was found."""
        if not found:
            return []
        others = sorted({each[1] for each in found} - set(mine))
        tickets = dict(mine)
        for row in shown.by_ids(TICKET.number, "id, number, provisional, subject, customer", others):
            tickets[row[0]] = _Ticket(row[0], _label(row[1], row[2]), row[3] or "", row[4])
        users = dict(shown.by_ids(USER.number, "id, name", sorted({e[4] for e in found if e[4]})))
        wanted = sorted({t.customer for e in found if (t := tickets.get(e[1])) is not None and t.customer})
        customers = dict(shown.by_ids(CUSTOMER.number, "id, name", wanted))
        out = []
        for id_, ticket, kind, at, who, text in found:
            about = tickets.get(ticket)
            if about is None:
                continue  # a mention in a ticket that is not on this computer
            by_customer = kind not in (NoticeKind.ASSIGNED, NoticeKind.MENTION)
            name = customers.get(about.customer) if by_customer else users.get(who)
            out.append(
                NoticeEvent(
                    id_, TicketId(ticket), kind, at, about.label, about.subject, name or "", text[:_TEXT_CHARS],
                    mine=ticket in mine,
                )
            )  # fmt: skip
        return out

    # --- writing ------------------------------------------------------------------------------------------------------

    def _write(self, settled: Sequence[_Kept], gone: Sequence[bytes], *, began: int | None = None) -> None:
        if not settled and not gone and began is None:
            return
        now = self._now_ms()
        with self._store_lock, self._writer.write() as tx:
            # a clock that was wrong somewhere must not push the reach into the future
            kept = [(id_, kind, min(at, now)) for id_, kind, at in settled]
            tx.many("INSERT OR IGNORE INTO notice(id, kind, at) VALUES(?, ?, ?)", kept)
            tx.many("DELETE FROM notice WHERE id = ? AND kind = ?", [(id_, _MINE) for id_ in gone])
            newest = int(tx.value("SELECT max(at) FROM notice") or 0)
            tx.run("DELETE FROM notice WHERE at < ? AND kind <> ?", (newest - _REACH_MS, _MINE))
            if began is not None:
                tx.run("INSERT OR REPLACE INTO meta(k, v) VALUES(?, ?)", (_SINCE, began))


def _live(shown: Shown) -> str:
    states = shown.select(STATE.number, "id, category", "1")
    return ", ".join(f"x'{id_.hex()}'" for id_, category in states if category in LIVE)


def _kept(event: NoticeEvent) -> _Kept:
    return event.id, event.kind.value, event.at


def _gives_to(data: str | None, me: bytes) -> bool:
    try:
        said = json.loads(data or "")
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("field") == "owner" and said.get("new") == me.hex()


def _derived(*parts: object) -> bytes:
    raw = b"\0".join(p if isinstance(p, bytes) else str(p).encode() for p in parts)
    return hashlib.blake2b(raw, digest_size=16, person=b"deskside notice").digest()


def _label(number: int | None, provisional: str | None) -> str:
    return f"#{number}" if number is not None else provisional or "#…"
