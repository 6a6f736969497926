# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of screen sharing passes nothing that was not measured, and sees what it is there to see."""

from __future__ import annotations

import argparse
import contextlib
import math
import select
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from tests.bench import _cut, _gates, _legible, _memory, _ocr, _plan, _stamp, _windows, share
from tests.bench._cut import _slowest
from tests.bench._relay import Profile, Relay
from tests.bench._share_figures import Run
from tests.bench._ui_part import FairHeartbeat

OFFER = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\na=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host\r\n"


def decided(peer: str, figures: dict[str, Any], **more: object) -> dict[str, bool]:
    """Return which gates this result passes."""
    result: dict[str, object] = {"peer": peer, "stimulus": "scroll", "profile": "lan", "fps": 30, "figures": figures}
    return {str(gate["id"]): bool(gate["pass"]) for gate in _gates.gates([result | more])}


# --- G8 ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def ends() -> Iterator[tuple[Relay, socket.socket, socket.socket, int]]:
    """A relay, the sockets of two ends, and the port at which the agent's end finds the customer's."""
    relay = Relay(Profile())
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for sock in sockets:
        sock.bind(("127.0.0.1", 0))
    told = [
        relay.between(OFFER.format(port=sock.getsockname()[1]), of_customer=number == 0)
        for number, sock in enumerate(sockets)
    ]
    yield relay, sockets[0], sockets[1], int(told[0].split(" 127.0.0.1 ")[1].split()[0])
    relay.close()
    for sock in sockets:
        sock.close()


def arrives(sock: socket.socket, wait_s: float) -> bytes:
    """Return the next packet, or nothing."""
    return sock.recv(100) if select.select([sock], [], [], wait_s)[0] else b""


def test_a_path_that_is_cut_carries_nothing_until_it_is_mended(
    ends: tuple[Relay, socket.socket, socket.socket, int],
) -> None:
    """What was sent meanwhile is lost, not late."""
    relay, customer, agent, port = ends
    agent.sendto(b"before", ("127.0.0.1", port))
    assert arrives(customer, 10) == b"before"
    relay.cut = True
    agent.sendto(b"lost", ("127.0.0.1", port))
    end = time.monotonic() + 10
    while not relay.lost and time.monotonic() < end:
        select.select([], [], [], 0.005)
    relay.cut = False
    agent.sendto(b"after", ("127.0.0.1", port))
    assert arrives(customer, 10) == b"after"


def test_a_second_path_stands_beside_the_one_through_the_relay_only_where_it_is_asked_for() -> None:
    """Else the path that dies would not be the one in use."""
    relay = Relay(Profile())
    try:
        assert relay.between(OFFER.format(port=7), of_customer=True).count("candidate") == 1
        both = relay.between(OFFER.format(port=7), of_customer=True, beside=True)
        assert both.count("candidate") == 2
        assert " 127.0.0.1 7 typ host" in both
    finally:
        relay.close()


def test_a_session_that_never_came_back_in_one_round_passes_no_gate() -> None:
    """However fast it was in the others."""
    assert _slowest([900.0, None]) is None
    assert _slowest([900.0, 1200.04]) == 1200.0
    took = {"path dies, direct": 3900.0, "path dies, relay": None, "cut ends": 2100.0}
    assert decided("ends", {"recover_ms": took}) == {
        "G8 path dies, direct": True, "G8 path dies, relay": False, "G8 cut ends": False,
    }  # fmt: skip


# --- G11 ---------------------------------------------------------------------------------------------------------


def test_a_window_that_is_held_once_shows_in_the_longest_gap(qtbot: QtBot) -> None:
    """80 ms without a turn of the event loop."""
    stage = QObject()
    beat = FairHeartbeat(stage)
    beat.start()
    qtbot.waitUntil(lambda: beat.result()["beats"] >= 3)
    held = time.perf_counter() + 0.08
    while time.perf_counter() < held:
        pass
    beats = beat.result()["beats"]
    qtbot.waitUntil(lambda: beat.result()["beats"] > beats)
    assert beat.result()["max"] >= 80


def test_one_long_gap_misses_the_gate_also_while_the_session_begins() -> None:
    """The percentile alone would hide it."""
    calm, jerk = {"p99": 7.0, "max": 20.0}, {"p99": 7.0, "max": 51.0}
    still = {"asking": jerk, "starting": calm, "watching": calm}
    found = decided("windows", {"agent": still | {"starting": jerk}, "companion": still})
    assert found == {
        "G11 agent p99": True, "G11 agent longest": False, "G11 companion p99": True, "G11 companion longest": True,
    }  # fmt: skip


# --- G12 ---------------------------------------------------------------------------------------------------------


def memory(minutes: float, leak_mb: float) -> float:
    """Return the growth found in samples of a child that leaks so much in all, and needs more in some movements."""
    warm_s, step_s = _memory.plan(minutes)
    total = minutes * 60
    samples = [
        (at, 150 + 30 * (1 - math.exp(-at / 5)) + leak_mb * at / total + 8 * (at // step_s % len(_memory.KINDS) == 2))
        for at in range(int(total))
    ]
    grown = _memory.growth_mb(samples, warm_s, step_s * len(_memory.KINDS))
    assert grown is not None
    return grown


def test_a_leak_shows_and_neither_the_start_nor_a_movement_that_needs_more_counts_as_one() -> None:
    """21 MB in half an hour are found to the twentieth part that lies before and after what is compared."""
    assert abs(memory(30, 0)) < 1.2
    assert 18.5 < memory(30, 21) < 21
    assert memory(30, 25) > 20
    assert _memory.growth_mb([(0.0, 150.0), (1.0, 150.0)], 60, 70) is None
    assert not decided("children", {"minutes": 30, "growth_mb": {"agent": None}, "queue_max": {}})["G12 agent grew MB"]


def test_a_shorter_run_is_told_as_what_it_is_and_is_not_g12() -> None:
    """Its growth may be within the limit; half an hour was not seen."""
    figures = {"minutes": 2, "growth_mb": {"agent": 1.0}, "queue_max": {"agent decoder": 8}}
    assert decided("children", figures) == {
        "in 2 min: agent grew MB": True, "in 2 min: fullest queue of its bound": True, "G12 half an hour": False,
    }  # fmt: skip
    assert all(decided("children", figures | {"minutes": 30}).values())
    assert not decided("children", figures | {"queue_max": {"agent decoder": 9}})[
        "in 2 min: fullest queue of its bound"
    ]
    assert not decided("children", figures | {"queue_max": {}})["in 2 min: fullest queue of its bound"]


def test_a_part_that_fails_costs_no_other_part_and_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of forty minutes does not end for one of them."""

    def run(case: _plan.Case) -> list[dict[str, object]]:
        if case.stimulus == "type":
            raise IndexError("nothing there")
        return [{"peer": "ours", "stimulus": case.stimulus}]

    def broken(_: float) -> dict[str, Any]:
        raise RuntimeError("no display")

    monkeypatch.setattr(_plan, "CASES", (_plan.Case(("ours",), "type"), _plan.Case(("ours",), "page")))
    monkeypatch.setattr(_windows, "measure", broken)
    monkeypatch.setattr(_cut, "measure", broken)
    monkeypatch.setattr(_plan, "_stopped", dict)
    found = list(_plan.every(run, 1, 0))
    assert [result["peer"] for result in found] == ["failed", "ours", "failed", "failed", "stop"]
    assert found[0]["figures"] == {"error": "IndexError: nothing there"}


# --- all ---------------------------------------------------------------------------------------------------------


def test_what_was_not_measured_or_failed_is_missed() -> None:
    """Silence is no pass."""
    found = _gates.undecided([{"id": "G8 cut ends"}, {"id": "G10"}, {"id": "first frame"}])
    assert [gate["id"] for gate in found] == [f"G{n} not run" for n in (1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 13)]
    assert not any(gate["pass"] for gate in found)
    assert decided("failed", {"error": "no display"}, stimulus="chromium") == {"failed: chromium": False}
    assert not _gates.idle_gate(60.0)["pass"]


def test_the_table_goes_by_the_numbers_of_the_gates() -> None:
    """PASS and MISS first, so that they can be seen at a glance."""
    gates: list[dict[str, object]] = [
        {"id": name, "value": value, "limit": 1.0, "pass": value is not None}
        for name, value in (("G10", 2), ("other", 3), ("G2 fps", None), ("G1 a", 1))
    ]
    lines = _gates.table(gates).splitlines()
    assert [line.split()[:2] for line in lines] == [["PASS", "G1"], ["MISS", "G2"], ["PASS", "G10"], ["PASS", "other"]]


# --- G1, G3: the yardstick -----------------------------------------------------------------------------------------


def a_round(age_ms: int, pictures: int = 60) -> Run:
    """Return a round whose pictures were all so old when they were seen."""
    seen = [
        (number * 16_000 + age_ms * 1000, number * 16_000 // _stamp.UNIT_US, number)
        for number in range(1, pictures + 1)
    ]
    return Run(seen, cpu_s=0.6, seconds=1.0, first_frame_ms=100.0, bytes_sent=1000.0, capture_ms=[10.0])


def in_turns(monkeypatch: pytest.MonkeyPatch, ours: list[int], browser: list[int]) -> list[dict[str, object]]:
    """Return the results of one case whose rounds give these ages, one after the other."""
    left = {"ours": iter(ours), "chromium": iter(browser)}
    peers = {peer: (lambda *_args, ages=ages: a_round(next(ages))) for peer, ages in left.items()}
    monkeypatch.setattr(share, "PEERS", peers)
    monkeypatch.setattr(share, "stimulus", lambda *_args: contextlib.nullcontext())
    args = argparse.Namespace(rounds=2, seconds=1.0)
    return share._case(_plan.Case(("ours", "chromium"), "scroll", fps=60), args)


def test_rounds_without_a_yardstick_are_run_again_by_all_peers_and_kept_as_void(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ours is not taken from one hour and Chromium's from a better one."""
    results = in_turns(monkeypatch, [30, 30, 10, 10], [40, 90, 40, 42])
    found = {str(gate["id"]): gate for gate in _gates.gates(results)}
    assert found["G1 ours/chromium p50 60"]["value"] == round(10 / 42, 3)
    assert found["G1 ours/chromium p50 60"]["pass"]
    voided = results[0]["voided"]
    assert isinstance(voided, list)
    assert [before["ours"]["latency_ms"]["p50"] for before in voided] == [30]


def test_a_yardstick_that_never_holds_passes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three times is enough: the machine is not fit for it."""
    results = in_turns(monkeypatch, [10] * 6, [40, 90] * 3)
    found = {str(gate["id"]): bool(gate["pass"]) for gate in _gates.gates(results)}
    assert not found["G1 ours/chromium p50 60"]
    assert not found["chromium's rounds differ 60"]


# --- what a customer's browser is to reach ---------------------------------------------------------------------------


def asked(*words: str) -> list[tuple[tuple[str, ...], str]]:
    """Return the peers and movements that these words of the command line run."""
    return [(case.peers, case.stimulus) for case in share._asked(share.parse(words))]


def test_asking_for_a_browser_runs_what_its_gate_and_both_its_goals_need() -> None:
    """One command: pictures a second, quality, delay, and what can be read after a page was flipped."""
    browser = ("browser-to-agent",)
    assert asked("--peer", "browser-to-agent") == [(browser, "scroll"), (browser, "page")]
    assert asked("--peer", "browser-to-agent", "--stimulus", "scroll") == [(browser, "scroll")]
    assert asked("--peer", "ours") == [(("ours",), "scroll")]


def of_browser(stimulus: str, figures: dict[str, Any]) -> str:
    """Return what is said of the goals."""
    result = {"peer": "browser-to-agent", "stimulus": stimulus, "profile": "lan", "fps": 30, "figures": figures}
    return _gates.told(_gates.goals([result]))


def test_goals_of_a_browser_are_said_in_words_and_what_was_not_measured_says_what_is_missing() -> None:
    """Nobody reads "reached" where nothing was read."""
    assert of_browser("scroll", {"latency_ms": {"n": 9, "p50": 44.0}}).endswith("44.0 (at most 60.0), reached")
    assert of_browser("scroll", {"latency_ms": {"n": 9, "p50": 71.0}}).endswith("71.0 (at most 60.0), not reached")
    assert of_browser("scroll", {"latency_ms": {"n": 0}}).endswith("not measured: no picture came")
    assert of_browser("page", {"cer_1s": 0.002}).endswith("0.002 (at most 0.01), reached")
    assert "not measured" in of_browser("page", {"cer_1s": 0.021, "cer_own": 0.021})  # something lies over the text
    without = of_browser("page", _legible.figures([], []) | {"note": _ocr.MISSING})
    assert "not measured" in without
    assert "apt-get install tesseract-ocr" in without
