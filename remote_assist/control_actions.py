# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer's end asks its host to do with mouse and keyboard."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.control import Deed
from remote_assist.input_hands import Sharing

__all__ = ["ControlAction", "Inject", "LetGo"]


@dataclass(frozen=True, slots=True)
class Inject:
    """Customer: carry this out, unless the desktop as it is now forbids it; places are pixels of the desktop."""

    deed: Deed
    sharing: Sharing


@dataclass(frozen=True, slots=True)
class LetGo:
    """Customer: release whatever the agent holds down, and forget what waits."""


ControlAction = Inject | LetGo
