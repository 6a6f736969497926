# SPDX-License-Identifier: GPL-3.0-or-later
"""Two desks for tests from outside: displays, a session bus, real programs with real windows, and a screen reader.

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
from Xlib.display import Display

from app.entry.demo_part import Part
from app.entry.demo_server import DemoServer
from tests.a11y.ears import Person
from tests.fakes.wait import wait_until
from tests.fakes.xvfb import available, own_display

PYTHON = "/usr/bin/python3"  # the distribution's: dogtail and gi are its packages
_LAUNCHER = Path("/usr/libexec/at-spi-bus-launcher")
_PASSPHRASE = "a passphrase for journeys"
_ASK = "import gi; gi.require_version('Atspi', '2.0'); from gi.repository import Atspi; import dogtail"
_PATIENCE_S = 90.0
_UNICODE = 0x1000000  # added to a letter's number it is its keysym


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
        subprocess.run(["xdotool", "key", "--delay", "20", *names], check=True, env=self.environment)

    def types(self, text: str) -> None:
        """Type letters; those that no key has must have been `learnt` before."""
        subprocess.run(["xdotool", "type", "--delay", "10", "--", text], check=True, env=self.environment)

    def learns(self, letters: str) -> None:
        """Give these letters keys of their own, as a layout of the keyboard would, before programs start."""
        display = Display(self.environment["DISPLAY"])
        first, last = display.display.info.min_keycode, display.display.info.max_keycode
        rows = display.get_keyboard_mapping(first, last - first + 1)
        spare = [first + place for place, row in enumerate(rows) if not any(row)]
        for code, letter in zip(spare, sorted(set(letters)), strict=False):
            display.change_keyboard_mapping(code, [(_UNICODE + ord(letter),) * 2])
        display.sync()
        display.close()

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
def two_people(folder: Path, server: DemoServer, letters: str = "") -> Iterator[tuple[Person, Person]]:
    """An agent and a customer, each at a computer with the program just started. `letters`: what the agent's keys have.

    Skips where a package is missing.
    """
    need(missing("dbus-daemon", "openbox", "xdotool") or missing_reader())
    with contextlib.ExitStack() as stack:
        mine, theirs = stack.enter_context(_two_desks(folder))
        mine.learns(letters)
        part = stack.enter_context(mine.reader())
        agent = stack.enter_context(mine.program("agent"))
        customer = stack.enter_context(theirs.program("companion", "companion", "--enrol", server.enrolment_link))
        yield Person(part, mine, agent.pid), Person(part, theirs, customer.pid)


@contextlib.contextmanager
def _two_desks(folder: Path) -> Iterator[tuple[Desk, Desk]]:
    """The agent's and the customer's display, each with a window manager, and a bus on which both can be heard."""
    with contextlib.ExitStack() as stack:
        common = _plain() | {
            "QT_QPA_PLATFORM": "xcb",
            "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
            "XDG_RUNTIME_DIR": str(folder),
            "LC_ALL": "C.UTF-8",
        }
        desks = []
        for _ in range(2):
            display = stack.enter_context(own_display(1600, 1000))
            desks.append(Desk(folder, common | {"DISPLAY": display}))
        first, second = desks
        address = stack.enter_context(_bus(folder, first.environment))
        for desk in desks:
            desk.environment["DBUS_SESSION_BUS_ADDRESS"] = address
            stack.enter_context(_running(["openbox", "--sm-disable"], folder, desk.environment))
        stack.enter_context(_running([str(_LAUNCHER), "--launch-immediately"], folder, first.environment))
        yield first, second


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
