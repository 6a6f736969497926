# SPDX-License-Identifier: GPL-3.0-or-later
"""axe-core, which knows what of WCAG a machine can see, finds nothing on any page for customers, in any of its states.

Which pages there are is not written down here alone: they are compared with the server's routes, so none is forgotten.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from app.domain.entities import CALLBACK, CUSTOMER, TICKET
from sync.server.portal.words import TEXTS
from sync.server.publishing import publish
from sync.server.schema import ENTITY_TABLES
from sync.server.store import Store, sqlite_url
from tests.fakes.chromium import Page, browser, program
from tests.fakes.wait import wait_until
from tests.server.serving import serving
from tests.server.test_callbacks import open_hours
from tests.server.test_portal import Visitor, answered, set_state
from tests.server.test_portal_live import Line
from tests.server.test_portal_live import line as line  # a fixture
from tests.server.test_sessions import Inviter
from tests.server.world import World

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "build" / "peers" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# what the page of a request may say first after something was sent (its `fresh`)
SAID: Final = (
    "request", "sent", "check_thanks", "check_again", "call_sent", "call_gone", "call_wrong", "call_busy", "stale",
    "slow", "renewed",
)  # fmt: skip
# each page, and the states of it that are looked at
PAGES: Final[dict[str, tuple[str, ...]]] = {
    "/help": ("home",),
    "/help/write": ("form", "form-wrong", "form-slow", "form-fits"),
    "/help/answers": ("articles", "no-articles"),
    "/help/answers/{id_:str}": ("article",),
    "/help/t/{link:str}": (
        "asked", "answered", "answered-file", "questions", "closed", "invited", "call-confirmed", "call-requested",
        "call-missed", "given", "blocked", "link-gone", "link-withdrawn", "too-many-links",
        *(f"said-{word}" for word in SAID),
    ),
    "/help/{rest:path}": ("no-such-page",),
    "/join": ("join-code", "join-refused", "join-off"),
}  # fmt: skip
# parts of those pages, which scripts fetch anew; and what is no page
PARTS: Final = {
    "/help/now", "/help/hours", "/help/answers/list", "/help/t/{link:str}/lines", "/help/t/{link:str}/live",
    "/help/t/{link:str}/file/{message:str}/{index:int}", "/help/static/{name:str}", "/join/{name:str}",
    "/join/organisation",
}  # fmt: skip
# what forms are sent to: each answers with a page of above
FORMS: Final = {
    "/help/write", "/help/write/fits", "/help/t/{link:str}/reply", "/help/t/{link:str}/answers",
    "/help/t/{link:str}/call", "/help/t/{link:str}/uncall", "/help/t/{link:str}/renew", "/help/t/{link:str}/withdraw",
}  # fmt: skip
PROGRAMS: Final = ("/auth/", "/blob/", "/customer/", "/health", "/ready", "/schema", "/session/", "/sync/")


def test_every_page_that_the_server_has_for_customers_is_looked_at(desk: World) -> None:
    """A new page without a look for people who cannot see it well is found here."""
    routes = [route for route in desk.client.app.routes if not route.path.startswith(PROGRAMS)]
    shown = {route.path for route in routes if "GET" in getattr(route, "methods", ())}
    assert shown == set(PAGES) | PARTS
    assert {route.path for route in routes if "POST" in getattr(route, "methods", ())} == FORMS


def test_every_template_is_shown_by_a_page_that_is_looked_at() -> None:
    """Templates of pages, and parts of them by `include`."""
    folder = ROOT / "resources" / "web"
    pages = {"home.html", "write.html", "answers.html", "article.html", "ticket.html", "notice.html"}
    files = {file.name: file.read_text("utf-8") for file in folder.glob("*.html")}
    used = set(re.findall(r'{% (?:include|extends|from) "([^"]+)"', "".join(files.values())))
    assert set(files) == pages | used
    assert set(SAID) <= set(TEXTS) | {"request"}


def findings(page: Page, name: str, *, dark: bool) -> list[str]:
    """What axe says of the page that is open."""
    look = "dark" if dark else "light"
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": look}])
    page.run(AXE.read_text("utf-8") + "; 0")  # by the debugger: the page's policy would not let it in
    options = json.dumps({"runOnly": RULES, "resultTypes": ["violations"]})
    told = page.run(
        f"axe.run(document, {options}).then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html)))"
    )
    return [f"{name} {look}: {each}" for each in told]


class States:
    """Pages in all their states, on a help desk that listens. `paths`: state to path."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.paths = {"home": "/help", "form": "/help/write", "articles": "/help/answers"}
        self.paths |= {"no-articles": "/help/answers?q=zzz", "no-such-page": "/help/gone", "join-code": "/join"}
        open_hours(line)
        self._publish()
        asked, _ = self._request("asked")
        self.paths |= {f"said-{word}": f"{asked.link}?fresh={word}" for word in SAID}
        self._answers()
        self._calls()
        self._customers()
        self._invitation()
        self.paths["link-gone"] = "/help/t/" + "A" * 43

    def _request(self, state: str) -> tuple[Visitor, bytes]:
        visitor = Visitor(self.line.client)
        visitor.write({"subject": f"<b>{state}</b>"})
        self.paths[state] = visitor.link
        portal = self.line.parts.portal
        assert portal is not None
        place = portal.desk.place(visitor.link.removeprefix("/help/t/"))
        assert place is not None
        return visitor, place.id

    def _publish(self) -> None:
        article = {
            "title_ko": "설치", "body_ko": "# 순서\n1. 하나\n\n- 둘", "title_en": "Install", "body_en": "One",
            "state": "published",
        }  # fmt: skip
        told = {"text_ko": "점검", "text_en": "Maintenance", "places": '["portal"]'}
        contact = {"name_en": "Support", "phone": "02-1", "mail": "a@b.example"}
        publish(self.line.store, self.line.clock(), contact, "", {"a": article}, {"b": told})
        listed = html.unescape(self.line.client.get("/help/answers").text)
        self.paths["article"] = "/help/answers/" + listed.split('href="/help/answers/')[1].split("?")[0]

    def _answers(self) -> None:
        line = self.line
        answered(line, self._request("answered")[1], "해결했습니다.")
        with_file, _ = self._request("answered-file")
        with_file.reply("그림", files=[("화면.png", b"\x89PNG", "image/png")])
        for state, category in (("questions", "solved"), ("closed", "closed")):
            _, ticket = self._request(state)
            answered(line, ticket, "해결했습니다.")
            set_state(line, ticket, category, **({"close_reason": "test"} if category == "closed" else {}))

    def _calls(self) -> None:
        calls = ENTITY_TABLES[CALLBACK.number]
        for state in ("confirmed", "requested", "missed"):
            visitor, ticket = self._request(f"call-{state}")
            page = visitor.page()
            slot = re.search(r'<option value="(\d+)"', page.text)
            assert slot is not None
            sent = {"form": visitor.mark(page, f"{visitor.link}/call"), "slot": slot[1], "phone": "010-2345-6789"}
            assert visitor.send(f"{visitor.link}/call", sent).status_code == 303
            query = calls.update().where(calls.c.ticket == ticket).values(state=state)
            self.line.store.write(partial(_run, query))

    def _customers(self) -> None:
        tickets, customers = ENTITY_TABLES[TICKET.number], ENTITY_TABLES[CUSTOMER.number]
        _, given = self._request("given")
        _, blocked = self._request("blocked")
        other = tickets.update().where(tickets.c.id == given).values(customer=self.line.other_customer)
        self.line.store.write(lambda cx: cx.execute(other))
        holder = tickets.select().with_only_columns(tickets.c.customer).where(tickets.c.id == blocked)
        stop = customers.update().where(customers.c.id == holder.scalar_subquery()).values(blocked_reason="abuse")
        self.line.store.write(lambda cx: cx.execute(stop))

    def _invitation(self) -> None:
        visitor, ticket = self._request("invited")
        columns = ENTITY_TABLES[TICKET.number].c
        with self.line.store.read() as cx:
            row = cx.execute(ENTITY_TABLES[TICKET.number].select().where(columns.id == ticket)).mappings().one()
        more = {"subject": row["subject"], "requester_id": bytes(row["customer"]).hex()}
        inviter = Inviter(self.line, self.line.agent())
        assert inviter.invite(ticket, modes=("companion", "browser"), **more).status_code == 200
        found = re.search(r'href="/join(#[^"]+)"', visitor.page().text)
        assert found is not None
        self.paths["join-refused"] = f"/join{found[1]}"

    def too_many(self) -> None:
        """Nobody else's wrong link is looked up now, and no request is taken from here."""
        portal = self.line.parts.portal
        assert portal is not None
        for limiter in (portal.wrong_links, portal.new_requests):
            for _ in range(40):
                limiter.failed("127.0.0.1", self.line.clock())
        self.paths["too-many-links"] = self.paths["link-gone"]


def _run(query: sa.Update, connection: sa.Connection) -> None:
    connection.execute(query)


@pytest.fixture
def off(_filled: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a server on which nobody joins with a browser."""
    (tmp_path / "off").mkdir()
    shutil.copy(_filled, tmp_path / "off")
    desk = World(Store.open(sqlite_url(tmp_path / "off")))
    with serving(replace(desk.parts, join_page=False)) as (client, _stop):
        yield str(client.base_url).rstrip("/")


def in_language(path: str, lang: str) -> str:
    """The path of a page in a language; what stands behind `#` stays last."""
    path, mark, secret = path.partition("#")
    return f"{path}{'&' if '?' in path else '?'}lang={lang}{mark}{secret}"


@pytest.mark.slow
@pytest.mark.skipif(program() is None, reason="Chromium is not installed")
@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not there: make peers brings it")
def test_axe_finds_nothing_on_any_page_in_any_state_in_both_languages_and_looks(
    line: Line, off: str, tmp_path: Path
) -> None:
    """Conversations, calls, the two questions, an invitation, refusals, and what is not there (any more)."""
    states = States(line)
    base = str(line.client.base_url).rstrip("/")
    found: list[str] = []
    seen: set[str] = set()

    def look(page: Page, name: str, address: str, ready: Callable[[], object] = lambda: True) -> None:
        for lang in ("ko", "en"):
            page.open("about:blank")  # the same page with another `#` would not be loaded anew
            page.open(in_language(address, lang))
            wait_until(ready, 20)
            found.extend(findings(page, f"{name} {lang}", dark=(len(seen) + (lang == "ko")) % 2 == 0))
        seen.add(name)

    with browser(tmp_path / "profile") as page:

        def refused() -> object:  # this desk's clock is not the browser's, so its invitations are over
            return page.run("document.querySelector('.notice.danger') !== null")

        for name, path in list(states.paths.items()):
            look(page, name, base + path, refused if name == "join-refused" else lambda: True)
        for lang in ("ko", "en"):
            page.open(f"{base}/help/write?lang={lang}")
            page.run("document.querySelector('form').submit()")
            wait_until(lambda: page.run("document.querySelector('#wrong') !== null"), 20)
            found += findings(page, f"form-wrong {lang}", dark=lang == "ko")
        seen.add("form-wrong")
        for lang in ("ko", "en"):
            page.open(f"{base}/help/write?lang={lang}")
            page.run(
                "const s = document.getElementById('subject'); s.value = '설치 Install';"
                "s.dispatchEvent(new Event('change', { bubbles: true })); 0"
            )
            wait_until(lambda: page.run("document.querySelector('#fits a') !== null"), 20)
            found += findings(page, f"form-fits {lang}", dark=lang == "en")
        seen.add("form-fits")
        for lang in ("ko", "en"):
            visitor, _ = states._request(f"withdrawn-{lang}")
            page.open(f"{base}{visitor.link}?lang={lang}")
            page.run("document.querySelector('form[action*=\"/withdraw\"]').submit()")
            wait_until(lambda: not page.run("document.querySelector('#link')"), 20)
            found += findings(page, f"link-withdrawn {lang}", dark=lang == "ko")
        seen.add("link-withdrawn")
        states.too_many()
        look(page, "too-many-links", base + states.paths["too-many-links"])
        for lang in ("ko", "en"):
            page.open(f"{base}/help/write?lang={lang}")
            fill = "for (const [k, v] of Object.entries({subject: 'a', body: 'b', name: 'c', phone: '02-123-4567'}))"
            page.run(fill + " document.getElementsByName(k)[0].value = v; document.querySelector('form').submit()")
            wait_until(lambda: page.run("document.querySelector('#wrong') !== null"), 20)
            found += findings(page, f"form-slow {lang}", dark=lang == "en")
        seen.add("form-slow")
        look(page, "join-off", off + "/join")
    assert found == []
    assert seen == {state for states_of in PAGES.values() for state in states_of}
