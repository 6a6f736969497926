# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator runs in every test run: a few stories, the same twice, and planted bugs that it must find."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

from tests.sync.sim.model import Model
from tests.sync.sim.model_base import CONFLICT, TICKET, Deed, Image, Key, Refusal, plain
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


@pytest.mark.parametrize("name", sorted(PLANTS))
def test_a_planted_bug_takes_the_place_of_what_it_breaks(name: str) -> None:
    """One that cannot be called in its place is found by its crash, which proves nothing."""
    for owner, attribute, bug in PLANTS[name].make():
        before = getattr(inspect.getattr_static(owner, attribute, None), "__func__", None) or getattr(
            owner, attribute, None
        )
        bug = getattr(bug, "__func__", bug)
        if not inspect.isfunction(before) or not inspect.isfunction(bug):
            continue
        told = inspect.signature(before).parameters.values()
        named = {one.name: None for one in told if one.kind is one.KEYWORD_ONLY}
        inspect.signature(bug).bind(*[None for one in told if one.kind <= one.POSITIONAL_OR_KEYWORD], **named)


def test_the_results_are_written_for_machines(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert main(["--seeds", "2", "--start", "40", "--events", "60", "--jobs", "1", "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert result["violations"] == result["stalled"] == []
    assert len(result["trace"]) == 32


ME = b"me".ljust(16)
STATES = {name: name.encode().ljust(16) for name in ("waiting_internal", "held_for_incident", "merged")}


class _Rows:
    """A ticket, and a closed choice about its state."""

    def __init__(self, state: str, mine: str, theirs: str) -> None:
        ticket = {"state": STATES[state], "last_in_no": 1, "last_out_no": 0, "merged_into": None}
        choice = {
            "kind": "field", "subject_type": TICKET, "subject": b"t", "field": "state", "created_by": ME,
            "mine": plain(STATES[mine]), "theirs": plain(STATES[theirs]), "status": "closed",
        }  # fmt: skip
        self.rows: dict[Key, Image] = {(TICKET, b"t"): Image("s", 4, ticket), (CONFLICT, b"c"): Image("u", 2, choice)}

    def get(self, type_: int, id_: bytes) -> Image | None:
        return self.rows.get((type_, id_))

    def find(self, _type: int, _column: str, _value: bytes) -> dict[bytes, Image]:
        return {}


def _decided(rows: _Rows, choice: str) -> Image:
    args = {"event": b"e" * 16, "conflict": b"c", "choice": choice, "value": None}
    st, put = Model(STATES, lambda _: None).run(rows, Deed("conflict.resolve", args, {}, 1 << 16, "K7", 10, ME))
    assert st == "ok"
    return put[TICKET, b"t"]


def test_taking_a_choice_back_may_bring_a_state_that_could_not_be_chosen() -> None:
    """Held for an incident, one may not go on to waiting for a colleague; but take back that one chose to hold it."""
    there = _Rows("held_for_incident", "held_for_incident", "waiting_internal")
    assert _decided(there, "reopen").values["state"] == STATES["waiting_internal"]
    with pytest.raises(Refusal, match="transition_refused"):
        _decided(_Rows("held_for_incident", "waiting_internal", "held_for_incident"), "mine")
    with pytest.raises(Refusal, match="transition_refused"):
        _decided(_Rows("held_for_incident", "held_for_incident", "merged"), "reopen")
