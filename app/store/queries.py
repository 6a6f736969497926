# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers the windows' questions from both files as one; fulfils `TicketQueries`. Blocks: worker threads only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.domain.calendars import Span
from app.domain.changes_reading import READ_MARK_NAME
from app.domain.entities import LIVE, STATE, TAG, TEAM, TICKET, USER, Category
from app.domain.ids import CustomerId, StateId, TagId, TeamId, TicketId, UserId, ViewId
from app.domain.ports import (
    Choices,
    Found,
    Identity,
    OutboxItem,
    SavedView,
    SearchHit,
    Seen,
    SortKey,
    StateChoice,
    Template,
    TicketDetails,
    TicketRow,
    ViewKey,
)
from app.domain.search_text import Hint
from app.store.cipher import Database
from app.store.details import ticket_details
from app.store.kept_messages import KeptMessages
from app.store.latest import Latest, Superseded
from app.store.lists import ROW_COLUMNS, ticket_rows
from app.store.named_files import NamedFile, named_files
from app.store.opening import team_spans
from app.store.packed_ids import packed, packed_with
from app.store.pending import seen_of
from app.store.search import Searcher
from app.store.shown import Shown, ShownRows
from app.store.templates import templates
from app.store.views import is_listed, saved_views

_ORDER = {
    SortKey.LAST_ACTIVITY: "last_at DESC, id DESC",
    SortKey.CREATED: "created_at DESC, id DESC",
    SortKey.PRIORITY: "priority DESC, last_at DESC, id DESC",
    # a ticket without a number yet is the newest there is
    SortKey.NUMBER: "number IS NULL DESC, number DESC, id DESC",
    # the earliest due first; what has none comes after, with the newest activity first
    SortKey.DUE: "next_due IS NULL, next_due, last_at DESC, id DESC",
}
# one number that orders as _ORDER does but for ties
_KEY = {
    SortKey.LAST_ACTIVITY: "coalesce(last_at, 0)",
    SortKey.CREATED: "coalesce(created_at, 0)",
    SortKey.PRIORITY: "(coalesce(priority, 0) << 48) + coalesce(last_at, 0)",
    SortKey.NUMBER: "coalesce(number, 1 << 60)",
    SortKey.DUE: "CASE WHEN next_due IS NULL THEN coalesce(last_at, 0) ELSE (1 << 60) - next_due END",
}
_SORT_COLUMNS = "id, last_at, created_at, priority, number, next_due"
_WAITING = frozenset({Category.WAITING_CUSTOMER, Category.WAITING_INTERNAL, Category.HELD})


class StoreQueries:
    """Reads of both files. Each method is one read transaction."""

    def __init__(
        self, readers: Callable[[], Database], identity: Callable[[], Identity | None], now_ms: Callable[[], int]
    ) -> None:
        self._readers = readers
        self._identity = identity
        self._now_ms = now_ms
        self._latest = Latest()
        self.kept = KeptMessages()
        self._counted: tuple[tuple[Database, int, str], tuple[int | None, ...]] | None = None

    def ids(self, view: ViewKey | ViewId, sort: SortKey = SortKey.LAST_ACTIVITY, text: str = "") -> Sequence[TicketId]:
        """Return the ids of a view, in order; `text` narrows by search."""
        with self._readers().read() as tx:
            shown = Shown(tx)
            if not isinstance(view, ViewKey):
                saved = next((v.condition for v in saved_views(shown) if v.id == view), "")
                view, text = ViewKey.ALL, f"{saved} {text}"
            where = self._where(shown, view)
            if not text.strip():
                return self._ordered(shown, where, sort)
            narrowed, among = self._searcher(shown).narrow(text)
            if among is None:
                return self._ordered(shown, f"{where} AND {narrowed}", sort)
            rows = shown.by_values(TICKET.number, _SORT_COLUMNS, "id", sorted(among), f" AND {where} AND {narrowed}")
            return _sorted(rows, sort)

    def rows(self, ids: Sequence[TicketId]) -> Mapping[TicketId, TicketRow]:
        """Return the lines of these tickets; ids no longer there are left out."""
        with self._readers().read() as tx:
            shown = Shown(tx)
            raw = shown.by_ids(TICKET.number, ROW_COLUMNS, list(ids), " AND deleted = 0")
            return {row.id: row for row in ticket_rows(shown, raw)}

    def counts(self) -> Mapping[ViewKey | ViewId, int]:
        """Return how many tickets each view holds, the pinned saved ones included."""
        with self._readers().read() as tx:
            shown = Shown(tx)
            wheres: dict[ViewKey | ViewId, str] = {view: self._where(shown, view) for view in ViewKey}
            out: dict[ViewKey | ViewId, int] = {}
            for view in saved_views(shown):
                if view.pinned:
                    where, among = self._searcher(shown).narrow(view.condition)
                    if among is None and is_listed(where):
                        wheres[view.id] = where
                    elif among is None:
                        out[view.id] = len(shown.select(TICKET.number, "1", where))
                    else:
                        out[view.id] = len(shown.by_ids(TICKET.number, "1", sorted(among), f" AND {where}"))
            few: dict[ViewKey | ViewId, str] = {
                view: where for view, where in wheres.items() if isinstance(view, ViewKey) and view is not ViewKey.ALL
            }
            many = {view: where for view, where in wheres.items() if view not in few}
            looked_at = self._among(shown, LIVE | {Category.SOLVED})
            return out | self._sums(shown, few, looked_at) | self._sums(shown, many)

    def _sums(
        self, shown: Shown, wheres: Mapping[ViewKey | ViewId, str], among: str = ""
    ) -> dict[ViewKey | ViewId, int]:
        """Count several conditions in one walk: of the tickets `among` which they all are, or of the list's index."""
        tx = shown.tx
        columns = ", ".join(f"({where}) AS v{i}" for i, where in enumerate(wheres.values()))
        sums = ", ".join(f"sum(v{i})" for i in range(len(wheres)))
        walk = f"WHERE {among}" if among else "INDEXED BY ticket_list"
        counted = f"SELECT {sums} FROM (SELECT {columns} FROM main.ticket AS s {walk})"
        total = tx.one(counted) or () if among else self._kept_sums(shown, counted)
        if TICKET.number in shown.overlaid:
            keys = f"(SELECT k.id FROM pending.over_key k WHERE k.type = {TICKET.number} AND {shown.active()})"
            below = f"SELECT {sums} FROM (SELECT {columns} FROM main.ticket AS s WHERE id IN {keys})"
            above = f"SELECT {sums} FROM (SELECT {columns} FROM pending.over_ticket AS s WHERE id IN {keys})"
            minus, plus = tx.one(below) or (), tx.one(above) or ()
            total = tuple((n or 0) - (m or 0) + (p or 0) for n, m, p in zip(total, minus, plus, strict=True))
        return {view: int(n or 0) for view, n in zip(wheres, total, strict=True)}

    def _kept_sums(self, shown: Shown, counted: str) -> tuple[int | None, ...]:
        """Walk the whole index once for each state of the replica: with a million tickets that takes a second."""
        key = (self._readers(), shown.checkpoint_no, counted)
        if self._counted is None or self._counted[0] != key:
            self._counted = (key, shown.tx.one(counted) or ())
        return self._counted[1]

    def details(self, ticket: TicketId) -> TicketDetails | None:
        """Return a ticket's page, or None when it is not on this computer."""
        readers = self._readers()
        kept = self.kept.get(readers, ticket)
        with readers.read() as tx:
            details = ticket_details(Shown(tx), ticket, kept)
        self.kept.put(readers, ticket, kept)
        return details

    def files_of(self, customer: CustomerId, media_type: str) -> Sequence[NamedFile]:
        """Return the files of this type that notes of a customer's tickets name, the newest first."""
        with self._readers().read() as tx:
            return named_files(Shown(tx), customer, media_type)

    def search(self, text: str, limit: int = 200) -> Sequence[SearchHit]:
        """Find tickets: numbers and serials first, then newest activity."""
        with self._readers().read() as tx:
            return self._searcher(Shown(tx)).search(text, limit)

    def find(self, text: str, limit: int = 200) -> Found:
        """Search as `search` does, with remarks. A newer call ends one that still runs, which then finds nothing."""
        with self._readers().read() as tx:
            try:
                return self._latest.run(tx, lambda: self._searcher(Shown(tx)).find(text, limit))
            except Superseded:  # in here: the connection is as good as before, and keeps what it has read
                return Found(())

    def hints(self, text: str) -> Sequence[Hint]:
        """Return remarks about a search text that narrows a list."""
        with self._readers().read() as tx:
            return self._searcher(Shown(tx)).hints(text)

    def views(self) -> Sequence[SavedView]:
        """Return the saved views that this person sees, by name."""
        with self._readers().read() as tx:
            return saved_views(Shown(tx))

    def choices(self) -> Choices:
        """Return states, users, teams and tags."""
        with self._readers().read() as tx:
            shown = Shown(tx)
            states = shown.select(
                STATE.number, "id, category, name_ko, name_en, position", "deleted = 0 AND coalesce(active, 1)",
                order="position",
            )  # fmt: skip
            users = shown.select(USER.number, "id, name", "deleted = 0 AND coalesce(active, 1)", order="name")
            teams = shown.select(TEAM.number, "id, name_ko, name_en", "deleted = 0", order="name_ko")
            tags = shown.select(TAG.number, "id, name", "deleted = 0 AND NOT coalesce(retired, 0)", order="name")
            mine = frozenset(TeamId(bytes.fromhex(t)) for t in self._team_ids(shown))
            identity = self._identity()
            me = shown.by_ids(USER.number, "signature", [identity.account]) if identity is not None else []
        return Choices(
            [StateChoice(StateId(s[0]), Category(s[1]), s[2] or "", s[3] or "") for s in states],
            {UserId(u[0]): u[1] or "" for u in users},
            {TeamId(t[0]): (t[1] or "", t[2] or "") for t in teams},
            {TagId(t[0]): t[1] or "" for t in tags},
            mine,
            str(me[0][0] or "") if me else "",
        )

    def seen(self, ticket: TicketId, names: Sequence[str]) -> Mapping[str, Seen]:
        """Return what an edit of these fields starts from."""
        identity = self._identity()
        device = identity.device_code if identity else ""
        with self._readers().read() as tx:
            shown = Shown(tx)
            row = ShownRows(shown).get(TICKET.number, ticket)
            return {name: seen_of(row, name, device, shown) for name in names}

    def templates(self) -> Sequence[Template]:
        """Return canned replies and macros."""
        with self._readers().read() as tx:
            return templates(Shown(tx))

    def open_spans(self, team: TeamId) -> Sequence[Span]:
        """Return when a team is open, in UTC seconds, oldest first."""
        with self._readers().read() as tx:
            return team_spans(Shown(tx), team)

    def outbox(self) -> Sequence[OutboxItem]:
        """Return the changes that wait for the server, oldest first."""
        with self._readers().read() as tx:
            shown = Shown(tx)
            sql = (
                "SELECT k.mid, k.name, k.created, k.ticket FROM pending.outbox k "
                f"WHERE {shown.active()} AND k.name <> '{READ_MARK_NAME}'"  # nobody waits for these
            )
            found = tx.all(sql + " ORDER BY k.mid")
            wanted = sorted({row[3] for row in found if row[3]})
            labels = {i: _label(n, p) for i, n, p in shown.by_ids(TICKET.number, "id, number, provisional", wanted)}
        return [
            OutboxItem(mid, name, created, TicketId(ticket) if ticket else None, labels.get(ticket, ""))
            for mid, name, created, ticket in found
        ]

    # --- parts ------------------------------------------------------------------------------------------------------

    def _ordered(self, shown: Shown, where: str, sort: SortKey) -> Sequence[TicketId]:
        """Return the ids of a condition in order: the replica's from its index, own changed tickets put in between."""
        over = shown.overlaid_ids(TICKET.number)
        key = _KEY[sort]
        sql = f"FROM main.ticket AS s WHERE {where} ORDER BY {_ORDER[sort]}"
        if not over:
            return packed(shown.tx.cursor(f"SELECT id {sql}"))
        marks = f"(SELECT k.id FROM pending.over_key k WHERE k.type = {TICKET.number} AND {shown.active()})"
        overlay = f"FROM pending.over_ticket AS s WHERE {where} AND id IN {marks} ORDER BY {_ORDER[sort]}"
        own = [(row[0], row[1]) for row in shown.tx.all(f"SELECT id, {key} {overlay}")]
        return packed_with(shown.tx.cursor(f"SELECT id, {key} {sql}"), over, own)

    def _searcher(self, shown: Shown) -> Searcher:
        return Searcher(shown, self._identity(), self._now_ms())

    @staticmethod
    def _among(shown: Shown, categories: frozenset[Category]) -> str:
        """Return the condition of being in a state of these categories."""
        found = shown.select(STATE.number, "id, category", "1")
        return f"state IN ({', '.join(literal(i) for i, category in found if Category(category) in categories)})"

    def _where(self, shown: Shown, view: ViewKey) -> str:
        """Return a view's condition on ticket columns. Ids are literals: one text serves lists and counts."""
        identity = self._identity()
        me = literal(identity.account) if identity else "NULL"
        awake = f"(snooze_until IS NULL OR snooze_until <= {self._now_ms()})"

        def among(categories: frozenset[Category]) -> str:
            return self._among(shown, categories)

        alive = f"{among(LIVE)} AND {awake}"
        # few are alive: a plus keeps SQLite from walking all that a person or a team ever had
        where = {
            ViewKey.MINE: f"+owner = {me} AND {alive}",
            ViewKey.UNASSIGNED: f"+owner IS NULL AND {alive}",
            ViewKey.TEAM: f"+team IN ({self._my_teams(shown)}) AND {alive}",
            ViewKey.WAITING: f"{among(_WAITING)} AND {awake}",
            ViewKey.SNOOZED: f"{among(LIVE)} AND snooze_until > {self._now_ms()}",
            ViewKey.ALL_LIVE: alive,
            ViewKey.SOLVED: among(frozenset({Category.SOLVED})),
            ViewKey.ALL: "1",
        }[view]
        return f"deleted = 0 AND {where}"

    def _my_teams(self, shown: Shown) -> str:
        return ", ".join(f"x'{t}'" for t in self._team_ids(shown))

    def _team_ids(self, shown: Shown) -> list[str]:
        identity = self._identity()
        if identity is None:
            return []
        found = shown.select(USER.number, "teams", "id = ?", (identity.account,))
        try:
            teams: list[Any] = json.loads(found[0][0]) if found and found[0][0] else []
        except ValueError:
            teams = []
        return [t for t in teams if isinstance(t, str) and _is_hex(t)]


def literal(id_: bytes) -> str:
    """Return an id as SQL."""
    return f"x'{id_.hex()}'"


def _is_hex(text: str) -> bool:
    return len(text) == 32 and all(c in "0123456789abcdef" for c in text)


def _label(number: int | None, provisional: str | None) -> str:
    return f"#{number}" if number is not None else provisional or "#…"


def _sorted(rows: Sequence[tuple[Any, ...]], sort: SortKey) -> list[TicketId]:
    """Order rows of `_SORT_COLUMNS` as SQL would."""

    def key(row: tuple[Any, ...]) -> tuple[Any, ...]:
        id_, last_at, created_at, priority, number, next_due = row
        return {
            SortKey.LAST_ACTIVITY: (last_at or 0, id_),
            SortKey.CREATED: (created_at or 0, id_),
            SortKey.PRIORITY: (priority or 0, last_at or 0, id_),
            SortKey.NUMBER: (number is None, number or 0, id_),
            SortKey.DUE: (next_due is not None, -(next_due or 0), last_at or 0, id_),
        }[sort]

    return [TicketId(row[0]) for row in sorted(rows, key=key, reverse=True)]
