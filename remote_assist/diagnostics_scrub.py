# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes out of a text what says who somebody is or opens something: before the customer sees it, and before it leaves.

Words that a person wrote freely cannot be known by a rule; that is why the customer reads and strikes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

from remote_assist.diagnostics import MAX_KEY, MAX_TEXT, Item, Value, unseen

__all__ = ["Scrubber"]

_KEYS: Final = (
    r"[\w-]{0,40}(?:passw(?:or)?d|passwd|passphrase|passcode|pwd|secret|token|api[_-]?key|private[_-]?key|credentials?|"
    r"authorization|cookie|session[_-]?id|비밀번호|암호)"
)
_RULES: Final = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"-----BEGIN [^-]*-----(?s:.*?)(?:-----END [^-]*-----|$)", "<secret>"),
        (r"(?i)\b(bearer|basic|digest|negotiate|ntlm)\s+[\w.~+/=-]{6,}", r"\1 <secret>"),
        (rf"(?i)({_KEYS}[\"']?\s*[:=]\s*)(?:\"[^\"]*\"?|'[^']*'?|[^\s,;&]+)", r"\1<secret>"),
        (rf"(?i)(--?{_KEYS}\s+)\S+", r"\1<secret>"),
        (r"\beyJ[\w-]{5,}(?:\.[\w-]*){1,4}", "<secret>"),
        (r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@]+@", r"\1<secret>@"),
        (r"(?i)\b([a-z][a-z0-9+.-]*://[^\s?#]*)[?#]\S*", r"\1?<left out>"),
        (r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+", "<mail>"),
        (r"(?i)\{?\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b\}?", "<id>"),
        (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", "<secret>"),
        (r"(?i)(?<![0-9a-z])(enx)?[0-9a-f]{12}(?![0-9a-z])", r"\1<mac>"),
        (r"(?i)(?<![0-9a-f:-])[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4,}(?![0-9a-f])", "<mac>"),
        (r"(?i)(?<![0-9a-f.])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![0-9a-f.])", "<mac>"),
        (r"(?i)\b[0-9a-f]{1,4}:[0-9a-f]{0,2}ff:fe[0-9a-f]{2}:[0-9a-f]{1,4}\b", "<mac>"),
        (r"\bS-1-5-21(?:-\d+)+", "<id>"),
        (
            r"(?i)\b(serial(?:[ _-]?(?:number|no|nr))?|s/n|일련\s?번호)(\.?[\"']?\s*[:=#]?\s*)[\w-]*\d[\w-]*",
            r"\1\2<id>",
        ),
        (r"(?i)(?<![0-9a-z])[0-9a-f]{24,}(?![0-9a-z])", "<id>"),
        (r"(?<![\w+/-])(?=[\w+=-]*\d)(?=[\w+=-]*[a-z])(?=[\w+=-]*[A-Z])[A-Za-z0-9_+=-]{32,}", "<id>"),
        (r"(?<!\d)\d{6}-[1-8]\d{6}(?!\d)", "<number>"),
        (r"(?<!\d)(?:\d{4}[ -]){3}\d{1,7}(?!\d)", "<number>"),
        (r"(?<![\d.])\d{13,}(?![\d.])", "<number>"),
        (r"(?<!\d)0\d{1,2}-\d{3,4}-\d{4}(?!\d)", "<number>"),
        (r"(?i)\b([a-z]:[\\/]+users[\\/]+)(?:[^\\/:*?\"<>|\r\n]{1,64}(?=[\\/])|[^\\/\s:*?\"<>|]+)", r"\1<user>"),
        (r"((?<![\w.~-])/(?:home|Users|export/home|var/home)/)[^/\s:\"'<>]+", r"\1<user>"),
        (r"((?<![\w.~-])/(?:run/media|media)/)[^/\s:\"'<>]+(/[^/\s:\"'<>]+)?", r"\1<user>"),
        (r"((?<![\w.~-])/Volumes/)[^/:\"'<>]+", r"\1<volume>"),
        # documents say much by their names; what programs keep for themselves stays readable
        (r"((?:~|<user>)[\\/]+)(?!\.\w|AppData\b|Library\b|[\\/])[^\"':,;<>()\[\]|]+", r"\1<left out>"),
    )
)
# names that say nothing of a person, and words that would take half of a text along
_NOBODY: Final = frozenset(
    {
        "root", "user", "users", "admin", "administrator", "guest", "test", "owner", "default", "public", "system",
        "desktop", "laptop", "localhost", "computer", "deskside", "home", "work", "office", "local", "workgroup",
        "windows", "linux", "macos", "debian", "ubuntu", "fedora",
    }
)  # fmt: skip
_AS_IT_IS: Final = frozenset({"device.serial"})  # collected only where it is what was asked for
_MOST_READ: Final = 2000  # characters; a longer text is cut before it is looked at


class Scrubber:
    """Knows this computer's person. Any thread."""

    def __init__(self, home: PurePath, people: Iterable[str], computers: Iterable[str]) -> None:
        """`people` are log-in and full names, `computers` names and domains of this machine."""
        self._home = _home_pattern(home)
        self._people = _names_pattern(people)
        self._computers = _names_pattern(computers)

    def text(self, text: str) -> str:
        """Return one line without what must not leave."""
        text = _one_line(text[:_MOST_READ])
        text = self._home.sub("~", text) if self._home else text
        for pattern, by in _RULES:
            text = pattern.sub(by, text)
        text = self._computers.sub("<computer>", text) if self._computers else text
        return self._people.sub("<user>", text) if self._people else text

    def value(self, value: Value) -> Value:
        """Return a value without what must not leave; numbers stay."""
        if isinstance(value, str):
            return _short(self.text(value), MAX_TEXT)
        return round(value, 1) if isinstance(value, float) else value

    def item(self, item: Item) -> Item:
        """Return an item as it may be shown."""
        word, colon, subject = item.key.partition(":")
        if word in _AS_IT_IS:
            return Item(word, _short(_one_line(str(item.value)), MAX_TEXT))
        return Item(_short(word + colon + self.text(subject), MAX_KEY), self.value(item.value))


def _one_line(text: str) -> str:
    """Breaks and tabs become spaces; what shows nothing, or turns the direction of text, goes."""
    spaced = "".join(" " if c.isspace() else c for c in unicodedata.normalize("NFC", text))
    return " ".join("".join(c for c in spaced if not unseen(c)).split())


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _home_pattern(home: PurePath) -> re.Pattern[str] | None:
    parts = [part for part in home.parts if part.strip("/\\")]
    if not parts:
        return None
    drive, rest = (parts[0], parts[1:]) if parts[0].endswith((":", ":\\")) else ("", parts)
    start = re.escape(drive.rstrip("\\")) + r"[\\/]+" if drive else r"(?<![\w.~-])/"
    inner = r"[\\/]+".join(map(re.escape, rest))
    return re.compile(rf"(?i){start}{inner}(?![\w.-])")


def _names_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    parts: set[str] = set()
    for name in names:
        whole = " ".join(unicodedata.normalize("NFC", name).split())
        parts |= {whole, *whole.split(), whole.partition(".")[0]}
    kept = [part for part in parts if part.casefold() not in _NOBODY and len(part) >= (3 if part.isascii() else 2)]
    if not kept:
        return None
    bounded = (
        rf"(?<![A-Za-z0-9]){re.escape(part)}(?![A-Za-z0-9])" if part.isascii() else re.escape(part)
        for part in sorted(kept, key=len, reverse=True)
    )
    return re.compile("(?i)" + "|".join(bounded))
