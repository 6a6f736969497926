# SPDX-License-Identifier: GPL-3.0-or-later
"""The session window's row for mouse and keyboard: on or off, said in words, and the key that takes them back."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget

from app.commands.registry import Registry
from app.config.i18n import _
from app.domain.assist import AskState, Scope, ScopeAsk
from widgets.foundation import Button, Chip, Look, Panel, PlainLabel, Theme, announce, column, plain_tooltip, row
from widgets.remote.picture import Picture
from widgets.remote.steering import Steering

__all__ = ["ControlRow"]


class ControlRow(QWidget):
    """Shows while the customer allows control. Nothing goes there before the agent turns it on."""

    def __init__(self, theme: Theme, registry: Registry, picture: Picture) -> None:
        super().__init__()
        self._theme, self._registry = theme, registry
        self._name = ""
        self._allowed = self._flowing = False
        self.steering = Steering(picture)
        space = theme.tokens.space
        self.switch = Button(theme, "", look=Look.NORMAL, pressed=self._pressed)
        self.switch.setCheckable(True)
        self.state = Chip(kind="neutral")
        self.words = PlainLabel(tone="muted", wrap=True)
        self.composing = PlainLabel(type="strong")
        margins = (space.large, space.small, space.large, space.small)
        box = row(self.switch, self.state, self.words, self.composing, gap=space.medium, margins=margins)
        box.setStretch(2, 1)
        self.setLayout(column(Panel("bar", box)))
        self.steering.taken_back.connect(self.toggle)
        self.steering.composing.connect(self.composing.setText)
        self.retranslate()
        self.hide()

    def show_asks(self, asks: tuple[ScopeAsk, ...], name: str, *, flowing: bool) -> None:
        """Show whether control is allowed; off at once when it is not, or while nothing passes."""
        self._name, self._flowing = name, flowing
        self._allowed = any(ask.scope is Scope.CONTROL and ask.state is AskState.GRANTED for ask in asks)
        if not (self._allowed and flowing):
            self._turn(False)
        self.switch.setEnabled(flowing)
        self.setVisible(self._allowed)
        self._tell()

    def toggle(self) -> None:
        """On or off, by key or button."""
        if self._allowed:
            self._turn(self._flowing and not self.steering.on)

    def _pressed(self) -> None:
        self._registry.run("session.control")
        self._tell()  # a click alone must not leave a button pressed that says what is not so

    def _turn(self, on: bool) -> None:
        if on != self.steering.on:
            self.steering.turn(on)
            self._tell()
            announce(self, f"{self.state.text()}. {self.words.text()}", urgent=True)

    def _tell(self) -> None:
        on = self.steering.on
        self.switch.setChecked(on)
        self.state.setText(_("Control is ON") if on else _("Control is off"))
        self.state.set_kind("live" if on else "neutral")
        self.words.setText(
            _("Mouse and keys go to {name}'s computer, those of the desktop too. {keys} takes them back.")
            if on else _("Mouse and keys stay here. {keys} sends them to {name}'s computer.")
        )  # fmt: skip
        self.words.setText(self.words.text().format(name=self._name, keys=self._keys()))

    def _keys(self) -> str:
        key = self._registry.get("session.control").keys[0]
        return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        name = _("Control")
        self.switch.setText(name)
        self.switch.setToolTip(plain_tooltip(f"{name}  {self._keys()}"))
        self.composing.setAccessibleName(_("Being composed"))
        self._tell()
