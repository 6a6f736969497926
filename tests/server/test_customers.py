# SPDX-License-Identifier: GPL-3.0-or-later
"""What a companion may do: enrol once, see its own customer's things and nothing else, write without doubling."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.changes import CustomerSet, TicketMerge, TicketSet
from app.domain.device_certificate import read_device_certificate
from app.domain.documents import SignedDocument
from app.domain.entities import HISTORY, MEMBERSHIP, MESSAGE, SURVEY_ANSWER, TICKET
from app.domain.errors import Refused
from app.domain.signed import b64, sign, unb64, verify
from sync.customer_protocol import CheckAnswer, NewMessage, NewRequest
from tests.server.test_push import world_state
from tests.server.world import Companion, World, row_id


def request(n: int, **changes: Any) -> NewRequest:
    """A request for help."""
    fields = {
        "id": row_id(2000 + n).hex(),
        "message": row_id(3000 + n).hex(),
        "subject": "화면이 꺼져요",
        "body": "자꾸",
    }
    return NewRequest(**(fields | changes))


def enrol(world: World, code: str, key: bytes = b"k" * 32) -> tuple[int, str]:
    """Try to enrol; return status and the problem's word or the companion."""
    answer = world.client.post("/customer/v1/enrol", json={"code": code, "pubkey": b64(key)})
    body = answer.json()
    return answer.status_code, body.get("code") or body.get("companion")


def test_the_person_sees_whose_server_it_is_before_confirming(desk: World) -> None:
    """Looking does not use up the code."""
    code = desk.staff.enrolment_code(desk.clock(), "yerin@example.com", digits=False, life_s=60).code
    for _ in range(2):
        seen = desk.client.get("/customer/v1/organisation", params={"code": code})
        assert seen.json()["org_key"] == b64(desk.keys.organisation_public)
    assert enrol(desk, code)[0] == 200


def test_an_enrolment_code_works_once(world: World) -> None:
    """Another device gets the same answer as for a wrong code; the same device may ask again."""
    code = world.staff.enrolment_code(world.clock(), "한예린", digits=True, life_s=60).code
    assert len(code) == 10
    status, companion = enrol(world, code)
    assert status == 200
    assert enrol(world, code) == (200, companion)
    assert enrol(world, code, b"x" * 32) == enrol(world, "0000000000") == (404, "code")


def test_an_enrolment_code_ends_with_its_time(desk: World) -> None:
    """Expired looks like wrong."""
    code = desk.staff.enrolment_code(desk.clock(), desk.customer.hex(), digits=False, life_s=60).code
    desk.clock.forward(60)
    assert enrol(desk, code) == (404, "code")


def test_guessing_enrolment_codes_is_stopped(desk: World) -> None:
    """After five wrong ones even a right code answers alike for a while."""
    for n in range(5):
        assert enrol(desk, f"{n:010d}")[0] == 404
    code = desk.staff.enrolment_code(desk.clock(), desk.customer.hex(), digits=True, life_s=3600).code
    assert enrol(desk, code) == (404, "code")
    desk.clock.forward(901)
    assert enrol(desk, code)[0] == 200


def test_no_code_for_somebody_unknown(desk: World) -> None:
    """The administrator is told."""
    for who in ("nobody@example.com", "0" * 32, "아무개"):
        with pytest.raises(Refused, match="no_such_customer"):
            desk.staff.enrolment_code(desk.clock(), who, digits=False, life_s=60)


def test_at_each_sign_in_the_organisation_signs_whose_computer_it_is(desk: World) -> None:
    """A receipt of screen sharing carries that, and needs no server to be believed."""
    companion = desk.companion()
    nonce = desk.client.post("/customer/v1/challenge", json={"companion": companion.id}).json()["nonce"]
    signed = b64(sign(companion.key, "deskside-companion-1", unb64(nonce)))
    body = {"companion": companion.id, "nonce": nonce, "signature": signed}
    answer = desk.client.post("/customer/v1/token", json=body).json()
    nonce = b64(bytes(32))
    organisation = unb64(desk.client.post("/customer/v1/identity", json={"nonce": nonce}).json()["org_key"])
    found = read_device_certificate(SignedDocument.from_text(answer["certificate"]), organisation)
    assert (found.companion, found.device_key) == (companion.id, companion.key.public_key().public_bytes_raw())
    assert found.valid_at(desk.clock())


def test_only_the_device_key_opens_the_companions_account(desk: World) -> None:
    """A wrong signature, an old nonce and a made-up nonce are refused."""
    companion = desk.companion()
    nonce = desk.client.post("/customer/v1/challenge", json={"companion": companion.id}).json()["nonce"]

    def token(nonce: str, signed: bytes) -> int:
        body = {"companion": companion.id, "nonce": nonce, "signature": b64(signed)}
        return desk.client.post("/customer/v1/token", json=body).status_code

    good = sign(companion.key, "deskside-companion-1", unb64(nonce))
    assert token(nonce, good) == 200
    assert token(nonce, sign(companion.key, "deskside-cert-1", unb64(nonce))) == 401
    made_up = b64(desk.clock().to_bytes(8, "big") + b"x" * 48)
    assert token(made_up, sign(companion.key, "deskside-companion-1", unb64(made_up))) == 401
    desk.clock.forward(61)
    assert token(nonce, good) == 401


def test_the_server_shows_whose_it_is_before_a_companion_says_who_it_is(desk: World) -> None:
    """The organisation key with its signature over the companion's own number, for anybody; nonsense is refused."""
    nonce = bytes(range(32))
    seen = desk.client.post("/customer/v1/identity", json={"nonce": b64(nonce)}).json()
    assert seen["org_key"] == b64(desk.keys.organisation_public)
    assert verify(desk.keys.organisation_public, "deskside-server-1", nonce, unb64(seen["signature"]))
    for wrong in ("", b64(bytes(31)), "?"):
        assert desk.client.post("/customer/v1/identity", json={"nonce": wrong}).status_code == 400


def test_a_request_becomes_one_ticket_however_often_it_is_sent(world: World) -> None:
    """The row's own id is the key; the number is told each time."""
    companion, kim = world.companion(), world.agent("kim")
    answers = [companion.post("/customer/v1/request", request(1)).json() for _ in range(3)]
    assert answers == [{"id": row_id(2001).hex(), "number": 10001}] * 3
    kim.pull()
    (ticket,) = kim.copy.of(TICKET.number)
    assert (ticket["channel"], ticket["customer"], ticket["last_in_no"]) == ("companion", world.customer, 1)
    assert [h["actor_kind"] for h in kim.copy.of(HISTORY.number)] == [
        "customer",
        "server",
    ]  # the request, and what was told of the wait


def test_the_customer_reads_replies_and_never_notes(world: World) -> None:
    """Notes, other customers' tickets and staff data do not appear in the home."""
    kim, companion = world.agent("kim"), world.companion()
    ticket = kim.ticket(1)
    kim.do(kim.note(ticket, "비밀 메모"))
    kim.do(kim.reply(ticket, "고쳤습니다"))
    kim.ticket(2, customer=world.other_customer, subject="남의 문의")
    home = companion.get("/customer/v1/home")
    assert "비밀" not in home.text
    assert "남의" not in home.text
    (seen,) = home.json()["tickets"]
    assert [(m["direction"], m["author"], m["body"]) for m in seen["messages"]] == [
        ("in", "한예린", "도와주세요"),
        ("out", "김지우", "고쳤습니다"),
    ]
    assert (seen["number"], seen["category"], seen["state_en"]) == (10001, "open", "Open")


def test_an_unchanged_home_is_not_sent_again(desk: World) -> None:
    """304 by ETag, whatever the time."""
    companion, kim = desk.companion(), desk.agent("kim")
    tag = companion.get("/customer/v1/home").headers["etag"]
    desk.clock.forward(30)
    assert companion.get("/customer/v1/home", {"if-none-match": tag}).status_code == 304
    kim.ticket()
    assert companion.get("/customer/v1/home", {"if-none-match": tag}).status_code == 200


def test_a_message_of_the_customer_wakes_the_ticket(desk: World) -> None:
    """Waiting for the customer ends with the customer's words."""
    kim, companion = desk.agent("kim"), desk.companion()
    ticket = kim.ticket()
    kim.do(kim.reply(ticket))
    kim.do(TicketSet(kim.fresh(), ticket, {"state": world_state(desk, "waiting_customer")}))
    ask = NewMessage(id=row_id(9).hex(), ticket=ticket.hex(), body="아직 안 돼요")
    for _ in range(2):
        assert companion.post("/customer/v1/message", ask).status_code == 200
    kim.pull()
    assert kim.row(ticket)["state"] == world_state(desk, "open")
    assert kim.row(ticket)["msg_seq"] == 3


@pytest.mark.parametrize(("solved", "well", "opens"), [(True, True, False), (False, None, True), (True, False, True)])
def test_the_two_questions_are_asked_once_of_a_solved_ticket_and_either_no_opens_it_again(
    desk: World, solved: bool, well: bool | None, opens: bool
) -> None:
    """However often the answer is sent; the agent finds it on the ticket with the customer's words."""
    kim, companion = desk.agent("kim"), desk.companion()
    ticket = kim.ticket()

    def asked() -> bool:
        (view,) = companion.get("/customer/v1/home").json()["tickets"]
        return bool(view["asked"])

    assert not asked()
    kim.do(kim.reply(ticket))
    kim.do(TicketSet(kim.fresh(), ticket, {"state": world_state(desk, "solved")}))
    assert asked()
    desk.clock.forward(60)
    ask = CheckAnswer(id=row_id(9).hex(), ticket=ticket.hex(), solved=solved, treated_well=well, comment="또 멈춰요")
    for _ in range(2):
        assert companion.post("/customer/v1/check", ask).status_code == 200
    assert not asked()
    kim.pull()
    assert kim.row(ticket)["state"] == world_state(desk, "open" if opens else "solved")
    (answer,) = kim.copy.of(SURVEY_ANSWER.number)
    assert (answer["solved"], answer["treated_well"], answer["comment"], answer["told_to"]) == (
        solved, well, "또 멈춰요", None
    )  # fmt: skip
    stranger = desk.companion(desk.other_customer)
    assert stranger.post("/customer/v1/check", ask).status_code == 404
    none = CheckAnswer(id=row_id(10).hex(), ticket=ticket.hex())
    assert companion.post("/customer/v1/check", none).json()["code"] == "bad_value"


def test_a_message_on_a_closed_ticket_opens_a_new_one_that_follows_it(world: World) -> None:
    """What the customer writes is never added where nobody looks."""
    kim, companion = world.agent("kim"), world.companion()
    ticket = kim.ticket()
    fields = {"state": world_state(world, "closed"), "close_reason": "duplicate"}
    assert kim.do(TicketSet(kim.fresh(), ticket, fields)) == ("ok", None)
    ask = NewMessage(id=row_id(9).hex(), ticket=ticket.hex(), body="다시 고장")
    answers = [companion.post("/customer/v1/message", ask).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["number"] == 10002
    kim.pull()
    assert len(kim.copy.of(TICKET.number)) == 2
    (link,) = kim.copy.of(MEMBERSHIP.number)
    assert (link["kind"], link["member"], link["subject"].hex()) == ("link", ticket, answers[0]["id"])


def test_a_customer_cannot_write_on_a_strangers_ticket(desk: World) -> None:
    """404, as if it did not exist; a malformed id is 400, an empty text 409 by its rule."""
    kim, companion = desk.agent("kim"), desk.companion()
    ticket = kim.ticket(2, customer=desk.other_customer)
    ask = NewMessage(id=row_id(9).hex(), ticket=ticket.hex(), body="안녕")
    assert companion.post("/customer/v1/message", ask).status_code == 404
    assert companion.post("/customer/v1/request", request(1, id="xyz")).status_code == 400
    empty = companion.post("/customer/v1/request", request(1, body=" "))
    assert (empty.status_code, empty.json()["code"]) == (409, "empty_text")
    assert companion.post("/customer/v1/request", request(1)).status_code == 200
    stranger = desk.companion(desk.other_customer)
    kim.pull()
    assert row_id(2001).hex() not in stranger.get("/customer/v1/home").text


def test_words_written_offline_keep_the_time_they_were_written(desk: World) -> None:
    """And never a time of the future."""
    companion, kim = desk.companion(), desk.agent("kim")
    companion.post("/customer/v1/request", request(1, written_at=desk.clock() - 60_000))
    companion.post("/customer/v1/request", request(2, written_at=desk.clock() + 60_000))
    kim.pull()
    assert [t["last_at"] for t in kim.copy.of(TICKET.number)] == [desk.clock() - 60_000, desk.clock()]


def test_a_customer_who_is_blocked_writes_nothing_more(desk: World) -> None:
    """Told 403 like at the home; what was accepted before is still known when it is sent again."""
    kim, companion = desk.agent(), desk.companion()
    first = companion.post("/customer/v1/request", request(1))
    assert first.status_code == 200
    assert kim.do(CustomerSet(kim.fresh(), desk.customer, {"blocked_reason": "abuse"})) == ("ok", None)
    ticket = first.json()["id"]
    words = NewMessage(id=row_id(700).hex(), ticket=ticket, body="그래도 씁니다", written_at=0)
    for path, body in (("request", request(2)), ("message", words)):
        answer = companion.post(f"/customer/v1/{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (403, "suspended")
    assert companion.post("/customer/v1/request", request(1)).json() == first.json()
    kim.pull()
    assert len(kim.copy.of(MESSAGE.number)) == 1
    assert kim.do(CustomerSet(kim.fresh(), desk.customer, {"blocked_reason": None})) == ("ok", None)
    assert companion.post("/customer/v1/message", words).status_code == 200


def test_a_request_that_names_a_strangers_ticket_changes_and_shows_nothing_of_it(desk: World) -> None:
    """Its id may be known: it was the customer's once, or his own was merged into it. Words and subject stay as is."""
    kim, companion = desk.agent(), desk.companion()
    theirs = kim.ticket(1, customer=desk.other_customer, body="between Tom and us")
    own = kim.ticket(2)
    assert kim.do(TicketMerge(kim.fresh(), own, theirs)) == ("ok", None)
    kim.pull()
    before = kim.row(theirs)
    for n, known in ((2, theirs.hex()), (3, own.hex())):
        forged = request(n, id=known, subject="mine now", body="let me see")
        answer = companion.post("/customer/v1/request", forged)
        assert (answer.status_code, answer.json()["code"]) == (409, "id_taken")
    kim.pull()
    assert kim.row(theirs) == before
    assert "between Tom and us" not in companion.get("/customer/v1/home").text


def test_words_to_a_request_that_was_joined_to_anothers_come_as_a_request_of_ones_own(desk: World) -> None:
    """They are never stored as the other customer's words, and agents answer the one who wrote them."""
    kim, companion = desk.agent(), desk.companion()
    theirs = kim.ticket(1, customer=desk.other_customer, body="between Tom and us")
    own = kim.ticket(2)
    assert kim.do(TicketMerge(kim.fresh(), own, theirs)) == ("ok", None)
    words = NewMessage(id=row_id(701).hex(), ticket=own.hex(), body="제 프린터는 그대로입니다", written_at=0)
    assert companion.post("/customer/v1/message", words).status_code == 200
    kim.pull()
    (stored,) = [row for row in kim.copy.of(MESSAGE.number) if row["body"] == words.body]
    assert stored["ticket"] not in (own, theirs)
    assert kim.row(stored["ticket"])["customer"] == desk.customer


def test_a_customer_who_writes_faster_than_a_person_can_waits(desk: World) -> None:
    """A program in its place must not fill the agents' day; what it wrote comes later, others are not held."""
    yerin, tom = desk.companion(), desk.companion(desk.other_customer)

    def ask(who: Companion, n: int) -> Any:
        return who.post("/customer/v1/request", request(n))

    assert {ask(yerin, n).status_code for n in range(60)} == {200}
    held = ask(yerin, 60)
    assert (held.status_code, held.json()["code"], held.headers["retry-after"]) == (429, "busy", "301")
    assert ask(tom, 61).status_code == 200
    desk.clock.forward(301)
    assert ask(yerin, 60).status_code == 200
