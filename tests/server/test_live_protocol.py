# SPDX-License-Identifier: GPL-3.0-or-later
"""One live socket: the upgrade, slow and silent receivers, tokens that end, and what a socket leaves behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.domain.entities import TICKET, team_scope
from sync.protocol import Auth, Bye, LiveDown, Ping, Poke, Pong, Presence, decode, encode
from sync.server.member import Member
from sync.server.store import DatabaseBusy
from sync.server.tokens import ACCESS_S
from sync.server.web.frames import PONG, framed
from tests.fakes.wait import wait_until
from tests.server.live_line import Closed, Socket
from tests.server.world import Agent, World


def next_of(socket: Socket) -> Any:
    """Wait for the next message."""
    return decode(socket.receive_bytes(), LiveDown)


@contextmanager
def entered(world: World, agent: Agent) -> Iterator[Socket]:
    """Open a socket that the hub has taken in."""
    with Socket(world) as socket:
        socket.send_bytes(encode(Auth(token=agent.tokens.access)))
        socket.send_bytes(encode(Ping()))
        assert isinstance(next_of(socket), Poke)  # how far its scopes are
        assert next_of(socket) == Pong()
        yield socket


def code_of(socket: Socket) -> int:
    """Wait for the end, whatever comes before."""
    return rest_of(socket)[1]


def rest_of(socket: Socket) -> tuple[list[bytes], int]:
    """Return all that still comes, and the code of the end."""
    said: list[bytes] = []
    try:
        while True:
            said.append(socket.receive_bytes())
    except Closed as closed:
        return said, closed.code


def members(world: World) -> int:
    """Count who is taken in."""
    return len(world.parts.hub._members)


def test_only_the_live_path_is_upgraded(desk: World) -> None:
    """Others are told 404, and what is no upgrade 400 or 426; the connection ends."""
    with Socket(desk, "/elsewhere") as socket:
        assert code_of(socket) == 1006
        assert socket.status == 404
    for request in (b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n", b"\0\1\2\r\n\r\n", b"x" * 20_000):
        socket = Socket(desk)
        fresh = socket.call(_fresh, socket)
        socket.call(fresh.data_received, request)
        assert code_of(socket) == 1006


def _fresh(socket: Socket) -> Any:
    made = socket.sockets.make()
    made.connection_made(socket.transport)
    return made


def test_an_upgrade_that_arrives_in_pieces_is_put_together(desk: World) -> None:
    """A slow line."""
    with Socket(desk) as socket:
        request = (
            b"GET /live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        wrote: list[bytes] = []
        socket.call(lambda: setattr(socket.transport, "_receive", wrote.append))
        fresh = socket.call(_fresh, socket)
        for at in range(0, len(request), 9):
            socket.call(fresh.data_received, request[at : at + 9])
        assert b"".join(wrote).startswith(b"HTTP/1.1 101")
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in b"".join(wrote)
        socket.call(fresh.connection_lost, None)


@pytest.mark.parametrize("kind", ["text", "noise", "long"])
def test_what_is_no_message_ends_the_socket(desk: World, kind: str) -> None:
    """With the code that says why, and the hub forgets it."""
    with entered(desk, desk.agent()) as socket:
        if kind == "text":
            socket.send_text("hello")
        elif kind == "noise":
            socket.send_raw(b"\xff" * 20)
        else:
            socket.send_bytes(b"x" * 200_000)
        assert code_of(socket) == {"text": 1003, "noise": 1002, "long": 1009}[kind]
        wait_until(lambda: members(desk) == 0)


def test_a_token_that_ends_ends_the_socket_unless_a_newer_one_came(desk: World) -> None:
    """`bye: token`, 4401."""
    kim, lee = desk.agent("kim"), desk.agent("lee")
    with entered(desk, kim) as renewed, entered(desk, lee) as other:
        desk.clock.forward(ACCESS_S - 30)
        newer = desk.parts.signer.issue(desk.clock(), "agent", kim.id, kim.device)
        renewed.send_bytes(encode(Auth(token=newer)))
        desk.clock.forward(40)
        for socket in (renewed, other):
            socket.call(socket.sockets.tick)
        assert next_of(other) == Bye(code="token")
        assert code_of(other) == 4401
        renewed.send_bytes(encode(Ping()))
        assert next_of(renewed) == Pong()
        strange = desk.parts.signer.issue(desk.clock(), "agent", lee.id, lee.device)
        renewed.send_bytes(encode(Auth(token=strange)))
        assert next_of(renewed) == Bye(code="token")


def test_who_answers_pings_stays_and_who_does_not_is_let_go(desk: World) -> None:
    """A laptop that was closed does not count as present for long."""
    with entered(desk, desk.agent("kim")) as here, entered(desk, desk.agent("lee")) as gone:
        gone.call(lambda: setattr(gone.transport, "_receive", lambda _data: None))
        for _ in range(60):
            for socket in (here, gone):
                socket.call(socket.sockets.tick)
        wait_until(lambda: members(desk) == 1)
        here.send_bytes(encode(Ping()))
        assert next_of(here) == Pong()


def test_an_idle_socket_holds_no_task_no_timer_and_no_queue(desk: World) -> None:
    """Thousands of them wait most of the day; devices of one account share what they listen to."""
    kim, again = desk.agent("kim"), desk.agent("kim")
    with entered(desk, kim) as one, entered(desk, again) as two:
        members_ = [desk.parts.hub._members[agent.device] for agent in (kim, again)]
        for socket, member in zip((one, two), members_, strict=True):
            held = [socket.server._task, socket.server._timer, socket.server._inbox, member._messages, member._pokes]
            assert held == [None] * 5
            assert not hasattr(socket.server, "__dict__")
        assert members_[0].scopes is members_[1].scopes


def test_a_receiver_that_does_not_keep_up_gets_the_newest_heads_only(desk: World) -> None:
    """Hints collapse; messages wait; beyond 1 MiB it is told to come back."""
    kim = desk.agent()
    with entered(desk, kim) as socket:
        hub, scope = desk.parts.hub, team_scope(desk.team("북부"))
        member = hub._members[kim.device]
        socket.call(socket.server.pause_writing)
        for head in range(100, 110):
            socket.call(member.poke, scope, encode(Poke(heads={scope: head})))
        socket.call(member.send, Pong())
        socket.call(socket.server.resume_writing)
        assert [next_of(socket), next_of(socket)] == [Pong(), Poke(heads={scope: 109})]
        socket.call(socket.server.pause_writing)
        for _ in range(20):
            socket.call(member.send_raw, b"x" * 60_000)
        socket.call(socket.server.resume_writing)
        said, code = rest_of(socket)
        assert code == 1001
        assert decode(said[-1], LiveDown) == Bye(code="slow", retry_ms=1000)


def test_who_pings_without_end_and_reads_nothing_is_owed_one_answer(desk: World) -> None:
    """Answers that nobody takes are not piled up: one socket could fill the server's memory with them."""
    with entered(desk, desk.agent()) as socket:
        written: list[bytes] = []
        socket.call(setattr, socket.transport, "_receive", written.append)
        socket.call(socket.server.pause_writing)
        for n in range(1000):
            socket.call(socket.server.data_received, masked(0x9, b"%04d" % n))
        assert written == []
        socket.call(socket.server.resume_writing)
        assert written == [framed(PONG, b"0999")]
        socket.call(socket.server.data_received, masked(0x9, b"more"))
        assert written[1:] == [framed(PONG, b"more")]


def masked(kind: int, payload: bytes) -> bytes:
    """Return a client's frame."""
    return bytes([0x80 | kind, 0x80 | len(payload), 0, 0, 0, 0]) + payload


def test_a_socket_that_breaks_while_it_is_taken_in_leaves_nothing(desk: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one that comes while the database is busy: it is told to try later."""
    kim = desk.agent()
    gate = desk.client.blocking_portal.call(_event)
    real = desk.parts.hub.join

    async def slow(grant: Any) -> Member:
        member = await real(grant)
        await gate.wait()
        return member

    monkeypatch.setattr(desk.parts.hub, "join", slow)
    socket = Socket(desk)
    socket.send_bytes(encode(Auth(token=kim.tokens.access)))
    wait_until(lambda: members(desk) == 1)
    socket.close()
    socket.call(gate.set)
    wait_until(lambda: members(desk) == 0)

    async def busy(_grant: Any) -> Member:
        raise DatabaseBusy("test")

    monkeypatch.setattr(desk.parts.hub, "join", busy)
    with Socket(desk) as socket:
        socket.send_bytes(encode(Auth(token=kim.tokens.access)))
        assert code_of(socket) == 1013


def test_a_slow_database_is_not_held_against_who_said_its_token_in_time(
    desk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else every computer would renew its good token just when the server has the most to do."""
    kim = desk.agent()
    gate = desk.client.blocking_portal.call(_event)
    real = desk.parts.hub.join
    waits = threading.Event()

    async def slow(grant: Any) -> Member:
        waits.set()
        await gate.wait()
        return await real(grant)

    monkeypatch.setattr(desk.parts.hub, "join", slow)
    with Socket(desk) as socket:
        socket.send_bytes(encode(Auth(token=kim.tokens.access)))
        assert waits.wait(30)
        assert socket.server._timer is None  # nothing ends it any more while it waits for the database
        socket.call(gate.set)
        assert isinstance(next_of(socket), Poke)


async def _event() -> asyncio.Event:
    return asyncio.Event()


def test_messages_that_come_faster_than_they_are_handled_wait_at_the_sender(
    desk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing more is read meanwhile; then all are handled in their order."""
    kim = desk.agent()
    with entered(desk, kim) as socket:
        gate, seen = desk.client.blocking_portal.call(_event), list[str]()

        async def received(_member: Member, message: Any) -> None:
            await gate.wait()
            seen.append(message.state if isinstance(message, Presence) else "ping")

        monkeypatch.setattr(desk.parts.hub, "received", received)
        for state in ("reading", "writing"):
            socket.send_bytes(encode(Presence(type=TICKET.number, id=b"i" * 16, state=state)))
        socket.send_bytes(encode(Ping()))
        assert not socket.transport.reading
        socket.call(gate.set)
        wait_until(lambda: seen == ["reading", "writing", "ping"] and socket.transport.reading)


def test_presence_beyond_what_a_person_does_is_dropped(desk: World) -> None:
    """A program gone wild does not make the others' sockets busy."""
    kim, lee = desk.agent("kim"), desk.agent("lee")
    ticket = kim.ticket()
    with entered(desk, kim) as wild, entered(desk, lee) as other:
        for _ in range(30):
            wild.send_bytes(encode(Presence(type=TICKET.number, id=ticket, state="writing")))
        wild.send_bytes(encode(Ping()))
        while next_of(wild) != Pong():
            pass
        other.send_bytes(encode(Ping()))
        heard = []
        while (message := next_of(other)) != Pong():
            heard.append(message)
        assert len(heard) == 5
        desk.clock.forward(1)
        wild.send_bytes(encode(Presence(type=TICKET.number, id=ticket, state="gone")))
        assert next_of(other) == Presence(type=TICKET.number, id=ticket, state="gone", who=kim.id)


def test_when_the_server_stops_sockets_hear_of_it(desk: World) -> None:
    """Those that were taken in get `bye: restart`, others a plain end."""
    with entered(desk, desk.agent()) as known, Socket(desk) as unknown:
        known.call(desk.parts.hub.close)
        assert next_of(known) == Bye(code="restart", retry_ms=2000)
        for socket in (known, unknown):
            socket.call(socket.server.shutdown)
        assert code_of(known) == 1001
        assert code_of(unknown) == 1001
