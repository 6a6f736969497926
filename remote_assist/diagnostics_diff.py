# SPDX-License-Identifier: GPL-3.0-or-later
"""What has changed on a computer between two bundles of one ticket. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from remote_assist.diagnostics import Bundle, Section, State, Value

__all__ = ["Change", "Kind", "differences"]

# numbers that are never twice the same: told when they moved by more than a fifth
_MOVING: Final = frozenset(
    {"uptime_h", "memory.available_mb", "swap.used_mb", "disk.free_gb", "host.ms", "network.speed_mbit"}
)
_PRESENCE_ONLY: Final = frozenset({"process"})  # whether it runs, not how much it uses
_TOLD_BY: Final = 0.2


class Kind(StrEnum):
    """What became of a line."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One line that differs; `before` or `after` is None where there was none."""

    kind: Kind
    section: str
    key: str
    before: Value = None
    after: Value = None


def differences(old: Bundle, new: Bundle) -> tuple[Change, ...]:
    """Return what differs. What one of the two does not know, because it was struck, cut or not found in time, is not
    taken for gone or new.
    """
    return tuple(change for section in new.sections for change in _of_section(old.section(section.name), section))


def _knows_all(section: Section) -> bool:
    return section.state in (State.OK, State.ABSENT) and not section.struck and not section.cut


def _of_section(old: Section | None, new: Section) -> Iterator[Change]:
    if old is None:
        return
    before = {item.key: item.value for item in old.items}
    after = {item.key: item.value for item in new.items}
    for key, value in after.items():
        if key not in before:
            if _knows_all(old):
                yield Change(Kind.ADDED, new.name, key, None, value)
        elif _differs(key, before[key], value):
            yield Change(Kind.CHANGED, new.name, key, before[key], value)
    if _knows_all(new):
        for key in (key for key in before if key not in after):
            yield Change(Kind.REMOVED, new.name, key, before[key], None)


def _differs(key: str, before: Value, after: Value) -> bool:
    word = key.partition(":")[0]
    if word in _PRESENCE_ONLY or before == after:
        return False
    if word in _MOVING and isinstance(before, int | float) and isinstance(after, int | float):
        return abs(after - before) > _TOLD_BY * max(abs(before), abs(after))
    return True
