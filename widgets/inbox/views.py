# SPDX-License-Identifier: GPL-3.0-or-later
"""The views pane: each view with its count from the store, and below it what waits to be sent."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSizePolicy, QWidget

from app.config.i18n import _
from app.domain.ports import ViewKey
from app.services.texts import view_name
from widgets.foundation import Button, Look, Panel, PlainLabel, Theme, column, fmt, line

__all__ = ["ViewsPane"]

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


class ViewsPane(Panel):
    """Views by name with counts. `chosen` gives a ViewKey, `outbox_chosen` the outbox."""

    chosen = Signal(object)
    outbox_chosen = Signal()
    needs_chosen = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__("window")
        self._counts: Mapping[ViewKey, int] = {}
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
        self.setLayout(
            column(
                self.heading,
                space.tiny,
                *items,
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

    def show_current(self, view: ViewKey | None) -> None:
        """Mark a view; None marks the outbox."""
        (self.buttons[view] if view is not None else self.outbox).setChecked(True)

    def show_needs_current(self) -> None:
        """Mark what waits for the person."""
        self.needs.setChecked(True)

    def show_none(self) -> None:
        """Mark nothing: a search shows."""
        self._group.setExclusive(False)
        for button in self._group.buttons():
            button.setChecked(False)
        self._group.setExclusive(True)

    def show_counts(self, counts: Mapping[ViewKey, int]) -> None:
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
        self.outbox.tell(_("Outbox"), self._waiting + self._planned)
        self.needs.tell(_("Needs you"), self._needs)
