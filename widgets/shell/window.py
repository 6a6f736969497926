# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's main window: puts the panes together and connects them. It wires; the services think."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.commands.keys import key_choices, rebound
from app.commands.registry import Registry
from app.commands.table import AGENT, Command
from app.config import settings as conf
from app.config.i18n import _
from app.domain.attachments import BlobStatus
from app.domain.deed_ports import SnoozeEnd
from app.domain.entities import DRAFT, READ_MARK, Category
from app.domain.ids import TicketId, ViewId
from app.domain.ports import DraftKind, Identity, SyncStatus, TicketDetails, ViewKey
from app.services.needs_you import Action, Settled
from app.services.triage_undo import UndoEntry
from app.services.triage_writing import Stale
from widgets.composer.mentions import MentionList
from widgets.foundation import Theme
from widgets.foundation.turns import Rank, Steps
from widgets.inbox.serial_strip import SerialStrip
from widgets.needs_you.desk import UNDO_MS
from widgets.remote.flow import SessionFlow
from widgets.shell.actions import Actions
from widgets.shell.appearance import Appearance
from widgets.shell.bulk import BulkStrip
from widgets.shell.callbacks import CallbackPart
from widgets.shell.commands import bind_commands
from widgets.shell.complaints import ComplaintPart
from widgets.shell.customer_part import CustomerPart
from widgets.shell.deeds import Deeds
from widgets.shell.desk import TicketDesk
from widgets.shell.dialogs import Dialogs
from widgets.shell.files import FileDesk
from widgets.shell.frame import Ports, WindowFrame
from widgets.shell.knowledge import KnowledgePart
from widgets.shell.minutes import Minutes
from widgets.shell.navigation import Navigation, Spot
from widgets.shell.presence import PresenceDesk, PresencePart
from widgets.shell.promises import PromisePart
from widgets.shell.reading import ReadingPart
from widgets.shell.refresh import Counted, Refresher
from widgets.shell.side_windows import Side, SideWindows
from widgets.shell.similar import SimilarPart
from widgets.shell.snoozes import SnoozeWatch
from widgets.shell.state import WindowState
from widgets.shell.ticket_deeds import TicketDeeds
from widgets.shell.views_part import ViewsPart
from widgets.shell.writing import WritingPart
from widgets.ticket.work_timer import WorkTimer

__all__ = ["AgentWindow", "Ports"]

_WHILE_LOCKED = frozenset({"app.quit", "app.text_larger", "app.text_smaller", "sync.now"})


class AgentWindow(WindowFrame):
    """GUI thread. The entry calls `show_status`, `rows_changed`, `show_identity`; signals go back to it."""

    spoken_pickers = True
    sign_in_wanted = Signal()
    link_chosen = Signal(str)  # a link in a message; the entry opens it
    closed = Signal()
    quit_wanted = Signal()

    def __init__(self, theme: Theme, ports: Ports, identity: Identity | None = None, side: Side | None = None) -> None:
        """With `side` it is a window beside the main one, for a ticket or a view."""
        super().__init__(theme, ports)
        self._ports = ports
        self.side = side
        self.windows = side.windows if side is not None else SideWindows(
            self, ports, lambda own, of: AgentWindow(theme, own, self.identity, of)
        )  # fmt: skip
        main = self.windows.main if side is not None else None
        self.identity = identity
        self._history = Navigation()
        self._reads: TicketId | None = None  # the keyboard goes into this ticket when it is here
        me = identity.account if identity else None
        stack = main.desk.stack if main is not None else None  # undone in whichever window is in front
        self.desk: TicketDesk = TicketDesk(
            ports.queries, ports.commits, ports.link, ports.jobs, me, ports.blobs, stack
        )  # fmt: skip
        self.bulk = BulkStrip(theme, ports.jobs)
        self.inbox.stand_above(self.bulk)
        self.serials = SerialStrip(theme, ports.customers, ports.jobs) if ports.customers is not None else None
        note = self.ticket.composer.sheets[DraftKind.NOTE].edit
        self.mentions = MentionList(theme, note, lambda: self.desk.choices.users)
        self.appearance = Appearance(theme, ports.settings, lambda text: self.toast.tell(text))
        self.writing = WritingPart(self, theme, ports)
        self.promises = PromisePart(self, theme, ports)
        self.complaints = ComplaintPart(self, theme, ports)
        self.similar = SimilarPart(self, ports)
        self.deeds = Deeds(self, theme, ports)
        self.dialogs = Dialogs(self, theme, ports)
        self.timer: WorkTimer = main.timer if main is not None else WorkTimer(
            ports.commits, ports.jobs, ports.now_ms, self
        )  # fmt: skip
        self.ticket_deeds = TicketDeeds(self, theme, ports, ports.deeds) if ports.deeds is not None else None
        self.saved_views = ViewsPart(self, theme, ports)
        self.customers = CustomerPart(self, theme, ports, ports.customers) if ports.customers is not None else None
        self.knowledge = KnowledgePart(self, theme, ports, ports.knowledge) if ports.knowledge is not None else None
        self.calls = CallbackPart(self, theme, ports, ports.calls) if ports.calls is not None else None
        self.reading = ReadingPart(self)
        self.registry = Registry(self.places, self._own_table())
        bind_commands(self.registry, self, sessions=(main or self).has_sessions())
        if side is not None:
            self.registry.leave_out(side.left_out)
        self.actions_ = Actions(self.registry, self, lambda: ports.settings.get(conf.SINGLE_KEYS))
        self.refresher = Refresher(ports, self._read_seen, self)
        self.files = FileDesk(theme, ports.blobs, ports.link, ports.jobs, self) if ports.blobs is not None else None
        self._connect()
        presence = main.presence.desk if main is not None else PresenceDesk(ports.link, ports.now_ms, self)
        self.presence: PresencePart = PresencePart(self, presence)
        self._card_soon = Steps(self._show_card, Rank.BESIDE, self)
        self.state = WindowState(self, ports.commits, ports.jobs)
        self.minutes = Minutes(ports.now_ms, self._tick, self)
        self.show_identity(identity)
        self.setWindowTitle("Deskside")

    # --- putting together ------------------------------------------------------------------------------------

    def _connect(self) -> None:
        desk, composer = self.desk, self.ticket.composer
        self.turned.connect(self.actions_.sync)
        self.refresher.counted.connect(self._show_counts)
        self.inbox.shown.connect(self.refresher.seen_read)
        self.views.chosen.connect(self.go_view)
        self.views.outbox_chosen.connect(self.go_outbox)
        self.views.needs_chosen.connect(self.go_needs_you)
        self._connect_needs()
        self._connect_files()
        self.inbox.selected.connect(self._select)
        self.inbox.opened.connect(self._read)
        if self.serials is not None and self.customers is not None:
            self.inbox.stand_above(self.serials)
            self.serials.customer_chosen.connect(self.customers.show)
        self.inbox.several.connect(lambda _on: self.actions_.sync())
        self.outbox.emptied.connect(self.focus_list)
        self.inbox.search_left.connect(self.top.search.clear)
        self.inbox.elsewhere_asked.connect(lambda: self.go_view(ViewKey.ALL_LIVE))
        self.inbox.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.inbox.list.customContextMenuRequested.connect(self.dialogs.context_menu)
        self.outbox.ticket_chosen.connect(self.open_ticket)
        self.outbox.sync_asked.connect(self.sync_now)
        self.top.ran.connect(self.registry.run)
        self.top.menu.aboutToShow.connect(lambda: self.actions_.fill(self.top.menu))
        self.top.account_menu.aboutToShow.connect(self.dialogs.fill_account_menu)
        self.top.search.searched.connect(self._search)
        self.top.search.entered.connect(self.focus_list)
        self.top.search.left.connect(self.focus_list)
        self.ticket.header.asked.connect(self.registry.run)
        self.ticket.conversation.link_chosen.connect(self.knowledge.follow if self.knowledge else self.link_chosen)
        self.ticket.conversation.restore_asked.connect(desk.restore)
        self.customer.ticket_chosen.connect(self.open_ticket)
        if self.ticket_deeds is not None and self._ports.deeds is not None:
            self.ticket.hints.snooze_asked.connect(self.ticket_deeds.snooze_again)
            self.snoozes = SnoozeWatch(self._ports.deeds, self._ports.jobs, self._ports.now_ms, self)
            self.snoozes.returned.connect(self._tell_returned)
            self.customer.related.unlink_asked.connect(self.ticket_deeds.unlink)
            self.customer.related.unmerge_asked.connect(self.ticket_deeds.unmerge_one)
        composer.note_saved.connect(desk.save_note)
        composer.elsewhere_asked.connect(self.windows.show_writer)
        composer.left.connect(lambda: self.ticket.conversation.area.setFocus())
        composer.draft_changed.connect(lambda ticket: self._done_here(frozenset({ticket})))
        desk.details_loaded.connect(self._show_details)
        desk.ticket_gone.connect(self._show_gone)
        desk.load_failed.connect(self.ticket.show_nothing)
        desk.choices_loaded.connect(self._show_choices)
        desk.done.connect(self._tell_done)
        desk.failed.connect(self._tell_failed)
        desk.rows_changed.connect(self._done_here)
        desk.accepted.connect(composer.accepted)
        desk.opens.connect(self.open_ticket)
        desk.many = self.bulk
        self.bulk.finished.connect(desk.finish)
        self.bulk.failed.connect(desk.fail)
        desk.held.connect(self._hold)
        desk.refused.connect(composer.refused)
        self.strip.action_asked.connect(self._help_sync)
        self.strip.outbox_asked.connect(self.go_outbox)
        self.strip.language_asked.connect(self.appearance.toggle_language)
        if self.side is not None:
            self._connect_to_main(self.side.windows.main)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._focus_moved)

    def _connect_to_main(self, main: AgentWindow) -> None:
        """What the program does for the main window it does for this one as well."""
        self.link_chosen.connect(main.link_chosen)
        self.sign_in_wanted.connect(main.sign_in_wanted)
        if self.files is not None and main.files is not None:
            self.files.open_wanted.connect(main.files.open_wanted)
        # replies go out from the main window
        main.desk.accepted.connect(self.ticket.composer.accepted)
        main.desk.held.connect(self._hold)
        main.desk.refused.connect(self.ticket.composer.refused)

    def _connect_needs(self) -> None:
        needs = self.needs
        needs.ticket_asked.connect(self.leave_needs)
        needs.told.connect(self.toast.tell)
        needs.desk.rows_changed.connect(self._done_here)
        needs.desk.done.connect(self._tell_settled)
        needs.guard.answered.connect(self._answer_guard)
        self.strip.needs_asked.connect(self.go_needs_you)
        self.strip.guard_asked.connect(needs.guard.reopen)
        self.lock.check_asked.connect(self.sync_now)
        self.lock.quit_asked.connect(self.quit_wanted)

    def _connect_files(self) -> None:
        files, conversation = self.files, self.ticket.conversation
        if files is None:
            return
        self.ticket.composer.files_added.connect(self._ports.link.blobs_added)
        files.status_known.connect(self.show_blob)
        files.told.connect(self.toast.tell)
        files.failed.connect(self._tell_failed)
        conversation.files_shown.connect(files.look, Qt.ConnectionType.QueuedConnection)
        conversation.file_asked.connect(files.act)
        files.attach_wanted.connect(self.ticket.composer.attach_again)

    def has_sessions(self) -> bool:
        """Tell whether sessions can be begun."""
        return self._ports.sessions is not None

    @property
    def flow(self) -> SessionFlow | None:
        """The newest session's windows; None before the first."""
        return self.deeds.flow

    # --- what the entry says ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Read everything for the first time; call once, before or after `show`."""
        # styled before anything shows: else the first ticket waits for all of it at once
        for pane in (self.ticket, self.customer, self.needs.listing, self.needs.detail):
            for widget in pane.findChildren(QWidget):
                widget.ensurePolished()
        if self.side is not None:
            self._start_beside(self.side)
            return
        self.state.load()
        self.saved_views.load()
        self.desk.load_choices()
        self.timer.load()
        if self.ticket_deeds is not None:
            self.snoozes.start()
        self.refresher.read_counts()
        self.writing.start()
        self.go_view(self.inbox.view())
        self.inbox.list.setFocus()
        if self.knowledge is not None:
            self.knowledge.start()

    def _start_beside(self, side: Side) -> None:
        """Show the one thing that this window is for; clocks and counts are the main window's."""
        self.refresher.counts = False
        self.views.hide()
        self.desk.load_choices()
        self.writing.show_waiting()
        main = side.windows.main
        self.saved_views.take(main.saved_views.views)
        if side.ticket is not None:
            self.lists.hide()
            self.top.search.hide()
            self.read_ticket(side.ticket)
            return
        if isinstance(side.view, ViewKey):
            self.go_view(side.view)
        elif side.view is not None:
            self.saved_views.go_when_listed(side.view)
        self.inbox.list.setFocus()

    def show_status(self, status: SyncStatus) -> None:
        """Show how sync stands."""
        self.strip.show_status(status)
        self.presence.desk.show_status(status)
        self.inbox.show_status(status)
        self.views.show_waiting(status.waiting)
        self.views.show_needs(status.needs_you)
        if self.lists.currentWidget() is self.outbox:
            self.outbox.refresh()
        for window in self._beside():
            window.show_status(status)

    def _beside(self) -> tuple[AgentWindow, ...]:
        """Return the windows that hear what this one hears."""
        return tuple(self.windows) if self.side is None else ()

    def ask_guard(self, tickets: int, total: int) -> None:
        """Ask whether many tickets may be removed here; nothing is stopped by it. 0: the question is over."""
        if tickets:
            self.needs.guard.ask(tickets, total)
        else:
            self.needs.guard.settled()
        self.strip.show_guard(waits=bool(tickets))

    def _answer_guard(self, apply: bool) -> None:
        self._ports.link.answer_guard(apply=apply)
        self.strip.show_guard(waits=self.needs.guard.waits())

    def show_lock(self, why: str) -> None:
        """Cover the window ("suspended", "revoked"), or uncover it ("")."""
        for window in self._beside():
            window.show_lock(why)
        self.registry.restrict(_WHILE_LOCKED if why else None)
        if not why:
            self.cover.setCurrentIndex(0)
            self.focus_list()
        else:
            self.ticket.composer.save_now()
            self.needs.save_now()
            server = self.identity.server.partition("://")[2] if self.identity else ""
            self.lock.show_why(why, self.strip.status().waiting, server)
            self.cover.setCurrentWidget(self.lock)
            self.lock.focus()
        self.actions_.sync()

    def front_ticket(self) -> TicketId | None:
        """The ticket that a person who looks at this window reads; None when something else shows."""
        shows = self.isVisible() and not self.is_covered() and self.pages.currentWidget() is self.ticket
        return self._open_id() if shows and self.ticket.is_open() else None

    def _own_table(self) -> tuple[Command, ...]:
        return rebound(AGENT, key_choices(self._ports.settings.get(conf.KEYS)))

    def use_keys(self) -> None:
        """Take the person's keys as they are now."""
        for window in self._beside():
            window.use_keys()
        self.registry.use(self._own_table())
        self.actions_.keys_changed()

    def quit(self) -> None:
        """End the program, not only this window."""
        if self.side is not None:
            self.windows.main.quit()
            return
        self.quit_wanted.emit()
        self.close()

    def is_covered(self) -> bool:
        """Whether the lock page hides everything."""
        return self.cover.currentWidget() is self.lock

    def show_blob(self, sha256: bytes, status: BlobStatus) -> None:
        """Show how the content of an attachment stands."""
        for window in self._beside():
            window.show_blob(sha256, status)
        self.ticket.conversation.show_blob(sha256, status)
        self.ticket.composer.show_blob(sha256, status)

    def show_identity(self, identity: Identity | None) -> None:
        """Show who is signed in."""
        for window in self._beside():
            window.show_identity(identity)
        self.identity = identity
        self.desk.set_me(identity.account if identity else None)
        self.presence.desk.me = self.desk.me
        self.top.show_account(identity.name if identity else "")
        server = identity.server.partition("://")[2] or identity.server if identity else ""
        self.strip.show_account(server)

    def open_ticket(self, ticket: TicketId) -> None:
        """Show a ticket; the list keeps its view."""
        self.pages.setCurrentWidget(self.ticket)
        self._select(ticket)  # first: it is read while the list moves
        self.inbox.select(ticket)

    # --- panes -----------------------------------------------------------------------------------------------

    def go_view(self, view: ViewKey) -> None:
        """Show a view."""
        self.top.search.clear()
        self.show_list(self.inbox)
        self.views.show_current(view)
        self.inbox.show_view(view)
        self._history.visit(Spot(view, self.inbox.current()))

    def back_to_list(self) -> None:
        """Show the view again that showed last, a saved one too."""
        saved = self.inbox.saved()
        if saved is not None:
            self.saved_views.go(saved.id)
        else:
            self.go_view(self.inbox.view())

    def visit(self, spot: Spot) -> None:
        """Remember a place for Back and Forward."""
        self._history.visit(spot)

    def open_beside(self) -> None:
        """Open the ticket in a window of its own."""
        ticket = self.inbox.current() if self.inbox.list.hasFocus() else self._open_id() or self.inbox.current()
        if ticket is not None:
            self.windows.open_ticket(ticket)

    def open_view_beside(self) -> None:
        """Open the view that shows in a window of its own."""
        saved = self.inbox.saved()
        self.windows.open_view(saved.id if saved is not None else self.inbox.view())

    def go_to(self, view: ViewKey) -> None:
        """Show a view and put the keyboard into it."""
        self.go_view(view)
        self.focus_list()

    def go_outbox(self) -> None:
        """Show what waits to be sent."""
        self.show_list(self.outbox)
        self.views.show_current(None)
        self.outbox.refresh()
        self.focus_list()
        self._history.visit(Spot(None, self._open_id()))

    def go_needs_you(self) -> None:
        """Show what waits for the person."""
        self.show_list(self.needs.listing)
        self.views.show_needs_current()
        self.needs.desk.load()
        self.needs.focus()
        self._history.visit(Spot(None, None, needs=True))

    def leave_needs(self, ticket: TicketId) -> None:
        """Go from an entry to its ticket."""
        self.back_to_list()
        self.read_ticket(ticket)

    def read_ticket(self, ticket: TicketId) -> None:
        """Show a ticket and put the keyboard into its conversation as soon as that is there.

        A ticket that has a window of its own is shown in that one.
        """
        if (self.side is None or self.side.ticket != ticket) and self.windows.show_ticket(ticket):
            return
        self._reads = ticket
        self.open_ticket(ticket)
        if ticket == self._open_id():
            self._read(ticket)

    def decide(self, action: Action) -> None:
        """Decide what is chosen on the Needs-you page, by key."""
        self.needs.decide(action)

    def go(self, by: int) -> None:
        """Go back or forward."""
        spot = self._history.step(by)
        if spot is None:
            return
        if spot.needs:
            self.go_needs_you()
            return
        if spot.view is None:
            self.show_list(self.outbox)
            self.views.show_current(None)
            self.outbox.refresh()
        else:
            self._show_spot(spot.view, spot.saved)
        self.focus_list()
        if spot.ticket is not None and spot.ticket != self._open_id():
            self.inbox.select(spot.ticket)
            self.desk.open(spot.ticket)

    def _show_spot(self, view: ViewKey, saved: ViewId | None) -> None:
        """Show a view as it was gone through; what shows already stays as it is."""
        self.show_list(self.inbox)
        found = self.saved_views.get(saved) if saved is not None else None
        if found is not None:
            self.views.show_saved_current(found.id)
            self.inbox.show_saved(found)
            return
        self.views.show_current(view)
        if view is not self.inbox.view() or self.inbox.saved() is not None:
            self.inbox.show_view(view)

    def _search(self, text: str) -> None:
        self.show_list(self.inbox)
        if self.serials is not None:
            self.serials.look(text)
        if text:
            self.views.show_none()
            self.inbox.show_search(text)
        else:
            saved = self.inbox.saved()
            if saved is not None:
                self.views.show_saved_current(saved.id)
            else:
                self.views.show_current(self.inbox.view())
            self.inbox.end_search()

    # --- the ticket ------------------------------------------------------------------------------------------

    def _tick(self, now_ms: int) -> None:
        """A minute began: what is on screen says how late it is now; nothing is read."""
        self.inbox.list.viewport().update()
        self.ticket.header.tick(now_ms)
        self.customer.tick(now_ms)
        self.announced.refresh()

    def _open_id(self) -> TicketId | None:
        return self.desk.details.row.id if self.desk.details else None

    def _select(self, ticket: TicketId) -> None:
        saved = self.inbox.saved()
        self._history.visit(Spot(self.inbox.view(), ticket, saved=saved.id if saved is not None else None))
        self.ticket.tell("")
        self.desk.open(ticket)

    def _read(self, ticket: TicketId) -> None:
        self._reads = ticket
        if ticket != self._open_id():
            self.desk.open(ticket)
        else:
            self._put_into_conversation()

    def _put_into_conversation(self) -> None:
        self._reads = None
        self.ticket.conversation.area.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _show_details(self, details: TicketDetails) -> None:
        self.ticket.header.tick(self._ports.now_ms())
        ticket, composer = details.row.id, self.ticket.composer
        composer.set_elsewhere(elsewhere=self.windows.is_elsewhere(self, ticket), ticket=ticket)
        self.ticket.show_details(details, self.desk.choices, self.desk.me, self.desk.files)
        self.windows.came(self, ticket)
        self.ticket.hints.show_details(details, self.desk.me, self._ports.now_ms())
        self.promises.show_details(details)
        self.complaints.show_details(details)
        self.similar.show_details(details)
        self._card_soon.start()
        self.setWindowTitle(f"{details.row.label} {details.row.subject} – Deskside")
        self.fold_details()
        if self._reads == details.row.id:
            self._put_into_conversation()
        self.actions_.sync()

    def _show_card(self) -> bool:
        # after the conversation: that is what the person reads first
        today = datetime.fromtimestamp(self._ports.now_ms() / 1000, UTC).astimezone().date()
        if self.desk.details is not None:
            details = self.desk.details
            self.customer.show_card(details.customer, self.desk.choices, today, details.clock, self._ports.now_ms())
        if self.desk.details is not None:
            self.customer.show_facts(self.desk.details.facts)
            self.customer.show_related(self.desk.details.related, self.desk.me)
        return False

    def _show_gone(self, _ticket: TicketId) -> None:
        self.ticket.show_nothing(_("This ticket is not on this computer."))
        self.fold_details()

    def _show_choices(self, choices: object) -> None:
        del choices
        self.inbox.show_choices(self.desk.choices)
        self.needs.show_choices(self.desk.choices)
        self.strip.show_choices(self.desk.choices)
        if self.desk.details is not None:
            self._show_details(self.desk.details)

    def _hold(self, ticket: TicketId, stale: Stale) -> None:
        self.ticket.composer.held(ticket, stale)

    def _tell_done(self, text: str, entry: UndoEntry | None) -> None:
        self.ticket.tell("")
        self.toast.tell(text, (lambda: self.desk.undo(entry)) if entry is not None else None)

    def _tell_returned(self, found: Sequence[SnoozeEnd], text: str) -> None:
        self.rows_changed(frozenset(each.row.id for each in found))
        waited = [e.row for e in found if e.row.category is Category.WAITING_INTERNAL and e.row.owner == self.desk.me]
        if waited:
            self.desk.reopen(waited)  # the reminder is due
        self.toast.tell(text, stay_ms=UNDO_MS)

    def _tell_settled(self, text: str, settled: Settled | None) -> None:
        undo = (lambda: self.needs.desk.undo(settled)) if settled is not None else None
        self.toast.tell(text, undo, UNDO_MS if undo is not None else 0)

    def _tell_failed(self, text: str) -> None:
        if self.ticket.is_open():
            self.ticket.tell(text)
        else:
            self.toast.tell(text)

    # --- refreshing ------------------------------------------------------------------------------------------

    def rows_changed(self, ids: frozenset[bytes]) -> None:
        """Rows changed, here or on the server; empty means that anything may have."""
        self.refresher.note(ids)

    def rows_changed_there(self, types: frozenset[int], ids: frozenset[bytes]) -> None:
        """The worker brought rows of these entities. A mark names no ticket of the list: what shows is read again."""
        if READ_MARK.number in types:
            self.inbox.model.forget(())
        if DRAFT.number in types:  # typed on another of one's computers
            self.ticket.composer.read_again()
        if self.knowledge is not None:
            self.knowledge.rows_changed(types)
        if self.calls is not None:
            self.calls.rows_changed(types)
        self.rows_changed(ids)
        for window in self._beside():
            window.rows_changed_there(types, ids)

    def _done_here(self, ids: frozenset[bytes]) -> None:
        self.refresher.note(ids, own=True)
        self.windows.tell_others(self, ids)

    def _read_seen(self, ids: frozenset[bytes]) -> bool:
        """Read what shows again; tell whether the list will say that it did. What is hidden is read when it shows."""
        self.desk.reload(ids)
        if self.customers is not None:
            self.customers.rows_changed(ids)
        self.writing.look_for_news(ids)
        shown = self.lists.currentWidget()
        if shown is self.inbox:
            self.inbox.rows_changed(ids)
            return True
        self.inbox.forget(ids)
        if shown is self.outbox:
            self.outbox.refresh()
        else:
            self.needs.desk.load()
        return False

    def _show_counts(self, read: Counted) -> None:
        outbox = read.outbox
        for window in self.windows.every():
            window.saved_views.take(read.views)
        self.views.show_counts(read.counts)
        self.fit_views()
        if read.choices != self.desk.choices:
            self.desk.load_choices()
        status = self.strip.status()
        since = min((item.created for item in outbox), default=None)
        self.show_status(replace(status, waiting=len(outbox), waiting_since=since, needs_you=read.needs_you))

    # --- small windows ---------------------------------------------------------------------------------------

    def open_menu(self) -> None:
        """Open the menu."""
        self.top.open_menu()

    def step_text(self, by: int) -> None:
        """Make the text larger or smaller."""
        self.appearance.step_text(by)

    def sync_now(self) -> None:
        """Push and pull now."""
        self._ports.link.sync_now()

    def _help_sync(self, action: str) -> None:
        if action == "sign_in":
            self.sign_in_wanted.emit()
        elif action == "details":
            self.dialogs.sync()
        else:
            self.sync_now()

    def _focus_moved(self, _old: QWidget | None, new: QWidget | None) -> None:
        if new is None or new.window() is self:
            self.actions_.sync()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.ActivationChange, QEvent.Type.WindowStateChange):
            self.reading.look()
        if event.type() is QEvent.Type.LanguageChange:
            self.actions_.retranslate()
            self.announced.refresh()
            self.toast.undo.setText(_("Undo"))
            self.toast.close_button.set_name(_("Close"))
            self.top.show_account(self.identity.name if self.identity else "")

    def showEvent(self, event: QShowEvent) -> None:
        """Be at the ticket again that shows; the main window brings the others along."""
        super().showEvent(event)
        self.presence.reopen()
        if self.side is None:
            self.windows.restore()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save drafts and geometry, end what runs."""
        self.ticket.composer.save_now()
        self.needs.save_now()
        self.presence.close()
        if self.side is not None:
            self.windows.closed(self)
            super().closeEvent(event)
            return
        self.writing.close()
        self.state.save()
        self.windows.shut()
        if self.deeds.flow is not None:
            self.deeds.flow.close()
        super().closeEvent(event)
        self.closed.emit()
