# SPDX-License-Identifier: GPL-3.0-or-later
"""A desk for tests from outside: a display, a session bus, real programs with real windows, and a screen reader.

The programs are started as a person starts them; nothing of the test runs inside them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from app.entry.demo_part import Part
from tests.fakes.wait import wait_until
from tests.fakes.xvfb import available, own_display

PYTHON = "/usr/bin/python3"  # the distribution's: dogtail and gi are its packages
_LAUNCHER = Path("/usr/libexec/at-spi-bus-launcher")
_PASSPHRASE = "a passphrase for journeys"
_ASK = "import gi; gi.require_version('Atspi', '2.0'); from gi.repository import Atspi; import dogtail"
_PATIENCE_S = 90.0


def missing(*programs: str) -> str:
    """Name what this machine lacks, by its Debian package; "" when nothing."""
    if not available():
        return "xvfb"
    wanted = {"dbus-daemon": "dbus", "openbox": "openbox", "xdotool": "xdotool"}
    return next((wanted[name] for name in programs if shutil.which(name) is None), "")


def missing_reader() -> str:
    """Name what a screen reader needs and this machine lacks."""
    if not _LAUNCHER.exists():
        return "at-spi2-core"
    # it must not import our own packages, nor this environment's
    asked = subprocess.run([PYTHON, "-I", "-c", _ASK], capture_output=True, check=False, env=_plain())
    return "" if asked.returncode == 0 else "python3-dogtail gir1.2-atspi-2.0"


def need(lacks: str) -> None:
    """Skip a test that cannot run here, naming the package."""
    if lacks:
        pytest.skip(f"needs the package {lacks}")


def _plain() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k not in ("WAYLAND_DISPLAY", "DISPLAY", "QT_QPA_PLATFORM")}


class Desk:
    """One display with programs on it. `environment` is theirs."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)

    @contextlib.contextmanager
    def program(self, name: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start `deskside …` as its user would, with a passphrase, for there is no key store here."""
        command = [sys.executable, "-m", "app.entry.cli", *words, "--data", str(self.folder / name)]
        command += ["--passphrase-stdin", "--lang", "en", "--theme", "light"]
        with (self.folder / f"{name}.log").open("ab") as log:
            started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=self.environment)
        assert started.stdin is not None
        started.stdin.write(f"{_PASSPHRASE}\n".encode())
        started.stdin.close()
        try:
            yield started
        finally:
            end(started)

    def keys(self, *names: str) -> None:
        """Press keys one after the other, as `ctrl+Return`, in the window that has the keyboard."""
        subprocess.run(["xdotool", "key", "--delay", "40", *names], check=True, env=self.environment)

    def types(self, text: str) -> None:
        """Type letters."""
        subprocess.run(["xdotool", "type", "--delay", "15", text], check=True, env=self.environment)

    @contextlib.contextmanager
    def reader(self) -> Iterator[Part]:
        """Start the screen reader; `order` makes it find, read and press."""
        script = str(Path(__file__).with_name("reader.py"))
        part = Part("reader", [PYTHON, "-I", script], self.folder / "reader.log", self.environment, _PATIENCE_S)
        try:
            yield part
        finally:
            part.stop()


@contextlib.contextmanager
def desk(folder: Path, *, spoken: bool = False) -> Iterator[Desk]:
    """A display with a window manager and a session bus; `spoken` with what screen readers need."""
    with contextlib.ExitStack() as stack:
        display = stack.enter_context(own_display(1600, 1000))
        environment = _plain() | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "XDG_RUNTIME_DIR": str(folder)}
        environment["DBUS_SESSION_BUS_ADDRESS"] = stack.enter_context(_bus(folder, environment))
        if spoken:
            environment["QT_LINUX_ACCESSIBILITY_ALWAYS_ON"] = "1"
            stack.enter_context(_running([str(_LAUNCHER), "--launch-immediately"], folder, environment))
        stack.enter_context(_running(["openbox", "--sm-disable"], folder, environment))
        yield Desk(folder, environment)


@contextlib.contextmanager
def _bus(folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    address = folder / "bus"
    command = ["dbus-daemon", "--session", "--nofork", f"--address=unix:path={address}"]
    with _running(command, folder, environment):
        wait_until(address.exists)
        yield f"unix:path={address}"


@contextlib.contextmanager
def _running(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    with (folder / f"{Path(command[0]).name}.log").open("ab") as log:
        process = subprocess.Popen(list(command), stdout=log, stderr=log, env=dict(environment))
    try:
        yield
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and make sure of it."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
