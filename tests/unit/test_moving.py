# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving, deleting, merging and splitting tickets: everything goes along, and everything can come back."""

from __future__ import annotations

import pytest

from app.domain import changes as c
from app.domain.entities import (
    CONTACT_ADDRESS,
    CUSTOMER,
    HISTORY,
    MEMBERSHIP,
    MESSAGE,
    NOTE,
    SESSION_RECORD,
    TICKET,
    TIME_ENTRY,
    Category,
    Value,
    customer_scope,
    team_scope,
)
from app.domain.ids import hlc_of
from tests.fakes.rows import (
    CUSTOMER_ID,
    SOUTH_ID,
    STATES,
    TEAM_ID,
    TICKET_ID,
    MemoryRows,
    event,
    new_ticket,
)

OTHER, NEW, THIRD = b"o" * 16, b"n" * 16, b"q" * 16
TAG, WATCHER = b"g" * 16, b"w" * 16


@pytest.fixture
def rows() -> MemoryRows:
    """A ticket with one of everything that hangs on it."""
    memory = MemoryRows()
    new_ticket(memory)
    memory.run(c.MessageAdd(event(2), b"2" * 16, TICKET_ID, "확인해 보겠습니다.", seen_seq=1))
    memory.run(c.NoteAdd(event(3), b"3" * 16, TICKET_ID, "내부 메모"))
    memory.run(c.TimeAdd(event(4), b"4" * 16, TICKET_ID, 25, "전화"))
    memory.run(c.MemberSet(event(5), TICKET_ID, "tag", TAG))
    memory.run(c.SessionRecordAdd(event(6), TICKET_ID, b"s" * 16, 1, "consent", "{}", b"h" * 32, 1500))
    return memory


def numbers(rows: MemoryRows, ticket: bytes) -> list[tuple[object, object]]:
    """Message numbers and bodies of a ticket."""
    found = rows.find(MESSAGE.number, "ticket", ticket)
    return sorted((r.values["msg_no"], r.values["body"]) for r in found)


def snapshot(rows: MemoryRows) -> dict[tuple[int, bytes], tuple[object, ...]]:
    """Where every row stands, but for history lines and revisions."""
    return {k: (r.scope, r.deleted, r.values.get("ticket")) for k, r in rows.rows.items() if k[0] != HISTORY.number}


def test_a_moved_ticket_takes_everything_to_the_other_team(rows: MemoryRows) -> None:
    """No message, note, tag, record, time entry or line stays behind; the line of the move is there too."""
    rows.run(c.TicketMove(event(9), TICKET_ID, SOUTH_ID))
    assert rows.home(TICKET_ID) == {team_scope(SOUTH_ID)}
    assert rows.ticket().values["team"] == SOUTH_ID
    assert rows.lines().count("field") == 1
    assert rows.refusal(c.TicketMove(event(10), TICKET_ID, b"x" * 16)) == "no_such_team"


def test_two_moves_at_once_end_in_one_team_with_all_rows(rows: MemoryRows) -> None:
    """The later intent wins; the one that lost moves nothing."""
    rows.run(c.TicketMove(event(9), TICKET_ID, SOUTH_ID), {"team": (1, 0)}, hlc=hlc_of(9000))
    lost = rows.run(c.TicketMove(event(10), TICKET_ID, TEAM_ID), {"team": (1, 0)}, hlc=hlc_of(8000), device="Z9")
    assert lost.st == "conflict"
    assert rows.home(TICKET_ID) == {team_scope(SOUTH_ID)}


def test_a_move_is_undone_by_moving_back(rows: MemoryRows) -> None:
    """The inverse names the team it came from."""
    move = c.TicketMove(event(9), TICKET_ID, SOUTH_ID)
    undo = c.inverse(move, rows.get, event(10))
    rows.run(move)
    assert undo is not None
    rows.run(undo)
    assert rows.home(TICKET_ID) == {team_scope(TEAM_ID)}


def test_a_deleted_ticket_is_gone_with_its_children_and_comes_back_with_them(rows: MemoryRows) -> None:
    """Nothing of a deleted ticket is left alone in sight; restoring brings back all of it."""
    before = snapshot(rows)
    rows.run(c.TicketDelete(event(9), TICKET_ID))
    assert c.children(rows, TICKET_ID) == []
    assert rows.ticket().deleted
    rows.run(c.TicketDelete(event(10), TICKET_ID))  # twice is once
    rows.run(c.TicketDelete(event(11), THIRD))  # and what is not there is no error
    rows.run(c.TicketRestore(event(12), TICKET_ID))
    assert snapshot(rows) == before
    assert {"deleted", "restored"} <= set(rows.lines(TICKET_ID))


def test_a_merge_moves_all_but_history_and_the_target_takes_the_numbers_on(rows: MemoryRows) -> None:
    """Messages continue the target's numbers, in their order; tags are added; the source points to the target."""
    new_ticket(rows, OTHER, 20, team=SOUTH_ID, subject="복합기")
    done = rows.run(c.TicketMerge(event(21), TICKET_ID, OTHER))
    assert done.st == "ok"
    assert numbers(rows, OTHER) == [(1, "두 장 뒤에 멈춥니다."), (2, "두 장 뒤에 멈춥니다."), (3, "확인해 보겠습니다.")]
    assert rows.ticket(OTHER).values["msg_seq"] == 3
    assert rows.home(OTHER) == {team_scope(SOUTH_ID)}
    for entity in (MESSAGE, NOTE, TIME_ENTRY, SESSION_RECORD):
        assert rows.find(entity.number, "ticket", TICKET_ID) == []
    source = rows.ticket()
    assert (source.values["merged_into"], source.values["state"]) == (OTHER, STATES[Category.MERGED])
    assert source.scope == team_scope(TEAM_ID)
    assert "opened" in rows.lines(TICKET_ID)
    tags = [r for r in rows.find(MEMBERSHIP.number, "subject", OTHER) if r.values["present"]]
    assert [r.values["member"] for r in tags] == [TAG]
    assert "merged_in" in rows.lines(OTHER)


def test_the_same_merge_again_and_the_crosswise_one_change_nothing(rows: MemoryRows) -> None:
    """Of two crosswise merges one holds and one is refused."""
    new_ticket(rows, OTHER, 20)
    merge = c.TicketMerge(event(21), TICKET_ID, OTHER)
    rows.run(merge)
    before = dict(rows.rows)
    rows.run(merge)
    assert rows.refusal(c.TicketMerge(event(22), OTHER, TICKET_ID)) == "merged"
    assert rows.refusal(c.TicketMerge(event(23), OTHER, OTHER)) == "merge_refused"
    assert rows.rows == before


def test_unmerging_brings_everything_back_and_only_that(rows: MemoryRows) -> None:
    """Also what arrived through the source since; tags that the merge added go, if nobody touched them."""
    new_ticket(rows, OTHER, 20)
    rows.run(c.MemberSet(event(21), TICKET_ID, "watcher", WATCHER))
    before, state = snapshot(rows), rows.ticket().values["state"]
    rows.run(c.TicketMerge(event(22), TICKET_ID, OTHER))
    rows.run(c.MemberSet(event(23), OTHER, "watcher", WATCHER), hlc=hlc_of(5000))
    rows.run(c.MemberSet(event(24), OTHER, "watcher", WATCHER, present=False), hlc=hlc_of(6000))
    rows.run(c.MessageAdd(event(25), b"5" * 16, TICKET_ID, "또 멈춰요", inbound=True))
    assert rows.row(MESSAGE.number, b"5" * 16).values["arrived_via"] == TICKET_ID
    rows.run(c.TicketUnmerge(event(26), TICKET_ID))
    after = snapshot(rows)
    assert {k: v for k, v in after.items() if k in before} == before
    assert after[(MESSAGE.number, b"5" * 16)][2] == TICKET_ID
    assert (rows.ticket().values["merged_into"], rows.ticket().values["state"]) == (None, state)
    assert [n for n, _ in numbers(rows, TICKET_ID)] == [3, 4, 5]  # numbers are never used twice
    assert numbers(rows, OTHER) == [(1, "두 장 뒤에 멈춥니다.")]
    assert not [r for r in rows.find(MEMBERSHIP.number, "subject", OTHER) if r.values["present"]]
    assert rows.refusal(c.TicketUnmerge(event(27), TICKET_ID)) == "not_merged"


def test_chains_of_merges_stay_one_hop_and_come_apart_again(rows: MemoryRows) -> None:
    """A into B, B into C: A points to C; B unmerged takes A's rows back and A points to B."""
    new_ticket(rows, OTHER, 20)
    new_ticket(rows, THIRD, 30)
    rows.run(c.TicketMerge(event(31), TICKET_ID, OTHER))
    rows.run(c.TicketMerge(event(32), OTHER, THIRD))
    assert rows.ticket().values["merged_into"] == THIRD
    assert len(numbers(rows, THIRD)) == 4
    rows.run(c.TicketUnmerge(event(33), OTHER))
    assert rows.ticket().values["merged_into"] == OTHER
    assert (len(numbers(rows, OTHER)), len(numbers(rows, THIRD))) == (3, 1)
    rows.run(c.TicketUnmerge(event(34), TICKET_ID))
    assert len(numbers(rows, TICKET_ID)) == 2


def test_what_was_split_away_stays_when_a_merge_is_undone(rows: MemoryRows) -> None:
    """Unmerge moves back the rows that a person did not put elsewhere since."""
    new_ticket(rows, OTHER, 20)
    rows.run(c.TicketMerge(event(21), TICKET_ID, OTHER))
    rows.run(c.TicketSplit(event(22), OTHER, NEW, (b"2" * 16,), "두 번째 문제"))
    rows.run(c.TicketUnmerge(event(23), TICKET_ID))
    assert [body for _, body in numbers(rows, NEW)] == ["확인해 보겠습니다."]
    assert len(numbers(rows, TICKET_ID)) == 1


def test_a_question_without_an_answer_wakes_the_ticket_it_is_merged_into(rows: MemoryRows) -> None:
    """As if the customer had written there."""
    new_ticket(rows, OTHER, 20)
    rows.run(c.MessageAdd(event(21), b"6" * 16, TICKET_ID, "끝났습니다."))
    rows.run(c.TicketSet(event(22), TICKET_ID, {"state": STATES[Category.SOLVED]}))
    rows.run(c.TicketMerge(event(23), OTHER, TICKET_ID))
    target = rows.ticket()
    assert target.values["state"] == STATES[Category.OPEN]
    assert int(str(target.values["last_in_no"])) > int(str(target.values["last_out_no"]))


def test_what_names_a_merged_ticket_goes_to_the_target(rows: MemoryRows) -> None:
    """Notes, time, tags and session entries too; on the author's own computer a reply is refused, its text kept."""
    new_ticket(rows, OTHER, 20)
    rows.run(c.TicketMerge(event(21), TICKET_ID, OTHER))
    rows.run(c.NoteAdd(event(22), b"7" * 16, TICKET_ID, "늦은 메모"))
    rows.run(c.TimeAdd(event(23), b"8" * 16, TICKET_ID, 5))
    rows.run(c.MemberSet(event(24), TICKET_ID, "tag", WATCHER))
    rows.run(c.SessionRecordAdd(event(25), TICKET_ID, b"s" * 16, 2, "end", "{}", b"i" * 32, 1600))
    note = rows.row(NOTE.number, b"7" * 16)
    assert (note.values["ticket"], note.values["arrived_via"]) == (OTHER, TICKET_ID)
    assert rows.row(TIME_ENTRY.number, b"8" * 16).values["ticket"] == OTHER
    assert c.membership_id(OTHER, "tag", WATCHER) in {r.id for r in rows.find(MEMBERSHIP.number, "subject", OTHER)}
    assert rows.refusal(c.MessageAdd(event(26), b"9" * 16, TICKET_ID, "답"), on_server=False) == "merged"
    assert rows.refusal(c.TicketSet(event(27), TICKET_ID, {"priority": 3})) == "merged"


def test_a_split_makes_a_ticket_of_the_chosen_messages(rows: MemoryRows) -> None:
    """Same customer and team, own numbers from 1, linked both ways; merging back undoes it."""
    split = c.TicketSplit(event(21), TICKET_ID, NEW, (b"2" * 16, b"3" * 16, b"z" * 16), "다른 문제", "~K7-3")
    undo = c.inverse(split, rows.get, event(22))
    rows.run(split)
    new = rows.ticket(NEW)
    assert (new.values["customer"], new.values["team"], new.values["msg_seq"]) == (CUSTOMER_ID, TEAM_ID, 1)
    assert new.values["aliases"] == '["~K7-3"]'
    assert numbers(rows, NEW) == [(1, "확인해 보겠습니다.")]
    moved = rows.row(MESSAGE.number, b"2" * 16)
    assert (moved.values["ticket"], moved.values["origin_ticket"]) == (NEW, TICKET_ID)
    assert rows.row(NOTE.number, b"3" * 16).values["ticket"] == NEW
    assert (rows.ticket().values["msg_seq"], rows.ticket().values["last_out_no"]) == (2, 0)
    links = [r.values["member"] for r in rows.find(MEMBERSHIP.number, "subject", NEW)]
    assert links == [TICKET_ID]
    before = dict(rows.rows)
    rows.run(split)
    assert rows.rows == before
    assert undo is not None
    rows.run(undo)
    assert len(numbers(rows, TICKET_ID)) == 2


def test_an_empty_split_is_refused(rows: MemoryRows) -> None:
    """Nothing chosen, or nothing of it is here any more."""
    assert rows.refusal(c.TicketSplit(event(21), TICKET_ID, NEW, (), "x")) == "bad_value"
    assert rows.refusal(c.TicketSplit(event(21), TICKET_ID, NEW, (b"z" * 16,), "x")) == "no_such_message"
    assert rows.refusal(c.TicketSplit(event(21), TICKET_ID, NEW, (b"2" * 16,), "  ")) == "empty_text"


def customers(rows: MemoryRows) -> None:
    for n, (customer, mails) in enumerate({CUSTOMER_ID: ["a@x", "b@x"], WATCHER: ["b@x"]}.items()):
        rows.run(c.CustomerCreate(event(40 + n), customer, f"고객 {n}"))
        for mail in mails:
            id_ = bytes([n, ord(mail[0])]) * 8
            values: dict[str, Value] = {"customer": customer, "kind": "email", "value": mail, "is_primary": True}
            rows.put(c.Row(CONTACT_ADDRESS.number, id_, customer_scope(customer), values))


def test_merged_customers_leave_no_row_without_a_customer(rows: MemoryRows) -> None:
    """Tickets and addresses move, what both had stays once, and what names the old one means the new."""
    customers(rows)
    new_ticket(rows, THIRD, 45)
    rows.run(c.TicketDelete(event(46), THIRD))
    rows.run(c.CustomerMerge(event(50), CUSTOMER_ID, WATCHER))
    assert rows.ticket(THIRD).values["customer"] == WATCHER  # it may be restored
    assert rows.find(TICKET.number, "customer", CUSTOMER_ID, deleted=True) == []
    assert rows.find(CONTACT_ADDRESS.number, "customer", CUSTOMER_ID) == []
    kept = rows.find(CONTACT_ADDRESS.number, "customer", WATCHER)
    assert sorted(str(r.values["value"]) for r in kept) == ["a@x", "b@x"]
    assert [r.values["is_primary"] for r in kept].count(True) == 1
    assert {r.scope for r in kept} == {customer_scope(WATCHER)}
    new_ticket(rows, OTHER, 60)
    assert rows.ticket(OTHER).values["customer"] == WATCHER
    assert rows.refusal(c.CustomerMerge(event(51), CUSTOMER_ID, WATCHER)) == "merged"


def test_creating_what_exists_is_repaired_not_rejected(rows: MemoryRows) -> None:
    """Same id, other words: nothing is lost. Append-only data get an id of their own, fields are settled as edits."""
    again = rows.run(c.NoteAdd(event(70), b"3" * 16, TICKET_ID, "다른 메모"))
    other = bytes.fromhex(again.told["id"])
    assert rows.row(NOTE.number, other).values["body"] == "다른 메모"
    assert rows.row(NOTE.number, b"3" * 16).values["body"] == "내부 메모"
    before = dict(rows.rows)
    rows.run(c.NoteAdd(event(70), b"3" * 16, TICKET_ID, "다른 메모"))
    assert rows.rows == before
    create = c.TicketCreate(event(71), TICKET_ID, "다른 제목", TEAM_ID, CUSTOMER_ID, b"a" * 16, "다른 말", priority=4)
    rows.run(create, hlc=hlc_of(9000))
    assert (rows.ticket().values["subject"], rows.ticket().values["priority"]) == ("다른 제목", 4)
    assert rows.row(MESSAGE.number, b"a" * 16).values["msg_no"] == 3
    customers(rows)
    rows.run(c.CustomerCreate(event(72), CUSTOMER_ID, "새 이름"))
    assert rows.row(CUSTOMER.number, CUSTOMER_ID).values["name"] == "새 이름"


@pytest.mark.parametrize(
    "change",
    [
        c.TimeAdd(event(1), b"4" * 16, TICKET_ID, 0),
        c.TimeAdd(event(1), b"4" * 16, TICKET_ID, 10**6),
        c.TimeAdd(event(1), b"4" * 16, TICKET_ID, 5, kind="nap"),
        c.TicketMove(event(1), TICKET_ID, b"short"),
        c.TicketSplit(event(1), TICKET_ID, NEW, (b"short",), "x"),
        c.TicketSplit(event(1), TICKET_ID, NEW, (b"2" * 16,), "x", "K7-1"),
        c.CustomerCreate(event(1), CUSTOMER_ID, ""),
        c.CustomerCreate(event(1), CUSTOMER_ID, "a" * 81),
        c.MemberSet(event(1), TICKET_ID, "colour", TAG),
        c.NoteAdd(event(1), b"3" * 16, TICKET_ID, "a\x00b"),
        c.NoteAdd(event(1), b"3" * 16, TICKET_ID, "\ud800"),
        c.TicketSet(event(1), TICKET_ID, {}),
        c.TicketSet(event(1), TICKET_ID, {"kind": "riddle"}),
        c.TicketSet(event(1), TICKET_ID, {"tier": 4}),
        c.TicketSet(event(1), TICKET_ID, {"close_reason": "bored"}),
        c.MessageAdd(event(1), b"2" * 16, TICKET_ID, "x", seen_seq=-1),
        c.ReplyRelease(event(1), TAG, 2**70),
        c.ConflictResolve(event(1), TAG, "both"),
    ],
)
def test_arguments_out_of_range_are_refused(rows: MemoryRows, change: c.AnyChange) -> None:
    """Every argument is checked before anything is read or written."""
    before = dict(rows.rows)
    assert rows.refusal(change) in ("bad_value", "no_such_conflict")
    assert rows.rows == before


def test_a_client_previews_what_the_server_will_do(rows: MemoryRows) -> None:
    """The same effects on both ends; on a client revisions stay those that the server gave."""
    new_ticket(rows, OTHER, 20)
    for change in (c.TicketMerge(event(21), TICKET_ID, OTHER), c.TicketMove(event(22), OTHER, SOUTH_ID)):
        revs = {k: r.rev for k, r in rows.rows.items()}
        for row in rows.run(change, on_server=False).puts.values():
            assert row.rev == revs.get((row.type, row.id), 1)
