# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of what the customer keeps back with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QWidget

from app.domain.assist import Phase
from app.domain.masking import DEFAULT_RULES, MaskRule
from tests.widgets import scenes_agent as agent
from tests.widgets import scenes_companion as scenes
from tests.widgets.screenshots import Scene
from widgets.companion.masks import MaskWindow, RegionWindow
from widgets.foundation import Theme
from widgets.remote.session_window import SessionWindow


def _masks(theme: Theme) -> QWidget:
    rules = (*DEFAULT_RULES, MaskRule("mail"))
    window = MaskWindow(
        theme, [(60, 200, 700, 86), (60, 640, 1160, 86)], rules, can_follow=True, fixed=[MaskRule("payroll")]
    )
    window.picture.show_picture(scenes.sample_desktop())
    return window


def _masks_without_rules(theme: Theme) -> QWidget:
    return MaskWindow(theme, [], (), can_follow=False)


def _region(theme: Theme) -> QWidget:
    window = RegionWindow(theme)
    window.picture.show_picture(scenes.sample_desktop())
    window.picture.set_boxes([(60, 90, 800, 420)])
    window.picture.changed.emit()
    return window


def _request_kept(theme: Theme) -> QWidget:
    window = scenes._request(theme)
    window.show_kept(2, "rule")
    return window


def _bar_kept(theme: Theme) -> QWidget:
    bar = scenes._bar(theme, paused=True)
    bar.show_kept(2, "rule")
    return bar


def _kept(count: int, why: str) -> Callable[[Theme], QWidget]:
    def build(theme: Theme) -> QWidget:
        window = agent._session(Phase.VERIFIED, paused=bool(why))(theme)
        assert isinstance(window, SessionWindow)
        info = agent._session_info(Phase.VERIFIED, paused=bool(why))
        window.show_info(replace(info, hidden=count, held=why))
        return window

    return build


SCENES = [
    Scene("session-hidden", _kept(2, ""), (1152, 768), 200),
    Scene("session-protected", _kept(3, "rule"), (1152, 768), 200),
    Scene("companion-masks", _masks, contrast=True),
    Scene("companion-masks-without-rules", _masks_without_rules),
    Scene("companion-region", _region, contrast=True),
    Scene("companion-request-kept", _request_kept),
    Scene("companion-bar-kept", _bar_kept),
]
