# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ends with two real session children: processes, WebRTC on loopback, the drawn picture; a fake relay."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import msgspec
import pytest

from app.domain.assist import EndReason, Phase, Scope
from app.domain.invitation import InvitationPolicy
from app.domain.marks import Mark, MarkKind, Marks
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import (
    Action,
    AskScope,
    CallServer,
    KillChild,
    MarksChanged,
    Receipt,
    SasQuestion,
    SendEnvelope,
    StartChild,
    TargetsListed,
    ToChild,
)
from remote_assist.chain import verify_receipt
from remote_assist.ipc import ChildLink, LinkClosed, spawn_child
from tests.remote_assist.world import Side, World

Event = tuple[Side, "ChildLink | None", "child.FromChild | bytes | None"]


class RealClock:
    """The machine's clocks."""

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def utc_ms(self) -> int:
        return time.time_ns() // 1_000_000


class Pair:
    """Both hosts in one thread, with an event queue instead of Qt."""

    def __init__(self) -> None:
        clock = RealClock()
        self.world = World(clock=clock)
        self.events: queue.Queue[Event] = queue.Queue()
        self.links: dict[str, ChildLink] = {}
        self.threads: list[threading.Thread] = []
        self.frames = {"agent": 0, "customer": 0}
        self.stats: dict[str, float] = {}  # the customer's child's, newest

        self.env: dict[str, str] = {}
        self.policy = InvitationPolicy()
        self.turn: Callable[[Side], dict[str, object]] = lambda _side: {"urls": []}

    def close(self) -> None:
        for link in self.links.values():
            link.kill()
        for thread in self.threads:
            thread.join(10)
        for link in self.links.values():
            link.close()

    def perform(self, side: Side, actions: list[Action]) -> None:
        for action in actions:
            side.actions.append(action)
            if isinstance(action, SendEnvelope):
                to = self.world.customer if action.to == "customer" else self.world.agent
                self.events.put((to, None, action.data))
            elif isinstance(action, StartChild):
                self.start(side, action.role)
            elif isinstance(action, ToChild):
                self.tell(side, action.message)
            elif isinstance(action, KillChild):
                self.links[side.name].kill()
            elif isinstance(action, CallServer):
                self.world.calls.append(action)
                answer = self.turn(side) if action.path.endswith("/turn") else {}
                self.perform(side, side.link.on_server_result(action.call_id, 200, msgspec.json.encode(answer)))

    def start(self, side: Side, role: str) -> None:
        if side.name in self.links:
            self.links[side.name].close()
        link = self.links[side.name] = spawn_child(role, env={"DISPLAY": ""} | self.env)
        thread = threading.Thread(target=self.read, args=(side, link), daemon=True)
        self.threads.append(thread)
        thread.start()

    def tell(self, side: Side, message: child.ToChild) -> None:
        with contextlib.suppress(LinkClosed):
            self.links[side.name].send(message)

    def read(self, side: Side, link: ChildLink) -> None:
        try:
            while True:
                self.events.put((side, link, link.receive()))
        except LinkClosed:
            self.events.put((side, link, None))

    def until(self, done: Callable[[], object], timeout_s: float = 30) -> None:
        """Carry on both hosts until this is so."""
        end = time.monotonic() + timeout_s
        while not done():
            assert time.monotonic() < end, self.story()
            with contextlib.suppress(queue.Empty):
                self.handle(*self.events.get(timeout=0.05))
            for side in (self.world.agent, self.world.customer):
                self.perform(side, side.end.tick())

    def story(self) -> str:
        """What both ends came to, for a test that waits in vain."""
        views = {side.name: side.end.view for side in (self.world.agent, self.world.customer)}
        ends = {name: (view.phase, view.reason) for name, view in views.items()}
        return f"{ends}, frames {self.frames}, {[type(action).__name__ for action in self.world.customer.actions]}"

    def handle(self, side: Side, link: ChildLink | None, what: child.FromChild | bytes | None) -> None:
        if isinstance(what, bytes):
            end = self.world.agent_end if side is self.world.agent else self.world.customer_end
            self.perform(side, end.on_envelope(what))
        elif link is self.links[side.name]:
            self.frames[side.name] += isinstance(what, child.Frame)
            if isinstance(what, child.Stats) and side is self.world.customer:
                self.stats = what.values
            self.perform(side, side.end.on_child_died() if what is None else side.end.on_child(what))

    def more_frames(self, count: int = 3) -> None:
        seen = self.frames["agent"]
        self.until(lambda: self.frames["agent"] >= seen + count)

    def to_consent(self) -> None:
        world = self.world
        self.perform(world.agent, world.agent_end.invite(world.request(policy=self.policy)))
        self.perform(world.customer, world.customer_end.open(*world.invitation))
        self.until(lambda: world.customer.of(TargetsListed))
        target = world.customer.last(TargetsListed).targets[0]
        self.perform(world.customer, world.customer_end.choose_target(target.id, target.kind))
        self.perform(world.agent, world.agent_end.set_view(640, 360))
        self.until(lambda: self.frames["customer"])
        self.perform(world.customer, world.customer_end.allow())

    def to_verified(self) -> None:
        world = self.world
        self.to_consent()
        self.until(lambda: world.customer.of(SasQuestion))
        self.perform(world.customer, world.customer_end.pick_number(world.number))
        self.perform(world.agent, world.agent_end.confirm_sas_same(True))
        self.until(lambda: world.phases() == (Phase.VERIFIED, Phase.VERIFIED))
        self.more_frames()


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()


def test_a_picture_travels_survives_a_dead_child_and_stops_at_stop(pair: Pair) -> None:
    """Journey, replacement of the customer's child, stop, receipt with what happened."""
    world = pair.world
    pair.to_verified()
    pair.links["customer"].kill()
    pair.until(lambda: "reconnect" in world.customer.entries())
    pair.more_frames()
    pair.perform(world.customer, world.customer_end.stop())
    pair.until(lambda: world.customer.of(Receipt) and world.customer.last(Receipt).countersigned)
    report = verify_receipt(world.customer.last(Receipt).data)
    assert report.ok
    assert report.entries[-1].data["frames_sent"] > 0
    kinds = [entry.type.value for entry in report.entries]
    assert kinds == ["joined", "prompted", "consent", "grant", "sas", "reconnect", "end"]


@pytest.mark.ux("UX-36", "UX-48")
def test_pointing_crosses_a_real_connection_only_between_yes_and_taking_back(pair: Pair) -> None:
    """Through both children's own checks: before the yes nothing, after it the drawing, afterwards nothing again."""
    world = pair.world
    pair.to_verified()
    box = Mark(1, MarkKind.BOX, ((10, 10), (500, 400)), 0xFF0000)
    pair.perform(world.agent, world.agent_end.draw(box))
    pair.perform(world.agent, world.agent_end.request(Scope.POINTER, "to show the button"))
    pair.until(lambda: world.customer.of(AskScope))
    assert not world.customer.of(MarksChanged)
    pair.perform(world.customer, world.customer_end.grant(Scope.POINTER))
    pair.until(lambda: Scope.POINTER in world.agent_end.view.grants)
    pair.perform(world.agent, world.agent_end.draw(box))
    pair.until(lambda: world.customer.of(MarksChanged) and world.customer.last(MarksChanged).marks.drawn == (box,))

    def pointed() -> bool:  # a datagram may be lost
        pair.perform(world.agent, world.agent_end.point((7, 9)))
        return world.customer.last(MarksChanged).marks.pointer == (7, 9)

    pair.until(pointed)
    pair.perform(world.customer, world.customer_end.revoke(Scope.POINTER))
    assert world.customer.last(MarksChanged).marks == Marks()
    raw = child.Send("ann", wire.encode(wire.AddMark(2, MarkKind.PEN, [(1, 1)], 0, 8)))
    pair.tell(world.agent, raw)  # an agent's program that does not care
    pair.until(lambda: Scope.POINTER not in world.agent_end.view.grants)
    pair.more_frames()
    assert world.customer.last(MarksChanged).marks == Marks()
    kinds = world.customer.entries()
    assert kinds[-3:] == ["sas", "grant", "revoke"]


def test_stop_with_the_own_child_frozen_kills_it_within_its_time(pair: Pair) -> None:
    """SIGSTOP: it cannot answer, so it must not live."""
    world = pair.world
    pair.to_verified()
    frozen = pair.links["customer"]
    os.kill(frozen.pid, signal.SIGSTOP)
    pair.perform(world.customer, world.customer_end.stop())
    pair.until(lambda: world.customer.of(KillChild))
    assert frozen.wait(30) == -signal.SIGKILL
    assert world.customer.end.view.reason is EndReason.STOPPED
    assert world.customer.of(Receipt)


def test_the_ends_load_neither_transport_nor_codecs_nor_windows() -> None:
    """UI processes hold the keys: they never load what parses media."""
    code = (
        "import sys; import remote_assist.agent_end, remote_assist.customer_end, remote_assist.chain;"
        "import remote_assist.file_sending, remote_assist.diagnostics_here, remote_assist.diagnostics_texts;"
        "print([m for m in ('aiortc', 'av', 'aioice', 'PySide6', 'numpy') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"
