# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Windows and macOS keep what an organisation sets: the registry's policy keys, the managed preferences."""

from __future__ import annotations

import json
import os
import plistlib
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.parsers.expat import ExpatError

from app.config.policy_schema import Kind, kind_of, policies

__all__ = ["BUNDLE_ID", "REGISTRY_KEY", "Place", "RegistryKey", "from_plist", "from_registry", "places"]

REGISTRY_KEY: Final = r"Software\Policies\Deskside"
BUNDLE_ID: Final = "org.deskside.agent"
INSTALLER_KEY: Final = r"Software\Deskside"  # what setup was told; the organisation's own policies stand above it
MANAGED_PREFERENCES: Final = Path("/Library/Managed Preferences")
_RECOMMENDED: Final = "Recommended"
_PLIST_MAX: Final = 1 << 20
_ROOT: Final = 0


@dataclass(frozen=True, slots=True)
class Place:
    """What one place of the system says, as a file would."""

    name: str
    values: Mapping[str, object]
    recommended: bool = False


@dataclass(frozen=True, slots=True)
class RegistryKey:
    """A key of the registry: its values by name, and the keys below it."""

    values: Mapping[str, object] = field(default_factory=dict)
    below: Mapping[str, RegistryKey] = field(default_factory=dict)


def places() -> list[Place]:
    """Return the places of this system, weakest first; [] where files are read instead."""
    if sys.platform == "win32":
        return list(from_registry(_read_registry))
    if sys.platform == "darwin":
        return from_plist(MANAGED_PREFERENCES / f"{BUNDLE_ID}.plist")
    return []


def from_registry(read: Callable[[str], RegistryKey | None]) -> Iterator[Place]:
    """Yield what setup was told, the user's policy keys, the machine's: the strongest last. `read` takes "HKLM\\…".

    A person may write their own part of the registry: what is fixed counts from the machine's only.
    """
    for hive, level in (("HKCU", _RECOMMENDED), ("HKLM", _RECOMMENDED), ("HKLM", "Managed")):
        name = f"{hive}\\{INSTALLER_KEY}\\{level}"
        told = read(name)
        if told is not None:
            yield Place(name, _values(told), recommended=level == _RECOMMENDED)
    for hive in ("HKCU", "HKLM"):
        name = f"{hive}\\{REGISTRY_KEY}"
        key = read(name)
        if key is None:
            continue
        yield Place(name, _values(key))
        if _RECOMMENDED in key.below:
            yield Place(f"{name}\\{_RECOMMENDED}", _values(key.below[_RECOMMENDED]), recommended=True)


def _values(key: RegistryKey) -> dict[str, object]:
    """Translate: an editor of group policies writes 0 and 1 for a flag, and a list as a key of its own."""
    flags = {setting.key for setting in policies() if kind_of(setting) is Kind.FLAG}
    lists = {setting.key for setting in policies() if kind_of(setting) is Kind.RULES}
    found: dict[str, object] = {
        name: bool(value) if name in flags and value in (0, 1) else value for name, value in key.values.items()
    }
    for name, below in key.below.items():
        if name in lists:
            found[name] = [_rule(below.values[part]) for part in sorted(below.values)]
        elif name != _RECOMMENDED:
            found[name] = None  # no such policy, and told so
    return found


def _rule(value: object) -> object:
    """Return a line of a list: a word, or what begins with a bracket as the JSON that it is."""
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return value
    try:
        found: object = json.loads(value)
    except (ValueError, RecursionError):
        return None  # refused, and with it the list: half of one protects nobody
    return found


def from_plist(path: Path, *, owner: int = _ROOT) -> list[Place]:
    """Return what a configuration profile has put down; one of anybody but `owner` counts for nothing."""
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if about.st_uid != owner or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return []
            found: object = plistlib.loads(file.read(_PLIST_MAX))
    except (OSError, ValueError, ExpatError, OverflowError, RecursionError, plistlib.InvalidFileException):
        return []
    ours = found if isinstance(found, dict) else {}
    # the system itself adds keys of its own to a profile
    return [Place(str(path), {str(k): v for k, v in ours.items() if not str(k).startswith("Payload")})]


if sys.platform == "win32":
    import winreg

    def _read_registry(name: str) -> RegistryKey | None:
        hive, _, path = name.partition("\\")
        root = winreg.HKEY_LOCAL_MACHINE if hive == "HKLM" else winreg.HKEY_CURRENT_USER
        try:
            with winreg.OpenKey(root, path, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as key:
                below, values, _changed = winreg.QueryInfoKey(key)
                names = [winreg.EnumKey(key, n) for n in range(below)]
                own = dict(winreg.EnumValue(key, n)[:2] for n in range(values))
        except OSError:
            return None
        return RegistryKey(own, {n: _read_registry(f"{name}\\{n}") or RegistryKey() for n in names})
