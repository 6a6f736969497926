# SPDX-License-Identifier: GPL-3.0-or-later
"""What `tests.bench.share --gates` runs: for each gate the peers, movements, networks and rates that decide it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import psutil

from tests.bench import _cut, _memory, _windows, stop
from tests.bench._gates import BROWSER, LAN, Figures
from tests.bench._ways import TURN_TLS
from tests.bench._wire import Capture

Result = dict[str, object]
_WATCH_S = 20.0
_STOP_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Case:
    """Peers in turns on one movement, network and rate. `rounds` 0: as many as were asked for."""

    peers: tuple[str, ...]
    stimulus: str
    profile: str = LAN
    fps: int = 30
    rounds: int = 0


CASES = (
    Case(("ours", "stock", "chromium"), "scroll"),  # G1, G3, G4
    Case(("ours", "chromium"), "scroll", fps=60),  # G1, G2, G3, G4
    Case(("ours",), "type"),  # G4
    Case(("ours",), "static"),  # G6
    Case(("ours",), "page", rounds=1),  # G9
    Case(("ours",), "page", "5m", rounds=1),  # G5, G9
    Case(("ours",), "scroll", "loss3"),  # G7
    Case((BROWSER,), "scroll"),  # G13
    # printed, not gated
    Case((BROWSER,), "page", rounds=1),
    Case(("ours",), "page", "1m", rounds=1),
    Case(("ours",), "scroll", "loss1", rounds=1),
    Case(("ours",), "scroll", "loss5", rounds=1),
    Case(("ours",), "scroll", TURN_TLS, rounds=1),
)


def idle_percent() -> float:
    """Return how busy the machine is with other things, before anything is started."""
    return float(psutil.cpu_percent(interval=3.0))


def every(run: Callable[[Case], list[Result]], rounds: int, minutes: float) -> Iterator[Result]:
    """Yield the results of everything the gates need; what failed yields a result that says so.

    Runs one thing after the other, G12 last. `minutes` 0 leaves G12 out.
    """
    for case in CASES:
        yield from _tried(" ".join((*case.peers, case.stimulus, case.profile)), partial(run, case))
    others: list[tuple[str, str, str, Callable[[], Figures]]] = [
        ("ends", "scroll", "cut", lambda: _cut.measure(rounds)),
        ("windows", "scroll", LAN, lambda: _windows.measure(_WATCH_S)),
        ("stop", "scroll", LAN, _stopped),
    ]
    if minutes:
        others.append(("children", "mix", LAN, lambda: _memory.measure(minutes)))
    for peer, stimulus, profile, measure in others:
        head: Result = {"peer": peer, "stimulus": stimulus, "profile": profile, "fps": 30}
        yield from _tried(peer, partial(_as_result, head, measure))


def _as_result(head: Result, measure: Callable[[], Figures]) -> list[Result]:
    return [head | {"figures": measure()}]


def _stopped() -> Figures:
    try:
        with Capture():
            pass
    except (PermissionError, AttributeError) as error:
        raise RuntimeError("packets can be taken as root on Linux only") from error
    report: dict[str, Any] = stop.run(list(stop.WAYS), _STOP_ROUNDS)
    return {key: report[key] for key in ("rounds", "results", "gates")}


def _tried(what: str, run: Callable[[], list[Result]]) -> list[Result]:
    """Run one part; a part that fails must not cost the others."""
    began = time.perf_counter()
    try:
        return run()
    except Exception as error:  # noqa: BLE001  # whatever went wrong is told, and its gates are missed
        told = f"{type(error).__name__}: {error}"[:500]
        return [{"peer": "failed", "stimulus": what, "profile": "", "fps": 0, "figures": {"error": told}}]
    finally:
        print(f"{time.perf_counter() - began:6.0f} s  {what}", file=sys.stderr, flush=True)
