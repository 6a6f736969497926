# SPDX-License-Identifier: GPL-3.0-or-later
"""Two servers on one PostgreSQL with NATS between: whoever is at one is reached from the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from app.domain.entities import TICKET, team_scope
from sync.protocol import Bye, Invite, Poke, Presence, SessionEnded, Sig, SigNack
from sync.server import store
from sync.server.devices import Devices
from sync.server.store import Store
from tests.fakes.fleet import PASSWORD, Fleet
from tests.fakes.services import Broker
from tests.fakes.wait import wait_until
from tests.server.test_live import Line, live
from tests.server.test_sessions import Inviter
from tests.server.world import World

Pair = tuple[World, World]


@pytest.fixture
def pair(postgresql: Callable[[], str], broker: Broker) -> Iterator[Pair]:
    """Two applications over one database, as two processes would have it."""
    url = postgresql()
    one = World(Store.open(url), nats=broker.url)
    two = World(Store.open(url), nats=broker.url, beside=one)
    with one.client, two.client:
        wait_until(lambda: one.parts.hub.broker == two.parts.hub.broker == "ok")
        yield one, two


def until(line: Line, kind: type) -> object:
    """Return the next message of a kind."""
    while not isinstance(message := line.next(), kind):
        pass
    return message


def test_a_change_at_one_server_pokes_who_is_connected_to_the_other(pair: Pair) -> None:
    """And presence of a colleague goes the same way; strangers of another team hear neither."""
    one, two = pair
    kim, lee, park = one.agent("kim"), two.agent("lee"), two.agent("park")
    team = team_scope(one.team("북부"))
    with (
        live(one, kim.tokens.access) as mine,
        live(two, lee.tokens.access) as theirs,
        live(two, park.tokens.access) as stranger,
    ):
        ticket = kim.ticket()
        heard = until(theirs, Poke)
        assert isinstance(heard, Poke)
        assert set(heard.heads) == {team}
        mine.send(Presence(type=TICKET.number, id=ticket, state="writing"))
        assert until(theirs, Presence) == Presence(type=TICKET.number, id=ticket, state="writing", who=kim.id)
        assert stranger.sync() == []


def test_a_page_at_one_server_knows_that_an_agent_is_at_the_desk_of_the_other(pair: Pair) -> None:
    """And hears soon when the agent leaves; of another team's desk nothing is claimed."""
    one, two = pair
    lee = two.agent("lee")
    north, south = team_scope(one.team("북부")), team_scope(one.team("남부"))
    hub = one.parts.hub
    assert hub.someone_on(north) is not True
    with live(two, lee.tokens.access):
        wait_until(lambda: hub.someone_on(north) is True)
        assert hub.someone_on(south) is not True
    wait_until(lambda: hub.someone_on(north) is not True)


def test_a_session_works_between_an_agent_and_a_customer_at_different_servers(pair: Pair) -> None:
    """Invitation, signals both ways, an absent end, and the end of the session."""
    one, two = pair
    kim, companion = one.agent(), two.companion()
    inviter = Inviter(one, kim)
    ticket = kim.ticket()
    with live(one, kim.tokens.access) as agent:
        with live(two, companion.access) as customer:
            assert inviter.invite(ticket).json()["pushed"]
            assert isinstance(until(customer, Invite), Invite)
            customer.send(Sig(session=inviter.sid, to="agent", n=0, data=b"join"))
            assert until(agent, Sig) == Sig(session=inviter.sid, to="agent", n=0, data=b"join")
            agent.send(Sig(session=inviter.sid, to="customer", n=0, data=b"hello"))
            assert until(customer, Sig) == Sig(session=inviter.sid, to="customer", n=0, data=b"hello")
        agent.send(Sig(session=inviter.sid, to="customer", n=1, data=b"still there?"))
        assert until(agent, SigNack) == SigNack(session=inviter.sid, code="absent", n=1)
        with live(two, companion.access) as customer:
            assert inviter.end() == 204
            assert until(customer, SessionEnded) == SessionEnded(session=inviter.sid, reason="stopped")


@pytest.mark.parametrize("broker_there", [True, False])
def test_a_session_whose_agent_is_let_in_no_more_ends_at_both_servers(
    pair: Pair, broker: Broker, *, broker_there: bool
) -> None:
    """An administrator's process speaks to neither: each reads it in the database, also without the broker."""
    one, two = pair
    kim, companion = one.agent(), two.companion()
    inviter = Inviter(one, kim)
    inviter.invite(kim.ticket())
    ended = SessionEnded(session=inviter.sid, reason="revoked")
    with live(one, kim.tokens.access) as agent, live(two, companion.access) as customer:
        customer.send(Sig(session=inviter.sid, to="agent", n=0, data=b"join"))
        assert isinstance(until(agent, Sig), Sig)
        if not broker_there:
            broker.kill()
            wait_until(lambda: one.parts.hub.broker == two.parts.hub.broker == "away", 15)
        Devices(one.store, one.rng).set_state(one.clock(), kim.device.hex(), "suspended")
        assert until(customer, SessionEnded) == ended
        assert until(agent, SessionEnded) == ended
        assert until(agent, Bye) == Bye(code="token")
        assert not [message for message in customer.sync() if isinstance(message, SessionEnded)]


def test_a_device_that_comes_back_at_the_other_server_leaves_the_first(pair: Pair) -> None:
    """Its old socket, perhaps half dead, is told so and closed."""
    one, two = pair
    kim = one.agent()
    with live(one, kim.tokens.access) as first, live(two, kim.tokens.access) as second:
        assert first.next() == Bye(code="replaced")
        assert second.sync() == []


def test_without_the_broker_work_goes_on_and_everybody_hears_of_it(pair: Pair, broker: Broker) -> None:
    """Both say that it is away; pushes and pulls do not mind; each process sees in the database how far things are."""
    one, two = pair
    kim, lee = one.agent("kim"), two.agent("lee")
    with live(two, lee.tokens.access) as theirs:
        broker.kill()
        wait_until(lambda: one.parts.hub.broker == two.parts.hub.broker == "away", 15)
        ready = one.client.get("/ready")
        assert (ready.status_code, ready.json()) == (200, {"status": "broker", "database": "ok", "broker": "away"})
        ticket = kim.ticket()
        lee.pull()
        assert lee.row(ticket)
        heads: dict[str, int] = {}
        while team_scope(one.team("북부")) not in heads:
            heard = until(theirs, Poke)
            assert isinstance(heard, Poke)
            heads |= heard.heads
        broker.start()
    wait_until(lambda: one.client.get("/ready").json()["status"] == "ok", 15)


def test_two_processes_start_at_once_on_an_empty_database_and_serve_behind_one_address(
    postgresql: Callable[[], str], tmp_path: Path
) -> None:
    """Tokens of one are good at the other; killing one leaves the address working."""
    with Fleet(tmp_path, postgresql()) as fleet, httpx.Client(base_url=fleet.proxy.url, timeout=30) as client:
        body = {"login": "agent1", "password": PASSWORD, "device_name": "laptop"}
        for _ in fleet.servers:
            assert client.post("/auth/v1/login", json=body).status_code == 200
            wait_until(lambda: client.get("/ready").json() == {"status": "ok", "database": "ok", "broker": "ok"}, 15)
        fleet.servers[0].kill()
        assert {client.get("/ready").status_code for _ in range(4)} == {200}
        assert fleet.servers[1].stop() == 0
        assert client.get("/ready").status_code == 503
    assert sorted(path.name for path in (tmp_path / "logs").glob("server-*.log")) == sorted(
        f"server-{server.port}.log" for server in fleet.servers
    )


def test_a_database_that_was_restarted_costs_no_write(pair: Pair) -> None:
    """Connections that died in the pool are replaced before anything is written over them."""
    one, _ = pair
    kim = one.agent()
    with one.store.read() as cx:
        cx.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    assert kim.create(kim.fresh()) == ("ok", None)


def test_a_server_that_is_frozen_in_the_middle_of_a_write_stops_the_others_only_for_a_while(
    postgresql: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database takes its transaction back; what it had begun is not half done, and it goes on when it wakes."""
    monkeypatch.setattr(store, "_STANDSTILL_MS", 300)
    url = postgresql()
    frozen, world = Store.open(url), World(Store.open(url))
    with world.client:
        kim = world.agent()
        with frozen._engine.connect() as asleep:
            asleep.exec_driver_sql("SELECT * FROM scope FOR UPDATE")
            assert kim.create(kim.fresh()) == ("ok", None)
            with pytest.raises(sa.exc.DBAPIError):
                asleep.exec_driver_sql("UPDATE scope SET head = 0")
        with frozen.read() as cx:
            assert cx.exec_driver_sql("SELECT max(head) FROM scope").scalar() != 0
    frozen.close()
