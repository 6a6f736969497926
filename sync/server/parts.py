# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's object graph: what the adapters are given, and how it is put together and taken down."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from argon2 import PasswordHasher

from app.domain.proof import AFTER_MIN
from sync.server.accounts import Accounts
from sync.server.background import Background, Task
from sync.server.blobs import Blobs
from sync.server.bootstrap import Organisation, prepare
from sync.server.bus import Bus, LocalBus
from sync.server.callbacks import Callbacks
from sync.server.clocks import Clocks, Compile
from sync.server.core import ServerCore
from sync.server.customer_news import CustomerNews
from sync.server.customers import Customers
from sync.server.epochs import follow_cluster
from sync.server.hub import Hub
from sync.server.jobs import HASHERS, Jobs
from sync.server.key_exchange import finish_exchange
from sync.server.keys import ServerKeys
from sync.server.limits import CodeLimits, Limiter, TryLimit
from sync.server.nats_bus import NatsBus, check_url
from sync.server.news import Telling, Ticking, Upkeep
from sync.server.oidc import Oidc, OidcSettings
from sync.server.portal.movements import Movements
from sync.server.portal.portal import Portal, build_portal
from sync.server.proofs import Proofs
from sync.server.published import PublishedReader
from sync.server.sessions import Sessions
from sync.server.snapshots import Snapshots
from sync.server.store import Store, sqlite_url
from sync.server.tokens import TokenSigner
from sync.server.turn import TurnSettings
from sync.server.waiting import Waiting

__all__ = ["Parts", "build_parts", "open_parts"]

_PG_WRITERS = 8
# transactions of pushes at a time: while the disk takes one, the next is made
_PG_PUSHERS = 2
_NOTICES_S = 1.0
_HEADS_S = 1.0  # what a lost poke may cost
_CLOCKS_S = 60.0  # warnings and dues are told to the minute
_CUSTOMERS_S = 0.25  # a busy queue is looked at no more often for the Companions
_CALLS_S = 15.0  # and missed calls at once


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything behind the adapters. `clock` gives Unix milliseconds."""

    store: Store
    keys: ServerKeys
    organisation: Organisation
    signer: TokenSigner
    core: ServerCore
    accounts: Accounts
    proofs: Proofs
    oidc: Oidc | None
    customers: Customers
    sessions: Sessions
    hub: Hub
    jobs: Jobs
    push_writers: int
    background: Background
    snapshots: Snapshots | None
    blobs: Blobs | None
    clock: Callable[[], int]
    login_pair: Limiter
    login_account: Limiter
    login_address: Limiter
    codes: CodeLimits
    customer_writes: Limiter
    alarms: Limiter
    turn: TurnSettings | None
    join_page: bool
    portal: Portal | None
    movements: Movements
    published: PublishedReader
    turn_asks: Limiter
    wrong_code_s: float
    passwords: asyncio.Semaphore
    guesses: asyncio.Lock

    def close(self) -> None:
        """Stop the threads and close the database."""
        if self.snapshots is not None:
            self.snapshots.stop()
        if self.oidc is not None:
            self.oidc.close()  # first: somebody may wait for it
        self.jobs.close()
        self.store.close()


def wall_ms() -> int:
    """Return Unix milliseconds."""
    return time.time_ns() // 1_000_000


def build_parts(
    store: Store,
    keys: ServerKeys,
    *,
    clock: Callable[[], int] = wall_ms,
    rng: Callable[[int], bytes] = secrets.token_bytes,
    hasher: PasswordHasher | None = None,
    wrong_code_s: float = 0.3,
    nats: str | None = None,
    oidc: OidcSettings | None = None,
    turn: TurnSettings | None = None,
    join_page: bool = True,
    portal: bool = True,
    require_note: bool = False,
    reauthenticate_min: int = AFTER_MIN,
    data: Path | None = None,
    compile_: Compile | None = None,
) -> Parts:
    """Prepare the database and wire everything over it. Raises StoreUnavailable, DatabaseBusy, WorldError.

    `nats` is the address of the broker between several processes, `data` the folder they share: without it there
    are no snapshots and no attachments. `join_page`: customers may join with a browser; `portal`: they find pages
    to read and write at. `require_note`: none invites without a reason. `reauthenticate_min`: how old a proof of who
    invites may be, 0 for any. `compile_` knows time zones: with it calendars are compiled ahead.
    """
    organisation = prepare(store, keys, clock(), rng)
    store.follow_timelines(lambda connection: follow_cluster(connection, secrets.token_bytes(16), clock()))
    signer = TokenSigner(keys.tokens)
    jobs = Jobs(1 if store.is_sqlite else _PG_WRITERS)
    bus: Bus = NatsBus(check_url(nats), organisation.id) if nats else LocalBus()
    relay_only = turn is not None and turn.only
    sessions = Sessions(
        store, keys, signer, organisation, rng, relay_only=relay_only, join_page=join_page, require_note=require_note,
        reauthenticate_min=reauthenticate_min, provider=oidc is not None,
    )  # fmt: skip
    accounts = Accounts(store, signer, rng, hasher)
    hub = Hub(store, signer, jobs, clock, bus, lambda who: sessions.waiting(clock(), who))
    snapshots = Snapshots(store, data / "snapshots", clock, rng) if data else None
    blobs = Blobs(store, data / "blobs", clock, keys.attachments) if data else None
    waiting = Waiting(store)
    upkeep = Upkeep(store, hub, jobs, clock, rng)
    tasks = [
        Task("notices", _NOTICES_S, Telling(store, hub, jobs, clock).run),
        Task("heads", _HEADS_S, hub.look),
        Task("customers", _CUSTOMERS_S, CustomerNews(hub, jobs, store).run),
        Task("retention", 3600, upkeep.retention, first_s=60),
        Task("clocks", _CLOCKS_S, Ticking(Clocks(store, clock, compile_), hub, jobs).run),
    ]
    tasks.append(Task("callbacks", _CALLS_S, Ticking(Callbacks(store, clock), hub, jobs).run))
    if not store.is_sqlite:
        tasks.append(Task("cluster", 5, upkeep.cluster))
    if snapshots is not None and blobs is not None:
        tasks.append(Task("snapshots", 60, partial(jobs.slow, snapshots.refresh), first_s=3))
        tasks.append(Task("blobs", 6 * 3600, partial(jobs.slow, blobs.clear), first_s=600))
    return Parts(
        store=store,
        keys=keys,
        organisation=organisation,
        signer=signer,
        core=ServerCore(store, rng, snapshots),
        accounts=accounts,
        proofs=Proofs(store, accounts),
        oidc=Oidc(oidc, max_age_s=reauthenticate_min * 60 or None) if oidc else None,
        customers=Customers(store, keys, signer, organisation, rng, waiting),
        sessions=sessions,
        hub=hub,
        jobs=jobs,
        push_writers=1 if store.is_sqlite else _PG_PUSHERS,
        background=Background(tasks),
        snapshots=snapshots,
        blobs=blobs,
        clock=clock,
        # one account from one place, one account from everywhere, one place against all accounts
        login_pair=Limiter(TryLimit(5, 900, 300)),
        login_account=Limiter(TryLimit(50, 900, 300)),
        login_address=Limiter(TryLimit(40, 900, 300)),
        codes=CodeLimits(),
        customer_writes=Limiter(TryLimit(60, 600, 300)),  # requests and messages of one customer: more no person writes
        alarms=Limiter(TryLimit(20, 3600, 900)),  # lines of the log about one customer's bad invitations
        turn=turn,
        join_page=join_page,
        movements=Movements(hub, jobs, store, clock),
        published=PublishedReader(store),
        portal=build_portal(store, keys, blobs, rng, waiting) if portal else None,
        turn_asks=Limiter(TryLimit(60, 60, 20)),  # of one end of one session: a lost connection asks every 4 seconds
        wrong_code_s=wrong_code_s,
        passwords=asyncio.Semaphore(HASHERS),
        guesses=asyncio.Lock(),
    )


def open_parts(data: Path, database: str | None = None) -> tuple[Store, ServerKeys]:
    """Open keys and database of a data folder. Raises StoreUnavailable."""
    keys = ServerKeys.load(data)
    store = Store.open(database or sqlite_url(data))
    try:
        return store, finish_exchange(store, data, keys)
    except BaseException:
        store.close()
        raise
