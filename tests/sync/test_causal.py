# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge of a causal run sees each kind of broken promise: a run that finds nothing means something."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.sync.causal_checks import read_history

_KIM, _LEE = "kim", "lee"


def _judge(folder: Path, *steps: tuple[str, Any]) -> list[str]:
    """Write the journals of two people and judge them; the last screens are left out."""
    journals: dict[str, list[str]] = {_KIM: [], _LEE: []}
    for at, (who, words) in enumerate(steps):
        journals[who].append(json.dumps([at, *words]))
    for who, lines in journals.items():
        (folder / who).mkdir()
        (folder / who / "journal").write_text(
            "\n".join([*lines, '[99, "read", {"x": 1'])  # cut by a kill
        )
    return read_history([folder / _KIM, folder / _LEE], ["note old"]).violations


def _change(token: str, sets: dict[str, Any], adds: list[str]) -> list[Any]:
    return ["try", token, "set", sets, adds]


def _read(values: dict[str, Any], new: list[str], gone: list[str] | None = None) -> list[Any]:
    return ["read", values, new, gone or [], False]


def _saved(who: str, token: str, sets: dict[str, Any], adds: list[str]) -> list[tuple[str, Any]]:
    return [(who, _change(token, sets, adds)), (who, ["done", token])]


_NOW = {"x": "1", "y": 1}
_ALL = ["note old", "note a", "line a"]
_GOOD = [
    (_KIM, _read({"x": None, "y": None}, ["note old"])),
    *_saved(_KIM, "a", {"x": "1", "y": 1}, ["note a", "line a"]),
]


def test_a_good_run_has_no_violations(tmp_path: Path) -> None:
    """Both see what was written, one of them late."""
    late = [(_LEE, _read({"x": None, "y": None}, ["note old"])), (_LEE, _read(_NOW, _ALL[1:]))]
    assert _judge(tmp_path, *_GOOD, (_KIM, _read(_NOW, _ALL[1:])), *late) == []


def test_an_own_write_that_is_not_read_is_found(tmp_path: Path) -> None:
    """Kim saved a value and still reads the old one."""
    found = _judge(tmp_path, *_GOOD, (_KIM, _read({"x": None, "y": 1}, _ALL[1:])), (_LEE, _read(_NOW, _ALL)))
    assert any("though a came after it" in line for line in found)


def test_half_a_change_is_found(tmp_path: Path) -> None:
    """Lee reads one register of a change without the other, or a note without its line."""
    found = _judge(tmp_path, *_GOOD, (_LEE, _read({"x": "1", "y": None}, ["note old", "note a"])))
    assert any(line.startswith("1 reads None in y") for line in found)
    assert "1 misses what a added" in found


def test_a_write_without_what_its_author_had_seen_is_found(tmp_path: Path) -> None:
    """Kim read a before writing b: who sees b must see a."""
    then = [(_KIM, _read(_NOW, _ALL[1:])), *_saved(_KIM, "b", {}, ["note b"])]
    found = _judge(tmp_path, *_GOOD, *then, (_LEE, _read({"x": None, "y": None}, ["note old", "note b"])))
    assert "1 misses what a added" in found


def test_a_step_back_in_time_is_found(tmp_path: Path) -> None:
    """What Lee saw once is gone later."""
    found = _judge(tmp_path, *_GOOD, (_LEE, _read(_NOW, _ALL)), (_LEE, _read(_NOW, [], ["note a"])))
    assert "1 misses what a added" in found


def test_what_nobody_wrote_and_what_got_lost_are_found(tmp_path: Path) -> None:
    """A value and a note out of nowhere; and a saved change that the last screens do not have."""
    out_of_nowhere = (_LEE, _read({"x": "7", "y": None}, ["note old", "note z"]))
    found = _judge(tmp_path, *_GOOD, out_of_nowhere)
    assert "1 reads '7' in x, which nobody wrote" in found
    assert "1 reads note z, which nobody wrote" in found
    assert "0 at the end misses what a added" in found
    assert "the last screens differ" in found
