# SPDX-License-Identifier: GPL-3.0-or-later
"""Causal consistency of what people read, from their journals alone.

Each change carries its past: all changes that its author had written or seen. Who sees any part of a change has its
whole past from then on. So nobody may miss an element of a change in his past, or read in a register a value that a
change in his past was made after. This is read-your-writes, monotonic reads and writes, writes-follow-reads and
atomic changes in one rule. (The properties: nurturenature/jepsen-powersync, README; the rule is our own.)
"""

from __future__ import annotations

import contextlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["History", "elements", "read_history", "registers"]

Step = tuple[int, int, list[Any]]  # when, who, what


def elements(
    notes: Iterable[bytes], lines: Iterable[bytes], new: Iterable[bytes], firsts: Iterable[bytes]
) -> list[str]:
    """Name the members of the set that only grows."""
    kinds = (("note", notes), ("line", lines), ("ticket", new), ("message", firsts))
    return [f"{kind} {id_.hex()}" for kind, ids in kinds for id_ in ids]


def registers(rows: Iterable[tuple[bytes, Mapping[str, Any]]]) -> dict[str, Any]:
    """Name the registers and give their values."""
    return {f"{ticket.hex()} {name}": value for ticket, fields in rows for name, value in fields.items()}


@dataclass(slots=True)
class _Change:
    """What one change wrote, and the changes that its author knew (a bit each)."""

    token: str
    bit: int
    past: int
    sets: dict[str, Any]
    adds: list[str]


@dataclass(slots=True)
class _Person:
    """What one person knows, and what was on the screen last."""

    past: int = 0
    seen: set[str] = field(default_factory=set)
    values: dict[str, Any] = field(default_factory=dict)


@dataclass
class History:
    """All that was written and read in one run, in the order of time."""

    initial: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)
    tried: dict[str, str] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    values: dict[str, set[str]] = field(default_factory=dict)  # of saved changes of registers
    reads: int = 0

    def __post_init__(self) -> None:
        """Start without changes."""
        self._changes: dict[str, _Change] = {}
        self._by_element: dict[str, _Change] = {}
        self._by_value: dict[tuple[str, Any], _Change] = {}
        self._writers: dict[str, list[_Change]] = defaultdict(list)
        self._people: dict[int, _Person] = defaultdict(_Person)
        self._first: dict[str, Any] = {}

    def take(self, who: int, what: str, words: Sequence[Any]) -> None:
        """Go on by one line of a journal."""
        person = self._people[who]
        if what == "try":
            self._try(person, *words)
        elif what == "done":
            (token,) = words
            change = self._changes[token]
            person.past |= change.bit
            self.done[token] = self.tried[token]
            if change.sets:
                self.values[token] = {str(value) for value in change.sets.values()}
        else:
            self._read(who, person, *words)

    def end(self) -> None:
        """At the end everybody must have everything that was saved, and the same."""
        for change in self._changes.values():
            if change.token in self.done:
                for person in self._people.values():
                    person.past |= change.bit | change.past
        for who, person in self._people.items():
            self._check(f"{who} at the end", person)
        screens = [(person.values, person.seen) for person in self._people.values()]
        self.violations += ["the last screens differ" for screen in screens[1:] if screen != screens[0]]

    def _try(self, person: _Person, token: str, kind: str, sets: dict[str, Any], adds: list[str]) -> None:
        change = _Change(token, 1 << len(self._changes), person.past, sets, adds)
        self._changes[token], self.tried[token] = change, kind
        self._by_element.update(dict.fromkeys(adds, change))
        for name, value in sets.items():
            self._by_value[name, value] = change
            self._writers[name].append(change)

    def _read(
        self, who: int, person: _Person, values: dict[str, Any], new: list[str], gone: list[str], fresh: bool
    ) -> None:
        self.reads += 1
        person.values = values
        person.seen = set(new) if fresh else (person.seen - set(gone)) | set(new)
        for name, value in values.items():
            if (name, value) not in self._by_value and self._first.setdefault(name, value) != value:
                self.violations.append(f"{who} reads {value!r} in {name}, which nobody wrote")
        for element in person.seen if fresh else new:
            if element not in self._by_element and element not in self.initial:
                self.violations.append(f"{who} reads {element}, which nobody wrote")
        self._learn(person, new)
        self._check(str(who), person)

    def _learn(self, person: _Person, new: Iterable[str]) -> None:
        found = [self._by_value.get(pair) for pair in person.values.items()]
        found += [self._by_element.get(element) for element in new]
        for change in found:
            if change is not None:
                person.past |= change.bit | change.past

    def _check(self, who: str, person: _Person) -> None:
        for change in self._changes.values():
            if change.bit & person.past and any(element not in person.seen for element in change.adds):
                self.violations.append(f"{who} misses what {change.token} added")
        for name, value in person.values.items():
            read = self._by_value.get((name, value))
            for later in self._writers[name]:
                if later is read or not later.bit & person.past:
                    continue
                if read is None or later.past & read.bit:
                    self.violations.append(f"{who} reads {value!r} in {name}, though {later.token} came after it")


def read_history(folders: Sequence[Path], initial: Iterable[str]) -> History:
    """Check the journals of all computers of a run."""
    steps: list[Step] = []
    for who, folder in enumerate(folders):
        for line in (folder / "journal").read_text().splitlines():
            with contextlib.suppress(ValueError):  # a kill may cut a line
                at, *words = json.loads(line or "[0]")
                steps += [(at, who, words)] if words else []
    history = History(set(initial))
    for _, who, (what, *words) in sorted(steps, key=lambda step: step[:2]):
        history.take(who, what, words)
    history.end()
    return history
