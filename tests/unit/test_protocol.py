# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire refuses what it does not know and hashes the same everywhere."""

from __future__ import annotations

import contextlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from app.domain.changes import TicketSet
from app.domain.ids import uuid7
from sync import protocol as p

ID = uuid7(1, bytes(10))


def test_a_change_survives_the_wire_byte_for_byte() -> None:
    """Arguments decode to an equal change, and the same change always encodes alike."""
    change = TicketSet(ID, ID, {"priority": 2, "owner": None, "state": ID})
    again = TicketSet(ID, ID, {"state": ID, "owner": None, "priority": 2})
    name, v, raw = p.encode_args(change)
    assert p.decode_args(name, v, raw) == change
    assert p.encode_args(again)[2] == raw


def test_an_unknown_mutation_is_named() -> None:
    """An older server says so instead of guessing."""
    with pytest.raises(p.ProtocolError) as caught:
        p.decode_args("ticket.teleport", 1, b"")
    assert caught.value.code == "unknown_mutation"


def test_a_bomb_is_refused_before_it_fills_memory() -> None:
    """A body that inflates past the limit ends in too_large."""
    bomb = zstandard.ZstdCompressor().compress(bytes(64 << 20))
    with pytest.raises(p.ProtocolError) as caught:
        p.inflate(bomb, 1 << 20)
    assert caught.value.code == "too_large"


@given(st.binary(max_size=300))
def test_garbage_is_malformed_and_nothing_else(raw: bytes) -> None:
    """Any bytes either decode or raise ProtocolError."""
    for kind in (p.Push, p.Pull, p.Hello, p.LiveUp):
        with contextlib.suppress(p.ProtocolError):
            p.decode(raw, kind)
    with contextlib.suppress(p.ProtocolError):
        p.unpack(raw, p.Push)


@given(st.lists(st.binary(min_size=1, max_size=40)), st.integers(1, 7))
def test_frames_come_out_whole_however_they_are_cut(items: list[bytes], step: int) -> None:
    """A reader fed in pieces yields the same frames."""
    frames = [p.Finish(snap=item) for item in items]
    stream = b"".join(p.frame(f) for f in frames)
    reader = p.FrameReader()
    out = [f for i in range(0, len(stream), step) for f in reader.feed(stream[i : i + step])]
    assert out == frames
    assert reader.rest == 0


@given(st.lists(st.tuples(st.integers(0, 60000), st.binary(min_size=16, max_size=16), st.integers(0, 2**62))))
def test_row_sums_do_not_depend_on_order_and_undo(rows: list[tuple[int, bytes, int]]) -> None:
    """xsum is a sum modulo 2^64 that fits a signed bigint."""
    total = 0
    for row in rows:
        total = p.add_sum(total, p.row_hash(*row))
    back = 0
    for row in reversed(rows):
        back = p.add_sum(back, p.row_hash(*row))
    assert total == back
    assert -(2**63) <= total < 2**63
    for row in rows:
        total = p.add_sum(total, -p.row_hash(*row))
    assert total == 0
