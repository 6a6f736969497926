# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine can see in a window that stands: cut words, parts that overlap or stick out, idle scroll bars.

It looks at sizes, not at pixels, so it needs no picture to compare with. A text that ends in "…" on purpose
(`ElidedLabel`, `ElidedButton`) counts as cut only when less than a few letters are left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QScrollBar,
    QTextEdit,
    QWidget,
)

from widgets.foundation import ElidedButton, ElidedLabel

__all__ = ["faults"]

_SLACK = 1  # px: sizes are rounded
_LETTERS = 4  # of an elided text that must be left
_LEAVES = (QLabel, QAbstractButton, QLineEdit, QComboBox, QAbstractSpinBox)


def faults(window: QWidget) -> list[str]:
    """Say in a line each what is cut, covered or idle in a window that is shown; empty when it looks well."""
    inside = [w for w in window.findChildren(QWidget) if w.isVisibleTo(window) and not _of_another(w, window)]
    found: list[str] = []
    for widget in inside:
        found += _words(widget)
        found += _bars(widget)
        if isinstance(widget, (*_LEAVES, QPlainTextEdit, QTextEdit, QAbstractItemView)):
            found += _sticks_out(widget, window)
    found += _overlaps([w for w in inside if isinstance(w, _LEAVES) and w.width() > 0 and w.height() > 0], window)
    return list(dict.fromkeys(found))


def _of_another(widget: QWidget, window: QWidget) -> bool:
    return widget.window() is not window.window()


def _name(widget: QWidget) -> str:
    said = widget.accessibleName()
    if isinstance(widget, (QLabel, QAbstractButton, QLineEdit)):
        said = widget.text() or said
    return f"{type(widget).__name__} “{' '.join(said.split())[:60]}”"


def _words(widget: QWidget) -> Iterator[str]:
    if isinstance(widget, ElidedLabel):
        text, room = widget.text(), widget.contentsRect().width()
        beside = widget.property("type") == "caption"  # what stands there only where there is room
        if not beside and len(text) > _LETTERS and widget.fontMetrics().horizontalAdvance(text) > room + _SLACK:
            left = widget.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room)
            if len(left) <= _LETTERS:
                yield f"{_name(widget)} shows only “{left}”"
        yield from _too_low(widget, widget.fontMetrics().height())
    elif isinstance(widget, QLabel):
        yield from _label(widget)
    elif isinstance(widget, ElidedButton) and len(widget.words()) <= _LETTERS < len(widget.label()):
        yield f"{_name(widget)} shows only “{widget.words()}”"
    elif isinstance(widget, QPushButton | QCheckBox | QRadioButton):
        if widget.text() and widget.width() < widget.minimumSizeHint().width() - _SLACK:
            yield f"{_name(widget)} is {widget.width()} px wide and needs {widget.minimumSizeHint().width()}"
        if widget.text():
            yield from _too_low(widget, widget.fontMetrics().height())
    elif isinstance(widget, QAbstractSpinBox):
        yield from _number(widget)
        yield from _too_low(widget, widget.fontMetrics().height())
    elif isinstance(widget, QComboBox):
        yield from _choice(widget)
        yield from _too_low(widget, widget.fontMetrics().height())
    elif isinstance(widget, QLineEdit):
        # Qt ends a hint that has no room in "…"; the field's name says the same
        yield from _too_low(widget, widget.fontMetrics().height())


def _number(widget: QAbstractSpinBox) -> Iterator[str]:
    field = widget.lineEdit()
    needed = field.fontMetrics().horizontalAdvance(widget.text())
    room = min(field.width(), field.contentsRect().width())
    if needed > room + _SLACK:
        yield f"{_name(widget)} cuts “{widget.text()}”: {needed} px in {room}"


def _choice(widget: QComboBox) -> Iterator[str]:
    text = widget.currentText()
    room = widget.width() - widget.fontMetrics().height()  # the arrow
    # a field of a width of its own may hold what is longer: its list shows it whole
    own = widget.sizeAdjustPolicy() is QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    shortened = own or widget.minimumContentsLength() > 0
    if not shortened and widget.fontMetrics().horizontalAdvance(text) > room:
        yield f"{_name(widget)} cuts its choice “{text}”"


def _label(widget: QLabel) -> Iterator[str]:
    text = widget.text()
    if not text:
        return
    room = widget.contentsRect()
    if widget.wordWrap():
        needed = widget.heightForWidth(widget.width())
        if widget.height() < needed - _SLACK:
            yield f"{_name(widget)} is {widget.height()} px high and needs {needed}"
        longest = max(
            (widget.fontMetrics().horizontalAdvance(word) for word in re.split("[\\s\u200b]+", text)), default=0
        )
        if longest > room.width() + _SLACK:
            yield f"{_name(widget)} has a word of {longest} px in {room.width()}"
        return
    longest = max(widget.fontMetrics().horizontalAdvance(part) for part in text.split("\n"))
    if longest > room.width() + _SLACK:
        yield f"{_name(widget)} is {room.width()} px wide inside and needs {longest}"
    yield from _too_low(widget, widget.fontMetrics().height() * len(text.split("\n")))


def _too_low(widget: QWidget, needed: int) -> Iterator[str]:
    if widget.height() < needed - 2 * _SLACK:
        yield f"{_name(widget)} is {widget.height()} px high for text of {needed}"


def _bars(widget: QWidget) -> Iterator[str]:
    if not isinstance(widget, QScrollBar) or widget.width() == 0 or widget.height() == 0:
        return
    span = widget.maximum() - widget.minimum()
    area = widget.parentWidget()
    owner = area.parentWidget() if area is not None else None
    name = _name(owner) if owner is not None else ""
    if span <= 0:
        yield f"a scroll bar of {name} has nothing to scroll"
    if widget.orientation() is Qt.Orientation.Horizontal and isinstance(owner, QAbstractScrollArea):
        yield f"{name} scrolls sideways ({span} px)"


def _sticks_out(widget: QWidget, window: QWidget) -> Iterator[str]:
    here = QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())
    place = widget.parentWidget()
    while place is not None:
        area = place.parentWidget()
        frame = QRect(place.mapTo(window, QPoint(0, 0)), place.size())
        scrolls = isinstance(area, QAbstractScrollArea) and area.viewport() is place
        out = max(frame.left() - here.left(), here.right() - frame.right())
        if scrolls and isinstance(area, QAbstractScrollArea):
            hidden = area.horizontalScrollBarPolicy() is Qt.ScrollBarPolicy.ScrollBarAlwaysOff
            if out > _SLACK and (hidden or area.horizontalScrollBar().maximum() == 0):
                yield f"{_name(widget)} is cut at the side by {out} px"
            return
        deep = max(frame.top() - here.top(), here.bottom() - frame.bottom())
        if max(out, deep) > _SLACK:
            yield f"{_name(widget)} sticks out of {type(place).__name__} by {max(out, deep)} px"
            return
        if place is window:
            return
        place = place.parentWidget()


def _overlaps(leaves: list[QWidget], window: QWidget) -> Iterator[str]:
    by_parent: dict[int, list[QWidget]] = {}
    for leaf in leaves:
        by_parent.setdefault(id(leaf.parentWidget()), []).append(leaf)
    for family in by_parent.values():
        for one, other in combinations(family, 2):
            common = one.geometry().intersected(other.geometry())
            if common.width() > _SLACK and common.height() > _SLACK:
                yield f"{_name(one)} and {_name(other)} overlap by {common.width()} x {common.height()} px"
    del window
