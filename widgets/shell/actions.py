# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the bound commands into actions with keys, and into menus. Single keys are dead in text fields (UX-26)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QPlainTextEdit, QTextEdit, QWidget

from app.commands.registry import Registry
from app.commands.table import Menu, When, is_single
from app.config.i18n import _

__all__ = ["Actions", "in_text_field"]


def in_text_field(widget: QWidget | None) -> bool:
    """Tell whether typing goes into this widget."""
    if isinstance(widget, QLineEdit):
        return not widget.isReadOnly()
    if isinstance(widget, QPlainTextEdit | QTextEdit):
        return not widget.isReadOnly()
    return False


class Actions(QObject):
    """The actions of one window. Call `sync` when the place of the person may have changed."""

    def __init__(self, registry: Registry, window: QWidget, single_keys_on: Callable[[], bool]) -> None:
        super().__init__(window)
        self._registry = registry
        self._window = window
        self._single_keys_on = single_keys_on
        self._actions: dict[str, QAction] = {}
        self._runnable: frozenset[str] | None = None
        self._keys: tuple[bool, bool] | None = None
        for command in registry.commands():
            action = QAction(window)
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            action.triggered.connect(lambda _on=False, id_=command.id: registry.run(id_))
            window.addAction(action)
            self._actions[command.id] = action
        self.retranslate()
        self.sync()

    def action(self, id_: str) -> QAction:
        """Return a command's action. Raises KeyError."""
        return self._actions[id_]

    def sync(self) -> None:
        """Enable what applies where the person is now."""
        typing = in_text_field(QApplication.focusWidget())
        singles = not typing and self._single_keys_on()
        runnable = self._registry.runnable()
        if runnable != self._runnable:
            self._runnable = runnable
            for id_, action in self._actions.items():
                action.setEnabled(id_ in runnable)
        if (typing, singles) != self._keys:
            self._keys = (typing, singles)
            self._set_keys(typing=typing, singles=singles)

    def keys_changed(self) -> None:
        """The registry has other keys now."""
        self._keys = None
        self.sync()

    def _set_keys(self, *, typing: bool, singles: bool) -> None:
        for command in self._registry.commands():
            action = self._actions[command.id]
            keys = [key for key in command.keys if singles or not is_single(key)]
            # in a text field Ctrl+Z and Ctrl+Shift+Z are the text's own
            if typing and command.id in ("edit.undo", "edit.redo"):
                keys = []
            wanted = [QKeySequence(key) for key in keys]
            if action.shortcuts() != wanted:
                action.setShortcuts(wanted)

    def fill(self, menu: QMenu) -> None:
        """Fill the window's menu: a submenu for each group."""
        menu.clear()
        for group in Menu:
            commands = [c for c in self._registry.commands() if c.menu is group]
            if not commands or group is Menu.NONE:
                continue
            target = menu.addMenu(_(group.value)) if group is not Menu.APP else menu
            if group is Menu.APP:
                menu.addSeparator()
            self._add(target, [c.id for c in commands])

    def context_menu(self, parent: QWidget) -> QMenu:
        """Return a menu of what can be done with the selected tickets."""
        menu = QMenu(parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        wanted = (When.TICKET, When.TICKET_OR_COMPOSER)
        self._add(menu, [c.id for c in self._registry.commands() if c.when in wanted])
        return menu

    def _add(self, menu: QMenu, ids: Iterable[str]) -> None:
        for id_ in ids:
            menu.addAction(self._actions[id_])

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        for command in self._registry.commands():
            self._actions[command.id].setText(_(command.title).replace("&", "&&"))
