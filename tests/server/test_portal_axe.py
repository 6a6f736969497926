# SPDX-License-Identifier: GPL-3.0-or-later
"""axe-core, which knows what of WCAG a machine can see, finds nothing on any page of the portal."""

from __future__ import annotations

import html
import json
from pathlib import Path

import pytest

from sync.server.publishing import publish
from tests.fakes.chromium import Page, browser, program
from tests.server.test_portal import Visitor, answered, set_state, ticket_of
from tests.server.test_portal_live import Line
from tests.server.test_portal_live import line as line  # a fixture

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "build" / "peers" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(program() is None, reason="Chromium is not installed"),
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not there: make peers brings it"),
]


def findings(page: Page, address: str, *, dark: bool) -> list[str]:
    """What axe says of a page."""
    look = "dark" if dark else "light"
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": look}])
    page.open(address)
    page.run(AXE.read_text("utf-8") + "; 0")  # by the debugger: the page's policy would not let it in
    options = json.dumps({"runOnly": RULES, "resultTypes": ["violations"]})
    told = page.run(
        f"axe.run(document, {options}).then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html)))"
    )
    return [f"{address} {look}: {each}" for each in told]


def test_axe_finds_nothing_on_any_page_in_both_languages_and_looks(line: Line, tmp_path: Path) -> None:
    """With what goes wrong on the form, a conversation, the two questions, an article, and a page that is not there."""
    article = {
        "title_ko": "설치",
        "body_ko": "# 순서\n1. 하나\n\n- 둘",
        "title_en": "Install",
        "body_en": "One",
        "state": "published",
    }
    told = {"text_ko": "점검", "text_en": "Maintenance", "places": '["portal"]'}
    publish(
        line.store,
        line.clock(),
        {"name_en": "Support", "phone": "02-1", "mail": "a@b.example"},
        "",
        {"a": article},
        {"b": told},
    )
    visitor = Visitor(line.client)
    visitor.write()
    solved = Visitor(line.client)
    ticket = bytes(ticket_of(line)["id"])
    answered(line, ticket, "해결했습니다.")
    set_state(line, ticket, "solved")
    solved.write({"subject": "둘째"})
    listed = html.unescape(line.client.get("/help/answers").text)
    one = "/help/answers/" + listed.split('href="/help/answers/')[1].split("?")[0]
    paths = (
        "/help",
        "/help/write",
        "/help/answers",
        "/help/answers?q=zzz",
        one,
        visitor.link,
        solved.link,
        "/help/gone",
    )
    base = str(line.client.base_url).rstrip("/")
    found: list[str] = []
    with browser(tmp_path / "profile") as page:
        for n, path in enumerate(paths):
            for lang in ("ko", "en"):
                mark = "&" if "?" in path else "?"
                found += findings(page, f"{base}{path}{mark}lang={lang}", dark=(n + (lang == "ko")) % 2 == 0)
        page.open(f"{base}/help/write?lang=en")
        page.press("Send")
        page.run(AXE.read_text("utf-8") + "; 0")
        found += page.run("axe.run(document).then((r) => r.violations.map((v) => v.id))")
    assert found == []
