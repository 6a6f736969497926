# SPDX-License-Identifier: GPL-3.0-or-later
"""A session that lasts hours keeps little memory: what was freed goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

from remote_assist.heap import Heap

_HOLES = """
import psutil
from remote_assist.heap import give_back
mb = lambda: psutil.Process().memory_info().rss >> 20
kept = [bytes(3000) for _ in range(40_000)]  # some 115 MB of the C library's heap
last = bytes(3000)                           # holds its end, so that nothing goes back by itself
before = mb()
del kept
freed = mb()
given = give_back()
print(before, freed, mb(), given, len(last))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the GNU C library only")
def test_memory_that_was_freed_goes_back_to_the_system() -> None:
    out = subprocess.run([sys.executable, "-c", _HOLES], capture_output=True, text=True, check=True, timeout=60).stdout
    before, freed, after, given, _ = out.split()
    assert int(before) - int(freed) < 20, "the library gave it back by itself: this test shows nothing"
    assert int(freed) - int(after) > 90
    assert given == "True"


def test_memory_is_given_back_every_half_minute_however_the_time_comes_in() -> None:
    heap = Heap()
    assert [heap.due(250) for _ in range(240)].count(True) == 2
    assert heap.due(3_600_000), "a computer that slept gives back at once, and only once"
    assert not heap.due(250)
