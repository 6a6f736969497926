# SPDX-License-Identifier: GPL-3.0-or-later
"""The agents' computers of a world: their processes start, end and are killed, their workers look for work."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.store.shown import Shown
from sync.fetch import Fetch
from sync.protocol import Hello, Login, NewDevice, Pull, Push
from tests.sync.sim import checks
from tests.sync.sim.client import Window, Worker
from tests.sync.sim.env import Killed, Person, Points
from tests.sync.sim.files_line import Mover
from tests.sync.sim.model_base import Key
from tests.sync.sim.users import User

if TYPE_CHECKING:
    from tests.sync.sim.world import World

Request = Hello | Push | Pull | NewDevice | Login | Fetch


@dataclass(order=True)
class Event:
    """Something that happens later, unless it is `gone` by then."""

    at: int
    no: int
    work: Callable[[], None] = field(compare=False)
    gone: bool = field(default=False, compare=False)
    counts: bool = field(default=True, compare=False)  # among the events that a story is long


@dataclass
class Line:
    """What the line of one client does to what passes. Rates are probabilities of one message."""

    drop: float = 0.0
    late: float = 0.0
    twice: float = 0.0
    cut: float = 0.0
    hole: bool = False  # nothing passes, and nobody is told


@dataclass
class Ask:
    """A request under way."""

    no: int
    request: Request
    timer: Event | None = None


@dataclass
class Client:
    """One computer."""

    person: Person
    skew: int
    drift: float
    line: Line
    rng: random.Random
    user: User
    window: Window | None = None
    worker: Worker | None = None
    ask: Ask | None = None
    wake: Event | None = None
    readings: list[contextlib.ExitStack] = field(default_factory=list)
    checkpoint: int = -1
    uncounted: dict[str, int] = field(default_factory=dict)  # cursors that came with another device id, without a lmid
    confirmed: int = 0  # the highest lmid that it ever held
    excused: int = 0  # the same when its replica was lost or the server restored
    burst: int = 0
    asked: Worker | None = None  # whose question about many tickets waits for an answer
    allowed: bool = False  # its person said that they may go
    tickets: dict[bytes, str] = field(default_factory=dict)  # those that were here when it was looked at last
    cursors: dict[str, int] = field(default_factory=dict)
    # of scopes at a cursor: the rows that went ahead to scopes in their first load, and to which
    ahead: dict[str, tuple[int, dict[Key, str]]] = field(default_factory=dict)
    mover: Mover | None = None  # of its attachments, with the worker


class Computers:
    """What all computers of a world do alike."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.armed: tuple[str, int] | None = None  # who is to be killed, after how many failpoints more

    @contextlib.contextmanager
    def process(self, client: Client | None, which: str) -> Iterator[None]:
        """What runs inside may be killed at a failpoint; then only its files remain."""

        def hit(point: str) -> None:
            if self.armed is None or self.armed[0] != which or self._world.healed:
                return
            if self.armed[1] > 0:
                self.armed = (which, self.armed[1] - 1)
                return
            self.armed = None
            raise Killed(point)

        before = Points.hit
        Points.hit = staticmethod(hit)
        try:
            yield
        except Killed as killed:
            who = client.person.login if client else "server"
            self._world.note(who, f"{which} killed", killed.point)
            self.kill(client, which)
        finally:
            Points.hit = before

    def kill(self, client: Client | None, which: str) -> None:
        """End a process; it starts again after a while."""
        world = self._world
        pause = world.rng.expovariate(1 / 5_000)
        if client is None:
            world.server.stop()
            world.after(pause, world.server.start)
        elif which == "window":
            self.close_window(client)
            world.after(pause, lambda: self.open_window(client))
        else:
            self.close_worker(client)
            world.after(pause, lambda: self.open_worker(client))

    # --- windows ------------------------------------------------------------------------------------------------------

    def open_window(self, client: Client, *, sound: bool = False) -> None:
        """Start a window, unless it runs. `sound`: its file is a fresh copy of one that was just checked."""
        if client.window is None and client in self._world.clients:
            world = self._world
            folder = world.folder / client.person.login
            client.window = Window(folder, client.person, world.clock_of(client), sound=sound)
            world.note(client.person.login, "window starts")
            world.installations.follow(client)
            self.rebuild(client)

    def close_window(self, client: Client) -> None:
        """End a window: what it was reading is gone with it."""
        self.stop_reading(client)
        if client.window is not None:
            client.window.close()
            client.window = None

    @staticmethod
    def stop_reading(client: Client) -> None:
        """Let go of the snapshots that slow readers hold."""
        for reading in client.readings:
            reading.close()
        client.readings.clear()

    def rebuild(self, client: Client) -> None:
        """Let a window make its images anew."""
        if client.window is None:
            return
        with self.process(client, "window"):
            client.window.profile.after_checkpoint()
            checks.view_is_replay(self._world, client)

    def read_slowly(self, client: Client, window: Window) -> None:
        """Begin to read the replica now and go on later: the two files' snapshots are of different instants."""
        reading = contextlib.ExitStack()
        tx = reading.enter_context(window.profile.readers().read())
        tx.all("SELECT k FROM main.meta")  # the snapshot of the other file is taken when it is first read
        client.readings.append(reading)

        def go_on() -> None:
            if reading in client.readings:
                client.readings.remove(reading)
                checks.own_work_in(self._world, client, Shown(tx))
                reading.close()

        self._world.after(client.rng.uniform(10, 20_000), go_on)

    # --- people -------------------------------------------------------------------------------------------------------

    def act(self, client: Client) -> None:
        """Let a person do something, and again after a while."""
        world = self._world
        if world.healed or client not in world.clients:
            return
        if client.window is not None:
            with self.process(client, "window"):
                client.user.act(client.window)
        if client.window is not None:
            checks.own_work_is_shown(world, client)
        if client.worker is not None and client.rng.random() < 0.9:
            client.worker.core.committed()
            self.wake(client, client.rng.uniform(1, 20))
        if client.window is not None and client.rng.random() < 0.2:
            self.read_slowly(client, client.window)
        if client.burst > 0:
            client.burst -= 1
            pause = 60
        else:
            pause = client.rng.choice((300, 4_000, 8_000, 30_000))
            client.burst = client.rng.choice((0, 0, 0, 5))
        world.after(client.rng.expovariate(1 / pause), lambda: self.act(client))

    # --- workers ------------------------------------------------------------------------------------------------------

    def open_worker(self, client: Client, *, sound: bool = False) -> None:
        """Start a worker, unless it runs. `sound` as for a window."""
        if client.worker is None and client in self._world.clients:
            world = self._world
            folder = world.folder / client.person.login
            client.worker = Worker(folder, client.person, world.clock_of(client), client.rng, sound=sound)
            if client.window is None:
                world.installations.follow(client)
            if client.worker.uncounted is not None:
                client.uncounted = client.worker.uncounted
            world.note(client.person.login, "worker starts")
            world.files.open(client)
            self.look(client)

    def close_worker(self, client: Client) -> None:
        """End a worker: it waits for no answer any more."""
        self._world.files.close(client)
        if client.worker is not None:
            client.worker.close()
        if client.ask is not None and client.ask.timer is not None:
            client.ask.timer.gone = True
        client.worker, client.ask = None, None

    def wake(self, client: Client, ms: float) -> None:
        """Let a worker look whether there is something to do."""
        world = self._world
        at = world.now + int(ms)
        if client.wake is not None and not client.wake.gone:
            if client.wake.at <= at:
                return
            client.wake.gone = True
        client.wake = world.after(ms, lambda: self._work(client))

    def _work(self, client: Client) -> None:
        client.wake = None
        worker, world = client.worker, self._world
        if worker is None or client.ask is not None:
            return
        if worker.renumbering is not None:
            world.after(client.rng.uniform(1, 1_000), lambda: world.installations.take_up(client))
            self.wake(client, 2_000)
            return
        if world.now < worker.not_before:
            self.wake(client, worker.not_before - world.now)
            return
        with self.process(client, "worker"):
            if world.now >= worker.next_look:
                worker.next_look = world.now + 2_000
                last = worker.replica.last_mid()
                if last != worker.last_mid:
                    worker.last_mid = last
                    worker.core.committed()
            now = world.clock_of(client)()
            request = world.installations.request(client, worker) or worker.core.next(now)
            if request is None and worker.core.keep_above is not None:
                request = world.installations.request(client, worker)
            if request is None:
                due = worker.core.next_poll_ms - now
                self.wake(client, min(2_000 if worker.replica.last_mid() != worker.last_mid else 60_000, max(50, due)))
                return
            world.net.send(client, request)

    def look(self, client: Client) -> None:
        """After anything that a worker did: check what it wrote, tell the window, go on."""
        worker, world = client.worker, self._world
        if worker is None:
            return
        self._ask_about_guard(client, worker)
        state = worker.replica.state()
        if state.lmid_seen < client.confirmed:
            # another epoch: also what was confirmed by a last answer of the server before it was restored
            client.excused = max(client.excused, client.confirmed)
        client.confirmed = max(client.confirmed, state.lmid_seen)
        if state.checkpoint_no != client.checkpoint:
            client.checkpoint = state.checkpoint_no
            world.note(client.person.login, "holds", state.checkpoint_no, state.lmid_seen, checks.short(state))
            checks.replica_is_true(world, client, state)
            if client.window is not None:
                checks.own_work_is_shown(world, client)
            world.after(client.rng.uniform(1, 200), lambda: self.rebuild(client))
            world.files.rows_came(client)
        self.wake(client, 1)

    def _ask_about_guard(self, client: Client, worker: Worker) -> None:
        """A checkpoint would take most tickets away: the person is asked, and answers after a while."""
        world = self._world
        if worker.core.guard is None or client.asked is worker:
            return
        client.asked = worker
        world.note(client.person.login, "is asked about", *worker.core.guard)

        def answer() -> None:
            client.asked = None
            if client.worker is worker:
                apply = world.healed or client.rng.random() < 0.6
                world.note(client.person.login, "answers", "go on" if apply else "wait")
                client.allowed = client.allowed or apply
                worker.core.answer_guard(apply=apply)
                self.wake(client, 1)

        world.after(client.rng.uniform(500, 20_000), answer)

    @staticmethod
    def let_go(client: Client) -> None:
        """Whoever wanted to wait with a question about many tickets says yes in the end."""
        if client.worker is not None and client.worker.core.guard is not None:
            client.allowed = True
            client.worker.core.answer_guard(apply=True)

    def reconnect(self, client: Client) -> None:
        """The line is there again."""
        client.line.hole = False
        if client.worker is not None:
            client.worker.backoff.succeeded()
            client.worker.not_before = 0
            self.wake(client, 1)

    def rehello(self, client: Client) -> None:
        """The server tells a device to say hello again."""
        if client.worker is not None and not client.line.hole:
            client.worker.core.rehello()
            self.wake(client, 1)
