# SPDX-License-Identifier: GPL-3.0-or-later
"""A session from the agent's click to the receipt, between two ends in memory; and every way it can end."""

from __future__ import annotations

import json

import pytest

from app.domain.assist import EndReason, Notice, Phase, ProofKind, Question, Scope
from app.domain.links import parse_invite
from remote_assist import child_protocol as child
from remote_assist.actions import (
    Alarm,
    AskQuestion,
    CallServer,
    ChainEntry,
    CustomerJoined,
    GrantsChanged,
    InvitationReady,
    KillChild,
    Notify,
    PhaseChanged,
    Receipt,
    RemoteTarget,
    SasNumber,
    SasQuestion,
    SendEnvelope,
    StartChild,
    TargetsListed,
    ToChild,
)
from remote_assist.chain import Entry, verify_receipt
from tests.remote_assist.world import SCREEN, WINDOW, FakeChild, Side, World


def ended(world: World) -> tuple[EndReason | None, EndReason | None]:
    assert world.phases() == (Phase.ENDED, Phase.ENDED)
    return world.agent.end.view.reason, world.customer.end.view.reason


def child_of(side: Side) -> FakeChild:
    assert side.child is not None
    return side.child


def test_the_whole_journey_from_ticket_to_countersigned_receipt() -> None:
    """Invite, open, choose, allow, look, confirm the number, stop: both ends see the same, step by step."""
    world = World()
    world.invite()
    ready = world.agent.last(InvitationReady)
    assert (ready.code, ready.pushed) == ("012345678", True)
    assert parse_invite(ready.link).join_secret == world.invitation[1]
    world.open()
    assert world.phases() == (Phase.PROMPTED, Phase.PROMPTED)
    assert world.agent.last(CustomerJoined).proof is ProofKind.DEVICE
    assert [t.title for t in world.customer.last(TargetsListed).targets] == ["Screen 1", "Printer settings"]
    world.choose(WINDOW)
    assert not child_of(world.agent).epochs
    world.allow()
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)
    assert child_of(world.customer).sending
    assert world.agent.last(RemoteTarget) == RemoteTarget(640, 480, 1.0, "window")
    assert world.agent.end.view.grants == world.customer.end.view.grants == (Scope.VIEW,)
    choice = world.customer.last(SasQuestion).choice
    assert world.number in choice.numbers
    world.do(world.customer, world.customer_end.pick_number(world.number))
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)
    world.do(world.agent, world.agent_end.confirm_sas_same(True))
    assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)
    assert world.customer.last(SasNumber).number == world.number
    world.pass_time(60_000)
    world.do(world.customer, world.customer_end.stop())
    assert ended(world) == (EndReason.STOPPED, EndReason.STOPPED)
    assert world.agent.end.view.by == "customer"
    kinds = ["joined", "prompted", "consent", "grant", "sas", "end"]
    assert world.customer.entries() == world.agent.entries() == kinds
    assert world.customer.last(Receipt).countersigned
    report = verify_receipt(world.customer.last(Receipt).data, world.pin.org_key)
    assert report.ok
    assert report.entries[-1].data["duration_ms"] == 60_000


def test_the_title_of_a_shared_window_never_leaves_the_customers_computer() -> None:
    """Titles hold names of documents and people."""
    world = World()
    world.to_prompt()
    world.choose(WINDOW)
    world.allow()
    world.do(world.customer, world.customer_end.stop())
    said = [a.message.data for a in world.customer.of(ToChild) if isinstance(a.message, child.Send)]
    sent = b"".join([*(data for _, data in world.wire), *said, world.customer.last(Receipt).data])
    assert b"target" in sent
    assert b"Printer settings" not in sent
    assert all("Printer settings" not in entry.text for entry in world.customer.of(ChainEntry))


def test_the_record_of_consent_is_written_before_anything_is_done_about_it() -> None:
    """Entry first, act second."""
    world = World()
    world.to_prompt()
    world.choose()
    actions = world.customer_end.allow()
    kinds = [type(a) for a in actions]
    assert kinds.index(ChainEntry) < kinds.index(SendEnvelope) < kinds.index(CallServer)
    assert not any(isinstance(a, ToChild) and isinstance(a.message, child.Open) for a in actions)


def test_no_picture_is_granted_before_its_grant_is_recorded() -> None:
    """The child hears `view` only after the entry."""
    world = World()
    world.to_live()
    order = [a for a in world.customer.actions if isinstance(a, ChainEntry | ToChild)]
    grant = next(i for i, a in enumerate(order) if isinstance(a, ChainEntry) and a.type == "grant")
    told = next(i for i, a in enumerate(order) if isinstance(a, ToChild) and isinstance(a.message, child.Grants))
    assert grant < told


def test_a_refusal_ends_both_and_is_on_the_record() -> None:
    """No connection was ever opened."""
    world = World()
    world.to_prompt()
    world.choose()
    world.do(world.customer, world.customer_end.refuse())
    assert ended(world) == (EndReason.REFUSED, EndReason.REFUSED)
    assert world.customer.entries() == ["joined", "prompted", "refusal", "end"]
    assert not child_of(world.agent).epochs
    assert not child_of(world.customer).epochs
    assert verify_receipt(world.customer.last(Receipt).data).ok


@pytest.mark.parametrize("chosen", [True, False])
def test_a_prompt_left_alone_is_a_refusal(chosen: bool) -> None:
    """120 s, even with a target chosen and the preview running."""
    world = World()
    world.to_prompt()
    if chosen:
        world.choose()
    world.pass_time(119_000)
    assert world.phases()[1] is Phase.PROMPTED
    world.pass_time(1_000)
    assert ended(world) == (EndReason.REFUSED, EndReason.REFUSED)
    assert "refusal" in world.customer.entries()
    world.do(world.customer, world.customer_end.allow())
    assert "consent" not in world.customer.entries()


def test_allowing_after_the_time_is_up_allows_nothing() -> None:
    """Even when nobody ticked in between."""
    world = World()
    world.to_prompt()
    world.choose()
    world.fake_clock.ms += 120_000
    world.do(world.customer, world.customer_end.allow())
    assert world.customer.end.view.reason is EndReason.REFUSED
    assert "consent" not in world.customer.entries()


def test_allow_needs_a_chosen_target_that_exists() -> None:
    """No default."""
    world = World()
    world.to_prompt()
    for wrong in (("screen:9", "screen", None), ("screen:0", "window", None), ("screen:0", "region", None)):
        world.do(world.customer, world.customer_end.choose_target(*wrong))
    world.allow()
    assert world.phases()[1] is Phase.PROMPTED


def test_a_region_is_shared_in_its_own_size() -> None:
    """The agent hears of the part, not of the screen."""
    world = World()
    world.to_prompt()
    world.do(world.customer, world.customer_end.choose_target(SCREEN.id, "region", (10, 20, 300, 200)))
    world.allow()
    assert world.agent.last(RemoteTarget) == RemoteTarget(300, 200, 1.0, "region", shows_marks=True)


def test_an_unopened_invitation_expires_and_the_server_hears_of_it() -> None:
    """10 minutes."""
    world = World()
    world.invite()
    world.pass_time(600_000, step_ms=10_000)
    assert world.agent.end.view.reason is EndReason.EXPIRED
    assert world.calls[-1].path == f"/session/v1/{world.agent_end.sid.hex()}/end"
    assert world.calls[-1].body == {"reason": "expired"}


def test_an_agent_can_take_an_invitation_back() -> None:
    """And the link is dead afterwards."""
    world = World()
    world.invite()
    invitation = world.invitation
    world.do(world.agent, world.agent_end.cancel())
    assert world.agent.end.view.reason is EndReason.CANCELLED
    world.do(world.customer, world.customer_end.open(*invitation))
    assert not world.agent.of(CustomerJoined)


def test_an_invitation_the_server_refuses_is_said_so() -> None:
    """Offline, forbidden, closed ticket."""
    world = World()
    world.server_status = 403
    world.invite()
    assert world.agent.end.view.reason is EndReason.NOT_REGISTERED
    assert not world.agent.of(InvitationReady)
    assert [call.path for call in world.agent.of(CallServer)] == ["/session/v1/invitations"]


def test_no_connection_within_thirty_seconds_ends_as_unreachable() -> None:
    """Both ends."""
    world = World()
    world.to_prompt()
    world.choose()
    world.network_up = False
    world.allow()
    assert world.phases() == (Phase.CONNECTING, Phase.CONNECTING)
    world.pass_time(30_000)
    assert ended(world) == (EndReason.UNREACHABLE, EndReason.UNREACHABLE)


def test_the_agent_can_stop_too() -> None:
    """And the customer reads who did."""
    world = World()
    world.to_verified()
    world.do(world.agent, world.agent_end.stop())
    assert ended(world) == (EndReason.STOPPED, EndReason.STOPPED)
    assert world.customer.end.view.by == "agent"
    assert world.customer.last(Receipt).countersigned


@pytest.mark.parametrize("how", ["number", "none", "agent"])
def test_a_wrong_check_number_ends_the_session_at_both_ends_with_an_alarm(how: str) -> None:
    """A wrong pick, "none of these", or the agent's word."""
    world = World()
    world.to_live()
    wrong = next(n for n in world.customer.last(SasQuestion).choice.numbers if n != world.number)
    if how == "number":
        world.do(world.customer, world.customer_end.pick_number(wrong))
    elif how == "none":
        world.do(world.customer, world.customer_end.none_of_these())
    else:
        world.do(world.agent, world.agent_end.confirm_sas_same(False))
    assert ended(world) == (EndReason.SAS_MISMATCH, EndReason.SAS_MISMATCH)
    assert "sas_mismatch" in [alarm.code for alarm in world.customer.of(Alarm)]
    assert world.customer.entries()[-2:] == ["sas", "end"]
    assert not verify_receipt(world.customer.last(Receipt).data).verified


def test_a_number_guessed_before_it_was_asked_for_counts_for_nothing() -> None:
    """No question, no answer."""
    world = World()
    world.to_prompt()
    world.do(world.customer, world.customer_end.pick_number("123 456"))
    world.do(world.customer, world.customer_end.none_of_these())
    assert world.phases()[1] is Phase.PROMPTED


def test_pause_stops_the_picture_and_the_record_proves_it() -> None:
    """Equal counters on pause and resume."""
    world = World()
    world.to_verified()
    world.do(world.customer, world.customer_end.pause())
    assert child_of(world.customer).paused
    assert world.agent.end.view.paused
    world.pass_time(5_000)
    world.do(world.customer, world.customer_end.resume())
    assert world.agent.end.view.flowing
    assert child_of(world.customer).sending
    data = {e.type.value: e for e in verify_all(world)}
    assert data["pause"].data["frames_sent"] == data["resume"].data["frames_sent"] > 0


def verify_all(world: World) -> list[Entry]:
    world.do(world.customer, world.customer_end.stop())
    return list(verify_receipt(world.customer.last(Receipt).data).entries)


def test_the_agent_may_pause_but_not_resume() -> None:
    """Only the customer lets the picture go on."""
    world = World()
    world.to_verified()
    world.do(world.agent, world.agent_end.pause())
    assert world.customer.end.view.paused
    assert not child_of(world.customer).sending
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", {"t": "pause", "on": False, "by": "agent"})))
    assert world.customer.end.view.paused
    world.do(world.customer, world.customer_end.resume())
    assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)
    assert not world.agent.end.view.paused


def test_a_locked_screen_pauses_by_itself() -> None:
    """And unlocking does not lift a pause the customer made."""
    world = World()
    world.to_verified()
    world.do(world.customer, world.customer_end.system_pause(True))
    assert world.agent.end.view.paused
    world.do(world.customer, world.customer_end.pause())
    world.do(world.customer, world.customer_end.system_pause(False))
    assert world.customer.end.view.paused
    world.do(world.customer, world.customer_end.resume())
    assert world.customer.end.view.flowing


def test_three_minutes_without_the_number_ask_the_customer_and_silence_ends() -> None:
    """Going on unverified is a choice."""
    world = World()
    world.to_live()
    world.pass_time(180_000)
    assert world.customer.last(AskQuestion).question is Question.GO_ON_UNVERIFIED
    assert world.customer.end.view.question is Question.GO_ON_UNVERIFIED
    world.do(world.customer, world.customer_end.go_on_unverified())
    assert "confirm" in world.customer.entries()
    world.pass_time(120_000)
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)
    silent = World()
    silent.to_live()
    silent.pass_time(240_000)
    assert ended(silent) == (EndReason.UNVERIFIED, EndReason.UNVERIFIED)


def test_an_agent_at_work_keeps_both_ends_awake_and_an_idle_one_does_not() -> None:
    """The customer's end counts for itself."""
    world = World()
    world.to_verified()
    world.do(world.agent, world.agent_end.set_view(800, 600))
    for _ in range(22):
        world.pass_time(30_000, step_ms=1_000)
        world.do(world.agent, world.agent_end.note_activity())
    assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)
    world.pass_time(540_000, step_ms=1_000)
    assert Notice.IDLE_SOON in [n.notice for n in world.customer.of(Notify)]
    world.pass_time(60_000, step_ms=1_000)
    assert ended(world) == (EndReason.IDLE, EndReason.IDLE)


def test_every_half_hour_the_customer_is_asked_and_an_hour_is_the_end() -> None:
    """Confirmation and hard limit, over the whole stack."""
    world = World()
    world.to_verified()
    world.do(world.agent, world.agent_end.set_view(800, 600))
    asked = 0
    for _ in range(120):
        world.pass_time(30_000, step_ms=1_000)
        world.do(world.agent, world.agent_end.note_activity())
        if world.customer.end.view.question is Question.CONTINUE:
            asked += 1
            world.do(world.customer, world.customer_end.confirm_continue())
    assert asked == 1
    assert ended(world) == (EndReason.LIMIT, EndReason.LIMIT)


def test_a_broken_line_comes_back_with_a_new_connection_and_the_old_consent() -> None:
    """Lost after 3 s, picture held, next epoch, no new question, on the record."""
    world = World()
    world.to_verified()
    world.network_up = False
    world.pass_time(5_000)
    assert world.customer.end.view.lost
    assert world.agent.end.view.lost
    assert child_of(world.customer).paused
    world.network_up = True
    world.pass_time(5_000)
    assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)
    assert world.customer.end.view.flowing
    assert world.agent.end.view.flowing
    assert child_of(world.customer).sending
    assert max(child_of(world.customer).epochs) >= 1
    assert "reconnect" in world.customer.entries()
    assert len(world.customer.of(SasQuestion)) == 1


def test_a_connection_before_the_handshake_is_no_connection() -> None:
    """No check number, no session: a child that says it is connected too early is not believed."""
    world = World()
    world.tamper = lambda _to, data: None if b"sas.accept" in data else data
    world.to_prompt()
    world.choose()
    world.allow()
    for side in (world.agent, world.customer):
        world.do(side, side.end.on_child(child.PeerState(0, "completed", "connected", "direct", 0, True)))
    assert world.phases() == (Phase.CONNECTING, Phase.CONNECTING)
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", {"t": "hello", "proto": 1, "epoch": 0})))
    assert world.customer.end.view.reason is EndReason.PROTOCOL
    assert not world.customer.of(GrantsChanged)


def test_an_old_connection_that_speaks_first_stays_and_the_attempt_is_dropped() -> None:
    """A cut of a few seconds costs no new connection."""
    world = World()
    world.to_verified()
    world.network_up = world.new_connections = False
    world.pass_time(4_000)
    assert max(child_of(world.customer).epochs) == 1
    world.network_up = True
    world.pass_time(1_000)
    assert world.customer.end.view.flowing
    assert world.agent.end.view.flowing
    assert set(child_of(world.customer).epochs) == {0}
    world.new_connections = True
    world.pass_time(20_000)
    assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)
    assert set(child_of(world.customer).epochs) == {0}
    assert child_of(world.customer).sending


def test_a_line_that_stays_broken_ends_after_thirty_seconds() -> None:
    """Both ends, each by its own clock; the receipt follows by the relay."""
    world = World()
    world.to_verified()
    world.network_up = False
    world.pass_time(34_000)
    assert ended(world) == (EndReason.LOST, EndReason.LOST)
    attempts = [m for m in child_of(world.customer).got if isinstance(m, child.Open)]
    assert 7 <= len(attempts) <= 9


@pytest.mark.parametrize("who", ["agent", "customer"])
def test_a_dead_child_is_replaced_once_without_a_new_consent(who: str) -> None:
    """The window lives, the grants stay, the picture comes back."""
    world = World()
    world.to_verified()
    side = world.agent if who == "agent" else world.customer
    world.kill_child(side)
    world.pass_time(8_000)
    assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)
    assert world.customer.end.view.flowing
    assert world.agent.end.view.flowing
    assert child_of(world.customer).sending
    assert len(side.of(StartChild)) == 2
    assert "reconnect" in world.customer.entries()
    world.kill_child(side)
    assert ended(world) == (EndReason.CHILD_FAILED, EndReason.CHILD_FAILED)


@pytest.mark.parametrize("who", ["agent", "customer"])
def test_a_child_that_dies_while_connecting_is_replaced_too(who: str) -> None:
    """Before the first picture."""
    world = World()
    world.to_prompt()
    world.choose()
    world.network_up = False
    world.allow()
    side = world.agent if who == "agent" else world.customer
    world.kill_child(side)
    world.network_up = True
    world.pass_time(6_000)
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)
    assert child_of(world.customer).sending


def test_a_child_that_dies_under_the_prompt_keeps_the_prompt_and_the_choice() -> None:
    """The preview starts again."""
    world = World()
    world.to_prompt()
    world.choose(WINDOW)
    world.kill_child(world.customer)
    assert [m for m in child_of(world.customer).got if isinstance(m, child.Source)]
    world.allow()
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)


def test_an_agents_child_that_dies_under_the_prompt_is_there_again_for_the_consent() -> None:
    """It is started while the customer reads, without a connection."""
    world = World()
    world.to_prompt()
    world.kill_child(world.agent)
    assert not child_of(world.agent).epochs
    world.choose()
    world.allow()
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)


def test_stop_tells_the_child_first_and_kills_it_if_it_is_frozen() -> None:
    """80 ms; the record is complete all the same."""
    world = World()
    world.to_verified()
    child_of(world.customer).frozen = True
    actions = world.customer_end.stop()
    first = actions[0]
    assert isinstance(first, ToChild)
    assert isinstance(first.message, child.End)
    world.perform(world.customer, actions)
    assert world.customer_end.deadline_ms() == world.fake_clock.ms + 80
    world.fake_clock.ms += 80
    world.do(world.customer, world.customer_end.tick())
    assert world.customer.killed == 1
    assert world.customer.entries()[-1] == "end"
    assert world.customer.of(Receipt)


def test_stop_with_a_dead_child_and_no_network_still_ends_and_records() -> None:
    """Nothing else is needed."""
    world = World()
    world.to_verified()
    world.relay_up = world.network_up = False
    child_of(world.customer).alive = False
    world.do(world.customer, world.customer_end.stop())
    world.fake_clock.ms += 80
    world.do(world.customer, world.customer_end.tick())
    view = world.customer.end.view
    assert (view.phase, view.reason) == (Phase.ENDED, EndReason.STOPPED)
    assert world.customer.of(KillChild)
    assert verify_receipt(world.customer.last(Receipt).data).ok
    assert not world.customer.last(Receipt).countersigned


def test_after_stop_nothing_is_sent_to_the_child_and_nothing_ends_twice() -> None:
    """Idempotent."""
    world = World()
    world.to_verified()
    world.do(world.customer, world.customer_end.stop())
    count = len(world.customer.of(ToChild))
    end = world.customer_end
    for again in (end.stop, end.resume, end.allow, end.pause):
        world.do(world.customer, again())
    world.do(world.customer, world.customer_end.revoked())
    world.pass_time(60_000, step_ms=1_000)
    assert len(world.customer.of(ToChild)) == count
    assert world.customer.entries().count("end") == 1
    assert [v.view.phase for v in world.customer.of(PhaseChanged)].count(Phase.ENDED) == 1
    assert world.customer_end.deadline_ms() is None
    assert world.agent_end.deadline_ms() is None


def test_a_session_the_server_revokes_is_over_at_once() -> None:
    """Ticket closed, agent disabled."""
    world = World()
    world.to_verified()
    world.do(world.customer, world.customer_end.revoked())
    assert ended(world) == (EndReason.REVOKED, EndReason.REVOKED)


def test_envelopes_lost_while_the_other_end_was_away_are_sent_again() -> None:
    """sig_nack: the same envelope after a second."""
    world = World()
    world.to_prompt()
    world.choose()
    world.relay_up = False
    world.allow()
    assert world.phases() == (Phase.PROMPTED, Phase.CONNECTING)
    world.relay_up = True
    world.pass_time(1_500)
    assert world.phases() == (Phase.UNVERIFIED, Phase.UNVERIFIED)


def test_another_target_in_mid_session_is_a_consent_of_its_own() -> None:
    """Entry first, then the source."""
    world = World()
    world.to_verified()
    world.choose(WINDOW)
    assert world.customer.entries()[-1] == "target"
    assert world.agent.last(RemoteTarget).kind == "window"
    assert child_of(world.customer).sending


def test_a_source_that_goes_away_in_mid_session_ends_it() -> None:
    """The window was closed: nothing else is shown in its place."""
    world = World()
    world.to_verified()
    world.do(world.customer, world.customer_end.on_child(child.Fault("target_gone")))
    assert ended(world) == (EndReason.CAPTURE_FAILED, EndReason.CAPTURE_FAILED)


def test_a_capture_permission_withheld_shows_nothing_and_cannot_be_allowed_away() -> None:
    """Before the consent the customer is told why there is no picture; in mid-session it ends on both sides."""
    world = World()
    world.to_prompt()
    world.do(world.customer, world.customer_end.on_child(child.Fault("no_permission")))
    told = world.customer.last(Notify)
    assert (told.notice, told.detail) == (Notice.CAPTURE, "no_permission")
    assert world.customer_end.view.phase is Phase.PROMPTED
    assert not child_of(world.customer).sending
    live = World()
    live.to_verified()
    live.do(live.customer, live.customer_end.on_child(child.Fault("no_permission")))
    assert ended(live) == (EndReason.CAPTURE_FAILED, EndReason.CAPTURE_FAILED)
    assert not child_of(live.customer).sending


def test_a_customer_without_enrolment_joins_by_the_secret_alone_and_the_agent_sees_it() -> None:
    """Which proof was given."""
    world = World(enrolled=False)
    world.to_prompt()
    assert world.agent.last(CustomerJoined).proof is ProofKind.LINK
    for stranger in (World(certified=False), World(device={"customer": "customer-4"})):
        stranger.to_prompt()
        assert stranger.agent.last(CustomerJoined).proof is ProofKind.DEVICE_UNKNOWN
    enrolled = World()
    enrolled.to_prompt()
    assert enrolled.agent.last(CustomerJoined).proof is ProofKind.DEVICE


def test_the_grants_shown_are_the_same_at_both_ends_and_empty_at_the_end() -> None:
    """One list."""
    world = World()
    world.to_verified()
    world.do(world.agent, world.agent_end.stop())
    for side in (world.agent, world.customer):
        assert [g.scopes for g in side.of(GrantsChanged)] == [(Scope.VIEW,), ()]
        assert side.end.view.grants == ()


@pytest.mark.parametrize("dropped", [1, 2, 4, -1])
def test_an_entry_lost_on_the_way_is_asked_for_and_the_receipt_countersigned(dropped: int) -> None:
    """The agent signs only what it has seen whole; one envelope that the relay loses costs nobody the signature."""
    world = World()
    lost: list[bytes] = []

    def lose_one(to: str, data: bytes) -> bytes | None:
        outer = json.loads(data)
        last = dropped == -1 and world.customer_end.view.phase is Phase.ENDED
        if not lost and to == "agent" and outer["t"] == "chain" and (last or outer["n"] == dropped):
            lost.append(data)
            return None
        return data

    world.tamper = lose_one
    world.to_prompt()
    world.choose()
    world.allow()
    world.pass_time(3_000)
    world.do(world.customer, world.customer_end.stop())
    world.pass_time(3_000)
    assert lost
    assert world.customer.last(Receipt).countersigned
    assert verify_receipt(world.customer.last(Receipt).data).countersigned
    hashes = [entry.hash for entry in world.agent.of(ChainEntry)]
    assert hashes == [entry.hash for entry in world.customer.of(ChainEntry)]  # each once, in order


def test_entries_that_never_arrive_leave_the_receipt_without_countersignature() -> None:
    """It is asked for again, without end it is not."""
    world = World()
    world.to_live()
    first = len(world.customer.of(ChainEntry))
    world.tamper = lambda to, data: None if to == "agent" and json.loads(data)["t"] == "chain" else data
    world.do(world.customer, world.customer_end.pause())
    world.pass_time(3_000)
    world.do(world.customer, world.customer_end.stop())
    assert not world.customer.last(Receipt).countersigned
    world.pass_time(11_000)
    assert world.calls[-1].body == {"reason": "stopped"}
    asked = [data for to, data in world.wire if to == "customer" and json.loads(data)["t"] == "chain.again"]
    assert 0 < len(asked) < 15
    assert len(world.customer.of(ChainEntry)) > first
    assert not any(receipt.countersigned for receipt in world.agent.of(Receipt))
