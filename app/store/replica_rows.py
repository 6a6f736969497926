# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes rows of checkpoints into replica.db in bulk: versions compared, sums counted, index kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from app.domain.entities import BY_NUMBER, TICKET
from app.domain.replica import ExitPage, RowPage
from app.store.cipher import Session
from app.store.replica_ready import Document, Ready, RowHash, make_ready
from app.store.schema import quoted, table_of
from app.store.shown import MAX_PARAMETERS
from app.store.text import INDEXED

__all__ = ["MAX_NAMED_IDS", "RowHash", "RowWriter"]

MAX_NAMED_IDS = 500


class RowWriter:
    """Rows of one transaction. `flush` must run before the commit.

    Scopes in `whole` are sent from the beginning: what is here of them does not count. With `old` given, the server
    was restored: of these scopes no revision of before counts.
    """

    def __init__(
        self, tx: Session, row_hash: RowHash, whole: frozenset[str] = frozenset(), old: frozenset[str] = frozenset()
    ) -> None:
        self._tx = tx
        self._hash = row_hash
        self._old = old
        self._came: set[tuple[int, bytes]] = set()  # rows that the restored server sent for scopes in `old`
        self._sent: dict[str, dict[tuple[int, bytes], int]] = {scope: {} for scope in whole}
        self.lost_tickets: set[bytes] = set()
        self.new_tickets: set[bytes] = set()
        self._moved: set[bytes] = set()  # tickets that left for where they are not lost, unless they turn out deleted
        self._dead: set[bytes] = set()
        self._sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._changed: dict[tuple[int, bytes], Document | None] = {}
        self._fresh: list[Document] = []
        self.touched: set[bytes] = set()
        self.types: set[int] = set()
        self.written = 0

    def take_sums(self) -> dict[str, tuple[int, int]]:
        """Return and forget the changes of (n, xsum) per scope; xsum is a plain sum, not yet wrapped."""
        out = {scope: (n, x) for scope, (n, x) in self._sums.items()}
        self._sums.clear()
        return out

    # --- puts -------------------------------------------------------------------------------------------------------

    def put(self, page: RowPage) -> None:
        """Write a page: within a scope the higher seq wins, across scopes the revision that is not older."""
        ready = page.ready if isinstance(page.ready, Ready) else make_ready(page, self._hash)
        if ready is None:
            self._put_unknown(page)
            return
        held = self._held(table_of(page.type).name, ready.ids)
        if not held and ready.is_plain and page.scope not in self._sent:
            self._put_new(page, ready)
        else:
            self._put_over(page, ready, held)
        # a line of a ticket changes how the ticket looks, also where the ticket's own row stays as it is
        self._touch(ready.parents)

    def _put_new(self, page: RowPage, ready: Ready) -> None:
        """Write rows of which none is here."""
        table = table_of(page.type)
        self._tx.insert(f"INSERT INTO {table.name}({quoted(table.columns)})", len(table.columns), ready.values)
        total = self._sums[page.scope]
        total[0] += ready.n
        total[1] += ready.total
        if self._changed:
            for document in ready.documents:
                if document is not None:
                    self._remember(document.type, document.id, document, known=False)
        else:
            self._fresh += filter(None, ready.documents)
        if page.type == TICKET.number:
            for row in page.rows:
                self._watch_ticket(row, None)
        self._note(page.type, ready.ids)
        self._remember_scope(page, ready.ids)

    def _put_over(self, page: RowPage, ready: Ready, held: dict[bytes, tuple[str, int, int, int]]) -> None:
        """Write what wins over the rows that are here."""
        table = table_of(page.type)
        sent = self._sent.get(page.scope)
        values: list[tuple[Any, ...]] = []
        for place, row in enumerate(page.rows):
            old = held.get(row[0])
            if not self._wins(page, row, old, sent):
                continue
            values.append(ready.values[place])
            self._count(page.type, row, page.scope, old, ready.hashes[place])
            held[row[0]] = (page.scope, row[1], row[2], row[3])
            if ready.documents:
                self._remember(page.type, row[0], ready.documents[place], known=old is not None)
            if page.type == TICKET.number:
                self._watch_ticket(row, old)
        self._tx.many(table.insert(table.name), values)
        self._note(page.type, [v[0] for v in values])
        self._remember_scope(page, [v[0] for v in values])

    def _wins(
        self,
        page: RowPage,
        row: Sequence[Any],
        old: tuple[str, int, int, int] | None,
        sent: dict[tuple[int, bytes], int] | None,
    ) -> bool:
        if old is not None and old[0] != page.scope and row[3] < old[3] and self._counts(page.type, row[0], old[0]):
            return False  # an old snapshot of a scope that the row has left since
        if sent is not None:
            if row[1] <= sent.get((page.type, row[0]), -1):
                return False
            sent[page.type, row[0]] = row[1]
            return True
        return old is None or old[0] != page.scope or row[1] > old[1]

    def _remember_scope(self, page: RowPage, ids: Iterable[bytes]) -> None:
        if page.scope in self._old:
            self._came.update((page.type, id_) for id_ in ids)

    def _counts(self, type_: int, id_: bytes, scope: str) -> bool:
        """Whether the revision of a row that is here is one of this history of the server."""
        return scope not in self._old or (type_, id_) in self._came

    def _watch_ticket(self, row: Sequence[Any], old: tuple[str, int, int, int] | None) -> None:
        if not row[2]:
            if (old is None or old[2]) and row[0] not in self.lost_tickets:
                self.new_tickets.add(row[0])
            self.lost_tickets.discard(row[0])
            self._dead.discard(row[0])
        elif (old is not None and not old[2]) or row[0] in self._moved:
            self.lost_tickets.add(row[0])
            self._dead.add(row[0])

    def _held(self, name: str, ids: Sequence[bytes]) -> dict[bytes, tuple[str, int, int, int]]:
        out: dict[bytes, tuple[str, int, int, int]] = {}
        for start in range(0, len(ids), MAX_PARAMETERS):
            part = ids[start : start + MAX_PARAMETERS]
            sql = f"SELECT id, scope_id, seq, deleted, rev FROM {name} WHERE id IN ({', '.join('?' * len(part))})"
            out.update((row[0], (row[1], row[2], row[3], row[4])) for row in self._tx.all(sql, part))
        return out

    def _count(
        self, type_: int, row: Sequence[Any], scope: str, old: tuple[str, int, int, int] | None, hashed: int
    ) -> None:
        if old is not None and not old[2]:
            self._subtract(type_, row[0], old[0], old[1])
        if not row[2]:
            total = self._sums[scope]
            total[0] += 1
            total[1] += hashed

    def _subtract(self, type_: int, id_: bytes, scope: str, seq: int) -> None:
        total = self._sums[scope]
        total[0] -= 1
        total[1] -= self._hash(type_, id_, seq)

    def _put_unknown(self, page: RowPage) -> None:
        """Rows of a newer schema are counted, not kept: the live ones, and by the same rules as all others."""
        sent = self._sent.get(page.scope)
        for row in page.rows:
            sql = "SELECT scope_id, seq, 0, rev FROM unknown_row WHERE type = ? AND id = ?"
            held: tuple[str, int, int, int] | None = self._tx.one(sql, (page.type, row[0]))
            if not self._wins(page, row, held, sent):
                continue
            self._remember_scope(page, row[:1])
            if held is not None:
                self._subtract(page.type, row[0], held[0], held[1])
                self._tx.run("DELETE FROM unknown_row WHERE type = ? AND id = ?", (page.type, row[0]))
            if not row[2]:
                values = (page.type, row[0], page.scope, row[1], row[3])
                self._tx.run("INSERT INTO unknown_row VALUES(?, ?, ?, ?, ?)", values)
                self._count(page.type, row, page.scope, None, self._hash(page.type, row[0], row[1]))

    # --- exits ------------------------------------------------------------------------------------------------------

    def leave(self, page: ExitPage, elsewhere: Callable[[str | None], bool]) -> None:
        """Remove rows that left a scope, unless they are held in another one, or came back, by now.

        `elsewhere` tells for the scope a row went to whether the row is only filed away, not lost to the person.
        """
        by_type: dict[int, dict[bytes, tuple[int, str | None]]] = defaultdict(dict)
        for seq, type_, id_, to in page.items:
            by_type[type_][id_] = (max(seq, by_type[type_].get(id_, (0, None))[0]), to)
        sent = self._sent.get(page.scope)
        for type_, items in by_type.items():
            if sent is not None:
                items = {i: at for i, at in items.items() if sent.get((type_, i), 0) < at[0]}
                for id_ in items:
                    sent.pop((type_, id_), None)
            if type_ not in BY_NUMBER:
                self._leave_unknown(type_, items, page.scope)
                continue
            held = self._held(table_of(type_).name, list(items))
            gone = [
                (id_, old[1], old[2])
                for id_, old in held.items()
                if old[0] == page.scope and (sent is not None or old[1] < items[id_][0])
            ]
            self._remove(type_, page.scope, gone)
            filed = {i for i, (_, to) in items.items() if elsewhere(to)}
            self._moved |= filed & {id_ for id_, _, was_deleted in gone if not was_deleted}
            self.lost_tickets -= filed - self._dead

    def _leave_unknown(self, type_: int, items: Mapping[bytes, tuple[int, str | None]], scope: str) -> None:
        for id_, (left, _) in items.items():
            sql = "SELECT seq FROM unknown_row WHERE type = ? AND id = ? AND scope_id = ? AND seq < ?"
            seq = self._tx.value(sql, (type_, id_, scope, left))
            if seq is not None:
                self._subtract(type_, id_, scope, seq)
                self._tx.run("DELETE FROM unknown_row WHERE type = ? AND id = ?", (type_, id_))

    def remove_scope(self, scope: str) -> None:
        """Remove every row of a scope that is dropped. Tickets lost this way are no surprise."""
        before = set(self.lost_tickets)
        self._remove_others(scope, {})
        self.lost_tickets = before

    def end_whole(self) -> None:
        """Remove what is here of the scopes sent from the beginning and was not sent."""
        for scope, sent in self._sent.items():
            self._remove_others(scope, sent)

    def _remove_others(self, scope: str, keep: Mapping[tuple[int, bytes], int]) -> None:
        for type_ in BY_NUMBER:
            sql = f"SELECT id, seq, deleted FROM {table_of(type_).name} WHERE scope_id = ?"
            gone = [row for row in self._tx.all(sql, (scope,)) if (type_, row[0]) not in keep]
            self._remove(type_, scope, [(r[0], r[1], r[2]) for r in gone])
        for type_, id_, seq in self._tx.all("SELECT type, id, seq FROM unknown_row WHERE scope_id = ?", (scope,)):
            if (type_, id_) not in keep:
                self._subtract(type_, id_, scope, seq)
                self._tx.run("DELETE FROM unknown_row WHERE type = ? AND id = ?", (type_, id_))

    def count(self, scope: str) -> tuple[int, int]:
        """Count a scope's rows anew; the second value is a plain sum, not yet wrapped."""
        n = total = 0
        for type_ in BY_NUMBER:
            sql = f"SELECT id, seq FROM {table_of(type_).name} WHERE scope_id = ? AND deleted = 0 AND seq > 0"
            for id_, seq in self._tx.all(sql, (scope,)):
                n, total = n + 1, total + self._hash(type_, id_, seq)
        for type_, id_, seq in self._tx.all("SELECT type, id, seq FROM unknown_row WHERE scope_id = ?", (scope,)):
            n, total = n + 1, total + self._hash(type_, id_, seq)
        return n, total

    def _remove(self, type_: int, scope: str, gone: Sequence[tuple[bytes, int, int]]) -> None:
        if not gone:
            return
        for id_, seq, deleted in gone:
            if not deleted:
                self._subtract(type_, id_, scope, seq)
                if type_ == TICKET.number:
                    self.lost_tickets.add(id_)
            if type_ in INDEXED:
                self._changed[type_, id_] = None
        self._tx.many(f"DELETE FROM {table_of(type_).name} WHERE id = ?", [(g[0],) for g in gone])
        self._note(type_, [g[0] for g in gone])

    def _note(self, type_: int, ids: Sequence[bytes]) -> None:
        if ids:
            self.types.add(type_)
            self._touch(ids)
            self.written += len(ids)

    def _touch(self, ids: Iterable[bytes]) -> None:
        if len(self.touched) <= MAX_NAMED_IDS:  # more are not named
            self.touched.update(ids)

    # --- search index -----------------------------------------------------------------------------------------------

    def _remember(self, type_: int, id_: bytes, document: Document | None, *, known: bool) -> None:
        if known or (type_, id_) in self._changed:
            self._changed[type_, id_] = document
        elif document is not None:
            self._fresh.append(document)

    def flush(self) -> None:
        """Write the index entries gathered so far: fresh ones in bulk, changed ones one by one."""
        documents = [d for d in self._fresh if (d.type, d.id) not in self._changed] if self._changed else self._fresh
        for (type_, id_), document in self._changed.items():
            self._forget(type_, id_)
            if document is not None:
                documents.append(document)
        if documents:
            first = int(self._tx.value("SELECT max(rowid) FROM fts_doc") or 0) + 1
            docs = [(rowid, d.type, d.id, d.owner) for rowid, d in enumerate(documents, first)]
            words = [(rowid, d.body, d.cjk) for rowid, d in enumerate(documents, first)]
            self._tx.insert("INSERT OR REPLACE INTO fts_doc(rowid, type, id, owner)", 4, docs)
            self._tx.insert_words("INSERT INTO fts(rowid, body, cjk)", 3, words)
        self._changed.clear()
        self._fresh = []

    def _forget(self, type_: int, id_: bytes) -> None:
        rowid = self._tx.value("SELECT rowid FROM fts_doc WHERE type = ? AND id = ?", (type_, id_))
        if rowid is not None:
            self._tx.run("DELETE FROM fts WHERE rowid = ?", (rowid,))
            self._tx.run("DELETE FROM fts_doc WHERE rowid = ?", (rowid,))
