# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a window can open here, asked before Qt is: where it cannot, Qt ends the whole process with its own words."""

from __future__ import annotations

import os
import platform
import socket
import warnings
from collections.abc import Mapping
from pathlib import Path

__all__ = ["no_display", "wayland_answers", "x11_fault"]


def no_display(environment: Mapping[str, str] | None = None) -> bool:
    """Whether there is no display, or none that answers. A Qt platform that somebody chose is not doubted."""
    env = os.environ if environment is None else environment
    if platform.system() != "Linux" or env.get("QT_QPA_PLATFORM"):
        return False
    if (wayland := env.get("WAYLAND_DISPLAY")) and wayland_answers(Path(env.get("XDG_RUNTIME_DIR", "/"), wayland)):
        return False
    x11 = env.get("DISPLAY")
    return not x11 or bool(x11_fault(x11))


def wayland_answers(path: Path) -> bool:
    """Whether somebody listens on a Wayland socket; one of an ended desktop may still lie there."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(2)
        try:
            line.connect(str(path))
        except OSError:
            return False
    return True


def x11_fault(name: str) -> str:
    """Why an X display cannot be opened; empty if it can."""
    from Xlib.display import Display  # here: only this question needs it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # python-xlib drops its socket when it is refused
        try:
            Display(name).close()
        except Exception as error:  # noqa: BLE001 - python-xlib raises a dozen kinds, all mean "cannot be opened"
            return str(error) or type(error).__name__
    return ""
