# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of tests in memory: a killed run's is taken away by the next one, a living one's never."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.fakes.memory_places import own_folder

_HOLD = """
import sys
from pathlib import Path
from tests.fakes.memory_places import own_folder
print(own_folder("places-", Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def test_what_a_killed_run_left_goes_with_the_next_one(tmp_path: Path) -> None:
    """And what another, living one holds, or what is no such folder, stays."""
    (tmp_path / "places-of-somebody").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        (theirs / "data").mkdir()
        mine = own_folder("places-", tmp_path)
        assert theirs.is_dir()
        other.kill()
        other.wait()
    own_folder("places-", tmp_path)
    assert not theirs.exists()
    assert mine.is_dir()
    assert (tmp_path / "places-of-somebody").is_dir()
