# SPDX-License-Identifier: GPL-3.0-or-later
"""Long lists of ids in one piece are read like any other list."""

from __future__ import annotations

import sqlite3

import pytest

from app.store.packed_ids import PackedIds, packed, packed_with


def test_a_packed_list_reads_like_a_list_of_ids() -> None:
    """By place, from the end, in parts, and it compares with lists and with its like."""
    ids = [bytes([n]) * 16 for n in range(5)]
    held = PackedIds(b"".join(ids))
    assert list(held) == ids
    assert (held[0], held[-1], held[1:4]) == (ids[0], ids[4], ids[1:4])
    assert held == ids
    assert held == PackedIds(b"".join(ids))
    assert held != PackedIds(b"".join(ids[:4]))
    assert ids[3] in held
    with pytest.raises(IndexError):
        _ = held[5]


def test_rows_of_a_cursor_are_packed_in_their_order() -> None:
    rows = sqlite3.connect(":memory:").execute(
        "SELECT x'000102030405060708090a0b0c0d0e0f' UNION ALL SELECT zeroblob(16)"
    )
    assert packed(rows) == [bytes(range(16)), bytes(16)]


def test_own_ids_take_their_places_by_key_and_stand_for_those_that_are_gone() -> None:
    """At both ends, between, and before others of the same key."""
    held = {key: bytes([key]) * 16 for key in (9, 7, 5, 3)}
    values = ", ".join(f"(x'{id_.hex()}', {key})" for key, id_ in held.items())
    rows = sqlite3.connect(":memory:").execute(f"VALUES {values}")
    own = [(b"a" * 16, 10), (b"b" * 16, 5), (b"c" * 16, 4), (b"d" * 16, 1)]
    read = packed_with(rows, {held[7]}, own)
    assert list(read) == [b"a" * 16, held[9], b"b" * 16, held[5], b"c" * 16, held[3], b"d" * 16]
