# SPDX-License-Identifier: GPL-3.0-or-later
"""The top bar: menu, search, palette, details, account."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QMenu

from app.config.i18n import _
from widgets.foundation import Button, IconButton, Look, Panel, Theme, row
from widgets.search.field import SearchField

__all__ = ["TopBar"]


class TopBar(Panel):
    """Holds the search field and a few buttons; `ran` gives a command's id."""

    ran = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__("bar")
        space = theme.tokens.space
        self.menu_button = IconButton(theme, "menu", "-", keys="F10")
        self.menu = QMenu(self.menu_button)
        self.menu_button.setMenu(self.menu)
        self.search = SearchField(theme)
        self.search.setMaximumWidth(space.vast * 12)
        self.palette_button = Button(theme, "", look=Look.QUIET, icon="chevron-right")
        self.palette_button.clicked.connect(lambda _on=False: self.ran.emit("palette.open"))
        self.details_button = IconButton(theme, "panel-right", "-", keys="Ctrl+Shift+I")
        self.details_button.setCheckable(True)
        self.details_button.clicked.connect(lambda _on=False: self.ran.emit("details.toggle"))
        self.account = Button(theme, "", look=Look.QUIET, icon="user")
        self.account_menu = QMenu(self.account)
        self.account.setMenu(self.account_menu)
        box = row(
            self.menu_button, self.search, self.palette_button, None, self.details_button, self.account,
            gap=space.small, margins=(space.small, space.small, space.small, space.small),
        )  # fmt: skip
        box.setStretch(1, 4)
        box.setStretch(3, 3)
        self.setLayout(box)
        self.retranslate()

    def open_menu(self) -> None:
        """Open the menu with the keyboard, which stays where it is: what applies there is offered."""
        self.menu.popup(self.menu_button.mapToGlobal(self.menu_button.rect().bottomLeft()))

    def show_account(self, name: str) -> None:
        """Show who is signed in."""
        self.account.setText(name or _("Not signed in"))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.setAccessibleName(_("Search and commands"))
        self.menu_button.set_name(_("Menu"), "F10")
        self.details_button.set_name(_("Show or hide details"), "Ctrl+Shift+I")
        self.palette_button.setText(_("Commands  Ctrl+K"))
        self.palette_button.setAccessibleName(_("Command palette"))
        self.search.retranslate()
