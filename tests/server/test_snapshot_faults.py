# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepared downloads whose files were cut, damaged, deleted or never finished: nobody is offered what is not whole."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from sync.protocol import SnapshotRef
from sync.server import snapshots as module
from sync.server.jobs import Jobs
from sync.server.problems import ProblemError
from sync.server.schema import SYSTEM
from sync.server.snapshots import Snapshots
from sync.server.web.ranges import send_file
from tests.server.test_snapshots import busy_team, kept, load, offer
from tests.server.world import Agent, World

__all__ = ["kept"]  # a fixture


def offered(world: World, scope: str) -> SnapshotRef | None:
    """What a new device of a colleague is offered."""
    return offer(world.agent("lee").hello(), scope)


def built(world: World, kept: Snapshots) -> tuple[Agent, str, SnapshotRef, Path]:
    """A team's snapshot."""
    kim = world.agent("kim")
    scope = busy_team(kim, 5)
    assert scope in kept.refresh()
    ref = offered(world, scope)
    assert ref is not None
    return kim, scope, ref, kept.path(ref.id)


def files(folder: Path) -> list[str]:
    """What lies in the folder."""
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize(
    "harm", [lambda raw: raw[:-1], lambda raw: raw + b"x", lambda _raw: b""], ids=["cut", "long", "0"]
)
def test_a_file_of_the_wrong_size_is_offered_to_nobody_and_made_again(world: World, kept: Snapshots, harm: Any) -> None:
    """Who was in the middle of it is told to start the scope over; the next round makes a whole one."""
    kim, scope, ref, path = built(world, kept)
    path.write_bytes(harm(path.read_bytes()))
    assert offered(world, scope) is None
    answer = world.client.get(f"/sync/v1/snapshot/{ref.id.hex()}", headers=kim.bearer)
    assert (answer.status_code, answer.json()["code"]) == (410, "reset")
    assert kept.refresh() == [scope]
    again = offered(world, scope)
    assert again is not None
    load(kim, again)


def test_a_file_damaged_inside_is_found_when_a_server_starts(world: World, kept: Snapshots) -> None:
    """Of the right size, but not what its hash says: devices would load it in vain for two days."""
    kim, scope, ref, path = built(world, kept)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    restarted = Snapshots(world.store, path.parent, world.clock, world.rng, min_rows=10)
    assert restarted.refresh() == [scope]
    assert not path.exists()
    again = offered(world, scope)
    assert again is not None
    assert again.id != ref.id
    load(kim, again)
    assert restarted.refresh() == []


def test_a_file_that_is_deleted_while_it_is_sent_arrives_whole(tmp_path: Path) -> None:
    """It is open from before the first byte of the answer; one that is gone by then is said to be."""
    path, content = tmp_path / "file", b"row" * 500_000
    path.write_bytes(content)
    request: Any = SimpleNamespace(headers={})

    async def send() -> bytes:
        jobs = Jobs(1)
        stream = send_file(request, jobs, lambda: path.open("rb"), len(content), "tag", "x/y", (410, "reset"))
        path.unlink()
        pieces = [piece async for piece in stream.iterator]  # type: ignore[union-attr]  # an async iterator
        with pytest.raises(ProblemError) as gone:
            send_file(request, jobs, lambda: path.open("rb"), len(content), "tag", "x/y", (410, "reset"))
        assert gone.value.status == 410
        jobs.close()
        return b"".join(pieces)  # type: ignore[arg-type]  # of bytes

    assert asyncio.run(send()) == content


def test_a_disk_that_fills_up_in_the_middle_leaves_nothing_half_done(
    world: World, kept: Snapshots, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No file, no row, no offer; once there is room again the snapshot is made."""
    kim = world.agent("kim")
    scope = busy_team(kim, 12)
    monkeypatch.setattr(module, "_FIRST_GROUP", 3)
    monkeypatch.setattr(module, "_GROUP", 3)
    real, written = module._File.add, [0]

    def full(self: Any, frames: Any) -> None:
        written[0] += 1
        if written[0] > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, frames)

    with monkeypatch.context() as patch:
        patch.setattr(module._File, "add", full)
        assert scope not in kept.refresh()
    assert written[0] > 2
    assert files(tmp_path / "snapshots") == []
    with world.store.read() as cx:
        assert cx.execute(sa.select(SYSTEM.snapshot)).all() == []
    assert offered(world, scope) is None
    assert scope in kept.refresh()
    ref = offered(world, scope)
    assert ref is not None
    assert hashlib.sha256(kept.path(ref.id).read_bytes()).digest() == ref.sha256


def test_the_last_space_of_a_disk_is_left_to_the_database(
    world: World, kept: Snapshots, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A snapshot only saves time: none is begun where it could keep people's words from being written."""
    kim = world.agent("kim")
    scope = busy_team(kim, 5)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=200 << 20))
    assert kept.refresh() == []
    assert files(tmp_path / "snapshots") == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=2 << 30))
    assert scope in kept.refresh()
