# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of what a person sees of sync: Needs you, the guard's question, the lock pages, the status in full."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QWidget

from app.domain.ports import SyncPhase, SyncStatus
from app.services.needs_you import Action
from tests.fakes.commits import FakeCommits
from tests.fakes.needs import entry_id
from tests.fakes.queries import NOW_MS, TEAM, FakeDesk
from tests.widgets.scenes_agent import IDENTITY, LIVE, SMALL, WIDE, _ticket, agent_window
from tests.widgets.screenshots import Scene
from widgets.foundation import Theme
from widgets.shell.sync_details import SyncDetails
from widgets.shell.window import AgentWindow

Prepare = Callable[[AgentWindow], None]
NEEDING = replace(LIVE, needs_you=8)
STUCK = SyncStatus(
    SyncPhase.STUCK, NOW_MS - 900_000, waiting=3, waiting_since=NOW_MS - 4_800_000, last_sync=NOW_MS - 4_860_000,
    needs_you=2, detail={"tries": 4, "lmid": 211},
)  # fmt: skip
LOADING = SyncStatus(SyncPhase.LOADING, NOW_MS - 20_000, percent=40, scope=f"team:{TEAM.hex()}")
OFFLINE = SyncStatus(
    SyncPhase.OFFLINE, NOW_MS - 4_800_000, waiting=3, waiting_since=NOW_MS - 4_200_000, needs_you=8
)  # fmt: skip


def _scene(prepare: Prepare, status: SyncStatus = NEEDING, *, needs_you: bool = True) -> Callable[[Theme], QWidget]:
    def build(theme: Theme) -> QWidget:
        mode = theme.mode
        window, _desk, _commits = agent_window(theme, status, needs_you=needs_you)
        theme.set_mode(mode)
        window.go_needs_you()
        prepare(window)
        return window

    return build


def _choose(window: AgentWindow, *numbers: int) -> None:
    listing = window.needs.listing
    listing.list.clearSelection()
    for n, item in enumerate(listing.model.items):
        if item.id in {entry_id(number) for number in numbers}:
            listing._select(n, first=item.id == entry_id(numbers[0]))


def _on(*numbers: int) -> Prepare:
    return lambda window: _choose(window, *numbers)


def _editing(number: int) -> Prepare:
    def prepare(window: AgentWindow) -> None:
        _choose(window, number)
        window.decide(Action.EDIT)

    return prepare


def _decided(window: AgentWindow) -> None:
    _choose(window, 2)
    window.decide(Action.MINE)


def _guard(window: AgentWindow) -> None:
    _ticket(window, FakeDesk(1), FakeCommits(FakeDesk(1)))
    window.ask_guard(412, 967)


def _lock(why: str) -> Prepare:
    return lambda window: window.show_lock(why)


def _status(theme: Theme) -> QWidget:
    return SyncDetails(theme, STUCK, IDENTITY, None)


def _show_ticket(window: AgentWindow) -> None:
    _ticket(window, FakeDesk(1), FakeCommits(FakeDesk(1)))


SCENES = [
    Scene("needs-stale", _scene(_on(0)), WIDE, 400, contrast=True),
    Scene("needs-field", _scene(_on(1)), WIDE, 400),
    Scene("needs-text", _scene(_on(3)), WIDE, 400, contrast=True),
    Scene("needs-text-small", _scene(_on(3), OFFLINE), SMALL, 400),
    Scene("needs-edit", _scene(_editing(3)), WIDE, 400),
    Scene("needs-deleted", _scene(_on(4)), WIDE, 400),
    Scene("needs-rejected", _scene(_on(5)), WIDE, 400),
    Scene("needs-orphaned", _scene(_on(6), OFFLINE), SMALL, 400),
    Scene("needs-draft", _scene(_on(7)), WIDE, 400, contrast=True),
    Scene("needs-many", _scene(_on(1, 2)), WIDE, 400),
    Scene("needs-decided", _scene(_decided), WIDE, 400),
    Scene("needs-empty", _scene(lambda _w: None, LIVE, needs_you=False), WIDE, 400),
    Scene("sync-guard", _scene(_guard), WIDE, 900),
    Scene("sync-stuck", _scene(_show_ticket, STUCK), SMALL, 900),
    Scene("sync-loading", _scene(_show_ticket, LOADING, needs_you=False), SMALL, 900),
    Scene("sync-suspended", _scene(_lock("suspended"), OFFLINE), WIDE, 300),
    Scene("sync-revoked", _scene(_lock("revoked")), WIDE, 300),
    Scene("sync-status", _status, None, 200),
]
