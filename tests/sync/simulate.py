# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs simulated worlds: `python -m tests.sync.simulate --seeds 1000 --start 0 --events 200 --json FILE`."""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import json
import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

CHUNK = 10


@dataclass(frozen=True)
class Story:
    """How one seed ended. `invariant` is empty when every promise was kept."""

    seed: int
    trace: str
    invariant: str = ""
    text: str = ""


def tell(seed: int, events: int, plant: str | None = None, *, lines: list[str] | None = None) -> Story:
    """Run one seed, with a planted bug if one is named."""
    from tests.sync.sim import plants
    from tests.sync.sim.env import environment, failpoints
    from tests.sync.sim.oracle import Violation
    from tests.sync.sim.world import World

    environment()  # made without the bug
    with failpoints(), plants.planted(plant) if plant else contextlib.nullcontext():
        world = World(seed, events)
        world.keep_lines = lines is not None
        try:
            world.run()
        except Violation as broken:
            return Story(seed, world.trace, broken.invariant, str(broken))
        except Exception:  # noqa: BLE001 - a crash of the product is as bad as a broken promise
            return Story(seed, world.trace, "crash", traceback.format_exc(limit=-6))
        finally:
            if lines is not None:
                lines += world.lines
    return Story(seed, world.trace)


def _chunk(seeds: Sequence[int], events: int, plant: str | None) -> list[Story]:
    _prepare()
    out = []
    for seed in seeds:
        out.append(tell(seed, events, plant))
        if plant is not None and out[-1].invariant:
            break
    gc.collect()
    return out


@cache
def _prepare() -> None:
    """Once in each process: what is there before the first story need not be looked through after every few."""
    from tests.sync.sim.env import environment

    environment()
    gc.disable()
    gc.collect()
    gc.freeze()


def stories(seeds: range, events: int, jobs: int, plant: str | None = None) -> Iterator[Story]:
    """Run seeds, in order; with a plant only up to the first that finds it."""
    chunks = [seeds[i : i + CHUNK] for i in range(0, len(seeds), CHUNK)]
    run = partial(_chunk, events=events, plant=plant)
    if jobs <= 1:
        for chunk in chunks:
            yield from run(chunk)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for done in pool.map(run, chunks):
            yield from done


def run_seeds(seeds: range, events: int, jobs: int) -> dict[str, object]:
    """Return what the JSON file says about unplanted seeds."""
    began, digest = time.monotonic(), hashlib.blake2b(digest_size=16)
    bad: list[Story] = []
    for story in stories(seeds, events, jobs):
        digest.update(f"{story.seed} {story.trace};".encode())
        if story.invariant:
            bad.append(story)
            print(f"seed {story.seed}: {story.text}", flush=True)
        if (story.seed + 1 - seeds.start) % 500 == 0:
            print(f"{story.seed + 1 - seeds.start} seeds told", file=sys.stderr, flush=True)
    return {
        "seeds": len(seeds), "start": seeds.start, "events": events,
        "violations": [asdict(s) for s in bad if s.invariant != "I10"],
        "stalled": [asdict(s) for s in bad if s.invariant == "I10"],
        "trace": digest.hexdigest(), "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def find_plant(name: str, seeds: range, events: int) -> Story | None:
    """Return the first seed that finds a planted bug."""
    return next((s for s in stories(seeds, events, 1, name) if s.invariant), None)


def run_plants(names: Sequence[str], seeds: range, events: int, jobs: int) -> dict[str, object]:
    """Return what the JSON file says about planted bugs; each stops at the first seed that finds it."""
    began = time.monotonic()
    found: dict[str, object] = {}
    find = partial(find_plant, seeds=seeds, events=events)
    with contextlib.ExitStack() as stack:
        run = stack.enter_context(ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))).map if jobs > 1 else map
        for name, story in zip(names, run(find, names), strict=True):
            found[name] = asdict(story) if story else None
            text = f"found by seed {story.seed}: {story.text.strip().splitlines()[-1]}" if story else "NOT FOUND"
            print(f"{name}: {text}", flush=True)
    missed = [name for name, story in found.items() if story is None]
    return {"plants": found, "missed": missed, "seconds": round(time.monotonic() - began, 1)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; 0 when nothing was broken (or every planted bug was found)."""
    parser = argparse.ArgumentParser(prog="python -m tests.sync.simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many seeds")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--events", type=int, default=200, help="events before everything is healed")
    parser.add_argument("--plant", help="plant this bug, or `all` of them one after the other")
    parser.add_argument("--list-plants", action="store_true", help="name the bugs that can be planted")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--trace", action="store_true", help="print every line of the first seed's story")
    args = parser.parse_args(argv)
    from tests.sync.sim.plants import PLANTS

    if args.list_plants:
        print("\n".join(f"{name}: {plant.what}" for name, plant in PLANTS.items()))
        return 0
    if args.trace:
        lines: list[str] = []
        story = tell(args.start, args.events, args.plant, lines=lines)
        print("\n".join(lines), story.text or f"all promises kept; trace {story.trace}", sep="\n")
        return bool(story.invariant)
    seeds = range(args.start, args.start + args.seeds)
    if args.plant:
        names = list(PLANTS) if args.plant == "all" else [args.plant]
        result = run_plants(names, seeds, args.events, args.jobs)
        failed = bool(result["missed"])
    else:
        result = run_seeds(seeds, args.events, args.jobs)
        failed = bool(result["violations"] or result["stalled"])
        bad = f"{len(result['violations'])} violations, {len(result['stalled'])} stalled"  # type: ignore[arg-type]  # a plain dict of JSON
        print(f"{args.seeds} seeds in {result['seconds']} s: {bad}; trace {result['trace']}")
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    return int(failed)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # sets iterate in an order that depends on it; the same seed must tell the same story in every process
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.sync.simulate", *sys.argv[1:]])  # noqa: S606 - this very program
    sys.exit(main())
