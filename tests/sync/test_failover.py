# SPDX-License-Identifier: GPL-3.0-or-later
"""A standby takes over without the newest commits: the server begins a new epoch, and the devices bring them back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.domain.changes import AnyChange, NoteAdd, TicketCreate
from app.domain.entities import CUSTOMER, TEAM, TICKET
from app.domain.ids import new_id
from app.domain.ports import ViewKey
from app.entry import admin as admin_program
from sync.server.schema import ENTITY_TABLES, SYSTEM
from tests.fakes.fleet import PASSWORD, Server, admin
from tests.fakes.standby import Pair
from tests.fakes.wait import wait_until
from tests.sync.processes import Window
from tests.sync.torture_checks import _heads, _replica, differing, judge

pytestmark = pytest.mark.slow


@pytest.fixture
def pair() -> Iterator[Pair]:
    with Pair() as made:
        yield made


class Desk:
    """One computer; keeps a journal of what was typed, as torture does."""

    def __init__(self, folder: Path, url: str) -> None:
        folder.mkdir()
        self.folder = folder
        self.window = Window(folder)
        self.window.start_worker()
        self.window.connect()
        self.window.sign_in(url)
        self.tickets = list(self.window.profile.queries.ids(ViewKey.ALL_LIVE))
        with self.window.profile.readers().read() as tx:
            self.team = tx.all(f"SELECT id FROM {TEAM.name} LIMIT 1")[0][0]  # noqa: S608 - a name of the registry
            self.customer = tx.all(f"SELECT id FROM {CUSTOMER.name} LIMIT 1")[0][0]  # noqa: S608 - same
        self.typed: dict[str, str] = {}

    def type(self, count: int) -> None:
        """Notes, and every third time a new ticket."""
        for n in range(count):
            token = new_id().hex()
            change: AnyChange = NoteAdd(new_id(), new_id(), self.tickets[n % len(self.tickets)], f"note {token}")
            kind = "note"
            if n % 3 == 2:
                change = TicketCreate(
                    new_id(), new_id(), f"new {token}", self.team, self.customer, new_id(), f"first {token}"
                )  # fmt: skip
                kind = "new"
            self.window.do(change)
            self.typed[token] = kind

    def agrees(self, database: str) -> bool:
        """Whether everything was sent, and everything is here."""
        if self.window.profile.numbers().waiting:
            return False
        with _replica(self.folder) as tx:
            cursors = dict(tx.all("SELECT id, cursor FROM scope_state"))
        return all(cursors.get(scope) == head for scope, head in _heads(database).items() if scope in cursors)


def one(database: str, query: sa.Select[Any]) -> int:
    """Ask the database."""
    engine = sa.create_engine(database)
    with engine.connect() as cx:
        found = cx.execute(query).scalar_one()
    engine.dispose()
    return int(found)


def test_commits_that_the_standby_never_got_are_sent_again_by_the_devices(pair: Pair, tmp_path: Path) -> None:
    """Confirmed work of two computers is lost with the first database; nothing is missing or twice afterwards.

    The server goes on without being touched: its address names both. Numbers that customers may have read are not
    given to other tickets.
    """
    data = tmp_path / "server"
    data.mkdir()
    admin(data, pair.url, "sample", "--size", "small", "--password-stdin", text=PASSWORD + "\n")
    server = Server(data, pair.url)
    server.start()
    epochs, highest = sa.select(sa.func.count()).select_from(SYSTEM.epoch), sa.func.max
    numbers = ENTITY_TABLES[TICKET.number].c.number
    desks = [Desk(tmp_path / f"pc{n}", server.url) for n in range(2)]
    try:
        for desk in desks:
            desk.type(6)
        wait_until(lambda: all(desk.agrees(pair.url) for desk in desks), 60)
        pair.caught_up()
        replicated = one(pair.url, sa.select(highest(numbers)))
        pair.cut_off()
        for desk in desks:
            desk.type(9)
        wait_until(lambda: all(desk.agrees(pair.url) for desk in desks), 60)
        last = one(pair.url, sa.select(highest(numbers)))
        assert (last - replicated, one(pair.url, epochs)) == (6, 1)
        pair.kill_first()
        for desk in desks:
            desk.type(3)  # nobody stops typing
        pair.promote()
        wait_until(lambda: all(desk.agrees(pair.url) for desk in desks), 180)
        assert one(pair.url, epochs) == 2
        assert one(pair.url, sa.select(sa.func.min(numbers)).where(numbers > replicated)) > last
    finally:
        for desk in desks:
            desk.window.close()
        server.stop()
    typed = {token: kind for desk in desks for token, kind in desk.typed.items()}
    folders = [desk.folder for desk in desks]
    verdict = judge(pair.url, typed, typed, folders)
    assert (verdict.lost, verdict.doubled, verdict.wrong_sums, verdict.held) == ([], [], [], 0)
    assert differing(pair.url, folders) == []
    os.environ["LANGUAGE"] = "en"
    assert admin_program.main(["--data", str(data), "--database", pair.url, "verify"]) == 0
