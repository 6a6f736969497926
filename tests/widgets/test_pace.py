# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a window reads while everything changes all the time: in turn, with pauses, and the last news always."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from app.desktop.jobs import QtJobs
from app.desktop.pace import Pace
from app.domain.ids import TicketId
from tests.fakes.queries import FakeDesk, FakeQueries
from widgets.shell.desk import TicketDesk
from widgets.shell.frame import Ports
from widgets.shell.refresh import Refresher


def test_what_is_asked_for_again_and_again_runs_at_once_then_seldom_and_a_last_time(qtbot: QtBot) -> None:
    """Nothing asked for is forgotten."""
    parent, runs = QObject(), list[int]()
    pace = Pace(lambda: runs.append(1), 30, parent)
    for _ in range(50):
        pace.ask()
    assert runs == [1]
    qtbot.waitUntil(lambda: runs == [1, 1])
    pace.ask()
    pace.ask()
    pace.stop()
    before = len(runs)
    pace.ask()
    assert len(runs) == before + 1


def test_answers_that_come_together_leave_room_between_them(qtbot: QtBot) -> None:
    """Timers and input get their turn after each answer, and the order of writes is kept."""
    jobs, seen, go = QtJobs(lambda _why: None), list[str](), threading.Event()
    beat = QTimer(interval=0)
    beat.timeout.connect(lambda: seen.append("beat"))
    jobs.change(go.wait)
    for n in range(4):
        jobs.change(lambda: None, lambda _none, n=n: seen.append(str(n)))  # type: ignore[misc]  # bound now
    go.set()
    beat.start()
    qtbot.waitUntil(lambda: "3" in seen)
    beat.stop()
    answers = [word for word in seen if word != "beat"]
    assert answers == ["0", "1", "2", "3"]
    places = [seen.index(word) for word in answers]
    assert all(b - a > 1 for a, b in pairwise(places))
    jobs.close()


class _Slow:
    """Jobs that a test answers itself."""

    def __init__(self) -> None:
        self.asked: list[Callable[[], None]] = []

    def query(
        self, read: Callable[[], Any], then: Callable[[Any], object], error: object = None, key: str = ""
    ) -> None:
        """Keep for later."""
        del error, key
        self.asked.append(lambda: cast("None", then(read())))


class _Store:
    def __getattr__(self, name: str) -> Callable[[], tuple[()]]:
        return lambda: ()


def test_a_round_of_reading_ends_before_the_next_begins(qtbot: QtBot) -> None:
    """First what shows, then the numbers; what changed meanwhile is read in the next round, all of it."""
    parent, jobs, seen = QObject(), _Slow(), list[frozenset[bytes]]()
    ports = Ports(*(cast("Any", x) for x in (_Store(), None, None, jobs, None, None, None, _Store())))

    def read_seen(ids: frozenset[bytes]) -> bool:
        seen.append(ids)
        return True

    refresher = Refresher(ports, read_seen, parent)
    for each in (b"a", b"b"):
        refresher.note(frozenset({each}))
    qtbot.waitUntil(lambda: len(seen) == 1)
    assert seen == [frozenset({b"a", b"b"})]
    refresher.note(frozenset({b"c"}))
    assert jobs.asked == []
    refresher.seen_read()
    assert len(jobs.asked) == 1
    refresher.note(frozenset())
    assert len(seen) == 1
    with qtbot.waitSignal(refresher.counted):
        jobs.asked.pop()()
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen[1] == frozenset()


def test_what_a_person_does_is_read_at_once_also_while_numbers_are_counted(qtbot: QtBot) -> None:
    """Nobody waits for a pause or for a round to see what they did; the numbers follow."""
    parent, jobs, seen = QObject(), _Slow(), list[frozenset[bytes]]()
    ports = Ports(*(cast("Any", x) for x in (_Store(), None, None, jobs, None, None, None, _Store())))

    def read_seen(ids: frozenset[bytes]) -> bool:
        seen.append(ids)
        return False

    refresher = Refresher(ports, read_seen, parent)
    refresher.note(frozenset({b"theirs"}))
    qtbot.waitUntil(lambda: len(jobs.asked) == 1)
    refresher.note(frozenset({b"mine"}), own=True)
    assert seen == [frozenset({b"theirs"}), frozenset({b"mine"})]
    jobs.asked.pop()()
    qtbot.waitUntil(lambda: len(jobs.asked) == 1)
    assert len(seen) == 2


def test_a_ticket_is_read_once_also_where_the_list_asks_for_it_as_well(qtbot: QtBot) -> None:
    """Two readings beside each other take twice as long; what changes while it is read is read again."""
    del qtbot
    jobs, one, other = _Slow(), TicketId(b"1" * 16), TicketId(b"2" * 16)
    desk = TicketDesk(*(cast("Any", x) for x in (FakeQueries(FakeDesk(3)), None, None, jobs, None)))
    desk.open(one)
    desk.open(one)
    assert len(jobs.asked) == 1
    desk.reload(frozenset({one}))
    assert len(jobs.asked) == 2
    desk.open(other)
    desk.open(one)
    assert len(jobs.asked) == 4
    jobs.asked[3]()
    desk.open(one)
    assert len(jobs.asked) == 5
