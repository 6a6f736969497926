# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors of diagnostics on Linux: from /proc, /sys and /etc, and from a few commands where they are installed."""

from __future__ import annotations

import datetime as dt
import re
import socket
import struct
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from remote_assist import diagnostics_common as common
from remote_assist.diagnostics import Item
from remote_assist.diagnostics_machine import Absent
from remote_assist.diagnostics_run import Collector, Context

__all__ = ["COLLECTORS", "printers"]

_APT_STAMPS: Final = ("/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists")
_RESTART_MARKS: Final = ("/run/reboot-required", "/var/run/reboot-required")
_MAKERS: Final = {
    "0x1002": "AMD",
    "0x10de": "NVIDIA",
    "0x1234": "QEMU",
    "0x15ad": "VMware",
    "0x1af4": "virtio",
    "0x8086": "Intel",
    "0x80ee": "VirtualBox",
}
_DMI: Final = "/sys/class/dmi/id"
_BOARD: Final = "/sys/firmware/devicetree/base"
_SHOWN: Final = re.compile(r"^(\S+) connected (?:primary )?(\d+x\d+)", re.MULTILINE)
_PRINTER: Final = re.compile(r"^printer (\S+) (?:is |now )?(idle|printing|disabled)", re.MULTILINE)
_DEFAULT: Final = re.compile(r"^system default destination: (\S+)", re.MULTILINE)
_COMMAND_SECONDS: Final = 8.0
_PROXIES: Final = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def _os(context: Context) -> Iterator[Item]:
    machine = context.machine
    release = dict(_assignments(machine.read("/etc/os-release")))
    yield Item("os", release.get("PRETTY_NAME", "Linux"))
    yield Item("kernel", machine.read("/proc/sys/kernel/osrelease").strip())
    yield Item("desktop", machine.environment("XDG_CURRENT_DESKTOP"))
    yield Item("display_server", machine.environment("XDG_SESSION_TYPE"))
    found = re.search(r"^model name\s*:\s*(.+)$", machine.read("/proc/cpuinfo"), re.MULTILINE)
    if found:
        yield Item("cpu", found[1])
    yield from common.system(context)


def _device(context: Context) -> Iterator[Item]:
    def said(name: str) -> str:
        return context.machine.read(f"{_DMI}/{name}").strip()

    maker, model = said("sys_vendor"), said("product_name")
    if maker.casefold() == "lenovo":  # there the name is a number for orders
        model = " ".join(filter(None, (said("product_version"), model)))
    board = context.machine.read(f"{_BOARD}/model")  # computers without such tables: ARM boards
    serial = said("product_serial") or context.machine.read(f"{_BOARD}/serial-number")
    yield from common.device(context, maker, model or board, serial)


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.isidentifier():
            yield name, value.strip().strip("\"'")


def _updates(context: Context) -> Iterator[Item]:
    machine = context.machine
    yield Item("updates.restart_needed", any(machine.changed_s(path) for path in _RESTART_MARKS))
    checked = max(machine.changed_s(path) for path in _APT_STAMPS)
    if checked:
        yield Item("updates.last_check", dt.datetime.fromtimestamp(checked, dt.UTC).strftime("%Y-%m-%d"))
    try:
        plan = machine.command("apt", _COMMAND_SECONDS)
    except Absent:  # another way of packages: how many wait is not known
        return
    waiting = [line for line in plan.splitlines() if line.startswith("Inst ")]
    yield Item("updates.waiting", len(waiting))
    yield Item("updates.security", sum("security" in line.lower() for line in waiting))


def _graphics(context: Context) -> Iterator[Item]:
    machine = context.machine
    for address in machine.names("/sys/bus/pci/devices"):
        place = f"/sys/bus/pci/devices/{address}"
        if machine.read(f"{place}/class").startswith("0x03"):
            maker = machine.read(f"{place}/vendor").strip()
            model = machine.read(f"{place}/device").strip()
            yield Item(f"graphics.card:{address}", f"{_MAKERS.get(maker, maker)} {model}")
            yield Item(f"graphics.driver:{address}", machine.target(f"{place}/driver"))
    for name in machine.names("/sys/class/drm"):
        place = f"/sys/class/drm/{name}"
        if machine.read(f"{place}/status").strip() == "connected":
            yield Item(f"display.best:{name}", machine.read(f"{place}/modes").partition("\n")[0])
    if machine.environment("DISPLAY"):
        try:
            shown = machine.command("displays", _COMMAND_SECONDS)
        except Absent:
            return
        for name, size in _SHOWN.findall(shown):
            yield Item(f"display.size:{name}", size)


def printers(context: Context) -> Iterator[Item]:
    """Printers of CUPS, which macOS has as well."""
    found = context.machine.command("printers", _COMMAND_SECONDS)
    for name, state in _PRINTER.findall(found):
        yield Item(f"printer.state:{name}", state)
    default = _DEFAULT.search(found)
    if default:
        yield Item("printer.default", default[1])


def _network(context: Context) -> Iterator[Item]:
    machine = context.machine
    yield from common.network(context)
    for gateway in _gateways(machine.read("/proc/net/route")):
        yield Item("network.gateway", common.place(gateway, None))
    for line in machine.read("/etc/resolv.conf").splitlines():
        if line.startswith("nameserver "):
            yield Item("network.dns", line.split()[1])
    yield Item("network.proxy", any(machine.environment(name) for name in _PROXIES))


def _gateways(table: str) -> Iterator[str]:
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 2 and fields[1] == "00000000" and fields[2] != "00000000":
            yield socket.inet_ntoa(struct.pack("<I", int(fields[2], 16)))


def _software(context: Context) -> Iterator[Item]:
    yield from common.own_versions()
    wanted = {name.casefold() for name in context.wanted.software}
    if not wanted:
        return
    for source in ("deb", "rpm", "flatpak", "snap"):
        try:
            listing = context.machine.command(source, _COMMAND_SECONDS)
        except Absent:
            continue
        for line in listing.splitlines():
            name, version, *rest = [*line.split(), "", ""]
            installed = source != "deb" or rest[0] == "installed"
            if installed and (name.casefold() in wanted or name.rpartition(".")[2].casefold() in wanted):
                yield Item(f"software:{name}", version)


def _events(context: Context) -> Iterator[Item]:
    lines = context.machine.command("journal", _COMMAND_SECONDS).splitlines()
    found = [event for event in map(_event, lines) if event is not None and common.is_wanted(context, event[1])]
    for at, source, message in found[: -common.last_events(context) - 1 : -1]:  # they come oldest first
        yield Item(f"event:{at} {source}", message)


def _event(raw: str) -> tuple[str, str, str] | None:
    try:
        found: Any = msgspec.json.decode(raw)
        at = dt.datetime.fromtimestamp(int(found["__REALTIME_TIMESTAMP"]) / 1e6, dt.UTC)
        message = found["MESSAGE"]
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, OverflowError, OSError, RecursionError):
        return None
    source = str(found.get("SYSLOG_IDENTIFIER") or found.get("_COMM") or "")
    return at.strftime("%Y-%m-%dT%H:%M:%SZ"), source, message if isinstance(message, str) else "(not text)"


COLLECTORS: Final = (
    Collector("os", 5, _os),
    Collector("device", 5, _device),
    Collector("updates", 10, _updates),
    Collector("memory", 5, common.memory),
    Collector("disks", 5, common.disks),
    Collector("graphics", 10, _graphics),
    Collector("printers", 10, printers),
    Collector("network", 5, _network),
    Collector("hosts", 18, common.hosts),
    Collector("software", 20, _software),
    Collector("processes", 10, common.processes),
    Collector("events", 10, _events),
    Collector("log", 5, common.log_lines),
)
