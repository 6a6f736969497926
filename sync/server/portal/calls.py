# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls on the pages of a secret link: what was told of the wait, half hours to choose, one's own call. Blocking.

Texts are in the language and the zone of whoever reads.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.config.i18n import Language
from app.domain.addresses import phone_text
from app.domain.callbacks import SLOT_MS, CallState
from app.domain.changes import Actor, AnyChange
from app.domain.entities import HISTORY, TICKET
from app.domain.ids import derived_id
from app.domain.waits import Basis, Told
from sync.server.callbacks import CallLine, ask_for_call, calls_of, cancel_call, own_phone, slots_of
from sync.server.intake import check_welcome, write_once
from sync.server.portal.errors import PageError
from sync.server.portal.hours import ShownWait, shown_wait
from sync.server.portal.links import Links
from sync.server.portal.pages import day_text
from sync.server.portal.views import Place, find_ticket
from sync.server.problems import ProblemError
from sync.server.rows import TxRows
from sync.server.schema import ENTITY_TABLES
from sync.server.store import Store
from sync.server.waiting import ACKNOWLEDGED

__all__ = ["CallDesk", "Calling"]


@dataclass(frozen=True, slots=True)
class Calling:
    """What a page shows of calls. `days`: (day, [(start in ms, half hour)]); `state` names the text about the call."""

    told: ShownWait
    offers: bool
    state: str
    when: str
    phone: str
    call: str
    days: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]


class CallDesk:
    """Over a store."""

    def __init__(self, store: Store, links: Links) -> None:
        self._store, self._links = store, links

    def shown(self, now: int, link: str, zone: ZoneInfo, language: Language) -> Calling | None:
        """Return what the link's page shows; None where there is nothing to call about."""
        with self._store.read() as connection:
            place = find_ticket(connection, self._links.kept(link)) if self._links.is_ours(link) else None
            if place is None or place.own is not None:  # somebody else's: their calls are not shown
                return None
            told, offers = _told(connection, place.id)
            calls = calls_of(connection, [place.id], place.customer).get(place.id, [])
            starts = slots_of(connection, now, _team(connection, place.id))
            phone = own_phone(connection, place.customer)
        call = next((each for each in reversed(calls) if each.is_owed), None)
        return Calling(
            told=shown_wait(told, zone, language),
            offers=offers,
            state=f"call_{call.state.value}" if call is not None else "",
            when=_slot(call.start, zone, language, day=True) if call is not None else "",
            phone=phone_text(call.phone if call is not None else phone),
            call=_cancellable(call),
            days=_days([start for start in starts if start > now], zone, language),
        )

    def ask(self, now: int, link: str, nonce: bytes, start: int, phone: str) -> dict[str, int]:
        """Ask for a call; return the scopes that moved. Raises ProblemError: 404, 403 `suspended`, 409."""
        place, call = self._place(link), derived_id(nonce, "callback")

        def changes(_connection: sa.Connection, rows: TxRows) -> list[AnyChange]:
            check_welcome(rows, place.customer)
            ticket = rows.get(TICKET.number, place.id)
            if ticket is None or ticket.values.get("customer") != place.customer:
                raise ProblemError(404, "not_found")
            return ask_for_call(rows, ticket, call, start, phone)

        actor, key = Actor("customer", place.customer), f"portal-call:{nonce.hex()}"
        return write_once(self._store, now, actor, key, now, place.id, changes).heads

    def cancel(self, now: int, link: str, nonce: bytes, call: bytes) -> dict[str, int]:
        """Cancel a call; return the scopes that moved. Raises ProblemError as `ask`."""
        place, event = self._place(link), derived_id(nonce, "uncall")

        def changes(_connection: sa.Connection, rows: TxRows) -> list[AnyChange]:
            check_welcome(rows, place.customer)
            return cancel_call(rows, [place.id], call, event)

        actor, key = Actor("customer", place.customer), f"portal-uncall:{nonce.hex()}"
        return write_once(self._store, now, actor, key, now, place.id, changes).heads

    def _place(self, link: str) -> Place:
        if self._links.is_ours(link):
            with self._store.read() as connection:
                found = find_ticket(connection, self._links.kept(link))
            if found is not None and found.own is not None:
                raise PageError(403, "given")
            if found is not None:
                return found
        raise ProblemError(404, "not_found")


def _told(connection: sa.Connection, ticket: bytes) -> tuple[Told, bool]:
    line = ENTITY_TABLES[HISTORY.number]
    query = sa.select(line.c.data).where(line.c.subject == ticket, line.c.kind == ACKNOWLEDGED)
    data = json.loads(connection.execute(query.limit(1)).scalar() or "{}")
    times = {name: data.get(name) for name in ("usual_s", "latest_s", "opens_s")}
    return Told(Basis(data.get("basis", Basis.UNKNOWN)), **times), bool(data.get("call"))


def _team(connection: sa.Connection, ticket: bytes) -> bytes:
    table = ENTITY_TABLES[TICKET.number]
    return bytes(connection.execute(sa.select(table.c.team).where(table.c.id == ticket)).scalar_one())


def _cancellable(call: CallLine | None) -> str:
    return call.id.hex() if call is not None and call.state is not CallState.MISSED else ""


def _clock(ms: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(ms // 1000, UTC).astimezone(zone):%H:%M}"


def _slot(start: int, zone: ZoneInfo, language: Language, *, day: bool = False) -> str:
    times = f"{_clock(start, zone)}–{_clock(start + SLOT_MS, zone)}"
    return f"{day_text(start, zone, language)} {times}" if day else times


def _days(starts: list[int], zone: ZoneInfo, language: Language) -> tuple[tuple[str, tuple[tuple[int, str], ...]], ...]:
    out: dict[str, list[tuple[int, str]]] = {}
    for start in starts:
        out.setdefault(day_text(start, zone, language), []).append((start, _slot(start, zone, language)))
    return tuple((day, tuple(slots)) for day, slots in out.items())
