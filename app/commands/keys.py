# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of one's own: what a person chose instead of the table's, which keys nobody may use, what clashes (UX-28)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from app.commands.table import Command, When

__all__ = ["KeyRefused", "check_key", "key_choices", "key_text", "rebound"]

# input methods and desktops need these (UX.md section 3)
_TAKEN: Final = frozenset({
    "Ctrl+Space", "Shift+Space", "Ctrl+Shift+Space", "Ctrl+Shift+U", "Ctrl+Shift+E", "Ctrl+.", "Ctrl+;", "F9", "Hangul",
    "Hangul_Hanja", "Alt+Tab", "Alt+F4", "Ctrl+Alt+Left", "Ctrl+Alt+Right", "Ctrl+Alt+Up", "Ctrl+Alt+Down",
    "Ctrl+Alt+Del", "Tab", "Shift+Tab", "Ctrl+Tab", "Esc", "F10", "Return", "Enter", "Space",
})  # fmt: skip
_LETTER_WITH_ALT: Final = re.compile(r"(Ctrl\+)?Alt\+(Shift\+)?.", re.IGNORECASE)
_SEPARATOR: Final = ";"
_PLACES: Final[Mapping[When, frozenset[str]]] = {
    When.LIST: frozenset({"list"}),
    When.TICKET: frozenset({"list", "ticket"}),
    When.COMPOSER: frozenset({"composer"}),
    When.COMPOSER_NOTE: frozenset({"composer"}),
    When.TICKET_OR_COMPOSER: frozenset({"list", "ticket", "composer"}),
    When.SESSION: frozenset({"session"}),
    When.NEEDS: frozenset({"needs"}),
}


class KeyRefused(Exception):
    """A key cannot be this command's. `other` has it where both apply; None: desktops or input methods need it."""

    def __init__(self, other: Command | None = None) -> None:
        super().__init__(other.id if other else "reserved")
        self.other = other


def key_choices(text: str) -> dict[str, tuple[str, ...]]:
    """Read what a person chose: "ticket.solve=Ctrl+E; ticket.reply=". Without a key the command has none."""
    out: dict[str, tuple[str, ...]] = {}
    for part in text.split(_SEPARATOR):
        id_, mark, key = part.strip().partition("=")
        if mark and id_.strip():
            out[id_.strip()] = (key.strip(),) if key.strip() else ()
    return out


def key_text(choices: Mapping[str, tuple[str, ...]]) -> str:
    """Write choices as they are kept."""
    return f"{_SEPARATOR} ".join(f"{id_}={keys[0] if keys else ''}" for id_, keys in sorted(choices.items()))


def check_key(table: Sequence[Command], id_: str, key: str) -> None:
    """Raise KeyRefused when a command may not have a key. Keys in Qt's portable spelling."""
    command = next(each for each in table if each.id == id_)
    if key in _TAKEN or key.startswith("Meta+") or _LETTER_WITH_ALT.fullmatch(key):
        raise KeyRefused
    for other in table:
        if other.id != id_ and key in other.keys and _meet(command.when, other.when):
            raise KeyRefused(other)


def rebound(table: Sequence[Command], choices: Mapping[str, tuple[str, ...]]) -> tuple[Command, ...]:
    """Return the table with a person's keys. A choice that clashes or is forbidden is left out: the table's key stays.

    All choices are taken together, so that two commands can change places.
    """
    wanted = {c.id: choices[c.id] for c in table if c.id in choices}
    while True:
        made = tuple(_with(c, wanted[c.id]) if c.id in wanted else c for c in table)
        bad = next((id_ for id_, keys in sorted(wanted.items()) if keys and not _fits(made, id_, keys[0])), None)
        if bad is None:
            return made
        del wanted[bad]


def _fits(table: Sequence[Command], id_: str, key: str) -> bool:
    try:
        check_key(table, id_, key)
    except KeyRefused:
        return False
    return True


def _with(command: Command, keys: tuple[str, ...]) -> Command:
    return Command(command.id, command.title, keys, command.when, command.menu, command.many)


def _meet(one: When, other: When) -> bool:
    """Whether there is a place where both apply."""
    if When.SESSION in (one, other):
        return one is other  # it has a window of its own
    if When.ALWAYS in (one, other):
        return True
    return one is other or bool(_PLACES.get(one, frozenset()) & _PLACES.get(other, frozenset()))
