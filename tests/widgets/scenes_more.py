# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of what stands in the set and nowhere else: what a policy locks, a fault's report, a broken line."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QWidget

from app.commands.table import AGENT
from app.config.i18n import language
from app.config.settings import Settings
from app.domain.assist import Phase
from app.domain.own_work import Day
from app.domain.ports import ItemKind, SyncPhase, SyncStatus, ThreadItem, ViewKey
from tests.fakes.commits import FakeCommits
from tests.fakes.queries import NOW_MS, FakeDesk, ticket_id
from tests.widgets.scenes_agent import SMALL, WIDE, _inbox, _scene, _session, _ticket
from tests.widgets.scenes_companion import _bar, sample_desktop
from tests.widgets.screenshots import Scene
from widgets.companion.bar import SharingBorder
from widgets.foundation import PlainLabel, Theme
from widgets.reports.own_work import OwnWorkWindow
from widgets.settings.keys import KeysWindow
from widgets.settings.window import SettingsWindow
from widgets.shell.crash import CrashWindow
from widgets.shell.window import AgentWindow

__all__ = ["SCENES"]

_MANAGED = {"notices.hide_text": True, "composer.undo_send_s": 10, "ui.language": "ko"}
_REPORT = """\
Deskside 0.9.0, Python 3.11.2, Qt 6.11.3, Debian GNU/Linux 12
Error: KeyError
  app/services/triage.py, line 212, in move
  widgets/shell/deeds.py, line 88, in run
"""


def _locked(theme: Theme) -> QWidget:
    folder = Path("/etc/deskside/policies/managed")
    sources = dict.fromkeys(_MANAGED, folder / "10-hanbit.json")
    return SettingsWindow(theme, Settings(Path("none.json"), _MANAGED, sources=sources))


def _keys(theme: Theme) -> QWidget:
    return KeysWindow(theme, Settings(Path("none.json")), AGENT)


def _crash(theme: Theme) -> QWidget:
    korean = language() == "ko"
    title = (
        "14:58에 Deskside가 예기치 않게 닫혔습니다. 죄송합니다. #14821 초안은 복구했고 두 번 보낸 글은 없습니다."
        if korean
        else "Deskside closed unexpectedly at 14:58. We are sorry. "
        "Your draft for #14821 is restored, nothing was sent twice."
    )
    return CrashWindow(theme, title, lambda added: _REPORT + (f"\n{added}" if added else ""), can_send=True)


def _work(theme: Theme) -> QWidget:
    window = OwnWorkWindow(theme)
    days = [Day(date(2026, 11, 10) + timedelta(days=n), (n * 7) % 19 + 4, (n * 5) % 11) for n in range(14)]
    window.show_days(days)
    return window


def _first(window: AgentWindow, _desk: FakeDesk, _commits: FakeCommits) -> None:
    window.go_view(ViewKey.MINE)


def _several(window: AgentWindow, desk: FakeDesk, commits: FakeCommits) -> None:
    _inbox(window, desk, commits)
    window.inbox.list.selectAll()
    window.desk.set_priority(window.deeds.picked(), 4)


def _shared(theme: Theme) -> QWidget:
    """A monitor on which a window is shared: the bar at its top, the border round what is seen."""
    screen = PlainLabel()
    picture = sample_desktop()
    bar = _bar(theme)
    if bar.width() > picture.width():  # the bar is as wide as the monitor that it stands on lets it be
        picture = picture.scaledToWidth(bar.width(), Qt.TransformationMode.SmoothTransformation)
    screen.resize(picture.width(), picture.height())
    screen.setPixmap(QPixmap.fromImage(picture))
    border = SharingBorder(theme, (60, 80, 1160, 690))
    border.setParent(screen, Qt.WindowType.Widget)
    border.place((60, 80, 1160, 690))
    bar.setParent(screen, Qt.WindowType.Widget)
    bar.move((screen.width() - bar.width()) // 2, 0)
    return screen


_OFFLINE = SyncStatus(SyncPhase.OFFLINE, NOW_MS - 4_800_000)


def _refused(window: AgentWindow, desk: FakeDesk, commits: FakeCommits) -> None:
    """A session that ended, and an invitation that the customer's computer did not take."""
    row = desk.row(ticket_id(0))
    assert row is not None
    told: tuple[tuple[str, dict[str, object]], ...] = (
        ("invited", {}), ("consent", {"by": "customer", "target": "window", "scopes": ["view"]}),
        ("end", {"by": "customer", "reason": "stopped"}), ("bad_invitation", {}),
    )  # fmt: skip
    for n, (event, more) in enumerate(told):
        desk.thread(row.id).append(
            ThreadItem(
                event.encode().ljust(16, b"-"), ItemKind.EVENT, NOW_MS - (9 - n) * 60_000, "customer", row.customer,
                row.customer_name, "", event=f"session.{event}", data={"sid": "6f1c", **more},
            )
        )  # fmt: skip
    _ticket(window, desk, commits)


SCENES = [
    Scene("agent-several", _scene(_several), WIDE, 60),
    Scene("agent-offline-empty", _scene(_first, _OFFLINE, size=0), SMALL, 60),
    Scene("agent-settings-locked", _locked),
    Scene("agent-shortcuts", _keys),
    Scene("agent-crash", _crash),
    Scene("agent-own-work", _work),
    Scene("agent-refused-invitation", _scene(_refused), WIDE, 60),
    Scene("session-lost", _session(Phase.VERIFIED, lost=True), (1152, 768), 200),
    Scene("companion-shared", _shared, contrast=True),
]
