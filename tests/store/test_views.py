# SPDX-License-Identifier: GPL-3.0-or-later
"""Saved views: made by any agent, shared with a team, counted from the store, undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.changes import ViewCreate, ViewDelete, ViewSet
from app.domain.errors import Refused
from app.domain.ids import ViewId, new_id
from tests.sync.desk import Client, Desk


@pytest.fixture
def park(desk: Desk, tmp_path: Path) -> Iterator[Client]:
    """An agent of another team."""
    client = Client(desk, tmp_path / "park", "park")
    client.sync()
    yield client
    client.close()


def _names(client: Client) -> list[str]:
    return [view.name for view in client.profile.queries.views()]


def _make(client: Client, name: str = "급한 것", condition: str = "priority:urgent", **more: object) -> ViewId:
    view = new_id()
    client.do(ViewCreate(new_id(), view, name, condition, **more))  # type: ignore[arg-type]  # keywords of a test
    return ViewId(view)


def test_a_view_of_ones_own_is_on_all_ones_computers_and_on_nobody_elses(
    desk: Desk, kim: Client, lee: Client, tmp_path: Path
) -> None:
    """It goes by the person's own scope."""
    _make(kim)
    assert _names(kim) == ["급한 것"]
    kim.sync()
    lee.sync()
    assert _names(kim) == ["급한 것"]
    assert _names(lee) == []
    laptop = Client(desk, tmp_path / "laptop", "kim")
    laptop.sync()
    assert _names(laptop) == ["급한 것"]
    laptop.close()


def test_a_shared_view_is_the_teams_until_it_is_taken_back(kim: Client, lee: Client, park: Client) -> None:
    """An agent shares without an administrator; the team reads, its maker changes."""
    view = _make(kim)
    kim.sync()
    kim.do(ViewSet(new_id(), view, {"share": "team", "team": kim.desk.team("북부")}))
    for client in (kim, lee, park):
        client.sync()
    assert (_names(kim), _names(lee), _names(park)) == (["급한 것"], ["급한 것"], [])
    with pytest.raises(Refused) as refused:
        lee.do(ViewSet(new_id(), view, {"name": "meins"}))
    assert refused.value.code == "not_yours"
    kim.do(ViewSet(new_id(), view, {"share": "me", "team": None}))
    for client in (kim, lee):
        client.sync()
    assert (_names(kim), _names(lee)) == (["급한 것"], [])


def test_a_view_is_counted_from_the_store_and_follows_its_condition(kim: Client) -> None:
    """By operators, by words, and by both; own unsent changes count."""
    urgent = kim.new_ticket("프린터", priority=4)
    kim.new_ticket("모니터")
    views = {
        condition: _make(kim, condition or "모두", condition)
        for condition in ("priority:urgent", "프린터", "has:note", "프린터 -priority:urgent", "")
    }
    for _where in ("pending", "replica"):
        counts = kim.profile.queries.counts()
        assert [counts[v] for v in views.values()] == [1, 1, 0, 0, 2], _where
        kim.sync()
    kim.set(urgent, priority=2)
    assert kim.profile.queries.counts()[views["priority:urgent"]] == 0
    kim.do(ViewSet(new_id(), views["프린터"], {"pinned": False}))
    assert views["프린터"] not in kim.profile.queries.counts()


def test_a_deleted_view_comes_back_by_undo(kim: Client, lee: Client) -> None:
    """Deleting asks nothing, for it can be undone, also after the server has it."""
    view = _make(kim, share="team", team=kim.desk.team("북부"))
    kim.sync()
    done = kim.profile.commits.commit(ViewDelete(new_id(), view))
    kim.core.committed()
    kim.sync()
    lee.sync()
    assert _names(kim) == _names(lee) == []
    assert done.undo is not None
    kim.do(done.undo)
    kim.sync()
    lee.sync()
    assert _names(kim) == _names(lee) == ["급한 것"]


def test_an_edit_of_a_view_is_undone_to_what_it_was(kim: Client) -> None:
    """Name, condition and order together."""
    view = _make(kim)
    done = kim.profile.commits.commit(ViewSet(new_id(), view, {"name": "neu", "condition": "", "sort": "number"}))
    assert _names(kim) == ["neu"]
    assert done.undo is not None
    kim.do(done.undo)
    (shown,) = kim.profile.queries.views()
    assert (shown.name, shown.condition, shown.sort.value) == ("급한 것", "priority:urgent", "last_activity")
