# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window does with texts on their way out: replies that wait, and the times they wait for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, QPoint, Qt

from app.config.i18n import _
from app.domain.attachments import Attachment
from app.domain.calendars import Span
from app.domain.ids import TicketId
from app.domain.ports import Draft, DraftKind, PlannedSend, SendWhy
from app.services.send_times import send_times
from app.services.triage_writing import Stale
from widgets.composer.later import OTHER, ChooseTime, later_options
from widgets.foundation import Theme, fmt
from widgets.foundation.chooser import Chooser
from widgets.shell.frame import Ports
from widgets.shell.sends import SendDesk

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["WritingPart"]


class WritingPart(QObject):
    """GUI thread. Connects composer, outbox and toast with what waits."""

    def __init__(self, window: AgentWindow, theme: Theme, ports: Ports) -> None:
        super().__init__(window)
        self._window, self._theme, self._ports = window, theme, ports
        self.sends = SendDesk(window.desk, ports, self)
        self.time: ChooseTime | None = None
        self._connect()

    def _connect(self) -> None:
        sends, composer, outbox = self.sends, self._window.ticket.composer, self._window.outbox
        composer.reply_sent.connect(sends.send_reply)
        composer.later_asked.connect(self._ask_when)
        composer.take_back_asked.connect(sends.take_back)
        composer.send_now_asked.connect(sends.send_now)
        composer.stopped_seen.connect(sends.seen)
        sends.planned.connect(self._tell_planned)
        sends.taken_back.connect(self._was_taken_back)
        sends.stopped.connect(self._tell_stopped)
        sends.changed.connect(self._show_planned)
        outbox.take_back_asked.connect(sends.take_back)
        outbox.send_now_asked.connect(sends.send_now)

    def start(self) -> None:
        """Read what waited when the program ended."""
        self.sends.start()

    def look_for_news(self, ids: frozenset[bytes]) -> None:
        """Rows changed; empty: any may have."""
        self.sends.look_for_news(ids)

    def close(self) -> None:
        """The window goes: what was sent leaves now."""
        self.sends.flush()

    def undo(self) -> bool:
        """Take the newest reply back while its seconds run; tell whether there was one."""
        return self.sends.take_back_last()

    # --- what waits ------------------------------------------------------------------------------------------

    def _tell_planned(self, planned: PlannedSend) -> None:
        """The sheet is empty again; for some seconds one press brings everything back."""
        ticket, order = planned.draft.ticket, planned.order
        self._window.ticket.composer.accepted(ticket, planned.draft.kind)
        if order.why is SendWhy.UNDO:
            words, left = _("The reply on {ticket} goes out in a moment"), order.at - self._ports.now_ms()
        else:
            words, left = _("The reply on {ticket} goes out on {when}"), 0
        text = words.format(ticket=planned.label, when=fmt.moment(order.at))
        self._window.toast.tell(text, lambda: self.sends.take_back(ticket), left)

    def _show_planned(self, planned: tuple[PlannedSend, ...]) -> None:
        self._window.ticket.composer.show_planned(planned)
        self._window.views.show_planned(len(planned))
        self._window.outbox.show_planned(planned)

    def _was_taken_back(self, draft: Draft) -> None:
        details = self._window.desk.details
        if details is not None and details.row.id == draft.ticket:
            self._window.ticket.composer.taken_back(draft)
        else:
            self._window.open_ticket(draft.ticket)  # and with it the draft
        self._window.toast.tell(_("Taken back: the reply is a draft again"))

    def _tell_stopped(self, ticket: TicketId, stale: Stale | None, words: str) -> None:
        self._window.ticket.composer.stopped(ticket, words)
        if stale is not None and self._window.desk.details is not None:
            self._window.desk.reload(frozenset({ticket}))
        self._window.toast.tell(words)

    # --- a time for later ------------------------------------------------------------------------------------

    def _ask_when(
        self, ticket: TicketId, text: str, seen_seq: int, files: tuple[Attachment, ...], seen_id: bytes | None
    ) -> None:
        details = self._window.desk.details
        if details is None or details.row.id != ticket:
            return

        def send(at: int) -> None:
            self.sends.send_later(ticket, text, seen_seq, at, files, seen_id)

        team, queries = details.team, self._ports.queries
        self._ports.jobs.query(
            lambda: queries.open_spans(team), lambda spans: self._offer(spans, send), lambda _why: self._offer([], send)
        )

    def _offer(self, spans: Sequence[Span], send: Callable[[int], None]) -> None:
        chooser = Chooser(self._theme, _("Send later"), self._window)
        chooser.set_nothing(_("Nothing fits."))
        chooser.show_options(later_options(send_times(spans, self._ports.now_ms())))
        chooser.chosen.connect(lambda value: self._other_time(send) if value == OTHER else send(cast("int", value)))
        anchor = self._window.ticket.composer.sheets[DraftKind.REPLY].send
        chooser.open_at(anchor.mapToGlobal(QPoint(0, anchor.height() + self._theme.tokens.space.tiny)))

    def _other_time(self, send: Callable[[int], None]) -> None:
        self.time = ChooseTime(self._theme, self._ports.now_ms(), self._window)
        self.time.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.time.chosen.connect(send)
        self.time.open()
