# SPDX-License-Identifier: GPL-3.0-or-later
"""A customer's page and a search by serial number on a computer with many tickets: medians and p95 in ms.

`python -m tests.bench.customers [--tickets N] [--messages N] [--json FILE]`. What is read stands in real encrypted
files of the worker's own making; the figures are printed and compared with nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from app.config.paths import UserFolders
from app.domain.entities import ASSET, TICKET
from app.domain.ids import CustomerId
from app.entry.agent_profile import open_agent_profile
from app.store.shown import Shown
from tests.bench import _desk_data
from tests.bench._desk_data import Desk

T = TypeVar("T")
GOALS = {"serial_p95_ms": 50.0}
ASKED = 100


def measure(desk: Desk) -> dict[str, object]:
    """Return what it takes, for customers and products spread over all there are."""
    profile = open_agent_profile(UserFolders.under(desk.data).data / "agent", _desk_data.PASSPHRASE).profile
    try:
        with profile.readers().read() as tx:
            shown = Shown(tx)
            serials = shown.select(ASSET.number, "serial", "serial <> '' AND deleted = 0")
            owners = shown.select(TICKET.number, "DISTINCT customer", "customer IS NOT NULL")
        store = profile.customers
        by_serial = _spread([row[0] for row in serials])
        by_customer = [CustomerId(row[0]) for row in _spread(owners)]
        return {
            "tickets": desk.tickets,
            "products": len(serials),
            "serial": _timed([partial(store.by_serial, serial) for serial in by_serial]),
            "page": _timed([partial(store.page, each) for each in by_customer]),
            "time_line": _timed([partial(store.time_line, each) for each in by_customer]),
            "goals": GOALS,
        }
    finally:
        profile.close()


def _spread(values: list[T]) -> list[T]:
    step = max(1, len(values) // ASKED)
    return values[::step][:ASKED]


def _timed(reads: list[Callable[[], object]]) -> dict[str, float]:
    taken = []
    for read in reads:
        start = time.perf_counter()
        read()
        taken.append((time.perf_counter() - start) * 1000)
    taken.sort()
    return {"p50_ms": round(statistics.median(taken), 2), "p95_ms": round(taken[int(len(taken) * 0.95)], 2)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=300_000)
    parser.add_argument("--json", type=Path, help="also write the result there")
    args = parser.parse_args()
    found = measure(_desk_data.prepared(args.tickets, args.messages))
    print(json.dumps(found))
    if args.json is not None:
        args.json.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
