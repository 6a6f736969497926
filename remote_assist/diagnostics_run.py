# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs collectors beside each other, each with a time of its own; what one found until then is kept.

A thread that hangs, for instance on a drive of a server that is gone, cannot be ended. It is left behind, counts as
one, and its collector is not started again while it hangs.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.config.logs import get_logger
from remote_assist.diagnostics import MAX_ITEMS, Bundle, Item, Section, State, fitted
from remote_assist.diagnostics_machine import Absent, Machine
from remote_assist.diagnostics_scrub import Scrubber

__all__ = ["Collector", "Context", "Gatherer", "Wanted"]

_log: Final = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: whom to reach, which software and whose events; and where our own logs lie.

    Without named products the last errors of the whole system are taken, fewer of them. `serial`: the serial number
    of the computer, too; a session is not told it.
    """

    hosts: tuple[tuple[str, int], ...] = ()
    software: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    logs: Path | None = None
    serial: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What a collector works with."""

    machine: Machine
    wanted: Wanted
    now_s: int


@dataclass(frozen=True, slots=True)
class Collector:
    """One section: its word, its time in seconds, and what yields its lines."""

    name: str
    seconds: float
    collect: Callable[[Context], Iterator[Item]]


class _Run:
    """One collector at work in its own thread."""

    def __init__(self, collector: Collector, context: Context) -> None:
        self._collector, self._context = collector, context
        self._lock = threading.Lock()
        self._items: list[Item] = []
        self._state = State.TIMEOUT
        self._cut = False
        self._done = threading.Event()
        self._ends = time.monotonic() + collector.seconds
        self._thread = threading.Thread(target=self._work, name=f"diagnostics {collector.name}", daemon=True)
        self._thread.start()

    @property
    def hangs(self) -> bool:
        """Whether it is still at work."""
        return self._thread.is_alive()

    def _work(self) -> None:
        state = State.OK
        try:
            self._collect()
        except Absent:
            state = State.ABSENT
        except TimeoutError:
            state = State.TIMEOUT
        except Exception as error:  # noqa: BLE001 - a computer in trouble fails in its own ways; the section says so
            _log.info("collector failed", source=self._collector.name, error=type(error).__name__)
            state = State.FAILED
        with self._lock:
            self._state = state
        self._done.set()

    def _collect(self) -> None:
        for item in self._collector.collect(self._context):
            with self._lock:
                if len(self._items) >= MAX_ITEMS:
                    self._cut = True
                    return
                self._items.append(item)

    def section(self, scrub: Scrubber) -> Section:
        """Wait for the end, at most until the time is over, and return what there is."""
        self._done.wait(max(0.0, self._ends - time.monotonic()))
        with self._lock:
            items, state, cut = list(self._items), self._state, self._cut
        return Section(self._collector.name, state, _distinct([scrub.item(item) for item in items]), cut=cut)


class Gatherer:
    """Collects bundles, one at a time. `gather` blocks for as long as the slowest collector may take."""

    def __init__(self, collectors: Sequence[Collector], scrub: Scrubber, system: str) -> None:
        self._collectors, self._scrub, self._system = tuple(collectors), scrub, system
        self._left_behind: dict[str, _Run] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The sections there will be, for `diagoffer`."""
        return tuple(each.name for each in self._collectors)

    def gather(self, context: Context, only: Collection[str] | None = None) -> Bundle:
        """Return everything that could be found out in time, scrubbed; `only` these sections, where they are named."""
        collectors = [each for each in self._collectors if only is None or each.name in only]
        self._left_behind = {name: run for name, run in self._left_behind.items() if run.hangs}
        runs = [None if each.name in self._left_behind else _Run(each, context) for each in collectors]
        sections = []
        for collector, run in zip(collectors, runs, strict=True):
            sections.append(run.section(self._scrub) if run else Section(collector.name, State.TIMEOUT))
            if run is not None and sections[-1].state is State.TIMEOUT and run.hangs:
                self._left_behind[collector.name] = run
        made = dt.datetime.fromtimestamp(context.now_s, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return fitted(made, self._system, tuple(sections))


def _distinct(items: list[Item]) -> tuple[Item, ...]:
    """Two lines of one key, for instance after scrubbing, get numbers: a difference needs to know which is which."""
    seen: dict[str, int] = {}
    found = []
    for item in items:
        count = seen[item.key] = seen.get(item.key, 0) + 1
        found.append(item if count == 1 else Item(f"{item.key[:190]} ({count})", item.value))
    return tuple(found)
