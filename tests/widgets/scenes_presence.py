# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of who else is at a ticket, of what was not read yet, and of tickets in windows of their own."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.domain.entities import TICKET
from app.domain.ids import TicketId
from app.domain.ports import SyncPhase, SyncStatus, ViewKey
from tests.fakes.queries import NOW_MS
from tests.widgets.scenes_agent import agent_window
from tests.widgets.screenshots import Scene
from widgets.foundation import Theme
from widgets.shell.window import AgentWindow

__all__ = ["SCENES"]


def _window(theme: Theme) -> AgentWindow:
    mode = theme.mode
    window, _desk, _commits = agent_window(theme)
    theme.set_mode(mode)
    return window


def _others(theme: Theme) -> QWidget:
    window = _window(theme)
    first, second, *_rest = [user for user in window.desk.choices.users if user != window.desk.me]
    ticket = window.inbox.model.id_at(0)
    assert ticket is not None
    window.open_ticket(ticket)
    below = window.inbox.model.id_at(2) or ticket
    for who, word, where in ((first, "reading", ticket), (second, "writing", ticket), (first, "writing", below)):
        window.presence.desk.heard(TICKET.number, where, word, who)
    return window


def _unknown(theme: Theme) -> QWidget:
    window = _window(theme)
    window.open_ticket(window.inbox.model.id_at(1) or TicketId(b""))
    window.show_status(SyncStatus(SyncPhase.OFFLINE, NOW_MS))
    return window


def _ticket_window(theme: Theme) -> QWidget:
    main = _window(theme)
    window = main.windows.open_ticket(main.inbox.model.id_at(1) or TicketId(b""))
    window.destroyed.connect(main.deleteLater)
    return window


def _view_window(theme: Theme) -> QWidget:
    main = _window(theme)
    window = main.windows.open_view(ViewKey.TEAM)
    window.open_ticket(window.inbox.model.id_at(0) or TicketId(b""))
    window.destroyed.connect(main.deleteLater)
    return window


def _written_elsewhere(theme: Theme) -> QWidget:
    main = _window(theme)
    ticket = main.inbox.model.id_at(1) or TicketId(b"")
    main.open_ticket(ticket)
    other = main.windows.open_ticket(ticket)
    other.hide()
    return main


SCENES = [
    Scene("presence-others", _others, (1300, 800)),
    Scene("presence-unknown", _unknown, (1300, 800)),
    Scene("window-of-a-ticket", _ticket_window, (860, 760), 300),
    Scene("window-of-a-view", _view_window, (1100, 760), 300),
    Scene("written-elsewhere", _written_elsewhere, (1300, 800), 300),
]
