# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the customer's windows: kept in the encrypted store off the GUI thread, drawn small, taken of the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage, QImageReader
from PySide6.QtWidgets import QWidget

from app.desktop.companion_store import CompanionStore
from app.domain.attachments import Attachment
from app.domain.errors import Refused
from sync import customer_protocol as wire
from widgets.companion.attach import MAX_BYTES
from widgets.foundation.giving import png_of

if TYPE_CHECKING:
    from app.entry.companion_app import CompanionApp

__all__ = ["Attaching", "file_views"]

_SHOOTING = frozenset({"xcb", "windows"})  # elsewhere the system's own key and Ctrl+V
_HIDDEN_MS = 400  # until a desktop has drawn what lay behind our windows
_SIDE_MAX = 12_000  # a picture with more px a side is not drawn small


class Attaching:
    """`widgets.companion.attach.FilePort` over companion.db. GUI thread."""

    def __init__(self, app: CompanionApp, store: CompanionStore) -> None:
        self._app, self._store = app, store
        self.can_shoot = QGuiApplication.platformName() in _SHOOTING

    def take(self, path: Path, done: Callable[[Attachment], None], failed: Callable[[Exception], None]) -> None:
        """Keep a file."""
        self._keep(lambda: self._store.take_file(path, MAX_BYTES), done, failed)

    def take_image(
        self, image: QImage, name: str, done: Callable[[Attachment], None], failed: Callable[[Exception], None]
    ) -> None:
        """Keep a picture."""
        self._keep(lambda: self._store.take_content(png_of(image), name, "image/png", MAX_BYTES), done, failed)

    def _keep(
        self, work: Callable[[], Attachment], done: Callable[[Attachment], None], failed: Callable[[Exception], None]
    ) -> None:
        def kept() -> Attachment | Refused:
            try:
                return work()
            except Refused as why:
                return why

        self._app.background(kept, lambda made: failed(made) if isinstance(made, Refused) else done(made), failed)

    def picture(self, attachment: Attachment, size: QSize, then: Callable[[QImage], None]) -> None:
        """Draw a kept file small."""
        self._app.background(
            lambda: _small(self._store.read_file(attachment.sha256.hex(), 0, attachment.size_bytes), size),
            lambda image: None if image.isNull() else then(image),
            lambda _why: None,
        )

    def release(self, attachments: Sequence[Attachment]) -> None:
        """These show no more; after what was written with them is kept."""
        if self._app.client is not None:
            self._app.client.do(lambda: self._store.release(attachments))

    def shoot(self, window: QWidget, then: Callable[[QImage], None]) -> None:
        """Take a picture of the screen that the window is on, without our windows."""
        screen = window.screen()
        hidden = [each for each in (window, self._app.home) if each is not None and each.isVisible()]
        for each in hidden:
            each.hide()

        def take() -> None:
            image = screen.grabWindow(0).toImage()
            for each in reversed(hidden):
                each.show()
            window.raise_()
            window.activateWindow()
            if not image.isNull():
                then(image)

        QTimer.singleShot(_HIDDEN_MS, window, take)


def file_views(attachments: Sequence[Attachment]) -> list[wire.FileView]:
    """Return what is told of files with the words."""
    return [
        wire.FileView(sha256=a.sha256.hex(), filename=a.filename, media_type=a.media_type, size_bytes=a.size_bytes)
        for a in attachments
    ]


def _small(content: bytes, size: QSize) -> QImage:
    raw = QByteArray(content)
    buffer = QBuffer(raw)
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer)
    whole = reader.size()
    if not whole.isValid() or max(whole.width(), whole.height()) > _SIDE_MAX:
        return QImage()
    reader.setScaledSize(whole.scaled(size, Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1)))
    return reader.read()
