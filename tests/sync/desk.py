# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server core and real client files in one process, joined by a line that can lose what it carries."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import sqlalchemy as sa
from argon2 import PasswordHasher

from app.domain.changes import AnyChange, MessageAdd, NoteAdd, TicketCreate, TicketSet
from app.domain.entities import CUSTOMER, TEAM, TICKET, Value, customer_scope
from app.domain.ids import TicketId, UserId, new_id
from app.domain.ports import Identity
from app.domain.replica import Applied
from app.entry.sync_codec import Codec, Hashes
from app.entry.sync_worker_device import Renumbering
from app.store.pending import Tools
from app.store.pending_file import open_reader
from app.store.profile import Profile
from app.store.replica import ReplicaStore, open_replica
from sync.conflicts import decide
from sync.download import Pieces
from sync.engine import ClientCore, Fetch, Request
from sync.protocol import Hello, Login, NewDevice, Pull, Push
from sync.server.bootstrap import seed_states
from sync.server.bulk import load_rows
from sync.server.keys import ServerKeys
from sync.server.parts import Parts, build_parts
from sync.server.problems import ProblemError
from sync.server.schema import ENTITY_TABLES
from sync.server.staff import Staff
from sync.server.store import Store, sqlite_url
from sync.server.tokens import Grant
from tests.fakes.statements import share_statements

PASSWORD = "correct horse"
KEY = bytes(range(32))
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

share_statements()


class LineLost(Exception):
    """The answer did not come."""


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.ms = 1_790_000_000_000

    def __call__(self) -> int:
        self.ms += 1
        return self.ms


@dataclass
class Row:
    """A row for the server's bulk load."""

    type: int
    id: bytes
    scope_id: str
    values: dict[str, Value]


@dataclass(frozen=True)
class Filled:
    """A database with its people, the time in it, and the ids of the customers."""

    database: bytes
    ms: int
    customers: tuple[bytes, bytes]


class Desk:
    """One server: two teams, three agents, two customers. The first of a process is filled, the others are copies."""

    _filled: ClassVar[Filled | None] = None

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        folder.mkdir(parents=True, exist_ok=True)
        filled = Desk._filled
        if filled is not None:
            (folder / "server.db").write_bytes(filled.database)
            self.clock.ms = filled.ms
        self.store = Store.open(sqlite_url(folder))
        keys = ServerKeys.of(b"o" * 32, b"s" * 32)
        self.parts: Parts = build_parts(self.store, keys, clock=self.clock, hasher=FAST, wrong_code_s=0.0)
        self.customer, self.other = filled.customers if filled is not None else (new_id(), new_id())
        if filled is None:
            self._fill(keys, folder)

    def _fill(self, keys: ServerKeys, folder: Path) -> None:
        seed_states(self.store, self.clock())
        staff = Staff(self.store, keys, random.randbytes, FAST.hash)
        for login, name, team in (("kim", "김지우", "북부"), ("lee", "이서준", "북부"), ("park", "박하은", "남부")):
            staff.create_user(self.clock(), login, name, PASSWORD, ["agent"], [team])
        rows = [
            Row(CUSTOMER.number, id_, customer_scope(id_), {"name": name, "language": "ko"})
            for id_, name in ((self.customer, "한예린"), (self.other, "Tom Baker"))
        ]
        self.store.write(lambda cx: load_rows(cx, rows))
        with closing(sqlite3.connect(folder / "server.db")) as database:
            Desk._filled = Filled(database.serialize(), self.clock.ms, (self.customer, self.other))

    def close(self) -> None:
        """Close the database."""
        self.parts.close()

    def team(self, name: str) -> bytes:
        """Id of a team."""
        table = ENTITY_TABLES[TEAM.number]
        with self.store.read() as cx:
            return bytes(cx.execute(sa.select(table.c.id).where(table.c.name_ko == name)).scalar_one())

    def rows(self, type_: int) -> list[dict[str, object]]:
        """The server's rows of an entity."""
        with self.store.read() as cx:
            return [dict(r) for r in cx.execute(sa.select(ENTITY_TABLES[type_])).mappings()]

    def spoil(self, type_: int, id_: bytes, **values: object) -> None:
        """Change a row behind the protocol's back."""
        table = ENTITY_TABLES[type_]
        self.store.write(lambda cx: cx.execute(table.update().where(table.c.id == id_).values(**values)))


@dataclass
class Line:
    """What the line does to the next exchanges. `lose` is asked after the server has done its part."""

    down: bool = False
    lose: Callable[[Request], bool] = field(default=lambda _: False)
    cut_after_frames: int | None = None


class Client:
    """One agent's computer: both files and the engine, stepped by hand."""

    def __init__(self, desk: Desk, folder: Path, login: str = "kim") -> None:
        self.desk = desk
        self.folder = folder
        self.line = Line()
        self.tools = Tools(Codec(), decide, desk.clock)
        self.profile = Profile(folder, KEY, self.tools)
        tokens = desk.parts.accounts.login(desk.clock(), Login(login=login, password=PASSWORD, device_name=login))
        assert tokens.account is not None
        assert tokens.device is not None
        self.me = UserId(tokens.account.id)
        self.grant = Grant("agent", tokens.account.id, tokens.device, desk.clock() + 10**9)
        self.profile.commits.save_identity(
            Identity(self.me, login, tokens.account.name, frozenset(tokens.account.roles), tokens.device,
                     tokens.device_code or "", "http://test")
        )  # fmt: skip
        self.open_worker()

    def open_worker(self) -> None:
        """Start the worker's half."""
        self.replica: ReplicaStore
        self.replica, self.aside = open_replica(
            self.folder, KEY, open_reader(self.folder, KEY), Hashes(), self.desk.clock
        )
        self.replica.use_device(self.grant.device)
        self.core = ClientCore(self.replica, random.Random(1))

    def restart_worker(self) -> None:
        """Lose everything that the worker holds in memory."""
        self.replica.close()
        self.open_worker()

    def restart_window(self) -> None:
        """Lose everything that the window holds in memory."""
        self.profile.close()
        self.profile = Profile(self.folder, KEY, self.tools)

    def new_device(self, keep_above: int) -> None:
        """Get a new device id from the server, and let both halves take it."""
        accounts = self.desk.parts.accounts
        tokens = accounts.new_device(self.desk.clock(), self.grant, NewDevice(name="again", replaces=self.grant.device))
        waits = Renumbering.of(tokens, self.grant.device, keep_above)
        self.grant = replace(self.grant, device=waits.device)
        assert self.profile.renumber(waits.device, waits.device_code, waits.keep_above)
        self.restart_worker()

    def close(self) -> None:
        """Close the files."""
        self.replica.close()
        self.profile.close()

    # --- acting -------------------------------------------------------------------------------------------------------

    def do(self, change: AnyChange) -> int:
        """Save a change and return its mid."""
        mid = self.profile.commits.commit(change).mid
        self.core.committed()
        return mid

    def new_ticket(self, subject: str = "프린터가 안 돼요", body: str = "도와주세요", **more: object) -> TicketId:
        """Create a ticket from the customer."""
        id_ = new_id()
        team = self.desk.team("북부")
        values = {"event": new_id(), "ticket": id_, "subject": subject, "team": team, "customer": self.desk.customer,
                  "message": new_id(), "body": body, **more}  # fmt: skip
        self.do(TicketCreate(**values))  # type: ignore[arg-type]  # keyword arguments of a test
        return TicketId(id_)

    def reply(self, ticket: bytes, body: str = "확인해 드리겠습니다.") -> bytes:
        """Write a reply."""
        id_ = new_id()
        details = self.profile.queries.details(TicketId(ticket))
        seen, seen_id = (details.seen_seq, details.seen_id) if details is not None else (0, None)
        self.do(MessageAdd(new_id(), id_, ticket, body, seen, seen_id=seen_id))
        return id_

    def note(self, ticket: bytes, body: str = "메모") -> bytes:
        """Write a note."""
        id_ = new_id()
        self.do(NoteAdd(new_id(), id_, ticket, body))
        return id_

    def set(self, ticket: bytes, **fields: Value) -> int:
        """Edit fields."""
        return self.do(TicketSet(new_id(), ticket, fields))

    # --- syncing ------------------------------------------------------------------------------------------------------

    def sync(self, most: int = 300) -> bool:
        """Exchange until nothing is left to say; False when the line broke."""
        self.core.poked()
        for _ in range(most):
            request = self.core.next(self.desk.clock())
            if request is None:
                self.profile.after_checkpoint()
                return True
            try:
                self._exchange(request)
            except LineLost:
                if isinstance(request, Pull | Fetch):
                    self.core.on_cut()
                self.core.rehello()
                return False
            except ProblemError as error:
                self.core.on_problem(error.status, error.problem, None)
        raise AssertionError("sync does not end")

    def _exchange(self, request: Request) -> Applied | None:
        if self.line.down:
            raise LineLost
        core, now = self.desk.parts.core, self.desk.clock()
        if isinstance(request, Hello):
            hello = core.hello(now, self.grant, request)
            self._maybe_lose(request)
            return self.core.on_hello(hello, now)
        if isinstance(request, Push):
            push = core.push(now, self.grant, request)
            self._maybe_lose(request)
            self.core.on_push(push)
            return None
        if isinstance(request, Fetch):
            return self._download(request)
        assert isinstance(request, Pull)
        for number, frame in enumerate(list(core.pull(now, self.grant, request))):
            if number == self.line.cut_after_frames:
                self.line.cut_after_frames = None
                raise LineLost
            self.core.on_frame(frame)
        self._maybe_lose(request)
        return self.core.on_pull_end(now)

    def _download(self, request: Fetch) -> Applied | None:
        path, _ = self.desk.parts.core.snapshot(self.grant, request.id)
        pieces = Pieces()
        raw = path.read_bytes()[request.offset :]
        number = 0
        for start in range(0, len(raw), 300):
            for piece in pieces.feed(raw[start : start + 300]):
                number += 1
                if number == self.line.cut_after_frames:
                    self.line.cut_after_frames = None
                    raise LineLost
                self.core.on_snapshot(*piece)
        self._maybe_lose(request)
        return self.core.on_snapshot_end()

    def _maybe_lose(self, request: Request) -> None:
        if self.line.lose(request):
            raise LineLost

    # --- looking ------------------------------------------------------------------------------------------------------

    def bodies(self, ticket: TicketId) -> list[str]:
        """What the conversation says."""
        details = self.profile.queries.details(ticket)
        assert details is not None
        return [item.body for item in details.items if item.body]

    def state(self, category: str) -> bytes:
        """Id of the state of a category."""
        return next(s.id for s in self.profile.queries.choices().states if s.category.value == category)


TICKETS = TICKET.number
