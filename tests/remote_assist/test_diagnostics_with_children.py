# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle of diagnostics over a real connection: two session children, one of which dies under it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.domain.assist import Scope
from remote_assist import child_protocol as child
from remote_assist.actions import (
    AskScope,
    CollectDiagnostics,
    DiagnosticsArrived,
    DiagnosticsSettled,
    DiagnosticsStep,
    ToChild,
)
from remote_assist.diagnostics import Bundle, Draft, Item, Section, State, fitted
from tests.remote_assist.test_pair_with_children import Pair


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Both ends with their children."""
    made = Pair()
    yield made
    made.close()


def large() -> Bundle:
    """A computer in trouble."""
    errors = tuple(Item(f"event:{number}", "no space left on device " * 20) for number in range(200))
    return fitted("2026-11-22T23:00:00Z", "linux", (Section("events", State.OK, errors),))


@pytest.mark.slow
@pytest.mark.ux("UX-36")
def test_a_bundle_crosses_a_real_connection_also_when_the_sending_child_dies_under_it(pair: Pair) -> None:
    """Sent again from the beginning on the next connection; the agent gets the bytes that were shown, once."""
    world, draft = pair.world, Draft(large()).strike("events", 7)
    pair.to_verified()
    pair.perform(world.agent, world.agent_end.request(Scope.DIAGNOSTICS))
    pair.until(lambda: world.customer.of(AskScope))
    pair.perform(world.customer, world.customer_end.grant(Scope.DIAGNOSTICS))
    assert world.customer.of(CollectDiagnostics)
    pair.until(lambda: Scope.DIAGNOSTICS in world.agent_end.view.grants and world.customer_end.view.flowing)
    pair.perform(world.customer, world.customer_end.send_diagnostics(draft.confirm(draft.payload)))
    pair.links["customer"].kill()
    pair.until(lambda: world.agent.of(DiagnosticsArrived))
    pair.until(lambda: world.customer.last(DiagnosticsSettled).step is DiagnosticsStep.ARRIVED)
    came = world.agent.of(DiagnosticsArrived)
    assert [each.payload for each in came] == [draft.payload]
    assert len(draft.payload) > 100_000
    assert "reconnect" in world.customer.entries()
    assert world.customer.entries().count("diagnostics") == 2
    told = [action.message for action in world.customer.of(ToChild)]
    assert {message.channel for message in told if isinstance(message, child.Send)} >= {"ctl", "diag"}
