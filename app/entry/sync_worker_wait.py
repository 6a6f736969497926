# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for the network to come back: a network that changed, or a server that takes connections again. No Qt."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import random
import time
from collections.abc import Callable
from enum import Enum, auto

import psutil

from sync.backoff import Backoff
from sync.engine import Fetch, Request
from sync.protocol import Hello, Pull, Push

_LOOK_S = 1.0
_CONNECT_S = 2.0
# how often a silent server is knocked at: a bare connection, no request; (until second, every seconds)
_KNOCKS = ((60.0, 2.0), (600.0, 10.0), (float("inf"), 30.0))
_MEND_S, _MOST_MEND_S = 0.1, 60.0
_SET_MS = 5_000
_PORTAL_S = 30.0  # a stranger who answers in place of the server is asked at least so often: who logs in there waits
_ASK_ANYWAY_S = 300.0  # behind a proxy, only a request tells: a bare connection to the server never comes about


class Mending:
    """Pauses after answers that say what to put right: a gap, a scope to load again, a batch that is too large.

    The first is acted on at once; a server that goes on like this is asked ever more slowly until it moves on.
    """

    def __init__(self, rng: random.Random) -> None:
        self._backoff = Backoff(rng, first_s=_MEND_S, most_s=_MOST_MEND_S)
        self._answers = 0

    def pause_s(self) -> float:
        """Count such an answer; return how long to wait."""
        self._answers += 1
        return 0.0 if self._answers == 1 else self._backoff.failed_s()

    def moved_on(self) -> None:
        """The server took or gave something: start over."""
        self._answers = 0
        self._backoff.succeeded()


class Tries(Backoff):
    """The pauses between tries: what failed must succeed before they start over, for a greeting alone proves little.

    A proxy may let a hello through and nothing larger; another answer for another scope says nothing either.
    """

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._broken: set[str] = set()
        self._greets = True

    def broke(self, request: Request) -> None:
        """Remember what got no proper answer."""
        self._broken |= _parts(request)
        self._greets = not isinstance(request, Hello)

    def stranger_s(self) -> float:
        """Return how long to wait after somebody else answered: not for long if not even a greeting gets through."""
        wait = self.failed_s()
        return wait if self._greets else min(wait, _PORTAL_S)

    def worked(self, request: Request) -> None:
        """The server took or gave something."""
        parts = _parts(request)
        self._broken -= parts
        if parts and not self._broken:
            self.succeeded()

    def all_worked(self) -> None:
        """Nothing is left to say."""
        self._broken.clear()
        self.succeeded()


def _parts(request: Request) -> set[str]:
    """Return what a request is about: the queue, or scopes; nothing for a hello."""
    if isinstance(request, Push):
        return {"push"}
    if isinstance(request, Fetch):
        return {f"scope {request.scope}"}
    return {f"scope {scope}" for scope in request.scopes} if isinstance(request, Pull) else set()


class Surroundings:
    """Tells when this computer is on another network, or woke from sleep: what was tried before proves nothing."""

    def __init__(self, wall_ms: Callable[[], int], steady_ms: Callable[[], int]) -> None:
        self._wall_ms = wall_ms
        self._steady_ms = steady_ms
        self._interfaces = _interfaces()
        self._ahead_ms = wall_ms() - steady_ms()  # grows while the computer sleeps: the steady clock stands still then

    def changed(self) -> bool:
        """Whether it was so since the last call."""
        interfaces, ahead_ms = _interfaces(), self._wall_ms() - self._steady_ms()
        changed = interfaces != self._interfaces or abs(ahead_ms - self._ahead_ms) > _SET_MS
        self._interfaces, self._ahead_ms = interfaces, ahead_ms
        return changed


class Outlook(Enum):
    """Why a wait for the network ended."""

    BACK = auto()  # the network changed, or a silent server takes connections again
    WOKEN = auto()  # somebody has a reason to try now
    SILENT = auto()  # nothing was heard all the time
    ILL = auto()  # the server took connections all along: no network is to blame


class NetworkWatch:
    """Knows when it is worth trying again."""

    def __init__(self) -> None:
        self._down_since: float | None = None

    async def wait_for(self, host: str, port: int, most_s: float, wake: asyncio.Event) -> Outlook:
        """Wait until the server takes connections, the network changed or somebody wakes us; say which.

        At most `most_s` once the server takes connections but does not answer: then it is the server that is ill, and
        no good news if it took them all along. Never more than five minutes.
        """
        started = time.monotonic()
        was_silent = False
        interfaces = _interfaces()
        last_knock: float | None = None
        while not wake.is_set():
            now = time.monotonic()
            if _interfaces() != interfaces:
                return Outlook.BACK
            # the first at once: a network that is back before the second one was gone all the same
            if last_knock is None or now - last_knock >= _every(host, now - started) - 0.01:
                last_knock = now
                if await _knock(host, port):
                    left = min(most_s, 0.2 if was_silent and _is_loopback(host) else most_s) - (now - started)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(wake.wait(), max(0.0, left))
                        return Outlook.WOKEN
                    return Outlook.BACK if was_silent else Outlook.ILL
                was_silent = True
            if now - started >= _ASK_ANYWAY_S:
                return Outlook.SILENT
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), _LOOK_S)
        return Outlook.WOKEN


def _every(host: str, waited_s: float) -> float:
    if _is_loopback(host):
        return _LOOK_S  # costs nobody anything
    return next(every for until, every in _KNOCKS if waited_s < until)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _knock(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def _interfaces() -> frozenset[tuple[str, str]]:
    """Return the addresses of the interfaces that are up."""
    up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    return frozenset((name, a.address) for name, all_ in psutil.net_if_addrs().items() if name in up for a in all_)
