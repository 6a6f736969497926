# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's main window: puts the panes together and connects them. It wires; the services think."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QSplitter, QStackedWidget, QWidget

from app.commands.registry import Registry
from app.commands.table import Place
from app.config import settings as conf
from app.config.i18n import _
from app.config.settings import Settings
from app.domain.ids import TicketId
from app.domain.needs import NeedsYouStore
from app.domain.ports import (
    Choices,
    Commits,
    DraftKind,
    Identity,
    OutboxItem,
    SyncLink,
    SyncPhase,
    SyncStatus,
    TicketDetails,
    TicketQueries,
    TicketRow,
    ViewKey,
)
from app.services.messages import problem_text
from app.services.needs_you import Action, Settled
from app.services.triage_undo import UndoEntry
from app.services.triage_writing import Stale
from widgets.composer.composer import Composer
from widgets.customer.panel import CustomerPanel
from widgets.foundation import Panel, Theme, Toast, column
from widgets.foundation.jobs import Jobs
from widgets.inbox.outbox import OutboxPage
from widgets.inbox.pane import InboxPane
from widgets.inbox.views import ViewsPane
from widgets.needs_you.desk import UNDO_MS
from widgets.remote.flow import SessionFlow
from widgets.remote.ports import InviteOrder, SessionDesk
from widgets.search.palette import Palette
from widgets.settings.window import SettingsWindow
from widgets.shell.actions import Actions, in_text_field
from widgets.shell.appearance import Appearance
from widgets.shell.commands import bind_commands
from widgets.shell.desk import TicketDesk
from widgets.shell.lock import LockPage
from widgets.shell.navigation import Navigation, Spot
from widgets.shell.needs import NeedsPart
from widgets.shell.pickers import Pickers
from widgets.shell.sheet import ShortcutSheet
from widgets.shell.state import WindowState
from widgets.shell.strip import StatusStrip
from widgets.shell.sync_details import SyncDetails
from widgets.shell.ticket_pane import TicketPane
from widgets.shell.topbar import TopBar

__all__ = ["AgentWindow", "Ports"]

SMALLEST, USUAL = QSize(960, 600), QSize(1280, 800)  # px
WIDE_PX = 1280  # below, the details pane folds into its button
REFRESH_MS = 250
DAY_MS = 86_400_000
_WHILE_LOCKED = frozenset({"app.quit", "app.text_larger", "app.text_smaller", "sync.now"})


@dataclass(frozen=True, slots=True)
class Ports:
    """What the window is given."""

    queries: TicketQueries
    commits: Commits
    link: SyncLink
    jobs: Jobs
    settings: Settings
    sessions: SessionDesk | None
    now_ms: Callable[[], int]
    needs: NeedsYouStore


@dataclass(frozen=True, slots=True)
class _Counted:
    counts: Mapping[ViewKey, int]
    outbox: Sequence[OutboxItem]
    choices: Choices
    needs_you: int


class AgentWindow(QMainWindow):
    """GUI thread. The entry calls `show_status`, `rows_changed`, `show_identity`; signals go back to it."""

    sign_in_wanted = Signal()
    link_chosen = Signal(str)  # a link in a message; the entry opens it
    closed = Signal()
    quit_wanted = Signal()  # from the lock page

    def __init__(self, theme: Theme, ports: Ports, identity: Identity | None = None) -> None:
        super().__init__()
        self._theme, self._ports = theme, ports
        self._identity = identity
        self._history = Navigation()
        self._details_wanted: bool | None = None
        self._flow: SessionFlow | None = None
        self._touched: frozenset[bytes] | None = None
        me = identity.account if identity else None
        self.desk = TicketDesk(ports.queries, ports.commits, ports.link, ports.jobs, me)
        self.appearance = Appearance(theme, ports.settings)
        self._build()
        self.registry = Registry(self._places)
        bind_commands(self.registry, self, sessions=ports.sessions is not None)
        self.actions_ = Actions(self.registry, self, lambda: ports.settings.get(conf.SINGLE_KEYS))
        self.pickers = Pickers(theme, self, self.desk, ports.now_ms)
        self._connect()
        theme.changed.connect(self._fit_views)
        self._card_soon = QTimer(self, singleShot=True, interval=0)
        self._card_soon.timeout.connect(self._show_card)
        self._refresh_soon = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._refresh_soon.timeout.connect(self._refresh)
        self.state = WindowState(self, ports.commits, ports.jobs)
        self.show_identity(identity)
        self.setWindowTitle("Deskside")
        self.setMinimumSize(SMALLEST)
        self.resize(USUAL)

    # --- putting together ------------------------------------------------------------------------------------

    def _build(self) -> None:
        theme, ports = self._theme, self._ports
        self.top = TopBar(theme)
        self.views = ViewsPane(theme)
        self.inbox = InboxPane(theme, ports.queries, ports.jobs, ports.now_ms)
        self.outbox = OutboxPage(theme, ports.queries, ports.jobs)
        composer = Composer(theme, ports.commits, ports.jobs, ports.now_ms)
        self.ticket = TicketPane(theme, composer)
        self.needs = NeedsPart(theme, ports.needs, ports.commits, ports.link, ports.jobs, ports.now_ms, self)
        self.customer = CustomerPanel(theme)
        self.strip = StatusStrip(theme)
        self.lists = QStackedWidget()
        self.lists.addWidget(self.inbox)
        self.lists.addWidget(self.outbox)
        self.lists.addWidget(self.needs.listing)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.ticket)
        self.pages.addWidget(self.needs.detail)
        space = theme.tokens.space
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        for pane, narrowest in (
            (self.views, space.vast * 3 + space.large), (self.lists, space.vast * 5 + space.wide),
            (self.pages, space.vast * 8), (self.customer, space.vast * 5),
        ):  # fmt: skip
            pane.setMinimumWidth(narrowest)
            self.split.addWidget(pane)
        self.split.setStretchFactor(2, 1)
        self.split.setSizes([space.vast * 4, space.vast * 7, space.vast * 11, space.vast * 5 + space.huge])
        whole = Panel("window")
        box = column(self.top, self.split, self.needs.guard, self.strip)
        box.setStretch(1, 1)
        whole.setLayout(box)
        self.lock = LockPage(theme)
        self.cover = QStackedWidget()
        self.cover.addWidget(whole)
        self.cover.addWidget(self.lock)
        self.setCentralWidget(self.cover)
        self.toast = Toast(theme, whole, undo=_("Undo"), close=_("Close"))
        self.toast.above = composer

    def _connect(self) -> None:
        desk, composer = self.desk, self.ticket.composer
        self.views.chosen.connect(self.go_view)
        self.views.outbox_chosen.connect(self.go_outbox)
        self.views.needs_chosen.connect(self.go_needs_you)
        self._connect_needs()
        self.inbox.selected.connect(self._select)
        self.inbox.opened.connect(self._read)
        self.inbox.search_left.connect(self.top.search.clear)
        self.inbox.elsewhere_asked.connect(lambda: self.go_view(ViewKey.ALL_LIVE))
        self.inbox.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.inbox.list.customContextMenuRequested.connect(self._open_context_menu)
        self.outbox.ticket_chosen.connect(self.open_ticket)
        self.outbox.sync_asked.connect(self.sync_now)
        self.top.ran.connect(self.registry.run)
        self.top.menu.aboutToShow.connect(lambda: self.actions_.fill(self.top.menu))
        self.top.account_menu.aboutToShow.connect(self._fill_account_menu)
        self.top.search.searched.connect(self._search)
        self.top.search.entered.connect(self._focus_list)
        self.top.search.left.connect(self._focus_list)
        self.ticket.header.asked.connect(self.registry.run)
        self.ticket.conversation.link_chosen.connect(self.link_chosen)
        self.ticket.conversation.restore_asked.connect(desk.restore)
        self.customer.ticket_chosen.connect(self.open_ticket)
        composer.reply_sent.connect(desk.send_reply)
        composer.note_saved.connect(desk.save_note)
        composer.left.connect(lambda: self.ticket.conversation.area.setFocus())
        composer.draft_changed.connect(lambda ticket: self.rows_changed(frozenset({ticket})))
        desk.details_loaded.connect(self._show_details)
        desk.ticket_gone.connect(self._show_gone)
        desk.load_failed.connect(self.ticket.show_nothing)
        desk.choices_loaded.connect(self._show_choices)
        desk.done.connect(self._tell_done)
        desk.failed.connect(self._tell_failed)
        desk.rows_changed.connect(self.rows_changed)
        desk.accepted.connect(composer.accepted)
        desk.held.connect(self._hold)
        desk.refused.connect(composer.refused)
        self.strip.action_asked.connect(self._help_sync)
        self.strip.outbox_asked.connect(self.go_outbox)
        self.strip.language_asked.connect(self.appearance.toggle_language)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._focus_moved)

    def _connect_needs(self) -> None:
        needs = self.needs
        needs.ticket_asked.connect(self.leave_needs)
        needs.told.connect(self.toast.tell)
        needs.desk.rows_changed.connect(self.rows_changed)
        needs.desk.done.connect(self._tell_settled)
        needs.guard.answered.connect(self._answer_guard)
        self.strip.needs_asked.connect(self.go_needs_you)
        self.strip.guard_asked.connect(needs.guard.reopen)
        self.lock.check_asked.connect(self.sync_now)
        self.lock.quit_asked.connect(self.quit_wanted)

    @property
    def flow(self) -> SessionFlow | None:
        """The newest session's windows; None before the first."""
        return self._flow

    # --- what the entry says ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Read everything for the first time; call once, before or after `show`."""
        # styled before anything shows: else the first ticket waits for all of it at once
        for pane in (self.ticket, self.customer, self.needs.listing, self.needs.detail):
            for widget in pane.findChildren(QWidget):
                widget.ensurePolished()
        self.state.load()
        self.desk.load_choices()
        self._read_counts()
        self.go_view(self.inbox.view())
        self.inbox.list.setFocus()

    def show_status(self, status: SyncStatus) -> None:
        """Show how sync stands."""
        self.strip.show_status(status)
        self.views.show_waiting(status.waiting)
        self.views.show_needs(status.needs_you)
        if self.lists.currentWidget() is self.outbox:
            self.outbox.refresh()

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
        self.registry.restrict(_WHILE_LOCKED if why else None)
        if not why:
            self.cover.setCurrentIndex(0)
            self._focus_list()
        else:
            self.ticket.composer.save_now()
            self.needs.save_now()
            server = self._identity.server.partition("://")[2] if self._identity else ""
            self.lock.show_why(why, self.strip.status().waiting, server)
            self.cover.setCurrentWidget(self.lock)
            self.lock.focus()
        self.actions_.sync()

    def rows_changed(self, ids: frozenset[bytes]) -> None:
        """Rows changed, here or on the server; empty means that anything may have. Many calls make one refresh."""
        before = self._touched
        self._touched = ids if before is None else (before | ids if before and ids else frozenset())
        if not self._refresh_soon.isActive():
            self._refresh_soon.start()

    def show_identity(self, identity: Identity | None) -> None:
        """Show who is signed in."""
        self._identity = identity
        self.desk.set_me(identity.account if identity else None)
        self.top.show_account(identity.name if identity else "")
        server = identity.server.partition("://")[2] or identity.server if identity else ""
        self.strip.show_account(server)

    def open_ticket(self, ticket: TicketId) -> None:
        """Show a ticket; the list keeps its view."""
        self.pages.setCurrentWidget(self.ticket)
        self.inbox.select(ticket)
        self._select(ticket)

    # --- panes -----------------------------------------------------------------------------------------------

    def go_view(self, view: ViewKey) -> None:
        """Show a view."""
        self.top.search.clear()
        self._show_list(self.inbox)
        self.views.show_current(view)
        self.inbox.show_view(view)
        self._history.visit(Spot(view, self.inbox.current()))

    def go_outbox(self) -> None:
        """Show what waits to be sent."""
        self._show_list(self.outbox)
        self.views.show_current(None)
        self.outbox.refresh()
        self._history.visit(Spot(None, self._open_id()))

    def go_needs_you(self) -> None:
        """Show what waits for the person."""
        self._show_list(self.needs.listing)
        self.views.show_needs_current()
        self.needs.desk.load()
        self.needs.focus()
        self._history.visit(Spot(None, None, needs=True))

    def leave_needs(self, ticket: TicketId) -> None:
        """Go from an entry to its ticket."""
        self.go_view(self.inbox.view())
        self.open_ticket(ticket)

    def decide(self, action: Action) -> None:
        """Decide what is chosen on the Needs-you page, by key."""
        self.needs.decide(action)

    def _show_list(self, page: QWidget) -> None:
        self.lists.setCurrentWidget(page)
        shown = self.needs.detail if page is self.needs.listing else self.ticket
        if self.pages.currentWidget() is not shown:
            self.needs.save_now()
            self.pages.setCurrentWidget(shown)
            self._fold_details()
            self.actions_.sync()

    def go(self, by: int) -> None:
        """Go back or forward."""
        spot = self._history.step(by)
        if spot is None:
            return
        if spot.needs:
            self.go_needs_you()
            return
        if spot.view is None:
            self._show_list(self.outbox)
            self.views.show_current(None)
            self.outbox.refresh()
        else:
            self._show_list(self.inbox)
            self.views.show_current(spot.view)
            if spot.view is not self.inbox.view():
                self.inbox.show_view(spot.view)
        if spot.ticket is not None and spot.ticket != self._open_id():
            self.inbox.select(spot.ticket)
            self.desk.open(spot.ticket)

    def next_pane(self, by: int) -> None:
        """Move the keyboard round the panes: list, conversation, composer, details, status, search, views."""
        ring = self._ring()
        here = QApplication.focusWidget()
        place = next((i for i, (pane, _f) in enumerate(ring) if here is not None and pane.isAncestorOf(here)), 0 - by)
        ring[(place + by) % len(ring)][1]()

    def _ring(self) -> list[tuple[QWidget, Callable[[], object]]]:
        ring: list[tuple[QWidget, Callable[[], object]]] = [(self.lists, self._focus_list)]
        if self._is_needs():
            ring.append((self.needs.detail, self.needs.detail.focus))
        elif self.ticket.is_open():
            ring.append((self.ticket.header, self.ticket.header.state.setFocus))
            ring.append((self.ticket.conversation, self.ticket.conversation.area.setFocus))
            ring.append((self.ticket.composer, self.ticket.composer.focus))
        if self.customer.isVisible():
            ring.append((self.customer, self.customer.area.setFocus))
        if not self.needs.guard.isHidden():
            ring.append((self.needs.guard, self.needs.guard.reopen))
        return [
            *ring,
            (self.strip, self.strip.focus),
            (self.top, self.top.search.setFocus),
            (self.views, self.views.focus),
        ]

    def _fit_views(self) -> None:
        """Keep names and counts of the views apart, at any text size."""
        wanted = max(self._theme.tokens.space.vast * 4, self.views.sizeHint().width())
        self.views.setMinimumWidth(wanted)

    def toggle_details(self) -> None:
        """Show or hide the details pane."""
        self._details_wanted = not self.customer.isVisible()
        self._fold_details()

    def _fold_details(self) -> None:
        wide = self.width() >= WIDE_PX
        shown = wide if self._details_wanted is None else self._details_wanted
        is_open = self.ticket.is_open() and not self._is_needs()
        self.customer.setVisible(shown and is_open)
        self.top.details_button.setChecked(self.customer.isVisible())
        self.top.details_button.setEnabled(is_open)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold the details pane when there is no room for it."""
        super().resizeEvent(event)
        if (event.oldSize().width() >= WIDE_PX) != (self.width() >= WIDE_PX):
            self._details_wanted = None
        self._fold_details()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes from wherever to the list."""
        if event.key() == Qt.Key.Key_Escape:
            self._focus_list()
            return
        super().keyPressEvent(event)

    def _is_needs(self) -> bool:
        return self.pages.currentWidget() is self.needs.detail

    def _focus_list(self) -> None:
        if self._is_needs():
            self.needs.listing.list.setFocus()
        else:
            (self.outbox.list if self.lists.currentWidget() is self.outbox else self.inbox.list).setFocus()

    def focus_search(self) -> None:
        """Put the caret into the search field."""
        self.top.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.top.search.selectAll()

    def focus_customer(self) -> None:
        """Put the keyboard into the customer card, opening it if need be."""
        self._details_wanted = True
        self._fold_details()
        self.customer.area.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _search(self, text: str) -> None:
        self._show_list(self.inbox)
        if text:
            self.views.show_none()
            self.inbox.show_search(text)
        else:
            self.views.show_current(self.inbox.view())
            self.inbox.show_view(self.inbox.view())

    # --- the ticket ------------------------------------------------------------------------------------------

    def _open_id(self) -> TicketId | None:
        return self.desk.details.row.id if self.desk.details else None

    def _select(self, ticket: TicketId) -> None:
        self._history.visit(Spot(self.inbox.view(), ticket))
        self.ticket.tell("")
        self.desk.open(ticket)

    def _read(self, ticket: TicketId) -> None:
        if ticket != self._open_id():
            self.desk.open(ticket)
        self.ticket.conversation.area.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _show_details(self, details: TicketDetails) -> None:
        self.ticket.show_details(details, self.desk.choices, self.desk.me)
        self._card_soon.start()
        self.setWindowTitle(f"{details.row.label} {details.row.subject} – Deskside")
        self._fold_details()
        self.actions_.sync()

    def _show_card(self) -> None:
        # after the conversation is painted: a heartbeat lies between the two
        today = datetime.fromtimestamp(self._ports.now_ms() / 1000, UTC).astimezone().date()
        if self.desk.details is not None:
            self.customer.show_card(self.desk.details.customer, self.desk.choices, today)

    def _show_gone(self, _ticket: TicketId) -> None:
        self.ticket.show_nothing(_("This ticket is not on this computer."))
        self._fold_details()

    def _show_choices(self, choices: object) -> None:
        del choices
        self.inbox.show_choices(self.desk.choices)
        self.needs.show_choices(self.desk.choices)
        self.strip.show_choices(self.desk.choices)
        if self.desk.details is not None:
            self._show_details(self.desk.details)

    def _rows(self) -> list[TicketRow]:
        rows = self.inbox.current_rows() if self.lists.currentWidget() is self.inbox else []
        if len(rows) > 1 or self.desk.details is None:
            return rows
        return [self.desk.details.row]

    def pick(self, command: str) -> None:
        """Open the picker of a command for the open or the selected tickets."""
        rows = self._rows()
        if not rows:
            return
        anchor = self.ticket.header.anchor(command) if len(rows) == 1 and self.ticket.is_open() else self.inbox.title
        if command == "ticket.state":
            self.pickers.state(rows, anchor)
        elif command == "ticket.priority":
            self.pickers.priority(rows, anchor)
        elif command == "ticket.assign":
            self.pickers.owner(rows, anchor)
        elif command == "ticket.snooze":
            self.pickers.snooze(rows, anchor)
        else:
            tags = self.desk.details.tags if self.desk.details and len(rows) == 1 else ()
            self.pickers.tags(rows, tags, anchor)

    def take(self) -> None:
        """Give the tickets to oneself."""
        self.desk.set_owner(self._rows(), self.desk.me)

    def solve(self) -> None:
        """Solve the tickets."""
        self.desk.solve(self._rows())

    def reopen(self) -> None:
        """Open solved tickets again."""
        self.desk.reopen(self._rows())

    def copy_link(self) -> None:
        """Copy the ticket's link."""
        ticket = self._open_id()
        if ticket is not None:
            QGuiApplication.clipboard().setText(f"deskside://ticket/{ticket.hex()}")
            self.toast.tell(_("Link copied"))

    def undo(self) -> None:
        """Undo the last change; on the Needs-you page the last decision there."""
        if self._is_needs() and self.needs.desk.undo():
            return
        if not self.desk.undo():
            self.toast.tell(_("Nothing to undo"))

    def redo(self) -> None:
        """Do the last undone change again."""
        if not self.desk.redo():
            self.toast.tell(_("Nothing to redo"))

    def invite(self) -> None:
        """Ask the open ticket's customer to show the screen."""
        details = self.desk.details
        if self._ports.sessions is None or details is None or details.customer is None:
            self.ticket.tell(problem_text("no_session_here"))
            return
        if self._flow is not None and self._flow.is_running():
            self._flow.raise_window()
            return
        row = details.row
        order = InviteOrder(row.id, row.label, row.subject, details.customer.id, details.customer.name)
        self._flow = SessionFlow(self._theme, order, self)
        self._flow.state_told.connect(self.strip.show_session)
        self._flow.failed.connect(self.ticket.tell)
        self._flow.start(self._ports.sessions)

    def _hold(self, ticket: TicketId, stale: Stale) -> None:
        self.ticket.composer.held(ticket, stale.news, stale.seen_seq)

    def _tell_done(self, text: str, entry: UndoEntry | None) -> None:
        self.ticket.tell("")
        self.toast.tell(text, (lambda: self.desk.undo(entry)) if entry is not None else None)

    def _tell_settled(self, text: str, settled: Settled | None) -> None:
        undo = (lambda: self.needs.desk.undo(settled)) if settled is not None else None
        self.toast.tell(text, undo, UNDO_MS if undo is not None else 0)

    def _tell_failed(self, text: str) -> None:
        if self.ticket.is_open():
            self.ticket.tell(text)
        else:
            self.toast.tell(text)

    # --- refreshing ------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        ids, self._touched = self._touched or frozenset(), None
        self.inbox.rows_changed(ids)
        self.desk.reload(ids)
        self._read_counts()
        if self._is_needs():
            self.needs.desk.load()
        if self.lists.currentWidget() is self.outbox:
            self.outbox.refresh()

    def _read_counts(self) -> None:
        queries, needs = self._ports.queries, self._ports.needs

        def read() -> _Counted:
            return _Counted(queries.counts(), queries.outbox(), queries.choices(), needs.number())

        self._ports.jobs.query(read, self._show_counts, lambda _why: None, key="counts")

    def _show_counts(self, read: _Counted) -> None:
        outbox = read.outbox
        self.views.show_counts(read.counts)
        self._fit_views()
        if read.choices != self.desk.choices:
            self.desk.load_choices()
        status = self.strip.status()
        since = min((item.created for item in outbox), default=None)
        self.show_status(replace(status, waiting=len(outbox), waiting_since=since, needs_you=read.needs_you))

    # --- small windows ---------------------------------------------------------------------------------------

    def open_palette(self) -> None:
        """Open the command palette."""
        palette = Palette(self._theme, self.registry, self._ports.queries, self._ports.jobs, self)
        palette.command_chosen.connect(self.registry.run)
        palette.ticket_chosen.connect(self.open_ticket)
        palette.open_over(self)

    def open_menu(self) -> None:
        """Open the menu."""
        self.top.open_menu()

    def show_keys(self) -> None:
        """Open the shortcut sheet."""
        ShortcutSheet(self._theme, self.registry, self).open()

    def show_settings(self) -> None:
        """Open the settings."""
        window = SettingsWindow(self._theme, self._ports.settings, self)
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        window.changed.connect(self._setting_changed)
        window.open()

    def _setting_changed(self, key: str) -> None:
        self.appearance.apply(key)
        self.actions_.sync()

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
            self.show_sync()
        else:
            self.sync_now()

    def show_sync(self) -> None:
        """Open how sync stands in full; work goes on beside it."""
        window = SyncDetails(self._theme, self.strip.status(), self._identity, self)
        window.sync_asked.connect(self.sync_now)
        window.show()

    def _open_context_menu(self, place: QPoint) -> None:
        if self.inbox.list.indexAt(place).isValid():
            self.actions_.context_menu(self).popup(self.inbox.list.viewport().mapToGlobal(place))

    def _fill_account_menu(self) -> None:
        menu = self.top.account_menu
        menu.clear()
        if self._identity is None or self.strip.status().phase is SyncPhase.SIGNED_OUT:
            menu.addAction(_("Sign in…")).triggered.connect(lambda _on=False: self.sign_in_wanted.emit())
        menu.addAction("한국어 / English").triggered.connect(lambda _on=False: self.appearance.toggle_language())
        menu.addAction(self.actions_.action("app.settings"))
        menu.addAction(self.actions_.action("app.quit"))

    # --- places ----------------------------------------------------------------------------------------------

    def _places(self) -> list[Place]:
        here = QApplication.focusWidget()
        places: list[Place] = []
        if here is self.inbox.list:
            places.append(Place.LIST)
        if here is not None and self.ticket.composer.isAncestorOf(here) and self.ticket.composer.kind() is not None:
            places.append(Place.COMPOSER)
            if self.ticket.composer.kind() is DraftKind.NOTE:
                places.append(Place.NOTE)
        if self._is_needs():
            places.append(Place.NEEDS)
        if in_text_field(here):
            places.append(Place.TEXT)
        elif self._is_needs():
            pass  # no ticket is in front
        elif self.ticket.is_open() or self.inbox.current() is not None:
            places.append(Place.TICKET)
        return places

    def _focus_moved(self, _old: QWidget | None, new: QWidget | None) -> None:
        if new is None or new.window() is self:
            self.actions_.sync()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.actions_.retranslate()
            self.toast.undo.setText(_("Undo"))
            self.toast.close_button.set_name(_("Close"))
            self.top.show_account(self._identity.name if self._identity else "")

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save drafts and geometry, end what runs."""
        self.ticket.composer.save_now()
        self.needs.save_now()
        self.state.save()
        if self._flow is not None:
            self._flow.close()
        super().closeEvent(event)
        self.closed.emit()
