# SPDX-License-Identifier: GPL-3.0-or-later
"""The real program, worker and server: a file dropped on a note in the window reaches the server and opens again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.config.settings import Settings
from app.domain.ports import DraftKind, SyncPhase, ViewKey
from app.entry.agent_app import AgentApp
from tests.sync.processes import PASSWORD, ServerProcess
from widgets.foundation import Theme, ThemeMode, load_tokens
from widgets.foundation.file_chip import FileChip
from widgets.ticket.attachments import AttachmentChips


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    made = ServerProcess(tmp_path / "server")
    yield made
    made.stop()


@pytest.fixture
def agent(qtbot: QtBot, qapp: QApplication, tmp_path: Path, server: ServerProcess) -> Iterator[AgentApp]:
    """The agent's program, signed in and loaded."""
    theme = Theme(qapp, load_tokens(), ThemeMode.LIGHT)
    made = AgentApp(qapp, theme, Settings(tmp_path / "settings.json"), tmp_path / "agent", "correct horse battery")
    made.start()
    qtbot.waitUntil(lambda: made.link is not None and made.sign_in is not None, timeout=30_000)
    assert made.link is not None
    made.link.sign_in(server.url, "agent1", PASSWORD)
    qtbot.waitUntil(lambda: made.status.phase is SyncPhase.LIVE, timeout=60_000)
    yield made
    made.leave()


def _chips(agent: AgentApp) -> list[FileChip]:
    assert agent.window is not None
    found = agent.window.ticket.conversation.findChildren(AttachmentChips)
    return [chip for each in found for chip in each.chips if chip.attachment.sha256]


@pytest.mark.ux("UX-33")
@pytest.mark.slow  # real programs for many seconds; `.ci/run` runs it
def test_a_dropped_file_is_saved_sent_and_opened_only_after_a_question(
    qtbot: QtBot, agent: AgentApp, server: ServerProcess, tmp_path: Path
) -> None:
    """The chip says how far it is; a program opens nothing before the answer; the copy is what was dropped."""
    window, profile = agent.window, agent.profile
    assert window is not None
    assert profile is not None
    assert window.files is not None
    path = tmp_path / "Messwerte 측정.csv"
    path.write_text("1;2;3\n" * 50_000)
    ticket = profile.queries.ids(ViewKey.ALL_LIVE)[0]
    window.open_ticket(ticket)
    qtbot.waitUntil(lambda: window.desk.details is not None and window.desk.details.row.id == ticket, timeout=20_000)
    window.ticket.composer.write(DraftKind.NOTE)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    sheet = window.ticket.composer.sheets[DraftKind.NOTE]
    sheet.edit.insertFromMimeData(data)
    qtbot.waitUntil(lambda: len(sheet.files.attachments()) == 1, timeout=20_000)
    window.ticket.composer.send()
    qtbot.waitUntil(lambda: len(_chips(agent)) == 1, timeout=20_000)

    def stored() -> list[tuple[int, str]]:
        with closing(sqlite3.connect(server.folder / "server.db", timeout=10)) as db:
            return db.execute("SELECT size, state FROM blob").fetchall()

    qtbot.waitUntil(lambda: stored() == [(300_000, "complete")], timeout=30_000)
    name = "Messwerte 측정.csv, 293 kB"
    qtbot.waitUntil(lambda: [chip.accessibleName() for chip in _chips(agent)] == [name], timeout=30_000)
    opened: list[Path] = []
    window.files.open_wanted.disconnect()
    window.files.open_wanted.connect(opened.append)
    chip = _chips(agent)[0]
    item = next(i for i in window.ticket.conversation._items if i.attachments and i.attachments[0].sha256)
    window.files.act("open", chip.attachment, item)
    assert window.files.dialog is not None
    assert opened == []
    window.files.dialog.accept()
    qtbot.waitUntil(lambda: len(opened) == 1, timeout=20_000)
    assert opened[0].read_text() == path.read_text()
    agent.leave()
    assert not opened[0].exists()
