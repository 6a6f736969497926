# SPDX-License-Identifier: GPL-3.0-or-later
"""Typing with fcitx: the wheels of Qt bring no plugin for it, so its ibus emulation is used. No Qt."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, MutableMapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

__all__ = ["emulated", "plugin_names", "use_what_is_there"]

_ONE, _SEVERAL = "QT_IM_MODULE", "QT_IM_MODULES"  # Qt 6.7 and later try the second one's names in turn
_FOLDER: Final = "platforminputcontexts"
_LIBRARY: Final = "lib{}platforminputcontextplugin.so"
_IBUS: Final = "ibus"
_IDENTITIES: Final = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


def emulated(environment: Mapping[str, str], plugins: Collection[str]) -> str:
    """Return the wanted input method that Qt has no plugin for and whose ibus emulation serves instead; "" for none."""
    wanted = [name for name in environment.get(_SEVERAL, "").split(";") if name] or [environment.get(_ONE, "")]
    if any(name in plugins for name in wanted):
        return ""
    return next((name for name in wanted if name.startswith("fcitx")), "") if _IBUS in plugins else ""


def plugin_names(environment: Mapping[str, str]) -> frozenset[str]:
    """Return the input methods that Qt has plugins for, its own and those of the system's plugin path."""
    spec = find_spec("PySide6")
    own = [Path(place) / "Qt" / "plugins" for place in spec.submodule_search_locations or ()] if spec else []
    path = [Path(place) for place in environment.get("QT_PLUGIN_PATH", "").split(os.pathsep) if place]
    head, _mark, tail = _LIBRARY.partition("{}")
    names = set()
    for folder in (*own, *path):
        for file in (folder / _FOLDER).glob(_LIBRARY.format("*")):
            names.add(file.name.removeprefix(head).removesuffix(tail))
    return frozenset(names)


def use_what_is_there(
    environment: MutableMapping[str, str] = os.environ, identities: Iterable[Path] = _IDENTITIES
) -> str:
    """Before there is a QApplication: reach fcitx as ibus where its plugin is missing; return its name then.

    A computer without an identity for D-Bus (a bare container) is left alone: libdbus ends a program that asks for it.
    """
    name = emulated(environment, plugin_names(environment))
    if name and not any(place.exists() for place in identities):
        return ""
    if name:
        environment[_ONE] = _IBUS
        environment.pop(_SEVERAL, None)
    return name
