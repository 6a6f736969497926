# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may make, change and share canned replies and macros, as the server sees it."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain import changes as c
from app.domain.entities import TEMPLATE
from tests.server.world import World


@pytest.fixture
def crew(world: World) -> dict[str, Any]:
    """Kim and Lee of one team, Park of another."""
    return {login: world.agent(login) for login in ("kim", "lee", "park")}


def _text(**more: object) -> dict[str, Any]:
    return {"name_ko": "인사", "body_ko": "{{customer.name}} 님, 안녕하세요.", **more}


def test_a_canned_reply_is_its_makers_its_teams_or_a_leads(world: World, crew: dict[str, Any]) -> None:
    """For everybody only by a lead; into a team only by who is in it; nobody changes another agent's."""
    kim, lee = crew["kim"], crew["lee"]
    north, south = world.team("북부"), world.team("남부")
    shared, own = kim.fresh(), kim.fresh()
    make = c.TemplateCreate(kim.fresh(), shared, "canned", _text(share="team", team=north))
    assert kim.do(make) == ("ok", None)
    close = {"name_en": "Close", "actions": '[{"do": "state"}]'}
    assert kim.do(c.TemplateCreate(kim.fresh(), own, "macro", close)) == ("ok", None)
    wrong: list[tuple[c.AnyChange, str]] = [
        (c.TemplateSet(lee.fresh(), shared, {"body_ko": "x"}), "not_yours"),
        (c.TemplateDelete(lee.fresh(), shared), "not_yours"),
        (c.TemplateSet(lee.fresh(), own, {"name_ko": "x"}), "scope"),
        (c.TemplateCreate(lee.fresh(), lee.fresh(), "canned", _text(share="all")), "not_yours"),
        (c.TemplateCreate(lee.fresh(), lee.fresh(), "canned", _text(share="team", team=south)), "scope"),
        (c.TemplateCreate(lee.fresh(), lee.fresh(), "canned", {"name_ko": "leer"}), "bad_value"),
        (c.TemplateCreate(lee.fresh(), lee.fresh(), "canned", {"body_ko": "ohne Namen"}), "bad_value"),
        (c.TemplateCreate(lee.fresh(), lee.fresh(), "song", _text()), "bad_value"),
        (c.TemplateCreate(lee.fresh(), lee.fresh(), "macro", {"name_ko": "x"}), "bad_value"),
        (
            c.TemplateCreate(lee.fresh(), lee.fresh(), "macro", {"name_ko": "x", "actions": '[{"do": "fly"}]'}),
            "bad_value",
        ),
        (c.TemplateCreate(lee.fresh(), lee.fresh(), "canned", _text(owner=kim.id)), "read_only"),
        (c.TemplateCreate(lee.fresh(), shared, "canned", _text()), "id_taken"),
    ]
    for change, code in wrong:
        assert lee.do(change) == ("rejected", code), change
    lee.pull()
    assert [row["name_ko"] for row in lee.copy.of(TEMPLATE.number)] == ["인사"]


def test_a_canned_reply_reaches_those_it_is_shared_with_and_leaves_the_others(
    world: World, crew: dict[str, Any]
) -> None:
    """To the team and back, deleted and restored."""
    kim, lee, park = crew["kim"], crew["lee"], crew["park"]
    template = kim.fresh()
    assert kim.do(c.TemplateCreate(kim.fresh(), template, "canned", _text())) == ("ok", None)
    for share, team, seen in (("team", world.team("북부"), 1), ("me", None, 0)):
        assert kim.do(c.TemplateSet(kim.fresh(), template, {"share": share, "team": team})) == ("ok", None)
        for agent, count in ((kim, 1), (lee, seen), (park, 0)):
            agent.pull()
            assert len(agent.copy.of(TEMPLATE.number)) == count, share
    for gone in (True, False):
        assert kim.do(c.TemplateDelete(kim.fresh(), template, gone)) == ("ok", None)
        kim.pull()
        assert [row["deleted"] for row in kim.copy.of(TEMPLATE.number)] == [gone]
