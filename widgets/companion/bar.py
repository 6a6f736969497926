# SPDX-License-Identifier: GPL-3.0-or-later
"""While a screen is shared: the bar on top of everything, and the border round what is seen."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QPainter, QPaintEvent, QRegion, QScreen
from PySide6.QtWidgets import QBoxLayout, QWidget

from app.config.i18n import _, ngettext
from app.domain.assist import Scope
from widgets.companion.masks import hidden_text, kept_text
from widgets.companion.permission import bar_name, granted_name, taken_back
from widgets.foundation import (
    WINDOW,
    Button,
    ElidedLabel,
    Look,
    Panel,
    PlainLabel,
    Theme,
    announce,
    column,
    fmt,
    plain_tooltip,
    restyle,
    row,
)
from widgets.foundation.flow import Flow

__all__ = ["SharingBar", "SharingBorder"]

_SECOND_MS = 1000
_READ = 22  # letters of who looks at what that can be read before anything goes below


class SharingBar(QWidget):
    """On top of everything while something is shared: who may do what, Pause and STOP. STOP is first in Tab order.

    Where one line has no room for all, what was allowed stands on lines of its own, and if that is not enough the
    other buttons show their icons alone. STOP always has its word.
    """

    spoken_role = WINDOW

    stopped = Signal()
    pause_toggled = Signal(bool)
    masks_wanted = Signal()
    target_wanted = Signal()
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
        self._unread = 0
        self._icons_only = self._wrapped = False
        screen = screen or QGuiApplication.primaryScreen()
        self._screen_name = screen.name()  # the screen itself may go, with its monitor
        screen.availableGeometryChanged.connect(self._place)
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
        self.alone = PlainLabel(_("nobody else watches"), tone="live")
        self.stop = Button(self._theme, _("STOP"), look=Look.LIVE, icon="octagon-x", pressed=self.stopped.emit)
        self.stop.setAccessibleName(_("Stop sharing"))
        hint = _("While a menu or a question of another program is open the key may not work; this button always does.")
        self.stop.setToolTip(plain_tooltip(_("Stop sharing") + "  Ctrl+Alt+End\n" + hint))
        self.pause = Button(self._theme, _("Pause"), look=Look.LIVE_QUIET, icon="pause", pressed=self._toggle)
        self.chat = Button(self._theme, "", look=Look.LIVE_QUIET, icon="message-circle", pressed=self.chat_wanted.emit)
        self.chat.hide()
        self.masks = Button(self._theme, "", look=Look.LIVE_QUIET, icon="layers", pressed=self.masks_wanted.emit)
        self.masks.setProperty("iconOnly", True)
        self.masks.setAccessibleName(_("Hide parts of what is shared"))
        self.masks.setToolTip(_("Hide parts of what is shared"))
        self.switch = Button(self._theme, "", look=Look.LIVE_QUIET, icon="app-window", pressed=self.target_wanted.emit)
        self.switch.setAccessibleName(_("Share something else"))
        self.switch.setToolTip(_("Share something else"))
        self.switch.setProperty("iconOnly", True)
        self.switch.hide()
        self._tell_chat()
        edge = (space.large, space.small, space.small, space.small)
        # from the right: STOP is first in Tab order and last on the bar
        self._given = Flow(space.small)
        self._allowed = QWidget()
        self._allowed.setLayout(self._given)
        self.given: dict[Scope, Button] = {}
        self._facts = QWidget()
        self._facts.setLayout(row(self.clock, self.check, gap=space.medium))
        words = (self._facts, self.alone, self.what, self._dot)
        parts = (self.stop, self.pause, self.masks, self.switch, self.chat, *words)
        self._first = row(*parts, gap=space.medium, margins=edge)
        self._first.setDirection(QBoxLayout.Direction.RightToLeft)
        self._first.setStretch(parts.index(self.what), 1)
        self._first.insertWidget(parts.index(self._facts), self._allowed)
        self._below = row(margins=(space.large, 0, space.small, 0))
        self._whole = column(self._first, self._below, None)
        self.setLayout(column(Panel("live", self._whole)))
        self.stop.setFocus()
        self._place()

    def _place(self) -> None:
        """At the top in the middle, wider with each button, so that who looks at what stays readable."""
        area, vast = self._area(), self._theme.tokens.space.vast
        for part in self.findChildren(QWidget):
            part.ensurePolished()  # else its size is that of another style
        self.alone.setVisible(self._is_seen())
        self._arrange(below=False, icons_only=False)
        if self._needed() > area.width():
            self.alone.hide()  # who looks at what, and every button, go before it
        if self.given and self._needed() > area.width():
            self._arrange(below=True, icons_only=False)
        if self._needed() > area.width():
            self._arrange(below=True, icons_only=True)
        lines = 0 if self._wrapped else len(self.given)
        width = min(area.width(), max(self._needed(), vast * (21 + 3 * lines)))
        self.setFixedSize(width, self._height(width))
        self.move(area.x() + (area.width() - width) // 2, area.y())

    def follow(self, rect: tuple[int, int, int, int]) -> None:
        """Stand on the screen that has the middle of what is shared, in logical pixels of the desktop."""
        x, y, width, height = rect
        screen = QGuiApplication.screenAt(QPoint(x + width // 2, y + height // 2))
        if screen is not None and screen.name() != self._screen_name:
            self._screen_name = screen.name()
            screen.availableGeometryChanged.connect(self._place)
            self._place()

    def _area(self) -> QRect:
        named = (screen for screen in QGuiApplication.screens() if screen.name() == self._screen_name)
        return next(named, QGuiApplication.primaryScreen()).availableGeometry()

    def _arrange(self, *, below: bool, icons_only: bool) -> None:
        """Put what was allowed beside the rest or below it; clock and check number go with it where words go."""
        if icons_only != self._icons_only:
            self._icons_only = icons_only
            for button in (self.pause, self.chat):
                restyle(button, iconOnly=icons_only)
            if icons_only:
                self._first.removeWidget(self._facts)
                self._given.insertWidget(0, self._facts)  # as high as a button, to stand on one line with them
                self._facts.setMinimumHeight(self.stop.sizeHint().height())
            else:
                self._given.removeWidget(self._facts)
                self._facts.setMinimumHeight(0)
                self._first.insertWidget(self._first.indexOf(self.what), self._facts)
            self._facts.show()  # another parent hides it
        if below != self._wrapped:
            self._wrapped = below
            old, new = (self._first, self._below) if below else (self._below, self._first)
            old.removeWidget(self._allowed)
            new.insertWidget(0 if below else self._first.indexOf(self.chat) + 1, self._allowed)
        self._allowed.setVisible(bool(self.given) or icons_only)
        self._allowed.setMinimumWidth(0 if below else self._given.sizeHint().width())
        self._tell_pause()
        self._tell_chat()

    def _needed(self) -> int:
        """How wide the first line must be, with room to read who looks."""
        for part in (self._facts, self._allowed):
            part.updateGeometry()  # what is in them may have changed since the loop ran
        self._first.invalidate()
        return self._first.minimumSize().width() + self.what.fontMetrics().averageCharWidth() * _READ

    def _height(self, width: int) -> int:
        self._whole.invalidate()
        high, space = self._first.sizeHint().height(), self._theme.tokens.space
        if self._wrapped:
            high += self._given.heightForWidth(width - space.large - space.small) + space.small
        return high

    def show_sharing(
        self, target: str, *, paused: bool, lost: bool, number: str, live: bool, grants: tuple[Scope, ...] = ()
    ) -> None:
        """Say what is shared and how, and what else is allowed; the clock runs from the first call with `live`."""
        self._show_grants(tuple(scope for scope in grants if scope is not Scope.VIEW))
        changed = (target, paused, number, live) != (self._target, self._paused, self._number, not self._connecting)
        self._target, self._paused, self._number, self._connecting = target, paused, number, not live
        self._lost = lost
        self.chat.setHidden(not live)
        self.switch.setHidden(not live)
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
        self._unread = count
        self._place()

    def _tell_chat(self) -> None:
        count, short = self._unread, self._icons_only
        shown = fmt.number(count) if short else _("Chat ({n})").format(n=count)
        self.chat.setText(shown if count else "" if short else _("Chat"))
        name = ngettext("Chat, {n} unread text", "Chat, {n} unread texts", count).format(n=count)
        self.chat.setAccessibleName(name if count else _("Chat"))
        self.chat.setToolTip(plain_tooltip(self.chat.accessibleName()) if short else "")

    def _tell_pause(self) -> None:
        text = _("Resume") if self._paused else _("Pause")
        self.pause.setText("" if self._icons_only else text)
        self.pause.setAccessibleName(text)
        self.pause.setToolTip(plain_tooltip(text) if self._icons_only else "")

    def show_kept(self, count: int, why: str) -> None:
        """Say how many parts are hidden, and why nothing is shown."""
        self.masks.setText(fmt.number(count) if count else "")
        restyle(self.masks, iconOnly=not count)
        self.masks.setAccessibleName(_("Hide parts of what is shared"))
        self.masks.setAccessibleDescription(hidden_text(count) if count else "")
        self._place()
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
            self._given.removeWidget(button)
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
                button.show()
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
        self.what.setAccessibleDescription(self.alone.text() if self._is_seen() else "")
        self.check.setText(_("verified {number}").format(number=self._number) if self._number else _("not verified"))
        self._theme.set_icon(self.pause, "play" if self._paused else "pause", "live.fg")
        self.pause.setEnabled(not self._connecting)
        self._place()

    def _is_seen(self) -> bool:
        return not (self._connecting or self._lost or self._paused or self._why)

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
