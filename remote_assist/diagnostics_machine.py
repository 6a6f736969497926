# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collectors of diagnostics may ask this computer: a closed table of commands, small files, a registry.

No shell, no text from outside in a command line: a command is a name of the table, its arguments are written here.
"""

from __future__ import annotations

import contextlib
import importlib
import locale
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

__all__ = ["COMMANDS", "Absent", "Machine", "ThisMachine"]

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "journal": (
        "journalctl", "--priority=3", "--lines=2000", "--output=json", "--no-pager", "--quiet",
        "--output-fields=MESSAGE,SYSLOG_IDENTIFIER,_COMM",
    ),
    "deb": ("dpkg-query", "--show", "--showformat=${Package}\\t${Version}\\t${db:Status-Status}\\n"),
    "rpm": ("rpm", "-qa", "--queryformat", "%{NAME}\\t%{VERSION}-%{RELEASE}\\n"),
    "flatpak": ("flatpak", "list", "--app", "--columns=application,version"),
    "snap": ("snap", "list"),
    "apt": ("apt-get", "--simulate", "--quiet", "-o", "Debug::NoLocking=true", "upgrade"),
    "printers": ("lpstat", "-p", "-d"),
    "displays": ("xrandr", "--query", "--current"),
    "events_windows": (
        "wevtutil.exe", "qe", "Application", "/q:*[System[(Level=1 or Level=2)]]", "/c:500", "/rd:true", "/f:xml",
    ),
    "device_macos": ("system_profiler", "SPHardwareDataType", "-json"),
    "graphics_macos": ("system_profiler", "SPDisplaysDataType", "-json"),
}  # fmt: skip
_FOLDERS: Final = "/usr/bin:/bin:/usr/sbin:/sbin:/snap/bin"
_ENVIRONMENT: Final = ("DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "HOME", "SystemRoot", "SYSTEMROOT", "windir")
_MOST_OUTPUT: Final = 4 << 20
_MOST_READ: Final = 256 << 10


class Absent(Exception):
    """This computer has no such thing: no printing system, no such command."""


class Machine(Protocol):
    """A computer, as collectors see it. Paths are absolute, with slashes."""

    def command(self, name: str, seconds: float) -> str:
        """What a command of the table printed. Raises Absent, TimeoutError, OSError."""
        ...

    def data(self, path: str) -> bytes:
        """The start of a small file, or nothing where there is none that can be read."""
        ...

    def read(self, path: str) -> str:
        """The same as text."""
        ...

    def tail(self, path: str) -> str:
        """The end of a text file, from a whole line on, or ""."""
        ...

    def names(self, folder: str) -> list[str]:
        """What lies in a folder, sorted; nothing where there is none."""
        ...

    def target(self, path: str) -> str:
        """The last part of what a link leads to, or ""."""
        ...

    def changed_s(self, path: str) -> int:
        """When a file was last written, in seconds since 1970; 0 where there is none."""
        ...

    def environment(self, name: str) -> str:
        """One variable, or ""."""
        ...

    def registry(self, key: str) -> tuple[dict[str, object], list[str]]:
        """Values and names of keys below a key such as `HKLM\\SOFTWARE\\...`; nothing where there is none."""
        ...


class ThisMachine:
    """The computer this program runs on. `root` stands in for `/` in tests. Any thread."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def command(self, name: str, seconds: float) -> str:
        """See `Machine`."""
        program, *arguments = COMMANDS[name]
        windows = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32")  # noqa: PTH118 - text of Windows
        found = shutil.which(program, path=windows if os.name == "nt" else _FOLDERS)
        if found is None:
            raise Absent(program)
        return _output([found, *arguments], seconds)

    def data(self, path: str) -> bytes:
        """See `Machine`."""
        try:
            with self._at(path).open("rb") as stream:
                return stream.read(_MOST_READ)
        except OSError:
            return b""

    def read(self, path: str) -> str:
        """See `Machine`."""
        return self.data(path).decode("utf-8", "replace")

    def tail(self, path: str) -> str:
        """See `Machine`."""
        try:
            with self._at(path).open("rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, size - _MOST_READ))
                raw = stream.read(_MOST_READ)
        except OSError:
            return ""
        if size > _MOST_READ:
            raw = raw.partition(b"\n")[2]
        return raw.decode("utf-8", "replace")

    def names(self, folder: str) -> list[str]:
        """See `Machine`."""
        try:
            return sorted(os.listdir(self._at(folder)))  # noqa: PTH208 - names are all that is wanted
        except OSError:
            return []

    def target(self, path: str) -> str:
        """See `Machine`."""
        try:
            return self._at(path).readlink().name
        except OSError:
            return ""

    def changed_s(self, path: str) -> int:
        """See `Machine`."""
        try:
            return int(self._at(path).stat().st_mtime)
        except OSError:
            return 0

    def environment(self, name: str) -> str:
        """See `Machine`."""
        return os.environ.get(name, "")

    def registry(self, key: str) -> tuple[dict[str, object], list[str]]:
        """See `Machine`. Not tried on Windows yet."""
        if os.name != "nt":
            return {}, []
        return _registry(importlib.import_module("winreg"), key)

    def _at(self, path: str) -> Path:
        return self._root / path.lstrip("/") if path.startswith("/") else Path(path)


def _registry(winreg: Any, key: str) -> tuple[dict[str, object], list[str]]:
    hive, _slash, rest = key.partition("\\")
    top = {"HKLM": winreg.HKEY_LOCAL_MACHINE, "HKCU": winreg.HKEY_CURRENT_USER}[hive]
    try:
        with winreg.OpenKey(top, rest) as opened:
            keys, values, _time = winreg.QueryInfoKey(opened)
            found = dict(winreg.EnumValue(opened, at)[:2] for at in range(values))
            return found, [winreg.EnumKey(opened, at) for at in range(keys)]
    except OSError:
        return {}, []


def _output(command: list[str], seconds: float) -> str:
    """Return what the program prints, at most _MOST_OUTPUT bytes. Raises TimeoutError, OSError."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    environment = {**kept, "PATH": _FOLDERS, "LC_ALL": "C.UTF-8", "LANGUAGE": "C"}
    late = threading.Event()
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    ) as process:

        def stop() -> None:
            late.set()
            _kill(process)

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            raw = process.stdout.read(_MOST_OUTPUT) if process.stdout else b""
            if len(raw) == _MOST_OUTPUT:
                _kill(process)
            process.wait()
        finally:
            timer.cancel()
            _kill(process)
    if late.is_set():
        raise TimeoutError(command[0])
    return raw.decode(locale.getpreferredencoding(False) if os.name == "nt" else "utf-8", "replace")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a command with all that it started. Not asked for its state, its number stays its own until we waited."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
