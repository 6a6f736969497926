# SPDX-License-Identifier: GPL-3.0-or-later
"""What a feed of updates offers, which version is newer, and why a feed was not believed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

__all__ = ["FeedFailed", "Offer", "Trouble", "is_newer", "is_safe_feed", "is_version", "platform_name"]

_VERSION: Final = re.compile(r"\d{1,6}(\.\d{1,6}){1,3}", re.ASCII)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_SYSTEMS: Final = {"linux": "linux", "win32": "windows", "darwin": "macos"}
_MACHINES: Final = {"amd64": "x86_64", "aarch64": "arm64"}


class Trouble(StrEnum):
    """Why nothing can be said or fetched."""

    UNSET = "unset"
    BAD_ADDRESS = "bad_address"
    BAD_ROOT = "bad_root"
    UNREACHABLE = "unreachable"
    EXPIRED = "expired"
    OLDER = "older"
    UNSIGNED = "unsigned"
    INCOMPLETE = "incomplete"
    DISK = "disk"
    STOPPED = "stopped"


class FeedFailed(Exception):
    """A feed that gave nothing. `trouble` says why; what was there before is untouched."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Offer:
    """A version that the feed's signed list names for this kind of computer. `file` is its path in the feed."""

    version: str
    file: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.file.rpartition("/")[2]


def is_version(text: str) -> bool:
    """Whether this is a version that can be compared: two to four numbers."""
    return bool(_VERSION.fullmatch(text))


def is_newer(offered: str, running: str) -> bool:
    """Whether an offered version is newer than the running one; one that nobody can read never is."""
    return is_version(offered) and is_version(running) and _numbers(offered) > _numbers(running)


def is_safe_feed(address: str) -> bool:
    """Whether an address may be asked: https, or this computer itself; no name or password in it."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username or parts.password or parts.query or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


def platform_name(system: str, machine: str) -> str:
    """Return what a feed calls a kind of computer: `linux-x86_64`. Takes `sys.platform` and `platform.machine()`."""
    word = machine.lower()
    return f"{_SYSTEMS.get(system, system)}-{_MACHINES.get(word, word)}"


def _numbers(text: str) -> tuple[int, ...]:
    found = [int(part) for part in text.split(".")]
    return tuple(found + [0] * (4 - len(found)))
