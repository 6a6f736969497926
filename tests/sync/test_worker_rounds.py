# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's rounds against a server that answers oddly: how long it waits, and what runs in which thread."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from app.domain import link
from app.domain.errors import ServerUnreachable, StoreUnavailable, WrongServer
from app.domain.ports import ViewKey
from app.entry import sync_worker_loop
from app.entry.sync_worker_exchange import steady_ms
from app.entry.sync_worker_loop import Worker
from app.entry.sync_worker_socket import WindowServer
from app.entry.sync_worker_wait import NetworkWatch, Outlook
from app.store.pending_file import open_reader
from app.store.replica import ReplicaStore
from sync import engine_state
from sync.engine import ClientCore
from sync.protocol import (
    Hello,
    HelloAnswer,
    Mark,
    NewDevice,
    Problem,
    Pull,
    PullFrame,
    Push,
    PushAnswer,
    Refresh,
    Tokens,
)
from sync.server import pull as server_pull
from sync.transport import Answered
from tests.sync.desk import KEY, Client, Desk

TOKEN = b"t" * 32


class Killed(Exception):
    """kill -9, here."""


class OddServer:
    """In place of the transport: greets as the real server does; pushes and pulls get what `odd` says, if anything."""

    host = ("127.0.0.1", 1)

    def __init__(self, client: Client, odd: Callable[[Push | Pull], Problem | None]) -> None:
        self._client = client
        self._odd = odd

    async def hello(self, message: Hello) -> HelloAnswer:
        """As it is."""
        return self._client.desk.parts.core.hello(self._client.desk.clock(), self._client.grant, message)

    async def push(self, message: Push) -> PushAnswer:
        """As it is, unless odd."""
        self._refuse(message)
        return self._client.desk.parts.core.push(self._client.desk.clock(), self._client.grant, message)

    async def pull(self, message: Pull) -> AsyncIterator[list[PullFrame]]:
        """As it is, unless odd."""
        self._refuse(message)
        yield list(self._client.desk.parts.core.pull(self._client.desk.clock(), self._client.grant, message))

    def _refuse(self, message: Push | Pull) -> None:
        problem = self._odd(message)
        if problem is not None:
            status = {"reset": 410, "too_large": 413}.get(problem.code, 409)
            raise Answered(status, problem)

    async def new_device(self, ask: NewDevice) -> Tokens:
        """As it is."""
        desk = self._client.desk
        return desk.parts.accounts.new_device(desk.clock(), self._client.grant, ask)

    async def adopt(self, tokens: Tokens) -> None:
        """Die before the token is in its place."""
        raise Killed

    async def live(self) -> None:
        """None here."""
        raise ServerUnreachable

    async def close(self) -> None:
        """Nothing to do."""


class _Tokens:
    kept: str | None = "token"

    def load(self) -> str | None:
        return self.kept

    def save(self, refresh: str | None) -> None:
        self.kept = refresh


class Paced(Worker):
    """Waits for nothing; writes down how long it would have."""

    waits: list[float | None]

    async def _wait(self, seconds: float | None) -> None:
        self.waits.append(seconds)


class Patient(Worker):
    """Waits until something happens, as after many failures."""

    async def _wait(self, seconds: float | None) -> None:
        await self._wake.wait()


async def _paced(
    client: Client, odd: Callable[[Push | Pull], Problem | None], rounds: int, tokens: _Tokens | None = None
) -> Paced:
    tokens = tokens or _Tokens()
    worker = Paced(open_reader(client.folder, KEY), lambda: (client.replica, False), TOKEN, lambda _: tokens,
                   random.Random(1))  # fmt: skip
    worker.waits = []
    await worker._open()
    worker._connection.adopt(OddServer(client, odd))  # type: ignore[arg-type]  # stands in for the transport
    for _ in range(rounds):
        await worker._round()
    return worker


@pytest.mark.parametrize("code", ["gap", "reset", "too_large", "epoch"])
def test_an_answer_that_repeats_is_asked_for_ever_more_slowly(desk: Desk, kim: Client, lee: Client, code: str) -> None:
    """Put right at once the first time; a server that goes on like this is not asked a hundred times a second."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket)
    scope = f"team:{desk.team('북부').hex()}"

    def odd(message: Push | Pull) -> Problem | None:
        if code == "gap":
            return Problem(code=code, expected=1) if isinstance(message, Push) else None
        if code == "too_large":
            return Problem(code=code) if isinstance(message, Push) else None
        return Problem(code=code, scope=scope) if isinstance(message, Pull) else None

    worker = asyncio.run(_paced(kim, odd, 60))
    waits = [w for w in worker.waits if w is not None]
    assert len(waits) > 10
    assert waits[0] == 0.0
    assert all(w > 0.01 for w in waits[1:])
    assert max(waits) > 5
    assert len({round(w, 4) for w in waits}) > len(waits) / 2, "jitter"


@pytest.mark.parametrize("kind", [Push, Pull])
def test_a_server_that_greets_and_then_answers_with_nonsense_is_asked_ever_more_slowly(
    kim: Client, lee: Client, kind: type[Push | Pull]
) -> None:
    """A proxy that lets only small requests through is left in peace; once it lets all through the count is at 0."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket)
    broken = [True]

    def odd(message: Push | Pull) -> None:
        if broken[0] and isinstance(message, kind):
            raise WrongServer(status=413)

    async def run() -> tuple[list[float | None], int]:
        worker = await _paced(kim, odd, 40)
        waits = list(worker.waits)
        broken[0] = False
        for _ in range(6):
            await worker._round()
        return waits, worker._backoff.failures

    waits, failures = asyncio.run(run())
    pauses = [w for w in waits if w is not None]
    assert len(pauses) > 10
    assert pauses[0] <= 1.0
    assert min(pauses[-3:]) >= 75.0
    assert failures == 0
    assert kim.profile.numbers().waiting == 0


def test_everything_that_changes_the_core_runs_in_one_thread(
    kim: Client, lee: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wish of the window or of the live channel that comes while a checkpoint is written is neither lost nor torn."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket)
    threads: dict[str, set[str]] = {}
    calls = ("committed", "poked", "rehello", "sync_now", "answer_guard", "next", "on_hello", "on_push", "on_frame",
             "on_pull_end", "on_problem")  # fmt: skip
    for name in calls:
        monkeypatch.setattr(ClientCore, name, _noting(name, getattr(ClientCore, name), threads))

    async def play() -> None:
        odd = iter([Problem(code="gap", expected=1)])
        worker = await _paced(kim, lambda m: next(odd, None) if isinstance(m, Push) else None, 3)
        for message in (link.Committed(mid=1), link.SyncNow(), link.GuardAnswer(apply=True)):
            worker._on_window(message)
        worker._on_live({"ref": 99})
        worker._on_live(None)
        for _ in range(4):
            await worker._round()
        await worker._engine.run(lambda: None)

    asyncio.run(play())
    assert set(threads) == set(calls)
    assert set().union(*threads.values()) == {next(iter(threads["next"]))}
    assert threading.current_thread().name not in threads["next"]


def _noting(name: str, real: Callable[..., Any], threads: dict[str, set[str]]) -> Callable[..., Any]:
    def call(*args: Any, **more: Any) -> Any:
        threads.setdefault(name, set()).add(threading.current_thread().name)
        return real(*args, **more)

    return call


def test_an_answer_to_the_guard_given_while_a_checkpoint_is_written_counts(kim: Client) -> None:
    """It comes after the checkpoint that asks again, so the next pull is let through."""

    async def play() -> Paced:
        worker = await _paced(kim, lambda _: None, 1)
        core = worker._engine.core
        core.guard = (300, 310)
        started, go = threading.Event(), threading.Event()

        def checkpoint() -> None:
            started.set()
            assert go.wait(30)
            core.guard, core._guard_until = (300, 310), core._now_ms + 600_000

        writing = asyncio.ensure_future(worker._engine.run(checkpoint))
        await asyncio.to_thread(started.wait, 10)
        worker._on_window(link.GuardAnswer(apply=True))
        go.set()
        await writing
        await worker._engine.run(lambda: None)
        return worker

    core = asyncio.run(play())._engine.core
    assert core.guard is None
    assert core._unguarded


def test_a_new_device_id_whose_token_was_not_in_its_place_yet_needs_no_new_sign_in(
    kim: Client, lee: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the server's answer was kept and before its token was: the next start puts it in its place."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket)
    monkeypatch.setattr(WindowServer, "has_window", True)
    tokens = _Tokens()

    async def die() -> None:
        gap = iter([Problem(code="gap", expected=7)])
        worker = await _paced(kim, lambda m: next(gap, None) if isinstance(m, Push) else None, 2, tokens)
        with pytest.raises(Killed):
            await worker._round()

    asyncio.run(die())
    assert tokens.kept == "token"

    async def start_again() -> list[link.WorkerToUi]:
        worker = await _paced(kim, lambda _: None, 0, tokens)
        await worker._orders.resume_renumbering()
        return worker._greeting()

    told = asyncio.run(start_again())
    renumber = next(m for m in told if isinstance(m, link.Renumber))
    assert tokens.kept not in (None, "token")
    desk = kim.desk
    fresh = desk.parts.accounts.refresh(desk.clock(), Refresh(refresh=str(tokens.kept), device=renumber.device))
    assert fresh.access


async def test_a_worker_whose_files_and_window_are_gone_ends_when_its_time_is_up(
    kim: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be read any more, nobody is left to tell: it must not stay for ever."""
    monkeypatch.setattr(sync_worker_loop, "DRAIN_S", 0.2)
    monkeypatch.setattr(sync_worker_loop, "_POLL_OUTBOX_S", 0.05)
    worker = Patient(open_reader(kim.folder, KEY), lambda: (kim.replica, False), TOKEN, lambda _: _Tokens(),
                     random.Random(1))  # fmt: skip
    worker._status.was_joined = True

    def gone(_: ReplicaStore) -> int:
        raise StoreUnavailable("disk_error")

    monkeypatch.setattr(ReplicaStore, "last_mid", gone)
    async with asyncio.timeout(30):
        await worker.serve(tmp_path / "s")


class SlowServer(OddServer):
    """Sends its answers a frame at a time; after each, `between` is called with the scopes that were asked for."""

    def __init__(self, client: Client, between: Callable[[Pull, PullFrame], None]) -> None:
        super().__init__(client, lambda _: None)
        self._between = between
        self.asked: list[str] = []
        self.told = False

    async def push(self, message: Push) -> PushAnswer:
        """As it is."""
        self.asked.append("push")
        return await super().push(message)

    async def pull(self, message: Pull) -> AsyncIterator[list[PullFrame]]:
        """As it is, slowly."""
        self.asked.append("pull")
        async for frames in super().pull(message):
            for frame in frames:
                yield [frame]
                self._between(message, frame)
                await asyncio.sleep(0.02)  # as on a line: what is ready is taken before more comes
        self.asked.append("end")


def test_changes_get_through_a_line_that_breaks_under_larger_requests(
    kim: Client, lee: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each lost push makes the next one smaller; the same hundred changes are not sent in vain for ever."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    for n in range(40):
        kim.note(ticket, f"Notiz {n}")
    sizes: list[int] = []

    async def at_once(*_: object) -> Outlook:
        return Outlook.BACK

    monkeypatch.setattr(NetworkWatch, "wait_for", at_once)

    def odd(message: Push | Pull) -> None:
        if isinstance(message, Push):
            sizes.append(len(message.muts))
            if len(message.muts) > 6:
                raise ServerUnreachable

    asyncio.run(_paced(kim, odd, 60))
    assert kim.profile.numbers().waiting == 0
    assert sizes[0] == 40
    assert len(sizes) < 20, sizes


class Hasty(Paced):
    """Somebody writes something into each pause."""

    async def _wait(self, seconds: float | None) -> None:
        await super()._wait(seconds)
        self._wake.set()


@pytest.mark.parametrize("trouble", ["portal", "busy"])
def test_what_is_written_behind_a_portal_does_not_put_off_the_next_try(
    kim: Client, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """Each saved change is a reason to try, no reason to wait minutes once the portal or the busy hour is over."""
    server = OddServer(kim, lambda _: None)

    async def hello(_message: Hello) -> HelloAnswer:
        raise WrongServer(status=302) if trouble == "portal" else Answered(503, Problem(code="busy"))

    async def run() -> list[float | None]:
        worker = Hasty(open_reader(kim.folder, KEY), lambda: (kim.replica, False), TOKEN, lambda _: _Tokens(),
                       random.Random(1))  # fmt: skip
        worker.waits = []
        await worker._open()
        monkeypatch.setattr(server, "hello", hello)
        worker._connection.adopt(server)  # type: ignore[arg-type]  # stands in for the transport
        for _ in range(20):
            worker._wake.clear()
            await worker._round()
        return worker.waits

    pauses = [w for w in asyncio.run(run()) if w is not None]
    assert len(pauses) > 10
    assert max(pauses) <= 2.0, pauses


def test_a_computer_that_wakes_from_sleep_asks_at_once(kim: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only at the next poll: what came in the night shows within seconds after the lid is opened."""
    hours = [0]
    monkeypatch.setattr(sync_worker_loop, "_POLL_OUTBOX_S", 0.01)
    monkeypatch.setattr(sync_worker_loop, "now_ms", lambda: 1_790_000_000_000 + steady_ms() + hours[0])

    async def run() -> None:
        worker = await _paced(kim, lambda _: None, 8)
        watch = asyncio.create_task(worker._watch_outbox())
        worker._windows._windows.add(None)  # type: ignore[arg-type]  # a window is there
        await asyncio.sleep(0.1)
        worker._wake.clear()
        hours[0] = 8 * 3_600_000
        async with asyncio.timeout(30):
            await worker._wake.wait()
        request = await worker._engine.run(worker._engine.core.next, steady_ms(),
                                            1_790_000_000_000 + steady_ms())  # fmt: skip
        watch.cancel()
        assert isinstance(request, Hello)

    asyncio.run(run())


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server says often how far a scope is complete."""
    monkeypatch.setattr(server_pull, "_FIRST_WINDOW", 5)
    monkeypatch.setattr(server_pull, "WINDOW", 5)


async def _slowly(client: Client, between: Callable[[Worker, SlowServer, Pull, PullFrame], None]) -> list[str]:
    worker = Paced(open_reader(client.folder, KEY), lambda: (client.replica, False), TOKEN, lambda _: _Tokens(),
                   random.Random(1))  # fmt: skip
    worker.waits = []
    await worker._open()
    server = SlowServer(client, lambda ask, frame: between(worker, server, ask, frame))
    worker._connection.adopt(server)  # type: ignore[arg-type]  # stands in for the transport
    for _ in range(12):
        await worker._round()
    return server.asked


@pytest.mark.usefixtures("small_windows")
def test_what_is_written_while_much_is_loaded_goes_out_before_all_of_it_is_here(
    desk: Desk, kim: Client, lee: Client
) -> None:
    """On a slow line a load takes many minutes; a reply written meanwhile does not wait for its end."""
    tickets = [lee.new_ticket(f"Anfrage {n}") for n in range(40)]
    lee.sync()
    kim.sync()
    scope = f"team:{desk.team('북부').hex()}"
    kim.replica.set_scopes(None, {}, [scope], ())

    def between(worker: Worker, server: SlowServer, ask: Pull, frame: PullFrame) -> None:
        if scope in ask.scopes and isinstance(frame, Mark) and "push" not in server.asked:
            kim.note(tickets[0], "eilig")
            worker._on_window(link.Committed(mid=1))

    asked = asyncio.run(_slowly(kim, between))
    assert asked[asked.index("push") - 1] == "pull", f"the load came to its end first: {asked}"
    assert kim.profile.numbers().waiting == 0
    assert len(kim.profile.queries.ids(ViewKey.ALL)) == 40


@pytest.mark.usefixtures("small_windows")
def test_news_of_what_is_complete_do_not_wait_for_a_long_load(
    desk: Desk, kim: Client, lee: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A customer's answer on a ticket that is here shows while another scope is still being loaded."""
    monkeypatch.setattr(engine_state, "_NEWS_WAIT_S", 0.0)
    for n in range(40):
        lee.new_ticket(f"Anfrage {n}")
    lee.sync()
    kim.sync()
    team = f"team:{desk.team('북부').hex()}"
    live = next(s for s in kim.core.state.scopes if s != team)
    kim.replica.set_scopes(None, {}, [team], ())

    def between(worker: Worker, server: SlowServer, ask: Pull, frame: PullFrame) -> None:
        if team in ask.scopes and isinstance(frame, Mark) and not server.told:
            server.told = True
            worker._on_live({live: 10**6})

    asked = asyncio.run(_slowly(kim, between))
    assert ["pull", "pull"] in [asked[n : n + 2] for n in range(len(asked))], f"no load gave way: {asked}"
    assert asked.count("pull") < 8, "news of one scope break off a load once, not again and again"
