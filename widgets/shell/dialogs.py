# SPDX-License-Identifier: GPL-3.0-or-later
"""The small windows and menus that the agent's window opens: palette, shortcuts, settings, how sync stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from app.commands.table import AGENT
from app.config import settings as conf
from app.config.i18n import _
from app.domain.own_work import by_day, since_ms
from app.domain.ports import SyncPhase
from app.services.messages import error_text
from widgets.foundation import Theme
from widgets.reports.own_work import OwnWorkWindow
from widgets.search.palette import Palette
from widgets.settings.keys import KeysWindow
from widgets.settings.policies import PoliciesWindow
from widgets.settings.window import SettingsWindow
from widgets.shell.frame import Ports
from widgets.shell.sheet import ShortcutSheet
from widgets.shell.sync_details import SyncDetails

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["Dialogs"]


class Dialogs:
    """GUI thread. Each window lies over its parent and goes by itself."""

    def __init__(self, window: AgentWindow, theme: Theme, ports: Ports) -> None:
        self._window, self._theme, self._ports = window, theme, ports

    def palette(self) -> None:
        """Open the command palette."""
        window = self._window
        deeds, customers = self._ports.deeds, window.customers
        people = deeds.customers if deeds is not None and customers is not None else None
        palette = Palette(self._theme, window.registry, self._ports.queries, self._ports.jobs, window, people)
        palette.command_chosen.connect(window.registry.run)
        palette.ticket_chosen.connect(window.read_ticket)
        if customers is not None:
            palette.customer_chosen.connect(customers.show)
        palette.open_over(window)

    def keys(self) -> None:
        """Open the shortcut sheet."""
        ShortcutSheet(self._theme, self._window.registry, self._window).open()

    def settings(self) -> None:
        """Open the settings."""
        dialog = SettingsWindow(self._theme, self._ports.settings, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.changed.connect(self._setting_changed)
        dialog.keys_wanted.connect(lambda: self.own_keys(dialog))
        dialog.policies_wanted.connect(lambda: self.policies(dialog))
        dialog.open()

    def policies(self, over: QWidget | None = None) -> None:
        """Open what the organisation has set."""
        dialog = PoliciesWindow(self._theme, self._ports.settings, over or self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def own_keys(self, over: QWidget | None = None) -> None:
        """Open the window in which keys are changed."""
        keys = KeysWindow(self._theme, self._ports.settings, AGENT, over or self._window)
        keys.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        keys.changed.connect(self._setting_changed)
        keys.open()

    def _setting_changed(self, key: str) -> None:
        self._window.appearance.apply(key)
        if key == conf.KEYS.key:
            self._window.use_keys()
        self._window.actions_.sync()

    def own_work(self) -> None:
        """Open what one did in the last days; counted in the background."""
        source, now_ms = self._ports.own_work, self._ports.now_ms()
        if source is None:
            return
        dialog = OwnWorkWindow(self._theme, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show_days(by_day((), now_ms))
        dialog.open()
        self._ports.jobs.query(
            lambda: by_day(source.own_work(since_ms(now_ms)), now_ms),
            lambda days: dialog.show_days(days) if isValid(dialog) else None,
            lambda why: dialog.show_problem(error_text(why)) if isValid(dialog) else None,
        )

    def sync(self) -> None:
        """Open how sync stands in full; work goes on beside it."""
        dialog = SyncDetails(self._theme, self._window.strip.status(), self._window.identity, self._window)
        dialog.sync_asked.connect(self._window.sync_now)
        dialog.show()

    def context_menu(self, place: QPoint) -> None:
        """Open the menu of the list's row at a place."""
        rows = self._window.inbox.list
        if rows.indexAt(place).isValid():
            self._window.actions_.context_menu(self._window).popup(rows.viewport().mapToGlobal(place))

    def fill_account_menu(self) -> None:
        """Say in the account's menu what can be done now."""
        window = self._window
        menu = window.top.account_menu
        menu.clear()
        if window.identity is None or window.strip.status().phase is SyncPhase.SIGNED_OUT:
            menu.addAction(_("Sign in…")).triggered.connect(lambda _on=False: window.sign_in_wanted.emit())
        menu.addAction("한국어 / English").triggered.connect(lambda _on=False: window.appearance.toggle_language())
        menu.addAction(window.actions_.action("app.settings"))
        menu.addAction(window.actions_.action("app.quit"))
