# SPDX-License-Identifier: GPL-3.0-or-later
"""While a screen is shared: check number, questions, the bar on top of everything, and the summary at the end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QRect, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent, QPainter, QPaintEvent, QRegion, QScreen
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QWidget

from app.config.i18n import N_, _, ngettext, pgettext
from app.domain.assist import Question, Scope
from widgets.companion.files import file_line
from widgets.companion.masks import hidden_text, kept_text
from widgets.companion.model import EndedView
from widgets.companion.permission import bar_name, granted_name, taken_back
from widgets.companion.request import ConsentButton
from widgets.companion.texts import end_reason
from widgets.foundation import (
    Button,
    Card,
    ElidedLabel,
    Look,
    Notice,
    Panel,
    PlainLabel,
    Theme,
    announce,
    column,
    fit,
    fmt,
    plain_tooltip,
    row,
)

__all__ = ["CheckNumberWindow", "EndedWindow", "QuestionWindow", "SharingBar", "SharingBorder"]

_SECOND_MS = 1000
_KINDS = (
    ((Scope.CONTROL,), N_("control")),
    ((Scope.CLIPBOARD_TO_CUSTOMER, Scope.CLIPBOARD_TO_AGENT), N_("clipboard")),
    ((Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT), N_("files")),
    ((Scope.DIAGNOSTICS,), N_("diagnostics")),
    ((Scope.RECORDING,), N_("recording")),
)


class _TopWindow(QWidget):
    """A window of ours above the others, with our ground."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(title)
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)


class CheckNumberWindow(_TopWindow):
    """Three numbers and "none of these"; no default. `picked` carries the number, `none_picked` means another one."""

    picked = Signal(str)
    none_picked = Signal()

    def __init__(self, theme: Theme, agent: str, numbers: tuple[str, ...]) -> None:
        super().__init__(_("Check number"))
        space = theme.tokens.space
        self._answered = False
        title = PlainLabel(_("Which number did {name} read to you?").format(name=agent), type="heading", wrap=True)
        why = PlainLabel(
            _(
                "The same number on both sides proves that nobody stands between. "
                "Until then, nothing but looking and pointing is possible."
            ),
            tone="muted",
            wrap=True,
        )
        self.numbers = [self._choice(theme, number) for number in numbers]
        self.none = Button(theme, _("None of these"), look=Look.DANGER, big=True, pressed=self._none)
        choices = row(*self.numbers, gap=space.medium)
        edge = (space.huge, space.wide, space.huge, space.wide)
        self.setLayout(column(title, why, choices, self.none, None, gap=space.large, margins=edge))
        fit(self, space.vast * 11, space.vast * 5)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()
        announce(self, title.text(), urgent=True)

    def _choice(self, theme: Theme, number: str) -> Button:
        button = ConsentButton(theme, number, big=True, pressed=lambda: self._pick(number))
        font = theme.font("title", tabular=True)
        button.setFont(font)
        button.setAccessibleName(_("Number {digits}").format(digits=" ".join(number.replace(" ", ""))))
        return button

    def _pick(self, number: str) -> None:
        if not self._answered:
            self._answered = True
            self.picked.emit(number)
            self.close()

    def _none(self) -> None:
        if not self._answered:
            self._answered = True
            self.none_picked.emit()
            self.close()

    def end(self) -> None:
        """Close: the session is over."""
        self._answered = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing without a choice leaves the question open; it cannot be closed away."""
        if self._answered:
            super().closeEvent(event)
        else:
            event.ignore()


class QuestionWindow(_TopWindow):
    """A question in mid-session; silence ends the session. `answered` is True for going on."""

    answered = Signal(bool)

    def __init__(
        self, theme: Theme, question: Question, agent: str, deadline_ms: int, monotonic_ms: Callable[[], int]
    ) -> None:
        super().__init__(_("Go on sharing?"))
        space = theme.tokens.space
        self._done = False
        self._deadline_ms = deadline_ms
        self._monotonic_ms = monotonic_ms
        if question is Question.GO_ON_UNVERIFIED:
            text = _("The check number was not compared yet. Go on with looking only, unverified?")
        else:
            text = _("{name} still looks at your screen. Go on?").format(name=agent)
        self.no = Button(theme, _("Stop sharing"), look=Look.DANGER, big=True, pressed=lambda: self._answer(False))
        self.yes = ConsentButton(theme, _("Go on"), look=Look.PRIMARY, big=True, pressed=lambda: self._answer(True))
        self.time = PlainLabel(type="caption", tone="muted")
        edge = (space.huge, space.wide, space.huge, space.wide)
        title = PlainLabel(_("Go on sharing?"), type="heading")
        buttons = row(self.no, None, self.yes, gap=space.small)
        self.setLayout(
            column(title, PlainLabel(text, wrap=True), self.time, None, buttons, gap=space.medium, margins=edge)
        )
        fit(self, space.vast * 9, space.vast * 5)
        self._timer = QTimer(self, interval=_SECOND_MS)
        self._timer.timeout.connect(self._count)
        self._timer.start()
        self._count()
        self.no.setFocus()

    def end(self) -> None:
        """Close without an answer."""
        self._done = True
        self.close()

    def _count(self) -> None:
        left = max(0, (self._deadline_ms - self._monotonic_ms()) // 1000)
        text = ngettext("Without an answer it ends in {n} second.", "Without an answer it ends in {n} seconds.", left)
        self.time.setText(text.format(n=left))

    def _answer(self, go_on: bool) -> None:
        if not self._done:
            self._done = True
            self.answered.emit(go_on)
            self.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape stops."""
        if event.key() == Qt.Key.Key_Escape:
            self._answer(False)
            return
        super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing the window stops sharing."""
        self._timer.stop()
        if not self._done:
            self._done = True
            self.answered.emit(False)
        super().closeEvent(event)


class SharingBar(QWidget):
    """On top of everything while something is shared: who may do what, Pause and STOP. STOP is first in Tab order."""

    stopped = Signal()
    pause_toggled = Signal(bool)
    masks_wanted = Signal()
    revoked = Signal(Scope)
    chat_wanted = Signal()

    def __init__(self, theme: Theme, agent: str, organisation: str, screen: QScreen | None = None) -> None:
        super().__init__()
        flags = Qt.WindowType
        self.setWindowFlags(
            flags.Window | flags.FramelessWindowHint | flags.WindowStaysOnTopHint | flags.X11BypassWindowManagerHint
        )
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setWindowTitle(_("Screen sharing"))
        self._theme = theme
        self._agent = agent
        self._organisation = organisation
        self._seconds = 0
        self._paused = False
        self._target = ""
        self._number = ""
        self._grants: tuple[Scope, ...] = ()
        self._why = ""
        self._lost = False
        self._connecting = True
        self._screen = screen or QGuiApplication.primaryScreen()
        self._passing = ""
        self._build()
        self._timer = QTimer(self, interval=_SECOND_MS)
        self._timer.timeout.connect(self._second)
        self._silence = QTimer(self, singleShot=True, interval=theme.tokens.time_ms["toast_undo"])
        self._silence.timeout.connect(self._silent)
        self._refresh()

    def _build(self) -> None:
        space = self._theme.tokens.space
        self._dot = PlainLabel()
        self._theme.set_label_icon(self._dot, "circle-dot", "live.fg")
        self.what = ElidedLabel(type="strong", tone="live")
        self.clock = PlainLabel(tone="live")
        self.clock.setFont(self._theme.font("strong", tabular=True))
        self.check = PlainLabel(tone="live")
        self.stop = Button(self._theme, _("STOP"), look=Look.LIVE, icon="octagon-x", pressed=self.stopped.emit)
        self.stop.setAccessibleName(_("Stop sharing"))
        self.stop.setToolTip(_("Stop sharing") + "  Ctrl+Alt+End")
        self.pause = Button(self._theme, _("Pause"), look=Look.LIVE_QUIET, icon="pause", pressed=self._toggle)
        self.chat = Button(self._theme, "", look=Look.LIVE_QUIET, icon="message-circle", pressed=self.chat_wanted.emit)
        self.chat.hide()
        self.masks = Button(self._theme, "", look=Look.LIVE_QUIET, icon="layers", pressed=self.masks_wanted.emit)
        self.masks.setAccessibleName(_("Hide parts of what is shared"))
        self.masks.setToolTip(_("Hide parts of what is shared"))
        self.show_unread(0)
        edge = (space.large, space.small, space.small, space.small)
        # from the right: STOP is first in Tab order and last on the bar
        self._given = row(gap=space.small)
        given = QWidget()
        given.setLayout(self._given)
        self.given: dict[Scope, Button] = {}
        parts = (self.stop, self.pause, self.masks, self.chat, given, self.check, self.clock, self.what, self._dot)
        inner = row(*parts, gap=space.medium, margins=edge)
        inner.setDirection(QBoxLayout.Direction.RightToLeft)
        inner.setStretch(parts.index(self.what), 1)
        self.setLayout(column(Panel("live", inner)))
        self.stop.setFocus()
        self._place()

    def _place(self) -> None:
        """At the top in the middle, wider with each button, so that who looks at what stays readable."""
        area, vast = self._screen.availableGeometry(), self._theme.tokens.space.vast
        width = min(area.width(), vast * (21 + 3 * len(self.given)))
        self.setFixedWidth(width)
        self.adjustSize()
        self.move(area.x() + (area.width() - width) // 2, area.y())

    def show_sharing(
        self, target: str, *, paused: bool, lost: bool, number: str, live: bool, grants: tuple[Scope, ...] = ()
    ) -> None:
        """Say what is shared and how, and what else is allowed; the clock runs from the first call with `live`."""
        self._show_grants(tuple(scope for scope in grants if scope is not Scope.VIEW))
        changed = (target, paused, number, live) != (self._target, self._paused, self._number, not self._connecting)
        self._target, self._paused, self._number, self._connecting = target, paused, number, not live
        self._lost = lost
        self.chat.setVisible(live)
        if live and not self._timer.isActive():
            self._timer.start()
        self._refresh(lost)
        if changed and live:
            announce(self, self.what.text(), urgent=True)

    def say(self, text: str) -> None:
        """Say something in passing, in place of who looks at what."""
        self._passing = text
        self._refresh(self._lost)
        announce(self, text, urgent=True)
        self._silence.start()

    def _silent(self) -> None:
        self._passing = ""
        self._refresh(self._lost)

    def show_unread(self, count: int) -> None:
        """How many texts of the agent wait to be read."""
        self.chat.setText(_("Chat ({n})").format(n=count) if count else _("Chat"))
        self.chat.setAccessibleName(
            ngettext("Chat, {n} unread text", "Chat, {n} unread texts", count).format(n=count) if count else _("Chat")
        )

    def show_kept(self, count: int, why: str) -> None:
        """Say how many parts are hidden, and why nothing is shown."""
        self.masks.setText(fmt.number(count) if count else "")
        self.masks.setAccessibleDescription(hidden_text(count) if count else "")
        if why != self._why:
            self._why = why
            self._refresh(self._lost)
            announce(self, self.what.text(), urgent=bool(why))

    def show_path(self, path: str) -> None:
        """Say by which way the picture goes, to who looks for it."""
        words = {"direct": _("Connected directly"), "relay": _("Connected through the organisation's relay")}
        self.clock.setToolTip(words.get(path, ""))
        self.clock.setAccessibleDescription(words.get(path, ""))

    def _show_grants(self, grants: tuple[Scope, ...]) -> None:
        """A button for each grant beyond looking: it says what is allowed and takes it back."""
        if grants == self._grants:
            return
        self._grants = grants
        for scope in [scope for scope in self.given if scope not in grants]:
            button = self.given.pop(scope)
            button.hide()
            button.deleteLater()
        for scope in grants:
            if scope not in self.given:
                button = Button(self._theme, bar_name(scope), look=Look.LIVE_QUIET, icon="x",
                                pressed=partial(self.revoked.emit, scope))  # fmt: skip
                button.setAccessibleName(taken_back(scope))
                button.setToolTip(plain_tooltip(taken_back(scope)))
                self._given.addWidget(button)
                self.given[scope] = button
        self._place()
        announce(self, _("Allowed now: {what}").format(what=", ".join(map(granted_name, (Scope.VIEW, *grants)))))

    def seconds(self) -> int:
        """Return how long sharing has lasted."""
        return self._seconds

    def _second(self) -> None:
        self._seconds += 1
        self.clock.setText(fmt.clock(self._seconds))
        self.raise_()

    def _refresh(self, lost: bool = False) -> None:
        if self._connecting:
            text = _("Connecting with {name}, {organisation}. Nothing is shown yet.")
        elif lost:
            text = _("The connection broke. Nothing is shown to {name} now.")
        elif self._why:
            text = kept_text(self._why).replace("{", "").replace("}", "")
        elif self._paused:
            text = _("Paused. {name} sees nothing.")
        elif Scope.CONTROL in self._grants:
            text = _("{name} CONTROLS “{target}”")
        else:
            text = _("{name} is LOOKING AT “{target}”")
        words = {"name": self._agent, "organisation": self._organisation, "target": self._target}
        self.what.setText(self._passing or text.format(**words))
        self.check.setText(_("verified {number}").format(number=self._number) if self._number else _("not verified"))
        self.pause.setText(_("Resume") if self._paused else _("Pause"))
        self._theme.set_icon(self.pause, "play" if self._paused else "pause", "live.fg")
        self.pause.setEnabled(not self._connecting)

    def _toggle(self) -> None:
        self.pause_toggled.emit(not self._paused)

    def closeEvent(self, event: QCloseEvent) -> None:
        """The bar goes only with the session."""
        event.ignore()

    def end(self) -> None:
        """Take the bar away: nothing is shared any more."""
        self._timer.stop()
        self.hide()
        self.deleteLater()


class SharingBorder(QWidget):
    """A red frame round what is shared; the mouse goes through it."""

    def __init__(self, theme: Theme, rect: tuple[int, int, int, int]) -> None:
        """`rect` is x, y, width, height of the shared area in logical pixels of the desktop."""
        super().__init__()
        flags = Qt.WindowType
        self.setWindowFlags(
            flags.Tool
            | flags.FramelessWindowHint
            | flags.WindowStaysOnTopHint
            | flags.WindowTransparentForInput
            | flags.X11BypassWindowManagerHint
            | flags.WindowDoesNotAcceptFocus
        )
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._theme = theme
        self._width = theme.tokens.space.tiny
        self.place(rect)

    def place(self, rect: tuple[int, int, int, int]) -> None:
        """Move to where the shared area is now."""
        self.setGeometry(QRect(*rect))
        inner = self.rect().adjusted(self._width, self._width, -self._width, -self._width)
        self.setMask(QRegion(self.rect()).subtracted(QRegion(inner)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the frame; the mask leaves only its sides."""
        del event
        QPainter(self).fillRect(self.rect(), self._theme.colour("live.bg"))


class EndedWindow(QWidget):
    """The summary: when, with whom, what was seen, why it ended. `save_wanted` asks to save the receipt."""

    save_wanted = Signal()

    def __init__(self, theme: Theme, ended: EndedView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        space = theme.tokens.space
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(_("Session ended"))
        self.notice = Notice(theme, kind="success")
        self.notice.hide()
        self.save = Button(theme, _("Save receipt…"), icon="receipt-text", pressed=self.save_wanted.emit)
        self.save.setEnabled(False)
        close = Button(theme, _("Close"), look=Look.PRIMARY, pressed=self.close)
        card = Card(theme)
        grid = QGridLayout()
        grid.setHorizontalSpacing(space.large)
        grid.setVerticalSpacing(space.small)
        grid.setColumnStretch(1, 1)
        for place, (name, value) in enumerate(self._facts(ended)):
            label = PlainLabel(name, tone="muted")
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            grid.addWidget(label, place, 0)
            grid.addWidget(PlainLabel(value, wrap=True, selectable=True), place, 1)
        card.body.addLayout(grid)
        title = PlainLabel(_("Session ended"), type="heading")
        why = PlainLabel(end_reason(*ended.reason.split("/", 1)), wrap=True)
        edge = (space.huge, space.wide, space.huge, space.wide)
        buttons = row(self.save, None, close, gap=space.small)
        self.setLayout(column(title, why, card, self.notice, None, buttons, gap=space.medium, margins=edge))
        fit(self, space.vast * 11, space.vast * 8)
        close.setFocus()
        self.summary = "\n".join(f"{name}: {value}" for name, value in self._facts(ended))

    @staticmethod
    def _facts(ended: EndedView) -> list[tuple[str, str]]:
        with_ = _("{name}, {organisation}").format(name=ended.agent, organisation=ended.organisation)
        facts = [(pgettext("session", "With"), with_), (_("Ticket"), ended.ticket_no)]
        if ended.started_ms:
            span = _("{start} to {end} ({length})").format(
                start=fmt.time_of_day(ended.started_ms),
                end=fmt.time_of_day(ended.ended_ms),
                length=fmt.duration((ended.ended_ms - ended.started_ms) // 1000),
            )
            seen = (
                _("“{target}”").format(target=ended.seen)
                if ended.frames
                else _("nothing; no picture left this computer")
            )
            facts += [(_("Time"), span), (_("Seen"), seen)]
            if ended.paused_s:
                facts.append((_("Paused"), fmt.duration(ended.paused_s)))
            if ended.allowed:
                names = ", ".join(granted_name(scope) for scope in ended.allowed)
                facts.append((_("Also allowed"), _("{what}, by your consent").format(what=names)))
            if ended.files:
                facts.append((_("Files"), "\n".join(file_line(view) for view in ended.files)))
            check = _("compared and equal") if ended.verified else _("not compared")
            facts.append((_("Check number"), check))
        used = set(ended.allowed)
        unused = ", ".join(_(name) for scopes, name in _KINDS if used.isdisjoint(scopes))
        alone = _("{what}; nobody else watched").format(what=unused) if unused else _("nothing; nobody else watched")
        facts.append((_("Not used"), alone))
        return facts

    def receipt_ready(self) -> None:
        """The receipt can be saved."""
        self.save.setEnabled(True)

    def saved(self, text: str, kind: str = "success") -> None:
        """Say where the receipt is, or why it could not be saved."""
        self.notice.tell(text, kind)
        self.notice.show()
