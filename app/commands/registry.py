# SPDX-License-Identifier: GPL-3.0-or-later
"""Binds commands of the table to what a window does, and answers what may run now. One per window, no toolkit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from app.commands.table import AGENT, Command, Place, applies

__all__ = ["Registry"]


class Registry:
    """The commands of one window. A command without a binding does not exist there: no menu, key or palette line."""

    def __init__(self, places: Callable[[], Iterable[Place]], table: Sequence[Command] = AGENT) -> None:
        """`places` tells where the person is at the time of the call."""
        self._places = places
        self._table = {command.id: command for command in table}
        self._runs: dict[str, Callable[[], object]] = {}
        self._recent: list[str] = []
        self._only: frozenset[str] | None = None

    def bind(self, id_: str, run: Callable[[], object]) -> None:
        """Say what a command does. Raises KeyError for an id that the table does not have."""
        self._runs[self._table[id_].id] = run

    def leave_out(self, beginnings: tuple[str, ...]) -> None:
        """Forget the commands whose ids begin so: this window does not have them."""
        self._runs = {id_: run for id_, run in self._runs.items() if not id_.startswith(beginnings)}

    def use(self, table: Sequence[Command]) -> None:
        """Take other keys: the same commands, as a person has bound them. What they do stays."""
        self._table = {command.id: command for command in table}

    def commands(self) -> list[Command]:
        """Return the commands that exist in this window, in the table's order."""
        return [command for command in self._table.values() if command.id in self._runs]

    def get(self, id_: str) -> Command:
        """Return a command of the table. Raises KeyError."""
        return self._table[id_]

    def can_run(self, id_: str) -> bool:
        """Tell whether the command exists here and applies now."""
        if self._only is not None and id_ not in self._only:
            return False
        return id_ in self._runs and applies(self._table[id_].when, set(self._places()))

    def runnable(self) -> frozenset[str]:
        """Return the commands that exist here and apply now."""
        places = set(self._places())
        found = (id_ for id_ in self._runs if applies(self._table[id_].when, places))
        return frozenset(found) if self._only is None else self._only.intersection(found)

    def restrict(self, ids: frozenset[str] | None) -> None:
        """Let only these commands run, for a window that is locked; None lets all run again."""
        self._only = ids

    def run(self, id_: str) -> bool:
        """Run a command if it applies now, and remember it; tell whether it ran."""
        if not self.can_run(id_):
            return False
        if id_ in self._recent:
            self._recent.remove(id_)
        self._recent.insert(0, id_)
        self._runs[id_]()
        return True

    def recent(self) -> list[str]:
        """Return ids of commands already run, the latest first."""
        return list(self._recent)
