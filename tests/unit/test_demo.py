# SPDX-License-Identifier: GPL-3.0-or-later
"""How the demo begins and ends when something is wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.entry import demo
from app.entry.demo_report import Report
from tests.fakes.wait import wait_until


def test_a_folder_that_cannot_be_written_is_said_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence that names the folder, and code 2."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    file = tmp_path / "file"
    file.touch()
    for out in (file, file / "below", Path("/proc/x")):
        assert demo.main(["--headless", "--lang", "en", "--out", str(out)]) == 2
        assert f"{out} cannot be written" in capsys.readouterr().err


def test_a_display_that_does_not_answer_is_not_replaced_by_a_drawn_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever names a screen wants that one to be shared."""
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":4999")
    assert demo.main(["--headless", "--lang", "en", "--out", str(tmp_path / "out")]) == 1
    assert "The display :4999 does not answer." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_demo_that_is_told_to_end_leaves_nothing_behind(tmp_path: Path) -> None:
    """Its data folder goes and its programs end, as after Ctrl+C."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment |= {"TMPDIR": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "app.entry.cli", "demo", "--headless", "--size", "small", "--out"]
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen([*command, str(tmp_path / "out")], env=environment, stdout=said, stderr=said)
    try:
        wait_until(lambda: bool(list(tmp_path.glob("deskside-demo-*/server"))), 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (1, 130)
    finally:
        process.kill()
        process.wait()
    assert not list(tmp_path.glob("deskside-demo-*"))
    assert b"Traceback" not in (tmp_path / "said").read_bytes()


def test_the_report_says_which_goals_a_run_missed(tmp_path: Path) -> None:
    """A busy machine misses times; what was not measured is missed too."""
    report = Report(tmp_path, 1)
    report.data |= {"seconds": 44.0, "ui_heartbeat_ms": {"p99": 17.5}}
    report.finish(refused=False)
    assert [(g["id"], g["pass"]) for g in report.data["gates"]] == [
        ("seconds", True), ("ui_heartbeat_ms.p99", False), ("ui_heartbeat_ms.max", False),
    ]  # fmt: skip
