# SPDX-License-Identifier: GPL-3.0-or-later
"""Selected tickets are named by their places in a list, and found again in another one."""

from __future__ import annotations

import pytest

from app.domain.ids import TicketId
from app.services.picked import PlacedIds, spans_among

IDS = [TicketId(bytes([n]) * 16) for n in range(10)]


def test_the_ids_of_some_ranges_read_like_one_list() -> None:
    """By place, from the end, in parts that cross ranges; ranges beyond the list's end hold nothing."""
    held = PlacedIds(IDS, [(1, 2), (5, 5), (8, 99), (200, 300)])
    assert list(held) == [IDS[n] for n in (1, 2, 5, 8, 9)]
    assert (held[0], held[-1], held[1:4]) == (IDS[1], IDS[9], [IDS[2], IDS[5], IDS[8]])
    assert held[3:99] == [IDS[8], IDS[9]]
    with pytest.raises(IndexError):
        _ = held[5]
    assert len(PlacedIds((), [(0, 3)])) == 0


def test_ids_are_found_again_in_a_list_that_changed() -> None:
    """As ranges; what left the list is left out, and too many pieces are given up."""
    assert spans_among([IDS[0], *IDS[2:]], IDS[1:5], 9) == [(1, 3)]
    assert spans_among(IDS[::-1], [IDS[0], IDS[9]], 9) == [(0, 0), (9, 9)]
    assert spans_among(IDS, [], 9) == []
    assert spans_among(IDS, IDS[::2], 4) == []
