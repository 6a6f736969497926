# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises to customers: what a reply does to them, and that a broken one stays so, whatever happens later."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain import changes as c
from app.domain.changes_promises import CORRECTION_MS, promise_of
from app.domain.entities import PROMISE, TICKET
from app.domain.promises import NEAR_MS, Promise, Standing, alarm_at, is_near, pressing, standing, standings
from tests.fakes.rows import AGENT, MemoryRows, event, new_ticket

MINUTE = 60_000
NOON = 1_000_000_000
DUE = NOON + 180 * MINUTE
LEE = c.Actor("user", b"l" * 16)
OTHER = b"j" * 16


@pytest.fixture
def desk() -> MemoryRows:
    """A ticket whose customer waits."""
    rows = MemoryRows()
    new_ticket(rows)
    return rows


def _at(ms: int) -> dict[str, Any]:
    return {"acted_ms": ms, "now_ms": ms, "hlc": ms << 16}


def promise(
    rows: MemoryRows, n: int = 1, due: int = DUE, made: int = NOON, *, waits: bool = False, **ctx: Any
) -> bytes:
    """A promise told by word of mouth, or one that waits for the next reply."""
    id_ = bytes([n]) * 16
    rows.run(c.PromiseAdd(event(100 + n), id_, b"k" * 16, due, waits=waits), **_at(made) | ctx)
    return id_


def reply(rows: MemoryRows, n: int, at: int, ticket: bytes = b"k" * 16, **more: Any) -> bytes:
    """A reply that goes out."""
    id_ = bytes([100 + n]) * 16
    ctx = {name: more.pop(name) for name in ("actor",) if name in more}
    rows.run(c.MessageAdd(event(200 + n), id_, ticket, "답변입니다.", **more), **_at(at) | ctx)
    return id_


def came_to(rows: MemoryRows, now: int) -> dict[int, str]:
    """What each promise came to, by its first byte."""
    found = [promise_of(row) for (kind, _), row in rows.rows.items() if kind == PROMISE.number and not row.deleted]
    return {each.id[0]: standing(each, found, now).value for each in found}


def test_a_reply_up_to_the_due_instant_keeps_a_promise_and_one_ms_later_breaks_it(desk: MemoryRows) -> None:
    """In time is up to and with the instant itself."""
    promise(desk)
    assert came_to(desk, DUE) == {1: "open"}
    reply(desk, 1, DUE)
    assert came_to(desk, DUE + 1) == {1: "kept"}

    late = MemoryRows()
    new_ticket(late)
    promise(late)
    reply(late, 1, DUE + 1)
    assert came_to(late, DUE + 1) == {1: "broken"}


def test_a_promise_not_kept_by_its_instant_is_broken_whatever_happens_later(desk: MemoryRows) -> None:
    """Later replies, new promises, calls written down later, another team, merges and unmerges change nothing."""
    promise(desk)
    assert came_to(desk, DUE + 1) == {1: "broken"}
    reply(desk, 1, DUE + MINUTE)
    reply(desk, 2, DUE + 2 * MINUTE)
    reply(desk, 3, DUE + 9 * MINUTE, channel="phone", occurred_at=DUE - MINUTE)
    assert came_to(desk, DUE + 10 * MINUTE)[1] == "broken"
    promise(desk, 2, DUE + 60 * MINUTE, DUE + 10 * MINUTE, waits=True)
    reply(desk, 4, DUE + 11 * MINUTE)
    new_ticket(desk, OTHER, 2)
    reply(desk, 5, DUE - 5 * MINUTE, OTHER)  # one of another ticket, sent in time
    desk.run(c.TicketMove(event(300), b"k" * 16, b"u" * 16))
    desk.run(c.TicketMerge(event(301), b"k" * 16, OTHER), **_at(DUE + 20 * MINUTE))
    reply(desk, 6, DUE + 21 * MINUTE, OTHER)
    assert came_to(desk, DUE + 90 * MINUTE)[1] == "broken"
    desk.run(c.TicketUnmerge(event(302), b"k" * 16), **_at(DUE + 30 * MINUTE))
    assert came_to(desk, DUE + 90 * MINUTE)[1] == "broken"
    assert (
        desk.refusal(c.PromiseWithdraw(event(303), b"\x01" * 16, b"k" * 16), **_at(DUE + 31 * MINUTE)) == "promise_told"
    )


def test_a_call_in_time_keeps_a_promise_also_when_it_is_written_down_later(desk: MemoryRows) -> None:
    """What was said counts when it was said, as with response targets."""
    promise(desk)
    reply(desk, 1, DUE + 10 * MINUTE, channel="phone", occurred_at=DUE - MINUTE)
    assert came_to(desk, DUE + 20 * MINUTE) == {1: "kept"}


def test_only_a_reply_in_time_that_names_a_new_time_replaces_a_promise(desk: MemoryRows) -> None:
    """The new one is told by that very reply; one that names it late leaves the first broken."""
    promise(desk)
    promise(desk, 2, DUE + 60 * MINUTE, NOON + MINUTE, waits=True)
    assert came_to(desk, NOON + MINUTE) == {1: "open", 2: "untold"}
    reply(desk, 1, DUE - MINUTE)
    assert came_to(desk, DUE - MINUTE) == {1: "replaced", 2: "open"}
    assert came_to(desk, DUE + 61 * MINUTE) == {1: "replaced", 2: "broken"}

    late = MemoryRows()
    new_ticket(late)
    promise(late)
    promise(late, 2, DUE + 60 * MINUTE, NOON, waits=True)
    reply(late, 1, DUE + MINUTE)
    assert came_to(late, DUE + 2 * MINUTE) == {1: "broken", 2: "open"}


def test_a_promise_is_told_by_its_makers_next_reply_and_not_closed_by_it(desk: MemoryRows) -> None:
    """A colleague's reply tells it not, a customer's message neither; no alarm is lost."""
    promise(desk, waits=True)
    reply(desk, 1, NOON + MINUTE, actor=LEE)
    desk.run(c.MessageAdd(event(250), b"z" * 16, b"k" * 16, "언제 되나요?", inbound=True), **_at(NOON + 2 * MINUTE))
    assert came_to(desk, NOON + 2 * MINUTE) == {1: "untold"}
    own = reply(desk, 2, NOON + 3 * MINUTE)
    assert desk.row(PROMISE.number, b"\x01" * 16).values["made_in"] == own
    assert came_to(desk, NOON + 4 * MINUTE) == {1: "open"}
    reply(desk, 3, NOON + 5 * MINUTE, actor=LEE)
    assert came_to(desk, NOON + 6 * MINUTE) == {1: "kept"}


def test_the_same_reply_sent_again_says_nothing_new_and_history_has_one_line_for_each_turn(desk: MemoryRows) -> None:
    """Made, kept: two lines; a device that sends again leaves no third."""
    promise(desk)
    reply(desk, 1, DUE - MINUTE)
    reply(desk, 1, DUE + MINUTE)
    assert came_to(desk, DUE + 2 * MINUTE) == {1: "kept"}
    assert desk.lines(b"k" * 16).count("promise") == 2


def test_a_promise_that_nobody_was_told_can_be_taken_back_a_told_one_only_as_a_slip(desk: MemoryRows) -> None:
    """Ctrl+Z takes away what was mistyped within ten minutes; after that the customer counts on it."""
    promise(desk, 1, waits=True)
    desk.run(c.PromiseWithdraw(event(400), b"\x01" * 16, b"k" * 16), **_at(NOON + 60 * MINUTE))
    promise(desk, 2)
    desk.run(c.PromiseWithdraw(event(401), b"\x02" * 16, b"k" * 16), **_at(NOON + MINUTE))
    promise(desk, 3)
    again = c.PromiseWithdraw(event(402), b"\x03" * 16, b"k" * 16)
    assert desk.refusal(again, **_at(NOON + CORRECTION_MS + 1)) == "promise_told"
    assert came_to(desk, NOON) == {3: "open"}
    undo = c.inverse(c.PromiseAdd(event(1), b"p" * 16, b"k" * 16, DUE), lambda _t, _i: None, event(2))
    assert undo == c.PromiseWithdraw(event(2), b"p" * 16, b"k" * 16)


@pytest.mark.parametrize(
    ("due", "text", "field"),
    [(NOON - 1, "", "due_at"), (2**60, "", "due_at"), (DUE, "x" * 201, "text"), (DUE, "a\nb", "text")],
)
def test_what_is_no_promise_is_refused(desk: MemoryRows, due: int, text: str, field: str) -> None:
    """A time behind, one that no calendar has, a text that no line holds."""
    change = c.PromiseAdd(event(1), b"p" * 16, b"k" * 16, due, text)
    assert desk.refusal(change, **_at(NOON), on_server=False) == "bad_value", field
    assert not desk.find(PROMISE.number, "ticket", b"k" * 16)


def test_a_promise_goes_with_its_ticket(desk: MemoryRows) -> None:
    """To another team's scope, into another ticket and back, out of sight and back."""
    promise(desk)
    desk.run(c.TicketMove(event(300), b"k" * 16, b"u" * 16))
    assert desk.row(PROMISE.number, b"\x01" * 16).scope == desk.row(TICKET.number, b"k" * 16).scope
    desk.run(c.TicketDelete(event(301), b"k" * 16))
    assert desk.row(PROMISE.number, b"\x01" * 16).deleted
    desk.run(c.TicketRestore(event(302), b"k" * 16))
    assert not desk.row(PROMISE.number, b"\x01" * 16).deleted
    assert desk.row(PROMISE.number, b"\x01" * 16).values["author"] == AGENT


def test_the_head_of_a_ticket_counts_down_what_presses_most() -> None:
    """A missed one that nobody answered before the next; alarms half an hour before, never before it was made."""
    soon, later = Promise(b"1", DUE), Promise(b"2", DUE + 60 * MINUTE, made_at=DUE + 45 * MINUTE)
    assert pressing([later, soon], NOON) == soon
    assert pressing([later, soon], DUE + 1) == soon
    answered = Promise(b"1", DUE, closed_by=b"m", closed_at=DUE + 2)
    assert pressing([later, answered], DUE + 3) == later
    assert pressing([answered], DUE + 3) is None
    assert pressing([], NOON) is None
    assert alarm_at(soon) == DUE - NEAR_MS
    assert alarm_at(later) == DUE + 45 * MINUTE
    assert [is_near(soon, at) for at in (DUE - NEAR_MS - 1, DUE - NEAR_MS, DUE, DUE + 1)] == [False, True, True, False]
    assert [what for _each, what in standings([answered, later], DUE + 3)] == [Standing.OPEN, Standing.BROKEN]
