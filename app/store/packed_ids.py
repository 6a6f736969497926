# SPDX-License-Identifier: GPL-3.0-or-later
"""The ids of a long list in one piece: 16 bytes each, where a list of a million takes five times as much."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from typing import Any, overload

from app.domain.ids import TicketId

__all__ = ["PackedIds", "packed", "packed_with"]

_SIZE = 16
_AT_ONCE = 10_000


class PackedIds(Sequence[TicketId]):
    """Ids by place. Equal to another of the same ids, which takes no longer than comparing two texts."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def __len__(self) -> int:
        return len(self._raw) // _SIZE

    @overload
    def __getitem__(self, place: int) -> TicketId: ...
    @overload
    def __getitem__(self, place: slice) -> list[TicketId]: ...
    def __getitem__(self, place: int | slice) -> TicketId | list[TicketId]:
        if isinstance(place, slice):
            return [self._at(each) for each in range(*place.indices(len(self)))]
        n = len(self)
        if not -n <= place < n:
            raise IndexError(place)
        return self._at(place % n)

    def _at(self, place: int) -> TicketId:
        start = place * _SIZE
        return TicketId(self._raw[start : start + _SIZE])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PackedIds):
            return self._raw == other._raw
        return isinstance(other, Sequence) and len(other) == len(self) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(self._raw)

    def __repr__(self) -> str:
        return f"PackedIds({len(self)})"


def packed(rows: Any) -> PackedIds:
    """Return the ids in the first column of a cursor, read little by little."""
    out = bytearray()
    while part := rows.fetchmany(_AT_ONCE):
        out += b"".join(_first(part))
    return PackedIds(bytes(out))


def packed_with(rows: Any, gone: Collection[bytes], own: Sequence[tuple[bytes, int]]) -> PackedIds:
    """Return the ids of a cursor of (id, key), largest key first, without those `gone` and with `own` in their places.

    `own` is ordered alike; where keys are equal its ids come first.
    """
    out, keys = bytearray(), array("q")
    while part := rows.fetchmany(_AT_ONCE):
        kept = [row for row in part if row[0] not in gone]
        out += b"".join(_first(kept))
        keys.extend(-row[1] for row in kept)
    pieces, before = [], 0
    for id_, key in own:
        place = bisect_left(keys, -key) * _SIZE
        pieces += [bytes(out[before:place]), id_]
        before = place
    return PackedIds(b"".join([*pieces, bytes(out[before:])]))


def _first(rows: Iterable[tuple[Any, ...]]) -> list[bytes]:
    return [row[0] for row in rows]
