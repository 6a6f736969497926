# SPDX-License-Identifier: GPL-3.0-or-later
"""A small slice of `python -m tests.journeys.typing_kills`: windows are killed while a person types."""

from __future__ import annotations

import pytest

from tests.journeys.typing_kills import run


@pytest.mark.slow
@pytest.mark.ux("UX-08")
def test_a_kill_while_typing_costs_two_seconds_at_most_and_never_a_draft() -> None:
    """Across owner changes, merges and a team that is lost; on the real composer and the real encrypted files."""
    result = run(kills=12, seed=7, computers=3)
    assert result.problems == []
    assert result.kills >= 12
    assert result.keys > 50
    assert result.drafts > 20
