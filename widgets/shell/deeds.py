# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent does to the open or the selected tickets by command: state, owner, tags, undo, a screen session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication

from app.config.i18n import _
from app.domain.ports import TicketDetails
from app.services.messages import problem_text
from app.services.picked import Picked
from widgets.foundation import Theme
from widgets.remote.flow import SessionFlow
from widgets.remote.ports import InviteOrder
from widgets.shell.frame import Ports
from widgets.shell.pickers import Pickers

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["Deeds"]


class Deeds:
    """GUI thread. The work is the desk's; here is what it is done to and what the person sees of it."""

    def __init__(self, window: AgentWindow, theme: Theme, ports: Ports) -> None:
        self._window, self._theme, self._ports = window, theme, ports
        self.pickers = Pickers(theme, window, window.desk, ports.now_ms)
        self.flow: SessionFlow | None = None

    def picked(self) -> Picked:
        """Return the selected tickets, or the open one; nothing is read for it."""
        window, details = self._window, self._window.desk.details
        shows = window.lists.currentWidget() is window.inbox
        picked = window.inbox.picked() if shows else Picked()
        return picked if len(picked) > 1 or details is None else Picked.of([details.row])

    def pick(self, command: str) -> None:
        """Open the picker of a command for the open or the selected tickets."""
        window, picked = self._window, self.picked()
        if not picked:
            return
        single = len(picked) == 1
        anchor = window.ticket.header.anchor(command) if single and window.ticket.is_open() else window.inbox.title
        if command == "ticket.tags":
            details = window.desk.details
            self.pickers.tags(picked, details.tags if details and single else (), anchor)
            return
        pickers = {
            "ticket.state": self.pickers.state, "ticket.priority": self.pickers.priority,
            "ticket.assign": self.pickers.owner, "ticket.snooze": self.pickers.snooze,
        }  # fmt: skip
        pickers[command](picked, anchor)

    def take(self) -> None:
        """Give the tickets to oneself."""
        self._window.desk.set_owner(self.picked(), self._window.desk.me)

    def solve(self) -> None:
        """Solve the tickets."""
        self._window.desk.solve(self.picked())

    def reopen(self) -> None:
        """Open solved tickets again."""
        self._window.desk.reopen(self.picked())

    def copy_link(self) -> None:
        """Copy the ticket's link."""
        details = self._window.desk.details
        if details is not None:
            QGuiApplication.clipboard().setText(f"deskside://ticket/{details.row.id.hex()}")
            self._window.toast.tell(_("Link copied"))

    def undo(self) -> None:
        """Undo the last change; on the Needs-you page the last decision there."""
        window = self._window
        if window.is_needs() and window.needs.desk.undo():
            return
        if window.writing.undo():
            return
        if not window.desk.undo():
            window.toast.tell(_("Nothing to undo"))

    def redo(self) -> None:
        """Do the last undone change again."""
        if not self._window.desk.redo():
            self._window.toast.tell(_("Nothing to redo"))

    def invite(self) -> None:
        """Ask the open ticket's customer to show the screen."""
        window, side = self._window, self._window.side
        if side is not None:  # a session is the program's, not one of its windows'
            side.windows.main.deeds.invite_to(window.desk.details)
        else:
            self.invite_to(window.desk.details)

    def invite_to(self, details: TicketDetails | None) -> None:
        """Ask a ticket's customer to show the screen."""
        window = self._window
        if self._ports.sessions is None or details is None or details.customer is None:
            window.ticket.tell(problem_text("no_session_here"))
            return
        if self.flow is not None and self.flow.is_running():
            self.flow.raise_window()
            return
        row = details.row
        order = InviteOrder(row.id, row.label, row.subject, details.customer.id, details.customer.name)
        self.flow = SessionFlow(self._theme, order, window)
        self.flow.state_told.connect(window.strip.show_session)
        self.flow.failed.connect(window.ticket.tell)
        self.flow.start(self._ports.sessions)
