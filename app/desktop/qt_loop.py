# SPDX-License-Identifier: GPL-3.0-or-later
"""Qt on a main thread without any window, for work that other threads hand in."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Final, TypeVar

from PySide6.QtCore import QLibrary, QLibraryInfo, QLoggingCategory, QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication

from app.domain.capture import CaptureError

T = TypeVar("T")
Work = Callable[[], None]

ANSWER_S: Final = 10.0
# physical pixels; no OpenGL; Qt's capture asks the session type whether it may talk to the X server itself
_ENVIRONMENT: Final = {
    "QT_QPA_PLATFORM": "xcb",
    "QT_ENABLE_HIGHDPI_SCALING": "0",
    "QT_XCB_GL_INTEGRATION": "none",
    "XDG_SESSION_TYPE": "x11",
    "NO_AT_BRIDGE": "1",
}


class _Caller(QObject):
    """Runs work on the thread it was made on."""

    handed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.handed.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def _run(self, work: Work) -> None:
        work()


class QtLoop:
    """A QGuiApplication without windows. Make it on the main thread, in which Qt was imported, and `run` it there."""

    def __init__(self) -> None:
        """Raises CaptureError where the libraries of Qt's X11 plugin are missing: Qt would end the process."""
        os.environ.update(_ENVIRONMENT)
        plugins = QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)
        library = QLibrary(str(Path(plugins, "platforms", "libqxcb")))
        if not library.load():
            raise CaptureError("capture_failed", library.errorString())
        QLoggingCategory.setFilterRules("qt.multimedia.*=false")  # tells of video acceleration that nobody asked for
        QGuiApplication.setDesktopSettingsAware(False)
        self._application = QGuiApplication(["deskside-session"])
        self._caller = _Caller()

    def run(self) -> None:
        """Serve calls until the process ends."""
        self._application.exec()

    def call(self, work: Callable[[], T]) -> T:
        """Run `work` on the main thread and return what it returned, or raise what it raised. Raises CaptureError."""
        if threading.current_thread() is threading.main_thread():
            return work()
        answer: Future[T] = Future()
        self._caller.handed.emit(lambda: _answer(answer, work))
        try:
            return answer.result(ANSWER_S)
        except TimeoutError as error:
            raise CaptureError("capture_failed", "Qt does not answer") from error


def _answer(answer: Future[T], work: Callable[[], T]) -> None:
    try:
        answer.set_result(work())
    except Exception as error:  # noqa: BLE001 - raised again in the thread that asked
        answer.set_exception(error)
