# SPDX-License-Identifier: GPL-3.0-or-later
"""When the worker reads the replica whole at its start: always but after a clean end that nobody casts doubt on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.domain.errors import StoreUnavailable
from app.entry.sync_codec import Hashes
from app.store.pending_file import open_reader
from app.store.replica import open_replica
from app.store.replica_file import replica_path
from app.store.replica_sound import WHOLE_EVERY_MS, SoundMark
from tests.sync.desk import KEY, Client

_PAGE = 4096


def opened(kim: Client, now_ms: int) -> tuple[SoundMark, bool]:
    """Start the worker's half at a time; the mark, and whether the replica was set aside."""
    mark = SoundMark(kim.folder, lambda: now_ms)
    kim.replica, aside = open_replica(kim.folder, KEY, open_reader(kim.folder, KEY), Hashes(), kim.desk.clock, mark)
    return mark, aside


def rot(path: Path, *, quietly: bool) -> None:
    """Damage the last page of a file; `quietly`, as a disk does it: no time of writing tells."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(before.st_size - _PAGE // 2)
        file.write(bytes(64))
    if quietly:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("why", ["killed", "written", "doubted", "a week"])
def test_a_damaged_page_is_found_at_the_start_after_anything_but_a_clean_end(kim: Client, why: str) -> None:
    """The replica is loaded again before anybody reads what is not there any more."""
    for n in range(40):
        kim.new_ticket(f"Ticket {n}", "text " * 100)
    kim.sync()
    kim.replica.close()
    now = kim.desk.clock()
    mark, _aside = opened(kim, now)
    kim.replica.close()
    if why != "killed":
        mark.leave(KEY)
    rot(replica_path(kim.folder), quietly=why != "written")
    if why == "doubted":
        with pytest.raises(StoreUnavailable), kim.profile.readers().read() as tx:
            tx.all("PRAGMA quick_check")
    _mark, aside = opened(kim, now + WHOLE_EVERY_MS if why == "a week" else now + 1)
    assert aside


def test_after_a_clean_end_the_replica_is_not_read_whole_once(kim: Client) -> None:
    """The note holds for one start: a sudden end after that is noticed."""
    for n in range(40):
        kim.new_ticket(f"Ticket {n}", "text " * 100)
    kim.sync()
    kim.replica.close()
    now = kim.desk.clock()
    mark, _aside = opened(kim, now)
    kim.replica.close()
    mark.leave(KEY)
    rot(replica_path(kim.folder), quietly=True)
    _mark, aside = opened(kim, now + 1)
    assert not aside, "it was read whole"
    kim.replica.close()
    _mark, aside = opened(kim, now + 2)
    assert aside
