# SPDX-License-Identifier: GPL-3.0-or-later
"""The conversation: messages, replies, notes and quiet lines of history, newest last, plain text throughout."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QElapsedTimer, QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QScrollArea, QWidget

from app.config.i18n import _, ngettext
from app.domain.attachments import BlobStatus
from app.domain.ids import TicketId, UserId
from app.domain.ports import Choices, ThreadItem, TicketDetails
from app.services.texts_history import EventLine, event_line
from widgets.foundation import Button, Look, Theme, column, row, scroll
from widgets.foundation.block_column import BlockColumn
from widgets.foundation.turns import Rank, Steps, delete_later
from widgets.ticket.items import EventRow, MessageBlock

__all__ = ["Conversation"]

AT_FIRST = 40  # so many come by themselves, newest first, a few in each turn of the event loop; the rest on demand
TOGETHER_NS = 40_000_000  # so long the newest wait for each other, to be painted together
PART_NS = 3_000_000  # as much of them is made in one turn, before a further one begins
GROUP = 6  # so many of the others are put in, and painted, together

Entry = tuple[ThreadItem, EventLine | None]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip()).casefold()


class Conversation(QWidget):
    """Shows a ticket's items. Keyboard: arrows and pages scroll; Tab goes into the texts."""

    link_chosen = Signal(str)
    restore_asked = Signal(str, object)  # a field and the value that gave way
    file_asked = Signal(str, object, object)  # as MessageBlock's
    files_shown = Signal(object)  # attachments whose state is wanted
    moved = Signal()  # other items are in sight
    held = Signal(bool)  # nothing is painted for a moment, or again

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._ticket: TicketId | None = None
        self._items: Sequence[ThreadItem] = ()
        self._choices = Choices()
        self._me: UserId | None = None
        self._files: dict[bytes, BlobStatus] = {}
        self._first = 0
        self._shown: list[Entry] = []
        self._made: dict[bytes, tuple[Entry, QWidget]] = {}
        self._ready: dict[bytes, tuple[Entry, QWidget]] = {}  # made, not yet in the column
        self._from_end: int | None = None
        self._reveals: tuple[bytes, str] | None = None
        space = theme.tokens.space
        self._column = BlockColumn((space.large, space.medium, space.large, space.large), space.small)
        self.earlier = Button(theme, "", look=Look.LINK, pressed=self._show_earlier)
        self._head = QWidget()
        self._head.setLayout(row(None, self.earlier, None))
        self._column.insert(0, self._head)
        self._head.hide()
        self.area: QScrollArea = scroll(self._column)
        self.area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.area.verticalScrollBar().rangeChanged.connect(self._stay_at_end)
        self.area.verticalScrollBar().rangeChanged.connect(self.moved)
        self.area.verticalScrollBar().valueChanged.connect(self.moved)
        self._at_end = True
        self._follow = QTimer(self, singleShot=True, interval=0)
        self._follow.timeout.connect(self._to_end)
        self._filling = Steps(self._fill_on, Rank.READ, self)
        self._held_since = QElapsedTimer()
        self._ready_height = 0
        self.setLayout(column(self.area))
        self.setFocusProxy(self.area)
        self.retranslate()

    def show_details(
        self,
        details: TicketDetails,
        choices: Choices,
        me: UserId | None,
        files: Mapping[bytes, BlobStatus] | None = None,
    ) -> None:
        """Show a ticket's conversation; on the same ticket only what changed is made anew.

        Items come a few in each turn of the event loop, the newest first. `files` is how the contents of its
        attachments stand.
        """
        same = details.row.id == self._ticket and choices is self._choices
        self._at_end = not same or self._is_at_end()
        if not same:
            self._first = max(0, len(details.items) - AT_FIRST)
            self._from_end = None
            self._files.clear()
            self._clear()
        self._files.update(files or {})
        self._ticket, self._items, self._choices, self._me = details.row.id, details.items, choices, me
        self._choose()
        self._begin()
        if self._at_end:
            self._follow.start()

    def shows_end(self) -> bool:
        """Tell whether the end of the newest item is in sight."""
        newest = self._shown[-1][0].id if self._shown else None
        return newest in self._made and self.area.isVisible() and self._is_at_end()

    def texts(self) -> list[str]:
        """Return what stands there, in order, as a screen reader reads it."""
        return [block.accessibleName() for block in self._column.blocks()[1:]]

    def show_blob(self, sha256: bytes, status: BlobStatus) -> None:
        """Show how the content of an attachment stands, also in what is made later."""
        self._files[sha256] = status
        for _entry, widget in self._made.values():
            if isinstance(widget, MessageBlock) and widget.files is not None:
                widget.files.show_status(sha256, status)

    def find_items(self, text: str) -> list[bytes]:
        """Return the messages and notes that hold the text, oldest first; letter case does not matter."""
        wanted = _folded(text)
        return [item.id for item in self._items if not item.event and wanted in _folded(item.body)] if wanted else []

    def reveal(self, id_: bytes, text: str = "") -> None:
        """Bring an item into sight, made first if need be, and mark the text in it."""
        place = next((n for n, item in enumerate(self._items) if item.id == id_), None)
        if place is None:
            return
        self._at_end, self._reveals = False, (id_, text)
        if place < self._first:
            self._first = place
            self._choose()
            self._begin()
        self._look_there()
        if all(self._is_made(entry) for entry in self._shown):
            self._reveals = self._from_end = None

    def _look_there(self) -> None:
        id_, text = self._reveals or (b"", "")
        made = self._made.get(id_)
        if made is None:
            return  # it comes in one of the next turns
        block, bar = made[1], self.area.verticalScrollBar()
        if isinstance(block, MessageBlock):
            block.mark(text)
        bar.setValue(max(0, block.y() - self._theme.tokens.space.large))
        self._from_end = bar.maximum() - bar.value()

    def leave_free(self, px: int) -> None:
        """Leave so much free at the foot, for what stands there for a while; who reads the end goes on reading it."""
        self._at_end = self._is_at_end()
        self.area.setViewportMargins(0, 0, 0, px)

    def _is_at_end(self) -> bool:
        bar = self.area.verticalScrollBar()
        return bar.value() >= bar.maximum() - self._theme.tokens.space.vast

    def scroll_by(self, pages: float) -> None:
        """Scroll by pages; negative is up."""
        bar = self.area.verticalScrollBar()
        bar.setValue(bar.value() + round(pages * bar.pageStep()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Scroll to the ends."""
        bar = self.area.verticalScrollBar()
        if event.key() == Qt.Key.Key_Home:
            bar.setValue(bar.minimum())
        elif event.key() == Qt.Key.Key_End:
            bar.setValue(bar.maximum())
        else:
            super().keyPressEvent(event)

    def _choose(self) -> None:
        """Say in words what is to be shown; items whose words stand elsewhere are left out."""
        self._shown = []
        for item in self._items[self._first :]:
            line = event_line(item, self._items, self._choices, self._me)
            if line is not None or not item.event:
                self._shown.append((item, line))

    def _begin(self) -> None:
        """Make the newest at once; the others follow in the next turns of the event loop."""
        wanted = {item.id for item, _line in self._shown}
        self._drop([i for i in self._made if i not in wanted])
        self._tell_earlier()
        self._drop_ready()
        if more := self._fill():
            self._put_ready()  # the newest in any case
        self._hold(wait=more and not self._fills_pane())
        if more:
            self._filling.start()

    def _fills_pane(self) -> bool:
        return self._column.minimumSizeHint().height() + self._ready_height >= self.area.height()

    def _hold(self, *, wait: bool) -> None:
        """Paint nothing for a moment, or again: what a person sees first is painted once, not block by block."""
        if wait:
            self._held_since.start()
        else:
            self._held_since.invalidate()
        self.area.viewport().setUpdatesEnabled(not wait)
        self.held.emit(wait)

    def _fill_on(self) -> bool:
        """Go on filling: a step, or a few while nothing is painted; tell whether more is missing."""
        if not self._held_since.isValid():
            return self._fill()
        part = QElapsedTimer()
        part.start()
        wait = True
        while wait and (entry := self._next()) is not None and part.nsecsElapsed() < PART_NS:
            self._prepare(entry)
            wait = not self._fills_pane() and self._held_since.nsecsElapsed() < TOGETHER_NS
        self._put_ready()
        more = self._next() is not None
        if not (more and wait):
            self._hold(wait=False)
        return more or self._fill()

    def _fill(self) -> bool:
        """Bring the column a step nearer to what is to be shown; tell whether more is missing.

        A block is made in one step. It is put into the column in a later one, with some others where the pane is
        painted meanwhile.
        """
        entry = self._next()
        together = GROUP if self._made else 1
        if entry is not None and len(self._ready) < together:
            self._prepare(entry)
            return True
        if self._ready:
            self._put_ready()
            return True
        self._from_end = None
        if self._reveals is not None:
            self._look_there()
            self._reveals = self._from_end = None
        return False

    def _next(self) -> Entry | None:
        """Return the newest item that is not made yet."""
        return next((entry for entry in reversed(self._shown) if not self._is_here(entry)), None)

    def _is_here(self, entry: Entry) -> bool:
        return self._is_made(entry) or entry[0].id in self._ready

    def _is_made(self, entry: Entry) -> bool:
        made = self._made.get(entry[0].id)
        return made is not None and made[0] == entry

    def _drop_ready(self) -> None:
        ready, self._ready, self._ready_height = self._ready, {}, 0
        for _entry, widget in ready.values():
            delete_later(widget)

    def _prepare(self, entry: Entry) -> None:
        widget = self._make(*entry)
        widget.setParent(self._column)  # first: what is styled before it has a place is styled again there
        for part in (widget, *widget.findChildren(QWidget)):
            part.ensurePolished()
        self._ready[entry[0].id] = (entry, widget)
        if self._held_since.isValid():
            self._ready_height += self._column.height_of(widget)

    def _put_ready(self) -> None:
        ready, self._ready, self._ready_height = self._ready, {}, 0
        self._drop([id_ for id_ in ready if id_ in self._made])
        self._made |= ready
        there = [item.id for item, _line in self._shown if item.id in self._made]
        self._column.insert_all((1 + place, ready[id_][1]) for place, id_ in enumerate(there) if id_ in ready)
        for entry, _widget in ready.values():
            if entry[0].attachments:
                self.files_shown.emit(entry[0].attachments)

    def _make(self, item: ThreadItem, line: EventLine | None) -> QWidget:
        if line is not None:
            event = EventRow(self._theme, item, line)
            event.restore_asked.connect(self.restore_asked)
            return event
        own = item.author == self._me and self._me is not None
        block = MessageBlock(self._theme, item, own=own, files=self._files)
        block.link_chosen.connect(self.link_chosen)
        if item.attachments:
            block.file_asked.connect(self.file_asked)
        return block

    def _drop(self, ids: Sequence[bytes]) -> None:
        widgets = [self._made.pop(id_)[1] for id_ in ids]
        self._column.take(widgets)
        for widget in widgets:
            delete_later(widget)

    def _clear(self) -> None:
        self._drop(list(self._made))

    def _show_earlier(self) -> None:
        bar = self.area.verticalScrollBar()
        self._from_end = bar.maximum() - bar.value()
        self._at_end = False
        self._first = max(0, self._first - AT_FIRST)
        self._choose()
        self._begin()

    def _tell_earlier(self) -> None:
        n = self._first
        self._head.setVisible(n > 0 and n <= max(0, len(self._items) - AT_FIRST))
        self.earlier.setText(ngettext("Show {n} earlier item", "Show {n} earlier items", n).format(n=min(n, AT_FIRST)))

    def _stay_at_end(self, _low: int, high: int) -> None:
        if self._at_end:
            self.area.verticalScrollBar().setValue(high)
        elif self._from_end is not None:  # earlier items come above: what the person reads stays where it is
            self.area.verticalScrollBar().setValue(high - self._from_end)

    def _to_end(self) -> None:
        bar = self.area.verticalScrollBar()
        bar.setValue(bar.maximum())

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.area.setAccessibleName(_("Conversation"))
        self._clear()
        self._choose()
        self._begin()
