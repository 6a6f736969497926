# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of attachments in a world: a worker's mover in virtual time, and the line that it sends and fetches over."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.domain import link
from app.domain.attachments import Attachment
from app.domain.errors import ServerUnreachable
from app.entry.sync_worker_blobs import BlobMover, Limits, Line
from sync.protocol import Problem
from sync.server.blobs import Blobs
from sync.server.problems import ProblemError
from sync.server.store import DatabaseBusy
from sync.server.tokens import Grant
from sync.transport import Answered
from tests.sync.sim.env import KEY
from tests.sync.sim.loop import VirtualLoop
from tests.sync.sim.oracle import Violation

if TYPE_CHECKING:
    from tests.sync.sim.attachments import Attachments
    from tests.sync.sim.computer import Client, Event
    from tests.sync.sim.world import World

_TIMEOUT_MS = 12_000


@dataclass
class Answer:
    """What came back: status, headers, body; `cut` if the line broke in it."""

    status_code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: bool = False

    async def aiter_raw(self) -> AsyncIterator[bytes]:
        """Give the body in pieces."""
        for start in range(0, len(self.body), 200):
            yield self.body[start : start + 200]
        if self.cut:
            raise ServerUnreachable(detail="cut")


@dataclass
class Asked:
    """A request under way."""

    no: int
    method: str
    mark: bytes
    headers: Mapping[str, str]
    content: bytes
    grant: Grant
    waits: asyncio.Future[Answer]
    timer: Event | None = None
    epoch: bytes = b""  # of the server that answered


class _Exchange:
    """One request and its answer, as the product's transport gives it."""

    def __init__(self, begin: Callable[[], asyncio.Future[Answer]]) -> None:
        self._begin = begin

    async def __aenter__(self) -> Answer:
        return await self._begin()

    async def __aexit__(self, *_: object) -> None:
        return None


class _Wire:
    """Stands where the mover expects its transport."""

    def __init__(self, mover: Mover) -> None:
        self._mover = mover

    def stream(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> _Exchange:
        mark = bytes.fromhex(path.rsplit("/", 1)[1])
        return _Exchange(lambda: self._mover.ask(method, mark, headers or {}, content or b""))


class Mover:
    """The mover of one worker: the product's own, on a loop of its own."""

    def __init__(self, world: World, client: Client, limits: Limits) -> None:
        worker = client.worker
        assert worker is not None
        self._world, self._client = world, client
        self.loop = VirtualLoop(lambda: world.now)
        self._wake: Event | None = None
        core = worker.core
        line = Line(
            lambda: None if client.line.hole else _Wire(self),  # type: ignore[return-value,arg-type]  # as much of a transport as is used
            lambda: core.state.epoch or b"",
            lambda: client.person.account,
            lambda: all(s.state == "live" for s in core.state.scopes.values()),
        )
        rng = random.Random(world.files.rng.getrandbits(32))
        folder = world.folder / client.person.login
        self.mover = BlobMover(folder, KEY, worker._pending, line, self._tell, rng, limits)
        self._news: list[link.BlobMoved] = []
        self.soon(lambda: self.loop.create_task(self.mover.run()) and None)

    def _tell(self, message: Any) -> None:
        if isinstance(message, link.BlobMoved):
            self._news.append(message)

    def soon(self, work: Callable[[], object]) -> None:
        """Do something on the loop, at its next turn."""
        self.loop.call_soon(work)
        self._wake_at(self._world.now + 1)

    def fetch(self, attachment: Attachment, type_: int, id_: bytes) -> None:
        """A person wants a file."""
        ask = link.FetchBlob(sha256=attachment.sha256, size=attachment.size_bytes, type=type_, id=id_)
        self._world.note(self._client.person.login, "wants", attachment.sha256.hex()[:8])
        self.soon(lambda: self.loop.create_task(self.mover.fetch(ask)) and None)

    def ask(self, method: str, mark: bytes, headers: Mapping[str, str], content: bytes) -> asyncio.Future[Answer]:
        """Send a request; the answer comes later, or never."""
        return self._world.files.line.send(self, self._client, method, mark, headers, content)

    def _wake_at(self, at: float) -> None:
        if self._wake is not None and not self._wake.gone:
            if self._wake.at <= at:
                return
            self._wake.gone = True
        self._wake = self._world.aside(at - self._world.now, self._turn)

    def turn(self) -> None:
        """Go on with what can go on."""
        world, client = self._world, self._client
        with world.computers.process(client, "worker"):
            self.loop.turn()
        if client.mover is not self:
            return
        error, world.files.log.error = world.files.log.error, None
        if error is not None:
            raise error
        news, self._news = self._news, []
        for message in news:
            world.files.told(client, message)
        due = self.loop.due()
        if due is not None:
            self._wake_at(math.ceil(due * 1000) + 1)

    def _turn(self) -> None:
        self._wake = None
        if self._client.mover is self:
            self.turn()

    def close(self) -> None:
        """End, or be killed."""
        if self._wake is not None:
            self._wake.gone = True
        self.loop.end()
        self.mover.close()


class FilesLine:
    """Carries requests for files to the server and answers back, more or less."""

    def __init__(self, world: World, files: Attachments) -> None:
        self._world, self._files = world, files
        # (account, hash, epoch) of which the sender knows that all is there
        self._complete: set[tuple[bytes, bytes, bytes]] = set()

    def send(
        self, mover: Mover, client: Client, method: str, mark: bytes, headers: Mapping[str, str], content: bytes
    ) -> asyncio.Future[Answer]:
        """A mover asks."""
        world, rng, line = self._world, self._files.rng, client.line
        asked = Asked(next(world.asks), method, mark, headers, content, client.person.grant, mover.loop.create_future())
        world.note(client.person.login, method, asked.no, mark.hex()[:8], headers.get("upload-offset", ""))
        if content and (client.person.account, mark, world.oracle.epoch) in self._complete:
            raise Violation("I17", f"{client.person.login}: {mark.hex()[:8]} is sent again, though it is all there")
        asked.timer = world.aside(_TIMEOUT_MS, lambda: self._give(mover, asked, ServerUnreachable(detail="late")))
        if not line.hole and rng.random() >= line.drop:
            for delay in self._delays(client):
                world.aside(delay, lambda: self._serve(mover, client, asked))
        return asked.waits

    def _delays(self, client: Client) -> list[float]:
        rng = self._files.rng
        out = [rng.uniform(2, 80)]
        if rng.random() < client.line.late:
            out = [rng.uniform(1_000, 40_000)]
        if rng.random() < client.line.twice:
            out.append(rng.uniform(2, 60_000))
        return out

    def _serve(self, mover: Mover, client: Client, asked: Asked) -> None:
        world = self._world
        if world.server.core is None:
            world.aside(5, lambda: self._give(mover, asked, ServerUnreachable(detail="refused")))
            return
        with world.computers.process(None, "server"):
            asked.epoch = world.oracle.epoch
            try:
                answer: Answer | Exception = _answer(self._files.server, asked)
            except ProblemError as error:
                answer = Answered(error.status, error.problem, error.retry_s)
            except DatabaseBusy:
                answer = Answered(503, Problem(code="busy"), 1)
            self._back(mover, client, asked, answer)

    def _back(self, mover: Mover, client: Client, asked: Asked, answer: Answer | Exception) -> None:
        world, rng, line = self._world, self._files.rng, client.line
        told = answer.headers if isinstance(answer, Answer) else answer.args
        world.note("server", "answers", asked.no, *(told.values() if isinstance(told, Mapping) else told))
        if line.hole or rng.random() < line.drop:
            return
        if isinstance(answer, Answer) and answer.body and rng.random() < line.cut:
            answer = Answer(answer.status_code, answer.headers, answer.body[: rng.randrange(len(answer.body))], True)
        for delay in self._delays(client):
            world.aside(delay, lambda: self._give(mover, asked, answer))

    def _give(self, mover: Mover, asked: Asked, answer: Answer | Exception) -> None:
        """Whoever asked may be gone, or no longer wait."""
        if asked.timer is not None:
            asked.timer.gone = True
        if mover.loop.is_closed() or asked.waits.done():
            return
        if isinstance(answer, Exception):
            asked.waits.set_exception(answer)
        else:
            if answer.headers.get("upload-complete") == "?1":
                self._complete.add((asked.grant.subject, asked.mark, asked.epoch))
            asked.waits.set_result(answer)
        mover.turn()


def _answer(blobs: Blobs, asked: Asked) -> Answer:
    """Do what the server's routes do."""
    if asked.method == "GET":
        found = blobs.read(asked.grant, asked.mark)
        start = int(asked.headers["range"].removeprefix("bytes=").removesuffix("-"))
        with found.open() as stream:
            stream.seek(start)
            return Answer(206 if start else 200, {}, stream.read())
    if asked.method == "HEAD":
        have, complete = blobs.offset(asked.grant, asked.mark)
    elif asked.method == "PUT":
        blobs.put(asked.grant, asked.mark, asked.content)
        have, complete = len(asked.content), True
    else:
        start, size = int(asked.headers["upload-offset"]), int(asked.headers["upload-length"])
        have, complete = blobs.append(asked.grant, asked.mark, start, size, asked.content)
    headers = {"upload-offset": str(have), "upload-complete": "?1" if complete else "?0"}
    return Answer(200 if asked.method == "HEAD" else 204, headers)
