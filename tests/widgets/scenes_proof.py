# SPDX-License-Identifier: GPL-3.0-or-later
"""The invitation window while it asks who invites and why."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from app.domain.assist import Phase, SessionView
from tests.widgets.scenes_agent import ORDER
from tests.widgets.screenshots import Scene
from widgets.foundation import Theme
from widgets.remote.invite import InviteWindow
from widgets.remote.ports import ProofAsk, SessionInfo


def _asks(ask: ProofAsk, typed: str = "") -> Callable[[Theme], QWidget]:
    def build(theme: Theme) -> QWidget:
        window = InviteWindow(theme, ORDER)
        info = SessionInfo(SessionView(Phase.INVITED), ORDER.ticket_label, ORDER.customer_name, proof_ask=ask)
        window.show_info(info)
        window.who.field.setText(typed)
        return window

    return build


def _why(*, empty: bool) -> Callable[[Theme], QWidget]:
    def build(theme: Theme) -> QWidget:
        window = InviteWindow(theme, ORDER)
        info = SessionInfo(SessionView(Phase.INVITED), ORDER.ticket_label, ORDER.customer_name, note_ask=True)
        window.show_info(info)
        if empty:
            window.why.submit.click()
        return window

    return build


SCENES = [
    Scene("session-why", _why(empty=False)),
    Scene("session-why-empty", _why(empty=True)),
    Scene("session-proof", _asks(ProofAsk(password=True, browser=True))),
    Scene("session-proof-wrong", _asks(ProofAsk(password=True, browser=False, problem="credentials"), "guess")),
    Scene("session-proof-wait", _asks(ProofAsk(password=True, browser=False, problem="busy", wait_s=287), "guess")),
    Scene("session-proof-browser", _asks(ProofAsk(password=False, browser=True, in_browser=True))),
]
