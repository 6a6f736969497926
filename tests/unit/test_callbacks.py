# SPDX-License-Identifier: GPL-3.0-or-later
"""Callbacks: which half hours can be chosen, that none takes more calls than it may, that a missed call stays so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.domain import changes as c
from app.domain.callbacks import GRACE_MS, SLOT_MS, Callback, CallState, as_it_stands, by_day_order, free_slots, owed
from app.domain.changes_callbacks import callback_of
from app.domain.entities import CALENDAR_SPANS, CALLBACK, TEAM, TICKET
from tests.fakes.rows import AGENT, SOUTH_ID, TEAM_ID, MemoryRows, event, new_ticket

DAY = 86_400
NINE = 20_000 * DAY + 9 * 3600  # UTC seconds
SPANS = [(NINE, NINE + 3 * 3600), (NINE + 4 * 3600, NINE + 9 * 3600)]
SLOT = (NINE + 3600) * 1000
NOW = NINE * 1000
LEE = b"l" * 16
CALENDAR = b"e" * 16
PHONE = "010-1234-5678"


@pytest.fixture
def desk() -> MemoryRows:
    """Three tickets of a team that is open from nine to noon and from one to six, and one of another team."""
    rows = MemoryRows()
    for n in (1, 2, 3):
        new_ticket(rows, bytes([n]) * 16, n)
    for team in (TEAM_ID, SOUTH_ID):
        rows.put(c.Row(TEAM.number, team, "ref", {"calendar": CALENDAR}))
    spans = str([list(span) for span in SPANS])
    rows.put(c.Row(CALENDAR_SPANS.number, b"s" * 16, "ref", {"calendar": CALENDAR, "spans": spans}))
    return rows


def _at(ms: int, **more: Any) -> dict[str, Any]:
    return {"acted_ms": ms, "now_ms": ms, "hlc": ms << 16, **more}


def ask(rows: MemoryRows, ticket: int, n: int, slot: int = SLOT, now: int = NOW, **more: Any) -> bytes:
    """Ask for a call."""
    id_ = bytes([100 + n]) * 16
    rows.run(c.CallbackRequest(event(100 + n), id_, bytes([ticket]) * 16, slot, PHONE), **_at(now, **more))
    return id_


def seen(rows: MemoryRows, id_: bytes) -> Callback:
    """A callback as people see it."""
    return callback_of(rows.row(CALLBACK.number, id_))


def test_slots_are_half_hours_inside_the_open_hours_that_still_take_a_call() -> None:
    """Nothing over lunch, nothing that has begun, nothing that is full."""
    full = {(NINE + 1800) * 1000: 2, (NINE + 3600) * 1000: 1}
    starts = [start // 1000 - NINE for start in free_slots(SPANS, NOW + 1, 1, full)]
    assert starts[0] == 3600
    assert starts[:4] == [3600, 5400, 7200, 9000]
    assert 3 * 3600 not in starts  # noon
    assert starts[-1] == 9 * 3600 - 1800
    odd = [(NINE + 60, NINE + 3600 + 60)]  # opens at 09:01: only 09:30 lies whole inside
    assert free_slots(odd, NOW, 1, {}) == [(NINE + 1800) * 1000]
    assert free_slots(SPANS, NOW, 1, {}, 0) == []


def test_only_the_server_confirms_and_a_request_made_offline_says_so(desk: MemoryRows) -> None:
    """The same change, on both ends."""
    assert seen(desk, ask(desk, 1, 1, on_server=False)).state is CallState.REQUESTED
    assert seen(desk, ask(desk, 2, 2)).state is CallState.CONFIRMED
    assert seen(desk, ask(desk, 2, 2)).phone == "+821012345678"


def test_no_slot_takes_more_calls_than_its_capacity(desk: MemoryRows) -> None:
    """The third is kept as a wish; what is cancelled makes room; another team counts for itself."""
    first, second, third = (ask(desk, n, n) for n in (1, 2, 3))
    assert [seen(desk, each).state.value for each in (first, second, third)] == ["confirmed", "confirmed", "requested"]
    desk.run(c.CallbackCancel(event(50), first, b"\x01" * 16), **_at(NOW))
    assert seen(desk, ask(desk, 3, 4)).state is CallState.CONFIRMED
    assert seen(desk, third).state is CallState.CANCELLED  # replaced by the one that was confirmed
    desk.put(replace(desk.ticket(b"\x01" * 16), scope=c.Row(0, b"", f"team:{SOUTH_ID.hex()}", {}).scope))
    desk.put(replace(desk.ticket(b"\x01" * 16), values={**desk.ticket(b"\x01" * 16).values, "team": SOUTH_ID}))
    assert seen(desk, ask(desk, 1, 5)).state is CallState.CONFIRMED


def test_a_team_says_how_many_calls_it_makes_in_a_slot(desk: MemoryRows) -> None:
    """None at all if it wants."""
    desk.put(c.Row(TEAM.number, TEAM_ID, "ref", {"calendar": CALENDAR, "callback_capacity": 0}))
    assert seen(desk, ask(desk, 1, 1)).state is CallState.REQUESTED


def test_times_outside_the_hours_or_past_are_never_confirmed(desk: MemoryRows) -> None:
    """They are kept, so that somebody knows that a call is wished for."""
    lunch = (NINE + 3 * 3600) * 1000
    assert seen(desk, ask(desk, 1, 1, lunch)).state is CallState.REQUESTED
    assert seen(desk, ask(desk, 2, 2, SLOT, SLOT + 1)).state is CallState.REQUESTED
    assert desk.refusal(c.CallbackRequest(event(9), event(8), b"\x03" * 16, SLOT + 1, PHONE), **_at(NOW)) == "bad_value"
    assert desk.refusal(c.CallbackRequest(event(9), event(8), b"\x03" * 16, SLOT, "none"), **_at(NOW)) == "bad_value"


def test_who_has_a_call_and_asks_for_a_full_slot_keeps_the_call(desk: MemoryRows) -> None:
    """Else both would be gone."""
    mine = ask(desk, 1, 1, SLOT + SLOT_MS)
    ask(desk, 2, 2)
    ask(desk, 3, 3)
    assert desk.refusal(c.CallbackRequest(event(9), event(8), b"\x01" * 16, SLOT, PHONE), **_at(NOW)) == "slot_full"
    assert seen(desk, mine).state is CallState.CONFIRMED


def test_who_chooses_another_slot_has_one_call_and_frees_the_first(desk: MemoryRows) -> None:
    """And the first slot takes somebody else."""
    first = ask(desk, 1, 1)
    second = ask(desk, 1, 2, SLOT + SLOT_MS)
    assert (seen(desk, first).state, seen(desk, second).state) == (CallState.CANCELLED, CallState.CONFIRMED)
    assert [seen(desk, ask(desk, n, n + 5)).state.value for n in (2, 3)] == ["confirmed", "confirmed"]


def test_a_call_that_nobody_tried_by_ten_minutes_after_its_slot_is_missed(desk: MemoryRows) -> None:
    """Up to that instant it is owed; one tried in vain counts as made."""
    call = seen(desk, ask(desk, 1, 1))
    end = SLOT + SLOT_MS + GRACE_MS
    assert as_it_stands(call, end - 1) is CallState.CONFIRMED
    assert as_it_stands(call, end) is CallState.MISSED
    assert owed(call, end)
    assert as_it_stands(replace(call, attempts=1, reached=False), end) is CallState.DONE
    wish = replace(call, state=CallState.REQUESTED)
    assert as_it_stands(wish, end) is CallState.REQUESTED  # nobody said yes to it


def _missed(rows: MemoryRows, id_: bytes) -> None:
    row = rows.row(CALLBACK.number, id_)
    rows.put(replace(row, values={**row.values, "state": "missed"}))


def test_a_missed_call_stays_missed_whatever_happens_later(desk: MemoryRows) -> None:
    """Calling later settles it, and it is still counted as missed."""
    call = ask(desk, 1, 1)
    _missed(desk, call)
    late = SLOT + SLOT_MS + GRACE_MS + 1
    desk.run(c.CallbackAttempt(event(7), call, b"\x01" * 16, reached=False), **_at(late))
    assert owed(seen(desk, call), late)
    desk.run(c.CallbackAttempt(event(8), call, b"\x01" * 16, reached=True), **_at(late))
    assert seen(desk, call).state is CallState.MISSED
    assert not owed(seen(desk, call), late)


def test_a_call_made_in_time_by_somebody_offline_undoes_missed_when_it_arrives(desk: MemoryRows) -> None:
    """What was done counts, not when it was heard of."""
    call, other = ask(desk, 1, 1), ask(desk, 2, 2)
    _missed(desk, call)
    _missed(desk, other)
    late = SLOT + SLOT_MS + 3 * GRACE_MS
    in_time: dict[str, Any] = {"acted_ms": SLOT + 60_000, "now_ms": late, "hlc": SLOT << 16}
    desk.run(c.CallbackAttempt(event(7), call, b"\x01" * 16, reached=True), **in_time)
    desk.run(c.CallbackAttempt(event(8), other, b"\x02" * 16, reached=False), **in_time)
    assert seen(desk, call).state is CallState.DONE
    assert (seen(desk, other).state, seen(desk, other).reached) == (CallState.DONE, False)


def test_two_people_do_not_call_one_customer(desk: MemoryRows) -> None:
    """Who comes second is told; after giving it back it is free again."""
    call, ticket = ask(desk, 1, 1), b"\x01" * 16
    desk.run(c.CallbackTake(event(1), call, ticket, AGENT), **_at(NOW))
    assert desk.refusal(c.CallbackTake(event(2), call, ticket, LEE), **_at(NOW)) == "callback_taken"
    desk.run(c.CallbackTake(event(3), call, ticket, None), **_at(NOW))
    desk.run(c.CallbackTake(event(4), call, ticket, LEE), **_at(NOW))
    assert seen(desk, call).assignee == LEE


def test_a_change_that_arrives_twice_counts_once(desk: MemoryRows) -> None:
    """A device that took a new id sends what it had again."""
    call, ticket = ask(desk, 1, 1), b"\x01" * 16
    for _ in range(2):
        desk.run(c.CallbackAttempt(event(7), call, ticket, reached=False), **_at(SLOT))
    assert seen(desk, call).attempts == 1
    desk.run(c.CallbackAttempt(event(8), call, ticket, reached=True), **_at(SLOT))
    refused = desk.refusal(c.CallbackAttempt(event(9), call, ticket, reached=True), **_at(SLOT))
    assert refused == desk.refusal(c.CallbackCancel(event(10), call, ticket), **_at(SLOT)) == "callback_over"


def test_asking_cancelling_and_taking_can_be_undone(desk: MemoryRows) -> None:
    """A cancelled call is asked for again: whether its time is still free only the server knows."""
    call, ticket = ask(desk, 1, 1), b"\x01" * 16
    cancel = c.CallbackCancel(event(1), call, ticket)
    back = c.inverse(cancel, desk.get, event(2))
    assert isinstance(back, c.CallbackRequest)
    assert back.slot_start == SLOT
    desk.run(cancel, **_at(NOW))
    desk.run(back, **_at(NOW))
    assert seen(desk, back.callback).state is CallState.CONFIRMED
    take = c.CallbackTake(event(3), back.callback, ticket, AGENT)
    assert c.inverse(take, desk.get, event(4)) == c.CallbackTake(event(4), back.callback, ticket, None)
    undone = c.inverse(c.CallbackRequest(event(5), call, ticket, SLOT, PHONE), desk.get, event(6))
    assert isinstance(undone, c.CallbackCancel)
    assert c.inverse(c.CallbackAttempt(event(7), call, ticket, reached=True), desk.get, event(8)) is None


def test_calls_follow_their_ticket_into_a_merge(desk: MemoryRows) -> None:
    """A customer who was told a time is called, whichever ticket is left."""
    call = ask(desk, 1, 1)
    desk.run(c.TicketMerge(event(1), b"\x01" * 16, b"\x02" * 16), **_at(NOW))
    assert seen(desk, call).ticket == b"\x02" * 16
    desk.run(c.CallbackAttempt(event(2), call, b"\x01" * 16, reached=True), **_at(SLOT))
    assert seen(desk, call).state is CallState.DONE
    assert "callback" in desk.lines(b"\x02" * 16)


def test_the_day_begins_with_what_was_missed(desk: MemoryRows) -> None:
    """Then by time."""
    late, soon = (Callback(bytes([n]), b"t", s, s + SLOT_MS, CallState.CONFIRMED) for n, s in ((1, SLOT), (2, NOW)))
    missed = Callback(b"m", b"t", SLOT, SLOT + SLOT_MS, CallState.MISSED)
    assert by_day_order([late, soon, missed], NOW) == [missed, soon, late]
    assert TICKET.number in {kind for kind, _ in desk.rows}
