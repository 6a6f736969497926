# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots: a first load from a file that can be cut anywhere and goes on, and that equals the scope."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from app.domain.changes import TicketSet
from app.domain.entities import MESSAGE, TICKET, team_scope
from sync.protocol import FrameReader, HelloAnswer, Rows, SnapEnd, SnapshotRef, Sums
from sync.server.core import ServerCore
from sync.server.epochs import begin_epoch
from sync.server.schema import SYSTEM
from sync.server.snapshots import Snapshots
from tests.server.lent_app import client_of
from tests.server.test_epochs import update
from tests.server.test_pull import sums_of
from tests.server.world import Agent, World


@pytest.fixture
def kept(world: World, tmp_path: Path) -> Snapshots:
    """The world's server with snapshots of everything that has more than ten rows."""
    made = Snapshots(world.store, tmp_path / "snapshots", world.clock, world.rng, min_rows=10)
    world.parts = replace(world.parts, core=ServerCore(world.store, world.rng, made))
    world.client = client_of(world.parts)
    return made


def busy_team(agent: Agent, tickets: int = 70) -> str:
    """Tickets with messages; returns their scope."""
    for n in range(tickets):
        agent.ticket(n + 1)
        agent.do(agent.note(agent_ticket(agent, n)))
    return team_scope(agent.world.team("북부"))


def agent_ticket(agent: Agent, n: int) -> bytes:
    """Id of the n-th ticket."""
    from tests.server.world import row_id

    return row_id(1001 + n)


def offer(told: HelloAnswer, scope: str) -> SnapshotRef | None:
    """What hello offers for a scope."""
    return next(s for s in told.scopes if s.id == scope).snapshot


def load(agent: Agent, ref: SnapshotRef) -> tuple[list[Rows], SnapEnd]:
    """Download in two pieces and read."""
    url = f"/sync/v1/snapshot/{ref.id.hex()}"
    first = agent.world.client.get(url, headers={**agent.bearer, "range": f"bytes=0-{ref.size // 2}"})
    tag = first.headers["etag"]
    start = ref.size // 2 + 1
    rest = agent.world.client.get(url, headers={**agent.bearer, "range": f"bytes={start}-", "if-range": tag})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert rest.headers["content-range"] == f"bytes {start}-{ref.size - 1}/{ref.size}"
    raw = first.content + rest.content
    assert hashlib.sha256(raw).digest() == ref.sha256
    reader = FrameReader()
    frames = list(reader.feed(zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True).read()))
    *rows, end = frames
    assert isinstance(end, SnapEnd)
    assert all(isinstance(f, Rows) for f in rows)
    return [f for f in rows if isinstance(f, Rows)], end


def test_a_snapshot_and_a_pull_from_its_seq_make_the_whole_scope(world: World, kept: Snapshots) -> None:
    """Loaded in two pieces, its sums right, tickets after their children; what changed later comes with the pull."""
    kim, lee = world.agent("kim"), world.agent("lee")
    scope = busy_team(kim)
    assert scope in kept.refresh()
    kim.do(TicketSet(kim.fresh(), agent_ticket(kim, 3), {"priority": 4}))
    ref = offer(lee.hello(), scope)
    assert ref is not None
    rows, end = load(lee, ref)
    lee._keep(rows)  # type: ignore[arg-type]  # rows are frames of a pull
    assert (end.at_seq, sums_of(lee, scope)) == (ref.at_seq, (end.n, end.xsum))
    kinds = [f.type for f in rows]
    assert kinds[-1] == TICKET.number or kinds.index(TICKET.number) > kinds.index(MESSAGE.number)
    lee.copy.cursors[scope] = end.at_seq
    sums = lee.pull()[-2]
    assert isinstance(sums, Sums)
    assert sums_of(lee, scope) == (sums.scopes[scope].n, sums.scopes[scope].xsum)
    assert lee.row(agent_ticket(kim, 3))["priority"] == 4
    assert offer(lee.hello(), scope) is None


def test_a_snapshot_is_built_again_only_when_a_fifth_has_changed(world: World, kept: Snapshots) -> None:
    """The one before stays for those who are in the middle of it."""
    kim, lee = world.agent("kim"), world.agent("lee")
    scope = busy_team(kim, 5)
    assert scope in kept.refresh()
    first = offer(lee.hello(), scope)
    assert kept.refresh() == []
    busy_team(kim, 6)
    assert kept.refresh() == [scope]
    second = offer(lee.hello(), scope)
    assert first is not None
    assert second is not None
    assert second.at_seq > first.at_seq
    load(lee, first)


def test_an_old_foreign_or_unknown_snapshot_is_gone(world: World, kept: Snapshots, tmp_path: Path) -> None:
    """410 `reset`: start the scope over; nobody loads a scope without access."""
    kim, park, lee = world.agent("kim"), world.agent("park"), world.agent("lee")
    scope = busy_team(kim, 5)
    kept.refresh()
    ref = offer(lee.hello(), scope)
    assert ref is not None
    url = f"/sync/v1/snapshot/{ref.id.hex()}"

    def ask(agent: Agent, path: str = url) -> tuple[int, str]:
        answer = world.client.get(path, headers=agent.bearer)
        return answer.status_code, answer.json()["code"] if answer.status_code != 200 else ""

    assert ask(lee) == (200, "")
    assert ask(park) == (410, "reset")
    for path in ("/sync/v1/snapshot/xyz", f"/sync/v1/snapshot/{'0' * 32}", f"{url}00"):
        assert ask(lee, path) == (410, "reset")
    assert world.client.get(url, headers={**lee.bearer, "range": f"bytes={ref.size}-"}).status_code == 416
    other = world.client.get(url, headers={**lee.bearer, "range": "bytes=5-", "if-range": '"other"'})
    assert (other.status_code, len(other.content)) == (200, ref.size)
    world.store.write(lambda cx: begin_epoch(cx, b"e" * 16, world.clock() + 1, "restore"))
    assert offer(lee.hello(), scope) is None
    world.clock.forward(49 * 3600)
    kim_again = world.agent("kim")
    assert ask(kim_again) == (410, "reset")
    kept.refresh()
    assert not kept.path(ref.id).exists()


def test_a_snapshot_that_does_not_equal_the_sums_is_never_offered(world: World, kept: Snapshots) -> None:
    """Better a slow first load than a wrong one."""
    kim, lee = world.agent("kim"), world.agent("lee")
    scope = busy_team(kim, 5)
    update(world, SYSTEM.scope.update().where(SYSTEM.scope.c.id == scope).values(xsum=1))
    assert scope not in kept.refresh()
    assert offer(lee.hello(), scope) is None
