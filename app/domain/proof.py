# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the last proof of who somebody is lets that person invite to screen sharing. Pure.

A proof is a password, or a sign-in at the organisation's provider, that a person gave; renewed tokens are none.
"""

from __future__ import annotations

from app.domain.certificate import CLOCK_TOLERANCE_MS

__all__ = ["AFTER_MIN", "LEAST_MIN", "MOST_MIN", "NEVER_MIN", "is_fresh"]

AFTER_MIN = 480  # a working day
LEAST_MIN, MOST_MIN = 5, 7 * 24 * 60  # an invitation lives ten minutes; a certificate a week
NEVER_MIN = 0  # the organisation asks nobody again


def is_fresh(now_ms: int, proved_at_ms: int | None, after_min: int) -> bool:
    """Tell whether a proof still counts. One that lies ahead of the clock, which was set back, counts no more."""
    if after_min == NEVER_MIN:
        return True
    if proved_at_ms is None:
        return False
    return -CLOCK_TOLERANCE_MS <= now_ms - proved_at_ms <= after_min * 60_000
