# SPDX-License-Identifier: GPL-3.0-or-later
"""The invitation as it shows where customers may also join with a browser."""

from __future__ import annotations

import time
from dataclasses import replace

from PySide6.QtWidgets import QWidget

from app.domain.assist import Phase, SessionView
from tests.widgets.scenes_agent import ORDER
from tests.widgets.screenshots import Scene
from widgets.foundation import Theme
from widgets.remote.invite import InviteWindow
from widgets.remote.ports import Invited, SessionInfo

_PAGE = "https://help.example.com/join#6f1c0a52e8b94a17b0c3d2e1f4a59687.k2V9b7Qm4x0Yc1Lz8hTn5sRw3uJd6eFgAaBbCcDdEeF"


def _invite(theme: Theme) -> QWidget:
    window = InviteWindow(theme, ORDER)
    until = time.monotonic_ns() // 1_000_000 + 553_000
    link = "deskside://invite/6f1c0a52e8b94a17b0c3d2e1f4a59687#k2V9b7Qm4x0Yc1Lz8hTn5sRw3uJd6eFgAaBbCcDdEeF"
    invited = Invited(link, "482917305", until, pushed=False)
    info = SessionInfo(SessionView(Phase.INVITED), ORDER.ticket_label, ORDER.customer_name, invited)
    window.show_info(replace(info, invited=replace(invited, page=_PAGE)))
    return window


SCENES = [Scene("session-invite-page", _invite)]
