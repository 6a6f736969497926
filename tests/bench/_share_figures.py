# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the benchmark of screen sharing: what a run gives, and what follows from all rounds together."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from tests.bench import _legible, _stamp
from tests.bench._gates import Figures


@dataclass
class Run:
    """What one round of one peer gave: [decoded_us, clock, number] per picture, and CPU seconds of its processes."""

    seen: list[tuple[int, int, int]] = field(default_factory=list)
    cpu_s: float = 0.0
    cpu_end_s: float = 0.0
    seconds: float = 0.0
    first_frame_ms: float = 0.0
    bytes_sent: float = 0.0
    rss_mb: float = 0.0
    exact_ms: float | None = None
    vp8_qp: float | None = None
    capture_ms: list[float] = field(default_factory=list)
    flips: list[_legible.Flip] = field(default_factory=list)
    legible: list[_legible.Legible] = field(default_factory=list)


def figures(runs: list[Run]) -> Figures:
    """Return the figures of all rounds of one peer together."""
    ages = sorted(age for run in runs for age in _ages(run))
    gaps = [gap for run in runs for gap in _gaps(run)]
    frames = sum(len(_ages(run)) for run in runs)
    seconds = sum(run.seconds for run in runs)
    out: Figures = {
        "latency_ms": _spread(ages),
        "fps": round(frames / seconds, 1) if seconds else 0.0,
        "stalls_200ms": sum(gap > 200 for gap in gaps),
        "longest_gap_ms": round(max(gaps, default=0.0), 1),
        "cpu_ms_per_frame": round(sum(run.cpu_s for run in runs) * 1000 / frames, 1) if frames else None,
        "first_frame_ms": round(max(run.first_frame_ms for run in runs), 1),
        "rss_mb": round(max(run.rss_mb for run in runs), 1),
    }
    medians = [_spread(sorted(_ages(run))).get("p50", 0.0) for run in runs]
    out["p50_spread"] = round(max(medians) / min(medians) - 1, 3) if min(medians) > 0 else None
    if exact := [run.exact_ms for run in runs if run.exact_ms is not None]:
        out["exact_ms"] = round(max(exact)) if len(exact) == len(runs) else None
    if flips := [flip for run in runs for flip in run.flips]:
        out |= _legible.figures([page for run in runs for page in run.legible], flips)
    if qp := [run.vp8_qp for run in runs if run.vp8_qp is not None]:
        out["vp8_qp"] = round(sum(qp) / len(qp), 1)
    if any(run.bytes_sent for run in runs):
        out["kbit_s"] = round(sum(run.bytes_sent for run in runs) * 8 / 1000 / seconds)
        out["cpu_percent_max"] = round(max(run.cpu_end_s / run.seconds for run in runs) * 100, 1)
        out["capture_to_decoded_ms"] = _spread(sorted(ms for run in runs for ms in run.capture_ms))
    return out


def _ages(run: Run) -> list[float]:
    """Return the age of each picture when it was first seen decoded; repeats of a still screen do not count."""
    ages, last = [], None
    for decoded_us, clock, number in run.seen:
        if number != last:
            ages.append(_stamp.age_ms(clock, decoded_us))
            last = number
    return ages


def _gaps(run: Run) -> list[float]:
    times = [us for us, _, _ in run.seen]
    return [(b - a) / 1000 for a, b in itertools.pairwise(times)]


def _spread(ordered: list[float]) -> dict[str, float | int]:
    if not ordered:
        return {"n": 0}
    count = len(ordered)
    places = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    out: dict[str, float | int] = {k: round(ordered[min(count - 1, int(count * q))], 2) for k, q in places.items()}
    return out | {"n": count}
