# SPDX-License-Identifier: GPL-3.0-or-later
"""The merge rules on a real database: held replies, conflicts, moves between scopes, merges, texts, isolation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from app.domain import changes as c
from app.domain.entities import (
    CONFLICT,
    CONTACT_ADDRESS,
    MEMBERSHIP,
    MESSAGE,
    NOTE,
    ORGANISATION,
    TICKET,
    TIME_ENTRY,
    customer_scope,
    team_scope,
    user_scope,
)
from app.domain.errors import Refused
from app.domain.ids import hlc_of
from sync.protocol import Result, Rows
from sync.server.access import grant
from sync.server.bulk import load_rows, scope_errors
from sync.server.devices import Devices
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import DatabaseBusy
from tests.server.world import Agent, NewRow, World, row_id

SEEN = {"customer": (1, 0), "incident": (1, 0), "merged_into": (1, 0), "state": (1, 0)}


def result(agent: Agent, change: c.AnyChange, base: dict[str, tuple[int, int]] | None = None) -> Result:
    """Push one change."""
    return agent.push(agent.mutation(change, base)).results[0]


def stored(world: World, type_: int, id_: bytes) -> dict[str, Any]:
    """A row as the server has it."""
    table = ENTITY_TABLES[type_]
    with world.store.read() as cx:
        return dict(cx.execute(sa.select(table).where(table.c.id == id_)).mappings().one())


def conflicts(agent: Agent, status: str = "open") -> list[dict[str, Any]]:
    """The agent's conflict rows."""
    agent.pull()
    return [row for row in agent.copy.of(CONFLICT.number) if row["status"] == status]


def bodies(world: World, ticket: bytes) -> list[str]:
    """What is written on a ticket, by number; the numbers are dense or rise."""
    table = ENTITY_TABLES[MESSAGE.number]
    query = sa.select(table.c.body, table.c.msg_no).where(table.c.ticket == ticket, table.c.deleted == sa.false())
    with world.store.read() as cx:
        found = sorted(cx.execute(query).all(), key=lambda r: r.msg_no)
    assert len({r.msg_no for r in found}) == len(found)
    return [r.body for r in found]


def sums_agree(world: World) -> bool:
    with world.store.read() as cx:
        return scope_errors(cx) == []


def test_a_stale_reply_is_held_and_goes_out_when_its_author_says_so(world: World) -> None:
    """Not in the ticket, not lost: in a row of its author, released with what is seen now."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    assert lee.do(lee.reply(ticket, "먼저 썼어요", seen_seq=1)) == ("ok", None)
    held = result(kim, kim.reply(ticket, "늦은 답", seen_seq=1), SEEN)
    assert (held.st, held.code) == ("conflict", "stale_reply")
    assert held.data is not None
    assert held.data["reason"] == "news"
    assert bodies(world, ticket) == ["도와주세요", "먼저 썼어요"]
    (row,) = conflicts(kim)
    assert (row["kind"], row["scope"], row["author"]) == ("stale_reply", user_scope(kim.id), lee.id)
    assert json.loads(row["mine"])["args"]["body"] == "늦은 답"
    assert lee.do(lee.reply(ticket, "또 썼어요", seen_seq=2)) == ("ok", None)
    again = result(kim, c.ReplyRelease(kim.fresh(), row["id"], 2, "고친 답"))
    assert (again.st, again.code) == ("conflict", "stale_reply")
    (row,) = conflicts(kim)
    assert json.loads(row["mine"])["args"]["body"] == "고친 답"
    assert kim.do(c.ReplyRelease(kim.fresh(), row["id"], 3)) == ("ok", None)
    assert bodies(world, ticket)[-1] == "고친 답"
    assert conflicts(kim) == []
    assert sums_agree(world)


def test_a_reply_that_rests_on_what_a_restored_server_lost_is_held(world: World) -> None:
    """Kim read message 2, the restore took it, and what became number 2 since, Kim has not read."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    lost = kim.fresh()
    unseen = replace(kim.reply(ticket, "복구 전에 쓴 답", seen_seq=2), seen_id=lost)
    assert kim.do(unseen) == ("conflict", "stale_reply")
    news = lee.reply(ticket, "처음 보는 소식")
    assert lee.do(news) == ("ok", None)
    held = result(kim, replace(kim.reply(ticket, "늦은 답", seen_seq=2), seen_id=lost), SEEN)
    assert (held.st, held.code) == ("conflict", "stale_reply")
    assert held.data is not None
    assert held.data["messages"] == [news.message.hex()]
    assert kim.do(kim.reply(ticket, "다 봤어요", seen_seq=2**63 - 1)) == ("conflict", "stale_reply")
    assert bodies(world, ticket) == ["도와주세요", "처음 보는 소식"]
    first, *_ = conflicts(kim)
    assert kim.do(c.ReplyRelease(kim.fresh(), first["id"], 2, seen_id=lost)) == ("conflict", "stale_reply")
    assert kim.do(c.ReplyRelease(kim.fresh(), first["id"], 2, seen_id=news.message)) == ("ok", None)
    assert kim.do(replace(kim.reply(ticket, "이어서", seen_seq=2), seen_id=news.message)) == ("ok", None)
    assert sums_agree(world)


def test_a_very_long_reply_is_held_like_any_other(world: World) -> None:
    """Whatever may be typed fits also into the row that holds it, quotes and line ends as they are."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    assert lee.do(lee.reply(ticket, "먼저 썼어요")) == ("ok", None)
    for body in ('"' * 300_000, "\n'" * 200_000, "가" * 200_000, "x" * 600_000):
        assert kim.do(kim.reply(ticket, body, seen_seq=1)) == ("conflict", "stale_reply")
        assert json.loads(conflicts(kim)[-1]["mine"])["args"]["body"]
    assert kim.do(kim.reply(ticket, "x" * 700_000)) == ("rejected", "text_too_long")
    assert sums_agree(world)


def test_a_team_may_let_stale_replies_go_out_but_not_to_another_customer(world: World) -> None:
    """Newer messages alone hold nothing back there; what changes whom a reply goes to does, as in all teams."""
    kim, lee = world.agent("kim"), world.agent("lee")
    devices = Devices(world.store, lambda n: bytes(n))
    devices.set_stale_replies("북부", send=True)
    ticket = kim.ticket()
    assert lee.do(lee.reply(ticket, "먼저 썼어요", seen_seq=1)) == ("ok", None)
    assert result(kim, kim.reply(ticket, "늦은 답", seen_seq=1), SEEN).st == "ok"
    assert bodies(world, ticket) == ["도와주세요", "먼저 썼어요", "늦은 답"]
    assert lee.do(c.TicketSet(lee.fresh(), ticket, {"customer": world.other_customer})) == ("ok", None)
    held = result(kim, kim.reply(ticket, "an wen?", seen_seq=1), SEEN)
    assert (held.st, held.data and held.data["reason"]) == ("conflict", "customer")
    assert [json.loads(row["mine"])["args"]["seen_seq"] for row in conflicts(kim)] == [1]
    devices.set_stale_replies("북부", send=False)
    assert kim.do(kim.reply(ticket, "wieder zu spät", seen_seq=1)) == ("conflict", "stale_reply")
    assert sums_agree(world)
    with pytest.raises(Refused, match="no_such_team"):
        devices.set_stale_replies("서부", send=True)


def test_the_results_of_held_replies_come_again_with_the_pull(desk: World) -> None:
    """A lost answer cannot hide that a reply did not go out."""
    kim, lee = desk.agent("kim"), desk.agent("lee")
    ticket = kim.ticket()
    lee.do(lee.reply(ticket, seen_seq=1))
    kim.do(kim.reply(ticket, seen_seq=1))
    items = [item for frame in kim.pull() for item in getattr(frame, "items", []) if isinstance(item, Result)]
    assert [(i.st, i.code) for i in items] == [("conflict", "stale_reply")]


def test_two_offline_replies_in_a_row_do_not_hold_each_other(desk: World) -> None:
    """But both are held if a colleague wrote meanwhile: the second did not see that either."""
    kim, lee = desk.agent("kim"), desk.agent("lee")
    one, two = kim.ticket(1), kim.ticket(2)
    first = [kim.mutation(kim.reply(one, body, seen_seq=1), SEEN) for body in "가나"]
    assert [r.st for r in kim.push(*first).results] == ["ok", "ok"]
    lee.do(lee.reply(two, "동료", seen_seq=1))
    second = [kim.mutation(kim.reply(two, body, seen_seq=1), SEEN) for body in "다라"]
    assert [r.code for r in kim.push(*second).results] == ["stale_reply", "stale_reply"]


def test_a_discarded_reply_sent_again_by_a_renewed_device_is_not_asked_about_again(desk: World) -> None:
    """The row is found by the change's event, whatever device id it comes under."""
    kim, lee = desk.agent("kim"), desk.agent("lee")
    ticket = kim.ticket()
    lee.do(lee.reply(ticket, seen_seq=1))
    reply = kim.reply(ticket, "버릴 말", seen_seq=1)
    kim.do(reply)
    (row,) = conflicts(kim)
    assert kim.do(c.ReplyDiscard(kim.fresh(), row["id"])) == ("ok", None)
    renewed = desk.agent("kim")
    assert renewed.do(reply) == ("conflict", "stale_reply")
    assert conflicts(renewed) == []
    assert "버릴 말" in conflicts(renewed, "closed")[0]["mine"]


def test_nobody_can_read_or_settle_the_held_reply_of_another(desk: World) -> None:
    """It lies in its author's own scope."""
    kim, lee = desk.agent("kim"), desk.agent("lee")
    ticket = kim.ticket()
    lee.do(lee.reply(ticket, seen_seq=1))
    kim.do(kim.reply(ticket, seen_seq=1))
    (row,) = conflicts(kim)
    assert lee.do(c.ReplyRelease(lee.fresh(), row["id"], 9)) == ("rejected", "scope")
    assert lee.do(c.ConflictResolve(lee.fresh(), row["id"], "theirs")) == ("rejected", "scope")


def test_a_lost_value_comes_with_theirs_and_what_was_before_and_can_be_chosen(world: World) -> None:
    """Keep mine is an edit on what is there now; the row is closed."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    assert lee.do(c.TicketSet(lee.fresh(), ticket, {"customer": row_id(7)}), {"customer": (1, 0)}) == ("ok", None)
    assert kim.do(c.TicketSet(kim.fresh(), ticket, {"customer": row_id(8)}), {"customer": (1, 0)}) == ("conflict", None)
    (row,) = conflicts(kim)
    kept = [json.loads(row[name]) for name in ("base", "mine", "theirs")]
    assert kept == [world.customer.hex(), row_id(8).hex(), row_id(7).hex()]
    seen = stored(world, TICKET.number, ticket)
    rev = json.loads(seen["fld"])["customer"][0]
    assert kim.do(c.ConflictResolve(kim.fresh(), row["id"], "mine"), {"customer": (rev, 0)}) == ("ok", None)
    assert bytes(stored(world, TICKET.number, ticket)["customer"]) == row_id(8)
    assert conflicts(kim) == []


def test_a_note_on_a_deleted_ticket_waits_and_restores_it(world: World) -> None:
    """Deleting takes everything out of sight; the late note brings it back, if its author wants."""
    kim, lee = world.agent("kim"), world.agent("lee")
    ticket = kim.ticket()
    lee.pull()
    assert kim.do(c.TicketDelete(kim.fresh(), ticket), {c.WHOLE_ROW: (1, 0)}) == ("ok", None)
    assert lee.do(lee.note(ticket, "몰랐어요")) == ("conflict", "deleted")
    lee.pull()
    assert lee.row(ticket)["deleted"]
    assert all(row["deleted"] for row in lee.copy.of(MESSAGE.number))
    (row,) = conflicts(lee)
    assert lee.do(c.ConflictResolve(lee.fresh(), row["id"], "mine")) == ("ok", None)
    lee.pull()
    assert not lee.row(ticket)["deleted"]
    assert [n["body"] for n in lee.copy.of(NOTE.number)] == ["몰랐어요"]
    assert bodies(world, ticket) == ["도와주세요"]
    assert sums_agree(world)


def test_a_delete_that_saw_too_little_waits(desk: World) -> None:
    """A colleague wrote since: the ticket stays until somebody decides."""
    kim, lee = desk.agent("kim"), desk.agent("lee")
    ticket = kim.ticket()
    lee.do(lee.note(ticket))
    assert kim.do(c.TicketDelete(kim.fresh(), ticket), {c.WHOLE_ROW: (1, 0)}) == ("conflict", "deleted")
    assert not stored(desk, TICKET.number, ticket)["deleted"]
    (row,) = conflicts(kim)
    assert kim.do(c.ConflictResolve(kim.fresh(), row["id"], "mine")) == ("ok", None)
    assert stored(desk, TICKET.number, ticket)["deleted"]
    assert kim.do(c.TicketRestore(kim.fresh(), ticket)) == ("ok", None)
    assert sums_agree(desk)


def test_a_moved_ticket_leaves_one_team_and_arrives_whole_in_the_other(world: World) -> None:
    """Exits here, rows there, sums right on both sides; the one who may not see it any more cannot write on it."""
    kim, park = world.agent("kim"), world.agent("park")
    ticket = kim.ticket()
    kim.do(kim.note(ticket))
    kim.do(c.TimeAdd(kim.fresh(), kim.fresh(), ticket, 15, "전화"))
    kim.do(c.MemberSet(kim.fresh(), ticket, "tag", row_id(70)))
    kim.pull()
    mine = {key for key, row in kim.copy.rows.items() if row["scope"] == team_scope(world.team("북부"))}
    assert kim.do(c.TicketMove(kim.fresh(), ticket, world.team("남부")), {"team": (1, 0)}) == ("ok", None)
    gone = {(i[1], i[2]) for frame in kim.pull() if hasattr(frame, "scope") and not isinstance(frame, Rows)
            for i in getattr(frame, "items", [])}  # fmt: skip
    assert mine <= gone
    park.pull()
    assert mine <= set(park.copy.rows)
    assert {row["scope"] for key, row in park.copy.rows.items() if key in mine} == {team_scope(world.team("남부"))}
    assert kim.do(kim.note(ticket)) == ("rejected", "scope")
    assert park.do(park.note(ticket)) == ("ok", None)
    assert sums_agree(world)


def test_merge_across_teams_and_back(world: World) -> None:
    """Rows change scope with their new ticket and come back to the old one."""
    kim, park = world.agent("kim"), world.agent("park")
    source, target = kim.ticket(1), kim.ticket(2)
    kim.do(c.TicketMove(kim.fresh(), target, world.team("남부")))
    assert kim.do(c.TicketMerge(kim.fresh(), source, target)) == ("rejected", "scope")
    _grant(world, kim, "남부")
    assert kim.do(c.TicketMerge(kim.fresh(), source, target)) == ("ok", None)
    assert len(bodies(world, target)) == 2
    assert sums_agree(world)
    note = kim.note(source, "합친 뒤의 메모")
    assert kim.do(note) == ("ok", None)
    arrived = stored(world, NOTE.number, note.note)
    assert (bytes(arrived["ticket"]), bytes(arrived["arrived_via"])) == (target, source)
    late = result(kim, kim.reply(source, "합친 줄 몰랐어요", seen_seq=1), SEEN)
    assert (late.code, late.data and late.data["reason"]) == ("stale_reply", "merged")
    assert kim.do(c.TicketUnmerge(kim.fresh(), source)) == ("ok", None)
    assert (len(bodies(world, source)), len(bodies(world, target))) == (1, 1)
    park.pull()
    assert sums_agree(world)


def _grant(world: World, agent: Agent, team: str) -> None:
    world.store.write(lambda cx: grant(cx, agent.id, [team_scope(world.team(team))], world.clock()))


def test_crosswise_merges_in_one_push_give_one_merge(desk: World) -> None:
    """And a split gets a number like any ticket."""
    kim = desk.agent()
    one, two = kim.ticket(1), kim.ticket(2)
    answer = kim.push(
        kim.mutation(c.TicketMerge(kim.fresh(), one, two)),
        kim.mutation(c.TicketMerge(kim.fresh(), two, one)),
    )
    assert [(r.st, r.code) for r in answer.results] == [("ok", None), ("rejected", "merged")]
    message = kim.reply(two, "나눌 말")
    kim.do(message)
    split = result(kim, c.TicketSplit(kim.fresh(), two, row_id(1050), (message.message,), "다른 일", "~K7-9"))
    assert (split.st, split.data) == ("ok", {"number": 10003})
    assert bodies(desk, row_id(1050)) == ["나눌 말"]
    assert sums_agree(desk)


def test_a_renewed_device_sends_everything_again_and_nothing_happens_twice(world: World) -> None:
    """Merge, split, unmerge, customers, times: each is known by its own history, whatever the device id."""
    kim = world.agent()
    one, two, new = kim.ticket(1), kim.ticket(2), row_id(600)
    reply, note = kim.reply(one, "답"), kim.note(two, "메모")
    changes: list[c.AnyChange] = [
        reply, note, c.TicketSplit(kim.fresh(), one, row_id(1050), (reply.message,), "나눔"),
        c.TicketMerge(kim.fresh(), two, one), c.TicketUnmerge(kim.fresh(), two),
        c.CustomerCreate(kim.fresh(), new, "새 고객"), c.CustomerMerge(kim.fresh(), world.customer, new),
        c.TimeAdd(kim.fresh(), kim.fresh(), one, 5), c.TicketDelete(kim.fresh(), two),
    ]  # fmt: skip
    assert {r.st for r in kim.push(*map(kim.mutation, changes)).results} == {"ok"}
    before = _contents(world)
    renewed = world.agent()
    assert {(r.st, r.code) for r in renewed.push(*map(renewed.mutation, changes[2:])).results} == {("ok", None)}
    assert _contents(world) == before
    assert sums_agree(world)


def _contents(world: World) -> dict[tuple[int, bytes], object]:
    with world.store.read() as cx:
        return {
            (number, bytes(row["id"])): (row["rev"], row["scope_id"], row["deleted"])
            for number, table in ENTITY_TABLES.items()
            for row in cx.execute(sa.select(table)).mappings()
        }


def test_two_devices_merge_crosswise_at_the_same_time(world: World) -> None:
    """Both rows are locked in one order: one merge, one refusal, no deadlock, nothing lost."""
    from tests.server.test_store import together

    agents = [world.agent("kim"), world.agent("lee")]
    pairs = [(agents[0].ticket(2 * n), agents[0].ticket(2 * n + 1)) for n in range(1, 5)]
    results: list[str] = []

    def merge(agent: Agent, flip: bool) -> Callable[[], None]:
        from sync.protocol import Push
        from sync.server.core import ServerCore
        from sync.server.tokens import AGENT, Grant
        from tests.server.world import CountingRandom

        core, who = ServerCore(world.store, CountingRandom()), Grant(AGENT, agent.id, agent.device, 0)
        muts = [agent.mutation(c.TicketMerge(agent.fresh(), *(reversed(pair) if flip else pair))) for pair in pairs]

        def run() -> None:
            for mutation in muts:
                told = core.push(world.clock(), who, Push(device=agent.device, epoch=agent.epoch, muts=[mutation]))
                results.extend(r.st for r in told.results)

        return run

    together(merge(agents[0], False), merge(agents[1], True))
    assert sorted(results) == ["ok"] * 4 + ["rejected"] * 4
    assert all(sorted((len(bodies(world, a)), len(bodies(world, b)))) == [0, 2] for a, b in pairs)
    assert sums_agree(world)


def test_long_texts_merge_by_what_the_server_kept(world: World) -> None:
    """The base is found by revision, or by what this device offered; no base need be sent along."""
    kim, lee = world.agent("kim"), world.agent("lee")
    org = row_id(500)
    base = "하나\n\n둘\n\n셋\n"
    new = NewRow(ORGANISATION.number, org, customer_scope(org), {"name": "가온", "note": base})
    world.store.write(lambda cx: load_rows(cx, [new]))

    def edit(agent: Agent, text: str, rev: int, after: int = 0) -> Result:
        change = c.TextEdit(agent.fresh(), ORGANISATION.number, org, "note", text)
        return result(agent, change, {"note": (rev, after)})

    assert edit(lee, base.replace("하나", "1"), 1).st == "ok"
    assert edit(kim, base.replace("셋", "3"), 1).st == "merged"
    assert stored(world, ORGANISATION.number, org)["note"] == "1\n\n둘\n\n3\n"
    offered = base.replace("셋", "3").replace("둘", "2")
    assert edit(kim, offered, 1, after=kim.mid).st in ("ok", "merged")
    assert stored(world, ORGANISATION.number, org)["note"] == "1\n\n2\n\n3\n"
    lost = edit(lee, base.replace("둘", "이"), 1)
    assert (lost.st, lost.data) == ("conflict", {"fields": [{"field": "note", "open": True}]})
    (row,) = conflicts(lee)
    assert (row["kind"], json.loads(row["base"]), json.loads(row["mine"])) == ("text", base, base.replace("둘", "이"))
    assert lee.do(c.ConflictResolve(lee.fresh(), row["id"], "edited", "다 합친 글")) == ("ok", None)
    assert stored(world, ORGANISATION.number, org)["note"] == "다 합친 글"


def test_a_tag_removed_and_added_offline_by_two_follows_the_later_intent(desk: World) -> None:
    """Also when neither had seen the row of the other."""
    kim, lee = desk.agent("kim"), desk.agent("lee")
    ticket = kim.ticket()
    none = {"present": (0, 0)}
    early = kim.mutation(c.MemberSet(kim.fresh(), ticket, "tag", row_id(70)), none, hlc=hlc_of(desk.clock() - 5000))
    assert lee.do(c.MemberSet(lee.fresh(), ticket, "tag", row_id(70), present=False), none) == ("ok", None)
    assert kim.push(early).results[0].st == "conflict"
    (row,) = [r for r in conflicts(kim, "auto") if r["subject_type"] == MEMBERSHIP.number]
    assert row["mine"] == "true"


def test_the_same_id_with_other_content_is_kept_under_another(desk: World) -> None:
    """Two copies of a profile wrote under one id: both texts are there, and the second device is told."""
    kim, lee = desk.agent("kim"), desk.agent("lee")
    ticket = kim.ticket()
    one = kim.note(ticket, "하나")
    assert kim.do(one) == ("ok", None)
    two = result(lee, c.NoteAdd(lee.fresh(), one.note, ticket, "둘"))
    assert two.data is not None
    assert stored(desk, NOTE.number, bytes.fromhex(two.data["id"]))["body"] == "둘"
    assert stored(desk, NOTE.number, one.note)["body"] == "하나"


def test_customers_are_created_and_merged_with_all_they_own(world: World) -> None:
    """Tickets in teams that the agent does not see too; companions go along."""
    kim, park = world.agent("kim"), world.agent("park")
    ticket = kim.ticket()
    park.create(row_id(1077), "남부")
    companion = world.companion()
    new = row_id(600)
    assert kim.do(c.CustomerCreate(kim.fresh(), new, "한예린 (회사)")) == ("ok", None)
    assert kim.do(c.CustomerMerge(kim.fresh(), world.customer, new)) == ("ok", None)
    for id_ in (ticket, row_id(1077)):
        assert bytes(stored(world, TICKET.number, id_)["customer"]) == new
    address = stored(world, CONTACT_ADDRESS.number, row_id(100 + world.customer[-1]))
    assert (bytes(address["customer"]), address["scope_id"]) == (new, customer_scope(new))
    with world.store.read() as cx:
        table = SYSTEM.companion
        owner = cx.execute(sa.select(table.c.customer_id).where(table.c.id == bytes.fromhex(companion.id))).scalar()
    assert owner is not None
    assert bytes(owner) == new
    assert sums_agree(world)


def test_time_is_added_once(desk: World) -> None:
    """Minutes are entries, never sums."""
    kim = desk.agent()
    ticket = kim.ticket()
    entry = c.TimeAdd(kim.fresh(), kim.fresh(), ticket, 30, "출장")
    assert [kim.do(entry) for _ in range(2)] == [("ok", None)] * 2
    kim.pull()
    assert [t["duration_s"] for t in kim.copy.of(TIME_ENTRY.number)] == [1800]


def test_a_bug_in_one_change_leaves_no_trace_and_stops_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The change is rejected as `error`; those before and after it are applied, and nothing of it is stored."""
    kim = world.agent()
    ticket = kim.ticket()
    good, bad, after = kim.note(ticket, "앞"), kim.note(ticket, "고장"), kim.note(ticket, "뒤")
    real = c.NoteAdd.effects

    def broken(self: c.NoteAdd, rows: c.Rows, ctx: c.Context) -> list[c.Effect]:
        out = real(self, rows, ctx)
        if self.body == "고장":
            raise ZeroDivisionError
        return out

    monkeypatch.setattr(c.NoteAdd, "effects", broken)
    answer = kim.push(*(kim.mutation(change) for change in (good, bad, after)))
    assert [(r.st, r.code) for r in answer.results] == [("ok", None), ("rejected", "error"), ("ok", None)]
    kim.pull()
    assert sorted(n["body"] for n in kim.copy.of(NOTE.number)) == ["뒤", "앞"]
    assert sums_agree(world)


def test_a_bug_at_the_end_of_the_transaction_rejects_only_the_change_at_fault(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails in the writing is found by running the changes one by one."""
    from sync.server import rows as server_rows

    kim = world.agent()
    ticket = kim.ticket()
    changes = [kim.note(ticket, body) for body in ("앞", "고장", "뒤")]
    real = server_rows._record

    def broken(row: c.Row, *args: Any) -> dict[str, Any]:
        if row.values.get("body") == "고장":
            raise ZeroDivisionError
        return real(row, *args)

    monkeypatch.setattr(server_rows, "_record", broken)
    answer = kim.push(*map(kim.mutation, changes))
    assert [(r.st, r.code) for r in answer.results] == [("ok", None), ("rejected", "error"), ("ok", None)]
    assert sums_agree(world)


def test_what_the_machine_cannot_do_now_is_sent_again_and_never_rejected(
    desk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk or no memory answers 503; nothing is applied; later the same push goes through."""
    from sync.server import push as server_push

    kim = desk.agent()
    ticket = kim.ticket()
    muts = [kim.mutation(kim.note(ticket)) for _ in range(3)]
    for error in (OSError(28, "No space left on device"), MemoryError(), DatabaseBusy("gone")):
        with monkeypatch.context() as patched:
            patched.setattr(server_push, "_store", _raiser(error))
            assert kim.push_raw(muts).status_code == 503
            patched.undo()
        with monkeypatch.context() as patched:
            patched.setattr(c.NoteAdd, "effects", _raiser(error))
            assert kim.push_raw(muts).status_code == 503
    assert [r.st for r in kim.push(*muts).results] == ["ok"] * 3


def _raiser(error: Exception) -> Callable[..., Any]:
    def run(*_args: object, **_kwargs: object) -> Any:
        raise error

    return run


def test_a_ticket_created_again_under_the_id_of_a_merged_one_sets_nothing_in_its_target(desk: World) -> None:
    """The target may be of a team that the writer does not see: words arrive there as they always do, fields do not."""
    kim, lee = desk.agent("kim"), desk.agent("lee")
    one, two = kim.ticket(1), kim.ticket(2, customer=desk.other_customer, subject="theirs")
    assert kim.do(c.TicketMerge(kim.fresh(), one, two)) == ("ok", None)
    assert kim.do(c.TicketMove(kim.fresh(), two, desk.team("남부")))[0] == "ok"
    forged = lee.create_change(one, subject="mine", priority=4, customer=desk.customer, message=lee.fresh())
    lee.do(replace(forged, event=lee.fresh()))
    park = desk.agent("park")
    park.pull()
    row = park.row(two)
    assert (row["subject"], row["customer"], row["priority"]) == ("theirs", desk.other_customer, 2)
