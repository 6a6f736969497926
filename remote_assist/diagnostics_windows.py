# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors of diagnostics on Windows: from the registry and one command. Not tried on a real Windows yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from remote_assist import diagnostics_common as common
from remote_assist.diagnostics import Item
from remote_assist.diagnostics_run import Collector, Context

__all__ = ["COLLECTORS"]

_VERSION: Final = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_PROCESSOR: Final = r"HKLM\HARDWARE\DESCRIPTION\System\CentralProcessor\0"
_BIOS: Final = r"HKLM\HARDWARE\DESCRIPTION\System\BIOS"
_RESTARTS: Final = (
    (r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update", "RebootRequired"),
    (r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing", "RebootPending"),
)
_DISPLAY_CLASS: Final = r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
_PRINTERS: Final = r"HKLM\SYSTEM\CurrentControlSet\Control\Print\Printers"
_DEFAULT_PRINTER: Final = r"HKCU\Software\Microsoft\Windows NT\CurrentVersion\Windows"
_PROXY: Final = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings"
_INSTALLED: Final = (
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall",
    r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall",
    r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall",
)
_EVENT: Final = re.compile(r"<Event[ >].*?</Event>", re.DOTALL)
_FIELDS: Final = (
    re.compile(r"<Provider Name=['\"]([^'\"]*)['\"]"),
    re.compile(r"SystemTime=['\"]([^'\"]*)['\"]"),
    re.compile(r"<EventID[^>]*>(\d+)<"),
)
_DATA: Final = re.compile(r"<Data[^>]*>([^<]*)</Data>")
_COMMAND_SECONDS: Final = 8.0
_FIRST_BUILD_OF_11: Final = 22_000


def _os(context: Context) -> Iterator[Item]:
    values, _keys = context.machine.registry(_VERSION)
    name, build = str(values.get("ProductName", "Windows")), str(values.get("CurrentBuild", ""))
    if build.isdigit() and int(build) >= _FIRST_BUILD_OF_11:
        name = name.replace("Windows 10", "Windows 11")  # the registry of 11 still says 10
    yield Item("os", f"{name} {values.get('DisplayVersion', '')}".strip())
    yield Item("kernel", f"{build}.{values.get('UBR', 0)}")
    processor, _keys = context.machine.registry(_PROCESSOR)
    if "ProcessorNameString" in processor:
        yield Item("cpu", str(processor["ProcessorNameString"]))
    yield from common.system(context)


def _device(context: Context) -> Iterator[Item]:
    values, _keys = context.machine.registry(_BIOS)  # which holds no serial number
    maker, model = (str(values.get(name, "")) for name in ("SystemManufacturer", "SystemProductName"))
    yield from common.device(context, maker, model, "")


def _updates(context: Context) -> Iterator[Item]:
    pending = any(mark in context.machine.registry(key)[1] for key, mark in _RESTARTS)
    yield Item("updates.restart_needed", pending)


def _graphics(context: Context) -> Iterator[Item]:
    for number in context.machine.registry(_DISPLAY_CLASS)[1]:
        if number.isdigit():
            values, _keys = context.machine.registry(rf"{_DISPLAY_CLASS}\{number}")
            if "DriverDesc" in values:
                yield Item(f"graphics.card:{number}", str(values["DriverDesc"]))
                version, date = values.get("DriverVersion", ""), values.get("DriverDate", "")
                yield Item(f"graphics.driver:{number}", f"{version} {date}".strip())


def _printers(context: Context) -> Iterator[Item]:
    for name in context.machine.registry(_PRINTERS)[1]:
        values, _keys = context.machine.registry(rf"{_PRINTERS}\{name}")
        yield Item(f"printer.driver:{name}", str(values.get("Printer Driver", "")))
    default = str(context.machine.registry(_DEFAULT_PRINTER)[0].get("Device", "")).partition(",")[0]
    if default:
        yield Item("printer.default", default)


def _network(context: Context) -> Iterator[Item]:
    yield from common.network(context)
    values, _keys = context.machine.registry(_PROXY)
    yield Item("network.proxy", bool(values.get("ProxyEnable")) or bool(values.get("AutoConfigURL")))


def _software(context: Context) -> Iterator[Item]:
    yield from common.own_versions()
    wanted = [name.casefold() for name in context.wanted.software]
    if not wanted:
        return
    for place in _INSTALLED:
        for key in context.machine.registry(place)[1]:
            values, _keys = context.machine.registry(rf"{place}\{key}")
            name = str(values.get("DisplayName", ""))
            if any(each in name.casefold() for each in wanted):
                yield Item(f"software:{name}", str(values.get("DisplayVersion", "")))


def _events(context: Context) -> Iterator[Item]:
    found = []
    for raw in _EVENT.findall(context.machine.command("events_windows", _COMMAND_SECONDS)):
        source, at, number = ((match[1] if match else "") for match in (field.search(raw) for field in _FIELDS))
        data = " ".join(part.strip() for part in _DATA.findall(raw))
        if common.is_wanted(context, f"{source} {data}"):
            found.append(Item(f"event:{at[:19]}Z {source}", f"{number} {data}".strip()))
    yield from found[: common.last_events(context)]  # they come newest first


COLLECTORS: Final = (
    Collector("os", 5, _os),
    Collector("device", 5, _device),
    Collector("updates", 5, _updates),
    Collector("memory", 5, common.memory),
    Collector("disks", 5, common.disks),
    Collector("graphics", 5, _graphics),
    Collector("printers", 5, _printers),
    Collector("network", 5, _network),
    Collector("hosts", 18, common.hosts),
    Collector("software", 20, _software),
    Collector("processes", 10, common.processes),
    Collector("events", 10, _events),
    Collector("log", 5, common.log_lines),
)
