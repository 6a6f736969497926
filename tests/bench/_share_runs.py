# SPDX-License-Identifier: GPL-3.0-or-later
"""One round of each peer of the benchmark of screen sharing."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping

import mss
import numpy as np
import numpy.typing as npt
import psutil

from remote_assist import messages
from remote_assist.child_protocol import Send
from tests.bench import _browser, _chromium, _legible, _ours, _stamp
from tests.bench._gates import LAN
from tests.bench._relay import PROFILES, Relay
from tests.bench._scene import get, helper, put
from tests.bench._share_figures import Run
from tests.bench._ways import way

_SETTLE_S = 1.5  # first keyframe, rate ramp: not part of a steady state
_RAMP_S = 5.0  # a browser begins at 300 kbit/s and feels its way up
_EXACT_WAIT_S = 20.0


def run_ours(seconds: float, fps: int, profile: str, kind: str) -> Run:
    """Two children, the screen shared, the stamps read from the agent's shared memory."""
    with way(profile) as found, _children(fps, found.env) as (customer, agent):
        _ours.share(customer, "screen")
        _ours.show(agent)
        started = time.perf_counter()
        _ours.connect(customer, agent, relay=found.relay, ice=found.ice)
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
        if kind in _legible.KINDS:
            run.flips = _legible.watch(agent, seconds, run.seen)
        else:
            _drain(agent, seconds, run)
        run.seconds = time.perf_counter() - began
        run.cpu_s = _cpu_s(pids) - cpu
        run.cpu_end_s = max(_cpu_s((pid,)) - before for pid, before in each.items())
        run.bytes_sent = customer.stats.get("bytes_sent", 0.0) - sent
        run.rss_mb = max(psutil.Process(pid).memory_info().rss for pid in pids) / 2**20
        agent.end()
        customer.end()
        run.legible = _legible.read(kind, run.flips)
        return run


@contextlib.contextmanager
def _children(fps: int, env: Mapping[str, str]) -> Iterator[tuple[_ours.Stub, _ours.Stub]]:
    customer = _ours.start("customer", env, {"fps_max": fps})
    try:
        agent = _ours.start("agent", env)
        try:
            yield customer, agent
        finally:
            agent.drop()
    finally:
        customer.drop()


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
        put(receiver, _through(relay, get(sender), of_customer=True))
        put(sender, _through(relay, get(receiver), of_customer=False))
        time.sleep(_SETTLE_S + 0.5)
        pids = tuple(p.pid for p in processes)
        cpu, began = _cpu_s(pids), time.perf_counter()
        from_us = _stamp.now_us()
        time.sleep(seconds)
        run = Run(seconds=time.perf_counter() - began, cpu_s=_cpu_s(pids) - cpu)
        run.rss_mb = max(psutil.Process(pid).memory_info().rss for pid in pids) / 2**20
        put(receiver, "\n")
        seen = [tuple(item) for item in json.loads(get(receiver))["seen"]]
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


def run_browser(seconds: float, fps: int, profile: str, kind: str) -> Run:
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
        if kind in _legible.KINDS:
            run.flips = _legible.watch(found.agent, seconds, run.seen)
        else:
            _drain(found.agent, seconds, run)
        run.seconds, after = time.perf_counter() - began, found.sent()
        run.cpu_s = found.cpu_s() - cpu
        run.vp8_qp = (after["qp"] - sent["qp"]) / max(1, after["frames"] - sent["frames"])
        run.capture_ms.clear()  # a browser does not say when it captured
    run.legible = _legible.read(kind, run.flips)  # with the browser gone: reading takes both cores
    return run


def _through(relay: Relay | None, line: str, *, of_customer: bool) -> str:
    if relay is None:
        return line
    return json.dumps({"sdp": relay.between(json.loads(line)["sdp"], of_customer=of_customer)}) + "\n"


def _stock_process(*args: str) -> subprocess.Popen[str]:
    command = [*helper("_stock"), *args]
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=null, text=True)


def _cpu_s(pids: tuple[int, ...]) -> float:
    return sum(times.user + times.system for times in (psutil.Process(pid).cpu_times() for pid in pids))


PEERS: dict[str, Callable[[float, int, str, str], Run]] = {
    "ours": run_ours,
    "stock": lambda seconds, _fps, profile, _kind: run_stock(seconds, "", profile),
    "chromium": lambda seconds, fps, profile, _kind: run_chromium(seconds, fps, profile),
    "browser-to-agent": run_browser,
    "stock-h264": lambda seconds, _fps, profile, _kind: run_stock(seconds, "h264", profile),
}
