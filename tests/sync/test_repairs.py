# SPDX-License-Identifier: GPL-3.0-or-later
"""Queues that do not move, loads that are killed, scopes that differ, frames that have no place."""

from __future__ import annotations

import random

import pytest

from app.domain.entities import TICKET
from app.domain.ids import new_id
from app.domain.ports import ViewKey
from sync.protocol import (
    Begin,
    Mark,
    ProtocolError,
    Pull,
    PullFrame,
    PushAnswer,
    SnapEnd,
)
from sync.protocol import (
    Rows as RowsFrame,
)
from sync.server.schema import SYSTEM
from tests.sync.desk import Client, Desk
from tests.sync.looks import hello, scope_north

# --- stuck ------------------------------------------------------------------------------------------------------------


def test_a_queue_that_does_not_move_starts_over_once_and_then_says_so(kim: Client, lee: Client) -> None:
    """Three answered pushes without progress: first from the files again, the second time people are told."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket)
    for round_ in range(2):
        assert not kim.core.stuck
        for _ in range(3):
            kim.core.on_push(PushAnswer(lmid=0, results=[], heads={}))
        assert kim.core.next(kim.desk.clock()).__class__.__name__ == "Hello", round_
    assert kim.core.stuck
    assert kim.core.diagnostics()["last_mid"] == 1
    assert kim.sync()
    assert not kim.core.stuck


def test_two_minutes_online_without_progress_are_too_long(kim: Client, lee: Client) -> None:
    """Time without a server does not count."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket)
    kim.core.rehello()
    kim.core.next(kim.desk.clock() + 500_000)
    assert kim.core._stall._times == 0
    now = kim.desk.clock()
    kim.core.on_hello(hello(kim), now)
    kim.core.next(now + 121_000)
    kim.core.on_hello(hello(kim), now + 121_000)
    kim.core.next(now + 242_000)
    assert kim.core.stuck


# --- repairs that resume ----------------------------------------------------------------------------------------------


def test_a_long_pull_that_is_killed_goes_on_from_the_stored_pages(
    desk: Desk, kim: Client, lee: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored is not asked for again, and shows only with the checkpoint."""
    monkeypatch.setattr("sync.server.pull.WINDOW", 20)
    for n in range(60):
        lee.new_ticket(f"문의 {n}")
    lee.sync()
    _, asked = _cut_often(kim)
    assert kim.sync()
    assert len(kim.profile.queries.ids(ViewKey.ALL)) == 60
    assert kim.core.counters.differing == []
    assert asked == sorted(asked)
    assert len(set(asked)) > 3
    with kim.replica._file.read() as tx:
        assert tx.value("SELECT count(*) FROM page") == 0


def _cut_often(client: Client) -> tuple[str, list[int]]:
    scope, asked = scope_north(client.desk), []

    def watch(request: object) -> bool:
        if isinstance(request, Pull):
            asked.append(request.scopes.get(scope, 0))
        return False

    client.line.lose = watch
    for cut in (6, 9, 12, 15):
        client.line.cut_after_frames = cut
        client.sync()
        asked.append(client.core.state.scopes[scope].held)
        client.restart_worker()
    return scope, [a for a in asked if a]


def test_a_scope_loaded_again_survives_kills_and_shows_the_old_rows_meanwhile(
    desk: Desk, kim: Client, lee: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old rows stay in view until the new ones are complete."""
    monkeypatch.setattr("sync.server.pull.WINDOW", 20)
    for n in range(60):
        lee.new_ticket(f"문의 {n}")
    lee.sync()
    kim.sync()
    kim.replica.set_scopes(None, {}, [scope_north(desk)], ())
    kim.restart_worker()
    rng = random.Random(4)
    for _ in range(6):
        kim.line.cut_after_frames = rng.randint(3, 14)
        kim.sync()
        assert len(kim.profile.queries.ids(ViewKey.ALL)) == 60
        kim.restart_worker()
    assert kim.core.state.scopes[scope_north(desk)].held > 0
    kim.line.cut_after_frames = None
    assert kim.sync()
    assert kim.core.state.scopes[scope_north(desk)].state == "live"
    assert kim.core.counters.differing == []


def test_a_scope_that_differs_again_after_a_full_load_is_taken_as_it_is(desk: Desk, kim: Client, lee: Client) -> None:
    """A server whose sums are wrong must not keep anybody loading for ever."""
    lee.new_ticket()
    lee.sync()
    table = SYSTEM.scope
    where = table.c.id == scope_north(desk)
    desk.store.write(lambda cx: cx.execute(table.update().where(where).values(xsum=table.c.xsum + 1)))
    for _ in range(3):
        assert kim.sync()
    assert kim.core.state.scopes[scope_north(desk)].state == "live"
    assert kim.core.counters.differing.count(scope_north(desk)) <= 2
    assert len(kim.profile.queries.ids(ViewKey.ALL)) == 1


def test_frames_that_have_no_place_are_refused(kim: Client) -> None:
    """Another epoch, a scope that was not asked for, a row that is none: an error of the protocol, nothing written."""
    scope = scope_north(kim.desk)
    begin = Begin(snap=b"s" * 16, epoch=kim.core.state.epoch or b"", lmid=0, server_ms=0, heads={})
    bad: list[PullFrame] = [
        Begin(snap=b"s" * 16, epoch=b"another one.....", lmid=0, server_ms=0, heads={}),
        RowsFrame(scope="team:not asked", type=TICKET.number, cols=[], rows=[]),
        RowsFrame(scope=scope, type=TICKET.number, cols=["subject"], rows=[[b"short", 1, False, 1, {}, "x"]]),
        RowsFrame(scope=scope, type=TICKET.number, cols=["subject"], rows=[[new_id(), 1, False, 1, {}]]),
        Mark(scope=scope, to=-1),
        SnapEnd(at_seq=1, n=1, xsum=1),
    ]
    for frame in bad:
        kim.core.reset()
        while not isinstance(request := kim.core.next(kim.desk.clock()), Pull):
            assert request is not None
            kim._exchange(request)
        if not isinstance(frame, Begin):
            kim.core.on_frame(begin)
        with pytest.raises(ProtocolError):
            kim.core.on_frame(frame)
    kim.core.on_cut()
    assert kim.sync()
