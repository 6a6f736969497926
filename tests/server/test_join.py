# SPDX-License-Identifier: GPL-3.0-or-later
"""The page for customers who join with a browser, as the server hands it out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from litestar.testing import TestClient

from app.domain.invitation import BROWSER_MODE, COMPANION_MODE
from app.entry.agent_page import JoinPage
from app.entry.server import parser
from sync.server.join_page import read_page
from sync.server.sessions import Sessions
from sync.server.web.app import build_app
from tests.server.test_sessions import Inviter
from tests.server.world import World


def test_the_page_and_all_it_names_come_from_this_server_alone(desk: World) -> None:
    """Under a policy that lets nothing else in; without cookies, in no frame, never run inline."""
    page = desk.client.get("/join")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "set-cookie" not in page.headers
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert named
    for address in named:
        assert address.startswith("/join/")
        assert desk.client.get(address).status_code == 200
    assert {"page.js", "words.js", "customer.js", "join.css"} <= read_page().keys()
    for name in read_page():
        if name not in ("index.html", "off.html"):
            part = desk.client.get(f"/join/{name}")
            assert part.status_code == 200
            assert part.headers["x-content-type-options"] == "nosniff"


def test_a_file_that_did_not_change_is_not_sent_again_and_no_other_file_ever(desk: World) -> None:
    """What the browser has is asked for by its tag; names that are no file of the page are unknown."""
    first = desk.client.get("/join/page.js")
    again = desk.client.get("/join/page.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("index.html", "off.html", "..%2f__init__.py", "page.py", "PAGE.JS", "x" * 300):
        assert desk.client.get(f"/join/{name}").status_code == 404


def test_the_page_learns_whose_server_it_is_and_agents_that_there_is_a_page(desk: World) -> None:
    """Name and public key, nothing else; the certificate's answer says that invitations may name it."""
    told = desk.client.get("/join/organisation").json()
    assert set(told) == {"org_id", "org_key", "org_name_en", "org_name_ko"}
    agent = desk.agent()
    ask = {"device_key": "A" * 43}
    certificate = desk.client.post("/session/v1/certificate", json=ask, headers=agent.bearer).json()
    assert certificate["join_page"] is True
    assert certificate["org_key"] == told["org_key"]


@pytest.fixture
def without_page(desk: World) -> Iterator[TestClient[Any]]:
    """A server that was started with `--no-join-page`."""
    own = desk.parts
    sessions = Sessions(desk.store, desk.keys, own.signer, own.organisation, desk.rng, join_page=False)
    with TestClient(build_app(replace(own, sessions=sessions, join_page=False))) as client:
        yield client


def test_a_server_without_the_page_says_so_in_both_languages_and_hands_out_no_script(
    without_page: TestClient[Any],
) -> None:
    """Whoever follows an old link reads that nothing was shown and what to do; there is nothing that could join."""
    answer = without_page.get("/join")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "브라우저로는 참여할 수 없습니다" in answer.text
    assert "Joining with a browser is turned off" in answer.text
    assert "<script" not in answer.text
    for address in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
        assert without_page.get(address).status_code == 200
    for name in ("organisation", *(name for name in read_page() if name.endswith((".js", ".html")))):
        assert without_page.get(f"/join/{name}").status_code == 404


def test_a_server_without_the_page_takes_no_invitation_for_a_browser_and_agents_are_not_offered_one(
    desk: World, without_page: TestClient[Any]
) -> None:
    """The certificate's answer says so; a program that has an older answer is refused, and asks again next time."""
    kim = desk.agent()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    ask = {"device_key": "A" * 43}
    page = JoinPage()
    page.server = lambda: "https://help.example"
    page.learn(without_page.post("/session/v1/certificate", json=ask, headers=kim.bearer).json())
    assert page.modes == (COMPANION_MODE,)
    for modes, status in (((COMPANION_MODE, BROWSER_MODE), 400), (page.modes, 200)):
        body = inviter.body(ticket, modes=modes)
        answer = without_page.post("/session/v1/invitations", json=body, headers=kim.bearer)
        assert answer.status_code == status
    assert page.address(answer.json()["link"]) == ""


def test_the_page_is_there_unless_it_is_turned_off() -> None:
    """One word on the command line."""
    assert parser().parse_args(["--data", "x"]).no_join_page is False
    assert parser().parse_args(["--data", "x", "--no-join-page"]).no_join_page is True
