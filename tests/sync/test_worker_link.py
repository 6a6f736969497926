# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.desktop.children import Child, Children
from app.desktop.jobs import QtJobs
from app.desktop.worker_link import StoreHooks, WorkerLink, WorkerOrders
from app.desktop.worker_place import MAX_SOCKET_BYTES, socket_path
from app.domain.ports import SyncPhase
from app.entry.sync_codec import open_profile, wall_ms
from app.store.profile import Profile
from tests.sync.desk import KEY


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[QtJobs]:
    reported: list[Exception] = []
    made = QtJobs(reported.append)
    yield made
    made.close()
    assert reported == []


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[Profile]:
    made = open_profile(tmp_path / "profile", KEY)
    yield made
    made.close()


@pytest.fixture
def link(qtbot: QtBot, jobs: QtJobs, profile: Profile) -> Iterator[WorkerLink]:
    children = Children()
    hooks = StoreHooks(
        profile.numbers, profile.poll, profile.after_checkpoint, profile.reopen, profile.commits.save_identity
    )
    made = WorkerLink(WorkerOrders(profile.folder, KEY, profile.socket_token()), hooks, jobs, children, wall_ms)
    yield made
    pid = made.worker_pid
    made.close()
    children.close()
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


def test_a_dead_worker_is_said_and_started_again(qtbot: QtBot, link: WorkerLink) -> None:
    """kill -9 of the worker: the strip says so, a new one comes, the window stays."""
    link.start()
    qtbot.waitUntil(lambda: link.status.phase is SyncPhase.SIGNED_OUT)
    first = link.worker_pid
    assert first is not None
    with qtbot.waitSignal(link.status_changed, check_params_cb=lambda s: s.phase is SyncPhase.WORKER_DOWN):
        os.kill(first, signal.SIGKILL)
    qtbot.waitUntil(lambda: link.status.phase is SyncPhase.SIGNED_OUT)
    assert link.worker_pid != first


def test_calls_without_a_worker_are_answered_later_with_nothing(qtbot: QtBot, link: WorkerLink) -> None:
    """Never from inside the call, and never not at all."""
    answers: list[tuple[int, bytes]] = []
    link.call("GET", "/session/v1/revocations", b"", lambda status, body: answers.append((status, body)))
    assert answers == []
    with qtbot.waitSignal(link.sig_failed, timeout=30_000):
        link.send_sig(b"s" * 16, "customer", 1, b"x")
    qtbot.waitUntil(lambda: answers == [(0, b"")])


def test_a_newer_question_supersedes_an_older_one(qtbot: QtBot, jobs: QtJobs) -> None:
    """Typing fast shows the last answer only."""
    gate = threading.Event()
    shown: list[str] = []
    jobs.query(lambda: gate.wait(30) and "old", lambda value: shown.append(str(value)), key="search")
    jobs.query(lambda: "new", shown.append, key="search")
    qtbot.waitUntil(lambda: shown == ["new"])
    gate.set()
    jobs.query(lambda: "other", shown.append, key="else")
    qtbot.waitUntil(lambda: len(shown) == 2)
    assert shown == ["new", "other"]


def test_writes_keep_their_order_and_answer_on_the_gui_thread(qtbot: QtBot, jobs: QtJobs) -> None:
    """One after the other, none dropped, the answer where windows live."""
    written: list[int] = []
    threads: set[int] = set()

    def answered(_: object) -> None:
        threads.add(threading.get_ident())

    for n in range(50):
        jobs.change(lambda n=n: written.append(n), answered)  # type: ignore[misc]  # bound now
    qtbot.waitUntil(lambda: len(written) == 50 and bool(threads))
    assert written == sorted(written)
    assert threads == {threading.get_ident()}


def test_no_failure_is_lost(qtbot: QtBot) -> None:
    """With a handler it goes there, without one it is reported."""
    reported: list[Exception] = []
    handled: list[Exception] = []
    jobs = QtJobs(reported.append)

    def fail() -> None:
        raise ValueError("kaputt")

    jobs.query(fail, print)
    jobs.change(fail, None, handled.append)
    qtbot.waitUntil(lambda: len(reported) == len(handled) == 1)
    jobs.close()


def test_a_child_gets_its_secret_and_its_end_is_noticed(tmp_path: Path) -> None:
    """The secret comes over standard input; the exit code comes back."""
    out = tmp_path / "out"
    code = f"import sys; open({str(out)!r}, 'w').write(sys.stdin.read()); sys.exit(7)"
    ended = threading.Event()
    codes: list[int] = []
    started: list[Child] = []
    children = Children()

    def on_end(code: int) -> None:
        codes.append(code)
        ended.set()

    children.start([sys.executable, "-c", code], b"geheim", started.append, on_end)
    assert ended.wait(20)
    assert (codes, out.read_text()) == ([7], "geheim")
    ended.clear()
    children.start(["/nonexistent"], b"", started.append, on_end)
    assert ended.wait(20)
    assert codes == [7, 127]
    children.close()


def test_a_child_bound_to_its_parent_dies_with_it() -> None:
    """kill -9 of the parent takes the child along."""
    code = (
        "import os, subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', "
        "'import sys, time; from app.desktop.children import end_with_parent; end_with_parent(int(sys.argv[1])); "
        'print("bound", flush=True); time.sleep(60)\', str(os.getpid())], stdout=subprocess.PIPE);'
        "child.stdout.readline(); print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    descriptor = os.pidfd_open(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    import select

    assert select.select([descriptor], [], [], 10)[0]
    os.close(descriptor)


def test_the_socket_path_is_never_too_long(tmp_path: Path) -> None:
    """A deep home folder moves the socket to the runtime folder, always the same one."""
    deep = tmp_path / ("sehr-tief/" * 15)
    path = socket_path(deep)
    assert len(os.fsencode(path)) <= MAX_SOCKET_BYTES
    assert path == socket_path(deep) != socket_path(deep / "x")
