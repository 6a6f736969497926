# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ends ask their hosts to do about mouse and keyboard."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.control import Deed
from remote_assist.input_hands import Sharing

__all__ = ["ControlAction", "Inject", "LetGo", "OwnHands", "ShareNow"]


@dataclass(frozen=True, slots=True)
class Inject:
    """Customer: carry this out, unless the desktop as it is now forbids it; places are pixels of the desktop."""

    deed: Deed
    sharing: Sharing


@dataclass(frozen=True, slots=True)
class LetGo:
    """Customer: release whatever the agent holds down, and forget what waits."""


@dataclass(frozen=True, slots=True)
class ShareNow:
    """Customer: this is shared and hidden from now on, also for what the agent sent before and what still waits."""

    sharing: Sharing


@dataclass(frozen=True, slots=True)
class OwnHands:
    """Agent: the customer uses mouse or keyboard, so that the agent's do nothing for now; or does no longer."""

    on: bool


ControlAction = Inject | LetGo | OwnHands | ShareNow
