# SPDX-License-Identifier: GPL-3.0-or-later
"""Complaints: what closes one, which questions are still worth asking, and whether a reply names the situation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.domain import changes as c
from app.domain.changes_facts import FACT_CHARS
from app.domain.complaints import (
    COMPLAINT,
    Closing,
    Step,
    done_steps,
    missing_for_solved,
    names_situation,
    open_questions,
)
from app.domain.fact_card import FactCard
from app.domain.ports import ItemKind, ThreadItem
from app.services.complaints import check_words, greeting, guide_of, question_words
from tests.fakes.queries import FakeDesk, FakeQueries, ticket_id
from tests.fakes.rows import AGENT, STATES, TICKET_ID, MemoryRows, event, new_ticket

SOLVED = STATES[c.category_of(MemoryRows(), STATES[next(s for s in STATES if s.value == "solved")])]


@pytest.fixture
def desk() -> MemoryRows:
    """A complaint that was answered."""
    rows = MemoryRows()
    new_ticket(rows, kind=COMPLAINT)
    rows.run(c.MessageAdd(event(50), b"r" * 16, TICKET_ID, "답변드립니다."))
    return rows


def _set(n: int, **fields: Any) -> c.TicketSet:
    return c.TicketSet(event(100 + n), TICKET_ID, fields)


@pytest.mark.parametrize("on_server", [True, False])
def test_a_complaint_is_solved_only_with_its_cause_and_a_decision_about_following_up(
    desk: MemoryRows, on_server: bool
) -> None:
    """On the computer and on the server alike; one step after the other, or all in one change."""
    assert desk.refusal(_set(1, state=SOLVED), on_server=on_server) == "root_cause_needed"
    desk.run(_set(2, root_cause="waiting"))
    assert desk.refusal(_set(3, state=SOLVED), on_server=on_server) == "follow_up_needed"
    desk.run(_set(4, follow_up="planned", follow_up_at=5000))
    assert desk.refusal(_set(5, state=SOLVED), on_server=on_server) == "follow_up_needed"  # nobody's
    desk.run(_set(6, follow_up_owner=AGENT))
    desk.run(_set(7, state=SOLVED), on_server=on_server)
    assert desk.ticket().values["state"] == SOLVED

    other = MemoryRows()
    new_ticket(other, kind=COMPLAINT)
    other.run(c.MessageAdd(event(50), b"r" * 16, TICKET_ID, "답변드립니다."))
    other.run(_set(8, state=SOLVED, root_cause="product", follow_up="none"), on_server=on_server)
    assert other.ticket().values["state"] == SOLVED


def test_other_tickets_are_solved_as_ever_and_other_states_of_a_complaint_need_nothing(desk: MemoryRows) -> None:
    """The guide suggests and never blocks, but for this one step."""
    desk.run(_set(1, state=STATES[next(s for s in STATES if s.value == "waiting_customer")]))
    desk.run(_set(2, state=STATES[next(s for s in STATES if s.value == "open")]))
    plain = MemoryRows()
    new_ticket(plain)
    plain.run(c.MessageAdd(event(50), b"r" * 16, TICKET_ID, "답변드립니다."))
    plain.run(_set(3, state=SOLVED))
    assert missing_for_solved("problem", Closing()) == ""
    assert desk.refusal(_set(4, root_cause="bad weather")) == "bad_value"
    assert desk.refusal(_set(5, follow_up="perhaps")) == "bad_value"


def test_each_step_leaves_a_line_in_the_history_and_can_be_taken_back(desk: MemoryRows) -> None:
    """Seven steps; the line of a mark keeps the customer's words. What is no step is refused."""
    for n, step in enumerate(Step):
        desk.run(c.ComplaintStep(event(200 + n), TICKET_ID, step.value))
    desk.run(c.ComplaintStep(event(210), TICKET_ID, "listen", mark="feeling", text="정말  답답합니다"))
    assert desk.lines(TICKET_ID).count("complaint") == 8
    assert desk.refusal(c.ComplaintStep(event(211), TICKET_ID, "sing")) == "bad_value"
    assert desk.refusal(c.ComplaintStep(event(212), TICKET_ID, "listen", mark="rumour", text="x")) == "bad_value"
    assert desk.refusal(c.ComplaintStep(event(213), TICKET_ID, "listen", mark="fact")) == "bad_value"
    assert desk.refusal(c.ComplaintStep(event(214), TICKET_ID, "listen", mark="fact", text="x" * 501)) == "bad_value"
    undo = c.inverse(c.ComplaintStep(event(1), TICKET_ID, "greet"), lambda _t, _i: None, event(2))
    assert undo == c.ComplaintStep(event(2), TICKET_ID, "greet", done=False)


def test_a_step_is_done_as_its_newest_line_says_and_the_last_one_when_nothing_is_missing() -> None:
    """A tick on step 7 alone does not close a complaint."""
    lines: list[dict[str, object]] = [
        {"step": "greet", "done": True}, {"step": "greet", "done": False}, {"step": "ask", "done": True},
        {"step": "follow_up", "done": True},
    ]  # fmt: skip
    assert done_steps(lines, Closing()) == {Step.ASK}
    assert done_steps(lines, Closing("product", "none")) == {Step.ASK, Step.FOLLOW_UP}


def test_a_question_is_not_offered_once_its_answer_is_known() -> None:
    """From the fact card, or from what the customer wrote."""
    nothing = [q.topic for q in open_questions("불만입니다", ())]
    assert nothing == ["when", "product", "error", "often", "tried", "before", "impact", "wish"]
    said = "어제부터 PX-200에 E-1042가 매번 나옵니다. 재부팅해도 같고 지난번에도 문의했습니다. 업무를 못 합니다."
    assert [q.topic for q in open_questions(said, ())] == ["wish"]
    assert [q.topic for q in open_questions("Nothing works", {"product", "error", "when"})] == [
        "often", "tried", "before", "impact", "wish"
    ]  # fmt: skip
    assert [q.topic for q in open_questions("It fails every time since Monday, I want a refund", ())] == [
        "product", "error", "tried", "before", "impact"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("draft", "named"),
    [
        ("박민수 님, 안녕하세요.\n\n프린터가 또 멈춰 불편하셨겠습니다.", True),
        ("박민수 님, 안녕하세요.\n\n문의 감사합니다. 확인 후 답변드리겠습니다.\n\n프린터는 내일 봅니다.", False),
        ("Dear Park,\n\nthe printer stopped again, and that cost you an afternoon.", False),
        ("", False),
    ],
)
def test_the_first_paragraph_names_what_the_customer_wrote_about(draft: str, named: bool) -> None:
    """Particles and endings do not hide a word; a greeting alone is no first paragraph."""
    assert names_situation(draft, "프린터를 고쳐 주셨는데 또 멈춰요. 정말 답답합니다.") is named


@pytest.mark.parametrize(("solved", "well"), [(False, None), (None, False), (True, False), (False, True)])
def test_either_no_to_the_two_questions_opens_a_solved_ticket_again(
    desk: MemoryRows, solved: bool | None, well: bool | None
) -> None:
    """From the customer, once however often it is sent; a yes leaves it as it is, and nothing is no answer."""
    desk.run(_set(1, state=SOLVED, root_cause="product", follow_up="none"))
    customer = c.Actor("customer", b"c" * 16)
    desk.run(c.SurveyAnswer(event(300), b"y" * 16, TICKET_ID, True, True), actor=customer)
    assert desk.ticket().values["state"] == SOLVED
    no = c.SurveyAnswer(event(301), b"n" * 16, TICKET_ID, solved, well, "아직 멈춥니다")
    desk.run(no, actor=customer)
    assert desk.ticket().values["state"] != SOLVED
    desk.run(no, actor=customer)
    assert desk.lines(TICKET_ID).count("survey") == 2
    assert desk.refusal(c.SurveyAnswer(event(302), b"x" * 16, TICKET_ID)) == "bad_value"


def test_no_question_asks_for_what_the_fact_card_says_or_for_what_we_asked_already() -> None:
    """The customer saw these facts and sent them; asking again would be the next complaint."""
    queries = FakeQueries(FakeDesk(3))
    found = queries.details(ticket_id(0))
    assert found is not None
    card = FactCard(b"f" * 16, 1, consent=True, by_customer=True, serial="88-1032", error_code="E-1042")
    plain = replace(found, kind=COMPLAINT, items=())
    guide = guide_of(plain)
    assert guide is not None
    assert "error" in {q.topic for q in guide.questions}
    asked = ThreadItem(b"i" * 16, ItemKind.REPLY, 1, "user", None, "", question_words(guide.questions[0], "ko"))
    with_facts = guide_of(replace(plain, facts=card, items=(asked,)))
    assert with_facts is not None
    topics = {q.topic for q in with_facts.questions}
    assert not topics & {"product", "error", guide.questions[0].topic}
    assert guide_of(replace(found, kind="problem")) is None


@pytest.mark.parametrize("fact", [*FACT_CHARS])
def test_no_question_names_a_fact_that_the_card_has(fact: str) -> None:
    """In neither language, whichever fact it is; without the card some are asked for."""
    asks_for = {
        "product": ("product", "제품"), "model": ("model", "모델"), "serial": ("serial", "일련"),
        "last_error": ("message", "메시지"), "error_code": ("error code", "오류 코드"), "os": ("system", "운영"),
        "app_version": ("version", "버전"), "device": ("computer", "컴퓨터"), "free_disk": ("space", "공간"),
        "network": ("network", "네트워크"), "warranty_until": ("warranty", "보증"),
    }  # fmt: skip
    found = FakeQueries(FakeDesk(3)).details(ticket_id(0))
    assert found is not None
    told = {name: "2027-03-31" if name == fact else "" for name in FACT_CHARS}
    card = FactCard(b"f" * 16, 1, consent=True, by_customer=True, found_at={}, **told)
    plain = replace(found, kind=COMPLAINT, items=(), customer=None)
    asked = [guide_of(each) for each in (plain, replace(plain, facts=card))]
    texts = ["\n".join(question_words(q, lang) for q in g.questions for lang in ("en", "ko")) for g in asked if g]
    assert "serial number" in texts[0]
    assert "오류" in texts[0]
    assert not [word for word in asks_for[fact] if word in texts[1].lower()]


def test_the_greeting_has_name_and_honorific_in_the_customers_language() -> None:
    """님 never stands twice; an own honorific counts; English needs none."""
    assert greeting("박민수", "", "ko").startswith("박민수 님, 안녕하세요")
    assert greeting("박민수 님", "님", "ko").startswith("박민수 님, 안녕")
    assert greeting("박민수", "교수님", "ko").startswith("박민수 교수님,")
    assert greeting("Jane Roe", "", "en") == "Dear Jane Roe,"
    assert check_words("en") == "1. Is your problem solved?\n2. Were you treated well?"
    assert check_words("ko") == "1. 문제가 해결되었나요?\n2. 응대는 괜찮으셨나요?"
