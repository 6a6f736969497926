# SPDX-License-Identifier: GPL-3.0-or-later
"""What customers read: published articles and announcements of now; what is a draft, or for staff, shows to nobody."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import pytest

from app.domain.changes import AnnouncementSave, ArticleSave
from app.domain.errors import Refused
from app.services.publishing_file import read_publishing_file
from sync.server.publishing import Published, publish
from tests.server.world import World

FILE = """
[contact]
name_ko = "고객지원"
name_en = "Support"
phone = "02-123-4567"
mail = "help@example.com"

[articles.install]
title_ko = "설치하는 방법"
body_ko = '''
프로그램을 내려받아 <b>실행</b>합니다.

# 순서
1. 내려받습니다
2. 실행합니다
'''
[articles.freeze]
title_en = "The window stands still"
body_en = "Wait for a minute.\\n\\n- then restart\\n- then write to us"
[articles.draft]
state = "draft"
title_ko = "아직 비밀"
[articles.staff]
audience = "staff"
title_ko = "직원만"
body_ko = "직원만 봅니다"

[announcements.outage]
text_ko = "오늘 밤 점검이 있습니다"
from = 2020-01-01T00:00:00+09:00
[announcements.over]
text_en = "This is over"
until = 2020-01-02T00:00:00+09:00
[announcements.elsewhere]
text_en = "For the desktop only"
places = ["desktop"]
"""


def put(desk: World, text: str) -> Published:
    """What the administrator's command does with a file."""
    spec = read_publishing_file(text)
    return publish(desk.store, desk.clock(), spec.contact, spec.calendar, spec.articles, spec.announcements)


def page(desk: World, path: str, **query: Any) -> str:
    """A page in Korean."""
    answer = desk.client.get(path, params={"lang": "ko", **query})
    assert answer.status_code == 200
    return html.unescape(answer.text)


def test_published_articles_are_found_by_words_and_read_as_text(desk: World) -> None:
    """In the other language where this one is missing; markup in a text is text."""
    assert put(desk, FILE) == Published(articles=4, announcements=3, contact=True)
    everything = page(desk, "/help/answers")
    assert "설치하는 방법" in everything
    assert "The window stands still" in everything
    assert "비밀" not in everything
    assert "직원만" not in everything
    found = page(desk, "/help/answers", q="내려받아 실행")
    assert "설치하는 방법" in found
    assert "stands still" not in found
    assert "설치하는 방법" in page(desk, "/help/answers/list", q="설치")
    assert "<b>실행" not in desk.client.get("/help/answers", params={"q": "설치"}).text
    address = found.split('href="/help/answers/')[1].split("?")[0]
    article = desk.client.get(f"/help/answers/{address}")
    assert "<li>내려받습니다</li>" in article.text
    assert "<h2>순서</h2>" in article.text
    assert "&lt;b&gt;실행" in article.text
    assert desk.client.get("/help/answers/00").status_code == 404


def test_a_saved_article_is_a_new_version_and_the_same_file_again_none(desk: World) -> None:
    """Retired it is gone from the pages; nothing is overwritten."""
    put(desk, FILE)
    assert put(desk, FILE) == Published(articles=0, announcements=0, contact=False)
    changed = FILE.replace("설치하는 방법", "설치 안내").replace(
        "[articles.freeze]", '[articles.freeze]\nstate = "retired"'
    )
    assert put(desk, changed).articles == 2
    everything = page(desk, "/help/answers")
    assert "설치 안내" in everything
    assert "설치하는 방법" not in everything
    assert "stands still" not in everything


def test_what_everybody_should_know_now_stands_on_the_first_page(desk: World) -> None:
    """Not what is over, is for another place, or was withdrawn."""
    put(desk, FILE)
    home = page(desk, "/help")
    assert "오늘 밤 점검이 있습니다" in home
    assert "over" not in home
    assert "desktop only" not in home
    assert "02-123-4567" in home
    put(desk, FILE.replace("[announcements.outage]", "[announcements.outage]\nwithdrawn = true"))
    assert "오늘 밤 점검" not in page(desk, "/help")


def test_leads_publish_from_their_desk_and_agents_do_not(desk: World) -> None:
    """The same change that the administrator's file makes; every device learns of it."""
    agent = desk.agent()
    save = ArticleSave(
        agent.fresh(), agent.fresh(), agent.fresh(), {"title_ko": "가", "body_ko": "나", "state": "published"}
    )
    assert agent.do(save) == ("rejected", "not_yours")
    desk.staff.create_user(desk.clock(), "choi", "최하늘", "correct horse", ["lead"], ["북부"])
    lead = desk.agent("choi")
    assert lead.do(save)[0] == "ok"
    assert ">가</a>" in page(desk, "/help/answers")
    told = AnnouncementSave(lead.fresh(), lead.fresh(), lead.fresh(), {"text_ko": "다", "places": '["portal"]'})
    assert lead.do(told)[0] == "ok"
    agent.pull()
    assert agent.row(save.version, 27)["title_ko"] == "가"


WRONG = (
    "x = 1",
    "[articles]\na = 1",
    "[articles.a]\nbody_de = 'x'",
    "[articles.a]\ntitle_ko = 3",
    "[announcements.a]\nplaces = ['moon']",
    "[announcements.a]\nfrom = 2020-01-01",
    "[announcements.a]\nwithdrawn = 'no'",
    "contact = 3",
    "=",
)
REFUSED = (
    "[articles.a]\ntitle_ko = 'x'",
    "[articles.a]\nstate = 'loud'",
    "[announcements.a]\nurgency = 'x'",
    "[contact]\ncalendar = 'none'",
    f"[articles.a]\ntitle_ko = 'x'\nbody_ko = '{'가' * 20_001}'",
)


@pytest.mark.parametrize("text", WRONG)
def test_a_file_that_is_not_right_says_where_and_changes_nothing(text: str) -> None:
    """Before anything is looked at in the database."""
    with pytest.raises(Refused) as refused:
        read_publishing_file(text)
    assert refused.value.data["why"]


def test_what_no_page_could_show_is_refused(desk: World) -> None:
    """And then nothing of the file is taken."""
    for text in REFUSED:
        with pytest.raises(Refused):
            put(desk, text)
    assert "아직 등록된" in page(desk, "/help/answers")


def test_the_command_reads_a_file(desk: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And says what came of it."""
    import argparse

    from app.entry.admin_publish import run_publish

    path = tmp_path / "pages.toml"
    path.write_text(FILE, encoding="utf-8")
    assert run_publish(argparse.Namespace(file=path), desk.store, desk.clock()) == 0
    assert "articles: 4" in capsys.readouterr().out
