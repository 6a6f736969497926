# SPDX-License-Identifier: GPL-3.0-or-later
"""The page for customers who join with a browser, as the server hands it out."""

from __future__ import annotations

import re

from sync.server.join_page import read_page
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
        if name != "index.html":
            part = desk.client.get(f"/join/{name}")
            assert part.status_code == 200
            assert part.headers["x-content-type-options"] == "nosniff"


def test_a_file_that_did_not_change_is_not_sent_again_and_no_other_file_ever(desk: World) -> None:
    """What the browser has is asked for by its tag; names that are no file of the page are unknown."""
    first = desk.client.get("/join/page.js")
    again = desk.client.get("/join/page.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("index.html", "..%2f__init__.py", "page.py", "PAGE.JS", "x" * 300):
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
