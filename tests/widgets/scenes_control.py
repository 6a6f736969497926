# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of mouse and keyboard: the customer's question and bar, the agent's row with control off and on."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from app.domain.assist import AskState, Phase, Scope, ScopeAsk
from tests.widgets.scenes_agent import _session
from tests.widgets.screenshots import Scene
from widgets.companion.bar import SharingBar
from widgets.companion.permission import PermissionWindow
from widgets.foundation import Theme
from widgets.remote.session_window import SessionWindow

WHO = ("김지우", "한빛 지원센터")


def _question(theme: Theme) -> QWidget:
    return PermissionWindow(theme, Scope.CONTROL, WHO, "프린터 드라이버를 다시 설치합니다", 111_000, lambda: 0)


def _bar(theme: Theme) -> QWidget:
    bar = SharingBar(theme, *WHO)
    grants = (Scope.VIEW, Scope.CONTROL)
    bar.show_sharing("Notes", paused=False, lost=False, number="482 917", live=True, grants=grants)
    return bar


def _row(*, on: bool) -> Callable[[Theme], QWidget]:
    def build(theme: Theme) -> QWidget:
        asks = (ScopeAsk(Scope.POINTER, AskState.POSSIBLE), ScopeAsk(Scope.CONTROL, AskState.GRANTED))
        window = _session(Phase.VERIFIED, grants=(Scope.VIEW, Scope.CONTROL), asks=asks)(theme)
        assert isinstance(window, SessionWindow)
        if on:
            window.control.take()
            window.control.composing.setText("하")
        return window

    return build


def _possible(theme: Theme) -> QWidget:
    scopes = (Scope.POINTER, Scope.CONTROL)
    return _session(Phase.VERIFIED, asks=tuple(ScopeAsk(scope, AskState.POSSIBLE) for scope in scopes))(theme)


SCENES = [
    Scene("control-question", _question),
    Scene("control-bar", _bar),
    Scene("control-possible", _possible, (1152, 768), 200),
    Scene("control-off", _row(on=False), (1152, 768), 200),
    Scene("control-on", _row(on=True), (1152, 768), 200, contrast=True),
]
