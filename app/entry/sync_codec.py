# SPDX-License-Identifier: GPL-3.0-or-later
"""What app.store is given of sync: wire form of changes, hashes, the conflict policy; and how a profile opens."""

from __future__ import annotations

import time
from pathlib import Path

from app.domain.changes import AnyChange
from app.domain.executor import Texts
from app.store.pending import Tools
from app.store.profile import Profile
from sync.conflicts import decide
from sync.protocol import add_sum, decode_args, encode_args, mutation_hash, row_hash
from sync.textmerge import merge_texts


class Codec:
    """Fulfils app.store's ChangeCodec."""

    def encode(self, change: AnyChange) -> tuple[str, int, bytes]:
        """Return (name, version, canonical bytes)."""
        return encode_args(change)

    def decode(self, name: str, v: int, raw: bytes) -> AnyChange:
        """Return the change."""
        return decode_args(name, v, raw)

    def hash(self, name: str, v: int, hlc: int, args: bytes, base: dict[str, tuple[int, int]]) -> bytes:
        """Return the hash over a mutation's canonical bytes."""
        return mutation_hash(name, v, hlc, args, base)


class Hashes:
    """Fulfils app.store's HashTools."""

    def row_hash(self, type_: int, id_: bytes, seq: int) -> int:
        """Return the hash of a row's version."""
        return row_hash(type_, id_, seq)

    def add_sum(self, total: int, delta: int) -> int:
        """Add modulo 2^64, signed."""
        return add_sum(total, delta)


def wall_ms() -> int:
    """Return this computer's time in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def open_profile(folder: Path, key: bytes, discarded_days: int = 30) -> Profile:
    """Open the agent's profile, creating what is missing. Blocks on the disk. Raises StoreUnavailable."""
    return Profile(folder, key, Tools(Codec(), decide, wall_ms, Texts(merge_texts), discarded_days))
