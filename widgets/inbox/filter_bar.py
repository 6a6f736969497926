# SPDX-License-Identifier: GPL-3.0-or-later
"""The line above the list: a chip for each filter, a button for more, the order, the look, and remarks on a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from app.config.i18n import _
from app.domain.ports import Choices, SortKey
from app.domain.search_text import Hint, Part, parts_of
from app.services.texts_views import (
    chip_words,
    column_name,
    density_name,
    filter_choices,
    hint_words,
    sort_name,
)
from app.services.view_looks import COLUMNS, DENSITIES, ViewLook
from widgets.foundation import Button, Look, Panel, PlainLabel, Theme, column
from widgets.foundation.chooser import Chooser, Option
from widgets.foundation.flow import Flow

__all__ = ["FilterBar"]


class _Chip(Button):
    """A filter in words; pressing it takes the filter away."""

    def __init__(self, theme: Theme, part: Part, pressed: Callable[[], object]) -> None:
        super().__init__(theme, chip_words(part), icon="x", pressed=pressed)
        self.setProperty("look", "field")
        self.setProperty("small", True)
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the cross stands behind the words
        self.setAccessibleName(_("Remove the filter {filter}").format(filter=chip_words(part)))
        self.setToolTip(_("Remove this filter"))

    def setText(self, text: str) -> None:
        """Leave the air on the side of the cross."""
        super().setText(text)
        QPushButton.setText(self, text.replace("&", "&&") + "\u2009")


class FilterBar(Panel):
    """Says how the list is narrowed and ordered; signals ask for another way."""

    removed = Signal(object)  # Part of the filter text
    added = Signal(str, str)  # operator, value
    sort_chosen = Signal(object)  # SortKey
    look_chosen = Signal(object)  # ViewLook
    save_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__("surface")
        self._theme = theme
        self.choices = Choices()
        self._text = ""
        self._look = ViewLook()
        self._searching = False
        self._made = ("", False)
        space = theme.tokens.space
        self._flow, deeds = Flow(space.tiny), Flow(0)
        self.chips: list[Button] = []
        self._chip_line, line = QWidget(), QWidget()
        self._chip_line.setLayout(self._flow)
        self._chip_line.setContentsMargins(space.tiny, 0, space.tiny, space.tiny)
        line.setLayout(deeds)
        self.add_button = Button(theme, "", look=Look.QUIET, icon="plus", pressed=self.ask_filter)
        self.sort_button = Button(theme, "", look=Look.QUIET, icon="arrow-up-down")
        self.sort_menu = QMenu(self.sort_button)
        self.sort_menu.aboutToShow.connect(self._fill_sort_menu)
        self.sort_button.setMenu(self.sort_menu)
        self.look_button = Button(theme, "", look=Look.QUIET, icon="list")
        self.look_menu = QMenu(self.look_button)
        self.look_menu.aboutToShow.connect(self._fill_look_menu)
        self.look_button.setMenu(self.look_menu)
        self.save_button = Button(theme, "", look=Look.LINK, pressed=self.save_asked.emit)
        for button in (self.add_button, self.sort_button, self.look_button):
            deeds.addWidget(button)
        self._flow.addWidget(self.save_button)
        self._chip_line.hide()
        self.hint = PlainLabel(type="caption", tone="muted", wrap=True)
        self.hint.hide()
        self.hint.setContentsMargins(space.small, 0, space.small, space.tiny)
        self.setLayout(column(line, self._chip_line, self.hint, margins=(space.small, 0, space.small, space.tiny)))
        self.retranslate()

    # --- what the pane says ----------------------------------------------------------------------------------

    def show_filter(self, text: str, *, can_save: bool, searching: bool = False) -> None:
        """Show the parts of a filter as chips; `can_save`: it is not the condition of the view that shows."""
        self._searching = searching
        self.save_button.setVisible(can_save)
        self._chip_line.setVisible(can_save or (not searching and bool(text.strip())))
        self.sort_button.setVisible(not searching)
        if (text, searching) != self._made:
            self._text, self._made = text, (text, searching)
            self._make_chips()

    def show_look(self, look: ViewLook) -> None:
        """Show how the list is ordered and looks."""
        self._look = look
        self.retranslate()

    def show_hints(self, hints: Sequence[Hint]) -> None:
        """Show remarks on the text that was searched."""
        words = " ".join(hint_words(hint) for hint in hints[:2])
        self.hint.setText(words)
        self.hint.setVisible(bool(words))

    def parts(self) -> list[Part]:
        """Return the filters that show."""
        return [part for part in parts_of(self._text) if part.text != "OR"]

    def ask_filter(self) -> Chooser:
        """Let the person choose one more filter, by typing."""
        chooser = Chooser(self._theme, _("Filter by"), self.window(), wide=self._theme.tokens.space.vast * 7)
        chooser.set_nothing(_("No filter fits."))
        chooser.show_options([
            Option((c.name, c.value), c.text, detail=c.group, also=f"{c.name}:{c.value}")
            for c in filter_choices(self.choices)
        ])  # fmt: skip
        chooser.chosen.connect(lambda pair: self.added.emit(*pair))
        chooser.open_at(self.add_button.mapToGlobal(QPoint(0, self.add_button.height())))
        return chooser

    # --- inside ----------------------------------------------------------------------------------------------

    def _make_chips(self) -> None:
        for chip in self.chips:
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self.chips = []
        for part in [] if self._searching else self.parts():
            chip = _Chip(self._theme, part, partial(self.removed.emit, part))
            self._flow.insertWidget(len(self.chips), chip)
            self.chips.append(chip)
        for before, after in pairwise((self.look_button, *self.chips, self.save_button)):
            self.setTabOrder(before, after)

    def _fill_sort_menu(self) -> None:
        self.sort_menu.clear()
        group = QActionGroup(self.sort_menu)
        for key in SortKey:
            action = self.sort_menu.addAction(sort_name(key))
            action.setCheckable(True)
            action.setChecked(key is self._look.sort)
            action.triggered.connect(lambda _on=False, key=key: self.sort_chosen.emit(key))
            group.addAction(action)

    def _fill_look_menu(self) -> None:
        menu, look = self.look_menu, self._look
        menu.clear()
        shapes = QActionGroup(menu)
        for table, text in ((False, _("Cards")), (True, _("Table"))):
            self._tick(shapes, text, look.table is table, ViewLook(look.sort, look.density, table, look.columns))
        menu.addSeparator()
        densities = QActionGroup(menu)
        for density in DENSITIES:
            wanted = ViewLook(look.sort, density, look.table, look.columns)
            self._tick(densities, density_name(density), look.density == density, wanted)
        if not look.table:
            return
        menu.addSeparator()
        for name in COLUMNS:
            shown = name in look.columns
            action = menu.addAction(column_name(name))
            action.setCheckable(True)
            action.setChecked(shown)
            action.setEnabled(name != "subject")
            action.triggered.connect(
                lambda _on=False, name=name, shown=shown: self.look_chosen.emit(look.with_column(name, not shown))
            )

    def _tick(self, group: QActionGroup, text: str, on: bool, wanted: ViewLook) -> None:
        action = self.look_menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(on)
        action.triggered.connect(lambda _on=False: self.look_chosen.emit(wanted))
        group.addAction(action)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
            self._make_chips()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.add_button.setText(_("Filter"))
        self.add_button.setAccessibleName(_("Add a filter"))
        self.save_button.setText(_("Save as view"))
        order = sort_name(self._look.sort)
        self.sort_button.setText(order)
        self.sort_button.setAccessibleName(_("Order: {order}").format(order=order))
        self.look_button.setText("")
        self.look_button.setAccessibleName(_("Cards, table and density"))
        self.look_button.setToolTip(_("Cards, table and density"))
