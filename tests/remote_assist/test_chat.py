# SPDX-License-Identifier: GPL-3.0-or-later
"""Chat of a session: both ways, nothing lost on a break, nothing twice, nothing hidden in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.plain_text import CHAT_CHARS_MAX, ChatLine
from remote_assist import child_protocol as child
from remote_assist.actions import ChatChanged
from remote_assist.chat import LINES_MAX, WAITING_MAX, ChatBook
from tests.remote_assist.world import Side, World


def live() -> World:
    world = World()
    world.to_live()
    return world


def lines(side: Side) -> list[tuple[bool, str, bool]]:
    """What this end's window shows."""
    return [(line.mine, line.text, line.sent) for line in side.last(ChatChanged).lines]


def test_both_write_before_the_number_was_compared_and_see_the_same() -> None:
    """Korean, several lines; each text is marked as there once it is."""
    world = live()
    assert world.agent.last(ChatChanged) == ChatChanged((), open=True)
    world.do(world.agent, world.agent_end.say_chat("안녕하세요\n화면이 보입니다"))
    world.do(world.customer, world.customer_end.say_chat("네"))
    assert lines(world.agent) == [(True, "안녕하세요\n화면이 보입니다", True), (False, "네", True)]
    assert lines(world.customer) == [(False, "안녕하세요\n화면이 보입니다", True), (True, "네", True)]


@pytest.mark.parametrize("how", ["paused", "lost"])
def test_a_text_written_while_nothing_passes_waits_and_goes_after(how: str) -> None:
    """It is shown at once as not there yet; it comes once, in its order."""
    world = live()
    world.do(world.agent, world.agent_end.say_chat("one"))
    if how == "paused":
        world.do(world.customer, world.customer_end.pause())
    else:
        world.network_up = False
        world.pass_time(3_500)
    world.do(world.agent, world.agent_end.say_chat("two"))
    world.do(world.customer, world.customer_end.say_chat("three"))
    assert lines(world.agent)[-1] == (True, "two", False)
    assert len(lines(world.customer)) == 2
    if how == "paused":
        world.do(world.customer, world.customer_end.resume())
    else:
        world.network_up = True
        world.pass_time(8_000)
    assert lines(world.agent) == [(True, "one", True), (True, "two", True), (False, "three", True)]
    assert sorted(lines(world.customer)) == [(False, "one", True), (False, "two", True), (True, "three", True)]


def test_a_text_that_was_lost_with_its_connection_comes_by_the_next_and_only_once() -> None:
    """Sent in the seconds before the break was noticed."""
    world = live()
    world.network_up = False
    world.do(world.agent, world.agent_end.say_chat("lost?"))
    assert lines(world.agent) == [(True, "lost?", False)]
    world.pass_time(3_500)
    world.network_up = True
    world.pass_time(8_000)
    assert lines(world.customer) == [(False, "lost?", True)]
    again = child.Recv("ctl", {"t": "chat", "n": 1, "text": "lost?"})
    world.do(world.customer, world.customer_end.on_child(again))
    assert lines(world.customer) == [(False, "lost?", True)]


def test_what_hides_something_is_taken_out_of_a_text_that_comes() -> None:
    """Control characters, and what turns the writing round."""
    world = live()
    raw = {"t": "chat", "n": 1, "text": " see\x00 \u202eexe.txt\x1b[31m\r\nhere "}
    world.do(world.customer, world.customer_end.on_child(child.Recv("ctl", raw)))
    assert lines(world.customer) == [(False, "see exe.txt[31m\nhere", True)]


def test_nothing_is_said_before_the_session_lives_or_after_its_end_or_to_a_program_that_cannot_chat() -> None:
    """The field is closed then; what was written stays."""
    world = World()
    world.to_prompt()
    assert world.agent_end.say_chat("x") == []
    world = live()
    world.agent_end._peer_caps = frozenset({"view"})  # an older companion
    assert world.agent_end.say_chat("x") == []
    world = live()
    world.do(world.customer, world.customer_end.stop())
    assert world.agent_end.say_chat("x") == []


def test_writing_keeps_a_session_from_counting_as_idle() -> None:
    """Ten minutes of chat alone."""
    world = live()
    world.do(world.customer, world.customer_end.pick_number(world.number))
    world.do(world.agent, world.agent_end.confirm_sas_same(True))
    for n in range(4):
        world.pass_time(300_000, step_ms=2_500)
        world.do(world.agent, world.agent_end.say_chat(f"still here {n}"))
    assert world.agent_end.view.live


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("say"), st.text(max_size=5) | st.just("x" * (CHAT_CHARS_MAX + 1))),
            st.tuples(st.just("got"), st.integers(0, 2**32)),
            st.tuples(st.just("heard"), st.integers(0, 600)),
        ),
        max_size=60,
    )
)
def test_a_book_keeps_its_limits_whatever_is_said_to_it(deeds: list[tuple[str, object]]) -> None:
    """Numbers grow by one, no more wait than may, and no text is empty or too long."""
    book = ChatBook()
    for kind, value in deeds:
        if kind == "say":
            book.say(str(value), 0)
        elif isinstance(value, int):
            book.got(value) if kind == "got" else book.heard(value, "x", 0)
    for mine in (True, False):
        assert [line.n for line in book.lines if line.mine is mine] == sorted(
            {line.n for line in book.lines if line.mine is mine}
        )
    assert len(book.after(0)) <= WAITING_MAX
    assert all(0 < len(line.text) <= CHAT_CHARS_MAX for line in book.lines)


def test_a_flood_ends_at_its_limit() -> None:
    """Of either end; the texts there are stay."""
    book = ChatBook()
    assert [book.say("x", 0) for _ in range(WAITING_MAX + 1)].count(True) == WAITING_MAX
    for n in range(1, LINES_MAX + 50):
        book.heard(n, "y", 0)
    assert len(book.lines) == WAITING_MAX + LINES_MAX
    assert book.lines[0] == ChatLine(True, 1, "x", 0, sent=False)
