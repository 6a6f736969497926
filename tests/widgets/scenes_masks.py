# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of what the customer keeps back with."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.domain.masking import DEFAULT_RULES, MaskRule
from tests.widgets import scenes_companion as scenes
from tests.widgets.screenshots import Scene
from widgets.companion.masks import MaskWindow, RegionWindow
from widgets.foundation import Theme


def _masks(theme: Theme) -> QWidget:
    rules = (*DEFAULT_RULES, MaskRule("mail"))
    window = MaskWindow(theme, [(60, 200, 700, 86), (60, 640, 1160, 86)], rules, can_follow=True)
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


SCENES = [
    Scene("companion-masks", _masks, contrast=True),
    Scene("companion-masks-without-rules", _masks_without_rules),
    Scene("companion-region", _region, contrast=True),
    Scene("companion-request-kept", _request_kept),
    Scene("companion-bar-kept", _bar_kept),
]
