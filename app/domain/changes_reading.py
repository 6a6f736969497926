# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation of read marks: up to which message a person has read a ticket; private, and never refused for the ticket."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.changes_base import Context, Derive, Effect, Insert, Key, Rows, int_of
from app.domain.entities import READ_MARK, Value, user_scope
from app.domain.errors import Refused
from app.domain.ids import derived_id

__all__ = ["READ_MARK_NAME", "ReadMark", "is_unread", "read_mark_id"]

READ_MARK_NAME = "read.mark"


def read_mark_id(person: bytes, ticket: bytes) -> bytes:
    """Return the id of a person's mark on a ticket: the same on all of that person's devices."""
    return derived_id(person, "read", ticket)


def is_unread(last_in_no: int, last_out_no: int, seen_no: int | None) -> bool:
    """Tell whether a ticket holds words of its customer that a person has not read.

    Who never opened it has not read them either, unless somebody has answered them.
    """
    return last_in_no > (last_out_no if seen_no is None else seen_no)


@dataclass(frozen=True, slots=True)
class ReadMark:
    """`read.mark`: this person has read a ticket up to a message, or wants it unread from there on.

    The ticket is not looked at: a mark on one that moved away meanwhile is nobody's trouble.
    """

    event: bytes
    mark: bytes
    about: bytes
    upto: int
    unread: bool = False

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Move the mark forward, whatever order devices say it in; back only where that is wanted."""
        me = ctx.actor.id
        if ctx.actor.kind != "user" or me is None or self.mark != read_mark_id(me, self.about):
            raise Refused("not_yours")
        there = rows.get(READ_MARK.number, self.mark)
        if there is None:
            values: dict[str, Value] = {
                "ticket": self.about, "seen_no": self.upto, "created_at": ctx.acted_ms, "created_by": me,
            }  # fmt: skip
            return [Insert(READ_MARK.number, self.mark, user_scope(me), values)]
        seen = int_of(there.values.get("seen_no"))
        upto = self.upto if self.unread else max(seen, self.upto)
        return [] if upto == seen else [Derive(READ_MARK.number, self.mark, {"seen_no": upto})]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(READ_MARK.number, self.mark)]
