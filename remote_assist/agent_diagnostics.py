# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's end of diagnostics: takes the bundle that was asked for, once, and says whether it came."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from app.domain.assist import ProofKind, Scope
from app.domain.signed import unb64
from remote_assist import envelope as env
from remote_assist import messages as wire
from remote_assist.actions import DiagnosticsArrived, DiagnosticsUnreadable
from remote_assist.agent_wishes import AgentWishes
from remote_assist.bundle_messages import BundleBad, BundlePart
from remote_assist.diagnostics_reading import BundleBuilder
from remote_assist.messages import Malformed

__all__ = ["AgentDiagnostics"]

_MARK_BYTES: Final = 4


class AgentDiagnostics(AgentWishes):
    """What nobody asked for is not taken, and what came twice, over two connections, is shown once."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """As `AgentCore`."""
        super().__init__(*args, **more)
        self._bundle: BundleBuilder | None = None
        self._bundles_seen: set[str] = set()
        self._customer_device = b""

    @property
    def customer_device_mark(self) -> str:
        """A short mark of the customer's enrolled computer, to tell two computers of one customer apart; or empty."""
        return hashlib.sha256(self._customer_device).hexdigest()[: _MARK_BYTES * 2] if self._customer_device else ""

    def _proof_kind(self, body: env.JoinBody, key: bytes) -> ProofKind:
        kind = super()._proof_kind(body, key)
        if kind is not ProofKind.LINK and body.device_key is not None:
            self._customer_device = unb64(body.device_key)
        return kind

    def _on_message(self, message: wire.Message) -> None:
        super()._on_message(message)
        if isinstance(message, wire.DiagOffer):
            if Scope.DIAGNOSTICS in self._grants:
                self._bundle = BundleBuilder(message)
        elif isinstance(message, BundlePart | BundleBad):
            self._on_bundle(message)
        elif isinstance(message, wire.Grants) and Scope.DIAGNOSTICS not in self._grants:
            self._bundle = None

    def _on_bundle(self, message: BundlePart | BundleBad) -> None:
        builder = self._bundle
        if builder is None or builder.offer.id != message.id:
            return
        try:
            made = builder.add(message)
        except Malformed:
            self._answer_bundle(builder, ok=False)
            self._out.append(DiagnosticsUnreadable())
            return
        if made is not None:
            new = builder.offer.sha256 not in self._bundles_seen
            self._bundles_seen.add(builder.offer.sha256)
            self._answer_bundle(builder, ok=True)
            if new:
                sha256 = bytes.fromhex(builder.offer.sha256)
                self._out.append(DiagnosticsArrived(*made, sha256, self.customer_device_mark))

    def _answer_bundle(self, builder: BundleBuilder, *, ok: bool) -> None:
        self._bundle = None
        self._ask_book.used(Scope.DIAGNOSTICS)
        self._say(wire.Claim(Scope.DIAGNOSTICS.value, {"id": builder.offer.id, "ok": ok}))
