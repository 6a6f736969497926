# SPDX-License-Identifier: GPL-3.0-or-later
"""The real program when its device is suspended or withdrawn: locked and kept, or let go of, and always said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.config.settings import Settings
from app.domain.ids import UserId
from app.domain.ports import Identity
from app.entry.agent_app import AgentApp
from app.store.locks import FileLock
from widgets.foundation import Theme, ThemeMode, load_tokens

PASSPHRASE = "correct horse battery"


@pytest.fixture
def agent(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[AgentApp]:
    """The agent's program, signed in, its worker looking for a server that is not there."""
    theme = Theme(qapp, load_tokens(), ThemeMode.LIGHT)
    made = AgentApp(qapp, theme, Settings(tmp_path / "settings.json"), tmp_path / "agent", PASSPHRASE)
    made.start()
    qtbot.waitUntil(lambda: made.profile is not None and made.link is not None, timeout=30_000)
    assert made.profile is not None
    assert made.link is not None
    who = Identity(UserId(b"u" * 16), "kim", "김지우", frozenset({"agent"}), b"d" * 16, "K7", "http://127.0.0.1:1")
    made.profile.commits.save_identity(who)
    made.link.signed_in.emit(who)
    assert made.window is not None
    qtbot.waitUntil(made.window.isVisible, timeout=30_000)
    yield made
    made.leave()


def locks_are_free(folder: Path) -> bool:
    """Whether another process could take the files."""
    try:
        FileLock(folder / "ui.lock").release()
    except Exception:  # noqa: BLE001 - whatever says no
        return False
    return True


@pytest.mark.ux("UX-18")
def test_a_withdrawn_device_lets_go_of_its_files_and_says_so_until_it_is_closed(
    qtbot: QtBot, agent: AgentApp, tmp_path: Path
) -> None:
    """The worker can remove everything; the window stays with what happened, and nothing it does fails."""
    window, link = agent.window, agent.link
    assert window is not None
    assert link is not None
    link.locked.emit("suspended")
    assert window.lock.isVisible()
    assert not locks_are_free(tmp_path / "agent")
    link.locked.emit("")
    assert window.inbox.isVisible()
    link.locked.emit("revoked")
    assert window.lock.isVisible()
    assert agent.profile is None
    qtbot.waitUntil(lambda: locks_are_free(tmp_path / "agent"), timeout=20_000)
    window.rows_changed(frozenset())
    window.go_needs_you()
    qtbot.wait(400)
    assert window.toast.text() == ""
