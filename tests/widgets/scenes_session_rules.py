# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of rules and wishes in sessions: what policy forbids, at both ends."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QWidget

from app.domain.assist import AskState, Phase, Scope, ScopeAsk
from tests.widgets.scenes_agent import _session
from tests.widgets.scenes_companion import sample_prompt
from tests.widgets.screenshots import Scene
from widgets.companion.request import RequestWindow
from widgets.foundation import Theme

_NEVER = (Scope.CONTROL, Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT)


def _forbidden_request(theme: Theme) -> QWidget:
    return RequestWindow(theme, replace(sample_prompt(), forbidden=_NEVER), lambda: 0, lambda: None)


def _forbidden_tools(theme: Theme) -> QWidget:
    asks = tuple(ScopeAsk(scope, AskState.FORBIDDEN, by="customer") for scope in _NEVER)
    more = tuple(ScopeAsk(scope, AskState.POSSIBLE) for scope in (Scope.POINTER, Scope.RECORDING))
    return _session(Phase.VERIFIED, asks=(*more, *asks))(theme)


SCENES = [
    Scene("rules-forbidden-request", _forbidden_request),
    Scene("rules-forbidden-tools", _forbidden_tools, (1152, 768), 200),
]
