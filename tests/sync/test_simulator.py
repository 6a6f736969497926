# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator runs in every test run: a few stories, the same twice, and planted bugs that it must find."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sync.sim.plants import PLANTS
from tests.sync.simulate import Story, main, tell

SEEDS = range(8)
# the seeds that each of these was found by; a handful, for all of them take minutes (`make simulate`)
QUICK_PLANTS = {
    "sequence_for_counter": 3,
    "stale_counts_own": 8,
    "confirmed_overlay_shown": 5,
    "exit_without_scope_check": 5,
    "file_not_noted": 4,
}


def test_nothing_typed_is_lost_or_doubled_whatever_happens_to_lines_and_processes() -> None:
    broken = [story for seed in SEEDS if (story := tell(seed, 200)).invariant]
    assert broken == []


def test_the_same_seed_tells_the_same_story() -> None:
    first, second = tell(5, 120), tell(5, 120)
    assert first == second
    assert first.trace != tell(6, 120).trace


@pytest.mark.parametrize("name", sorted(QUICK_PLANTS))
def test_a_planted_bug_is_found(name: str) -> None:
    stories: list[Story] = [tell(seed, 200, name) for seed in range(QUICK_PLANTS[name])]
    assert any(story.invariant for story in stories)


def test_there_are_at_least_twenty_planted_bugs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-plants"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(PLANTS) >= 20


def test_the_results_are_written_for_machines(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert main(["--seeds", "2", "--start", "40", "--events", "60", "--jobs", "1", "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert result["violations"] == result["stalled"] == []
    assert len(result["trace"]) == 32
