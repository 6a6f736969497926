# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's end of what is kept back: how many parts are hidden and why nothing comes. Never what it is."""

from __future__ import annotations

from typing import Final

from remote_assist import messages as wire
from remote_assist.actions import KeptBack
from remote_assist.agent_wishes import AgentWishes

__all__ = ["AgentMasks"]

_WHY: Final = frozenset({"", "rule", "locked", "hidden", "changed"})


class AgentMasks(AgentWishes):
    """Passes on what the customer's end says."""

    def _on_message(self, message: wire.Message) -> None:
        super()._on_message(message)
        if isinstance(message, wire.Covered):
            self._out.append(KeptBack(message.n, message.why if message.why in _WHY else ""))
