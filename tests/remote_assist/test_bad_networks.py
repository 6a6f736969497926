# SPDX-License-Identifier: GPL-3.0-or-later
"""A session between two computers on a cable that loses, is narrow, is cut, and whose ends change their addresses.

Two network namespaces stand for the computers, with a real child in each; what the ends say to each other by the server
takes another way, as in life.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.domain.assist import Phase
from remote_assist.actions import SasQuestion
from remote_assist.agent_end import AgentEnd
from remote_assist.customer_end import CustomerEnd
from remote_assist.ipc import child_command, spawn_child
from tests.fakes import netns
from tests.fakes.netns import Computer
from tests.remote_assist.test_pair_with_children import Pair
from tests.remote_assist.world import Side

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
WATCH = """
from PySide6.QtCore import QCoreApplication, QTimer
from app.desktop.network_watch import NetworkWatch
app = QCoreApplication([])
watch = NetworkWatch()
watch.changed.connect(lambda: (print("changed", flush=True), app.quit()))
QTimer.singleShot(60_000, app.quit)
print("watching", flush=True)
app.exec()
"""
AGENT, CUSTOMER, ELSEWHERE = "10.77.0.1/24", "10.77.0.2/24", "10.77.0.77/24"


class CabledPair(Pair):
    """Two hosts whose children are on two computers."""

    def __init__(self, agent: Computer, customer: Computer) -> None:
        super().__init__()
        self.computers = {"agent": agent, "customer": customer}

    def start(self, side: Side, role: str) -> None:
        command = [*self.computers[side.name].starter, *child_command()]
        if side.name in self.links:
            self.links[side.name].close()
        link = self.links[side.name] = spawn_child(role, command=command, env={"DISPLAY": ""})
        thread = threading.Thread(target=self.read, args=(side, link), daemon=True)
        self.threads.append(thread)
        thread.start()

    def until(self, done: Callable[[], object], timeout_s: float = 90) -> None:
        """As ever, with more patience: processes start meanwhile, on a machine that may be busy."""
        super().until(done, timeout_s)

    def lose(self, per_mille: int) -> None:
        for computer in self.computers.values():
            computer.lose(per_mille)

    def network_changed(self, side: Side) -> None:
        """What the window does when the system tells it of another address."""
        assert isinstance(side.end, AgentEnd | CustomerEnd)
        self.perform(side, side.end.network_changed())

    def flowing(self) -> bool:
        return all(side.link.view.flowing for side in (self.world.agent, self.world.customer))

    def goes_on(self, reconnects: int) -> None:
        """Pictures come again, by so many new connections, and nobody was asked anything anew."""
        world = self.world
        self.until(self.flowing)
        self.more_frames(5)
        assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)
        assert world.customer.entries().count("reconnect") == reconnects
        assert len(world.customer.of(SasQuestion)) == 1


@contextlib.contextmanager
def computers() -> Iterator[tuple[Computer, Computer]]:
    if lacks := netns.missing():  # asked here and not while tests are collected: it tries a cable
        pytest.skip(lacks)
    with netns.cable() as both:
        yield both


@pytest.fixture
def pair() -> Iterator[CabledPair]:
    with computers() as (agent, customer), contextlib.closing(CabledPair(agent, customer)) as made:
        yield made


def test_pictures_flow_where_three_packets_in_a_hundred_are_lost(pair: CabledPair) -> None:
    """In both directions and from the first packet; what was lost is sent again, and the connection is not given up."""
    pair.lose(30)
    pair.to_verified()
    pair.until(lambda: pair.stats.get("retransmitted", 0) >= 3)
    pair.goes_on(0)


def test_pictures_flow_through_a_narrow_line(pair: CabledPair) -> None:
    """Half a megabit per second in each direction."""
    for computer in pair.computers.values():
        computer.limit(500_000)
    pair.to_verified()
    pair.goes_on(0)


@pytest.mark.parametrize("who", ["customer", "agent"])
def test_the_session_goes_on_from_another_address(pair: CabledPair, who: str) -> None:
    """The old address is gone; the window hears of it at once; a new connection shows the picture again."""
    pair.to_verified()
    pair.computers[who].move(CUSTOMER if who == "customer" else AGENT, ELSEWHERE)
    side: Side = getattr(pair.world, who)
    pair.network_changed(side)
    assert side.end.view.lost
    pair.until(lambda: "reconnect" in pair.world.customer.entries())
    pair.goes_on(1)


def test_the_window_hears_of_another_address_from_the_system() -> None:
    """The watch of the real program, in the namespace of a computer whose address changes."""
    with computers() as (computer, _other):
        command = [*computer.starter, sys.executable, "-c", WATCH]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as window:
            assert window.stdout is not None
            assert window.stdout.readline() == b"watching\n"
            computer.move(AGENT, ELSEWHERE)
            assert window.stdout.readline() == b"changed\n"


def test_an_address_that_changes_while_nobody_tells_us_is_found_out_by_the_silence(pair: CabledPair) -> None:
    """Where the system does not say so: three seconds without a packet are a lost connection."""
    pair.to_verified()
    pair.computers["customer"].move(CUSTOMER, ELSEWHERE)
    pair.until(lambda: "reconnect" in pair.world.customer.entries())
    pair.goes_on(1)


def test_a_cable_that_is_cut_and_mended_costs_the_time_it_was_cut(pair: CabledPair) -> None:
    """Both ends say that the connection is lost; with the cable the pictures come back, without a question."""
    pair.to_verified()
    pair.lose(1000)
    world = pair.world
    pair.until(lambda: world.customer.end.view.lost and world.agent.end.view.lost)
    seen = pair.frames["agent"]
    pair.lose(0)
    pair.until(pair.flowing)
    pair.until(lambda: pair.frames["agent"] > seen + 5)
    assert world.phases() == (Phase.VERIFIED, Phase.VERIFIED)
    assert len(world.customer.of(SasQuestion)) == 1
