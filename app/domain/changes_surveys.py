# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutation of the two-question check: is it solved, were you treated well. A "no" opens the ticket again."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.changes_base import (
    Context,
    Derive,
    Effect,
    Insert,
    Key,
    Row,
    Rows,
    category_of,
    fresh_id,
    history,
    landing,
    set_state_effects,
)
from app.domain.entities import SURVEY_ANSWER, TICKET, Category, Value
from app.domain.errors import Refused

__all__ = ["MAX_COMMENT_CHARS", "SurveyAnswer"]

MAX_COMMENT_CHARS = 2000


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """`survey.answer`: what the customer says, or told an agent. None: that question has no answer."""

    event: bytes
    answer: bytes
    ticket: bytes
    solved: bool | None = None
    treated_well: bool | None = None
    comment: str = ""

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Insert the answer and its line; a "no" opens a solved or waiting ticket."""
        if self.solved is None and self.treated_well is None:
            raise Refused("bad_value", field="solved")
        if len(self.comment) > MAX_COMMENT_CHARS:
            raise Refused("text_too_long", limit=MAX_COMMENT_CHARS)
        ticket, via = landing(rows, self.ticket)
        id_, told = fresh_id(rows, SURVEY_ANSWER.number, self.answer, self.event, self._is_same)
        if id_ is None:
            return []
        values: dict[str, Value] = {
            "ticket": ticket.id, "origin_ticket": ticket.id, "arrived_via": via, "answered_at": ctx.acted_ms,
            "solved": self.solved, "treated_well": self.treated_well, "comment": self.comment,
            "told_to": ctx.actor.id if ctx.actor.kind == "user" else None, "created_at": ctx.acted_ms,
            "created_by": ctx.actor.id,
        }  # fmt: skip
        data = {"solved": self.solved, "treated_well": self.treated_well, "comment": self.comment[:200]}
        out: list[Effect] = [
            Insert(SURVEY_ANSWER.number, id_, ticket.scope, values),
            Derive(TICKET.number, ticket.id, {"last_at": ctx.acted_ms}),
            history(ctx, ticket, self.event, "survey", data),
            *told,
        ]
        opens = category_of(rows, ticket.values["state"]) in (Category.SOLVED, Category.WAITING_CUSTOMER)
        if opens and False in (self.solved, self.treated_well):
            out += set_state_effects(rows, ctx, ticket, Category.OPEN, self.event)
        return out

    def _is_same(self, row: Row) -> bool:
        values = row.values
        return (values.get("solved"), values.get("treated_well")) == (self.solved, self.treated_well)

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(TICKET.number, self.ticket)]
