# SPDX-License-Identifier: GPL-3.0-or-later
"""The views pane: each view with its count from the store, and below it what waits to be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.config.i18n import _
from app.domain.ids import ViewId
from app.domain.ports import SavedView, ViewKey
from app.services.texts import view_name
from widgets.foundation import Button, Look, Panel, PlainLabel, Theme, column, fmt, line, plain_tooltip
from widgets.foundation.scroll_body import Tall

__all__ = ["SavedButton", "ViewsPane"]

_ICONS = {
    ViewKey.MINE: "user-check",
    ViewKey.UNASSIGNED: "inbox",
    ViewKey.TEAM: "users",
    ViewKey.WAITING: "hourglass",
    ViewKey.SNOOZED: "alarm-clock",
    ViewKey.ALL_LIVE: "layers",
    ViewKey.SOLVED: "circle-check",
    ViewKey.ALL: "archive",
}
OUTBOX = "outbox"


class NavButton(Button):
    """A place to go to, with a count at the right edge."""

    def __init__(self, theme: Theme, icon: str) -> None:
        super().__init__(theme, "", look=Look.NAV, icon=icon)
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._count = PlainLabel(type="caption", tone="muted")
        self._count.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, theme.tokens.space.small, 0)
        box.addStretch(1)
        box.addWidget(self._count)
        self._n: int | None = None
        self._theme, self._icon = theme, icon
        self.toggled.connect(self._mark)

    def _mark(self, here: bool) -> None:
        self._theme.set_icon(self, self._icon, "selected.fg" if here else "fg.default")
        self._count.set_tone("selected" if here else "muted")

    def sizeHint(self) -> QSize:
        """Room for text, icon and count."""
        self._count.ensurePolished()
        hint = super().sizeHint()
        return QSize(hint.width() + self._count.sizeHint().width() + hint.height(), hint.height())

    def tell(self, text: str, n: int | None) -> None:
        """Show text and count; a screen reader hears both."""
        self.setText(text)
        self._n = n
        self._count.setText("" if not n else fmt.number(n))
        self.setAccessibleName(text if n is None else f"{text}, {fmt.number(n)}")

    def count(self) -> int | None:
        """Return the count shown."""
        return self._n


_SAVED_ICONS = {"me": "star", "team": "users", "all": "layers"}


class SavedButton(NavButton):
    """A saved view: Alt+Up and Alt+Down move it, F2 edits, Delete deletes, the menu key offers all of it."""

    moved = Signal(int)
    edit_asked = Signal()
    delete_asked = Signal()
    menu_asked = Signal(QPoint)  # global

    def __init__(self, theme: Theme, view: SavedView) -> None:
        super().__init__(theme, _SAVED_ICONS.get(view.share, "star"))
        self.view = view
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(lambda at: self.menu_asked.emit(self.mapToGlobal(at)))
        self.setToolTip(plain_tooltip(view.condition) if view.condition else "")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Order, edit and delete by key."""
        key, alt = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if alt and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(-1 if key == Qt.Key.Key_Up else 1)
        elif key == Qt.Key.Key_F2:
            self.edit_asked.emit()
        elif key == Qt.Key.Key_Delete:
            self.delete_asked.emit()
        else:
            super().keyPressEvent(event)


class ViewsPane(Panel):
    """Views by name with counts. `chosen` gives a ViewKey, `saved_chosen` a ViewId, `outbox_chosen` the outbox."""

    chosen = Signal(object)
    saved_chosen = Signal(object)
    saved_added = Signal(object)  # SavedButton: the owner connects what its keys and its menu do
    outbox_chosen = Signal()
    needs_chosen = Signal()
    grew = Signal()  # `narrowest` may be another width now

    def __init__(self, theme: Theme) -> None:
        super().__init__("window")
        self._counts: Mapping[ViewKey | ViewId, int] = {}
        self._theme = theme
        self.saved: dict[ViewId, SavedButton] = {}
        self._waiting = self._needs = self._planned = 0
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        space = theme.tokens.space
        self.buttons: dict[ViewKey, NavButton] = {}
        items: list[QWidget] = []
        for view in ViewKey:
            button = NavButton(theme, _ICONS[view])
            button.clicked.connect(lambda _on=False, view=view: self.chosen.emit(view))
            self._group.addButton(button)
            self.buttons[view] = button
            items.append(button)
        self.outbox = NavButton(theme, "send")
        self.outbox.clicked.connect(lambda _on=False: self.outbox_chosen.emit())
        self._group.addButton(self.outbox)
        self.needs = NavButton(theme, "circle-alert")
        self.needs.clicked.connect(lambda _on=False: self.needs_chosen.emit())
        self._group.addButton(self.needs)
        self.heading = PlainLabel(type="caption", tone="muted")
        self.heading.setContentsMargins(space.medium, 0, 0, 0)
        self.work = PlainLabel(type="caption", tone="muted")
        self.work.setContentsMargins(space.medium, 0, 0, 0)
        edge = (space.small, space.medium, space.small, space.small)
        self._saved_box = QVBoxLayout()
        self._saved_box.setContentsMargins(0, 0, 0, 0)
        self._saved_box.setSpacing(space.hair)
        top = Panel("window")
        top.setLayout(column(self.heading, space.tiny, *items, space.small, self._saved_box, gap=space.hair))
        self.area = Tall(top)
        self.area.verticalScrollBar().rangeChanged.connect(lambda *_: self.grew.emit())
        self.setLayout(
            column(
                self.area,
                space.medium,
                line(),
                space.small,
                self.work,
                space.tiny,
                self.outbox,
                self.needs,
                None,
                gap=space.hair,
                margins=edge,
            )
        )
        self.retranslate()

    def narrowest(self) -> int:
        """Return how wide the pane must be for its names and counts, and a scroll bar where there is one.

        Reckoned from the parts themselves: layouts remember the sizes of another text size.
        """
        widest = 0
        for button in (*self.buttons.values(), *self.saved.values(), self.outbox, self.needs):
            button.ensurePolished()
            widest = max(widest, button.sizeHint().width())
        space, bar = self._theme.tokens.space, self.area.verticalScrollBar()
        beside = bar.sizeHint().width() if bar.maximum() > 0 else 0
        return max(space.vast * 4, widest + beside + 2 * space.small)

    def show_current(self, view: ViewKey | None) -> None:
        """Mark a view; None marks the outbox."""
        (self.buttons[view] if view is not None else self.outbox).setChecked(True)

    def show_saved(self, views: Sequence[SavedView]) -> None:
        """List these saved views, in this order, below the views that everybody has."""
        if [b.view for b in self.saved.values()] == list(views):
            return
        current = next((id_ for id_, b in self.saved.items() if b.isChecked()), None)
        focused = next((id_ for id_, b in self.saved.items() if b.hasFocus()), None)
        for button in self.saved.values():
            self._group.removeButton(button)
            self._saved_box.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.saved = {}
        for view in views:
            button = SavedButton(self._theme, view)
            button.clicked.connect(lambda _on=False, id_=view.id: self.saved_chosen.emit(id_))
            self._group.addButton(button)
            self._saved_box.addWidget(button)
            button.show()  # now: the keyboard may come back to it below
            self.saved[view.id] = button
            self.saved_added.emit(button)
        if current in self.saved:
            self.saved[current].setChecked(True)
        if focused in self.saved:
            self.saved[focused].setFocus()
        self.retranslate()
        self.area.updateGeometry()

    def show_saved_current(self, view: ViewId) -> None:
        """Mark a saved view; one that is not in the list marks nothing."""
        if view in self.saved:
            self.saved[view].setChecked(True)
        else:
            self.show_none()

    def show_needs_current(self) -> None:
        """Mark what waits for the person."""
        self.needs.setChecked(True)

    def show_none(self) -> None:
        """Mark nothing: a search shows."""
        self._group.setExclusive(False)
        for button in self._group.buttons():
            button.setChecked(False)
        self._group.setExclusive(True)

    def show_counts(self, counts: Mapping[ViewKey | ViewId, int]) -> None:
        """Show how many each view holds, as the store counts."""
        if counts == self._counts:
            return
        self._counts = counts
        self.retranslate()

    def show_waiting(self, waiting: int) -> None:
        """Show how many changes wait in the outbox."""
        if waiting == self._waiting:
            return
        self._waiting = waiting
        self.retranslate()

    def show_planned(self, planned: int) -> None:
        """Show how many replies wait for their time; they stand in the outbox too."""
        if planned != self._planned:
            self._planned = planned
            self.retranslate()

    def show_needs(self, needs: int) -> None:
        """Show how many entries wait for the person."""
        if needs != self._needs:
            self._needs = needs
            self.retranslate()

    def focus(self) -> None:
        """Take the keyboard."""
        (self._group.checkedButton() or self.buttons[ViewKey.MINE]).setFocus(Qt.FocusReason.TabFocusReason)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.setAccessibleName(_("Views"))
        self.heading.setText(_("Views"))
        self.work.setText(_("Work"))
        for view, button in self.buttons.items():
            button.tell(view_name(view), self._counts.get(view))
        for id_, saved in self.saved.items():
            saved.tell(saved.view.name, self._counts.get(id_))
        self.outbox.tell(_("Outbox"), self._waiting + self._planned)
        self.needs.tell(_("Needs you"), self._needs)
        self.grew.emit()
