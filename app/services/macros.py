# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a macro on one or many tickets as one undoable step. It sends nothing: its reply becomes a draft."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.config.i18n import _, language
from app.domain.changes import AnyChange, NoteAdd
from app.domain.entities import Category
from app.domain.errors import Refused
from app.domain.ids import TagId, TicketId, UserId, new_id
from app.domain.placeholders import fill
from app.domain.ports import Choices, Commits, Draft, DraftKind, Template, TicketQueries, TicketRow
from app.services.templates import facts_of, language_of
from app.services.texts import category_name, owner_name, priority_name
from app.services.triage import Done, Triage, joined, state_of

__all__ = ["Macros", "macro_words"]


def macro_words(macro: Template, choices: Choices) -> list[str]:
    """Return what a macro does, a line each, in words."""
    lines = [_action_words(what, value, choices) for what, value in macro.actions]
    body = macro.body(language())
    return [*lines, *([_("Write into the reply, without sending it: {text}").format(text=body)] if body else [])]


def _action_words(what: str, value: object, choices: Choices) -> str:
    if what == "state":
        return _("Set the state: {value}").format(value=category_name(Category(str(value))))
    if what == "priority":
        return _("Set the priority: {value}").format(value=priority_name(int(str(value))))
    if what == "owner":
        name = _("you") if value == "me" else owner_name(choices, _user(value))
        return _("Give it to: {value}").format(value=name)
    if what == "note":
        return _("Write an internal note: {text}").format(text=value)
    name = choices.tags.get(TagId(_id(value)), "")
    return (_("Add the tag: {value}") if what == "tag" else _("Remove the tag: {value}")).format(value=name)


@dataclass
class _Sum:
    """What came of the steps so far."""

    undo: list[AnyChange]
    ids: set[bytes]
    mid: int
    refused: list[tuple[TicketId, Refused]]

    def add(self, done: Done) -> None:
        self.undo = [*done.undo, *self.undo]
        self.ids |= done.ids
        self.mid = done.mid or self.mid
        self.refused += done.refused


class Macros:
    """Use case. Thread: a worker, one call at a time; saved when a call returns. Raises StoreUnavailable.

    What a rule forbids on one ticket is in `refused` and stops neither the other tickets nor the other actions.
    """

    def __init__(
        self, queries: TicketQueries, commits: Commits, me: UserId, make_id: Callable[[], bytes] = new_id
    ) -> None:
        self._queries, self._commits, self._me, self._make_id = queries, commits, me, make_id
        self._triage = Triage(commits, me, make_id)

    def run(self, macro: Template, rows: Sequence[TicketRow], choices: Choices) -> Done:
        """Do all of it on all tickets."""
        total = _Sum([], set(), 0, [])
        for what, value in macro.actions:
            self._act(total, what, value, rows, choices)
        if any(macro.bodies.values()):
            for row in rows:
                self._draft(total, macro, row)
        name = macro.name(language())
        text = _("Macro “{name}” on {n}")

        def words(what: str) -> str:
            return text.format(name=name, n=what)

        done = Done(
            "", tuple(total.undo), frozenset(total.ids), total.mid, tuple(total.refused),
            tuple(row for row in rows if row.id in total.ids), words,
        )  # fmt: skip
        return joined([done])

    def _act(self, total: _Sum, what: str, value: object, rows: Sequence[TicketRow], choices: Choices) -> None:
        try:
            if what == "state":
                total.add(self._set_state(rows, Category(str(value)), choices))
            elif what == "priority":
                total.add(self._triage.set_priority(rows, int(str(value))))
            elif what == "owner":
                total.add(self._triage.set_owner(rows, self._me if value == "me" else _user(value), choices))
            elif what in ("tag", "untag"):
                total.add(self._triage.set_tag(rows, TagId(_id(value)), what == "tag", choices))
            elif what == "note":
                for row in rows:
                    self._note(total, row, str(value))
        except (Refused, ValueError) as why:  # a state or a tag that is not known any more
            refused = why if isinstance(why, Refused) else Refused("bad_value", field=what)
            total.refused += [(row.id, refused) for row in rows]

    def _set_state(self, rows: Sequence[TicketRow], category: Category, choices: Choices) -> Done:
        state = state_of(choices, category)
        if state is None:
            raise Refused("no_such_state")
        return self._triage.set_state(rows, state, choices)

    def _note(self, total: _Sum, row: TicketRow, text: str) -> None:
        details = self._queries.details(row.id)
        if details is None:
            total.refused.append((row.id, Refused("no_such_ticket")))
            return
        filled = fill(text, facts_of(details, self._queries.choices().users.get(self._me, "")))
        if filled.missing:
            total.refused.append((row.id, Refused("unfilled", names=", ".join(filled.missing))))
            return
        try:
            done = self._commits.commit(NoteAdd(self._make_id(), self._make_id(), row.id, filled.text))
        except Refused as why:
            total.refused.append((row.id, why))
            return
        total.ids |= done.ids | {row.id}
        total.mid = done.mid

    def _draft(self, total: _Sum, macro: Template, row: TicketRow) -> None:
        """Begin the reply, unless somebody did: no word that a person typed is touched."""
        details = self._queries.details(row.id)
        if details is None or self._commits.draft(row.id, DraftKind.REPLY) is not None:
            total.refused.append((row.id, Refused("draft_there" if details is not None else "no_such_ticket")))
            return
        body = macro.body(language_of(details))
        draft = Draft(row.id, DraftKind.REPLY, body, len(body), details.seen_seq, seen_id=details.seen_id)
        self._commits.save_draft(draft)
        total.ids.add(row.id)


def _id(value: object) -> bytes:
    return bytes.fromhex(str(value))


def _user(value: object) -> UserId | None:
    return None if value in (None, "none") else UserId(_id(value))
