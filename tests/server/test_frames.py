# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of the live channel: what a websocket client says is understood however it is cut, and nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from sync.server.web.frames import BINARY, CLOSE, PING, PONG, FrameError, Frames, framed


def said(payload: bytes, opcode: Opcode = Opcode.BINARY, *, fin: bool = True) -> bytes:
    """Return a frame as a client sends it."""
    return Frame(opcode, payload, fin).serialize(mask=True)


@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(1, 50), st.integers(0, 2**32))
def test_messages_come_out_as_they_were_sent_however_the_bytes_arrive(
    payloads: list[bytes], step: int, seed: int
) -> None:
    """In one piece or byte by byte, whole or in several frames with a ping between."""
    rng, stream = random.Random(seed), b""
    for payload in payloads:
        cut = rng.randint(0, len(payload))
        if rng.random() < 0.5:
            stream += said(payload)
        else:
            stream += said(payload[:cut], fin=False) + said(b"!", Opcode.PING) + said(payload[cut:], Opcode.CONT)
    reader = Frames(1000)
    out = [message for at in range(0, len(stream), step) for message in reader.feed(stream[at : at + step])]
    assert [payload for kind, payload in out if kind == BINARY] == payloads
    assert {kind for kind, _ in out} <= {BINARY, PING}


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 100_000])
def test_every_size_goes_both_ways(size: int) -> None:
    """The three ways of writing a length."""
    payload = bytes(n % 251 for n in range(size))
    assert Frames(1 << 20).feed(said(payload)) == [(BINARY, payload)]
    assert framed(BINARY, payload) == Frame(Opcode.BINARY, payload).serialize(mask=False)


def test_control_frames_are_told_apart() -> None:
    """Ping, pong and close, in one read."""
    stream = said(b"a", Opcode.PING) + said(b"b", Opcode.PONG) + said(b"\x03\xe8", Opcode.CLOSE)
    assert Frames(1000).feed(stream) == [(PING, b"a"), (PONG, b"b"), (CLOSE, b"\x03\xe8")]


FAULTS: dict[str, tuple[bytes, int]] = {
    "without a mask": (Frame(Opcode.BINARY, b"x").serialize(mask=False), 1002),
    "too long": (said(b"x" * 1001), 1009),
    "too long in pieces": (said(b"x" * 600, fin=False) + said(b"x" * 600, Opcode.CONT), 1009),
    "text": (said(b"text", Opcode.TEXT), 1003),
    "going on with nothing": (said(b"x", Opcode.CONT), 1002),
    "beginning anew in the middle": (said(b"x", fin=False) + said(b"y"), 1002),
    "a ping in pieces": (bytes([0x09, 0x80]) + b"\0" * 4, 1002),
    "a long ping": (bytes([0x89, 0xFE, 0, 126]) + b"\0" * 130, 1002),
    "an extension that nobody agreed on": (bytes([0xC2, 0x80]) + b"\0" * 4, 1002),
    "an opcode that does not exist": (bytes([0x83, 0x80]) + b"\0" * 4, 1002),
    "a length beyond all": (bytes([0x82, 0xFF]) + b"\xff" * 8, 1009),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_websocket_frame_ends_the_socket_with_the_code_that_says_why(fault: str) -> None:
    """Before a byte more than allowed is kept."""
    stream, code = FAULTS[fault]
    with pytest.raises(FrameError) as refused:
        Frames(1000).feed(stream)
    assert refused.value.code == code


@given(st.binary(max_size=400))
def test_noise_is_refused_or_waited_for_and_never_kept_without_bound(noise: bytes) -> None:
    """Nothing but FrameError comes out."""
    reader = Frames(100)
    try:
        for at in range(0, len(noise), 7):
            reader.feed(noise[at : at + 7])
    except FrameError as error:
        assert error.code in (1002, 1003, 1009)  # noqa: PT017 - either way is right
    assert len(reader._buffer) < 200
