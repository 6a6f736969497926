# SPDX-License-Identifier: GPL-3.0-or-later
"""What each change does to a ticket, alike on client and server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain import changes as c
from app.domain.entities import (
    CONTACT_ADDRESS,
    HISTORY,
    MEMBERSHIP,
    MESSAGE,
    NOTE,
    SESSION_RECORD,
    TICKET,
    Category,
    team_scope,
)
from app.domain.errors import Refused
from app.domain.ids import derived_id, hlc_of, uuid7
from tests.fakes.rows import CUSTOMER_ID, STATES, TEAM_ID, TICKET_ID, MemoryRows, event


@pytest.fixture
def rows() -> MemoryRows:
    memory = MemoryRows()
    memory.run(
        c.TicketCreate(event(1), TICKET_ID, "프린터가 멈춰요", TEAM_ID, CUSTOMER_ID, b"m" * 16, "두 장 뒤에 멈춥니다.")
    )
    return memory


def ticket(rows: MemoryRows) -> c.Row:
    row = rows.get(TICKET.number, TICKET_ID)
    assert row is not None
    return row


def lines(rows: MemoryRows) -> list[str]:
    return [str(r.values["kind"]) for r in rows.rows.values() if r.type == HISTORY.number]


def test_a_new_ticket_has_its_first_message_and_one_opened_line(rows: MemoryRows) -> None:
    """The ticket, message 1 and the history stand in the team's scope."""
    row = ticket(rows)
    assert row.scope == team_scope(TEAM_ID)
    assert (row.values["msg_seq"], row.values["last_in_no"], row.values["last_out_no"]) == (1, 1, 0)
    assert row.values["preview"] == "두 장 뒤에 멈춥니다."
    assert lines(rows) == ["opened"]


def test_a_reply_takes_the_next_number_and_opens_a_new_ticket(rows: MemoryRows) -> None:
    """Writing is taking: new becomes open, and the list shows the newest words."""
    rows.run(c.MessageAdd(event(2), b"r" * 16, TICKET_ID, "확인해 보겠습니다.", seen_seq=1))
    row = ticket(rows)
    assert (row.values["msg_seq"], row.values["last_out_no"]) == (2, 2)
    assert row.values["state"] == STATES[Category.OPEN]
    assert rows.rows[(MESSAGE.number, b"r" * 16)].values["msg_no"] == 2


def test_the_same_reply_twice_is_one_reply(rows: MemoryRows) -> None:
    """Inserts are idempotent by id."""
    change = c.MessageAdd(event(2), b"r" * 16, TICKET_ID, "한 번만", seen_seq=1)
    rows.run(change)
    before = dict(rows.rows)
    rows.run(change)
    assert rows.rows == before


def test_a_customer_message_wakes_a_solved_ticket(rows: MemoryRows) -> None:
    """Nobody's answer is left in a solved ticket unseen."""
    rows.run(c.MessageAdd(event(2), b"r" * 16, TICKET_ID, "해결했습니다.", seen_seq=1))
    rows.run(c.TicketSet(event(3), TICKET_ID, {"state": STATES[Category.SOLVED]}))
    rows.run(c.MessageAdd(event(4), b"s" * 16, TICKET_ID, "아직 안 돼요", inbound=True))
    assert ticket(rows).values["state"] == STATES[Category.OPEN]


def test_a_note_never_becomes_a_message(rows: MemoryRows) -> None:
    """A note has another table, no number and no recipient."""
    rows.run(c.NoteAdd(event(2), b"n" * 16, TICKET_ID, "내부 확인"))
    assert (NOTE.number, b"n" * 16) in rows.rows
    assert ticket(rows).values["msg_seq"] == 1


def test_solving_without_an_answer_is_refused(rows: MemoryRows) -> None:
    """The same rule on client and server: reply first."""
    with pytest.raises(Refused) as caught:
        rows.run(c.TicketSet(event(2), TICKET_ID, {"state": STATES[Category.SOLVED]}))
    assert caught.value.code == "reply_first"


def test_fields_of_the_server_cannot_be_set(rows: MemoryRows) -> None:
    """Numbers and derived columns are read-only to people."""
    for name, value in {"number": 7, "msg_seq": 7, "team": TEAM_ID, "merged_into": TEAM_ID}.items():
        with pytest.raises(Refused) as caught:
            rows.run(c.TicketSet(event(2), TICKET_ID, {name: value}))
        assert caught.value.code == "read_only"


@pytest.mark.parametrize(
    "fields",
    [{"priority": 9}, {"priority": "high"}, {"owner": b"short"}, {"state": None}, {"subject": ""}, {"tier": 2**70}],
)
def test_values_of_the_wrong_shape_are_refused(rows: MemoryRows, fields: dict[str, object]) -> None:
    """Nothing that is not the column's type reaches a row."""
    before = dict(rows.rows)
    with pytest.raises(Refused):
        rows.run(c.TicketSet(event(2), TICKET_ID, fields))
    with pytest.raises(Refused):
        rows.run(c.NoteAdd(event(3), b"short id", TICKET_ID, "메모"))
    assert rows.rows == before


def test_an_edit_on_an_unseen_newer_value_keeps_both_values(rows: MemoryRows) -> None:
    """The later intent stays, the other is in the history with the field's old value."""
    rows.run(c.TicketSet(event(2), TICKET_ID, {"priority": 3}), {"priority": (1, 0)}, hlc=hlc_of(5000))
    lost = rows.run(c.TicketSet(event(3), TICKET_ID, {"priority": 1}), {"priority": (1, 0)}, device="Z9")
    assert lost.st == "conflict"
    assert ticket(rows).values["priority"] == 3
    assert "gave_way" in lines(rows)
    won = rows.run(c.TicketSet(event(4), TICKET_ID, {"priority": 4}), {"priority": (1, 0)}, hlc=hlc_of(9000))
    assert won.st == "merged"
    assert ticket(rows).values["priority"] == 4


def test_two_offline_edits_of_one_field_do_not_conflict_with_each_other(rows: MemoryRows) -> None:
    """`after` names the own pending edit that the second one was made on."""
    rows.run(c.TicketSet(event(2), TICKET_ID, {"priority": 3}), {"priority": (1, 0)}, mid=7)
    second = rows.run(c.TicketSet(event(3), TICKET_ID, {"priority": 1}), {"priority": (1, 7)}, mid=8)
    assert second.st == "ok"
    assert ticket(rows).values["priority"] == 1


def test_undo_restores_the_state_whatever_the_table_says(rows: MemoryRows) -> None:
    """open -> waiting -> undo goes back, also where the table has no such way."""
    rows.run(c.MessageAdd(event(2), b"r" * 16, TICKET_ID, "답", seen_seq=1))
    solve = c.TicketSet(event(3), TICKET_ID, {"state": STATES[Category.SOLVED]})
    undo = c.inverse(solve, rows.get, event(4))
    rows.run(solve)
    assert undo is not None
    rows.run(undo)
    assert ticket(rows).values["state"] == STATES[Category.OPEN]


def test_tags_are_single_memberships(rows: MemoryRows) -> None:
    """Adding twice is one row; removing keeps the row with present = false."""
    rows.run(c.MemberSet(event(2), TICKET_ID, "tag", b"g" * 16))
    rows.run(c.MemberSet(event(3), TICKET_ID, "tag", b"g" * 16))
    rows.run(c.MemberSet(event(4), TICKET_ID, "tag", b"g" * 16, present=False))
    found = [r for r in rows.rows.values() if r.type == MEMBERSHIP.number]
    assert [r.values["present"] for r in found] == [False]
    assert lines(rows).count("member") == 2


def test_a_session_entry_handed_in_by_both_ends_stands_once(rows: MemoryRows) -> None:
    """The row and its history line are named by the entry's hash, not by who brought it."""
    entry = c.SessionRecordAdd(event(2), TICKET_ID, b"s" * 16, 1, "consent", '{"n":1}', b"h" * 32, 1500)
    rows.run(entry)
    rows.run(replace(entry, event=event(9)))
    assert sum(r.type == SESSION_RECORD.number for r in rows.rows.values()) == 1
    assert lines(rows).count("session.consent") == 1


def test_ids_sort_by_time_and_carry_version_7() -> None:
    """UUIDv7 as in RFC 9562."""
    one, two = uuid7(1_700_000_000_000, b"\xff" * 10), uuid7(1_700_000_000_001, bytes(10))
    assert one < two
    assert one[6] >> 4 == 7
    assert one[8] >> 6 == 0b10
    assert derived_id(one, "x") == derived_id(one, "x") != derived_id(two, "x")


def test_a_call_stands_at_the_time_it_took_place_and_never_later_than_it_was_written_down(rows: MemoryRows) -> None:
    """A visit of Monday that is written down on Thursday is a message of Monday; a clock ahead makes no future."""
    rows.run(c.MessageAdd(event(2), b"v" * 16, TICKET_ID, "방문했습니다", channel="visit", occurred_at=400))
    rows.run(c.MessageAdd(event(3), b"w" * 16, TICKET_ID, "전화", channel="phone", inbound=True, occurred_at=99_000))
    assert [rows.rows[(MESSAGE.number, id_)].values["occurred_at"] for id_ in (b"v" * 16, b"w" * 16)] == [400, 1000]
    assert rows.refusal(c.MessageAdd(event(4), b"x" * 16, TICKET_ID, "?", occurred_at=-1)) == "bad_value"


def test_the_reason_of_a_hand_over_stands_in_the_history_and_goes_to_servers_that_know_it(rows: MemoryRows) -> None:
    """One line of up to 200 letters; without one an older server takes the change as before."""
    handed = c.TicketSet(event(2), TICKET_ID, {"owner": b"o" * 16, "tier": 2}, reason="인증서 문제")
    assert (c.version_of(handed), c.version_of(replace(handed, reason=""))) == (2, 1)
    rows.run(handed)
    told = [r.values["data"] for r in rows.rows.values() if r.type == HISTORY.number and r.values["kind"] == "field"]
    assert [("인증서 문제" in str(data)) for data in told] == [True, True]
    assert rows.refusal(replace(handed, event=event(3), reason="a\nb")) == "bad_value"


def test_a_customer_made_by_phone_can_be_reached_again_and_nobody_has_an_address_twice(rows: MemoryRows) -> None:
    """Number and address stand with the customer; one that is taken stays where it is."""
    rows.run(c.CustomerCreate(event(2), b"p" * 16, "박민수", phone=" 010-0000-1234 ", email="Park@Example.com"))
    rows.run(c.CustomerCreate(event(3), b"q" * 16, "다른 박민수", phone="010-0000-1234"))
    found = [r.values for r in rows.rows.values() if r.type == CONTACT_ADDRESS.number]
    assert sorted((v["customer"], v["kind"], v["value"]) for v in found) == [
        (b"p" * 16, "email", "park@example.com"),
        (b"p" * 16, "phone", "+821000001234"),
    ]
