# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors of diagnostics that work alike on every system, mostly through psutil."""

from __future__ import annotations

import ipaddress
import platform
import re
import socket
import ssl
import time
from collections import defaultdict
from collections.abc import Iterator
from importlib import metadata
from typing import Any, Final

import msgspec
import psutil

from remote_assist.diagnostics import Item
from remote_assist.diagnostics_machine import Absent
from remote_assist.diagnostics_run import Context

__all__ = [
    "LAST_EVENTS",
    "device",
    "disks",
    "hosts",
    "is_wanted",
    "last_events",
    "log_lines",
    "memory",
    "network",
    "own_versions",
    "place",
    "processes",
    "system",
]

LAST_EVENTS: Final = 200
_LAST_OF_ALL: Final = 100
_MB: Final = 1 << 20
_GB: Final = 1 << 30
_MOST_HOSTS: Final = 8
_MOST_PROCESSES: Final = 300
_HOST_SECONDS: Final = 2.0
_TLS_PORTS: Final = frozenset({443, 8443})
_NO_DISKS: Final = frozenset({"squashfs", "iso9660", "overlay", "tmpfs", "devtmpfs"})
_UNSAID: Final = re.compile(
    r"(?i)|0+|1234567890?|none|unknown|invalid|default string|empty|n/?a"
    r"|not (?:specified|applicable|available|set|settable)"
    r"|to be filled by o\.?e\.?m\.?|o\.?e\.?m\.?|(?:system|chassis) (?:serial number|product name|manufacturer|version)"
)
_OWN: Final = ("deskside", "pyside6", "aiortc", "av", "cryptography")


def device(context: Context, maker: str, model: str, serial: str) -> Iterator[Item]:
    """Maker and model; the serial number only where it is asked for. What a maker left unsaid is not said.

    The serial number is "" where only an administrator may read it.
    """
    named = [(word, _said(text)) for word, text in (("device.maker", maker), ("device.model", model))]
    serial = _said(serial)
    if not serial and not any(text for _word, text in named):
        raise Absent("device")
    for word, text in named:
        if text:
            yield Item(word, text)
    if context.wanted.serial:
        yield Item("device.serial", serial)


def _said(text: str) -> str:
    text = " ".join(text.replace("\0", " ").split())
    return "" if _UNSAID.fullmatch(text) else text


def system(context: Context) -> Iterator[Item]:
    """What every system tells: machine, processors, time since the start, language and zone."""
    yield Item("architecture", platform.machine())
    yield Item("cores", psutil.cpu_count() or 0)
    yield Item("uptime_h", round((context.now_s - psutil.boot_time()) / 3600, 1))
    yield Item("language", context.machine.environment("LC_ALL") or context.machine.environment("LANG"))
    yield Item("time_zone", time.strftime("%z"))


def memory(_context: Context) -> Iterator[Item]:
    """Memory and swap in MB."""
    found = psutil.virtual_memory()
    yield Item("memory.total_mb", found.total // _MB)
    yield Item("memory.available_mb", found.available // _MB)
    swap = psutil.swap_memory()
    yield Item("swap.total_mb", swap.total // _MB)
    yield Item("swap.used_mb", swap.used // _MB)


def disks(_context: Context) -> Iterator[Item]:
    """Every drive with its type and room; one that does not answer holds up those behind it only."""
    for part in psutil.disk_partitions(all=False):
        if part.fstype in _NO_DISKS or part.mountpoint.startswith(("/snap/", "/var/lib/", "/etc/", "/proc/")):
            continue
        yield Item(f"disk.type:{part.mountpoint}", part.fstype)
        try:
            usage = psutil.disk_usage(part.mountpoint)
        except OSError:
            continue
        yield Item(f"disk.total_gb:{part.mountpoint}", round(usage.total / _GB, 1))
        yield Item(f"disk.free_gb:{part.mountpoint}", round(usage.free / _GB, 1))


def network(_context: Context) -> Iterator[Item]:
    """Interfaces with state, speed and addresses of private networks; hardware addresses are not asked for."""
    addresses = psutil.net_if_addrs()
    for name, stats in sorted(psutil.net_if_stats().items()):
        yield Item(f"network.up:{name}", stats.isup)
        if stats.speed:
            yield Item(f"network.speed_mbit:{name}", stats.speed)
        for address in addresses.get(name, ()):
            if address.family in (socket.AF_INET, socket.AF_INET6):
                yield Item(f"network.address:{name}", place(address.address, address.netmask))


def place(address: str, netmask: str | None) -> str:
    """Return what is said of an address: IPv6 can hold a hardware address, a public one says where somebody lives."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if not found.is_private:
        return f"IPv{found.version}, public"
    if found.version == 6:
        return "::1" if found.is_loopback else str(ipaddress.ip_network((found, 64), strict=False))
    return f"{found}/{ipaddress.ip_network(f'0.0.0.0/{netmask}').prefixlen}" if netmask else str(found)


def hosts(context: Context) -> Iterator[Item]:
    """Whether the configured hosts answer, and after how many milliseconds."""
    for host, port in context.wanted.hosts[:_MOST_HOSTS]:
        start = time.perf_counter()
        answer = _reach(host, port)
        yield Item(f"host:{host}:{port}", answer)
        if answer == "ok":
            yield Item(f"host.ms:{host}:{port}", round((time.perf_counter() - start) * 1000))


def _reach(host: str, port: int) -> str:
    try:
        with socket.create_connection((host, port), _HOST_SECONDS) as line:
            if port in _TLS_PORTS:
                with ssl.create_default_context().wrap_socket(line, server_hostname=host):
                    pass
    except ssl.SSLCertVerificationError:
        return "certificate not trusted"
    except ssl.SSLError:
        return "no TLS"
    except socket.gaierror:
        return "no address"
    except TimeoutError:
        return "no answer in time"
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "not reached"
    return "ok"


def processes(_context: Context) -> Iterator[Item]:
    """Programs by name, how many of each and how much memory; no command lines, no owners."""
    count: dict[str, int] = defaultdict(int)
    used: dict[str, int] = defaultdict(int)
    for process in psutil.process_iter(["name", "memory_info"]):
        name, held = process.info["name"], process.info["memory_info"]
        if name and held is not None and held.rss:
            count[name] += 1
            used[name] += held.rss
    for name in sorted(used, key=lambda each: -used[each])[:_MOST_PROCESSES]:
        yield Item(f"process:{name}", f"{count[name]} x, {used[name] // _MB} MB")


def is_wanted(context: Context, text: str) -> bool:
    """Whether an error belongs to a product that is asked for; without any, every error of the system does."""
    names = context.wanted.products
    return not names or any(name.casefold() in text.casefold() for name in names)


def last_events(context: Context) -> int:
    """How many errors are told at most."""
    return LAST_EVENTS if context.wanted.products else _LAST_OF_ALL


def own_versions() -> Iterator[Item]:
    """Versions of this program and of what it is built on."""
    for name in _OWN:
        try:
            yield Item(f"software:{name}", metadata.version(name))
        except metadata.PackageNotFoundError:
            continue


def log_lines(context: Context) -> Iterator[Item]:
    """The last lines of our own logs, which hold no words of people; the newest first."""
    folder = context.wanted.logs
    if folder is None:
        return
    lines = []
    for name in context.machine.names(folder.as_posix()):
        if name.endswith(".log"):
            lines += [_log_line(raw) for raw in context.machine.tail((folder / name).as_posix()).splitlines()]
    for at, line in sorted(filter(None, lines), reverse=True)[:LAST_EVENTS]:
        yield Item(f"log:{at}", line)


def _log_line(raw: str) -> tuple[str, str] | None:
    try:
        found: Any = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("timestamp"), str):
        return None
    at = found.pop("timestamp")
    first = " ".join(str(found.pop(word, "")) for word in ("level", "process", "event"))
    return at[:40], f"{first} {' '.join(f'{name}={value}' for name, value in found.items())}".strip()
