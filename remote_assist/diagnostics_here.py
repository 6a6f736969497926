# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts diagnostics together for the system this program runs on."""

from __future__ import annotations

import contextlib
import getpass
import importlib
import os
import platform
import sys
from pathlib import Path

from remote_assist import diagnostics_linux, diagnostics_macos, diagnostics_windows
from remote_assist.diagnostics_run import Gatherer
from remote_assist.diagnostics_scrub import Scrubber

__all__ = ["gatherer_here", "scrubber_here"]

_SYSTEMS = {
    "win32": ("windows", diagnostics_windows.COLLECTORS),
    "darwin": ("macos", diagnostics_macos.COLLECTORS),
}


def scrubber_here() -> Scrubber:
    """Knows the person who is logged in and the names of this computer."""
    people = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER")}
    with contextlib.suppress(KeyError, OSError, ImportError):
        people.add(getpass.getuser())
        people.add(importlib.import_module("pwd").getpwuid(os.getuid()).pw_gecos.partition(",")[0])
    home = Path.home()
    people.add(home.name)
    computers = {platform.node(), os.environ.get("COMPUTERNAME", ""), os.environ.get("USERDOMAIN", "")}
    return Scrubber(home, people, computers)


def gatherer_here(platform_name: str = sys.platform) -> Gatherer:
    """The collectors of this system."""
    system, collectors = _SYSTEMS.get(platform_name, ("linux", diagnostics_linux.COLLECTORS))
    return Gatherer(collectors, scrubber_here(), system)
