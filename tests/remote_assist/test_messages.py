# SPDX-License-Identifier: GPL-3.0-or-later
"""Data-channel messages: typed, bounded, from the right end."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.assist import Role, Scope
from remote_assist import messages as wire
from remote_assist.input_messages import InpButton, InpKey, InpMove, InpText, InpWheel

SHA256 = "0f" * 32
BOTH_SAY: list[tuple[str, wire.Message]] = [
    ("ctl", wire.FileOffer(1, "보고서.pdf", 200_000_000, SHA256)),
    ("ctl", wire.FileAccept(1, 16_384)),
    ("ctl", wire.FileEnd(1, False)),
    ("ctl", wire.Chat(1, "안녕하세요\n" + "가" * 3_990)),
    ("ctl", wire.ChatGot(7)),
    ("file", wire.FilePart(0xFFFF_FFFF, 1 << 39, b"x" * 16_371)),
    ("clip", wire.ClipPart(64, 65, b"x" * 16_379)),
]
AGENT_SAYS: list[tuple[str, wire.Message]] = [
    ("ctl", wire.Hello(1, 0, ["view"])),
    ("ctl", wire.Pause(True, "agent")),
    ("ctl", wire.End("stopped")),
    ("ctl", wire.Request(Scope.CONTROL, "to set the driver")),
    ("ctl", wire.View(800, 600, (0, 0, 1920, 1080))),
    ("ctl", wire.Retile(59, 33, 16)),
    ("ctl", wire.Claim("sas", {"same": True})),
    *BOTH_SAY,
    ("ctl", wire.Clip("to_customer", 65)),
    ("hb", wire.Ping(1, 2)),
    ("hb", wire.Pong(1, 2, 3, 4)),
    ("fb", wire.Arrival(65_535, 7, (0, None, -3, 40))),
    ("fb", wire.Shown(9, 10, 11)),
    ("inp", InpMove(1, 0xFFFF_FFFF, 0, 65_535)),
    ("inp", InpButton(2, 7, 1, 2, 3, True)),
    ("inp", InpWheel(3, 7, 1, 2, -16, 16)),
    ("inp", InpKey(4, 7, 0x04, "ㅁ", True)),
    ("inp", InpKey(5, 7, 0xE0, "", False)),
    ("inp", InpText(6, 7, "한글과 漢字")),
]
CUSTOMER_SAYS: list[tuple[str, wire.Message]] = [
    ("ctl", wire.Grants(2, [Scope.VIEW])),
    ("ctl", wire.Refused(Scope.CONTROL)),
    ("ctl", wire.SasResult(True)),
    ("ctl", wire.Target(1920, 1080, 1.25, "screen")),
    ("ctl", wire.Limits(600, 3600)),
    ("cur", wire.Cursor(-4, 5, True, 3, 12)),
    ("ctl", wire.Clip("to_agent", 1)),
    ("ctl", wire.DiagOffer(3, ["os", "disks"], 2 << 20, SHA256)),
    ("diag", wire.DiagPart(3, 0, b"{}")),
]


@pytest.mark.parametrize(("channel", "message"), AGENT_SAYS)
def test_what_the_agent_says_arrives_as_it_left(channel: str, message: wire.Message) -> None:
    """As bytes, and again as the dict a child hands up."""
    assert wire.decode(channel, wire.encode(message), Role.AGENT) == message
    assert wire.typed(channel, msgspec.to_builtins(message), Role.AGENT) == message


@pytest.mark.parametrize(("channel", "message"), CUSTOMER_SAYS)
def test_what_the_customer_says_arrives_as_it_left_and_not_from_the_agent(channel: str, message: wire.Message) -> None:
    """Grants and their like come from one end only."""
    assert wire.decode(channel, wire.encode(message), Role.CUSTOMER) == message
    with pytest.raises(wire.Malformed):
        wire.decode(channel, wire.encode(message), Role.AGENT)
    with pytest.raises(wire.Malformed):
        wire.typed(channel, msgspec.to_builtins(message), Role.AGENT)


@pytest.mark.parametrize(("channel", "message"), BOTH_SAY)
def test_what_either_end_may_say_is_taken_from_the_customer_too(channel: str, message: wire.Message) -> None:
    """Files and chat go both ways."""
    assert wire.decode(channel, wire.encode(message), Role.CUSTOMER) == message


@pytest.mark.parametrize("sender", list(Role))
def test_a_text_goes_only_in_the_direction_of_its_sender(sender: Role) -> None:
    """Nobody offers a text for the own clipboard: that would be asking for a grant of the other direction."""
    wrong = "to_customer" if sender is Role.CUSTOMER else "to_agent"
    with pytest.raises(wire.Malformed):
        wire.decode("ctl", b'{"t":"clip","dir":"%s","parts":1}' % wrong.encode(), sender)


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        ("clip", {"t": "clip_part", "part": 1, "of": 1, "data": b"x"}),
        ("clip", {"t": "clip_part", "part": 0, "of": 66, "data": b"x"}),
        ("clip", {"t": "clip_part", "part": 0, "of": 1, "data": b""}),
        ("clip", {"t": "clip_part", "part": 0, "of": 1, "data": bytes(16_380)}),
        ("file", {"t": "file_part", "id": 1, "offset": 1 << 40, "data": b"x"}),
        ("file", {"t": "file_part", "id": 1, "offset": 0, "data": bytes(16_372)}),
        ("file", {"t": "diag_part", "id": 1, "offset": 0, "data": b"x"}),
        ("ctl", {"t": "fileoffer", "id": 1, "name": "", "size": 1, "sha256": SHA256}),
        ("ctl", {"t": "fileoffer", "id": 1, "name": "a", "size": -1, "sha256": SHA256}),
        ("ctl", {"t": "fileoffer", "id": 1, "name": "a", "size": 1, "sha256": SHA256.upper()}),
        ("ctl", {"t": "clip", "dir": "both", "parts": 1}),
        ("ctl", {"t": "clip", "dir": "to_customer", "parts": 0}),
        ("ctl", {"t": "clip", "dir": "to_customer", "parts": 66}),
        ("ctl", {"t": "chat", "n": 1, "text": ""}),
        ("ctl", {"t": "chat", "n": 0, "text": "x"}),
        ("ctl", {"t": "chat", "n": 1, "text": "x" * 4_001}),
    ],
)
def test_pieces_and_offers_outside_their_limits_are_refused_by_the_window_too(channel: str, message: Any) -> None:
    """Too long, too many, empty, or on the wrong channel."""
    with pytest.raises(wire.Malformed):
        wire.typed(channel, message, Role.AGENT)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b'{"t":"hello"}',
        b'{"t":"hello","proto":1,"epoch":-1}',
        b'{"t":"hello","proto":1,"epoch":0,"more":1}',
        b'{"t":"view","w":99999,"h":1}',
        b'{"t":"view","w":1,"h":1,"src_rect":[1,2,3]}',
        b'{"t":"unheard-of"}',
        b'{"t":"request","scope":"everything"}',
        b'{"t":"claim","type":"sas","data":{"same":[1]}}',
        b'{"t":"chat","n":1,"text":"\\ud800"}',
        b'{"t":"chat","n":1,"text":"\xed\xa0\x80"}',
        b'{"t":"diagoffer","id":1,"names":[],"size":0,"sha256":"' + SHA256.encode() + b'"}',
        b"[" * 30_000,
        b'{"t":"end","reason":"' + b"x" * 40_000 + b'"}',
    ],
)
def test_a_malformed_control_message_is_refused(raw: bytes) -> None:
    """One word for all of it."""
    with pytest.raises(wire.Malformed):
        wire.decode("ctl", raw, Role.AGENT)


# anything, and more often what begins like a piece of a text, a file or a bundle
BYTES = st.binary(max_size=64) | st.builds(
    lambda kind, rest: bytes([kind]) + rest, st.sampled_from([0x60, 0x70, 0x80]), st.binary(max_size=40)
)


@given(st.sampled_from(sorted(wire.CHANNELS)), BYTES, st.sampled_from(list(Role)))
def test_no_bytes_on_any_channel_make_the_decoder_fall_over(channel: str, raw: bytes, sender: Role) -> None:
    """A message, or Malformed."""
    with contextlib.suppress(wire.Malformed):
        wire.decode(channel, raw, sender)


@given(
    st.sampled_from(["ctl", "hb", "fb", "cur", "ptr", "file", "clip", "diag", "nonsense"]),
    st.recursive(
        st.dictionaries(st.sampled_from(["t", "on", "by", "set", "seq", "w", "h"]), st.text(max_size=8)),
        lambda inner: st.dictionaries(st.text(max_size=4), inner, max_size=3),
    ),
    st.sampled_from(list(Role)),
)
def test_no_dict_of_a_child_makes_the_window_fall_over(channel: str, message: dict[str, Any], sender: Role) -> None:
    """The window does not trust its child."""
    with contextlib.suppress(wire.Malformed):
        wire.typed(channel, message, sender)


def test_too_many_arrivals_are_refused() -> None:
    """500 a message."""
    raw = wire.encode(wire.Arrival(0, 0, tuple([1] * 501)))
    with pytest.raises(wire.Malformed):
        wire.decode("fb", raw, Role.AGENT)
