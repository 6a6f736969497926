# SPDX-License-Identifier: GPL-3.0-or-later
"""One agent's computer in a world: the window's half and the worker's half on their two real files."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

import app.store.profile
import app.store.replica
from app.domain.changes import AnyChange
from app.domain.ports import Seen
from app.domain.replica import Applied
from app.entry.sync_codec import Codec, Hashes
from app.entry.sync_worker_device import Renumbering
from app.store.cipher import Database
from app.store.pending import Tools, read_identity, seen_of
from app.store.pending_file import Opened, open_reader
from app.store.profile import Profile
from app.store.replica import ReplicaStore, open_replica
from app.store.shown import Shown, ShownRows
from sync.conflicts import decide
from sync.engine import Backoff, ClientCore
from tests.sync.sim.env import KEY, Person


def _trusted(_folder: Path, _key: bytes) -> Opened:
    return Opened("ok")


class Window:
    """The window's process: saves, reads, rebuilds."""

    def __init__(self, folder: Path, person: Person, clock: Callable[[], int], *, sound: bool = False) -> None:
        """`sound`: the files are a fresh copy of ones that were checked and copied aside a moment ago."""
        self.person = person
        with patch.object(app.store.profile, "prepare", _trusted) if sound else nullcontext():
            self.profile = Profile(folder, KEY, Tools(Codec(), decide, clock))

    def close(self) -> None:
        """End, or be killed: what is committed stays."""
        self.profile.close()

    def commit(self, change: AnyChange, seen: Mapping[str, Seen] | None = None) -> int:
        """Save a change; returns its mid."""
        return self.profile.commits.commit(change, seen).mid

    def seen(self, type_: int, id_: bytes, names: tuple[str, ...]) -> dict[str, Seen]:
        """Return what an edit that begins now starts from."""
        with self.profile.readers().read() as tx:
            shown = Shown(tx)
            row = ShownRows(shown).get(type_, id_)
            return {n: seen_of(row, n, self.person.code, shown) for n in names}

    def read(self, look: Callable[[Shown], Any]) -> Any:
        """Look at the rows as shown."""
        with self.profile.readers().read() as tx:
            return look(Shown(tx))


class Worker:
    """The sync worker's process."""

    def __init__(
        self, folder: Path, person: Person, clock: Callable[[], int], rng: random.Random, *, sound: bool = False
    ) -> None:
        """`sound`: as for a window."""
        self._pending: Database = open_reader(folder, KEY)
        self.replica: ReplicaStore
        with patch.object(app.store.replica, "open_file", lambda *_, **_how: False) if sound else nullcontext():
            self.replica, self.aside = open_replica(folder, KEY, self._pending, Hashes(), clock)
        with self._pending.read() as tx:
            self.identity = read_identity(tx)
        self.renumbering = self._unfinished()
        device = person.device if self.identity is None else self.identity.device
        before = self.replica.state()
        renewed = before.device not in (b"", device)
        self.uncounted = {s.id: s.cursor for s in before.scopes.values()} if renewed else None
        self.replica.use_device(device)
        self.core = ClientCore(self.replica, rng)
        self.backoff = Backoff(rng)
        self.last_mid = 0
        self.next_look = 0  # when to look for what was saved without a word
        self.unknown = False  # the server does not know this device: a person signs in again
        self.not_before = 0  # after a failure: wait until then

    def _unfinished(self) -> Renumbering | None:
        """Return the new device id that the window has not taken up yet."""
        raw, identity = self.replica.meta("renumber"), self.identity
        waits = msgspec.msgpack.decode(raw, type=Renumbering) if raw is not None else None
        if waits is not None and identity is not None and identity.device == waits.replaces:
            return waits
        if raw is not None:
            self.replica.set_meta("renumber", None)
        return None

    def close(self) -> None:
        """End, or be killed."""
        self.replica.close()
        self._pending.close()


__all__ = ["Applied", "Window", "Worker"]
