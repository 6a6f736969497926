# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's end of files: offers one, takes the one it asked for. The customer's end decides about both."""

from __future__ import annotations

from app.domain.assist import WHY_MAX, AskState, Scope
from app.domain.session_files import FileStep
from remote_assist import messages as wire
from remote_assist.actions import Action
from remote_assist.agent_wishes import AgentWishes
from remote_assist.end_files import EndFiles, Move
from remote_assist.files import Offer

__all__ = ["AgentFiles"]


class AgentFiles(EndFiles, AgentWishes):
    """Nothing here is a right: the customer's end checks everything again."""

    _take_scope = Scope.FILES_TO_AGENT
    _give_scope = Scope.FILES_TO_CUSTOMER

    # --- the agent's deeds -----------------------------------------------------------------------------------------

    @property
    def may_offer_file(self) -> bool:
        """Whether a file may be offered now."""
        states = [ask.state for ask in self.view.asks if ask.scope is self._give_scope]
        return states == [AskState.POSSIBLE] and self._going is None

    def offer_file(self, offer: Offer, why: str = "") -> list[Action]:
        """Ask the customer to take this file. Does nothing where `may_offer_file` is false."""
        if self.may_offer_file and self._ask_book.ask(self._give_scope, self.view.phase, self._now):
            self._offer_why = why[:WHY_MAX]
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
        """Allowed, and it is known on which connection the customer's end listens."""
        machine = self._machine
        return machine is not None and machine.flowing and self._kept is not None and scope in self._grants

    def _take_or_ask(self, offer: Offer, why: str) -> None:
        """The customer sends what was asked for. A program is kept by nobody's choice, so it is not taken."""
        del why
        if self._take_scope not in self._grants:
            self._files_over[offer.id] = "not_asked"
            self._say_over(offer.id)
        else:
            self._take(offer, warned=False)

    def _say_wish(self, scope: Scope) -> None:
        """The offer is the question; it is repeated as such."""
        if scope is not self._give_scope:
            super()._say_wish(scope)
        elif self._going is None:
            self._ask_book.withdrawn(scope)

    def _on_message(self, message: wire.Message) -> None:
        super()._on_message(message)
        if isinstance(message, wire.Refused) and message.scope is self._give_scope:
            self._unasked("refused")

    def _on_tick(self, now: int) -> None:
        super()._on_tick(now)
        if self._give_scope not in self._ask_book.waiting and self._give_scope not in self._grants:
            self._unasked("no_answer")

    def _unasked(self, code: str) -> None:
        if self._going is not None and self._going.step is FileStep.ASKED:
            self._going_over(code, tell=False)

    def _file_over(self, move: Move, scope: Scope, code: str) -> None:
        """Nobody took the grant back, unless the customer did."""
        del move
        if code not in ("refused", "no_answer", "not_allowed"):
            self._ask_book.withdrawn(scope)
        if code != "revoked" and scope in self._grants:
            self._ask_book.used(scope)
