# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's end of files: one consent for each file, written down before the first byte moves."""

from __future__ import annotations

from typing import Any

from app.domain.assist import EntryType, Scope
from app.domain.session_files import FileStep
from remote_assist import messages as wire
from remote_assist.actions import Action, ScopeSettled
from remote_assist.customer_scopes import CustomerScopes
from remote_assist.end_files import EndFiles, Move
from remote_assist.file_actions import AskFile
from remote_assist.files import Offer
from remote_assist.grants import ASK_ANSWER_MS

__all__ = ["CustomerFiles"]

_DIRECTIONS = {Scope.FILES_TO_CUSTOMER: "to_customer", Scope.FILES_TO_AGENT: "to_agent"}


class CustomerFiles(EndFiles, CustomerScopes):
    """Asks for each file, and is the broker of every byte of it."""

    _take_scope = Scope.FILES_TO_CUSTOMER
    _give_scope = Scope.FILES_TO_AGENT

    def __init__(self, *args: Any, **more: Any) -> None:
        """As `CustomerCore`."""
        super().__init__(*args, **more)
        self.programs = False

    # --- the customer's deeds --------------------------------------------------------------------------------------

    def take_file(self, id_: int, *, warned: bool = False) -> list[Action]:
        """The customer's click on taking this file; `warned`: and on the second warning about programs."""
        self._on_tick(self._now)
        move = self._coming
        if move is None or move.offer.id != id_ or self._take_scope not in self._scope_asks:
            return self._flush()
        if move.offer.is_program and not (self.programs and warned):
            self._refuse_scope(self._take_scope, "customer", self._now)
        elif self._allow_file(self._take_scope, move.offer):
            self._take(move.offer, warned=warned)
        else:
            self._coming_over("not_allowed")
        return self._flush()

    def give_file(self, offer: Offer) -> list[Action]:
        """The customer's click on sending exactly this file, as the answer to the agent's question."""
        self._on_tick(self._now)
        if self._give_scope in self._scope_asks and self._going is None and self._allow_file(self._give_scope, offer):
            self._give(offer)
        return self._flush()

    # --- inside ----------------------------------------------------------------------------------------------------

    @property
    def _may_take(self) -> bool:
        return self._may(self._take_scope)

    @property
    def _may_give(self) -> bool:
        return self._may(self._give_scope)

    def _may(self, scope: Scope) -> bool:
        machine = self._machine
        return machine is not None and self._book.allows(scope, machine.phase, flowing=machine.flowing)

    def _allow_file(self, scope: Scope, offer: Offer) -> bool:
        """Answer the question with yes: the entries first, then the grant."""
        machine = self._machine
        del self._scope_asks[scope]
        self._out.append(ScopeSettled(scope))
        if machine is None or not self._book.possible(scope, machine.phase):
            return False
        self._note(EntryType.GRANT, "customer", {"scope": scope.value})
        self._note_file(offer, scope, "allowed", "customer")
        self._book.give(scope, machine.phase)
        self._fell_at.pop(scope, None)
        self._tell_grants()
        return True

    def _note_file(self, offer: Offer, scope: Scope, result: str, by: str) -> None:
        data = {"name": offer.name, "size": offer.size, "direction": _DIRECTIONS[scope], "result": result}
        self._note(EntryType.FILE, by, data)

    def _take_or_ask(self, offer: Offer, why: str) -> None:
        """The agent would send a file: ask, unless it is impossible, too often, or a program where none may come."""
        scope, now = self._take_scope, self._now
        code = ""
        if scope in self._book.live or not self._book.may_ask(scope, self.view.phase, now):
            code = "not_allowed"
        elif offer.is_program and not self.programs:
            code = "program_refused"
        if code:
            self._files_over[offer.id] = code
            self._note_file(offer, scope, code, "system")
            self._say_over(offer.id)
            if code == "not_allowed":
                self._refuse_at_once(scope)
            return
        self._coming = Move(offer)
        self._book.asked(scope)
        self._scope_asks[scope] = now + ASK_ANSWER_MS
        self._out.append(AskFile(offer, self._scope_asks[scope], why))

    def _refuse_scope(self, scope: Scope, by: str, at_ms: int) -> None:
        move = self._coming
        if scope is self._take_scope and scope in self._scope_asks and move is not None:
            self._coming_over("refused" if by == "customer" else "no_answer")
        super()._refuse_scope(scope, by, at_ms)

    def _on_request(self, request: wire.Request) -> None:
        """A file to the customer is asked for by its offer alone; one to the agent while none is on its way."""
        if request.scope is self._take_scope or (request.scope is self._give_scope and self._going is not None):
            self._refuse_at_once(request.scope)
        else:
            super()._on_request(request)

    def _on_file_part(self, message: wire.FilePart) -> None:
        if not self._may_take:
            if message.id not in self._files_over:
                self._on_violation("file")
            return
        super()._on_file_part(message)

    def _on_stray(self, what: str) -> None:
        self._on_violation(what)

    def _file_over(self, move: Move, scope: Scope, code: str) -> None:
        asked = move.step is FileStep.ASKED and scope is self._take_scope
        if asked and code not in ("refused", "no_answer") and self._scope_asks.pop(scope, None) is not None:
            self._out.append(ScopeSettled(scope))  # the agent took the offer back, or the session is over
        by = "customer" if code in ("refused", "revoked") else "system"
        self._note_file(move.offer, scope, code or "whole", by)

    def _file_done(self, scope: Scope) -> None:
        if self.view.live:
            self._spend(scope)

    def _on_fallen(self, fallen: tuple[Scope, ...]) -> None:
        super()._on_fallen(fallen)
        if self._take_scope in fallen and self._coming is not None:
            self._coming_over("revoked")
        if self._give_scope in fallen and self._going is not None:
            self._going_over("revoked")
