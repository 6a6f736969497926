# SPDX-License-Identifier: GPL-3.0-or-later
"""One exchange of the worker with its server: sends what the core asks for and hands it what comes back. No Qt."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from app.config.logs import get_logger
from app.domain import link
from app.domain.errors import WorldError
from app.domain.replica import Applied, RowPage
from app.entry.sync_worker_ahead import read_ahead
from app.entry.sync_worker_engine import Engine
from app.entry.sync_worker_hints import ChangeNotes, StatusBoard, Tell
from sync.download import snapshot
from sync.engine import Fetch, Request
from sync.protocol import Hello, HelloAnswer, Pull, PullFrame, Push
from sync.transport import Answered, Transport

__all__ = ["Exchange", "now_ms", "steady_ms"]

_log = get_logger("worker")


def now_ms() -> int:
    """Return the time of this computer in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """Return milliseconds of a clock that nobody sets: what the engine's pauses rest on."""
    return int(time.monotonic() * 1000)


class Exchange:
    """Event loop; what it takes in is stored in the engine's thread and told to the window."""

    def __init__(
        self,
        engine: Engine,
        status: StatusBoard,
        notes: ChangeNotes,
        tell: Tell,
        on_hello: Callable[[], None],
    ) -> None:
        """`on_hello` is called when the server greeted this device."""
        self._engine = engine
        self._status = status
        self._notes = notes
        self._tell = tell
        self._on_hello = on_hello
        self._guard_told: tuple[int, int] | None = None

    async def do(self, transport: Transport, request: Request) -> bool:
        """Do one exchange; True when the server moved on with it. Raises Answered, WorldError, ProtocolError."""
        self._show_activity(request)
        if isinstance(request, Hello):
            await self._hello(transport, request)
            return False
        if isinstance(request, Push):
            return await self._push(transport, request)
        if isinstance(request, Fetch):
            await self._fetch(transport, request)
        else:
            await self._pull(transport, request)
        return True

    def guard(self) -> list[link.WorkerToUi]:
        """Return the open question whether many tickets may go, for a window that joins."""
        guard = self._engine.core.guard
        return [] if guard is None else [link.GuardAsked(tickets=guard[0], total=guard[1])]

    def _show_activity(self, request: Request) -> None:
        core = self._engine.core
        if isinstance(request, Hello):
            if self._status.phase not in ("live", "offline"):
                self._status.set("connecting")
        elif core.loading:
            self._status.set("loading", percent=core.percent)
        elif isinstance(request, Push):
            self._status.set("syncing")

    async def _hello(self, transport: Transport, request: Hello) -> None:
        answer: HelloAnswer = await transport.hello(request)
        self._on_hello()
        self._notes.add(await self._engine.run(self._engine.core.on_hello, answer, steady_ms()))
        _log.info("hello answered", scopes=len(answer.scopes), lmid=answer.lmid)

    async def _push(self, transport: Transport, request: Push) -> bool:
        core = self._engine.core
        before = core.acknowledged
        try:
            answer = await transport.push(request)
        except WorldError:
            await self._engine.run(core.on_push_lost)
            raise
        await self._engine.run(core.on_push, answer)
        return core.acknowledged > before

    async def _pull(self, transport: Transport, request: Pull) -> None:
        run, core = self._engine.run, self._engine.core
        complete, began = False, time.monotonic()
        try:
            async with aclosing(self._answers(transport.pull(request))) as answers:
                async for frames in answers:
                    self._notes.add(await run(self._take, frames))
                    if core.loading:
                        self._status.set("loading", percent=core.percent, detail=self._place())
                    if core.gives_way(time.monotonic() - began):
                        return  # asked for again from here on, when what waits has been said
            complete = True
        finally:
            if not complete:
                self._notes.add(await run(core.on_cut))
        self._notes.add(await run(core.on_pull_end, steady_ms()))
        self._status.last_sync = now_ms()
        self._tell_guard()

    async def _answers(self, source: AsyncGenerator[list[PullFrame], None]) -> AsyncGenerator[list[Any], None]:
        """Yield frames; those of a first load with their rows made ready while others are stored."""
        if not self._engine.core.reads_ahead:
            async with aclosing(source):
                async for frames in source:
                    yield frames
            return
        ahead = read_ahead(source, lambda frames: _weighed(self._engine.core.ready(frames)), self._engine.side)
        async with aclosing(ahead):
            async for several in ahead:
                yield [frame for frames in several for frame in frames]

    def _tell_guard(self) -> None:
        guard = self._engine.core.guard
        if guard is not None and guard != self._guard_told:
            self._tell(link.GuardAsked(tickets=guard[0], total=guard[1]))
        elif guard is None and self._guard_told is not None:
            self._tell(link.GuardAsked(tickets=0, total=0))  # the question is over
        self._guard_told = guard

    def _place(self) -> dict[str, Any]:
        """Name what is being loaded: of the scopes that are not complete, the one that comes first."""
        scopes = (s for s in self._engine.core.state.scopes.values() if s.state == "loading")
        first = min(scopes, key=lambda s: (s.prio, s.id), default=None)
        return {} if first is None else {"scope": first.id}

    async def _fetch(self, transport: Transport, request: Fetch) -> None:
        """Download a snapshot. A refusal says that it is gone; anything else keeps what came."""
        run, core = self._engine.run, self._engine.core
        began = time.monotonic()
        try:
            source = snapshot(transport, request)
            async with aclosing(read_ahead(source, self._ready_piece, self._engine.side)) as pieces:
                async for several in pieces:
                    self._notes.add(await run(self._take_pieces, several))
                    if core.loading:
                        self._status.set("loading", percent=core.percent)
                    if core.gives_way(time.monotonic() - began):
                        self._notes.add(await run(core.on_cut))
                        return  # the rest when what waits has been said
        except Answered:
            raise
        except BaseException:
            self._notes.add(await run(core.on_cut))
            raise
        self._notes.add(await run(core.on_snapshot_end))

    def _ready_piece(self, piece: tuple[bytes, list[PullFrame]]) -> tuple[tuple[bytes, list[Any]], int]:
        frames, rows = _weighed(self._engine.core.ready(piece[1]))
        return (piece[0], frames), rows

    def _take(self, frames: list[PullFrame | RowPage]) -> Applied | None:
        out: Applied | None = None
        for frame in frames:
            out = self._engine.core.on_frame(frame) or out
        return out

    def _take_pieces(self, pieces: list[tuple[bytes, list[PullFrame | RowPage]]]) -> Applied | None:
        out: Applied | None = None
        for raw, frames in pieces:
            out = self._engine.core.on_snapshot(raw, frames) or out
        return out


def _weighed(frames: list[PullFrame | RowPage]) -> tuple[list[PullFrame | RowPage], int]:
    return frames, sum(len(frame.rows) for frame in frames if isinstance(frame, RowPage))
