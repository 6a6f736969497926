# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where foreign programs are started: browser, mail program, file manager."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusPendingCallWatcher

from app.domain.errors import WorldError

SCHEMES: Final = ("http://", "https://", "mailto:")
_PRIVATE: Final = ("QT_", "_PYI_", "_MEIPASS", "PYTHON", "DESKSIDE_")


class NoProgramForLink(WorldError):
    """The desktop has no program that opens the link."""

    code = "no_program_for_link"


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a foreign program: without what the frozen build or Qt set for themselves."""
    kept = {name: value for name, value in environment.items() if not name.startswith(_PRIVATE)}
    original = kept.pop("LD_LIBRARY_PATH_ORIG", "")
    kept.pop("LD_LIBRARY_PATH", None)
    if original:
        kept["LD_LIBRARY_PATH"] = original
    elif "LD_LIBRARY_PATH" in environment and not getattr(sys, "frozen", False):
        kept["LD_LIBRARY_PATH"] = environment["LD_LIBRARY_PATH"]
    return kept


def is_allowed(url: str) -> bool:
    """Whether a link may be opened at all: web and mail only, one line, nothing that looks like an option."""
    return url.lower().startswith(SCHEMES) and url.isprintable() and len(url) <= 8192


def start_detached(command: list[str]) -> None:
    """Start a program that outlives us, with a clean environment. Raises NoProgramForLink."""
    process = QProcess()
    process.setProgram(command[0])
    process.setArguments(command[1:])
    clean = QProcessEnvironment()
    for name, value in clean_environment(os.environ).items():
        clean.insert(name, value)
    process.setProcessEnvironment(clean)
    process.setStandardInputFile(QProcess.nullDevice())
    process.setStandardOutputFile(QProcess.nullDevice())
    process.setStandardErrorFile(QProcess.nullDevice())
    if not process.startDetached():
        raise NoProgramForLink


def _opener(url: str) -> list[str]:
    if sys.platform == "darwin":
        return ["open", url]
    if sys.platform == "win32":
        return ["rundll32", "url.dll,FileProtocolHandler", url]
    return ["xdg-open", url]


class LinkOpener(QObject):
    """Opens links: on Linux by the desktop's portal, which asks and works in sandboxes, else by its opener.

    GUI thread; returns at once. `failed` is called when nothing could open the link.
    """

    def __init__(
        self,
        failed: Callable[[WorldError], None],
        start: Callable[[list[str]], None] = start_detached,
        bus: QDBusConnection | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._failed = failed
        self._start = start
        self._bus = bus

    def open(self, url: str) -> bool:
        """Open a link from a ticket; False if its kind is not allowed."""
        if not is_allowed(url):
            return False
        bus = self._bus or QDBusConnection.sessionBus()
        if sys.platform.startswith("linux") and bus.isConnected():
            self._ask_portal(bus, url)
        else:
            self._fall_back(url)
        return True

    def open_file(self, path: Path) -> None:
        """Let the desktop show a file that a person chose to open. Never for programs: the caller sees to that."""
        self._fall_back(str(path))

    def _ask_portal(self, bus: QDBusConnection, url: str) -> None:
        call = QDBusMessage.createMethodCall(
            "org.freedesktop.portal.Desktop",
            "/org/freedesktop/portal/desktop",
            "org.freedesktop.portal.OpenURI",
            "OpenURI",
        )
        call.setArguments(["", url, {}])
        watcher = QDBusPendingCallWatcher(bus.asyncCall(call), self)

        def answered(done: QDBusPendingCallWatcher) -> None:
            if done.isError():
                self._fall_back(url)
            done.deleteLater()

        watcher.finished.connect(answered)

    def _fall_back(self, url: str) -> None:
        try:
            self._start(_opener(url))
        except WorldError as error:
            self._failed(error)
