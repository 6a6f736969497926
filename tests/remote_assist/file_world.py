# SPDX-License-Identifier: GPL-3.0-or-later
"""A session's world with a disk at each end: what the ends ask about files is done at once, in folders of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

from app.domain.assist import Scope
from app.domain.session_files import FileStep, FileView
from remote_assist.actions import Action, AskScope, ToChild
from remote_assist.agent_end import AgentEnd
from remote_assist.child_protocol import Send
from remote_assist.customer_end import CustomerEnd
from remote_assist.file_actions import AskFile, FileAction, FileChanged
from remote_assist.file_desk import (
    FileDesk,
    FileFailed,
    FileMoved,
    FilePiece,
    FilePrepared,
    FileRead,
    FileReady,
    FileSaved,
    Report,
)
from remote_assist.file_folder import TicketFolder
from remote_assist.files import Offer
from tests.remote_assist.world import Side, World

__all__ = ["FileWorld", "carry_out"]

_DISK = get_args(FileAction)


def carry_out(end: CustomerEnd | AgentEnd, report: Report) -> list[Action]:
    """What a host does with a report of its worker."""
    match report:
        case FileReady(id_, offset):
            return end.file_ready(id_, offset)
        case FilePiece(id_, data, _end):
            return end.file_part(id_, data)
        case FileRead(id_):
            return end.file_read(id_)
        case FileSaved(id_, _saved):
            return end.file_saved(id_)
        case FileFailed(id_, code):
            return end.file_failed(id_, code)
        case FilePrepared() | FileMoved():
            return []


class FileWorld(World):
    """Both ends with folders `agent` and `customer`, each with its files to give in `own`."""

    def __init__(self, folder: Path, *, programs: bool = False) -> None:
        super().__init__()
        self.folder = folder
        self.customer_end.programs = programs
        self.prepared: dict[str, list[Report]] = {"agent": [], "customer": []}
        self.reports: list[tuple[Side, Report]] = []
        self.meddle: Callable[[str, FileAction], FileAction | None] = lambda _side, action: action
        self.desks = {
            side.name: FileDesk(
                self._folder(side), self._reporter(side), programs=programs and side is self.customer, now_s=lambda: 1
            )
            for side in (self.agent, self.customer)
        }

    def _folder(self, side: Side) -> Callable[[], TicketFolder]:
        base = self.folder / side.name
        base.mkdir(exist_ok=True)
        return lambda: TicketFolder(base, "4182")

    def _reporter(self, side: Side) -> Callable[[Report], None]:
        def report(what: Report) -> None:
            self.prepared[side.name].append(what)
            self.reports.append((side, what))

        return report

    # --- steps -----------------------------------------------------------------------------------------------------

    def prepare(self, side: Side, name: str, content: bytes) -> Offer:
        """A file that this end's person picked, read once."""
        own = self.folder / f"own-{side.name}"
        own.mkdir(exist_ok=True)
        path = own / name
        path.write_bytes(content)
        end = self.agent_end if side is self.agent else self.customer_end
        self.desks[side.name].prepare(end.new_file_id(), path)
        report = self.prepared[side.name][-1]
        assert isinstance(report, FilePrepared), report
        return report.offer

    def offer(self, name: str, content: bytes) -> Offer:
        """The agent offers a file."""
        offer = self.prepare(self.agent, name, content)
        self.do(self.agent, self.agent_end.offer_file(offer))
        return offer

    def asked_for(self, name: str, content: bytes) -> Offer:
        """The agent asks for a file, and the customer has picked one."""
        self.do(self.agent, self.agent_end.request(Scope.FILES_TO_AGENT, "the log"))
        assert self.customer.last(AskScope).scope is Scope.FILES_TO_AGENT
        return self.prepare(self.customer, name, content)

    def take(self, id_: int, *, warned: bool = False) -> None:
        """The customer's yes."""
        self.do(self.customer, self.customer_end.take_file(id_, warned=warned))

    def give(self, offer: Offer) -> None:
        """The customer's yes to what was picked."""
        self.do(self.customer, self.customer_end.give_file(offer))

    @property
    def question(self) -> AskFile:
        return self.customer.last(AskFile)

    def views(self, side: Side) -> list[FileView]:
        return [action.view for action in side.of(FileChanged)]

    def result(self, side: Side) -> str | None:
        """What came of the newest file at this end; None while it is not over."""
        view = self.views(side)[-1]
        return view.code if view.step is FileStep.OVER else None

    def received(self, side: Side) -> dict[str, bytes]:
        """What lies in this end's folder of the ticket."""
        folder = self.folder / side.name / "Deskside" / "4182"
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.exists() else {}

    # --- machinery -------------------------------------------------------------------------------------------------

    def perform(self, side: Side, actions: list[Action]) -> None:
        for action in actions:
            super().perform(side, [action])
            if isinstance(action, _DISK):
                wanted = self.meddle(side.name, action)
                if wanted is not None:
                    self.desks[side.name].act(wanted)
            elif isinstance(action, ToChild) and isinstance(action.message, Send) and action.message.channel == "file":
                self.desks[side.name].child_has(-1)
        self._report()

    def _report(self) -> None:
        while self.reports:
            side, report = self.reports.pop(0)
            end = self.agent_end if side is self.agent else self.customer_end
            self.perform(side, carry_out(end, report))

    def settle(self) -> None:
        super().settle()
        while any(self.read_on()):
            super().settle()

    def read_on(self) -> Iterator[bool]:
        """Let each end read one piece, unless the world is stopped."""
        if not self.stopped:
            yield from self.read_some()

    def read_some(self) -> Iterator[bool]:
        """Let each end read one piece."""
        for side in (self.agent, self.customer):
            desk = self.desks[side.name]
            if desk.can_read:
                desk.read_on()
                self._report()
                yield True

    stopped = False
