# SPDX-License-Identifier: GPL-3.0-or-later
"""A tick whose words wrap: a check box of Qt keeps its text in one line, which large letters do not fit into."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QStyle, QWidget

from widgets.foundation.labels import Words

__all__ = ["WrappedTick"]


class WrappedTick(QCheckBox):
    """A check box as wide as others say and as high as its words then need. A press on the words ticks it too."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(text)
        self._words = Words(text)
        self._words.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        box = QHBoxLayout()
        box.setContentsMargins(self._beside(), 0, 0, 0)
        box.addWidget(self._words)
        self.setLayout(box)
        policy = QSizePolicy(
            QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred, QSizePolicy.ControlType.CheckBox
        )
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def _beside(self) -> int:
        style = self.style()
        return style.pixelMetric(QStyle.PixelMetric.PM_IndicatorWidth, None, self) + style.pixelMetric(
            QStyle.PixelMetric.PM_CheckBoxLabelSpacing, None, self
        )

    def sizeHint(self) -> QSize:
        """One line of words beside the box."""
        words = self._words.fontMetrics().horizontalAdvance(self._words.text())
        return super().sizeHint().expandedTo(QSize(self._beside() + words, 0))

    def minimumSizeHint(self) -> QSize:
        """The box with a little beside it; the words take as many lines as they need."""
        return super().sizeHint()

    def hasHeightForWidth(self) -> bool:
        """Words wrap."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return how high the words are beside the box, and never less than the box."""
        return max(super().sizeHint().height(), self._words.heightForWidth(max(1, width - self._beside())))

    def hitButton(self, pos: QPoint) -> bool:
        """The whole of it, words too."""
        return self.rect().contains(pos)
