# SPDX-License-Identifier: GPL-3.0-or-later
"""What policy of either organisation forbids is never asked, and a request for it is a no at once, said as such."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.domain.assist import AskState, EndReason, EntryType, Notice, Phase, Scope, ScopeAsk
from app.domain.documents import SignedDocument
from app.domain.masking import MaskRule
from app.domain.session_facts import session_facts
from remote_assist import child_protocol as child
from remote_assist.actions import Alarm, AskScope, ChainEntry, Notify, Receipt, ShowPrompt, StartChild, ToChild
from remote_assist.chain import verify_receipt
from remote_assist.customer_end import CustomerEnd
from remote_assist.file_actions import AskFile
from remote_assist.grants import BUILT_SCOPES
from remote_assist.limits import Limits
from remote_assist.texts import entry_text
from tests.remote_assist.world import SeededBytes, World

NEVER = frozenset({Scope.CONTROL, Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT})
BEYOND = [scope for scope in BUILT_SCOPES if scope is not Scope.VIEW]


def customers(forbidden: frozenset[Scope] = NEVER) -> World:
    """A session in which policy of the customer's computer forbids something."""
    world = World()
    identity = replace(world.customer_end._identity, forbidden=forbidden)
    world.customer_end = CustomerEnd(identity, world.clock, world.checker, random=SeededBytes("customer"))
    world.customer.end = world.customer_end
    world.to_verified()
    return world


def agents(forbidden: frozenset[Scope] = NEVER) -> World:
    """A session in which policy of the agent's computer forbids something."""
    world = World()
    world.invite(forbidden=forbidden)
    world.open()
    world.choose()
    world.allow()
    world.do(world.customer, world.customer_end.pick_number(world.number))
    world.do(world.agent, world.agent_end.confirm_sas_same(True))
    return world


def ask(world: World, scope: Scope) -> ScopeAsk:
    return next(ask for ask in world.agent.end.view.asks if ask.scope is scope)


def say(world: World, message: dict[str, object]) -> None:
    """What an agent's program without manners sends."""
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", message)))


@pytest.mark.parametrize(("begin", "by"), [(customers, "customer"), (agents, "agent")])
def test_the_agent_sees_what_is_forbidden_and_by_whom_and_can_ask_for_the_rest(
    begin: Callable[[], World], by: str
) -> None:
    """Without asking: it stands there from the first picture on."""
    world = begin()
    assert {ask.scope for ask in world.agent.end.view.asks if ask.state is AskState.FORBIDDEN} == NEVER
    assert {ask.by for ask in world.agent.end.view.asks if ask.scope in NEVER} == {by}
    assert ask(world, Scope.RECORDING) == ScopeAsk(Scope.RECORDING, AskState.POSSIBLE)
    for scope in NEVER:
        assert world.agent_end.request(scope) == []
    world.do(world.agent, world.agent_end.request(Scope.RECORDING))
    assert [action.scope for action in world.customer.of(AskScope)] == [Scope.RECORDING]


@pytest.mark.parametrize("scope", BEYOND)
def test_a_request_for_what_is_forbidden_bothers_nobody_and_stands_in_the_record_as_policy(scope: Scope) -> None:
    """The entry comes before the answer; both ends are told that it was policy, and no click can give it."""
    world = customers(frozenset({scope}))
    say(world, {"t": "request", "scope": scope.value})
    assert not world.customer.of(AskScope)
    assert world.customer.last(Notify) == world.agent.last(Notify) == Notify(Notice.FORBIDDEN, scope.value)
    entry = world.customer.last(ChainEntry)
    data = json.loads(SignedDocument.from_text(entry.text).document)["data"]
    assert (entry.type, data) == ("refusal", {"scope": scope.value, "policy": True})
    assert session_facts(entry.text) == {"by": "system", "scopes": [scope.value], "policy": True}
    world.do(world.customer, world.customer_end.grant(scope))
    assert world.customer.end.view.grants == world.agent.end.view.grants == (Scope.VIEW,)


def test_a_file_for_the_customer_is_not_even_named_where_policy_forbids_files() -> None:
    """Its offer is its question: refused at once, too."""
    world = customers()
    say(world, {"t": "fileoffer", "id": 2, "name": "driver.zip", "size": 9, "sha256": "a" * 64})
    assert not world.customer.of(AskFile)
    assert world.customer.entries()[-2:] == ["file", "refusal"]
    assert world.agent.last(Notify) == Notify(Notice.FORBIDDEN, Scope.FILES_TO_CUSTOMER.value)


def test_what_the_agents_policy_forbids_is_not_in_the_invitation_so_that_no_change_of_mind_gives_it() -> None:
    """The customer's end refuses it whatever the agent's program says later."""
    world = agents()
    say(world, {"t": "request", "scope": "control"})
    assert not world.customer.of(AskScope)
    assert world.customer.entries()[-1] == "refusal"
    world.do(world.customer, world.customer_end.grant(Scope.CONTROL))
    assert world.customer.end.view.grants == (Scope.VIEW,)


def test_the_customer_reads_before_the_yes_what_nobody_can_ask_for() -> None:
    """In the order in which people read it."""
    assert customers().customer.last(ShowPrompt).prompt.forbidden == tuple(scope for scope in Scope if scope in NEVER)
    assert agents().customer.last(ShowPrompt).prompt.forbidden == ()


def test_who_goes_on_asking_for_what_is_forbidden_breaks_the_rules() -> None:
    """As with every other request that is impossible."""
    world = customers()
    for _ in range(13):
        say(world, {"t": "request", "scope": "control"})
    assert world.customer.end.view.reason is not None
    assert world.customer.end.view.reason.value == "protocol"


def test_words_for_a_reader_of_the_record_name_the_policy() -> None:
    """A no of a person and a no of policy are not the same."""
    text = entry_text(EntryType.REFUSAL, "system", {"scope": "control", "policy": True})
    assert text == "Forbidden by policy of the customer's organisation: Mouse and keyboard"
    assert "policy" not in entry_text(EntryType.REFUSAL, "customer", {"scope": "control"})


# --- no sharing at all, shorter sessions, windows that are always kept back ------------------------------------------


def under(limits: Limits | None = None, **rules: object) -> World:
    """A customer's computer with these rules of its organisation; nothing has happened yet."""
    world = World()
    identity = replace(world.customer_end._identity, **rules)  # type: ignore[arg-type]  # fields of each test
    world.customer_end = CustomerEnd(
        identity, world.clock, world.checker, random=SeededBytes("customer"), limits=limits
    )
    world.customer.end = world.customer_end
    return world


def test_where_policy_allows_no_sharing_nobody_is_asked_nothing_starts_and_both_know_why() -> None:
    """The agent reads whose rule it is; the record says that no person said no."""
    world = under(shares=False)
    world.invite()
    world.open()
    assert not world.customer.of(ShowPrompt)
    assert not world.customer.of(StartChild)
    for side in (world.customer, world.agent):
        assert (side.end.view.phase, side.end.view.reason) == (Phase.ENDED, EndReason.FORBIDDEN)
    assert world.customer.entries() == ["joined", "refusal", "end"]
    refusal = next(entry for entry in world.customer.of(ChainEntry) if entry.type == "refusal")
    facts = session_facts(refusal.text)
    assert (facts["policy"], facts["scopes"]) == (True, ["view"])
    assert world.customer.last(Alarm).code == "forbidden"
    assert verify_receipt(world.customer.last(Receipt).data).ok


def test_a_shorter_session_of_policy_is_in_the_request_ends_both_ends_and_is_told_to_the_agent() -> None:
    """Twenty minutes after the yes, though somebody worked until then."""
    world = under(Limits(hard_ms=20 * 60_000))
    world.to_verified()
    assert world.customer.last(ShowPrompt).prompt.hard_limit_s == 1200
    assert Notify(Notice.SHORTER, "20") in world.agent.of(Notify)
    for _ in range(4):
        world.pass_time(4 * 60_000, step_ms=5_000)
        world.do(world.agent, world.agent_end.note_activity())
    assert world.agent_end.view.live
    world.pass_time(4 * 60_000 + 1_000, step_ms=5_000)
    assert {side.end.view.reason for side in (world.agent, world.customer)} == {EndReason.LIMIT}


def test_windows_of_policy_are_kept_back_from_the_first_picture_and_the_customer_can_only_add() -> None:
    """Not the customer's own list decides about them."""
    payroll, mail = MaskRule("payroll", pause=True), MaskRule("mail")
    world = under(rules=(payroll,))
    world.to_prompt()
    world.choose()
    assert world.customer.last(ShowPrompt).prompt.hidden == ("payroll",)
    told = [action.message for action in world.customer.of(ToChild)]
    first = next(n for n, message in enumerate(told) if isinstance(message, child.Source))
    assert any(isinstance(message, child.Masks) and payroll in message.rules for message in told[:first])
    world.do(world.customer, world.customer_end.set_rules([MaskRule("payroll"), mail]))
    assert list(world.customer_end.masks.rules) == [payroll, mail]
    world.do(world.customer, world.customer_end.set_rules([]))
    assert list(world.customer_end.masks.rules) == [payroll]
