# SPDX-License-Identifier: GPL-3.0-or-later
"""Files at both ends of a session: at most one each way at a time, each with its own consent, resumed by offset.

The end that receives says from where it wants the bytes (`fileaccept`), at first and after every pause or break; the
end that sends stops at each of these and waits for that word. Customers' files have odd numbers, agents' even ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from app.domain.assist import Role, Scope
from app.domain.session_files import FileStep, FileView
from remote_assist import child_protocol as child
from remote_assist import messages as wire
from remote_assist.actions import Action
from remote_assist.end_link import EndLink
from remote_assist.file_actions import (
    DropFile,
    FileBytes,
    FileChanged,
    FileThrough,
    HoldFile,
    ResumeFile,
    SendFile,
    TakeFile,
)
from remote_assist.file_folder import FileTrouble
from remote_assist.files import MAX_OFFERS, Offer, read_offer
from remote_assist.session import Effect

__all__ = ["FILE_CODES", "EndFiles", "Move"]

WHOLE: Final = ""
FILE_CODES: Final = frozenset({
    WHOLE, "refused", "no_answer", "cancelled", "revoked", "ended", "busy", "not_allowed", "not_asked",
    "bad_offer", "too_large", "too_many", "session_full", "unknown_file", "program_refused", "disguised_program",
    "disk_full", "not_written", "no_free_name", "folder_unsafe", "folder_gone", "part_changed", "incomplete",
    "hash_differs", "out_of_order", "bad_offset", "file_missing", "not_a_file", "not_readable", "changed",
})  # fmt: skip


@dataclass(slots=True)
class Move:
    """One file on its way. `read`: the sending end has handed over its last byte."""

    offer: Offer
    step: FileStep = FileStep.ASKED
    read: bool = False


class EndFiles(EndLink):
    """What is the same for both directions and both ends; who may do what is up to the two ends."""

    _take_scope: Scope
    _give_scope: Scope

    def __init__(self, *args: Any, **more: Any) -> None:
        """As the end it is part of."""
        super().__init__(*args, **more)
        self._coming: Move | None = None
        self._going: Move | None = None
        self._files_over: dict[int, str] = {}
        self._offer_why = ""  # the agent's reason for the file under way
        self._next_file = 0 if self.role is Role.AGENT else 1

    # --- for the host ----------------------------------------------------------------------------------------------

    def new_file_id(self) -> int:
        """Return a number for a file that is to go out."""
        number, self._next_file = self._next_file, self._next_file + 2
        return number

    def cancel_file(self, id_: int) -> list[Action]:
        """A person stops a file, whichever way it goes. The other end hears of it."""
        if self._coming is not None and self._coming.offer.id == id_ and self._coming.step is not FileStep.ASKED:
            self._coming_over("cancelled")
        elif self._going is not None and self._going.offer.id == id_:
            self._going_over("cancelled")
        return self._flush()

    def file_ready(self, id_: int, offset: int) -> list[Action]:
        """There is room for the file, and it is to go on from here."""
        move = self._coming
        if move is not None and move.offer.id == id_ and move.step is not FileStep.ASKED:
            if self._may_take:
                self._say(wire.FileAccept(id_, offset))
                self._step(move, FileStep.MOVING)
            else:
                self._step(move, FileStep.HELD)
        return self._flush()

    def file_part(self, id_: int, data: bytes) -> list[Action]:
        """The next piece of what goes out, as `Outgoing` made it."""
        move = self._going
        if move is not None and move.offer.id == id_ and move.step is FileStep.MOVING and self._may_give:
            self._tell(child.Send("file", data))
            self._file_activity()
        return self._flush()

    def file_read(self, id_: int) -> list[Action]:
        """All of it was handed over, and it is what was offered."""
        move = self._going
        if move is not None and move.offer.id == id_ and move.step is FileStep.MOVING:
            move.read = True
            self._say(wire.FileEnd(id_, ok=True))
            self._step(move, FileStep.CHECKING)
        return self._flush()

    def file_saved(self, id_: int) -> list[Action]:
        """It is whole, checked, and has its name."""
        if self._coming is not None and self._coming.offer.id == id_:
            self._coming_over(WHOLE)
        return self._flush()

    def file_failed(self, id_: int, code: str) -> list[Action]:
        """It cannot go on, at this end."""
        if self._coming is not None and self._coming.offer.id == id_:
            self._coming_over(code)
        elif self._going is not None and self._going.offer.id == id_:
            self._going_over(code)
        return self._flush()

    # --- for the two ends to fill in -------------------------------------------------------------------------------

    @property
    def _may_take(self) -> bool:
        raise NotImplementedError

    @property
    def _may_give(self) -> bool:
        raise NotImplementedError

    def _take_or_ask(self, offer: Offer, why: str) -> None:
        """The other end would send this, for a reason in its own words; `_coming` is free."""

    def _file_over(self, move: Move, scope: Scope, code: str) -> None:
        """A file has come to its end; nothing was told or removed yet."""

    def _file_done(self, scope: Scope) -> None:
        """The other end was told: the grant has done its work."""

    def _on_stray(self, what: str) -> None:
        """The other end speaks of a file that never was."""

    # --- what the other end says -----------------------------------------------------------------------------------

    def _on_message(self, message: wire.Message) -> None:
        super()._on_message(message)
        if isinstance(message, wire.FileOffer):
            self._on_file_offer(message)
        elif isinstance(message, wire.FileAccept):
            self._on_file_accept(message)
        elif isinstance(message, wire.FileEnd):
            self._on_file_end(message)
        elif isinstance(message, wire.FilePart):
            self._on_file_part(message)

    def _on_file_offer(self, message: wire.FileOffer) -> None:
        """A new one, or the same again because the connection is another one."""
        if message.id % 2 == self._next_file % 2:
            self._on_stray("fileoffer")
        elif message.id in self._files_over:
            self._say_over(message.id)
        elif self._coming is not None and self._coming.offer.id == message.id:
            self._go_on()  # or the question stands
        elif len(self._files_over) >= MAX_OFFERS:
            self._say(wire.FileEnd(message.id, ok=False, why="too_many"))  # answered, not remembered
            self._on_stray("file offers")
        elif self._coming is not None:
            self._files_over[message.id] = "busy"
            self._say_over(message.id)
        else:
            try:
                offer = read_offer(message.id, message.name, message.size, message.sha256)
            except FileTrouble as trouble:
                self._files_over[message.id] = trouble.code
                self._say_over(message.id)
            else:
                self._take_or_ask(offer, message.why)

    def _on_file_accept(self, message: wire.FileAccept) -> None:
        move = self._going
        if move is not None and move.offer.id == message.id:
            if message.offset > move.offer.size:
                self._going_over("bad_offset")
            elif self._may_give:
                move.read = False
                self._step(move, FileStep.MOVING)
                self._out.append(SendFile(message.id, message.offset))
        elif message.id in self._files_over:
            self._say_over(message.id)
        else:
            self._on_stray("fileaccept")

    def _on_file_end(self, message: wire.FileEnd) -> None:
        code = WHOLE if message.ok else message.why if message.why in FILE_CODES - {WHOLE} else "cancelled"
        coming, going = self._coming, self._going
        if going is not None and going.offer.id == message.id:
            self._going_over("incomplete" if message.ok and not going.read else code, tell=False)
        elif coming is not None and coming.offer.id == message.id:
            if not message.ok:
                self._coming_over(code, tell=False)
            elif coming.step is FileStep.MOVING:
                self._step(coming, FileStep.CHECKING)
                self._out.append(FileThrough(message.id))
        elif message.ok and message.id not in self._files_over:  # given up, it may be of an offer that was lost
            self._on_stray("fileend")

    def _on_file_part(self, message: wire.FilePart) -> None:
        move = self._coming
        if move is not None and move.offer.id == message.id:
            if move.step in (FileStep.MOVING, FileStep.CHECKING):
                self._out.append(FileBytes(message.id, message.offset, message.data))
                self._file_activity()
        elif message.id not in self._files_over:
            self._on_stray("file number")

    # --- pauses and breaks -----------------------------------------------------------------------------------------

    def _on_effect(self, effect: Effect) -> None:
        super()._on_effect(effect)
        if effect in (Effect.PAUSED, Effect.LOST):
            self._hold_going()
        elif effect in (Effect.BACK, Effect.RESUMED):
            self._go_on()

    def _on_connected(self) -> None:
        """Another connection: what was on its way over the old one may be gone."""
        super()._on_connected()
        self._hold_going()

    def _on_line(self) -> None:
        super()._on_line()
        if self._going is not None:
            self._say_offer(self._going.offer)
        self._go_on()

    def _from_child(self, message: child.FromChild) -> None:
        if isinstance(message, child.Fault) and (message.code, message.detail) == ("not_sent", "file"):
            self._hold_going()
            if self._going is not None and self._may_give:
                self._say_offer(self._going.offer)  # some pieces are lost: the answer says from where to go on
        super()._from_child(message)

    def _hold_going(self) -> None:
        move = self._going
        if move is not None and move.step in (FileStep.MOVING, FileStep.CHECKING):
            self._out.append(HoldFile(move.offer.id))
            self._step(move, FileStep.HELD)

    def _go_on(self) -> None:
        move = self._coming
        if move is not None and move.step in (FileStep.MOVING, FileStep.CHECKING, FileStep.HELD) and self._may_take:
            self._step(move, FileStep.OPENING)
            self._out.append(ResumeFile(move.offer.id))

    def _before_end(self) -> None:
        if self._coming is not None:
            self._coming_over("ended", tell=False)
        if self._going is not None:
            self._going_over("ended", tell=False)
        super()._before_end()

    def _file_activity(self) -> None:
        """Somebody waits for this file: the session is not idle, at either end."""
        if self._machine is not None:
            self._apply(self._machine.agent_active(self._now))

    # --- inside ----------------------------------------------------------------------------------------------------

    def _take(self, offer: Offer, *, warned: bool) -> None:
        if self._coming is None or self._coming.offer.id != offer.id:
            self._coming = Move(offer)
        self._step(self._coming, FileStep.OPENING)
        self._out.append(TakeFile(offer, warned))

    def _give(self, offer: Offer) -> None:
        self._going = Move(offer)
        self._say_offer(offer)
        self._show(self._going, FileStep.ASKED)

    def _say_offer(self, offer: Offer) -> None:
        self._say(wire.FileOffer(offer.id, offer.name, offer.size, offer.sha256.hex(), self._offer_why))

    def _say_over(self, id_: int) -> None:
        code = self._files_over[id_]
        self._say(wire.FileEnd(id_, ok=code == WHOLE, why=code))

    def _coming_over(self, code: str, *, tell: bool = True) -> None:
        move, self._coming = self._coming, None
        self._move_over(move, self._take_scope, code, tell=tell)

    def _going_over(self, code: str, *, tell: bool = True) -> None:
        move, self._going = self._going, None
        self._move_over(move, self._give_scope, code, tell=tell)

    def _move_over(self, move: Move | None, scope: Scope, code: str, *, tell: bool) -> None:
        if move is None:
            return
        self._files_over[move.offer.id] = code
        self._file_over(move, scope, code)
        self._out.append(DropFile(move.offer.id))
        if tell:
            self._say_over(move.offer.id)
        self._file_done(scope)
        self._show(move, FileStep.OVER, code)

    def _step(self, move: Move, step: FileStep) -> None:
        if move.step is not step:
            self._show(move, step)

    def _show(self, move: Move, step: FileStep, code: str = "") -> None:
        move.step = step
        offer = move.offer
        self._out.append(FileChanged(FileView(offer.id, offer.name, offer.size, offer.id % 2 == 0, step, code=code)))
