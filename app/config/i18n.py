# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts for people: English msgids, other languages from the gettext catalogues under resources/locale."""

from __future__ import annotations

import gettext as _gettext
import locale
import os
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, Literal

Language = Literal["ko", "en"]
LanguageChoice = Literal["ko", "en", "system"]

LANGUAGES: Final[tuple[Language, ...]] = ("ko", "en")

_ENVIRONMENT: Final = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def N_(msgid: str) -> str:  # noqa: N802 - gettext's own name, known to every extractor
    """Mark a text for the catalogues and return it as it is; translate it later with `_`."""
    return msgid


def system_language() -> Language:
    """The language of this desktop: Korean if its locale is Korean, else English."""
    names = [os.environ[name] for name in _ENVIRONMENT if os.environ.get(name)]
    name = names[0] if names else (locale.getlocale()[0] or "")
    return "ko" if name.lower().startswith("ko") else "en"


def load_catalogues(language: Language, root: Traversable | None = None) -> _gettext.NullTranslations:
    """Every area's catalogue of a language as one. English needs none: its texts are the msgids.

    `root` is the folder that holds `<lang>/LC_MESSAGES/*.mo`; by default the program's own resources.
    """
    merged = _gettext.NullTranslations()
    if language == "en":
        return merged
    folder = (root or files("resources") / "locale") / language / "LC_MESSAGES"
    if not folder.is_dir():
        return merged
    for area in sorted((entry for entry in folder.iterdir() if entry.name.endswith(".mo")), key=lambda e: e.name):
        with area.open("rb") as stream:
            merged.add_fallback(_gettext.GNUTranslations(stream))
    return merged


class _Current:
    """What the process speaks now. One object, replaced whole, so that any thread may read it without a lock."""

    def __init__(self) -> None:
        self.language: Language = "en"
        self.texts: _gettext.NullTranslations = _gettext.NullTranslations()


_current = _Current()


def set_language(choice: LanguageChoice) -> Language:
    """Switch every later `_` of this process to a language; returns the one chosen for "system". Any thread."""
    language: Language = system_language() if choice == "system" else choice
    texts = load_catalogues(language)
    _current.texts, _current.language = texts, language
    return language


def language() -> Language:
    """The language that `_` speaks now. English until `set_language` is called."""
    return _current.language


def _(msgid: str) -> str:
    """The text in the language spoken at the time of the call. Any thread."""
    return _current.texts.gettext(msgid) if msgid else ""


def ngettext(singular: str, plural: str, n: int) -> str:
    """The text for `n` things; put the number in yourself: `ngettext("{n} ticket", …, n).format(n=n)`."""
    return _current.texts.ngettext(singular, plural, n)


def pgettext(context: str, msgid: str) -> str:
    """A text whose English word means two things, told apart by context: `pgettext("ticket state", "Open")`."""
    return _current.texts.pgettext(context, msgid)
