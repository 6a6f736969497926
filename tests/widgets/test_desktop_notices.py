# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices over a real session bus to a real daemon in a process of its own: shown, replaced, pressed, taken away."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.desktop.bus_wire import BusWire
from app.desktop.notices import DesktopNotices

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed")
BUTTONS = (("open", "Open"), ("snooze", "Snooze"))


class Daemon:
    """The process, what it said, and a hand that presses."""

    def __init__(self, address: str) -> None:
        environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": address, "QT_QPA_PLATFORM": "offscreen"}
        command = [sys.executable, "-m", "tests.fakes.notice_daemon"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.lines: Queue[dict[str, Any]] = Queue()
        self._reader = Thread(target=self._read)
        self._reader.start()
        assert self.lines.get(timeout=30) == {"ready": True}

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def tell(self, line: str) -> None:
        """Order something."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def next(self, qtbot: QtBot) -> dict[str, Any]:
        """What it says next."""
        got: list[dict[str, Any]] = []

        def come() -> bool:
            with contextlib.suppress(Empty):
                got.append(self.lines.get_nowait())
            return bool(got)

        qtbot.waitUntil(come)
        return got[0]

    def stop(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self.tell("quit")
        self.process.wait(30)
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A session bus of our own."""
    place = tmp_path_factory.mktemp("bus") / "socket"
    command = ["dbus-daemon", "--session", "--nofork", "--print-address=1", f"--address=unix:path={place}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as bus:
        assert bus.stdout is not None
        yield bus.stdout.readline().strip()
        bus.terminate()


@pytest.fixture
def daemon(address: str) -> Iterator[Daemon]:
    made = Daemon(address)
    yield made
    made.stop()


@pytest.fixture
def notices(qtbot: QtBot, address: str) -> Iterator[DesktopNotices]:
    made = DesktopNotices(wire=BusWire(address=address))
    yield made
    made.close()


@pytest.mark.ux("UX-55")
def test_the_desktop_shows_a_notice_with_buttons_replaces_it_and_tells_what_was_pressed(
    qtbot: QtBot, notices: DesktopNotices, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A customer's text with tags in it is shown as it is; a second piece of news stands in the first one's place."""
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "")
    done: list[bool] = []
    notices.show(b"t1", "#1 <b>", "<img src=x> & more", BUTTONS, replaces=False, done=done.append)
    notices.show(b"t1", "#1 <b>", "two", BUTTONS, replaces=True, done=done.append)
    first, second = daemon.next(qtbot), daemon.next(qtbot)
    assert (first["title"], first["body"]) == ("#1 <b>", "&lt;img src=x&gt; &amp; more")
    assert first["actions"] == ["default", "Open", "snooze", "Snooze"]
    assert first["hints"] == ["category", "desktop-entry", "urgency"]
    assert (second["show"], second["replaces"]) == (first["show"], first["show"])
    qtbot.waitUntil(lambda: done == [True, True])
    for pressed, told in (("default", "open"), ("snooze", "snooze")):
        with qtbot.waitSignal(notices.acted) as acted:
            daemon.tell(f"press {first['show']} {pressed}")
        assert acted.args == [b"t1", told]
    assert os.environ["XDG_ACTIVATION_TOKEN"] == "token-7"
    notices.withdraw(b"t1")
    assert daemon.next(qtbot) == {"close": first["show"]}


@pytest.mark.ux("UX-55")
def test_a_desktop_without_notices_refuses_and_one_that_comes_later_shows(
    qtbot: QtBot, notices: DesktopNotices, address: str
) -> None:
    """The event is not lost in between: whoever asked hears that nothing was shown."""
    done: list[bool] = []
    notices.show(b"t1", "#1", "one", BUTTONS, replaces=False, done=done.append)
    qtbot.waitUntil(lambda: done == [False])
    daemon = Daemon(address)
    try:
        notices.show(b"t1", "#1", "one", BUTTONS, replaces=False, done=done.append)
        assert daemon.next(qtbot)["title"] == "#1"
        qtbot.waitUntil(lambda: done == [False, True])
    finally:
        daemon.stop()
    notices.show(b"t2", "#2", "two", BUTTONS, replaces=False, done=done.append)
    qtbot.waitUntil(lambda: done == [False, True, False])


def test_without_a_bus_nothing_is_shown_and_nothing_breaks(qtbot: QtBot) -> None:
    """No address, an address of another kind, and one where nobody listens."""
    for address in ("", "tcp:host=localhost", "unix:path=/nonexistent/bus", "unix:abstract=/nonexistent"):
        notices = DesktopNotices(wire=BusWire(address=address))
        with qtbot.waitCallback() as done:
            notices.show(b"t1", "#1", "one", BUTTONS, replaces=False, done=done)
        done.assert_called_with(False)
        notices.close()


def test_the_daemon_of_these_tests_is_as_strict_as_a_real_one() -> None:
    """Its number is unsigned, as the standard has it: QtDBus could not call it."""
    text = Path("tests/fakes/notice_daemon.py").read_text("utf-8")
    assert '@Slot(str, "uint", str' in text
