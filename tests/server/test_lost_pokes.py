# SPDX-License-Identifier: GPL-3.0-or-later
"""A change whose poke got lost is heard of all the same, long before any poll; and nobody is woken for nothing."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from websockets.sync.client import ClientConnection, connect

from app.domain.entities import team_scope
from sync.protocol import Poke, Push, encode
from sync.server import parts
from sync.server.hub import Hub
from sync.server.store import Store
from tests.fakes.fleet import PASSWORD, Fleet, Server
from tests.fakes.services import Broker
from tests.fakes.wait import wait_until
from tests.server.protocol_page_client import NOTE, TICKET, PageClient, packb
from tests.server.test_live import Line, live
from tests.server.world import Agent, World

_HEARD_S = 30.0  # on any machine; the least time between two polls is 48 s


def _look(world: World) -> None:
    """What each process does every second."""
    world.client.blocking_portal.call(world.parts.hub.look)


def _untold(world: World, agent: Agent, n: int) -> None:
    """Push a new ticket as a process does that is killed between the commit and the poke."""
    mutation = agent.mutation(agent.create_change(agent.fresh(), subject=str(n)))
    grant = world.parts.signer.check(world.clock(), agent.tokens.access)
    assert grant is not None
    push = Push(device=agent.device, epoch=agent.epoch, muts=[mutation])
    assert [result.st for result in world.parts.core.push(world.clock(), grant, push).results] == ["ok"]


def _poked(line: Line) -> dict[str, int]:
    """Return the heads of the pokes that came."""
    return {scope: head for poke in line.sync() if isinstance(poke, Poke) for scope, head in poke.heads.items()}


def _until_poked(line: Line, scope: str) -> int:
    while True:
        message = line.next()
        if isinstance(message, Poke) and scope in message.heads:
            return message.heads[scope]


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process looks by itself."""
    monkeypatch.setattr(parts, "_HEADS_S", 3600.0)


def test_a_change_that_nobody_told_of_is_poked_within_moments(world: World) -> None:
    """By itself: the process that took it is dead, and its client does not come back."""
    kim, lee = world.agent("kim"), world.agent("lee")
    with live(world, lee.tokens.access) as line:
        _untold(world, kim, 1)
        assert _until_poked(line, team_scope(world.team("북부"))) == 3


@pytest.mark.usefixtures("idle")
def test_whoever_knows_is_not_woken_again(world: World) -> None:
    """A look pokes what is behind, once, and those who may see it; pokes that arrived are not said twice."""
    kim, lee, park = (world.agent(name) for name in ("kim", "lee", "park"))
    team = team_scope(world.team("북부"))
    with live(world, lee.tokens.access) as colleague, live(world, park.tokens.access) as stranger:
        _look(world)
        assert _poked(colleague) == {}
        _untold(world, kim, 1)
        _look(world)
        assert _poked(colleague) == {team: 3}
        kim.create(kim.fresh())
        assert _until_poked(colleague, team) == 6
        _look(world)
        _look(world)
        assert _poked(colleague) == {}
        assert _poked(stranger) == {}


@pytest.mark.usefixtures("idle")
def test_a_look_costs_an_idle_server_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without sockets the database is not asked; without changes it is asked for one sum, not for every scope."""
    asked: list[str] = []
    kim, lee = world.agent("kim"), world.agent("lee")
    kim.create(kim.fresh())
    monkeypatch.setattr(Hub, "_all_heads", _noting(asked, "heads", Hub._all_heads))
    monkeypatch.setattr(Hub, "_total", _noting(asked, "total", Hub._total))
    _look(world)
    assert asked == []
    with live(world, lee.tokens.access):
        _look(world)
        assert asked == ["total", "heads"]
        _look(world)
        assert asked == ["total", "heads", "total"]


def _noting(asked: list[str], name: str, real: Callable[..., object]) -> Callable[..., object]:
    def call(*args: object) -> object:
        asked.append(name)
        return real(*args)

    return call


@pytest.mark.usefixtures("idle")
def test_a_socket_learns_at_its_start_how_far_its_scopes_are(world: World) -> None:
    """What was written between a device's last pull and its joining would wait for the next poll."""
    kim, lee = world.agent("kim"), world.agent("lee")
    team, other = team_scope(world.team("북부")), team_scope(world.team("남부"))
    _untold(world, kim, 1)
    told: list[Poke] = []
    with live(world, lee.tokens.access, told) as line:
        _look(world)
        assert _poked(line) == {}
    assert [poke.heads.get(team) for poke in told] == [3]
    assert other not in told[0].heads


@pytest.mark.usefixtures("idle")
def test_heads_that_went_back_are_told(world: World) -> None:
    """A standby took over without the newest commits: devices must hear of its changes, though the heads are lower."""
    kim, lee = world.agent("kim"), world.agent("lee")
    team = team_scope(world.team("북부"))
    with live(world, lee.tokens.access) as line:
        for _ in range(2):
            kim.create(kim.fresh())
        while _until_poked(line, team) != 6:
            pass
        with world.store._write_engine.begin() as cx:
            cx.exec_driver_sql("UPDATE scope SET head = 3 WHERE kind = 'team' AND head = 6")
        _look(world)
        assert _poked(line) == {team: 3}
        _look(world)
        assert _poked(line) == {}


def test_while_the_broker_is_away_changes_at_other_processes_are_heard_of(
    postgresql: Callable[[], str], broker: Broker
) -> None:
    """The broker makes it faster; it is not needed."""
    url = postgresql()
    one = World(Store.open(url), nats=broker.url)
    two = World(Store.open(url), nats=broker.url, beside=one)
    with one.client, two.client:
        wait_until(lambda: one.parts.hub.broker == two.parts.hub.broker == "ok")
        kim, lee = one.agent("kim"), two.agent("lee")
        with live(two, lee.tokens.access) as line:
            broker.kill()
            wait_until(lambda: one.parts.hub.broker == two.parts.hub.broker == "away", 15)
            kim.create(kim.fresh())
            assert _until_poked(line, team_scope(one.team("북부"))) == 3


# --- real processes ---------------------------------------------------------------------------------------------------


@pytest.fixture
def fleet(postgresql: Callable[[], str], tmp_path: Path) -> Iterator[Fleet]:
    """One good server and its broker."""
    with Fleet(tmp_path, postgresql(), 1) as made:
        yield made


@pytest.fixture
def dying(fleet: Fleet) -> Iterator[Server]:
    """Another server process, which is killed between the commit of its first change and the poke."""
    server = Server(fleet.data, fleet.database, fleet.broker.url)
    server._command[2] = "tests.fakes.dying_server"
    server.start()
    yield server
    server.kill()


@contextmanager
def _device(url: str) -> Iterator[PageClient]:
    """Sign in and load everything."""
    with httpx.Client(base_url=url, timeout=30) as http:
        client = PageClient(http, "agent1", PASSWORD, time.time_ns() // 1_000_000)
        client.hello()
        client.pull()
        yield client


@contextmanager
def _listening(client: PageClient, url: str) -> Iterator[ClientConnection]:
    with connect(url.replace("http", "ws") + "/live", proxy=None) as socket:
        socket.send(packb({"m": "auth", "token": client.access}))
        socket.send(packb({"m": "ping"}))
        while _said(socket)["m"] != "pong":
            pass
        yield socket


def _said(socket: ClientConnection) -> dict[str, object]:
    raw = socket.recv(timeout=_HEARD_S)
    assert isinstance(raw, bytes)
    message: dict[str, object] = msgspec.msgpack.decode(raw)
    return message


@pytest.mark.slow  # real programs for many seconds; `.ci/run` runs it
@pytest.mark.parametrize("retries", [False, True])
def test_a_server_killed_between_commit_and_poke_costs_moments(fleet: Fleet, dying: Server, *, retries: bool) -> None:
    """Whether the client that wrote comes back and sends it again, or is gone for good."""
    good = fleet.servers[0].url
    with _device(good) as reader, _device(dying.url) as writer, _listening(reader, good) as socket:
        ticket, note = writer.all(TICKET)[0]["id"], uuid.uuid4().bytes
        args = {"event": uuid.uuid4().bytes, "note": note, "ticket": ticket, "body": "seen by whom?"}
        mutation = writer.mutation("note.add", {}, args, writer.now_ms << 16)
        with pytest.raises(httpx.TransportError):
            writer.send([mutation])
        if retries:
            with httpx.Client(base_url=good, timeout=30) as http:
                writer._http = http
                assert [result["st"] for result in writer.send([mutation])] == ["dup"]
        heard = _said(socket)
        assert heard["m"] == "poke"
        reader.pull()
        assert note in [row["id"] for row in reader.all(NOTE)]


def test_what_an_administrator_changes_is_heard_of(world: World) -> None:
    """`deskside admin` is a process without sockets: nobody pokes for it."""
    lee = world.agent("lee")
    with live(world, lee.tokens.access) as line:
        world.staff.create_user(world.clock(), "choi", "최유진", PASSWORD, ["agent"], ["북부"])
        assert _until_poked(line, "ref") > 0


@pytest.mark.usefixtures("idle")
def test_a_message_of_the_broker_that_is_no_poke_harms_nobody(world: World) -> None:
    """Whatever speaks on the subjects of this deployment."""
    lee = world.agent("lee")
    with live(world, lee.tokens.access) as line:
        for payload in (b"\xff", encode(Poke(heads={"ref": 1 << 40})), encode(Poke(heads={"cust:1": 7}))):
            world.client.blocking_portal.call(world.parts.hub._bus.publish, "poke.ref", payload)
        assert _poked(line) == {"ref": 1 << 40}
