# SPDX-License-Identifier: GPL-3.0-or-later
"""The session window: who and what is allowed, the check number, the live picture, the meter, and End."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QImage, QKeySequence
from PySide6.QtWidgets import QMainWindow, QWidget

from app.commands.registry import Registry
from app.commands.table import AGENT, Place
from app.config.i18n import _
from app.domain.assist import AskState, Phase, Scope
from app.domain.assist import Notice as SessionNotice
from app.domain.clock import monotonic_ms
from app.services.texts import polite
from widgets.foundation import (
    Button,
    Chip,
    ElidedLabel,
    Look,
    Notice,
    Panel,
    PlainLabel,
    Theme,
    announce,
    column,
    fmt,
    restyle,
    row,
)
from widgets.remote.control import ControlRow
from widgets.remote.diagnostics import FactsPanel
from widgets.remote.files import FilePanel
from widgets.remote.pens import Tool
from widgets.remote.picture import Picture
from widgets.remote.ports import InviteOrder, Meter, SessionInfo
from widgets.remote.recording import RecordingMark, problem_text
from widgets.remote.talk import SessionTalk
from widgets.remote.tools import ToolRow, forbidden_words
from widgets.remote.words import alone_text, grants_text, meter_words, notice_text, proof_text, state_text

__all__ = ["SessionWindow"]

TICK_MS = 1000
_POLISHED_AT_ONCE = 12


class SessionWindow(QMainWindow):
    """Plain values in, signals out. Closing the window ends the session."""

    ended = Signal()  # the agent pressed End or closed the window
    paused = Signal()
    confirmed = Signal(bool)
    requested = Signal(object, str)  # a Scope, and why
    unmarked = Signal(int)
    cleared = Signal()
    closed = Signal()

    def __init__(
        self, theme: Theme, order: InviteOrder, parent: QWidget | None = None, *, at_once: bool = True
    ) -> None:
        """Without `at_once` nothing may be done with the window before `make_more` said that it is whole, or `make`."""
        super().__init__(parent, Qt.WindowType.Window)
        self._theme, self._order = theme, order
        self._info: SessionInfo | None = None
        self._frozen_s: int | None = None
        self._said = ""
        self.registry = Registry(lambda: [Place.SESSION])
        self._whole = False
        self._making = self._make()
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self._tell_time)
        if at_once:
            self.make()

    # --- putting together ------------------------------------------------------------------------------------

    def make(self) -> None:
        """Make whatever is not made yet."""
        while self.make_more():
            pass

    def make_more(self) -> bool:
        """Make one more part, and tell whether there are others. A part takes about as long as a beat of the screen."""
        return next(self._making, False)

    def _make(self) -> Iterator[bool]:
        for part in (self._build_head, self._build_check, self._build_tools, self._build_picture, self._build_talk,
                     self._build_foot, self._put_together, self._bind, self._begin):  # fmt: skip
            part()
            yield True
        # styling takes a third of the whole time; what is styled now is not when the first picture comes
        for place, widget in enumerate(self.findChildren(QWidget)):
            widget.ensurePolished()
            if place % _POLISHED_AT_ONCE == _POLISHED_AT_ONCE - 1:
                yield True

    def _begin(self) -> None:
        space = self._theme.tokens.space
        self._whole = True
        self._tick.start()
        self.setMinimumSize(space.vast * 14, space.vast * 9)
        self.resize(space.vast * 24, space.vast * 16)
        self.picture.setFocus()
        self.retranslate()

    def _build_head(self) -> None:
        space = self._theme.tokens.space
        self.live = Chip(kind="live")
        self.rec = RecordingMark()
        self.who = ElidedLabel(type="strong")
        self.grants = PlainLabel()
        self.alone = PlainLabel(tone="muted")
        self.verified = Chip(kind="warning")
        self.time = PlainLabel(type="strong")
        head = row(self.live, self.rec, self.who, self.grants, self.alone, self.verified, self.time, gap=space.medium,
                   margins=(space.large, space.small, space.large, space.small))  # fmt: skip
        head.setStretch(2, 1)
        self.header = Panel("bar", head)

    def _build_tools(self) -> None:
        theme = self._theme
        self.tools = ToolRow(theme, self.registry)
        self.files = FilePanel(theme, self.registry)
        self.files.watch(self)
        self.tools.add(self.files.send)
        self.tools.add(self.files.ask)

    def _build_picture(self) -> None:
        theme = self._theme
        self.notice = Notice(theme, kind="accent")
        self.notice.hide()
        self.picture = Picture(theme)
        self.facts = FactsPanel(theme)

    def _build_talk(self) -> None:
        theme = self._theme
        self.talk = SessionTalk(theme, self.registry, self, self.picture)
        self.tools.add(self.talk.clip_button)
        self.control = ControlRow(theme, self.registry, self.picture)

    def _put_together(self) -> None:
        space = self._theme.tokens.space
        beside = row(self.picture, self.facts, self.talk.panel)
        beside.setStretch(0, 1)
        whole = Panel("window")
        notice = row(self.notice, margins=(space.large, space.small, space.large, space.small))
        self.notice_row = QWidget()
        self.notice_row.setLayout(notice)
        self.notice_row.hide()
        box = column(self.header, self.check, self.tools, self.files, self.notice_row, beside, self.footer)
        box.setStretch(5, 1)
        box.insertWidget(box.indexOf(self.tools) + 1, self.control)
        whole.setLayout(box)
        self.setCentralWidget(whole)

    def _build_check(self) -> None:
        theme, space = self._theme, self._theme.tokens.space
        self.read_aloud = PlainLabel(wrap=True)
        self.number = PlainLabel(type="figure", selectable=True)
        self.check_words = PlainLabel(tone="muted", wrap=True)
        self.same = Button(theme, "", look=Look.PRIMARY, icon="badge-check", pressed=lambda: self.confirmed.emit(True))
        self.differs = Button(theme, "", look=Look.DANGER, pressed=lambda: self.confirmed.emit(False))
        texts = column(self.read_aloud, self.check_words, gap=space.hair)
        box = row(self.number, texts, self.same, self.differs, gap=space.large,
                  margins=(space.large, space.small, space.large, space.small))  # fmt: skip
        box.setStretch(1, 1)
        self.check = Panel("bar", box)
        self.check.hide()

    def _build_foot(self) -> None:
        theme, space = self._theme, self._theme.tokens.space
        self.level = Chip(kind="neutral")
        self.meter = ElidedLabel(type="caption", tone="muted")
        policy = self.meter.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # the buttons stay at the right edge when the figures go
        self.meter.setSizePolicy(policy)
        self.fit_button = self._tool("session.fit")
        self.actual_button = self._tool("session.actual")
        self.out_button = self._tool("session.zoom_out", "zoom-out")
        self.in_button = self._tool("session.zoom_in", "zoom-in")
        self.zoom = PlainLabel(type="caption", tone="muted")
        self.pause_button = Button(theme, "", icon="pause", pressed=self.paused.emit)
        self.end_button = Button(theme, "", look=Look.DANGER, icon="circle-stop", pressed=self._end)
        foot = row(
            self.level, self.meter, self.fit_button, self.actual_button, self.out_button, self.zoom, self.in_button,
            space.medium, self.talk.chat_button, self.pause_button, self.end_button, gap=space.small,
            margins=(space.large, space.small, space.large, space.small),
        )  # fmt: skip
        foot.setStretch(1, 1)
        self.footer = Panel("footer", foot)

    def _tool(self, command: str, icon: str = "") -> Button:
        button = Button(self._theme, "", look=Look.QUIET, icon=icon, pressed=lambda: self.registry.run(command))
        if icon:
            button.setProperty("iconOnly", True)
        return button

    def _bind(self) -> None:
        self.registry.bind("session.fit", self.picture.fit)
        self.registry.bind("session.actual", self.picture.actual)
        self.registry.bind("session.zoom_in", lambda: self.picture.step(1))
        self.registry.bind("session.zoom_out", lambda: self.picture.step(-1))
        self.registry.bind("session.end", self._end)
        self.registry.bind("session.request_pointer", lambda: self._request(Scope.POINTER))
        self.registry.bind("session.request_diagnostics", lambda: self._request(Scope.DIAGNOSTICS))
        self.registry.bind("session.request_control", self._control)
        self.registry.bind("session.release", self.control.release)
        for tool in (Tool.POINTER, Tool.PEN, Tool.BOX, Tool.ARROW):
            self.registry.bind(f"session.{tool.value}", partial(self.tools.take, tool))
        self.registry.bind("session.keep_marks", self.tools.toggle_keep)
        self.registry.bind("session.clear", self._clear_marks)
        self.registry.bind("edit.undo", self._unmark)
        for command in self.registry.commands():
            action = QAction(self)
            action.setShortcuts([QKeySequence(key) for key in command.keys])
            action.triggered.connect(lambda _on=False, id_=command.id: self.registry.run(id_))
            self.addAction(action)
        self.picture.zoomed.connect(self._tell_zoom)
        self.tools.tool_taken.connect(self.picture.use_tool)
        self.tools.kept.connect(self._keep_marks)
        self.tools.reason_left.connect(self.picture.setFocus)

    # --- what the flow says ----------------------------------------------------------------------------------

    def show_info(self, info: SessionInfo) -> None:
        """Show the state."""
        problem = problem_text(info.recording)
        if problem and (self._info is None or self._info.recording.problem != info.recording.problem):
            self._say_in_passing(problem, "warning")
        self._info = info
        self.picture.show_target(info.target)
        if info.view.phase is Phase.ENDED:
            self._frozen_s = self._seconds()
            self.picture.clear()
            self._tick.stop()
        self.retranslate()

    def show_frame(self, image: QImage, seq: int) -> None:
        """Paint a picture, unless none may show."""
        if self._info is not None and self._info.view.flowing:
            self.picture.show_image(image, seq)

    def show_meter(self, meter: Meter) -> None:
        """Show how the line is."""
        words = meter_words(meter)
        self.level.setText(words.level)
        self.level.set_kind({"muted": "neutral"}.get(words.tone, words.tone))
        self.meter.setText("  ·  ".join(words.parts))

    def show_notice(self, notice: SessionNotice, detail: str) -> None:
        """Say something in passing."""
        self._say_in_passing(notice_text(notice, detail), "success" if notice is SessionNotice.BACK else "warning")

    def _say_in_passing(self, text: str, kind: str) -> None:
        self.notice.tell(text, kind)
        self.notice_row.show()
        self.notice.show()
        QTimer.singleShot(self._theme.tokens.time_ms["toast_undo"], self, self.notice_row.hide)
        announce(self, self.notice.text.text(), urgent=kind != "success")

    def _request(self, scope: Scope) -> None:
        asks = self._info.view.asks if self._info is not None else ()
        ask = next((ask for ask in asks if ask.scope is scope), None)
        if ask is not None and ask.state is AskState.POSSIBLE:
            self.requested.emit(scope, self.tools.why(scope))
        elif ask is not None and ask.state is AskState.FORBIDDEN:  # the key is pressed all the same: say why not
            self._say_in_passing(forbidden_words([ask], polite(self._order.customer_name)), "warning")

    def _control(self) -> None:
        if not self.control.take():
            self._request(Scope.CONTROL)

    def _unmark(self) -> None:
        number = self.picture.pens.undo() if self.tools.may_point() else None
        if number is not None:
            self.unmarked.emit(number)

    def _clear_marks(self) -> None:
        self.picture.pens.forget()
        self.cleared.emit()

    def _keep_marks(self, on: bool) -> None:
        self.picture.pens.keep = on

    def is_live(self) -> bool:
        """Tell whether something would be ended by closing."""
        return self._info is not None and self._info.view.phase is not Phase.ENDED

    # --- inside ----------------------------------------------------------------------------------------------

    def _end(self) -> None:
        if self.is_live():
            self.ended.emit()
        else:
            self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing ends the session."""
        self._tick.stop()
        if self.is_live():
            self.ended.emit()
        super().closeEvent(event)
        self.closed.emit()

    def _seconds(self) -> int:
        started = self._info.view.started_ms if self._info else None
        if started is None:
            return 0
        return max(0, (monotonic_ms() - started) // 1000)

    def _tell_time(self) -> None:
        seconds = self._seconds() if self._frozen_s is None else self._frozen_s
        self.time.setText(fmt.clock(seconds))
        self.time.setAccessibleName(fmt.duration(seconds))

    def _tell_zoom(self) -> None:
        self.zoom.setText(f"{self.picture.percent()} %" if self.picture.is_known() else "")

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange and self._whole:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        name = polite(self._order.customer_name)
        self.setWindowTitle(f"{self._order.ticket_label} {name}")
        self.who.setText(f"{name}   {self._order.ticket_label}")
        self.alone.setText(alone_text(self._info))
        for button, text in ((self.fit_button, _("Fit")), (self.actual_button, _("1:1"))):
            button.setText(text)
        self.out_button.setAccessibleName(_("Zoom out"))
        self.in_button.setAccessibleName(_("Zoom in"))
        self.pause_button.setText(_("Pause"))
        self.read_aloud.setText(_("Read aloud to {name}").format(name=name))
        self.same.setText(_("{name} chose this number").format(name=name))
        self.differs.setText(_("Another number"))
        self._tell_time()
        self._tell_zoom()
        self.tools.retranslate()
        self.facts.retranslate()
        self.talk.retranslate()
        self.control.retranslate()
        self.files.retranslate()
        if self._info is not None:
            self._tell_state(self._info)

    def _tell_state(self, info: SessionInfo) -> None:
        view = info.view
        over = view.phase is Phase.ENDED
        self.live.setText(
            _("Ended") if over else (_("Paused") if view.paused else _("LIVE") if view.live else _("Not started"))
        )
        self.live.set_kind("live" if view.flowing else "neutral")
        self.grants.setText("" if over else grants_text(info))
        self.alone.setText(alone_text(info))
        self.alone.setVisible(view.live)
        verified = view.phase is Phase.VERIFIED
        if verified and self.verified.text() == _("not verified yet"):
            announce(self, _("verified"))
        self.verified.setText(_("verified") if verified else _("not verified yet"))
        self.verified.set_kind("success" if verified else "warning")
        self.verified.setVisible(view.live)
        self.verified.setToolTip(proof_text(info))
        self._tell_check(info)
        name = polite(self._order.customer_name)
        asks = tuple(ask for ask in view.asks if ask.state is not AskState.FORBIDDEN)  # the row of tools says why
        self.talk.show_view(replace(view, asks=asks), name)
        self.tools.show_asks(view.asks, name, flowing=view.flowing)
        self.control.show_asks(asks, name, flowing=view.flowing, own_hands=info.own_hands)
        self.files.show_asks(asks, name, flowing=view.flowing)
        self.rec.show_state(info.recording, flowing=view.flowing)
        self.tools.recording.show_state(asks, info.recording, flowing=view.flowing)
        self.pause_button.setEnabled(view.live and not view.paused)
        for widget in (self.level, self.meter, self.fit_button, self.actual_button, self.out_button, self.zoom):
            widget.setVisible(not over)
        self.in_button.setVisible(not over)
        self.pause_button.setVisible(not over)
        restyle(self.end_button, look=(Look.NORMAL if over else Look.DANGER).value)
        self._theme.set_icon(self.end_button, "x" if over else "circle-stop", "fg.default" if over else "danger.fg")
        self.end_button.setText(_("Close") if over else _("End session"))
        self.end_button.setToolTip("" if over else keys_hint("session.end"))
        words = state_text(info)
        self.picture.show_words(words)
        self.picture.tell_grants("" if over else grants_text(info))
        if words and words != self._said:
            announce(self, words, urgent=over)
        self._said = words

    def _tell_check(self, info: SessionInfo) -> None:
        open_ = info.view.phase is Phase.UNVERIFIED and bool(info.check_number)
        if open_ and self.number.text() != info.check_number:
            # who hears it has to read it aloud, too: as single digits
            digits = " ".join(info.check_number.replace(" ", ""))
            self.number.setAccessibleName(digits)
            announce(self, f"{self.read_aloud.text()}: {digits}", urgent=True)
        self.check.setVisible(open_)
        self.number.setText(info.check_number)
        self.same.setEnabled(not info.claimed)
        self.check_words.setText(
            _("Waiting for the customer's own choice.") if info.claimed else
            _("Until the customer picked the same number you can only look and point.")
        )  # fmt: skip


def keys_hint(command: str) -> str:
    """Return the first key of a command as this system writes it."""
    keys = next(c.keys for c in AGENT if c.id == command)
    return QKeySequence(keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
