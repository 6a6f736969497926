# SPDX-License-Identifier: GPL-3.0-or-later
"""With reduced motion nothing moves; the system is asked on each platform in its own way, a person's choice wins."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QObject, QSettings, Qt, Signal
from PySide6.QtWidgets import QApplication, QLineEdit, QProgressBar, QStyle, QTreeView, QWidget
from pytestqt.qtbot import QtBot

from app.config.settings import Motion
from app.desktop import motion
from app.desktop.motion import MotionWatch, of_portal
from widgets.foundation import BusyStrip, Theme

NEW, GNOME = ("org.freedesktop.appearance", "reduced-motion"), ("org.gnome.desktop.interface", "enable-animations")


@pytest.mark.ux("UX-58")
@pytest.mark.parametrize(
    ("place", "value", "reduced"),
    [
        (GNOME, ("b", False), True), (GNOME, ("v", ("b", False)), True), (GNOME, ("b", True), False),
        (NEW, ("u", 1), True), (NEW, ("v", ("u", 0)), False), (NEW, ("s", "x"), None), (GNOME, ("s", "x"), None),
        (("org.x", "y"), ("b", False), None),
    ],
)  # fmt: skip
def test_the_words_of_linux_desktops_are_understood(
    place: tuple[str, str], value: object, reduced: bool | None
) -> None:
    """The newer one of all and GNOME's; what says nothing changes nothing."""
    assert of_portal(place, value) is reduced


class FakeWire(QObject):
    """A portal that knows GNOME's word only; the wire itself is tested in test_desktop_notices."""

    heard = Signal(str, object)

    def listen(self, sender: str, interface: str) -> None:
        """Listen."""

    def call(self, to: object, member: str, signature: str, body: tuple[str, str], then: Any) -> None:
        """Answer."""
        if body == GNOME:
            then("", (("v", ("b", False)),))
        else:
            then("org.freedesktop.portal.Error.NotFound", ())

    def close(self) -> None:
        """End."""


@pytest.mark.ux("UX-58")
def test_a_linux_desktop_is_asked_at_the_start_and_heard_while_the_program_runs(qtbot: QtBot) -> None:
    """Switched off and on again in the desktop's settings."""
    wire = FakeWire()
    watch = MotionWatch(wire=wire)  # type: ignore[arg-type]  # a fake
    with qtbot.waitSignal(watch.changed) as changed:
        watch.start()
    assert changed.args == [True]
    with qtbot.waitSignal(watch.changed) as changed:
        wire.heard.emit("SettingChanged", (*GNOME, ("b", True)))
    assert changed.args == [False]
    wire.heard.emit("SettingChanged", ("org.x", "y", ("b", False)))
    assert not watch.reduced


@pytest.mark.ux("UX-58")
@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_windows_and_macos_are_asked_in_their_own_way(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    """Client-area animation off; reduce motion on."""
    monkeypatch.setattr(motion.sys, "platform", platform)  # type: ignore[attr-defined]  # the module's own name
    monkeypatch.setattr(motion, "_windows", lambda: True)
    monkeypatch.setattr(QSettings, "value", lambda *_args: 1)
    watch = MotionWatch(wire=FakeWire())  # type: ignore[arg-type]  # a fake
    watch.start()
    assert watch.reduced


@pytest.mark.parametrize("system", [True, False])
def test_a_persons_own_choice_stands_above_the_system(system: bool) -> None:
    """Either way."""
    assert Motion.SYSTEM.is_still(system) is system
    assert Motion.REDUCED.is_still(system)
    assert not Motion.FULL.is_still(system)


@pytest.mark.ux("UX-58")
def test_when_nothing_may_move_no_part_of_a_window_is_animated(qtbot: QtBot, theme: Theme, qapp: QApplication) -> None:
    """No sliding menus, no running bars, no blinking caret, at once in open windows; and back again."""
    hint = QStyle.StyleHint.SH_Widget_Animation_Duration
    root = QWidget()
    parts = [QProgressBar(root), QTreeView(root)]
    qtbot.addWidget(root)
    strip = BusyStrip(theme, root)
    field = QLineEdit(root)
    root.show()
    flash = qapp.cursorFlashTime()
    assert parts[0].style().styleHint(hint, None, parts[0]) > 0
    theme.set_still(True)
    try:
        assert [part.style().styleHint(hint, None, part) for part in parts] == [0, 0]
        assert not qapp.isEffectEnabled(Qt.UIEffect.UI_AnimateMenu)
        assert not qapp.isEffectEnabled(Qt.UIEffect.UI_FadeTooltip)
        assert qapp.cursorFlashTime() == 0
        strip.start("Loading")
        bar = strip.findChild(QProgressBar)
        assert bar is not None
        assert bar.maximum() > 0  # a bar without an end would run
        assert field.isVisible()
    finally:
        strip.stop()
        theme.set_still(False)
    assert parts[0].style().styleHint(hint, None, parts[0]) > 0
    assert qapp.cursorFlashTime() == flash
