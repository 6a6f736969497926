# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies that wait: the seconds in which one can be taken back, and the times that people chose for later."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QTimer, Signal

from app.config import settings as conf
from app.domain.attachments import Attachment
from app.domain.errors import Refused
from app.domain.formatting import Mark
from app.domain.ids import TicketId
from app.domain.ports import Draft, DraftKind, PlannedSend, SendWhy
from app.services.messages import error_text
from app.services.triage_writing import After, Due, Shown, Stale, Waiting
from widgets.shell.desk import TicketDesk
from widgets.shell.frame import Ports

__all__ = ["SendDesk"]

LOOK_MS = 20_000  # how often the clock is looked at for later times: also after a sleep, and when the clock was set
SECOND_MS = 1_000


class SendDesk(QObject):
    """GUI thread. What waits is on disk; here are only its clocks. Nothing goes out that its author cannot stop first.

    A window of seconds runs on this program's own clock and starts anew with the program.
    """

    planned = Signal(object)  # PlannedSend: it waits now; its sheet can be emptied
    taken_back = Signal(object)  # Draft
    stopped = Signal(object, object, str)  # TicketId, Stale or None, words: it did not go out
    changed = Signal(object)  # tuple of PlannedSend: all that wait

    def __init__(self, desk: TicketDesk, ports: Ports, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._ports = desk, ports
        self._all: tuple[PlannedSend, ...] = ()
        self._ends: dict[TicketId, QTimer] = {}
        self._busy: set[TicketId] = set()  # their time has come, the answer not yet
        self._clock = QTimer(self, interval=LOOK_MS)
        self._clock.timeout.connect(self._look)

    def all(self) -> tuple[PlannedSend, ...]:
        """Return what waits, the next one first."""
        return self._all

    def start(self) -> None:
        """Read what waited when the program ended; call once."""
        self._read()

    # --- by the person ---------------------------------------------------------------------------------------

    def send_reply(
        self, ticket: TicketId, text: str, seen_seq: int, after: After, anyway: bool,
        attachments: tuple[Attachment, ...] = (), seen_id: bytes | None = None, shown: Shown | None = None,
        marks: tuple[Mark, ...] = (),
    ) -> None:  # fmt: skip
        """Send a reply after the seconds in which it can be taken back."""
        seconds = self._ports.settings.get(conf.UNDO_SEND_S)
        if not seconds:
            self._desk.send_reply(ticket, text, seen_seq, after, anyway, attachments, seen_id, shown, marks)
            return
        at = self._ports.now_ms() + seconds * SECOND_MS
        self._plan(ticket, lambda: self._desk.writing.plan_reply(
            ticket, text, seen_seq, after, at, SendWhy.UNDO, anyway=anyway, attachments=attachments, seen_id=seen_id,
            shown=shown, marks=marks,
        ))  # fmt: skip

    def send_later(
        self, ticket: TicketId, text: str, seen_seq: int, at: int, attachments: tuple[Attachment, ...] = (),
        seen_id: bytes | None = None, shown: Shown | None = None, marks: tuple[Mark, ...] = (),
    ) -> None:  # fmt: skip
        """Send a reply at a time that its author chose."""
        self._plan(ticket, lambda: self._desk.writing.plan_reply(
            ticket, text, seen_seq, After.NOTHING, at, SendWhy.LATER, attachments=attachments, seen_id=seen_id,
            shown=shown, marks=marks,
        ))  # fmt: skip

    def take_back(self, ticket: TicketId) -> None:
        """Make it a draft again."""
        self._end(ticket)
        self._ports.jobs.change(lambda: self._desk.writing.take_back(ticket), self._was_taken_back, self._fail)

    def take_back_last(self) -> bool:
        """Take back the newest one whose seconds still run; tell whether there is one."""
        running = [ticket for ticket in self._ends if ticket not in self._busy]
        if running:
            self.take_back(running[-1])
        return bool(running)

    def seen(self, ticket: TicketId) -> None:
        """A reply that was stopped is on its author's screen: it is an ordinary draft from now on."""
        if any(each.draft.ticket == ticket and each.order.why is SendWhy.STOPPED for each in self._all):
            self._gone(ticket)
            self._ports.jobs.change(lambda: self._desk.writing.take_back(ticket), None, self._fail)

    def send_now(self, ticket: TicketId) -> None:
        """Wait no longer."""
        self._end(ticket)
        self._busy.add(ticket)
        desk = self._desk
        self._ports.jobs.change(
            lambda: desk.writing.send_due(ticket, desk.choices),
            lambda due: self._went(ticket, due),
            lambda why: self._did_not_go(ticket, why),
        )

    def flush(self) -> None:
        """The program ends: what was sent goes; what was meant for later waits for the next start."""
        for each in self._all:
            if each.order.why is SendWhy.UNDO and each.draft.ticket not in self._busy:
                self.send_now(each.draft.ticket)
        self._clock.stop()

    # --- by the clock ----------------------------------------------------------------------------------------

    def look_for_news(self, ids: frozenset[bytes]) -> None:
        """Rows changed: what was meant for later is stopped at once when somebody wrote first."""
        later = [p for p in self._all if p.order.why is SendWhy.LATER and (not ids or p.draft.ticket in ids)]
        if later:
            self._ports.jobs.query(
                lambda: self._desk.writing.news_for(later), self._stop_for_news, self._fail, key="sends"
            )

    def _stop_for_news(self, tickets: Sequence[TicketId]) -> None:
        for ticket in tickets:
            self._ports.jobs.change(
                lambda ticket=ticket: self._desk.writing.stop_if_stale(ticket),  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
                lambda due, ticket=ticket: self._went(ticket, due) if due.stale is not None else None,  # type: ignore[misc]  # as above
                self._fail,
            )

    def _look(self) -> None:
        now = self._ports.now_ms()
        for each in self._all:
            if each.order.why is SendWhy.LATER and each.order.at <= now and each.draft.ticket not in self._busy:
                self.send_now(each.draft.ticket)

    # --- inside ----------------------------------------------------------------------------------------------

    def _plan(self, ticket: TicketId, work: Callable[[], Waiting | Stale]) -> None:
        self._ports.jobs.change(
            work, lambda answer: self._answered(ticket, answer),
            lambda why: self._desk.refused.emit(ticket, DraftKind.REPLY, why),
        )  # fmt: skip

    def _answered(self, ticket: TicketId, answer: Waiting | Stale) -> None:
        if isinstance(answer, Stale):
            self._desk.written(ticket, DraftKind.REPLY, answer)
            return
        self.planned.emit(answer.planned)
        self._put(answer.planned)
        self._desk.rows_changed.emit(frozenset({ticket}))

    def _read(self) -> None:
        self._ports.jobs.query(self._ports.commits.planned_sends, self._show_read, self._fail)

    def _show_read(self, found: Sequence[PlannedSend]) -> None:
        self._all = ()
        for each in found:
            self._put(each)
        self._look()

    def _put(self, planned: PlannedSend) -> None:
        ticket, order = planned.draft.ticket, planned.order
        others = [each for each in self._all if each.draft.ticket != ticket]
        self._all = tuple(sorted([*others, planned], key=lambda each: each.order.at))
        self._end(ticket)
        if order.why is SendWhy.UNDO:
            seconds = self._ports.settings.get(conf.UNDO_SEND_S)
            timer = self._ends[ticket] = QTimer(self, singleShot=True, interval=seconds * SECOND_MS)
            timer.timeout.connect(lambda: self.send_now(ticket))
            timer.start()
        self._tell()

    def _end(self, ticket: TicketId) -> None:
        timer = self._ends.pop(ticket, None)
        if timer is not None:
            timer.stop()
            timer.deleteLater()

    def _gone(self, ticket: TicketId) -> None:
        self._busy.discard(ticket)
        self._all = tuple(each for each in self._all if each.draft.ticket != ticket)
        self._tell()

    def _tell(self) -> None:
        later = any(each.order.why is SendWhy.LATER for each in self._all)
        if later != self._clock.isActive():
            (self._clock.start if later else self._clock.stop)()
        self.changed.emit(self._all)

    def _was_taken_back(self, draft: Draft | None) -> None:
        if draft is None:
            return
        self._gone(draft.ticket)
        self.taken_back.emit(draft)
        self._desk.rows_changed.emit(frozenset({draft.ticket}))

    def _went(self, ticket: TicketId, due: Due) -> None:
        self._gone(ticket)
        if due.saved is not None:
            self._desk.written(ticket, DraftKind.REPLY, due.saved)
        elif due.stale is not None and due.stopped is not None:
            self._put(due.stopped)
            self.stopped.emit(ticket, due.stale, due.label)
            self._desk.rows_changed.emit(frozenset({ticket}))

    def _did_not_go(self, ticket: TicketId, why: Exception) -> None:
        self._busy.discard(ticket)
        if isinstance(why, Refused) and why.code != "not_signed_in":
            self._gone(ticket)
            self.stopped.emit(ticket, None, error_text(why))
            self._desk.rows_changed.emit(frozenset({ticket}))
            return
        self._fail(why)
        timer = self._ends[ticket] = QTimer(self, singleShot=True, interval=LOOK_MS)  # the disk may have room then
        timer.timeout.connect(lambda: self.send_now(ticket))
        timer.start()

    def _fail(self, why: Exception) -> None:
        self._desk.failed.emit(error_text(why))
