# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates of the benchmark of screen sharing: which figure must hold which limit. Figures are those of `share.py`."""

from __future__ import annotations

from typing import Any

from tests.bench import _legible

LAN = "lan"
Figures = dict[str, Any]

_G1_RATIO, _G3_RATIO = 0.5, 1.0
_VOID_SPREAD = 0.25
_VERSUS_STOCK = 0.6
_G4_P95_MS = 40.0
_G4_TYPE_P50_MS = 25.0
_G2_FPS = 55.0
_G6_KBIT_S, _G6_CPU = 20, 3.0
_G7_P95_MS, _G7_GAP_MS = 120.0, 500.0
_FIRST_FRAME_MS = 2000.0
_G13_FPS, _G13_QP = 29.0, 25.0


def gates(results: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the gates that these results can decide."""
    out: list[dict[str, object]] = []
    for result in results:
        if result["peer"] == "ours":
            out += [_gate(*gate) for gate in _legible.gates(result)]
        if result["peer"] == "ours" and result["profile"] == LAN:
            out += _gates_lan(result, _of(results, "stock", result))
            out += _against_chromium(result, _of(results, "chromium", result))
        elif result["peer"] == "browser-to-agent" and result["stimulus"] == "scroll":
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


def _against_chromium(result: dict[str, object], browser: Figures | None) -> list[dict[str, object]]:
    """G1 and G3; a run in which Chromium's own rounds differ too much proves nothing and does not pass."""
    if result["stimulus"] != "scroll" or browser is None or not browser["latency_ms"]["n"]:
        return []
    found, fps = _found(result), result["fps"]
    spread = browser["p50_spread"]
    still = spread is not None and spread <= _VOID_SPREAD
    ratio = round(found["latency_ms"].get("p50", float("inf")) / browser["latency_ms"]["p50"], 3)
    cost = round((found["cpu_ms_per_frame"] or float("inf")) / browser["cpu_ms_per_frame"], 3)
    return [
        _gate(f"G1 ours/chromium p50 {fps}", ratio, _G1_RATIO, still and ratio <= _G1_RATIO),
        _gate(f"G3 ours/chromium CPU per frame {fps}", cost, _G3_RATIO, still and cost <= _G3_RATIO),
        _gate(f"chromium's rounds differ {fps}", spread, _VOID_SPREAD, still),
    ]


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
