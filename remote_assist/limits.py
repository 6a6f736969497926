# SPDX-License-Identifier: GPL-3.0-or-later
"""Every time limit of a session in one place. Policy may shorten some and lengthen none that answers a question."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.domain.invitation import INVITATION_LIFE_MS, InvitationPolicy

__all__ = [
    "ATTEMPTS_MAX",
    "CHAIN_AGAIN_MS",
    "CHILD_END_MS",
    "COUNTERSIGN_WAIT_MS",
    "FAILED_AGAIN_MS",
    "LAST_ENTRY_MS",
    "NACK_REPEAT_MS",
    "PAUSE_ENTRY_MS",
    "REBUILD_EVERY_MS",
    "RELAY_ASK_EVERY_MS",
    "RELAY_ASK_MOST_MS",
    "RELAY_WAIT_MS",
    "UNDER_WAY_MS",
    "VIEW_REPEAT_MS",
    "VIEW_SPACING_MS",
    "VIOLATIONS_MAX",
    "VIOLATION_ENTRY_MS",
    "Limits",
]

CHILD_END_MS = 80  # `end` unconfirmed for so long: the child is killed
REBUILD_EVERY_MS = 4_000  # from one attempt to the next, on the next rung
FAILED_AGAIN_MS = 500  # after a connection that failed; longer each time, the first time not at all
ATTEMPTS_MAX = 2  # at once, beside the connection in use
RELAY_WAIT_MS = 3_000  # for credentials, where a connection without a relay is allowed too
RELAY_ASK_EVERY_MS = 100  # the consent may still be on its way to the server; longer each time
RELAY_ASK_MOST_MS = 1_000
NACK_REPEAT_MS = 1_000
COUNTERSIGN_WAIT_MS = 10_000  # after the end: only the receipt and its countersignature are still read
CHAIN_AGAIN_MS = 300  # entries asked for more often are not sent again
LAST_ENTRY_MS = 1_000  # the last entry comes when the customer's child is gone; after that it is asked for
VIEW_SPACING_MS = 250  # a window being resized does not flood `ctl`
VIEW_REPEAT_MS = 30_000  # an agent at work repeats `view`, so that the customer's idle timer knows
PAUSE_ENTRY_MS = 1_500  # a pause is recorded with the child's next figures, or without them after this time
UNDER_WAY_MS = 200  # a packet that came so soon after a change of network may have been under way before
VIOLATIONS_MAX = 10
VIOLATION_ENTRY_MS = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Milliseconds each state may last."""

    invited_ms: int = INVITATION_LIFE_MS
    prompted_ms: int = 120_000
    connecting_ms: int = 30_000
    unverified_ms: int = 180_000
    question_ms: int = 60_000
    idle_ms: int = 600_000
    idle_warning_ms: int = 60_000
    confirm_ms: int = 1_800_000
    hard_ms: int = 3_600_000
    paused_ms: int = 300_000
    silent_ms: int = 3_000
    lost_ms: int = 30_000

    def within(self, policy: InvitationPolicy) -> Limits:
        """Return these limits, shortened where the invitation asks for less time."""
        return replace(
            self, idle_ms=min(self.idle_ms, policy.idle_s * 1000), hard_ms=min(self.hard_ms, policy.hard_s * 1000)
        )
