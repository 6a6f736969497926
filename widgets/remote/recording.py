# SPDX-License-Identifier: GPL-3.0-or-later
"""Recording in the session window: two buttons, a mark while it runs, and words for what ended it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget

from app.commands.registry import Registry
from app.config.i18n import N_, _
from app.domain.assist import AskState, Scope, ScopeAsk
from app.domain.recording import RecordingState
from widgets.foundation import Button, Chip, Look, Theme, plain_tooltip, row

__all__ = ["RecordingMark", "RecordingTools", "problem_text"]

_CAN = (AskState.POSSIBLE, AskState.GRANTED)
_PROBLEMS: Mapping[str, str] = {
    "disk_full": N_("The recording ended: this computer's disk is full. What there is goes to the ticket."),
    "too_long": N_("The recording ended: it is as long as a ticket can hold. What there is goes to the ticket."),
    "not_written": N_("The recording ended: it could not be written. What there is goes to the ticket."),
}


def problem_text(state: RecordingState) -> str:
    """Return why the recording ended by itself, or ""."""
    if not state.problem:
        return ""
    return _(_PROBLEMS.get(state.problem, _PROBLEMS["not_written"]))


class RecordingMark(Chip):
    """REC, while pictures are being kept."""

    def __init__(self) -> None:
        super().__init__(kind="live")
        self.hide()

    def show_state(self, state: RecordingState, *, flowing: bool) -> None:
        """Show it, or not."""
        self.setVisible(state.on)
        self.set_kind("live" if flowing else "neutral")
        self.setText(_("REC"))
        self.setAccessibleName(_("Recording"))


class RecordingTools(QWidget):
    """Record or stop, and keep one picture. The buttons run the commands, so that keys and mouse do the same."""

    recorded = Signal()
    stopped = Signal()
    kept = Signal()

    def __init__(self, theme: Theme, registry: Registry) -> None:
        super().__init__()
        self._theme, self._registry = theme, registry
        self._asks: tuple[ScopeAsk, ...] = ()
        self._flowing = False
        self._state = RecordingState()
        self.film = Button(
            theme, "", look=Look.NORMAL, icon="circle-dot", pressed=lambda: registry.run("session.record")
        )
        self.still = Button(theme, "", look=Look.NORMAL, icon="save", pressed=lambda: registry.run("session.still"))
        self.setLayout(row(self.film, self.still, gap=theme.tokens.space.small))
        registry.bind("session.record", self._press_film)
        registry.bind("session.still", self._press_still)
        self.hide()

    def show_state(self, asks: tuple[ScopeAsk, ...], state: RecordingState, *, flowing: bool) -> None:
        """Show what is possible. `flowing`: pictures pass, so that one can be kept."""
        self._asks, self._state, self._flowing = asks, state, flowing
        self.retranslate()

    def _ask(self) -> AskState:
        return next((ask.state for ask in self._asks if ask.scope is Scope.RECORDING), AskState.NOT_NOW)

    @property
    def _may_film(self) -> bool:
        return self._state.on or (self._ask() in _CAN and not self._state.wanted)

    @property
    def _may_keep(self) -> bool:
        return self._ask() in _CAN and self._flowing

    def _press_film(self) -> None:
        if self._may_film:
            (self.stopped if self._state.on else self.recorded).emit()

    def _press_still(self) -> None:
        if self._may_keep:
            self.kept.emit()

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        ask, on = self._ask(), self._state.on
        asked = ask is AskState.GRANTED
        self.setVisible(ask is not AskState.NOT_NOW)
        film = _("Stop recording") if on else _("Record") if asked else _("Ask to record")
        still = _("Keep picture") if asked else _("Ask to keep a picture")
        for button, text, command in ((self.film, film, "session.record"), (self.still, still, "session.still")):
            button.setText(text)
            keys = QKeySequence(self._registry.get(command).keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
            button.setToolTip(plain_tooltip(f"{text}  {keys}"))
        self._theme.set_icon(self.film, "circle-stop" if on else "circle-dot", "fg.default")
        self.film.setEnabled(self._may_film)
        self.still.setEnabled(self._may_keep)
        if asked and self._state.stills:
            self.still.setText(_("Keep picture ({n} kept)").format(n=self._state.stills))
