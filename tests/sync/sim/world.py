# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulated help desk: a server, some clients, bad lines, in virtual time; the same seed gives the same story."""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa

from app.domain.ids import uuid7
from app.store.shown import Shown
from sync.protocol import (
    FrameReader,
    Hello,
    HelloAnswer,
    Mutation,
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
from sync.server.devices import Devices
from sync.server.epochs import begin_epoch
from sync.server.problems import ProblemError
from sync.server.store import DatabaseBusy
from tests.sync.sim import checks
from tests.sync.sim.client import Window, Worker
from tests.sync.sim.env import START_MS, Env, Killed, Person, Points, environment
from tests.sync.sim.oracle import Oracle, Past, Violation, copy_file
from tests.sync.sim.users import User

DAY = 86_400_000
TIMEOUT_MS = 12_000
Request = Hello | Push | Pull


@dataclass(order=True)
class _Event:
    at: int
    no: int
    work: Callable[[], None] = field(compare=False)
    gone: bool = field(default=False, compare=False)


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
    timer: _Event | None = None


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
    wake: _Event | None = None
    readings: list[contextlib.ExitStack] = field(default_factory=list)
    checkpoint: int = -1
    confirmed: int = 0  # the highest lmid that it ever held
    excused: int = 0  # the same when its replica was lost or the server restored
    burst: int = 0
    cursors: dict[str, int] = field(default_factory=dict)


class World:
    """A story. `run` tells it and raises Violation when a promise is broken."""

    def __init__(self, seed: int, events: int = 200, *, env: Env | None = None) -> None:
        self.seed, self.events = seed, events
        self.env = env or environment()
        self.rng = random.Random(f"deskside {seed}")
        self.now = START_MS
        self.popped = 0
        self._heap: list[_Event] = []
        self._count = itertools.count()
        self._trace = hashlib.blake2b(digest_size=16)
        self.lines: list[str] = []
        self.keep_lines = False
        self.healed = False
        self.asks = itertools.count(1)
        self.tokens: dict[str, tuple[str, int, str]] = {}  # text -> (login, mid, mutation)
        self._folder = self.env.fresh()
        self.oracle = Oracle(self.env, self.note)
        self.server: ServerCore | None = None
        self._pulls: dict[int, Iterator[PullFrame]] = {}
        self._armed: tuple[str, int] | None = None
        self._backup: Past | None = None
        self.env.store.committed = self.oracle.on_commit
        self.clients = [self._client(p) for p in self._people()]

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

    def after(self, ms: float, work: Callable[[], None]) -> _Event:
        """Let something happen later."""
        event = _Event(self.now + max(0, int(ms)), next(self._count), work)
        heapq.heappush(self._heap, event)
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
        self._start_server()
        for client in self.clients:
            self._open_window(client)
            self._open_worker(client)
            self.after(client.rng.uniform(0, 5_000), lambda c=client: self._user(c))  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
        if self.rng.random() < 0.4:
            self._restore()  # only makes the copy
        self._chaos()
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
            self.popped += 1
            event.work()
            return True
        return False

    def _close(self) -> None:
        Points.hit = staticmethod(lambda _: None)
        self._stop_server()
        self.oracle.close()
        for client in self.clients:
            self._close_window(client)
            self._close_worker(client)

    # --- processes ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def process(self, client: Client | None, which: str) -> Iterator[None]:
        """What runs inside may be killed at a failpoint; then only its files remain."""

        def hit(point: str) -> None:
            if self._armed is None or self._armed[0] != which or self.healed:
                return
            if self._armed[1] > 0:
                self._armed = (which, self._armed[1] - 1)
                return
            self._armed = None
            raise Killed(point)

        before = Points.hit
        Points.hit = staticmethod(hit)
        try:
            yield
        except Killed as killed:
            who = client.person.login if client else "server"
            self.note(who, f"{which} killed", killed.point)
            self._kill(client, which)
        finally:
            Points.hit = before

    def _kill(self, client: Client | None, which: str) -> None:
        pause = self.rng.expovariate(1 / 5_000)
        if client is None:
            self._stop_server()
            self.after(pause, self._start_server)
        elif which == "window":
            self._close_window(client)
            self.after(pause, lambda: self._open_window(client))
        else:
            self._close_worker(client)
            self.after(pause, lambda: self._open_worker(client))

    def _open_window(self, client: Client) -> None:
        if client.window is None:
            client.window = Window(self._folder / client.person.login, client.person, self.clock_of(client))
            self.note(client.person.login, "window starts")
            self._rebuild(client)

    def _close_window(self, client: Client) -> None:
        for reading in client.readings:
            reading.close()
        client.readings.clear()
        if client.window is not None:
            client.window.close()
            client.window = None

    def _open_worker(self, client: Client) -> None:
        if client.worker is None:
            folder = self._folder / client.person.login
            client.worker = Worker(folder, client.person, self.clock_of(client), client.rng)
            self.note(client.person.login, "worker starts")
            self._look(client)

    def _close_worker(self, client: Client) -> None:
        if client.worker is not None:
            client.worker.close()
        if client.ask is not None and client.ask.timer is not None:
            client.ask.timer.gone = True
        client.worker, client.ask = None, None

    def _start_server(self) -> None:
        if self.server is None:
            self.server = ServerCore(self.env.store, self.rng.randbytes)
            self.note("server", "starts")

    def _stop_server(self) -> None:
        for pull in self._pulls.values():
            pull.close()  # type: ignore[attr-defined]  # a generator is what comes back
        self._pulls.clear()
        self.server = None
        self.env.store.drop_connections()

    # --- people -------------------------------------------------------------------------------------------------------

    def _user(self, client: Client) -> None:
        if self.healed:
            return
        if client.window is not None:
            with self.process(client, "window"):
                client.user.act(client.window)
        if client.window is not None:
            checks.own_work_is_shown(self, client)
        if client.worker is not None and client.rng.random() < 0.9:
            client.worker.core.committed()
            self.wake(client, client.rng.uniform(1, 20))
        if client.window is not None and client.rng.random() < 0.2:
            self._read_slowly(client, client.window)
        if client.burst > 0:
            client.burst -= 1
            pause = 60
        else:
            pause = client.rng.choice((300, 4_000, 8_000, 30_000))
            client.burst = client.rng.choice((0, 0, 0, 5))
        self.after(client.rng.expovariate(1 / pause), lambda: self._user(client))

    def _read_slowly(self, client: Client, window: Window) -> None:
        """Begin to read the replica now and go on later: the two files' snapshots are of different instants."""
        reading = contextlib.ExitStack()
        tx = reading.enter_context(window.profile.readers().read())
        tx.all("SELECT k FROM main.meta")  # the snapshot of the other file is taken when it is first read
        client.readings.append(reading)

        def go_on() -> None:
            if reading in client.readings:
                client.readings.remove(reading)
                checks.own_work_in(client, Shown(tx))
                reading.close()

        self.after(client.rng.uniform(10, 20_000), go_on)

    def _rebuild(self, client: Client) -> None:
        if client.window is None:
            return
        with self.process(client, "window"):
            client.window.profile.after_checkpoint()
            checks.view_is_replay(self, client)

    # --- the worker's loop --------------------------------------------------------------------------------------------

    def wake(self, client: Client, ms: float) -> None:
        """Let a worker look whether there is something to do."""
        at = self.now + int(ms)
        if client.wake is not None and not client.wake.gone:
            if client.wake.at <= at:
                return
            client.wake.gone = True
        client.wake = self.after(ms, lambda: self._work(client))

    def _work(self, client: Client) -> None:
        client.wake = None
        worker = client.worker
        if worker is None or client.ask is not None:
            return
        if self.now < worker.not_before:
            self.wake(client, worker.not_before - self.now)
            return
        with self.process(client, "worker"):
            if self.now >= worker.next_look:
                worker.next_look = self.now + 2_000
                last = worker.replica.last_mid()
                if last != worker.last_mid:
                    worker.last_mid = last
                    worker.core.committed()
            now = self.clock_of(client)()
            request = worker.core.next(now)
            if request is None:
                due = worker.core.next_poll_ms - now
                self.wake(client, min(2_000 if worker.replica.last_mid() != worker.last_mid else 60_000, max(50, due)))
                return
            assert isinstance(request, Hello | Push | Pull)  # snapshots are offered for large scopes only
            self._send(client, request)

    def _send(self, client: Client, request: Request) -> None:
        ask = client.ask = Ask(next(self.asks), request)
        name = type(request).__name__
        self.note(client.person.login, f"asks {name}", ask.no, _about(request))
        if isinstance(request, Push):
            for m in request.muts:
                self.oracle.sent[request.device, m.mid, m.hash] = m
        raw = encode(request)
        line = client.line
        ask.timer = self.after(TIMEOUT_MS, lambda: self._fail(client, ask))
        if line.hole or client.rng.random() < line.drop:
            self.note("line", "loses", ask.no)
            return
        for delay in self._delays(client):
            self.after(delay, lambda: self._serve(client, ask, decode(raw, type(request))))

    def _delays(self, client: Client) -> list[float]:
        out = [client.rng.uniform(2, 80)]
        if client.rng.random() < client.line.late:
            out = [client.rng.uniform(1_000, 40_000)]
        if client.rng.random() < client.line.twice:
            out.append(client.rng.uniform(2, 60_000))
        return out

    # --- the server ---------------------------------------------------------------------------------------------------

    def _serve(self, client: Client, ask: Ask, request: Request) -> None:
        if self.server is None:
            self.after(5, lambda: self._fail(client, ask))
            return
        with self.process(None, "server"):
            try:
                if isinstance(request, Hello):
                    self._answer(client, ask, encode(self.server.hello(self.now, client.person.grant, request)))
                elif isinstance(request, Push):
                    answer = self.server.push(self.now, client.person.grant, request)
                    self.note(
                        "server", "answers push", ask.no, answer.lmid, [(r.mid, r.st, r.code) for r in answer.results]
                    )
                    checks.answer_is_stored(self, client, answer)
                    self._answer(client, ask, encode(answer))
                    self._poke(answer.heads)
                else:
                    frames = self.server.pull(self.now, client.person.grant, request)
                    key = next(self.asks)
                    self._pulls[key] = frames
                    self._pull_on(client, ask, key, [])
            except ProblemError as error:
                self._refuse(client, ask, error)
            except DatabaseBusy:
                self._refuse(client, ask, ProblemError(503, "busy", retry_s=1))

    def _pull_on(self, client: Client, ask: Ask, key: int, raw: list[bytes]) -> None:
        """Read a pull a few frames at a time: others write in between."""
        frames = self._pulls.get(key)
        if frames is None:
            return
        with self.process(None, "server"):
            try:
                stop = 0 if self.rng.random() < 0.4 else 1000
                for message in frames:
                    raw.append(frame(message))
                    if len(raw) > stop:
                        pause = self.rng.uniform(1, self.rng.choice((60, 60, 4_000)))
                        self.after(pause, lambda: self._pull_on(client, ask, key, raw))
                        return
            except ProblemError as error:
                del self._pulls[key]
                self._refuse(client, ask, error)
                return
            except DatabaseBusy:
                self._pulls.pop(key, None)
                self._refuse(client, ask, ProblemError(503, "busy", retry_s=1))
                return
            del self._pulls[key]
            checks.answer_is_one_moment(self, client, raw)
            self._answer(client, ask, b"".join(raw))

    def _poke(self, heads: dict[str, int]) -> None:
        for client in self.clients:
            if heads and self.rng.random() < 0.7 and not client.line.hole:
                self.after(self.rng.uniform(20, 100), lambda c=client: self._poked(c, heads))  # type: ignore[misc]  # mypy cannot infer a lambda with defaults

    def _poked(self, client: Client, heads: dict[str, int]) -> None:
        if client.worker is not None:
            mine = {s: h for s, h in heads.items() if s in client.worker.core.state.scopes}
            client.worker.core.poked(mine)
            self.wake(client, 50)

    # --- answers ------------------------------------------------------------------------------------------------------

    def _answer(self, client: Client, ask: Ask, raw: bytes) -> None:
        if client.line.hole or client.rng.random() < client.line.drop:
            self.note("line", "loses the answer to", ask.no)
            return
        if isinstance(ask.request, Pull) and client.rng.random() < client.line.cut:
            raw = raw[: client.rng.randrange(len(raw))]
        for delay in self._delays(client):
            self.after(delay, lambda: self._receive(client, ask, raw))

    def _refuse(self, client: Client, ask: Ask, error: ProblemError) -> None:
        self.note("server", "refuses", ask.no, error.status, error.problem.code)
        if not client.line.hole and client.rng.random() >= client.line.drop:
            self.after(client.rng.uniform(2, 80), lambda: self._refused(client, ask, error))

    def _mine(self, client: Client, ask: Ask) -> Worker | None:
        """Whoever asked may be gone, or no longer wait: then an answer is nobody's."""
        if client.worker is None or client.ask is not ask:
            return None
        client.ask = None
        if ask.timer is not None:
            ask.timer.gone = True
        return client.worker

    def _receive(self, client: Client, ask: Ask, raw: bytes) -> None:
        worker = self._mine(client, ask)
        if worker is None:
            return
        with self.process(client, "worker"):
            now = self.clock_of(client)()
            try:
                if isinstance(ask.request, Hello):
                    worker.core.on_hello(decode(raw, HelloAnswer), now)
                elif isinstance(ask.request, Push):
                    worker.core.on_push(decode(raw, PushAnswer))
                else:
                    self._take_frames(worker, raw, now)
                worker.backoff.succeeded()
            except ProtocolError as error:
                self.note(client.person.login, "does not understand", ask.no, error.code)
                worker.core.rehello()
                worker.not_before = self.now + int(worker.backoff.failed_s() * 1000)
        self._look(client)

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

    def _look(self, client: Client) -> None:
        """After anything that a worker did: check what it wrote, tell the window, go on."""
        worker = client.worker
        if worker is None:
            return
        state = worker.replica.state()
        client.confirmed = max(client.confirmed, state.lmid_seen)
        if state.checkpoint_no != client.checkpoint:
            client.checkpoint = state.checkpoint_no
            self.note(client.person.login, "holds", state.checkpoint_no, state.lmid_seen, checks.short(state))
            checks.replica_is_true(self, client, state)
            if client.window is not None:
                checks.own_work_is_shown(self, client)
            self.after(client.rng.uniform(1, 200), lambda: self._rebuild(client))
        self.wake(client, 1)

    def _refused(self, client: Client, ask: Ask, error: ProblemError) -> None:
        worker = self._mine(client, ask)
        if worker is None:
            return
        with self.process(client, "worker"):
            verdict = worker.core.on_problem(error.status, error.problem, error.retry_s)
            if verdict.kind == "stop":
                worker.not_before = self.now + int(worker.backoff.failed_s(60) * 1000)
                worker.core.rehello()
            elif verdict.code in ("epoch", "reset", "gap", "too_large"):
                pause = worker.backoff.failed_s() if worker.backoff.failures else 0.01
                worker.not_before = self.now + int(pause * 1000)
            else:
                worker.not_before = self.now + int(worker.backoff.failed_s(verdict.retry_s) * 1000)
        self._look(client)

    def _fail(self, client: Client, ask: Ask) -> None:
        worker = self._mine(client, ask)
        if worker is None:
            return
        self.note(client.person.login, "gives up", ask.no)
        with self.process(client, "worker"):
            if isinstance(ask.request, Pull):
                worker.core.on_cut()
            worker.core.rehello()
            worker.not_before = self.now + int(worker.backoff.failed_s() * 1000)
        self._look(client)

    # --- what goes wrong ----------------------------------------------------------------------------------------------

    def _chaos(self) -> None:
        if self.healed:
            return
        roll = self.rng.random()
        client = self.rng.choice(self.clients)
        if roll < 0.12:
            self._set_team(client)
        elif roll < 0.2:
            self._raise_floor()
        elif roll < 0.26:
            self._restore()
        elif roll < 0.3:
            self._lose_replica(client)
        elif roll < 0.42:
            client.line.hole = True
            away = self.rng.choice((5_000, 20_000, 60_000, DAY))
            self.note(client.person.login, "is cut off for", away)
            self.after(away, lambda: self._reconnect(client))
        elif roll < 0.85:
            self._armed = (self.rng.choice(("window", "worker", "worker", "server")), self.rng.randrange(6))
        elif roll < 0.9:
            self._kill(client, "window")
        elif roll < 0.95:
            self._kill(client, "worker")
        else:
            self.note("server", "is killed")
            self._kill(None, "server")
        self.after(self.rng.expovariate(1 / 15_000), self._chaos)

    def _set_team(self, client: Client) -> None:
        """Take a person out of a team, or back into it."""
        if self.server is None:
            return
        team = self.rng.choice(sorted(self.env.teams))
        scope = f"team:{self.env.teams[team].hex()}"
        member = scope not in self.oracle.access(client.person.account)
        with self.process(None, "server"):
            Devices(self.env.store, self.rng.randbytes).set_team(self.now, client.person.login, team, member=member)
        self.note("admin", "takes", client.person.login, "into" if member else "out of", team)
        if self.rng.random() < 0.8:
            self.after(self.rng.uniform(20, 500), lambda: self._rehello(client))

    def _rehello(self, client: Client) -> None:
        if client.worker is not None and not client.line.hole:
            client.worker.core.rehello()
            self.wake(client, 1)

    def _raise_floor(self) -> None:
        """Forget old exits: whoever has not seen them must load the scope again."""
        heads = sorted((s, h) for s, h in self.oracle.past.heads.items() if s.startswith("team:"))
        scope, head = self.rng.choice(heads)
        floor = self.rng.randint(head // 2, head)

        def work(connection: sa.Connection) -> None:
            connection.exec_driver_sql("UPDATE scope SET floor = max(floor, ?) WHERE id = ?", (floor, scope))
            sql = "DELETE FROM scope_exit WHERE scope_id = ? AND seq <= ?"
            connection.exec_driver_sql(sql, (scope, floor))

        if self.server is not None:
            self.env.store.write(work)
            self.note("server", "raises floor", scope[:7], floor)

    def _restore(self) -> None:
        """Go back to the copy made earlier; the first time, make one."""
        backup = self.env.folder / "backup.db"
        if self._backup is None:
            copy_file(self.env.server_file, backup)
            self._backup = self.oracle.past.copy()
            self.note("server", "is backed up")
            return
        self._stop_server()
        self.oracle.close()
        self.env.put_server(backup)
        self.oracle.replace(self._backup)
        self._backup = None
        id_ = self.rng.randbytes(16)
        self.env.store.write(lambda cx: begin_epoch(cx, id_, self.now, "restored"))
        for client in self.clients:
            client.cursors.clear()
            client.excused = client.confirmed
        self.note("server", "is restored")
        self._start_server()

    def _lose_replica(self, client: Client) -> None:
        """The replica's file is gone: that costs a download, never a word."""
        self._close_worker(client)
        for reading in client.readings:
            reading.close()
        client.readings.clear()
        folder = self._folder / client.person.login
        for name in ("replica.db", "replica.db-wal", "replica.db-shm"):
            (folder / name).unlink(missing_ok=True)
        client.cursors.clear()
        client.checkpoint = -1
        client.excused = client.confirmed
        self.note(client.person.login, "loses its replica")
        self.after(self.rng.uniform(1, 2_000), lambda: self._open_worker(client))

    def _reconnect(self, client: Client) -> None:
        client.line.hole = False
        if client.worker is not None:
            client.worker.backoff.succeeded()
            client.worker.not_before = 0
            self.wake(client, 1)

    # --- the end ------------------------------------------------------------------------------------------------------

    def _heal(self) -> None:
        """Everything works from here on: within ten minutes everybody must agree."""
        self.healed = True
        self._armed = None
        self.note("world", "is healed")
        self._start_server()
        for client in self.clients:
            client.line = Line()
            for reading in client.readings:
                reading.close()
            client.readings.clear()
            self._open_window(client)
            self._open_worker(client)
            self._reconnect(client)
        deadline = self.now + 600_000
        while self._heap and self.now < deadline and not checks.is_quiet(self):
            self._step()
        checks.everything_arrived(self)


def _about(request: Request) -> str:
    if isinstance(request, Hello):
        return f"seen {request.lmid_seen} last {request.last_mid}"
    if isinstance(request, Push):
        return f"{request.muts[0].mid}..{request.muts[-1].mid}"
    return f"seen {request.lmid_seen} {sum(request.scopes.values())}"


__all__ = ["Mutation", "Violation", "World"]
