# SPDX-License-Identifier: GPL-3.0-or-later
"""What the generator yields, and the random streams that every row has of its own."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from app.domain.entities import Value
from app.domain.ids import uuid7

T = TypeVar("T")

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
KST_MS = 9 * HOUR_MS  # Asia/Seoul has had no clock changes since 1988, so sums need no zone library


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One row for the server's store: entity number, 16-byte id, sync scope and the entity's columns."""

    type: int
    id: bytes
    scope_id: str
    values: dict[str, Value]


class Stream(random.Random):
    """The random numbers of one row; `stream` makes it."""

    def one(self, items: Sequence[T]) -> T:
        """Return one of the items. Cheaper than `choice`."""
        return items[int(self.random() * len(items))]

    def chance(self, share: float) -> bool:
        """Return True in this share of calls."""
        return self.random() < share

    def row_id(self, created_ms: int) -> bytes:
        """Return a UUIDv7 of the creation time."""
        return uuid7(created_ms, self.getrandbits(80).to_bytes(10, "big"))

    def geometric(self, p: float, limit: int = 400) -> int:
        """Return the failures before the first success, counted from 0."""
        count = 0
        while count < limit and self.random() >= p:
            count += 1
        return count


def stream(seed: int, kind: str, index: int) -> Stream:
    """Return the random numbers of a row: the same (seed, kind, index) always gives the same numbers."""
    digest = hashlib.blake2b(f"{seed}/{kind}/{index}".encode(), digest_size=8).digest()
    return Stream(int.from_bytes(digest, "big"))


def js(data: object) -> str:
    """Return canonical JSON: sorted keys, no spaces."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
