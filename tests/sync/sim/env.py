# SPDX-License-Identifier: GPL-3.0-or-later
"""What every simulated world starts from: a server's and four clients' files, made once per process and copied."""

from __future__ import annotations

import atexit
import logging
import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog
from argon2 import PasswordHasher

from app.domain.entities import CUSTOMER, MESSAGE, ORGANISATION, STATE, TEAM, TICKET, Value, customer_scope, team_scope
from app.domain.ids import UserId, uuid7
from app.domain.ports import Identity
from app.entry.sync_codec import Codec, Hashes
from app.store.cipher import Database, Session
from app.store.pending import Tools
from app.store.pending_file import open_reader
from app.store.profile import Profile
from app.store.replica import open_replica
from sync.conflicts import decide
from sync.engine import ClientCore
from sync.protocol import Hello, Login, Pull, Push
from sync.server.accounts import Accounts
from sync.server.bootstrap import seed_states
from sync.server.bulk import load_rows
from sync.server.keys import ServerKeys
from sync.server.parts import build_parts
from sync.server.schema import ENTITY_TABLES
from sync.server.staff import Staff
from sync.server.store import Store, sqlite_url
from sync.server.tokens import AGENT, Grant, TokenSigner
from tests.fakes.memory_places import own_folder

T = TypeVar("T")
START_MS = 1_790_000_000_000
KEY = bytes(range(32))
PASSWORD = "correct horse"
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PEOPLE = (("kim", ("A", "B")), ("lee", ("A",)), ("choi", ("A", "B")), ("park", ("B",)))


class Killed(BaseException):
    """A process was killed at a failpoint. Nothing may catch it but the world."""

    def __init__(self, point: str) -> None:
        super().__init__(point)
        self.point = point


Failpoint = Callable[[str], None]


def _no_failpoint(_: str) -> None:
    """Nothing happens."""


class Points:
    """The failpoints of whatever process runs at the moment."""

    hit: Failpoint = staticmethod(_no_failpoint)


@contextmanager
def failpoints() -> Iterator[None]:
    """Let every commit of the client's files pass two failpoints while the block runs."""
    before = Database._transaction

    @contextmanager
    def transaction(self: Database, begin: str, end: str) -> Iterator[Session]:
        with self.plain() as session:
            session.run(begin)
            yield session
            if end == "COMMIT":
                Points.hit("before commit")
            session.run(end)
        if end == "COMMIT":
            Points.hit("after commit")

    Database._transaction = transaction  # type: ignore[method-assign]  # the simulator owns every transaction
    try:
        yield
    finally:
        Database._transaction = before  # type: ignore[method-assign]  # the simulator owns every transaction
        Points.hit = staticmethod(_no_failpoint)


class SimStore(Store):
    """The server's real store; each commit passes two failpoints and is told to the oracle in between."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine)
        self.committed: Callable[[], None] = lambda: None

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run one transaction."""

        def to_commit(connection: sa.Connection) -> T:
            out = work(connection)
            Points.hit("before server commit")
            return out

        out = super().write(to_commit)
        self.committed()
        Points.hit("after server commit")
        return out

    def drop_connections(self) -> None:
        """Forget all connections, as a killed process does."""
        self._engine.dispose()


@dataclass(frozen=True)
class Person:
    """An agent with a device."""

    login: str
    account: bytes
    device: bytes
    code: str
    roles: frozenset[str]

    @property
    def grant(self) -> Grant:
        """What the access token says."""
        return Grant(AGENT, self.account, self.device, 1 << 60)


@dataclass
class _Row:
    type: int
    id: bytes
    scope_id: str
    values: dict[str, Value]


@dataclass
class Env:
    """Templates and the one server database that worlds of this process use in turn."""

    folder: Path
    pid: int = field(default_factory=os.getpid)
    people: list[Person] = field(default_factory=list)
    teams: dict[str, bytes] = field(default_factory=dict)
    customers: list[bytes] = field(default_factory=list)
    organisation: bytes = b""
    states: dict[str, bytes] = field(default_factory=dict)
    store: SimStore = field(init=False)
    signer: TokenSigner = field(init=False)

    @property
    def server_file(self) -> Path:
        """The database of the running server."""
        return self.folder / "live" / "server.db"

    def accounts(self, rng: Callable[[int], bytes]) -> Accounts:
        """Return the part of the server that registers devices."""
        return Accounts(self.store, self.signer, rng, FAST)

    def fresh(self, people: Sequence[Person]) -> Path:
        """Put the templates in place for a new world of these people; returns the folder of the clients."""
        self.store.drop_connections()
        self.put_server(self.folder / "template" / "server.db")
        clients = self.folder / "clients"
        shutil.rmtree(clients, ignore_errors=True)
        for person in people:
            shutil.copytree(self.folder / "template" / "clients" / person.login, clients / person.login)
        return clients

    def put_server(self, source: Path) -> None:
        """Replace the server's database; nobody may have it open."""
        for suffix in ("-wal", "-shm"):
            self.server_file.with_name(self.server_file.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(source, self.server_file)


_env: list[Env] = []


def environment() -> Env:
    """Return this process's environment; made at the first call."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if not _env or _env[0].pid != os.getpid():
        _env[:] = [_make()]
    return _env[0]


def _make() -> Env:
    folder = own_folder("deskside-sim-")
    (folder / "live").mkdir(parents=True)
    (folder / "template" / "clients").mkdir(parents=True)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    env = Env(folder)
    _make_server(env)
    shutil.copyfile(folder / "template" / "server.db", env.server_file)
    store = SimStore.open(sqlite_url(folder / "live"))
    assert isinstance(store, SimStore)
    env.store = store
    return env


class _Clock:
    ms = START_MS - 3_600_000

    def __call__(self) -> int:
        self.ms += 1
        return self.ms


def _make_server(env: Env) -> None:
    rng, clock = random.Random(0), _Clock()
    store = Store.open(sqlite_url(env.folder / "template"))
    parts = build_parts(
        store, ServerKeys.of(b"o" * 32, b"s" * 32), clock=clock, rng=rng.randbytes, hasher=FAST, wrong_code_s=0.0
    )
    seed_states(store, clock())
    staff = Staff(store, parts.keys, rng.randbytes, FAST.hash)
    for login, teams in PEOPLE:
        staff.create_user(clock(), login, login, PASSWORD, ["agent"], list(teams))
    with store.read() as cx:
        team, state = ENTITY_TABLES[TEAM.number], ENTITY_TABLES[STATE.number]
        env.teams = {row.name_ko: bytes(row.id) for row in cx.execute(sa.select(team))}
        env.states = {row.category: bytes(row.id) for row in cx.execute(sa.select(state))}
    env.customers = [uuid7(clock(), rng.randbytes(10)) for _ in range(2)]
    env.organisation = uuid7(clock(), rng.randbytes(10))
    store.write(lambda cx: load_rows(cx, _rows(env, rng, clock)))
    for login, _ in PEOPLE:
        tokens = parts.accounts.login(clock(), Login(login=login, password=PASSWORD, device_name=login))
        assert tokens.account is not None
        assert tokens.device is not None
        person = Person(login, tokens.account.id, tokens.device, tokens.device_code or "", frozenset(["agent"]))
        env.people.append(person)
        _make_client(env.folder / "template" / "clients" / login, person, parts.core, clock)
    env.signer = parts.signer
    parts.close()


def _rows(env: Env, rng: random.Random, clock: _Clock) -> list[_Row]:
    out = [
        _Row(CUSTOMER.number, id_, customer_scope(id_), {"name": f"c{i}", "language": "ko", "created_at": clock()})
        for i, id_ in enumerate(env.customers)
    ]
    out.append(
        _Row(
            ORGANISATION.number, env.organisation, customer_scope(env.organisation),
            {"name": "o", "note": "one\n\ntwo\n\nthree\n", "created_at": clock()},
        )
    )  # fmt: skip
    for number, team in enumerate(("A", "A", "A", "B", "B"), 10_001):
        ticket, message = uuid7(clock(), rng.randbytes(10)), uuid7(clock(), rng.randbytes(10))
        scope, now = team_scope(env.teams[team]), clock()
        customer = env.customers[number % 2]
        out.append(
            _Row(
                TICKET.number, ticket, scope,
                {
                    "number": number, "provisional": "", "aliases": "[]", "subject": f"old {number}",
                    "state": env.states["open"], "priority": 2, "kind": "question", "channel": "phone",
                    "customer": customer, "team": env.teams[team], "tier": 1, "language": "ko", "msg_seq": 1,
                    "last_in_no": 1, "last_out_no": 0, "last_at": now, "preview": "first", "created_at": now,
                },
            )
        )  # fmt: skip
        out.append(
            _Row(
                MESSAGE.number, message, scope,
                {
                    "ticket": ticket, "origin_ticket": ticket, "direction": "in", "author_kind": "customer",
                    "author": customer, "channel": "phone", "body": f"first {number}", "automatic": False,
                    "occurred_at": now, "msg_no": 1, "created_at": now,
                },
            )
        )  # fmt: skip
    return out


def _make_client(folder: Path, person: Person, core: Any, clock: _Clock) -> None:
    profile = Profile(folder, KEY, Tools(Codec(), decide, clock))
    profile.commits.save_identity(
        Identity(UserId(person.account), person.login, person.login, person.roles, person.device, person.code, "sim:")
    )
    pending = open_reader(folder, KEY)
    replica, _ = open_replica(folder, KEY, pending, Hashes(), clock)
    replica.use_device(person.device)
    engine = ClientCore(replica, random.Random(0))
    while (request := engine.next(clock())) is not None:
        if isinstance(request, Hello):
            engine.on_hello(core.hello(clock(), person.grant, request), clock())
        elif isinstance(request, Push):
            engine.on_push(core.push(clock(), person.grant, request))
        elif isinstance(request, Pull):
            for frame in list(core.pull(clock(), person.grant, request)):
                engine.on_frame(frame)
            engine.on_pull_end(clock())
    with replica._file.plain() as session:
        session.run("PRAGMA wal_checkpoint(TRUNCATE)")
    replica.close()
    pending.close()
    profile.close()
