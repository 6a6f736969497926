# SPDX-License-Identifier: GPL-3.0-or-later
"""The shortcut sheet: every command of this window with its key, from the same table as everything else (UX-25)."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QLineEdit, QWidget

from app.commands.registry import Registry
from app.commands.table import Command, Menu
from app.config.i18n import _
from widgets.foundation import Chip, PlainLabel, Theme, column, row, scroll
from widgets.foundation.hangul import matches
from widgets.search.palette import keys_text

__all__ = ["ShortcutSheet"]


class ShortcutSheet(QDialog):
    """Lists commands by menu; typing narrows. Escape closes."""

    def __init__(self, theme: Theme, registry: Registry, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(_("Keyboard shortcuts"))
        self._theme = theme
        self._commands = [c for c in registry.commands() if c.keys]
        space = theme.tokens.space
        self.field = QLineEdit()
        self.field.setPlaceholderText(_("Find a shortcut"))
        self.field.setAccessibleName(_("Find a shortcut"))
        self.field.textChanged.connect(self._fill)
        self._area = scroll(QWidget())
        hint = PlainLabel(
            _("Single letters work while no text field has the keyboard. They can be switched off in the settings."),
            type="caption", tone="muted", wrap=True,
        )  # fmt: skip
        title = PlainLabel(_("Keyboard shortcuts"), type="title")
        self.setLayout(column(title, self.field, self._area, hint, gap=space.small, margins=(space.large,) * 4))
        self.resize(space.vast * 14, space.vast * 13)
        self._fill("")

    def lines(self) -> list[tuple[str, str]]:
        """Return what the sheet lists now: title and keys."""
        return [(_(c.title), keys_text(c)) for c in self._fitting(self.field.text())]

    def _fitting(self, text: str) -> list[Command]:
        return [c for c in self._commands if not text or matches(text, f"{_(c.title)} {c.title} {keys_text(c)}")]

    def _fill(self, text: str) -> None:
        space = self._theme.tokens.space
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, space.small, 0)
        grid.setHorizontalSpacing(space.large)
        grid.setVerticalSpacing(space.tiny)
        grid.setColumnStretch(0, 1)
        place = 0
        fitting = self._fitting(text)
        for menu in Menu:
            commands = [c for c in fitting if c.menu is menu]
            if not commands:
                continue
            heading = PlainLabel(_(menu.value) if menu.value else _("Lists and sessions"), type="strong", tone="muted")
            heading.setContentsMargins(0, space.small if place else 0, 0, 0)
            grid.addWidget(heading, place, 0, 1, 2)
            place += 1
            for command in commands:
                grid.addWidget(PlainLabel(_(command.title)), place, 0)
                keys = row(*(Chip(key) for key in keys_text(command).split(", ")), None, gap=space.tiny)
                grid.addLayout(keys, place, 1)
                place += 1
        grid.setRowStretch(place, 1)
        body = QWidget()
        body.setLayout(grid)
        self._area.setWidget(body)
        beside = self._area.verticalScrollBar().sizeHint().width()
        # it scrolls up and down only; what is typed makes it no narrower
        self._area.setMinimumWidth(max(self._area.minimumWidth(), body.minimumSizeHint().width() + beside))
