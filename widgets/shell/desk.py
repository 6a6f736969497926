# SPDX-License-Identifier: GPL-3.0-or-later
"""The open ticket and what is done to tickets: the services work in the background, signals say what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from app.config.i18n import _, ngettext
from app.domain.attachments import Attachment, BlobDesk, BlobStatus, known_statuses
from app.domain.changes import AnyChange
from app.domain.entities import Category
from app.domain.formatting import Mark
from app.domain.ids import StateId, TagId, TicketId, UserId
from app.domain.mentions import found_mentions
from app.domain.ports import Choices, Commits, Committed, DraftKind, SyncLink, TicketDetails, TicketQueries, TicketRow
from app.domain.reminders import business_day_later
from app.services.messages import error_text
from app.services.picked import Picked
from app.services.reading import Reading
from app.services.triage import Done, Triage
from app.services.triage_undo import UndoEntry, UndoStack
from app.services.triage_writing import After, Saved, Shown, Stale, Writing
from widgets.foundation import fmt
from widgets.foundation.jobs import Jobs
from widgets.shell.bulk import PART

__all__ = ["Many", "TicketDesk"]

Rows = Sequence[TicketRow] | Picked


class Many(Protocol):
    """Does deeds in parts: `widgets.shell.bulk.BulkStrip`."""

    def run(
        self, items: Sequence[Any], make: Callable[[Sequence[Any]], Done],
        then: Callable[[Done, Sequence[Any]], object] | None = None, *, is_undo: bool = False,
    ) -> None:  # fmt: skip
        """Do `make` to all items."""
        ...

    def is_doing(self) -> bool:
        """Tell whether a deed is being done."""
        ...

    def stop(self) -> None:
        """Do no further part."""
        ...


class TicketDesk(QObject):
    """GUI thread. Signals follow when the work is on disk."""

    details_loaded = Signal(object)  # TicketDetails
    ticket_gone = Signal(object)  # TicketId: not on this computer
    load_failed = Signal(str)
    choices_loaded = Signal(object)  # Choices
    done = Signal(str, object)  # what was done, UndoEntry or None
    failed = Signal(str)
    rows_changed = Signal(object)  # frozenset of row ids changed here
    accepted = Signal(object, object)  # TicketId, DraftKind
    held = Signal(object, object)  # TicketId, Stale
    refused = Signal(object, object, object)  # TicketId, DraftKind, Exception
    opens = Signal(object)  # TicketId: the person goes on with this ticket

    def __init__(
        self, queries: TicketQueries, commits: Commits, link: SyncLink, jobs: Jobs, me: UserId | None,
        blobs: BlobDesk | None = None, stack: UndoStack | None = None,
    ) -> None:  # fmt: skip
        """`stack`: what can be undone, where several windows share it."""
        super().__init__()
        self._blobs = blobs
        self._queries, self._link, self._jobs, self._commits = queries, link, jobs, commits
        self.stack = UndoStack() if stack is None else stack
        self.many: Many | None = None
        self._undoes_next = False
        self.choices = Choices()
        self.details: TicketDetails | None = None
        self.files: Mapping[bytes, BlobStatus] = {}  # how the contents of its attachments stood when it was read
        self._wanted: TicketId | None = None
        self._reads: TicketId | None = None  # is being read, and nothing of it has changed since that was asked for
        self.set_me(me)

    def set_me(self, me: UserId | None) -> None:
        """Say who works here."""
        self.me = me
        self._triage = Triage(self._commits, me or UserId(b""))
        self._reading = Reading(self._commits, me or UserId(b""))
        self.writing = Writing(self._queries, self._commits, me or UserId(b""))

    # --- reading ---------------------------------------------------------------------------------------------

    def load_choices(self) -> None:
        """Read states, people and tags."""
        self._jobs.query(self._queries.choices, self._show_choices, self._fail, key="choices")

    def open(self, ticket: TicketId) -> None:
        """Read a ticket's page; once, where the list asks for it as well as whoever chose it there."""
        if ticket != self._reads:
            self._read_anew(ticket)

    def _read_anew(self, ticket: TicketId) -> None:
        self._wanted = self._reads = ticket
        self._jobs.query(
            lambda: self._read(ticket),
            then=lambda read: self._show(ticket, *read),
            error=self._load_failed,
            key="details",
        )

    def _read(self, ticket: TicketId) -> tuple[TicketDetails | None, Mapping[bytes, BlobStatus]]:
        details = self._queries.details(ticket)
        named = [each for item in details.items for each in item.attachments] if details is not None else []
        return details, known_statuses(self._blobs, named)

    def reload(self, ids: frozenset[bytes]) -> None:
        """Read the open ticket again when it may have changed."""
        if self._wanted is not None and (not ids or self._wanted in ids or self._touches(ids)):
            self._read_anew(self._wanted)

    def _load_failed(self, why: Exception) -> None:
        self.details = self._reads = None
        self.load_failed.emit(error_text(why))

    def _touches(self, ids: frozenset[bytes]) -> bool:
        details = self.details
        return details is not None and (details.row.customer in ids or any(i.id in ids for i in details.items))

    def _show(self, ticket: TicketId, details: TicketDetails | None, files: Mapping[bytes, BlobStatus]) -> None:
        self._reads = None
        if ticket != self._wanted or (details is not None and details == self.details):
            return
        self.details, self.files = details, files
        if details is None:
            self.ticket_gone.emit(ticket)
        else:
            self.details_loaded.emit(details)

    def _show_choices(self, choices: Choices) -> None:
        self.choices = choices
        self.choices_loaded.emit(choices)

    # --- triage ----------------------------------------------------------------------------------------------

    def set_state(self, rows: Rows, state: StateId, now_ms: int | None = None) -> None:
        """Set the state. What waits for a colleague comes back a business day after `now_ms`."""
        waits = any(c.id == state and c.category is Category.WAITING_INTERNAL for c in self.choices.states)
        at = now_ms if waits else None
        self.each(rows, lambda part: self._triage.set_state(part, state, self.choices, remind=self._reminder(part, at)))

    def _reminder(self, rows: Sequence[TicketRow], now_ms: int | None) -> tuple[int, str] | None:
        """Return when tickets of a team come back. Blocks: worker threads only."""
        details = self._queries.details(rows[0].id) if rows and now_ms is not None else None
        if details is None or now_ms is None:
            return None
        at = business_day_later(self._queries.open_spans(details.team), now_ms)
        return at, fmt.moment(at)

    def solve(self, rows: Rows) -> None:
        """Set the tickets to solved."""
        self.each(rows, lambda part: self._triage.solve(part, self.choices))

    def reopen(self, rows: Rows) -> None:
        """Open solved tickets again."""

        def reopen(part: Sequence[TicketRow]) -> Done:
            return self._triage.reopen([r for r in part if r.category is not Category.OPEN], self.choices)

        self.each(rows, reopen)

    def set_priority(self, rows: Rows, priority: int) -> None:
        """Set the priority."""
        self.each(rows, lambda part: self._triage.set_priority(part, priority))

    def set_owner(self, rows: Rows, owner: UserId | None) -> None:
        """Give the tickets to somebody or nobody."""
        self.each(rows, lambda part: self._triage.set_owner(part, owner, self.choices))

    def set_tag(self, rows: Rows, tag: TagId, present: bool) -> None:
        """Add or remove a tag."""
        self.each(rows, lambda part: self._triage.set_tag(part, tag, present, self.choices))

    def snooze(self, rows: Rows, until_ms: int | None, when: str) -> None:
        """Let tickets leave the lists until a time."""
        self.each(rows, lambda part: self._triage.snooze(part, until_ms, when))

    def mark_unread(self, rows: Rows) -> None:
        """Let tickets count as unread."""
        self.each(rows, self._reading.mark_unread)

    def mark_read(self, rows: Rows) -> None:
        """Take tickets as read."""
        self.each(rows, self._reading.mark_read)

    def saw(self, row: TicketRow, upto: int) -> None:
        """The newest message of a ticket was read: nothing is told, and nothing is there to undo."""

        def saved(done: Committed) -> None:
            self._link.poke(done.mid)
            self.rows_changed.emit(done.ids | {row.id})

        self._jobs.change(lambda: self._reading.saw(row, upto), saved, lambda _why: None)

    def restore(self, name: str, value: object) -> None:
        """Put back a value of the open ticket that gave way."""
        if self.details is not None:
            line = self.details.row
            self._change(lambda: self._triage.restore(line, name, value))

    def each(
        self, rows: Rows, make: Callable[[Sequence[TicketRow]], Done], then: Callable[[Done], object] | None = None
    ) -> None:
        """Do something to each of these tickets; with many of them in parts, with progress and Cancel.

        Rows that are not known are read part by part, as they are when their turn comes. `then` tells what came of it
        instead of `take_done`.
        """
        tell = then or self._changed
        picked = rows if isinstance(rows, Picked) else Picked.of(rows)
        few = picked.known(picked.ids) if len(picked) <= PART else None
        if few is not None or self.many is None:
            self._jobs.change(lambda: make(few if few is not None else self._fresh(picked.ids)), tell, self._fail)
        else:
            self.many.run(picked.ids, lambda ids: make(self._fresh(ids)), lambda done, _rest: tell(done))

    def _fresh(self, ids: Sequence[TicketId]) -> list[TicketRow]:
        rows = self._queries.rows(ids)
        return [rows[i] for i in ids if i in rows]

    def do(self, work: Callable[[], Done]) -> None:
        """Do something to tickets in the background; toast, undo and refusals as with every deed."""
        self._change(work)

    def undo(self, entry: UndoEntry | None = None) -> bool:
        """Undo the last deed, or this one; one still being done is stopped first. Tell whether there was one."""
        if entry is None and self.many is not None and self.many.is_doing():
            self._undoes_next = True
            self.many.stop()
            return True
        taken = self.stack.take_undo(entry)
        if taken is not None:
            self._reverse(taken, redo=False)
        return taken is not None

    def redo(self) -> bool:
        """Do again what was undone; tell whether there was something."""
        taken = self.stack.take_redo()
        if taken is not None:
            self._reverse(taken, redo=True)
        return taken is not None

    def _reverse(self, taken: UndoEntry, *, redo: bool) -> None:
        def then(done: Done, rest: Sequence[AnyChange] = ()) -> None:
            if rest:  # cancelled: what is left can still be reversed
                (self.stack.redid if not redo else self.stack.undid)(UndoEntry(taken.label, tuple(rest)))
            self._reversed(replace(done, label=taken.label), redo=redo)

        if self.many is not None and len(taken.changes) > PART:
            self.many.run(taken.changes, lambda part: self._triage.undo(part, taken.label), then, is_undo=True)
        else:
            self._jobs.change(lambda: self._triage.undo(taken.changes, taken.label), then, self._fail)

    def _change(self, work: Callable[[], Done]) -> None:
        self._jobs.change(work, self._changed, self._fail)

    def take_done(self, done: Done) -> None:
        """Tell of a deed that was saved elsewhere, and let it be undone."""
        self._changed(done)

    def finish(self, done: Done) -> None:
        """Tell of what was done elsewhere: toast, undo, refusals."""
        self._changed(done)

    def fail(self, why: Exception) -> None:
        """Tell that it could not be done."""
        self._fail(why)

    def _changed(self, done: Done) -> None:
        entry = UndoEntry(done.label, done.undo)
        self.stack.did(entry)
        self._tell(done)
        if self._undoes_next:
            self._undoes_next = False
            self.undo(entry)
        elif done.label:
            self.done.emit(done.label, entry if done.undo else None)
        if done.opens is not None:
            self.opens.emit(done.opens)

    def _reversed(self, done: Done, *, redo: bool) -> None:
        entry = UndoEntry(done.label, done.undo)
        (self.stack.redid if redo else self.stack.undid)(entry)
        self._tell(done)
        if done.ids:
            self.done.emit(_words(done.label, redo=redo), None)

    def _tell(self, done: Done) -> None:
        if done.mid:
            self._link.poke(done.mid)
        if done.ids:
            self.rows_changed.emit(done.ids)
        if done.refused:
            self.failed.emit(_refusals(done))

    def _fail(self, why: Exception) -> None:
        self.failed.emit(error_text(why))

    # --- writing ---------------------------------------------------------------------------------------------

    def send_reply(
        self, ticket: TicketId, text: str, seen_seq: int, after: After, anyway: bool,
        attachments: tuple[Attachment, ...] = (), seen_id: bytes | None = None, shown: Shown | None = None,
        marks: tuple[Mark, ...] = (),
    ) -> None:  # fmt: skip
        """Queue a reply."""
        self._jobs.change(
            lambda: self.writing.send_reply(
                ticket,
                text,
                seen_seq,
                after,
                self.choices,
                anyway=anyway,
                attachments=attachments,
                seen_id=seen_id,
                shown=shown,
                marks=marks,
            ),
            lambda answer: self.written(ticket, DraftKind.REPLY, answer),
            lambda why: self.refused.emit(ticket, DraftKind.REPLY, why),
        )

    def save_note(
        self, ticket: TicketId, text: str, attachments: tuple[Attachment, ...] = (), marks: tuple[Mark, ...] = ()
    ) -> None:
        """Queue an internal note; colleagues named with @ are mentioned in it."""
        mentions = found_mentions(text, self.choices.users)
        self._jobs.change(
            lambda: self.writing.save_note(ticket, text, attachments, mentions, marks),
            lambda answer: self.written(ticket, DraftKind.NOTE, answer),
            lambda why: self.refused.emit(ticket, DraftKind.NOTE, why),
        )

    def written(self, ticket: TicketId, kind: DraftKind, answer: Saved | Stale) -> None:
        """Tell what came of a text that was handed in."""
        if isinstance(answer, Stale):
            self._read_anew(ticket)
            self.held.emit(ticket, answer)
            return
        self._link.poke(answer.mid)
        self.stack.did(UndoEntry(answer.label, answer.undo))
        self.accepted.emit(ticket, kind)
        self.rows_changed.emit(answer.ids)
        self.done.emit(answer.label, None)
        if answer.refused is not None:
            self.failed.emit(error_text(answer.refused))


def _refusals(done: Done) -> str:
    """Return why; of several tickets how many, and the reason of the first."""
    text, n = error_text(done.refused[0][1]), len({ticket for ticket, _why in done.refused})
    if n == 1 and len(done.rows) < 2:
        return text
    left = ngettext("{n} ticket was left as it is.", "{n} tickets were left as they are.", n).format(n=n)
    return f"{left} {text}"


def _words(label: str, *, redo: bool) -> str:
    return (_("Done again: {what}") if redo else _("Undone: {what}")).format(what=label)
