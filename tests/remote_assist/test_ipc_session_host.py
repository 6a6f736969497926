# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.desktop import session_host
from app.desktop.session_host import LivePicture, SessionHost
from app.entry.session_parts import make_session_host
from remote_assist.capture_drawn import HEIGHT, WIDTH
from remote_assist.child_protocol import Ended, Fault, ListTargets, Ready, Source, Start, Targets, View
from tests.conftest import PATIENCE_MS

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# Started like a session child, but it does what the test says.
FAKE = """
import sys, os, time
from multiprocessing.connection import Client
from remote_assist.child_protocol import *
from remote_assist.shm import FrameWriter
conn = Client(sys.argv[sys.argv.index("--connect") + 1], "AF_UNIX", authkey=sys.stdin.buffer.read(32))
writer = FrameWriter(int(sys.argv[sys.argv.index("--frames") + 1]))
def paint(number, dirty=None, size=(64, 48)):
    rows = writer.begin(*size)
    rows[:] = bytes([number]) * len(rows)
    slot, seq = writer.commit(number, number, number)
    conn.send_bytes(encode(Frame(slot, seq, *size, number, number, dirty)))
"""


@pytest.fixture
def host(qapp: object) -> Iterator[SessionHost]:
    host = make_session_host("customer", env={"DISPLAY": ""})
    yield host
    host.shut_down()


@pytest.fixture
def fake(qapp: object) -> Iterator[Callable[[str], SessionHost]]:
    hosts: list[SessionHost] = []

    def make(body: str) -> SessionHost:
        hosts.append(make_session_host("agent", command=[sys.executable, "-c", FAKE + body]))
        return hosts[-1]

    yield make
    for host in hosts:
        host.shut_down()


def of(kind: type) -> Callable[[object], bool]:
    return lambda message: isinstance(message, kind)


def test_a_window_starts_a_child_and_shows_its_picture(
    qtbot: QtBot, host: SessionHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages sent before the child is up are kept; the preview arrives as an image; stop is orderly."""
    # the child may be slow here: what 80 ms are for is looked at below
    monkeypatch.setattr(session_host, "END_LIMIT_S", PATIENCE_MS / 1000)
    with qtbot.waitSignal(host.message, check_params_cb=of(Targets)):
        host.start()
        host.start()
        host.send(Start("customer"))
        host.send(ListTargets(1))
    with qtbot.waitSignal(host.frame_ready):
        host.send(Source("drawn:0", "drawn"))
    picture = host.latest()
    assert isinstance(picture, LivePicture)
    assert (picture.image.width(), picture.image.height()) == (WIDTH, HEIGHT)
    assert picture.image.pixelColor(700, 70).name() == "#3c6e9f"
    assert 0 < picture.captured_us <= picture.decoded_us
    both, checks = [host.message, host.died], [of(Ended), lambda status: status == 0]
    with qtbot.waitSignals(both, check_params_cbs=checks):
        host.stop("enough")
        host.stop()
    assert not host.running
    assert host.latest() is None


def test_a_killed_child_is_reported_and_can_be_replaced(qtbot: QtBot, host: SessionHost) -> None:
    """`died` comes once with the signal; the next start is a new child."""
    with qtbot.waitSignal(host.message, check_params_cb=of(Ready)):
        host.start()
    first = host.pid
    with qtbot.waitSignal(host.died) as died:
        host.kill()
        host.kill()
    assert died.args == [-signal.SIGKILL]
    with qtbot.waitSignal(host.message, check_params_cb=of(Ready)):
        host.start()
    assert host.pid not in (0, first)


def test_a_child_that_does_not_answer_end_is_killed(qtbot: QtBot, fake: Callable[[str], SessionHost]) -> None:
    """80 ms, also when it is frozen."""
    host = fake("conn.send_bytes(encode(Ready(os.getpid())))\nos.kill(os.getpid(), 19)\n")
    with qtbot.waitSignal(host.message):
        host.start()
    with qtbot.waitSignal(host.died, timeout=30_000) as died:
        host.stop()
    assert died.args == [-signal.SIGKILL]


def test_a_child_that_lies_is_killed(qtbot: QtBot, fake: Callable[[str], SessionHost]) -> None:
    """Bytes that are no message end it; the window lives on."""
    host = fake("conn.send_bytes(b'\\xc1' * 50)\ntime.sleep(60)\n")
    with qtbot.waitSignal(host.died) as died:
        host.start()
    assert died.args == [-signal.SIGKILL]


def test_a_child_that_cannot_start_is_reported(qtbot: QtBot, fake: Callable[[str], SessionHost]) -> None:
    """The window hears of it instead of waiting."""
    host = fake("raise SystemExit(3)\n")
    with qtbot.waitSignal(host.died):
        host.start()


def test_a_slow_window_is_told_once_and_gets_the_newest(qtbot: QtBot, fake: Callable[[str], SessionHost]) -> None:
    """However many pictures came, one notice waits; reading gives the last and everything that changed."""
    host = fake(
        "paint(1)\nfor n in range(2, 40):\n    paint(n, (n, 4, 8, 8))\nconn.send_bytes(encode(Fault('done')))\n"
        "conn.recv_bytes()\n"
    )
    notices: list[bool] = []
    host.frame_ready.connect(lambda: notices.append(True))
    with qtbot.waitSignal(host.message, check_params_cb=of(Fault)):
        host.start()
    assert notices == [True]
    picture = host.latest()
    assert picture is not None
    assert picture.frame_id == 39
    assert picture.image.pixelColor(0, 0).red() == 39


def test_only_what_changed_is_copied(qtbot: QtBot, fake: Callable[[str], SessionHost]) -> None:
    """The image of the last call is kept; rows outside the dirty rectangle are not touched."""
    host = fake(
        "paint(1)\nconn.send_bytes(encode(Fault('one')))\nconn.recv_bytes()\n"
        "paint(2, (0, 10, 64, 5))\nconn.send_bytes(encode(Fault('two')))\nconn.recv_bytes()\n"
    )
    with qtbot.waitSignal(host.message, check_params_cb=of(Fault)):
        host.start()
    first = host.latest()
    assert first is not None
    with qtbot.waitSignal(host.message, check_params_cb=of(Fault)):
        host.send(View(1, 1))
    second = host.latest(first.image)
    assert second is not None
    assert second.image is first.image
    assert second.dirty.getRect() == (0, 10, 64, 5)
    assert [second.image.pixelColor(5, y).red() for y in (9, 10, 14, 15)] == [1, 2, 2, 1]
    assert second.image.format() == QImage.Format.Format_RGB32


def test_the_window_process_loads_neither_aiortc_nor_av(qapp: object) -> None:
    """Media is parsed in the child only."""
    code = (
        "import sys, app.entry.session_parts\n"
        "sys.exit(any(name.split('.')[0] in ('aiortc', 'av', 'aioice') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
