# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines whose own words (usage, complaints) are spoken like the program's: argparse asks gettext for them."""

from __future__ import annotations

import argparse
import gettext
from importlib.resources import files
from typing import Any

from app.config.i18n import N_, language

__all__ = ["CommandLine"]

_AREA = "tools"
_WORDS = (
    N_("usage: "),
    N_("options"),
    N_("positional arguments"),
    N_("show this help message and exit"),
    N_("%(prog)s: error: %(message)s\n"),
    N_("argument %(argument_name)s: %(message)s"),
    N_("the following arguments are required: %s"),
    N_("one of the arguments %s is required"),
    N_("unrecognized arguments: %s"),
    N_("expected one argument"),
    N_("expected at least one argument"),
    N_("expected at most one argument"),
    N_("not allowed with argument %s"),
    N_("ignored explicit argument %r"),
    N_("ambiguous option: %(option)s could match %(matches)s"),
    N_("invalid %(type)s value: %(value)r"),
    N_("invalid choice: %(value)r (choose from %(choices)s)"),
)


class CommandLine(argparse.ArgumentParser):
    """A parser for people. Made after `set_language`, whose language it speaks."""

    def __init__(self, **words: Any) -> None:
        # another domain has no catalogue of these words, so it speaks English
        gettext.bindtextdomain(_AREA, str(files("resources") / "locale"))
        gettext.textdomain(_AREA if language() == "ko" else "messages")
        super().__init__(**words)
