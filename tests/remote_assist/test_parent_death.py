# SPDX-License-Identifier: GPL-3.0-or-later
"""A session child does not outlive the program that started it, whoever else keeps its pipe open."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from remote_assist import ipc
from tests.fakes.wait import wait_until

ROOT = Path(__file__).parents[2]
# a parent; a process that it left behind has inherited its end of the pipe and keeps it open
PARENT = """
import json, os, sys, time
from remote_assist.ipc import spawn_child
link = spawn_child("customer", command=json.loads(sys.argv[1]))
link.receive()  # Ready: everything is loaded
keeper = os.fork()
if not keeper:
    os.close(1)
    time.sleep(300)
    os._exit(0)
print(link.pid, keeper, flush=True)
time.sleep(300)
"""


def _runs(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the closed pipe alone does it")
def test_a_child_whose_parent_is_killed_ends_also_when_its_pipe_stays_open() -> None:
    """No capture goes on behind a window that is gone."""
    command = json.dumps(ipc.child_command())
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, command], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert parent.stdout is not None
    child, keeper = map(int, parent.stdout.readline().split())
    try:
        assert _runs(child)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        wait_until(lambda: not _runs(child))
        assert _runs(keeper)
    finally:
        parent.kill()
        for pid in (child, keeper):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        parent.stdout.close()
