# SPDX-License-Identifier: GPL-3.0-or-later
"""Every message of the sync protocol, damaged in every way: it is read, or refused with one error; nothing else."""

from __future__ import annotations

import typing
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync import protocol
from sync.protocol import FRAME_MAX_BYTES, FrameReader, ProtocolError, decode, encode, frame, inflate, unpack

QUICK = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MESSAGES = sorted(
    (
        kind
        for kind in vars(protocol).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and not kind.__name__.startswith("_")
    ),
    key=lambda kind: kind.__name__,
)
UNIONS = {"PullFrame": protocol.PullFrame, "LiveUp": protocol.LiveUp, "LiveDown": protocol.LiveDown}

numbers = st.integers(-(1 << 63), (1 << 64) - 1)
leaves = st.none() | st.booleans() | numbers | st.floats() | st.text(max_size=20) | st.binary(max_size=40)
wild = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Valid values of a field's type."""
    if kind is Any:
        return leaves.filter(lambda value: value == value)  # a float that is no number equals nothing
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return messages(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return (
            values(arguments[0]).filter(lambda value: _fits(value, kind))
            if arguments[0] is not str
            else _texts(arguments[1])
        )
    if origin is list:
        return st.lists(values(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=3)
    if origin is tuple:
        return st.tuples(*(values(argument) for argument in arguments))
    if arguments:  # a union
        return st.one_of(*(values(argument) for argument in arguments))
    simple = {int: numbers, str: st.text(max_size=20), bytes: st.binary(max_size=40), bool: st.booleans()}
    return st.none() if kind is type(None) else simple[kind]


def _texts(limits: msgspec.Meta) -> st.SearchStrategy[str]:
    least = limits.min_length or 0
    return st.text(min_size=least, max_size=min(limits.max_length or 20, least + 20))


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def messages(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Valid messages of a kind."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return st.builds(kind, **{name: values(hints[name]) for name in kind.__struct_fields__})


def taken_or_refused(raw: bytes, kind: Any) -> None:
    """The only two things that may happen."""
    with suppress(ProtocolError):
        decode(raw, kind)


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
@QUICK
@given(data=st.data())
def test_a_message_comes_back_as_it_was_and_survives_every_cut(kind: type[msgspec.Struct], data: st.DataObject) -> None:
    """Encoding and decoding are inverse; each prefix is refused, bytes after the end too."""
    message = data.draw(messages(kind))
    raw = encode(message)
    assert decode(raw, kind) == message
    for end in {0, 1, len(raw) // 2, len(raw) - 1, data.draw(st.integers(0, len(raw) - 1))}:
        with pytest.raises(ProtocolError):
            decode(raw[:end], kind)
    with pytest.raises(ProtocolError):
        decode(raw + b"\x00", kind)


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
@QUICK
@given(data=st.data())
def test_wrong_types_unknown_fields_and_flipped_bytes_are_taken_or_refused(
    kind: type[msgspec.Struct], data: st.DataObject
) -> None:
    """A field of another type, one too many, one too few, one byte changed: no other exception."""
    raw = encode(data.draw(messages(kind)))
    plain = msgspec.msgpack.decode(raw)
    if isinstance(plain, dict) and plain:
        name = data.draw(st.sampled_from(sorted(plain)))
        taken_or_refused(encode({**plain, name: data.draw(wild)}), kind)
        taken_or_refused(encode({key: value for key, value in plain.items() if key != name}), kind)
        assert decode(encode({**plain, "of a newer version": data.draw(wild)}), kind) is not None
    place = data.draw(st.integers(0, len(raw) - 1))
    taken_or_refused(raw[:place] + bytes([raw[place] ^ data.draw(st.integers(1, 255))]) + raw[place + 1 :], kind)


@pytest.mark.parametrize("name", UNIONS)
@QUICK
@given(raw=st.binary(max_size=200) | wild.map(encode))
def test_anything_at_all_is_taken_or_refused(name: str, raw: bytes) -> None:
    """Bytes that never were a message, for every place where one of several kinds is awaited."""
    taken_or_refused(raw, UNIONS[name])
    for kind in (protocol.Push, protocol.Pull, protocol.Hello):
        taken_or_refused(raw, kind)


@QUICK
@given(data=st.data(), step=st.integers(1, 50))
def test_frames_cut_anywhere_come_out_whole(data: st.DataObject, step: int) -> None:
    """A stream in pieces of any size gives the same frames; what is left over is told."""
    sent = data.draw(st.lists(messages(protocol.Mark) | messages(protocol.SnapEnd), max_size=4))
    raw = b"".join(frame(message) for message in sent)
    cut = data.draw(st.integers(0, len(raw)))
    reader, got = FrameReader(), []
    for start in range(0, cut, step):
        got += list(reader.feed(raw[start : min(start + step, cut)]))
    assert got == sent[: len(got)]
    assert (reader.rest == 0) == (raw[:cut] == b"".join(frame(message) for message in got))


@QUICK
@given(raw=st.binary(max_size=300))
def test_bytes_that_are_no_frames_or_not_compressed_end_in_one_error(raw: bytes) -> None:
    """Neither reader loops, hangs or raises anything else."""
    for work in (lambda: list(FrameReader().feed(raw)), lambda: unpack(raw, protocol.Push), lambda: inflate(raw)):
        with suppress(ProtocolError):
            work()


def test_oversized_messages_are_refused_before_they_are_held() -> None:
    """A frame that claims gigabytes, a few bytes that unfold to gigabytes, an array that claims billions of items."""
    import zstandard

    with pytest.raises(ProtocolError, match="too_large"):
        list(FrameReader().feed((4 * FRAME_MAX_BYTES + 1).to_bytes(4, "big")))
    bomb = zstandard.ZstdCompressor().compress(bytes(64 << 20))
    with pytest.raises(ProtocolError, match="too_large"):
        inflate(bomb, 1 << 20)
    for claim in (b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff"):
        with pytest.raises(ProtocolError):
            decode(claim, protocol.Push)
    deep = b"\x81\xa1a" * 100_000 + b"\x00"
    for kind in (protocol.Push, protocol.PullFrame, protocol.Result):
        with pytest.raises(ProtocolError):
            decode(deep, kind)
