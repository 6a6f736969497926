# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the agent's program: each is told once, with its report; a hard one at the next start (UX-73)."""

from __future__ import annotations

import contextlib
import faulthandler
import platform
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, QStandardPaths, Qt, qVersion
from PySide6.QtWidgets import QFileDialog

from app.config import settings as conf
from app.config.i18n import _
from app.config.logs import get_logger
from app.desktop.launch import LinkOpener
from app.entry import versions
from app.entry.agent_app import AgentApp
from app.entry.sync_codec import wall_ms
from app.services.crash_report import fault_key, mail_link, report_text, trace_of
from app.services.messages import error_text
from widgets.foundation import fmt
from widgets.shell.crash import CrashWindow

__all__ = ["CrashDesk"]

_log = get_logger("agent.crash")
_FAULT_CHARS = 20_000


class CrashDesk(QObject):
    """GUI thread. `folder` keeps what a hard fault leaves (places in the code only) until the next start tells it."""

    def __init__(self, app: AgentApp, folder: Path, *, mail: Callable[[str], object] | None = None) -> None:
        """`mail` opens a link to the person's mail program."""
        super().__init__(app)
        self._app = app
        self._mail = mail or LinkOpener(lambda why: self._tell(error_text(why)), parent=self).open
        self._told: set[str] = set()
        self.window: CrashWindow | None = None
        self._dialog: QFileDialog | None = None
        self._left = ""
        self._fault = folder / "fault.txt"
        app.faulted.connect(self._faulted)
        app.ready.connect(self._tell_left)

    def install(self) -> None:
        """Hear of every exception that nobody catches, and let a hard fault leave its places in a file."""
        sys.excepthook = self.caught
        with contextlib.suppress(OSError):
            self._fault.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._fault.exists():
                self._left = self._fault.read_text("utf-8", "replace")[:_FAULT_CHARS].strip()
            # open for as long as the program runs: what writes there is the fault itself
            faulthandler.enable(self._fault.open("w", encoding="utf-8"))

    def caught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Log a fault and show its report, once for each place; work goes on."""
        if issubclass(kind, KeyboardInterrupt):
            self._app.leave()
            return
        _log.error("unexpected", exc_info=error)
        lines = trace_of(kind, trace)
        if fault_key(lines) not in self._told:
            self._told.add(fault_key(lines))
            self._show(
                _("Something in Deskside failed at {time}. We are sorry. What you typed is kept, and you can go on. "
                  "You may hand us the report after reading it.").format(time=fmt.time_of_day(wall_ms())),
                lines,
            )  # fmt: skip

    def _faulted(self, error: Exception) -> None:
        self.caught(type(error), error, error.__traceback__)

    def _tell_left(self) -> None:
        left, self._left = self._left, ""
        if left:
            self._show(
                _("Deskside closed unexpectedly the last time. We are sorry. Your drafts are restored and nothing was "
                  "sent twice. You may hand us the report after reading it."),
                left.splitlines(),
            )  # fmt: skip

    def _show(self, title: str, lines: Sequence[str]) -> None:
        settings = self._app.settings
        if settings.get(conf.CRASH_REPORTS) is conf.CrashReports.NEVER or self.window is not None:
            return
        when = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z")
        # few: those of codecs would load them into this process
        system = f"Python {platform.python_version()}, Qt {qVersion()}, {platform.platform()}"
        parts = [versions.version_line(), system]
        address = settings.get(conf.CRASH_ADDRESS)
        window = self.window = CrashWindow(
            self._app.theme, title, lambda added: report_text(when, lines, parts, added), can_send=bool(address),
            parent=self._app.window,
        )  # fmt: skip
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        window.sent.connect(lambda text: self._mail(mail_link(address, text)))
        window.saved.connect(self._save)
        window.never.connect(self._never)
        window.finished.connect(self._closed)
        window.open()

    def _closed(self) -> None:
        self.window = None

    def _never(self) -> None:
        with contextlib.suppress(OSError, conf.SettingLocked):
            self._app.settings.set(conf.CRASH_REPORTS, conf.CrashReports.NEVER)

    def _save(self, text: str) -> None:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        dialog = self._dialog = QFileDialog(self._app.window, _("Save the report"), folder, "*.txt")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("txt")
        dialog.selectFile("deskside-report.txt")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.write(Path(name), text))
        dialog.open()

    def write(self, path: Path, text: str) -> None:
        """Write a report where the person chose, off the GUI thread."""
        self._app.jobs.change(
            lambda: path.write_text(text, "utf-8"),
            lambda _size: self._tell(_("Saved as {name}").format(name=path.name)),
            lambda why: self._tell(_("{name} could not be saved: {why}").format(name=path.name, why=why)),
        )

    def _tell(self, text: str) -> None:
        if self._app.window is not None:
            self._app.window.toast.tell(text)
