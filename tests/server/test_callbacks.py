# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests are acknowledged once with honest times, calls are confirmed by the server alone, missed ones are found."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from app.domain.callbacks import GRACE_MS, SLOT_MS
from app.domain.changes import CallbackAttempt, CallbackRequest, TicketSet
from app.domain.entities import CALENDAR, CALENDAR_SPANS, CALLBACK, HISTORY, REF_SCOPE, STATE, TEAM
from app.domain.waits import Basis, rounded_up
from sync.customer_protocol import CallAsk, CallCancel, Home, NewMessage, NewRequest
from sync.server.bulk import load_rows
from sync.server.callbacks import Callbacks
from sync.server.schema import ENTITY_TABLES
from tests.server.world import Companion, NewRow, World, row_id

PHONE = "010-2345-6789"
CALENDAR_ID, SPANS_ID = row_id(800), row_id(801)
DAY = 86_400


def open_hours(world: World, *, hours: tuple[int, int] = (0, 24), capacity: int | None = None) -> None:
    """Give every team a calendar that is open so many hours (UTC) a day."""
    today = world.clock() // 1000 // DAY * DAY
    spans = [[today + n * DAY + hours[0] * 3600, today + n * DAY + hours[1] * 3600] for n in range(-30, 60)]
    rows = [
        NewRow(CALENDAR.number, CALENDAR_ID, REF_SCOPE, {"name": "all", "zone": "UTC"}),
        NewRow(CALENDAR_SPANS.number, SPANS_ID, REF_SCOPE, {"calendar": CALENDAR_ID, "spans": json.dumps(spans)}),
    ]
    table = ENTITY_TABLES[TEAM.number]
    world.store.write(lambda cx: load_rows(cx, rows))
    world.store.write(lambda cx: cx.execute(table.update().values(calendar=CALENDAR_ID, callback_capacity=capacity)))


def ask(companion: Companion, n: int) -> str:
    """A request for help; returns its ticket."""
    ticket, message = row_id(2000 + n).hex(), row_id(3000 + n).hex()
    answer = companion.post(
        "/customer/v1/request", NewRequest(id=ticket, message=message, subject="화면이 꺼져요", body="자꾸")
    )
    assert answer.status_code == 200, answer.text
    return ticket


def home(companion: Companion) -> Home:
    """What the companion shows."""
    return msgspec.json.decode(companion.get("/customer/v1/home").content, type=Home)


def call(companion: Companion, n: int, ticket: str, start: int) -> Any:
    """Ask for a call."""
    return companion.post(
        "/customer/v1/call", CallAsk(id=row_id(4000 + n).hex(), ticket=ticket, slot_start=start, phone=PHONE)
    )


def slot_after(world: World, n: int = 2) -> int:
    """The start of a half hour ahead."""
    return (world.clock() // SLOT_MS + n) * SLOT_MS


def lines(world: World, kind: str) -> list[dict[str, Any]]:
    """What history lines of a kind say."""
    table = ENTITY_TABLES[HISTORY.number]
    with world.store.read() as cx:
        found = cx.execute(sa.select(table.c.data).where(table.c.kind == kind).order_by(table.c.seq)).scalars()
        return [json.loads(each) for each in found]


def states(world: World) -> list[str]:
    """States of all callbacks, in the order of their ids."""
    table = ENTITY_TABLES[CALLBACK.number]
    with world.store.read() as cx:
        return [str(each) for each in cx.execute(sa.select(table.c.state).order_by(table.c.id)).scalars()]


def test_a_request_is_acknowledged_once_with_the_times_of_that_moment(desk: World) -> None:
    """Closed: the next opening. Repeats, replies and later rounds change nothing of what was told."""
    now = desk.clock() // 1000
    hour = now % DAY // 3600
    assert hour < 20, "the tests' clock stands in the day"
    open_hours(desk, hours=(hour + 2, hour + 4))
    companion = desk.companion()
    ticket = ask(companion, 1)
    ask(companion, 1)
    companion.post("/customer/v1/message", NewMessage(id=row_id(5).hex(), ticket=ticket, body="급해요"))
    (told,) = [each.acknowledged for each in home(companion).tickets]
    assert told is not None
    assert told.basis == Basis.OPENING
    assert told.opens_s == now // DAY * DAY + (hour + 2) * 3600
    assert told.call
    assert len(lines(desk, "acknowledged")) == 1


def test_the_acknowledgment_tells_the_formulas_times(desk: World) -> None:
    """Thirty answers of a quarter of an hour, and as many wait as always."""
    open_hours(desk)
    companion = desk.companion()
    for n in range(30):
        companion.access = companion.sign_in()
        ticket = ask(companion, n)
        desk.clock.forward(900)
        agent = desk.agent()
        assert agent.do(agent.reply(bytes.fromhex(ticket)))[0] == "ok"
    companion.access = companion.sign_in()
    ticket = ask(companion, 99)
    told = next(each.acknowledged for each in home(companion).tickets if each.id == ticket)
    assert told is not None
    now = desk.clock() // 1000
    assert (told.basis, told.usual_s, told.latest_s) == (Basis.ANSWERS, rounded_up(now + 900), rounded_up(now + 900))
    assert told.call  # longer than ten minutes


def test_what_follows_a_closed_ticket_is_acknowledged_too(desk: World) -> None:
    """It is a new ticket."""
    companion, agent = desk.companion(), desk.agent()
    ticket = ask(companion, 1)
    with desk.store.read() as cx:
        table = ENTITY_TABLES[STATE.number]
        closed = bytes(cx.execute(sa.select(table.c.id).where(table.c.category == "closed")).scalar_one())
    agent.do(TicketSet(row_id(70), bytes.fromhex(ticket), {"state": closed, "close_reason": "spam"}))
    told = companion.post("/customer/v1/message", NewMessage(id=row_id(5).hex(), ticket=ticket, body="아직요"))
    assert told.json()["id"] != ticket
    assert len(lines(desk, "acknowledged")) == 2
    assert call(companion, 1, ticket, slot_after(desk)).json()["code"] == "closed"


def test_a_customer_chooses_a_slot_sees_it_confirmed_and_cancels_it(desk: World) -> None:
    """And another customer cannot touch it."""
    open_hours(desk)
    companion, stranger = desk.companion(), desk.companion(desk.other_customer)
    ticket, start = ask(companion, 1), slot_after(desk)
    shown = home(companion)
    assert start // 1000 in shown.slots[shown.tickets[0].slots]
    assert call(companion, 1, ticket, start).status_code == 200
    (view,) = home(companion).tickets[0].calls
    assert (view.state, view.slot_start, view.owed) == ("confirmed", start, True)
    assert call(stranger, 2, ticket, start).status_code == 404
    cancel = CallCancel(id=row_id(600).hex(), call=view.id, ticket=ticket)
    assert stranger.post("/customer/v1/uncall", cancel).status_code == 404
    other = CallCancel(id=row_id(601).hex(), call=view.id, ticket=ask(stranger, 2))
    assert stranger.post("/customer/v1/uncall", other).status_code == 404
    assert companion.post("/customer/v1/uncall", cancel).status_code == 200
    assert home(companion).tickets[0].calls[0].state == "cancelled"


def test_two_who_want_the_last_call_of_a_slot_at_once_do_not_both_get_it(world: World) -> None:
    """Whatever database it is; and nobody gets a slot over its capacity."""
    open_hours(world, capacity=1)
    companion = world.companion()
    tickets, start = [ask(companion, n) for n in range(6)], slot_after(world)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: call(companion, n, tickets[n], start).status_code, range(6)))
    assert answers == [200] * 6
    assert sorted(states(world)) == ["confirmed", *["requested"] * 5]
    shown = home(companion)
    assert all(start // 1000 not in starts for starts in shown.slots)


def test_agents_and_customers_share_the_capacity_and_all_devices_hear_of_a_call(desk: World) -> None:
    """An agent's own request is settled by the same rule."""
    open_hours(desk, capacity=1)
    companion, agent = desk.companion(), desk.agent()
    first, second, start = ask(companion, 1), ask(companion, 2), slot_after(desk)
    mine = CallbackRequest(row_id(71), row_id(72), bytes.fromhex(first), start, PHONE)
    assert agent.do(mine)[0] == "ok"
    call(companion, 1, second, start)
    assert states(desk) == ["confirmed", "requested"]
    agent.pull()
    assert [row["state"] for row in agent.copy.of(CALLBACK.number)] == ["confirmed", "requested"]
    foreign = CallbackAttempt(row_id(73), row_id(72), bytes.fromhex(first), reached=True)
    assert desk.agent("park").do(foreign) == ("rejected", "scope")


@pytest.mark.parametrize("tried", [False, True])
def test_a_call_nobody_tried_is_missed_ten_minutes_after_its_slot(desk: World, tried: bool) -> None:
    """Not a moment before, and it is said once."""
    open_hours(desk)
    companion, agent = desk.companion(), desk.agent()
    ticket, start = ask(companion, 1), slot_after(desk)
    call(companion, 1, ticket, start)
    rounds = Callbacks(desk.store, desk.clock)
    if tried:
        agent.do(CallbackAttempt(row_id(71), row_id(4001), bytes.fromhex(ticket), reached=False))
    desk.clock.ms = start + SLOT_MS + GRACE_MS - 1
    assert rounds.run() == {}
    desk.clock.ms += 1
    assert rounds.run()
    assert rounds.run() == Callbacks(desk.store, desk.clock).run() == {}
    assert states(desk) == ["done" if tried else "missed"]
    assert [each["what"] for each in lines(desk, "callback")].count("missed") == (0 if tried else 1)
    companion.access = companion.sign_in()
    (view,) = home(companion).tickets[0].calls
    assert view.owed is not tried
