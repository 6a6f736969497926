# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors of diagnostics on macOS: from property lists and three commands. Not tried on a real Mac yet."""

from __future__ import annotations

import platform
import plistlib
import re
from collections.abc import Iterator
from typing import Any, Final
from xml.parsers.expat import ExpatError

import msgspec

from remote_assist import diagnostics_common as common
from remote_assist.diagnostics import Item
from remote_assist.diagnostics_linux import printers
from remote_assist.diagnostics_run import Collector, Context

__all__ = ["COLLECTORS"]

_SYSTEM: Final = "/System/Library/CoreServices/SystemVersion.plist"
_UPDATES: Final = "/Library/Preferences/com.apple.SoftwareUpdate.plist"
_APPLICATIONS: Final = "/Applications"
_REPORTS: Final = "/Library/Logs/DiagnosticReports"
_REPORT: Final = re.compile(r"^(.+)[-_](\d{4}-\d\d-\d\d)-?(\d{6})?.*\.(?:ips|crash)$")
_COMMAND_SECONDS: Final = 8.0


def _plist(context: Context, path: str) -> dict[str, Any]:
    try:
        found = plistlib.loads(context.machine.data(path))
    except (plistlib.InvalidFileException, ExpatError, ValueError, AttributeError, IndexError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _os(context: Context) -> Iterator[Item]:
    values = _plist(context, _SYSTEM)
    yield Item("os", f"{values.get('ProductName', 'macOS')} {values.get('ProductVersion', '')}".strip())
    yield Item("kernel", f"{values.get('ProductBuildVersion', '')} {platform.release()}".strip())
    yield from common.system(context)


def _device(context: Context) -> Iterator[Item]:
    try:
        found: Any = msgspec.json.decode(context.machine.command("device_macos", _COMMAND_SECONDS))
        values = found["SPHardwareDataType"][0]
        name, model, serial = (str(values.get(word, "")) for word in ("machine_name", "machine_model", "serial_number"))
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, AttributeError):
        return
    yield from common.device(context, "Apple", f"{name} {model}".strip(), serial)


def _updates(context: Context) -> Iterator[Item]:
    values = _plist(context, _UPDATES)
    if "LastSuccessfulDate" in values:
        yield Item("updates.last_check", str(values["LastSuccessfulDate"])[:10])
    if isinstance(values.get("LastUpdatesAvailable"), int):
        yield Item("updates.waiting", values["LastUpdatesAvailable"])


def _graphics(context: Context) -> Iterator[Item]:
    try:
        found: Any = msgspec.json.decode(context.machine.command("graphics_macos", _COMMAND_SECONDS))
        cards = found["SPDisplaysDataType"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return
    for number, card in enumerate(cards if isinstance(cards, list) else [], 1):
        yield Item(f"graphics.card:{number}", str(card.get("sppci_model", "")))
        for display in card.get("spdisplays_ndrvs", []):
            yield Item(f"display.size:{display.get('_name', '')}", str(display.get("_spdisplays_resolution", "")))


def _software(context: Context) -> Iterator[Item]:
    yield from common.own_versions()
    wanted = [name.casefold() for name in context.wanted.software]
    for name in context.machine.names(_APPLICATIONS):
        if name.endswith(".app") and any(each in name.casefold() for each in wanted):
            values = _plist(context, f"{_APPLICATIONS}/{name}/Contents/Info.plist")
            yield Item(f"software:{name.removesuffix('.app')}", str(values.get("CFBundleShortVersionString", "")))


def _events(context: Context) -> Iterator[Item]:
    """Crash reports by their names; the log of the system takes minutes to search."""
    home = context.machine.environment("HOME")
    found = []
    for folder in (_REPORTS, f"{home}{_REPORTS}" if home else _REPORTS):
        for name in context.machine.names(folder):
            match = _REPORT.match(name)
            if match and common.is_wanted(context, match[1]):
                found.append((match[2], match[3] or "", match[1]))
    for date, time, source in sorted(set(found), reverse=True)[: common.last_events(context)]:
        yield Item(f"event:{date} {time} {source}", "crash report")


COLLECTORS: Final = (
    Collector("os", 5, _os),
    Collector("device", 10, _device),
    Collector("updates", 5, _updates),
    Collector("memory", 5, common.memory),
    Collector("disks", 5, common.disks),
    Collector("graphics", 15, _graphics),
    Collector("printers", 10, printers),
    Collector("network", 5, common.network),
    Collector("hosts", 18, common.hosts),
    Collector("software", 20, _software),
    Collector("processes", 10, common.processes),
    Collector("events", 10, _events),
    Collector("log", 5, common.log_lines),
)
