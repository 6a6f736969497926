# SPDX-License-Identifier: GPL-3.0-or-later
"""Push: what people typed arrives once, in order, and nothing of it is lost."""

from __future__ import annotations

from typing import Any

import msgspec

from app.domain.changes import AnyChange, CustomerSet, MemberSet, Noop, TicketSet
from app.domain.entities import CONFLICT, HISTORY, MESSAGE, NOTE, TICKET, user_scope
from sync.protocol import Mutation
from tests.server.world import World, row_id


def test_a_ticket_gets_the_next_number_and_everybody_in_the_team_sees_it(world: World) -> None:
    """The number is given by the server, dense, and pulled with the ticket, its message and its history."""
    kim, lee = world.agent("kim"), world.agent("lee")
    answer = kim.push(
        kim.mutation(kim.create_change(row_id(1001))),
        kim.mutation(kim.create_change(row_id(1002), provisional="~K7-1")),
    )
    assert [r.st for r in answer.results] == ["ok", "ok"]
    assert [r.data for r in answer.results] == [{"number": 10001}, {"number": 10002}]
    lee.pull()
    assert [t["number"] for t in lee.copy.of(TICKET.number)] == [10001, 10002]
    assert lee.row(row_id(1002))["aliases"] == '["~K7-1"]'
    assert len(lee.copy.of(MESSAGE.number)) == 2
    assert {h["recorded_at"] for h in lee.copy.of(HISTORY.number)} == {world.clock()}


def test_the_same_push_again_changes_nothing_and_tells_the_first_results(world: World) -> None:
    """A crash between commit and answer: the device sends again and gets `dup` with what happened the first time."""
    kim = world.agent()
    ticket = kim.ticket()
    muts = [kim.mutation(kim.reply(ticket)), kim.mutation(TicketSet(kim.fresh(), ticket, {"priority": 9}))]
    first, again = kim.push(*muts), kim.push(*muts)
    assert [r.st for r in first.results] == ["ok", "rejected"]
    assert [(r.st, r.was, r.code) for r in again.results] == [("dup", "ok", None), ("dup", "rejected", "bad_value")]
    assert again.lmid == first.lmid == 3
    assert again.heads == {}
    kim.pull()
    assert len(kim.copy.of(MESSAGE.number)) == 2


def test_a_push_that_overlaps_an_earlier_one_applies_only_the_rest(world: World) -> None:
    """Mids the server knows are dups, the others are applied."""
    kim = world.agent()
    ticket = kim.ticket()
    one, two = kim.mutation(kim.reply(ticket, "하나")), kim.mutation(kim.reply(ticket, "둘"))
    kim.push(one)
    assert [r.st for r in kim.push(one, two).results] == ["dup", "ok"]
    kim.pull()
    assert kim.row(ticket)["msg_seq"] == 3


def test_a_refused_change_leaves_the_others_applied(world: World) -> None:
    """Nothing about one mutation is an HTTP error; the rule that refused it is named."""
    kim = world.agent()
    ticket = kim.ticket()
    waiting = world_state(world, "waiting_customer")
    answer = kim.push(
        kim.mutation(TicketSet(kim.fresh(), ticket, {"state": waiting})),
        kim.mutation(kim.note(ticket)),
        kim.mutation(kim.note(row_id(99))),
        kim.mutation(kim.reply(ticket)),
        kim.mutation(TicketSet(kim.fresh(), ticket, {"state": waiting})),
    )
    assert [(r.st, r.code) for r in answer.results] == [
        ("rejected", "reply_first"),
        ("ok", None),
        ("rejected", "no_such_ticket"),
        ("ok", None),
        ("ok", None),
    ]
    kim.pull()
    assert kim.row(ticket)["state"] == waiting
    assert len(kim.copy.of(NOTE.number)) == 1


def test_a_gap_a_fork_and_another_epoch_are_told_and_apply_nothing(world: World) -> None:
    """409 with what the server expects."""
    kim = world.agent()
    ticket = kim.ticket()
    gap = kim.push_raw([kim.mutation_at(5, kim.reply(ticket))])
    assert (gap.status_code, gap.json()["code"], gap.json()["expected"]) == (409, "gap", 2)
    hole = kim.push_raw([kim.mutation_at(2, kim.reply(ticket)), kim.mutation_at(4, kim.reply(ticket))])
    assert (hole.status_code, hole.json()["expected"]) == (409, 3)
    fork = kim.push_raw([kim.mutation_at(1, kim.reply(ticket))])
    assert (fork.status_code, fork.json()["code"], fork.json()["mid"]) == (409, "fork", 1)
    kim.epoch = b"another epoch..."
    assert kim.push_raw([kim.mutation_at(2, Noop(kim.fresh()))]).json()["code"] == "epoch"
    kim.epoch = b""
    kim.hello()
    kim.pull()
    assert len(kim.copy.of(MESSAGE.number)) == 1


def test_tickets_of_other_teams_cannot_be_written(world: World) -> None:
    """The authority over scopes is checked per mutation, whatever the client believes."""
    kim, park = world.agent("kim"), world.agent("park")
    ticket = kim.ticket()
    assert park.do(park.reply(ticket)) == ("rejected", "scope")
    assert park.create(row_id(1009), "북부") == ("rejected", "scope")
    assert park.do(TicketSet(park.fresh(), ticket, {"priority": 4})) == ("rejected", "scope")


def test_two_people_on_one_field_keep_both_values(world: World) -> None:
    """The later intent wins; the other value stays in history and in a row of the loser's own scope."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    world.clock.forward(60)
    early = kim.mutation(TicketSet(kim.fresh(), ticket, {"priority": 3}), {"priority": (1, 0)})
    world.clock.forward(60)
    assert lee.do(TicketSet(lee.fresh(), ticket, {"priority": 4}), {"priority": (1, 0)}) == ("ok", None)
    result = kim.push(early).results[0]
    assert (result.st, result.data) == ("conflict", {"fields": [{"field": "priority", "open": False}]})
    kim.pull()
    assert kim.row(ticket)["priority"] == 4
    (kept,) = kim.copy.of(CONFLICT.number)
    assert (kept["mine"], kept["theirs"], kept["status"], kept["author"]) == ("3", "4", "auto", lee.id)
    assert kept["scope"] == user_scope(kim.id)
    assert "gave_way" in [h["kind"] for h in kim.copy.of(HISTORY.number)]


def test_a_later_intent_wins_and_the_earlier_author_can_see_what_was_lost(world: World) -> None:
    """MERGED: the loser is the person whose value stood."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    assert kim.do(TicketSet(kim.fresh(), ticket, {"subject": "프린터"}), {"subject": (1, 0)}) == ("ok", None)
    world.clock.forward(5)
    assert lee.do(TicketSet(lee.fresh(), ticket, {"subject": "복합기"}), {"subject": (1, 0)})[0] == "merged"
    kim.pull()
    (kept,) = kim.copy.of(CONFLICT.number)
    assert (kept["mine"], kept["theirs"], kept["author"]) == ('"프린터"', '"복합기"', lee.id)


def test_closing_states_are_never_decided_by_the_clock(world: World) -> None:
    """A state of the policy `ask` that lost stays open for a person."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    kim.do(kim.reply(ticket))
    kim.pull()
    seen = kim.row(ticket)["fld"]["state"][0]
    lee.do(TicketSet(lee.fresh(), ticket, {"state": world_state(world, "waiting_internal")}), {"state": (seen, 0)})
    solved = {"state": world_state(world, "solved")}
    assert kim.do(TicketSet(kim.fresh(), ticket, solved), {"state": (seen, 0)}) == ("conflict", None)
    kim.pull()
    assert [c["status"] for c in kim.copy.of(CONFLICT.number)] == ["open"]


def test_two_offline_edits_of_one_field_do_not_fight_each_other(world: World) -> None:
    """`after` names the own pending mutation that the second edit was made on."""
    kim = world.agent()
    ticket = kim.ticket()
    one = kim.mutation(TicketSet(kim.fresh(), ticket, {"priority": 3}), {"priority": (1, 0)})
    two = kim.mutation(TicketSet(kim.fresh(), ticket, {"priority": 4}), {"priority": (1, one.mid)})
    assert [r.st for r in kim.push(one, two).results] == ["ok", "ok"]


def test_a_clock_from_the_future_does_not_win(world: World) -> None:
    """Intents are clamped to the server's time, with the offset measured at hello."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    future = (world.clock() + 10**9) << 16
    kim.push(kim.mutation(TicketSet(kim.fresh(), ticket, {"priority": 3}), {"priority": (1, 0)}, hlc=future))
    world.clock.forward(60)
    assert lee.do(TicketSet(lee.fresh(), ticket, {"priority": 4}), {"priority": (1, 0)})[0] == "merged"
    lee.pull()
    assert all(h["acted_at"] <= world.clock() for h in lee.copy.of(HISTORY.number))


def test_values_that_a_database_cannot_hold_are_refused_and_nothing_else(world: World) -> None:
    """A wrong type, NUL or a giant number is `rejected`, never an error that stops the device."""
    kim = world.agent()
    ticket = kim.ticket()
    bad: list[AnyChange] = [
        TicketSet(kim.fresh(), ticket, {"owner": b"short"}),
        TicketSet(kim.fresh(), ticket, {"kind": "a\x00b"}),
        TicketSet(kim.fresh(), ticket, {"tier": 1 << 63}),
        TicketSet(kim.fresh(), ticket, {"snooze_until": "tomorrow"}),
        TicketSet(kim.fresh(), ticket, {"number": 7}),
        CustomerSet(kim.fresh(), world.customer, {"name": 5}),
    ]
    answer = kim.push(*[kim.mutation(change) for change in bad], kim.mutation(kim.reply(ticket)))
    assert [r.st for r in answer.results] == ["rejected"] * len(bad) + ["ok"]


def test_damaged_and_unknown_mutations_are_refused_one_by_one(world: World) -> None:
    """Bad hash, bad arguments, unknown name: each its own word, the mid is used up."""
    kim = world.agent()
    noop = kim.mutation(Noop(kim.fresh()))
    muts = [
        msgspec.structs.replace(noop, hash=b"wrong..."),
        _rehashed(kim.mutation(Noop(kim.fresh())), args=b"\xc1"),
        _rehashed(kim.mutation(Noop(kim.fresh())), name="ticket.explode"),
    ]
    codes = [r.code for r in kim.push(*muts).results]
    assert codes == ["bad_hash", "malformed", "unknown_mutation"]


def test_a_long_push_is_applied_in_several_transactions_in_order(world: World) -> None:
    """More than 50 mutations; tags are one row per membership whoever adds them first."""
    kim = world.agent()
    ticket = kim.ticket()
    muts = [kim.mutation(MemberSet(kim.fresh(), ticket, "tag", row_id(i % 30), i < 90)) for i in range(120)]
    answer = kim.push(*muts)
    assert answer.lmid == 121
    assert all(r.st in ("ok", "merged") for r in answer.results)
    too_many = [kim.mutation_at(122 + i, Noop(kim.fresh())) for i in range(201)]
    assert kim.push_raw(too_many).status_code == 413


def test_creating_a_ticket_again_is_harmless(world: World) -> None:
    """A device that took a new id sends its outbox again: what arrived before is recognised by id."""
    kim = world.agent()
    ticket = kim.ticket()
    kim.do(kim.reply(ticket))
    assert kim.create(ticket) == ("ok", None)
    kim.pull()
    assert len(kim.copy.of(TICKET.number)) == 1
    assert kim.row(ticket)["msg_seq"] == 2


def world_state(world: World, category: str) -> bytes:
    """Id of the seeded state of a category."""
    import sqlalchemy as sa

    from app.domain.entities import STATE
    from sync.server.schema import ENTITY_TABLES

    table = ENTITY_TABLES[STATE.number]
    with world.store.read() as cx:
        return bytes(cx.execute(sa.select(table.c.id).where(table.c.category == category)).scalar_one())


def _rehashed(mutation: Mutation, **changes: Any) -> Mutation:
    import msgspec

    from sync.protocol import mutation_hash

    made = msgspec.structs.replace(mutation, **changes)
    return msgspec.structs.replace(made, hash=mutation_hash(made.name, made.v, made.hlc, made.args, made.base))


def test_what_is_no_hash_is_not_kept(world: World) -> None:
    """Half a megabyte in the place of the hash would come back with every hello; sent again it is a dup."""
    kim = world.agent()
    ticket = kim.ticket()
    for wrong in (b"", b"x" * 9, b"x" * 500_000):
        mutation = msgspec.structs.replace(kim.mutation(kim.note(ticket)), hash=wrong)
        result = kim.push(mutation).results[0]
        assert (result.st, result.code) == ("rejected", "bad_hash")
        assert len(kim.hello().lmid_hash or b"") == 8
        assert kim.push(mutation).results[0].st == "dup"
        assert kim.push_raw([msgspec.structs.replace(mutation, hash=b"another")]).json()["code"] == "fork"
    assert kim.do(kim.note(ticket)) == ("ok", None)


def test_a_client_of_whatever_schema_is_welcome_if_it_is_newer(world: World) -> None:
    """Numbers that no database column holds, in every field of a hello that is one."""
    kim = world.agent()
    for schema in (99, (1 << 31) - 1, 1 << 31, 1 << 63, (1 << 64) - 1):
        kim.hello(schema=schema)
    for field in ("wall_ms", "lmid_seen", "last_mid"):
        for number in (-(1 << 63), (1 << 63) - 1, (1 << 64) - 1):
            kim.hello(**{field: number})
    for number in (-(1 << 63), (1 << 63) - 1, (1 << 64) - 1):
        kim.hello(scopes={"ref": number})
