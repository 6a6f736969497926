# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer keeps back: parts of the picture, windows by a word, or everything but one region."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QListWidget, QWidget

from app.config.i18n import _, ngettext
from app.domain.masking import WORD_MAX, Box, MaskRule, clean_rules
from widgets.companion.parts import PartsPicture
from widgets.foundation import WINDOW, Button, Card, Look, PlainLabel, Theme, column, fit, row

__all__ = ["MaskWindow", "RegionWindow", "hidden_text", "hide_label", "kept_text", "rule_text"]

_HIDE, _PAUSE = 0, 1


def rule_text(rule: MaskRule) -> str:
    """Return what a rule does, in one line."""
    if rule.pause:
        return _("Show nothing while a window named “{word}” is open").format(word=rule.word)
    return _("Hide windows named “{word}”").format(word=rule.word)


def kept_text(why: str) -> str:
    """Return why nothing is shown, for the customer; empty when something is."""
    return {
        "rule": _("A window that your rules protect is open: nothing is shown."),
        "locked": _("The screen is locked or asleep: nothing is shown."),
        "hidden": _("The shared window is minimised: nothing of it is shown."),
        "changed": _("What is shared has changed: nothing is shown. Look at what is there now, then go on."),
    }.get(why, "")


class _PictureWindow(QWidget):
    """A window of ours with a picture of what is shared; Escape and closing are `closed`."""

    spoken_role = WINDOW

    closed = Signal()

    def __init__(self, theme: Theme, title: str, *, single: bool) -> None:
        super().__init__()
        self._theme = theme
        self.setProperty("panel", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)
        self.setWindowTitle(title)
        self.heading = PlainLabel(title, type="heading", wrap=True)
        self.picture = PartsPicture(theme, single=single)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
            return
        super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Tell it."""
        super().closeEvent(event)
        self.closed.emit()


class RegionWindow(_PictureWindow):
    """One rectangle: only what is inside is shared. `picked` carries it."""

    picked = Signal(tuple)

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, _("Choose a region"), single=True)
        space = theme.tokens.space
        how = _("Drag over what may be seen. Nothing outside is shared. In a window, the region goes where it goes.")
        self.add = Button(theme, _("Region in the middle"), icon="plus", pressed=self.picture.add)
        self.where = PlainLabel(type="caption", tone="muted", wrap=True)
        self.cancel = Button(theme, _("Cancel"), pressed=self.close)
        self.use = Button(theme, _("Use this region"), look=Look.PRIMARY, pressed=self._use)
        edge = (space.wide, space.large, space.wide, space.large)
        buttons = row(self.add, None, self.cancel, self.use, gap=space.small)
        parts = (self.heading, PlainLabel(how, wrap=True), self.picture, self.where, buttons)
        self.setLayout(column(*parts, gap=space.medium, margins=edge))
        self.picture.changed.connect(self._tell)
        self._tell()
        fit(self, space.vast * 16, space.vast * 13)
        self.picture.setFocus()

    def _tell(self) -> None:
        boxes = self.picture.boxes()
        self.use.setEnabled(bool(boxes))
        self.where.setText(self.picture.words(0) if boxes else _("No region is drawn yet."))

    def _use(self) -> None:
        boxes = self.picture.boxes()
        if boxes:
            self.picked.emit(boxes[0])
            self.close()


class MaskWindow(_PictureWindow):
    """Parts to hide and rules for windows. Both count at once: `masks_changed` and `rules_changed`."""

    masks_changed = Signal(list)
    rules_changed = Signal(tuple)

    def __init__(
        self,
        theme: Theme,
        masks: Sequence[Box],
        rules: Sequence[MaskRule],
        *,
        can_follow: bool,
        fixed: Sequence[MaskRule] = (),
    ) -> None:
        """`can_follow`: windows can be found and followed on this system. `fixed` rules are policy."""
        super().__init__(theme, _("Hide parts of what is shared"), single=False)
        self._fixed = tuple(fixed)
        self._rules = tuple(rules)
        space = theme.tokens.space
        how = _(
            "Drag over what nobody may see. It is painted over completely, and nobody can click there or type into the "
            "window it lies on."
        )
        self.add = Button(theme, _("New part"), icon="plus", pressed=self._add)
        self.remove = Button(theme, _("Remove"), icon="trash-2", pressed=self._remove)
        self.which = QComboBox()
        self.which.setAccessibleName(_("Hidden part"))
        self.which.setPlaceholderText(_("Nothing is hidden in the picture"))
        self.which.setMinimumContentsLength(20)
        self.which.activated.connect(self.picture.choose)
        tools = row(self.add, self.which, self.remove, gap=space.small)
        tools.setStretch(1, 1)
        self.done = Button(theme, _("Done"), look=Look.PRIMARY, pressed=self.close)
        edge = (space.wide, space.large, space.wide, space.large)
        box = column(self.heading, PlainLabel(how, wrap=True), self.picture, tools, gap=space.medium, margins=edge)
        box.setStretch(2, 1)
        box.addWidget(self._build_rules() if can_follow else self._no_rules())
        box.addLayout(row(None, self.done))
        self.setLayout(box)
        self.picture.set_boxes(masks)
        self.picture.changed.connect(self._masks)
        self.picture.chosen.connect(self._chosen)
        self._fill()
        fit(self, space.vast * 15, space.vast * 15)
        self.picture.setFocus()

    def rules(self) -> tuple[MaskRule, ...]:
        """Return the rules as they stand."""
        return self._rules

    # --- parts -----------------------------------------------------------------------------------------------------

    def show_masks(self, masks: Sequence[Box]) -> None:
        """What is hidden was changed elsewhere, or another target is shared."""
        if list(masks) != self.picture.boxes():
            self.picture.set_boxes(masks)
            self._fill()

    def _add(self) -> None:
        self.picture.add()
        self.picture.setFocus()

    def _remove(self) -> None:
        self.picture.remove(self.picture.current)

    def _masks(self) -> None:
        self._fill()
        self.masks_changed.emit(self.picture.boxes())

    def _fill(self) -> None:
        self.which.clear()
        for number in range(len(self.picture.boxes())):
            self.which.addItem(self.picture.words(number))
        self._chosen(self.picture.current)

    def _chosen(self, index: int) -> None:
        self.which.setCurrentIndex(index)
        self.which.setEnabled(self.which.count() > 0)
        self.remove.setEnabled(self.which.count() > 0)

    # --- rules -----------------------------------------------------------------------------------------------------

    def _build_rules(self) -> QWidget:
        space = self._theme.tokens.space
        self.word = QLineEdit(maxLength=WORD_MAX)
        self.word.setAccessibleName(_("Word in the title or program of a window"))
        self.word.setPlaceholderText(_("Word in the title or program of a window"))
        self.what = QComboBox()
        self.what.setAccessibleName(_("What happens then"))
        self.what.addItem(_("hide the window"), _HIDE)
        self.what.addItem(_("show nothing at all"), _PAUSE)
        self.add_rule = Button(self._theme, _("Add rule"), icon="plus", pressed=self._add_rule)
        self.word.returnPressed.connect(self._add_rule)
        new = row(self.word, self.what, self.add_rule, gap=space.small)
        new.setStretch(0, 1)
        self.rule_list = QListWidget()
        self.rule_list.setAccessibleName(_("Windows that are kept back, in every session"))
        self.rule_list.setFixedHeight(space.vast * 2)
        self.rule_list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rule_list.setWordWrap(True)
        self.drop_rule = Button(self._theme, _("Remove"), icon="trash-2", pressed=self._drop_rule)
        self.drop_rule.setAccessibleName(_("Remove the rule"))
        kept = row(self.rule_list, self.drop_rule, gap=space.small)
        kept.setStretch(0, 1)
        kept.setAlignment(self.drop_rule, Qt.AlignmentFlag.AlignTop)
        title = PlainLabel(_("Windows that are kept back, in every session"), type="strong")
        best = _("Found by name: a window that is called otherwise is not found. Password fields are not recognised.")
        card = Card(self._theme, title)
        card.body.addLayout(kept)
        if self._fixed:
            words = ", ".join(rule.word for rule in self._fixed)
            text = _("Kept back by policy on this computer, whatever stands above: {words}").format(words=words)
            self.by_policy = PlainLabel(text, wrap=True)
            card.body.addWidget(self.by_policy)
        card.body.addLayout(new)
        card.body.addWidget(PlainLabel(best, type="caption", tone="muted", wrap=True))
        self._show_rules()
        return card

    def _no_rules(self) -> QWidget:
        text = _("On this system nobody can tell where other windows are: only parts of the picture can be hidden.")
        return PlainLabel(text, tone="muted", wrap=True)

    def _show_rules(self) -> None:
        at = self.rule_list.currentRow()
        self.rule_list.clear()
        self.rule_list.addItems([rule_text(rule) for rule in self._rules])
        self.rule_list.setCurrentRow(min(max(at, 0), len(self._rules) - 1))
        self.drop_rule.setEnabled(bool(self._rules))

    def _add_rule(self) -> None:
        word = self.word.text()
        rules = clean_rules((*self._rules, MaskRule(word, pause=self.what.currentData() == _PAUSE)))
        self.word.clear()
        self.word.setFocus()
        self._take(rules)

    def _drop_rule(self) -> None:
        at = self.rule_list.currentRow()
        self._take((*self._rules[:at], *self._rules[at + 1 :]) if at >= 0 else self._rules)

    def _take(self, rules: tuple[MaskRule, ...]) -> None:
        if rules != self._rules:
            self._rules = rules
            self._show_rules()
            self.rules_changed.emit(rules)


def hidden_text(count: int) -> str:
    """Return how many parts are hidden."""
    return ngettext("{n} part is hidden", "{n} parts are hidden", count).format(n=count)


def hide_label(count: int) -> str:
    """Return what the button says that opens the window for it."""
    return _("Hide parts… ({n})").format(n=count) if count else _("Hide parts…")
