# SPDX-License-Identifier: GPL-3.0-or-later
"""An agent's program that sends anything at all over a real connection: the customer's child hands up nothing of it."""

from __future__ import annotations

import random

import pytest

from remote_assist import messages as wire
from remote_assist.child_protocol import Recv, Send
from remote_assist.messages import CHANNELS
from tests.bench._ours import Stub
from tests.fakes.wait import wait_until
from tests.remote_assist.test_peer_children import NO_DISPLAY, grant, two_children

ROUNDS = 400
# `ctl` ends a session with its first wrong message and has its own test; of the rest every channel that a scope guards
GUARDED = sorted(name for name, channel in CHANNELS.items() if channel.scope is not None and name != "ctl")


def noise(chance: random.Random, channel: str) -> bytes:
    """Bytes that begin like messages of some channel, of this one most of all."""
    kinds = {"ptr": 0x30, "inp": 0x40, "tile": 0x50, "file": 0x60, "clip": 0x70, "diag": 0x80}
    first = bytes([(kinds.get(channel, chance.randrange(256)) + chance.choice((0, 0, 0, 1, 3))) % 256])
    if channel == "ann" or chance.random() < 0.1:
        return chance.choice([b'{"t":"clear"}', b'{"t":"add","id":1}', b"{}", b"[[[[", b"null"])
    return first + chance.randbytes(chance.choice((0, 5, 8, 16, 22, 40, 300, 16_000)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_no_noise_on_any_channel_passes_the_child_without_a_grant(seed: int) -> None:
    """Each is dropped and named; the picture goes on, and what is granted afterwards still arrives."""
    chance = random.Random(seed)  # a picture of noise, not a secret
    with two_children(NO_DISPLAY, "drawn") as (customer, agent):
        grant(customer, "view")
        agent.want_frame()
        for _ in range(ROUNDS):
            channel = chance.choice(GUARDED)
            agent.link.send(Send(channel, noise(chance, channel)))
        heard = handed_up_until_ping(customer, agent)
        assert [message for message in heard if message.channel in GUARDED] == []
        assert {fault.code for fault in customer.faults} <= {"violation", "malformed"}
        assert any(fault.code == "violation" for fault in customer.faults)
        agent.want_frame()


def handed_up_until_ping(customer: Stub, agent: Stub) -> list[Recv]:
    """Say something harmless behind all of it and return what was handed up before that arrived."""
    agent.link.send(Send("ctl", wire.encode(wire.View(321, 123))))
    heard: list[Recv] = []

    def arrived() -> bool:
        while not customer.inbox.empty():
            message = customer.inbox.get()
            if isinstance(message, Recv):
                heard.append(message)
        return any(message.channel == "ctl" and message.message.get("w") == 321 for message in heard)

    wait_until(arrived)
    return heard
