# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import random
from pathlib import Path

import pytest

from app.domain.entities import MESSAGE, NOTE, TICKET
from app.domain.ids import TicketId
from app.domain.ports import ViewKey
from sync.engine import Backoff, Request
from sync.protocol import Hello, Pull, Push
from tests.sync.desk import Client, Desk


def test_work_done_offline_reaches_the_server_and_the_other_agent_once(kim: Client, lee: Client) -> None:
    """Everything saved without a network is on the server, and on the colleague's screen, exactly once."""
    ticket = kim.new_ticket()
    kim.reply(ticket, "오프라인 답변")
    kim.note(ticket, "오프라인 메모")
    kim.set(ticket, priority=4, owner=kim.me)
    assert kim.profile.numbers().waiting == 4
    assert kim.sync()
    assert kim.profile.numbers().waiting == 0
    lee.sync()
    assert lee.bodies(ticket) == ["도와주세요", "오프라인 답변", "오프라인 메모"]
    row = lee.profile.queries.rows([ticket])[ticket]
    assert (row.priority, row.owner, row.number is not None) == (4, kim.me, True)


def test_a_lost_answer_to_a_push_does_not_send_twice(desk: Desk, kim: Client) -> None:
    """The server has it, the client does not know: it sends again and the server recognises it."""
    ticket = kim.new_ticket()
    kim.reply(ticket)
    kim.line.lose = lambda request: isinstance(request, Push)
    assert not kim.sync()
    assert kim.profile.numbers().waiting == 2
    kim.line.lose = lambda _: False
    kim.restart_worker()
    assert kim.sync()
    assert kim.profile.numbers().waiting == 0
    assert len(desk.rows(MESSAGE.number)) == 2


def test_a_pull_that_breaks_off_is_finished_later(desk: Desk, kim: Client, lee: Client) -> None:
    """Half an answer changes nothing that could be wrong; the next one completes it."""
    tickets = [lee.new_ticket(f"문의 {n}") for n in range(30)]
    lee.sync()
    kim.core.poked()
    kim.line.cut_after_frames = 3
    assert not kim.sync()
    assert kim.sync()
    assert set(kim.profile.queries.ids(ViewKey.ALL)) == set(tickets)
    assert kim.core.counters.differing == []


def test_rows_show_while_the_first_load_still_runs(desk: Desk, lee: Client, tmp_path: Path) -> None:
    """A new computer shows tickets before everything is here, and ends with all of them."""
    for n in range(40):
        lee.new_ticket(f"문의 {n}")
    lee.sync()
    client = Client(desk, tmp_path / "new", "kim")
    client.line.lose = lambda request: isinstance(request, Pull)
    client.sync()
    client.line.lose = lambda _: False
    assert _loading(client) == "loading"
    assert client.sync()
    assert _loading(client) == "done"
    assert len(client.profile.queries.ids(ViewKey.ALL)) == 40
    client.close()


def test_a_new_computer_with_little_to_load_asks_seldom(desk: Desk, lee: Client, tmp_path: Path) -> None:
    """Small scopes come in one answer and one checkpoint joins them: nobody waits for five ways there and back."""
    lee.new_ticket("문의")
    lee.sync()
    client = Client(desk, tmp_path / "new", "kim")
    asked: list[Request] = []
    client.line.lose = lambda request: bool(asked.append(request))  # type: ignore[func-returns-value]  # loses none
    assert client.sync()
    assert len(client.profile.queries.ids(ViewKey.ALL)) == 1
    assert sum(isinstance(request, Pull) for request in asked) == 2
    client.close()


def test_a_first_load_that_breaks_off_goes_on_where_it_was(desk: Desk, lee: Client, tmp_path: Path) -> None:
    """What arrived below a mark is kept through a crash of the worker, and sums are right in the end."""
    for n in range(60):
        lee.new_ticket(f"문의 {n}")
    lee.sync()
    client = Client(desk, tmp_path / "new", "kim")
    for cut in (2, 5, 8, 12, 16):
        client.line.cut_after_frames = cut
        client.sync()
        client.restart_worker()
    assert client.sync()
    assert len(client.profile.queries.ids(ViewKey.ALL)) == 60
    assert client.core.counters.differing == []
    client.close()


def test_a_replica_that_went_wrong_is_loaded_again_and_nobody_waits(desk: Desk, kim: Client, lee: Client) -> None:
    """Sums that differ mend the scope; other scopes and the outbox go on."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    with kim.replica._file.write() as tx:
        tx.run("DELETE FROM message")
        tx.run("UPDATE scope_state SET n = n - 1, xsum = xsum + 5 WHERE id LIKE 'team:%'")
    lee.note(ticket, "neu")
    lee.sync()
    kim.restart_worker()
    kim.reply(ticket)
    assert kim.sync()
    assert kim.core.counters.differing
    assert kim.sync()
    assert kim.profile.numbers().waiting == 0
    assert {s.state for s in kim.core.state.scopes.values()} == {"live"}
    assert "도와주세요" in kim.bodies(ticket)


def test_a_rejected_edit_gives_way_and_stands_in_the_tray(kim: Client, lee: Client) -> None:
    """The server refuses a change: the server's row shows again, and the content is kept."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    mid = kim.set(ticket, priority=4)
    with kim.profile._writer.write() as tx:
        tx.run("UPDATE outbox SET hash = x'00' WHERE mid = ?", (mid,))
    assert kim.profile.queries.rows([ticket])[ticket].priority == 4
    kim.sync()
    assert kim.profile.queries.rows([ticket])[ticket].priority != 4
    assert kim.profile.numbers().needs_you == 1
    with kim.profile.readers().read() as tx:
        found = tx.all("SELECT mid, kind, reason, entity_id, content IS NOT NULL FROM main.needs_you")
    assert found == [(mid, "rejected", "bad_hash", ticket, 1)]


def test_a_conflict_settled_by_rule_needs_nobody(kim: Client, lee: Client) -> None:
    """Two priorities: the later intent wins, the other is history; the tray stays empty."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.set(ticket, priority=1)
    lee.set(ticket, priority=4)
    lee.sync()
    kim.sync()
    lee.sync()
    assert kim.profile.queries.rows([ticket])[ticket].priority == lee.profile.queries.rows([ticket])[ticket].priority
    assert kim.profile.numbers().needs_you == 0


def test_rows_of_other_teams_are_not_here(desk: Desk, kim: Client, tmp_path: Path) -> None:
    """A device holds what its person may see."""
    kim.new_ticket()
    kim.sync()
    park = Client(desk, tmp_path / "park", "park")
    park.sync()
    assert list(park.profile.queries.ids(ViewKey.ALL)) == []
    park.close()


@pytest.mark.parametrize("seed", range(6))
def test_any_loss_of_messages_and_restarts_ends_in_agreement(desk: Desk, kim: Client, lee: Client, seed: int) -> None:
    """Answers lost, pulls cut, both halves restarted at random: each edit counts once and both screens agree."""
    rng = random.Random(seed)
    tickets = [lee.new_ticket(f"문의 {n}") for n in range(3)]
    lee.sync()
    kim.sync()
    written: list[bytes] = []
    for _ in range(40):
        client = rng.choice((kim, lee))
        _work(client, rng, tickets, written)
        client.line.lose = lambda _: rng.random() < 0.3
        client.line.cut_after_frames = rng.randint(0, 6) if rng.random() < 0.3 else None
        if rng.random() < 0.6:
            client.sync()
        if rng.random() < 0.15:
            client.restart_worker()
        if rng.random() < 0.1:
            client.restart_window()
    for client in (kim, lee, kim, lee):
        client.line.lose, client.line.cut_after_frames = lambda _: False, None
        client.core.sync_now()
        assert client.sync()
    assert kim.profile.numbers().waiting == lee.profile.numbers().waiting == 0
    assert sorted(r["id"] for r in desk.rows(NOTE.number)) == sorted(written)  # type: ignore[type-var]  # ids
    for ticket in tickets:
        assert kim.profile.queries.details(ticket) == lee.profile.queries.details(ticket)
    assert not kim.core.counters.differing


def _work(client: Client, rng: random.Random, tickets: list[TicketId], written: list[bytes]) -> None:
    ticket = rng.choice(tickets)
    if rng.random() < 0.5:
        written.append(client.note(ticket, f"메모 {rng.random()}"))
    else:
        client.set(ticket, priority=rng.randint(1, 4))


def test_the_pause_between_tries_grows_with_jitter_and_starts_over() -> None:
    """Back-off has full jitter from one second to five minutes and never undercuts what the server asks."""
    backoff = Backoff(random.Random(3))
    pauses = [backoff.failed_s() for _ in range(20)]
    assert pauses[0] <= 1.0
    assert 60 < max(pauses) <= 300
    assert backoff.failed_s(900) >= 900
    backoff.succeeded()
    assert backoff.failed_s() <= 1.0


def test_an_idle_client_says_nothing(kim: Client) -> None:
    """Between polls there is no request, and a poke without news causes none."""
    heads = {s.id: s.cursor for s in kim.core.state.scopes.values()}
    kim.core.poked(heads)
    asked: list[Request] = []
    while (request := kim.core.next(kim.desk.clock())) is not None:
        asked.append(request)
        kim._exchange(request)
    assert not [r for r in asked if isinstance(r, Hello | Push)]
    assert len(desk_tickets(kim)) == 0


def _loading(client: Client) -> str:
    return "loading" if client.core.loading else "done"


def desk_tickets(client: Client) -> list[dict[str, object]]:
    return client.desk.rows(TICKET.number)
