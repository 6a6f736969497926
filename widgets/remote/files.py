# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in the session window: offer some by button or drop, ask for one, and see how each gets on."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from PySide6.QtCore import QEvent, QMimeData, QObject, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import QFileDialog, QWidget

from app.commands.registry import Registry
from app.config.i18n import _
from app.domain.assist import AskState, Scope, ScopeAsk
from app.domain.session_files import FileView
from widgets.foundation import Button, Panel, Theme, column, plain_tooltip
from widgets.foundation.file_moves import FileMove

__all__ = ["FilePanel"]

_SEND, _ASK = "session.send_file", "session.request_file"


class FilePanel(QWidget):
    """What moves; the buttons `send` and `ask` stand where the window puts them.

    `offered` has a list of paths, `requested` nothing, `stopped` a number.
    """

    offered = Signal(list)
    requested = Signal()
    stopped = Signal(int)
    _TO: ClassVar = Scope.FILES_TO_CUSTOMER
    _FROM: ClassVar = Scope.FILES_TO_AGENT

    def __init__(self, theme: Theme, registry: Registry) -> None:
        super().__init__()
        self._theme, self._registry = theme, registry
        self._name = ""
        self._states: dict[Scope, AskState] = {}
        self._flowing = False
        self.moves: dict[int, FileMove] = {}
        space = theme.tokens.space
        self.send = Button(theme, "", icon="paperclip", pressed=lambda: registry.run(_SEND))
        self.ask = Button(theme, "", pressed=lambda: registry.run(_ASK))
        edge = (space.large, space.small, space.large, space.small)
        self._lines = column(gap=space.small, margins=edge)
        self.setLayout(column(Panel("bar", self._lines)))
        registry.bind(_SEND, self.choose)
        registry.bind(_ASK, self._request)
        self.hide()

    def watch(self, window: QWidget) -> None:
        """Take files that are dropped on this window."""
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    # --- state -------------------------------------------------------------------------------------------------

    def show_asks(self, asks: tuple[ScopeAsk, ...], name: str, *, flowing: bool) -> None:
        """Show what can be done now. Files need the check number, so that the row comes with it."""
        self._name, self._flowing = name, flowing
        self._states = {ask.scope: ask.state for ask in asks if ask.scope in (self._TO, self._FROM)}
        self.send.setEnabled(self._may(self._TO))
        self.ask.setEnabled(self._may(self._FROM))
        for button, scope in ((self.send, self._TO), (self.ask, self._FROM)):
            button.setVisible(self._states.get(scope, AskState.NOT_NOW) is not AskState.NOT_NOW)

    def show_file(self, view: FileView) -> None:
        """Show how a file stands."""
        move = self.moves.get(view.id)
        if move is None:
            title = _("To {name}: {file}") if view.to_customer else _("From {name}: {file}")
            waits = _("Waiting for {name} to answer. Without an answer it counts as no.").format(name=self._name)
            move = FileMove(self._theme, view, title.format(name=self._name, file=view.name), waits)
            move.stopped.connect(self.stopped)
            move.closed.connect(self._forget)
            self.moves[view.id] = move
            self._lines.addWidget(move)
        else:
            move.show_view(view)
        self.show()

    def _forget(self, number: int) -> None:
        move = self.moves.pop(number)
        move.hide()
        move.deleteLater()
        self.setVisible(bool(self.moves))

    def _may(self, scope: Scope) -> bool:
        return self._flowing and self._states.get(scope) is AskState.POSSIBLE

    # --- deeds -------------------------------------------------------------------------------------------------

    def choose(self) -> None:
        """Pick files to offer, one after the other."""
        if not self._may(self._TO):
            return
        dialog = QFileDialog(self, _("Send files to {name}").format(name=self._name))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self.offered.emit([Path(name) for name in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _request(self) -> None:
        if self._may(self._FROM):
            self.requested.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Files may be dropped anywhere in the window."""
        if isinstance(event, QDragEnterEvent) and self._may(self._TO) and _files(event.mimeData()):
            event.acceptProposedAction()
            return True
        if isinstance(event, QDropEvent) and event.type() is QEvent.Type.Drop and self._may(self._TO):
            files = _files(event.mimeData())
            if files:
                event.acceptProposedAction()
                self.offered.emit(files)
                return True
        return super().eventFilter(watched, event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        more = {_SEND: "\n" + _("Or drop files into this window."), _ASK: ""}
        for button, text, command in ((self.send, _("Send a file…"), _SEND), (self.ask, _("Ask for a file"), _ASK)):
            button.setText(text)
            keys = QKeySequence(self._registry.get(command).keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
            button.setToolTip(plain_tooltip(f"{text}  {keys}{more[command]}"))


def _files(source: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in source.urls() if url.isLocalFile()]
