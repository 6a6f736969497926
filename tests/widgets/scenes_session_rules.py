# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of rules and wishes in sessions: what policy forbids, at both ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QWidget

from app.config.i18n import language
from app.domain.assist import AskState, Phase, Scope, ScopeAsk, TargetChoice
from tests.widgets.scenes_agent import _session
from tests.widgets.scenes_companion import sample_desktop, sample_prompt
from tests.widgets.screenshots import Scene
from widgets.companion.bar import SharingBar
from widgets.companion.change import ChangeWindow
from widgets.companion.request import RequestWindow
from widgets.foundation import Theme
from widgets.remote.clipboard import ClipWindow
from widgets.remote.session_window import SessionWindow

_NEVER = (Scope.CONTROL, Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT)


def _forbidden_request(theme: Theme) -> QWidget:
    words = ("급여", "payroll")
    prompt = replace(sample_prompt(), forbidden=_NEVER, hidden=words, hard_limit_s=1200)
    return RequestWindow(theme, prompt, lambda: 0, lambda: None)


def _forbidden_tools(theme: Theme) -> QWidget:
    asks = tuple(ScopeAsk(scope, AskState.FORBIDDEN, by="customer") for scope in _NEVER)
    more = tuple(ScopeAsk(scope, AskState.POSSIBLE) for scope in (Scope.POINTER, Scope.RECORDING))
    return _session(Phase.VERIFIED, asks=(*more, *asks))(theme)


def _reason(theme: Theme) -> QWidget:
    scopes = (Scope.POINTER, Scope.DIAGNOSTICS, Scope.CONTROL, Scope.RECORDING, *_NEVER[1:])
    window = _session(Phase.VERIFIED, asks=tuple(ScopeAsk(scope, AskState.POSSIBLE) for scope in scopes))(theme)
    assert isinstance(window, SessionWindow)
    if language() == "ko":
        window.tools.reason.setText("드라이버를 다시 설치하려고 합니다")
    return window


def _reason_clips(theme: Theme) -> QWidget:
    window = ClipWindow(theme)
    scopes = (Scope.CLIPBOARD_TO_CUSTOMER, Scope.CLIPBOARD_TO_AGENT)
    window.show_asks(tuple(ScopeAsk(scope, AskState.POSSIBLE) for scope in scopes), "박민수")
    return window


def _bar(percent: int, *grants: Scope) -> Callable[[Theme], QWidget]:
    def build(theme: Theme) -> QWidget:
        theme.set_text_percent(percent)
        bar = SharingBar(
            theme, *(("김지우", "한빛 고객지원") if language() == "ko" else ("Kim Jiwoo", "Hanbit Support"))
        )
        bar.show_sharing("DP-1", paused=False, lost=False, number="482 917", live=True, grants=(Scope.VIEW, *grants))
        bar.clock.setText("12:41")
        bar.destroyed.connect(lambda: theme.set_text_percent(100))
        return bar

    return build


_THREE = (Scope.POINTER, Scope.CONTROL, Scope.RECORDING)
_ALL = tuple(scope for scope in Scope if scope is not Scope.VIEW)


def _own_hands(theme: Theme) -> QWidget:
    asks = (ScopeAsk(Scope.POINTER, AskState.POSSIBLE), ScopeAsk(Scope.CONTROL, AskState.GRANTED))
    window = _session(Phase.VERIFIED, grants=(Scope.VIEW, Scope.CONTROL), asks=asks)(theme)
    assert isinstance(window, SessionWindow)
    window.control.take()
    window.control.show_asks(asks, "박민수 님" if language() == "ko" else "박민수", flowing=True, own_hands=True)
    return window


def _change(theme: Theme) -> QWidget:
    clock, image = [0], sample_desktop()
    what = "“메모장”" if language() == "ko" else "“Notes”"
    window = ChangeWindow(theme, sample_prompt(), lambda: clock[0], lambda: image, what)
    window.show_targets((TargetChoice("w1", "window", "PX-200", (0, 0, 1280, 800)),))
    clock[0] = 2000
    window.rests_until(281_000)
    window.picture_arrived()
    return window


SCENES = [
    Scene("rules-change", _change, contrast=True),
    Scene("rules-own-hands", _own_hands, (1152, 768), 200),
    Scene("rules-bar-three", _bar(100, *_THREE)),
    Scene("rules-bar-all", _bar(100, *_ALL)),
    Scene("rules-bar-all-large", _bar(200, *_ALL)),
    Scene("rules-reason", _reason, (1152, 768), 200),
    Scene("rules-reason-clipboard", _reason_clips),
    Scene("rules-forbidden-request", _forbidden_request),
    Scene("rules-forbidden-tools", _forbidden_tools, (1152, 768), 200),
]
