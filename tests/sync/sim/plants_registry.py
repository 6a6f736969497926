# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of bugs that can be planted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Change = tuple[Any, str, Any]  # owner, attribute, what stands there instead


@dataclass(frozen=True)
class Plant:
    """A bug: what it is, and what it changes."""

    what: str
    make: Callable[[], Sequence[Change]]


PLANTS: dict[str, Plant] = {}


def plant(name: str, what: str) -> Callable[[Callable[[], Sequence[Change]]], Callable[[], Sequence[Change]]]:
    """Register what makes a bug."""

    def keep(make: Callable[[], Sequence[Change]]) -> Callable[[], Sequence[Change]]:
        PLANTS[name] = Plant(what, make)
        return make

    return keep
