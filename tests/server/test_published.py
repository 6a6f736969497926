# SPDX-License-Identifier: GPL-3.0-or-later
"""What Companions keep of articles and announcements: what customers may read, fetched anew only after a save."""

from __future__ import annotations

import msgspec

from app.domain.changes import AnnouncementSave
from sync.published_protocol import Published
from tests.server.test_portal_reading import FILE, put
from tests.server.world import World


def test_a_companion_gets_what_customers_may_read_and_nothing_again_until_somebody_saved(desk: World) -> None:
    """No draft, nothing for staff, nothing that ended or is for another place; what comes later is there already."""
    put(desk, FILE)
    companion = desk.companion()
    first = companion.get("/customer/v1/published")
    told = msgspec.json.decode(first.content, type=Published)
    assert {each.title_ko or each.title_en for each in told.articles} == {"설치하는 방법", "The window stands still"}
    assert [each.text_ko for each in told.announcements] == ["오늘 밤 점검이 있습니다"]
    known = {"if-none-match": first.headers["etag"]}
    assert companion.get("/customer/v1/published", headers=known).status_code == 304
    desk.staff.create_user(desk.clock(), "choi", "최하늘", "correct horse", ["lead"], ["북부"])
    lead = desk.agent("choi")
    later = {"text_ko": "내일 쉽니다", "places": '["companion"]', "from_at": desk.clock() + 10**8, "urgency": "urgent"}
    assert lead.do(AnnouncementSave(lead.fresh(), lead.fresh(), lead.fresh(), later))[0] == "ok"
    again = companion.get("/customer/v1/published", headers=known)
    assert again.status_code == 200
    shown = msgspec.json.decode(again.content, type=Published).announcements
    assert {each.text_ko for each in shown} == {"오늘 밤 점검이 있습니다", "내일 쉽니다"}


def test_strangers_and_agents_get_nothing_by_this_way(desk: World) -> None:
    """It is the Companion's; pages for everybody are under /help."""
    put(desk, FILE)
    assert desk.client.get("/customer/v1/published").status_code == 401
