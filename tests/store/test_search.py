# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import unicodedata

import pytest

from app.domain.ids import TicketId
from app.store.searchwords import read_query
from app.store.snippets import cut
from app.store.text import columns, normalise
from tests.sync.desk import Client

FOUND = [
    ("결제", "간편결제가 안 돼요"),
    ("결제가", "결제를 취소"),
    ("오류", "USB오류 E-1042"),
    ("비밀번호", "비밀 번호 찾기"),
    ("번호", "비밀번호를 잊었어요"),
    ("usb오류", "USB오류 E-1042"),
    (unicodedata.normalize("NFD", "결제"), "결제 실패"),
    ("ㅋㅋ", "ㅋㅋ 감사"),
    ("E-1042", "USB오류 E-1042"),
    ("ＵＳＢ", "USB오류 E-1042"),
    ("간편결제", "간편 결제 문의"),
    ('"결제 실패"', "결제 실패"),
]
NOT_FOUND = [("과제", "결 과 제목"), ("해", "환불해 주세요"), ('"실패 결제"', "결제 실패")]


def _finds(client: Client, query: str, ticket: TicketId) -> bool:
    return ticket in [hit.row.id for hit in client.profile.queries.search(query)]


def test_the_fixed_pairs_are_found_before_and_after_they_are_synced(kim: Client) -> None:
    """Queries find what people mean, in own unsent text as in the replica."""
    tickets = {text: kim.new_ticket("문의", text) for text in {t for _, t in FOUND + NOT_FOUND}}
    for where in ("pending", "replica"):
        for query, text in FOUND:
            assert _finds(kim, query, tickets[text]), (where, query, text)
        for query, text in NOT_FOUND:
            assert not _finds(kim, query, tickets[text]), (where, query, text)
        kim.sync()


def test_numbers_in_every_spelling_jump_to_the_ticket(kim: Client) -> None:
    """10001, #10001 and DS-10001 are the ticket, first in the list."""
    tickets = [kim.new_ticket(f"문의 {n}", "10001 und so") for n in range(3)]
    kim.sync()
    numbers = {t: kim.profile.queries.rows([t])[t].number for t in tickets}
    for ticket, number in numbers.items():
        for query in (f"{number}", f"#{number}", f"DS-{number}", f"ds-{number}"):
            assert kim.profile.queries.search(query)[0].row.id == ticket


def test_operators_narrow_in_both_languages(kim: Client) -> None:
    """state:, owner:, priority:, customer: and is:unanswered, alone and with words."""
    mine, other = kim.new_ticket("프린터", priority=4), kim.new_ticket("프린터", customer=kim.desk.other)
    kim.set(mine, owner=kim.me)
    kim.reply(other)

    def found(query: str) -> set[bytes]:
        return {hit.row.id for hit in kim.profile.queries.search(query)}

    assert found("owner:me") == found("담당:나") == {mine}
    assert found("owner:none") == {other}
    assert found("priority:urgent") == found("우선순위:긴급 프린터") == {mine}
    assert found("customer:tom") == found("고객:Tom") == {other}
    assert found("is:unanswered") == {mine}
    assert found("state:open") == found("상태:처리중") == {mine, other}
    assert found("state:solved") == set()
    assert found("team:북부") == {mine, other}
    assert found("after:오늘 before:1970-01-02") == set()
    assert found("프린터 -도와주세요") == set()
    assert found("unbekannt:프린터") == set()


def test_words_spread_over_a_ticket_find_it(kim: Client) -> None:
    """One word in the subject, one in a note, one in the customer's name."""
    ticket = kim.new_ticket("복합기 고장", "종이가 걸려요")
    kim.note(ticket, "부품 주문함")
    kim.sync()
    assert _finds(kim, "복합기 부품", ticket)
    assert _finds(kim, "한예린 복합기", ticket)
    assert not _finds(kim, "복합기 환불", ticket)


def test_a_changed_subject_is_found_by_its_new_words_only(kim: Client) -> None:
    """The index follows the rows as shown."""
    ticket = kim.new_ticket("모니터 문제", "안녕하세요")
    kim.sync()
    kim.set(ticket, subject="키보드 문제")
    for _ in range(2):
        assert _finds(kim, "키보드", ticket)
        assert not _finds(kim, "모니터", ticket)
        kim.sync()


def test_a_snippet_shows_the_words_around_the_hit(kim: Client) -> None:
    """Cut from the text itself, on one line."""
    body = "앞말 " * 40 + "간편결제가\n안 돼요 " + "뒷말 " * 40
    ticket = kim.new_ticket("문의", body)
    hit = next(h for h in kim.profile.queries.search("결제") if h.row.id == ticket)
    assert "간편결제가 안 돼요" in hit.snippet
    assert hit.snippet.startswith("…")
    assert len(hit.snippet) < 160


@pytest.mark.parametrize("text", ['"', "-", ":", "state:", "((", '"" AND OR NOT', "*", "cjk:x", "a" * 5000, "\0"])
def test_no_text_makes_search_fail(kim: Client, text: str) -> None:
    """Whatever is typed is a search, never an error."""
    assert list(kim.profile.queries.search(text)) is not None


def test_runs_of_neighbouring_words_do_not_join() -> None:
    """가나 나다 does not look like 가나다."""
    assert "가나 나다" not in columns("가나 나다")[1]
    assert columns("가나-나다") == ("가나 나다", "가나 0 나다")
    assert columns("간편결제") == ("간편결제", "간편 편결 결제")
    assert normalise("ＡＢＣ\u200b　한글") == "abc 한글"


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("USB오류(코드 0x80070005)", "usb 오류 코드 0x80070005"),
        ("Café – „Zürich“, naïve", "cafe zurich naive"),
        ("ＰＤＦ　１２번…", "pdf 12 번"),
        ("가​나 ét", "가나 et"),
        ("", ""),
    ],
)
def test_punctuation_scripts_and_accents_do_not_hide_a_word(kim: Client, text: str, body: str) -> None:
    """What the index gets is the bare words, and each of them finds the ticket."""
    assert columns(text)[0] == body
    ticket = kim.new_ticket("문의", text or "빈 글")
    kim.sync()
    for word in body.split():
        assert _finds(kim, word, ticket), word


def test_unknown_operators_are_words() -> None:
    """`foo:bar` is searched as text."""
    query = read_query('foo:bar state:open -weg "genau so"')
    assert [t.text for t in query.terms] == ["foo:bar", "genau so"]
    assert [(o.name, o.value) for o in query.operators] == [("state", "open")]
    assert [t.text for t in query.without] == ["weg"]


def test_snippets_of_odd_texts() -> None:
    """Folding never shifts places."""
    assert cut("İstanbul ﬁn ＡＢＣ 끝", ["abc"]) == "İstanbul ﬁn ＡＢＣ 끝"
    assert cut("", ["x"]) == ""
