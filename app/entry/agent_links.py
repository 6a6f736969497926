# SPDX-License-Identifier: GPL-3.0-or-later
"""What `deskside://` links and second starts do to the agent's program: they show, and change nothing (UX-72)."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.config.i18n import _
from app.config.logs import get_logger
from app.desktop.one_instance import OneInstance
from app.domain.links import BadLink, parse_agent_enrol, parse_ticket, without_secret
from app.entry.agent_app import AgentApp

__all__ = ["AgentLinks"]

_log = get_logger("agent.links")


class AgentLinks(QObject):
    """GUI thread. A link that comes before there is a window waits for it; of several the last one counts."""

    def __init__(self, app: AgentApp) -> None:
        super().__init__(app)
        self._app = app
        self._waits = ""
        self._instance: OneInstance | None = None
        app.ready.connect(self._now)
        app.asks_sign_in.connect(self._now)

    def listen(self, profile: Path) -> bool:
        """Take the links that second starts hand over; False when another window of this profile does already."""
        self._instance = OneInstance(profile, self)
        self._instance.shown.connect(self.show)
        return self._instance.listen()

    def show(self, link: str) -> None:
        """Show what a link leads to, with its window in front; "" only brings the window there."""
        if self._app.sign_in is None:
            self._app.show_window()
        for window in (self._app.window, self._app.sign_in, self._app.passphrase, self._app.problem):
            if window is not None and window.isVisible():
                bring_to_front(window)
        if not link:
            return
        if self._app.window is None:
            self._waits = link
            return
        try:
            self._ask_sign_in(parse_agent_enrol(link))
        except BadLink:
            self._show_ticket(link)

    def _show_ticket(self, link: str) -> None:
        try:
            ticket = parse_ticket(link).ticket
        except BadLink:
            _log.warning("unknown link", link=without_secret(link))
            return
        window = self._app.window
        if window is None or not window.isVisible():
            self._waits = link
        elif not window.is_covered():
            window.read_ticket(ticket)

    def _ask_sign_in(self, server: str) -> None:
        app = self._app
        identity = app.profile.identity if app.profile is not None else None
        if app.sign_in is not None:
            app.sign_in.suggest_server(server)
        elif identity is not None and app.window is not None:
            told = _("You are signed in at {server} already. The link changed nothing.")
            app.window.toast.tell(told.format(server=identity.server.partition("://")[2]))

    def take_first(self, link: str) -> None:
        """Remember the link that the program was started with."""
        self._waits = link

    def _now(self) -> None:
        link, self._waits = self._waits, ""
        if link:
            self.show(link)


def bring_to_front(window: QWidget) -> None:
    """Put a window before the others, as far as the desktop lets us."""
    if window.isMinimized():
        window.showNormal()
    window.raise_()
    window.activateWindow()
