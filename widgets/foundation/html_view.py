# SPDX-License-Identifier: GPL-3.0-or-later
"""The one widget that renders a message's own formatting: cleaned, without pictures, and it fetches nothing."""

from __future__ import annotations

import nh3
from PySide6.QtCore import QByteArray, QSize, QUrl, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextBrowser, QWidget

__all__ = ["MessageHtml", "clean_html"]

_TAGS = {
    "a", "b", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "hr", "i", "li", "ol", "p", "pre", "s", "span",
    "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
SCHEMES = {"http", "https", "mailto"}


def clean_html(text: str) -> str:
    """Return the markup without scripts, styles, pictures, forms and foreign links. Safe for `MessageHtml`."""
    attributes = {"a": {"href"}, "ol": {"start"}}
    return nh3.clean(text, tags=_TAGS, attributes=attributes, url_schemes=SCHEMES, link_rel="noreferrer")


class MessageHtml(QTextBrowser):
    """Shows cleaned markup as high as it is. Links show their target and are only reported, never followed here."""

    link_chosen = Signal(str)

    def __init__(self, text: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("frame", "none")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(name)
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(0)
        self.setHtml(clean_html(text))
        self.anchorClicked.connect(self._chosen)
        self.highlighted.connect(self._tell)
        self.document().documentLayout().documentSizeChanged.connect(lambda _size: self._fit())

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Load nothing, from anywhere."""
        del kind, name
        return QByteArray()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep all of the text visible."""
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        """As high as the text."""
        return QSize(super().sizeHint().width(), round(self.document().size().height()))

    def _fit(self) -> None:
        self.setFixedHeight(max(1, round(self.document().size().height()) + 2))

    def _tell(self, target: QUrl | str) -> None:
        self.setToolTip(target.toDisplayString() if isinstance(target, QUrl) else target)

    def _chosen(self, target: QUrl) -> None:
        if target.scheme() in SCHEMES:
            self.link_chosen.emit(target.toString())
