# SPDX-License-Identifier: GPL-3.0-or-later
"""First loads and repairs from a prepared file, and disks and files that fail in the middle."""

from __future__ import annotations

import os
import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.domain.entities import NOTE, team_scope
from app.domain.errors import StoreUnavailable
from app.domain.ports import ViewKey
from sync.engine import Fetch, Request
from sync.server.snapshots import Snapshots
from tests.sync.desk import Client, Desk


@pytest.fixture
def stocked(desk: Desk, lee: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """120 tickets, and a snapshot of them in many small pieces, older than the newest ticket."""
    monkeypatch.setattr("sync.server.snapshots._GROUP", 5)
    monkeypatch.setattr("sync.server.snapshots._FIRST_GROUP", 5)
    monkeypatch.setattr("sync.engine_loads._CHUNK_ROWS", 40)
    for n in range(120):
        lee.new_ticket(f"문의 {n}")
    lee.sync()
    snapshots = Snapshots(desk.store, tmp_path / "snapshots", desk.clock, random.randbytes, min_rows=50)
    assert snapshots.refresh() == [team_scope(desk.team("북부"))]
    desk.parts.core._snapshots = snapshots
    lee.new_ticket("danach")
    lee.sync()
    return desk


def _watch(client: Client) -> list[int]:
    offsets: list[int] = []

    def lose(request: Request) -> bool:
        if isinstance(request, Fetch):
            offsets.append(request.offset)
        return False

    client.line.lose = lose
    return offsets


def _whole(client: Client) -> None:
    assert client.sync()
    assert len(client.profile.queries.ids(ViewKey.ALL)) == 121
    assert {s.state for s in client.core.state.scopes.values()} == {"live"}
    assert client.core.counters.differing == []
    with client.replica._file.read() as tx:
        assert tx.value("SELECT count(*) FROM snap_part") + tx.value("SELECT count(*) FROM page") == 0


def test_a_first_load_from_a_snapshot_resumes_where_it_was_killed(stocked: Desk, tmp_path: Path) -> None:
    """The newest tickets show first; each new start goes on at a byte, and the end equals a plain load."""
    client = Client(stocked, tmp_path / "new")
    offsets = _watch(client)
    shown = []
    for _ in range(4):
        client.line.cut_after_frames = 7
        client.sync()
        client.restart_worker()
        shown.append(len(client.profile.queries.ids(ViewKey.ALL)))
    client.line.cut_after_frames = None
    _whole(client)
    assert shown == sorted(shown)
    assert shown[0] > 0
    assert offsets[-1] > 0
    client.close()


def test_a_repair_from_a_snapshot_shows_the_old_rows_until_it_is_whole(stocked: Desk, kim: Client) -> None:
    """The scope is loaded again, killed in between, and nobody sees a hole."""
    kim.sync()
    scope = team_scope(stocked.team("북부"))
    kim.replica.set_scopes(None, {}, [scope], ())
    kim.restart_worker()
    offsets = _watch(kim)
    for _ in range(3):
        kim.line.cut_after_frames = 9
        kim.sync()
        kim.restart_worker()
        assert len(kim.profile.queries.ids(ViewKey.ALL)) == 121
    kim.line.cut_after_frames = None
    _whole(kim)
    assert offsets[-1] > 0


def test_a_snapshot_that_is_not_what_was_offered_is_forgotten(
    stocked: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its hash differs: the scope is loaded without it, and the result is right all the same."""
    client = Client(stocked, tmp_path / "new")
    monkeypatch.setattr("app.store.replica_pages.is_sound", lambda *_: False)
    assert client.sync()
    assert len(client.profile.queries.ids(ViewKey.ALL)) == 121
    assert {s.state for s in client.core.state.scopes.values()} == {"live"}
    assert client.core.counters.differing == [team_scope(stocked.team("북부"))]
    client.close()


def test_a_snapshot_that_is_gone_costs_only_the_time(stocked: Desk, tmp_path: Path) -> None:
    """The server cleared it away: that scope is pulled instead."""
    client = Client(stocked, tmp_path / "new")
    client.line.cut_after_frames = 5
    client.sync()
    while not isinstance(client.core.next(stocked.clock()), Fetch):
        request = client.core.next(stocked.clock())
        assert request is not None
        client._exchange(request)
    for file in (tmp_path / "snapshots").iterdir():
        file.unlink()
    _whole(client)
    client.close()


@contextmanager
def _full_disk(size: int) -> Iterator[None]:
    """No file may grow beyond this size: what a full disk does to a database."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_in_the_middle_of_a_checkpoint_changes_nothing(desk: Desk, kim: Client, lee: Client) -> None:
    """The old state stays in view, and with room again the same checkpoint goes through; nothing is loaded twice."""
    for n in range(40):
        lee.new_ticket(f"문의 {n}", "x" * 2000)
    lee.sync()
    kim.core.poked()
    with _full_disk(300_000), pytest.raises(StoreUnavailable) as caught:
        kim.sync()
    assert caught.value.code == "disk_full", caught.value.details
    assert len(kim.profile.queries.ids(ViewKey.ALL)) == 0
    kim.core.reset()
    assert kim.sync()
    assert len(kim.profile.queries.ids(ViewKey.ALL)) == 40
    assert kim.core.counters.differing == []


def test_a_damaged_page_costs_a_download_and_no_word(desk: Desk, kim: Client, lee: Client) -> None:
    """A page goes bad while the worker runs: the replica is set aside, and unsent work goes out."""
    ticket = lee.new_ticket()
    for n in range(30):
        lee.note(ticket, f"notiz {n} " + "x" * 500)
    lee.sync()
    kim.sync()
    kim.note(ticket, "ungesendet")
    kim.replica.close()
    kim.profile._readers.close()
    path = kim.folder / "replica.db"
    with path.open("r+b") as file:
        for place in range(8, path.stat().st_size // 4096):
            file.seek(place * 4096 + 100)
            file.write(os.urandom(200))
    kim.open_worker()
    assert kim.aside
    kim.profile.reopen()
    assert kim.sync()
    assert kim.profile.numbers().waiting == 0
    assert len(desk.rows(NOTE.number)) == 31
    assert len(kim.bodies(ticket)) == 32
