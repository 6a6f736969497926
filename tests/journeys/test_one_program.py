# SPDX-License-Identifier: GPL-3.0-or-later
"""The real `deskside` twice: the second start hands its link to the first and ends; the first ends in good order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.desktop.hand_over import window_socket
from tests.fakes.wait import wait_until

pytestmark = pytest.mark.slow
LINK = "deskside://ticket/" + "0a" * 16


@pytest.mark.ux("UX-72")
def test_a_link_that_the_desktop_opens_reaches_the_program_that_runs(tmp_path: Path) -> None:
    """The whole program as installed, without a display; nothing unexpected is said by either."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment |= {"QT_QPA_PLATFORM": "offscreen", "LANGUAGE": "en", "DBUS_SESSION_BUS_ADDRESS": ""}
    command = [sys.executable, "-m", "app.entry.cli", "--data", str(tmp_path)]
    first = subprocess.Popen(
        [*command, "--passphrase-stdin"], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert first.stdin is not None
        first.stdin.write("correct horse battery\n")
        first.stdin.flush()
        wait_until(window_socket(tmp_path / "data" / "agent").exists, 60)
        for link in ([LINK], []):
            second = subprocess.run([*command, *link], env=environment, capture_output=True, text=True, check=False,
                                    timeout=60)  # fmt: skip
            assert (second.returncode, second.stderr) == (0, "")
        assert first.poll() is None
        first.send_signal(signal.SIGTERM)
        out, said = first.communicate(timeout=60)
        assert first.returncode == 0
        assert [line for line in said.splitlines() if "plugin does not support" not in line] == []
        assert "error" not in out
    finally:
        if first.poll() is None:
            first.kill()
        first.wait(30)
        for pipe in (first.stdin, first.stdout, first.stderr):
            if pipe is not None:
                pipe.close()
