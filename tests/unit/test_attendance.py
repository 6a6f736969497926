# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is at the desk at which server process: claimed when it can be known, and not for long after a silence."""

from __future__ import annotations

from sync.server.attendance import Attendance
from sync.server.bus import LocalBus


class Line(LocalBus):
    """A bus that two processes share."""

    line = "ok"

    @property
    def state(self) -> str:
        """As the broker is."""
        return self.line


def test_what_other_processes_say_counts_until_they_are_silent() -> None:
    """First nothing is known, then what was said, and 15 s after the last word nobody is there any more."""
    bus, now = Line(), [0.0]
    there: set[str] = set()
    mine = Attendance(bus, set, lambda: now[0])
    theirs = Attendance(bus, lambda: set(there), lambda: now[0])
    mine.start()
    theirs.start()
    assert mine.elsewhere("team:a") is None
    now[0] = 7.0
    assert mine.elsewhere("team:a") is False
    there.add("team:a")
    theirs.say()
    assert mine.elsewhere("team:a") is True
    assert mine.elsewhere("team:b") is False
    now[0] = 23.0
    assert mine.elsewhere("team:a") is False, "silent for 16 s"
    theirs.say()
    assert mine.elsewhere("team:a") is True
    there.clear()
    theirs.say()
    assert mine.elsewhere("team:a") is False, "a leave is told at once"
    bus.line = "away"
    now[0] = 40.0
    assert mine.elsewhere("team:a") is None, "nobody can tell"
    bus.line = "ok"
    mine.returned()
    assert mine.elsewhere("team:a") is None, "others are to be heard first"


def test_one_process_alone_knows_at_once() -> None:
    """Without a broker there are no others."""
    desk = Attendance(LocalBus(), set)
    desk.start()
    assert desk.elsewhere("team:a") is False
