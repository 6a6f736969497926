# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent does while a customer joins with a browser and goes on with the Companion."""

from __future__ import annotations

from app.entry.demo_agent import Agent
from app.entry.demo_driver import Step, Steps

__all__ = ["MovingAgent"]


class MovingAgent(Agent):
    """Invites, and reads out the address for a browser."""

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        return super().steps() | {"browser_address": self.browser_address, "joined_with": self.joined_with}

    def browser_address(self) -> Steps:
        """The address that stands in the invitation's window for customers without the Companion."""
        session = self._running
        yield lambda: session.info.invited is not None and bool(session.info.invited.page)
        assert session.info.invited is not None
        return {"address": session.info.invited.page}

    def joined_with(self) -> Steps:
        """Wait until the customer has joined; say with what."""
        session = self._running
        yield lambda: session.info.proof is not None or session.over
        return {"browser": session.info.browser, "sid": session.sid.hex()}
