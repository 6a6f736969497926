# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock of the desktop is heard over a real bus."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest
import shiboken6
from PySide6.QtDBus import QDBusConnection, QDBusMessage
from pytestqt.qtbot import QtBot

from app.desktop.lock_watch import LockWatch

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed")
_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir={folder}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>"""


@pytest.fixture
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("bus")
    config = folder / "bus.conf"
    config.write_text(_CONFIG.format(folder=folder))
    command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        yield daemon.stdout.readline().strip()
        daemon.terminate()


def _settled(bus: QDBusConnection) -> None:
    """Wait until the daemon has taken everything that was said before: whoever listens does not wait for it."""
    name = "org.freedesktop.DBus"
    answer = bus.call(QDBusMessage.createMethodCall(name, "/org/freedesktop/DBus", name, "GetId"))
    assert answer.type() is QDBusMessage.MessageType.ReplyMessage, answer.errorMessage()


def test_a_lock_and_its_end_are_heard_until_nobody_listens(bus: str, qtbot: QtBot) -> None:
    """As GNOME tells it; what others say under other names is nothing to us."""
    ours, desktop = QDBusConnection.connectToBus(bus, "ours"), QDBusConnection.connectToBus(bus, "desktop")
    watch = LockWatch(bus=ours)
    try:
        assert watch.start()
        _settled(ours)
        heard: list[bool] = []
        watch.locked.connect(heard.append)
        for name, on in (("gnome", True), ("other", True), ("gnome", False)):
            signal = QDBusMessage.createSignal("/org/gnome/ScreenSaver", f"org.{name}.ScreenSaver", "ActiveChanged")
            signal.setArguments([on])
            assert desktop.send(signal)
        qtbot.waitUntil(lambda: len(heard) == 2)
        assert heard == [True, False]
    finally:
        watch.stop()
        watch.stop()
        shiboken6.delete(watch)  # Qt crashes now and then when a connection goes before what listened on it
        QDBusConnection.disconnectFromBus("ours")
        QDBusConnection.disconnectFromBus("desktop")


def test_without_a_bus_nothing_is_heard_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare X server has none."""
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    watch = LockWatch()
    assert not watch.start()
    watch.stop()
