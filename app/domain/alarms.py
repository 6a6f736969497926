# SPDX-License-Identifier: GPL-3.0-or-later
"""Security alarms of screen sharing: which lines of a ticket are alarms, and who is told of them."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

from app.domain.invitation import BAD_INVITATION_LINE

__all__ = ["ALARM_LINES", "NUMBER_LINE", "VIOLATION_LINE", "is_told"]

VIOLATION_LINE: Final = "session.violation"  # what broke a rule was stopped
NUMBER_LINE: Final = "session.sas"  # an alarm where its data has `ok`, which is said only of numbers that differ
ALARM_LINES: Final = (BAD_INVITATION_LINE, NUMBER_LINE, VIOLATION_LINE)


def is_told(roles: AbstractSet[str], teams: AbstractSet[bytes], team: bytes | None) -> bool:
    """Tell whether somebody hears of alarms on a ticket of this team: administrators, and the team's leads.

    A ticket without a team is every lead's.
    """
    return "admin" in roles or ("lead" in roles and (team is None or team in teams))
