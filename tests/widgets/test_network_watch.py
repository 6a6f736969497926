# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of this computer's network addresses is told once; what changes nothing is not."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.desktop import network_watch
from app.desktop.network_watch import NetworkWatch, own_addresses


class Machine:
    """The addresses of a computer, and the system's word that something about them changed."""

    def __init__(self) -> None:
        self.addresses = frozenset({"192.0.2.7"})
        self.looked = 0
        self.theirs, self.tell = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)

    def look(self) -> frozenset[str]:
        self.looked += 1
        return self.addresses


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    yield made
    made.tell.close()
    made.theirs.close()


def test_another_network_is_told_once(qtbot: QtBot, machine: Machine) -> None:
    """However many steps the system takes."""
    watch = NetworkWatch(addresses=machine.look, wake=machine.theirs)
    told: list[bool] = []
    watch.changed.connect(lambda: told.append(True))
    machine.addresses = frozenset({"198.51.100.4"})
    with qtbot.waitSignal(watch.changed):
        for _ in range(5):
            machine.tell.send(b"step")
    looked = machine.looked
    machine.tell.send(b"a lease was renewed")
    qtbot.waitUntil(lambda: machine.looked > looked)
    assert told == [True]
    watch.stop()
    watch.stop()


def test_where_nobody_wakes_it_it_looks_by_itself(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without netlink, or a sandbox that forbids it."""
    monkeypatch.setattr(network_watch, "_rtnetlink", lambda: None)
    monkeypatch.setattr(network_watch, "_LOOK_EVERY_MS", 10)
    found = [frozenset({"192.0.2.7"})]
    watch = NetworkWatch(addresses=lambda: found[0])
    with qtbot.waitSignal(watch.changed):
        found[0] = frozenset()
    watch.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="rtnetlink is Linux's")
def test_this_computer_can_be_watched(qtbot: QtBot) -> None:
    """The real socket opens without rights; loopback is nobody's network."""
    watch = NetworkWatch()
    assert not {"127.0.0.1", "::1"} & own_addresses()
    watch.stop()
