# SPDX-License-Identifier: GPL-3.0-or-later
"""The server wants a proof of who invites: the agent gives it in the invitation window, then the invitation goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import msgspec
from PySide6.QtCore import QObject

from app.desktop.launch import LinkOpener
from app.domain.assist import Phase
from widgets.remote.ports import ProofAsk, SessionInfo

__all__ = ["ProofControls", "ProofLink", "ways_wanted"]

_CANCELLED = "cancelled"


class _Refusal(msgspec.Struct, frozen=True):
    code: str = ""
    detail: str = ""


class ProofLink(Protocol):
    """Of the link to the sync worker what takes proofs."""

    def prove(self, password: str | None, then: Callable[[str | None, int], None], page: Callable[[str], None]) -> None:
        """Prove who speaks; without a password in the browser."""
        ...

    def cancel_proof(self) -> None:
        """Wait for the browser no longer."""
        ...


def ways_wanted(status: int, body: bytes) -> ProofAsk | None:
    """Return how a refused invitation can go on with a proof, or None when it was refused for something else."""
    if status != 403:
        return None
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    ways = refusal.detail.split()
    return ProofAsk("password" in ways, "browser" in ways) if refusal.code == "proof_too_old" else None


class ProofControls(QObject):
    """Part of an `AgentSession`. What is typed goes to the worker and is kept nowhere."""

    info: SessionInfo

    def _proofs(self) -> ProofLink:
        raise NotImplementedError

    def _show(self) -> None:
        raise NotImplementedError

    def _invite_anew(self) -> None:
        raise NotImplementedError

    def prove(self, password: str) -> None:
        """Prove with the password who invites."""
        self._begin(password)

    def prove_in_browser(self) -> None:
        """Prove it at the organisation's provider."""
        self._begin(None)

    def stop_browser(self) -> None:
        """Wait for the browser no longer."""
        ask = self.info.proof_ask
        if ask is not None and ask.in_browser:
            self._proofs().cancel_proof()
            self._tell(replace(ask, in_browser=False, page=""))

    def _begin(self, password: str | None) -> None:
        ask = self.info.proof_ask
        if ask is None or ask.busy or ask.in_browser:
            return
        self._tell(replace(ask, busy=password is not None, in_browser=password is None, problem="", wait_s=0, page=""))
        self._proofs().prove(password, self._proved, self._open_page)

    def _tell(self, ask: ProofAsk | None) -> None:
        self.info = replace(self.info, proof_ask=ask)
        self._show()

    def _proved(self, code: str | None, retry_s: int) -> None:
        ask = self.info.proof_ask
        if ask is None or self.info.view.phase is not Phase.INVITED:
            return
        if code is None:
            self._tell(None)
            self._invite_anew()
        elif code != _CANCELLED:
            self._tell(replace(ask, busy=False, in_browser=False, page="", problem=code, wait_s=retry_s))

    def _open_page(self, url: str) -> None:
        LinkOpener(lambda _why: self._no_browser(url), parent=self).open(url)

    def _no_browser(self, url: str) -> None:
        ask = self.info.proof_ask
        if ask is not None and ask.in_browser:
            self._tell(replace(ask, page=url))  # the person opens it by hand; the worker waits for it
