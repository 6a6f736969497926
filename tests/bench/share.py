# SPDX-License-Identifier: GPL-3.0-or-later
"""Screen sharing measured: glass to decoded, ours against aiortc untouched, on one machine in one run.

    python -m tests.bench.share --peer ours,stock,chromium --stimulus scroll --fps 30 --rounds 2 --seconds 6 --json FILE

Profile `lan` is plain loopback; the others go through a relay of our own and need no rights either. Peers: `ours`,
`stock` (VP8, aiortc's default), `stock-h264`, `chromium` (sharing with itself) and `browser-to-agent` (a customer's
browser to our agent's child); the last two on `lan` only. Gates: `_gates.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import itertools
import json
import os
import platform
import queue
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import aiortc
import av
import mss
import numpy as np
import numpy.typing as npt
import psutil

from remote_assist import messages
from remote_assist.child_protocol import Send
from tests.bench import _browser, _chromium, _ours, _stamp, _stimulus
from tests.bench._gates import LAN, Figures, gates
from tests.bench._relay import PROFILES, Relay
from tests.fakes.xvfb import own_display

SCHEMA = "deskside-share-1"
_SETTLE_S = 1.5  # first keyframe, rate ramp: not part of a steady state
_RAMP_S = 5.0  # a browser begins at 300 kbit/s and feels its way up
_EXACT_WAIT_S = 20.0


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


def run_ours(seconds: float, fps: int, profile: str, kind: str) -> Run:
    """Two children, the screen shared, the stamps read from the agent's shared memory."""
    relay = Relay(PROFILES[profile]) if profile != LAN else None
    customer, agent = _ours.start("customer", limits={"fps_max": fps}), _ours.start("agent")
    try:
        _ours.share(customer, "screen")
        _ours.show(agent)
        started = time.perf_counter()
        _ours.connect(customer, agent, relay=relay)
        agent.link.send(Send("ctl", messages.encode(messages.Hello(1, 0, ["view", "tile"]))))
        _ours.grant_view(customer)
        agent.want_frame()
        run = Run(first_frame_ms=(time.perf_counter() - started) * 1000)
        if kind == "static":
            run.exact_ms = _exact_ms(agent)
        _drain(agent, _SETTLE_S, Run())
        pids = (customer.link.pid, agent.link.pid)
        each = {pid: _cpu_s((pid,)) for pid in pids}
        cpu, began, sent = _cpu_s(pids), time.perf_counter(), customer.stats.get("bytes_sent", 0.0)
        _drain(agent, seconds, run)
        run.seconds = time.perf_counter() - began
        run.cpu_s = _cpu_s(pids) - cpu
        run.cpu_end_s = max(_cpu_s((pid,)) - before for pid, before in each.items())
        run.bytes_sent = customer.stats.get("bytes_sent", 0.0) - sent
        run.rss_mb = max(psutil.Process(pid).memory_info().rss for pid in pids) / 2**20
        agent.end()
        customer.end()
        return run
    finally:
        customer.drop()
        agent.drop()
        if relay is not None:
            relay.close()


def _exact_ms(agent: _ours.Stub) -> float | None:
    """Return how long after its first picture the agent sees exactly what the screen shows; None: not for long."""
    began = looked = time.perf_counter()
    there = _screen()
    while (left := began + _EXACT_WAIT_S - time.perf_counter()) > 0:
        found = agent.link.frames.read(lambda _info, rows: np.frombuffer(bytes(rows), np.uint32))
        if found is not None and found[1].shape == there.shape and not np.any((found[1] ^ there) & 0xFFFFFF):
            return (time.perf_counter() - began) * 1000
        with contextlib.suppress(queue.Empty):
            agent.want_frame(min(left, 1))
        if time.perf_counter() - looked > 1:  # on a busy machine the last paint may come late
            looked, there = time.perf_counter(), _screen()
    return None


def _screen() -> npt.NDArray[np.uint32]:
    with mss.MSS() as screens:
        return np.frombuffer(screens.grab(screens.monitors[1]).bgra, np.uint32)


def _drain(agent: _ours.Stub, seconds: float, run: Run) -> None:
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        with contextlib.suppress(queue.Empty):
            agent.want_frame(left)
            found = _ours.newest_strip(agent, _stamp.CELL)
            stamp = _stamp.read(found[1]) if found is not None else None
            if found is not None and stamp is not None:
                info = found[0]
                if not run.seen or run.seen[-1][2] != stamp[0]:
                    run.capture_ms.append((info.decoded_us - info.captured_us) / 1000)
                run.seen.append((info.decoded_us, stamp[1], stamp[0]))


def run_stock(seconds: float, codec: str, profile: str) -> Run:
    """aiortc untouched in two processes."""
    relay = Relay(PROFILES[profile]) if profile != LAN else None
    sender, receiver = _stock_process("send", codec), _stock_process("receive")
    processes = (sender, receiver)
    try:
        started = time.perf_counter()
        _put(receiver, _through(relay, _get(sender), of_customer=True))
        _put(sender, _through(relay, _get(receiver), of_customer=False))
        time.sleep(_SETTLE_S + 0.5)
        pids = tuple(p.pid for p in processes)
        cpu, began = _cpu_s(pids), time.perf_counter()
        from_us = _stamp.now_us()
        time.sleep(seconds)
        run = Run(seconds=time.perf_counter() - began, cpu_s=_cpu_s(pids) - cpu)
        run.rss_mb = max(psutil.Process(pid).memory_info().rss for pid in pids) / 2**20
        _put(receiver, "\n")
        seen = [tuple(item) for item in json.loads(_get(receiver))["seen"]]
        if seen:
            run.first_frame_ms = seen[0][0] / 1000 - started * 1000
        run.seen = [(us, clock, number) for us, clock, number in seen if us >= from_us]
        return run
    finally:
        for process in processes:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        if relay is not None:
            relay.close()


def run_chromium(seconds: float, fps: int, profile: str) -> Run:
    """Chromium with itself in one page; decoded is when it presented the picture."""
    if profile != LAN:
        raise SystemExit("the peer chromium connects with itself: only the profile lan")
    with _chromium.loopback(os.environ["DISPLAY"]) as found:
        found.start(fps)
        time.sleep(_SETTLE_S + 0.5)
        found.take()
        cpu, sent, began = found.cpu_s(), found.bytes_sent(), time.perf_counter()
        time.sleep(seconds)
        took = time.perf_counter() - began
        cpu_s, seen = found.cpu_s() - cpu, found.take()
        return Run(seen, cpu_s, 0.0, took, found.first_frame_ms(), found.bytes_sent() - sent, found.rss_mb())


def run_browser(seconds: float, fps: int, profile: str) -> Run:
    """A customer's browser, by the join page's modules, to our agent's child."""
    if profile != LAN:
        raise SystemExit("the peer browser-to-agent: only the profile lan")
    with _browser.browser_to_agent(os.environ["DISPLAY"]) as found:
        started = time.perf_counter()
        found.connect(fps)
        found.agent.want_frame()
        run = Run(first_frame_ms=(time.perf_counter() - started) * 1000)
        _drain(found.agent, _RAMP_S, Run())
        cpu, sent, began = found.cpu_s(), found.sent(), time.perf_counter()
        _drain(found.agent, seconds, run)
        run.seconds, after = time.perf_counter() - began, found.sent()
        run.cpu_s = found.cpu_s() - cpu
        run.vp8_qp = (after["qp"] - sent["qp"]) / max(1, after["frames"] - sent["frames"])
        run.capture_ms.clear()  # a browser does not say when it captured
        return run


def _through(relay: Relay | None, line: str, *, of_customer: bool) -> str:
    if relay is None:
        return line
    return json.dumps({"sdp": relay.between(json.loads(line)["sdp"], of_customer=of_customer)}) + "\n"


def _stock_process(*args: str) -> subprocess.Popen[str]:
    command = [*_helper("_stock"), *args]
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=null, text=True)


def _helper(name: str) -> list[str]:
    """Return how to start a helper; it is no benchmark of its own, so it has no start of its own."""
    return [sys.executable, "-c", f"import sys; from tests.bench.{name} import main; sys.exit(main())"]


def _put(process: subprocess.Popen[str], line: str) -> None:
    pipe = _pipe(process.stdin)
    pipe.write(line)
    pipe.flush()


def _get(process: subprocess.Popen[str]) -> str:
    return _pipe(process.stdout).readline()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise RuntimeError("the process was started without pipes")
    return pipe


def _cpu_s(pids: tuple[int, ...]) -> float:
    return sum(times.user + times.system for times in (psutil.Process(pid).cpu_times() for pid in pids))


PEERS: dict[str, Callable[[float, int, str, str], Run]] = {
    "ours": run_ours,
    "stock": lambda seconds, _fps, profile, _kind: run_stock(seconds, "", profile),
    "chromium": lambda seconds, fps, profile, _kind: run_chromium(seconds, fps, profile),
    "browser-to-agent": lambda seconds, fps, profile, _kind: run_browser(seconds, fps, profile),
    "stock-h264": lambda seconds, _fps, profile, _kind: run_stock(seconds, "h264", profile),
}


# --- figures -----------------------------------------------------------------------------------------------------


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


# --- running -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def display() -> Iterator[str]:
    """Yield the display in use, or an own Xvfb of 1920x1080."""
    if os.environ.get("DISPLAY"):
        yield os.environ["DISPLAY"]
        return
    with own_display(1920, 1080) as name:
        os.environ["DISPLAY"] = name
        try:
            yield name
        finally:
            del os.environ["DISPLAY"]


@contextlib.contextmanager
def stimulus(kind: str, fps: int) -> Iterator[None]:
    """Show the moving window while the block runs."""
    command = [*_helper("_stimulus"), "--kind", kind, "--fps", str(fps), "--seconds", "600"]
    env = os.environ | {"QT_QPA_PLATFORM": "xcb"}
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    try:
        if _get(process).strip() != "shown":
            raise RuntimeError("the stimulus did not start")
        yield
    finally:
        process.terminate()
        process.wait()
        _pipe(process.stdout).close()


def measure(args: argparse.Namespace) -> dict[str, object]:
    """Run everything asked for and return the report."""
    peers = args.peer.split(",")
    results: list[dict[str, object]] = []
    with display():
        cases = itertools.product(args.stimulus.split(","), args.profile.split(","), map(int, args.fps.split(",")))
        for kind, profile, fps in cases:
            runs: dict[str, list[Run]] = {peer: [] for peer in peers}
            for _ in range(args.rounds):
                for peer in peers:  # rounds alternate peers, so that a busy minute hits all
                    with stimulus(kind, fps):
                        runs[peer].append(PEERS[peer](args.seconds, fps, profile, kind))
            for peer in peers:
                head = {"peer": peer, "stimulus": kind, "profile": profile, "fps": fps}
                results.append(head | {"figures": figures(runs[peer])})
    return {"schema": SCHEMA, "run": _about(), "results": results, "gates": gates(results)}


def _about() -> dict[str, object]:
    return {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "os": platform.platform(),
        "python": platform.python_version(),
        "versions": {"aiortc": aiortc.__version__, "av": av.__version__},
        "seed": _stimulus._SEED,
    }


def main() -> int:
    """Measure, print, write the file; the status says whether every gate held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", default="ours,stock", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--stimulus", default="scroll", help=f"of {', '.join(_stimulus.KINDS)}")
    parser.add_argument("--profile", default=LAN, help=f"of {LAN}, {', '.join(PROFILES)}")
    parser.add_argument("--fps", default="30")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--json", type=Path)
    report = measure(parser.parse_args())
    for result in report["results"]:  # type: ignore[attr-defined]  # built above
        print(result["peer"], result["stimulus"], result["profile"], result["fps"], json.dumps(result["figures"]))
    for gate in report["gates"]:  # type: ignore[attr-defined]  # as above
        print("PASS" if gate["pass"] else "FAIL", gate["id"], gate["value"], "limit", gate["limit"])
    file = parser.parse_args().json
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if all(gate["pass"] for gate in report["gates"]) else 1  # type: ignore[attr-defined]  # as above


if __name__ == "__main__":
    sys.exit(main())
