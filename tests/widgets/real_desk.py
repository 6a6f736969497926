# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's window over a real profile and a real server core in one process, and a person's hands."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QWidget
from pytestqt.qtbot import QtBot

from app.config import settings as conf
from app.config.settings import Settings
from app.domain.ids import TicketId
from app.domain.ports import SyncPhase, SyncStatus, TicketDetails
from tests.fakes.link import FakeLink, InlineJobs
from tests.sync.desk import Client
from widgets.foundation import Theme
from widgets.foundation.chooser import Chooser
from widgets.shell.build import build_agent_window
from widgets.shell.window import AgentWindow

__all__ = ["RealDesk"]


class RealDesk:
    """Everything runs here but processes: jobs run at once, the line carries when a test says `sync()`."""

    def __init__(self, qtbot: QtBot, theme: Theme, client: Client, folder: Path) -> None:
        self.qtbot, self.client = qtbot, client
        profile = client.profile
        self.settings = Settings(folder / "settings.json")
        self.settings.set(conf.LANGUAGE, conf.Language.EN)
        self.settings.set(conf.THEME, conf.Theme.LIGHT)
        self.jobs, self.link = InlineJobs(), FakeLink()
        self.window: AgentWindow = build_agent_window(
            theme=theme, queries=profile.queries, commits=profile.commits, link=self.link, jobs=self.jobs,
            settings=self.settings, identity=profile.identity, now_ms=client.desk.clock, needs=profile.needs_you,
            status=SyncStatus(SyncPhase.LIVE, client.desk.clock.ms), deeds=profile.deeds,
            customers=profile.customers, knowledge=profile.knowledge, calls=profile.calls,
        )  # fmt: skip
        self.window.resize(1300, 800)
        qtbot.addWidget(self.window)
        self.window.show()
        qtbot.waitUntil(lambda: self.window.isActiveWindow())

    def sync(self) -> None:
        """Exchange with the server what was done in the window."""
        self.client.core.committed()
        assert self.client.sync()
        self.window.rows_changed(frozenset())

    def open(self, ticket: TicketId) -> None:
        """Open a ticket and put the keyboard into the list."""
        self.window.open_ticket(ticket)
        self.window.inbox.list.setFocus()

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key where the keyboard is."""
        QTest.keyClick(QApplication.focusWidget() or self.window, key, modifiers)

    def details(self, ticket: TicketId) -> TicketDetails:
        """The ticket's page as the store has it."""
        found = self.client.profile.queries.details(ticket)
        assert found is not None
        return found

    def dialog(self) -> QWidget:
        """The window that is open over the main window."""
        deeds = self.window.ticket_deeds
        assert deeds is not None
        assert isinstance(deeds.dialog, QDialog)
        assert deeds.dialog.isVisible()
        return deeds.dialog

    def picker(self) -> Chooser:
        """The picker that is open."""
        found = [w for w in QApplication.topLevelWidgets() if isinstance(w, Chooser) and w.isVisible()]
        assert len(found) == 1
        return found[0]

    def pick(self, text: str) -> None:
        """Type into the open picker and press Enter."""
        picker = self.picker()
        picker.field.setText(text)
        QTest.keyClick(picker.field, Qt.Key.Key_Return)
