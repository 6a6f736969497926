# SPDX-License-Identifier: GPL-3.0-or-later
"""The real server on a real port, and an agent's end with its real session child, for a customer with a browser."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, cast

import httpx
import sqlalchemy as sa
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from app.domain.documents import SignedDocument
from app.domain.entities import TICKET
from app.domain.invitation import InvitationPolicy
from app.domain.links import PageLink, parse_invite
from app.domain.signed import b64, unb64
from remote_assist import child_protocol as child
from remote_assist.actions import Action, CallServer, InvitationReady, KillChild, SendEnvelope, StartChild, ToChild
from remote_assist.agent_end import AgentEnd, AgentIdentity, InviteRequest
from remote_assist.ipc import ChildLink, LinkClosed, spawn_child
from remote_assist.limits import Limits
from sync import protocol as live
from sync.server.schema import ENTITY_TABLES
from sync.server.store import Store
from sync.server.turn import TurnSettings
from sync.server.web.app import build_app
from sync.server.web.live_protocol import LiveSockets
from sync.server.web.patience import PatientHttp
from tests.fakes.wait import wait_until
from tests.remote_assist.world import Side
from tests.server.world import Agent, World


class RealClock:
    """This machine's clocks, for both a server and an end."""

    def __call__(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def utc_ms(self) -> int:
        """Milliseconds since 1970."""
        return self()

    def monotonic_ms(self) -> int:
        """Milliseconds that never jump."""
        return time.monotonic_ns() // 1_000_000


@contextlib.contextmanager
def served(store: Store, turn: TurnSettings | None = None) -> Iterator[tuple[World, str]]:
    """Yield a help desk whose server listens, and its address."""
    world = World(store)
    world.parts = replace(world.parts, turn=turn)
    world.clock.__class__ = type("Now", (type(world.clock),), {"__call__": lambda _self: RealClock()()})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            build_app(world.parts), http=PatientHttp, ws=cast("Any", LiveSockets(world.parts).make), log_config=None,
            access_log=False, lifespan="on", timeout_graceful_shutdown=2,
        )  # fmt: skip
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        try:
            wait_until(lambda: server.started)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with httpx.Client(base_url=url, trust_env=False) as client:
                world.client = cast("Any", client)
                yield world, url
        finally:
            server.should_exit = True
            thread.join()


class AgentDesk:
    """An agent who invites: end, child, live socket and calls, in the thread of the test."""

    def __init__(self, world: World, url: str) -> None:
        self.url, self.clock = url, RealClock()
        self.agent = world.agent()
        self.ticket = self.agent.ticket()
        self.customer = world.customer
        self.key = Ed25519PrivateKey.generate()
        self.identity = self._certified(self.agent)
        self.shorten(Limits())
        self.events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.link: ChildLink | None = None
        self.frames = 0
        self.sizes: set[tuple[int, int]] = set()
        self.stats: dict[str, float] = {}
        self.said: list[child.FromChild] = []
        self._threads: list[threading.Thread] = []
        self._open = contextlib.ExitStack()
        self._socket = self._open.enter_context(connect(f"{url.replace('http', 'ws')}/live", proxy=None))
        self._socket.send(live.encode(live.Auth(token=self.agent.tokens.access)))
        self._thread(self._listen)

    def _certified(self, agent: Agent) -> AgentIdentity:
        body = {"device_key": b64(self.key.public_key().public_bytes_raw())}
        told = agent.world.client.post("/session/v1/certificate", json=body, headers=agent.bearer).json()
        signed = SignedDocument.from_parts(told["certificate"], told["signature"])
        return AgentIdentity(self.key, signed, unb64(told["org_key"]))

    @property
    def number(self) -> str:
        """The ticket's number; the server takes no other in an invitation."""
        ticket = ENTITY_TABLES[TICKET.number]
        with self.agent.world.store.read() as cx:
            return str(cx.execute(sa.select(ticket.c.number).where(ticket.c.id == self.ticket)).scalar_one())

    def shorten(self, limits: Limits) -> None:
        """Begin with an end that waits for other times."""
        self.end = AgentEnd(self.identity, self.clock, limits=limits)
        self.side = Side("agent", self.end)

    def invite(self, modes: tuple[str, ...] = ("companion", "browser"), *, relay_only: bool = False) -> str:
        """Invite, and return the address for the customer's browser."""
        request = InviteRequest(
            self.ticket.hex(), self.number, "프린터가 안 됩니다", self.customer.hex(), "y***@example.com", modes=modes,
            policy=InvitationPolicy(relay_only=relay_only),
        )  # fmt: skip
        self.perform(self.end.invite(request))
        self.until(lambda: self.side.of(InvitationReady))
        link = parse_invite(self.side.last(InvitationReady).link)
        return PageLink(self.url, link.iid, link.join_secret).to_text()

    # --- host ------------------------------------------------------------------------------------------------------

    def _thread(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                message: live.LiveDown = live.decode(cast("bytes", self._socket.recv()), live.LiveDown)
                self.events.put(("live", message))

    def _read(self, link: ChildLink) -> None:
        try:
            while True:
                self.events.put(("child", link.receive()))
        except LinkClosed:
            self.events.put(("gone", link))

    def perform(self, actions: list[Action]) -> None:
        """Carry out what the end asks for."""
        for action in actions:
            self.side.actions.append(action)
            if isinstance(action, SendEnvelope):
                self._socket.send(live.encode(live.Sig(session=action.sid, to=action.to, n=action.n, data=action.data)))
            elif isinstance(action, StartChild):
                self.link = spawn_child(action.role)
                self._thread(partial(self._read, self.link))
            elif isinstance(action, ToChild) and self.link is not None:
                self._tell(self.link, action.message)
            elif isinstance(action, KillChild) and self.link is not None:
                self.link.kill()
            elif isinstance(action, CallServer):
                answer = self.agent.world.client.request(
                    action.method, action.path, json=action.body, headers=self.agent.bearer
                )
                self.perform(self.end.on_server_result(action.call_id, answer.status_code, answer.content))

    def _tell(self, link: ChildLink, message: child.ToChild) -> None:
        if isinstance(message, child.Start):
            message = child.Start(message.role, message.limits | {"loopback": 1})
        with contextlib.suppress(LinkClosed):
            link.send(message)

    def until(self, done: Callable[[], object], timeout_s: float = 30) -> None:
        """Carry on until this is so."""
        end = time.monotonic() + timeout_s
        while not done():
            assert time.monotonic() < end, (self.end.view, self.frames, self.stats, self.side.entries())
            with contextlib.suppress(queue.Empty):
                self._handle(*self.events.get(timeout=0.05))
            self.perform(self.end.tick())

    def _handle(self, source: str, what: Any) -> None:
        if source == "live":
            if isinstance(what, live.Sig):
                self.perform(self.end.on_envelope(what.data))
            elif isinstance(what, live.SigNack):
                self.perform(self.end.on_nack())
        elif source == "gone":
            if what is self.link:
                self.perform(self.end.on_child_died())
        else:
            self.said.append(what)
            if isinstance(what, child.Frame):
                self.frames += 1
                self.sizes.add((what.w, what.h))
            elif isinstance(what, child.Stats):
                self.stats = what.values
            self.perform(self.end.on_child(what))

    def close(self) -> None:
        """End everything that was started."""
        if self.link is not None:
            self.link.kill()
        self._open.close()
        for thread in self._threads:
            thread.join(10)
        if self.link is not None:
            self.link.close()
