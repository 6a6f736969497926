# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of who else is at a ticket, of what was not read yet, and of tickets in windows of their own."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.domain.entities import TICKET
from app.domain.ids import TicketId
from app.domain.ports import SyncPhase, SyncStatus
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


SCENES = [
    Scene("presence-others", _others, (1300, 800)),
    Scene("presence-unknown", _unknown, (1300, 800)),
]
