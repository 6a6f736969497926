# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a file of settings as people write it: one mistake costs its own line, and is told with its number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Found", "read_values"]

_TOLD_CHARS: Final = 60
_EMPTY: Final = frozenset({"", "{", "}", "},", "{}"})


@dataclass(frozen=True, slots=True)
class Found:
    """`lines` says at which line a key stands; `wrong` are (line, what stands there) that could not be used."""

    values: dict[str, object] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    wrong: tuple[tuple[int, str], ...] = ()


def read_values(text: str) -> Found:
    """Return what can be used of a text. A sound file is JSON; a broken one is read line by line."""
    values: dict[str, object] = {}
    lines: dict[str, int] = {}
    wrong: list[tuple[int, str]] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line in _EMPTY:
            continue
        pair = _pair(line)
        if pair is None:
            wrong.append((number, line[:_TOLD_CHARS]))
        else:
            values.update(pair)
            lines.update(dict.fromkeys(pair, number))
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        if not wrong:  # a comma or a bracket
            place = getattr(error, "lineno", 1)
            wrong.append((place, str(getattr(error, "msg", error))[:_TOLD_CHARS]))
        return Found(values, lines, tuple(wrong))
    if not isinstance(whole, dict):
        return Found({}, {}, ((1, text.strip()[:_TOLD_CHARS]),))
    return Found(whole, lines)


def _pair(line: str) -> dict[str, object] | None:
    """Read one line, with or without the brackets and the comma round it."""
    inner = line.removeprefix("{").removesuffix("}").strip().removesuffix(",")
    try:
        found = json.loads("{" + inner + "}")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found else None
