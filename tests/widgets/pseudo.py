# SPDX-License-Identifier: GPL-3.0-or-later
"""A language that nobody speaks: English with strange letters, two fifths longer, as German would be.

What reads as plain English in it was not translated; what has no room in it has none in German. `speak_pseudo` is for
programs of tests alone: it changes the process until that ends, or until `speak_again`.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable
from importlib.resources.abc import Traversable

from app.config import i18n

__all__ = ["FIRST", "LAST", "PseudoTexts", "pseudo", "speak_pseudo"]

FIRST, LAST = "«", "»"
LONGER = 0.4
_STRANGE = str.maketrans("aeiouyACEIOUcnszAEIOU", "áéíóúýÁÇÉÍÓÚçñšžÁÉÍÓÚ")
_KEPT = re.compile(r"(\{[^}]*\}|%\([a-z_]+\)s|%[-#]?[A-Za-z]|https?://\S+|deskside://\S*|\n)")


def pseudo(text: str) -> str:
    """Return the text in the strange language; placeholders stay as they are."""
    if not text:
        return text
    parts = [part if _KEPT.fullmatch(part) else part.translate(_STRANGE) for part in _KEPT.split(text)]
    letters = sum(len(part) for part in parts if not _KEPT.fullmatch(part))
    more = round(letters * LONGER)
    # words, not one long one: longer texts may wrap
    padding = "".join(" " if n % 7 == 0 and more > 4 else "o" for n in range(more))
    return f"{FIRST}{''.join(parts)}{padding.rstrip()}{LAST}"


class PseudoTexts(gettext.NullTranslations):
    """A catalogue that has every text."""

    def gettext(self, message: str) -> str:
        """The text made strange."""
        return pseudo(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """The text for `n`."""
        return pseudo(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:
        """The text, whatever its context."""
        del context
        return pseudo(message)

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        """The text for `n`, whatever its context."""
        del context
        return self.ngettext(msgid1, msgid2, n)


def speak_pseudo() -> Callable[[], None]:
    """Let this process speak it, also when windows choose English anew. Returns the way back."""
    usual = i18n.load_catalogues

    def load(language: i18n.Language, root: Traversable | None = None) -> gettext.NullTranslations:
        return PseudoTexts() if language == "en" else usual(language, root)

    i18n.load_catalogues = load
    i18n.set_language("en")

    def back() -> None:
        i18n.load_catalogues = usual
        i18n.set_language("en")

    return back
