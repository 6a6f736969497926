# SPDX-License-Identifier: GPL-3.0-or-later
"""Triage: set state, priority, owner, snooze and tags of one or several tickets, with undo. Blocks on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.config.i18n import _, ngettext
from app.domain.changes import AnyChange, MemberSet, TicketSet
from app.domain.entities import TICKET, Category, FieldType, Value
from app.domain.errors import Refused
from app.domain.ids import StateId, TagId, TicketId, UserId, new_id
from app.domain.ports import Choices, Commits, Seen, TicketRow
from app.services.texts import owner_name, polite, priority_name, state_name

__all__ = ["Done", "Triage", "joined", "run_changes", "state_of"]


@dataclass(frozen=True, slots=True)
class Done:
    """What was saved. `label` says it in the language of the person; `undo` reverses all of it, newest first."""

    label: str
    undo: tuple[AnyChange, ...]
    ids: frozenset[bytes]
    mid: int = 0  # of the last change saved; 0 when none was
    refused: tuple[tuple[TicketId, Refused], ...] = ()
    rows: tuple[TicketRow, ...] = ()  # those it was done to
    words: Callable[[str], str] | None = None  # makes the label from what it was done to
    opens: TicketId | None = None  # the ticket that the person goes on with


def joined(parts: Sequence[Done]) -> Done:
    """Return several parts of one deed as one: one label, one undo."""
    rows = tuple(row for part in parts for row in part.rows)
    words = next((part.words for part in parts if part.words is not None), None)
    return Done(
        label=words(_what(rows)) if words is not None and rows else "",
        undo=tuple(change for part in reversed(parts) for change in part.undo),
        ids=frozenset().union(*(part.ids for part in parts)),
        mid=max((part.mid for part in parts), default=0),
        refused=tuple(each for part in parts for each in part.refused),
        rows=rows,
        words=words,
    )


def run_changes(
    commits: Commits,
    changes: Sequence[tuple[TicketRow, AnyChange]],
    label: Callable[[str], str],
    seen: Mapping[TicketId, Mapping[str, Seen]] | None = None,
) -> Done:
    """Save changes of tickets, one after the other; what a rule forbids is reported and stops no other."""
    undo: list[AnyChange] = []
    ids: set[bytes] = set()
    mid = 0
    refused: list[tuple[TicketId, Refused]] = []
    good: dict[TicketId, TicketRow] = {}
    for row, change in changes:
        try:
            done = commits.commit(change, (seen or {}).get(row.id))
        except Refused as why:
            refused.append((row.id, why))
            continue
        good[row.id] = row
        ids |= done.ids | {row.id}
        mid = done.mid
        if done.undo is not None:
            undo.insert(0, done.undo)
    rows = tuple(good.values())
    text = label(_what(rows)) if rows else ""
    return Done(text, tuple(undo), frozenset(ids), mid, tuple(refused), rows, label)


def state_of(choices: Choices, category: Category) -> StateId | None:
    """Return the first state of a category, or None while states are not loaded."""
    return next((choice.id for choice in choices.states if choice.category is category), None)


class Triage:
    """Use cases on fields of tickets. Thread: a worker, one call at a time; the changes are saved when a call returns.

    A change that a rule forbids on one ticket is reported in `refused` and does not stop the others.
    """

    def __init__(self, commits: Commits, me: UserId, make_id: Callable[[], bytes] = new_id) -> None:
        self._commits = commits
        self._me = me
        self._make_id = make_id

    def set_state(
        self,
        rows: Sequence[TicketRow],
        state: StateId,
        choices: Choices,
        seen: Mapping[TicketId, Mapping[str, Seen]] | None = None,
        remind: tuple[int, str] | None = None,
    ) -> Done:
        """Set the state; `remind` is when the ticket comes back, and that time in words. Raises StoreUnavailable."""
        category = next((c.category for c in choices.states if c.id == state), Category.OPEN)
        value = state_name(choices, state, category)
        if remind is not None:
            text = _("{what}: state “{value}”, comes back {when}")
            return self._set(
                rows,
                {"state": state, "snooze_until": remind[0]},
                lambda what: text.format(what=what, value=value, when=remind[1]),
                seen,
            )
        return self._set(
            rows, {"state": state}, lambda what: _("{what}: state “{value}”").format(what=what, value=value), seen
        )

    def solve(self, rows: Sequence[TicketRow], choices: Choices) -> Done:
        """Set the first solved state. Raises StoreUnavailable, Refused("no_such_state") before states are loaded."""
        return self._set(
            rows, {"state": _state(choices, Category.SOLVED)}, lambda what: _("Solved {what}").format(what=what)
        )

    def reopen(self, rows: Sequence[TicketRow], choices: Choices) -> Done:
        """Set the first open state. Raises StoreUnavailable, Refused("no_such_state") before states are loaded."""
        return self._set(
            rows, {"state": _state(choices, Category.OPEN)}, lambda what: _("Reopened {what}").format(what=what)
        )

    def set_priority(self, rows: Sequence[TicketRow], priority: int) -> Done:
        """Set the priority. Raises StoreUnavailable."""
        value = priority_name(priority)
        return self._set(
            rows, {"priority": priority}, lambda what: _("{what}: priority {value}").format(what=what, value=value)
        )

    def set_owner(self, rows: Sequence[TicketRow], owner: UserId | None, choices: Choices) -> Done:
        """Give the tickets to somebody, or to nobody. Raises StoreUnavailable."""
        if owner is None:
            return self._set(rows, {"owner": None}, lambda what: _("{what}: nobody has it now").format(what=what))
        if owner == self._me:
            return self._set(rows, {"owner": owner}, lambda what: _("{what}: you have it now").format(what=what))
        name = polite(owner_name(choices, owner))
        return self._set(rows, {"owner": owner}, lambda what: _("{what}: given to {name}").format(what=what, name=name))

    def take(self, rows: Sequence[TicketRow], choices: Choices) -> Done:
        """Give the tickets to the person at the keyboard."""
        return self.set_owner(rows, self._me, choices)

    def snooze(self, rows: Sequence[TicketRow], until_ms: int | None, when: str) -> Done:
        """Let the tickets leave the lists until a time; `when` is that time in words. Raises StoreUnavailable."""
        if until_ms is None:
            return self._set(
                rows, {"snooze_until": None}, lambda what: _("{what}: back in the lists").format(what=what)
            )
        return self._set(
            rows,
            {"snooze_until": until_ms},
            lambda what: _("{what}: snoozed until {when}").format(what=what, when=when),
        )

    def set_tag(self, rows: Sequence[TicketRow], tag: TagId, present: bool, choices: Choices) -> Done:
        """Add or remove one tag. Raises StoreUnavailable."""
        name = choices.tags.get(tag, "")
        text = _("{what}: tag “{tag}” added") if present else _("{what}: tag “{tag}” removed")
        changes: list[tuple[TicketRow, AnyChange]] = [
            (row, MemberSet(self._make_id(), row.id, "tag", tag, present)) for row in rows
        ]
        return self._run(changes, lambda what: text.format(what=what, tag=name))

    def restore(self, row: TicketRow, name: str, value: object) -> Done:
        """Put back a value that gave way; ids come as hex. Raises StoreUnavailable, Refused("bad_value")."""
        try:
            is_id = TICKET.field(name).type is FieldType.ID
            wanted = bytes.fromhex(value) if is_id and isinstance(value, str) else value
        except (KeyError, ValueError):
            raise Refused("bad_value", field=name) from None
        if not (wanted is None or isinstance(wanted, str | int | bool | bytes)):
            raise Refused("bad_value", field=name)
        return self._set([row], {name: wanted}, lambda what: _("{what}: put back").format(what=what))

    def undo(self, changes: Sequence[AnyChange], label: str) -> Done:
        """Make the changes that undo (or redo) something. Raises StoreUnavailable; refusals stand in the answer."""
        undo: list[AnyChange] = []
        ids: set[bytes] = set()
        mid = 0
        refused: list[tuple[TicketId, Refused]] = []
        for change in changes:
            try:
                done = self._commits.commit(change)
            except Refused as why:
                refused.append((TicketId(getattr(change, "ticket", b"")), why))
                continue
            ids |= done.ids
            mid = done.mid
            if done.undo is not None:
                undo.insert(0, done.undo)
        return Done(label, tuple(undo), frozenset(ids), mid, tuple(refused))

    def _set(
        self,
        rows: Sequence[TicketRow],
        fields: dict[str, Value],
        label: Callable[[str], str],
        seen: Mapping[TicketId, Mapping[str, Seen]] | None = None,
    ) -> Done:
        changes: list[tuple[TicketRow, AnyChange]] = [
            (row, TicketSet(self._make_id(), row.id, dict(fields))) for row in rows
        ]
        return self._run(changes, label, seen)

    def _run(
        self,
        changes: Sequence[tuple[TicketRow, AnyChange]],
        label: Callable[[str], str],
        seen: Mapping[TicketId, Mapping[str, Seen]] | None = None,
    ) -> Done:
        return run_changes(self._commits, changes, label, seen)


def _what(rows: Sequence[TicketRow]) -> str:
    if len(rows) == 1:
        return rows[0].label
    return ngettext("{n} ticket", "{n} tickets", len(rows)).format(n=len(rows))


def _state(choices: Choices, category: Category) -> StateId:
    state = state_of(choices, category)
    if state is None:
        raise Refused("no_such_state")
    return state
