# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see when a program ends while a screen is shared: real processes, real pictures, kill -9."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.wait import wait_until
from tests.journeys.stage import LOGIN, SOON_MS, Stage, has, kill_and_wait, lives

_NOTHING_SHARED = "Nothing is shared now."
_A_WHILE_MS = 12_000  # longer than a client needs to start


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("journeys"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def stage(running: Stage) -> Stage:
    running.ready()
    return running


def test_a_companion_that_is_killed_leaves_the_agent_at_work_and_the_ticket_says_how_it_ended(stage: Stage) -> None:
    """The window says that nothing is shared, then that it is over; notes go on; the record is told to be open."""
    stage.share(SOON_MS)
    agent = stage.agent
    lost = stage.kill_before("companion", "agent", "wait_lost")
    assert lost["words"].startswith("The connection broke. Nothing is shared now.")
    agent.order("note", text="written beside a dead session")
    over = agent.order("session", over=True, look_s=0.5)
    assert (over["reason"], over["by"]) == ("lost", "system")
    assert _NOTHING_SHARED in over["words"]
    assert (over["frames_since"], over["frames_after_end"], over["strip"], over["child"]) == (0, 0, "", False)
    history = agent.order("thread", sid=over["sid"], wants="session.open")
    assert "session.consent" in history["events"]
    assert "session.end" not in history["events"]
    assert has(history["lines"], "has not sent the end of the record")
    agent.order("wait_sent")
    assert stage.on_server("written beside a dead session") == 1


def test_what_a_killed_companion_could_not_hand_in_of_a_record_comes_to_the_ticket_after_its_next_start(
    stage: Stage,
) -> None:
    """The server was away when the session ended; the customer's computer has kept the rest, and sends it once."""
    stage.share()
    stage.server.stop()
    stage.companion.order("press_stop")
    kept = stage.companion.order("kept", kind="end")["kinds"]
    sid = stage.companion.order("session", over=True)["sid"]
    assert "end" not in stage.record_of(sid)
    stage.kill("companion")
    stage.server.start_again()
    assert "end" not in stage.record_of(sid)
    stage.ready()
    wait_until(lambda: "end" in stage.record_of(sid), 60)
    record = stage.record_of(sid)
    assert set(kept) <= set(record)
    assert (record.count("consent"), record.count("end")) == (1, 1)
    history = stage.agent.order("thread", sid=sid, wants="session.end")
    assert "session.end" in history["events"]


def test_an_agents_client_that_is_killed_ends_the_sharing_and_gives_the_draft_back(stage: Stage) -> None:
    """Nothing leaves the customer's computer, the summary says why, and what the agent typed is there again."""
    stage.share(SOON_MS)
    stage.agent.order("type_draft", text="A reply that was never sent, 아직 보내지 않음")
    lost = stage.kill_before("agent", "companion", "wait_lost")
    assert has(lost["bar"], "The connection broke. Nothing is shown to")
    stage.ready()
    assert stage.agent.order("draft")["text"] == "A reply that was never sent, 아직 보내지 않음"
    over = stage.companion.order("session", over=True)
    assert (over["reason"], over["by"], over["bar"], over["child"]) == ("lost", "system", [], False)
    assert over["frames"] == lost["frames"]
    assert has(over["summary"], "The connection broke and did not come back")
    assert stage.companion.order("home")["usable"]
    stage.finish()
    # the customer's computer hands the end in by itself
    wait_until(lambda: "end" in stage.record_of(over["sid"]), 60)
    shown = stage.agent.order("thread", sid=over["sid"], wants="session.end")
    assert "session.consent" in shown["events"]


def test_an_agent_who_starts_anew_and_asks_again_is_answered_as_soon_as_the_broken_session_is_over(
    stage: Stage,
) -> None:
    """The customer's computer still waits for the broken line when the new invitation comes: it is not lost."""
    stage.share(_A_WHILE_MS)
    broken = stage.companion.order("session")["sid"]
    stage.kill_before("agent", "companion", "wait_lost")
    stage.ready()
    stage.share()
    now = stage.companion.order("press_stop")
    assert (now["sid"] != broken, now["reason"]) == (True, "stopped")
    assert stage.agent.order("session", over=True)["by"] == "customer"
    stage.finish()


def test_a_killed_session_program_is_replaced_once_and_then_ends_the_session_on_both_sides(stage: Stage) -> None:
    """Pictures go on after the first death under the same consent; after the second both are told the reason."""
    stage.share()
    first = stage.companion.order("child")["pid"]
    seen = stage.companion.order("session")["frames"]
    kill_and_wait(first)
    second = stage.companion.order("child", other_than=first)["pid"]
    stage.agent.order("sees_live")
    stage.companion.order("sent_more", than=seen)
    kill_and_wait(second)
    customer = stage.companion.order("session", over=True)
    assert (customer["reason"], customer["child"]) == ("child_failed", False)
    assert has(customer["summary"], "A part of the app stopped, so it was ended.")
    agent = stage.agent.order("session", over=True, look_s=0.5)
    assert (agent["reason"], agent["frames_since"], agent["frames_after_end"]) == ("child_failed", 0, 0)
    assert _NOTHING_SHARED in agent["words"]
    events = stage.agent.order("thread", sid=agent["sid"], wants="session.end")["events"]
    assert events.count("session.consent") == 1
    assert "session.open" not in events
    stage.finish()


def test_the_agents_own_session_program_is_replaced_and_the_picture_comes_back(stage: Stage) -> None:
    """The agent's end is no different: the consent stays, the customer is not asked again."""
    stage.share()
    first = stage.agent.order("children")["session"]
    kill_and_wait(first)
    wait_until(lambda: stage.agent.order("children")["session"] not in (0, first), 60)
    stage.agent.order("sees_live")
    assert stage.companion.order("press_stop")["reason"] == "stopped"
    ended = stage.agent.order("session", over=True, look_s=0.5)
    assert (ended["by"], ended["frames_since"], ended["frames_after_end"]) == ("customer", 0, 0)
    stage.finish()


def test_a_killed_sync_worker_comes_back_by_itself_and_sends_what_was_written_meanwhile_once(stage: Stage) -> None:
    """The strip says so; nobody has to do anything."""
    worker = stage.agent.order("children")["worker"]
    assert "being restarted" in stage.agent.order("kill_worker")["words"]
    stage.agent.order("note", text="written without a worker")
    stage.agent.order("wait_sent")
    assert stage.agent.order("children")["worker"] not in (0, worker)
    assert stage.on_server("written without a worker") == 1


def test_a_sign_in_that_ran_out_is_said_in_the_strip_and_what_was_written_waits_and_is_sent_once(stage: Stage) -> None:
    """Work goes on without the server's leave; the strip's button leads to the sign-in window and out again."""
    worker = stage.agent.order("children")["worker"]
    stage.kill("agent")
    wait_until(lambda: not lives(worker), 60)  # it still has a token in memory
    stage.forget_sign_in(LOGIN)
    agent = stage.restart("agent")
    agent.order("reopened")
    strip = agent.order("strip", phase="signed_out")
    assert (strip["words"], strip["action"]) == ("Sign-in needed", "Sign in…")
    stage.open_ticket()
    agent.order("note", text="written while signed out")
    assert stage.on_server("written while signed out") == 0
    agent.order("sign_in_again", password=stage.server.password)
    agent.order("wait_sent")
    assert stage.on_server("written while signed out") == 1


def test_a_customer_whose_display_cannot_be_shown_reads_why_and_can_only_refuse(stage: Stage) -> None:
    """Nothing is made up in its place: Allow stays asleep, and the agent reads that it was refused."""
    companion = stage.restart("companion", {"WAYLAND_DISPLAY": "wayland-nowhere"})
    companion.order("resume")
    stage.agent.order("invite")
    told = companion.order("blind_prompt")
    assert not told["allow"]
    assert has(told["words"], "There is no screen that can be shown")
    companion.order("refuse")
    over = stage.agent.order("session", over=True)
    assert (over["reason"], over["frames"]) == ("refused", 0)
    stage.kill("companion")


def test_closing_the_companion_in_mid_session_stops_sharing_first(stage: Stage) -> None:
    """The agent is told who ended it; no picture comes after; the ticket has the end and the receipt."""
    stage.share()
    stage.companion.send({"do": "close_home"})
    ended = stage.agent.order("session", over=True, look_s=1.0)
    assert (ended["reason"], ended["by"]) == ("stopped", "customer")
    assert (ended["frames_since"], ended["frames_after_end"]) == (0, 0)
    assert "ended the session." in ended["words"]
    assert stage.companion.wait(60) == 0
    events = stage.agent.order("thread", sid=ended["sid"], wants="session.receipt")["events"]
    assert "session.end" in events
