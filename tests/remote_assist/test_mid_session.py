# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a session by itself, in its middle: both ends come to a clear state, and the record says so."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from app.domain.assist import SERVER_ENDS, EndReason, Phase
from remote_assist import child_protocol as child
from remote_assist.actions import ChainEntry, Receipt
from remote_assist.chain import verify_receipt
from tests.remote_assist.world import FakeClock, Side, World

MINUTE = 60_000
HOUR = 60 * MINUTE


class SetClock(FakeClock):
    """A clock on the wall that somebody sets; the other one goes on."""

    shift = 0

    def utc_ms(self) -> int:
        return super().utc_ms() + self.shift


def sleep(world: World, ms: int) -> None:
    """The whole computer, or both, stand still; then everybody looks at the clock."""
    world.fake_clock.ms += ms
    for side in (world.customer, world.agent):
        world.do(side, side.end.tick())


def flowing(world: World) -> bool:
    """Whether pictures pass, as either end sees it and as the child does it."""
    sent = world.customer.child is not None and world.customer.child.sending
    seen = {world.customer_end.view.flowing, world.agent_end.view.flowing, sent}
    assert len(seen) == 1
    return sent


def both_ended(world: World) -> EndReason:
    """Both are over for one reason, the record has its end and the receipt can be checked."""
    views = [side.end.view for side in (world.agent, world.customer)]
    assert [view.phase for view in views] == [Phase.ENDED, Phase.ENDED]
    assert views[0].reason == views[1].reason
    assert world.customer.entries()[-1] == "end"
    report = verify_receipt(world.customer.last(Receipt).data)
    assert report.ok
    assert views[0].reason is not None
    assert report.reason == views[0].reason.value
    for side in (world.agent, world.customer):
        assert side.child is None or not side.child.sending
        assert side.end.deadline_ms() is None
    return views[0].reason


# --- the server ends it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", sorted(SERVER_ENDS))
@pytest.mark.parametrize("told", ["agent", "customer"])
def test_what_the_server_ends_is_over_at_both_ends_for_the_reason_it_gave(reason: EndReason, told: str) -> None:
    """Also where only one of them hears it: the other one is told by that one."""
    world = World()
    world.to_verified()
    side = world.agent if told == "agent" else world.customer
    world.do(side, side.end.revoked(reason))
    world.pass_time(1_000)
    assert both_ended(world) is reason


# --- the computer sleeps -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ms", [11 * MINUTE, 61 * MINUTE, 12 * HOUR])
def test_two_computers_that_slept_beyond_a_limit_do_not_go_on(ms: int) -> None:
    """Nobody did anything for ten minutes, or the hour is over: sleep counts, whichever end looks first."""
    world = World()
    world.to_verified()
    sleep(world, ms)
    world.pass_time(1_000)
    assert both_ended(world) is EndReason.IDLE


def test_a_short_sleep_goes_on_over_a_connection_that_has_proved_itself() -> None:
    """Lost first, then a packet that came after waking; no new question, no wider grant."""
    world = World()
    world.to_verified()
    grants = world.customer_end.view.grants
    world.new_connections = False
    sleep(world, 2 * MINUTE)
    assert not flowing(world)
    world.new_connections = True
    world.pass_time(8_000)
    assert flowing(world)
    assert world.customer_end.view.grants == grants


def test_what_came_before_the_sleep_does_not_prove_the_line() -> None:
    """The child's clock stood still too: it takes a packet of before for one of half a second ago."""
    world = World()
    world.to_verified()
    world.network_up = False
    sleep(world, 2 * MINUTE)
    state = child.PeerState(0, "completed", "connected", "direct", 500, channels_open=True)
    world.do(world.customer, world.customer_end.on_child(state))
    assert world.customer_end.view.lost
    assert world.customer.child is not None
    assert not world.customer.child.sending


def test_a_message_from_before_the_sleep_does_not_come_before_the_limit() -> None:
    """It lay in the pipe: what is due is done first."""
    world = World()
    world.to_verified()
    world.fake_clock.ms += 2 * HOUR
    paused = child.Recv("ctl", {"t": "pause", "on": True, "by": "agent"}, 0)
    world.do(world.customer, world.customer_end.on_child(paused))
    assert world.customer_end.view.reason is EndReason.IDLE
    assert "pause" not in world.customer.entries()


@pytest.mark.parametrize("ms", [10 * MINUTE + 1_000, 3 * HOUR])
def test_a_customer_who_slept_while_the_agent_waited(ms: int) -> None:
    """The agent reads after half a minute that the line is lost; the customer, waking elsewhere, that it is over."""
    world = World()
    world.to_verified()
    world.relay_up = False
    world.freeze_time_for(world.customer)
    for _ in range(34):
        world.fake_clock.ms += 1_000
        world.report()
        world.perform(world.agent, world.agent_end.tick())
        world.nacks.clear()
    assert world.agent_end.view.reason is EndReason.LOST
    world.fake_clock.ms += ms
    world.relay_up = True
    world.do(world.customer, world.customer_end.network_changed())
    world.do(world.customer, world.customer_end.tick())
    world.pass_time(500)
    view = world.customer_end.view
    assert (view.phase, view.reason) == (Phase.ENDED, EndReason.IDLE)
    assert world.customer.entries()[-1] == "end"
    assert verify_receipt(world.customer.last(Receipt).data).ok


@pytest.mark.parametrize("stage", ["prompted", "connecting"])
def test_a_computer_that_slept_under_a_question_has_not_answered_it(stage: str) -> None:
    """A click on Allow after waking is too late."""
    world = World()
    world.to_prompt()
    world.choose()
    if stage == "connecting":
        world.network_up = False
        world.allow()
    world.fake_clock.ms += HOUR
    world.allow()
    world.pass_time(1_000)
    assert both_ended(world) is (EndReason.REFUSED if stage == "prompted" else EndReason.UNREACHABLE)


# --- clocks on the wall --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-9, 9])
def test_a_clock_that_is_set_in_the_middle_changes_nothing(hours: int) -> None:
    """No limit comes sooner or later, and the record's times follow one another."""
    world = World()
    world.fake_clock.__class__ = SetClock
    world.to_verified()
    world.pass_time(5_000, step_ms=1_000)
    assert isinstance(world.fake_clock, SetClock)
    world.fake_clock.shift = hours * HOUR
    world.do(world.customer, world.customer_end.pause())
    world.pass_time(5_000, step_ms=1_000)
    world.do(world.customer, world.customer_end.resume())
    assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)
    world.do(world.customer, world.customer_end.stop())
    assert both_ended(world) is EndReason.STOPPED
    times = [entry.at for entry in world.customer.of(ChainEntry)]
    assert all(0 <= later - sooner < MINUTE for sooner, later in itertools.pairwise(times))
    report = verify_receipt(world.customer.last(Receipt).data)
    assert report.started_at is not None
    assert report.ended_at is not None
    assert 10_000 <= report.ended_at - report.started_at < MINUTE
    assert 10_000 <= report.entries[-1].data["duration_ms"] < MINUTE


def test_an_invitation_is_as_old_as_the_customers_own_waiting_says() -> None:
    """Once shown it runs on the clock that cannot be set."""
    world = World()
    world.fake_clock.__class__ = SetClock
    world.to_prompt()
    world.choose()
    assert isinstance(world.fake_clock, SetClock)
    world.fake_clock.shift = -48 * HOUR
    world.pass_time(121_000, step_ms=1_000)
    assert both_ended(world) is EndReason.REFUSED


# --- children that stand still -------------------------------------------------------------------------------------


def prompted(world: World) -> None:
    world.to_prompt()
    world.choose()


def connecting(world: World) -> None:
    prompted(world)
    world.new_connections = False
    world.allow()
    world.new_connections = True


def paused(world: World) -> None:
    world.to_verified()
    world.do(world.customer, world.customer_end.pause())


def lost(world: World) -> None:
    world.to_verified()
    world.network_up = False
    world.pass_time(4_000)
    world.network_up = True


STAGES: dict[str, tuple[Callable[[World], None], EndReason]] = {
    "prompted": (prompted, EndReason.REFUSED),
    "connecting": (connecting, EndReason.UNREACHABLE),
    "unverified": (World.to_live, EndReason.LOST),
    "verified": (World.to_verified, EndReason.LOST),
    "paused": (paused, EndReason.LOST),
    "lost": (lost, EndReason.LOST),
}


def side_of(world: World, who: str) -> Side:
    return world.agent if who == "agent" else world.customer


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("who", ["agent", "customer"])
def test_a_child_that_stands_still_ends_the_session_in_every_phase(stage: str, who: str) -> None:
    """A frozen program is a silent one: nobody waits for it for ever, and it is killed at the end."""
    world = World()
    begin, reason = STAGES[stage]
    begin(world)
    side = side_of(world, who)
    world.freeze_time_for(side)
    over = world.fake_clock.ms + 125_000
    while world.phases() != (Phase.ENDED, Phase.ENDED) and world.fake_clock.ms < over:
        world.pass_time(1_000, step_ms=1_000)
    world.pass_time(1_000)
    assert both_ended(world) is reason
    assert side.killed == 1


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("who", ["agent", "customer"])
def test_a_child_that_dies_twice_ends_the_session_in_every_phase(stage: str, who: str) -> None:
    """Replaced once; the second time both sides read why."""
    world = World()
    STAGES[stage][0](world)
    side = side_of(world, who)
    world.kill_child(side)
    world.kill_child(side)
    world.pass_time(1_000)
    assert both_ended(world) is EndReason.CHILD_FAILED


@pytest.mark.parametrize("stage", ["connecting", "unverified", "verified", "paused", "lost"])
@pytest.mark.parametrize("code", ["no_display", "no_permission", "target_gone", "capture_failed", "picture_too_large"])
def test_a_capture_that_is_taken_away_ends_the_session_in_every_phase(stage: str, code: str) -> None:
    """Nothing else is shown in its place."""
    world = World()
    STAGES[stage][0](world)
    world.do(world.customer, world.customer_end.on_child(child.Fault(code)))
    world.pass_time(1_000)
    assert both_ended(world) is EndReason.CAPTURE_FAILED


# --- screens ------------------------------------------------------------------------------------------------------


def test_a_new_child_is_told_the_size_that_the_region_was_drawn_on() -> None:
    """The screen may be another by then: the child finds that out, and shows nothing."""
    world = World()
    world.to_prompt()
    world.do(world.customer, world.customer_end.choose_target("screen:0", "region", (100, 100, 300, 200)))
    world.allow()
    world.kill_child(world.customer)
    assert world.customer.child is not None
    sources = [message for message in world.customer.child.got if isinstance(message, child.Source)]
    assert [source.size for source in sources] == [(1920, 1080)]


def test_only_a_look_of_the_customer_makes_masks_count_for_another_screen() -> None:
    """The program's own windows move when a screen changes; that hides them anew, and says nothing else."""
    world = World()
    world.to_verified()
    world.do(world.customer, world.customer_end.set_masks([(1, 2, 30, 40)]))
    world.do(world.customer, world.customer_end.on_child(child.Fault("target_changed")))
    assert world.customer.child is not None
    world.do(world.customer, world.customer_end.cover_own([(5, 5, 50, 50)]))
    masks = [message for message in world.customer.child.got if isinstance(message, child.Masks)]
    assert not masks[-1].looked
    assert not flowing(world)
    world.do(world.customer, world.customer_end.resume())
    masks = [message for message in world.customer.child.got if isinstance(message, child.Masks)]
    assert masks[-1].looked
    assert flowing(world)
    assert world.customer.entries()[-2:] == ["pause", "resume"]
