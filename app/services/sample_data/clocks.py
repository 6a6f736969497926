# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks of generated tickets: the lines that a server writes for them, and what the ticket's row keeps of its dues.

The policies are three weeks old when the data end. Tickets closed before have no clock, as on a server that is older
than its policies; so a large set grows little.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from app.domain.changes import Row
from app.domain.entities import HISTORY, LIVE, MESSAGE, TICKET, Category, Value
from app.domain.sla_rows import Book, clock_of, due_columns
from app.services.sample_data.reference import Reference
from app.services.sample_data.rows import DAY_MS, MINUTE_MS, SampleRow, Stream, js

__all__ = ["Clocks"]

_INTRODUCED_DAYS = 21
_SPOKEN = frozenset({"phone", "visit"})
_NONE: dict[str, Value] = dict.fromkeys(("sla_policy", "sla_calendar", "next_due", "next_warn", "due_target"))


class Clocks:
    """Knows the policies of a data set."""

    def __init__(self, reference: Reference, as_of_ms: int) -> None:
        self._reference = reference
        self._as_of_ms = as_of_ms
        self._introduced_ms = as_of_ms - _INTRODUCED_DAYS * DAY_MS

    @cached_property
    def _book(self) -> Book:
        return Book(_Shelf(self._reference))

    def add(
        self, ticket: SampleRow, category: Category, children: Sequence[SampleRow], rng: Stream
    ) -> tuple[list[SampleRow], dict[str, Value]]:
        """Return the lines to add to a ticket's, and its columns."""
        opened = ticket.values["created_at"]
        assert isinstance(opened, int)  # noqa: S101 - narrows the type
        applying = self._book.applying(ticket.values)
        if applying is None or (category not in LIVE and opened < self._introduced_ms):
            return [], _NONE
        versions: dict[str, object] = {"policy": applying.policy.hex(), "calendar": applying.calendar.hex()}
        lines = [_line(rng, ticket, "policy", versions, max(opened, self._introduced_ms), (None, "server"))]
        messages = [row for row in children if row.type == MESSAGE.number and not row.values["automatic"]]
        lines += [_said(rng, ticket, row) for row in messages if row.values["msg_no"] != 1]
        if category is Category.HELD:  # the announcement reached the customer
            held = max(int(str(row.values["created_at"])) for row in children)
            lines.append(_line(rng, ticket, "notice", {}, min(held + MINUTE_MS, self._as_of_ms - 1), (None, "server")))
        known = [row for row in children if row.type == HISTORY.number]
        return lines, due_columns(clock_of([_row(r) for r in (*known, *lines)], self._book, self._as_of_ms))


def _said(rng: Stream, ticket: SampleRow, message: SampleRow) -> SampleRow:
    values = message.values
    inbound = values["direction"] == "in"
    data: dict[str, object] = {"message": message.id.hex()}
    if values["channel"] in _SPOKEN:
        data["occurred_at"] = values["occurred_at"]
    at, author = values["created_at"], values["author"]
    assert isinstance(at, int)  # noqa: S101 - narrows the type
    by_customer = inbound and values["channel"] not in _SPOKEN
    actor = author if isinstance(author, bytes) else None
    return _line(rng, ticket, "customer" if inbound else "reply", data, at,
                 (actor, "customer" if by_customer else "user"))  # fmt: skip


def _line(
    rng: Stream, ticket: SampleRow, kind: str, data: dict[str, object], at: int, actor: tuple[bytes | None, str]
) -> SampleRow:
    values: dict[str, Value] = {
        "subject_type": TICKET.number, "subject": ticket.id, "kind": kind, "data": js(data), "acted_at": at,
        "recorded_at": at, "actor_kind": actor[1], "actor": actor[0], "created_at": at, "created_by": actor[0],
    }  # fmt: skip
    return SampleRow(HISTORY.number, rng.row_id(at), ticket.scope_id, values)


def _row(row: SampleRow) -> Row:
    return Row(row.type, row.id, row.scope_id, row.values)


class _Shelf:
    """The shared rows, as the clock reads rows."""

    def __init__(self, reference: Reference) -> None:
        self._rows = {(row.type, row.id): _row(row) for row in reference.rows()}

    def get(self, type_: int, id_: bytes) -> Row | None:
        return self._rows.get((type_, id_))

    def first(self, type_: int, column: str, value: Value) -> Row | None:
        return next(iter(self.find(type_, column, value)), None)

    def find(self, type_: int, column: str, value: Value, *, deleted: bool = False) -> list[Row]:
        del deleted
        found = (row for (kind, _), row in sorted(self._rows.items()) if kind == type_)
        return [row for row in found if row.values.get(column) == value]
