# SPDX-License-Identifier: GPL-3.0-or-later
"""One ticket from a request without a network to the call offered after a "no": real programs, what both sides read."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.journeys.stage import Stage, has

pytestmark = pytest.mark.slow

SUBJECT = "The printer stops after page 2"
QUESTION = "It says E-17 on its little display."
ANSWER = "Thank you. May I look at your screen with you?"
THANKS = "Yes, please, I am here now."
DONE = "The rollers are clean, page 3 came out."
SAID = "Told on the phone how to clean the rollers"


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server and both clients."""
    made = Stage(tmp_path_factory.mktemp("whole"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def _times(line: str) -> list[datetime]:
    return [
        datetime.strptime(each, "%Y-%m-%d %H:%M").astimezone() for each in re.findall(r"\d{4}(?:-\d\d){2} \S{5}", line)
    ]


def test_a_request_written_offline_goes_its_whole_way_and_a_no_at_the_end_opens_it_again_with_a_call(
    stage: Stage,
) -> None:
    """Acknowledged with times that both sides read alike, answered, called, seen on the screen, and not given up."""
    customer, agent = stage.companion, stage.agent

    # without a network: written with two screenshots, kept over a kill, and not lost
    stage.server.stop()
    asked = customer.order("ask_with_pictures", subject=SUBJECT, colours=["red", "blue"])
    customer = stage.restart("companion")
    assert customer.order("files_kept", subject=SUBJECT)["files"] == [2]
    began = time.time()
    stage.server.start_again()

    # it arrives: the customer reads number and times, the agent reads what the customer was told
    notice = customer.order("acknowledged")["notice"]
    opened = customer.order("view_ticket", subject=SUBJECT)
    number = opened["title"].split()[0]
    assert number in notice
    assert opened["told"] == notice
    agent.order("strip", phase="live")
    agent.order("open", ticket=asked["ticket"])
    assert agent.order("has_files", count=2)["pictures"] == asked["pictures"]
    customer.order("all_sent")
    (told,) = agent.order("reads", text="The customer was told")["lines"]
    times = _times(told)
    assert times
    assert all(f"{each:%H:%M}" in notice for each in times), (told, notice)
    assert all(each.timestamp() >= began - 60 for each in times)
    assert times == sorted(times)

    # they write to each other, and the acknowledgment goes: its times say nothing any more
    customer.order("say", text=QUESTION)
    agent.order("reads", text=QUESTION)
    agent.order("reply", text=ANSWER)
    assert not customer.order("sees", text=ANSWER)["told"]
    customer.order("say", text=THANKS)
    agent.order("reads", text=THANKS)

    # a call: chosen by the customer, confirmed by the server, on the agent's list, made
    call = customer.order("ask_for_call", phone="010-2345-6789")
    assert call["chosen"] in call["state"]
    assert "010-2345-6789" in call["state"]
    owed = agent.order("call_to_make")
    clock = call["chosen"].split()[-1]
    assert has(owed["beside"], clock)
    assert clock in owed["cells"][0]
    assert owed["cells"][2] == "010-2345-6789"
    assert SUBJECT in owed["cells"][3]
    assert owed["calls"] == 1
    assert agent.order("called", note=SAID)["words"].startswith("No call is owed.")
    agent.order("reads", text="called and reached the customer")
    agent.order("reads", text=SAID)
    customer.order("call_says", text="")
    assert not has(customer.order("sees", text=ANSWER)["words"], SAID)

    # the screen: asked for on this ticket, allowed, seen, stopped by the customer
    stage.share()
    customer.order("press_stop")
    over = agent.order("session", over=True, look_s=0.5)
    assert (over["reason"], over["by"], over["frames_since"]) == ("stopped", "customer", 0)
    assert "ended the session." in over["words"]
    assert over["frames"] > 0
    stage.finish()
    assert "session.end" in agent.order("thread", sid=over["sid"], wants="session.end")["events"]

    # what was done is written: nobody solves over a customer's unanswered words
    agent.order("reply", text=DONE)
    customer.order("sees", text=DONE)

    # solved, says the agent; no, says the customer: it is open again, and a call is offered at once
    solved = agent.order("solve")["state"]
    answered = customer.order("answer_no")
    assert has(answered["asked"], "Is your problem solved?")
    assert has(answered["asked"], "Were you treated well?")
    assert answered["offer"] == "We are sorry. Your request is open again. Shall we call you?"
    (said,) = agent.order("reads", text="The problem is not solved")["lines"]
    assert "Was not treated well" in said
    again = agent.order("state", other_than=solved)["state"]
    words = customer.order("sees", text=again)["words"]
    assert solved not in words
