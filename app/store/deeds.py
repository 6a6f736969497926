# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers what windows for deeds on tickets ask: customers by a part of a name, alike and deleted tickets, snoozes.

Fulfils `app.domain.deed_ports.DeedStore`. Blocks: worker threads only.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from app.domain.deed_ports import CustomerHit, SimilarTicket, SimilarTo, SnoozeEnd
from app.domain.entities import ASSET, CONTACT_ADDRESS, CUSTOMER, LIVE, MESSAGE, ORGANISATION, TICKET, USER
from app.domain.ids import CustomerId, TeamId
from app.domain.likeness import features, likeness, strong_words
from app.domain.ports import Identity, TicketRow
from app.store.cipher import Database
from app.store.lists import ROW_COLUMNS, categories, ticket_rows
from app.store.searchwords import Term, expression
from app.store.shown import Shown
from app.store.text import normalise

__all__ = ["StoreDeeds"]

_DAY_MS = 86_400_000
_LOOK_BACK_MS = 30 * _DAY_MS
_RECENT_MS = 7 * _DAY_MS
_CANDIDATES = 300
_ALIKE = 0.3  # what shares less is about something else
_ALIKE_ANYWAY = 0.44  # also where neither people nor product are the same
_TEXT_CHARS = 2_000
_WIDE = ROW_COLUMNS.count(",") + 1  # a ticket's line has so many columns; what else is read stands behind them


class StoreDeeds:
    """Reads of both files. Each method is one read transaction."""

    def __init__(
        self, readers: Callable[[], Database], identity: Callable[[], Identity | None], now_ms: Callable[[], int],
        provisional: Callable[[], str],
    ) -> None:  # fmt: skip
        self._readers, self._identity, self._now_ms, self._provisional = readers, identity, now_ms, provisional

    def provisional(self) -> str:
        """Return the next provisional number of this device."""
        return self._provisional()

    # --- customers ---------------------------------------------------------------------------------------------------

    def customers(self, text: str, limit: int = 8) -> Sequence[CustomerHit]:
        """Find customers by a part of name, organisation, phone number, address or serial number."""
        wanted = " ".join(text.split())
        if not wanted:
            return ()
        with self._readers().read() as tx:
            shown = Shown(tx)
            like = f"%{_escaped(wanted)}%"
            alive = " AND deleted = 0 AND merged_into IS NULL"
            names = shown.select(
                CUSTOMER.number, "id, name",
                rf"(name LIKE ? ESCAPE '\' OR preferred_name LIKE ? ESCAPE '\'){alive}", (like, like),
                order="name", limit=limit,
            )  # fmt: skip
            found = dict.fromkeys(row[0] for row in names)
            found |= dict.fromkeys(self._by_address(shown, wanted, limit))
            found |= dict.fromkeys(self._by_serial(shown, wanted, limit))
            found |= dict.fromkeys(self._by_organisation(shown, like, limit))
            ids = [i for (i,) in shown.by_ids(CUSTOMER.number, "id", list(found), alive)]
            return self._hits(shown, [i for i in found if i in set(ids)][:limit], wanted)

    def _by_address(self, shown: Shown, text: str, limit: int) -> list[bytes]:
        digits = re.sub(r"\D", "", text)
        if re.fullmatch(r"[\d+\-(). ]{4,}", text) and len(digits) >= 4:
            bare = "replace(replace(replace(value, '-', ''), ' ', ''), '+82', '0')"
            where, arg = f"kind = 'phone' AND {bare} LIKE ?", f"%{digits}%"
        else:
            where, arg = r"value LIKE ? ESCAPE '\'", f"%{_escaped(text)}%"
        rows = shown.select(CONTACT_ADDRESS.number, "customer", f"{where} AND deleted = 0", (arg,))
        return [row[0] for row in rows[: limit * 4]]

    def _by_serial(self, shown: Shown, text: str, limit: int) -> list[bytes]:
        serial = "".join(text.split()).upper()
        if len(serial) < 3:
            return []
        rows = shown.select(ASSET.number, "owner", "serial LIKE ? AND deleted = 0", (f"{serial}%",))
        return [row[0] for row in rows[:limit]]

    def _by_organisation(self, shown: Shown, like: str, limit: int) -> list[bytes]:
        rows = shown.select(ORGANISATION.number, "id", r"name LIKE ? ESCAPE '\' AND deleted = 0", (like,))
        found = shown.by_values(CUSTOMER.number, "id", "organisation", [r[0] for r in rows[:limit]], " AND deleted = 0")
        return [row[0] for row in found[:limit]]

    def _hits(self, shown: Shown, ids: Sequence[bytes], text: str) -> list[CustomerHit]:
        rows = {r[0]: r for r in shown.by_ids(CUSTOMER.number, "id, name, preferred_name, organisation", list(ids))}
        orgs = sorted({r[3] for r in rows.values() if r[3]})
        org_names = dict(shown.by_ids(ORGANISATION.number, "id, name", orgs))
        addresses: dict[bytes, list[tuple[bool, bool, str]]] = {}
        columns = "customer, value, is_primary"
        for customer, value, primary in shown.by_values(
            CONTACT_ADDRESS.number, columns, "customer", list(ids), " AND deleted = 0"
        ):
            fits = text.casefold() in (value or "").casefold()
            addresses.setdefault(customer, []).append((not fits, not primary, value or ""))
        products = self._products(shown, [*ids, *orgs])
        return [
            CustomerHit(
                CustomerId(id_), preferred or name or "", org_names.get(org) or "",
                min(addresses.get(id_, [(True, True, "")]))[2],
                (*products.get(id_, ()), *products.get(org, ())),
            )
            for id_ in ids if id_ in rows
            for _id, name, preferred, org in (rows[id_],)
        ]  # fmt: skip

    def _products(self, shown: Shown, owners: Sequence[bytes]) -> dict[bytes, list[tuple[bytes, str]]]:
        out: dict[bytes, list[tuple[bytes, str]]] = {}
        columns = "owner, id, product, model, serial, status"
        found = shown.by_values(ASSET.number, columns, "owner", list(owners), " AND deleted = 0")
        for owner, id_, product, model, serial, status in sorted(found, key=lambda r: (r[2] or "", r[4] or "")):
            if status != "retired":
                out.setdefault(owner, []).append((id_, " ".join(filter(None, (model or product, serial)))))
        return out

    # --- alike tickets -----------------------------------------------------------------------------------------------

    def similar(self, to: SimilarTo, limit: int = 3) -> Sequence[SimilarTicket]:
        """Return tickets that may be about the same, the likeliest first."""
        wanted = features(to.text)
        if len(wanted) < 2:
            return ()
        with self._readers().read() as tx:
            shown = Shown(tx)
            organisation = self._organisation(shown, to.customer)
            colleagues = self._colleagues(shown, to.customer, organisation)
            columns = f"{ROW_COLUMNS}, asset, created_at"
            raw = self._candidates(shown, to, colleagues, columns)
            texts = self._texts(shown, raw)
            known = {row[0]: features(texts[row[0]]) for row in raw}
            seen_in = Counter(feature for found in known.values() for feature in found)
            scored = []
            for row in raw:
                alike = likeness(wanted, known[row[0]], seen_in, len(raw))
                same = self._same(shown, to, row[8], row[_WIDE], colleagues)
                if alike >= (_ALIKE if same else _ALIKE_ANYWAY):
                    recent = self._now_ms() - (row[_WIDE + 1] or 0) <= _RECENT_MS
                    scored.append((alike + 0.15 * bool(same) + 0.1 * recent, row, same))
            best = sorted(scored, key=lambda entry: (-entry[0], -(entry[1][9] or 0)))[:limit]
            lines = ticket_rows(shown, [row[:_WIDE] for _score, row, _same in best])
            return [SimilarTicket(line, same) for line, (_score, _row, same) in zip(lines, best, strict=True)]

    def _organisation(self, shown: Shown, customer: bytes | None) -> bytes | None:
        rows = shown.by_ids(CUSTOMER.number, "organisation", [customer]) if customer else []
        return rows[0][0] if rows else None

    def _colleagues(self, shown: Shown, customer: bytes | None, organisation: bytes | None) -> set[bytes]:
        found = {customer} if customer else set()
        if organisation is not None:
            found |= {r[0] for r in shown.select(CUSTOMER.number, "id", "organisation = ?", (organisation,))}
        return found

    def _candidates(self, shown: Shown, to: SimilarTo, colleagues: set[bytes], columns: str) -> list[tuple[Any, ...]]:
        since = self._now_ms() - _LOOK_BACK_MS
        extra = f" AND deleted = 0 AND last_at >= {since} AND merged_into IS NULL"
        near = shown.by_values(TICKET.number, columns, "customer", sorted(colleagues), extra)
        if to.asset is not None:
            near += shown.select(TICKET.number, columns, f"asset = ?{extra}", (to.asset,))
        near += shown.by_ids(TICKET.number, columns, self._by_words(shown, to.text), extra)
        unique = {row[0]: row for row in near if row[0] != to.ticket}
        return sorted(unique.values(), key=lambda r: -(r[9] or 0))[:_CANDIDATES]

    def _by_words(self, shown: Shown, text: str) -> list[bytes]:
        found = (expression(Term(normalise(word))) for word in strong_words(text))
        match = " OR ".join(f"({each})" for each in found if each)
        if not match:
            return []
        out: dict[bytes, None] = {}
        for file in ("main", "pending"):
            sql = (
                f"SELECT d.type, d.id, d.owner FROM {file}.fts f JOIN {file}.fts_doc d ON d.rowid = f.rowid "
                "WHERE f.fts MATCH ? ORDER BY f.rowid DESC LIMIT ?"
            )
            for type_, id_, owner in shown.tx.all(sql, (match, _CANDIDATES * 2)):
                if type_ in (TICKET.number, MESSAGE.number):
                    out[id_ if type_ == TICKET.number else owner] = None
        return list(out)[:_CANDIDATES]

    def _texts(self, shown: Shown, raw: Sequence[tuple[Any, ...]]) -> dict[object, str]:
        first = shown.by_values(
            MESSAGE.number, "ticket, body", "ticket", [row[0] for row in raw], " AND msg_no = 1 AND deleted = 0"
        )
        bodies = {ticket: (body or "")[:_TEXT_CHARS] for ticket, body in first}
        return {row[0]: f"{row[3] or ''}\n{bodies.get(row[0], '')}" for row in raw}

    def _same(self, shown: Shown, to: SimilarTo, customer: object, asset: object, colleagues: set[bytes]) -> str:
        if to.customer is not None and customer == to.customer:
            return "customer"
        if customer in colleagues:
            return "organisation"
        return "product" if asset is not None and self._product(shown, asset) == self._product(shown, to.asset) else ""

    def _product(self, shown: Shown, asset: object) -> object:
        rows = shown.by_ids(ASSET.number, "product", [asset]) if isinstance(asset, bytes) else []
        return rows[0][0] if rows else None

    def my_teams(self) -> Sequence[TeamId]:
        """Return the teams that this person may take tickets down for."""
        identity = self._identity()
        if identity is None:
            return ()
        with self._readers().read() as tx:
            found = Shown(tx).select(USER.number, "teams", "id = ?", (identity.account,))
        try:
            teams = json.loads(found[0][0] or "[]") if found else []
            return tuple(TeamId(bytes.fromhex(team)) for team in teams)
        except (ValueError, TypeError):
            return ()

    # --- others ------------------------------------------------------------------------------------------------------

    def deleted(self, limit: int = 50) -> Sequence[TicketRow]:
        """Return deleted tickets that can be restored, the latest first."""
        with self._readers().read() as tx:
            shown = Shown(tx)
            raw = shown.select(TICKET.number, ROW_COLUMNS, "deleted = 1", order="last_at DESC", limit=limit)
            return ticket_rows(shown, raw)

    def snoozes_due(self, after: int, until: int) -> Sequence[SnoozeEnd]:
        """Return the person's own tickets whose snooze ended after one time and until another."""
        identity = self._identity()
        if identity is None:
            return ()
        with self._readers().read() as tx:
            shown = Shown(tx)
            columns = f"{ROW_COLUMNS}, snooze_until"
            # through the few tickets that are still open; the plus keeps SQLite from all that the person ever had
            live = ", ".join(f"x'{id_.hex()}'" for id_, category in categories(shown).items() if category in LIVE)
            where = f"state IN ({live}) AND +owner = ? AND snooze_until > ? AND snooze_until <= ? AND deleted = 0"
            raw = shown.select(TICKET.number, columns, where, (identity.account, after, until), order="snooze_until")
            rows = ticket_rows(shown, [row[:_WIDE] for row in raw])
            return [SnoozeEnd(r, raw_[_WIDE]) for r, raw_ in zip(rows, raw, strict=True)]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
