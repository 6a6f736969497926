# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulated help desk: a server, some clients, bad lines, in virtual time; the same seed gives the same story."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import random
from collections.abc import Callable
from contextlib import nullcontext
from unittest.mock import patch

import app.store.replica
from app.domain.ids import uuid7
from tests.sync.sim import ends
from tests.sync.sim.attachments import Attachments
from tests.sync.sim.chaos import DAY, Chaos
from tests.sync.sim.computer import Client, Computers, Event, Line
from tests.sync.sim.env import START_MS, Env, Person, Points, environment
from tests.sync.sim.installations import Installations
from tests.sync.sim.network import Network, Server
from tests.sync.sim.oracle import Oracle, Violation
from tests.sync.sim.tomorrow import Tomorrow
from tests.sync.sim.users import User


class World:
    """A story. `run` tells it and raises Violation when a promise is broken."""

    def __init__(self, seed: int, events: int = 200, *, env: Env | None = None) -> None:
        self.seed, self.events = seed, events
        self.env = env or environment()
        self.rng = random.Random(f"deskside {seed}")
        self.now = START_MS
        self.popped = 0
        self._heap: list[Event] = []
        self._count = itertools.count()
        self._trace = hashlib.blake2b(digest_size=16)
        self.lines: list[str] = []
        self.keep_lines = False
        self.healed = False
        self.asks = itertools.count(1)
        self.tokens: dict[str, tuple[str, int, str]] = {}  # text -> (login, mid, mutation)
        self.lost: set[str] = set()  # texts that went with the files they were in
        people = self._people()
        self.asking = self.rng.random() < 0.25
        self.folder = self.env.fresh(people)
        self.oracle = Oracle(self.env, self.note)
        self.server, self.net, self.computers, self.chaos = Server(self), Network(self), Computers(self), Chaos(self)
        self.installations = Installations(self)
        self.files = Attachments(self)
        self.tomorrow = Tomorrow(self)
        self.env.store.committed = self.oracle.on_commit
        self.clients = [self._client(p) for p in people]

    def _people(self) -> list[Person]:
        count = self.rng.choice((2, 3, 3, 4))
        return [self.env.people[i] for i in sorted(self.rng.sample(range(4), count))]

    def _client(self, person: Person) -> Client:
        rng = random.Random(self.rng.getrandbits(64))
        skew = rng.choice((0, rng.randint(-2000, 2000), rng.randint(-3 * DAY, 3 * DAY)))
        rough = rng.choice((0.0, 0.05, 0.25))
        line = Line(rough, rough, rough / 2, rough)
        return Client(person, skew, rng.choice((0.0, 0.0, 1e-4, -1e-4)), line, rng, User(self, person, rng))

    # --- time and trace -----------------------------------------------------------------------------------------------

    def after(self, ms: float, work: Callable[[], None]) -> Event:
        """Let something happen later."""
        event = Event(self.now + max(0, int(ms)), next(self._count), work)
        heapq.heappush(self._heap, event)
        return event

    def aside(self, ms: float, work: Callable[[], None]) -> Event:
        """Let something happen later that does not make the story shorter."""
        event = self.after(ms, work)
        event.counts = False
        return event

    def note(self, who: str, what: str, *more: object) -> None:
        """Write a line of the trace."""
        line = f"{self.now - START_MS:>10} {who:<7} {what} {' '.join(map(str, more))}"
        self._trace.update(line.encode())
        if self.keep_lines:
            self.lines.append(line)

    @property
    def trace(self) -> str:
        """A digest of everything that happened."""
        return self._trace.hexdigest()

    def clock_of(self, client: Client) -> Callable[[], int]:
        """Return a client's own idea of the time."""
        return lambda: self.now + client.skew + int(client.drift * (self.now - START_MS))

    def new_id(self) -> bytes:
        """Return a fresh id from the world's own chance."""
        return uuid7(self.now, self.rng.randbytes(10))

    # --- the story ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Tell the story. Raises Violation."""
        # in some worlds a person is asked about a few tickets already; in the others it takes very many
        with patch.object(app.store.replica, "_GUARD_TICKETS", 1) if self.asking else nullcontext(), self.files.small():
            self._tell()

    def _tell(self) -> None:
        self.server.start()
        for client in self.clients:
            self.computers.open_window(client, sound=True)
            self.computers.open_worker(client, sound=True)
            self.after(client.rng.uniform(0, 5_000), lambda c=client: self.computers.act(c))  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
        self.chaos.begin()
        self.files.begin()
        self.tomorrow.begin()
        try:
            while self.popped < self.events and self._step():
                pass
            self._heal()
        finally:
            self._close()

    def _step(self) -> bool:
        while self._heap:
            event = heapq.heappop(self._heap)
            if event.gone:
                continue
            self.now = max(self.now, event.at)
            self.popped += event.counts
            event.work()
            return True
        return False

    def _heal(self) -> None:
        """Everything works from here on: within ten minutes everybody must agree."""
        self.healed = True
        self.computers.armed = None
        self.note("world", "is healed")
        self.server.start()
        for client in self.clients:
            client.line = Line()
            self.computers.stop_reading(client)
            self.computers.open_window(client)
            self.computers.open_worker(client)
            self.computers.reconnect(client)
            self.computers.let_go(client)
        self.installations.unlock_all()
        deadline = self.now + 600_000
        while self._heap and self.now < deadline and not ends.is_quiet(self):
            self._step()
        ends.everything_arrived(self)

    def _close(self) -> None:
        Points.hit = staticmethod(lambda _: None)
        self.server.stop()
        self.oracle.close()
        for client in self.clients:
            self.computers.close_window(client)
            self.computers.close_worker(client)


__all__ = ["Violation", "World"]
