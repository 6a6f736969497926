# SPDX-License-Identifier: GPL-3.0-or-later
"""SLA clocks of 10,000 tickets, derived from their events: `python -m tests.bench.clocks [--json FILE]`.

Each worked example in turn, so that closed hours, pauses, changed policies and reopened tickets all have their share.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from app.domain.sla import derive_clock
from tests.fakes.sla_examples import EXAMPLES, POLICIES, hours

GOALS = {"seconds": 1.0}
TICKETS = 10_000


def measure() -> dict[str, float]:
    """Return how long it takes."""
    spans = hours()
    histories = [(e.events(), e.now_s) for e in EXAMPLES]
    chosen = [histories[n % len(histories)] for n in range(TICKETS)]
    start = time.perf_counter()
    for events, now_s in chosen:
        derive_clock(events, POLICIES, spans, now_s)
    return {"tickets": TICKETS, "seconds": round(time.perf_counter() - start, 3)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the result there")
    found = {**measure(), "goals": GOALS}
    print(json.dumps(found))
    target = parser.parse_args().json
    if target is not None:
        target.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
