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

AGENT_SAYS: list[tuple[str, wire.Message]] = [
    ("ctl", wire.Hello(1, 0, ["view"])),
    ("ctl", wire.Pause(True, "agent")),
    ("ctl", wire.End("stopped")),
    ("ctl", wire.Request(Scope.CONTROL, "to set the driver")),
    ("ctl", wire.View(800, 600, (0, 0, 1920, 1080))),
    ("ctl", wire.Retile(59, 33, 16)),
    ("ctl", wire.Claim("sas", {"same": True})),
    ("hb", wire.Ping(1, 2)),
    ("hb", wire.Pong(1, 2, 3, 4)),
    ("fb", wire.Arrival(65_535, 7, (0, None, -3, 40))),
    ("fb", wire.Shown(9, 10, 11)),
]
CUSTOMER_SAYS: list[tuple[str, wire.Message]] = [
    ("ctl", wire.Grants(2, [Scope.VIEW])),
    ("ctl", wire.Refused(Scope.CONTROL)),
    ("ctl", wire.SasResult(True)),
    ("ctl", wire.Target(1920, 1080, 1.25, "screen")),
    ("ctl", wire.Limits(600, 3600)),
    ("cur", wire.Cursor(-4, 5, True, 3, 12)),
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
        b"[" * 30_000,
        b'{"t":"end","reason":"' + b"x" * 40_000 + b'"}',
    ],
)
def test_a_malformed_control_message_is_refused(raw: bytes) -> None:
    """One word for all of it."""
    with pytest.raises(wire.Malformed):
        wire.decode("ctl", raw, Role.AGENT)


@given(st.sampled_from(sorted(wire.CHANNELS)), st.binary(max_size=64), st.sampled_from(list(Role)))
def test_no_bytes_on_any_channel_make_the_decoder_fall_over(channel: str, raw: bytes, sender: Role) -> None:
    """A message, or Malformed."""
    with contextlib.suppress(wire.Malformed):
        wire.decode(channel, raw, sender)


@given(
    st.sampled_from(["ctl", "hb", "fb", "cur", "ptr", "nonsense"]),
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
