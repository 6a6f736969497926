# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of recording, at both ends."""

from __future__ import annotations

import time
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QWidget

from app.domain.assist import AskState, Phase, Scope, ScopeAsk
from app.domain.recording import RecordingState
from tests.widgets.scenes_agent import _desktop, _session, _session_info
from tests.widgets.screenshots import Scene
from widgets.companion.bar import SharingBar
from widgets.companion.permission import PermissionWindow
from widgets.foundation import Theme
from widgets.remote.ports import SessionInfo
from widgets.remote.session_window import SessionWindow

__all__ = ["SCENES"]

WHO = ("김지우", "한빛전산 고객지원")


def _asks(state: AskState) -> tuple[ScopeAsk, ...]:
    until = time.monotonic_ns() // 1_000_000 + 24_000
    kinds = (Scope.POINTER, Scope.CONTROL, Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT, Scope.DIAGNOSTICS)
    return (*(ScopeAsk(scope, AskState.POSSIBLE) for scope in kinds), ScopeAsk(Scope.RECORDING, state, until))


def _possible(theme: Theme) -> QWidget:
    return _session(Phase.VERIFIED, asks=_asks(AskState.POSSIBLE))(theme)


def _waiting(theme: Theme) -> QWidget:
    window = _session(Phase.VERIFIED, asks=_asks(AskState.WAITING))(theme)
    assert isinstance(window, SessionWindow)
    window.show_info(_with(RecordingState(wanted=True), AskState.WAITING))
    return window


def _with(state: RecordingState, ask: AskState = AskState.GRANTED) -> SessionInfo:
    return replace(
        _session_info(Phase.VERIFIED, asks=_asks(ask), grants=(Scope.VIEW, Scope.RECORDING)), recording=state
    )


def _running(theme: Theme) -> QWidget:
    return _kept(theme, RecordingState(True, 1, False, 1, 2))


def _failed(theme: Theme) -> QWidget:
    return _kept(theme, RecordingState(parts=1, problem="disk_full"))


def _kept(theme: Theme, state: RecordingState) -> QWidget:
    window = _session(Phase.VERIFIED)(theme)
    assert isinstance(window, SessionWindow)
    window.show_info(_with(state))
    QTimer.singleShot(0, window, lambda: window.show_frame(_desktop(), 1))
    return window


def _question(theme: Theme) -> QWidget:
    clock = [0]
    window = PermissionWindow(theme, Scope.RECORDING, WHO, "", 112_000, lambda: clock[0])
    clock[0] = 5_000
    window._count()
    return window


def _bar(theme: Theme) -> QWidget:
    bar = SharingBar(theme, *WHO)
    bar.setWindowFlags(Qt.WindowType.Widget)
    bar.show_sharing(
        "전표 입력", paused=False, lost=False, number="482 917", live=True,
        grants=(Scope.VIEW, Scope.POINTER, Scope.RECORDING),
    )  # fmt: skip
    return bar


SCENES = [
    Scene("recording-session-possible", _possible, (1152, 768), 200),
    Scene("recording-session-waiting", _waiting, (1152, 768), 200),
    Scene("recording-session-running", _running, (1152, 768), 200, contrast=True),
    Scene("recording-session-failed", _failed, (1152, 768), 200),
    Scene("recording-companion-question", _question, contrast=True),
    Scene("recording-companion-bar", _bar, contrast=True),
]
