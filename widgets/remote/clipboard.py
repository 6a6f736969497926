# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's window for texts: give the customer one, ask for the customer's, and copy what came. Never by itself."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QWidget

from app.config.i18n import _, ngettext
from app.domain.assist import AskState, Scope, ScopeAsk
from app.domain.clock import monotonic_ms
from app.domain.plain_text import fits_clipboard, for_reading, tidied
from widgets.foundation import (
    Button,
    CopyButton,
    Look,
    PlainEdit,
    PlainLabel,
    Section,
    Theme,
    announce,
    column,
    fit,
    line,
    read_text,
    row,
)
from widgets.remote.reason import ReasonField
from widgets.remote.tools import ask_words

__all__ = ["ClipWindow"]

_TICK_MS = 1000
_GIVES, _TAKES = Scope.CLIPBOARD_TO_CUSTOMER, Scope.CLIPBOARD_TO_AGENT


class ClipWindow(QWidget):
    """`offered` carries a text for the customer's clipboard and why, `asked` why the customer's text is wanted."""

    offered = Signal(str, str)
    asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._theme = theme
        self._asks: tuple[ScopeAsk, ...] = ()
        self._name = ""
        self._given: bool | None = None  # what became of the last text; None: nothing to say
        self._received = ""
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._build()
        self._tick = QTimer(self, interval=_TICK_MS)
        self._tick.timeout.connect(self._tell)
        self.retranslate()

    def _build(self) -> None:
        theme, space = self._theme, self._theme.tokens.space
        self.reason = ReasonField(theme, lambda: self.text.setFocus())
        self.text = PlainEdit(name="")
        self.text.setFixedHeight(space.vast * 2)
        self.text.textChanged.connect(self._tell)
        self.own = Button(theme, "", look=Look.QUIET, icon="copy", pressed=self._take_own)
        self.give = Button(theme, "", look=Look.PRIMARY, icon="send", pressed=self._offer)
        self.give_words = PlainLabel(tone="muted", wrap=True)
        self.ask = Button(theme, "", pressed=lambda: self.asked.emit(self.reason.take()))
        self.ask_words = PlainLabel(tone="muted", wrap=True)
        self.came = PlainEdit(name="")
        self.came.setReadOnly(True)
        self.came.setFixedHeight(space.vast * 3)
        self.copy = CopyButton(theme, "", label="", done="", name="")
        self.length = PlainLabel(type="caption", tone="muted")
        self.result = QWidget()
        edge = (space.tiny, space.tiny, space.tiny, space.tiny)  # for the ring round what has the keys
        below = row(self.length, None, self.copy, gap=space.small)
        self.result.setLayout(column(self.came, below, gap=space.small, margins=edge))
        self.result.hide()
        self.giving = Section(theme, "", self.text, row(self.own, None, self.give, gap=space.small), self.give_words)
        self.taking = Section(theme, "", row(self.ask, None), self.ask_words, self.result)
        edge = (space.wide, space.large, space.wide, space.large)
        box = column(self.giving, line(), self.taking, line(), self.reason, None, gap=space.large, margins=edge)
        self.setLayout(box)

    # --- what the session says -------------------------------------------------------------------------------

    def show_asks(self, asks: tuple[ScopeAsk, ...], name: str) -> None:
        """Show what may be asked for and what came of it."""
        self._asks, self._name = asks, name
        self.retranslate()

    def show_given(self, *, ok: bool) -> None:
        """Say what became of the text for the customer."""
        self._given = ok
        if ok:
            self.text.clear()
            self._given = True  # clearing is no new text
        self._tell()
        announce(self, self.give_words.text())

    def show_text(self, text: str) -> None:
        """Show the customer's text, which touches the own clipboard only by a click."""
        self._received = text
        self.came.setPlainText(for_reading(text))
        self.copy.set_value(text)
        self.result.show()
        self.retranslate()
        fit(self, self.width(), self.height())
        announce(self, _("{name}'s text is here.").format(name=self._name))
        self.copy.setFocus()

    def bring(self) -> None:
        """To the front, with the keys."""
        if not self.isVisible():
            fit(self, self._theme.tokens.space.vast * 8, 0)
        self.show()
        self.raise_()
        self.activateWindow()
        self.text.setFocus()

    # --- inside ----------------------------------------------------------------------------------------------

    def _take_own(self) -> None:
        data = QGuiApplication.clipboard().mimeData()
        if data is not None and data.hasText() and fits_clipboard(tidied(data.text())):
            self.text.setPlainText(tidied(data.text()))
            self.text.setFocus()

    def _offer(self) -> None:
        text = tidied(read_text(self.text))
        if fits_clipboard(text) and self._state(_GIVES) in (AskState.POSSIBLE, AskState.GRANTED):
            self._given = None
            why = self.reason.take() if self._state(_GIVES) is AskState.POSSIBLE else ""
            self.offered.emit(text, why)

    def _state(self, scope: Scope) -> AskState:
        return next((ask.state for ask in self._asks if ask.scope is scope), AskState.NOT_NOW)

    def _words(self, scope: Scope, usual: str, granted: str) -> str:
        ask = next((ask for ask in self._asks if ask.scope is scope), None)
        if ask is None or ask.state is AskState.NOT_NOW:
            return _("Possible once the check number was compared.")
        if ask.state is AskState.GRANTED:
            return granted
        return ask_words(ask, self._name, monotonic_ms()) or usual

    def _tell(self) -> None:
        text = self.text.toPlainText()
        if text:
            self._given = None
        there = _("{name} has the text on the clipboard.").format(name=self._name)
        given = "" if self._given is None else there if self._given else _("The text did not get there. Ask again.")
        usual = given or _("{name} is asked, then the text is put on {name}'s clipboard once, and shown there.").format(
            name=self._name
        )
        self.give_words.setText(
            self._words(_GIVES, usual, _("Allowed. The text is on its way.") if not text or given else usual)
        )
        self.ask_words.setText(
            self._words(
                _TAKES,
                _("{name} sees the text first and decides.").format(name=self._name),
                _("Allowed. The text is on its way."),
            )
        )
        possible = (AskState.POSSIBLE, AskState.GRANTED)
        self.give.setEnabled(self._state(_GIVES) in possible and bool(text.strip()))
        self.ask.setEnabled(self._state(_TAKES) is AskState.POSSIBLE)
        counts = any(self._state(scope) is AskState.REFUSED for scope in (_GIVES, _TAKES))
        if counts != self._tick.isActive():
            self._tick.start() if counts else self._tick.stop()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes; what is here stays."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
            return
        super().keyPressEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        name = self._name
        self.setWindowTitle(_("Clipboard with {name}").format(name=name))
        self.giving.heading.setText(_("Give {name} a text").format(name=name))
        self.taking.heading.setText(_("Get a text from {name}").format(name=name))
        self.text.setAccessibleName(self.giving.heading.text())
        self.text.setPlaceholderText(_("A link, a command, a serial number …"))
        self.own.setText(_("Fill in from my clipboard"))
        self.give.setText(_("Ask and give"))
        self.ask.setText(_("Ask for the clipboard text"))
        self.reason.retranslate()
        self.came.setAccessibleName(_("The text of {name}").format(name=name))
        count = len(self._received)
        self.length.setText(ngettext("{n} character", "{n} characters", count).format(n=f"{count:,}"))
        self.copy.relabel(_("Copy to my clipboard"), _("Copied"), _("Copy the customer's text to my clipboard"))
        self._tell()
