# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps the portal quick when many write at once: commits that are shared, and one look for all open pages."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from app.domain.changes import TicketMove
from app.domain.entities import TICKET
from sync.server.hub import Hub
from sync.server.jobs import Jobs
from sync.server.portal.held import Held
from sync.server.portal.movements import Moved, Movements
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.store import DatabaseBusy
from tests.server.test_portal import Visitor, ticket_of
from tests.server.world import World


def _setting(desk: World, name: str) -> Callable[[], str]:
    def write(connection: sa.Connection) -> str:
        connection.execute(SYSTEM.setting.insert().values(name=name, value="1"))
        return name

    return lambda: desk.store.write(write)


def _settings(desk: World) -> set[str]:
    with desk.store.read() as connection:
        return set(connection.execute(sa.select(SYSTEM.setting.c.name)).scalars()) & {"a", "b", "c", "d"}


async def _all(desk: World, works: list[Callable[[], Any]]) -> tuple[list[Any], int]:
    """Run works that all wait while another one writes; return what each got, and how many commits that took."""
    commits = 0

    def count(_connection: sa.Connection) -> None:
        nonlocal commits
        commits += 1

    jobs, gate = Jobs(1), threading.Event()
    sa.event.listen(desk.store._engine, "commit", count)
    try:
        blocked = asyncio.ensure_future(jobs.write(lambda: gate.wait(10)))
        made = [asyncio.ensure_future(jobs.write_small(desk.store, work)) for work in works]
        await asyncio.sleep(0)  # all have asked
        gate.set()
        results = await asyncio.gather(*made, return_exceptions=True)
        await blocked
    finally:
        sa.event.remove(desk.store._engine, "commit", count)
        jobs.close()
    return results, commits


def test_writes_that_wait_together_share_one_commit(desk: World) -> None:
    """Each is told its own result once all are kept."""
    results, commits = asyncio.run(_all(desk, [_setting(desk, name) for name in "abc"]))
    assert results == ["a", "b", "c"]
    assert _settings(desk) == {"a", "b", "c"}
    assert commits == (1 if desk.store.is_sqlite else 3)  # there rows that one holds would keep the others waiting


def test_an_error_of_one_leaves_the_others_that_share_its_commit_alone(desk: World) -> None:
    """Nothing of the one that failed stays, not even what it wrote before."""

    def half() -> None:
        def write(connection: sa.Connection) -> None:
            connection.execute(SYSTEM.setting.insert().values(name="b", value="1"))
            raise LookupError

        desk.store.write(write)

    results, _ = asyncio.run(_all(desk, [_setting(desk, "a"), half, _setting(desk, "c")]))
    assert [type(each) for each in results] == [str, LookupError, str]
    assert _settings(desk) == {"a", "c"}


def test_when_the_database_cannot_nobody_who_shares_the_commit_is_told_that_it_was_kept(desk: World) -> None:
    """The writes before it in the same transaction are gone with it, and are said to be."""

    def full() -> None:
        raise DatabaseBusy("disk_full")

    results, _ = asyncio.run(_all(desk, [_setting(desk, "a"), full, _setting(desk, "c")]))
    if desk.store.is_sqlite:
        assert [type(each) for each in results] == [DatabaseBusy] * 3
        assert _settings(desk) == set()
    else:
        assert [type(each) for each in results] == [str, DatabaseBusy, str]
        assert _settings(desk) == {"a", "c"}


def test_a_work_reads_what_it_has_written_before_the_common_commit(desk: World) -> None:
    """The second part of a work finds the first."""

    def both() -> set[str]:
        _setting(desk, "d")()
        return _settings(desk)

    results, _ = asyncio.run(_all(desk, [_setting(desk, "a"), both]))
    assert results[1] == {"a", "d"}


def test_a_message_makes_one_look_for_all_open_pages_and_tells_those_of_its_ticket(
    desk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty pages that each asked for themselves would be thirty questions a message."""
    visitors = [Visitor(desk.client) for _ in range(3)]
    for visitor in visitors:
        visitor.write()
    links = [visitor.link.rsplit("/", 1)[1] for visitor in visitors]
    portal = desk.parts.portal
    assert portal is not None

    async def run() -> tuple[list[Moved | None], int]:
        hub = Hub(desk.store, desk.parts.signer, desk.parts.jobs, desk.clock)  # the desk's own runs on another loop
        movements = Movements(hub, desk.parts.jobs, desk.store, desk.clock)
        known = [portal.desk.moved(desk.clock(), link) for link in links]
        pages = [await movements.follow(each) for each in known * 10 if each is not None]
        looks = 0
        plain = Movements._since

        def counted(self: Movements, scope: str, head: int) -> Any:
            nonlocal looks
            looks += 1
            return plain(self, scope, head)

        monkeypatch.setattr(Movements, "_since", counted)
        opened = portal.desk.reply(desk.clock(), links[1], b"n" * 16, "Noch da?", (), "chat")
        hub.changed(opened.heads)
        mine = [page for page in pages if known[1] is not None and page.ticket == known[1].ticket]
        assert all(await asyncio.gather(*(page.wait(30) for page in mine)))
        others = [page for page in pages if page not in mine]
        assert not any(await asyncio.gather(*(page.wait(0.001) for page in others)))
        news = [page.news for page in mine]
        for page in pages:
            movements.leave(page)
        assert movements.pages == 0
        return news, looks

    news, looks = asyncio.run(run())
    assert len(news) == 10
    assert set(news) == {portal.desk.moved(desk.clock(), links[1])}
    assert looks == 1


def test_a_page_is_told_when_its_ticket_goes_to_another_team(desk: World) -> None:
    """The old queue says that it left; where it is now, its link tells."""
    visitor = Visitor(desk.client)
    visitor.write()
    link, portal, agent = visitor.link.rsplit("/", 1)[1], desk.parts.portal, desk.agent()
    assert portal is not None
    ticket = ticket_of(desk)
    other = next(team for team in (desk.team("북부"), desk.team("남부")) if team != bytes(ticket["team"]))

    async def run() -> None:
        hub = Hub(desk.store, desk.parts.signer, desk.parts.jobs, desk.clock)  # the desk's own runs on another loop
        movements = Movements(hub, desk.parts.jobs, desk.store, desk.clock)
        known = portal.desk.moved(desk.clock(), link)
        assert known is not None
        page = await movements.follow(known)
        table = ENTITY_TABLES[TICKET.number]
        assert agent.do(TicketMove(agent.fresh(), bytes(ticket["id"]), other))[0] == "ok"
        with desk.store.read() as connection:
            scope, seq = connection.execute(sa.select(table.c.scope_id, table.c.seq)
                                            .where(table.c.id == ticket["id"])).one()  # fmt: skip
        assert scope != known.scope
        hub.changed({known.scope: seq})
        assert await page.wait(30)
        assert page.news is None
        movements.leave(page)

    asyncio.run(run())


def test_what_all_readers_share_is_made_once_however_many_ask_at_once() -> None:
    """An error is told to those who wait, and the next one tries again."""

    async def run() -> None:
        held, made = Held(), 0

        async def make() -> int:
            nonlocal made
            made += 1
            await asyncio.sleep(0)
            if made == 1:
                raise DatabaseBusy
            return made

        first = await asyncio.gather(*(held.get(5, "ko", make) for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in first] == [DatabaseBusy] * 3
        assert await asyncio.gather(*(held.get(5, "ko", make) for _ in range(3))) == [2, 2, 2]
        assert await held.get(1005, "ko", make) == 3, "a second later it is made anew"

    asyncio.run(run())
