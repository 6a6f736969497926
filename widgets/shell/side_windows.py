# SPDX-License-Identifier: GPL-3.0-or-later
"""Tickets and views in windows of their own, beside the main one: opened, found again, told the news, put back.

A ticket's drafts are written in one window only. Who shows the ticket first has them; a window that is opened for the
ticket takes them over; the others lead there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QByteArray, QObject, QSize, Qt, QTimer

from app.domain.ids import TicketId, ViewId
from app.domain.ports import ViewKey
from widgets.foundation.jobs import Failed, Jobs
from widgets.shell.frame import Ports

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["Side", "SideWindows"]

T = TypeVar("T")

KEY = "agent.windows"
MOST = 12  # so many are put back at a start
SMALLEST, USUAL = QSize(600, 480), QSize(860, 760)  # px, of a ticket's window
# a ticket's window has no list
_LEFT_OUT = ("nav.", "list.", "view.", "needs.", "search.open", "window.ticket", "window.view")


@dataclass(frozen=True, slots=True)
class Side:
    """What a window beside the main one shows: a ticket, or a view."""

    windows: SideWindows
    ticket: TicketId | None = None
    view: ViewKey | ViewId | None = None

    @property
    def left_out(self) -> tuple[str, ...]:
        """Beginnings of the commands that this window does not have."""
        return _LEFT_OUT if self.ticket is not None else ("window.view",)


class _OwnJobs:
    """`Jobs` whose queries supersede those of the same window only."""

    def __init__(self, jobs: Jobs, name: str) -> None:
        self._jobs, self._name = jobs, name

    def query(
        self, read: Callable[[], T], /, then: Callable[[T], object], error: Failed | None = None, key: str = ""
    ) -> None:
        """Read in the background."""
        self._jobs.query(read, then, error, f"{self._name}/{key}" if key else "")

    def change(
        self, write: Callable[[], T], /, then: Callable[[T], object] | None = None, error: Failed | None = None
    ) -> None:
        """Write in the background."""
        self._jobs.change(write, then, error)


class SideWindows(QObject):
    """GUI thread. One for the program; `make` builds a window with these ports."""

    def __init__(self, main: AgentWindow, ports: Ports, make: Callable[[Ports, Side], AgentWindow]) -> None:
        super().__init__(main)
        self.main = main
        self._ports, self._make = ports, make
        self._all: list[AgentWindow] = []
        self._at: dict[AgentWindow, TicketId] = {}
        self._holders: dict[TicketId, AgentWindow] = {}
        self._handed: set[TicketId] = set()  # what another window wrote on these is being saved
        self._count = 0
        self._is_back = False

    def __iter__(self) -> Iterator[AgentWindow]:
        """The windows beside the main one, the oldest first."""
        return iter(tuple(self._all))

    def every(self) -> tuple[AgentWindow, ...]:
        """Return all windows, the main one first."""
        return (self.main, *self._all)

    def front(self) -> AgentWindow:
        """Return the window that the person works in."""
        return next((window for window in self.every() if window.isActiveWindow()), self.main)

    # --- opening and closing ---------------------------------------------------------------------------------

    def open_ticket(self, ticket: TicketId) -> AgentWindow:
        """Show a ticket in its own window, the one that it has already or a new one."""
        return self._of(ticket) or self._open(Side(self, ticket=ticket), "")

    def open_view(self, view: ViewKey | ViewId) -> AgentWindow:
        """Show a view in a new window."""
        return self._open(Side(self, view=view), "")

    def show_ticket(self, ticket: TicketId) -> bool:
        """Bring a ticket's own window to the front; False when it has none."""
        found = self._of(ticket)
        if found is not None:
            to_front(found)
        return found is not None

    def next(self) -> None:
        """Go to the next window."""
        every = [window for window in self.every() if window.isVisible()]
        here = self.front()
        place = every.index(here) if here in every else -1
        to_front(every[(place + 1) % len(every)])

    def closed(self, window: AgentWindow) -> None:
        """A window beside the main one was closed by the person; its drafts are saved by now. Idempotent."""
        if window in self._all:
            self._all.remove(window)
            self.left(window)
            self._keep()

    def shut(self) -> None:
        """The main window goes, and all the others with it; they come back with it."""
        self._keep()
        self._is_back = False
        every, self._all = self._all, []
        for window in every:
            self.left(window)
            window.close()

    def restore(self) -> None:
        """Put back the windows of the last time, one in each turn of the event loop. Idempotent."""
        if not self._is_back:
            self._is_back = True
            commits = self._ports.commits
            self._ports.jobs.query(lambda: commits.ui_state(KEY), self._put_back, lambda _why: None, key=KEY)

    def _of(self, ticket: TicketId) -> AgentWindow | None:
        return next((w for w in self._all if w.side is not None and w.side.ticket == ticket), None)

    def _open(self, side: Side, geometry: str) -> AgentWindow:
        self._count += 1
        ports = replace(self._ports, jobs=_OwnJobs(self._ports.jobs, f"side{self._count}"), sessions=None)
        window = self._make(ports, side)
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._all.append(window)
        if side.ticket is not None:
            window.setMinimumSize(SMALLEST)
            window.resize(USUAL)
            self._hold(window, side.ticket)
        if geometry:
            window.restoreGeometry(QByteArray.fromBase64(geometry.encode()))
        window.show_status(self.main.strip.status())
        window.start()
        if self.main.is_covered():
            window.show_lock(self.main.lock.why())
        window.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, bool(geometry))
        window.show()
        if not geometry:
            to_front(window)
            self._keep()
        return window

    def _put_back(self, text: str | None) -> None:
        try:
            kept: list[Any] = json.loads(text or "[]")
            sides = [(_side(self, each), str(each.get("geometry", ""))) for each in kept[:MOST]]
        except (ValueError, TypeError, AttributeError, KeyError):
            return  # of another version
        self._put_back_next([(s, g) for s, g in sides if s.ticket is None or self._of(s.ticket) is None])

    def _put_back_next(self, sides: list[tuple[Side, str]]) -> None:
        if not sides or not self._is_back:
            return
        self._open(*sides.pop(0))
        to_front(self.main)
        QTimer.singleShot(0, self, lambda: self._put_back_next(sides))

    def _keep(self) -> None:
        text = json.dumps([_kept(window) for window in self._all if window.side is not None])
        commits = self._ports.commits
        self._ports.jobs.change(lambda: commits.save_ui_state(KEY, text), error=lambda _why: None)

    # --- who writes ------------------------------------------------------------------------------------------

    def is_elsewhere(self, window: AgentWindow, ticket: TicketId) -> bool:
        """Tell whether another window has this ticket's drafts."""
        return self._holders.get(ticket, window) is not window or ticket in self._handed

    def came(self, window: AgentWindow, ticket: TicketId) -> None:
        """A window shows a ticket now; what it wrote on the one before is handed to be saved by now."""
        if self._at.get(window) != ticket:
            self.left(window)
            self._at[window] = ticket
        self._holders.setdefault(ticket, window)

    def left(self, window: AgentWindow) -> None:
        """A window shows its ticket no longer: another one that does may write on it."""
        ticket = self._at.pop(window, None)
        if ticket is None or self._holders.get(ticket) is not window:
            return
        del self._holders[ticket]
        heir = next((other for other, at in self._at.items() if at == ticket), None)
        if heir is not None:
            self._hold(heir, ticket)
            heir.ticket.composer.set_elsewhere(elsewhere=False)

    def show_writer(self, ticket: TicketId) -> None:
        """Bring the window to the front that has a ticket's drafts."""
        holder = self._holders.get(ticket)
        if holder is not None:
            to_front(holder)
            holder.ticket.composer.focus()

    def speaks(self, window: AgentWindow, ticket: TicketId) -> bool:
        """Tell whether a window is the one to say what became of a ticket's reply."""
        return self._holders.get(ticket, self.main) is window

    def _hold(self, window: AgentWindow, ticket: TicketId) -> None:
        before = self._holders.get(ticket)
        self._holders[ticket] = window
        self._at[window] = ticket
        if before is not None and before is not window:
            self._handed.add(ticket)
            before.ticket.composer.set_elsewhere(elsewhere=True)  # asks for it to be saved
            self._ports.jobs.change(lambda: None, lambda _saved: self._has(window, ticket))

    def _has(self, window: AgentWindow, ticket: TicketId) -> None:
        """What the window before wrote is saved: this one goes on with it."""
        self._handed.discard(ticket)
        if self._holders.get(ticket) is window:
            window.ticket.composer.set_elsewhere(elsewhere=False)

    # --- news ------------------------------------------------------------------------------------------------

    def tell_others(self, window: AgentWindow, ids: frozenset[bytes]) -> None:
        """Something was done in a window: the others read it, too."""
        for other in self.every():
            if other is not window:
                other.rows_changed(ids)


def to_front(window: AgentWindow) -> None:
    """Put a window before the others, as far as the desktop lets us."""
    if window.isMinimized():
        window.showNormal()
    window.raise_()
    window.activateWindow()


def _kept(window: AgentWindow) -> dict[str, str]:
    side = window.side
    out = {"geometry": bytes(window.saveGeometry().toBase64().data()).decode()}
    if side is not None and side.ticket is not None:
        out["ticket"] = side.ticket.hex()
    elif side is not None and isinstance(side.view, ViewKey):
        out["view"] = side.view.value
    elif side is not None and isinstance(side.view, bytes):
        out["saved"] = side.view.hex()
    return out


def _side(windows: SideWindows, kept: dict[str, str]) -> Side:
    if "ticket" in kept:
        return Side(windows, ticket=TicketId(bytes.fromhex(kept["ticket"])))
    if "view" in kept:
        return Side(windows, view=ViewKey(kept["view"]))
    return Side(windows, view=ViewId(bytes.fromhex(kept["saved"])))
