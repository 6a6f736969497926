# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the agent's window is with very many tickets, while the server never answers (docs/bench.md).

`python -m tests.bench.ui --tickets 1000000 --messages 1000000 --json FILE`. The real client from source with its
worker, on an X display of its own, on real encrypted files. The status says whether the goals were met.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.entry.demo_part import Part, PartFailed
from tests.bench import _desk_data
from tests.bench._desk_data import Desk
from tests.fakes.wait import wait_until
from tests.fakes.xvfb import available, own_display

_PATIENCE_S = 120.0
# one list for each key: words of two and more syllables, inside compounds, and what is in every other message; a
# first letter alone has a figure of its own
WORDS = (
    ("결", "제"), ("인", "쇄"), ("로", "그", "인"), ("저", "장"), ("오", "류"), ("안", "녕"), ("확", "인"),
    ("공", "유", "기"), ("프", "린", "터"), ("환", "불"), ("사", "용"), ("감", "사"),
    ("p", "r", "i", "n", "t"), ("V", "P", "N"), ("i", "n", "v", "o", "i", "c", "e"), ("결", "제", " ", "오", "류"),
)  # fmt: skip
GOALS: dict[str, float] = {
    "start_usable_s": 1.0,
    "open_list_p95_ms": 100.0,
    "scroll_p99_ms": 16.0,
    "ticket_p95_ms": 50.0,
    "search_p95_ms": 50.0,
    "change_p95_ms": 50.0,
    "memory_mb": 400.0,
    "heartbeat_p99_ms": 16.0,
    "heartbeat_max_ms": 50.0,
}
_UX = {
    "open_list_p95_ms": ["UX-01"], "ticket_p95_ms": ["UX-01"], "change_p95_ms": ["UX-01"], "scroll_p99_ms": ["UX-05"],
    "search_p95_ms": ["UX-06"],
}  # fmt: skip


def measure(desk: Desk, rounds: int, words: Sequence[Sequence[str]] = WORDS, events: int = 600) -> dict[str, Any]:
    """Start the client on prepared files, let a person work in it, and return figures and gates."""
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(silent_server())
        _desk_data.point_at(desk, url)
        display = stack.enter_context(own_display(1600, 1000)) if available() else ""
        figures = _play(desk, display, rounds, words, events)
    gates = [
        {
            "id": name,
            "value": figures.get(name),
            "limit": limit,
            "pass": figures.get(name, math.inf) <= limit,
            "ux": _UX.get(name, []),
        }
        for name, limit in GOALS.items()
    ]
    load = round(os.getloadavg()[0], 2)
    return {
        "schema": 1, "tickets": desk.tickets, "messages": desk.messages, "display": "Xvfb" if display else "offscreen",
        "load": load, "figures": figures, "gates": gates,
    }  # fmt: skip


def _play(desk: Desk, display: str, rounds: int, words: Sequence[Sequence[str]], events: int) -> dict[str, Any]:
    starts = []
    for _number in range(2):  # the machine has read the programs by then; cold disks are another figure
        part, began = _start(desk, display)
        try:
            answer = part.order("usable", _PATIENCE_S)
        finally:
            _stop(part)
        starts.append((answer["first_paint"] - began, answer["usable"] - began))
    part, began = _start(desk, display)
    try:
        answer = part.order("usable", _PATIENCE_S)
        starts.append((answer["first_paint"] - began, answer["usable"] - began))
        return {
            "first_paint_s": round(min(s[0] for s in starts), 3),
            "start_usable_s": round(sorted(s[1] for s in starts)[1], 3),
            "starts_s": [[round(a, 3), round(b, 3)] for a, b in starts],
            **_work(part, desk, rounds, words, events),
        }
    finally:
        _stop(part)


def _work(part: Part, desk: Desk, rounds: int, words: Sequence[Sequence[str]], events: int) -> dict[str, Any]:
    """Let the person do one thing after the other; one that fails costs no other its figures."""
    ids = (desk.data / "long").read_text().split() * max(1, rounds // 2)
    part.order("beat", _PATIENCE_S)
    out: dict[str, Any] = {"failed": {}}

    def order(what: str, **details: object) -> dict[str, Any] | None:
        try:
            return part.order(what, _PATIENCE_S, **details)
        except PartFailed as error:
            out["failed"][what] = str(error)
            return None

    if views := order("views", rounds=rounds):
        out["views_ms"] = {name: _percentiles(times) for name, times in views["times"].items()}
        out["open_list_p95_ms"] = _percentile([t for times in views["times"].values() for t in times], 0.95)
    if scroll := order("scroll", events=events, view="all"):
        out |= {
            "rows": scroll["rows"],
            "scroll_ms": _percentiles(scroll["times"]),
            "far_ms": round(scroll["far_ms"], 1),
        }
        out |= {"scroll_p99_ms": _percentile(scroll["times"], 0.99), "frame_ms": _percentiles(scroll["frames"])}
    if opened := order("tickets", ids=ids):
        out |= {"ticket_items": opened["items"], "ticket_ms": _percentiles(opened["times"])}
        out["ticket_p95_ms"] = _percentile(opened["times"], 0.95)
    if found := order("search", words=words):
        keys = [took for typed, took in found["times"] if len(typed) > 1]
        out |= {"search_ms": _percentiles(keys), "search_p95_ms": _percentile(keys, 0.95), "hits": found["hits"]}
        out["search_first_letter_ms"] = _percentiles([took for typed, took in found["times"] if len(typed) == 1])
        out["search_slowest"] = sorted(found["times"], key=lambda each: -each[1])[:8]
    if change := order("change", rounds=rounds * 2):
        out |= {"change_ms": _percentiles(change["times"]), "change_p95_ms": _percentile(change["times"], 0.95)}
    beat = part.order("heartbeat", _PATIENCE_S)["figures"]
    memory = part.order("memory", _PATIENCE_S)
    out |= {"memory_mb": memory["rss_mb"], "memory_peak_mb": memory["peak_mb"]}
    out["worker_mb"] = round(sum(_children(part.pid).values()), 1)
    return out | {"heartbeat": beat, "heartbeat_p99_ms": beat["p99"], "heartbeat_max_ms": beat["max"]}


def _start(desk: Desk, display: str) -> tuple[Part, float]:
    program = "import sys; from app.entry.cli import load; sys.exit(load('tests.bench._desk_part').main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "--profile", str(desk.data), "--lang", "ko", "--theme", "light"]
    place = {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"} if display else {"QT_QPA_PLATFORM": "offscreen"}
    began = time.perf_counter()
    part = Part("agent", command, desk.data / "agent.log", {**os.environ, **place})
    part.send({"passphrase": _desk_data.PASSPHRASE})
    return part, began


def _stop(part: Part) -> None:
    """End the window and its worker, which would go on trying to send for a minute: the next one wants the files."""
    workers = list(_children(part.pid))
    part.stop()
    for pid in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 20)


def _children(window: int) -> dict[int, float]:
    """The children of the window's process, and how many megabytes each holds."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            if fields["PPid"].strip() == str(window) and "VmRSS" in fields:
                found[int(status.parent.name)] = int(fields["VmRSS"].split()[0]) / 1024
    return found


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)


def _percentiles(values: Sequence[float]) -> Mapping[str, float]:
    named = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: _percentile(values, share) for name, share in named.items()}


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """Accept every connection on loopback and never say a word."""
    listening = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                held.append(listening.accept()[0])

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)
        for each in held:
            each.close()


def main() -> int:
    """Measure, print, write the file; the status says whether the goals were met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=6)
    args = parser.parse_args()
    report = measure(_desk_data.prepared(args.tickets, args.messages), args.rounds)
    print(json.dumps(report["figures"], ensure_ascii=False))
    for gate in report["gates"]:
        print("PASS" if gate["pass"] else "MISS", gate["id"], gate["value"], "goal", gate["limit"])
    if args.json is not None:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if all(gate["pass"] for gate in report["gates"]) else 1


if __name__ == "__main__":
    sys.exit(main())
