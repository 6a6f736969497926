# SPDX-License-Identifier: GPL-3.0-or-later
"""Chat of a session, the same at both ends: what was written, a field, and what becomes of a text while nothing passes.

Texts are plain: nothing in them is a link. `written` carries a text; whoever listens shows it again by `show_lines`.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app.config.i18n import _, ngettext, pgettext
from app.domain.plain_text import CHAT_CHARS_MAX, ChatLine, tidied
from widgets.foundation import format as fmt
from widgets.foundation.buttons import Button, Look
from widgets.foundation.labels import PlainLabel
from widgets.foundation.layout import Panel, column, row, scroll
from widgets.foundation.scroll_body import ScrollBody
from widgets.foundation.states import announce
from widgets.foundation.text import EnterFilter, PlainEdit, read_text
from widgets.foundation.theme import Theme

__all__ = ["ChatPanel"]

_COUNT_FROM = CHAT_CHARS_MAX - 500


class _Bubble(Panel):
    """One text: who, when, and the mark of one that the other end has not got."""

    def __init__(self, theme: Theme, line: ChatLine, name: str) -> None:
        space = theme.tokens.space
        who = _("You") if line.mine else name
        when = fmt.time_of_day(line.at_ms)
        self.waits = PlainLabel(type="caption", tone="muted", wrap=True)
        text = PlainLabel(line.text, wrap=True, selectable=True)
        head = row(PlainLabel(who, type="strong"), None, PlainLabel(when, type="caption", tone="muted"))
        edge = (space.medium, space.small, space.medium, space.small)
        super().__init__("card" if line.mine else "reply", column(head, text, self.waits, gap=space.tiny, margins=edge))
        self.setAccessibleName(f"{who}, {when}: {line.text}")
        self.show_sent(line.sent)

    def show_sent(self, sent: bool) -> None:
        """Say that it is still on its way, or nothing."""
        self.waits.setText("" if sent else _("not there yet"))
        self.waits.setVisible(not sent)


class ChatPanel(QWidget):
    """`unread_changed` tells how many texts came that nobody saw; a panel that shows and is in front has none."""

    written = Signal(str)
    unread_changed = Signal(int)
    left = Signal()  # Escape

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._name = ""
        self._lines: tuple[ChatLine, ...] = ()
        self._bubbles: list[_Bubble] = []
        self._open = False
        self._state = ""
        self._over = False
        self.unread = 0
        space = theme.tokens.space
        edge = (space.medium, space.small, space.medium, space.small)
        self._thread = column(gap=space.small, margins=edge)
        self._thread.addStretch(1)
        self.empty = PlainLabel(tone="muted", wrap=True)
        self._thread.addWidget(self.empty)
        content = ScrollBody()
        content.setProperty("panel", "window")
        content.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        content.setLayout(self._thread)
        self.area = scroll(content)
        self._follows = True  # the newest text stays in sight, unless somebody reads further up
        bar = self.area.verticalScrollBar()
        bar.rangeChanged.connect(self._to_end)
        bar.valueChanged.connect(self._scrolled)
        self.title = PlainLabel(type="strong")
        self.state = PlainLabel(tone="muted", wrap=True)
        self.state.hide()
        self.text = PlainEdit(name="")
        self.text.setFixedHeight(space.vast * 2)
        EnterFilter(self.text, self._send)
        self.text.textChanged.connect(self._typed)
        self.count = PlainLabel(type="caption", tone="muted")
        self.send = Button(theme, "", look=Look.PRIMARY, icon="send", pressed=self._send)
        foot = Panel("footer", column(self.state, self.text, row(self.count, None, self.send), gap=space.small,
                                      margins=edge))  # fmt: skip
        box = column(Panel("bar", row(self.title, margins=edge)), self.area, foot)
        box.setStretch(1, 1)
        self.setLayout(box)
        self.retranslate()

    # --- what the session says -------------------------------------------------------------------------------

    def show_lines(self, lines: Sequence[ChatLine], name: str, *, open_: bool) -> None:
        """Show what was written; `open_`: the other end's program can chat."""
        came = [line for line in lines[len(self._lines) :] if not line.mine]
        self._open = open_
        if name != self._name or len(lines) < len(self._lines):
            self._name, self._lines = name, ()
            for bubble in self._bubbles:
                self._thread.removeWidget(bubble)
                bubble.deleteLater()
            self._bubbles = []
        for bubble, line in zip(self._bubbles, lines, strict=False):
            bubble.show_sent(line.sent)
        for line in lines[len(self._bubbles) :]:
            bubble = _Bubble(self._theme, line, name)
            self._bubbles.append(bubble)
            self._thread.addWidget(bubble)
        self._lines = tuple(lines)
        self.retranslate()
        if came:
            announce(self, self._bubbles[-1].accessibleName())
            self._count_unread(0 if self._is_seen() else self.unread + len(came))
        if lines and lines[-1].mine:
            self._follows = True
        QTimer.singleShot(0, self, self._to_end)

    def show_state(self, words: str, *, over: bool = False) -> None:
        """Say why a text does not go at once, or ""; `over`: nothing is sent any more."""
        self._over = over
        if words != self._state:
            self._state = words
            if words and self.isVisible():
                announce(self, words)
        self.retranslate()

    def take_focus(self) -> None:
        """Go to the field; what is here is read."""
        self.text.setFocus()
        self._count_unread(0)

    # --- inside ----------------------------------------------------------------------------------------------

    def _is_seen(self) -> bool:
        return self.isVisible() and self.isActiveWindow()

    def _count_unread(self, count: int) -> None:
        if count != self.unread:
            self.unread = count
            self.unread_changed.emit(count)

    def _to_end(self) -> None:
        if self._follows:
            bar = self.area.verticalScrollBar()
            bar.setValue(bar.maximum())

    def _scrolled(self, value: int) -> None:
        bar = self.area.verticalScrollBar()
        self._follows = value >= bar.maximum() - bar.singleStep()

    def _typed(self) -> None:
        length = len(self.text.toPlainText())
        left = CHAT_CHARS_MAX - length
        self.count.setText(
            "" if length < _COUNT_FROM else
            ngettext("{n} character left", "{n} characters left", left).format(n=left) if left >= 0 else
            ngettext("{n} character too long", "{n} characters too long", -left).format(n=-left)
        )  # fmt: skip
        self.send.setEnabled(self._open and not self._over and left >= 0)

    def _send(self) -> None:
        text = tidied(read_text(self.text)).strip()
        if 0 < len(text) <= CHAT_CHARS_MAX and self._open and not self._over:
            said = len(self._lines)
            self.written.emit(text)
            if len(self._lines) > said:  # else too much waits already: the text stays
                self.text.clear()

    def event(self, event: QEvent) -> bool:
        """What shows in a window that is in front is read."""
        if event.type() in (QEvent.Type.WindowActivate, QEvent.Type.Show) and self._is_seen():
            self._count_unread(0)
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leaves the field."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            return
        super().keyPressEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.title.setText(_("Chat"))
        self.send.setText(pgettext("chat", "Send"))
        self.text.setAccessibleName(_("Text to {name}").format(name=self._name))
        self.text.setPlaceholderText(_("Write to {name}").format(name=self._name))
        here = _("Nothing was written yet. Enter sends, Shift+Enter begins a new line.")
        there = _("The program at the other end cannot chat.")
        self.empty.setText(here if self._open else there if self._name else "")
        self.empty.setVisible(not self._lines)
        self.state.setText(self._state)
        self.state.setVisible(bool(self._state))
        self.text.setEnabled(self._open and not self._over)
        self._typed()
