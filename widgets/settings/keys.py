# SPDX-License-Identifier: GPL-3.0-or-later
"""Shortcuts of one's own: each command with its key, another one by pressing it, and no clash without its name."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from app.commands.keys import KeyRefused, check_key, key_choices, key_text, rebound
from app.commands.table import Command, When
from app.config import settings as conf
from app.config.i18n import _
from app.config.settings import Settings
from widgets.foundation import Button, Look, Notice, PlainLabel, Theme, announce, column, row
from widgets.foundation.hangul import matches

__all__ = ["KeysWindow"]

_ID = Qt.ItemDataRole.UserRole


class KeysWindow(QDialog):
    """`changed` comes after a choice was saved. `table` are the commands as they are delivered."""

    changed = Signal(str)

    def __init__(
        self, theme: Theme, settings: Settings, table: Sequence[Command], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._table = [command for command in table if command.when is not When.SESSION]
        space = theme.tokens.space
        self._row = QSize(0, theme.tokens.density["compact"].row)
        self.setWindowTitle(_("Change shortcuts"))
        self.field = QLineEdit()
        self.field.setPlaceholderText(_("Find a shortcut"))
        self.field.setAccessibleName(_("Find a shortcut"))
        self.field.textChanged.connect(lambda _text: self._fill())
        self.list = QTreeWidget()
        self.list.setHeaderLabels([_("Command"), _("Key")])
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(1, space.vast * 5)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setAccessibleName(_("Commands and their keys"))
        self.list.currentItemChanged.connect(lambda _now, _before: self._chosen())
        self.key = QKeySequenceEdit()
        self.key.setMaximumSequenceLength(1)
        self.key.setAccessibleName(_("Press the new key"))
        self.take = Button(theme, _("Use this key"), look=Look.PRIMARY, pressed=self._take)
        self.none = Button(theme, _("No key"), pressed=lambda: self._keep(()))
        self.usual = Button(theme, _("As delivered"), pressed=self._usual)
        self.problem = Notice(theme, kind="warning")
        self.problem.hide()
        close = Button(theme, _("Close"), pressed=self.accept)
        hint = PlainLabel(
            _("Choose a command, press the new key in the field, then use it. Single letters rest in text fields."),
            type="caption", tone="muted", wrap=True,
        )  # fmt: skip
        keys = row(self.key, self.take, self.none, self.usual, None, gap=space.small)
        edge = (space.wide, space.wide, space.wide, space.large)
        title = PlainLabel(_("Change shortcuts"), type="title")
        self.setLayout(
            column(title, self.field, self.list, hint, keys, self.problem, row(None, close), gap=space.small,
                   margins=edge)
        )  # fmt: skip
        self.resize(space.vast * 13, space.vast * 13)
        self._fill()

    def shown(self) -> dict[str, str]:
        """Return the key that stands beside each command now."""
        items = (self.list.topLevelItem(i) for i in range(self.list.topLevelItemCount()))
        return {str(item.data(0, _ID)): item.text(1) for item in items if item is not None}

    def choose(self, id_: str) -> None:
        """Choose a command in the list."""
        for i in range(self.list.topLevelItemCount()):
            item = self.list.topLevelItem(i)
            if item is not None and item.data(0, _ID) == id_:
                self.list.setCurrentItem(item)
                self.list.scrollToItem(item)

    def _now(self) -> tuple[Command, ...]:
        return rebound(self._table, key_choices(self._settings.get(conf.KEYS)))

    def _fill(self) -> None:
        chosen = self._id()
        text = self.field.text()
        self.list.clear()
        for command in self._now():
            keys = ", ".join(_native(key) for key in command.keys if "Enter" not in key)
            if text and not matches(text, f"{_(command.title)} {command.title} {keys}"):
                continue
            item = QTreeWidgetItem([_(command.title), keys])
            item.setData(0, _ID, command.id)
            item.setSizeHint(0, self._row)
            self.list.addTopLevelItem(item)
        self.choose(chosen or "")
        first = self.list.topLevelItem(0)
        if self.list.currentItem() is None and first is not None:
            self.list.setCurrentItem(first)

    def _id(self) -> str | None:
        item = self.list.currentItem()
        return str(item.data(0, _ID)) if item is not None else None

    def _chosen(self) -> None:
        self.key.clear()
        self.problem.hide()

    def _take(self) -> None:
        id_ = self._id()
        key = self.key.keySequence().toString(QKeySequence.SequenceFormat.PortableText)
        if id_ is None or not key:
            self.key.setFocus()
            return
        try:
            check_key(self._now(), id_, key)
        except KeyRefused as refused:
            if refused.other is None:
                text = _("{key} is needed by the desktop or by input methods. Choose another one.")
                self._tell(text.format(key=_native(key)))
            else:
                text = _("{key} is the key of “{other}”. Give that one another key first, or choose another here.")
                self._tell(text.format(key=_native(key), other=_(refused.other.title)))
            return
        self._keep((key,))

    def _usual(self) -> None:
        id_ = self._id()
        choices = key_choices(self._settings.get(conf.KEYS))
        if id_ is not None and choices.pop(id_, None) is not None:
            self._save(key_text(choices))

    def _keep(self, keys: tuple[str, ...]) -> None:
        id_ = self._id()
        if id_ is not None:
            self._save(key_text({**key_choices(self._settings.get(conf.KEYS)), id_: keys}))

    def _save(self, text: str) -> None:
        try:
            self._settings.set(conf.KEYS, text)
        except OSError:
            self._tell(_("This setting could not be saved. Nothing was changed. Try again."))
            return
        self.problem.hide()
        self._fill()
        self.key.clear()
        self.changed.emit(conf.KEYS.key)

    def _tell(self, text: str) -> None:
        self.problem.tell(text, "warning")
        self.problem.show()
        self.key.setAccessibleDescription(text)
        announce(self, text, urgent=True)
        self.key.setFocus()


def _native(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
