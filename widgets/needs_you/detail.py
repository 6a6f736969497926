# SPDX-License-Identifier: GPL-3.0-or-later
"""One entry that waits: what happened, what is safe, the values beside each other, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.config.i18n import N_, _, ngettext
from app.domain.needs import NeedDetail, NeedItem, NeedKind
from app.domain.ports import Choices
from app.services.needs_you import Action, actions_of, both_texts
from app.services.texts_needs import body_text, brief, entry_line, need_words
from widgets.foundation import (
    Button,
    EmptyState,
    EnterFilter,
    Look,
    Panel,
    PlainEdit,
    PlainLabel,
    Theme,
    column,
    fmt,
    read_text,
    row,
    scroll,
)
from widgets.foundation.flow import Flow
from widgets.foundation.scroll_body import ScrollBody
from widgets.needs_you.compare import Compare
from widgets.needs_you.kept import Kept

__all__ = ["NeedsDetail"]

SAVE_MS = 500
SUMMED = 30
_TITLES = {
    Action.MINE: N_("Keep mine"),
    Action.THEIRS: N_("Keep theirs"),
    Action.EDIT: N_("Edit merged"),
    Action.RELEASE: N_("Send anyway"),
    Action.RESTORE: N_("Restore with my change"),
    Action.AGAIN: N_("Send again"),
    Action.COPY: N_("Copy text"),
    Action.EXPORT: N_("Export to a file…"),
    Action.DISCARD: N_("Discard"),
}
_ICONS = {Action.COPY: "copy", Action.EXPORT: "save", Action.DISCARD: "trash-2", Action.RELEASE: "send"}
_KEYS = {Action.MINE: "1", Action.THEIRS: "2", Action.EDIT: "3"}
# the one next deed where there is no choice between two people's values
_FIRST = {Action.RESTORE, Action.AGAIN}
_KEPT = (NeedKind.STALE_REPLY, NeedKind.DELETED, NeedKind.REJECTED, NeedKind.ORPHANED, NeedKind.HELD, NeedKind.DRAFT)


class NeedsDetail(Panel):
    """`asked` gives an Action and the entries; `edited` a text put together by hand; `released` an edited reply."""

    asked = Signal(object, object)  # Action, list[NeedItem]
    released = Signal(object, object)  # NeedDetail, edited text or None
    edited = Signal(object, str)  # NeedItem, text
    edit_begun = Signal(bytes)
    edit_changed = Signal(bytes, str)
    ticket_asked = Signal(object)  # TicketId
    copied = Signal()
    export_asked = Signal(str, str)  # text, suggested name
    left = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__("window")
        self._theme = theme
        self._items: list[NeedItem] = []
        self._any = True
        self._detail: NeedDetail | None = None
        self._choices = Choices()
        self._save_soon = QTimer(self, singleShot=True, interval=SAVE_MS)
        self._save_soon.timeout.connect(self._save_edit)
        self._build(theme)
        self.retranslate()

    def _build(self, theme: Theme) -> None:
        space = theme.tokens.space
        self.picture = PlainLabel()
        self.title = PlainLabel(type="title", wrap=True, selectable=True)
        self.open_button = Button(theme, "", look=Look.LINK, pressed=self._open_ticket)
        self.words = PlainLabel(wrap=True, selectable=True)
        self.compare, self.kept = Compare(theme), Kept(theme)
        self.summary = PlainLabel(wrap=True, selectable=True)
        self.edit_label = PlainLabel(type="strong")
        self.edit = PlainEdit(name="-")
        self.edit.setMinimumHeight(space.vast * 4)
        self.edit.textChanged.connect(self._typed)
        EnterFilter(self.edit, self._finish_edit, control=True)
        self.edit_done = Button(theme, "", look=Look.PRIMARY, pressed=self._finish_edit)
        self.edit_cancel = Button(theme, "", pressed=self._leave_edit)
        self.edit_box = QWidget()
        buttons = row(self.edit_done, self.edit_cancel, None, gap=space.small)
        self.edit_box.setLayout(column(self.edit_label, self.edit, buttons, gap=space.small))
        self.buttons = {action: self._button(action) for action in Action}
        self.choices_box = QWidget()
        flow = Flow(space.small)
        for button in self.buttons.values():
            flow.addWidget(button)
        self.choices_box.setLayout(flow)
        head = row(self.picture, self.title, gap=space.small)
        head.setAlignment(self.picture, Qt.AlignmentFlag.AlignTop)
        head.setStretch(1, 1)
        top = Panel("bar")
        edge = (space.large, space.medium, space.large, space.medium)
        top.setLayout(
            column(row(self.open_button, None), head, self.words, self.choices_box, gap=space.small, margins=edge)
        )
        body = ScrollBody()
        around = (space.large, space.medium, space.large, space.large)
        body.setLayout(
            column(self.compare, self.kept, self.summary, self.edit_box, None, gap=space.medium, margins=around)
        )
        self.area = scroll(body)
        page = Panel("window")
        box = column(top, self.area)
        box.setStretch(1, 1)
        page.setLayout(box)
        self.empty = EmptyState(theme, "", "-", icon="list")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(page)
        self._page = page
        self.setLayout(column(self.stack))

    def _button(self, action: Action) -> Button:
        look = Look.PRIMARY if action in _FIRST else Look.NORMAL
        look = Look.DANGER if action is Action.DISCARD else look
        return Button(self._theme, "", look=look, icon=_ICONS.get(action, ""), pressed=lambda: self.act(action))

    # --- what is shown ------------------------------------------------------------------------------------------------

    def show_choices(self, choices: Choices) -> None:
        """Names of states and people came or changed."""
        self._choices = choices
        self.retranslate()

    def show_items(self, items: Sequence[NeedItem], *, any_wait: bool = True) -> None:
        """Entries were chosen: none, one whose details follow, or several to be decided alike."""
        self._any = any_wait
        ids, before = [i.id for i in items], [i.id for i in self._items]
        self._items = list(items)
        if ids != before:
            self._end_edit()
            self._detail = None
        self.retranslate()

    def show_detail(self, detail: NeedDetail) -> None:
        """The details of the one entry that is chosen came."""
        if [detail.item.id] == [i.id for i in self._items] and detail != self._detail:
            self._detail = detail
            self.retranslate()

    def is_editing(self) -> bool:
        """Tell whether a text is being put together."""
        return not self.edit_box.isHidden()

    def focus(self) -> None:
        """Take the keyboard: the editor, or the first thing that can be done."""
        if self.is_editing():
            self.edit.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return
        first = next((b for b in self.buttons.values() if b.isVisible()), None)
        (first or self.open_button).setFocus(Qt.FocusReason.ShortcutFocusReason)

    # --- deciding -----------------------------------------------------------------------------------------------------

    def can(self, action: Action) -> bool:
        """Tell whether this can be done with what is chosen."""
        return not self.is_editing() and action in actions_of(self._items)

    def act(self, action: Action) -> None:
        """Do something with what is chosen."""
        if not self.can(action):
            return
        if action is Action.EDIT:
            self._begin_edit()
        elif action is Action.RELEASE:
            if self._detail is not None:
                self.released.emit(self._detail, None)
        elif action is Action.COPY:
            QGuiApplication.clipboard().setText(self._text())
            self.copied.emit()
        elif action is Action.EXPORT:
            label = next((i.label.lstrip("#~") for i in self._items if i.label), "")
            self.export_asked.emit(self._text(), f"deskside-{label}.txt" if label else "deskside.txt")
        else:
            self.asked.emit(action, list(self._items))

    def _text(self) -> str:
        return "\n\n".join(
            "\n".join(filter(None, (entry_line(i) if len(self._items) > 1 else "", self._body(i)))) for i in self._items
        )

    def _body(self, item: NeedItem) -> str:
        return body_text(item, self._choices, fmt.moment)

    def _open_ticket(self) -> None:
        if self._items and self._items[0].ticket is not None:
            self.ticket_asked.emit(self._items[0].ticket)

    # --- putting a text together --------------------------------------------------------------------------------------

    def _begin_edit(self) -> None:
        item = self._items[0]
        base = item.base if isinstance(item.base, str) else None
        both = both_texts(_str(item.theirs), _str(item.mine), base)
        self._load(item.body if item.kind is NeedKind.STALE_REPLY else both)
        self.edit_box.show()
        self.retranslate()
        self.edit.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.edit_begun.emit(item.id)

    def load_edit(self, entry: bytes, text: str) -> None:
        """A text begun earlier goes on."""
        if text and self.is_editing() and [i.id for i in self._items] == [entry]:
            self._load(text)

    def _load(self, text: str) -> None:
        blocked = self.edit.blockSignals(True)
        self.edit.setPlainText(text)
        self.edit.blockSignals(blocked)

    def _typed(self) -> None:
        if self.is_editing() and not self._save_soon.isActive():
            self._save_soon.start()

    def _save_edit(self) -> None:
        self._save_soon.stop()
        if self.is_editing() and len(self._items) == 1:
            self.edit_changed.emit(self._items[0].id, self.edit.toPlainText())

    def save_now(self) -> None:
        """Keep what is being typed."""
        if self._save_soon.isActive():
            self._save_edit()

    def _finish_edit(self) -> None:
        text = read_text(self.edit)
        if not self.is_editing() or not text.strip():
            return
        item, detail = self._items[0], self._detail
        if item.kind is NeedKind.STALE_REPLY:
            if detail is None:
                return
            self._end_edit()
            self.released.emit(detail, text)
        else:
            self._end_edit()
            self.edited.emit(item, text)
        self.retranslate()

    def _leave_edit(self) -> None:
        self._end_edit()
        self.retranslate()
        self.focus()

    def _end_edit(self) -> None:
        self.save_now()
        self.edit_box.hide()

    # --- words --------------------------------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.setAccessibleName(_("What waits, in detail"))
        self.edit_done.setAccessibleName(_("Use this text"))
        self.edit_cancel.setText(_("Cancel"))
        for label in (self.empty.picture, self.empty.title, self.empty.text):
            label.setVisible(self._any)
        self.empty.title.setText(_("Nothing is chosen"))
        self.empty.text.setText(_("Choose an entry on the left to see what happened and what you can do."))
        self.stack.setCurrentWidget(self._page if self._items else self.empty)
        possible = actions_of(self._items)
        editing = self.is_editing()
        for action, button in self.buttons.items():
            button.setText(self._title(action))
            button.setVisible(action in possible and not editing)
            key = _KEYS.get(action)
            button.setToolTip(f"{self._title(action)}  {key}" if key else "")
        self.choices_box.setVisible(bool(possible) and not editing)
        if len(self._items) == 1:
            self._tell_one(self._items[0])
        elif self._items:
            self._tell_many()

    def _title(self, action: Action) -> str:
        if action is Action.EDIT and self._items and self._items[0].kind is NeedKind.STALE_REPLY:
            return _("Edit")
        return _(_TITLES[action])

    def _tell_one(self, item: NeedItem) -> None:
        detail = self._detail or NeedDetail(item)
        words = need_words(item, self._choices, fmt.time_of_day, detail.mine_at)
        self.summary.hide()
        self._theme.set_label_icon(self.picture, words.icon, f"{words.tone}.fg")
        self.title.setText(words.title)
        self.words.setText(words.full)
        self.open_button.setVisible(bool(item.label) and item.kind is not NeedKind.DRAFT)
        self.open_button.setText(entry_line(item))
        self.open_button.setAccessibleName(_("Open ticket {ticket}").format(ticket=entry_line(item)))
        is_kept = item.kind in _KEPT
        self.compare.setVisible(not is_kept)
        self.kept.setVisible(is_kept)
        reply = item.kind is NeedKind.STALE_REPLY
        if is_kept:
            heading = _("Your reply, held") if reply else _("What you wrote")
            kind = {"note.add": "note", "message.add": "reply"}.get(item.name, "reply" if reply else "card")
            self.kept.show_kept(heading, self._body(item), kind, detail.news)
        else:
            self.compare.show_detail(detail, self._choices)
        self.edit_label.setText(_("Your reply") if reply else _("Both put together"))
        self.edit.setAccessibleName(self.edit_label.text())
        self.edit_done.setText(_("Send this reply") if reply else _("Use this text"))

    def _tell_many(self) -> None:
        n = len(self._items)
        self._theme.set_label_icon(self.picture, "layers", "fg.muted")
        self.title.setText(ngettext("{n} entry chosen", "{n} entries chosen", n).format(n=n))
        common = bool(set(actions_of(self._items)) - {Action.COPY})
        self.words.setText(
            _("What you choose now is done with each of them.")
            if common
            else _("These entries need different decisions. Choose one of them, or several of a kind.")
        )
        self.open_button.hide()
        self.compare.hide()
        self.kept.hide()
        self.summary.show()
        self.summary.setText("\n".join(brief(i, self._choices, fmt.moment) for i in self._items[:SUMMED]))


def _str(value: object) -> str:
    return value if isinstance(value, str) else ""
