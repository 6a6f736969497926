# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands on whole tickets: take down, merge, split, link, watch, hand over, delete, time. Opens their windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QDialog

from app.config.i18n import _
from app.domain.deed_ports import DeedStore
from app.domain.ids import TicketId, UserId
from app.domain.ports import TicketDetails, TicketRow
from app.domain.related import LINK_KINDS, LinkedTicket
from app.services.messages import error_text, problem_text
from app.services.picked import Picked
from app.services.texts_links import link_title
from app.services.tickets import HandOver, NewTicket, TalkLog, Tickets
from app.services.triage import Done
from widgets.foundation import Theme, fmt
from widgets.foundation.chooser import Chooser, Option
from widgets.shell.frame import Ports
from widgets.ticket.hand_over import HandOverWindow
from widgets.ticket.history_window import HistoryWindow
from widgets.ticket.merge_window import MergeWindow
from widgets.ticket.new_ticket import NewTicketWindow
from widgets.ticket.split_window import SplitWindow
from widgets.ticket.talk_window import TalkWindow, TimeWindow
from widgets.ticket.ticket_chooser import TicketChooser

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["TicketDeeds"]


class TicketDeeds:
    """GUI thread. `window` keeps at most one of the windows open; the newest takes the place of an older one."""

    def __init__(self, window: AgentWindow, theme: Theme, ports: Ports, store: DeedStore) -> None:
        self._window, self._theme, self._ports, self._store = window, theme, ports, store
        self.dialog: QDialog | None = None
        self.chooser: Chooser | None = None

    def runs(self) -> dict[str, Callable[[], object]]:
        """Return what each command does."""
        return {
            "ticket.new": self.take_down,
            "ticket.merge": self.merge,
            "ticket.unmerge": self.unmerge,
            "ticket.split": self.split,
            "ticket.link": self.link,
            "ticket.watch": self.watch,
            "ticket.hand_over": self.hand_over,
            "ticket.log": self.log_talk,
            "ticket.time": self.note_time,
            "ticket.timer": self.toggle_timer,
            "ticket.history": self.history,
            "ticket.delete": self.delete,
            "ticket.restore": self.restore,
        }

    # --- parts -------------------------------------------------------------------------------------------------------

    @property
    def _tickets(self) -> Tickets:
        me = self._window.desk.me or UserId(b"")
        return Tickets(self._ports.commits, self._store.provisional, me)

    def _do(self, work: Callable[[], Done]) -> None:
        self._window.desk.do(work)

    def _details(self) -> TicketDetails | None:
        return self._window.desk.details

    def _picked(self) -> Picked:
        return self._window.deeds.picked()

    def _show(self, dialog: QDialog) -> None:
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = dialog
        dialog.finished.connect(lambda _result: self._closed(dialog))
        dialog.open()

    def _closed(self, dialog: QDialog) -> None:
        if self.dialog is dialog:
            self.dialog = None

    def _choose(self, chooser: Chooser) -> None:
        self.chooser = chooser
        header = self._window.ticket.header
        anchor = header if self._window.ticket.is_open() else self._window.inbox.title
        gap = self._theme.tokens.space.large
        chooser.open_at(anchor.mapToGlobal(QPoint(gap, anchor.height())))

    # --- taking down -------------------------------------------------------------------------------------------------

    def take_down(self) -> None:
        """Write down a call, a visit or a mail as a new ticket."""
        window, ports = self._window, self._ports
        dialog = NewTicketWindow(
            self._theme, self._store, ports.commits, ports.jobs, window.desk.choices, ports.now_ms, window
        )
        dialog.taken_down.connect(self._take_down)
        dialog.logged.connect(self._log_on)
        self._show(dialog)

    def _take_down(self, new: NewTicket) -> None:
        self._do(lambda: self._tickets.take_down(new))

    def _log_on(self, row: TicketRow, talk: TalkLog) -> None:
        self._do(lambda: self._logged(row, talk))
        self._window.open_ticket(row.id)

    def _logged(self, row: TicketRow, talk: TalkLog) -> Done:
        details = self._ports.queries.details(row.id)
        return self._tickets.log_talk(row, talk, details.seen_seq if details is not None else 0)

    def log_talk(self) -> None:
        """Put a call or visit on the open ticket."""
        details = self._details()
        if details is None:
            return
        dialog = TalkWindow(self._theme, details, self._ports.now_ms, self._window)
        row = details.row
        dialog.agreed.connect(lambda talk: self._do(lambda: self._logged(row, talk)))
        self._show(dialog)

    def note_time(self) -> None:
        """Note working time on the open ticket: what the timer says, to be put right."""
        details = self._details()
        if details is None:
            return
        row = details.row
        dialog = TimeWindow(self._theme, row.label, self._window.timer.minutes(row.id), self._window)
        dialog.agreed.connect(lambda minutes, kind, note: self._note(row, minutes, kind, note))
        self._show(dialog)

    def toggle_timer(self) -> None:
        """Start the timer on the open ticket; when it runs there, stop it and note what it says."""
        details, timer = self._details(), self._window.timer
        if details is None:
            return
        if timer.is_on(details.row.id):
            self.note_time()
            return
        other = timer.running()
        if other is not None:
            minutes, tickets = timer.stop(other), self._tickets
            queries = self._ports.queries
            self._do(lambda: tickets.add_time(queries.rows([other])[other], minutes, "work", ""))
        timer.start(details.row.id)
        self._window.toast.tell(_("The timer runs on {ticket}").format(ticket=details.row.label))

    def _note(self, row: TicketRow, minutes: int, kind: str, note: str) -> None:
        self._window.timer.stop(row.id)
        self._do(lambda: self._tickets.add_time(row, minutes, kind, note))

    # --- merge and split ---------------------------------------------------------------------------------------------

    def merge(self) -> None:
        """Merge the open ticket with another one, or two selected ones with each other."""
        picked = self._picked()
        if len(picked) == 2:
            self._preview(picked.ids[0], picked.ids[1])
            return
        details = self._details()
        if details is None:
            return
        earlier = details.customer.earlier if details.customer is not None else ()
        chooser = TicketChooser(
            self._theme, _("Merge {ticket} into").format(ticket=details.row.label), self._ports.queries,
            self._ports.jobs, self._window, earlier, {details.row.id},
        )  # fmt: skip
        source = details.row.id
        chooser.ticket_chosen.connect(lambda row: self._preview(source, row.id))
        self._choose(chooser)

    def _preview(self, source: TicketId, target: TicketId) -> None:
        queries = self._ports.queries
        self._ports.jobs.query(
            lambda: (queries.details(source), queries.details(target)),
            lambda both: self._show_merge(*both),
            lambda why: self._window.ticket.tell(error_text(why)),
            key="ticket.merge",
        )

    def _show_merge(self, source: TicketDetails | None, target: TicketDetails | None) -> None:
        if source is None or target is None:
            self._window.ticket.tell(problem_text("no_such_ticket"))
            return
        dialog = MergeWindow(self._theme, source, target, self._window.desk.choices, self._window)
        dialog.agreed.connect(lambda one, two: self._merge(one.row, two.row))
        self._show(dialog)

    def _merge(self, source: TicketRow, target: TicketRow) -> None:
        self._window.ticket.composer.save_now()  # a draft on the one that goes stays with its words
        self._do(lambda: self._tickets.merge([source], target))

    def unmerge(self) -> None:
        """Take a merged ticket out again, from itself or from the one it went into."""
        details = self._details()
        if details is None:
            return
        related = details.related
        if related.merged_into is not None:
            self.unmerge_one(
                LinkedTicket(details.row.id, details.row.label, "", details.row.state, details.row.category)
            )
        elif len(related.merged_here) == 1:
            self.unmerge_one(related.merged_here[0])
        elif related.merged_here:
            chooser = Chooser(self._theme, _("Take out again"), self._window)
            chooser.show_options([Option(t, t.subject, "ticket", detail=t.label) for t in related.merged_here])
            chooser.chosen.connect(self.unmerge_one)
            self._choose(chooser)
        else:
            self._window.ticket.tell(problem_text("not_merged"))

    def unmerge_one(self, ticket: LinkedTicket) -> None:
        """Take this one out again."""
        self._do(lambda: self._tickets.unmerge(ticket.id, ticket.label))

    def split(self, start: bytes | None = None) -> None:
        """Make a ticket of some messages, beginning at one."""
        details = self._details()
        if details is None:
            return
        if sum(1 for item in details.items if not item.event) < 2:
            self._window.ticket.tell(problem_text("all_would_leave"))
            return
        row = details.row
        dialog = SplitWindow(self._theme, details, start, self._window)
        dialog.agreed.connect(lambda ids, subject: self._do(lambda: self._tickets.split(row, ids, subject)))
        self._show(dialog)

    # --- links and watchers ------------------------------------------------------------------------------------------

    def link(self) -> None:
        """Link the open ticket with another one: first how, then with which."""
        details = self._details()
        if details is None:
            return
        chooser = Chooser(self._theme, _("How are they linked?"), self._window)
        chooser.show_options([Option(kind, link_title(kind), "link") for kind in LINK_KINDS])
        chooser.chosen.connect(lambda kind: self._link_with(details, str(kind)))
        self._choose(chooser)

    def _link_with(self, details: TicketDetails, kind: str) -> None:
        earlier = details.customer.earlier if details.customer is not None else ()
        row = details.row
        chooser = TicketChooser(
            self._theme, f"{row.label}: {link_title(kind)}", self._ports.queries, self._ports.jobs, self._window,
            earlier, {row.id},
        )  # fmt: skip
        chooser.ticket_chosen.connect(lambda other: self._do(lambda: self._tickets.link(row, kind, other)))
        self._choose(chooser)

    def unlink(self, link: LinkedTicket) -> None:
        """Take a link of the open ticket away."""
        details = self._details()
        if details is not None:
            row = details.row
            self._do(lambda: self._tickets.unlink(row, link))

    def watch(self) -> None:
        """Watch the tickets; the open one no longer, if one does already."""
        rows, details, me = self._picked(), self._details(), self._window.desk.me
        if not rows or me is None:
            return
        choices, queries = self._window.desk.choices, self._ports.queries
        single = details is not None and list(rows.ids[:2]) == [details.row.id]

        def work(part: Sequence[TicketRow]) -> Done:
            now = queries.details(part[0].id) if single else None
            return self._tickets.watch(part, me, now is None or me not in now.related.watchers, choices)

        self._window.desk.each(rows, work)

    def snooze_again(self, until: int) -> None:
        """Let the open ticket sleep until the time it was to come back at before the customer wrote."""
        details = self._details()
        if details is not None:
            self._window.desk.snooze([details.row], until, fmt.moment(until))

    # --- others ------------------------------------------------------------------------------------------------------

    def hand_over(self) -> None:
        """Give the tickets to somebody else, with the reason."""
        window, rows, details = self._window, self._picked(), self._details()
        if not rows:
            return
        single = details is not None and len(rows) == 1
        tier = details.related.tier if single and details is not None else 1
        team = details.team if single and details is not None else None
        choices = window.desk.choices
        dialog = HandOverWindow(self._theme, rows, tier, team, choices, window.desk.me, window)
        dialog.agreed.connect(lambda to: self._hand_over(rows, to))
        self._show(dialog)

    def _hand_over(self, rows: Picked, to: HandOver) -> None:
        choices = self._window.desk.choices
        self._window.desk.each(rows, lambda part: self._tickets.hand_over(part, to, choices))

    def history(self) -> None:
        """Show all that happened to the open ticket."""
        details, desk = self._details(), self._window.desk
        if details is not None:
            HistoryWindow(self._theme, details, desk.choices, desk.me, self._window).show()

    def delete(self) -> None:
        """Take the tickets out of sight; no question, for it can be undone."""
        rows = self._picked()
        if rows:
            self._window.ticket.composer.save_now()
            self._window.desk.each(rows, lambda part: self._tickets.delete(part))

    def restore(self) -> None:
        """Choose a deleted ticket to bring back."""
        self._ports.jobs.query(
            self._store.deleted, self._offer_deleted, lambda why: self._window.ticket.tell(error_text(why)),
            key="ticket.deleted",
        )  # fmt: skip

    def _offer_deleted(self, rows: Sequence[TicketRow]) -> None:
        chooser = Chooser(
            self._theme, _("Restore a deleted ticket"), self._window, wide=self._theme.tokens.space.vast * 11
        )
        chooser.set_nothing(_("No deleted ticket is on this computer."))
        chooser.show_options(
            [Option(r, r.subject, "trash-2", detail=f"{r.label} · {r.customer_name}", also=r.preview) for r in rows]
        )
        chooser.chosen.connect(lambda row: self._do(lambda: self._tickets.restore([row])))
        self._choose(chooser)
