# SPDX-License-Identifier: GPL-3.0-or-later
"""One policy file as it lies on the disk: opened without waiting, read whole or not at all, each key with its line."""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from app.config.i18n import N_, _

__all__ = ["SIZE_MAX", "Entry", "PolicyBroken", "Raw", "entries", "load", "shown"]

SIZE_MAX: Final = 1 << 20
_KEYS_MAX: Final = 1_000
_SHOWN_CHARS: Final = 60
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_WHY: Final[dict[str, str]] = {
    "Expecting value": N_("A value is missing here, or a text without quotation marks."),
    "Expecting ',' delimiter": N_("A comma or a closing bracket is missing here."),
    "Expecting ':' delimiter": N_("A colon is missing here."),
    "Expecting property name enclosed in double quotes": N_("A name in double quotation marks is missing here."),
    "Unterminated string starting at": N_("The text that begins here has no end."),
    "Invalid control character at": N_("A text goes over the end of its line, or holds a control character."),
}
_NO_JSON: Final = N_("This is no JSON.")


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value, and where the key stands. Lines and columns count from 1."""

    key: str
    value: object
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Raw:
    """The bytes of a file, and who could have written them."""

    data: bytes
    owner: int
    others_write: bool


class PolicyBroken(Exception):
    """Nothing of the file counts. `text` says why, for people; `line` is 0 where none is to blame."""

    def __init__(self, text: str, line: int = 0, column: int = 0) -> None:
        super().__init__(text)
        self.text, self.line, self.column = text, line, column


def load(path: Path) -> Raw:
    """Read the bytes. A pipe or a device is not waited for, a huge file not read. Raises PolicyBroken."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        raise PolicyBroken(_("There is no such file.")) from None
    except (OSError, ValueError):
        raise PolicyBroken(_("The file cannot be opened.")) from None
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise PolicyBroken(_("This is no ordinary file."))
        data = _read(handle)
    finally:
        os.close(handle)
    if len(data) > SIZE_MAX:
        raise PolicyBroken(_("The file is larger than 1 MiB. No policy is."))
    return Raw(data, about.st_uid, bool(about.st_mode & _OTHERS_WRITE))


def _read(handle: int) -> bytes:
    data = b""
    try:
        while len(data) <= SIZE_MAX and (part := os.read(handle, SIZE_MAX + 1 - len(data))):
            data += part
    except OSError:
        raise PolicyBroken(_("The file cannot be read.")) from None
    return data


def entries(data: bytes) -> list[Entry]:
    """Return what the file says, in its order, also a key that stands twice. Raises PolicyBroken."""
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PolicyBroken(_("This is no UTF-8 text."), line) from None
    return _Scan(text).read()


def shown(value: object) -> str:
    """A value from a file, short and without anything that a terminal would obey."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (RecursionError, TypeError, ValueError):
        return "…"
    short = text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in short)


class _Scan:
    """Walks the outermost object itself, for the places of its keys; what stands inside is the library's."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line, self._line_from, self._counted = 1, 0, 0
        self._json = json.JSONDecoder(parse_constant=_refuse)

    def read(self) -> list[Entry]:
        found: list[Entry] = []
        if self._next() != "{":
            self._fail(_("A policy file is one JSON object, in curly brackets."))
        self._at += 1
        if self._next() != "}":
            found.append(self._entry())
            while self._next() == ",":
                self._at += 1
                found.append(self._entry())
                if len(found) > _KEYS_MAX:
                    self._fail(_("The file holds more keys than there can be policies."))
            if self._next() != "}":
                self._fail(_("A comma or a closing bracket is missing here."))
        self._at += 1
        if self._next():
            self._fail(_("Something stands after the end of the object."))
        return found

    def _entry(self) -> Entry:
        if self._next() != '"':
            self._fail(_("A name in double quotation marks is missing here."))
        line, column = self._place(self._at)
        key = self._value()
        if self._next() != ":":
            self._fail(_("A colon is missing here."))
        self._at += 1
        self._next()
        return Entry(str(key), self._value(), line, column)

    def _value(self) -> object:
        try:
            value, self._at = self._json.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            self._fail(_(_WHY.get(error.msg, _NO_JSON)), error.pos)
        except RecursionError:
            self._fail(_("This is nested too deeply."))
        except ValueError:
            self._fail(_("No policy takes such a number."))
        return value

    def _next(self) -> str:
        found = _BLANKS.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _place(self, at: int) -> tuple[int, int]:
        """Return line and column. Counted on from the last place: a file of many keys stays quick."""
        if at < self._counted:
            self._line, self._line_from, self._counted = 1, 0, 0
        self._line += self._text.count("\n", self._counted, at)
        newline = self._text.rfind("\n", self._counted, at)
        self._line_from = newline + 1 if newline >= 0 else self._line_from
        self._counted = at
        return self._line, at - self._line_from + 1

    def _fail(self, text: str, at: int | None = None) -> NoReturn:
        raise PolicyBroken(text, *self._place(self._at if at is None else at))


def _refuse(_name: str) -> object:
    raise ValueError
