# SPDX-License-Identifier: GPL-3.0-or-later
"""The session window's row for mouse and keyboard: on or off, in words and by a frame, and the key that releases."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeySequence, QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QWidget

from app.commands.registry import Registry
from app.config.i18n import _
from app.domain.assist import AskState, Scope, ScopeAsk
from widgets.foundation import Button, Chip, Look, Panel, PlainLabel, Theme, announce, column, plain_tooltip, row
from widgets.remote.picture import Picture
from widgets.remote.steering import Steering

__all__ = ["ControlRow"]


class _Frame(QWidget):
    """Round the picture while keys go elsewhere; the mouse goes through it."""

    def __init__(self, theme: Theme, picture: Picture) -> None:
        super().__init__(picture)
        self._theme, self._width = theme, theme.tokens.space.tiny
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        picture.installEventFilter(self)
        self._follow(picture)
        self.hide()

    def _follow(self, picture: QWidget) -> None:
        self.setGeometry(picture.rect())
        inner = self.rect().adjusted(self._width, self._width, -self._width, -self._width)
        self.setMask(QRegion(self.rect()).subtracted(QRegion(inner)))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay round the picture."""
        if event.type() is QEvent.Type.Resize and isinstance(watched, QWidget):
            self._follow(watched)
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the frame; the mask leaves only its sides."""
        del event
        QPainter(self).fillRect(self.rect(), self._theme.colour("live.bg"))


class ControlRow(QWidget):
    """Shows while the customer allows control. Nothing goes there before the agent turns it on."""

    def __init__(self, theme: Theme, registry: Registry, picture: Picture) -> None:
        super().__init__()
        self._theme, self._registry = theme, registry
        self._name = ""
        self._allowed = self._flowing = self._own_hands = False
        self.steering = Steering(picture)
        self.frame = _Frame(theme, picture)
        space = theme.tokens.space
        self.switch = Button(theme, "", look=Look.NORMAL, pressed=self._pressed)
        self.switch.setCheckable(True)
        self.switch.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not release by taking the focus, then take
        self.state = Chip(kind="neutral")
        self.words = PlainLabel(tone="muted", wrap=True)
        self.composing = PlainLabel(type="strong")
        margins = (space.large, space.small, space.large, space.small)
        box = row(self.switch, self.state, self.composing, self.words, gap=space.medium, margins=margins)
        box.setStretch(3, 1)
        self.setLayout(column(Panel("bar", box)))
        self.steering.released.connect(self._turned)
        self.steering.composing.connect(self.composing.setText)
        self.retranslate()
        self.hide()

    def show_asks(
        self, asks: tuple[ScopeAsk, ...], name: str, *, flowing: bool, own_hands: bool = False
    ) -> None:  # fmt: skip
        """Show whether control is allowed; off at once when it is not, or while nothing passes.

        `own_hands`: the customer's own mouse or keyboard keeps the agent's away for now.
        """
        changed, self._own_hands = own_hands != self._own_hands, own_hands
        self._name, self._flowing = name, flowing
        self._allowed = any(ask.scope is Scope.CONTROL and ask.state is AskState.GRANTED for ask in asks)
        if not (self._allowed and flowing):
            self.release()
        self.switch.setEnabled(flowing)
        self.setVisible(self._allowed)
        self._tell()
        if changed and self._allowed:
            announce(self, f"{self.state.text()}. {self.words.text()}", urgent=True)

    def take(self) -> bool:
        """Send mouse and keys there from now on. Returns whether the customer allows it at all."""
        if self._allowed and self._flowing and not self.steering.on:
            self.steering.turn(True)
            self._turned()
        return self._allowed

    def release(self) -> None:
        """Mouse and keys are for this computer again."""
        if self.steering.on:
            self.steering.turn(False)
            self._turned()

    def _pressed(self) -> None:
        self._registry.run("session.release" if self.steering.on else "session.request_control")
        self._tell()  # a click alone must not leave a button pressed that says what is not so

    def _turned(self) -> None:
        self.frame.setVisible(self.steering.on)
        self.frame.raise_()
        self._tell()
        announce(self, f"{self.state.text()}. {self.words.text()}", urgent=True)

    def _tell(self) -> None:
        on = self.steering.on
        self.switch.setChecked(on)
        self.state.setText(_("Control is ON") if on else _("Control is off"))
        self.state.set_kind("live" if on else "neutral")
        text = (
            _("Mouse and keys go to {name}'s computer. {keys} releases them.") if on
            else _("Mouse and keys stay here. {keys} sends them to {name}'s computer.")
        )  # fmt: skip
        if self._own_hands:
            self.state.setText(_("{name} is using mouse or keyboard").format(name=self._name))
            self.state.set_kind("warning")
            text = _("Yours do nothing until {name} has stopped for two seconds. {keys} releases them.") if on else text
        keys = self._keys("session.release" if on else "session.request_control")
        self.words.setText(text.format(name=self._name, keys=keys))

    def _keys(self, command: str) -> str:
        return QKeySequence(self._registry.get(command).keys[0]).toString(QKeySequence.SequenceFormat.NativeText)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        name = _("Control")
        self.switch.setText(name)
        self.switch.setToolTip(plain_tooltip(f"{name}  {self._keys('session.request_control')}"))
        self.composing.setAccessibleName(_("Being composed"))
        self._tell()
