# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may make, change and share saved views, as the server sees it, whatever the program at the other end allows."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain import changes as c
from app.domain.entities import VIEW
from tests.server.world import World


@pytest.fixture
def crew(world: World) -> dict[str, Any]:
    """Kim and Lee of one team, Park of another."""
    return {login: world.agent(login) for login in ("kim", "lee", "park")}


def test_a_view_is_its_makers_its_teams_or_a_leads(world: World, crew: dict[str, Any]) -> None:
    """For everybody only by a lead; into a team only by who is in it; nobody changes another agent's view."""
    kim, lee = crew["kim"], crew["lee"]
    north, south = world.team("북부"), world.team("남부")
    shared, own = kim.fresh(), kim.fresh()
    make = c.ViewCreate(kim.fresh(), shared, "급한 것", "priority:urgent", share="team", team=north)
    assert kim.do(make) == ("ok", None)
    assert kim.do(c.ViewCreate(kim.fresh(), own, "내 것", "owner:me")) == ("ok", None)
    wrong: list[tuple[c.AnyChange, str]] = [
        (c.ViewSet(lee.fresh(), shared, {"name": "x"}), "not_yours"),
        (c.ViewDelete(lee.fresh(), shared), "not_yours"),
        (c.ViewSet(lee.fresh(), own, {"name": "x"}), "scope"),
        (c.ViewDelete(lee.fresh(), own), "scope"),
        (c.ViewCreate(lee.fresh(), lee.fresh(), "x", "", share="all"), "not_yours"),
        (c.ViewCreate(lee.fresh(), lee.fresh(), "x", "", share="team", team=south), "scope"),
        (c.ViewCreate(lee.fresh(), lee.fresh(), "x", "", share="team"), "no_such_team"),
        (c.ViewCreate(lee.fresh(), lee.fresh(), " ", ""), "bad_value"),
        (c.ViewCreate(lee.fresh(), lee.fresh(), "x", "a" * 1001), "bad_value"),
        (c.ViewCreate(lee.fresh(), lee.fresh(), "x", "", columns="{"), "bad_value"),
        (c.ViewCreate(lee.fresh(), shared, "x", ""), "id_taken"),
    ]
    for change, code in wrong:
        assert lee.do(change) == ("rejected", code), change
    for fields, code in (
        ({"owner": lee.id}, "read_only"),
        ({"share": "all"}, "not_yours"),
        ({"share": "team", "team": south}, "scope"),
        ({"share": "world"}, "bad_value"),
    ):
        assert kim.do(c.ViewSet(kim.fresh(), shared, fields)) == ("rejected", code), fields
    lee.pull()
    assert [row["name"] for row in lee.copy.of(VIEW.number)] == ["급한 것"]


def test_a_view_that_is_shared_no_longer_leaves_the_others(world: World, crew: dict[str, Any]) -> None:
    """Sharing moves the row: to the team and back, and out of the third one's sight all the time."""
    kim, lee, park = crew["kim"], crew["lee"], crew["park"]
    view = kim.fresh()
    assert kim.do(c.ViewCreate(kim.fresh(), view, "급한 것", "priority:urgent")) == ("ok", None)
    for share, team, seen in (("team", world.team("북부"), 1), ("me", None, 0)):
        assert kim.do(c.ViewSet(kim.fresh(), view, {"share": share, "team": team})) == ("ok", None)
        for agent, count in ((kim, 1), (lee, seen), (park, 0)):
            agent.pull()
            assert len(agent.copy.of(VIEW.number)) == count, share
