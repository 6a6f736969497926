# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else is at a ticket: hears the hints of others, says what this program's windows show. Hints, never locks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.domain.entities import TICKET
from app.domain.ids import TicketId, UserId
from app.domain.ports import SyncLink, SyncPhase, SyncStatus
from app.domain.presence import NOBODY, Others, OwnPresence, PresenceBook, PresenceState
from app.services.texts_presence import arrived_words
from widgets.foundation import announce

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["At", "PresenceDesk", "PresencePart"]

At = Callable[[], tuple[TicketId, PresenceState] | None]

_MOMENT_MS = 1_000  # who only passes by on the way through the list says nothing
_LOOK_EVERY_MS = 5_000
_HEARS = frozenset({SyncPhase.LIVE, SyncPhase.SYNCING, SyncPhase.LOADING})


class PresenceDesk(QObject):
    """GUI thread. One for all windows of the program: several windows on one ticket are one person."""

    changed = Signal()  # others came, went, or began to write

    def __init__(self, link: SyncLink, now_ms: Callable[[], int], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link, self._now_ms = link, now_ms
        self._book, self._own = PresenceBook(), OwnPresence()
        self._windows: list[At] = []
        self.me: UserId | None = None
        self._soon = QTimer(self, singleShot=True, interval=_MOMENT_MS)
        self._soon.timeout.connect(self.say)
        self._always = QTimer(self, interval=_LOOK_EVERY_MS)
        self._always.timeout.connect(self.look)

    def add(self, at: At) -> None:
        """Take a window in: `at` tells what its person does now."""
        self._windows.append(at)
        self._always.start()

    def remove(self, at: At) -> None:
        """A window closed. Idempotent."""
        if at in self._windows:
            self._windows.remove(at)
            self.say()
        if not self._windows:
            self._soon.stop()
            self._always.stop()

    def __contains__(self, at: object) -> bool:
        """Whether a window is taken in."""
        return at in self._windows

    def moved(self) -> None:
        """Somebody here went to another ticket, or began to write: it is said in a moment."""
        if not self._soon.isActive():
            self._soon.start()

    def show_status(self, status: SyncStatus) -> None:
        """Follow the line: without it nobody can know who else is there."""
        if self._book.set_hears(status.phase in _HEARS):
            self._own.forget()
            self.moved()
            self.changed.emit()

    def heard(self, type_: int, id_: bytes, state: str, who: bytes) -> None:
        """Take a hint of somebody else."""
        if type_ != TICKET.number or who == self.me or not who:
            return
        ticket = TicketId(id_)
        if self._book.note(ticket, UserId(who), state, self._now_ms()):
            self._own.answer(ticket)
            self.moved()
        self.changed.emit()

    def others(self, ticket: TicketId) -> Others:
        """Return who else is at a ticket."""
        return self._book.others(ticket)

    def written_on(self) -> frozenset[TicketId]:
        """Return the tickets that others write on."""
        return self._book.written_on()

    def look(self) -> None:
        """Let old hints fade, and say again what goes on."""
        if self._book.fade(self._now_ms()):
            self.changed.emit()
        self.say()

    def say(self) -> None:
        """Say what is new, or due again, of what the windows show."""
        if not self._book.hears:
            return
        here: dict[TicketId, PresenceState] = {}
        for at in self._windows:
            place = at()
            if place is not None and here.get(place[0]) is not PresenceState.WRITING:
                here[place[0]] = place[1]
        for ticket, word in self._own.due(here, self._now_ms()):
            self._link.presence(TICKET.number, ticket, str(word))


class PresencePart(QObject):
    """One window's part: shows who else is at its ticket, and says what its own person does there."""

    def __init__(self, window: AgentWindow, desk: PresenceDesk) -> None:
        super().__init__(window)
        self._window, self.desk = window, desk
        self._told: tuple[TicketId | None, Others] = (None, NOBODY)
        desk.changed.connect(self.show)
        desk.add(self._at)
        window.desk.details_loaded.connect(lambda _details: self._moved())
        window.turned.connect(self._moved)
        window.ticket.composer.typed.connect(desk.moved)
        window.ticket.composer.folded.connect(lambda _folded: desk.moved())

    def close(self) -> None:
        """The window closed: its person is gone from its ticket. Idempotent."""
        self.desk.remove(self._at)

    def reopen(self) -> None:
        """The window shows again."""
        if self._at not in self.desk:
            self.desk.add(self._at)
            self.desk.moved()

    def show(self) -> None:
        """Show who else is here, in the head of the ticket and in the list; who came is spoken."""
        window = self._window
        window.inbox.model.show_written_on(self.desk.written_on())
        details = window.desk.details
        if details is None:
            return
        ticket, others = details.row.id, self.desk.others(details.row.id)
        before, self._told = self._told, (ticket, others)
        window.ticket.header.presence.show_others(others, window.desk.choices)
        words = arrived_words(before[1] if before[0] == ticket else NOBODY, others, window.desk.choices)
        if words and window.isActiveWindow() and window.front_ticket() == ticket:
            announce(window, words)

    def _moved(self) -> None:
        self.show()
        self.desk.moved()

    def _at(self) -> tuple[TicketId, PresenceState] | None:
        ticket = self._window.front_ticket()
        if ticket is None or self._window.isMinimized():
            return None
        composer = self._window.ticket.composer
        return ticket, PresenceState.WRITING if composer.is_writing() else PresenceState.READING
