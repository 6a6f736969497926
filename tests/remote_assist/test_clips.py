# SPDX-License-Identifier: GPL-3.0-or-later
"""The clipboard in a session: one text for each consent, read or shown before or when it lands, and never by itself."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.assist import AskState, EndReason, EntryType, Phase, Scope
from app.domain.documents import SignedDocument
from app.domain.plain_text import CLIP_BYTES_MAX, fits_clipboard, for_reading, is_tidy, tidied
from remote_assist import bulk, clips
from remote_assist import child_protocol as child
from remote_assist.actions import AskScope, ChainEntry, ClipArrived, ClipGiven, ScopeSettled
from remote_assist.texts import entry_text
from tests.remote_assist.world import Side, World

TO_CUSTOMER, TO_AGENT = Scope.CLIPBOARD_TO_CUSTOMER, Scope.CLIPBOARD_TO_AGENT
TEXT = "192.168.0.17\n프린터 주소\t끝"
LONG = "가나다 라마 " * 40_000


class ClipWorld(World):
    """Children that say which parts have left, and lose parts while `cut_after` counts down to nothing."""

    cut_after = 1_000

    def _carry(self, side: Side, message: child.ToChild) -> None:
        if isinstance(message, child.Send) and message.channel == "clip" and side.child is not None:
            self.cut_after -= 1
            if self.cut_after < 0 or not self.talking:
                side.child.out.append(child.Fault("not_sent", "clip"))
                return
            side.child.out.append(child.Sent("clip"))
        super()._carry(side, message)


def verified() -> ClipWorld:
    world = ClipWorld()
    world.to_verified()
    return world


def offered(text: str = TEXT) -> ClipWorld:
    """The agent would put a text on the customer's clipboard."""
    world = verified()
    world.do(world.agent, world.agent_end.offer_clip(text))
    return world


def asked() -> ClipWorld:
    """The agent would like to have the customer's text."""
    world = verified()
    world.do(world.agent, world.agent_end.request(TO_AGENT))
    return world


def state(world: World, scope: Scope) -> AskState:
    return next(ask.state for ask in world.agent_end.view.asks if ask.scope is scope)


def entries(world: World) -> list[dict[str, object]]:
    """What the record says about the clipboard."""
    found = [e for e in world.customer.of(ChainEntry) if e.type == "clipboard"]
    return [json.loads(SignedDocument.from_text(entry.text).document)["data"] for entry in found]


def part(text: bytes, part: int = 0, of: int = 1) -> child.Recv:
    return child.Recv("clip", {"t": "clip_part", "part": part, "of": of, "data": text})


# --- to the customer -------------------------------------------------------------------------------------------------


@pytest.mark.ux("UX-36")
@pytest.mark.parametrize("text", [TEXT, LONG], ids=["short", "many parts"])
def test_an_allowed_text_lands_on_the_customers_clipboard_once_and_the_record_has_only_its_length(text: str) -> None:
    """Entry before effect; the grant is spent; neither text nor hash is on the record."""
    world = offered(text)
    assert world.customer.last(AskScope).scope is TO_CUSTOMER
    assert not world.customer.of(ClipArrived)
    world.do(world.customer, world.customer_end.grant(TO_CUSTOMER))
    assert [action.text for action in world.customer.of(ClipArrived)] == [text]
    assert world.agent.of(ClipGiven) == [ClipGiven(True)]
    assert entries(world) == [{"dir": "to_customer", "length": len(text)}]
    kinds = [type(action).__name__ for action in world.customer.actions]
    noted = next(n for n, a in enumerate(world.customer.actions) if isinstance(a, ChainEntry) and a.type == "clipboard")
    assert noted < kinds.index("ClipArrived")
    assert world.customer_end.view.grants == world.agent_end.view.grants == (Scope.VIEW,)
    assert state(world, TO_CUSTOMER) is AskState.POSSIBLE
    assert not next(ask.revoked for ask in world.agent_end.view.asks if ask.scope is TO_CUSTOMER)


def test_a_text_that_is_refused_or_not_answered_never_leaves() -> None:
    """No part is sent before the yes, none after the no."""
    for no in (True, False):
        world = offered()
        if no:
            world.do(world.customer, world.customer_end.refuse_scope(TO_CUSTOMER))
        else:
            world.pass_time(121_000, step_ms=1_000)
        assert world.agent.child is not None
        assert not [m for m in world.agent.child.got if isinstance(m, child.Send) and m.channel == "clip"]
        world.pass_time(40_000, step_ms=1_000)
        world.do(world.customer, world.customer_end.grant(TO_CUSTOMER))
        assert not world.customer.of(ClipArrived)


def test_before_the_number_was_compared_nothing_of_the_clipboard_can_be_asked_for() -> None:
    """Looking and pointing only."""
    world = ClipWorld()
    world.to_live()
    world.do(world.agent, world.agent_end.offer_clip(TEXT))
    world.do(world.agent, world.agent_end.request(TO_AGENT))
    assert not world.customer.of(AskScope)


def test_a_line_that_breaks_in_the_middle_sends_the_text_again_from_its_beginning() -> None:
    """What the customer gets is whole, and once."""
    world = offered(LONG)
    world.cut_after = 20
    world.do(world.customer, world.customer_end.grant(TO_CUSTOMER))
    assert not world.customer.of(ClipArrived)
    world.cut_after = 1_000
    world.pass_time(3_000)
    assert [action.text for action in world.customer.of(ClipArrived)] == [LONG]
    assert world.agent.of(ClipGiven) == [ClipGiven(True)]
    assert world.customer_end.view.phase is Phase.VERIFIED


def test_a_pause_in_the_middle_holds_the_text_and_the_session_goes_on() -> None:
    """Parts on their way are no violation; after the pause it comes whole."""
    world = offered(LONG)
    world.cut_after = 20
    world.do(world.customer, world.customer_end.grant(TO_CUSTOMER))
    world.do(world.customer, world.customer_end.pause())
    world.cut_after = 1_000
    for _ in range(30):
        world.do(world.customer, world.customer_end.on_child(child.Fault("violation", "clip")))
    world.pass_time(4_000)
    assert not world.customer.of(ClipArrived)
    world.do(world.customer, world.customer_end.resume())
    world.pass_time(2_000)
    assert [action.text for action in world.customer.of(ClipArrived)] == [LONG]
    assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)


def test_taking_the_grant_back_in_the_middle_leaves_the_clipboard_as_it_was() -> None:
    """The agent hears that the text did not get there."""
    world = offered(LONG)
    world.cut_after = 20
    world.do(world.customer, world.customer_end.grant(TO_CUSTOMER))
    world.do(world.customer, world.customer_end.revoke(TO_CUSTOMER))
    world.cut_after = 1_000
    world.pass_time(3_000)
    assert not world.customer.of(ClipArrived)
    assert world.agent.of(ClipGiven) == [ClipGiven(False)]
    assert entries(world) == []


@pytest.mark.parametrize("bad", [b"\xff\xfe", b"a\x00b", b"a\x1b[31m", b"\xed\xa0\x80", "a\u202eb".encode(), b"a\r\n"])
def test_what_is_no_plain_text_reaches_no_clipboard_and_uses_up_the_grant(bad: bytes) -> None:
    """Not UTF-8, NUL, control characters, half a pair, writing turned round."""
    world = asked_grant()
    world.do(world.customer, world.customer_end.on_child(part(bad)))
    assert not world.customer.of(ClipArrived)
    assert "violation" in world.customer.entries()
    assert world.customer_end.view.grants == (Scope.VIEW,)


def asked_grant() -> ClipWorld:
    """A grant whose text has not come: the agent's program is a hostile one."""
    world = verified()
    world.do(world.agent, world.agent_end.request(TO_CUSTOMER))
    world.do(world.customer, world.customer_end.grant(TO_CUSTOMER))
    return world


def test_parts_out_of_order_make_no_text_and_a_second_text_needs_a_second_grant() -> None:
    """A gap is passed over until a first part comes; after one text the rest is outside the grants."""
    world = asked_grant()
    for message in (part(b"b", 1, 3), part(b"a", 0, 3), part(b"c", 2, 3), part(b"x", 0, 2), part(b"y", 1, 3)):
        world.do(world.customer, world.customer_end.on_child(message))
    assert not world.customer.of(ClipArrived)
    for message in (part(b"a", 0, 2), part(b"b", 1, 2), part(b"second")):
        world.do(world.customer, world.customer_end.on_child(message))
    assert [action.text for action in world.customer.of(ClipArrived)] == ["ab"]


def test_a_text_without_any_grant_ends_the_session_of_who_insists() -> None:
    """Broker's own state decides, whatever the child lets pass."""
    world = verified()
    for _ in range(12):
        world.do(world.customer, world.customer_end.on_child(part(b"x")))
    assert not world.customer.of(ClipArrived)
    assert world.customer_end.view.reason is EndReason.PROTOCOL


# --- to the agent ----------------------------------------------------------------------------------------------------


@pytest.mark.ux("UX-36")
@pytest.mark.parametrize("text", [TEXT, LONG], ids=["short", "many parts"])
def test_the_text_that_the_customer_read_is_what_the_agent_gets_and_nothing_after_it(text: str) -> None:
    """One click gives one text; the grant is over when it is there."""
    world = asked()
    assert world.customer.last(AskScope).scope is TO_AGENT
    world.do(world.customer, world.customer_end.give_clip(text))
    assert [action.text for action in world.agent.of(ClipArrived)] == [text]
    assert world.customer.of(ClipGiven) == [ClipGiven(True)]
    assert entries(world) == [{"dir": "to_agent", "length": len(text)}]
    assert world.customer_end.view.grants == world.agent_end.view.grants == (Scope.VIEW,)
    world.do(world.customer, world.customer_end.give_clip("another"))
    assert len(world.agent.of(ClipArrived)) == 1


def test_the_grant_to_the_agent_exists_only_with_its_text() -> None:
    """A plain yes without a text gives nothing, and neither does a text that is not what the window showed."""
    world = asked()
    assert world.customer_end.grant(TO_AGENT) == []
    for text in ("", "a\r\nb", "x\x00", "x" * (CLIP_BYTES_MAX + 1), "\ud800"):
        assert world.customer_end.give_clip(text) == []
    assert world.customer_end.view.grants == (Scope.VIEW,)
    assert not world.customer.of(ScopeSettled)


def test_after_two_minutes_the_click_comes_too_late() -> None:
    """Silence was the answer."""
    world = asked()
    world.pass_time(120_000, step_ms=1_000)
    world.do(world.customer, world.customer_end.give_clip(TEXT))
    assert not world.agent.of(ClipArrived)


def test_a_text_given_on_a_broken_line_goes_when_it_is_back() -> None:
    """A new connection sends it from its beginning; the record names it once."""
    world = asked()
    world.network_up = False
    world.pass_time(3_500)
    world.do(world.customer, world.customer_end.give_clip(TEXT))
    assert not world.agent.of(ClipArrived)
    world.network_up = True
    world.pass_time(8_000)
    assert [action.text for action in world.agent.of(ClipArrived)] == [TEXT]
    assert len(entries(world)) == 1
    assert world.customer_end.view.grants == (Scope.VIEW,)


def test_a_customer_who_sends_unasked_puts_nothing_into_the_agents_window() -> None:
    """The agent's end takes only what was asked for."""
    world = verified()
    world.do(world.agent, world.agent_end.on_child(part(b"look at me")))
    assert not world.agent.of(ClipArrived)


def test_at_the_end_what_waits_is_given_up() -> None:
    """The window says so."""
    world = offered()
    world.do(world.customer, world.customer_end.stop())
    assert world.agent.last(ClipGiven) == ClipGiven(False)


def test_a_reader_of_the_record_sees_which_way_a_text_went_and_how_long_it_was() -> None:
    """Nothing of the text itself."""
    assert entry_text(EntryType.CLIPBOARD, "agent", {"dir": "to_customer", "length": 13}) == (
        "A text of 13 characters was put on the customer's clipboard"
    )
    assert entry_text(EntryType.CLIPBOARD, "customer", {"dir": "to_agent", "length": 1}) == (
        "A text of 1 character from the customer's clipboard was given to the agent"
    )


# --- texts -----------------------------------------------------------------------------------------------------------


@given(st.text(alphabet=st.characters(), max_size=300))
def test_a_tidied_text_is_tidy_and_survives_its_parts(text: str) -> None:
    """Whatever is on a clipboard; reading it breaks no more than lines."""
    tidy = tidied(text)
    assert is_tidy(tidy)
    assert tidied(tidy) == tidy
    assert for_reading(tidy).replace("\n", "") == tidy.replace("\n", "")
    if fits_clipboard(tidy):
        reader = clips.ClipReader()
        found = [reader.take(*bulk.decode_part(raw)) for raw in clips.parts(tidy.encode())]
        assert found[-1] == tidy


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4), st.binary(min_size=1, max_size=4)), max_size=30))
def test_a_reader_of_parts_never_falls_over(pieces: list[tuple[int, int, bytes]]) -> None:
    """A tidy text, nothing yet, or BadClip."""
    reader = clips.ClipReader()
    for piece in pieces:
        try:
            text = reader.take(*piece)
        except clips.BadClip:
            continue
        assert text is None or (text and is_tidy(text))
