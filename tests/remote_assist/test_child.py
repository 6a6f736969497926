# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of a session child: the end acts in the reading thread, and a pause holds what waits in a queue."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Callable
from multiprocessing import Pipe

from app.domain.assist import EndReason, Role, Scope
from app.domain.capture import CaptureError, FrameSource, TargetKind
from remote_assist.child import Child
from remote_assist.child_protocol import End, Grants, Masks, Pause, Source
from remote_assist.child_roles import CustomerRole
from remote_assist.ipc import ParentLink
from remote_assist.shm import FrameReader, FrameWriter
from tests.remote_assist.test_bulk_sender import FakeLine

_LONG_S = 30


def _no_display(kind: TargetKind | None, wait_free: Callable[[float], bool]) -> FrameSource:
    raise CaptureError("no_display")


@contextlib.asynccontextmanager
async def _customers_child() -> AsyncIterator[Child]:
    here, there = Pipe()  # `here` stays open: a child whose parent is gone ends its process
    memory = FrameReader(64, 64)
    link = ParentLink(there)
    child = Child(Role.CUSTOMER, link, FrameWriter(os.dup(memory.fd)), _no_display)
    try:
        yield child
    finally:
        child._bulk.close()
        link.flush(1)
        there.close()
        here.close()
        memory.close()


async def test_stop_closes_the_gate_however_busy_the_loop_is() -> None:
    """The thread that reads closes it; the loop does not get a turn in between."""
    async with _customers_child() as child:
        role = child._role
        assert isinstance(role, CustomerRole)
        child.take(Grants(1, [Scope.VIEW.value]))
        role.gate.set(connected=True)
        assert role.gate.open
        reader = threading.Thread(target=child.take, args=(End(EndReason.STOPPED.value),))
        reader.start()
        reader.join()
        assert not role.gate.open


async def test_the_newest_masks_win_and_a_target_comes_after_the_masks_that_were_told_before_it() -> None:
    """However slowly the first are taken in: none overtakes another on its way to the pictures."""
    async with _customers_child() as child:
        role, done = child._role, asyncio.Event()
        assert isinstance(role, CustomerRole)
        began: list[object] = []
        taken: list[object] = []
        loop, go_on = asyncio.get_running_loop(), threading.Event()

        def slowly(message: object) -> None:
            began.append(message)
            if len(began) == 1:
                go_on.wait(_LONG_S)
            taken.append(message)
            if len(taken) == len(told):
                loop.call_soon_threadsafe(done.set)

        role.handle = slowly  # type: ignore[method-assign]  # the real one is as slow as the display server
        told: list[Masks | Source] = [
            Masks(1, [(0, 0, 9, 9)]),
            Masks(2, [(0, 0, 9, 9), (20, 0, 9, 9)]),
            Source("screen", "screen"),
        ]
        for message in told:
            child._handle(message)
        threading.Timer(0.2, go_on.set).start()  # time for the others to overtake, if they can
        await asyncio.wait_for(done.wait(), _LONG_S)
        assert taken == told


async def test_while_it_is_paused_no_file_leaves_and_afterwards_it_does() -> None:
    """What was put into the queue before the pause waits for its end."""
    async with _customers_child() as child:
        line = FakeLine(open_for=0)
        child._bulk.use(line)
        child.take(Grants(1, [Scope.FILES_TO_AGENT.value]))
        child._bulk.put("file", b"a piece")
        child.take(Pause(on=True))
        line.open_for = 9
        for _ in range(50):
            assert child._bulk._turn() > 0
        assert line.sent == []
        child.take(Pause(on=False))
        async with asyncio.timeout(5):
            while not line.sent:
                await asyncio.sleep(0.001)
        assert line.sent == [("file", b"a piece")]
