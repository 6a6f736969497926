# SPDX-License-Identifier: GPL-3.0-or-later
"""Chunks of files and diagnostics on the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_assist.bulk import (
    CLIP,
    CLIP_PARTS_MAX,
    DIAG,
    FILE,
    MAX_CLIP_DATA_BYTES,
    MAX_DATA_BYTES,
    MAX_ID,
    MAX_MESSAGE_BYTES,
    Chunk,
    decode,
    decode_part,
    encode,
    encode_part,
)
from remote_assist.messages import Malformed

IDS = st.integers(0, MAX_ID)
OFFSETS = st.integers(0, (1 << 40) - MAX_DATA_BYTES)


def test_the_form_is_the_one_written_down() -> None:
    """Type, number, offset, data; big endian."""
    assert encode(FILE, Chunk(1, 2, b"ab")) == b"\x60\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02ab"
    assert len(encode(DIAG, Chunk(MAX_ID, 0, bytes(MAX_DATA_BYTES)))) == MAX_MESSAGE_BYTES == 16_384


@given(st.sampled_from([FILE, DIAG]), IDS, OFFSETS, st.binary(min_size=1, max_size=64))
def test_what_is_written_is_read(kind: int, id_: int, offset: int, data: bytes) -> None:
    """On either channel."""
    assert decode(kind, encode(kind, Chunk(id_, offset, data))) == Chunk(id_, offset, data)


@given(st.binary(max_size=40), st.booleans())
def test_any_bytes_are_a_chunk_or_malformed_and_nothing_else(raw: bytes, right_type: bool) -> None:
    """A hostile peer reaches no other error; what was taken is written back the same."""
    raw = bytes([FILE]) + raw if right_type else raw
    try:
        chunk = decode(FILE, raw)
    except Malformed:
        return
    assert encode(FILE, chunk) == raw


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes([FILE]),
        bytes([FILE]) + bytes(12),  # no data
        bytes([DIAG]) + bytes(13),  # the other channel
        bytes([FILE]) + bytes(MAX_MESSAGE_BYTES),
        bytes([FILE]) + bytes(4) + b"\xff" * 8 + b"x",
        bytes([FILE]) + bytes(4) + b"\x00\x00\x01\x00\x00\x00\x00\x00" + b"x",
    ],
)
def test_what_breaks_a_limit_is_malformed(raw: bytes) -> None:
    """Too short, too long, of another type, or beyond any file."""
    with pytest.raises(Malformed):
        decode(FILE, raw)


@pytest.mark.parametrize(
    "chunk",
    [
        Chunk(-1, 0, b"x"),
        Chunk(MAX_ID + 1, 0, b"x"),
        Chunk(0, -1, b"x"),
        Chunk(0, 1 << 40, b"x"),
        Chunk(0, 0, b""),
        Chunk(0, 0, bytes(MAX_DATA_BYTES + 1)),
    ],
)
def test_nothing_is_written_that_nobody_would_read(chunk: Chunk) -> None:
    """The own side keeps the rules it asks of others."""
    with pytest.raises(ValueError, match=r"id|length"):
        encode(FILE, chunk)


def test_a_part_of_a_text_has_the_form_written_down() -> None:
    """Type, number, count, data; the longest text is 65 parts."""
    assert encode_part(1, 2, b"ab") == b"\x70\x00\x01\x00\x02ab"
    assert len(encode_part(0, 1, bytes(MAX_CLIP_DATA_BYTES))) == MAX_MESSAGE_BYTES
    assert CLIP_PARTS_MAX == 65
    for part, of, data in [(1, 1, b"x"), (-1, 1, b"x"), (0, 66, b"x"), (0, 1, b""), (0, 1, bytes(MAX_MESSAGE_BYTES))]:
        with pytest.raises(ValueError, match=r"part|length"):
            encode_part(part, of, data)


@given(st.binary(max_size=40), st.booleans())
def test_any_bytes_are_a_part_or_malformed_and_nothing_else(raw: bytes, right_type: bool) -> None:
    """As with chunks."""
    raw = bytes([CLIP]) + raw if right_type else raw
    try:
        part, of, data = decode_part(raw)
    except Malformed:
        return
    assert encode_part(part, of, data) == raw
