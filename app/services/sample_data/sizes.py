# SPDX-License-Identifier: GPL-3.0-or-later
"""The four sizes of a data set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """How much is made. `items` counts messages and notes together and is met exactly, like `tickets`."""

    name: str
    tickets: int
    items: int
    days: int
    customers: int
    organisations: int
    agents: int
    teams: int
    surges_a_month: tuple[int, int]  # least and most
    surge_tickets: tuple[int, int]  # least and most in one surge
    giant_surges: int = 0  # of 5,000 tickets each
    long_thread: int = 0  # messages of the one very long conversation
    huge_mails: bool = False  # 1 % of HTML mails over 500 kB


SIZES: dict[str, Size] = {
    s.name: s
    for s in (
        Size("small", 300, 1_200, 30, 120, 16, 6, 4, (1, 1), (30, 30)),
        Size("demo", 5_000, 20_000, 182, 1_800, 180, 15, 4, (2, 2), (30, 60)),
        Size("large", 100_000, 400_000, 730, 30_000, 2_400, 60, 8, (2, 4), (30, 400), 0, 800, huge_mails=True),
        Size("huge", 1_000_000, 4_000_000, 1_826, 250_000, 16_000, 300, 20, (2, 4), (30, 400), 2, 800, huge_mails=True),
    )
}
