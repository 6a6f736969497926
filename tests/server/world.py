# SPDX-License-Identifier: GPL-3.0-or-later
"""A small help desk on a real store, and people who talk to its server through the real routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import msgspec
import sqlalchemy as sa
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar.testing import TestClient

from app.domain.changes import AnyChange, MessageAdd, NoteAdd, TicketCreate
from app.domain.entities import CONTACT_ADDRESS, CUSTOMER, SCHEMA, TEAM, TICKET, USER, Value, customer_scope
from app.domain.ids import hlc_of, uuid7
from app.domain.signed import b64, sign, unb64
from sync.protocol import (
    CONTENT_TYPE,
    BaseEntries,
    Exits,
    Finish,
    FrameReader,
    Hello,
    HelloAnswer,
    Login,
    More,
    Mutation,
    Pull,
    PullFrame,
    Push,
    PushAnswer,
    Rows,
    Tokens,
    encode_args,
    inflate,
    mutation_hash,
    pack,
    unpack,
)
from sync.server.bootstrap import seed_states
from sync.server.bulk import load_rows
from sync.server.customers import CHALLENGE_LABEL
from sync.server.keys import ServerKeys
from sync.server.parts import Parts, build_parts
from sync.server.schema import ENTITY_TABLES
from sync.server.staff import Staff
from sync.server.store import Store
from tests.server.lent_app import client_of

PASSWORD = "correct horse"
START_MS = 1_790_000_000_000
FAST_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.ms = START_MS

    def __call__(self) -> int:
        return self.ms

    def forward(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)


class CountingRandom:
    """Bytes that never repeat and are the same in every run."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, n: int) -> bytes:
        import hashlib

        self.count += 1
        return hashlib.shake_128(self.count.to_bytes(8, "big")).digest(n)


@dataclass(frozen=True)
class NewRow:
    """A row for `load_rows`."""

    type: int
    id: bytes
    scope_id: str
    values: dict[str, Value]


def row_id(n: int) -> bytes:
    """A stable id."""
    return uuid7(START_MS - 1000, n.to_bytes(10, "big"))


class World:
    """One server with a team, two agents of it, one agent of another team, and two customers.

    Its store is blank, or a copy of one that a world of this process has filled: it ends up the same.
    """

    _drawn: ClassVar[int]  # random values that filling a store takes

    def __init__(self, store: Store, *, nats: str | None = None, beside: World | None = None) -> None:
        """`beside` is another process of the same deployment: it has filled the database already."""
        self.clock: Clock = beside.clock if beside else Clock()
        self.rng: CountingRandom = beside.rng if beside else CountingRandom()
        self.keys = ServerKeys.of(b"o" * 32, b"s" * 32)
        self.store = store
        self.parts: Parts = build_parts(
            store, self.keys, clock=self.clock, rng=self.rng, hasher=FAST_HASHER, wrong_code_s=0.0, nats=nats
        )
        self.customer, self.other_customer = row_id(1), row_id(2)
        if beside is None:
            self._fill()
        self.staff = Staff(store, self.keys, self.rng, FAST_HASHER.hash)

    @cached_property
    def client(self) -> TestClient[Any]:
        """A client of the server, made where it is wanted."""
        return client_of(self.parts)

    def _fill(self) -> None:
        store = self.store
        with store.read() as cx:
            if cx.execute(sa.select(ENTITY_TABLES[USER.number].c.id).limit(1)).first() is not None:
                self.rng.count = World._drawn
                return
        seed_states(store, self.clock())
        staff = Staff(store, self.keys, self.rng, FAST_HASHER.hash)
        for login, name, team in (("kim", "김지우", "북부"), ("lee", "이서준", "북부"), ("park", "박하은", "남부")):
            staff.create_user(self.clock(), login, name, PASSWORD, ["agent"], [team])
        store.write(lambda cx: load_rows(cx, self._customers()))
        World._drawn = self.rng.count

    def _customers(self) -> list[NewRow]:
        out = []
        for id_, name, mail in (
            (self.customer, "한예린", "yerin@example.com"),
            (self.other_customer, "Tom Baker", "tom@example.net"),
        ):
            scope = customer_scope(id_)
            out.append(NewRow(CUSTOMER.number, id_, scope, {"name": name, "language": "ko"}))
            address: dict[str, Value] = {"customer": id_, "kind": "email", "value": mail, "is_primary": True}
            out.append(NewRow(CONTACT_ADDRESS.number, row_id(100 + id_[-1]), scope, address))
        return out

    def team(self, name: str) -> bytes:
        """Id of a team by name."""
        table = ENTITY_TABLES[TEAM.number]
        with self.store.read() as cx:
            return bytes(cx.execute(sa.select(table.c.id).where(table.c.name_ko == name)).scalar_one())

    def newest_of(self, ticket: bytes) -> int:
        """Number of a ticket's newest message."""
        table = ENTITY_TABLES[TICKET.number]
        with self.store.read() as cx:
            return int(cx.execute(sa.select(table.c.msg_seq).where(table.c.id == ticket)).scalar() or 0)

    def agent(self, login: str = "kim") -> Agent:
        """Sign somebody in on a new device and say hello."""
        agent = Agent(self, login)
        agent.hello()
        return agent

    def companion(self, customer: bytes | None = None) -> Companion:
        """Enrol a companion and get its token."""
        code = self.staff.enrolment_code(
            self.clock(), (customer or self.customer).hex(), digits=False, life_s=3600
        ).code
        return Companion(self, code)


@dataclass
class Copy:
    """What a device has pulled."""

    rows: dict[tuple[int, bytes], dict[str, Any]] = field(default_factory=dict)
    cursors: dict[str, int] = field(default_factory=dict)
    frames: list[PullFrame] = field(default_factory=list)

    def of(self, type_: int) -> list[dict[str, Any]]:
        """Rows of one entity."""
        return [row for (t, _), row in sorted(self.rows.items()) if t == type_]


class Agent:
    """An agent's device as a client would drive it."""

    def __init__(self, world: World, login: str) -> None:
        self.world = world
        ask = Login(login=login, password=PASSWORD, device_name="test")
        answer = world.client.post("/auth/v1/login", content=pack(ask), headers={"content-type": CONTENT_TYPE})
        assert answer.status_code == 200, answer.text
        self.tokens: Tokens = unpack(answer.content, Tokens)
        assert self.tokens.device is not None
        assert self.tokens.account is not None
        self.device = self.tokens.device
        self.id = self.tokens.account.id
        self.mid = 0
        self.copy = Copy()
        self.epoch = b""

    @property
    def headers(self) -> dict[str, str]:
        """Headers of a packed request."""
        return {"content-type": CONTENT_TYPE, "authorization": f"Bearer {self.tokens.access}"}

    @property
    def bearer(self) -> dict[str, str]:
        """Headers of a JSON request."""
        return {"authorization": f"Bearer {self.tokens.access}"}

    def post(self, path: str, message: Any) -> Any:
        """Send a packed request and return the raw answer."""
        return self.world.client.post(path, content=pack(message), headers=self.headers)

    def hello(self, **changes: Any) -> HelloAnswer:
        """Say hello and keep epoch and scopes."""
        fields: dict[str, Any] = {
            "device": self.device,
            "epoch": self.epoch or None,
            "schema": SCHEMA,
            "wall_ms": self.world.clock(),
            "lmid_seen": 0,
            "last_mid": self.mid,
            "scopes": self.copy.cursors,
        }
        answer = self.post("/sync/v1/hello", Hello(**(fields | changes)))
        assert answer.status_code == 200, answer.text
        told: HelloAnswer = unpack(answer.content, HelloAnswer)
        self.epoch = told.epoch
        for scope in told.scopes:
            self.copy.cursors.setdefault(scope.id, 0)
        return told

    def mutation(self, change: AnyChange, base: BaseEntries | None = None, *, hlc: int | None = None) -> Mutation:
        """Make the next mutation."""
        self.mid += 1
        return self.mutation_at(self.mid, change, base, hlc=hlc)

    def mutation_at(
        self, mid: int, change: AnyChange, base: BaseEntries | None = None, *, hlc: int | None = None
    ) -> Mutation:
        """Make a mutation with this mid."""
        name, v, args = encode_args(change)
        when = hlc if hlc is not None else hlc_of(self.world.clock(), mid)
        return Mutation(
            mid=mid, name=name, v=v, hlc=when, args=args, base=base or {},
            hash=mutation_hash(name, v, when, args, base or {}),
        )  # fmt: skip

    def push_raw(self, muts: list[Mutation]) -> Any:
        """Push and return the raw answer."""
        return self.post("/sync/v1/push", Push(device=self.device, epoch=self.epoch, muts=muts))

    def push(self, *muts: Mutation) -> PushAnswer:
        """Push and return what the server made of it."""
        answer = self.push_raw(list(muts))
        assert answer.status_code == 200, answer.text
        told: PushAnswer = unpack(answer.content, PushAnswer)
        return told

    def do(self, change: AnyChange, base: BaseEntries | None = None) -> tuple[str, str | None]:
        """Push one change and return (st, code)."""
        result = self.push(self.mutation(change, base)).results[0]
        return result.st, result.code

    def pull_raw(self, **changes: Any) -> Any:
        """Pull and return the raw answer."""
        fields: dict[str, Any] = {
            "device": self.device, "epoch": self.epoch, "lmid_seen": 0, "scopes": self.copy.cursors,
        }  # fmt: skip
        return self.post("/sync/v1/pull", Pull(**(fields | changes)))

    def pull(self, **changes: Any) -> list[PullFrame]:
        """Pull to the end, keep the rows, and return all frames."""
        out: list[PullFrame] = []
        while True:
            answer = self.pull_raw(**changes)
            assert answer.status_code == 200, answer.text
            reader = FrameReader()
            frames = list(reader.feed(inflate(answer.content, 1 << 30)))
            assert reader.rest == 0
            out += frames
            self._keep(frames)
            last = frames[-1]
            if isinstance(last, Finish):
                return out
            assert isinstance(last, More)
            changes["scopes"] = dict(last.next)

    def _keep(self, frames: list[PullFrame]) -> None:
        for frame in frames:
            if isinstance(frame, Rows):
                for id_, seq, deleted, rev, fld, *values in frame.rows:
                    self.copy.rows[(frame.type, id_)] = {
                        "id": id_, "seq": seq, "deleted": deleted, "rev": rev, "fld": fld, "scope": frame.scope,
                        **dict(zip(frame.cols, values, strict=True)),
                    }  # fmt: skip
            elif isinstance(frame, Exits):
                for seq, type_, id_, _ in frame.items:
                    held = self.copy.rows.get((type_, id_))
                    if held is not None and held["scope"] == frame.scope and held["seq"] < seq:
                        del self.copy.rows[(type_, id_)]
            elif hasattr(frame, "heads"):
                self.copy.cursors |= frame.heads

    def ticket(self, n: int = 1, team: str = "북부", **changes: Any) -> bytes:
        """Create a ticket and return its id."""
        id_ = row_id(1000 + n)
        self.create(id_, team, **changes)
        return id_

    def create(self, id_: bytes, team: str = "북부", **changes: Any) -> tuple[str, str | None]:
        """Create a ticket with this id."""
        return self.do(self.create_change(id_, team, **changes))

    def create_change(self, id_: bytes, team: str = "북부", **changes: Any) -> TicketCreate:
        """The change that creates a ticket."""
        fields: dict[str, Any] = {
            "event": bytes(reversed(id_)), "ticket": id_, "subject": "프린터가 안 됩니다",
            "team": self.world.team(team),
            "customer": self.world.customer, "message": id_[:-1] + bytes([id_[-1] ^ 0x80]), "body": "도와주세요",
        }  # fmt: skip
        return TicketCreate(**(fields | changes))

    def reply(self, ticket: bytes, body: str = "확인했습니다", seen_seq: int | None = None) -> MessageAdd:
        """The change that adds a reply, by somebody who has seen everything."""
        seen = self.world.newest_of(ticket) if seen_seq is None else seen_seq
        return MessageAdd(self.fresh(), self.fresh(), ticket, body, seen)

    def heard(self, ticket: bytes, body: str = "전화로 물어보셨어요") -> MessageAdd:
        """The change that writes down what the customer said: it is never held, whatever others write meanwhile."""
        return MessageAdd(self.fresh(), self.fresh(), ticket, body, inbound=True)

    def note(self, ticket: bytes, body: str = "내부 확인") -> NoteAdd:
        """The change that adds a note."""
        return NoteAdd(self.fresh(), self.fresh(), ticket, body)

    def fresh(self) -> bytes:
        """A new id."""
        return uuid7(self.world.clock(), self.world.rng(10))

    def row(self, id_: bytes, type_: int = TICKET.number) -> dict[str, Any]:
        """A row as pulled last."""
        return self.copy.rows[(type_, id_)]


class Companion:
    """A customer's companion."""

    def __init__(self, world: World, code: str) -> None:
        self.world = world
        self.key = Ed25519PrivateKey.generate()
        public = b64(self.key.public_key().public_bytes_raw())
        answer = world.client.post("/customer/v1/enrol", json={"code": code, "pubkey": public, "name": "laptop"})
        assert answer.status_code == 200, answer.text
        self.id = str(answer.json()["companion"])
        self.access = self.sign_in()

    def sign_in(self) -> str:
        """Answer a challenge with the device key."""
        client = self.world.client
        nonce = client.post("/customer/v1/challenge", json={"companion": self.id}).json()["nonce"]
        signature = b64(sign(self.key, CHALLENGE_LABEL, unb64(nonce)))
        body = {"companion": self.id, "nonce": nonce, "signature": signature}
        answer = client.post("/customer/v1/token", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access"])

    @property
    def bearer(self) -> dict[str, str]:
        """Headers of a request."""
        return {"authorization": f"Bearer {self.access}"}

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Any:
        """GET with the token."""
        return self.world.client.get(path, headers={**self.bearer, **(headers or {})})

    def post(self, path: str, body: Any) -> Any:
        """POST JSON with the token."""
        content = msgspec.json.encode(body)
        return self.world.client.post(
            path, content=content, headers={**self.bearer, "content-type": "application/json"}
        )
