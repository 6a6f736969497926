# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's files and sync core, and the one thread that touches them; who is signed in here. No Qt."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec

from app.config.logs import get_logger
from app.domain import link
from app.domain.ids import UserId
from app.domain.ports import Identity
from app.entry.sync_worker_device import Renumbering
from app.store.cipher import Database
from app.store.pending import read_identity
from app.store.replica import ReplicaStore
from sync.engine import ClientCore
from sync.protocol import Account

__all__ = ["Engine", "Known"]

_T = TypeVar("_T")
_log = get_logger("worker.engine")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in, as the worker keeps it in the replica: the window may not have stored it yet."""

    server: str
    account: bytes
    login: str
    name: str
    roles: list[str]
    device: bytes
    device_code: str

    @classmethod
    def of_identity(cls, identity: Identity) -> Known:
        """Return what pending.db says."""
        return cls(
            server=identity.server, account=identity.account, login=identity.login, name=identity.name,
            roles=sorted(identity.roles), device=identity.device, device_code=identity.device_code,
        )  # fmt: skip

    @classmethod
    def of_account(cls, server: str, account: Account, device: bytes, code: str) -> Known:
        """Return what a sign-in said."""
        return cls(
            server=server, account=UserId(account.id), login=account.login, name=account.name,
            roles=list(account.roles), device=device, device_code=code,
        )  # fmt: skip

    def message(self) -> link.SignedIn:
        """Return it as the window is told."""
        return link.SignedIn(
            server=self.server, account=self.account, login=self.login, name=self.name, roles=self.roles,
            device=self.device, device_code=self.device_code,
        )  # fmt: skip


class Engine:
    """Everything that touches the files or changes the core runs in one thread, in the order in which it was asked.

    `store` and `core` are there once `open` has run. The event loop may read the core's properties, never call it.
    """

    store: ReplicaStore
    core: ClientCore

    def __init__(
        self, pending: Database, open_store: Callable[[], tuple[ReplicaStore, bool]], rng: random.Random
    ) -> None:
        self._pending = pending
        self._open_store = open_store
        self._rng = rng
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="store")
        self.side = ThreadPoolExecutor(1, thread_name_prefix="ready")  # for what needs neither files nor core
        self.known: Known | None = None
        self.renumbering: Renumbering | None = None

    async def run(self, work: Callable[..., _T], *args: Any) -> _T:
        """Run something in the engine's thread. Raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, work, *args)

    def wish(self, wish: Callable[[ClientCore], None]) -> None:
        """Tell the core something from the event loop, which does not wait: it comes before what is asked next."""
        with contextlib.suppress(RuntimeError):  # the worker is about to end
            self._disk.submit(lambda: wish(self.core)).add_done_callback(_report)

    def open(self) -> bool:
        """Open the files, also again after damage; True when an unusable replica was set aside. In the engine's thread.

        Raises StoreUnavailable.
        """
        self.store, aside = self._open_store()
        if aside:
            _log.warning("replica set aside", code="store_damaged")
        with self._pending.read() as tx:
            identity = read_identity(tx)
        kept = self.store.meta("known")
        self.renumbering = self._unfinished(identity)
        self.known = (
            Known.of_identity(identity) if identity else msgspec.msgpack.decode(kept, type=Known) if kept else None
        )
        if self.known is not None:
            self.store.use_device(self.known.device)
        self.core = ClientCore(self.store, self._rng)
        return aside

    def _unfinished(self, identity: Identity | None) -> Renumbering | None:
        """Return the new device id that the window has not taken up yet."""
        raw = self.store.meta("renumber")
        if raw is None:
            return None
        waits = msgspec.msgpack.decode(raw, type=Renumbering)
        if identity is not None and identity.device == waits.replaces:
            return waits
        self.store.set_meta("renumber", None)
        return None

    def remember(self, known: Known) -> None:
        """Keep who signed in, and start from the files. In the engine's thread. Raises StoreUnavailable."""
        self.known = known
        self.store.set_meta("known", msgspec.msgpack.encode(known))
        self.store.use_device(known.device)
        self.core.reset()

    def keep_renumbering(self, waits: Renumbering) -> None:
        """Keep a new device id until the window has taken it up. In the engine's thread. Raises StoreUnavailable."""
        self.store.set_meta("renumber", msgspec.msgpack.encode(waits))

    def has_outbox(self) -> bool:
        """Whether something is not at the server yet."""
        return self.known is not None and self.store.last_mid() > self.core.acknowledged

    async def close(self) -> None:
        """Close the files; nothing is run any more."""
        await self.run(self.store.close)
        self._disk.shutdown()
        self.side.shutdown()


def _report(done: Future[None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        _log.error("wish failed", exc_info=error)
