# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain text that two people hand each other in a session: clipboard and chat. What is shown is what is there. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["CHAT_CHARS_MAX", "CLIP_BYTES_MAX", "ChatLine", "fits_clipboard", "for_reading", "is_tidy", "tidied"]

CHAT_CHARS_MAX: Final = 4_000
CLIP_BYTES_MAX: Final = 1 << 20
# Control characters but tab and line end, halves of a pair, what turns the writing round, and what nobody can see.
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_LONG_LINE: Final = re.compile(r"([^\n]{1000})(?=[^\n])")
_LINE_END: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class ChatLine:
    """What somebody wrote. `mine`: at this end. `sent`: the other end has it. `at_ms` is UTC of this computer."""

    mine: bool
    n: int
    text: str
    at_ms: int
    sent: bool = True


def tidied(text: str) -> str:
    """Return the text with line ends of one kind and without characters that hide something."""
    return _HIDDEN.sub("", _LINE_END.sub("\n", text))


def is_tidy(text: str) -> bool:
    """Whether `tidied` would leave it as it is."""
    return _HIDDEN.search(text) is None and _LINE_END.search(text) is None


def for_reading(text: str) -> str:
    """Return all of a text with its endless lines broken: laying out one of a million letters takes a minute."""
    return _LONG_LINE.sub("\\1\n", text)


def fits_clipboard(text: str) -> bool:
    """Whether a tidy text may be given: something, and no more than 1 MiB."""
    return bool(text) and len(text.encode()) <= CLIP_BYTES_MAX
