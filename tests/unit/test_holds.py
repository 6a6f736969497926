# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server holds for its author: stale replies, work on deleted tickets, deletes that saw too little."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.domain import changes as c
from app.domain.entities import CONFLICT, CUSTOMER, MESSAGE, NOTE, ORGANISATION, TICKET, Category, Value, user_scope
from app.domain.executor import canonical_json
from app.domain.holds import Held
from tests.fakes.rows import AGENT, CUSTOMER_ID, STATES, TICKET_ID, MemoryRows, event, new_ticket

OTHER, CONFLICT_ID = b"o" * 16, b"f" * 16
SEEN = {"customer": (1, 0), "incident": (1, 0), "merged_into": (1, 0), "state": (1, 0)}


@pytest.fixture
def rows() -> MemoryRows:
    memory = MemoryRows()
    new_ticket(memory)
    return memory


def reply(n: int = 2, seen_seq: int = 1, **changes: Any) -> c.MessageAdd:
    return replace(c.MessageAdd(event(n), bytes([n]) * 16, TICKET_ID, f"답 {n}", seen_seq=seen_seq), **changes)


def keep(rows: MemoryRows, held: Held, **changes: Any) -> c.Row:
    """Put the conflict row there that the server would."""
    values: dict[str, Value] = {
        "subject_type": TICKET.number, "subject": held.ticket, "kind": held.kind, "mine": c.dump_change(held.change),
        "theirs": canonical_json(held.why), "status": "open", "created_by": AGENT, "field": None,
    }  # fmt: skip
    row = c.Row(CONFLICT.number, CONFLICT_ID, user_scope(AGENT), values | changes)
    rows.put(row)
    return row


def status(rows: MemoryRows) -> object:
    return rows.row(CONFLICT.number, CONFLICT_ID).values["status"]


def test_a_reply_to_what_its_author_saw_goes_out(rows: MemoryRows) -> None:
    """Nothing came in between."""
    assert rows.held(reply(), SEEN) is None


def test_a_reply_is_held_when_the_customer_wrote_in_between(rows: MemoryRows) -> None:
    """The news are named, so that the window can show them above the text."""
    rows.run(c.MessageAdd(event(5), b"5" * 16, TICKET_ID, "벌써 고쳐졌어요", inbound=True), device="C1", mid=9)
    held = rows.held(reply(), SEEN, mid=3)
    assert held is not None
    assert (held.kind, held.why["reason"], held.why["messages"]) == ("stale_reply", "news", [(b"5" * 16).hex()])


def test_a_reply_is_held_when_a_restored_server_gave_the_number_to_another_message(rows: MemoryRows) -> None:
    """Its author saw message 2; the server lost that one, and what is number 2 now nobody of them has read."""
    rows.run(c.MessageAdd(event(5), b"5" * 16, TICKET_ID, "다른 소식", inbound=True), device="C1", mid=9)
    held = rows.held(reply(seen_seq=2, seen_id=b"L" * 16), SEEN, mid=3)
    assert held is not None
    assert (held.kind, held.why["reason"], held.why["messages"]) == ("stale_reply", "news", [(b"5" * 16).hex()])
    assert rows.held(reply(seen_seq=2, seen_id=b"5" * 16), SEEN, mid=3) is None
    assert rows.held(reply(seen_seq=1, seen_id=b"5" * 16), SEEN, mid=3) is not None
    assert rows.held(reply(seen_seq=2), SEEN, mid=3) is None  # older clients tell only the number
    keep(rows, held)
    release = c.ReplyRelease(event(6), CONFLICT_ID, seen_seq=2, seen_id=b"L" * 16)
    assert rows.held(release) is not None
    assert rows.held(replace(release, seen_id=b"5" * 16)) is None


def test_a_reply_is_held_when_its_author_saw_more_than_the_server_has(rows: MemoryRows) -> None:
    """A restore took the newest message, and nothing has its number yet; no number is high enough to see everything."""
    for seen_seq in (2, 99, 2**63 - 1):
        for seen_id in (None, b"L" * 16):
            held = rows.held(reply(seen_seq=seen_seq, seen_id=seen_id), SEEN, mid=3)
            assert held is not None
            assert (held.kind, held.why["messages"]) == ("stale_reply", [])


def test_a_reply_goes_out_though_the_message_that_its_author_saw_last_was_split_off(rows: MemoryRows) -> None:
    """It is in another ticket now, and its number is nobody's here."""
    rows.run(c.MessageAdd(event(5), b"5" * 16, TICKET_ID, "다른 문제도 있어요", inbound=True))
    rows.run(c.TicketSplit(event(7), TICKET_ID, b"n" * 16, (b"5" * 16,), "다른 문제", "~K7-9"))
    assert rows.held(reply(seen_seq=2, seen_id=b"5" * 16), SEEN, mid=3, device="Z9") is None


def test_own_earlier_messages_do_not_make_a_reply_stale(rows: MemoryRows) -> None:
    """Two replies written offline one after the other: the second was written knowing the first."""
    rows.run(reply(2), mid=7)
    assert rows.held(reply(3), SEEN, mid=8) is None
    assert rows.held(reply(3), SEEN, mid=8, device="Z9") is not None  # another device did not know it
    assert rows.held(reply(3), SEEN, mid=6) is not None  # nor did an earlier change of this one


def test_the_same_reply_sent_again_is_not_held(rows: MemoryRows) -> None:
    """A device that took a new id sends what has arrived already."""
    rows.run(reply(2), mid=7)
    rows.run(c.MessageAdd(event(5), b"5" * 16, TICKET_ID, "아", inbound=True))
    assert rows.held(reply(2), SEEN, device="Z9") is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (c.TicketMerge(event(30), TICKET_ID, OTHER), "merged"),
        (c.TicketSet(event(30), TICKET_ID, {"customer": OTHER}), "customer"),
        (c.TicketSet(event(30), TICKET_ID, {"incident": OTHER}), "on_hold"),
        (c.TicketSet(event(30), TICKET_ID, {"state": STATES[Category.HELD]}), "on_hold"),
    ],
)
def test_a_reply_is_held_when_its_ground_changed(rows: MemoryRows, change: c.AnyChange, reason: str) -> None:
    """Merged, another customer, or held for an incident since the author looked; not by the author's own hand."""
    new_ticket(rows, OTHER, 20)
    rows.run(change, device="Z9", mid=4)
    held = rows.held(reply(), SEEN)
    assert held is not None
    assert held.why["reason"] == reason
    if reason != "merged":
        assert rows.held(reply(), SEEN, device="Z9", mid=5) is None


def test_a_customers_message_is_never_held(rows: MemoryRows) -> None:
    """Only replies of agents can be stale."""
    rows.run(reply(2))
    assert rows.held(reply(3, inbound=True), SEEN, device="Z9") is None


def test_a_held_reply_is_released_once_as_its_author_wants_it(rows: MemoryRows) -> None:
    """Edited, with what is seen now; and held again when even that is old."""
    rows.run(c.MessageAdd(event(5), b"5" * 16, TICKET_ID, "새 소식", inbound=True))
    held = rows.held(reply(), SEEN)
    assert held is not None
    keep(rows, held)
    release = c.ReplyRelease(event(6), CONFLICT_ID, seen_seq=1, body="고친 답")
    again = rows.held(release)
    assert again is not None
    assert isinstance(again.change, c.MessageAdd)
    assert (again.conflict, again.change.body) == (CONFLICT_ID, "고친 답")
    release = replace(release, seen_seq=2)
    assert rows.held(release) is None
    rows.run(release)
    message = rows.row(MESSAGE.number, b"\x02" * 16)
    assert (message.values["body"], message.values["msg_no"], status(rows)) == ("고친 답", 3, "closed")
    before = dict(rows.rows)
    rows.run(release)
    assert rows.rows == before
    rows.run(c.TicketSplit(event(7), TICKET_ID, b"n" * 16, (b"\x02" * 16,), "다른 문제", "~K7-9"))
    before = dict(rows.rows)
    assert rows.held(reply(), SEEN, device="Z9") is None  # a device that took a new id sends it as it was before
    rows.run(reply(), device="Z9")
    assert rows.rows == before


def test_a_reply_held_by_a_merge_is_released_to_the_target(rows: MemoryRows) -> None:
    """It arrives through the ticket it was written for."""
    new_ticket(rows, OTHER, 20)
    rows.run(c.TicketMerge(event(21), TICKET_ID, OTHER))
    held = rows.held(reply(), SEEN)
    assert held is not None
    keep(rows, held)
    rows.run(c.ReplyRelease(event(6), CONFLICT_ID, seen_seq=2))
    message = rows.row(MESSAGE.number, b"\x02" * 16)
    assert (message.values["ticket"], message.values["arrived_via"]) == (OTHER, TICKET_ID)


def test_a_discarded_reply_is_not_sent_but_its_text_stays_in_the_closed_row(rows: MemoryRows) -> None:
    """And a release that comes too late is refused."""
    rows.run(c.MessageAdd(event(5), b"5" * 16, TICKET_ID, "새 소식", inbound=True))
    held = rows.held(reply(), SEEN)
    assert held is not None
    keep(rows, held)
    rows.run(c.ReplyDiscard(event(6), CONFLICT_ID))
    assert (rows.get(MESSAGE.number, b"\x02" * 16), status(rows)) == (None, "closed")
    assert "답 2" in str(rows.row(CONFLICT.number, CONFLICT_ID).values["mine"])
    assert rows.refusal(c.ReplyRelease(event(7), CONFLICT_ID, 9)) == "already_discarded"


def test_nobody_settles_a_conflict_of_somebody_else(rows: MemoryRows) -> None:
    """The row belongs to who lost."""
    keep(rows, Held("stale_reply", TICKET_ID, reply(), {}), created_by=OTHER)
    for change in (
        c.ReplyRelease(event(6), CONFLICT_ID, 9),
        c.ReplyDiscard(event(6), CONFLICT_ID),
        c.ConflictResolve(event(6), CONFLICT_ID, "theirs"),
    ):
        assert rows.refusal(change) == "no_such_conflict"


def test_work_on_a_deleted_ticket_is_held_and_can_restore_it(rows: MemoryRows) -> None:
    """A note, an edit or a reply: restored with the change, or let go."""
    rows.run(c.TicketDelete(event(4), TICKET_ID))
    note = c.NoteAdd(event(5), b"5" * 16, TICKET_ID, "메모")
    for change in (
        note,
        reply(),
        c.TicketMerge(event(6), TICKET_ID, OTHER),
    ):
        held = rows.held(change)
        assert held is not None
        assert (held.kind, held.change) == ("deleted", change)
    held = rows.held(note)
    assert held is not None
    keep(rows, held)
    rows.run(c.ConflictResolve(event(7), CONFLICT_ID, "mine"))
    assert not rows.ticket().deleted
    assert rows.row(NOTE.number, b"5" * 16).values["body"] == "메모"
    assert status(rows) == "closed"


def test_a_delete_that_did_not_see_an_edit_is_held(rows: MemoryRows) -> None:
    """What a colleague did since is named; mine deletes after all, theirs keeps the ticket."""
    seen = {c.WHOLE_ROW: (rows.ticket().rev, 0)}
    delete = c.TicketDelete(event(5), TICKET_ID)
    assert rows.held(delete, seen) is None
    rows.run(c.NoteAdd(event(4), b"4" * 16, TICKET_ID, "봤어요"), device="Z9")
    held = rows.held(delete, seen)
    assert held is not None
    assert held.why["reason"] == "changed"
    keep(rows, held)
    rows.run(c.ConflictResolve(event(6), CONFLICT_ID, "theirs"))
    assert (rows.ticket().deleted, status(rows)) == (False, "closed")
    keep(rows, held)
    rows.run(c.ConflictResolve(event(7), CONFLICT_ID, "mine"))
    assert rows.ticket().deleted


def field_conflict(rows: MemoryRows, field: str, mine: object, **changes: Any) -> None:
    values: dict[str, Value] = {
        "subject_type": TICKET.number, "subject": TICKET_ID, "kind": "field", "field": field,
        "mine": canonical_json(mine), "theirs": "null", "status": "open", "created_by": AGENT,
    }  # fmt: skip
    rows.put(c.Row(CONFLICT.number, CONFLICT_ID, user_scope(AGENT), values | changes))


def test_a_conflict_is_settled_with_mine_theirs_or_an_edited_value(rows: MemoryRows) -> None:
    """Theirs changes nothing; the others are edits like any other, ids from their JSON form."""
    field_conflict(rows, "customer", OTHER.hex())
    rows.run(c.ConflictResolve(event(5), CONFLICT_ID, "theirs"))
    assert (rows.ticket().values["customer"], status(rows)) == (CUSTOMER_ID, "closed")
    field_conflict(rows, "customer", OTHER.hex())
    rows.run(c.ConflictResolve(event(6), CONFLICT_ID, "mine"))
    assert (rows.ticket().values["customer"], status(rows)) == (OTHER, "closed")
    field_conflict(rows, "subject", "mine")
    rows.run(c.ConflictResolve(event(7), CONFLICT_ID, "edited", "beides"))
    assert rows.ticket().values["subject"] == "beides"


def test_a_choice_made_on_an_old_view_is_a_conflict_again(rows: MemoryRows) -> None:
    """Somebody set a third value meanwhile: the chosen one waits, it does not overwrite."""
    field_conflict(rows, "customer", OTHER.hex())
    change = c.ConflictResolve(event(6), CONFLICT_ID, "mine")
    assert c.touched_fields(change, rows) == (TICKET.number, TICKET_ID, ("customer",))
    rows.run(c.TicketSet(event(5), TICKET_ID, {"customer": b"y" * 16}), device="Z9")
    outcome = rows.run(change, {"customer": (1, 0)})
    assert outcome.st == "conflict"
    assert rows.ticket().values["customer"] == b"y" * 16


def test_a_resolved_state_obeys_the_rules_across_fields(rows: MemoryRows) -> None:
    """Solving still needs an answer."""
    field_conflict(rows, "state", STATES[Category.SOLVED].hex())
    assert rows.refusal(c.ConflictResolve(event(5), CONFLICT_ID, "mine")) == "reply_first"
    assert status(rows) == "open"


def test_what_was_there_before_is_known_to_the_loser(rows: MemoryRows) -> None:
    """Yours, theirs and before: the history knows the value that the author had on screen."""
    rows.run(c.TicketSet(event(3), TICKET_ID, {"subject": "둘째"}), {"subject": (1, 0)}, hlc=9 << 32, device="Z9")
    lost = rows.run(c.TicketSet(event(4), TICKET_ID, {"subject": "셋째"}), {"subject": (1, 0)})
    (loss,) = lost.losses
    assert (loss.base, loss.mine, loss.theirs) == ("프린터가 멈춰요", "셋째", "둘째")


def organisation(rows: MemoryRows, note: str) -> bytes:
    id_ = b"\x0e" * 16
    rows.put(c.Row(ORGANISATION.number, id_, "cust:0", {"name": "가온", "note": note}))
    return id_


def test_two_edits_of_a_long_text_are_merged(rows: MemoryRows) -> None:
    """Different paragraphs merge silently; the same one keeps the server's words and tells the author."""
    base = "첫째 문단.\n\n둘째 문단.\n\n셋째 문단.\n"
    id_ = organisation(rows, base)
    first, second = base.replace("첫째", "하나"), base.replace("셋째", "셋")
    rows.run(c.TextEdit(event(2), ORGANISATION.number, id_, "note", first, base), {"note": (1, 0)}, device="Z9")
    done = rows.run(c.TextEdit(event(3), ORGANISATION.number, id_, "note", second, base), {"note": (1, 0)})
    assert done.st == "merged"
    assert rows.row(ORGANISATION.number, id_).values["note"] == "하나 문단.\n\n둘째 문단.\n\n셋 문단.\n"
    third = base.replace("첫째", "일")
    lost = rows.run(c.TextEdit(event(4), ORGANISATION.number, id_, "note", third, base), {"note": (1, 0)})
    (loss,) = lost.losses
    assert (lost.st, loss.kind, loss.mine, loss.base) == ("conflict", "text", third, base)
    assert str(rows.row(ORGANISATION.number, id_).values["note"]).startswith("하나")


def test_a_long_text_without_its_base_is_asked_about(rows: MemoryRows) -> None:
    """Nothing is guessed: the server's text stays, the other is kept whole."""
    id_ = organisation(rows, "a\n")
    rows.run(c.TextEdit(event(2), ORGANISATION.number, id_, "note", "b\n"), {"note": (1, 0)}, device="Z9")
    lost = rows.run(c.TextEdit(event(3), ORGANISATION.number, id_, "note", "c\n"), {"note": (1, 0)})
    assert (lost.st, lost.losses[0].mine) == ("conflict", "c\n")
    assert rows.row(ORGANISATION.number, id_).values["note"] == "b\n"
    assert rows.refusal(c.TextEdit(event(4), CUSTOMER.number, CUSTOMER_ID, "name", "x")) == "read_only"
    assert rows.refusal(c.TextEdit(event(4), 999, CUSTOMER_ID, "name", "x")) == "bad_value"


@pytest.mark.parametrize(
    "change",
    [
        c.MessageAdd(event(1), b"1" * 16, TICKET_ID, "말", 3, html=None),
        c.NoteAdd(event(1), b"1" * 16, TICKET_ID, "말", (b"2" * 16, b"3" * 16)),
        c.TicketSet(event(1), TICKET_ID, {"owner": b"u" * 16, "priority": 3, "snooze_until": None}),
        c.TicketSplit(event(1), TICKET_ID, OTHER, (b"2" * 16,), "제목"),
        c.MemberSet(event(1), TICKET_ID, "tag", OTHER, present=False),
        c.TicketDelete(event(1), TICKET_ID),
    ],
)
def test_a_held_change_comes_back_as_it_was(change: c.Holdable) -> None:
    """The JSON in a conflict row carries every argument."""
    assert c.load_change(c.dump_change(change)) == change


@pytest.mark.parametrize("raw", [None, "", "[]", "{}", '{"name":"x"}', '{"name":"note.add","args":{"x":1}}', 7])
def test_a_damaged_conflict_row_is_told(rows: MemoryRows, raw: object) -> None:
    """Never an exception that stops the device."""
    keep(rows, Held("stale_reply", TICKET_ID, reply(), {}), mine=raw)
    assert rows.refusal(c.ReplyRelease(event(6), CONFLICT_ID, 9)) == "bad_conflict"
