# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates G5 and G9: how long after a page was flipped the agent can read it, and sees every pixel of it as it is.

While pages are flipped, pictures that the agent sees at fixed ages of a page are kept; they are read after the run.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import mss
import numpy as np

from tests.bench import _ocr, _ours, _pages, _stamp
from tests.bench._ocr import Errors, Rows

KINDS: Final = tuple(_pages.STYLES)
AGES_MS: Final = (100, 150, 200, 250, 300, 400, 500, 600, 800, 1000, 1500)
GATED_MS: Final = 300
BROWSER_MS: Final = 1000  # a browser's codec blurs a new page, and sharpens it while it stands
CER_MAX: Final = 0.01
CER_OWN_MAX: Final = CER_MAX / 2  # of the OCR on the screen itself; more proves nothing
_LOOK_MS: Final = 400  # the screen is looked at when its new page has been sent for the most part
_KEPT_MAX: Final = 6
_LONGEST_S: Final = 30.0

Seen = tuple[float, Rows]


@dataclass
class Flip:
    """One page: the pictures of it that were seen at each age, as the screen has it, and when both were equal."""

    number: int
    clock: int
    kept: dict[int, Seen] = field(default_factory=dict)
    screen: Rows | None = None
    exact_ms: float | None = None
    over: bool = False  # it stood as long as it was to stand

    def take(self, age_ms: float, rows: Rows) -> None:
        """Take a picture that is seen from this age on."""
        keep(self.kept, age_ms, rows)
        if self.screen is None and age_ms >= _LOOK_MS:
            self.screen = _screen(self.number)
        if self.exact_ms is None and self.screen is not None and same(rows, self.screen):
            self.exact_ms = age_ms

    def forget(self) -> None:
        """Keep no pictures."""
        self.kept.clear()
        self.screen = None


def keep(kept: dict[int, Seen], age_ms: float, rows: Rows) -> None:
    """Put a picture at every age at which it, and none after it, is the one that is seen."""
    for at in AGES_MS:
        if at >= age_ms:
            kept[at] = (age_ms, rows)


def same(rows: Rows, other: Rows) -> bool:
    """Whether every pixel is equal."""
    return rows.shape == other.shape and not np.any((rows ^ other) & 0xFFFFFF)


def watch(agent: _ours.Stub, seconds: float, seen: list[tuple[int, int, int]]) -> list[Flip]:
    """Look at pages for so long, and until one of those that stand longer was seen to its end. `seen`: as in `Run`."""
    flips: list[Flip] = []
    begun = time.perf_counter()
    while True:
        took = time.perf_counter() - begun
        whole = any(flip.over and _pages.held(flip.number) for flip in flips)
        if (took >= seconds and whole) or took >= seconds + _LONGEST_S:
            return [flip for flip in flips if flip.over]
        with contextlib.suppress(queue.Empty):
            agent.want_frame(0.5)
            _look(agent, flips, seen)


def _look(agent: _ours.Stub, flips: list[Flip], seen: list[tuple[int, int, int]]) -> None:
    while not agent.frames.empty():
        agent.frames.get_nowait()
    found = agent.link.frames.read(lambda _info, rows: np.frombuffer(bytes(rows), np.uint32))
    now = _stamp.now_us()
    if found is None:
        return
    info, rows = found[0], found[1].reshape(found[0].height, -1)
    strip = rows[: _stamp.CELL].view(np.uint8).reshape(_stamp.CELL, info.width, 4)[:, :, 1]
    stamp = _stamp.read(strip)
    if stamp is None:
        return
    number, clock = stamp
    if not flips or flips[-1].number != number:
        if flips:
            flips[-1].over = len(flips) > 1  # the first was there before
            if not flips[-1].over or sum(bool(flip.kept) for flip in flips) > _KEPT_MAX:
                flips[-1].forget()
        flips.append(Flip(number, clock))
    seen.append((info.decoded_us, clock, number))
    flips[-1].take(_stamp.age_ms(clock, now), rows)


def _screen(number: int) -> Rows | None:
    with mss.MSS() as screens:
        shot = screens.grab(screens.monitors[1])
        rows = np.frombuffer(shot.bgra, np.uint32).reshape(shot.height, shot.width)
    green = rows[: _stamp.CELL].view(np.uint8).reshape(_stamp.CELL, shot.width, 4)[:, :, 1]
    stamp = _stamp.read(green)
    return rows if stamp is not None and stamp[0] == number else None


# --- figures -----------------------------------------------------------------------------------------------------


@dataclass
class Legible:
    """What was read of one page."""

    cer: Errors
    own: Errors
    legible_ms: float | None
    late: Errors  # at `BROWSER_MS`
    psnr: float | None = None
    chroma: float | None = None


def read(kind: str, flips: list[Flip]) -> list[Legible]:
    """Read what was kept, two pages at a time, and let go of it. Empty without an OCR."""
    pages = [flip for flip in flips if flip.kept and flip.screen is not None]
    out: list[Legible] = []
    if pages and _ocr.available():
        with ThreadPoolExecutor(2) as pool:
            out = list(pool.map(lambda flip: _read_one(kind, flip), pages))
    for flip in flips:
        flip.forget()
    return out


def _read_one(kind: str, flip: Flip) -> Legible:
    assert flip.screen is not None
    read: dict[float, Errors] = {}
    page = _ocr.read_page(kind, flip.number, flip.screen)

    def rate(at: int) -> float:
        found = flip.kept.get(at)
        if found is None:
            return 1.0  # the page before is still seen
        if found[0] not in read:
            read[found[0]] = _ocr.read_page(kind, flip.number, found[1])
        return read[found[0]].rate

    first = first_legible(rate)

    def at(age_ms: int) -> Errors:
        rate(age_ms)
        seen = flip.kept.get(age_ms)
        return read[seen[0]] if seen is not None else Errors(page.letters, page.letters)

    at_gate = flip.kept.get(GATED_MS)
    legible_ms = flip.kept[first][0] if first is not None else None
    out = Legible(at(GATED_MS), page, legible_ms, at(BROWSER_MS))
    if at_gate is not None:
        out.psnr, out.chroma = distance(at_gate[1], flip.screen)
    return out


def first_legible(rate: Any) -> int | None:
    """Return the first age from which on a page can be read; `rate` reads the picture of an age, so few are asked."""
    low, high = 0, len(AGES_MS)
    while low < high:  # pictures of a page that stands only become finer
        middle = (low + high) // 2
        if rate(AGES_MS[middle]) <= CER_MAX:
            high = middle
        else:
            low = middle + 1
    return AGES_MS[low] if low < len(AGES_MS) else None


def distance(rows: Rows, true: Rows) -> tuple[float, float]:
    """Return PSNR of the brightness in dB, and the mean error of both colour differences, below the strip."""
    mine, theirs = (_ycc(part[_stamp.CELL :]) for part in (rows, true))
    mse = float(np.mean((mine[0] - theirs[0]) ** 2))
    chroma = float(np.mean([np.abs(mine[n] - theirs[n]).mean() for n in (1, 2)]))
    return (99.0 if mse == 0 else float(10 * np.log10(255**2 / mse))), chroma


def _ycc(rows: Rows) -> tuple[np.ndarray[Any, Any], ...]:
    y = _ocr.luma(np.ascontiguousarray(rows)).astype(np.float32)
    blue, red = (rows & 0xFF).astype(np.float32), (rows >> 16 & 0xFF).astype(np.float32)
    return y, (blue - y) / 1.8556, (red - y) / 1.5748


def figures(read: list[Legible], flips: list[Flip]) -> dict[str, Any]:
    """Return the figures of all rounds together. `exact_ms` is the latest of the pages that stood long enough."""
    held = [flip.exact_ms for flip in flips if _pages.held(flip.number)]
    times = [time for time in held if time is not None]
    out: dict[str, Any] = {"exact_ms": round(max(times)) if times and len(times) == len(held) else None}
    out["exact_n"] = len(held)
    if not read:
        return out | {"cer": None, "legible_ms": None, "note": _ocr.MISSING if not _ocr.available() else "no flip"}
    legible = sorted(item.legible_ms if item.legible_ms is not None else float("inf") for item in read)
    middle, worst = legible[len(legible) // 2], legible[-1]
    out |= {
        "cer": round(sum((item.cer for item in read), Errors()).rate, 4),
        "cer_max": round(max(item.cer.rate for item in read), 4),
        "cer_1s": round(sum((item.late for item in read), Errors()).rate, 4),
        "cer_own": round(sum((item.own for item in read), Errors()).rate, 4),
        "flips": len(read),
        "legible_ms": {"p50": _finite(middle), "max": _finite(worst)},
    }
    if seen := [item for item in read if item.psnr is not None and item.chroma is not None]:
        out["psnr_y"] = round(sum(item.psnr or 0 for item in seen) / len(seen), 1)
        out["chroma_err"] = round(sum(item.chroma or 0 for item in seen) / len(seen), 2)
    return out


def _finite(value: float) -> int | None:
    return None if value == float("inf") else round(value)


def gates(result: Mapping[str, Any]) -> list[tuple[str, float | None, float, bool]]:
    """Return (name, value, limit, whether it holds) of G5 and G9 for a result of ours."""
    found, profile, out = result["figures"], result["profile"], []
    if result["stimulus"] != "page":
        return []
    if profile == "5m":
        cer = found.get("cer")
        out.append((f"G5 error rate {GATED_MS} ms after a flip, 5m", cer, CER_MAX, cer is not None and cer <= CER_MAX))
        own = found.get("cer_own")
        holds = own is not None and own <= CER_OWN_MAX
        out.append(("G5 error rate of the OCR itself", own, CER_OWN_MAX, holds))
    if profile in _G9_MS:
        exact, limit = found.get("exact_ms"), _G9_MS[profile]
        out.append((f"G9 exact {profile}", exact, limit, exact is not None and exact <= limit))
    return out


_G9_MS: Final = {"lan": 2000.0, "5m": 4000.0}
