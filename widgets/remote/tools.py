# SPDX-License-Identifier: GPL-3.0-or-later
"""The session window's second row: asking for more than looking, what came of it, and the tools once it is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget

from app.commands.registry import Registry
from app.config.i18n import N_, _, ngettext
from app.domain.assist import AskState, Scope, ScopeAsk
from app.domain.clock import monotonic_ms
from app.services.texts import scope_kinds
from widgets.foundation import Button, Look, Panel, PlainLabel, Theme, announce, column, plain_tooltip
from widgets.foundation.flow import Flow
from widgets.remote.pens import Tool
from widgets.remote.reason import ReasonField
from widgets.remote.recording import RecordingTools

__all__ = ["ToolRow", "ask_words", "forbidden_words"]

_TICK_MS = 1000
_ASK: Mapping[Scope, tuple[str, str]] = {
    Scope.POINTER: ("session.request_pointer", N_("Ask to point and draw")),
    Scope.DIAGNOSTICS: ("session.request_diagnostics", N_("Diagnostics")),
    Scope.CONTROL: ("session.request_control", N_("Ask for control")),
}
_TOOLS: Mapping[Tool, tuple[str, str]] = {
    Tool.POINTER: ("session.pointer", N_("Pointer")),
    Tool.PEN: ("session.pen", N_("Pen")),
    Tool.BOX: ("session.box", N_("Box")),
    Tool.ARROW: ("session.arrow", N_("Arrow")),
}


def ask_words(ask: ScopeAsk, name: str, now_ms: int) -> str:
    """Return how a wish stands, or "" when there is nothing to say."""
    left = max(0, -(-(ask.until_ms - now_ms) // 1000))
    if ask.state is AskState.WAITING:
        return _("Waiting for {name} to answer. Without an answer it counts as no.").format(name=name)
    if ask.state is AskState.GRANTED and ask.scope is Scope.DIAGNOSTICS:
        return _("{name} looks through what was found out before it is sent.").format(name=name)
    if ask.state is AskState.REFUSED:
        text = ngettext(
            "{name} did not allow it. You can ask again in {n} second.",
            "{name} did not allow it. You can ask again in {n} seconds.",
            left,
        )
        return text.format(name=name, n=left)
    if ask.state is AskState.TOO_OFTEN:
        return _("You asked three times. In this session it cannot be asked for again.")
    if ask.revoked:
        return _("{name} took it back.").format(name=name)
    return ""


def forbidden_words(asks: Iterable[ScopeAsk], name: str) -> str:
    """Return what may not be asked for, and whose policy says so; "" when nothing is forbidden."""
    asks = [ask for ask in asks if ask.state is AskState.FORBIDDEN]
    forms = {
        "agent": _("Policy of your organisation forbids in sessions: {what}."),
        "customer": _("Policy on {name}'s computer forbids in sessions: {what}."),
    }
    said = ((by, scope_kinds(ask.scope for ask in asks if ask.by == by)) for by in forms)
    return "  ".join(forms[by].format(name=name, what=what) for by, what in said if what)


class ToolRow(QWidget):
    """`tool_taken` has a Tool; the buttons run the commands, so that keys and mouse do the same.

    `reason_left`: the keys belong to the picture again.
    """

    tool_taken = Signal(object)
    kept = Signal(bool)
    reason_left = Signal()

    def __init__(self, theme: Theme, registry: Registry) -> None:
        super().__init__()
        self._registry = registry
        self._asks: tuple[ScopeAsk, ...] = ()
        self._name = ""
        self._said = ""
        self.tool = Tool.LOOK
        space = theme.tokens.space
        self.ask = {scope: self._button(theme, command, Look.NORMAL) for scope, (command, _text) in _ASK.items()}
        self.tools = {tool: self._button(theme, command) for tool, (command, _text) in _TOOLS.items()}
        self.keep = self._button(theme, "session.keep_marks")
        for button in (*self.tools.values(), self.keep):
            button.setCheckable(True)
        self.clear = self._button(theme, "session.clear")
        self.recording = RecordingTools(theme, registry)
        self.words = PlainLabel(tone="muted", wrap=True)
        self.reason = ReasonField(theme, lambda: registry.run("session.reason"))
        registry.bind("session.reason", self._write_reason)
        self._flow = Flow(space.small)
        for tool in (self.reason, *self.ask.values(), *self.tools.values(), self.keep, self.clear, self.recording):
            self._flow.addWidget(tool)
        edge = (space.large, space.small, space.large, space.small)
        self.setLayout(column(Panel("bar", column(self._flow, self.words, gap=space.tiny, margins=edge))))
        self._tick = QTimer(self, interval=_TICK_MS)
        self._tick.timeout.connect(self._tell)
        self.hide()

    def add(self, tool: QWidget) -> None:
        """Put a tool of another part behind the others."""
        self._flow.addWidget(tool)

    def _button(self, theme: Theme, command: str, look: Look = Look.QUIET) -> Button:
        return Button(theme, "", look=look, pressed=lambda: self._run(command))

    def _run(self, command: str) -> None:
        self._registry.run(command)
        self._show_tool()  # a click alone must not leave a button pressed that says what is not so

    def show_asks(self, asks: tuple[ScopeAsk, ...], name: str, *, flowing: bool) -> None:
        """Show what may be asked for and what is allowed. `flowing`: pictures pass, so that marks can."""
        self._asks, self._name = asks, name
        self.setVisible(any(ask.state is not AskState.NOT_NOW for ask in asks))
        allowed = self.may_point()
        for tool_button in (*self.tools.values(), self.keep, self.clear):
            tool_button.setVisible(allowed)
            tool_button.setEnabled(flowing)
        for scope, button in self.ask.items():
            state = next((ask.state for ask in asks if ask.scope is scope), AskState.NOT_NOW)
            button.setVisible(state not in (AskState.GRANTED, AskState.NOT_NOW, AskState.FORBIDDEN))
            button.setEnabled(state is AskState.POSSIBLE)
        self.reason.setVisible(any(ask.state is AskState.POSSIBLE for ask in asks) or bool(self.reason.text()))
        if not allowed:
            self.take(Tool.LOOK)
        self._tell()

    def why(self, scope: Scope) -> str:
        """Return the reason that goes with a request for this, if one is made now; it is used up by it."""
        state = next((ask.state for ask in self._asks if ask.scope is scope), AskState.NOT_NOW)
        return self.reason.take() if state is AskState.POSSIBLE else ""

    def _write_reason(self) -> None:
        if self.reason.hasFocus():
            self.reason_left.emit()
        elif not self.reason.isHidden():
            self.reason.setFocus()

    def may_point(self) -> bool:
        """Tell whether pointing is allowed now."""
        return any(ask.scope is Scope.POINTER and ask.state is AskState.GRANTED for ask in self._asks)

    def take(self, tool: Tool) -> None:
        """Take a tool, if that is allowed; the one in hand is put down."""
        tool = tool if self.may_point() and tool is not self.tool else Tool.LOOK
        if tool is not self.tool:
            self.tool = tool
            self.tool_taken.emit(tool)
        self._show_tool()

    def toggle_keep(self) -> None:
        """Drawings from now on stay, or go by themselves."""
        if self.may_point():
            self._keep = not self._keep
            self.kept.emit(self._keep)
        self._show_tool()

    _keep = False

    def _show_tool(self) -> None:
        for tool, button in self.tools.items():
            button.setChecked(tool is self.tool)
        self.keep.setChecked(self._keep)

    def _tell(self) -> None:
        now = monotonic_ms()
        texts = [ask_words(ask, self._name, now) for ask in self._asks]
        texts.append(forbidden_words(self._asks, self._name))
        self.words.setText("  ".join(filter(None, texts)))
        self.words.setVisible(bool(self.words.text()))
        counting = any(ask.state is AskState.REFUSED for ask in self._asks)
        if counting != self._tick.isActive():
            self._tick.start() if counting else self._tick.stop()
        states = " ".join(f"{ask.scope} {ask.state} {ask.revoked}" for ask in self._asks)
        if states != self._said and self.words.text():
            announce(self, self.words.text())  # once, not with every second that passes
        self._said = states

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        for scope, (command, text) in _ASK.items():
            self._name_button(self.ask[scope], _(text), command)
        for tool, (command, text) in _TOOLS.items():
            self._name_button(self.tools[tool], _(text), command)
        self._name_button(self.keep, _("Keep drawings"), "session.keep_marks")
        self._name_button(self.clear, _("Clear"), "session.clear")
        self.reason.retranslate(self._keys("session.reason"))
        self.recording.retranslate()
        self._tell()

    def _name_button(self, button: Button, text: str, command: str) -> None:
        button.setText(text)
        button.setToolTip(plain_tooltip(f"{text}  {self._keys(command)}"))

    def _keys(self, command: str) -> str:
        return QKeySequence(self._registry.get(command).keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
