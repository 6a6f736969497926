# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's cursor: from the screen to what the agent's window may draw, and nothing hostile on the way."""

from __future__ import annotations

import itertools
import os
import threading
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from Xlib import X
from Xlib.display import Display
from Xlib.ext import xtest

from app.domain.assist import Role
from app.domain.capture import CursorState, Rect
from app.domain.signed import b64
from remote_assist import incoming
from remote_assist import messages as wire
from remote_assist.cursor_feed import MOVING_S, RESTING_S, UNTOLD_S, CursorFeed, shape_message
from remote_assist.cursor_x11 import X11Cursor
from remote_assist.incoming import Malformed, NotGranted, Rates
from tests.fakes import xvfb

NOTHING: frozenset[str] = frozenset()
ARROW = CursorState(10, 20, visible=True, shape_id=3, hot_x=1, hot_y=2, width=2, height=2, bgra=bytes(range(16)))


class Desk:
    """A cursor that a test moves, and what was sent of it."""

    def __init__(self) -> None:
        self.state: CursorState | None = ARROW
        self.now_us = 1_000_000
        self.sent: list[wire.Message] = []
        self.feed = CursorFeed(lambda: self.state, self.take, lambda: self.now_us)

    def take(self, channel: str, data: bytes) -> None:
        self.sent.append(wire.decode(channel, data, Role.CUSTOMER))

    def step(self, later_us: int = 20_000) -> float:
        self.now_us += later_us
        return self.feed.step()


def read(channel: str, data: bytes, rates: Rates | None = None, now_ms: int = 0) -> wire.Message:
    """What the agent's window gets of a message, through the child's check and its own."""
    raw = incoming.read(channel, data, sender=Role.CUSTOMER, scopes=NOTHING, paused=False, rates=rates, now_ms=now_ms)
    return wire.typed(channel, raw, Role.CUSTOMER)


def test_a_shape_travels_once_and_places_only_when_they_change() -> None:
    """Often while it moves, seldom while it rests, and now and then again, for a place may be lost."""
    desk = Desk()
    assert desk.step() == MOVING_S
    assert desk.sent == [wire.CursorShape(3, (1, 2), 2, 2, b64(zlib.compress(ARROW.bgra, 6))),
                         wire.Cursor(10, 20, True, 3, desk.now_us)]  # fmt: skip
    desk.step()
    assert len(desk.sent) == 2
    assert desk.step(400_000) == RESTING_S
    desk.step(200_000)
    assert len(desk.sent) == 3
    desk.state = replace(ARROW, x=11)
    desk.step()
    assert desk.sent[3:] == [wire.Cursor(11, 20, True, 3, desk.now_us)]
    desk.feed.renew()
    desk.step()
    assert isinstance(desk.sent[4], wire.CursorShape)


def test_a_cursor_that_rests_long_is_told_again_ever_more_seldom_but_never_no_more() -> None:
    """The last place may be lost on the way; a still screen says little."""
    desk = Desk()
    for _ in range(300):
        desk.step(100_000)
    told = [message.us for message in desk.sent if isinstance(message, wire.Cursor)]
    gaps = [(after - before) // 1000 for before, after in itertools.pairwise(told)]
    assert gaps[:5] == [500] * 5
    assert gaps[6:] == [2000] * len(gaps[6:])
    assert len(gaps) > 15


def test_where_the_mouse_is_beside_the_shared_window_is_not_told() -> None:
    """Only that it does not show."""
    desk = Desk()
    desk.state = replace(ARROW, x=-900, y=5_000, visible=False)
    desk.step()
    assert desk.sent == [wire.Cursor(0, 0, False, 0, desk.now_us)]
    desk.state = None
    assert desk.step() == RESTING_S
    assert len(desk.sent) == 1


def test_a_shape_that_is_too_large_or_of_a_wrong_size_stays_here() -> None:
    """The agent's own mark stands for it."""
    large = os.urandom(128 * 128 * 4)
    assert shape_message(replace(ARROW, width=128, height=128, bgra=large)) is None
    assert shape_message(replace(ARROW, width=129, height=1, bgra=bytes(129 * 4))) is None
    assert shape_message(replace(ARROW, bgra=bytes(15))) is None
    assert shape_message(replace(ARROW, shape_id=0)) is None


def test_the_agents_child_unpacks_a_shape_and_the_window_gets_exactly_its_pixels() -> None:
    """Never the packed form."""
    message = shape_message(ARROW)
    assert message is not None
    assert read("ctl", wire.encode(message)) == wire.CursorImage(3, (1, 2), 2, 2, ARROW.bgra)


@pytest.mark.parametrize(
    "packed",
    [zlib.compress(bytes(10_000_000)), zlib.compress(bytes(15)), zlib.compress(bytes(17)), b"no zlib", b""],
    ids=["bomb", "too short", "too long", "not packed", "empty"],
)
def test_hostile_shapes_are_malformed_and_nothing_is_unpacked_beyond_their_size(packed: bytes) -> None:
    """A bomb of ten megabytes is ten kilobytes on the wire."""
    with pytest.raises(Malformed):
        read("ctl", wire.encode(wire.CursorShape(3, (0, 0), 2, 2, b64(packed))))


def test_a_bomb_takes_no_more_memory_than_the_cursor_it_says_it_is() -> None:
    """Twenty megabytes of nothing behind a cursor of four pixels."""
    raw = wire.encode(wire.CursorShape(3, (0, 0), 2, 2, b64(zlib.compress(bytes(20_000_000)))))
    tracemalloc.start()
    try:
        with pytest.raises(Malformed):
            read("ctl", raw)
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1_000_000


def test_too_many_messages_are_dropped_and_more_come_through_later() -> None:
    """What was held up on the way is not lost: three seconds of it come at once."""
    rates, raw = Rates(), wire.encode(wire.Cursor(1, 2, True, 0, 3))
    for _ in range(360):
        read("cur", raw, rates)
    with pytest.raises(NotGranted, match="cur rate"):
        read("cur", raw, rates)
    for now_ms in range(1_000, 1_120):
        read("cur", raw, rates, now_ms)


@pytest.mark.parametrize("channel", ["ptr", "ann"])
def test_an_agent_that_points_or_draws_without_measure_is_stopped_in_the_customers_child(channel: str) -> None:
    """Granted or not."""
    message: wire.Message = wire.Pointer(1, 2, visible=True) if channel == "ptr" else wire.ClearMarks()
    rates, most = Rates(), {"ptr": 180, "ann": 90}[channel]

    def send() -> None:
        raw = wire.encode(message)
        incoming.read(
            channel, raw, sender=Role.AGENT, scopes=frozenset({"pointer"}), paused=False, rates=rates, now_ms=1
        )

    for _ in range(most):
        send()
    with pytest.raises(NotGranted, match=f"{channel} rate"):
        send()


@pytest.mark.skipif(not xvfb.available(), reason="no Xvfb here")
def test_an_x_display_tells_place_and_shape_and_a_dead_one_nothing() -> None:
    """Relative to what is shared; the shape as the server draws it."""
    with xvfb.own_display(400, 300) as name:
        display = Display(name)
        display.screen().root.warp_pointer(130, 90)
        display.sync()
        cursor = X11Cursor(name)
        state = cursor.state(Rect(100, 50, 200, 200))
        assert state is not None
        assert (state.x, state.y, state.visible) == (30, 40, True)
        assert state.shape_id
        assert len(state.bgra) == state.width * state.height * 4
        assert shape_message(state) is not None
        font: Any = display.open_font("cursor")
        for glyph in (34, 52):
            hand = font.create_glyph_cursor(font, glyph, glyph + 1, (0, 0, 0), (65535, 65535, 65535))
            display.screen().root.change_attributes(cursor=hand)
            display.sync()
            before, state = state, cursor.state(Rect(100, 50, 200, 200))
            assert state is not None  # at once, not at the next look at the clock
            assert state.shape_id != before.shape_id
            assert state.bgra != before.bgra
        outside = cursor.state(Rect(200, 200, 50, 50))
        assert outside is not None
        assert not outside.visible
        display.close()
    assert cursor.state(Rect(0, 0, 10, 10)) is None
    assert cursor.state(Rect(0, 0, 10, 10)) is None
    cursor.close()


@pytest.mark.skipif(not xvfb.available(), reason="no Xvfb here")
def test_a_cursor_at_rest_is_not_asked_for_and_the_first_movement_of_the_mouse_is_noticed() -> None:
    """Each movement anew, also one that came before anybody waited; where no display tells, nobody waits."""
    with xvfb.own_display(400, 300) as name:
        display = Display(name)
        cursor = X11Cursor(name)
        assert not cursor.wait(30)  # it was never asked where it is
        place = Rect(0, 0, 400, 300)
        for x in (10, 20, 30):
            assert cursor.state(place) is not None
            assert cursor.wait(0.01)  # from here on motion is told
            xtest.fake_input(display, X.MotionNotify, x=x, y=5)
            display.sync()
            with ThreadPoolExecutor() as pool:
                assert pool.submit(cursor.wait, 60).result(timeout=20)
            state = cursor.state(place)
            assert state is not None
            assert state.x == x
        display.close()
        cursor.close()
        assert not cursor.wait(30)


def test_where_motion_is_told_the_feed_looks_only_then() -> None:
    """And now and then all the same, for a program may put the cursor elsewhere."""
    desk = Desk()
    looks: list[CursorState | None] = []
    waits: list[float] = []
    done = threading.Event()

    def read() -> CursorState | None:
        looks.append(desk.state)
        desk.now_us += 400_000  # the cursor rests
        return desk.state

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == 5:
            feed.stop()
            done.set()
        return True

    feed = CursorFeed(read, desk.take, lambda: desk.now_us, wait)
    feed.start()
    assert done.wait(20)
    assert waits == [UNTOLD_S] * 5
    assert len(looks) <= 6  # one that still moved, and one for each wait
