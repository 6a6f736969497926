# SPDX-License-Identifier: GPL-3.0-or-later
"""The one conflict policy: what it promises for every pair of edits, and that every mutable field has a rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.changes import mutable_entities
from app.domain.entities import Policy
from app.domain.executor import FieldStamp, Verdict
from sync.conflicts import decide

DOCS = Path(__file__).parents[2] / "docs"

codes = st.sampled_from(["K7", "Z9", "M3"])
stamps = st.builds(FieldStamp, rev=st.integers(1, 5), hlc=st.integers(0, 9), device=codes, mid=st.integers(0, 4))
values = st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["a", "b"]))
bases = st.none() | st.tuples(st.integers(0, 5), st.integers(0, 4))
policies = st.sampled_from([Policy.HLC, Policy.ASK, Policy.TEXT])


@pytest.mark.parametrize("page", ["conflicts.md", "conflicts.ko.md"])
def test_every_mutable_field_has_a_rule_in_the_documents(page: str) -> None:
    """A field added without a decision about its conflicts fails here; so does a document that says otherwise."""
    text = (DOCS / page).read_text(encoding="utf-8")
    table = re.findall(r"^\| `(\w+)\.(\w+)` \| (\w+) \|", text, re.MULTILINE)
    told = {(entity, name): rule for entity, name, rule in table}
    real = {
        (e.name, f.name): f.policy.value for e in mutable_entities() for f in e.fields if f.policy is not Policy.SERVER
    }
    assert told == real


@given(policies, bases, stamps, values, stamps, values)
def test_an_edit_of_the_value_that_was_seen_always_applies(
    policy: Policy, base: tuple[int, int] | None, mine: FieldStamp, new: object, current: FieldStamp, old: object
) -> None:
    """No conflict without a change in between; what the author did itself is no change in between."""
    seen = decide(policy, (current.rev, 0), mine, new, current, old)  # type: ignore[arg-type]  # values of the strategy
    assert seen.verdict is Verdict.APPLY
    if current.mid and current.device == mine.device:
        own = decide(policy, (0, current.mid), mine, new, current, old)  # type: ignore[arg-type]  # as above
        assert own.verdict is Verdict.APPLY


@given(policies, bases, stamps, values, stamps)
def test_the_same_value_is_never_a_conflict(
    policy: Policy, base: tuple[int, int] | None, mine: FieldStamp, value: object, current: FieldStamp
) -> None:
    """Two people who agree are not asked."""
    verdict = decide(policy, base, mine, value, current, value).verdict  # type: ignore[arg-type]  # strategy values
    assert verdict in (Verdict.APPLY, Verdict.SAME)


@given(stamps, stamps, st.integers(6, 9))
def test_by_the_clock_exactly_one_of_two_wins_whoever_comes_first(a: FieldStamp, b: FieldStamp, rev: int) -> None:
    """The order of arrival does not matter, so every server and every replay agrees."""
    if (a.hlc, a.device) == (b.hlc, b.device):
        return
    one = decide(Policy.HLC, (rev, 0), a, "a", b, "b").verdict
    two = decide(Policy.HLC, (rev, 0), b, "b", a, "a").verdict
    assert {one, two} == {Verdict.MERGED, Verdict.CONFLICT}


@given(bases, stamps, values, stamps, values)
def test_what_only_the_server_writes_is_never_applied(
    base: tuple[int, int] | None, mine: FieldStamp, new: object, current: FieldStamp, old: object
) -> None:
    """Whatever a client claims to have seen."""
    verdict = decide(Policy.SERVER, base, mine, new, current, old).verdict  # type: ignore[arg-type]  # strategy values
    assert verdict is Verdict.READ_ONLY


@given(st.sampled_from([Policy.ASK, Policy.TEXT]), stamps, stamps)
def test_where_a_person_decides_the_value_in_place_stays(policy: Policy, mine: FieldStamp, current: FieldStamp) -> None:
    """However late or early the clock says it was."""
    decision = decide(policy, (0, 0), mine, "mine", current, "theirs")
    assert (decision.verdict, decision.auto) == (Verdict.CONFLICT, False)
