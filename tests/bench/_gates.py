# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates of the benchmark of screen sharing: which figure must hold which limit. Figures are those of `share.py`."""

from __future__ import annotations

from typing import Any

from tests.bench import _legible

LAN = "lan"
BROWSER = "browser-to-agent"
Figures = dict[str, Any]

_G1_RATIO, _G3_RATIO = 0.5, 1.0
_VOID_SPREAD = 0.25
_VERSUS_STOCK = 0.6
_G4_P95_MS = 40.0
_G4_TYPE_P50_MS = 25.0
_G2_FPS = 55.0
_G6_KBIT_S, _G6_CPU = 20, 3.0
_G7_P95_MS, _G7_GAP_MS = 120.0, 500.0
_G8_DIES_MS, _G8_ENDS_MS = 4000.0, 2000.0
_G11_P99_MS, _G11_MAX_MS = 16.0, 50.0
_G12_MB, _G12_MINUTES = 20.0, 30.0
_G12_QUEUES = {
    "decoder": 8, "retransmit": 256, "channel_bytes": (1 << 20) + (64 << 10), "pipe": 512, "tiles": 32,
    "clip": 65, "diag": 160, "file": 8,
}  # fmt: skip
_FIRST_FRAME_MS = 1000.0
_IDLE_PERCENT = 15.0
_G13_FPS, _G13_QP = 29.0, 25.0
_BROWSER_P50_MS = 60.0


def gates(results: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the gates that these results can decide."""
    out: list[dict[str, object]] = []
    for result in results:
        if result["peer"] == "failed":
            out.append(_gate(f"failed: {result['stimulus']}", None, 0.0, False))
        if result["peer"] == "ours":
            out += [_gate(*gate) for gate in _legible.gates(result)]
        if result["peer"] == "ours" and result["profile"] == LAN:
            out += _gates_lan(result, _of(results, "stock", result))
            out += _against_chromium(result, _of(results, "chromium", result))
        elif result["peer"] in _OTHERS:
            out += _OTHERS[str(result["peer"])](_found(result))
        elif result["peer"] == BROWSER and result["stimulus"] == "scroll":
            fps, qp = _found(result)["fps"], _found(result).get("vp8_qp")
            out.append(_gate("G13 browser fps", fps, _G13_FPS, fps >= _G13_FPS))
            out.append(_gate("G13 browser mean VP8 QP", qp, _G13_QP, qp is not None and qp <= _G13_QP))
        elif result["peer"] == "ours" and result["profile"] == "loss3":
            found = _found(result)
            p95, gap = found["capture_to_decoded_ms"].get("p95", 0), found["longest_gap_ms"]
            out.append(_gate("G7 loss3 p95", p95, _G7_P95_MS, 0 < p95 <= _G7_P95_MS))
            out.append(_gate("G7 loss3 longest gap", gap, _G7_GAP_MS, gap <= _G7_GAP_MS))
    return out


def _gates_lan(result: dict[str, object], yardstick: Figures | None) -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    found = _found(result)
    stimulus, fps, latency = result["stimulus"], result["fps"], found["latency_ms"]
    if yardstick is not None and latency["n"] and yardstick["latency_ms"]["n"]:
        ratio = round(latency["p50"] / yardstick["latency_ms"]["p50"], 3)
        out.append(_gate(f"ours/stock p50 {stimulus} {fps}", ratio, _VERSUS_STOCK, ratio <= _VERSUS_STOCK))
    if stimulus == "scroll":
        p95 = found["capture_to_decoded_ms"].get("p95", 0)
        out.append(_gate(f"G4 p95 capture-to-decoded {fps}", p95, _G4_P95_MS, 0 < p95 <= _G4_P95_MS))
    if stimulus == "scroll" and fps == 60:
        out.append(_gate("G2 fps", found["fps"], _G2_FPS, found["fps"] >= _G2_FPS))
    if stimulus == "static":
        out.append(_gate("G6 kbit/s", found["kbit_s"], _G6_KBIT_S, found["kbit_s"] <= _G6_KBIT_S))
        share = found["cpu_percent_max"]
        out.append(_gate("G6 % of a core, the busier end", share, _G6_CPU, share <= _G6_CPU))
    if stimulus == "type" and latency["n"]:
        out.append(_gate("G4 type p50", latency["p50"], _G4_TYPE_P50_MS, latency["p50"] <= _G4_TYPE_P50_MS))
    first = found["first_frame_ms"]
    out.append(_gate(f"first frame {stimulus} {fps}", first, _FIRST_FRAME_MS, first <= _FIRST_FRAME_MS))
    return out


def _reconnect(found: Figures) -> list[dict[str, object]]:
    """G8: what never came back has no figure and does not pass."""
    out = []
    for case, took in found["recover_ms"].items():
        limit = _G8_ENDS_MS if case == "cut ends" else _G8_DIES_MS
        out.append(_gate(f"G8 {case}", took, limit, took is not None and took <= limit))
    return out


def _windows(found: Figures) -> list[dict[str, object]]:
    """G11: from the consent on; the percentile where there are enough beats for one."""
    out = []
    for end in ("agent", "companion"):
        p99, longest = found[end]["watching"]["p99"], max(found[end][part]["max"] for part in ("starting", "watching"))
        out.append(_gate(f"G11 {end} p99", p99, _G11_P99_MS, p99 <= _G11_P99_MS))
        out.append(_gate(f"G11 {end} longest", longest, _G11_MAX_MS, longest <= _G11_MAX_MS))
    return out


def _stop(found: Figures) -> list[dict[str, object]]:
    """G10 as `tests.bench.stop` decides it."""
    return [dict(gate) for gate in found["gates"]]


def _memory(found: Figures) -> list[dict[str, object]]:
    """G12; a shorter run tells something, but is not G12 and does not pass as it."""
    minutes, queues = found["minutes"], found["queue_max"]
    name = "G12" if minutes >= _G12_MINUTES else f"in {minutes:g} min:"
    out = []
    for end, grown in found["growth_mb"].items():
        out.append(_gate(f"{name} {end} grew MB", grown, _G12_MB, grown is not None and grown <= _G12_MB))
    fullest = {place: length / _G12_QUEUES[place.split()[1]] for place, length in queues.items()}
    worst = round(max(fullest.values(), default=float("inf")), 3)
    out.append(_gate(f"{name} fullest queue of its bound", worst, 1.0, worst <= 1.0))
    if minutes < _G12_MINUTES:
        out.append(_gate("G12 half an hour", minutes, _G12_MINUTES, False))
    return out


_OTHERS = {"ends": _reconnect, "windows": _windows, "stop": _stop, "children": _memory}


def goals(results: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return what a customer's browser is to reach without a gate; `note` says why there is no value."""
    out = []
    for result in results:
        if result["peer"] != BROWSER:
            continue
        found = _found(result)
        if result["stimulus"] == "scroll":
            p50 = found["latency_ms"].get("p50")
            note = "" if p50 is not None else "no picture came"
            out.append(_goal("browser, glass to decoded, p50 in ms", p50, _BROWSER_P50_MS, note))
        elif result["stimulus"] == "page":
            cer, name = found.get("cer_1s"), f"browser, letters read wrongly {_legible.BROWSER_MS} ms after a flip"
            own, note = found.get("cer_own"), found.get("note", "")
            if own is not None and own > _legible.CER_OWN_MAX:
                cer, note = None, f"the OCR misreads {own:.1%} of the screen itself"
            out.append(_goal(name, cer, _legible.CER_MAX, note))
    return out


def _goal(name: str, value: float | None, limit: float, note: str) -> dict[str, object]:
    return {"id": name, "value": value, "limit": limit, "met": value is not None and value <= limit, "note": note}


def told(found: list[dict[str, object]]) -> str:
    """Return the goals in words, a line each."""
    lines = []
    for goal in found:
        word = "not measured" if goal["value"] is None else "reached" if goal["met"] else "not reached"
        why = f": {goal['note']}" if goal["note"] else ""
        lines.append(f"goal  {goal['id']}: {_short(goal['value'])} (at most {goal['limit']}), {word}{why}")
    return "\n".join(lines)


def undecided(found: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the gates of G1 to G13 of which nothing was measured: not run is no pass."""
    begun = {str(gate["id"]).split()[0] for gate in found}
    names = [f"G{number}" for number in range(1, 14)]
    return [_gate(f"{name} not run", None, 0.0, False) for name in names if name not in begun]


def idle_gate(percent: float) -> dict[str, object]:
    """A machine that did other things before the run proves nothing."""
    return _gate("void unless idle before, % busy", percent, _IDLE_PERCENT, percent <= _IDLE_PERCENT)


def table(found: list[dict[str, object]]) -> str:
    """Return the gates as lines for people, in the order of their numbers."""

    def place(gate: dict[str, object]) -> tuple[int, str]:
        word = str(gate["id"]).split()[0]
        return (int(word[1:]) if word[:1] == "G" and word[1:].isdigit() else 99, str(gate["id"]))

    lines = [
        f"{'PASS' if gate['pass'] else 'MISS'}  {gate['id']!s:44} {_short(gate['value']):>10}  limit {gate['limit']}"
        for gate in sorted(found, key=place)
    ]
    return "\n".join(lines)


def _short(value: object) -> str:
    return "-" if value is None else str(value)


def _against_chromium(result: dict[str, object], browser: Figures | None) -> list[dict[str, object]]:
    """G1 and G3; a run in which Chromium's own rounds differ too much proves nothing and does not pass."""
    if result["stimulus"] != "scroll" or browser is None or not browser["latency_ms"]["n"]:
        return []
    found, fps = _found(result), result["fps"]
    spread, still = browser["p50_spread"], not void(browser)
    ratio = round(found["latency_ms"].get("p50", float("inf")) / browser["latency_ms"]["p50"], 3)
    cost = round((found["cpu_ms_per_frame"] or float("inf")) / browser["cpu_ms_per_frame"], 3)
    return [
        _gate(f"G1 ours/chromium p50 {fps}", ratio, _G1_RATIO, still and ratio <= _G1_RATIO),
        _gate(f"G3 ours/chromium CPU per frame {fps}", cost, _G3_RATIO, still and cost <= _G3_RATIO),
        _gate(f"chromium's rounds differ {fps}", spread, _VOID_SPREAD, still),
    ]


def void(browser: Figures) -> bool:
    """Return whether Chromium's own rounds differ too much (or one gave nothing) to be a yardstick."""
    spread = browser["p50_spread"]
    return spread is None or bool(spread > _VOID_SPREAD)


def _found(result: dict[str, object]) -> Figures:
    found = result["figures"]
    if not isinstance(found, dict):
        raise TypeError("figures")
    return found


def _of(results: list[dict[str, object]], peer: str, like: dict[str, object]) -> Figures | None:
    for result in results:
        if result["peer"] == peer and all(result[key] == like[key] for key in ("stimulus", "profile", "fps")):
            return _found(result)
    return None


def _gate(name: str, value: object, limit: float, passed: bool) -> dict[str, object]:
    return {"id": name, "value": value, "limit": limit, "pass": bool(passed)}
