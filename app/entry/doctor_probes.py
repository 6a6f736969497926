# SPDX-License-Identifier: GPL-3.0-or-later
"""What `deskside doctor` asks the machine. Each probe answers with plain values and does not raise."""

from __future__ import annotations

import contextlib
import datetime as dt
import email.utils
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.config.paths import resource
from app.desktop.input_method import plugin_names
from app.entry import qt_libraries
from app.entry.display import wayland_answers, x11_fault

_REAL_KEYRINGS = ("SecretService", "kwallet", "libsecret", "macOS", "Windows")


@dataclass(frozen=True, slots=True)
class Port:
    """A loopback port: whether it can be listened on, and the program that holds it where that can be seen."""

    number: int
    free: bool
    holder: str = ""


class Probes(Protocol):
    """The machine, as the doctor sees it."""

    def platform(self) -> str:
        """`sys.platform`."""
        ...

    def missing_libraries(self) -> list[str]:
        """Shared libraries that Qt needs and that are not there."""
        ...

    def environment(self) -> Mapping[str, str]:
        """The environment variables."""
        ...

    def display_fault(self) -> str:
        """Why the display of the environment cannot be opened; empty if it can."""
        ...

    def keyring(self) -> str:
        """The name of the key store in use, empty if there is no real one."""
        ...

    def capture_fault(self) -> str:
        """Why the screen cannot be captured; empty if it can."""
        ...

    def port(self, number: int) -> Port:
        """A loopback port; 0 asks for any free one."""
        ...

    def clock(self) -> float:
        """Seconds since 1970."""
        ...

    def server_clock(self, url: str) -> float | str:
        """The server's clock in seconds since 1970, or why it cannot be asked."""
        ...

    def hangul_font(self) -> str:
        """The name of a font with Hangul, empty if there is none."""
        ...

    def input_plugins(self) -> frozenset[str]:
        """Input methods that Qt has plugins for."""
        ...


class MachineProbes:
    """The probes of this machine."""

    def platform(self) -> str:
        """See Probes."""
        return sys.platform

    def missing_libraries(self) -> list[str]:
        """See Probes."""
        return qt_libraries.missing_libraries()

    def environment(self) -> Mapping[str, str]:
        """See Probes."""
        return os.environ

    def display_fault(self) -> str:
        """See Probes."""
        if wayland := os.environ.get("WAYLAND_DISPLAY"):
            path = Path(os.environ.get("XDG_RUNTIME_DIR", "/"), wayland)
            return "" if wayland_answers(path) else f"{path}: nobody listens"
        return x11_fault(os.environ.get("DISPLAY", ""))

    def keyring(self) -> str:
        """See Probes."""
        import keyring  # here, as below: each probe loads only what it asks
        from keyring.backend import KeyringBackend

        def real(backend: KeyringBackend) -> str:
            for inner in getattr(backend, "backends", ()):
                if name := real(inner):
                    return name
            module = type(backend).__module__.rpartition(".")[2]
            return str(backend.name) if module in _REAL_KEYRINGS else ""

        try:
            return real(keyring.get_keyring())
        except Exception:  # noqa: BLE001 - a back end that cannot even be loaded is none
            return ""

    def capture_fault(self) -> str:
        """See Probes."""
        import mss

        try:
            with mss.mss() as grabber:
                screen = grabber.monitors[0]
                area = {"left": screen["left"], "top": screen["top"], "width": 16, "height": 16}
                return "" if len(grabber.grab(area).raw) == 16 * 16 * 4 else "wrong size of picture"
        except Exception as error:  # noqa: BLE001 - the reason is shown as it comes
            return str(error) or type(error).__name__

    def port(self, number: int) -> Port:
        """See Probes."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                return Port(number, free=False, holder=_holder(number))
            return Port(int(probe.getsockname()[1]), free=True)

    def clock(self) -> float:
        """See Probes."""
        return time.time()

    def server_clock(self, url: str) -> float | str:
        """See Probes."""
        import httpx

        try:
            answer = httpx.get(url, timeout=10)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return str(error) or type(error).__name__
        try:
            return email.utils.parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
        except ValueError:
            return f"HTTP {answer.status_code} without a date"

    def input_plugins(self) -> frozenset[str]:
        """See Probes."""
        return plugin_names(os.environ)

    def hangul_font(self) -> str:
        """See Probes."""
        with contextlib.suppress(FileNotFoundError):
            for family in resource("fonts").iterdir():
                if family.is_dir() and any(f.name.endswith((".otf", ".ttf", ".ttc")) for f in family.iterdir()):
                    return family.name
        with contextlib.suppress(OSError):
            done = subprocess.run(["fc-list", ":lang=ko", "family"], capture_output=True, text=True, check=False)
            return done.stdout.partition("\n")[0].partition(",")[0]
        return ""


def _holder(port: int) -> str:
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} ({connection.pid})"
    return ""


def day(seconds: float) -> str:
    """A clock reading as an ISO day and time, UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
