# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from remote_assist import ipc
from remote_assist.child_protocol import MAX_MESSAGE_BYTES, BadMessage, Fault, Send
from remote_assist.ipc import ChildLink, LinkClosed, spawn_child
from tests.fakes.wait import wait_until

ROOT = Path(__file__).parents[2]
# A child that connects as a real one does, then does what the test says.
HEAD = """
import sys, os, time
from multiprocessing.connection import Client
from remote_assist.child_protocol import *
at = sys.argv.index("--connect")
conn = Client(sys.argv[at + 1], "AF_UNIX", authkey=sys.stdin.buffer.read(32))
"""


def odd_child(body: str) -> ChildLink:
    return spawn_child("agent", command=[sys.executable, "-c", HEAD + body], connect_timeout_s=30)


def test_a_child_that_talks_nonsense_is_reported_and_does_no_harm() -> None:
    """Random bytes, foreign messages and messages of the wrong direction raise BadMessage and nothing else."""
    link = odd_child(
        "for raw in (b'', b'\\xc1', os.urandom(500), b'\\x81\\xa1t\\xa5open_', encode(End())):\n"
        "    conn.send_bytes(raw)\n"
        "conn.send_bytes(encode(Fault('bye')))\n"
        "conn.recv_bytes()"
    )
    try:
        for _ in range(5):
            with pytest.raises(BadMessage):
                link.receive()
        assert link.receive() == Fault("bye")
    finally:
        link.close()


def test_a_child_that_sends_too_much_loses_its_pipe() -> None:
    """A message above the limit closes the link; nothing of it is decoded."""
    link = odd_child(f"conn.send_bytes(bytes({MAX_MESSAGE_BYTES + 1}))\ntime.sleep(30)")
    try:
        with pytest.raises(LinkClosed):
            link.receive()
    finally:
        link.close()


def test_a_killed_child_is_noticed_at_once() -> None:
    """The reader wakes and the exit status names the signal."""
    link = odd_child("time.sleep(30)")
    os.kill(link.pid, signal.SIGKILL)
    assert link.next_message() is None
    assert link.close() == -signal.SIGKILL


def test_a_frozen_child_can_be_killed() -> None:
    """SIGSTOP does not protect a child."""
    link = odd_child("os.kill(os.getpid(), 19)")
    wait_until(lambda: psutil.Process(link.pid).status() == psutil.STATUS_STOPPED)
    link.kill()
    assert link.wait(30) == -signal.SIGKILL
    link.close()


def test_a_child_that_does_not_read_never_makes_the_window_wait() -> None:
    """The queue is bounded: at its end the child is killed instead."""
    link = odd_child("time.sleep(30)")
    message = Send("ctl", bytes(60_000))

    def fill() -> bool:
        return not any([link.tell(message) for _ in range(100)])  # noqa: C419  # all of them, not up to the first

    wait_until(fill, 10)
    assert link.wait(30) == -signal.SIGKILL
    link.close()


def test_a_child_that_never_connects_is_given_up() -> None:
    """Starting ends with an error when the program dies first, not with a wait for ever."""
    with pytest.raises(LinkClosed):
        spawn_child("agent", command=[sys.executable, "-c", "raise SystemExit(1)"], connect_timeout_s=10)


def test_a_child_without_the_key_is_refused() -> None:
    """Whoever merely finds the socket cannot speak on it."""
    body = (
        "import sys\nfrom multiprocessing.connection import Client\nfrom multiprocessing import AuthenticationError\n"
        "try:\n    Client(sys.argv[sys.argv.index('--connect') + 1], 'AF_UNIX', authkey=b'x' * 32)\n"
        "except (AuthenticationError, EOFError, OSError):\n    pass\n"
    )
    with pytest.raises(LinkClosed):
        spawn_child("agent", command=[sys.executable, "-c", body], connect_timeout_s=10)


def test_secrets_in_the_environment_stay_with_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child inherits what it needs for display and language, nothing else."""
    monkeypatch.setenv("DESKSIDE_TOKEN", "secret")
    monkeypatch.setenv("AWS_SECRET", "secret")
    link = odd_child("conn.send_bytes(encode(Fault('env', ' '.join(os.environ))))\nconn.recv_bytes()")
    try:
        message = link.receive()
        assert isinstance(message, Fault)
        assert "PATH" in message.detail
        assert "DESKSIDE_TOKEN" not in message.detail
        assert "AWS_SECRET" not in message.detail
    finally:
        link.close()


def test_the_threads_of_a_session_share_their_memory() -> None:
    """One heap for each thread would keep what the others could use; the C library reads this at the start alone."""
    link = odd_child("conn.send_bytes(encode(Fault('env', os.environ['MALLOC_ARENA_MAX'])))\nconn.recv_bytes()")
    try:
        message = link.receive()
        assert isinstance(message, Fault)
        assert message.detail == "2"
    finally:
        link.close()


def test_the_socket_folder_is_private_and_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mode 0700, and a path the kernel takes even when the runtime folder is deep."""
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    folder = ipc._socket_folder()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(os.fsencode(folder / "s")) <= 107
    folder.rmdir()


def test_a_child_does_not_outlive_its_window() -> None:
    """When the window process is killed, its real session child goes too."""
    body = (
        "from remote_assist.ipc import spawn_child\nimport time\n"
        "link = spawn_child('customer')\nlink.receive()\nprint(link.pid, flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", body], cwd=ROOT, stdout=subprocess.PIPE, text=True) as window:
        assert window.stdout is not None
        child = psutil.Process(int(window.stdout.readline()))
        assert child.is_running()
        window.kill()
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 30)


def test_closing_ends_every_thread() -> None:
    """A closed link leaves nothing behind."""
    before = {t for t in threading.enumerate() if t.name.startswith("session-link")}
    link = odd_child("conn.recv_bytes()")
    link.close()
    assert {t for t in threading.enumerate() if t.name.startswith("session-link")} == before
