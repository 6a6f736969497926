# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines and server of a world: requests that come late, twice or never, answers that break off, a server that dies."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from unittest.mock import patch

from sync.download import Pieces
from sync.fetch import Fetch
from sync.protocol import (
    FrameReader,
    Hello,
    HelloAnswer,
    Login,
    NewDevice,
    ProtocolError,
    Pull,
    PullFrame,
    Push,
    PushAnswer,
    decode,
    encode,
    frame,
)
from sync.server.core import ServerCore
from sync.server.problems import ProblemError
from sync.server.snapshots import Snapshots
from sync.server.store import DatabaseBusy
from tests.sync.sim import checks
from tests.sync.sim.client import Worker
from tests.sync.sim.computer import Ask, Client, Request

if TYPE_CHECKING:
    from tests.sync.sim.world import World

TIMEOUT_MS = 12_000


def _at_once(_: float) -> None:
    """Virtual time stands still while a process works."""


class Server:
    """The server's process, over the file of the environment."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.core: ServerCore | None = None
        self.snapshots: Snapshots | None = None
        if world.rng.random() < 0.3:  # in the other worlds scopes are too small for them, as most are
            folder = world.env.folder / "snapshots"
            shutil.rmtree(folder, ignore_errors=True)
            self.snapshots = Snapshots(world.env.store, folder, lambda: world.now, world.rng.randbytes, min_rows=3)
        self.pulls: dict[int, Iterator[PullFrame]] = {}

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.core is None:
            world = self._world
            self.core = ServerCore(world.env.store, world.rng.randbytes, self.snapshots)
            self._world.note("server", "starts")

    def make_snapshots(self) -> None:
        """Let the running server prepare what first loads are offered."""
        if self.core is not None and self.snapshots is not None:
            with self._world.computers.process(None, "server"), patch("time.sleep", _at_once):
                self._world.note("server", "makes snapshots", len(self.snapshots.refresh()))

    def stop(self) -> None:
        """End it in the middle of whatever it does."""
        for pull in self.pulls.values():
            pull.close()  # type: ignore[attr-defined]  # a generator is what comes back
        self.pulls.clear()
        self.core = None
        self._world.env.store.drop_connections()


class Network:
    """Carries requests to the server and answers back, more or less."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, client: Client, request: Request) -> None:
        """A worker asks."""
        world = self._world
        ask = client.ask = Ask(next(world.asks), request)
        world.note(client.person.login, f"asks {type(request).__name__}", ask.no, _about(request))
        if isinstance(request, Push):
            for m in request.muts:
                world.oracle.sent[request.device, m.mid, m.hash] = m
        copy = request if isinstance(request, Fetch) else decode(encode(request), type(request))
        line = client.line
        ask.timer = world.after(TIMEOUT_MS, lambda: self._fail(client, ask))
        if line.hole or client.rng.random() < line.drop:
            world.note("line", "loses", ask.no)
            return
        for delay in self._delays(client):
            world.after(delay, lambda: self._serve(client, ask, copy))

    def _delays(self, client: Client) -> list[float]:
        out = [client.rng.uniform(2, 80)]
        if client.rng.random() < client.line.late:
            out = [client.rng.uniform(1_000, 40_000)]
        if client.rng.random() < client.line.twice:
            out.append(client.rng.uniform(2, 60_000))
        return out

    # --- the server ---------------------------------------------------------------------------------------------------

    def _serve(self, client: Client, ask: Ask, request: Request) -> None:
        world = self._world
        if world.server.core is None:
            world.after(5, lambda: self._fail(client, ask))
            return
        with world.computers.process(None, "server"):
            try:
                self._handle(world.server.core, client, ask, request)
            except ProblemError as error:
                self._refuse(client, ask, error)
            except DatabaseBusy:
                self._refuse(client, ask, ProblemError(503, "busy", retry_s=1))

    def _handle(self, core: ServerCore, client: Client, ask: Ask, request: Request) -> None:
        world = self._world
        accounts = world.env.accounts(world.rng.randbytes)
        if isinstance(request, Login):
            self._answer(client, ask, encode(accounts.login(world.now, request)))
            return
        if isinstance(request, NewDevice):
            grant = replace(client.person, device=request.replaces).grant
            self._answer(client, ask, encode(accounts.new_device(world.now, grant, request)))
            return
        if isinstance(request, Fetch):
            path, _ = core.snapshot(client.person.grant, request.id)
            self._answer(client, ask, path.read_bytes()[request.offset :])
            return
        grant = replace(client.person, device=request.device).grant
        if isinstance(request, Hello):
            self._answer(client, ask, encode(core.hello(world.now, grant, request)))
        elif isinstance(request, Push):
            answer = core.push(world.now, grant, request)
            told = [(r.mid, r.st, r.code) for r in answer.results]
            world.note("server", "answers push", ask.no, answer.lmid, told)
            checks.answer_is_stored(world, client, request.device, answer)
            self._answer(client, ask, encode(answer))
            self._poke(answer.heads)
        elif isinstance(request, Pull):
            frames = world.tomorrow.frames(request.scopes, core.pull(world.now, grant, request))
            key = next(world.asks)
            world.server.pulls[key] = frames
            self._pull_on(client, ask, key, [])

    def _pull_on(self, client: Client, ask: Ask, key: int, raw: list[bytes]) -> None:
        """Read a pull a few frames at a time: others write in between."""
        world = self._world
        frames = world.server.pulls.get(key)
        if frames is None:
            return
        with world.computers.process(None, "server"):
            try:
                stop = 0 if world.rng.random() < 0.4 else 1000
                for message in frames:
                    raw.append(frame(message))
                    if len(raw) > stop:
                        pause = world.rng.uniform(1, world.rng.choice((60, 60, 4_000)))
                        world.after(pause, lambda: self._pull_on(client, ask, key, raw))
                        return
            except ProblemError as error:
                del world.server.pulls[key]
                self._refuse(client, ask, error)
                return
            except DatabaseBusy:
                world.server.pulls.pop(key, None)
                self._refuse(client, ask, ProblemError(503, "busy", retry_s=1))
                return
            del world.server.pulls[key]
            assert isinstance(ask.request, Pull)
            checks.answer_is_one_moment(world, client, ask.request.device, raw)
            self._answer(client, ask, b"".join(raw))

    def _poke(self, heads: dict[str, int]) -> None:
        world = self._world
        for client in world.clients:
            if heads and world.rng.random() < 0.7 and not client.line.hole:
                world.after(world.rng.uniform(20, 100), lambda c=client: self._poked(c, heads))  # type: ignore[misc]  # mypy cannot infer a lambda with defaults

    def _poked(self, client: Client, heads: dict[str, int]) -> None:
        if client.worker is not None:
            mine = {s: h for s, h in heads.items() if s in client.worker.core.state.scopes}
            client.worker.core.poked(mine)
            self._world.computers.wake(client, 50)

    # --- answers ------------------------------------------------------------------------------------------------------

    def _answer(self, client: Client, ask: Ask, raw: bytes) -> None:
        world = self._world
        if client.line.hole or client.rng.random() < client.line.drop:
            world.note("line", "loses the answer to", ask.no)
            return
        if isinstance(ask.request, Pull | Fetch) and raw and client.rng.random() < client.line.cut:
            raw = raw[: client.rng.randrange(len(raw))]
        for delay in self._delays(client):
            world.after(delay, lambda: self._receive(client, ask, raw))

    def _refuse(self, client: Client, ask: Ask, error: ProblemError) -> None:
        self._world.note("server", "refuses", ask.no, error.status, error.problem.code)
        if not client.line.hole and client.rng.random() >= client.line.drop:
            self._world.after(client.rng.uniform(2, 80), lambda: self._refused(client, ask, error))

    def _mine(self, client: Client, ask: Ask) -> Worker | None:
        """Whoever asked may be gone, or no longer wait: then an answer is nobody's."""
        if client.worker is None or client.ask is not ask:
            return None
        client.ask = None
        if ask.timer is not None:
            ask.timer.gone = True
        return client.worker

    def _receive(self, client: Client, ask: Ask, raw: bytes) -> None:
        worker, world = self._mine(client, ask), self._world
        if worker is None:
            return
        with world.computers.process(client, "worker"):
            now = world.clock_of(client)()
            try:
                if isinstance(ask.request, Hello):
                    worker.core.on_hello(decode(raw, HelloAnswer), now)
                elif isinstance(ask.request, Push):
                    worker.core.on_push(decode(raw, PushAnswer))
                elif isinstance(ask.request, Fetch):
                    self._take_file(worker, ask.request, raw)
                elif isinstance(ask.request, Login):
                    world.installations.signed_in(client, raw)
                elif isinstance(ask.request, NewDevice):
                    world.installations.take_number(client, raw)
                else:
                    self._take_frames(worker, raw, now)
                worker.backoff.succeeded()
            except ProtocolError as error:
                world.note(client.person.login, "does not understand", ask.no, error.code)
                worker.core.rehello()
                worker.not_before = world.now + int(worker.backoff.failed_s() * 1000)
        world.computers.look(client)

    def _take_frames(self, worker: Worker, raw: bytes, now: int) -> None:
        reader, complete = FrameReader(), False
        try:
            for message in reader.feed(raw):
                worker.core.on_frame(message)
            complete = reader.rest == 0
        finally:
            if not complete:
                worker.core.on_cut()
        if complete:
            worker.core.on_pull_end(now)

    def _take_file(self, worker: Worker, ask: Fetch, raw: bytes) -> None:
        for piece in Pieces().feed(raw):
            worker.core.on_snapshot(*piece)
        if ask.offset + len(raw) < ask.size:
            worker.core.on_cut()
        else:
            worker.core.on_snapshot_end()

    def _refused(self, client: Client, ask: Ask, error: ProblemError) -> None:
        worker, world = self._mine(client, ask), self._world
        if worker is None:
            return
        with world.computers.process(client, "worker"):
            verdict = worker.core.on_problem(error.status, error.problem, error.retry_s)
            worker.unknown = worker.unknown or verdict.kind == "token"
            if verdict.kind == "locked":
                world.installations.lock(client, error)
            elif verdict.kind == "stop":
                worker.not_before = world.now + int(worker.backoff.failed_s(60) * 1000)
                worker.core.rehello()
            elif verdict.code in ("epoch", "reset", "gap", "too_large"):
                pause = worker.backoff.failed_s() if worker.backoff.failures else 0.01
                worker.not_before = world.now + int(pause * 1000)
            else:
                worker.not_before = world.now + int(worker.backoff.failed_s(verdict.retry_s) * 1000)
        world.computers.look(client)

    def _fail(self, client: Client, ask: Ask) -> None:
        worker, world = self._mine(client, ask), self._world
        if worker is None:
            return
        world.note(client.person.login, "gives up", ask.no)
        with world.computers.process(client, "worker"):
            if isinstance(ask.request, Pull | Fetch):
                worker.core.on_cut()
            worker.core.rehello()
            worker.not_before = world.now + int(worker.backoff.failed_s() * 1000)
        world.computers.look(client)


def _about(request: Request) -> str:
    if isinstance(request, Hello):
        return f"seen {request.lmid_seen} last {request.last_mid}"
    if isinstance(request, Push):
        return f"{request.muts[0].mid}..{request.muts[-1].mid}"
    if isinstance(request, Pull):
        return f"seen {request.lmid_seen} {sum(request.scopes.values())}"
    return ""
