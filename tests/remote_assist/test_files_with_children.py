# SPDX-License-Identifier: GPL-3.0-or-later
"""Files between two real session children and two workers for the disk: whole, resumed, taken back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest

from app.domain.assist import Scope
from app.domain.session_files import FileStep, FileView
from remote_assist import child_protocol as child
from remote_assist.actions import Action, AskScope, StartChild, ToChild
from remote_assist.file_actions import AskFile, FileAction, FileChanged
from remote_assist.file_desk import FileDesk, FileMoved, FilePiece, FilePrepared, FileWorker, Report
from remote_assist.file_folder import TicketFolder
from remote_assist.files import Offer
from remote_assist.ipc import ChildLink
from tests.remote_assist.file_world import carry_out
from tests.remote_assist.test_pair_with_children import Pair
from tests.remote_assist.world import Side

_DISK, _REPORTS = get_args(FileAction), get_args(Report)
BIG = hashlib.shake_256(b"a few megabytes").digest(3 << 19)
SMALL = BIG[: 100 << 10]  # the way to the agent has a quarter of the picture's rate


class FilePair(Pair):
    """Both hosts, each with the worker that the programs use too."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.prepared: list[FilePrepared] = []
        self.done = {"agent": 0, "customer": 0}
        self.workers = {side.name: self._worker(side) for side in (self.world.agent, self.world.customer)}

    def _worker(self, side: Side) -> FileWorker:
        base = self.folder / side.name
        base.mkdir()

        def make(report: Callable[[Report], None]) -> FileDesk:
            return FileDesk(lambda: TicketFolder(base, "4182"), report)

        return FileWorker(make, lambda report: self.events.put((side, None, report)))  # type: ignore[arg-type]  # see handle

    def close(self) -> None:
        for worker in self.workers.values():
            worker.close(wait=True)
        super().close()

    def perform(self, side: Side, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, StartChild):
                self.workers[side.name].child_has(0)
            super().perform(side, [action])
            if isinstance(action, _DISK) and not isinstance(action, FileChanged):
                self.workers[side.name].do(action)

    def handle(self, side: Side, link: ChildLink | None, what: object) -> None:
        if isinstance(what, _REPORTS):
            self._hear(side, what)
            return
        if what == child.Sent("file") and link is self.links[side.name]:
            self.workers[side.name].child_has(-1)
        elif what == child.Fault("not_sent", "file") and link is self.links[side.name]:
            self.workers[side.name].child_has(0)
        super().handle(side, link, what)  # type: ignore[arg-type]  # the rest is as it was

    def _hear(self, side: Side, report: Report) -> None:
        if isinstance(report, FilePrepared):
            self.prepared.append(report)
        if isinstance(report, FileMoved):
            self.done[side.name] = report.done
        end = self.world.agent_end if side is self.world.agent else self.world.customer_end
        actions = carry_out(end, report)
        if isinstance(report, FilePiece) and not any(isinstance(action, ToChild) for action in actions):
            self.workers[side.name].child_has(-1)
        self.perform(side, actions)

    # --- steps -----------------------------------------------------------------------------------------------------

    def pick(self, side: Side, content: bytes) -> Offer:
        """A file of this end's person, read once."""
        path = self.folder / f"report of {side.name}.log"
        path.write_bytes(content)
        end = self.world.agent_end if side is self.world.agent else self.world.customer_end
        count = len(self.prepared)
        self.workers[side.name].prepare(end.new_file_id(), path)
        self.until(lambda: len(self.prepared) > count)
        return self.prepared[-1].offer

    def to_customer(self, content: bytes) -> None:
        """Offered, asked, allowed."""
        world = self.world
        offer = self.pick(world.agent, content)
        self.perform(world.agent, world.agent_end.offer_file(offer))
        self.until(lambda: offer in [asked.offer for asked in world.customer.of(AskFile)])
        self.perform(world.customer, world.customer_end.take_file(offer.id))

    def view(self, side: Side) -> FileView:
        return side.last(FileChanged).view

    def over(self) -> bool:
        return all(self.view(side).step is FileStep.OVER for side in (self.world.agent, self.world.customer))

    def received(self, side: Side) -> list[bytes]:
        folder = self.folder / side.name / "Deskside" / "4182"
        return [path.read_bytes() for path in folder.iterdir()] if folder.exists() else []


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[FilePair]:
    pair = FilePair(tmp_path)
    yield pair
    pair.close()


def test_files_cross_both_ways_and_survive_a_killed_child(pair: FilePair) -> None:
    """Megabytes to the customer, whose child is killed in the middle; one to the agent; then one taken back."""
    world = pair.world
    pair.to_verified()
    pair.to_customer(BIG)
    pair.until(lambda: pair.done["customer"] > len(BIG) // 4)
    pair.links["customer"].kill()
    pair.until(lambda: world.customer.of(FileChanged) and pair.over(), 40)
    assert (pair.view(world.agent).code, pair.view(world.customer).code) == ("", "")
    assert pair.received(world.customer) == [BIG]
    assert "reconnect" in world.customer.entries()
    assert "violation" not in world.customer.entries()

    pair.perform(world.agent, world.agent_end.request(Scope.FILES_TO_AGENT, "the log"))
    pair.until(lambda: world.customer.of(AskScope))
    offer = pair.pick(world.customer, SMALL)
    pair.perform(world.customer, world.customer_end.give_file(offer))
    pair.until(lambda: pair.view(world.agent).id == offer.id and pair.over())
    assert pair.received(world.agent) == [SMALL]

    pair.done["customer"] = 0
    pair.to_customer(BIG)
    pair.until(lambda: pair.done["customer"])
    pair.perform(world.customer, world.customer_end.revoke(Scope.FILES_TO_CUSTOMER))
    pair.until(pair.over)
    assert pair.view(world.agent).code == pair.view(world.customer).code == "revoked"
    pair.more_frames()
    assert pair.received(world.customer) == [BIG]  # the first one; nothing half beside it
    assert "violation" not in world.customer.entries()
