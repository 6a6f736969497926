# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds tickets in both files' indexes. Hits are joined to the rows as shown, so nothing superseded appears.

Order: exact jumps (numbers, serials, addresses), then newest activity. The index gives no relevance score.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.domain.entities import (
    ASSET,
    CONTACT_ADDRESS,
    CUSTOMER,
    MEMBERSHIP,
    MESSAGE,
    NOTE,
    ORGANISATION,
    TAG,
    TICKET,
)
from app.domain.ids import TicketId
from app.domain.ports import Found, Identity, SearchHit
from app.domain.search_text import Hint, Item, Operator, Query, Term, normalise, read_query, typed_serial
from app.store.filters import Filters
from app.store.lists import ROW_COLUMNS, ticket_rows
from app.store.searchwords import expression, needles, relaxed
from app.store.shown import Shown
from app.store.snippets import cut
from app.store.text import INDEXED

_NEWEST_HITS = 5_000  # documents looked at per expression, newest first: words in half of all messages stay fast
_FIRST_TICKETS = 4  # for the first hits so many times as many tickets are looked at, while more are looked for
_NEWEST_PER_TERM = 20_000
_AT_ONCE = 50
_ENOUGH = 10
_PLENTY = 200
_NUMBER = re.compile(r"^(?:#|ds-)?(\d{1,12})$")
_PROVISIONAL = re.compile(r"^~?([2-9a-hjkmnp-tv-z]{2,4})-(\d+)$")
_TEXT_COLUMN = {TICKET.number: "subject", MESSAGE.number: "body", NOTE.number: "body"}

Document = tuple[int, bytes]


class Searcher:
    """One search in one read transaction."""

    def __init__(self, shown: Shown, identity: Identity | None, now_ms: int) -> None:
        self._shown = shown
        self._filters = Filters(shown, identity, now_ms)
        self._found_in: dict[bytes, Document] = {}
        self._notes_only = False
        self._few = 0
        self._overlaid = {t: shown.overlaid_ids(t) for t in INDEXED}

    def read(self, text: str) -> Query:
        """Return a search text as this search understands it: words of which nothing is in the index are left out."""
        query = read_query(text)

        def fit(items: Sequence[Item]) -> tuple[Item, ...]:
            return tuple(i for i in items if isinstance(i, Operator) or expression(i))

        groups = tuple(group for group in map(fit, query.groups) if group)
        return replace(query, groups=groups, without=fit(query.without))

    def narrow(self, text: str) -> tuple[str, set[bytes] | None]:
        """Return the condition on tickets `s` that a search text means, and the tickets that have its words, or None.

        Words in very many texts are looked for in the newest of these.
        """
        query = self.read(text)
        where = self._where(query)
        jumps = self._jumps(query)
        words = self._with_words(query)
        gone = self._gone(query)
        if words is None:
            where += _except(gone)
        return where, None if words is None else (words | set(jumps)) - gone

    def tickets(self, text: str, limit: int = _PLENTY) -> list[TicketId]:
        """Return the ids of the newest tickets that a search text means; `limit` 0 gives all that were looked at."""
        return self._tickets(self.read(text), limit)

    def _tickets(self, query: Query, limit: int) -> list[TicketId]:
        where = self._where(query)
        jumps = self._jumps(query)
        found = self._with_words(query)
        gone = self._gone(query)
        if found is None:
            if not query.groups and not query.without:
                return []
            where += _except(gone)
            tail = self._shown.select(TICKET.number, "id, last_at", where, order="last_at DESC", limit=limit)
            return [TicketId(row[0]) for row in tail]
        ordered = self._newest(found - gone - set(jumps), where)
        there = {row[0] for row in self._shown.by_ids(TICKET.number, "id", jumps, f" AND {where}")}
        out = [TicketId(t) for t in (*(j for j in jumps if j in there), *ordered)]
        return out[:limit] if limit else out

    def search(self, text: str, limit: int) -> list[SearchHit]:
        """Return tickets with the words around the hit."""
        query = self.read(text)
        ids = self._tickets(query, limit)
        raw = {row[0]: row for row in self._shown.by_ids(TICKET.number, ROW_COLUMNS, ids)}
        rows = ticket_rows(self._shown, [raw[i] for i in ids if i in raw])
        texts = self._texts([self._found_in[row.id] for row in rows if row.id in self._found_in])
        words = [n for term in query.terms for n in needles(term)]
        return [
            SearchHit(row, cut(texts.get(self._found_in.get(row.id, (0, b"")), "") or row.preview, words))
            for row in rows
        ]

    def find(self, text: str, limit: int) -> Found:
        """Return hits, and remarks about the text. Asked for few, it looks at no more documents than these take."""
        self._few = limit if limit < _PLENTY else 0
        hits = self.search(text, limit)
        return Found(hits, self.hints(text))

    def hints(self, text: str) -> tuple[Hint, ...]:
        """Return remarks about a text."""
        self._where(self.read(text))
        return tuple(dict.fromkeys((*read_query(text).hints, *self._filters.hints)))

    # --- words --------------------------------------------------------------------------------------------------------

    def _where(self, query: Query) -> str:
        """Return the condition of the groups that are operators alone, and of the operators that must not fit."""
        groups = [g for g in query.groups if not any(isinstance(item, Term) for item in g)]
        return self._filters.where(groups, query.without)

    def _with_words(self, query: Query) -> set[bytes] | None:
        """Return the tickets that fit every group with a word in it; None when there is none."""
        groups = [g for g in query.groups if any(isinstance(item, Term) for item in g)]
        if not groups:
            return None
        self._notes_only = query.in_notes
        words = [[item for item in g if isinstance(item, Term)] for g in groups]
        mixed = [g for g in groups if any(isinstance(item, Operator) for item in g)]
        pure = [terms for g, terms in zip(groups, words, strict=True) if g not in mixed]
        found = self._found(pure) if pure else None
        for group in mixed:
            terms = [item for item in group if isinstance(item, Term)]
            either = " OR ".join(self._filters.condition(item) for item in group if isinstance(item, Operator))
            fits = self._found([terms])
            if found is None:
                fits |= {r[0] for r in self._shown.select(TICKET.number, "id", f"({either}) AND s.deleted = 0")}
            else:
                rest = sorted(found - fits)
                fits |= {r[0] for r in self._shown.by_ids(TICKET.number, "id", rest, f" AND ({either})")}
            found = fits if found is None else found & fits
        return found

    def _found(self, groups: Sequence[Sequence[Term]]) -> set[bytes]:
        first = self._all_of([_any(expression(t) for t in terms) for terms in groups])
        if len(first) >= _ENOUGH:
            return first
        loose = [_any(e for t in terms for e in (expression(t), relaxed(t)) if e) for terms in groups]
        return first | self._all_of(loose)

    def _all_of(self, expressions: Sequence[str]) -> set[bytes]:
        """Tickets that have every word, in one text or spread over several of their texts."""
        joined = " AND ".join(f"({e})" for e in expressions)
        found = self._hits(joined, _NEWEST_HITS, enough=self._few * _FIRST_TICKETS)
        if len(expressions) == 1 or len(found) >= (self._few or _PLENTY):
            return found
        sets = sorted((self._hits(e, _NEWEST_PER_TERM, remember=False) for e in expressions), key=len)
        return found | set.intersection(*sets)

    def _gone(self, query: Query) -> set[bytes]:
        gone: set[bytes] = set()
        for term in query.without:
            if isinstance(term, Term):
                gone |= self._hits(expression(term), _NEWEST_PER_TERM, remember=False)
        return gone

    def _hits(self, match: str, cap: int, *, enough: int = 0, remember: bool = True) -> set[bytes]:
        documents = self._documents("main", match, cap, enough)
        documents += self._documents("pending", match, cap)
        if self._notes_only:
            documents = [d for d in documents if d[0] == NOTE.number]
        return self._to_tickets(documents, remember=remember)

    def _documents(self, file: str, match: str, cap: int, enough: int = 0) -> list[tuple[int, bytes, bytes | None]]:
        """Return the newest documents, at most `cap`, or (not 0) no more than belong to so many rows."""
        sql = (
            f"SELECT d.type, d.id, d.owner FROM {file}.fts f JOIN {file}.fts_doc d ON d.rowid = f.rowid "
            "WHERE f.fts MATCH ? ORDER BY f.rowid DESC LIMIT ?"
        )
        own = file == "pending"
        found: list[tuple[int, bytes, bytes | None]] = []
        if enough:
            owners: set[bytes | None] = set()
            cursor = self._shown.tx.cursor(sql, (match, cap))
            while len(owners) < enough and (part := cursor.fetchmany(_AT_ONCE)):
                found += part
                owners.update(owner for _type, _id, owner in part)
            cursor.close()
        else:
            found = self._shown.tx.all(sql, (match, cap))
        return [(t, i, o) for t, i, o in found if (i in self._overlaid.get(t, ())) is own]

    def _to_tickets(self, documents: Iterable[tuple[int, bytes, bytes | None]], *, remember: bool) -> set[bytes]:
        out: set[bytes] = set()
        customers: set[bytes] = set()
        organisations: set[bytes] = set()
        tags: set[bytes] = set()
        for type_, id_, owner in documents:
            if type_ in _TEXT_COLUMN and owner:
                out.add(owner)
                if remember:
                    self._found_in.setdefault(owner, (type_, id_))
            elif type_ in (CUSTOMER.number, CONTACT_ADDRESS.number, ASSET.number) and owner:
                customers.add(owner)
            elif type_ == ORGANISATION.number:
                organisations.add(id_)
            elif type_ == TAG.number:
                tags.add(id_)
        customers |= self._column(CUSTOMER.number, "organisation", organisations, "id")
        out |= self._column(TICKET.number, "customer", customers, "id")
        return out | self._column(MEMBERSHIP.number, "member", tags, "subject", " AND present AND kind = 'tag'")

    def _column(self, type_: int, column: str, values: set[bytes], wanted: str, extra: str = "") -> set[bytes]:
        if not values:
            return set()
        rows = self._shown.by_values(type_, wanted, column, sorted(values), f" AND deleted = 0{extra}")
        return {row[0] for row in rows}

    def _newest(self, ids: set[bytes], where: str) -> list[bytes]:
        rows = self._shown.by_ids(TICKET.number, "id, last_at", sorted(ids), f" AND {where}")
        return [row[0] for row in sorted(rows, key=lambda r: (r[1] or 0, r[0]), reverse=True)]

    def _texts(self, documents: Sequence[Document]) -> dict[Document, str]:
        out: dict[Document, str] = {}
        for type_, column in _TEXT_COLUMN.items():
            ids = [d[1] for d in documents if d[0] == type_]
            out |= {(type_, i): text or "" for i, text in self._shown.by_ids(type_, f"id, {column}", ids)}
        return out

    # --- exact jumps --------------------------------------------------------------------------------------------------

    def _jumps(self, query: Query) -> list[bytes]:
        """Tickets that the whole text names: by number, provisional number, serial, address or the end of a phone."""
        if query.without or query.operators or query.in_notes:
            return []
        text = normalise(query.raw)
        if len(query.terms) != 1:  # of all these only a serial number is written with spaces in it
            return self._by_serial(text) if typed_serial(query.raw) else []
        out: list[bytes] = []
        number = _NUMBER.match(text)
        if number:
            out += [
                r[0] for r in self._shown.select(TICKET.number, "id", "number = ? AND deleted = 0", (int(number[1]),))
            ]
        if _PROVISIONAL.match(text):
            out += self._by_alias("~" + text.lstrip("~").upper())
        out += self._by_serial(text)
        customers = self._by_address(text)
        if customers:
            out += self._newest(self._column(TICKET.number, "customer", customers, "id"), "deleted = 0")
        return list(dict.fromkeys(out))

    def _by_alias(self, alias: str) -> list[bytes]:
        found = self._documents("main", expression(Term(normalise(alias))), _NEWEST_HITS)
        found += self._documents("pending", expression(Term(normalise(alias))), _NEWEST_HITS)
        ids = [i for t, i, _ in found if t == TICKET.number]
        rows = self._shown.by_ids(TICKET.number, "id, provisional, aliases", ids)
        return [i for i, provisional, aliases in rows if provisional == alias or f'"{alias}"' in (aliases or "")]

    def _by_serial(self, text: str) -> list[bytes]:
        serial = "".join(text.split()).upper()
        assets = self._shown.select(ASSET.number, "id, owner", "serial = ? AND deleted = 0", (serial,))
        out: list[bytes] = []
        for asset, owner in assets:
            rows = self._shown.select(
                TICKET.number, "id, asset, last_at", "customer = ? AND deleted = 0", (owner,), order="last_at DESC"
            )
            out += [r[0] for r in rows if r[1] == asset] or [r[0] for r in rows]
        return out

    def _by_address(self, text: str) -> set[bytes]:
        compact = "".join(text.split())
        found = self._shown.select(CONTACT_ADDRESS.number, "customer", "value = ? AND deleted = 0", (compact,))
        digits = re.sub(r"\D", "", compact)
        if re.fullmatch(r"[\d+\-().]{4,}", compact) and len(digits) >= 4:
            tail = digits.removeprefix("0") if len(digits) > 8 else digits
            found += self._shown.select(
                CONTACT_ADDRESS.number, "customer",
                "kind = 'phone' AND deleted = 0 AND replace(replace(value, '-', ''), ' ', '') LIKE ?", (f"%{tail}",),
            )  # fmt: skip
        return {row[0] for row in found}


def _except(ids: Iterable[bytes]) -> str:
    """Return the end of a condition that leaves these tickets out."""
    names = ", ".join(f"x'{i.hex()}'" for i in ids)
    return f" AND s.id NOT IN ({names})" if names else ""


def _any(expressions: Iterable[str]) -> str:
    return " OR ".join(f"({e})" for e in expressions)
