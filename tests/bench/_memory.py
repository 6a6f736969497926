# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate G12: what two session children need in half an hour, and how long their queues become.

The screen changes its way of moving every few seconds; at each change the agent's view takes another size, and once a
round the picture is paused. Resident memory is read once a second. Growth is the mean over the last round of movements
less the mean over the first one after the warm-up: movements differ in what they need, and single samples say nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil

from remote_assist import messages
from remote_assist.child_protocol import Pause, Send
from tests.bench import _ours
from tests.bench._scene import stimulus

FULL_MINUTES = 30.0
KINDS = ("scroll", "type", "drag", "flip", "video", "static", "page")
VIEWS = ((0, 0), (1280, 720), (960, 540))
_WARM_S, _STEP_S = 60.0, 10.0
_EVERY_S = 1.0
_PAUSE_S = 0.5
_MB = 1 << 20


@dataclass
class Growth:
    """Samples of both children: (seconds since the start, MB), and the longest of each queue."""

    samples: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: {"customer": [], "agent": []})
    queues: dict[str, int] = field(default_factory=dict)
    frames: int = 0


def plan(minutes: float) -> tuple[float, float]:
    """Return (warm-up, time of each movement) in seconds; shorter runs have less of both."""
    total = minutes * 60
    warm = min(_WARM_S, total / 4)
    return warm, min(_STEP_S, (total - warm) / 3 / len(KINDS))


def growth_mb(samples: Sequence[tuple[float, float]], warm_s: float, round_s: float) -> float | None:
    """Return how much the mean of the last round is above that of the first after the warm-up; None: too few."""
    end = samples[-1][0] if samples else 0.0
    first = [mb for at, mb in samples if warm_s <= at < warm_s + round_s]
    last = [mb for at, mb in samples if end - round_s < at <= end]
    if not first or not last or end < warm_s + 2 * round_s:
        return None
    return round(sum(last) / len(last) - sum(first) / len(first), 2)


def measure(minutes: float) -> dict[str, object]:
    """Share the screen for so long; return growth, highest memory and the longest of each queue."""
    found = _run(minutes)
    warm_s, step_s = plan(minutes)
    round_s = step_s * len(KINDS)
    grown = {name: growth_mb(samples, warm_s, round_s) for name, samples in found.samples.items()}
    peak = {name: round(max((mb for _, mb in samples), default=0.0), 1) for name, samples in found.samples.items()}
    thin = max(1, len(found.samples["agent"]) // 120)
    curve = {name: [(round(at), round(mb, 1)) for at, mb in items[::thin]] for name, items in found.samples.items()}
    return {
        "minutes": minutes, "growth_mb": grown, "rss_mb": peak, "queue_max": found.queues,
        "pictures": found.frames, "samples_mb": curve,
    }  # fmt: skip


def _run(minutes: float) -> Growth:
    found = Growth()
    customer, agent = _ours.start("customer"), _ours.start("agent")
    try:
        _ours.share(customer, "screen")
        _ours.show(agent)
        with stimulus(KINDS[0], 30):
            _ours.connect(customer, agent)
            agent.link.send(Send("ctl", messages.encode(messages.Hello(1, 0, ["view", "tile"]))))
            _ours.grant_view(customer)
            agent.want_frame()
        _endure(customer, agent, minutes, found)
        agent.end()
        customer.end()
        return found
    finally:
        customer.drop()
        agent.drop()


def _endure(customer: _ours.Stub, agent: _ours.Stub, minutes: float, found: Growth) -> None:
    began = time.perf_counter()
    end = began + minutes * 60
    step_s = plan(minutes)[1]
    for number, kind in enumerate(itertools.cycle(KINDS)):
        if time.perf_counter() >= end:
            return
        if kind == KINDS[0]:
            customer.link.send(Pause(True))
            time.sleep(_PAUSE_S)
            customer.link.send(Pause(False))
        _ours.show(agent, *VIEWS[number % len(VIEWS)])
        with stimulus(kind, 30):
            until = min(end, began + (number + 1) * step_s)
            _look(customer, agent, found, began)  # once at least, however long the movement took to begin
            while time.perf_counter() < until:
                _look(customer, agent, found, began)


def _look(customer: _ours.Stub, agent: _ours.Stub, found: Growth, began: float) -> None:
    """Take pictures for a second, then a sample of each child."""
    end = time.perf_counter() + _EVERY_S
    while (left := end - time.perf_counter()) > 0:
        with contextlib.suppress(queue.Empty):
            agent.want_frame(left)
            found.frames += 1
    for name, stub in (("customer", customer), ("agent", agent)):
        rss = psutil.Process(stub.link.pid).memory_info().rss / _MB
        found.samples[name].append((time.perf_counter() - began, rss))
        for key, value in stub.stats.items():
            if key.startswith("queue_"):
                place = f"{name} {key.removeprefix('queue_')}"
                found.queues[place] = max(found.queues.get(place, 0), round(value))
