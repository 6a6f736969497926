# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what headless demos left and says what is missing: `python -m tests.journeys.demo_reports DIR …`.

A folder whose name ends in `refuse` is held to the promise of a refusal: no picture reached the agent.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

PICTURES = ("agent.png", "companion.png", "session.png")
NUMBERS = (
    "tickets_synced", "first_list_ms", "offline.edits", "offline.sync_ms", "session.time_to_first_frame_ms",
    "session.frames", "session.fps", "session.latency_ms.p50", "session.latency_ms.p95", "session.frames_after_stop",
    "ui_heartbeat_ms.p99", "ui_heartbeat_ms.max",
)  # fmt: skip
PRESENT = (
    "offline.visible_while_offline", "offline.synced_once", "session.ticket", "session.consent_prompted",
    "session.granted_scopes", "session.target", "session.ended_by", "ticket_history",
)  # fmt: skip


def value(report: Mapping[str, object], key: str) -> object:
    """The value under a dotted key, None if it is not there."""
    here: object = report
    for part in key.split("."):
        here = here.get(part) if isinstance(here, Mapping) else None
    return here


def number(report: Mapping[str, object], key: str) -> float:
    """The same as a number, -1 if it is none."""
    found = value(report, key)
    return float(found) if isinstance(found, int | float) else -1.0


def _common(report: Mapping[str, object]) -> Iterator[str]:
    if number(report, "tickets_synced") < 5000:
        yield "fewer than 5000 tickets arrived"
    if number(report, "offline.edits") < 6 or value(report, "offline.visible_while_offline") is not True:
        yield "edits were not possible or not visible without the network"
    if value(report, "offline.synced_once") is not True:
        yield "edits did not arrive once each"


def complaints(report: Mapping[str, object], *, refused: bool) -> Iterator[str]:
    """What a report lacks or should not say."""
    yield from _common(report)
    if refused:
        if number(report, "session.frames") != 0:
            yield "a picture reached the agent although the customer refused"
        return
    yield from (f"no number {key}" for key in NUMBERS if number(report, key) < 0)
    yield from (f"no {key}" for key in PRESENT if value(report, key) in (None, "", []))
    if number(report, "session.frames") < 1:
        yield "no picture of the screen arrived"
    if number(report, "session.frames_after_stop") != 0:
        yield "pictures arrived after the stop"


def _pictures(folder: Path) -> Iterator[str]:
    for name in PICTURES:
        head = (folder / name).read_bytes()[:24] if (folder / name).is_file() else b""
        if len(head) < 24 or not head.startswith(b"\x89PNG"):
            yield f"no picture {name}"
        elif min(struct.unpack(">II", head[16:24])) < 200:
            yield f"{name} is too small to show anything"


def main(argv: list[str]) -> int:
    """Check the folders; 0 if all keep what the demo promises."""
    faults = []
    for folder in map(Path, argv):
        refused = folder.name.endswith("refuse")
        report = json.loads((folder / "report.json").read_text("utf-8"))
        found = [*complaints(report, refused=refused), *(() if refused else _pictures(folder))]
        faults += [f"{folder}: {fault}" for fault in found]
    print("\n".join(faults) or f"{len(argv)} demos keep what they promise")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
