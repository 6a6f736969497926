# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells when this computer's own network addresses change: another Wi-Fi, a cable, a VPN. Contacts nobody."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import sys
import weakref
from collections.abc import Callable
from typing import Final

import psutil
from PySide6.QtCore import QObject, QSocketNotifier, QTimer, Signal

__all__ = ["NetworkWatch", "own_addresses"]

_SETTLE_MS: Final = 300  # a new network comes in several steps
_LOOK_EVERY_MS: Final = 2_000  # where the system cannot wake us
_ADDRESS_GROUPS: Final = 0x10 | 0x100  # RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR: rtnetlink(7)


def own_addresses() -> frozenset[str]:
    """Return the addresses by which others can reach this computer: neither loopback nor link-local ones."""
    found = set()
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family in (socket.AF_INET, socket.AF_INET6):
                with contextlib.suppress(ValueError):
                    parsed = ipaddress.ip_address(address.address.partition("%")[0])
                    if not parsed.is_loopback and not parsed.is_link_local:
                        found.add(str(parsed))
    return frozenset(found)


class NetworkWatch(QObject):
    """Emits `changed` on the thread of the object, once for each set of addresses that differs from the one before.

    Linux wakes it by rtnetlink; elsewhere it looks every 2 s. A renewed lease with the same address is no change.
    """

    changed = Signal()

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        addresses: Callable[[], frozenset[str]] = own_addresses,
        wake: socket.socket | None = None,
    ) -> None:
        """`wake` is a datagram socket that gets something whenever it is worth looking; tests hand in their own."""
        super().__init__(parent)
        self._addresses = addresses
        self._known = addresses()
        self._wake = wake or _rtnetlink()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._notifier: QSocketNotifier | None = None
        if self._wake is None:
            self._timer.start(_LOOK_EVERY_MS)
            return
        self._wake.setblocking(False)
        weakref.finalize(self, self._wake.close)
        self._timer.setSingleShot(True)
        self._notifier = QSocketNotifier(self._wake.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._woken)

    def stop(self) -> None:
        """Emit nothing any more. Idempotent."""
        self._timer.stop()
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            self._notifier = None
        if self._wake is not None:
            self._wake.close()
            self._wake = None

    def _woken(self) -> None:
        while self._wake is not None:
            try:
                self._wake.recv(65_536)
            except BlockingIOError:
                break
            except OSError:
                break  # too many at once for its buffer (ENOBUFS): what was lost does not matter, we look anyway
        self._timer.start(_SETTLE_MS)

    def _look(self) -> None:
        now = self._addresses()
        if now != self._known:
            self._known = now
            self.changed.emit()


def _rtnetlink() -> socket.socket | None:
    if sys.platform != "linux":
        return None
    watch = None
    try:
        watch = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        watch.bind((0, _ADDRESS_GROUPS))
    except OSError:  # a sandbox without netlink
        if watch is not None:
            watch.close()
        return None
    return watch
