# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's real program in the desktop: a closed window, the tray, the badge, and notices that open the ticket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QSystemTrayIcon
from pytestqt.qtbot import QtBot

from app.config.settings import NOTICES_ON, STAY_IN_TRAY, Settings
from app.domain.ids import TicketId, UserId
from app.domain.notices import NoticeEvent, NoticeKind, Standing, TrayState
from app.domain.ports import Identity
from app.entry.agent_app import AgentApp
from app.entry.agent_desktop import AgentDesktop
from widgets.foundation import Theme, ThemeMode
from widgets.shell.tray import Tray, state_picture

pytestmark = pytest.mark.qt_log_ignore("systemTrayWindowChanged")  # said by the offscreen platform, which has no tray


class FakeNotices(QObject):
    """A desktop that takes every notice; a process of its own stands in test_desktop_notices."""

    acted = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[bytes, str, str]] = []

    def show(
        self, key: bytes, title: str, body: str, buttons: Sequence[tuple[str, str]], *, replaces: bool,
        done: Callable[[bool], object],
    ) -> None:  # fmt: skip
        """Show."""
        self.shown.append((key, title, body))
        done(True)

    def withdraw(self, key: bytes) -> None:
        """Take away."""

    def close(self) -> None:
        """End."""


class Program:
    """The agent's program, signed in, with a tray that can come and go."""

    def __init__(self, qtbot: QtBot, qapp: QApplication, theme: Theme, folder: Path, *, tray: bool) -> None:
        self.has_tray = tray
        self.badges: list[int] = []
        self.notices = FakeNotices()
        self.app = AgentApp(qapp, theme, Settings(folder / "settings.json"), folder / "agent", "correct horse battery")
        self.tray = Tray(theme, available=lambda: self.has_tray)
        self.desktop = AgentDesktop(self.app, self.notices, self.tray, self.badges.append)  # type: ignore[arg-type]  # a fake
        self.app.start()
        qtbot.waitUntil(lambda: self.app.profile is not None and self.app.link is not None)
        assert self.app.profile is not None
        assert self.app.link is not None
        who = Identity(UserId(b"u" * 16), "kim", "김지우", frozenset({"agent"}), b"d" * 16, "K7", "http://127.0.0.1:1")
        self.app.profile.commits.save_identity(who)
        self.app.link.signed_in.emit(who)
        assert self.app.window is not None
        self.window = self.app.window
        qtbot.waitUntil(self.window.isVisible)


@pytest.fixture
def with_tray(qtbot: QtBot, qapp: QApplication, theme: Theme, tmp_path: Path) -> Iterator[Program]:
    made = Program(qtbot, qapp, theme, tmp_path, tray=True)
    yield made
    made.app.leave()


@pytest.mark.ux("UX-54", "UX-55")
def test_with_a_tray_the_closed_window_goes_on_and_a_notice_opens_its_ticket(qtbot: QtBot, with_tray: Program) -> None:
    """P06: the window is away, the program is not; a click brings it back with the ticket."""
    program = with_tray
    left: list[None] = []
    program.app.left.connect(lambda: left.append(None))
    qtbot.waitUntil(program.tray.is_there)
    program.window.close()
    assert not program.window.isVisible()
    assert left == []
    ticket = TicketId(b"t" * 16)
    program.desktop.take([NoticeEvent(b"e" * 16, ticket, NoticeKind.MESSAGE, 1, "#4182", "Printer", "박민수", "Hi")], 3)
    assert program.notices.shown == [(ticket, "#4182 Printer", "박민수 wrote: Hi")]
    assert program.badges[-1] == 3
    program.notices.acted.emit(ticket, "open")
    assert program.window.isVisible()
    qtbot.waitUntil(lambda: program.window.ticket.empty.text.text() == "This ticket is not on this computer.")
    program.window.close()
    program.tray.open_wanted.emit()
    assert program.window.isVisible()
    program.window.registry.run("app.quit")
    assert left == [None]


@pytest.mark.ux("UX-54")
def test_without_a_tray_nothing_hides_and_a_tray_that_goes_gives_the_window_back(
    qtbot: QtBot, with_tray: Program
) -> None:
    """Closing quits; and whoever closed into a tray finds the window when the tray is gone."""
    program = with_tray
    qtbot.waitUntil(program.tray.is_there)
    program.window.close()
    assert not program.window.isVisible()
    program.has_tray = False
    program.desktop.take([], 0)
    assert program.window.isVisible()
    left: list[None] = []
    program.app.left.connect(lambda: left.append(None))
    program.window.close()
    assert left == [None]


def test_who_wants_no_notices_gets_none_and_none_later(qtbot: QtBot, with_tray: Program) -> None:
    """Switched off is not put off. Without the tray wanted, closing quits."""
    program = with_tray
    program.app.settings.set(NOTICES_ON, False)
    program.app.settings.set(STAY_IN_TRAY, False)
    found = [NoticeEvent(b"e" * 16, TicketId(b"t" * 16), NoticeKind.MESSAGE, 1, "#1", "x", "y", "z")]
    program.desktop.take(found, 1)
    program.app.settings.set(NOTICES_ON, True)
    program.desktop.take(found, 1)
    assert program.notices.shown == []
    assert not program.tray.is_there()


@pytest.mark.ux("UX-54")
def test_every_state_of_the_icon_has_a_shape_of_its_own(theme: Theme) -> None:
    """Told apart without colour: which parts are painted differs, in every theme."""
    for mode in (ThemeMode.LIGHT, ThemeMode.DARK, ThemeMode.CONTRAST_DARK):
        theme.set_mode(mode)
        shapes = set()
        for state in TrayState:
            alpha = state_picture(theme, state).toImage()
            side = range(0, alpha.width(), 2)
            shapes.add(tuple(alpha.pixelColor(x, y).alpha() > 127 for x in side for y in side))
        assert len(shapes) == len(TrayState)


def test_the_icon_says_all_in_words_and_offers_to_open_and_to_quit(theme: Theme, qapp: QApplication) -> None:
    """A tooltip for each state."""
    tray = Tray(theme, available=lambda: False)
    tray.show_standing(Standing(unread=2, offline=True))
    assert tray.words().splitlines()[1:] == ["Offline: what you do is safe here", "2 tickets wait for your answer"]
    assert tray.actions() == ["Open Deskside", "Quit"]
    assert not tray.is_there()
    assert not tray.tell(None, "a", "b")
    assert isinstance(QSystemTrayIcon.isSystemTrayAvailable(), bool)
    tray.close()
