# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be seen: one window, a region of a window or screen, or a whole screen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QComboBox, QRadioButton, QSizePolicy, QWidget

from app.config.i18n import _
from app.domain.assist import TargetChoice
from app.domain.masking import Box
from widgets.companion.texts import target_title
from widgets.foundation import Button, Theme, column, row

__all__ = ["TargetChooser", "region_title"]

_KIND_SCREEN = frozenset({"screen", "drawn"})


def region_title(what: str) -> str:
    """Return what a region is called, by what it is part of."""
    return _("Region of {what}").format(what=what)


class TargetChooser(QWidget):
    """`chosen` carries id and kind of a whole target; `region_wanted` those in which a region is to be drawn."""

    chosen = Signal(str, str)
    region_wanted = Signal(str, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._targets: tuple[TargetChoice, ...] = ()
        self.target: TargetChoice | None = None
        self.region: Box | None = None
        self.one_window = QRadioButton(_("One window"))
        self.a_region = QRadioButton(_("A region"))
        self.whole_screen = QRadioButton(_("Whole screen"))
        self.windows, self.places, self.screens = QComboBox(), QComboBox(), QComboBox()
        self.draw = Button(theme, _("Draw…"), icon="pen-line", pressed=lambda: self.pick(self.a_region))
        self.draw.setAccessibleName(_("Draw the region"))
        self._build(theme)

    def _build(self, theme: Theme) -> None:
        self.windows.setAccessibleName(_("Which window"))
        self.places.setAccessibleName(_("Region of which window or screen"))
        self.screens.setAccessibleName(_("Which screen"))
        for box in (self.windows, self.places, self.screens):
            # on Linux a screen reader hears what is chosen as the name of a box
            box.setAccessibleDescription(box.accessibleName())
        self.windows.setPlaceholderText(_("No window is open"))
        self.places.setPlaceholderText(_("No screen"))
        self.screens.setPlaceholderText(_("No screen"))
        group = QButtonGroup(self)
        # not the click: a screen reader chooses without one
        group.buttonToggled.connect(lambda _button, on: self._chosen() if on else None)
        space = theme.tokens.space
        rows = []
        pairs = ((self.one_window, self.windows), (self.a_region, self.places), (self.whole_screen, self.screens))
        width = max(button.sizeHint().width() for button, _box in pairs)
        for button, box in pairs:
            group.addButton(button)
            button.setMinimumWidth(width)
            box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            box.setMinimumContentsLength(12)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.activated.connect(lambda _row, button=button: self.pick(button))
            line = row(button, box, *((self.draw,) if box is self.places else ()), gap=space.small)
            line.setStretch(1, 1)
            rows.append(line)
        self.setLayout(column(*rows, gap=space.small))

    def show_targets(self, targets: Sequence[TargetChoice]) -> None:
        """Fill the choosers; what was chosen stays chosen while it is there."""
        self._targets = tuple(targets)
        whole = [target for target in self._targets if target.kind in _KIND_SCREEN]
        windows = [target for target in self._targets if target.kind not in _KIND_SCREEN]
        for box, listed in ((self.windows, windows), (self.screens, whole), (self.places, whole + windows)):
            kept = box.currentData()
            box.clear()
            for target in listed:
                box.addItem(target_title(target), target.id)
            box.setCurrentIndex(max(0, box.findData(kept)) if box.count() else -1)
            box.setEnabled(box.count() > 0)
        for button, box in ((self.one_window, self.windows), (self.whole_screen, self.screens)):
            button.setEnabled(box.count() > 0)
        for widget in (self.a_region, self.draw):
            widget.setEnabled(self.places.count() > 0)
        if self._targets and (self.target is None or self.target.id not in {found.id for found in self._targets}):
            # a window rather than a screen: it shows less
            self.pick(self.one_window if self.windows.count() else self.whole_screen)

    def use_region(self, region: Box) -> None:
        """The region was drawn in the target that was asked about."""
        self.region = region

    def pick(self, button: QRadioButton) -> None:
        """Choose it, anew if it is chosen already."""
        if button.isChecked():
            self._choose()
        else:
            button.setChecked(True)

    def title(self) -> str:
        """Return what is chosen, for people."""
        if self.target is None:
            return ""
        title = target_title(self.target)
        return region_title(title) if self.a_region.isChecked() else title

    def _chosen(self) -> None:
        for button in (self.one_window, self.a_region, self.whole_screen):
            # Tab leads to the choice that stands, arrows to the others; Qt does so only after one had the keyboard
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus if button.isChecked() else Qt.FocusPolicy.ClickFocus)
        self._choose()

    def _choose(self) -> None:
        region = self.a_region.isChecked()
        box = self.places if region else self.screens if self.whole_screen.isChecked() else self.windows
        self.region = None
        target = next((target for target in self._targets if target.id == box.currentData()), None)
        if target is None:
            return
        self.target = target
        (self.region_wanted if region else self.chosen).emit(target.id, target.kind)
