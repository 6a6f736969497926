# SPDX-License-Identifier: GPL-3.0-or-later
"""A fault of the program: its report is shown in full, holds no text of a ticket, and goes nowhere by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from app.config.settings import CRASH_REPORTS, CrashReports, Settings
from app.entry.agent_app import AgentApp
from app.entry.agent_crash import CrashDesk
from app.services.crash_report import trace_of
from widgets.foundation import Theme
from widgets.shell.crash import CrashWindow

SECRET = "the customer's own words"


def fail() -> ValueError:
    """A fault that quotes a ticket in its message and in its variables."""
    ticket = SECRET
    try:
        int(ticket)
    except ValueError as error:
        return error
    raise AssertionError


class Crashing:
    """The program, and where its mails go."""

    def __init__(self, qapp: QApplication, theme: Theme, folder: Path, managed: dict[str, object]) -> None:
        self.mails: list[str] = []
        settings = Settings(folder / "settings.json", managed)
        self.app = AgentApp(qapp, theme, settings, folder / "agent", "correct horse battery")
        self.desk = CrashDesk(self.app, folder, mail=self.mails.append)

    def asks(self) -> bool:
        """Whether a report waits for the person."""
        return self.desk.window is not None

    def fail(self) -> CrashWindow:
        """Let something fail in the background; return the window."""
        self.app.faulted.emit(fail())
        assert self.desk.window is not None
        return self.desk.window


@pytest.fixture
def crashing(qapp: QApplication, theme: Theme, tmp_path: Path) -> Iterator[Crashing]:
    made = Crashing(qapp, theme, tmp_path, {"crash_reports.address": "help@example.com"})
    yield made
    made.app.leave()


@pytest.mark.ux("UX-73")
def test_the_report_shows_all_that_would_be_sent_and_no_text_of_a_ticket_unless_added_by_hand(
    qtbot: QtBot, crashing: Crashing
) -> None:
    """What stands in the window is what goes into the mail, to the letter; the mail program sends it, not we."""
    window = crashing.fail()
    assert "in fail" in window.whole()
    assert "ValueError" in window.whole()
    assert SECRET not in window.whole()
    assert str(Path.home()) not in window.whole()
    QTest.keyClicks(window.added, "I pressed Send")
    assert window.whole().rstrip().endswith("Added by hand:\nI pressed Send")
    shown = window.whole()
    window.deed.click()
    parts = urlsplit(crashing.mails[0])
    assert unquote(parts.path) == "help@example.com"
    assert shown.startswith(parse_qs(parts.query)["body"][0][:500])


@pytest.mark.ux("UX-73")
def test_not_now_has_the_focus_sends_nothing_and_the_same_fault_is_not_told_again(crashing: Crashing) -> None:
    """Escape does the same."""
    window = crashing.fail()
    assert window.focusWidget() is window.later
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not crashing.asks()
    crashing.app.faulted.emit(fail())
    assert not crashing.asks()
    assert crashing.mails == []


@pytest.mark.ux("UX-73")
def test_never_is_kept_and_no_fault_asks_any_more(crashing: Crashing) -> None:
    """It can be undone in the settings."""
    window = crashing.fail()
    window.never_button.click()
    assert crashing.app.settings.get(CRASH_REPORTS) is CrashReports.NEVER
    crashing.app.faulted.emit(KeyError(SECRET))
    assert not crashing.asks()
    assert crashing.mails == []


def test_where_the_organisation_said_no_address_the_report_can_only_be_saved(
    qtbot: QtBot, qapp: QApplication, theme: Theme, tmp_path: Path
) -> None:
    """To a file that the person names."""
    crashing = Crashing(qapp, theme, tmp_path, {})
    window = crashing.fail()
    assert window.deed.text() == "Save the report…"
    shown = window.whole()
    window.deed.click()
    dialog = next(w for w in qapp.topLevelWidgets() if isinstance(w, QFileDialog))
    dialog.close()
    crashing.desk.write(tmp_path / "report.txt", shown)
    qtbot.waitUntil((tmp_path / "report.txt").exists)
    qtbot.waitUntil(lambda: (tmp_path / "report.txt").read_text("utf-8") == shown)
    assert crashing.mails == []
    crashing.app.leave()


def test_what_a_hard_fault_left_is_told_at_the_next_start(
    qapp: QApplication, theme: Theme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in native code kills at once; its places stand in a file until then, and are told once."""
    script = (
        "import sys; from pathlib import Path; import faulthandler; "
        "faulthandler.enable(Path(sys.argv[1]).open('w')); faulthandler._sigsegv()"
    )
    fault = tmp_path / "fault.txt"
    done = subprocess.run([sys.executable, "-c", script, str(fault)], check=False, env={**os.environ})
    assert done.returncode < 0
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("faulthandler.enable", lambda file: file.close())
    crashing = Crashing(qapp, theme, tmp_path, {})
    crashing.desk.install()
    crashing.app.ready.emit()
    assert crashing.desk.window is not None
    assert "Segmentation fault" in crashing.desk.window.whole()
    assert "closed unexpectedly" in crashing.desk.window.words.text()
    crashing.desk.window.reject()
    crashing.app.ready.emit()
    assert not crashing.asks()
    assert fault.read_text() == ""
    crashing.app.leave()


def test_places_are_named_without_the_folders_of_a_person() -> None:
    """Below our own packages or by file name."""
    error = fail()
    lines = trace_of(type(error), error.__traceback__)
    assert lines[-1] == "builtins.ValueError"
    assert "/" not in lines[0].partition("test_crash.py")[0].removeprefix("widgets/")
