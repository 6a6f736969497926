# SPDX-License-Identifier: GPL-3.0-or-later
"""Files between two real session children with both programs' own hosts and disks: whole, and resumed after a break."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.domain.assist import Scope
from app.domain.session_files import FileStep, FileView
from app.entry.agent_files import AgentFiles
from app.entry.companion_files import CompanionFiles, FilePlace
from remote_assist import child_protocol as child
from remote_assist.actions import Action
from remote_assist.ipc import ChildLink
from remote_assist.limits import Limits
from tests.remote_assist.test_pair_with_children import Pair
from tests.remote_assist.world import Side
from widgets.foundation import Theme

BIG = hashlib.shake_256(b"a few megabytes").digest(5 << 18)
SMALL = BIG[: 100 << 10]  # the way to the agent has a quarter of the picture's rate


class FilePair(Pair):
    """Sessions in one thread as always; files with the hosts and threads that the programs have."""

    def __init__(self, theme: Theme, folder: Path, app: QApplication) -> None:
        super().__init__()
        self.folder, self.app = folder, app
        patient = Limits(connecting_ms=120_000, lost_ms=120_000)  # a busy machine takes its time to start a child
        self.world.agent_end._limits = self.world.customer_end._own_limits = patient
        self.views: dict[str, list[FileView]] = {"agent": [], "customer": []}
        world = self.world
        for name in self.views:
            (folder / name).mkdir()
        self.companion = CompanionFiles(
            theme, world.clock.monotonic_ms, world.customer_end, lambda actions: self.perform(world.customer, actions),
            FilePlace(folder / "customer"), lambda: None, app,
        )  # fmt: skip
        self.companion.begin(("Kim Jiwoo", "Hanbit Support"), "4182")
        self.desk = AgentFiles(
            world.agent_end, lambda actions: self.perform(world.agent, actions), self.views["agent"].append, "4182", app
        )
        self.desk.base = folder / "agent"

    def close(self) -> None:
        self.desk.close(wait=True)
        self.companion.end(wait=True)
        if self.companion.window is not None:
            self.companion.window.close()
        super().close()

    def perform(self, side: Side, actions: list[Action]) -> None:
        for action in actions:
            super().perform(side, [action])
            if side is self.world.agent:
                self.desk.do(action)
            else:
                if type(action).__name__ == "StartChild":
                    self.companion.child_began()
                self.companion.do(action)

    def handle(self, side: Side, link: ChildLink | None, what: child.FromChild | bytes | None) -> None:
        if link is not None and link is self.links[side.name]:
            (self.desk if side is self.world.agent else self.companion).from_child(what)
        super().handle(side, link, what)

    def until(self, done: Callable[[], object], timeout_s: float = 120) -> None:
        """As before, with what the hosts' threads report."""

        def now() -> object:
            self.app.processEvents()
            return done()

        super().until(now, timeout_s)

    # --- steps -----------------------------------------------------------------------------------------------------

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def offered(self, path: Path) -> None:
        """Dropped by the agent, asked, allowed."""
        self.desk.offer([path])
        self.until(lambda: self.companion.question is not None)
        assert self.companion.question is not None
        self.companion.question.accepted.emit(False)

    def coming(self, name: str) -> int:
        """How many bytes of this file the customer's window says have come."""
        window = self.companion.window
        moves = window.moves.values() if window is not None else ()
        return max((move.view.done for move in moves if move.view.name == name), default=0)

    def over(self, count: int) -> bool:
        """Whether both people have read what came of so many files."""
        told = [view for view in self.views["agent"] if view.step is FileStep.OVER]
        return len(told) == len(self.companion.over) == count

    def codes(self) -> list[str]:
        return [view.code for view in self.views["agent"] if view.step is FileStep.OVER]

    def received(self, name: str) -> dict[str, bytes]:
        folder = self.folder / name / "Deskside" / "4182"
        return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


@pytest.fixture
def pair(theme: Theme, tmp_path: Path, qapp: QApplication) -> Iterator[FilePair]:
    pair = FilePair(theme, tmp_path, qapp)
    yield pair
    pair.close()
    pair.companion.deleteLater()
    pair.desk.deleteLater()


@pytest.mark.slow
@pytest.mark.ux("UX-36")
def test_files_cross_both_ways_and_survive_a_killed_child(pair: FilePair) -> None:
    """More than a megabyte to the customer, whose child is killed in the middle; then one to the agent."""
    world = pair.world
    pair.to_verified()
    pair.offered(pair.file("big.log", BIG))
    pair.until(lambda: pair.coming("big.log") > len(BIG) // 4)
    pair.links["customer"].kill()
    pair.until(lambda: pair.over(1))
    assert pair.codes() == [""]
    assert pair.received("customer") == {"big.log": BIG}
    assert "reconnect" in world.customer.entries()

    pair.perform(world.agent, world.agent_end.request(Scope.FILES_TO_AGENT, "the log"))
    pair.until(lambda: pair.companion.request is not None)
    request = pair.companion.request
    assert request is not None
    request.picked.emit(pair.file("small.log", SMALL))
    pair.until(lambda: not request.again.isHidden())
    request.sent.emit()
    pair.until(lambda: pair.over(2))
    assert pair.received("agent") == {"small.log": SMALL}

    assert "violation" not in world.customer.entries()
