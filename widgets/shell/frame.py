# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of the agent's window: its panes, which of them show, and where the keyboard is. It knows no services."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QSplitter, QStackedWidget, QWidget

from app.commands.table import Place
from app.config.i18n import _
from app.config.settings import Settings
from app.domain.attachments import BlobDesk
from app.domain.callback_ports import CallStore
from app.domain.customer_ports import CustomerStore
from app.domain.deed_ports import DeedStore
from app.domain.knowledge_ports import KnowledgeStore
from app.domain.needs import NeedsYouStore
from app.domain.own_work import OwnWork
from app.domain.ports import Commits, DraftKind, SyncLink, TicketQueries
from widgets.composer.composer import Composer
from widgets.customer.panel import CustomerPanel
from widgets.foundation import Panel, Theme, Toast, column
from widgets.foundation.focus import has_keyboard
from widgets.foundation.jobs import Jobs
from widgets.inbox.outbox import OutboxPage
from widgets.inbox.pane import InboxPane
from widgets.inbox.views import ViewsPane
from widgets.remote.ports import SessionDesk
from widgets.shell.actions import in_text_field
from widgets.shell.announced import AnnouncedStrip
from widgets.shell.lock import LockPage
from widgets.shell.needs import NeedsPart
from widgets.shell.strip import StatusStrip
from widgets.shell.ticket_pane import TicketPane
from widgets.shell.topbar import TopBar

__all__ = ["Ports", "WindowFrame"]

SMALLEST, USUAL = QSize(960, 600), QSize(1280, 800)  # px
WIDE_PX = 1280  # below, at usual text size, the details pane folds into its button
VIEWS_PX = 720  # below, at usual text size, the views fold into the menu and Ctrl+0


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
    blobs: BlobDesk | None = None
    deeds: DeedStore | None = None
    own_work: OwnWork | None = None
    customers: CustomerStore | None = None
    knowledge: KnowledgeStore | None = None
    calls: CallStore | None = None


class WindowFrame(QMainWindow):
    """GUI thread. The panes are attributes; what they say is connected by the window that this is the frame of."""

    turned = Signal()  # other panes show, so other commands apply

    def __init__(self, theme: Theme, ports: Ports) -> None:
        super().__init__()
        self._theme = theme
        self._details_wanted: bool | None = None
        self._views_folded = False
        self._make(theme, ports)
        self._lay_out(theme)
        theme.changed.connect(self._follow_text)
        self.views.grew.connect(self.fit_views)
        self.setMinimumSize(SMALLEST)
        self.resize(USUAL)

    # --- putting together ------------------------------------------------------------------------------------

    def _make(self, theme: Theme, ports: Ports) -> None:
        self.top = TopBar(theme)
        self.announced = AnnouncedStrip(theme, ports.now_ms)
        self.views = ViewsPane(theme)
        self.inbox = InboxPane(theme, ports.queries, ports.jobs, ports.now_ms, ports.commits)
        self.outbox = OutboxPage(theme, ports.queries, ports.jobs)
        self.ticket = TicketPane(theme, Composer(theme, ports.commits, ports.jobs, ports.now_ms, ports.blobs))
        self.needs = NeedsPart(theme, ports.needs, ports.commits, ports.link, ports.jobs, ports.now_ms, self)
        self.customer = CustomerPanel(theme)
        self.strip = StatusStrip(theme)

    def _lay_out(self, theme: Theme) -> None:
        # from the outside in: whatever moves into another widget is styled again with all that it holds by then
        self.cover = QStackedWidget()
        self.setCentralWidget(self.cover)
        whole = Panel("window")
        self.cover.addWidget(whole)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        box = column()
        whole.setLayout(box)
        box.addWidget(self.top)
        box.addWidget(self.announced)
        box.addWidget(self.split, 1)
        self._split(theme)
        box.addWidget(self.needs.guard)
        box.addWidget(self.strip)
        self.lock = LockPage(theme)
        self.cover.addWidget(self.lock)
        self.toast = Toast(theme, whole, undo=_("Undo"), close=_("Close"))
        self.toast.stand_above(self.ticket.composer)
        self.toast.covers.connect(self.ticket.conversation.leave_free)

    def _split(self, theme: Theme) -> None:
        space = theme.tokens.space
        self.lists, self.pages = QStackedWidget(), QStackedWidget()
        self.split.setChildrenCollapsible(False)
        for pane, narrowest in (
            (self.views, space.vast * 3 + space.large), (self.lists, space.vast * 5 + space.wide),
            (self.pages, space.vast * 8), (self.customer, space.vast * 5),
        ):  # fmt: skip
            pane.setMinimumWidth(narrowest)
            self.split.addWidget(pane)
        for page in (self.inbox, self.outbox, self.needs.listing):
            self.lists.addWidget(page)
        self.pages.addWidget(self.ticket)
        self.pages.addWidget(self.needs.detail)
        self.split.setStretchFactor(2, 1)
        self.split.setSizes([space.vast * 4, space.vast * 7, space.vast * 11, space.vast * 5 + space.huge])

    # --- what shows, and where the keyboard is --------------------------------------------------------------

    def show_list(self, page: QWidget) -> None:
        """Show a page in the place of the list, and beside it what belongs to it."""
        self.lists.setCurrentWidget(page)
        shown = self.needs.detail if page is self.needs.listing else self.ticket
        if self.pages.currentWidget() is not shown:
            self.needs.save_now()
            self.pages.setCurrentWidget(shown)
            self.fold_details()
            self.turned.emit()

    def next_pane(self, by: int) -> None:
        """Move the keyboard round the panes: list, conversation, composer, details, status, search, views."""
        ring = self._ring()
        here = QApplication.focusWidget()
        place = next((i for i, (pane, _f) in enumerate(ring) if here is not None and pane.isAncestorOf(here)), 0 - by)
        ring[(place + by) % len(ring)][1]()

    def _ring(self) -> list[tuple[QWidget, Callable[[], object]]]:
        ring: list[tuple[QWidget, Callable[[], object]]] = []
        if not self.lists.isHidden():
            ring.append((self.lists, self.focus_list))
        if self.is_needs():
            ring.append((self.needs.detail, self.needs.detail.focus))
        elif self.ticket.is_open():
            ring.append((self.ticket.header, self.ticket.header.state.setFocus))
            ring.append((self.ticket.conversation, self.ticket.conversation.area.setFocus))
            ring.append((self.ticket.composer, self.ticket.composer.focus))
        if self.customer.isVisible():
            ring.append((self.customer, self.customer.area.setFocus))
        if not self.needs.guard.isHidden():
            ring.append((self.needs.guard, self.needs.guard.reopen))
        search = self.top.menu_button if self.top.search.isHidden() else self.top.search
        ring += [(self.strip, self.strip.focus), (self.top, search.setFocus)]
        return ring if self.views.isHidden() else [*ring, (self.views, self.views.focus)]

    def fit_views(self) -> None:
        """Keep names and counts of the views apart, at any text size."""
        self.views.setMinimumWidth(self.views.narrowest())

    def _follow_text(self) -> None:
        self.fit_views()
        self._fold_views()
        self.fold_details()

    def _scaled(self, width: int) -> int:
        """As many px as large text needs where usual text needs these."""
        return width * max(100, self._theme.text_percent) // 100

    def _fold_views(self) -> None:
        """Take the views away while list and conversation need their room, at large text sizes; a menu has them."""
        folded = self.width() < self._scaled(VIEWS_PX)
        if folded and not self._views_folded and not self.views.isHidden():
            self._views_folded = True
            had = has_keyboard(self.views)
            self.views.hide()
            if had:
                self.focus_list()
        elif not folded and self._views_folded:
            self._views_folded = False
            self.views.show()

    def toggle_details(self) -> None:
        """Show or hide the details pane."""
        self._details_wanted = not self.customer.isVisible()
        self.fold_details()

    def fold_details(self) -> None:
        """Show the details pane if it is wanted and there is room and a ticket for it."""
        wide = self.width() >= self._scaled(WIDE_PX)
        shown = wide if self._details_wanted is None else self._details_wanted
        is_open = self.ticket.is_open() and not self.is_needs()
        had = has_keyboard(self.customer)
        self.customer.setVisible(shown and is_open)
        if had and self.customer.isHidden():
            self.ticket.conversation.area.setFocus()
        self.top.details_button.setChecked(shown and is_open)
        self.top.details_button.setEnabled(is_open)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold the details pane when there is no room for it."""
        super().resizeEvent(event)
        wide = self._scaled(WIDE_PX)
        if (event.oldSize().width() >= wide) != (self.width() >= wide):
            self._details_wanted = None
        self._fold_views()
        self.fold_details()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes from wherever to the list."""
        if event.key() == Qt.Key.Key_Escape:
            self.focus_list()
            return
        super().keyPressEvent(event)

    def is_needs(self) -> bool:
        """Tell whether the Needs-you page shows."""
        return self.pages.currentWidget() is self.needs.detail

    def focus_list(self) -> None:
        """Put the keyboard into the list that shows; where there is none, into the conversation."""
        if self.lists.isHidden():
            self.ticket.conversation.area.setFocus()
        elif self.is_needs():
            self.needs.listing.list.setFocus()
        elif self.lists.currentWidget() is not self.outbox:
            self.inbox.focus()
        elif not self.outbox.focus():
            self.views.focus()

    def focus_search(self) -> None:
        """Put the caret into the search field."""
        self.top.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.top.search.selectAll()

    def focus_customer(self) -> None:
        """Put the keyboard into the customer card, opening it if need be."""
        self._details_wanted = True
        self.fold_details()
        self.customer.area.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def places(self) -> list[Place]:
        """Return where the keyboard is, for the commands that apply there."""
        here = QApplication.focusWidget()
        places: list[Place] = []
        if here is self.inbox.list:
            places.append(Place.LIST)
        if here is not None and self.ticket.composer.isAncestorOf(here) and self.ticket.composer.kind() is not None:
            places.append(Place.COMPOSER)
            if self.ticket.composer.kind() is DraftKind.NOTE:
                places.append(Place.NOTE)
        if self.is_needs():
            places.append(Place.NEEDS)
        if in_text_field(here):
            places.append(Place.TEXT)
        elif self.is_needs():
            pass  # no ticket is in front
        elif self.ticket.is_open() or self.inbox.current() is not None or self._are_several():
            places.append(Place.TICKET)
        return places

    def _are_several(self) -> bool:
        return self.lists.currentWidget() is self.inbox and self.inbox.selected_count() > 1
