# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.attachments import Attachment
from app.domain.entities import ASSET, ORGANISATION, customer_scope
from app.domain.ids import TicketId, new_id
from app.domain.ports import Found, ViewKey
from app.domain.search_text import OPERATORS, HintKind, Term, normalise, read_query
from app.store.search import Searcher
from app.store.snippets import cut
from app.store.text import columns
from sync.server.bulk import load_rows
from tests.sync.desk import Client, Desk, Row

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


def _found(client: Client, query: str) -> set[bytes]:
    return {hit.row.id for hit in client.profile.queries.search(query)}


def _narrowed(client: Client, query: str) -> set[bytes]:
    return set(client.profile.queries.ids(ViewKey.ALL, text=query))


def test_operators_about_what_hangs_on_a_ticket(kim: Client) -> None:
    """has:, is: and in:, before and after their tickets are synced; a search that narrows a list finds the same."""
    plain, noted = kim.new_ticket("프린터", "종이가 걸려요"), kim.new_ticket("모니터", "화면이 꺼져요")
    files = (Attachment(b"f" * 32, "화면.png", "image/png", 10),)
    with_file = kim.new_ticket("키보드", "사진 보냅니다", attachments=files)
    kim.note(noted, "종이 재고 확인")
    kim.set(plain, snooze_until=kim.desk.clock() + 10**9)
    kim.reply(noted)
    wanted = {
        "has:note": {noted}, "has:메모": {noted}, "-has:note": {plain, with_file}, "has:attachment": {with_file},
        "포함:첨부": {with_file}, "has:session": set(), "has:promise": set(), "is:snoozed": {plain}, "is:held": set(),
        "조건:다시알림": {plain}, "is:unread": {plain, with_file}, "is:late": set(), "종이": {plain, noted},
        "in:notes 종이": {noted}, "in:notes": {noted}, "channel:mail": set(), "채널:전화": {plain, noted, with_file},
        "is:snoozed OR 키보드": {plain, with_file}, "프린터 OR 모니터": {plain, noted},
        "incident:none": {plain, noted, with_file},
        "종이 OR is:held has:note": {noted}, "-프린터": {noted, with_file}, "-상태:열림 -종이": {with_file},
        "after:7d": {plain, noted, with_file}, "before:어제": set(), "이후:2020-01-31": {plain, noted, with_file},
        "before:2020.1.31": set(), "after:2026-99-99": set(), "after:99999d": {plain, noted, with_file},
    }  # fmt: skip
    for _where in ("pending", "replica"):
        for query, found in wanted.items():
            assert _found(kim, query) == found, (_where, query)
            assert _narrowed(kim, query) == found, (_where, query)
        kim.sync()


def test_what_is_left_without_a_word_is_no_longer_than_asked_for(kim: Client) -> None:
    """-word alone means nearly everything: the newest are enough."""
    tickets = [kim.new_ticket(f"문의 {n}", "빵" if n % 2 else "떡볶이") for n in range(6)]
    kim.sync()
    found = [hit.row.id for hit in kim.profile.queries.search("-떡볶이", limit=2)]
    assert found == [tickets[5], tickets[3]]


def test_operators_about_people_companies_and_products(desk: Desk, kim: Client) -> None:
    """org:, serial: and customer: with 님; F22: a serial number finds the product's tickets and its owner's."""
    organisation, asset = new_id(), new_id()
    desk.store.write(lambda cx: load_rows(cx, [
        Row(ORGANISATION.number, organisation, customer_scope(organisation),
            {"name": "한빛상사 (가상)", "domains": '["hanbit.example"]'}),
        Row(ASSET.number, asset, customer_scope(desk.customer),
            {"owner": desk.customer, "serial": "88-1032", "product": "PX-200"}),
    ]))  # fmt: skip
    about, other = kim.new_ticket("프린터", asset=asset), kim.new_ticket("모니터", customer=desk.other)
    of_owner = kim.new_ticket("문의")
    kim.set(other, organisation=organisation)
    kim.sync()
    assert _found(kim, "org:한빛") == _found(kim, "고객사:HANBIT.example") == {other}
    assert _found(kim, "serial:88-10") == _found(kim, "일련번호:88-1032") == {about, of_owner}
    assert kim.profile.queries.search("88-1032")[0].row.id == about
    assert _found(kim, "88-1 032") == {about}  # as it stands on the label: in groups
    assert _found(kim, 'customer:"한예린 님"') == {about, of_owner}


def test_a_value_that_nobody_has_finds_nothing_and_is_told(kim: Client) -> None:
    """A slip of the finger is not an empty help desk."""
    kim.new_ticket()
    for query, said in (("owner:nobody", "owner:nobody"), ("before:morgen", "before:morgen"), ("is:blau", "is:blau")):
        found = kim.profile.queries.find(query)
        assert (list(found.hits), [(h.kind, h.text) for h in found.hints]) == ([], [(HintKind.VALUE, said)])
        assert list(kim.profile.queries.hints(query)) == list(found.hints)
    assert kim.profile.queries.find("owner:none").hints == ()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.text(max_size=12),
            st.builds(
                "{}{}:{}".format, st.sampled_from(["", "-", "OR "]), st.sampled_from(sorted(OPERATORS)),
                st.text(max_size=8),
            ),
            st.sampled_from(["OR", '"', "after:7d", "is:late", "serial:x'%_", "ㅋㅋ", "가", "010-1234", "~K7-1"]),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_no_text_at_all_makes_search_fail(kim: Client, words: list[str]) -> None:
    """Random words, signs and operators, as a search and as the condition of a list."""
    text = " ".join(words)
    kim.profile.queries.find(text)
    kim.profile.queries.ids(ViewKey.ALL, text=text)


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
    assert query.without == (Term("weg"),)


def test_snippets_of_odd_texts() -> None:
    """Folding never shifts places."""
    assert cut("İstanbul ﬁn ＡＢＣ 끝", ["abc"]) == "İstanbul ﬁn ＡＢＣ 끝"
    assert cut("", ["x"]) == ""
    assert cut("Straße " * 40 + "ＡＢＣ 끝", ["abc"]).endswith("ＡＢＣ 끝")


def test_a_search_that_is_overtaken_ends_and_its_connection_keeps_what_it_has_read(
    kim: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next search of the same field does not begin with cold pages."""
    runs = threading.Event()
    usual = Searcher.find

    def find(self: Searcher, text: str, limit: int) -> Found:
        if text == "old":
            raw = self._shown.tx.raw
            raw.set_progress_handler(lambda: runs.set(), 1_000)
            raw.execute(
                "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n"
            ).fetchone()
        return usual(self, text, limit)

    monkeypatch.setattr(Searcher, "find", find)
    with ThreadPoolExecutor(1) as pool:
        old = pool.submit(kim.profile.queries.find, "old")
        assert runs.wait(30)
        kim.profile.queries.find("new")
        assert old.result(30).hits == ()
    assert len(kim.profile.readers()._idle) == 2
