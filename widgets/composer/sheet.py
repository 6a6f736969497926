# SPDX-License-Identifier: GPL-3.0-or-later
"""One draft's sheet: a reply on its ground with its recipient, or an internal note on its own with a lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy

from app.config.i18n import _
from app.domain.attachments import BlobDesk
from app.domain.foreign_html import read_html
from app.domain.formatting import Mark, Rich
from app.domain.placeholders import fill
from app.domain.ports import DraftKind
from app.services.texts import polite
from app.services.triage_writing import After
from widgets.composer.files import DraftFiles, limits_text
from widgets.composer.format_bar import AskLink, FormatBar
from widgets.composer.formatted import FormattedEdit
from widgets.composer.pinned_words import PinnedWords
from widgets.composer.promise_strip import PromiseStrip
from widgets.foundation import (
    Button,
    ElidedButton,
    ElidedLabel,
    EnterFilter,
    IconButton,
    Look,
    Notice,
    Panel,
    PlainLabel,
    Theme,
    column,
    row,
)
from widgets.foundation.flow import Flow
from widgets.foundation.jobs import Jobs
from widgets.foundation.scroll_body import Tall

__all__ = ["Sheet"]


class Sheet(Panel):
    """Text field with head and foot. The kind is fixed for life: a reply's sheet can never become a note's."""

    send_pressed = Signal(object)  # After
    anyway_pressed = Signal()
    later_pressed = Signal()
    other_asked = Signal()
    folded = Signal()
    left = Signal()
    discarded = Signal()
    attach_asked = Signal()
    preview_asked = Signal()
    noticed = Signal()  # a notice came or went: the text has more or less room

    def __init__(
        self, theme: Theme, kind: DraftKind, jobs: Jobs, now_ms: Callable[[], int], blobs: BlobDesk | None = None
    ) -> None:
        super().__init__("reply" if kind is DraftKind.REPLY else "note")
        self.kind = kind
        self.loading = False
        self._customer = ""
        self._theme = theme
        tone = "reply" if kind is DraftKind.REPLY else "note"
        space = theme.tokens.space
        self.picture = PlainLabel()
        theme.set_label_icon(self.picture, "reply" if kind is DraftKind.REPLY else "lock", f"{tone}.fg")
        self.label = PlainLabel(type="strong", tone=tone)
        self.whom = ElidedLabel(tone=tone)
        self.state = ElidedLabel(type="caption", tone=tone)
        self.close_button = IconButton(theme, "chevron-down", "-", pressed=self.folded.emit)
        self.state.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        # where there is room for it: a note's head says in full who cannot read it, a reply's foot is full of buttons
        above, below = (self.state, None) if kind is DraftKind.REPLY else (space.small, self.state)
        head = row(self.picture, self.label, self.whom, above, self.close_button, gap=space.small)
        head.setStretch(2, 1)
        self.notice = Notice(theme, kind="warning")
        self.news = PlainLabel(wrap=True, selectable=True)
        self.notice.body.addWidget(self.news)
        self._notice_buttons()
        self.news_area = Tall(self.notice, lines=2)
        self._fit_soon = QTimer(self, singleShot=True, interval=0)  # at once layouts know of no other text
        self._fit_soon.timeout.connect(self._fit_bar)
        self.notice.hide()
        self.files = DraftFiles(theme, jobs, blobs)
        self.files.failed.connect(lambda text: self.tell(text, "danger"))
        self.edit = FormattedEdit(name="-")
        self.edit.html_given.connect(
            lambda html, at: jobs.query(lambda: read_html(html), lambda rich: self.edit.insert_rich(rich, at))
        )
        self.edit.files_given.connect(self.files.add)
        self.edit.image_given.connect(self.files.add_image)
        self.edit.setProperty("frame", "none")
        self.edit.setMinimumHeight(theme.tokens.space.vast)
        # a notice is read whole first
        self.edit.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.edit.installEventFilter(self)
        self.fillings = ElidedLabel(type="caption", tone=tone)
        self.fillings.hide()
        self.pinned = PinnedWords(theme)
        self.promise = PromiseStrip(theme, self.edit.toPlainText, now_ms)
        if kind is DraftKind.REPLY:
            self.edit.textChanged.connect(self.promise.typed)
        self._facts: Mapping[str, str] = {}
        self._missing: tuple[str, ...] = ()
        self.edit.textChanged.connect(self._say_fillings)
        self.send = ElidedButton(theme, "", look=Look.PRIMARY, icon="send" if tone == "reply" else "save")
        self.send.clicked.connect(lambda _on=False: self.send_pressed.emit(After.NOTHING))
        self.more = IconButton(theme, "chevron-up", "-", look=Look.NORMAL, pressed=self._open_menu)
        self.other = ElidedButton(theme, "", look=Look.QUIET, pressed=self.other_asked.emit)
        self.discard = IconButton(theme, "trash-2", "-", pressed=self.discarded.emit)
        self.menu = QMenu(self)
        self.attach = IconButton(theme, "paperclip", "-", pressed=self.attach_asked.emit)
        if blobs is None:
            self.attach.hide()
        self.preview = IconButton(theme, "eye", "-", pressed=self.preview_asked.emit)
        if kind is not DraftKind.REPLY:
            self.preview.hide()
        self.bar = FormatBar(theme, self.edit, self.ask_link, self.attach, self.preview)
        self.link: AskLink | None = None
        foot = row(self.send, self.more, space.small, below, None, self.other, self.discard, gap=space.tiny)
        if kind is not DraftKind.REPLY:
            self.more.hide()
        EnterFilter(self.edit, lambda: self.send_pressed.emit(After.NOTHING), control=True)
        box = column(
            head,
            self.news_area,
            self.pinned,
            self.edit,
            self.fillings,
            self.promise,
            self.files,
            self.bar,
            foot,
            gap=space.tiny,
            margins=(space.medium, space.small) * 2,
        )
        box.setStretchFactor(self.edit, 1)
        self.setLayout(box)

    def _notice_buttons(self) -> None:
        self.anyway = Button(self._theme, "", pressed=self.anyway_pressed.emit)
        self.go_on = Button(self._theme, "", pressed=self._edit_on)
        self.away = Button(self._theme, "", look=Look.DANGER, pressed=self.discarded.emit)
        for button in (self.anyway, self.go_on, self.away):
            button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.notice.body.addLayout(Flow(self._theme.tokens.space.small, self.anyway, self.go_on, self.away))

    def load(self, text: str, caret: int, marks: tuple[Mark, ...] = ()) -> None:
        """Show a draft; -1 puts the caret at the end. Nothing is saved by this."""
        if not text and self._is_blank():
            return
        self.loading = True
        self.edit.show_rich(Rich(text, marks))
        cursor = self.edit.textCursor()
        cursor.setPosition(len(text) if caret < 0 else min(caret, len(text)))
        self.edit.setTextCursor(cursor)
        self.loading = False
        if not text:
            self.tell("", "warning")

    def _is_blank(self) -> bool:
        """Tell whether nothing was written since the last draft was taken away, nor anything said about it."""
        document = self.edit.document()
        can_undo = document.isUndoAvailable() or document.isRedoAvailable()
        composed = self.edit.textCursor().block().layout().preeditAreaText()
        return document.isEmpty() and not composed and not can_undo and self.notice.isHidden()

    def ask_link(self) -> None:
        """Ask where the selected words lead; those of a link at the caret are selected first."""
        words, target = self.edit.link()
        self.link = AskLink(self._theme, words, target, self)
        self.link.chosen.connect(self.edit.set_link)
        self.link.finished.connect(lambda _result: self.edit.setFocus())
        self.link.open()

    def show_facts(self, facts: Mapping[str, str]) -> None:
        """Know what placeholders stand for on this ticket; what the text uses of it shows under the text."""
        self._facts = facts
        self._say_fillings()

    def _say_fillings(self) -> None:
        text = self.edit.toPlainText()
        filled = fill(text, self._facts) if self.kind is DraftKind.REPLY and "{{" in text else None
        values = filled.values.items() if filled is not None else ()
        self.fillings.setText("   ".join(f"{{{{{name}}}}} → {value}" for name, value in values))
        self.fillings.setVisible(bool(values))
        missing = filled.missing if filled is not None else ()
        if missing != self._missing:
            self._missing = missing
            self._say_whom()

    def say(self, text: str) -> None:
        """Say how the draft stands."""
        self.state.setText(text)

    def tell(self, text: str, kind: str) -> None:
        """Show a problem above the text, or take it away."""
        self.notice.tell(text, kind)
        for widget in (self.news, self.anyway, self.go_on, self.away):
            widget.hide()
        self.notice.setVisible(bool(text))
        self._fit_soon.start()
        self.noticed.emit()

    def needed_height(self) -> int:
        """Return the height at which a notice shows whole, with two lines of the text under it; 0 without one."""
        box = self.layout()
        if self.notice.isHidden() or box is None:
            return 0
        hidden = self.bar.minimumSizeHint().height() + box.spacing() if self.bar.isHidden() else 0
        notice = self.news_area.sizeHint().height() - self.news_area.minimumSizeHint().height()
        return box.totalMinimumSize().height() + notice + hidden

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Parts that can be spared give way."""
        super().resizeEvent(event)
        self._fit_bar()

    def _fit_bar(self) -> None:
        """Let the bar give way to a notice that would not show whole: the menu and keys have all of it."""
        self.bar.setVisible(self.height() >= self.needed_height())

    def hold(self, text: str, news: str) -> None:
        """Show what came meanwhile, with the three ways on."""
        self.tell(text, "warning")
        self.news.setText(news[:2000])
        for widget in (self.anyway, self.go_on, self.away):
            widget.show()
        self.news.setVisible(bool(news))
        self.go_on.setFocus()

    def _edit_on(self) -> None:
        self.tell("", "warning")
        self.edit.setFocus()

    def _open_menu(self) -> None:
        self.menu.clear()
        for after, text in ((After.WAIT, _("Send and wait")), (After.SOLVE, _("Send and solve"))):
            action = self.menu.addAction(text)
            action.triggered.connect(lambda _on=False, after=after: self.send_pressed.emit(after))
        self.menu.addSeparator()
        self.menu.addAction(_("Send later…")).triggered.connect(lambda _on=False: self.later_pressed.emit())
        self.menu.popup(self.more.mapToGlobal(self.more.rect().topLeft()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Escape leaves the text; it stays as a draft."""
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            return True
        return super().eventFilter(watched, event)

    def tell_customer(self, customer: str) -> None:
        """Say to whom a reply goes."""
        if customer == self._customer:
            return
        self._customer = customer
        if self.kind is DraftKind.REPLY:
            self._say_whom()

    def _say_whom(self) -> None:
        reply = self.kind is DraftKind.REPLY
        name = polite(self._customer) or _("the customer")
        self.whom.setText(_("to {name}").format(name=name) if reply else _("Not visible to the customer"))
        spoken = _("Reply to {name}").format(name=name) if reply else _("Internal note, not visible to the customer")
        self.edit.setAccessibleName(spoken)
        self.setAccessibleName(spoken)
        self.edit.setPlaceholderText(
            _("Write to {name}…").format(name=name) if reply else _("Write for your colleagues…")
        )
        if self._missing:
            self.send.setText(_("Not filled: {names}").format(names=", ".join(self._missing)))
        else:
            self.send.setText(_("Send to {name}").format(name=name) if reply else _("Save note"))

    def retranslate(self, customer: str) -> None:
        """Say everything in the language spoken now."""
        self._customer = customer
        self._say_whom()
        reply = self.kind is DraftKind.REPLY
        self.label.setText(_("Reply") if reply else _("Internal note"))
        self.send.setToolTip(_("Ctrl+Enter"))
        self.more.set_name(_("Send and set the state"))
        self.other.setText(_("Internal note") if reply else _("Reply"))
        self.other.setToolTip(_("Go to the other draft; this one stays as it is."))
        self.discard.set_name(_("Discard the draft"))
        self.attach.set_name(_("Attach files… {limits}").format(limits=f"({limits_text()})"), "Ctrl+Shift+A")
        self.bar.retranslate()
        self.preview.set_name(_("Preview the reply"), "Ctrl+Shift+P")
        self.close_button.set_name(_("Close; the draft is kept"))
        self.anyway.setText(_("Send anyway"))
        self.go_on.setText(_("Edit"))
        self.promise.retranslate()
        self.away.setText(_("Discard"))
