# SPDX-License-Identifier: GPL-3.0-or-later
"""The tickets that a deed is for: named by place in a list of any length, read only as far as the deed has come."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import overload

from app.domain.ids import TicketId
from app.domain.ports import TicketRow

__all__ = ["Picked", "PlacedIds", "spans_among"]

Span = tuple[int, int]  # first and last place


class PlacedIds(Sequence[TicketId]):
    """The ids of some ranges of a list, in its order; a million cost what one range costs. The list must not change."""

    def __init__(self, ids: Sequence[TicketId], spans: Sequence[Span]) -> None:
        last = len(ids) - 1
        self._ids = ids
        self._spans = [(top, min(bottom, last)) for top, bottom in spans if top <= last]
        self._ends = list(accumulate(bottom - top + 1 for top, bottom in self._spans))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

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
        which = bisect_right(self._ends, place)
        before = self._ends[which - 1] if which else 0
        return self._ids[self._spans[which][0] + place - before]


@dataclass(frozen=True, slots=True)
class Picked:
    """`ids` are all of them. `rows` are those known without reading: all of a few, of more perhaps none."""

    ids: Sequence[TicketId] = ()
    rows: Mapping[TicketId, TicketRow] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def one(self) -> TicketRow | None:
        """Return the ticket when it is a single one and known."""
        return self.rows.get(self.ids[0]) if len(self.ids) == 1 else None

    def known(self, ids: Sequence[TicketId]) -> list[TicketRow] | None:
        """Return these rows when nothing has to be read for it."""
        rows = [self.rows[i] for i in ids if i in self.rows]
        return rows if len(rows) == len(ids) else None

    @classmethod
    def of(cls, rows: Iterable[TicketRow]) -> Picked:
        """Return these tickets as picked."""
        known = {row.id: row for row in rows}
        return cls(tuple(known), known)


def spans_among(ids: Sequence[TicketId], wanted: Collection[TicketId], most: int) -> list[Span]:
    """Return where these ids stand in a list, as ranges; none when there would be more than `most` of them."""
    left, out = set(wanted), list[Span]()
    for place, id_ in enumerate(ids):
        if not left:
            break
        if id_ in left:
            left.discard(id_)
            if out and out[-1][1] == place - 1:
                out[-1] = (out[-1][0], place)
            elif len(out) == most:
                return []
            else:
                out.append((place, place))
    return out
