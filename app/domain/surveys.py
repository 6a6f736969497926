# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to the two questions, asked separately: is it solved, and were you treated well."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Answered"]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a customer answered; None: no answer to that question. `noted_by`: the agent who was told it."""

    id: bytes
    at: int
    solved: bool | None
    treated_well: bool | None
    comment: str = ""
    noted_by: str = ""

    @property
    def is_good(self) -> bool:
        """Tell whether no question was answered with no."""
        return False not in (self.solved, self.treated_well)
