# SPDX-License-Identifier: GPL-3.0-or-later
"""The two questions, guesses, hours and waits on the portal's pages."""

from __future__ import annotations

import html
import json

import pytest

from app.domain.entities import CALENDAR, CALENDAR_SPANS, REF_SCOPE, SURVEY_ANSWER, Value
from app.domain.ids import derived_id
from app.domain.signed import b64
from app.services.publishing_file import read_publishing_file
from sync.server.bulk import load_rows
from sync.server.portal.links import FORM_MS, Links
from sync.server.portal.words import words
from sync.server.publishing import publish
from tests.server.test_portal import Visitor, answered, rows, set_state, ticket_of
from tests.server.world import START_MS, CountingRandom, NewRow, World, row_id

HOUR = 3_600_000


@pytest.fixture
def solved(desk: World) -> Visitor:
    """A customer whose request counts as solved."""
    visitor = Visitor(desk.client)
    visitor.write()
    ticket = bytes(ticket_of(desk)["id"])
    answered(desk, ticket, "해결했습니다.")
    set_state(desk, ticket, "solved")
    desk.clock.forward(60)
    return visitor


def category(desk: World) -> str:
    """The state of the one ticket."""
    from app.domain.entities import STATE

    state = bytes(ticket_of(desk)["state"])
    return str(next(row["category"] for row in rows(desk, STATE) if bytes(row["id"]) == state))


def send_answers(visitor: Visitor, **fields: str) -> int:
    """Answer the two questions; what the server says to that."""
    mark = visitor.mark(visitor.page(), f"{visitor.link}/answers")
    return visitor.send(f"{visitor.link}/answers", {"form": mark, **fields}).status_code


def test_two_yes_leave_the_request_solved_and_are_not_asked_again(desk: World, solved: Visitor) -> None:
    """Sent twice they count once."""
    page = solved.page()
    mark = solved.mark(page, f"{solved.link}/answers")
    for _ in range(2):
        fields = {"form": mark, "solved": "yes", "treated_well": "yes", "comment": "고맙습니다"}
        assert solved.send(f"{solved.link}/answers", fields).status_code == 303
    (row,) = rows(desk, SURVEY_ANSWER)
    assert (row["solved"], row["treated_well"], row["comment"]) == (True, True, "고맙습니다")
    assert category(desk) == "solved"
    assert "/answers" not in solved.page().text.split("<main", 1)[1]


@pytest.mark.parametrize("question", ["solved", "treated_well"])
def test_a_no_to_either_question_opens_the_request_again(desk: World, solved: Visitor, question: str) -> None:
    """And says so."""
    assert send_answers(solved, **{question: "no"}) == 303
    assert category(desk) == "open"
    page = solved.get(f"{solved.link}")
    assert "/answers" not in page.text.split("<main", 1)[1]


def test_no_answer_or_a_form_of_another_page_changes_nothing(desk: World, solved: Visitor) -> None:
    """What was chosen stays chosen."""
    assert send_answers(solved, comment="nur so") == 422
    foreign = solved.mark(solved.page(), f"{solved.link}/reply")
    answer = solved.send(f"{solved.link}/answers", {"form": foreign, "solved": "no", "comment": "x" * 30})
    assert answer.status_code == 422
    assert "x" * 30 in answer.text
    assert send_answers(solved, solved="yes", comment="x" * 2001) == 422
    assert rows(desk, SURVEY_ANSWER) == []


def test_words_on_a_solved_request_open_it_again(desk: World, solved: Visitor) -> None:
    """As in the Companion."""
    assert solved.reply("아직 아닙니다").status_code == 303
    assert category(desk) == "open"


def test_of_fifty_thousand_guessed_links_none_opens(desk: World) -> None:
    """Nor one that is nearly right; each is known for wrong without a look at the database."""
    visitor = Visitor(desk.client)
    visitor.write()
    right = visitor.link.rsplit("/", 1)[1]
    links, random = Links(desk.keys), CountingRandom()
    assert links.is_ours(right)
    assert not any(links.is_ours(b64(random(32))) for _ in range(50_000))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    near = {right[:i] + letter + right[i + 1 :] for i in range(len(right)) for letter in letters} - {right}
    assert not any(links.is_ours(text) for text in near)
    for text in ("", right + "=", right + "A", right[:-1], " " + right, "é" * 43, "x" * 100_000):
        assert not links.is_ours(text)
    stranger = Links(type(desk.keys).of(b"o" * 32, b"x" * 32))
    assert not stranger.is_ours(right)


def test_a_forms_mark_holds_for_its_page_and_a_day() -> None:
    """It carries its own time; nothing is kept."""
    from sync.server.keys import ServerKeys

    links = Links(ServerKeys.of(b"o" * 32, b"s" * 32))
    mark = links.form(START_MS, b"n" * 16, "write")
    form = links.read_form(START_MS + FORM_MS, mark, "write")
    assert form is not None
    assert (form.nonce, form.stale) == (b"n" * 16, False)
    late = links.read_form(START_MS + FORM_MS + 1, mark, "write")
    assert late is not None
    assert late.stale
    assert links.read_form(START_MS, mark, "reply:x") is None
    assert links.link_of(b"n" * 16) == links.link_of(b"n" * 16) != links.link_of(b"m" * 16)


def set_hours(desk: World, spans: list[tuple[int, int]]) -> None:
    """Let the support contact have these open times."""
    calendar = row_id(900)
    values: dict[str, Value] = {
        "name": "seoul",
        "zone": "Asia/Seoul",
        "week": "{}",
        "holidays": "[]",
        "exceptions": "[]",
    }
    seconds = [[a // 1000, b // 1000] for a, b in spans]
    compiled: dict[str, Value] = {"calendar": calendar, "spans": json.dumps(seconds), "from_s": 0, "to_s": 1 << 40}
    new = [
        NewRow(CALENDAR.number, calendar, REF_SCOPE, values),
        NewRow(CALENDAR_SPANS.number, derived_id(calendar, "spans"), REF_SCOPE, compiled),
    ]
    desk.store.write(lambda cx: load_rows(cx, new))
    spec = read_publishing_file('[contact]\nname_en = "Support"\ncalendar = "seoul"')
    publish(desk.store, desk.clock(), spec.contact, spec.calendar, {}, {})
    desk.clock.forward(2)  # pages read it again after so long


def test_the_first_page_says_whether_support_is_open_and_when_it_opens_again(desk: World) -> None:
    """In the zone that was chosen; nobody is at the desk where no agent is online."""
    visitor = Visitor(desk.client)
    assert words("en")["no_hours"] in visitor.get("/help").text
    now = desk.clock()
    set_hours(desk, [(now - HOUR, now + HOUR), (now + 20 * HOUR, now + 24 * HOUR)])
    open_page = html.unescape(visitor.get("/help").text)
    assert words("en")["open_nobody"] in open_page
    assert words("en")["open_until"] in open_page
    desk.clock.forward(2 * 3600)
    closed = html.unescape(visitor.get("/help").text)
    assert words("en")["closed_now"] in closed
    assert words("en")["opens_at"] in closed
    seoul, london = (desk.client.get("/help", params={"zone": zone}).text for zone in ("Asia/Seoul", "Europe/London"))
    assert seoul.split("<tbody>")[1].split("</tbody>")[0] != london.split("<tbody>")[1].split("</tbody>")[0]
    assert desk.client.get("/help", params={"zone": "../../etc/passwd"}).status_code == 200


def test_the_wait_is_told_only_once_enough_was_answered(desk: World) -> None:
    """Before that it says that nothing is known; after thirty answers it says when."""
    visitor = Visitor(desk.client)
    assert words("en")["wait_unknown"] in html.unescape(visitor.get("/help/write").text)
    agent = desk.agent()
    for n in range(30):
        ticket = agent.ticket(500 + n, channel="portal")
        desk.clock.forward(15)
        assert agent.do(agent.reply(ticket))[0] == "ok"
    desk.clock.forward(300)
    page = html.unescape(visitor.get("/help/write").text)
    assert words("en")["wait_usual"] in page
    assert words("en")["wait_latest"] in page
