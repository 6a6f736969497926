# SPDX-License-Identifier: GPL-3.0-or-later
"""Diagnostics of a computer as windows show them: plain texts in the reader's words. All of it is from outside."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FactLine", "FactSection", "Facts", "FactsReport"]


@dataclass(frozen=True, slots=True)
class FactLine:
    """What it is about, what was found, and whether the customer keeps it back."""

    text: str
    value: str
    struck: bool = False


@dataclass(frozen=True, slots=True)
class FactSection:
    """One kind of facts. `note` says why it is empty or short; `struck`: all of it is kept back."""

    name: str
    title: str
    note: str
    lines: tuple[FactLine, ...] = ()
    struck: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """A bundle: in sections for reading, and as the exact text that leaves or came, of `size` bytes."""

    sections: tuple[FactSection, ...]
    exact: str
    size: int
    kept_back: int = 0


@dataclass(frozen=True, slots=True)
class FactsReport:
    """What came to the agent. `since` names the bundle it was compared with; None: there was none, or not here.

    `problem` says what could not be done about it.
    """

    facts: Facts
    made: str
    changes: tuple[str, ...] = ()
    since: str | None = None
    problem: str = ""
