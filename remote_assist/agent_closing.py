# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's end of a session whose customer's end is gone: it tells the ticket how it ended and what is missing."""

from __future__ import annotations

from typing import Any, Final

from app.domain.assist import EndReason
from app.domain.invitation import invite_hash
from remote_assist.actions import OpenEnd, Receipt
from remote_assist.agent_core import AgentCore
from remote_assist.chain import build_receipt
from remote_assist.closing import Closing, build_closing
from remote_assist.envelope import FAREWELL_N, EndBody, Envelope
from remote_assist.limits import COUNTERSIGN_WAIT_MS

__all__ = ["AgentClosing"]

_LOST_WAIT_MS: Final = 1_000  # nobody is there to send an end


class AgentClosing(AgentCore):
    """Waits for the customer's last entry, and says what is known when it does not come."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """As `AgentCore`."""
        super().__init__(*args, **more)
        self._goodbye: Envelope | None = None
        self._ended_at = 0
        self._closing_at: int | None = None

    @property
    def _left(self) -> bool:
        """Whether the customer's page was closed: after that nothing comes."""
        return self._goodbye is not None and self._goodbye.n == FAREWELL_N

    def _handle(self, envelope: Envelope) -> None:
        if isinstance(envelope.body, EndBody):
            self._goodbye = envelope
        super()._handle(envelope)

    def _before_end(self) -> None:
        super()._before_end()
        if self._reader is None:
            return
        self._ended_at = self._clock.utc_ms()
        wait = _LOST_WAIT_MS if self.view.reason is EndReason.LOST else COUNTERSIGN_WAIT_MS
        self._closing_at = self._now + (0 if self._left else wait)
        if self._left:
            self._wait_until = self._now

    def _own_deadlines(self) -> list[int | None]:
        return [*super()._own_deadlines(), self._closing_at]

    def _on_tick(self, now: int) -> None:
        super()._on_tick(now)
        if self._closing_at is not None and now >= self._closing_at:
            self._closing_at = None
            self._close_record()

    def _after_end(self, envelope: Envelope) -> None:
        super()._after_end(envelope)
        if self._has_end:
            self._closing_at = None

    @property
    def _has_end(self) -> bool:
        chain = self._chain
        return chain is not None and chain.ended

    def _close_record(self) -> None:
        chain, signed, invitation, reason = self._chain, self._signed, self._invitation, self.view.reason
        if chain is None or signed is None or invitation is None or reason is None or self._has_end:
            return
        closing = Closing(
            sid=self._sid,
            n=len(chain.entries),
            prev=chain.entries[-1].hash if chain.entries else invite_hash(signed),
            at=self._ended_at,
            by=self.view.by,
            reason=reason.value,
            whole=chain.whole,
            goodbye=self._goodbye.raw.decode() if self._goodbye is not None else "",
            left=self._left,
        )
        agent = {"id": self._certificate.agent_id, "name": self._certificate.name}
        statement = build_closing(self._identity.device_key, closing, agent)
        ticket = invitation.ticket_id
        self._out.append(OpenEnd(self._sid, ticket, closing.n, closing.at, statement.to_text()))
        if chain.entries:
            key, org = self._session_key, self._identity.organisation_key
            data = build_receipt(signed, org, key, chain.entries, closing=statement)
            self._out.append(Receipt(self._sid, ticket, data, countersigned=False))
