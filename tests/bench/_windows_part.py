# SPDX-License-Identifier: GPL-3.0-or-later
"""The two programs of gate G11: the real client and the real Companion, each with a heartbeat on its GUI thread."""

from __future__ import annotations

import time
from typing import Any

from app.entry import demo_agent, demo_companion
from app.entry.agent_app import AgentApp
from app.entry.companion_app import CompanionApp
from app.entry.demo_agent import Agent
from app.entry.demo_companion import Customer
from app.entry.demo_driver import Step, Steps
from tests.bench._ui_part import FairHeartbeat


class Watcher(Agent):
    """The agent of the demo, whose heartbeat can begin anew at any moment."""

    def __init__(self, app: AgentApp, first: dict[str, Any]) -> None:
        super().__init__(app, first)
        self.beat: FairHeartbeat = FairHeartbeat(app)

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        return {**super().steps(), "begin": lambda: _begin(self.beat), "block": _block, "drawn": self.drawn}

    def drawn(self) -> Steps:
        """Return how many pictures the session window has shown."""
        yield lambda: True
        return {"frames": self._running.measured.frames}


class Watched(Customer):
    """The customer of the demo, with a heartbeat."""

    def __init__(self, app: CompanionApp) -> None:
        super().__init__(app)
        self.beat = FairHeartbeat(app)

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        return {
            **super().steps(), "begin": lambda: _begin(self.beat), "heartbeat": self.heartbeat, "block": _block,
        }  # fmt: skip

    def heartbeat(self) -> Steps:
        """Return how evenly the GUI thread ran."""
        yield lambda: True
        return {"figures": self.beat.result()}


def _begin(beat: FairHeartbeat) -> Steps:
    beat.start()
    yield lambda: True
    return {}


def _block(ms: float) -> Steps:
    """Hold the GUI thread: whether the heartbeat tells."""
    time.sleep(ms / 1000)
    yield lambda: True
    return {}


def agent(argv: list[str]) -> int:
    """Run the agent's program."""
    return demo_agent.main(argv, Watcher)


def companion(argv: list[str]) -> int:
    """Run the customer's program, at the same priority as the agent's."""
    return demo_companion.main(argv, Watched, behind=False)
