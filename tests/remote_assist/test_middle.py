# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who stands between agent and customer with everything but their voices: the check number tells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.assist import EndReason, Phase, Scope
from app.domain.certificate import AgentCertificate, build_certificate
from app.domain.documents import SignedDocument
from remote_assist import child_protocol as child
from remote_assist.actions import SasQuestion
from remote_assist.agent_end import AgentEnd, AgentIdentity
from remote_assist.handshake import AgentHandshake, Binding, CustomerHandshake, HandshakeError
from tests.remote_assist.world import SeededBytes, World, private_key, public

_DAY_MS = 86_400_000


def middle(seed: int) -> tuple[World, World]:
    """Two whole sessions: the true agent with the middle as customer, and the middle as agent with the true customer.

    The middle is the server: it knows the join secret and holds the organisation's key, so that it certifies a device
    of its own under the agent's name.
    """
    left, right = World(), World()
    left.customer_end._random = SeededBytes(f"middle as customer {seed}")
    right.customer_end._random = SeededBytes(f"customer {seed}")
    own = private_key(f"middle {seed}")
    now = right.clock.utc_ms()
    named = AgentCertificate(
        "org-1", "c-2", "agent-7", "Kim Jiwoo", "Devices", public(own), now, now + _DAY_MS, ("view",)
    )
    certificate: SignedDocument = build_certificate(right.org_key, named)
    identity = AgentIdentity(own, certificate, public(right.org_key))
    right.agent_end = AgentEnd(identity, right.clock, random=SeededBytes(f"middle as agent {seed}"))
    right.agent.end = right.agent_end
    left.to_live()
    right.to_live()
    return left, right


@pytest.mark.parametrize("seed", range(8))
def test_a_middle_with_the_organisations_key_is_told_apart_by_the_number(seed: int) -> None:
    """It shows a picture on both sides, but what the agent reads aloud is not what the customer's end computed."""
    left, right = middle(seed)
    read_aloud, own = left.number, right.number
    assert read_aloud != own, "the two numbers agree"
    shown = right.customer.last(SasQuestion).choice.numbers
    if read_aloud in shown:
        right.do(right.customer, right.customer_end.pick_number(read_aloud))
    else:
        right.do(right.customer, right.customer_end.none_of_these())
    assert right.customer.end.view.reason is EndReason.SAS_MISMATCH


@pytest.mark.parametrize(
    "scope", [scope for scope in Scope if scope not in (Scope.VIEW, Scope.POINTER, Scope.RECORDING)]
)
def test_a_middle_gets_nothing_but_looking_before_the_number_is_confirmed(scope: Scope) -> None:
    """Control, clipboard, files and diagnostics stay off, whatever it asks and says."""
    _, right = middle(0)
    right.customer_end._book._possible = frozenset(Scope)  # whatever this version has built and the invitation names
    asks = {"t": "request", "scope": scope.value, "why": ""}
    right.do(right.customer, right.customer_end.on_child(child.Recv("ctl", asks)))
    right.do(right.agent, right.agent_end.confirm_sas_same(True))
    right.do(right.customer, right.customer_end.grant(scope))
    assert right.customer.end.view.phase is Phase.UNVERIFIED
    assert scope not in right.customer.end.view.grants, "granted although nobody compared the number"


def test_grinding_one_side_yields_nothing() -> None:
    """Who has seen the agent's values cannot look for a nonce that gives the number of the other side."""
    binding = Binding(b"i" * 32, b"s" * 16, b"d" * 32, b"k" * 32)
    wanted = "7"  # the last digit of the other side's number: one try in ten would do
    own = CustomerHandshake(binding, b"M" * 32, SeededBytes("middle"))
    agent = AgentHandshake(binding, b"A" * 32, own.commitment, SeededBytes("agent"))
    refused = 0
    for n in range(100):
        own.reveal = replace(own.reveal, nonce=n.to_bytes(32, "big"))
        if own.accept(agent.reveal).number[-1] != wanted:
            continue
        try:
            assert agent.finish(own.reveal).number[-1] != wanted, "a nonce that was looked for was taken"
        except HandshakeError:
            refused += 1
    assert refused
